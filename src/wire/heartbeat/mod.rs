//! heartbeat's messages: fields, the text and the netstring form, authentication, compression.
//!
//! ```text
//!  bytes --datagram::open--> Opened { message, .. }      authenticated first, then parsed
//!  Message --datagram::seal_into--> bytes                 inner and outer token, one buffer
//!  serial, FIFO bytes --text::Splitter--> one text form --datagram::open / text::decode
//! ```

pub mod auth;
pub(crate) mod base64;
pub mod compress;
pub mod datagram;
mod error;
mod field;
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
