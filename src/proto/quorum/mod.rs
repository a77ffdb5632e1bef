//! Votequorum: who may act, by counting votes.
//!
//! ```text
//!  change of members --begin_sync, sync_messages, ... , activate--> Quorum
//!  Votequorum of any member, in the order of the ring --handle_message--> Quorum
//! ```
//!
//! All members hear the same in the same order, so they come to the same, but for what they knew
//! before. Numbers are in [`votes`].
//!
//! Source: spec corosync-services.md 4; corosync 3.1.7, exec/votequorum.c; held to fifteen runs
//! of real clusters.

mod config;
mod handle;
mod machine;
mod sync;
pub mod votes;

pub use config::Config;
pub use handle::Refused;
pub use machine::{Machine, Output, Verdict};
