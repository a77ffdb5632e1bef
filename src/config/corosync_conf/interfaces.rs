//! The sections `totem.interface`, and what rings there are.
//!
//! Source: spec corosync-conf.md 3.2

use std::net::IpAddr;

use super::address;
use super::generation::Generation;
use super::model::{Interface, Node, RrpMode, Totem, Transport};
use super::read::Reader;
use super::section::Merged;
use super::tree::{Key, Section};
use crate::config::source::Span;

/// Port where nothing is said. Source: corosync, `DEFAULT_PORT`
const PORT: u16 = 5405;

/// Most rings of 1.x and 2.x. Source: corosync 2.4.6, `INTERFACE_MAX`
const RINGS_MAX: u8 = 2;

/// Most links of 3.x. Source: corosync 3.1.7, `INTERFACE_MAX`
const LINKS_MAX: u8 = 8;

/// The most rings or links of a generation.
pub(super) fn most(generation: Generation) -> u8 {
    match generation {
        Generation::Three => LINKS_MAX,
        Generation::One | Generation::Two => RINGS_MAX,
    }
}

/// Reads the interfaces, by number; those that only the nodelist names are made.
pub(super) fn read(reader: &mut Reader<'_, '_>, totem: &Totem, nodes: &[Node]) -> Vec<Interface> {
    let sections: Vec<&Section> = reader.totem().all("interface").collect();
    let broadcast = sections
        .iter()
        .any(|s| Merged::one(s).is("broadcast", "yes"));
    let mut all: Vec<Interface> = Vec::new();
    for section in sections {
        let Some(new) = one(reader, section, nodes) else {
            continue;
        };
        match all.iter_mut().find(|i| i.number == new.number) {
            Some(first) => {
                let message = format!("a second interface with number {}", new.number);
                let help = "its keys replace those of the first; give each ring its own number";
                reader.warning(section.span, message, help);
                replace(first, new);
            }
            None => all.push(new),
        }
    }
    for number in 0..rings_of(nodes) {
        if !all.iter().any(|i| i.number == number) {
            let span = nodes.first().map(|n| n.span).unwrap_or_default();
            all.push(empty(number, span));
        }
    }
    all.sort_by_key(|i| i.number);
    for interface in &mut all {
        fill(reader, totem, nodes, interface, broadcast);
    }
    all
}

/// Rings that some node has an address on.
fn rings_of(nodes: &[Node]) -> u8 {
    let most = nodes.iter().map(|n| n.addresses.len()).max().unwrap_or(0);
    u8::try_from(most).unwrap_or(LINKS_MAX)
}

fn empty(number: u8, span: Span) -> Interface {
    Interface {
        number,
        span,
        bindnetaddr: None,
        mcastaddr: None,
        broadcast: false,
        mcastport: 0,
        ttl: 1,
        members: Vec::new(),
    }
}

fn replace(first: &mut Interface, new: Interface) {
    first.bindnetaddr = new.bindnetaddr.or(first.bindnetaddr);
    first.mcastaddr = new.mcastaddr.or(first.mcastaddr);
    if new.mcastport != 0 {
        first.mcastport = new.mcastport;
    }
    if new.ttl != 1 {
        first.ttl = new.ttl;
    }
    first.members.extend(new.members);
}

fn one(reader: &mut Reader<'_, '_>, section: &Section, nodes: &[Node]) -> Option<Interface> {
    let keys = Merged::one(section);
    let name = match reader.generation() {
        Generation::Three => "linknumber",
        _ => "ringnumber",
    };
    let number: u8 = keys.number_or(name, 0);
    let most = most(reader.generation());
    if number >= most {
        let span = keys.key(name).map_or(section.span, Key::span);
        let message = format!("{name} {number} is too high");
        reader.error(span, message, format!("the numbers are 0 to {}", most - 1));
        return None;
    }
    let mut new = empty(number, section.span);
    new.bindnetaddr = keys.key("bindnetaddr").and_then(|k| ip(reader, k));
    new.mcastaddr = keys.key("mcastaddr").and_then(|k| group(reader, k));
    new.mcastport = keys.number_or("mcastport", 0);
    new.ttl = keys.number_or("ttl", 1);
    let members = section.all("member").filter_map(|m| m.key("memberaddr"));
    new.members = members.map(|k| k.value.clone()).collect();
    obsolete(reader, section, nodes);
    Some(new)
}

