//! The haresources manager: resource groups, take-over, give-up, standby, fail-back.
//!
//! `machine` files are pure: events and finished work in, messages, work and log lines out. The
//! daemon runs the work (scripts, built-in addresses, STONITH) and hands back how it ended.
//!
//! Source: `spec/heartbeat-v1.md` sections 1, 2 and 6.

mod config;
mod view;
mod work;

pub use config::{Config, Group};
pub use view::{GroupState, GroupView, Holding, View};
pub use work::{Action, Command, Output, Side, Work, WorkId, WorkResult};
