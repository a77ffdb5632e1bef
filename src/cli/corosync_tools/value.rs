//! Values of cmap as they are written and read.
//!
//! On the way to the node a value of type bin is a string of hexadecimal digits.

use std::io::Read;

use crate::daemons::corosync::protocol::Entry;

/// How values are shown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shown {
    /// Those of type bin, too.
    pub(super) binary: bool,
    /// Without key and type.
    pub(super) quiet: bool,
}

/// Longest file that becomes a value, bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A key with its value.
pub(super) fn text(entry: &Entry, shown: Shown) -> String {
    let head = match shown.quiet {
        true => String::new(),
        false => format!("{} ({}) = ", entry.key, entry.kind),
    };
    match entry.kind.as_str() {
        "bin" if shown.binary => format!("{head}{}", escaped(&entry.value)),
        "bin" => head.trim_end_matches(" = ").to_owned(),
        "flt" | "dbl" => {
            let number: f64 = entry.value.parse().unwrap_or_default();
            format!("{head}{number:.6}")
        }
        _ => format!("{head}{}", entry.value),
    }
}

/// Octets as text: what can be printed as it is, the rest as `\xNN`.
fn escaped(hex: &str) -> String {
    if hex.is_empty() {
        return "*empty*".to_owned();
    }
    let shown = |byte: u8| match byte {
        b'\\' => "\\\\".to_owned(),
        b' '..=b'~' => char::from(byte).to_string(),
        other => format!("\\x{other:02X}"),
    };
    octets(hex).map(shown).collect()
}

fn octets(hex: &str) -> impl Iterator<Item = u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
}

/// A value of the command line, as the node gets it. For bin it names a file, - for stdin.
///
/// Errors: a type there isn't, or a value that isn't of it.
pub(super) fn parse(kind: &str, value: &str) -> Result<String, String> {
    let digits = value.trim_start_matches('-');
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let wrong = || match kind {
        // A number, and too large or too small.
        "i8" | "u8" | "i16" | "u16" | "i32" | "u32" if is_number => {
            format!("{value} is not valid {kind} integer")
        }
        _ => format!("{value} is not valid {kind} type value"),
    };
    let signed = |low: i64, high: i64| {
        let number = value.parse::<i64>().ok();
        let number = number.filter(|n| (low..=high).contains(n));
        number.map(|n| n.to_string()).ok_or_else(wrong)
    };
    let unsigned = |high: u64| {
        let number = value.parse::<u64>().ok();
        let number = number.filter(|n| *n <= high);
        number.map(|n| n.to_string()).ok_or_else(wrong)
    };
    match kind {
        "i8" => signed(i8::MIN.into(), i8::MAX.into()),
        "i16" => signed(i16::MIN.into(), i16::MAX.into()),
        "i32" => signed(i32::MIN.into(), i32::MAX.into()),
        "i64" => signed(i64::MIN, i64::MAX),
        "u8" => unsigned(u8::MAX.into()),
        "u16" => unsigned(u16::MAX.into()),
        "u32" => unsigned(u32::MAX.into()),
        "u64" => unsigned(u64::MAX),
        "flt" | "dbl" => {
            let number = value.parse::<f64>().map_err(|_| wrong())?;
            Ok(number.to_string())
        }
        "str" => Ok(value.to_owned()),
        "bin" => file(value),
        _ => Err(format!("Unknown type {kind}")),
    }
}

fn file(path: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = match path {
        "-" => std::io::stdin()
            .take(FILE_BYTES_MAX)
            .read_to_end(&mut bytes),
        _ => std::fs::File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)),
    };
    read.map_err(|error| format!("Can't open input file: {}", super::reason(&error)))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, value: &str) -> Entry {
        Entry {
            key: "test.a".to_owned(),
            kind: kind.to_owned(),
            value: value.to_owned(),
        }
    }

    #[test]
    fn values_look_as_those_of_the_original() {
        let plain = Shown::default();
        assert_eq!(text(&entry("u8", "5"), plain), "test.a (u8) = 5");
        assert_eq!(text(&entry("dbl", "0"), plain), "test.a (dbl) = 0.000000");
        assert_eq!(text(&entry("bin", "61"), plain), "test.a (bin)");
        let binary = Shown {
            binary: true,
            ..plain
        };
        let all = text(&entry("bin", "615c00"), binary);
        assert_eq!(all, "test.a (bin) = a\\\\\\x00");
        assert_eq!(text(&entry("bin", ""), binary), "test.a (bin) = *empty*");
    }

    #[test]
    fn a_value_must_be_of_its_type() {
        assert_eq!(parse("u8", "255").as_deref(), Ok("255"));
        assert!(parse("u8", "256").is_err());
        assert!(parse("i8", "-129").is_err());
        assert!(parse("u32", "x").is_err());
        assert_eq!(parse("u7", "1"), Err("Unknown type u7".to_owned()));
        assert_eq!(parse("str", "a b").as_deref(), Ok("a b"));
    }
}
