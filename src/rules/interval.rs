//! Lengths of time in options and operations: `10s`, `5min`, `PT30S`.

use thiserror::Error;

use super::iso8601::Span;
use super::number::{NumberError, leading_int};

/// A text that is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no length of time; write a number with a unit, such as 30s or 5min")]
pub struct IntervalError(String);

/// Milliseconds of a number with a unit; seconds if it has none.
///
/// Only the start of the unit counts, so that `5minutes` is taken; a fraction is cut off.
/// Source: Pacemaker 2.1.5, `crm_get_msec`.
pub fn milliseconds(text: &str) -> Result<i64, IntervalError> {
    let wrong = || IntervalError(text.to_owned());
    let start = text.trim_start_matches(SPACE);
    let length = start
        .bytes()
        .take_while(|b| b.is_ascii_digit() || *b == b'.')
        .count();
    if length == 0 {
        return Err(wrong());
    }
    let unit = start
        .get(length..)
        .unwrap_or_default()
        .trim_start_matches(SPACE);
    let (times, parts) = unit_of(unit).ok_or_else(wrong)?;
    match leading_int(start) {
        Ok((value, _)) => Ok(value.checked_mul(times).map_or(i64::MAX, |v| v / parts)),
        Err(NumberError::Range) => Ok(i64::MAX),
        Err(NumberError::None) => Err(wrong()),
    }
}

const SPACE: [char; 4] = ['\t', ' ', '\n', '\r'];

/// What a unit is multiplied with and divided by.
fn unit_of(unit: &str) -> Option<(i64, i64)> {
    let unit = unit.as_bytes();
    let starts = |word: &[u8]| {
        unit.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if starts(b"ms") {
        Some((1, 1))
    } else if starts(b"us") {
        Some((1, 1000))
    } else if unit.is_empty() || starts(b"s") {
        Some((1000, 1))
    } else if starts(b"m") {
        Some((60_000, 1))
    } else if starts(b"h") {
        Some((3_600_000, 1))
    } else {
        None
    }
}

/// Milliseconds of an interval: a number with a unit, or a duration of ISO 8601.
///
/// Bounds: 32 bits; what is longer is cut to that.
/// Source: Pacemaker 2.1.5, `crm_parse_interval_spec`.
pub fn interval_ms(text: &str) -> Result<u32, IntervalError> {
    let ms = if text.starts_with('P') {
        let span = Span::parse(text.as_bytes()).map_err(|_| IntervalError(text.to_owned()))?;
        span.seconds_as_interval().saturating_mul(1000)
    } else {
        milliseconds(text)?
    };
    if ms < 0 {
        return Err(IntervalError(text.to_owned()));
    }
    Ok(u32::try_from(ms).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        for (text, ms) in [
            ("10", 10_000),
            (" 10 s", 10_000),
            ("10SEC", 10_000),
            ("5ms", 5),
            ("1500us", 1),
            ("2minutes", 120_000),
            ("1hr", 3_600_000),
            ("1.9s", 1000),
            ("PT30S", 30_000),
            ("99999999999h", u32::MAX),
        ] {
            assert_eq!(interval_ms(text), Ok(ms), "{text}");
        }
        for wrong in ["", "x", "-5", "5x", "P", "PT-5S"] {
            assert!(interval_ms(wrong).is_err(), "{wrong}");
        }
    }
}
