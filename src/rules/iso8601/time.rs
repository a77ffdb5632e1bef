//! A moment: a day of the calendar, a time of that day, and how far its zone is from UTC.

use std::cmp::Ordering;

use super::civil;
use super::span::Span;
use super::{DAY_S, HOUR_S};

/// Seconds from 1 January of the year 1 to 1 January 1970.
const EPOCH_S: i64 = 62_135_596_800;

/// What the machine's clock and time zone say, for texts that leave a part of it out.
///
/// Units: seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clock {
    /// Seconds since 1970.
    pub unix_s: i64,
    /// How far the local zone is ahead of UTC now.
    pub offset_s: i32,
}

impl Clock {
    /// A clock in UTC, `unix_s` seconds after 1970 began.
    pub fn utc(unix_s: i64) -> Self {
        Self {
            unix_s,
            offset_s: 0,
        }
    }

    /// The moment it shows, in its zone.
    pub fn now(self) -> Time {
        Time::from_unix(self.unix_s, self.offset_s)
    }
}

/// A moment, to the second.
///
/// Comparisons and differences are those of the moments; the parts ([`Time::date`] and the
/// like) are those of its zone. The day may be the 366th of a shorter year: adding a year to a
/// 31 December leaves it there, and it compares as later than the 365th of that year.
/// Source: Pacemaker 2.1.5, `struct crm_time_s`.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    pub(super) year: i32,
    pub(super) day: i32,
    pub(super) second: i32,
    pub(super) offset_s: i32,
}

/// A date with a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// The year.
    pub year: i32,
    /// 1 to 12; 0 in the year 0, where the original counts no months.
    pub month: i32,
    /// Day of the month; in the year 0 of the year.
    pub day: i32,
}

/// A date with a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeekDate {
    /// The year that the week belongs to.
    pub year: i32,
    /// 1 to 53.
    pub week: i32,
    /// 1 (Monday) to 7.
    pub day: i32,
}

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay {
    /// 0 to 23; more where a duration is split.
    pub hour: i32,
    /// 0 to 59.
    pub minute: i32,
    /// 0 to 59.
    pub second: i32,
}

impl TimeOfDay {
    /// Hours, minutes and seconds of an amount, its sign dropped.
    pub(super) fn of_seconds(seconds: i32) -> Self {
        let seconds = seconds.saturating_abs();
        Self {
            hour: seconds / HOUR_S,
            minute: seconds % HOUR_S / 60,
            second: seconds % 60,
        }
    }
}

impl Time {
    pub(super) const EPOCH: Self = Self {
        year: 1970,
        day: 1,
        second: 0,
        offset_s: 0,
    };

    /// The moment `unix_s` seconds after 1970 began, seen from a zone.
    pub fn from_unix(unix_s: i64, offset_s: i32) -> Self {
        let local = unix_s.saturating_add(offset_s.into());
        let mut time = Self {
            offset_s,
            ..Self::EPOCH
        };
        time.add_seconds(local);
        time
    }

    /// A day of a year, counted from 1, in UTC; a day beyond the year is in the next one.
    pub(super) fn of_day(year: i32, day: i64) -> Self {
        let mut time = Self {
            year,
            day: 0,
            second: 0,
            offset_s: 0,
        };
        time.add_days(day);
        time
    }

    /// The same moment in UTC.
    pub fn utc(self) -> Self {
        let mut utc = Self {
            offset_s: 0,
            ..self
        };
        if self.offset_s != 0 {
            utc.add_seconds(-i64::from(self.offset_s));
        }
        utc
    }

    /// How far its zone is ahead of UTC, seconds.
    pub fn offset_s(self) -> i32 {
        self.offset_s
    }

    /// Whether its parts are within the calendar.
    pub(super) fn is_valid(self) -> bool {
        (1..=civil::days_in_year(self.year)).contains(&self.day)
            && (0..DAY_S).contains(&self.second)
    }

