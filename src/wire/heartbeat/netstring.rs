//! The netstring form: `###\n`, `LEN:(T)name=value,` for each field, `%%%\n`.
//!
//! Source: heartbeat 3.0.6, `msg2netstring` and `netstring2msg`; `spec/heartbeat-wire.md` 1.2.

use super::field::{self, Budget, name_is_legal};
use super::message::{Field, Message, Value};
use super::{DecodeError, EncodeError};
use crate::limits;

/// First bytes of a message in this form.
pub const START: &[u8] = b"###\n";
/// Last bytes of a message in this form; on a datagram the outer token follows.
pub const END: &[u8] = b"%%%\n";

/// `(T)`.
const TYPE_BYTES: usize = 3;

/// Most digits of a length; with it no length overflows.
const LENGTH_DIGITS_MAX: usize = 7;

/// Reads a message; the number is how many bytes it took, its end mark included.
pub fn decode(bytes: &[u8]) -> Result<(Message, usize), DecodeError> {
    decode_at(bytes, 0, &mut Budget::new())
}

fn decode_at(
    bytes: &[u8],
    depth: usize,
    budget: &mut Budget,
) -> Result<(Message, usize), DecodeError> {
    let mut message = Message::new();
    let end = walk(bytes, |field, at| {
        budget.take()?;
        let (name, value) = decode_field(field, depth, budget).map_err(|e| e.offset_by(at))?;
        message.push(name, value);
        Ok(())
    })?;
    Ok((message, end))
}

/// Where the message ends, its end mark included, found by the lengths alone: nothing in a field
/// is looked at.
pub(super) fn end_of(bytes: &[u8]) -> Result<usize, DecodeError> {
    walk(bytes, |_, _| Ok(()))
}

/// Calls `each` with every field's bytes and their offset.
fn walk<'a>(
    bytes: &'a [u8],
    mut each: impl FnMut(&'a [u8], usize) -> Result<(), DecodeError>,
) -> Result<usize, DecodeError> {
    let mut at = expect(bytes, 0, START)?;
    loop {
        match bytes.get(at) {
            None => return Err(DecodeError::Truncated { at }),
            Some(b'%') => return expect(bytes, at, END),
            Some(_) => {}
        }
        let (field, next) = peel(bytes, at)?;
        each(field, next - 1 - field.len())?;
        at = next;
    }
}

fn expect(bytes: &[u8], at: usize, mark: &'static [u8]) -> Result<usize, DecodeError> {
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.starts_with(mark) {
        Ok(at + mark.len())
    } else if mark.starts_with(rest) {
        Err(DecodeError::Truncated { at: bytes.len() })
    } else {
        Err(DecodeError::malformed(
            at,
            "no mark where the message starts or ends",
        ))
    }
}

/// Takes one netstring off `bytes` at `at`: its content, and where the next begins.
pub(super) fn peel(bytes: &[u8], at: usize) -> Result<(&[u8], usize), DecodeError> {
    let rest = bytes.get(at..).unwrap_or_default();
    let digits = rest
        .iter()
        .take(LENGTH_DIGITS_MAX + 1)
        .take_while(|b| b.is_ascii_digit())
        .count();
    let zero_first = digits > 1 && rest[0] == b'0';
    if zero_first || digits > LENGTH_DIGITS_MAX {
        return Err(DecodeError::malformed(
            at,
            "a length has 1 to 7 digits, the first not 0",
        ));
    }
    match rest.get(digits) {
        None => return Err(DecodeError::Truncated { at: bytes.len() }),
        Some(b':') if digits > 0 => {}
        Some(_) => return Err(DecodeError::malformed(at, "no length and colon")),
    }
    let length = rest[..digits]
        .iter()
        .fold(0_usize, |n, d| n * 10 + usize::from(d - b'0'));
    let start = digits + 1;
    match rest.get(start + length) {
        None => Err(DecodeError::Truncated { at: bytes.len() }),
        Some(b',') => Ok((&rest[start..start + length], at + start + length + 1)),
        Some(_) => Err(DecodeError::malformed(
            at + start + length,
            "no comma after the counted bytes",
        )),
    }
}

