//! Who is in a ring, and which ring: forms of the three generations.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{DecodeError, Dialect};
use crate::ids::NodeId;
use crate::wire::cursor::{Reader, Writer};

/// Family of an IPv4 address on the wire: Linux' number.
const FAMILY_IPV4: u16 = 2;
/// Family of an IPv6 address on the wire: Linux' number.
const FAMILY_IPV6: u16 = 10;

/// An address of a member on one ring, as 2.x and 1.4 write it.
///
/// Layout: 0 u32 nodeid, 4 u16 family (2, 10, or 0 for none), 6 16 bytes of address in network
/// order, an IPv4 address in the first four. 22 bytes.
/// Source: corosync 2.4.6, `struct totem_ip_address`; `spec/totem-wire.md` A.3.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RingAddress {
    /// The node it belongs to.
    pub node: NodeId,
    family: u16,
    bytes: [u8; 16],
}

impl RingAddress {
    /// An address of `node`.
    pub fn new(node: NodeId, address: IpAddr) -> Self {
        let mut bytes = [0; 16];
        let family = match address {
            IpAddr::V4(v4) => {
                bytes[..4].copy_from_slice(&v4.octets());
                FAMILY_IPV4
            }
            IpAddr::V6(v6) => {
                bytes = v6.octets();
                FAMILY_IPV6
            }
        };
        Self {
            node,
            family,
            bytes,
        }
    }

    /// A number alone, as 3.x has it.
    pub fn of_node(node: NodeId) -> Self {
        Self {
            node,
            ..Self::default()
        }
    }

    /// The address, if there is one.
    pub fn ip(&self) -> Option<IpAddr> {
        let [a, b, c, d, ..] = self.bytes;
        match self.family {
            FAMILY_IPV4 => Some(Ipv4Addr::new(a, b, c, d).into()),
            FAMILY_IPV6 => Some(Ipv6Addr::from(self.bytes).into()),
            _ => None,
        }
    }

    /// Where it stands among others: by address, or by number where there is none.
    fn rank(&self) -> (u16, [u8; 16], u32) {
        match self.family {
            0 => (0, [0; 16], self.node.0),
            family => (family, self.bytes, 0),
        }
    }

    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        let node = NodeId(reader.u32()?);
        let family = reader.u16()?;
        if ![0, FAMILY_IPV4, FAMILY_IPV6].contains(&family) {
            return Err(DecodeError::Malformed("no family of addresses"));
        }
        Ok(Self {
            node,
            family,
            bytes: reader.array()?,
        })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.u32(self.node.0);
        writer.u16(self.family);
        writer.bytes(&self.bytes);
    }
}

impl fmt::Display for RingAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip() {
            Some(ip) => write!(f, "{}({ip})", self.node),
            None => write!(f, "{}", self.node),
        }
    }
}

impl fmt::Debug for RingAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A node as totem names it: a processor, in the words of the protocol.
///
/// Layout: 3.x: u32 nodeid. 2.x: u8 2, two [`RingAddress`]. 1.4: the two without the count.
/// Two are the same if their first addresses are, whatever numbers stand in them; without
/// addresses (3.x) the number decides. So do they sort: the lowest is the representative.
/// Source: corosync, `struct srp_addr`, `srp_addr_equal`, `srp_addr_compare`;
/// `spec/totem-wire.md` A.3.
#[derive(Clone, Copy, Default)]
pub struct Processor {
    /// Its addresses on ring 0 and ring 1; in 3.x the first has a number only.
    pub addresses: [RingAddress; 2],
}

impl Processor {
    /// A processor of 3.x.
    pub fn of_node(node: NodeId) -> Self {
        Self {
            addresses: [RingAddress::of_node(node), RingAddress::default()],
        }
    }

    /// Its number.
    pub fn node(&self) -> NodeId {
        self.addresses[0].node
    }

    /// The same address with number 0: the sender of a leave in 2.x and 1.4.
    pub fn without_number(mut self) -> Self {
        self.addresses[0].node = NodeId(0);
        self
    }

