//! Who should be in the next ring.

use super::address::Processor;
use super::{DecodeError, Dialect, count, processors};
use crate::wire::cursor::{Reader, Writer};

/// What a member thinks the next ring should be: all of `processors` but the failed ones.
///
/// A leave is one with number 0 in the header, whose sender is the last of `failed`; in 2.x and
/// 1.4 the number in `from` is 0 too.
///
/// Layout, 3.x, after the header: 13 srp_addr, 17 u32 number of processors, 21 u32 number of
/// failed ones, 25 u64 ring seq, 33 the processors, then the failed ones.
/// Bounds: [`crate::limits::TOTEM_MEMBERS_MAX`] each.
/// Source: corosync 3.1.7, `struct memb_join`, `memb_leave_message_send`;
/// `spec/totem-wire.md` A.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// Who sends it.
    pub from: Processor,
    /// All it has heard of.
    pub processors: Vec<Processor>,
    /// Those of them that it believes gone.
    pub failed: Vec<Processor>,
    /// Number of the ring that it is in.
    pub ring_seq: u64,
}

impl Join {
    pub(super) fn decode(reader: &mut Reader, dialect: Dialect) -> Result<Self, DecodeError> {
        let from = Processor::decode(reader, dialect)?;
        let (all, failed) = (reader.u32()?, reader.u32()?);
        let ring_seq = reader.u64()?;
        Ok(Self {
            from,
            ring_seq,
            processors: processors(reader, all, dialect)?,
            failed: processors(reader, failed, dialect)?,
        })
    }

    pub(super) fn encode(&self, writer: &mut Writer, dialect: Dialect) {
        self.from.encode(writer, dialect);
        writer.u32(count(self.processors.len()));
        writer.u32(count(self.failed.len()));
        writer.u64(self.ring_seq);
        for processor in self.processors.iter().chain(&self.failed) {
            processor.encode(writer, dialect);
        }
    }
}
