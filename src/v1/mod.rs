//! The haresources manager: resource groups, take-over, give-up, standby, fail-back.
//!
//! All files here are pure: events and finished work in, messages, work and log lines out. The
//! daemon runs the work (scripts, built-in addresses, STONITH) and hands back how it ended.
//!
//! One rule decides who runs a group ([`ownership`]): each node tells the others, in its
//! `resource` message, what it has of each group; a group that nobody has belongs to exactly
//! one node by a fixed order, and only that node starts it. Beside a real heartbeat, which
//! speaks of `local` and `foreign` only and needs a handshake for every hand-over, [`standby`]
//! and [`legacy`] translate: they turn its words into the same per-group claims.
//!
//! ```text
//!  Event, Command, Completed, time
//!    v
//!  machine ── acquire (starting, resource: who is there, who holds what)
//!    │        death (STONITH, take-over)   heal (partition, sleep)
//!    │        standby, legacy (handshakes with a real heartbeat)   shutdown
//!    v
//!  ownership::decide ── want / don't want, for each group
//!    v
//!  group (status, start, stop, one after the other) ──> Output::Run
//!    v
//!  acquire::announce ──> Output::Send(resource …)
//! ```
//!
//! Source: `spec/heartbeat-v1.md` sections 1, 2 and 6.

mod acquire;
mod audit;
mod config;
mod death;
mod group;
mod guard;
mod handover;
mod handshake;
mod heal;
mod ipfail;
mod legacy;
mod machine;
mod messages;
mod ownership;
mod peer;
mod saved;
mod shutdown;
mod standby;
mod view;
mod work;

pub use config::{Config, Group};
pub use guard::{Guard, GuardConfig};
pub use machine::Manager;
pub use saved::{Saved, SavedGroup};
pub use view::{GroupState, GroupView, Holding, PeerView, View};
pub use work::{Action, Command, Output, Side, Work, WorkId, WorkResult};
