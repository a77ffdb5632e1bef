//! The first bytes of each totem message.

use std::fmt;

use super::DecodeError;
use crate::ids::NodeId;
use crate::wire::cursor::{ByteOrder, Reader, Writer};

/// Generation of the wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// corosync 1.x, openais.
    V1,
    /// corosync 2.x.
    V2,
    /// corosync 3.x.
    V3,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "1.x",
            Self::V2 => "2.x",
            Self::V3 => "3.x",
        })
    }
}

/// Magic of 3.x, which tells the byte order too.
const MAGIC: u16 = 0xC070;
/// The only version of 3.x.
const VERSION: u8 = 3;
/// Byte order mark of 2.x and 1.4.
const ENDIAN_LOCAL: u16 = 0xFF22;

/// What a message is.
///
/// Source: corosync 3.1.7, `enum message_type`; 2.4.6 `totemrrp.c` for the last two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The token.
    OrfToken = 0,
    /// An ordered message.
    Mcast = 1,
    /// "We are here", for rings that don't know of each other.
    MergeDetect = 2,
    /// Who should be in the next ring; a leave too.
    Join = 3,
    /// The next ring, as it is being agreed.
    CommitToken = 4,
    /// There is something to send: don't hold the token.
    HoldCancel = 5,
    /// A faulty redundant ring is tried (2.x, 1.4).
    RingTestActive = 6,
    /// It works again (2.x, 1.4).
    RingTestActivate = 7,
}

impl Kind {
    fn of_number(number: u8, dialect: Dialect) -> Result<Self, DecodeError> {
        Ok(match number {
            0 => Self::OrfToken,
            1 => Self::Mcast,
            2 => Self::MergeDetect,
            3 => Self::Join,
            4 => Self::CommitToken,
            5 => Self::HoldCancel,
            6 if dialect != Dialect::V3 => Self::RingTestActive,
            7 if dialect != Dialect::V3 => Self::RingTestActivate,
            other => return Err(DecodeError::Type(other)),
        })
    }

    /// Its name in the specification and in corosync's sources.
    pub fn name(self) -> &'static str {
        match self {
            Self::OrfToken => "orf_token",
            Self::Mcast => "mcast",
            Self::MergeDetect => "memb_merge_detect",
            Self::Join => "memb_join",
            Self::CommitToken => "memb_commit_token",
            Self::HoldCancel => "token_hold_cancel",
            Self::RingTestActive => "ring_test_active",
            Self::RingTestActivate => "ring_test_activate",
        }
    }
}

/// The header.
///
/// Layout, 3.x, 13 bytes: 0 u16 magic 0xC070 in the sender's order, 2 u8 version 3, 3 u8 type,
/// 4 u8 encapsulated, 5 u32 nodeid, 9 u32 target nodeid (not initialised over udp and udpu:
/// not kept, sent as 0).
/// Layout, 2.x and 1.4, 8 bytes: 0 u8 type, 1 u8 encapsulated, 2 u16 mark 0xFF22, 4 u32 nodeid.
/// Source: corosync 3.1.7, `struct totem_message_header`; `spec/totem-wire.md` A.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What follows.
    pub kind: Kind,
    /// In an mcast: 1 carries a message of the old ring, 2 does not; 0 in all others.
    pub encapsulated: u8,
    /// Who sends; in an mcast who sent it first; 0 in a leave.
    pub node: NodeId,
    /// The sender's byte order.
    pub order: ByteOrder,
}

impl Header {
    /// Reads it and leaves `reader` behind it, in the sender's byte order.
    pub fn decode(reader: &mut Reader, dialect: Dialect) -> Result<Self, DecodeError> {
        match dialect {
            Dialect::V3 => Self::decode_v3(reader),
            Dialect::V2 | Dialect::V1 => Self::decode_old(reader, dialect),
        }
    }

    fn decode_v3(reader: &mut Reader) -> Result<Self, DecodeError> {
        let order = order_of(reader.array()?, MAGIC)?;
        reader.set_order(order);
        let version = reader.u8()?;
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        let kind = Kind::of_number(reader.u8()?, Dialect::V3)?;
        let encapsulated = reader.u8()?;
        let node = NodeId(reader.u32()?);
        reader.skip(4)?;
        Ok(Self {
            kind,
            encapsulated,
            node,
            order,
        })
    }

    fn decode_old(reader: &mut Reader, dialect: Dialect) -> Result<Self, DecodeError> {
        let number = reader.u8()?;
        let encapsulated = reader.u8()?;
        let order = order_of(reader.array()?, ENDIAN_LOCAL)?;
        reader.set_order(order);
        Ok(Self {
            kind: Kind::of_number(number, dialect)?,
            encapsulated,
            node: NodeId(reader.u32()?),
            order,
        })
    }

    /// Appends it. The writer has the order that the header names.
    pub fn encode(&self, writer: &mut Writer, dialect: Dialect) {
        if dialect == Dialect::V3 {
            writer.u16(MAGIC);
            writer.u8(VERSION);
        }
        writer.u8(self.kind as u8);
        writer.u8(self.encapsulated);
        if dialect != Dialect::V3 {
            writer.u16(ENDIAN_LOCAL);
        }
        writer.u32(self.node.0);
        if dialect == Dialect::V3 {
            writer.zeros(4);
        }
    }
}

fn order_of(mark: [u8; 2], native: u16) -> Result<ByteOrder, DecodeError> {
    if mark == native.to_le_bytes() {
        Ok(ByteOrder::Little)
    } else if mark == native.to_be_bytes() {
        Ok(ByteOrder::Big)
    } else {
        Err(DecodeError::NotTotem)
    }
}

/// True if bytes begin as a message of that generation does.
pub fn looks_like(bytes: &[u8], dialect: Dialect) -> bool {
    let mut reader = Reader::new(bytes, ByteOrder::NATIVE);
    Header::decode(&mut reader, dialect).is_ok()
}
