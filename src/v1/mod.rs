//! The haresources manager: resource groups, take-over, give-up, standby, fail-back.
//!
//! `machine` files are pure: events and finished work in, messages, work and log lines out. The
//! daemon runs the work (scripts, built-in addresses, STONITH) and hands back how it ended.
//!
//! Source: `spec/heartbeat-v1.md` sections 1, 2 and 6.

mod work;

pub use work::{Action, Command, Output, Side, Work, WorkId, WorkResult};
