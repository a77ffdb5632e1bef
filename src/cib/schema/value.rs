//! What an attribute may have as its value.
//!
//! The names are those of XML Schema part 2 where it has one; how much of a value counts
//! (blanks, signs, lengths) is as libxml2 2.9.14 takes it.

use super::edition::Edition;

/// Most digits of a number. Source: libxml2 2.9.14, `xmlSchemaParseUInt`.
const DIGITS_MAX: usize = 24;

/// A type of values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// Anything.
    Text,
    /// A name that nothing else in the document has.
    Id,
    /// A name that something in the document has.
    IdRef,
    /// `true`, `false`, `1` or `0`.
    Bool,
    /// A whole number with or without a sign.
    Int,
    /// A whole number that is not negative.
    Whole,
    /// A whole number above zero.
    Positive,
    /// A whole number or infinity.
    Score,
    /// The name of an edition.
    Edition,
    /// Names of devices with commas between.
    Devices,
    /// Digits and dashes.
    Ports,
    /// One of these words, with any blanks around.
    Words(Vec<String>),
    /// Exactly one of these words.
    Exactly(Vec<String>),
    /// Anything but these words.
    Except(Vec<String>),
}

impl Value {
    /// The type of this name in a grammar.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "text" => Self::Text,
            "ID" => Self::Id,
            "IDREF" => Self::IdRef,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "whole" => Self::Whole,
            "positive" => Self::Positive,
            "score" => Self::Score,
            "schema" => Self::Edition,
            "devices" => Self::Devices,
            "ports" => Self::Ports,
            _ => return None,
        })
    }

    /// Whether it has this value.
    pub fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Id | Self::IdRef => is_name(trimmed(text)),
            Self::Bool => matches!(trimmed(text), "true" | "false" | "1" | "0"),
            Self::Int => Number::of(text).is_some(),
            Self::Whole => Number::of(text).is_some_and(|n| !n.negative || n.zero),
            Self::Positive => Number::of(text).is_some_and(|n| !n.negative && !n.zero),
            Self::Score => {
                let infinite = ["INFINITY", "+INFINITY", "-INFINITY"].contains(&trimmed(text));
                infinite || Number::of(text).is_some()
            }
            Self::Edition => {
                let name = trimmed(text);
                name == "none" || Edition::named(name).is_some()
            }
            Self::Devices => text.split(',').all(is_device),
            Self::Ports => is_one_of(text, |byte| byte.is_ascii_digit() || byte == b'-'),
            Self::Words(words) => is_among(words, text),
            Self::Exactly(words) => words.iter().any(|word| word == text),
            Self::Except(words) => !is_among(words, text),
        }
    }

    /// What is allowed, for a message that begins with "should be".
    pub fn description(&self) -> String {
        match self {
            Self::Text => "any text".into(),
            Self::Id | Self::IdRef => {
                "a name: a letter or _, then letters, digits, and . - _".into()
            }
            Self::Bool => "true or false".into(),
            Self::Int => "a whole number".into(),
            Self::Whole => "a whole number, 0 or more".into(),
            Self::Positive => "a whole number, 1 or more".into(),
            Self::Score => "a whole number, INFINITY or -INFINITY".into(),
            Self::Edition => format!("a name such as {}", Edition::NEWEST),
            Self::Devices => "names of fence devices with commas between".into(),
            Self::Ports => "a range of ports, such as 8000-8010".into(),
            Self::Words(words) | Self::Exactly(words) => one_of(words),
            Self::Except(words) => format!("something else than {}", words.join(", ")),
        }
    }
}

/// "a, b or c"
pub fn one_of<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Without the blanks of XML around.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

fn is_among(words: &[String], text: &str) -> bool {
    if words.iter().any(|word| word == text) {
        return true;
    }
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
    text.contains(blank) && {
        let parts: Vec<&str> = text.split(blank).filter(|part| !part.is_empty()).collect();
        let text = parts.join(" ");
        words.contains(&text)
    }
}

struct Number {
    negative: bool,
    zero: bool,
}

impl Number {
    fn of(text: &str) -> Option<Self> {
        let text = trimmed(text);
        let negative = text.starts_with('-');
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let counted = digits.trim_start_matches('0');
        let fits = counted.len() <= DIGITS_MAX && is_one_of(digits, |b| b.is_ascii_digit());
        fits.then_some(Self {
            negative,
            zero: counted.is_empty(),
        })
    }
}

fn is_one_of(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(allowed)
}

fn is_device(name: &str) -> bool {
    is_one_of(name, |byte| {
        byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)
    })
}

/// Whether it is a name in the sense of Namespaces in XML 1.0, `NCName`.
fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    let starts = |c: char| c == '_' || c.is_alphabetic();
    chars.next().is_some_and(starts)
        && chars.all(|c| c == '.' || c == '-' || c == '_' || c == '\u{b7}' || c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_as_libxml2_takes_them() {
        for text in ["0", "-0", "+5", " 12 ", "000000000000000000000000000001"] {
            assert!(Value::Whole.accepts(text), "{text:?}");
        }
        for text in ["", "-1", "1.0", "1 2", "+", "--1", "0x1", &"1".repeat(25)] {
            assert!(!Value::Whole.accepts(text), "{text:?}");
        }
        assert!(Value::Score.accepts("-INFINITY") && Value::Score.accepts("-7"));
        assert!(!Value::Score.accepts("infinity") && !Value::Positive.accepts("0"));
    }

    #[test]
    fn words_may_have_blanks_around_unless_they_are_exact() {
        let words = vec!["classic openais".to_owned()];
        assert!(Value::Words(words.clone()).accepts("\tclassic \n openais "));
        assert!(!Value::Exactly(words.clone()).accepts(" classic openais"));
        assert!(!Value::Except(words.clone()).accepts("classic  openais"));
        assert!(Value::Except(words).accepts(""));
    }

    #[test]
    fn names_and_lists() {
        assert!(Value::Id.accepts("_a.b-c") && Value::Id.accepts(" größe "));
        assert!(!Value::Id.accepts("1a") && !Value::Id.accepts("a b") && !Value::Id.accepts(""));
        assert!(Value::Devices.accepts("a,b.c-1") && !Value::Devices.accepts("a,,b"));
        assert!(Value::Ports.accepts("80-90") && !Value::Ports.accepts("80:90"));
    }
}