/// What a nodelist takes the place of.
fn obsolete(reader: &mut Reader<'_, '_>, section: &Section, nodes: &[Node]) {
    if nodes.is_empty() {
        return;
    }
    if let Some(key) = section.key("bindnetaddr") {
        let message = "bindnetaddr is not used: the nodelist has the address";
        reader.warning(key.span(), message, "take it out; keep the nodelist");
    }
    if let Some(member) = section.all("member").next() {
        let message = "members are not used: the nodelist has the nodes";
        reader.warning(member.span, message, "take them out; keep the nodelist");
    }
}

/// An address; one with the length of its network is taken without it.
fn ip(reader: &mut Reader<'_, '_>, key: &Key) -> Option<IpAddr> {
    if let Ok(address) = key.value.parse() {
        return Some(address);
    }
    let bare = key.value.split('/').next().unwrap_or_default();
    if let Ok(address) = bare.parse() {
        let message = format!("{} takes no length of a network", key.name);
        let help = format!("write {}: {bare}", key.name);
        reader.refused(key.value_span, message, help);
        return Some(address);
    }
    let message = format!("{} {:?} is no address", key.name, key.value);
    let help = "write an IPv4 or IPv6 address, such as 10.0.0.0";
    reader.error(key.value_span, message, help);
    None
}

fn group(reader: &mut Reader<'_, '_>, key: &Key) -> Option<IpAddr> {
    let address = ip(reader, key)?;
    if address.is_multicast() {
        return Some(address);
    }
    let message = format!("{address} is no multicast address");
    let help = "write one from 239.192.0.0 to 239.255.255.255, the same on all nodes";
    reader.error(key.value_span, message, help);
    None
}

/// Fills in what isn't said.
fn fill(
    reader: &Reader<'_, '_>,
    totem: &Totem,
    nodes: &[Node],
    interface: &mut Interface,
    broadcast: bool,
) {
    let number = interface.number;
    interface.broadcast = broadcast;
    if interface.mcastport == 0 {
        interface.mcastport = match reader.generation() {
            _ if broadcast => PORT + 2 * u16::from(number),
            Generation::Three => PORT + u16::from(number),
            _ => PORT,
        };
    }
    let of_node = nodes
        .iter()
        .find_map(|n| n.addresses.get(usize::from(number)));
    let of_node = of_node
        .and_then(Option::as_ref)
        .and_then(|a| a.text.parse().ok());
    let own: Option<IpAddr> = of_node.or(interface.bindnetaddr);
    let ipv6 = own.is_some_and(|a| a.is_ipv6());
    if interface.mcastaddr.is_none()
        && totem.transport == Transport::Udp
        && reader.generation() != Generation::One
        && let Some(name) = &totem.cluster_name
    {
        interface.mcastaddr = Some(address::group_of(name, number, ipv6));
    }
}

/// What must hold of all interfaces together.
pub(super) fn check(reader: &mut Reader<'_, '_>, totem: &Totem, nodes: &[Node], all: &[Interface]) {
    if all.is_empty() {
        let help = "write a nodelist, or an interface with bindnetaddr; corosync.conf(5) has both";
        let span = reader.totem_span("interface");
        return reader.error(span, "neither nodes nor interfaces are given", help);
    }
    count(reader, totem, all);
    for interface in all {
        ports(reader, interface, nodes);
        address_of(reader, totem, interface, nodes);
        ttl(reader, totem, interface);
    }
    families(reader, totem, all);
    apart(reader, totem, all);
}

fn count(reader: &mut Reader<'_, '_>, totem: &Totem, all: &[Interface]) {
    let three = reader.generation() == Generation::Three;
    let Some(second) = all.get(1) else { return };
    let rings = all.len();
    if three && totem.transport != Transport::Knet {
        let message = format!("{rings} links, and {} has one", totem.transport.as_str());
        let help = "take ring1_addr and the second interface out: only knet has several links in \
                    3.x; two rings of 2.x need rrp_mode: passive";
        reader.error(second.span, message, help);
    } else if !three && totem.rrp_mode == RrpMode::None {
        let message = format!("{rings} rings, and rrp_mode is none");
        let help = "write rrp_mode: passive into totem, or take the second ring out";
        reader.error(second.span, message, help);
    }
}

