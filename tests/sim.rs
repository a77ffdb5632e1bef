//! Simulated clusters under faults, many runs from seeds: the node protocol, the resources,
//! both beside a hostile node.
//!
//! `SEED=n cargo test --test sim` runs one and prints it; `everbeat simulate-ring --seed n` too.
//! `RUNS=n` runs more.

#[path = "sim/ccm/mod.rs"]
mod ccm;
#[path = "sim/hostile/mod.rs"]
mod hostile;
#[path = "sim/ring.rs"]
mod ring;
#[path = "sim/v1/mod.rs"]
mod v1;
