//! The machine's clock and zone, for dates.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::rules::iso8601::{Calendar, Clock, Style, Time};
use crate::sys::local_time::offset_s;

/// Now, with the zone's offset of now.
pub fn clock() -> Clock {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let unix_s = since.map_or(0, |since| since.as_secs());
    Clock {
        unix_s: i64::try_from(unix_s).unwrap_or(i64::MAX),
        offset_s: offset_s(unix_s),
    }
}

/// Now, in seconds since 1970.
pub fn unix_s() -> i64 {
    clock().unix_s
}

/// A moment in the local zone as C's `ctime` writes it.
pub fn ctime(unix_s: i64) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let offset = offset_s(u64::try_from(unix_s).unwrap_or(0));
    let time = Time::from_unix(unix_s, offset);
    let (date, at) = (time.date(), time.time_of_day());
    let name = |names: &[&'static str], number: i32| {
        let index = usize::try_from(number - 1).unwrap_or_default();
        names.get(index).copied().unwrap_or("???")
    };
    format!(
        "{} {} {:2} {:02}:{:02}:{:02} {}",
        name(&DAYS, time.week_date().day),
        name(&MONTHS, date.month),
        date.day,
        at.hour,
        at.minute,
        at.second,
        date.year
    )
}

/// A moment as ISO 8601 writes it, with the zone.
pub fn iso(unix_s: i64) -> String {
    let local = Style::Calendar {
        day: Calendar::Date,
        local: true,
    };
    let offset = offset_s(u64::try_from(unix_s).unwrap_or(0));
    Time::from_unix(unix_s, offset).render(local)
}
