//! Odd packets: each is counted by kind, few are logged.

use std::time::Duration;

use crate::time::Instant;

/// A kind of message that we refuse or wonder at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oddity {
    /// Common fields are missing or unreadable, or a value makes no sense.
    Malformed,
    /// The sender is no node of ours: often another cluster on the same segment.
    UnknownNode,
    /// A message of an earlier life of its sender.
    Replay,
    /// Another machine uses our name or our uuid.
    Impostor,
    /// Two nodes say the same uuid.
    SharedUuid,
    /// An acknowledgement of what was never sent.
    BadAck,
    /// A retransmission request that makes no sense.
    BadRexmit,
    /// A retransmission that can't be given: the message is gone.
    Unavailable,
    /// Retransmission requests beyond what is answered in a quarter of a second.
    RexmitFlood,
    /// Messages of a sender that are missing.
    LostPackets,
    /// Missing messages that will never come.
    Irretrievable,
    /// Others are behind with their acknowledgements.
    HistoryFull,
    /// A status later than warntime.
    Late,
}

impl Oddity {
    /// Each kind, in the order of the counters.
    pub const ALL: [Self; 13] = [
        Self::Malformed,
        Self::UnknownNode,
        Self::Replay,
        Self::Impostor,
        Self::SharedUuid,
        Self::BadAck,
        Self::BadRexmit,
        Self::Unavailable,
        Self::RexmitFlood,
        Self::LostPackets,
        Self::Irretrievable,
        Self::HistoryFull,
        Self::Late,
    ];

    /// Name of its counter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownNode => "unknown-node",
            Self::Replay => "replay",
            Self::Impostor => "impostor",
            Self::SharedUuid => "shared-uuid",
            Self::BadAck => "bad-ack",
            Self::BadRexmit => "bad-rexmit",
            Self::Unavailable => "unavailable",
            Self::RexmitFlood => "rexmit-flood",
            Self::LostPackets => "lost-packets",
            Self::Irretrievable => "irretrievable",
            Self::HistoryFull => "history-full",
            Self::Late => "late",
        }
    }

    /// Lines a minute. Ordinary trouble of a bad network is told as heartbeat tells it, up to
    /// a rate that no log minds; what a stranger can cause gets one line.
    fn lines_a_minute(self) -> u32 {
        match self {
            Self::Irretrievable | Self::Late => 30,
            _ => 1,
        }
    }
}

/// Interval after which a kind may be logged again.
const INTERVAL: Duration = Duration::from_secs(60);

/// Interval of lines about lost and recovered messages of one node. Ours: heartbeat writes one
/// for each gap, four a second and more on a network that loses a fifth.
const LOSS_INTERVAL: Duration = Duration::from_secs(5);

/// Counters and the gate to the log.
#[derive(Debug, Clone, Default)]
pub struct Limiter {
    gates: [Gate; Oddity::ALL.len()],
}

#[derive(Debug, Clone, Copy, Default)]
struct Gate {
    count: u64,
    lines: u32,
    since: Option<Instant>,
    quiet: u64,
}

impl Gate {
    fn grant(&mut self, now: Instant, lines: u32, interval: Duration) -> Option<u64> {
        if self.since.is_none_or(|since| now.since(since) >= interval) {
            self.since = Some(now);
            self.lines = 0;
        }
        if self.lines >= lines {
            self.quiet += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.quiet))
    }
}

/// One line in [`LOSS_INTERVAL`] for one kind of line about one node.
#[derive(Debug, Clone, Copy, Default)]
pub struct LossGate(Gate);

impl LossGate {
    /// `Some(n)`: write the line, `n` were not written since the last.
    pub fn grant(&mut self, now: Instant) -> Option<u64> {
        self.0.grant(now, 1, LOSS_INTERVAL)
    }
}

/// The gates of a node whose messages get lost: a bad cable is told of, but fills no log.
#[derive(Debug, Clone, Copy, Default)]
pub struct LossLines {
    /// "lost packet(s) for".
    pub lost: LossGate,
    /// "No pkts missing from".
    pub whole: LossGate,
}

impl Limiter {
    /// Counts one. `Some(n)`: write the line, `n` of its kind were not written since the last.
    pub fn count(&mut self, now: Instant, kind: Oddity) -> Option<u64> {
        let gate = &mut self.gates[kind as usize];
        gate.count += 1;
        gate.grant(now, kind.lines_a_minute(), INTERVAL)
    }

    /// Counts one whose line has a gate of its own.
    pub fn tally(&mut self, kind: Oddity) {
        self.gates[kind as usize].count += 1;
    }

    /// How many there were of each kind since the start.
    pub fn counts(&self) -> impl Iterator<Item = (Oddity, u64)> + '_ {
        Oddity::ALL
            .into_iter()
            .map(|kind| (kind, self.gates[kind as usize].count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        for (i, kind) in Oddity::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, i);
        }
    }

    #[test]
    fn a_lossy_node_draws_a_line_in_five_seconds() {
        let mut gate = LossGate::default();
        let granted: Vec<_> = (0..20_000)
            .filter_map(|ms| gate.grant(Instant(ms)))
            .collect();
        assert_eq!(granted, [0, 4999, 4999, 4999]);
    }

    #[test]
    fn one_line_a_minute_tells_how_many_were_left_out() {
        let mut limiter = Limiter::default();
        assert_eq!(limiter.count(Instant(0), Oddity::Replay), Some(0));
        for n in 1..1000 {
            assert_eq!(limiter.count(Instant(n), Oddity::Replay), None);
        }
        assert_eq!(limiter.count(Instant(1), Oddity::Malformed), Some(0));
        assert_eq!(limiter.count(Instant(60_000), Oddity::Replay), Some(999));
        assert_eq!(limiter.count(Instant(60_001), Oddity::Replay), None);
        let counts: Vec<_> = limiter.counts().filter(|(_, n)| *n > 0).collect();
        assert_eq!(counts, [(Oddity::Malformed, 1), (Oddity::Replay, 1002)]);
    }
}