    /// Day of the year, counted from 1.
    pub fn year_day(self) -> i32 {
        self.day
    }

    /// Year, month and day.
    pub fn date(self) -> Date {
        let year = self.year;
        if year == 0 {
            return Date {
                year,
                month: 0,
                day: self.day,
            };
        }
        let (mut month, mut day) = (1, self.day);
        while month <= 12 && day > civil::days_in_month(month, year) {
            day -= civil::days_in_month(month, year);
            month += 1;
        }
        Date { year, month, day }
    }

    /// Year, week and day of the week.
    pub fn week_date(self) -> WeekDate {
        let january_first = civil::january_first(self.year);
        let days = self.day + january_first - 2;
        let day = days.rem_euclid(7) + 1;
        // The week belongs to the year that its Thursday is in.
        let thursday = self.day + 4 - day;
        if thursday < 1 {
            let year = self.year.wrapping_sub(1);
            let week = civil::weeks_in_year(year);
            return WeekDate { year, week, day };
        }
        if thursday > civil::days_in_year(self.year) {
            let year = self.year.wrapping_add(1);
            return WeekDate { year, week: 1, day };
        }
        WeekDate {
            year: self.year,
            week: (thursday - 1) / 7 + 1,
            day,
        }
    }

    /// The time of day.
    pub fn time_of_day(self) -> TimeOfDay {
        TimeOfDay::of_seconds(self.second)
    }

    /// Seconds since the year 1 began.
    pub fn seconds(self) -> i64 {
        let utc = self.utc();
        // Years before the first count as the first.
        let days = civil::days_before_year(utc.year.max(1)) + i64::from(utc.day.max(1)) - 1;
        days * i64::from(DAY_S) + i64::from(utc.second)
    }

    /// Seconds since 1970 began.
    pub fn unix_s(self) -> i64 {
        self.seconds() - EPOCH_S
    }

    /// Moves by years; the day of the year stays.
    pub fn add_years(&mut self, years: i32) {
        self.year = self.year.wrapping_add(years);
    }

    /// Moves by months; a day that the month doesn't have becomes its last.
    pub fn add_months(&mut self, months: i32) {
        let Date { year, month, day } = self.date();
        let total = i64::from(month) - 1 + i64::from(months);
        let year = year.wrapping_add(total.div_euclid(12) as i32);
        // Only a day beyond the end of its year is in a 13th month, and none goes there.
        let month = match months {
            0 => month,
            _ => total.rem_euclid(12) as i32 + 1,
        };
        let year = if months == 0 { self.year } else { year };
        let day = day.min(civil::days_in_month(month, year));
        self.year = year;
        self.day = civil::days_before_month(month, year) + day;
    }

    /// Moves by days.
    pub fn add_days(&mut self, days: i64) {
        let from = civil::days_before_year(self.year) + i64::from(self.day) - 1;
        (self.year, self.day) = civil::year_and_day(from.saturating_add(days));
    }

    /// Moves by seconds.
    pub fn add_seconds(&mut self, seconds: i64) {
        let total = i64::from(self.second).saturating_add(seconds);
        self.second = total.rem_euclid(DAY_S.into()) as i32;
        self.add_days(total.div_euclid(DAY_S.into()));
    }

    /// The moment a duration later.
    pub fn plus(mut self, span: Span) -> Self {
        self.add_years(span.years);
        self.add_months(span.months);
        self.add_days(span.days.into());
        self.add_seconds(span.seconds.into());
        self
    }

    /// The moment a duration earlier.
    pub fn minus(mut self, span: Span) -> Self {
        self.add_years(span.years.wrapping_neg());
        if span.months != 0 {
            self.add_months(span.months.wrapping_neg());
        }
        self.add_days(-i64::from(span.days));
        self.add_seconds(-i64::from(span.seconds));
        self
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |time: &Self| {
            let utc = time.utc();
            (utc.year, utc.day, utc.second)
        };
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Time {}
