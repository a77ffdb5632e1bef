//! From running to ended: what a shutdown waits for, step by step.
//!
//! ```text
//! Running --stop--> Releasing --Released--> Lingering --1.2 s--> Over(Exit)
//!    |  (no manager, or -M)  \______________________/
//!    +--ha.cf changed: resources stay--> Over(Restart)
//!    +--stop of a node on hold: resources stay--> Over(Leave)
//! ```
//!
//! Source: `spec/heartbeat-v1.md` section 2.5.
//! Differs: heartbeat ends 2 s after its release. Here the daemon stays just long enough for a
//! lost `shutdone` to be asked for again (250 ms each try); the hand-over doesn't wait for it.

use std::time::Duration;

use crate::time::Instant;

/// How long the daemon stays after its resources are released.
const LINGER: Duration = Duration::from_millis(1200);

/// How the daemon ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The process ends.
    Exit,
    /// The process executes itself again and keeps its resources.
    Restart,
    /// Another node counts this one as fenced: the process ends, and should not be started again
    /// before somebody has looked.
    Fenced,
    /// The process ends, its resources stay: somebody else looks after them from now on.
    Leave,
}

/// Where the daemon stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Works.
    Running,
    /// Gives its resources up.
    Releasing,
    /// All is released; stays for those who missed it.
    Lingering {
        /// Until then.
        until: Instant,
    },
    /// Ends.
    Over(End),
}

impl Phase {
    /// All resources are released, or there were none to release.
    pub fn released(self, now: Instant) -> Self {
        match self {
            Self::Running | Self::Releasing => Self::Lingering {
                until: now + LINGER,
            },
            other => other,
        }
    }

    /// When the phase ends by itself.
    pub fn timeout(self) -> Option<Instant> {
        match self {
            Self::Lingering { until } => Some(until),
            _ => None,
        }
    }

    /// What is due by `now`.
    pub fn at(self, now: Instant) -> Self {
        match self {
            Self::Lingering { until } if until <= now => Self::Over(End::Exit),
            other => other,
        }
    }
}
