//! The tools from outside: what they print, and how they exit, where no daemon runs.

#[path = "cli/everbeat.rs"]
mod everbeat;
#[path = "cli/stopped.rs"]
mod stopped;
#[path = "cli/transcript.rs"]
mod transcript;
