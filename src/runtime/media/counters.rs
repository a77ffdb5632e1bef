//! What passed through a medium.

use serde::{Deserialize, Serialize};

/// Counts of one medium since the daemon started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Messages handed to the kernel.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Messages that the kernel refused.
    pub send_errors: u64,
    /// Messages dropped because the medium was busy, or isn't there just now.
    pub send_dropped: u64,
    /// Messages that came, good or bad.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Errors on receiving.
    pub receive_errors: u64,
    /// Junk between messages on a serial line, replies to others' pings.
    pub receive_ignored: u64,
}
