//! An ordered message.

use super::address::{Processor, RingId};
use super::{DecodeError, Dialect, Seqno};
use crate::limits;
use crate::wire::cursor::{Reader, Writer};

/// What the payload of an mcast is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encapsulated {
    /// A whole mcast message of the ring before, header included: recovery.
    Message = 1,
    /// A packet of totempg.
    Packet = 2,
}

impl Encapsulated {
    pub(super) fn of_number(number: u8) -> Result<Self, DecodeError> {
        match number {
            1 => Ok(Self::Message),
            2 => Ok(Self::Packet),
            _ => Err(DecodeError::Malformed("encapsulated is neither 1 nor 2")),
        }
    }
}

/// An ordered message; the header's node is who sent it first.
///
/// Layout, 3.x, after the header: 13 srp_addr of the originator, 17 u32 seq, 21 u32 this_seqno,
/// 25 ring id, 37 u32 node_id (not initialised by 2.x and 1.4: not kept, sent as 0),
/// 41 u32 guarantee, 45 payload.
/// Bounds: [`limits::TOTEM_MCAST_BYTES_MAX`] in all.
/// Source: corosync 3.1.7, `struct mcast`; `spec/totem-wire.md` A.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mcast<'a> {
    /// What the payload is.
    pub encapsulated: Encapsulated,
    /// Who sent it first.
    pub from: Processor,
    /// Its number on the ring.
    pub seq: Seqno,
    /// Running number of the originator's messages since it started; nobody reads it.
    pub this_seqno: u32,
    /// The ring.
    pub ring: RingId,
    /// 0 agreed, 1 safe; nobody acts on it.
    pub guarantee: u32,
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> Mcast<'a> {
    pub(super) fn decode(
        reader: &mut Reader<'a>,
        encapsulated: u8,
        dialect: Dialect,
    ) -> Result<Self, DecodeError> {
        let encapsulated = Encapsulated::of_number(encapsulated)?;
        let length = reader.position() + reader.left();
        if length > limits::TOTEM_MCAST_BYTES_MAX {
            return Err(DecodeError::TooLong(length));
        }
        let from = Processor::decode(reader, dialect)?;
        let seq = Seqno(reader.u32()?);
        let this_seqno = reader.u32()?;
        let ring = RingId::decode(reader, dialect)?;
        reader.skip(4)?;
        Ok(Self {
            encapsulated,
            from,
            seq,
            this_seqno,
            ring,
            guarantee: reader.u32()?,
            payload: reader.rest(),
        })
    }

    pub(super) fn encode(&self, writer: &mut Writer, dialect: Dialect) {
        self.from.encode(writer, dialect);
        writer.u32(self.seq.0);
        writer.u32(self.this_seqno);
        self.ring.encode(writer, dialect);
        writer.zeros(4);
        writer.u32(self.guarantee);
        writer.bytes(self.payload);
    }
}
