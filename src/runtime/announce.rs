//! Tells the neighbours where an address is now: gratuitous ARP, unsolicited neighbour
//! advertisement.
//!
//! pnet builds the frames; the socket is our own, since pnet's would receive all traffic of the
//! interface and take long to close.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;
use std::time::Duration;

use pnet::datalink::MacAddr;
use pnet::packet::arp::{ArpHardwareTypes, ArpOperation, ArpOperations, MutableArpPacket};
use pnet::packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet::packet::icmpv6::ndp::{
    MutableNdpOptionPacket, MutableNeighborAdvertPacket, NdpOptionTypes, NeighborAdvertFlags,
};
use pnet::packet::icmpv6::{self, Icmpv6Code, Icmpv6Packet, Icmpv6Types};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv6::MutableIpv6Packet;
use socket2::{Domain, Socket, Type};

use super::addresses::Link;
use crate::sys::link_layer::interface_address;

const ETHERNET_BYTES: usize = 14;
const ARP_BYTES: usize = 28;
const IPV6_BYTES: usize = 40;
const ADVERTISEMENT_BYTES: usize = 24;
const LINK_OPTION_BYTES: usize = 8;

/// An address and where it is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The address.
    pub ip: IpAddr,
    /// Its interface.
    pub link: Link,
}

/// Sends announcements; opens its socket with the first one and keeps it, since the kernel takes
/// many milliseconds to close a packet socket.
#[derive(Debug, Default)]
pub struct Announcer {
    socket: OnceLock<Socket>,
}

impl Announcer {
    /// Sends it once: an ARP request and an ARP reply, or one advertisement. On a link without
    /// Ethernet addresses there is nobody to tell, and nothing is sent.
    ///
    /// Source: resource-agents 4.12, send_arp, send_ua: the same frames, seen with tcpdump.
    pub fn send(&self, announcement: &Announcement) -> io::Result<()> {
        let link = &announcement.link;
        let Some(mac) = link.mac.map(MacAddr::from) else {
            return Ok(());
        };
        let frames = match announcement.ip {
            IpAddr::V4(ip) => vec![
                arp(mac, ip, ArpOperations::Request),
                arp(mac, ip, ArpOperations::Reply),
            ],
            IpAddr::V6(ip) => vec![advertisement(mac, ip)],
        };
        let to = interface_address(link.index);
        let socket = self.socket()?;
        for frame in frames {
            socket.send_to(&frame, &to)?;
        }
        Ok(())
    }

    /// Sends it `count` times, each after `interval`.
    pub async fn repeat(&self, announcement: &Announcement, count: u32, interval: Duration) {
        for _ in 0..count {
            tokio::time::sleep(interval).await;
            // A lost repetition is no failure: the first one was sent.
            let _ = self.send(announcement);
        }
    }

    fn socket(&self) -> io::Result<&Socket> {
        if let Some(socket) = self.socket.get() {
            return Ok(socket);
        }
        // Protocol 0: it receives nothing.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.set_nonblocking(true)?;
        Ok(self.socket.get_or_init(|| socket))
    }
}

/// A gratuitous ARP frame: sender and target are the address.
///
/// Layout: Ethernet header to everybody, then the 28 bytes of ARP. A request asks for no
/// hardware address, a reply gives it twice.
fn arp(mac: MacAddr, ip: Ipv4Addr, operation: ArpOperation) -> Vec<u8> {
    let mut frame = vec![0; ETHERNET_BYTES + ARP_BYTES];
    ethernet(&mut frame, mac, MacAddr::broadcast(), EtherTypes::Arp);
    let mut arp = MutableArpPacket::new(&mut frame[ETHERNET_BYTES..]).expect("sized above");
    arp.set_hardware_type(ArpHardwareTypes::Ethernet);
    arp.set_protocol_type(EtherTypes::Ipv4);
    arp.set_hw_addr_len(6);
    arp.set_proto_addr_len(4);
    arp.set_operation(operation);
    arp.set_sender_hw_addr(mac);
    arp.set_sender_proto_addr(ip);
    arp.set_target_proto_addr(ip);
    if operation == ArpOperations::Reply {
        arp.set_target_hw_addr(mac);
    }
    frame
}

