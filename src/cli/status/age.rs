//! Spans and points of time for people.

use crate::sys::local_time::LocalTime;

/// `0.3 s`, `42 s`, `5 min`, `3 h 20 min`, `4 d 2 h`.
pub fn span(ms: u64) -> String {
    let s = ms / 1000;
    let (min, h, d) = (s / 60, s / 3600, s / 86_400);
    match s {
        0..10 => format!("{s}.{} s", ms % 1000 / 100),
        10..60 => format!("{s} s"),
        60..3600 => format!("{min} min"),
        3600..86_400 => format!("{h} h {} min", min % 60),
        _ => format!("{d} d {} h", h % 24),
    }
}

/// `since 22:01:12 (5 min)`; older than a day with the date in front of the time.
pub fn since(unix_s: u64, now_s: u64) -> String {
    let age = now_s.saturating_sub(unix_s);
    let at = LocalTime::at(unix_s);
    let day = if age >= 86_400 {
        format!("{:04}-{:02}-{:02} ", at.year, at.month, at.day)
    } else {
        String::new()
    };
    let (hour, minute, second) = (at.hour, at.minute, at.second);
    let age = span(age.saturating_mul(1000));
    format!("since {day}{hour:02}:{minute:02}:{second:02} ({age})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units_at_most() {
        let spans = [0, 340, 9_999, 10_000, 59_999, 60_000, 3_600_000];
        let texts = spans.map(span);
        let expected = [
            "0.0 s",
            "0.3 s",
            "9.9 s",
            "10 s",
            "59 s",
            "1 min",
            "1 h 0 min",
        ];
        assert_eq!(texts, expected);
        assert_eq!(span(2 * 86_400_000 + 3_600_000), "2 d 1 h");
    }

    #[test]
    fn a_date_only_where_the_day_is_another() {
        let now = 1_795_346_911;
        assert!(since(now - 65, now).ends_with("(1 min)"));
        assert_eq!(since(now - 65, now).len(), "since 00:00:00 (1 min)".len());
        assert!(since(now - 90_000, now).starts_with("since 2026-11-2"));
        // A clock that was set back is no reason to fail.
        assert!(since(now + 5, now).ends_with("(0.0 s)"));
    }
}
