//! Text to a moment.

use super::error::{Form, TimeError, Why};
use super::scan::{Scan, is_space, packed, separated, skip_space};
use super::time::{Clock, Time};
use super::{DAY_S, HOUR_S, civil};

type Parsed<T> = Result<T, TimeError>;

impl Time {
    /// Reads a date with or without a time, a time of today, or `epoch`.
    ///
    /// Dates: `YYYY-MM-DD` and `YYYYMMDD`, `YYYY-DDD`, `YYYY-Www-D`, fewer digits allowed.
    /// Times, after a space or `T`: `HH[:MM[:SS]]`, `HH[MM[SS]]`, `24:00:00`. Then `Z`, or a
    /// space and an offset; without them the local offset of `clock`, whatever the date. A date
    /// without a time is the start of its day in UTC.
    /// Source: Pacemaker 2.1.5, `parse_date`.
    pub fn parse(text: &[u8], clock: Clock) -> Result<Self, TimeError> {
        let (mut time, time_of_day) = if text.is_empty() {
            return Err(TimeError::new(Form::DateTime, text, Why::Empty));
        } else if let Some(rest) = text.strip_prefix(b"T") {
            (clock.now(), Some(rest))
        } else if text.get(2) == Some(&b':') {
            (clock.now(), Some(text))
        } else if is_epoch(text) {
            return Ok(Self::EPOCH);
        } else {
            (date(text)?, after_date(text))
        };
        if let Some(text) = time_of_day {
            time.set_time_of_day(text, clock)?;
        }
        if time.is_valid() {
            Ok(time)
        } else {
            Err(TimeError::new(Form::DateTime, text, Why::Unknown))
        }
    }

    fn set_time_of_day(&mut self, text: &[u8], clock: Clock) -> Parsed<()> {
        self.second = time_of_day(text)?;
        self.offset_s = match offset_part(text) {
            Some(text) => parse_offset(text)?,
            None => whole_minutes(clock.offset_s),
        };
        if self.second == DAY_S {
            self.second = 0;
            self.add_days(1);
        }
        Ok(())
    }
}

fn is_epoch(text: &[u8]) -> bool {
    const WORD: &[u8] = b"epoch";
    text.get(..WORD.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(WORD))
        && text
            .get(WORD.len())
            .is_none_or(|&next| next == b'/' || is_space(next))
}

/// The text after the date, if a space or a `T` stands between.
fn after_date(text: &[u8]) -> Option<&[u8]> {
    let length = text
        .iter()
        .take_while(|b| b.is_ascii_digit() || matches!(b, b'-' | b'W'))
        .count();
    match text.get(length..)?.split_first()? {
        (b' ' | b'T', rest) => Some(rest),
        _ => None,
    }
}

fn date(text: &[u8]) -> Parsed<Time> {
    let wrong = |why| TimeError::new(Form::DateTime, text, why);
    let (mut parts, mut count) = separated(text, b'-');
    let ordinal = (parts, count);
    if count == 1 {
        (parts, count) = packed(text, [4, 2, 2]);
    }
    if count == 3 {
        return calendar_date(parts).map_err(wrong);
    }
    if let ([year, day, _], 2) = ordinal {
        let max = civil::days_in_year(year);
        if day > max {
            return Err(wrong(Why::Range(day, "day of the year", Some(max))));
        }
        return Ok(unchecked_day(year, day));
    }
    match week_parts(text) {
        Some(parts) => week_date(parts).map_err(wrong),
        None => Err(wrong(Why::Unknown)),
    }
}

fn calendar_date([year, month, day]: [i32; 3]) -> Result<Time, Why> {
    if month > 12 {
        return Err(Why::Range(month, "month", None));
    }
    if day > civil::days_in_month(month, year) {
        return Err(Why::Range(day, "day of the month", None));
    }
    Ok(unchecked_day(
        year,
        civil::days_before_month(month, year).wrapping_add(day),
    ))
}

/// A day that may be before the year: then the whole text is refused at the end.
fn unchecked_day(year: i32, day: i32) -> Time {
    Time {
        year,
        day,
        second: 0,
        offset_s: 0,
    }
}

fn week_parts(text: &[u8]) -> Option<[i32; 3]> {
    let mut scan = Scan::new(text);
    let year = scan.int(usize::MAX)?;
    scan.literal(b"-W")?;
    let week = scan.int(usize::MAX)?;
    scan.literal(b"-")?;
    Some([year, week, scan.int(usize::MAX)?])
}

fn week_date([year, week, day]: [i32; 3]) -> Result<Time, Why> {
    let max = civil::weeks_in_year(year);
    if week > max {
        return Err(Why::Range(week, "week of the year", Some(max)));
    }
    if !(1..=7).contains(&day) {
        return Err(Why::Range(day, "day of the week", None));
    }
    let january_first = civil::january_first(year);
    let first_monday = if january_first <= 4 {
        1 - january_first
    } else {
        8 - january_first
    };
    let weeks = (i64::from(week) - 1) * 7;
    Ok(Time::of_day(year, weeks + i64::from(first_monday + day)))
}

/// Seconds of `HH[:MM[:SS]]` or `HH[MM[SS]]`; an empty text is midnight.
/// Source: Pacemaker 2.1.5, `crm_time_parse_sec`.
fn time_of_day(text: &[u8]) -> Parsed<i32> {
    let wrong = |why| Err(TimeError::new(Form::TimeOfDay, text, why));
    let (mut parts, mut count) = separated(text, b':');
    if count == 1 {
        (parts, count) = packed(text, [2, 2, 2]);
    }
    if count == 0 && !Scan::new(text).is_at_end() {
        return wrong(Why::Unknown);
    }
    let [hour, minute, second] = parts;
    if parts == [24, 0, 0] {
        return Ok(DAY_S);
    }
    if !(0..24).contains(&hour) {
        return wrong(Why::Range(hour, "hour", None));
    }
    if !(0..60).contains(&minute) {
        return wrong(Why::Range(minute, "minute", None));
    }
    if !(0..60).contains(&second) {
        return wrong(Why::Range(second, "second", None));
    }
    Ok(hour * HOUR_S + minute * 60 + second)
}

/// The offset in a time: from its `Z` on, or what follows the first space.
fn offset_part(text: &[u8]) -> Option<&[u8]> {
    let find = |wanted: u8| text.iter().position(|&b| b == wanted);
    match find(b'Z') {
        Some(at) => text.get(at..),
        None => text.get(find(b' ')?..).map(skip_space),
    }
}

fn parse_offset(text: &[u8]) -> Parsed<i32> {
    let (sign, digits) = match text.split_first() {
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        Some((digit, _)) if digit.is_ascii_digit() => (1, text),
        _ => return Ok(0),
    };
    time_of_day(digits).map(|seconds| sign * seconds)
}

/// Seconds of a zone's offset are dropped.
fn whole_minutes(offset_s: i32) -> i32 {
    offset_s / 60 * 60
}
