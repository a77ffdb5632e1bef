//! The text form: `>>>\n`, a line `name=value` or `(T)name=value` for each field, `<<<\n`.
//!
//! Serial lines, the FIFO, local sockets and the inner token use it; older peers send it on
//! datagrams too.
//!
//! Source: heartbeat 3.0.6, `msg2string` and `string2msg`; `spec/heartbeat-wire.md` 1.1.

mod splitter;

pub use splitter::Splitter;

use super::base64;
use super::field::{self, Budget, name_is_legal};
use super::message::{Field, Message, Value};
use super::netstring::{decode_list, encode_list};
use super::{DecodeError, EncodeError};
use crate::limits;

/// First line of a message in this form.
pub const START: &[u8] = b">>>\n";
/// Last line of a message in this form.
pub const END: &[u8] = b"<<<\n";

/// What ends a line of a message by its depth: the top one's newline, then one byte for each
/// level of nesting.
///
/// Source: heartbeat 3.0.6, the table of depth bytes; `spec/heartbeat-wire.md` section 1.
const LINE_ENDS: [u8; limits::HEARTBEAT_MESSAGE_DEPTH_MAX + 1] = [
    b'\n', 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 15, 16, 17, 18,
];

/// What stands for a newline inside a string.
const NEWLINE_IN_STRING: u8 = 0x13;

/// Reads a message; the number is how many bytes it took, its last line included.
pub fn decode(bytes: &[u8]) -> Result<(Message, usize), DecodeError> {
    decode_at(bytes, 0, &mut Budget::new())
}

fn decode_at(
    bytes: &[u8],
    depth: usize,
    budget: &mut Budget,
) -> Result<(Message, usize), DecodeError> {
    let mut message = Message::new();
    let mut lines = Lines::new(bytes, depth)?;
    while let Some((line, at)) = lines.next()? {
        budget.take()?;
        let (name, value) = decode_line(line, depth, budget).map_err(|e| e.offset_by(at))?;
        message.push(name, value);
    }
    Ok((message, lines.at))
}

/// The lines between the marks; blank ones are left out.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    /// Where the next line starts; after the last one, the end of the message.
    at: usize,
    line_end: u8,
}

impl<'a> Lines<'a> {
    /// Bounds: `depth` at most [`limits::HEARTBEAT_MESSAGE_DEPTH_MAX`].
    pub(super) fn new(bytes: &'a [u8], depth: usize) -> Result<Self, DecodeError> {
        let line_end = *LINE_ENDS.get(depth).ok_or(DecodeError::TooDeep)?;
        let mut lines = Self {
            bytes,
            at: 0,
            line_end,
        };
        match lines.line()? {
            b">>>" => Ok(lines),
            _ => Err(DecodeError::malformed(0, "the first line isn't >>>")),
        }
    }

    /// The next field's line, without its end, and its offset; `None` after `<<<`.
    pub(super) fn next(&mut self) -> Result<Option<(&'a [u8], usize)>, DecodeError> {
        loop {
            let at = self.at;
            match self.line()? {
                b"<<<" => return Ok(None),
                b"" => {}
                line => return Ok(Some((line, at))),
            }
        }
    }

    fn line(&mut self) -> Result<&'a [u8], DecodeError> {
        let rest = &self.bytes[self.at..];
        let length =
            rest.iter()
                .position(|&b| b == self.line_end)
                .ok_or(DecodeError::Truncated {
                    at: self.bytes.len(),
                })?;
        self.at += length + 1;
        Ok(&rest[..length])
    }
}

fn decode_line<'a>(
    line: &'a [u8],
    depth: usize,
    budget: &mut Budget,
) -> Result<(&'a [u8], Value), DecodeError> {
    let (kind, rest) = match line {
        [b'(', kind @ b'0'..=b'4', b')', rest @ ..] => (*kind, rest),
        [b'(', ..] => return Err(DecodeError::malformed(0, "a type is (0) to (4)")),
        rest => (b'0', rest),
    };
    let (name, value) = field::split(rest).map_err(|e| e.offset_by(line.len() - rest.len()))?;
    let at = line.len() - value.len();
    let value = match kind {
        b'0' => Value::Text(decode_string(value).map_err(|e| e.offset_by(at))?),
        b'2' => {
            let child = decode_at(value, depth + 1, budget);
            let child = child.and_then(|child| field::whole(child, value.len()));
            Value::Struct(child.map_err(|e| e.offset_by(at))?)
        }
        b'3' => Value::List(decode_list(value, budget).map_err(|e| e.offset_by(at))?),
        kind => {
            let bytes = base64::decode(value).ok_or(DecodeError::malformed(at, "not base64"))?;
            if kind == b'1' {
                Value::Binary(bytes)
            } else {
                Value::Compressed(bytes)
            }
        }
    };
    Ok((name, value))
}

