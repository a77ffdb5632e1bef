//! The section `nodelist`.
//!
//! Source: spec corosync-conf.md 3.3

use std::net::{IpAddr, Ipv4Addr};

use super::generation::Generation;
use super::model::{Address, Node, Totem, Transport};
use super::read::Reader;
use super::section::Merged;
use super::tree::{Key, Section};
use super::{address, interfaces, schema};

/// Most nodes. Source: corosync 3.1.7, `PROCESSOR_COUNT_MAX`
const NODES_MAX: usize = 384;

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Vec<Node> {
    if reader.generation() == Generation::One {
        if let Some(list) = reader.merged("nodelist").first() {
            let message = "corosync 1.x knows no nodelist";
            let help = "name the nodes by member { memberaddr: … } of the interface";
            reader.note(list.span, message, help);
        }
        return Vec::new();
    }
    let sections: Vec<&Section> = reader.merged("nodelist").all("node").collect();
    if let Some(first) = sections.get(NODES_MAX) {
        let message = format!("more than {NODES_MAX} nodes");
        reader.error(first.span, message, "corosync has room for no more");
    }
    let sections = sections.into_iter().take(NODES_MAX);
    sections.map(|section| node(reader, section)).collect()
}

fn node(reader: &mut Reader<'_, '_>, section: &Section) -> Node {
    let keys = Merged::one(section);
    let most = interfaces::most(reader.generation());
    let mut addresses = Vec::new();
    for key in &section.keys {
        let Some(ring) = schema::ring_of(&key.name) else {
            continue;
        };
        if ring >= most {
            let message = format!("corosync {} has no ring {ring}", reader.generation());
            reader.note(key.span(), message, "the address has no effect");
            continue;
        }
        let at = usize::from(ring);
        if addresses.len() <= at {
            addresses.resize(at + 1, None);
        }
        addresses[at] = ring_address(reader, key);
    }
    if !addresses.first().is_some_and(Option::is_some) {
        let help = "write ring0_addr: and its address or name into it";
        reader.error(section.span, "the node has no address", help);
    }
    Node {
        span: section.span,
        addresses,
        nodeid: keys.number_or("nodeid", 0),
        name: keys.text("name").map(str::to_owned),
        votes: keys.number_or("quorum_votes", 1),
    }
}

fn ring_address(reader: &mut Reader<'_, '_>, key: &Key) -> Option<Address> {
    let mut text = key.value.clone();
    let bare = text.split('/').next().unwrap_or_default();
    if bare.len() < text.len() && bare.parse::<IpAddr>().is_ok() {
        let message = format!("{} takes no length of a network", key.name);
        reader.refused(
            key.value_span,
            message,
            format!("write {}: {bare}", key.name),
        );
        text = bare.to_owned();
    }
    let name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if text.parse::<IpAddr>().is_err() && (text.is_empty() || !text.chars().all(name)) {
        let message = format!("{} {:?} is neither address nor name", key.name, key.value);
        reader.error(
            key.value_span,
            message,
            "write an address, or a name of /etc/hosts",
        );
        return None;
    }
    Some(Address {
        text,
        span: key.value_span,
    })
}

/// The id that a node has, given or made of its address.
pub(super) fn id(node: &Node, generation: Generation, totem: &Totem) -> Option<u32> {
    if node.nodeid != 0 {
        return Some(node.nodeid);
    }
    let address: Ipv4Addr = node.ring0()?.text.parse().ok()?;
    Some(address::nodeid(
        address,
        generation,
        totem.clear_node_high_bit,
    ))
}

/// What must hold of all nodes together.
pub(super) fn check(reader: &mut Reader<'_, '_>, nodes: &[Node], totem: &Totem) {
    let knet = totem.transport == Transport::Knet;
    let generation = reader.generation();
    let mut ids: std::collections::BTreeMap<u32, &Node> = std::collections::BTreeMap::new();
    let mut places: std::collections::BTreeMap<&str, &Node> = std::collections::BTreeMap::new();
    for node in nodes {
        if node.nodeid == 0 {
            without_id(reader, node, knet);
        }
        if let Some(id) = id(node, generation, totem)
            && let Some(first) = ids.insert(id, node)
        {
            let made = |n: &Node| {
                if n.nodeid == 0 {
                    ", made of its address"
                } else {
                    ""
                }
            };
            let message = format!(
                "node id {id} is that of {}{}, too{}",
                first.label(),
                made(first),
                made(node)
            );
            let help = "give each node its own nodeid";
            reader.error(node.span, message, help);
        }
        for address in node.addresses.iter().flatten() {
            let first = places.insert(&address.text, node);
            if first.is_some() {
                let message = format!("the address {} is given twice", address.text);
                reader.warning(address.span, message, "each node and ring has its own");
            }
        }
    }
    links(reader, nodes);
}

fn without_id(reader: &mut Reader<'_, '_>, node: &Node, knet: bool) {
    let help = "write nodeid: N into it, another number for each node";
    if node.ring0().is_none() {
        return;
    }
    let v4 = node
        .ring0()
        .is_some_and(|a| a.text.parse::<Ipv4Addr>().is_ok());
    let v6 = node.ring0().is_some_and(|a| a.text.contains(':'));
    if knet {
        let message = format!("{} has no nodeid, which knet demands", node.label());
        reader.refused(node.span, message, help);
    } else if v6 {
        let message = format!("{} has no nodeid, and IPv6 gives none", node.label());
        reader.error(node.span, message, help);
    } else if !v4 {
        let message = format!(
            "{} has no nodeid: it follows from the address that the name has",
            node.label()
        );
        reader.note(node.span, message, help);
    }
}

/// Nodes have the same rings.
fn links(reader: &mut Reader<'_, '_>, nodes: &[Node]) {
    let rings = |n: &Node| n.addresses.iter().flatten().count();
    let Some(first) = nodes.first() else { return };
    let differs = |n: &&Node| rings(n) != rings(first) && n.ring0().is_some();
    for node in nodes.iter().filter(differs) {
        let message = format!(
            "{} has {} addresses, {} has {}",
            node.label(),
            rings(node),
            first.label(),
            rings(first)
        );
        let help = "give all nodes an address on each ring";
        reader.refused(node.span, message, help);
    }
}
