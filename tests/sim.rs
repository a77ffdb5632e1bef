//! Simulated clusters: seeded, without sockets and clocks.
//!
//! `SEED=n cargo test --test sim` runs one and prints it; `everbeat simulate-ring --seed n` does
//! for the node protocol. `RUNS=n` runs more.

#[path = "sim/ring.rs"]
mod ring;
#[path = "sim/v1/mod.rs"]
mod v1;
