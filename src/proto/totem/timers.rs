//! The machine's timers: at most one of each kind runs.

use crate::time::Instant;

/// A timer.
///
/// Source: `spec/totem-wire.md` D.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Timer {
    /// The token didn't come.
    TokenLoss,
    /// The token is late, to be said in the log.
    TokenWarning,
    /// Send the token once more.
    TokenRetransmit,
    /// The representative lets go of the token.
    Hold,
    /// An idle ring shows itself.
    MergeDetect,
    /// Send the join again.
    Join,
    /// A join that waits for its random part of send_join.
    SendJoin,
    /// Time for agreement is over.
    Consensus,
    /// The token didn't come back after it was sent on.
    Heartbeat,
    /// Those above haven't synchronised.
    Sync,
    /// What others say of others is believed again.
    Hearsay,
    /// So that a pause is seen.
    PauseTick,
}

const ALL: [Timer; 12] = [
    Timer::TokenLoss,
    Timer::TokenWarning,
    Timer::TokenRetransmit,
    Timer::Hold,
    Timer::MergeDetect,
    Timer::Join,
    Timer::SendJoin,
    Timer::Consensus,
    Timer::Heartbeat,
    Timer::Sync,
    Timer::Hearsay,
    Timer::PauseTick,
];

/// Which of them run, and until when.
#[derive(Debug, Clone, Default)]
pub struct Timers {
    due: [Option<Instant>; ALL.len()],
}

impl Timers {
    /// Starts it, or starts it anew.
    pub fn set(&mut self, timer: Timer, due: Instant) {
        self.due[timer as usize] = Some(due);
    }

    /// Stops those that run.
    pub fn stop(&mut self, timers: &[Timer]) {
        for timer in timers {
            self.due[*timer as usize] = None;
        }
    }

    /// Stops all.
    pub fn stop_all(&mut self) {
        self.due = [None; ALL.len()];
    }

    /// True if it runs.
    pub fn runs(&self, timer: Timer) -> bool {
        self.due[timer as usize].is_some()
    }

    /// When the first of them is due.
    pub fn next(&self) -> Option<Instant> {
        self.due.iter().flatten().min().copied()
    }

    /// Stops the first that is due by `now` and names it.
    pub fn pop(&mut self, now: Instant) -> Option<Timer> {
        let due = |timer: &Timer| self.due[*timer as usize].filter(|due| *due <= now);
        let first = ALL
            .into_iter()
            .filter_map(|timer| Some((due(&timer)?, timer as usize, timer)))
            .min_by_key(|(due, order, _)| (*due, *order));
        let (_, _, timer) = first?;
        self.stop(&[timer]);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_go_off_in_the_order_of_their_times() {
        let mut timers = Timers::default();
        timers.set(Timer::Join, Instant(20));
        timers.set(Timer::TokenLoss, Instant(10));
        timers.set(Timer::Consensus, Instant(99));
        timers.set(Timer::Join, Instant(5));
        assert_eq!(timers.next(), Some(Instant(5)));
        assert_eq!(timers.pop(Instant(4)), None);
        assert_eq!(timers.pop(Instant(10)), Some(Timer::Join));
        assert_eq!(timers.pop(Instant(10)), Some(Timer::TokenLoss));
        assert_eq!(timers.pop(Instant(10)), None);
        assert!(timers.runs(Timer::Consensus));
        timers.stop_all();
        assert_eq!(timers.next(), None);
    }
}