/// Reads `(T)name=value`.
fn decode_field<'a>(
    bytes: &'a [u8],
    depth: usize,
    budget: &mut Budget,
) -> Result<(&'a [u8], Value), DecodeError> {
    let (kind, rest) = match bytes {
        [b'(', kind @ b'0'..=b'5', b')', rest @ ..] => (*kind, rest),
        _ => {
            return Err(DecodeError::malformed(
                0,
                "a field starts with its type, (0) to (5)",
            ));
        }
    };
    let (name, value) = field::split(rest).map_err(|e| e.offset_by(TYPE_BYTES))?;
    let at = bytes.len() - value.len();
    let value = match kind {
        b'0' if value.contains(&0) => return Err(DecodeError::malformed(at, "NUL in a string")),
        b'0' => Value::Text(value.to_vec()),
        b'1' => Value::Binary(value.to_vec()),
        b'2' => Value::Struct(decode_child(value, depth, budget).map_err(|e| e.offset_by(at))?),
        b'3' => Value::List(decode_list(value, budget).map_err(|e| e.offset_by(at))?),
        b'4' => Value::Compressed(value.to_vec()),
        _ => Value::Uncompressed(decode_child(value, depth, budget).map_err(|e| e.offset_by(at))?),
    };
    Ok((name, value))
}

fn decode_child(bytes: &[u8], depth: usize, budget: &mut Budget) -> Result<Message, DecodeError> {
    if depth + 1 > limits::HEARTBEAT_MESSAGE_DEPTH_MAX {
        return Err(DecodeError::TooDeep);
    }
    field::whole(decode_at(bytes, depth + 1, budget)?, bytes.len())
}

/// Reads the items of a list, `len:item,` each.
pub(super) fn decode_list(bytes: &[u8], budget: &mut Budget) -> Result<Vec<Vec<u8>>, DecodeError> {
    let mut items = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        budget.take()?;
        let (item, next) = peel(bytes, at)?;
        if item.is_empty() {
            return Err(DecodeError::malformed(at, "an empty item in a list"));
        }
        items.push(item.to_vec());
        at = next;
    }
    Ok(items)
}

/// Appends the message to `out`, end mark included, without a token.
///
/// Errors: leaves `out` with whatever was written so far.
pub fn encode_into(message: &Message, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    encode_open(message, out)?;
    out.extend_from_slice(END);
    Ok(())
}

/// As [`encode_into`] but for the end mark, so that a field can be added.
pub(super) fn encode_open(message: &Message, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    encode_fields(message, 0, out)
}

fn encode_fields(message: &Message, depth: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    out.extend_from_slice(START);
    for field in message.fields() {
        if !name_is_legal(&field.name) {
            return Err(EncodeError::BadName(field.name.clone()));
        }
        encode_field(field, depth, out)?;
    }
    Ok(())
}

fn encode_field(field: &Field, depth: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match &field.value {
        Value::Text(text) if text.contains(&0) => Err(EncodeError::BadByte {
            name: field.name.clone(),
            byte: 0,
        }),
        Value::Text(text) => {
            put_field(b'0', &field.name, text, out);
            Ok(())
        }
        Value::Binary(bytes) => {
            put_field(b'1', &field.name, bytes, out);
            Ok(())
        }
        Value::Struct(child) => encode_child(b'2', &field.name, (child, depth), out),
        Value::List(items) => {
            let mut packed = Vec::new();
            encode_list(&field.name, items, &mut packed)?;
            put_field(b'3', &field.name, &packed, out);
            Ok(())
        }
        Value::Compressed(bytes) => {
            put_field(b'4', &field.name, bytes, out);
            Ok(())
        }
        Value::Uncompressed(child) => encode_child(b'5', &field.name, (child, depth), out),
    }
}

fn encode_child(
    kind: u8,
    name: &[u8],
    (child, depth): (&Message, usize),
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    if depth + 1 > limits::HEARTBEAT_MESSAGE_DEPTH_MAX {
        return Err(EncodeError::TooDeep);
    }
    let mut packed = Vec::new();
    encode_fields(child, depth + 1, &mut packed)?;
    packed.extend_from_slice(END);
    put_field(kind, name, &packed, out);
    Ok(())
}

