//! Values of a CIB: scores with colours, booleans, times.

pub use crate::score::{INFINITY, add, clamp, leading_integer, text};

/// The scores that the names of the health colours stand for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Colours {
    /// `red`.
    pub red: i32,
    /// `yellow`.
    pub yellow: i32,
    /// `green`.
    pub green: i32,
}

/// A score as it stands in a CIB; what is no number counts 0.
pub fn parse(text: Option<&str>, colours: Colours) -> i32 {
    let Some(text) = text else { return 0 };
    match text.to_ascii_lowercase().as_str() {
        "red" => colours.red,
        "yellow" => colours.yellow,
        "green" => colours.green,
        _ => crate::score::parse(text),
    }
}

/// A score where colours mean nothing.
pub fn plain(text: Option<&str>) -> i32 {
    parse(text, Colours::default())
}

/// Whether a text is a true boolean. Source: `crm_is_true`.
pub fn is_true(text: Option<&str>) -> bool {
    text.and_then(boolean) == Some(true)
}

/// A boolean; none for what is no boolean. Source: `crm_str_to_boolean`.
pub fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "y" | "1" => Some(true),
        "false" | "off" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// Milliseconds of a time with a unit; -1 for what is none. Source: `crm_get_msec`.
pub fn milliseconds(text: &str) -> i64 {
    let text = text.trim();
    let start = usize::from(text.starts_with(['-', '+']));
    let end = start
        + text[start..]
            .bytes()
            .position(|b| !b.is_ascii_digit())
            .unwrap_or(text.len() - start);
    let Some(number) = leading_integer(&text[..end]) else {
        return -1;
    };
    let unit = text[end..].trim_start();
    let begins = |units: &[&str]| units.iter().any(|u| unit.starts_with(u));
    let (times, over) = if begins(&["ms", "msec"]) {
        (1, 1)
    } else if begins(&["us", "usec"]) {
        (1, 1000)
    } else if begins(&["s", "sec"]) || unit.is_empty() {
        (1000, 1)
    } else if begins(&["m", "min"]) {
        (60_000, 1)
    } else if begins(&["h", "hr"]) {
        (3_600_000, 1)
    } else {
        return -1;
    };
    number.saturating_mul(times) / over
}

/// Milliseconds of an interval, which may be an ISO 8601 duration; 0 for what is none.
pub fn interval(text: &str) -> u32 {
    let ms = if text.starts_with('P') {
        super::dates::duration_seconds(text).map_or(0, |s| s.saturating_mul(1000))
    } else {
        milliseconds(text)
    };
    u32::try_from(ms.max(0)).unwrap_or(u32::MAX)
}
