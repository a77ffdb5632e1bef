//! Whom a whole message is for.

use super::PacketError;
use crate::wire::cursor::{ByteOrder, Reader, Writer};

/// A whole message and its groups.
///
/// Layout: u16 count, u16 length of each name, the names, the body.
/// Source: spec totem-wire.md E; corosync 3.1.7, exec/totempg.c, `group_endian_convert`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addressed<'a> {
    /// Names of its groups, one behind the other.
    names: &'a [u8],
    /// Their lengths, as they stand in the message.
    lengths: &'a [u8],
    order: ByteOrder,
    /// The message itself.
    pub body: &'a [u8],
}

impl<'a> Addressed<'a> {
    /// Reads the groups of a message.
    pub fn decode(message: &'a [u8], order: ByteOrder) -> Result<Self, PacketError> {
        let mut reader = Reader::new(message, order);
        let count = usize::from(reader.u16()?);
        let lengths = reader.bytes(2 * count)?;
        let mut each = Reader::new(lengths, order);
        let mut total = 0;
        while let Ok(length) = each.u16() {
            total += usize::from(length);
        }
        let names = reader.bytes(total).map_err(|_| PacketError::Groups)?;
        Ok(Self {
            names,
            lengths,
            order,
            body: reader.rest(),
        })
    }

    /// True when it is for the group of that name.
    pub fn is_for(&self, group: &[u8]) -> bool {
        let mut lengths = Reader::new(self.lengths, self.order);
        let mut names = Reader::new(self.names, self.order);
        while let Ok(length) = lengths.u16() {
            match names.bytes(length.into()) {
                Ok(name) if name == group => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
        false
    }

    /// A message for one group.
    ///
    /// Bounds: a name of at most 65,535 bytes; those of corosync have 1 and 4.
    pub fn encode(group: &[u8], body: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(4 + group.len() + body.len());
        Self::begin(group, &mut out);
        out.extend_from_slice(body);
        out
    }

    /// Appends what stands before the body of such a message.
    pub fn begin(group: &[u8], out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, ByteOrder::NATIVE);
        writer.u16(1);
        writer.u16(group.len() as u16);
        writer.bytes(group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_told_apart() {
        let message = Addressed::encode(b"sync", b"body");
        let read = Addressed::decode(&message, ByteOrder::NATIVE).unwrap();
        assert!(read.is_for(b"sync") && !read.is_for(b"a"));
        assert_eq!(read.body, b"body");
        let two = [2, 0, 1, 0, 4, 0, b'a', b's', b'y', b'n', b'c', 9];
        let read = Addressed::decode(&two, ByteOrder::Little).unwrap();
        assert!(read.is_for(b"sync") && read.is_for(b"a"));
        assert_eq!(read.body, [9]);
        assert!(Addressed::decode(&two[..8], ByteOrder::Little).is_err());
        assert!(Addressed::decode(&[255, 255], ByteOrder::Little).is_err());
    }
}