    /// Reads one.
    ///
    /// Errors: `Malformed` where 2.x has not one or two addresses, or a first one that is none.
    pub fn decode(reader: &mut Reader, dialect: Dialect) -> Result<Self, DecodeError> {
        if dialect == Dialect::V3 {
            return Ok(Self::of_node(NodeId(reader.u32()?)));
        }
        if dialect == Dialect::V2 && !matches!(reader.u8()?, 1 | 2) {
            return Err(DecodeError::Malformed("no count of addresses"));
        }
        let addresses = [RingAddress::decode(reader)?, RingAddress::decode(reader)?];
        Ok(Self { addresses })
    }

    /// Appends it.
    pub fn encode(&self, writer: &mut Writer, dialect: Dialect) {
        match dialect {
            Dialect::V3 => return writer.u32(self.node().0),
            Dialect::V2 => writer.u8(2),
            Dialect::V1 => {}
        }
        for address in &self.addresses {
            address.encode(writer);
        }
    }
}

impl PartialEq for Processor {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Processor {}

impl Ord for Processor {
    fn cmp(&self, other: &Self) -> Ordering {
        self.addresses[0].rank().cmp(&other.addresses[0].rank())
    }
}

impl PartialOrd for Processor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Processor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.addresses[0].rank().hash(state);
    }
}

impl fmt::Display for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.addresses[0], f)?;
        match self.addresses[1].ip() {
            Some(second) => write!(f, "+{second}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Name of a ring: who made it, and its number, which grows.
///
/// Layout: 3.x: u32 nodeid, u64 seq, 12 bytes. 2.x and 1.4: [`RingAddress`], u64 seq, 30 bytes.
/// Source: corosync, `struct memb_ring_id`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RingId {
    /// The representative.
    pub rep: RingAddress,
    /// Number of the ring.
    pub seq: u64,
}

impl RingId {
    /// A ring of 3.x.
    pub fn of_node(node: NodeId, seq: u64) -> Self {
        Self {
            rep: RingAddress::of_node(node),
            seq,
        }
    }

    /// Reads one.
    pub fn decode(reader: &mut Reader, dialect: Dialect) -> Result<Self, DecodeError> {
        let rep = match dialect {
            Dialect::V3 => RingAddress::of_node(NodeId(reader.u32()?)),
            Dialect::V2 | Dialect::V1 => RingAddress::decode(reader)?,
        };
        let seq = reader.u64()?;
        Ok(Self { rep, seq })
    }

    /// Appends it.
    pub fn encode(&self, writer: &mut Writer, dialect: Dialect) {
        match dialect {
            Dialect::V3 => writer.u32(self.rep.node.0),
            Dialect::V2 | Dialect::V1 => self.rep.encode(writer),
        }
        writer.u64(self.seq);
    }
}

impl fmt::Display for RingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rep.ip() {
            Some(ip) => write!(f, "{ip}:{}", self.seq),
            None => write!(f, "{}.{:x}", self.rep.node, self.seq),
        }
    }
}

impl fmt::Debug for RingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(node: u32, address: &str) -> Processor {
        let first = RingAddress::new(NodeId(node), address.parse().unwrap());
        Processor {
            addresses: [first, RingAddress::default()],
        }
    }

    #[test]
    fn addresses_go_before_numbers() {
        assert!(at(33, "10.0.0.1") < at(1, "10.0.0.2"));
        assert!(at(1, "10.0.0.200") < at(2, "10.0.1.1"));
        assert_eq!(at(1, "10.0.0.1"), at(0, "10.0.0.1"));
        assert_ne!(at(1, "10.0.0.1"), at(1, "fe80::1"));
        let (one, two) = (NodeId(1), NodeId(2));
        assert!(Processor::of_node(one) < Processor::of_node(two));
        assert_ne!(RingId::of_node(one, 5), RingId::of_node(two, 5));
    }

    #[test]
    fn the_names_are_those_of_the_log() {
        assert_eq!(RingId::of_node(NodeId(2), 0x1a).to_string(), "2.1a");
        assert_eq!(Processor::of_node(NodeId(7)).to_string(), "7");
        assert_eq!(at(7, "10.0.0.1").to_string(), "7(10.0.0.1)");
    }
}
