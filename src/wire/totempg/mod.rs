//! totempg: many messages in one packet of totem, or one message over many.
//!
//! Source: spec totem-wire.md E; corosync 3.1.7, exec/totempg.c, `struct totempg_mcast`

mod addressed;

pub use addressed::Addressed;

use super::cursor::{ByteOrder, Reader, Truncated, Writer};

/// Length of what a packet begins with. Units: bytes
pub const HEADER_BYTES: usize = 8;

/// Why a packet can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// It ends too early.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// Its parts are not as long as the packet.
    #[error("the parts of a packet are not as long as the packet")]
    Length,
    /// It has no part.
    #[error("a packet without parts")]
    Empty,
    /// More groups or longer names than the message has room for.
    #[error("the groups of a message don't fit into it")]
    Groups,
}

/// The payload of an mcast: whole messages, and parts of those that begin or end elsewhere.
///
/// Layout: 0 u16 version 0, 2 u16 type (nobody sets it), 4 u8 fragmented, 5 u8 continuation,
/// 6 u16 count, 8 u16 length of each part, then the parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet<'a> {
    /// 0: the last part ends a message; else the number of this fragment.
    pub fragmented: u8,
    /// 0: the first part begins a message; else the number of the fragment that it continues.
    pub continuation: u8,
    /// The parts.
    pub parts: Vec<&'a [u8]>,
}

impl<'a> Packet<'a> {
    /// Reads a packet.
    ///
    /// Errors: the lengths don't add up to the packet, or there is no part.
    pub fn decode(bytes: &'a [u8], order: ByteOrder) -> Result<Self, PacketError> {
        let mut reader = Reader::new(bytes, order);
        reader.skip(4)?;
        let (fragmented, continuation) = (reader.u8()?, reader.u8()?);
        let count = usize::from(reader.u16()?);
        if count == 0 {
            return Err(PacketError::Empty);
        }
        if reader.left() < 2 * count {
            return Err(PacketError::Length);
        }
        let mut lengths = Reader::new(reader.bytes(2 * count)?, order);
        let mut parts = Vec::with_capacity(count);
        while lengths.left() > 0 {
            let length = usize::from(lengths.u16()?);
            parts.push(reader.bytes(length).map_err(|_| PacketError::Length)?);
        }
        if reader.left() > 0 {
            return Err(PacketError::Length);
        }
        Ok(Self {
            fragmented,
            continuation,
            parts,
        })
    }

    /// Appends a packet, in this machine's byte order.
    ///
    /// Bounds: 65,535 parts of 65,535 bytes; what makes packets keeps far below.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let lengths = self.parts.iter().map(|part| part.len());
        begin_packet((self.fragmented, self.continuation), lengths, out);
        for part in &self.parts {
            out.extend_from_slice(part);
        }
    }
}

/// Appends what a packet begins with: its fragment and the one it continues, then the lengths of
/// the parts that follow.
pub fn begin_packet(
    (fragmented, continuation): (u8, u8),
    lengths: impl ExactSizeIterator<Item = usize>,
    out: &mut Vec<u8>,
) {
    let mut writer = Writer::new(out, ByteOrder::NATIVE);
    writer.zeros(4);
    writer.u8(fragmented);
    writer.u8(continuation);
    writer.u16(lengths.len() as u16);
    for length in lengths {
        writer.u16(length as u16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_as_they_were_written() {
        let packet = Packet {
            fragmented: 2,
            continuation: 1,
            parts: vec![b"end", b"", b"begin"],
        };
        let mut out = Vec::new();
        packet.encode_into(&mut out);
        assert_eq!(out.len(), HEADER_BYTES + 6 + 8);
        assert_eq!(Packet::decode(&out, ByteOrder::NATIVE), Ok(packet));
        out.push(0);
        let error = Packet::decode(&out, ByteOrder::NATIVE);
        assert_eq!(error, Err(PacketError::Length));
        assert!(Packet::decode(&out[..7], ByteOrder::NATIVE).is_err());
        let error = Packet::decode(&[0; 8], ByteOrder::NATIVE);
        assert_eq!(error, Err(PacketError::Empty));
        let error = Packet::decode(&[0, 0, 0, 0, 0, 0, 255, 255], ByteOrder::NATIVE);
        assert_eq!(error, Err(PacketError::Length));
    }
}
