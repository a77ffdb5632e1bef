//! Simulated clusters: seeded, without sockets and clocks. `SEED=n` replays one seed.

#[path = "sim/v1/mod.rs"]
mod v1;
