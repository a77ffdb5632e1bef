//! Why bytes are no totem message.

use crate::limits;
use crate::wire::cursor::Truncated;

/// Why bytes are no totem message. Offsets count from the start of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No magic of 3.x, no byte order mark of 2.x and 1.4.
    #[error("not a totem message")]
    NotTotem,
    /// A 3.x header with another version.
    #[error("totem version {0}, only 3 is known")]
    Version(u8),
    /// A type that this generation doesn't have.
    #[error("message type {0} is unknown")]
    Type(u8),
    /// The message ends before its fields do.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// A field has a value that it can't have.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// More members than [`limits::TOTEM_MEMBERS_MAX`].
    #[error("{0} members, at most {max} can be", max = limits::TOTEM_MEMBERS_MAX)]
    TooManyMembers(u32),
    /// More retransmit requests than [`limits::TOTEM_RTR_ENTRIES_MAX`].
    #[error(
        "{0} retransmit requests, at most {max} can be", max = limits::TOTEM_RTR_ENTRIES_MAX)]
    TooManyRequests(u32),
    /// More bytes than an mcast message may have.
    #[error(
        "{0} bytes, an mcast message has at most {max}", max = limits::TOTEM_MCAST_BYTES_MAX)]
    TooLong(usize),
}
