//! Looks at how busy this node is.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::controller::throttle::Load;
use crate::time::Instant;

/// How often. Source: spec crm-runtime.md section 6.
const EVERY: Duration = Duration::from_secs(30);

/// When it was looked at last, and what this thread had used then.
#[derive(Debug)]
pub(super) struct Watch {
    last: Instant,
    used: Duration,
}

impl Watch {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            last: now,
            used: used(),
        }
    }

    /// When it is to be looked at next.
    pub(super) fn due(&self) -> Instant {
        self.last + EVERY
    }

    /// The load, when it is time to look.
    pub(super) fn look(&mut self, now: Instant) -> Option<Load> {
        if now < self.due() {
            return None;
        }
        let used = used();
        let busy = used.saturating_sub(self.used).as_secs_f64();
        let busy = busy / now.since(self.last).as_secs_f64();
        (self.last, self.used) = (now, used);
        let text = std::fs::read_to_string("/proc/loadavg").ok()?;
        let average = text.split_whitespace().next()?.parse().ok()?;
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        Some(Load {
            average,
            cores: u32::try_from(cores).unwrap_or(1),
            busy,
        })
    }
}

/// Time that a processor worked for this thread.
fn used() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}
