//! Order of one sender's messages: what is new, what is missing, what is to be acknowledged.
//!
//! Pure bookkeeping of numbers and times; `receive.rs` acts on it.
//!
//! Source: `spec/heartbeat-wire.md` 7.1, 7.3, 7.4.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::limits;
use crate::time::Instant;

/// A gap larger than this is given up at once.
///
/// Source: heartbeat 3.0.6, `MAXMSGHIST/2`: "lost a lot of packets!".
pub const GAP_MAX: u64 = 250;

/// One message in this many is acknowledged. Source: heartbeat 3.0.6, `ACK_MSG_DIV`.
pub const ACK_INTERVAL: u64 = 10;

/// What a sequence number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The first one, or the next.
    InOrder,
    /// The last one once more.
    Duplicate,
    /// It leaves a hole of so many before it; they are on the missing list now.
    Gap(u64),
    /// The hole is too large: what was missing is forgotten.
    TooMany(u64),
    /// It was missing; `true` when nothing is missing any more.
    Recovered(bool),
    /// Old, and not missing.
    Stale,
}

/// What loss cost: messages that were missing, and what was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Repairs {
    /// Requests for missing messages that we sent.
    pub requested: u64,
    /// Missing messages that came, asked for or merely late.
    pub recovered: u64,
    /// Missing messages that were given up: refused, too many, or their sender died.
    pub given_up: u64,
    /// Our own messages that we sent again.
    pub resent: u64,
    /// Requests that we refused: the message was gone.
    pub refused: u64,
}

impl Repairs {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            requested: self.requested.saturating_add(other.requested),
            recovered: self.recovered.saturating_add(other.recovered),
            given_up: self.given_up.saturating_add(other.given_up),
            resent: self.resent.saturating_add(other.resent),
            refused: self.refused.saturating_add(other.refused),
        }
    }
}

/// Sequence state of one sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    last: Option<u64>,
    /// Highest number of this generation, kept over a death.
    highest: u64,
    /// Missing numbers and when each is asked for next.
    missing: BTreeMap<u64, Instant>,
    /// Acknowledge numbers of this remainder.
    ack_remainder: u64,
    /// Numbers below are before our time.
    floor: u64,
    acked: u64,
    repairs: Repairs,
}

impl Sequence {
    /// Nothing heard; `draw` makes the remainder of the numbers to acknowledge.
    pub fn new(draw: u64) -> Self {
        Self {
            last: None,
            highest: 0,
            missing: BTreeMap::new(),
            ack_remainder: draw % ACK_INTERVAL,
            floor: 0,
            acked: 0,
            repairs: Repairs::default(),
        }
    }

    /// The last number in order, none before the first message and after a death.
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// How many numbers are missing.
    pub fn missing_count(&self) -> usize {
        self.missing.len()
    }

    /// What its gaps cost since our start.
    pub fn repairs(&self) -> Repairs {
        self.repairs
    }

    /// Judges and records a number. `first_request` is when a missing one is asked for.
    pub fn take(&mut self, seq: u64, mut first_request: impl FnMut() -> Instant) -> Verdict {
        let verdict = match self.last {
            None => {
                self.start_at(seq);
                Verdict::InOrder
            }
            Some(last) if seq == last => Verdict::Duplicate,
            Some(last) if seq < last => match self.missing.remove(&seq) {
                Some(_) => {
                    self.repairs.recovered += 1;
                    Verdict::Recovered(self.missing.is_empty())
                }
                None => Verdict::Stale,
            },
            Some(last) => {
                let lost = seq - last - 1;
                let room = limits::HEARTBEAT_MISSING_MAX - self.missing.len();
                self.last = Some(seq);
                if lost == 0 {
                    Verdict::InOrder
                } else if lost > GAP_MAX || lost > room as u64 {
                    self.repairs.given_up = self.repairs.given_up.saturating_add(lost);
                    self.start_at(seq);
                    Verdict::TooMany(lost)
                } else {
                    for number in last + 1..seq {
                        self.missing.insert(number, first_request());
                    }
                    Verdict::Gap(lost)
                }
            }
        };
        self.highest = self.highest.max(seq);
        self.check();
        verdict
    }

    /// True if a number of the running generation was seen, or passed over, before a death.
    pub fn is_older_than_death(&self, seq: u64) -> bool {
        self.last.is_none() && seq <= self.highest
    }

    /// The number to acknowledge now, if one became due.
    pub fn ack_due(&mut self) -> Option<u64> {
        let last = self.last?;
        let whole = self.missing.keys().next().map_or(last, |first| first - 1);
        let back = (whole % ACK_INTERVAL + ACK_INTERVAL - self.ack_remainder) % ACK_INTERVAL;
        let due = whole.checked_sub(back)?;
        if due <= self.acked || due < self.floor {
            return None;
        }
        self.acked = due;
        Some(due)
    }

    /// When the next missing number is to be asked for.
    pub fn next_request(&self) -> Option<Instant> {
        self.missing.values().min().copied()
    }

    /// The missing numbers to ask for now, at most `most`; they are due again `again` later.
    pub fn requests_due(&mut self, now: Instant, again: Duration, most: usize) -> Vec<u64> {
        let mut due = Vec::new();
        for (number, at) in &mut self.missing {
            if *at <= now {
                // Those beyond the budget wait for their next turn: a flood must not build up.
                *at = now + again;
                if due.len() < most {
                    due.push(*number);
                }
            }
        }
        self.repairs.requested += due.len() as u64;
        due
    }

