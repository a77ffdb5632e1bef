//! Totem's single ring protocol, as corosync speaks it: one order of messages, one sequence of
//! memberships.
//!
//! ```text
//!            token lost, join, foreign message
//!   +------------------------------------------------+
//!   v                                                |
//!  GATHER --all agree--> COMMIT --second round--> RECOVERY --all have all--> OPERATIONAL
//!   ^  joins until consensus |  commit token          |  old ring's messages        |
//!   +------------------------+------------------------+-----------------------------+
//! ```
//!
//! One file per state; `token` is what a token does in OPERATIONAL and RECOVERY, `mcast` what a
//! message does. [`Srp`] takes datagrams and time, and gives [`Output`]s; see [`crate::proto`]
//! for the contract. Packing of messages into packets and the services are above it.
//!
//! What is promised: members that go from one ring to the next together deliver the same
//! messages in the same order before the new ring's first; each delivers its own.
//!
//! Source: `spec/totem-wire.md` D; corosync 3.1.7, `exec/totemsrp.c`.

mod commit;
mod config;
mod flow_control;
mod gather;
mod hearsay;
mod mcast;
mod members;
mod operational;
mod outbox;
mod output;
mod recovery;
mod ring_seq;
pub mod rings;
mod srp;
mod stats;
mod stream;
mod timers;
mod token;

pub use config::{Config, Flow, Timing};
pub use members::Members;
pub use outbox::QueueFull;
pub use output::{Bytes, Configuration, Delivery, Note, Output, Phase, Reached, Reason, Weight};
pub use srp::{Srp, State};
pub use stats::Stats;
