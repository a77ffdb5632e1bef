//! Clusters of the node protocol under faults, thousands of runs from seeds.
//!
//! `SEED=n cargo test --test sim` runs one and prints it; `everbeat simulate-ring --seed n` too.
//! `RUNS=n` runs more.

#[path = "sim/ring.rs"]
mod ring;