/// An unsolicited neighbour advertisement to all nodes of the link, overriding what they know.
fn advertisement(mac: MacAddr, ip: Ipv6Addr) -> Vec<u8> {
    const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    const PAYLOAD: usize = ADVERTISEMENT_BYTES + LINK_OPTION_BYTES;
    let mut frame = vec![0; ETHERNET_BYTES + IPV6_BYTES + PAYLOAD];
    let everybody = MacAddr::new(0x33, 0x33, 0, 0, 0, 1);
    ethernet(&mut frame, mac, everybody, EtherTypes::Ipv6);
    let (header, payload) = frame[ETHERNET_BYTES..].split_at_mut(IPV6_BYTES);
    let mut ipv6 = MutableIpv6Packet::new(header).expect("sized above");
    ipv6.set_version(6);
    ipv6.set_payload_length(PAYLOAD as u16);
    ipv6.set_next_header(IpNextHeaderProtocols::Icmpv6);
    // Anything less has passed a router and is not believed.
    ipv6.set_hop_limit(255);
    ipv6.set_source(ip);
    ipv6.set_destination(ALL_NODES);
    let mut advert = MutableNeighborAdvertPacket::new(payload).expect("sized above");
    advert.set_icmpv6_type(Icmpv6Types::NeighborAdvert);
    advert.set_icmpv6_code(Icmpv6Code(0));
    advert.set_flags(NeighborAdvertFlags::Override);
    advert.set_target_addr(ip);
    let mut option =
        MutableNdpOptionPacket::new(&mut payload[ADVERTISEMENT_BYTES..]).expect("sized above");
    option.set_option_type(NdpOptionTypes::TargetLLAddr);
    option.set_length(1);
    option.set_data(&[mac.0, mac.1, mac.2, mac.3, mac.4, mac.5]);
    let packet = Icmpv6Packet::new(payload).expect("sized above");
    let checksum = icmpv6::checksum(&packet, &ip, &ALL_NODES);
    payload[2..4].copy_from_slice(&checksum.to_be_bytes());
    frame
}

fn ethernet(
    frame: &mut [u8],
    source: MacAddr,
    destination: MacAddr,
    kind: pnet::packet::ethernet::EtherType,
) {
    let mut ethernet = MutableEthernetPacket::new(frame).expect("longer than its header");
    ethernet.set_destination(destination);
    ethernet.set_source(source);
    ethernet.set_ethertype(kind);
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddr = MacAddr(0x26, 0x24, 0x65, 0xe4, 0x5e, 0x7f);

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).unwrap())
            .collect()
    }

    /// Both frames as resource-agents' send_arp put them on the wire.
    #[test]
    fn arp_frames_are_those_of_send_arp() {
        let ip = Ipv4Addr::new(10, 9, 0, 5);
        let request = hex(
            "ffff ffff ffff 2624 65e4 5e7f 0806 0001 0800 0604 0001 2624 65e4 5e7f 0a09 0005
             0000 0000 0000 0a09 0005",
        );
        assert_eq!(arp(MAC, ip, ArpOperations::Request), request);
        let reply = hex(
            "ffff ffff ffff 2624 65e4 5e7f 0806 0001 0800 0604 0002 2624 65e4 5e7f 0a09 0005
             2624 65e4 5e7f 0a09 0005",
        );
        assert_eq!(arp(MAC, ip, ArpOperations::Reply), reply);
    }

    /// The frame of resource-agents' send_ua, less its flow label.
    #[test]
    fn the_advertisement_is_that_of_send_ua() {
        let ip = "2001:db8:9::5".parse().unwrap();
        let frame = hex(
            "3333 0000 0001 2624 65e4 5e7f 86dd 6000 0000 0020 3aff 2001 0db8 0009 0000 0000
             0000 0000 0005 ff02 0000 0000 0000 0000 0000 0000 0001 8800 108a 2000 0000 2001
             0db8 0009 0000 0000 0000 0000 0005 0201 2624 65e4 5e7f",
        );
        assert_eq!(advertisement(MAC, ip), frame);
    }
}
