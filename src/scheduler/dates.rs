//! Dates and times of ISO 8601 as seconds since 1970, in UTC.

/// A point in time, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// Year.
    pub year: i64,
    /// Month, from 1.
    pub month: i64,
    /// Day of the month, from 1.
    pub day: i64,
    /// Hour.
    pub hour: i64,
    /// Minute.
    pub minute: i64,
    /// Second.
    pub second: i64,
}

/// Days since 1970-01-01 of a day in the Gregorian calendar.
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Whether a year has 366 days.
pub fn leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

/// How many days a month has.
pub fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Civil {
    /// From seconds since 1970.
    pub fn from_epoch(epoch: i64) -> Self {
        let z = epoch.div_euclid(86_400) + 719_468;
        let seconds = epoch.rem_euclid(86_400);
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        Self {
            year: yoe + era * 400 + i64::from(month <= 2),
            month,
            day: doy - (153 * mp + 2) / 5 + 1,
            hour: seconds / 3600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
        }
    }

    /// To seconds since 1970.
    pub fn epoch(self) -> i64 {
        days(self.year, self.month, self.day) * 86_400
            + self.hour * 3600
            + self.minute * 60
            + self.second
    }

    /// Day of the year, from 1.
    pub fn ordinal(self) -> i64 {
        days(self.year, self.month, self.day) - days(self.year, 1, 1) + 1
    }

    /// Day of the week, Monday is 1.
    pub fn weekday(self) -> i64 {
        (days(self.year, self.month, self.day) + 3).rem_euclid(7) + 1
    }

    /// Year, number of the week in it, and day of the week, as ISO 8601 counts weeks.
    pub fn week(self) -> (i64, i64, i64) {
        let weekday = self.weekday();
        let thursday = days(self.year, self.month, self.day) + 4 - weekday;
        let year = Self::from_epoch(thursday * 86_400).year;
        (year, (thursday - days(year, 1, 1)) / 7 + 1, weekday)
    }

    /// As `YYYY-MM-DD HH:MM:SS`.
    pub fn text(self) -> String {
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )
    }
}

/// Seconds since 1970 as tools print them: `YYYY-MM-DD HH:MM:SSZ`.
pub fn utc_text(epoch: i64) -> String {
    format!("{}Z", Civil::from_epoch(epoch).text())
}

/// Seconds since 1970 of a date, a time, or both.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let cut = text.find(['T', ' ']);
    let (date, time) = match cut {
        Some(at) => (&text[..at], Some(text[at + 1..].trim())),
        None => (text, None),
    };
    let day = parse_date(date)?;
    let (seconds, offset) = match time {
        Some(time) if !time.is_empty() => parse_time(time)?,
        _ => (0, 0),
    };
    Some(day * 86_400 + seconds - offset)
}

fn parse_date(date: &str) -> Option<i64> {
    let parts: Vec<&str> = date.split('-').collect();
    let number = |t: &str| t.parse::<i64>().ok();
    match parts.as_slice() {
        [year, week, day] if week.starts_with('W') => {
            week_date(number(year)?, number(&week[1..])?, number(day)?)
        }
        [year, month, day] => Some(days(number(year)?, number(month)?, number(day)?)),
        [year, ordinal] if ordinal.len() == 3 => {
            Some(days(number(year)?, 1, 1) + number(ordinal)? - 1)
        }
        [year, month] => Some(days(number(year)?, number(month)?, 1)),
        [all] if all.len() == 8 && all.bytes().all(|b| b.is_ascii_digit()) => Some(days(
            number(&all[..4])?,
            number(&all[4..6])?,
            number(&all[6..])?,
        )),
        [all] if all.len() == 7 && all.bytes().all(|b| b.is_ascii_digit()) => {
            Some(days(number(&all[..4])?, 1, 1) + number(&all[4..])? - 1)
        }
        _ => None,
    }
}

fn week_date(year: i64, week: i64, day: i64) -> Option<i64> {
    let fourth = days(year, 1, 4);
    let monday = fourth - (fourth + 3).rem_euclid(7);
    Some(monday + (week - 1) * 7 + day - 1)
}

fn parse_time(time: &str) -> Option<(i64, i64)> {
    let (clock, zone) = match time.find(['Z', '+', '-']) {
        Some(at) => (time[..at].trim(), &time[at..]),
        None => (time, ""),
    };
    let offset = match zone.as_bytes().first() {
        Some(b'+') => clock_seconds(&zone[1..])?,
        Some(b'-') => -clock_seconds(&zone[1..])?,
        _ => 0,
    };
    Some((clock_seconds(clock)?, offset))
}

fn clock_seconds(clock: &str) -> Option<i64> {
    let clock = clock.split('.').next()?;
    let digits: String = clock.chars().filter(char::is_ascii_digit).collect();
    if digits.len() % 2 == 1 && !clock.contains(':') {
        return None;
    }
    let parts: Vec<i64> = if clock.contains(':') {
        clock.split(':').filter_map(|p| p.parse().ok()).collect()
    } else {
        let pair = |at: usize| digits.get(at..at + 2).and_then(|p| p.parse().ok());
        [pair(0), pair(2), pair(4)].into_iter().flatten().collect()
    };
    let at = |i: usize| parts.get(i).copied().unwrap_or(0);
    Some(at(0) * 3600 + at(1) * 60 + at(2))
}

/// Seconds of a duration such as `P1DT2H`; months count 30 days, years 365.
pub fn duration_seconds(text: &str) -> Option<i64> {
    let mut rest = text.strip_prefix('P')?;
    let (mut total, mut in_time) = (0_i64, false);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            (in_time, rest) = (true, after);
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..end].parse().ok()?;
        let unit = rest.as_bytes().get(end)?;
        let seconds = match (unit, in_time) {
            (b'Y', _) => 31_536_000,
            (b'M', false) => 2_592_000,
            (b'W', _) => 604_800,
            (b'D', _) => 86_400,
            (b'H', _) => 3600,
            (b'M', true) => 60,
            (b'S', _) => 1,
            _ => return None,
        };
        total = total.saturating_add(number.saturating_mul(seconds));
        rest = &rest[end + 1..];
    }
    Some(total)
}

/// Adds months, the day staying within its month.
pub fn add_months(epoch: i64, months: i64) -> i64 {
    let mut at = Civil::from_epoch(epoch);
    let count = at.year * 12 + at.month - 1 + months;
    (at.year, at.month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    at.day = at.day.min(days_in_month(at.year, at.month));
    at.epoch()
}