/// 1.x has no default port, and none without a nodelist has 0.
fn ports(reader: &mut Reader<'_, '_>, interface: &Interface, nodes: &[Node]) {
    let sections: Vec<_> = reader.totem().all("interface").collect();
    let section = sections.iter().find(|s| s.span == interface.span);
    let Some(section) = section else { return };
    let key = section.key("mcastport");
    let message = match key.map(|k| k.value.as_str()) {
        None if reader.generation() == Generation::One => "mcastport is missing",
        Some("0") if reader.generation() != Generation::Three || nodes.is_empty() => {
            "mcastport is 0"
        }
        _ => return,
    };
    let span = key.map_or(section.span, Key::span);
    let help =
        format!("write mcastport: {PORT}, which is taken here; the port below it is used, too");
    reader.refused(span, message, help);
}

/// Over udp there must be a group, and an address or a network to send from.
fn address_of(reader: &mut Reader<'_, '_>, totem: &Totem, interface: &Interface, nodes: &[Node]) {
    let span = interface.span;
    if nodes.is_empty() && interface.bindnetaddr.is_none() {
        let message = "the interface has no bindnetaddr";
        let help = "write the network that the nodes share, such as bindnetaddr: 10.0.0.0";
        reader.error(span, message, help);
    }
    let udp = totem.transport == Transport::Udp;
    if udp && interface.mcastaddr.is_none() && !interface.broadcast {
        let help = match reader.generation() {
            Generation::One => "write mcastaddr: 239.255.1.1 or so, the same on all nodes",
            _ => "write cluster_name into totem, or mcastaddr here; the same on all nodes",
        };
        reader.error(span, "there is no multicast address", help);
    }
    if let (Some(group), Some(own)) = (interface.mcastaddr, interface.bindnetaddr)
        && group.is_ipv6() != own.is_ipv6()
        && nodes.is_empty()
    {
        let message = format!("mcastaddr {group} and bindnetaddr {own} are of two families");
        reader.error(span, message, "write both as IPv4 or both as IPv6");
    }
    let list = nodes.is_empty() && interface.members.is_empty();
    if totem.transport == Transport::Udpu && list {
        let message = "transport udpu, and no nodes are named";
        let help = "name all nodes in a nodelist, or as member { memberaddr: … } here";
        reader.error(span, message, help);
    }
}

fn ttl(reader: &mut Reader<'_, '_>, totem: &Totem, interface: &Interface) {
    if interface.ttl != 1 && totem.transport != Transport::Udp {
        let message = format!("ttl is for multicast, not for {}", totem.transport.as_str());
        reader.refused(interface.span, message, "take ttl out");
    }
}

fn families(reader: &mut Reader<'_, '_>, totem: &Totem, all: &[Interface]) {
    let own = all.iter().filter_map(|i| i.bindnetaddr.map(|a| (i, a)));
    let mut own = own.map(|(i, a)| (i.span, a.is_ipv6()));
    let Some((span, ipv6)) = own.next() else {
        return;
    };
    if let Some((span, _)) = own.find(|(_, other)| *other != ipv6) {
        let message = "the rings are of two families of addresses";
        reader.error(span, message, "use IPv4 or IPv6 on both");
    }
    let listed = reader.tree.has("nodelist");
    if ipv6 && totem.nodeid == 0 && !listed {
        let message = "an id of the node can't be made of an IPv6 address";
        let help = "write nodeid: N into totem, another number on each node";
        reader.error(span, message, help);
    }
}

/// Two rings over udp must not hear each other: each uses its port and the one below.
fn apart(reader: &mut Reader<'_, '_>, totem: &Totem, all: &[Interface]) {
    let [first, second, ..] = all else { return };
    let old = reader.generation() != Generation::Three && totem.transport == Transport::Udp;
    let near = first.mcastport.abs_diff(second.mcastport) <= 1;
    if old && near && first.mcastaddr == second.mcastaddr {
        let message = "both rings have the same address and port";
        let help = "give each its own mcastaddr, or ports that differ by 2 or more";
        reader.error(second.span, message, help);
    }
}
