//! A faulty redundant ring is tried: 2.x and 1.4.

use super::DecodeError;
use crate::ids::NodeId;
use crate::wire::cursor::{Reader, Writer};

/// Goes around on the ring that is faulty; when it is back at its starter, all take the ring
/// into use again.
///
/// Layout: 0 u8 type 6 or 7, 1 u8 0, 2 u16 mark 0xFF22, 4 u32 number of the ring, 8 u32 nodeid of
/// the starter. The header's node is the number of the ring.
/// Source: corosync 2.4.6, `struct message_header` in `totemrrp.c`; `spec/totem-wire.md` D.14.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingTest {
    /// True when it is to be taken into use (type 7), false on the way round (type 6).
    pub activate: bool,
    /// Number of the ring: 0 or 1.
    pub ring_number: u32,
    /// Who started the test.
    pub starter: NodeId,
}

impl RingTest {
    pub(super) fn decode(
        reader: &mut Reader,
        activate: bool,
        ring_number: u32,
    ) -> Result<Self, DecodeError> {
        let starter = NodeId(reader.u32()?);
        Ok(Self {
            activate,
            ring_number,
            starter,
        })
    }

    pub(super) fn encode(&self, writer: &mut Writer) {
        writer.u32(self.starter.0);
    }
}
