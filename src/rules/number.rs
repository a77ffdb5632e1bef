//! Numbers at the front of a text, as the C library finds them, and ranges of them.
//!
//! Attribute values are compared by how the original reads them: what follows a number is
//! passed over, and `0x10` is a number where numbers with fractions are wanted.
//!
//! Source: Pacemaker 2.1.5, `lib/common/strings.c`; the C library's `strtoll` and `strtod`.

use std::cmp::Ordering;

/// Why a text has no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberError {
    /// It doesn't start with one.
    None,
    /// It is too large for its type, or too close to zero.
    Range,
}

fn trim_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r'])
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at(end)
}

/// The whole number at the front of a text, after space, and what follows it.
///
/// Errors: [`NumberError::Range`] beyond 64 bits.
pub fn leading_int(text: &str) -> Result<(i64, &str), NumberError> {
    let (negative, rest) = split_sign(trim_space(text));
    let (digits, rest) = digits(rest);
    if digits.is_empty() {
        return Err(NumberError::None);
    }
    let signed = |sign: &str| format!("{sign}{digits}").parse();
    let value = if negative { signed("-") } else { signed("") };
    value
        .map(|value| (value, rest))
        .map_err(|_| NumberError::Range)
}

/// The number with a fraction at the front of a text: decimal, hexadecimal, `inf` or `nan`.
///
/// Errors: [`NumberError::Range`] for one that a double can't hold.
pub(super) fn leading_float(text: &str) -> Result<f64, NumberError> {
    let (negative, rest) = split_sign(trim_space(text));
    let value = special(rest)
        .map_or_else(|| hexadecimal(rest), |value| Some(Ok(value)))
        .unwrap_or_else(|| decimal(rest))?;
    Ok(if negative { -value } else { value })
}

fn special(text: &str) -> Option<f64> {
    let start = text.get(..3)?;
    if start.eq_ignore_ascii_case("inf") {
        Some(f64::INFINITY)
    } else if start.eq_ignore_ascii_case("nan") {
        Some(f64::NAN)
    } else {
        None
    }
}

fn decimal(text: &str) -> Result<f64, NumberError> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    if whole.is_empty() && fraction.is_empty() {
        return Err(NumberError::None);
    }
    let exponent = exponent(rest, ['e', 'E']).unwrap_or(0);
    let value: f64 = format!("{whole}.{fraction}e{exponent}")
        .replace("..", ".")
        .parse()
        .map_err(|_| NumberError::None)?;
    let zero = whole.bytes().chain(fraction.bytes()).all(|b| b == b'0');
    in_double_range(value, zero)
}

fn exponent(text: &str, marks: [char; 2]) -> Option<i64> {
    let (negative, rest) = split_sign(text.strip_prefix(marks)?);
    let (digits, _) = digits(rest);
    if digits.is_empty() {
        return None;
    }
    let value = digits.parse().unwrap_or(i64::from(i32::MAX));
    Some(if negative { -value } else { value })
}

fn hexadecimal(text: &str) -> Option<Result<f64, NumberError>> {
    let text = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))?;
    let hex = |text: &str| text.bytes().take_while(u8::is_ascii_hexdigit).count();
    let (whole, rest) = text.split_at(hex(text));
    let fraction = rest.strip_prefix('.').unwrap_or("");
    let (fraction, after) = fraction.split_at(hex(fraction));
    if whole.is_empty() && fraction.is_empty() {
        // "0x" alone: the zero before the x is the number.
        return Some(Ok(0.0));
    }
    let after = if fraction.is_empty() { rest } else { after };
    let exponent = exponent(after, ['p', 'P']).unwrap_or(0);
    let value_of = |digit: u8| f64::from(char::from(digit).to_digit(16).unwrap_or(0));
    let mantissa = whole
        .bytes()
        .chain(fraction.bytes())
        .fold(0.0, |value, digit| value * 16.0 + value_of(digit));
    let shift = exponent.saturating_sub(4 * fraction.len() as i64);
    let shift = shift.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
    let value = mantissa * 2_f64.powi(shift);
    Some(in_double_range(value, mantissa == 0.0))
}

fn in_double_range(value: f64, zero: bool) -> Result<f64, NumberError> {
    if value.is_infinite() || (!zero && value.abs() < f64::MIN_POSITIVE) {
        Err(NumberError::Range)
    } else {
        Ok(value)
    }
}

/// A range of numbers as `date_spec` has it; -1 stands for an open side, as in the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    low: i64,
    high: i64,
}

impl Range {
    const OPEN: i64 = -1;

    /// Reads `N`, `N-M`, `N-` or `-M`. None for what is no range: such a field is passed over.
    /// Source: Pacemaker 2.1.5, `pcmk__parse_ll_range`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text == "-" {
            return None;
        }
        if let Some(high) = text.strip_prefix('-') {
            let high = whole(high)?;
            let low = Self::OPEN;
            return Some(Self { low, high });
        }
        let (low, rest) = leading_int(text).ok()?;
        let high = match rest.strip_prefix('-') {
            Some("") => Self::OPEN,
            Some(high) => whole(high)?,
            None if rest.is_empty() => low,
            None => return None,
        };
        Some(Self { low, high })
    }

    /// On which side of the range a number is; `Equal` if it is in it.
    pub(super) fn side(self, value: i64) -> Ordering {
        if self.low != Self::OPEN && value < self.low {
            Ordering::Less
        } else if self.high != Self::OPEN && value > self.high {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    }
}

fn whole(text: &str) -> Option<i64> {
    match leading_int(text) {
        Ok((value, "")) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        assert_eq!(leading_int(" -12abc"), Ok((-12, "abc")));
        assert_eq!(leading_int("+7"), Ok((7, "")));
        assert_eq!(leading_int("x"), Err(NumberError::None));
        assert_eq!(leading_int("-"), Err(NumberError::None));
        assert_eq!(leading_int("-9223372036854775808"), Ok((i64::MIN, "")));
        assert_eq!(leading_int("9223372036854775808"), Err(NumberError::Range));
    }

    #[test]
    fn fractions() {
        for (text, value) in [
            ("1.5", 1.5),
            (".5x", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("1e", 1.0),
            ("0x10", 16.0),
            ("0x1.8p1", 3.0),
            ("0x", 0.0),
            ("-2", -2.0),
        ] {
            assert_eq!(leading_float(text), Ok(value), "{text}");
        }
        assert_eq!(leading_float("."), Err(NumberError::None));
        assert_eq!(leading_float("1e400"), Err(NumberError::Range));
        assert_eq!(leading_float("1e-400"), Err(NumberError::Range));
        assert!(leading_float("NaN").is_ok_and(f64::is_nan));
    }

    #[test]
    fn ranges() {
        let holds = |text: &str, value| Range::parse(text).is_none_or(|r| r.side(value).is_eq());
        assert!(holds("5-", 10) && !holds("11-", 10));
        assert!(!holds("-5", 10) && holds("-10", 10));
        assert!(holds("9-11", 10) && !holds("11-9", 10));
        assert!(holds("8--1", 10), "the high side is open");
        for passed_over in ["abc", "-", "", "10x", "9 - 11", "11-abc", "-1-5"] {
            assert!(holds(passed_over, 10), "{passed_over}");
        }
    }
}
