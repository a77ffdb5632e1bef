//! A duration: years and months, whose length depends on when they are, days and seconds.

use super::error::{Form, TimeError, Why};
use super::scan::is_space;
use super::{DAY_S, HOUR_S, civil};

/// A duration. Any part may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Years.
    pub years: i32,
    /// Months.
    pub months: i32,
    /// Days; a week is seven.
    pub days: i32,
    /// Seconds; an hour is 3,600.
    pub seconds: i32,
}

impl Span {
    /// Reads `P1Y2M3DT4H5M6S` and what passes for it: any order of units, weeks among others,
    /// `T` only to tell minutes from months, a sign or a colon before a number. It ends at
    /// space or `/`. Fractions count as zero.
    /// Source: Pacemaker 2.1.5, `crm_time_parse_duration`.
    pub fn parse(text: &[u8]) -> Result<Self, TimeError> {
        let wrong = |why| Err(TimeError::new(Form::Duration, text, why));
        let Some(first) = text.first() else {
            return wrong(Why::Empty);
        };
        if *first != b'P' {
            return wrong(Why::NoP);
        }
        let mut rest = text.get(1..).unwrap_or_default();
        if rest.first().is_none_or(|&b| is_space(b)) {
            return wrong(Why::NothingAfterP);
        }
        let mut span = Self::default();
        let mut in_time = false;
        while let Some(&byte) = rest.first() {
            if byte == b'/' || is_space(byte) {
                break;
            }
            if byte == b'T' {
                in_time = true;
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let Some((amount, length)) = amount(rest) else {
                let rest = String::from_utf8_lossy(rest).into_owned();
                return wrong(Why::NoInteger(rest));
            };
            let Some(&unit) = rest.get(length) else {
                return wrong(Why::NoUnits(amount));
            };
            if !span.add(amount, unit, in_time) {
                return wrong(Why::Unit(unit.into()));
            }
            rest = rest.get(length + 1..).unwrap_or_default();
        }
        Ok(span)
    }

    fn add(&mut self, amount: i32, unit: u8, in_time: bool) -> bool {
        let (to, times) = match unit {
            b'Y' => {
                self.years = amount;
                return true;
            }
            b'M' if !in_time => {
                self.months = amount;
                return true;
            }
            b'W' => (&mut self.days, 7),
            b'D' => (&mut self.days, 1),
            b'H' => (&mut self.seconds, HOUR_S),
            b'M' => (&mut self.seconds, 60),
            b'S' => (&mut self.seconds, 1),
            _ => return false,
        };
        *to = to.wrapping_add(amount.wrapping_mul(times));
        true
    }

    /// Its seconds as the original counts them where a duration is an interval: from the year
    /// 1 on, so that the first year and the first day count nothing; a month has 30 days.
    /// Source: Pacemaker 2.1.5, `crm_time_get_seconds`.
    pub fn seconds_as_interval(self) -> i64 {
        let months = i64::from(self.months.max(0)) * 30;
        let days = i64::from(self.days.max(1)) - 1;
        let days = civil::days_before_year(self.years.max(1)) + months + days;
        days * i64::from(DAY_S) + i64::from(self.seconds)
    }
}

/// A number of up to ten digits and how many bytes it takes.
/// Source: Pacemaker 2.1.5, `parse_int`.
fn amount(text: &[u8]) -> Option<(i32, usize)> {
    const DIGITS_MAX: usize = 10;
    let mark = text.first().copied()?;
    let fraction = matches!(mark, b'.' | b',');
    let start = usize::from(fraction || matches!(mark, b'-' | b'+' | b':'));
    let limit = if fraction { usize::MAX } else { DIGITS_MAX };
    let digits: Vec<u8> = text
        .iter()
        .skip(start)
        .take(limit)
        .take_while(|b| b.is_ascii_digit())
        .map(|digit| digit - b'0')
        .collect();
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().fold(0_i32, |value, &digit| {
        value.wrapping_mul(10).wrapping_add(digit.into())
    });
    let value = match mark {
        b'.' | b',' => 0,
        b'-' => value.wrapping_neg(),
        _ => value,
    };
    Some((value, start + digits.len()))
}
