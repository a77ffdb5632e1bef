//! Why bytes are no message, and why a message can't be made into bytes.

use crate::limits;

/// Why bytes are no message. Offsets count from the start of the bytes handed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The first four bytes are neither `>>>\n` nor `###\n`.
    #[error("not a heartbeat message")]
    NotHeartbeat,
    /// The bytes end before the message does.
    #[error("truncated at byte {at}")]
    Truncated {
        /// Where more was expected.
        at: usize,
    },
    /// The bytes break a rule of the form.
    #[error("malformed at byte {at}: {what}")]
    Malformed {
        /// Where the rule is broken.
        at: usize,
        /// The rule.
        what: &'static str,
    },
    /// More fields and list items than [`limits::HEARTBEAT_MESSAGE_FIELDS_MAX`].
    #[error("more than {} fields", limits::HEARTBEAT_MESSAGE_FIELDS_MAX)]
    TooManyFields,
    /// Struct fields deeper than [`limits::HEARTBEAT_MESSAGE_DEPTH_MAX`].
    #[error("nested deeper than {} levels", limits::HEARTBEAT_MESSAGE_DEPTH_MAX)]
    TooDeep,
    /// More bytes than a message may have.
    #[error("too large: {bytes} bytes")]
    TooLarge {
        /// How many there are.
        bytes: usize,
    },
}

impl DecodeError {
    /// A broken rule.
    pub(super) fn malformed(at: usize, what: &'static str) -> Self {
        Self::Malformed { at, what }
    }

    /// The same, found in a part that starts `base` bytes further on.
    pub(super) fn offset_by(self, base: usize) -> Self {
        match self {
            Self::Truncated { at } => Self::Truncated { at: at + base },
            Self::Malformed { at, what } => Self::Malformed {
                at: at + base,
                what,
            },
            other => other,
        }
    }
}

/// Why a message can't be made into bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A field's name is empty or holds `=`, NUL, a newline, or starts with `(`.
    #[error("a field can't be named \"{}\"", .0.escape_ascii())]
    BadName(Vec<u8>),
    /// A value holds a byte that the form needs for itself.
    #[error(
        "field \"{}\" holds byte {byte}, which the form can't carry there",
        .name.escape_ascii()
    )]
    BadByte {
        /// The field.
        name: Vec<u8>,
        /// The byte.
        byte: u8,
    },
    /// A list with an empty item, or one that packs longer than
    /// [`limits::HEARTBEAT_LIST_BYTES_MAX`].
    #[error("list \"{}\" has an empty item or is too long", .0.escape_ascii())]
    BadList(Vec<u8>),
    /// The text form has no way to write a type 5 field.
    #[error("field \"{}\" must be compressed before it is written as text", .0.escape_ascii())]
    Uncompressed(Vec<u8>),
    /// Struct fields deeper than [`limits::HEARTBEAT_MESSAGE_DEPTH_MAX`].
    #[error("nested deeper than {} levels", limits::HEARTBEAT_MESSAGE_DEPTH_MAX)]
    TooDeep,
    /// The result doesn't fit where it is to go.
    #[error("too large: {bytes} bytes, {max} fit")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest that fits.
        max: usize,
    },
}
