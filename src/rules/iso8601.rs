//! Dates, times of day, durations and periods, as Pacemaker reads and prints them.
//!
//! The standard is ISO 8601, but what counts is what existing configurations mean to the
//! program that they were written for: its reader takes forms that the standard forbids
//! (`2024-1-1`, a space before the offset) and passes over some that it has (an offset
//! directly after the time). So the reader is our own, and the installed `iso8601` is asked
//! about hundreds of texts in `tests/oracle/dates.rs`.
//!
//! Nothing here looks at a clock: [`Clock`] is handed in.
//!
//! Source: Pacemaker 2.1.5, `lib/common/iso8601.c`; the installed tool.

mod civil;
mod error;
mod parse;
mod period;
mod scan;
mod span;
mod text;
mod time;

pub use error::{Form, TimeError, Why};
pub use period::Period;
pub use span::Span;
pub use text::{Calendar, Style};
pub use time::{Clock, Date, Time, TimeOfDay, WeekDate};

/// Seconds of an hour.
pub(crate) const HOUR_S: i32 = 3600;
/// Seconds of a day; there are no leap seconds.
pub(crate) const DAY_S: i32 = 24 * HOUR_S;

#[cfg(test)]
mod tests;
