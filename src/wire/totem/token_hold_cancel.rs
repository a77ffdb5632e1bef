//! "There is something to send": the representative lets go of the token that it holds.

use super::address::RingId;
use super::{DecodeError, Dialect};
use crate::wire::cursor::{Reader, Writer};

/// A member has something to send.
///
/// Layout, 3.x, after the header: 13 ring id.
/// Source: corosync 3.1.7, `struct token_hold_cancel`. The real one never looks at the sender's
/// byte order here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldCancel {
    /// Its ring.
    pub ring: RingId,
}

impl HoldCancel {
    pub(super) fn decode(reader: &mut Reader, dialect: Dialect) -> Result<Self, DecodeError> {
        let ring = RingId::decode(reader, dialect)?;
        Ok(Self { ring })
    }

    pub(super) fn encode(&self, writer: &mut Writer, dialect: Dialect) {
        self.ring.encode(writer, dialect);
    }
}
