//! A network of hosts in virtual time: the same seed gives the same run.
//!
//! Generic over the machine that runs on each host ([`Machine`]), so that the node protocol
//! alone, or with the resource manager on top of it, meets the same loss, duplication,
//! reordering, delay, cuts, pauses and restarts. Checkers look on as [`Observer`].
//!
//! ```text
//! plan (seed) -> World { hosts, Network } -> Observer: checkers, transcript
//! ```
//!
//! `everbeat simulate-ring` and `tests/sim.rs` run [`ring::run`]. No I/O, no threads.

mod checks;
pub mod crm;
mod network;
mod plan;
pub mod ring;
pub mod totem;
mod world;

pub use network::{Copy, Network, Weather};
pub use plan::{Action, Course, Plan};
pub use world::{Act, Condition, Machine, Observer, World};
