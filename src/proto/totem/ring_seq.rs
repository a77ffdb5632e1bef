//! Numbers of rings: each is higher than those before it.
//!
//! Who forges a number near the highest there is would leave none for the next ring. So a number
//! more than [`limits::TOTEM_RING_SEQ_JUMP`] above those that a node was on is doubtful to it:
//! such are tried second, and who is on such a ring takes a lower number for a newer one. However
//! often a doubtful one is forged there is always a next. Real nodes don't doubt: for them the
//! high number is tried in turn.

use crate::limits;

/// The numbers that a node heard of.
#[derive(Debug, Clone, Copy)]
pub struct RingNumbers {
    /// The highest since the last ring that was tried (token_ring_id_seq).
    highest: u64,
    /// The same of those that aren't doubtful.
    sure: u64,
    /// The highest of all that this node was on or tried: no ring has the number of another.
    used: u64,
    /// The same of those that weren't doubtful then.
    sure_used: u64,
    /// Rings that were tried since one came into use, where the highest is doubtful.
    tried: u32,
}

impl RingNumbers {
    /// A node that was last on the ring of this number.
    pub fn new(seq: u64) -> Self {
        let sure = if seq < STORED_MAX { seq } else { 0 };
        Self {
            highest: seq,
            sure,
            used: seq,
            sure_used: sure,
            tried: 0,
        }
    }

    fn is_sure(&self, seq: u64) -> bool {
        seq <= self.sure_used.saturating_add(limits::TOTEM_RING_SEQ_JUMP)
    }

    /// True if a ring of number `a` was before one of number `b`.
    pub fn is_older(&self, a: u64, b: u64) -> bool {
        a < b && (self.is_sure(a) == self.is_sure(b))
    }

    /// True if a ring of number `a` may follow one of number `b`.
    pub fn is_newer(&self, a: u64, b: u64) -> bool {
        a > b || self.is_sure(a) && !self.is_sure(b)
    }

    /// Somebody is on a ring of this number.
    pub fn hear(&mut self, seq: u64) {
        self.highest = self.highest.max(seq);
        if self.is_sure(seq) {
            self.sure = self.sure.max(seq);
        }
    }

    /// A ring of this number is being formed.
    pub fn commit(&mut self, seq: u64) {
        self.highest = seq;
        self.used = self.used.max(seq);
        self.sure = 0;
        if self.is_sure(seq) {
            self.sure = seq;
            self.sure_used = self.sure_used.max(seq);
        }
    }

    /// A ring came into use.
    pub fn in_use(&mut self) {
        self.tried = 0;
    }

    /// The number of the next ring.
    pub fn next(&mut self) -> u64 {
        let low = self.sure.max(self.sure_used).saturating_add(STEP);
        let low = match self.is_sure(low) {
            true => low,
            false => self.sure_used.saturating_add(STEP),
        };
        if self.is_sure(self.highest) && self.highest < low {
            return low;
        }
        let is_low = self.tried.is_multiple_of(2);
        self.tried = self.tried.wrapping_add(1);
        match self.highest.max(self.used).checked_add(STEP) {
            Some(high) if !is_low => high,
            _ => low,
        }
    }
}

/// A stored number from here on follows from a forged one.
const STORED_MAX: u64 = 1 << 62;

/// Between the numbers of two rings.
/// Source: corosync 3.1.7, `memb_state_commit_token_create`.
const STEP: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_by_four() {
        let mut numbers = RingNumbers::new(1);
        assert_eq!(numbers.next(), 5);
        numbers.hear(9);
        numbers.hear(2);
        assert_eq!(numbers.next(), 13);
        numbers.commit(13);
        assert_eq!(numbers.next(), 17);
    }

    #[test]
    fn forged_numbers_leave_some_for_later_rings() {
        let mut numbers = RingNumbers::new(9);
        numbers.hear(u64::MAX);
        assert_eq!(numbers.next(), 13, "what honest nodes take");
        numbers.commit(13);
        numbers.hear(u64::MAX - 8);
        assert_eq!(numbers.next(), u64::MAX - 4, "if they didn't take it");
        numbers.commit(u64::MAX - 4);
        numbers.in_use();
        assert_eq!(numbers.next(), 17);
        numbers.commit(17);
        numbers.hear(numbers.sure_used + limits::TOTEM_RING_SEQ_JUMP);
        numbers.hear(u64::MAX);
        assert_eq!(numbers.next(), 21, "there is no higher one");
    }

    #[test]
    fn no_number_is_used_again_though_the_last_sure_one_is_forged() {
        let mut numbers = RingNumbers::new(9);
        let mut seen = vec![9];
        for _ in 0..10 {
            numbers.hear(u64::MAX);
            numbers.hear(numbers.sure_used + limits::TOTEM_RING_SEQ_JUMP);
            let next = numbers.next();
            assert!(!seen.contains(&next), "{next:x} again after {seen:x?}");
            seen.push(next);
            numbers.commit(next);
            numbers.in_use();
        }
    }

    #[test]
    fn after_a_forged_number_a_low_one_is_new() {
        let top = u64::MAX - 3;
        let numbers = RingNumbers::new(9);
        assert!(numbers.is_newer(13, 9) && !numbers.is_newer(9, 13) && !numbers.is_newer(9, 9));
        assert!(numbers.is_newer(4, top) && numbers.is_newer(top, 4));
        assert!(!numbers.is_newer(top, top));
        assert!(numbers.is_older(9, 13) && !numbers.is_older(13, 9) && !numbers.is_older(9, 9));
        assert!(!numbers.is_older(4, top) && !numbers.is_older(top, 4));
        assert!(numbers.is_older(top - 4, top));
    }
}
