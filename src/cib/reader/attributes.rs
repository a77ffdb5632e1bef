//! The inside of a start tag.

use super::characters::resolve;
use super::{Reason, Step};

/// The bytes of [`super::characters::is_space`].
fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r')
}

/// A start tag between its angle brackets.
pub(super) struct Tag<'a> {
    text: &'a str,
    base: usize,
    at: usize,
    name: &'a str,
}

pub(super) struct RawAttribute<'a> {
    pub(super) name: &'a str,
    pub(super) start: usize,
    pub(super) value: &'a str,
    pub(super) value_start: usize,
}

impl<'a> Tag<'a> {
    /// `base` is the place of `text` in the file.
    pub(super) fn new(text: &'a str, base: usize) -> Self {
        let end = text.bytes().position(is_blank).unwrap_or(text.len());
        Self {
            text,
            base,
            at: end,
            name: text.get(..end).unwrap_or(text),
        }
    }

    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip_space(&mut self) -> bool {
        let rest = self.rest();
        let blank = rest.bytes().take_while(|&b| is_blank(b)).count();
        self.at += blank;
        blank > 0
    }

    pub(super) fn next_attribute(&mut self) -> Step<Option<RawAttribute<'a>>> {
        let blank = self.skip_space();
        let rest = self.rest();
        if rest.is_empty() {
            return Ok(None);
        }
        let start = self.base + self.at;
        let mut bytes = rest.bytes();
        let end = bytes.position(|b| b == b'=' || is_blank(b));
        let end = end.unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or("");
        if !blank {
            return Err((start, Reason::AttributeBlank(name.into())));
        }
        self.at += end;
        let value = self
            .quoted()
            .ok_or_else(|| (start, Reason::AttributeValue(name.into())))?;
        let value_start = self.base + self.at;
        self.at += value.len() + 1;
        Ok(Some(RawAttribute {
            name,
            start,
            value,
            value_start,
        }))
    }

    /// The value after `=`, without its quotes; the place is then at its first byte.
    fn quoted(&mut self) -> Option<&'a str> {
        self.skip_space();
        self.rest().strip_prefix('=')?;
        self.at += 1;
        self.skip_space();
        let rest = self.rest();
        let quote = rest.bytes().next().filter(|b| matches!(b, b'"' | b'\''))?;
        self.at += 1;
        let inside = rest.get(1..)?;
        inside.get(..inside.bytes().position(|b| b == quote)?)
    }
}

/// The value as XML reads it, if that differs from how it is written: references resolved,
/// tabs and line ends one blank each.
pub(super) fn normalized(value: &str, start: usize) -> Step<Option<String>> {
    let special = |text: &str| {
        let mut bytes = text.bytes();
        bytes.position(|b| matches!(b, b'&' | b'<' | b'\t' | b'\n' | b'\r'))
    };
    if special(value).is_none() {
        return Ok(None);
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = special(rest) {
        let place = start + value.len() - rest.len() + at;
        let (plain, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut after = from.get(1..).unwrap_or("");
        match from.as_bytes().first() {
            Some(b'<') => return Err((place, Reason::LessThan)),
            Some(b'&') => {
                let (name, next) = after
                    .split_once(';')
                    .ok_or_else(|| (place, Reason::Reference(shortened(after))))?;
                out.push(resolve(name).map_err(|reason| (place, reason))?);
                after = next;
            }
            Some(b'\r') => {
                out.push(' ');
                after = after.strip_prefix('\n').unwrap_or(after);
            }
            _ => out.push(' '),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(Some(out))
}

fn shortened(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric())
        .take(20)
        .collect()
}
