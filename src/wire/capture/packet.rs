//! From a packet as it was on its link to what a socket would have been given.

use std::net::IpAddr;

use etherparse::{EtherType, IpNumber, LaxNetSlice, LaxSlicedPacket, ip_number};

use super::fragments::{FragmentKey, Fragments, Place};
use super::{LinkType, Record};

/// A datagram with its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Nanoseconds since 1970; of the last fragment.
    pub time_ns: u64,
    /// Source address.
    pub from: IpAddr,
    /// Destination address.
    pub to: IpAddr,
    /// What carries it.
    pub transport: Transport,
    /// What it carries.
    pub payload: Vec<u8>,
    /// True if the capture lacks the end of it.
    pub cut: bool,
}

/// What carries a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// UDP.
    Udp {
        /// Source port.
        from_port: u16,
        /// Destination port.
        to_port: u16,
    },
    /// ICMP or ICMPv6 echo; the payload follows the 8 bytes of its header.
    Echo {
        /// True for a reply.
        reply: bool,
    },
}

/// Makes datagrams of packets; keeps fragments until the last of them comes.
#[derive(Debug, Default)]
pub struct Assembler {
    fragments: Fragments,
}

/// What the network layer says.
struct Network<'a> {
    from: IpAddr,
    to: IpAddr,
    protocol: u8,
    payload: &'a [u8],
    cut: bool,
    fragment: Option<(u32, Place)>,
}

impl Assembler {
    /// An assembler without fragments.
    pub fn new() -> Self {
        Self::default()
    }

    /// Datagrams of which fragments were missing or cut.
    pub fn incomplete(&self) -> u64 {
        self.fragments.incomplete()
    }

    /// The datagram that `record` is, or completes; `None` if it isn't UDP or an echo, or if
    /// fragments are missing.
    pub fn push(&mut self, record: &Record) -> Option<Packet> {
        let network = network(&record.bytes, record.link)?;
        let joined = match network.fragment {
            None => None,
            Some((identification, place)) => {
                let key = FragmentKey {
                    from: network.from,
                    to: network.to,
                    identification,
                    protocol: network.protocol,
                };
                Some(self.fragments.push(key, place, network.payload)?)
            }
        };
        let bytes = joined.as_deref().unwrap_or(network.payload);
        let (transport, payload, length) = transport(network.protocol, bytes)?;
        let is_cut = joined.is_none() && (network.cut || record.cut);
        Some(Packet {
            time_ns: record.time_ns,
            from: network.from,
            to: network.to,
            transport,
            payload: payload.to_vec(),
            cut: is_cut || length > payload.len(),
        })
    }
}

fn network(bytes: &[u8], link: LinkType) -> Option<Network<'_>> {
    let sliced = match link {
        LinkType::Ethernet => LaxSlicedPacket::from_ethernet(bytes).ok()?,
        LinkType::Ip => LaxSlicedPacket::from_ip(bytes).ok()?,
        LinkType::Loopback => LaxSlicedPacket::from_ip(bytes.get(4..)?).ok()?,
        LinkType::LinuxCooked => cooked(bytes, 14, 16)?,
        LinkType::LinuxCooked2 => cooked(bytes, 0, 20)?,
        LinkType::Other(_) => return None,
    };
    match sliced.net? {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            let place = Place {
                offset: header.fragments_offset().byte_offset().into(),
                more: header.more_fragments(),
            };
            let fragment = header.is_fragmenting_payload();
            Some(Network {
                from: header.source_addr().into(),
                to: header.destination_addr().into(),
                protocol: ip.payload_ip_number().0,
                payload: ip.payload().payload,
                cut: ip.payload().incomplete,
                fragment: fragment.then_some((header.identification().into(), place)),
            })
        }
        LaxNetSlice::Ipv6(ip) => {
            let extensions = ip.extensions();
            let fragment = (extensions.first_header())
                .and_then(|first| fragment_header(first, extensions.slice()));
            Some(Network {
                from: ip.header().source_addr().into(),
                to: ip.header().destination_addr().into(),
                protocol: ip.payload().ip_number.0,
                payload: ip.payload().payload,
                cut: ip.payload().incomplete,
                fragment,
            })
        }
        LaxNetSlice::Arp(_) => None,
    }
}

/// The fragment header among an IPv6 packet's extension headers, if it carries a part.
///
/// etherparse 0.21's own iterator reads past the end of a packet that was cut here.
/// Source: RFC 8200 section 4; RFC 4302 section 2.2 (the length of an authentication header)
fn fragment_header(first: IpNumber, mut bytes: &[u8]) -> Option<(u32, Place)> {
    let mut number = first;
    while number != ip_number::IPV6_FRAG {
        let length = usize::from(*bytes.get(1)?);
        let length = match number {
            ip_number::AUTH => (length + 2) * 4,
            _ => (length + 1) * 8,
        };
        number = IpNumber(*bytes.first()?);
        bytes = bytes.get(length..)?;
    }
    let [_, _, high, low, id @ ..] = *bytes.first_chunk::<8>()?;
    let offset = u16::from_be_bytes([high, low]);
    let place = Place {
        offset: usize::from(offset & 0xfff8),
        more: offset & 1 == 1,
    };
    (place.more || place.offset > 0).then_some((u32::from_be_bytes(id), place))
}

/// A packet of Linux's "any" device: the protocol's number stands at `protocol`, the network
/// header at `network`.
fn cooked(bytes: &[u8], protocol: usize, network: usize) -> Option<LaxSlicedPacket<'_>> {
    let number = u16::from_be_bytes(*bytes.get(protocol..)?.first_chunk()?);
    let rest = bytes.get(network..)?;
    Some(LaxSlicedPacket::from_ether_type(EtherType(number), rest))
}

/// The transport, its payload, and how long that should be.
fn transport(protocol: u8, bytes: &[u8]) -> Option<(Transport, &[u8], usize)> {
    let (header, payload) = bytes.split_first_chunk::<8>()?;
    let [a, b, c, d, e, f, ..] = *header;
    let echo = |reply| Some((Transport::Echo { reply }, payload, payload.len()));
    match IpNumber(protocol) {
        ip_number::UDP => {
            let length = usize::from(u16::from_be_bytes([e, f])).checked_sub(8)?;
            let transport = Transport::Udp {
                from_port: u16::from_be_bytes([a, b]),
                to_port: u16::from_be_bytes([c, d]),
            };
            Some((transport, payload.get(..length).unwrap_or(payload), length))
        }
        ip_number::ICMP if a == 8 || a == 0 => echo(a == 0),
        ip_number::IPV6_ICMP if a == 128 || a == 129 => echo(a == 129),
        _ => None,
    }
}
