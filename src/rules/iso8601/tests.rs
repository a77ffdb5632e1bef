//! What the installed `iso8601` printed for these texts, at 08:07:19 on 26 November 2026 in UTC.

use super::*;

const CLOCK: Clock = Clock {
    unix_s: 1_795_680_439,
    offset_s: 0,
};

fn date(text: &str) -> String {
    match Time::parse(text.as_bytes(), CLOCK) {
        Ok(time) => time.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn dates() {
    for (text, printed) in [
        ("2024-01-01 10:00:00 +02:00", "2024-01-01 08:00:00Z"),
        ("2024-01-01T10:00:00+02:00", "2024-01-01 10:00:00Z"),
        ("2024-01-01abc", "2024-01-01 00:00:00Z"),
        ("2024-01-01 ", "2024-01-01 00:00:00Z"),
        ("2024-01-01 103015", "2024-01-01 10:30:15Z"),
        ("2024-01-01 10:30 x", "2024-01-01 10:30:00Z"),
        ("2024-01-01 10:30 +0230", "2024-01-01 08:00:00Z"),
        ("2024-01-01 10:30Z+02", "2024-01-01 10:30:00Z"),
        ("2024-01-01 +02:00", "2024-01-01 02:00:00Z"),
        ("2024-01-01 24:00:00", "2024-01-02 00:00:00Z"),
        ("20240101", "2024-01-01 00:00:00Z"),
        ("2024-1", "2024-01-01 00:00:00Z"),
        ("2024-366", "2024-12-31 00:00:00Z"),
        ("0000-040", "0000-00-40 00:00:00Z"),
        ("  2024-01-01", "2024-01-01 00:00:00Z"),
        ("T", "2026-11-26 00:00:00Z"),
        ("12:", "2026-11-26 12:00:00Z"),
        ("T10:30 +05:00", "2026-11-26 05:30:00Z"),
        ("EPOCH 5", "1970-01-01 00:00:00Z"),
        ("2024-W1-1", "2024-01-01 00:00:00Z"),
        ("2020-W53-7", "2021-01-03 00:00:00Z"),
        ("2024-W00-1", "2023-12-25 00:00:00Z"),
        ("2024-W-3-1", "2023-12-04 00:00:00Z"),
        ("99999999999-01-01", "1215752191-01-01 00:00:00Z"),
        ("-5-01-01", "4294967291-01-01 00:00:00Z"),
    ] {
        assert_eq!(date(text), printed, "{text:?}");
    }
}

#[test]
fn what_is_no_date() {
    const DATE: &str = "is not a valid ISO 8601 date/time specification";
    for text in ["2024", "2024-0", "2024-01--5", "1:2", "epochx", "2024W01-1"] {
        assert_eq!(date(text), format!("'{text}' {DATE}"));
    }
    for (text, why) in [
        ("2024-13-01", "'13' is not a valid month"),
        ("2024001", "'1' is not a valid day of the month"),
        ("2023-366", "'366' is not a valid day of the year (max 365)"),
        (
            "2024-W53-1",
            "'53' is not a valid week of the year (max 52)",
        ),
    ] {
        assert_eq!(date(text), format!("'{text}' {DATE} because {why}"));
    }
    const TIME: &str = "is not a valid ISO 8601 time specification";
    assert_eq!(date("2024-01-01 Z"), format!("Z {TIME}"));
    for (text, why) in [
        ("24:00:01", "24 is not a valid hour"),
        ("23:59:60", "60 is not a valid second"),
        ("-1:30", "-1 is not a valid hour"),
        ("10:-30", "-30 is not a valid minute"),
    ] {
        let whole = format!("2024-01-01 {text}");
        assert_eq!(date(&whole), format!("{text} {TIME} because {why}"));
    }
    assert_eq!(date(""), "No ISO 8601 date/time specification given");
}

#[test]
fn a_date_without_zone_is_local() {
    let clock = Clock {
        offset_s: -5 * HOUR_S,
        ..CLOCK
    };
    let time = Time::parse(b"2024-07-01 00:00:00", clock).unwrap();
    assert_eq!(time.to_string(), "2024-07-01 05:00:00Z");
    let style = Style::Calendar {
        day: Calendar::Date,
        local: true,
    };
    assert_eq!(time.render(style), "2024-07-01 00:00:00 -05:00");
    assert_eq!(
        time,
        Time::parse(b"2024-07-01 05:00:00Z", clock).unwrap(),
        "the same moment"
    );
    let day = Time::parse(b"2024-07-01", clock).unwrap();
    assert_eq!(day.to_string(), "2024-07-01 00:00:00Z", "not a day alone");
}

#[test]
fn durations() {
    for (text, printed) in [
        (
            "P1Y2M3DT4H5M6S",
            "   1 year  2 months  3 days 14706 seconds (4 hours 5 minutes 6 seconds)",
        ),
        ("P1Y /x", "   1 year "),
        ("PT", "0 seconds"),
        ("P.5Y", "0 seconds"),
        ("P-1D", "-1 days "),
        ("P:1D", " 1 day "),
        ("PT1M", "60 seconds (1 minute)"),
        ("P1M", " 1 month "),
        ("PT-90S", "-90 seconds (1 minute 30 seconds)"),
        ("P-1Y-2M", "  -1 years -2 months "),
        ("PT86400S", "86400 seconds (24 hours)"),
        ("P1W", " 7 days "),
    ] {
        let span = Span::parse(text.as_bytes()).unwrap();
        assert_eq!(span.to_string(), printed, "{text:?}");
    }
    for (text, why) in [
        ("P 1D", "nothing follows 'P'"),
        ("P1Y1", "no units after 1"),
        ("P1T5S", "'T' is not a valid time unit"),
        ("P12345678901D", "'1' is not a valid time unit"),
        ("P1Wx", "no integer at 'x'"),
        ("x", "it does not start with a 'P'"),
    ] {
        let error = Span::parse(text.as_bytes()).unwrap_err().to_string();
        let wanted = format!("'{text}' is not a valid ISO 8601 time duration because {why}");
        assert_eq!(error, wanted);
    }
}

#[test]
fn periods() {
    for (text, start, end) in [
        ("2024-01-31/P1M", "2024-01-31", "2024-02-29"),
        ("2024-01-31/P-1M", "2024-01-31", "2023-12-31"),
        ("P1M/2024-03-31", "2024-02-29", "2024-03-31"),
        ("2024-02-29/P1Y", "2024-02-29", "2025-03-01"),
        ("2024-366/P1Y", "2024-12-31", "2025-12-31"),
        ("2024-02-01/2024-01-01", "2024-02-01", "2024-01-01"),
        ("epoch/P1D", "1970-01-01", "1970-01-02"),
    ] {
        let period = Period::parse(text.as_bytes(), CLOCK).unwrap();
        let wanted = format!("{start} 00:00:00Z to {end} 00:00:00Z");
        assert_eq!(period.render(Style::default()), wanted, "{text:?}");
    }
    let until = Period::parse(b"P1Y2M3DT4H5M6S/2024-12-31", CLOCK).unwrap();
    assert_eq!(until.start.to_string(), "2023-10-28 19:54:54Z");
    let wrong = |text: &str| Period::parse(text.as_bytes(), CLOCK).unwrap_err().why;
    assert_eq!(wrong("P1D/P1D"), Why::TwoDurations);
    assert_eq!(wrong("2024-01-01"), Why::NoEnd);
    assert_eq!(wrong("P1D/"), Why::Empty);
}

/// Every day around the turns of centuries: the calendar's functions agree with each other.
#[test]
fn the_calendar_is_consistent() {
    for year in [1599, 1699, 1999, 2399] {
        let text = format!("{year}-001 00:00Z");
        let mut time = Time::parse(text.as_bytes(), CLOCK).unwrap();
        let mut week = None;
        while time.date().year < year + 6 {
            let date = time.date();
            let text = format!("{:04}-{:02}-{:02} 00:00Z", date.year, date.month, date.day);
            assert_eq!(Time::parse(text.as_bytes(), CLOCK).unwrap(), time);
            let at = time.week_date();
            if let Some(WeekDate { year, week, day }) = week {
                let same_week = (at.year, at.week, at.day) == (year, week, day + 1);
                assert!(same_week || (day == 7 && at.day == 1), "{text}");
            }
            let text = format!("{}-W{}-{} 00:00Z", at.year, at.week, at.day);
            assert_eq!(Time::parse(text.as_bytes(), CLOCK).unwrap(), time);
            assert_eq!(Time::from_unix(time.unix_s(), 0), time);
            week = Some(at);
            time.add_days(1);
        }
    }
}
