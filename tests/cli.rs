//! The tools from outside: what they print, and how they exit, where no daemon runs.

#[path = "cli/compat.rs"]
mod compat;
#[path = "cli/decode.rs"]
mod decode;
#[path = "cli/everbeat.rs"]
mod everbeat;
#[path = "cli/explain.rs"]
mod explain;
#[path = "cli/history.rs"]
mod history;
#[path = "cli/keygen.rs"]
mod keygen;
mod programs;
#[path = "cli/resource_manager.rs"]
mod resource_manager;
#[path = "cli/simulate_ring.rs"]
mod simulate_ring;
#[path = "cli/stopped.rs"]
mod stopped;
#[path = "cli/transcript.rs"]
mod transcript;
