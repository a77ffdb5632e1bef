//! Numbers of rings: each is higher than those before it.
//!
//! Who forges a number near the highest there is would leave none for the next ring. So numbers
//! from [`limits::TOTEM_RING_SEQ_SURE`] on are tried second, and who is on such a ring takes a low
//! number for a newer one. Real nodes don't: for them the high number is tried in turn.

use crate::limits;

/// True if a ring of number `a` was before one of number `b`.
pub fn is_older(a: u64, b: u64) -> bool {
    a < b && (is_sure(a) == is_sure(b))
}

/// True if a ring of number `a` may follow one of number `b`.
pub fn is_newer(a: u64, b: u64) -> bool {
    a > b || is_sure(a) && !is_sure(b)
}

fn is_sure(seq: u64) -> bool {
    seq < limits::TOTEM_RING_SEQ_SURE
}

/// The numbers that a node heard of.
#[derive(Debug, Clone, Copy)]
pub struct RingNumbers {
    /// The highest since the last ring that was tried (token_ring_id_seq).
    highest: u64,
    /// The same of those that are sure.
    sure: u64,
    /// The highest of all that this node was on or tried: no ring has the number of another.
    used: u64,
    /// The same of those that are sure.
    sure_used: u64,
    /// Rings that were tried since one came into use, where the highest isn't sure.
    tried: u32,
}

impl RingNumbers {
    /// A node that was last on the ring of this number.
    pub fn new(seq: u64) -> Self {
        let sure = if is_sure(seq) { seq } else { 0 };
        Self {
            highest: seq,
            sure,
            used: seq,
            sure_used: sure,
            tried: 0,
        }
    }

    /// Somebody is on a ring of this number.
    pub fn hear(&mut self, seq: u64) {
        self.highest = self.highest.max(seq);
        if is_sure(seq) {
            self.sure = self.sure.max(seq);
        }
    }

    /// A ring of this number is being formed.
    pub fn commit(&mut self, seq: u64) {
        let new = Self::new(seq);
        *self = Self {
            used: self.used.max(new.used),
            sure_used: self.sure_used.max(new.sure_used),
            tried: self.tried,
            ..new
        };
    }

    /// A ring came into use.
    pub fn in_use(&mut self) {
        self.tried = 0;
    }

    /// The number of the next ring.
    pub fn next(&mut self) -> u64 {
        if is_sure(self.highest) {
            return self.highest.max(self.sure_used) + STEP;
        }
        let is_low = self.tried.is_multiple_of(2);
        self.tried = self.tried.wrapping_add(1);
        let low = self.sure.max(self.sure_used) + STEP;
        let low = if is_sure(low) {
            low
        } else {
            self.sure_used + STEP
        };
        match self.highest.max(self.used).checked_add(STEP) {
            Some(high) if !is_low => high,
            _ => low,
        }
    }
}

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
        numbers.hear(limits::TOTEM_RING_SEQ_SURE - 1);
        numbers.hear(u64::MAX);
        assert_eq!(numbers.next(), 21, "there is no higher one");
    }

    #[test]
    fn after_a_forged_number_a_low_one_is_new() {
        let top = u64::MAX - 3;
        assert!(is_newer(13, 9) && !is_newer(9, 13) && !is_newer(9, 9));
        assert!(is_newer(4, top) && is_newer(top, 4) && !is_newer(top, top));
        assert!(is_older(9, 13) && !is_older(13, 9) && !is_older(9, 9));
        assert!(!is_older(4, top) && !is_older(top, 4) && is_older(top - 4, top));
    }
}
