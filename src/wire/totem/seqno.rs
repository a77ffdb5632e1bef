//! Sequence numbers and how they compare.

use std::fmt;

/// Number of a message on a ring, or of a token; it comes round after 2^32.
///
/// Its comparison isn't an order over all of them, so it has no `Ord`.
/// Source: corosync 3.1.7, `sq_lt_compare`, `sq_lte_compare` in `include/corosync/sq.h`;
/// `spec/totem-wire.md` A.5.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Seqno(pub u32);

/// From here on the two are shifted before they are compared.
const ROLLOVER_CHECK: u32 = 0x8000_0000;
/// By so much.
const ROLLOVER_SHIFT: u32 = 0x1_0000;

impl Seqno {
    /// No message yet: the first is 1.
    pub const NONE: Self = Self(0);
    /// Before the first token, and the aru of the first token: below 0 as numbers compare.
    pub const BEFORE_FIRST: Self = Self(u32::MAX);

    /// True if it comes before `other`.
    pub fn is_before(self, other: Self) -> bool {
        let shift = if self.0 > ROLLOVER_CHECK || other.0 > ROLLOVER_CHECK {
            ROLLOVER_SHIFT
        } else {
            0
        };
        self.0.wrapping_sub(shift) < other.0.wrapping_sub(shift)
    }

    /// True if it comes before `other` or is the same.
    pub fn is_at_most(self, other: Self) -> bool {
        self == other || self.is_before(other)
    }

    /// The earlier of the two.
    pub fn earlier(self, other: Self) -> Self {
        if other.is_before(self) { other } else { self }
    }

    /// The later of the two.
    pub fn later(self, other: Self) -> Self {
        if self.is_before(other) { other } else { self }
    }

    /// The one after it.
    pub fn next(self) -> Self {
        self.plus(1)
    }

    /// The one `count` after it.
    pub fn plus(self, count: u32) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// How many steps `earlier` is back.
    pub fn distance_from(self, earlier: Self) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }
}

impl fmt::Display for Seqno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Seqno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_over_the_turn() {
        let before = |a: u32, b: u32| Seqno(a).is_before(Seqno(b));
        assert!(before(1, 2) && !before(2, 1) && !before(2, 2));
        assert!(Seqno::BEFORE_FIRST.is_before(Seqno(0)));
        assert!(before(u32::MAX - 5, 3) && !before(3, u32::MAX - 5));
        // Only so far past the turn: what comes later counts as earlier.
        assert!(before(u32::MAX, 0xffff) && !before(u32::MAX, 0x1_0000));
        assert!(Seqno(7).is_at_most(Seqno(7)));
        assert_eq!(Seqno::BEFORE_FIRST.next(), Seqno(0));
        assert_eq!(Seqno(2).distance_from(Seqno(u32::MAX)), 3);
        assert_eq!(Seqno(1).later(Seqno::BEFORE_FIRST), Seqno(1));
        assert_eq!(Seqno(1).earlier(Seqno::BEFORE_FIRST), Seqno::BEFORE_FIRST);
    }
}
