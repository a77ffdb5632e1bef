//! What is wrong with a text that should be a date, a duration or a period.

use std::fmt;

/// What the text should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A date, a date with a time, or a time.
    DateTime,
    /// The part of it that is a time of day, or an offset.
    TimeOfDay,
    /// A duration.
    Duration,
    /// A period: two dates, or a date and a duration.
    Period,
}

/// What is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// There is no text.
    Empty,
    /// No form fits.
    Unknown,
    /// A number is out of its range: the number, what it counts, and the largest one where the
    /// message of the original names it.
    Range(i32, &'static str, Option<i32>),
    /// A duration does not start with `P`.
    NoP,
    /// Nothing follows the `P`.
    NothingAfterP,
    /// No number where one must be; the rest of the text.
    NoInteger(String),
    /// The text ends after a number.
    NoUnits(i32),
    /// A letter that is no unit.
    Unit(char),
    /// Durations on both sides.
    TwoDurations,
    /// A start without an end.
    NoEnd,
    /// The start is no day of the calendar.
    Start,
    /// The end is no day of the calendar.
    End,
}

/// A text that is no date, time, duration or period, and why. Its text is the original's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeError {
    /// What it should have been.
    pub form: Form,
    /// The text.
    pub text: String,
    /// What is wrong.
    pub why: Why,
}

impl TimeError {
    pub(super) fn new(form: Form, text: &[u8], why: Why) -> Self {
        Self {
            form,
            text: String::from_utf8_lossy(text).into_owned(),
            why,
        }
    }

    /// The function of the original that says so in its log.
    pub fn function(&self) -> &'static str {
        match self.form {
            Form::DateTime => "parse_date",
            Form::TimeOfDay => "crm_time_parse_sec",
            Form::Duration => "crm_time_parse_duration",
            Form::Period => "crm_time_parse_period",
        }
    }
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (form, quote) = match self.form {
            Form::DateTime => ("date/time specification", "'"),
            Form::TimeOfDay => ("time specification", ""),
            Form::Duration => ("time duration", "'"),
            Form::Period => ("time period", "'"),
        };
        if self.why == Why::Empty {
            return write!(f, "No ISO 8601 {form} given");
        }
        let text = &self.text;
        write!(f, "{quote}{text}{quote} is not a valid ISO 8601 {form}")?;
        if self.why == Why::Unknown {
            return Ok(());
        }
        f.write_str(" because ")?;
        match &self.why {
            Why::Empty | Why::Unknown => Ok(()),
            Why::Range(value, what, max) => {
                write!(f, "{quote}{value}{quote} is not a valid {what}")?;
                max.map_or(Ok(()), |max| write!(f, " (max {max})"))
            }
            Why::NoP => f.write_str("it does not start with a 'P'"),
            Why::NothingAfterP => f.write_str("nothing follows 'P'"),
            Why::NoInteger(rest) => write!(f, "no integer at '{rest}'"),
            Why::NoUnits(amount) => write!(f, "no units after {amount}"),
            Why::Unit(letter) => write!(f, "'{letter}' is not a valid time unit"),
            Why::TwoDurations => f.write_str("it has two durations"),
            Why::NoEnd => f.write_str("it has no duration or ending time"),
            Why::Start => f.write_str("the start is invalid"),
            Why::End => f.write_str("the end is invalid"),
        }
    }
}

impl std::error::Error for TimeError {}
