//! heartbeat's messages: fields, the text and the netstring form, authentication, compression.
//!
//! ```text
//!  bytes --datagram::open--> Opened { message, .. }      authenticated first, then parsed
//!  Message --datagram::seal_into--> bytes                 inner and outer token, one buffer
//!  serial, FIFO bytes --text::Splitter--> one text form --datagram::open / text::decode
//! ```

pub mod auth;
mod base64;
pub mod compress;
pub mod datagram;
mod error;
pub mod message;
pub mod netstring;
pub mod ping;
pub mod text;

pub use auth::{Key, Keyring, Method};
pub use datagram::{Format, OpenError, Opened, open, seal, seal_into, seal_text_into};
pub use error::{DecodeError, EncodeError};
pub use message::{Field, Message, Value};

use crate::limits;

/// Reads a message in either form without asking who sent it: local sockets, payloads that were
/// compressed, captures without a key.
///
/// Bounds: what the limits say of fields and nesting; `bytes` at most
/// [`limits::HEARTBEAT_UNCOMPRESSED_BYTES_MAX`]. Whatever follows the end mark is ignored.
pub fn decode_unauthenticated(bytes: &[u8]) -> Result<Message, DecodeError> {
    if bytes.len() > limits::HEARTBEAT_UNCOMPRESSED_BYTES_MAX {
        return Err(DecodeError::TooLarge { bytes: bytes.len() });
    }
    if bytes.starts_with(netstring::START) {
        netstring::decode(bytes).map(|(message, _)| message)
    } else if bytes.starts_with(text::START) {
        text::decode(bytes).map(|(message, _)| message)
    } else {
        Err(DecodeError::NotHeartbeat)
    }
}

/// What is left of the bounds while one message, with all it nests, is read.
struct Budget {
    fields: usize,
}

impl Budget {
    fn new() -> Self {
        Self {
            fields: limits::HEARTBEAT_MESSAGE_FIELDS_MAX,
        }
    }

    /// Counts one field or list item.
    fn take(&mut self) -> Result<(), DecodeError> {
        self.fields = self
            .fields
            .checked_sub(1)
            .ok_or(DecodeError::TooManyFields)?;
        Ok(())
    }
}
