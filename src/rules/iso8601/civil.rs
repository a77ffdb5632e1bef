//! The Gregorian calendar, carried on before its introduction.

/// Whether the year has a 29th of February.
pub(super) fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a year.
pub(super) fn days_in_year(year: i32) -> i32 {
    if is_leap(year) { 366 } else { 365 }
}

/// Days of a month; 0 for a month that there isn't.
pub(super) fn days_in_month(month: i32, year: i32) -> i32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// Days of the months before `month` in its year.
pub(super) fn days_before_month(month: i32, year: i32) -> i32 {
    (1..month.min(13)).map(|m| days_in_month(m, year)).sum()
}

/// Days from 1 January of the year 1 to 1 January of `year`, negative before it.
pub(super) fn days_before_year(year: i32) -> i64 {
    let past = i64::from(year) - 1;
    past * 365 + past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400)
}

/// Year, and day of it counted from 1, of the day that is `days` after 1 January of the year 1.
/// Years beyond 32 bits wrap around.
pub(super) fn year_and_day(days: i64) -> (i32, i32) {
    const CYCLE: i64 = 400 * 365 + 97;
    let cycles = days.div_euclid(CYCLE);
    let mut rest = days.rem_euclid(CYCLE);
    // The last day of each of these spans would begin a span that isn't there.
    let centuries = (rest / 36_524).min(3);
    rest -= centuries * 36_524;
    let fours = rest / 1461;
    rest -= fours * 1461;
    let years = (rest / 365).min(3);
    rest -= years * 365;
    let year = cycles * 400 + centuries * 100 + fours * 4 + years + 1;
    (year as i32, rest as i32 + 1)
}

/// Day of the week of 1 January, Monday = 1.
pub(super) fn january_first(year: i32) -> i32 {
    days_before_year(year).rem_euclid(7) as i32 + 1
}

/// Weeks of a year: 53 if it begins or ends with a Thursday.
pub(super) fn weeks_in_year(year: i32) -> i32 {
    if january_first(year) == 4 || january_first(year.wrapping_add(1)) == 5 {
        53
    } else {
        52
    }
}
