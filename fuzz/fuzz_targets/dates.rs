//! Moments, durations and periods of ISO 8601, and what is done with them.
#![no_main]

use everbeat::rules::iso8601::{Calendar, Clock, Period, Span, Style, Time};
use libfuzzer_sys::fuzz_target;

/// Years in which what is written is read again the same.
const YEARS: std::ops::RangeInclusive<i32> = 1000..=9000;

fuzz_target!(|input: (u32, i8, &[u8], &[u8])| {
    let (unix_s, hours, text, other) = input;
    let clock = Clock {
        unix_s: unix_s.into(),
        offset_s: i32::from(hours % 15) * 3600,
    };
    let span = Span::parse(other);
    if let Ok(time) = Time::parse(text, clock) {
        assert_eq!(time.utc().unix_s(), time.unix_s());
        for local in [true, false] {
            for day in [Calendar::Date, Calendar::Ordinal, Calendar::Week] {
                let style = Style::Calendar { day, local };
                let written = time.render(style);
                if day != Calendar::Week && YEARS.contains(&time.date().year) {
                    let again = Time::parse(written.as_bytes(), clock).expect("it was written");
                    assert_eq!(again.unix_s(), time.unix_s(), "{written}");
                }
            }
        }
        let _ = (time.render(Style::Seconds), time.render(Style::Epoch));
        if let Ok(span) = span {
            let _ = time.plus(span).render(Style::default());
            let _ = time.minus(span).render(Style::default());
        }
        // Of years with fewer digits parts that are no date are taken as they are.
        if YEARS.contains(&time.date().year) {
            let same = Time::from_unix(time.unix_s(), time.offset_s());
            assert_eq!((same.date(), same.time_of_day()), (time.date(), time.time_of_day()));
        }
    }
    let _ = Period::parse(text, clock);
    let _ = everbeat::rules::milliseconds(&String::from_utf8_lossy(text));
});
