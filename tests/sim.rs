//! Simulated clusters under faults, many runs from seeds: heartbeat's node protocol, the
//! resources, both beside a hostile node, ccm's memberships and the CRM's messages on them, totem's
//! ring.
//!
//! `SEED=n cargo test --test sim` runs one and prints it; of the node protocol and of totem
//! `everbeat simulate-ring --protocol NAME --seed n` does too.
//! `RUNS=n` runs more.

#[path = "sim/ccm/mod.rs"]
mod ccm;
#[path = "sim/crm.rs"]
mod crm;
#[path = "sim/hostile/mod.rs"]
mod hostile;
#[path = "sim/messaging/mod.rs"]
mod messaging;
#[path = "sim/ring.rs"]
mod ring;
#[path = "sim/storm.rs"]
mod storm;
#[path = "sim/totem.rs"]
mod totem;
#[path = "sim/v1/mod.rs"]
mod v1;
