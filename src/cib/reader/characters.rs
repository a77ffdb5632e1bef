//! Characters: encodings, what XML allows, names, references.

use super::{ReadError, Reason};

/// Bytes that are looked at together.
const BLOCK: usize = 256;

pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Bytes to text in the encoding that the XML declaration names.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, ReadError> {
    let head = bytes.get(..bytes.len().min(200)).unwrap_or_default();
    match declared_encoding(head).as_deref() {
        None | Some("utf-8" | "utf8" | "us-ascii" | "ascii") => {
            String::from_utf8(bytes).map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes());
                ReadError::new(&text, at, Reason::Character)
            })
        }
        Some("iso-8859-1" | "latin1" | "iso-latin-1") => {
            Ok(bytes.into_iter().map(char::from).collect())
        }
        Some(other) => Err(ReadError::new("", 0, Reason::Encoding(other.into()))),
    }
}

fn declared_encoding(head: &[u8]) -> Option<String> {
    if head.starts_with(&[0xfe, 0xff]) || head.starts_with(&[0xff, 0xfe]) {
        return Some("utf-16".into());
    }
    let head = String::from_utf8_lossy(head);
    let declaration = head.trim_start_matches('\u{feff}').strip_prefix("<?xml")?;
    let declaration = declaration.split_once("?>")?.0;
    let value = declaration
        .split_once("encoding")?
        .1
        .trim_start()
        .strip_prefix('=')?;
    let value = value.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let name = value.get(1..)?.split(quote).next()?;
    Some(name.to_ascii_lowercase())
}

/// The first character that XML 1.0 does not allow.
pub(super) fn forbidden(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    // Most text has none of it: blocks are looked at as a whole first.
    let suspicious = |block: &[u8]| {
        let odd = |b: &u8| (*b < 0x20) & (*b != b'\t') & (*b != b'\n') & (*b != b'\r');
        block
            .iter()
            .fold(false, |any, b| any | odd(b) | (*b == 0xef))
    };
    let blocks = bytes.chunks(BLOCK).enumerate();
    let mut blocks = blocks.filter(|(_, block)| suspicious(block));
    blocks.find_map(|(number, block)| {
        let start = number * BLOCK;
        (start..start + block.len()).find(|&at| match bytes.get(at..) {
            Some([0xef, 0xbf, 0xbe | 0xbf, ..]) => true,
            Some([b, ..]) => *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r'),
            _ => false,
        })
    })
}

/// Whether XML 1.0 takes the word as a name.
/// Source: XML 1.0, fifth edition, productions 4 and 4a.
pub(super) fn is_name(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(starts_name) && chars.all(continues_name)
}

fn starts_name(c: char) -> bool {
    matches!(c,
        ':' | '_' | 'A'..='Z' | 'a'..='z'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}'
        | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

fn continues_name(c: char) -> bool {
    starts_name(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}'
            | '\u{203f}'..='\u{2040}')
}

/// The character that `&name;` stands for.
pub(super) fn resolve(name: &str) -> Result<char, Reason> {
    let unknown = || Reason::Reference(name.chars().take(20).collect());
    match name {
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "amp" => return Ok('&'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => {}
    }
    let number = name.strip_prefix('#').ok_or_else(unknown)?;
    let (digits, radix) = match number.strip_prefix('x') {
        Some(hex) => (hex, 16),
        None => (number, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(unknown());
    }
    let number = u32::from_str_radix(digits, radix).map_err(|_| unknown())?;
    let allowed = |c: &char| {
        !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}')
            && !matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    char::from_u32(number).filter(allowed).ok_or_else(unknown)
}

/// Line ends as XML reads them: each a single LF.
pub(super) fn normalize_line_ends(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}