/// Appends the items of a list, `len:item,` each.
pub(super) fn encode_list(
    name: &[u8],
    items: &[Vec<u8>],
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let before = out.len();
    for item in items {
        put_netstring(&[item], out);
    }
    let packed = out.len() - before;
    if packed > limits::HEARTBEAT_LIST_BYTES_MAX || items.iter().any(Vec::is_empty) {
        return Err(EncodeError::BadList(name.to_vec()));
    }
    Ok(())
}

/// Appends one field, `LEN:(T)name=value,`.
pub(super) fn put_field(kind: u8, name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    put_netstring(&[b"(", &[kind], b")", name, b"=", value], out);
}

/// Appends `LEN:` and the parts, one after the other, and `,`.
pub(super) fn put_netstring(parts: &[&[u8]], out: &mut Vec<u8>) {
    let length = parts.iter().map(|p| p.len()).sum();
    put_decimal(length, out);
    out.push(b':');
    for part in parts {
        out.extend_from_slice(part);
    }
    out.push(b',');
}

/// Appends a number in decimal.
pub(super) fn put_decimal(mut number: usize, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        out.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out[start..].reverse();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_exactly() {
        assert_eq!(peel(b"3:abc,rest", 0), Ok((&b"abc"[..], 6)));
        assert_eq!(peel(b"0:,", 0), Ok((&b""[..], 3)));
        for bytes in [
            &b"03:abc,"[..],
            b":,",
            b"-1:a,",
            b"12345678:",
            b"2:abc,",
            b"x",
        ] {
            let result = peel(bytes, 0);
            assert!(
                matches!(result, Err(DecodeError::Malformed { .. })),
                "{bytes:?}"
            );
        }
        for bytes in [&b""[..], b"3", b"3:", b"3:abc", b"9999999:a"] {
            let result = peel(bytes, 0);
            assert!(
                matches!(result, Err(DecodeError::Truncated { .. })),
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn offsets_of_faults_count_from_the_start() {
        let bytes = b"###\n11:(0)t=status,9:(7)a=bcde,%%%\n";
        assert_eq!(
            decode(bytes),
            Err(DecodeError::malformed(
                21,
                "a field starts with its type, (0) to (5)"
            ))
        );
    }

    #[test]
    fn sixteen_levels_and_no_more() {
        let nest = |levels: usize| {
            let mut message = Message::of_type("x");
            for _ in 0..levels {
                let mut outer = Message::new();
                outer.push("m", Value::Struct(message));
                message = outer;
            }
            message
        };
        let mut out = Vec::new();
        encode_into(&nest(16), &mut out).unwrap();
        assert_eq!(decode(&out).unwrap(), (nest(16), out.len()));
        assert_eq!(
            encode_into(&nest(17), &mut Vec::new()),
            Err(EncodeError::TooDeep)
        );

        let mut deep = b"###\n%%%\n".to_vec();
        for _ in 0..17 {
            let mut outer = START.to_vec();
            put_field(b'2', b"m", &deep, &mut outer);
            outer.extend_from_slice(END);
            deep = outer;
        }
        assert_eq!(decode(&deep), Err(DecodeError::TooDeep));
    }

    #[test]
    fn fields_are_counted_with_items_and_nested_ones() {
        let mut bytes = START.to_vec();
        for _ in 0..=limits::HEARTBEAT_MESSAGE_FIELDS_MAX {
            put_field(b'0', b"a", b"", &mut bytes);
        }
        bytes.extend_from_slice(END);
        assert_eq!(decode(&bytes), Err(DecodeError::TooManyFields));

        let mut items = Vec::new();
        for _ in 0..limits::HEARTBEAT_MESSAGE_FIELDS_MAX {
            put_netstring(&[b"a"], &mut items);
        }
        let mut bytes = START.to_vec();
        put_field(b'3', b"l", &items, &mut bytes);
        bytes.extend_from_slice(END);
        assert_eq!(decode(&bytes), Err(DecodeError::TooManyFields));
    }
}
