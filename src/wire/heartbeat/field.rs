//! What both forms have in common: names, and the bounds of one message.

use super::{DecodeError, Message};
use crate::limits;

/// What is left of the bounds while one message, with all it nests, is read.
pub struct Budget {
    fields: usize,
}

impl Budget {
    /// All of [`limits::HEARTBEAT_MESSAGE_FIELDS_MAX`].
    pub fn new() -> Self {
        Self {
            fields: limits::HEARTBEAT_MESSAGE_FIELDS_MAX,
        }
    }

    /// Counts one field or list item.
    pub fn take(&mut self) -> Result<(), DecodeError> {
        self.fields = self
            .fields
            .checked_sub(1)
            .ok_or(DecodeError::TooManyFields)?;
        Ok(())
    }
}

/// True for a name that both forms can carry.
pub fn name_is_legal(name: &[u8]) -> bool {
    name.first().is_some_and(|&b| b != b'(')
        && !name.iter().any(|b| matches!(b, b'=' | b'\0' | b'\n'))
}

/// The name and the value of `name=value`.
pub fn split(field: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
    let equals = field.iter().position(|&b| b == b'=');
    let equals = equals.ok_or(DecodeError::malformed(0, "a field without ="))?;
    let (name, value) = (&field[..equals], &field[equals + 1..]);
    if name_is_legal(name) {
        Ok((name, value))
    } else {
        Err(DecodeError::malformed(
            0,
            "a field's name is empty or illegal",
        ))
    }
}

/// A nested message, if it takes all of the `length` bytes of its value.
pub fn whole((child, end): (Message, usize), length: usize) -> Result<Message, DecodeError> {
    if end == length {
        Ok(child)
    } else {
        Err(DecodeError::malformed(end, "bytes after a nested message"))
    }
}
