//! Client side of heartbeat's API: asks the running daemon, ours or a real one.
//!
//! A casual client: it signs on under its process id and asks one thing at a time. Nothing here
//! waits longer than the session's deadline.
//!
//! Source: `spec/heartbeat-api.md` sections 1 and 2; requests compared with those of cl_status
//! 3.0.6 (strace).

mod query;
mod session;

#[cfg(test)]
pub(crate) mod fake;

pub use query::Link;
pub use session::{Error, SOCKET, Session};