    /// Takes a number that can't be had off the list; true if it was on it.
    pub fn give_up(&mut self, seq: u64) -> bool {
        let was_missing = self.missing.remove(&seq).is_some();
        self.repairs.given_up = self.repairs.given_up.saturating_add(u64::from(was_missing));
        was_missing
    }

    /// The sender died: the next number is taken as it comes, if it is above all seen before.
    pub fn forget(&mut self) {
        self.last = None;
        self.drop_missing();
    }

    /// The sender started again: its numbers begin anew.
    pub fn restart(&mut self) {
        self.forget();
        self.highest = 0;
        self.floor = 0;
        self.acked = 0;
    }

    fn start_at(&mut self, seq: u64) {
        self.last = Some(seq);
        self.drop_missing();
        self.floor = seq;
    }

    fn drop_missing(&mut self) {
        let dropped = self.missing.len() as u64;
        self.repairs.given_up = self.repairs.given_up.saturating_add(dropped);
        self.missing.clear();
    }

    fn check(&self) {
        assert!(self.missing.len() <= limits::HEARTBEAT_MISSING_MAX);
        assert!(self.last.is_none_or(|last| last <= self.highest));
        if let (Some(last), Some((most, _))) = (self.last, self.missing.last_key_value()) {
            assert!(*most < last, "a missing number lies below the last one");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Instant = Instant(100);

    fn take(sequence: &mut Sequence, seq: u64) -> Verdict {
        sequence.take(seq, || SOON)
    }

    #[test]
    fn the_first_number_is_taken_as_it_comes() {
        let mut s = Sequence::new(0);
        assert_eq!(take(&mut s, 1001), Verdict::InOrder);
        assert_eq!(take(&mut s, 1001), Verdict::Duplicate);
        assert_eq!(take(&mut s, 1002), Verdict::InOrder);
        assert_eq!(take(&mut s, 5), Verdict::Stale);
    }

    #[test]
    fn a_hole_is_listed_asked_for_and_closed() {
        let mut s = Sequence::new(0);
        take(&mut s, 1);
        assert_eq!(take(&mut s, 4), Verdict::Gap(2));
        assert_eq!(s.next_request(), Some(SOON));
        let again = Duration::from_millis(250);
        assert!(s.requests_due(Instant(99), again, 9).is_empty());
        assert_eq!(s.requests_due(SOON, again, 9), [2, 3]);
        assert_eq!(s.next_request(), Some(Instant(350)));
        assert_eq!(take(&mut s, 3), Verdict::Recovered(false));
        assert_eq!(take(&mut s, 2), Verdict::Recovered(true));
        assert_eq!(s.next_request(), None);
        let expected = Repairs {
            requested: 2,
            recovered: 2,
            ..Repairs::default()
        };
        assert_eq!(s.repairs(), expected);
    }

    #[test]
    fn what_is_given_up_is_counted() {
        let mut s = Sequence::new(0);
        take(&mut s, 1);
        take(&mut s, 5);
        assert!(s.give_up(3) && !s.give_up(3));
        assert_eq!(s.repairs().given_up, 1);
        // Two are still missing when its numbers jump by far, then one at its death.
        take(&mut s, 1005);
        assert_eq!(s.repairs().given_up, 1 + 2 + 999);
        take(&mut s, 1007);
        s.restart();
        assert_eq!(s.repairs().given_up, 1003);
        // Absurd numbers don't overflow.
        take(&mut s, 1);
        take(&mut s, u64::MAX);
        assert_eq!(s.repairs().given_up, u64::MAX);
    }

    #[test]
    fn too_many_lost_are_forgotten() {
        let mut s = Sequence::new(0);
        take(&mut s, 1);
        assert_eq!(take(&mut s, 252), Verdict::Gap(250));
        assert_eq!(take(&mut s, 504), Verdict::TooMany(251));
        assert_eq!(s.missing_count(), 0);
        // Many small holes are bounded too.
        let mut s = Sequence::new(0);
        take(&mut s, 1);
        let mut given_up = false;
        for n in 1..=600 {
            given_up |= matches!(take(&mut s, 1 + 2 * n), Verdict::TooMany(_));
            assert!(s.missing_count() <= limits::HEARTBEAT_MISSING_MAX);
        }
        assert!(given_up);
    }

    #[test]
    fn one_in_ten_is_acknowledged_and_none_above_a_hole() {
        let mut s = Sequence::new(3);
        let mut acks = Vec::new();
        for n in 1..=40 {
            if n != 22 {
                take(&mut s, n);
                acks.extend(s.ack_due());
            }
        }
        assert_eq!(acks, [3, 13]);
        assert_eq!(take(&mut s, 22), Verdict::Recovered(true));
        assert_eq!(s.ack_due(), Some(33));
        assert_eq!(s.ack_due(), None);
    }

    #[test]
    fn nothing_before_the_first_number_is_acknowledged() {
        let mut s = Sequence::new(5);
        take(&mut s, 1007);
        assert_eq!(s.ack_due(), None);
        for n in 1008..=1015 {
            take(&mut s, n);
        }
        assert_eq!(s.ack_due(), Some(1015));
    }

    #[test]
    fn after_a_death_only_higher_numbers_count() {
        let mut s = Sequence::new(0);
        take(&mut s, 50);
        s.forget();
        assert!(s.is_older_than_death(50));
        assert!(!s.is_older_than_death(51));
        s.restart();
        assert!(!s.is_older_than_death(1));
    }

    #[test]
    fn the_highest_number_there_is_does_no_harm() {
        let mut s = Sequence::new(0);
        assert_eq!(take(&mut s, u64::MAX), Verdict::InOrder);
        assert_eq!(take(&mut s, 3), Verdict::Stale);
        let _ = s.ack_due();
    }
}
