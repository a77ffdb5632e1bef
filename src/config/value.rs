//! Values as heartbeat reads them: times, truth values, numbers.

use std::time::Duration;

/// How far heartbeat itself would take a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// heartbeat 3.0.6 reads it the same way.
    Plain,
    /// heartbeat refuses the unit; its meaning is plain.
    ForeignUnit,
    /// heartbeat leaves out what follows a second point.
    Cut,
}

/// Reads a length of time: digits with a decimal fraction, then a unit; none means seconds.
///
/// Units: `us`, `usec…`, `ms`, `msec…` as heartbeat; `s`, `sec…`, `m`, `min…`, `h`, `hour…`
/// are ours and come back as [`Taken::ForeignUnit`].
/// Bounds: at most 2^32 seconds
/// Source: cluster-glue 1.0.12, `cl_get_msec`; rounded to the nearest millisecond.
pub fn time(word: &str) -> Option<(Duration, Taken)> {
    let digits = word
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(word.len());
    let (number, unit) = word.split_at(digits);
    if !number.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let second_point = number.match_indices('.').nth(1).map(|(at, _)| at);
    let number: f64 = number[..second_point.unwrap_or(digits)].parse().ok()?;
    let (ms_per_unit, mut taken) = unit_of(unit.trim_start())?;
    if second_point.is_some() && taken == Taken::Plain {
        taken = Taken::Cut;
    }
    let ms = (number * ms_per_unit).round();
    if ms > 4_294_967_296_000.0 {
        return None;
    }
    Some((Duration::from_millis(ms as u64), taken))
}

/// Milliseconds per unit.
fn unit_of(unit: &str) -> Option<(f64, Taken)> {
    let unit = unit.to_ascii_lowercase();
    let starts = |prefix: &str| unit.starts_with(prefix);
    match unit.as_str() {
        "" => Some((1000.0, Taken::Plain)),
        _ if starts("ms") => Some((1.0, Taken::Plain)),
        _ if starts("us") => Some((0.001, Taken::Plain)),
        "s" | "sec" | "secs" | "second" | "seconds" => Some((1000.0, Taken::ForeignUnit)),
        "m" | "min" | "mins" | "minute" | "minutes" => Some((60_000.0, Taken::ForeignUnit)),
        "h" | "hour" | "hours" => Some((3_600_000.0, Taken::ForeignUnit)),
        _ => None,
    }
}

/// True for a word that is nothing but a unit of time.
pub fn is_time_unit(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic()) && unit_of(word).is_some()
}

/// Reads a truth value, in any case.
///
/// Source: cluster-glue 1.0.12, `cl_str_to_boolean`
pub fn truth(word: &str) -> Option<bool> {
    let among = |words: [&str; 5]| words.iter().any(|w| w.eq_ignore_ascii_case(word));
    if among(["true", "on", "yes", "y", "1"]) {
        Some(true)
    } else if among(["false", "off", "no", "n", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// A number as C's `atoi` reads it: what stands before the first foreign character, else 0.
///
/// Returns the number and whether the whole word was one.
pub fn leading_number(word: &str) -> (i64, bool) {
    let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
    let digits = unsigned
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(unsigned.len());
    // Beyond eighteen digits the value is out of every bound we have anyway.
    let value: i64 = unsigned[..digits.min(18)].parse().unwrap_or(0);
    let value = if word.starts_with('-') { -value } else { value };
    (value, digits > 0 && digits == unsigned.len())
}

/// Milliseconds as people write them: `500 ms`, `2 s`, `2.5 s`.
pub fn show_time(time: Duration) -> String {
    let ms = time.as_millis();
    if ms < 1000 {
        format!("{ms} ms")
    } else if ms.is_multiple_of(1000) {
        format!("{} s", ms / 1000)
    } else {
        format!("{} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(word: &str) -> Option<u128> {
        time(word).map(|(t, _)| t.as_millis())
    }

    #[test]
    fn times_have_heartbeats_units() {
        assert_eq!(ms("2"), Some(2000));
        assert_eq!(ms("0.5"), Some(500));
        assert_eq!(ms(".5"), Some(500));
        assert_eq!(ms("500ms"), Some(500));
        assert_eq!(ms("500MSEC"), Some(500));
        assert_eq!(ms("2.0005"), Some(2001));
        assert_eq!(ms("1000us"), Some(1));
        assert_eq!(time("10s").map(|t| t.1), Some(Taken::ForeignUnit));
        assert_eq!(ms("2min"), Some(120_000));
        assert_eq!(
            time("1.2.3"),
            Some((Duration::from_millis(1200), Taken::Cut))
        );
        for bad in [
            "",
            "x",
            "1e3",
            "-1",
            "..1",
            "5 parsecs",
            "ms",
            ".",
            "99999999999999",
        ] {
            assert_eq!(ms(bad), None, "{bad}");
        }
    }

    #[test]
    fn truth_has_ten_words() {
        assert_eq!(truth("YES"), Some(true));
        assert_eq!(truth("n"), Some(false));
        assert_eq!(truth("maybe"), None);
    }

    #[test]
    fn numbers_stop_at_the_first_foreign_character() {
        assert_eq!(leading_number("694"), (694, true));
        assert_eq!(leading_number("700x"), (700, false));
        assert_eq!(leading_number("x"), (0, false));
        assert_eq!(leading_number("-5"), (-5, true));
        assert_eq!(leading_number(""), (0, false));
    }

    #[test]
    fn times_are_shown_short() {
        assert_eq!(show_time(Duration::from_millis(500)), "500 ms");
        assert_eq!(show_time(Duration::from_millis(2500)), "2.5 s");
        assert_eq!(show_time(Duration::from_secs(10)), "10 s");
    }
}