fn decode_string(value: &[u8]) -> Result<Vec<u8>, DecodeError> {
    if let Some(at) = value.iter().position(|&b| b == 0) {
        return Err(DecodeError::malformed(at, "NUL in a string"));
    }
    let newline = |&b: &u8| if b == NEWLINE_IN_STRING { b'\n' } else { b };
    Ok(value.iter().map(newline).collect())
}

/// Appends the message to `out`, both marks included, without a NUL.
///
/// Errors: leaves `out` with whatever was written so far.
pub fn encode_into(message: &Message, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    out.extend_from_slice(START);
    encode_lines(message, 0, out)?;
    out.extend_from_slice(END);
    Ok(())
}

/// Appends what the inner token signs: the lines of all fields but `auth`, without marks.
pub(super) fn encode_signed_lines(message: &Message, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    for field in message.fields().iter().filter(|f| f.name != b"auth") {
        encode_line(field, 0, out)?;
    }
    Ok(())
}

fn encode_lines(message: &Message, depth: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    message
        .fields()
        .iter()
        .try_for_each(|field| encode_line(field, depth, out))
}

fn encode_line(field: &Field, depth: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let name = &field.name;
    if !name_is_legal(name) {
        return Err(EncodeError::BadName(name.clone()));
    }
    check_bytes(name, name, depth)?;
    let start = |kind: &[u8], out: &mut Vec<u8>| {
        out.extend_from_slice(kind);
        out.extend_from_slice(name);
        out.push(b'=');
    };
    match &field.value {
        Value::Text(text) => {
            start(b"", out);
            check_bytes(name, text, depth)?;
            let newline = |&b: &u8| if b == b'\n' { NEWLINE_IN_STRING } else { b };
            out.extend(text.iter().map(newline));
        }
        Value::Binary(bytes) => {
            start(b"(1)", out);
            base64::encode_into(bytes, out);
        }
        Value::Struct(child) => {
            start(b"(2)", out);
            encode_child(child, depth + 1, out)?;
        }
        Value::List(items) => {
            start(b"(3)", out);
            for item in items {
                check_bytes(name, item, depth)?;
                check_no_newline(name, item)?;
            }
            encode_list(name, items, out)?;
        }
        Value::Compressed(bytes) => {
            start(b"(4)", out);
            base64::encode_into(bytes, out);
        }
        Value::Uncompressed(_) => return Err(EncodeError::Uncompressed(name.clone())),
    }
    out.push(LINE_ENDS[depth]);
    Ok(())
}

fn encode_child(child: &Message, depth: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let line_end = *LINE_ENDS.get(depth).ok_or(EncodeError::TooDeep)?;
    out.extend_from_slice(b">>>");
    out.push(line_end);
    encode_lines(child, depth, out)?;
    out.extend_from_slice(b"<<<");
    out.push(line_end);
    Ok(())
}

/// Refuses NUL, and bytes that end a line of this message or of one around it.
fn check_bytes(name: &[u8], value: &[u8], depth: usize) -> Result<(), EncodeError> {
    let reserved = &LINE_ENDS[1..=depth];
    match value.iter().find(|b| **b == 0 || reserved.contains(b)) {
        None => Ok(()),
        Some(&byte) => Err(EncodeError::BadByte {
            name: name.to_vec(),
            byte,
        }),
    }
}

fn check_no_newline(name: &[u8], item: &[u8]) -> Result<(), EncodeError> {
    if item.contains(&b'\n') {
        return Err(EncodeError::BadByte {
            name: name.to_vec(),
            byte: b'\n',
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
