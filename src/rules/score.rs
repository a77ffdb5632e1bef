//! Scores: how much something is wanted.

use std::fmt;
use std::ops::{Add, AddAssign, Neg};

use super::number::{NumberError, leading_int};

/// A score.
///
/// Units: -1,000,000 (never) to 1,000,000 (always); both ends are INFINITY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Score(i32);

/// The scores that the words `red`, `yellow` and `green` stand for.
/// Source: Pacemaker 2.1.5; the option `node-health-strategy` sets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// `red`
    pub red: Score,
    /// `yellow`
    pub yellow: Score,
    /// `green`
    pub green: Score,
}

impl Score {
    /// Always.
    pub const INFINITY: Self = Self(1_000_000);
    /// Never; it wins over everything in a sum.
    pub const MINUS_INFINITY: Self = Self(-1_000_000);
    /// Neither.
    pub const ZERO: Self = Self(0);

    /// A number as a score; beyond the ends it is the end.
    pub fn new(value: i64) -> Self {
        let value = value.clamp(Self::MINUS_INFINITY.0.into(), Self::INFINITY.0.into());
        Self(value as i32)
    }

    /// Reads a score; a text that is none is 0, one that there isn't too.
    /// Source: Pacemaker 2.1.5, `char2score`.
    pub fn parse(text: Option<&str>, health: Health) -> Self {
        let Some(text) = text else {
            return Self::ZERO;
        };
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        if is("-INFINITY") {
            Self::MINUS_INFINITY
        } else if is("INFINITY") || is("+INFINITY") {
            Self::INFINITY
        } else if is("red") {
            health.red
        } else if is("yellow") {
            health.yellow
        } else if is("green") {
            health.green
        } else {
            match leading_int(text) {
                Ok((value, _)) => Self::new(value),
                // The original's reader gives the nearest number that fits.
                Err(NumberError::Range) if text.trim_start().starts_with('-') => {
                    Self::MINUS_INFINITY
                }
                Err(NumberError::Range) => Self::INFINITY,
                Err(NumberError::None) => Self::ZERO,
            }
        }
    }

    /// The number.
    pub fn value(self) -> i32 {
        self.0
    }

    /// Whether it is one of the ends.
    pub fn is_infinite(self) -> bool {
        self == Self::INFINITY || self == Self::MINUS_INFINITY
    }
}

impl Add for Score {
    type Output = Self;

    /// -INFINITY wins over everything, then INFINITY; a sum beyond an end is the end.
    fn add(self, other: Self) -> Self {
        if self == Self::MINUS_INFINITY || other == Self::MINUS_INFINITY {
            Self::MINUS_INFINITY
        } else if self == Self::INFINITY || other == Self::INFINITY {
            Self::INFINITY
        } else {
            Self::new(i64::from(self.0) + i64::from(other.0))
        }
    }
}

impl AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Neg for Score {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::INFINITY => f.write_str("INFINITY"),
            Self::MINUS_INFINITY => f.write_str("-INFINITY"),
            Self(value) => write!(f, "{value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Score {
        Score::parse(Some(text), Health::default())
    }

    #[test]
    fn texts() {
        assert_eq!(parse("infinity"), Score::INFINITY);
        assert_eq!(parse("-inFinity"), Score::MINUS_INFINITY);
        assert_eq!(parse("5000000"), Score::INFINITY);
        assert_eq!(parse("-99999999999999999999"), Score::MINUS_INFINITY);
        assert_eq!(parse("12x").value(), 12);
        assert_eq!(parse("x"), Score::ZERO);
        assert_eq!(parse("12").to_string(), "12");
        assert_eq!(parse("-1000000").to_string(), "-INFINITY");
        let red = Health {
            red: Score::MINUS_INFINITY,
            ..Health::default()
        };
        assert_eq!(Score::parse(Some("RED"), red), Score::MINUS_INFINITY);
    }

    #[test]
    fn never_wins() {
        assert_eq!(
            Score::INFINITY + Score::MINUS_INFINITY,
            Score::MINUS_INFINITY
        );
        assert_eq!(Score::INFINITY + Score::new(-5), Score::INFINITY);
        assert_eq!(Score::new(999_999) + Score::new(5), Score::INFINITY);
        assert_eq!(Score::new(-3) + Score::new(5), Score::new(2));
        assert_eq!(-Score::INFINITY, Score::MINUS_INFINITY);
    }
}
