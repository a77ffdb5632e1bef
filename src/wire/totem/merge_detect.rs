//! "We are here": an idle ring's representative, to rings that don't know of it.

use super::address::{Processor, RingId};
use super::{DecodeError, Dialect};
use crate::wire::cursor::{Reader, Writer};

/// A ring shows itself.
///
/// Layout, 3.x, after the header: 13 srp_addr, 17 ring id.
/// Source: corosync 3.1.7, `struct memb_merge_detect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeDetect {
    /// Who sends it.
    pub from: Processor,
    /// Its ring.
    pub ring: RingId,
}

impl MergeDetect {
    pub(super) fn decode(reader: &mut Reader, dialect: Dialect) -> Result<Self, DecodeError> {
        Ok(Self {
            from: Processor::decode(reader, dialect)?,
            ring: RingId::decode(reader, dialect)?,
        })
    }

    pub(super) fn encode(&self, writer: &mut Writer, dialect: Dialect) {
        self.from.encode(writer, dialect);
        self.ring.encode(writer, dialect);
    }
}
