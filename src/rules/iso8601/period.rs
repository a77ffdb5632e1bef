//! A stretch of time between two moments.

use super::error::{Form, TimeError, Why};
use super::span::Span;
use super::time::{Clock, Time};

/// A stretch of time; its end may be before its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Where it begins.
    pub start: Time,
    /// Where it ends.
    pub end: Time,
}

impl Period {
    /// Reads `START/END`, `START/DURATION`, `DURATION/END`, or a duration from now on.
    /// Source: Pacemaker 2.1.5, `crm_time_parse_period`.
    pub fn parse(text: &[u8], clock: Clock) -> Result<Self, TimeError> {
        let wrong = |why| TimeError::new(Form::Period, text, why);
        if text.is_empty() {
            return Err(wrong(Why::Empty));
        }
        // Each side's reader sees the whole text and stops at the slash or does not need to.
        let first = Side::parse(text, clock)?;
        let slash = text.iter().position(|&b| b == b'/');
        let second = slash.and_then(|at| text.get(at + 1..));
        if matches!(first, Side::Duration(_)) && second.is_some_and(|s| s.starts_with(b"P")) {
            return Err(wrong(Why::TwoDurations));
        }
        let second = second.map(|text| Side::parse(text, clock)).transpose()?;
        let (start, end) = match (first, second) {
            (Side::Duration(_), Some(Side::Duration(_))) => return Err(wrong(Why::TwoDurations)),
            (Side::Moment(_), None) => return Err(wrong(Why::NoEnd)),
            (Side::Moment(start), Some(Side::Moment(end))) => (start, end),
            (Side::Moment(start), Some(Side::Duration(span))) => (start, start.plus(span)),
            (Side::Duration(span), Some(Side::Moment(end))) => (end.minus(span), end),
            (Side::Duration(span), None) => (clock.now(), clock.now().plus(span)),
        };
        if !start.is_valid() {
            return Err(wrong(Why::Start));
        }
        if !end.is_valid() {
            return Err(wrong(Why::End));
        }
        Ok(Self { start, end })
    }
}

enum Side {
    Moment(Time),
    Duration(Span),
}

impl Side {
    fn parse(text: &[u8], clock: Clock) -> Result<Self, TimeError> {
        if text.first() == Some(&b'P') {
            Span::parse(text).map(Self::Duration)
        } else {
            Time::parse(text, clock).map(Self::Moment)
        }
    }
}
