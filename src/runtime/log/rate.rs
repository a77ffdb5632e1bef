//! At most so many lines of a kind in a time. Pure.

use std::time::Duration;

use crate::time::Instant;

/// Lets the first `burst` lines of each `interval` through and counts the rest.
#[derive(Debug, Clone)]
pub struct RateLimit {
    interval: Duration,
    burst: u32,
    since: Option<Instant>,
    passed: u32,
    suppressed: u64,
}

impl RateLimit {
    /// A limit of `burst` lines in `interval`.
    pub fn new(burst: u32, interval: Duration) -> Self {
        Self {
            interval,
            burst,
            since: None,
            passed: 0,
            suppressed: 0,
        }
    }

    /// One line a minute, for what comes from foreign machines.
    pub fn per_minute() -> Self {
        Self::new(1, Duration::from_secs(60))
    }

    /// Asks to write a line: `Some(n)` grants it, n being how many were refused since the last
    /// one that was granted; `None` refuses and counts.
    pub fn allow(&mut self, now: Instant) -> Option<u64> {
        let over = self
            .since
            .is_none_or(|since| now.since(since) >= self.interval);
        if over {
            self.since = Some(now);
            self.passed = 0;
        }
        if self.passed < self.burst {
            self.passed += 1;
            Some(std::mem::take(&mut self.suppressed))
        } else {
            self.suppressed += 1;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_packets_are_one_line_a_minute() {
        let mut limit = RateLimit::per_minute();
        let granted: Vec<_> = (0..120_000u64)
            .filter_map(|ms| limit.allow(Instant(ms)))
            .collect();
        assert_eq!(granted, [0, 59_999]);
    }

    #[test]
    fn a_burst_passes() {
        let mut limit = RateLimit::new(3, Duration::from_secs(1));
        let granted = (0..10)
            .filter(|_| limit.allow(Instant(5)).is_some())
            .count();
        assert_eq!(granted, 3);
        assert_eq!(limit.allow(Instant(1005)), Some(7));
    }
}
