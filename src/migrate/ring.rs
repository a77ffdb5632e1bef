//! ha.cf's media and timing to a corosync.conf.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

use super::inputs::NodeFiles;
use crate::config::ha_cf::{HaCf, Medium};
use crate::config::host::Host;
use crate::ids::NodeName;

/// Below this hold falls under its least value of 30 ms. Units: ms
/// Source: spec corosync-conf.md, table of totem: hold = 0.8 * token / 4.2 - 10
pub(super) const TOKEN_MS_MIN: u64 = 220;

/// A node of the ring.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RingNode {
    /// Its id, for good.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Address or name at which the ring reaches it.
    pub address: String,
    /// That on the second link, where there are two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<String>,
}

/// The nodelist.
pub(super) fn nodelist(nodes: &[RingNode]) -> String {
    let mut out = String::from("nodelist {\n");
    for node in nodes {
        let _ = writeln!(out, "\tnode {{\n\t\tring0_addr: {}", node.address);
        if let Some(second) = &node.second {
            let _ = writeln!(out, "\t\tring1_addr: {second}");
        }
        let _ = write!(
            out,
            "\t\tname: {}\n\t\tnodeid: {}\n\t}}\n",
            node.name, node.id
        );
    }
    out.push_str("}\n");
    out
}

/// Links that a ring has at most. Source: corosync 2.4.6, `INTERFACE_MAX`
pub(super) const LINKS_MAX: usize = 2;

/// The ring, and what is to be said of it.
#[derive(Debug, Clone)]
pub(super) struct Ring {
    pub(super) text: String,
    pub(super) nodes: Vec<RingNode>,
    /// Places in `media` of those that tell the ring's links.
    pub(super) links: Vec<usize>,
    pub(super) multicast: bool,
    /// Units: ms
    pub(super) token_ms: u64,
    pub(super) decide: Vec<String>,
}

/// Time until the ring notices silence and has a new membership is token + consensus, which is
/// 2.2 times the token: that is to be heartbeat's dead time. Units: ms
///
/// Source: spec corosync-conf.md: consensus = 1.2 * token; totem-wire.md, gather
pub(super) fn token_ms(deadtime: Duration) -> u64 {
    let deadtime = u64::try_from(deadtime.as_millis()).unwrap_or(u64::MAX / 10);
    (deadtime.saturating_mul(10) / 22).clamp(TOKEN_MS_MIN, u64::from(u32::MAX / 10))
}

/// Makes the ring of these nodes.
pub(super) fn ring(
    ha_cf: &HaCf,
    names: &[NodeName],
    inputs: &[NodeFiles],
    host: &dyn Host,
) -> Ring {
    let links = links(ha_cf);
    let media: Vec<_> = links.iter().filter_map(|at| ha_cf.media.get(*at)).collect();
    let interface = media.first().and_then(|m| m.interface());
    let second = media.get(1).and_then(|m| m.interface());
    let mut decide = Vec::new();
    let nodes: Vec<_> = (1..)
        .zip(names)
        .map(|(id, name)| RingNode {
            id,
            name: name.to_string(),
            address: address(name, names, interface, inputs, host).unwrap_or_else(|| {
                decide.push(unknown_address(
                    name,
                    interface,
                    ("ring0_addr", name.as_str()),
                ));
                name.to_string()
            }),
            second: second.map(|on| {
                address(name, names, Some(on), inputs, host).unwrap_or_else(|| {
                    // Its name leads to the first address.
                    let there = format!("{name}-{on}");
                    decide.push(unknown_address(name, second, ("ring1_addr", &there)));
                    there
                })
            }),
        })
        .collect();
    if nodes.len() == 2 {
        decide.push(
            "wait_for_all: after a start of both nodes nothing runs until they have seen each \
             other, so a node that starts alone waits. heartbeat started alone after initdead. \
             Keep it, unless fencing works and you want that: then write wait_for_all: 0"
                .into(),
        );
    }
    let token_ms = token_ms(ha_cf.deadtime);
    let multicast = !media.is_empty() && media.iter().all(|m| matches!(m, Medium::Mcast { .. }));
    let text = text(ha_cf, &nodes, &media, token_ms);
    Ring {
        text,
        nodes,
        links,
        multicast,
        token_ms,
        decide,
    }
}

/// The first medium of each of the first interfaces.
fn links(ha_cf: &HaCf) -> Vec<usize> {
    let mut links: Vec<usize> = Vec::new();
    for (at, medium) in ha_cf.media.iter().enumerate() {
        let known = |at: &usize| ha_cf.media[*at].interface() == medium.interface();
        if links.len() < LINKS_MAX && carries_a_ring(medium) && !links.iter().any(known) {
            links.push(at);
        }
    }
    links
}

/// UDP between nodes. Serial lines can't.
fn carries_a_ring(medium: &Medium) -> bool {
    !medium.is_ping() && !matches!(medium, Medium::Serial { .. })
}

fn unknown_address(name: &NodeName, interface: Option<&str>, (key, there): (&str, &str)) -> String {
    let on = interface.map_or(String::new(), |i| format!(" on {i}"));
    let is = match there == name.as_str() {
        true => "the name".to_owned(),
        false => format!("the name {there}"),
    };
    format!(
        "the files don't tell the address of {name}{on}: {key} is {is}, which must lead \
         to that address on every node (/etc/hosts); better write the address"
    )
}

/// The address of a node, as far as ucast lines tell it.
fn address(
    name: &NodeName,
    names: &[NodeName],
    interface: Option<&str>,
    inputs: &[NodeFiles],
    host: &dyn Host,
) -> Option<String> {
    let all: Vec<_> = inputs.iter().map(|i| (i, peers(i, interface))).collect();
    let named = |peer: &&String| peer.eq_ignore_ascii_case(name.as_str());
    if let Some(peer) = all.iter().flat_map(|(_, peers)| peers).find(named) {
        return Some(peer.clone());
    }
    let resolved = host.resolve(name.as_str()).unwrap_or_default();
    let leads_to = |peer: &&String| {
        let ip: Option<IpAddr> = peer.parse().ok();
        ip.is_some_and(|ip| resolved.contains(&ip))
    };
    if let Some(peer) = all.iter().flat_map(|(_, peers)| peers).find(leads_to) {
        return Some(peer.clone());
    }
    // On a node whose file names one peer, that is the other of two nodes.
    let other = |input: &NodeFiles| input.name.as_ref().is_some_and(|n| n != name);
    let mut told = all
        .iter()
        .filter(|(input, peers)| names.len() == 2 && other(input) && peers.len() == 1);
    told.next().and_then(|(_, peers)| peers.first().cloned())
}

/// The peers of a node's ucast lines on an interface.
fn peers(input: &NodeFiles, on: Option<&str>) -> BTreeSet<String> {
    let media = input.ha_cf.iter().flat_map(|(ha_cf, _)| &ha_cf.media);
    let peer = |medium: &Medium| match medium {
        Medium::Ucast {
            interface, peer, ..
        }
        | Medium::Ucast6 {
            interface, peer, ..
        } => (Some(interface.as_str()) == on).then(|| peer.clone()),
        _ => None,
    };
    media.filter_map(peer).collect()
}

fn text(ha_cf: &HaCf, nodes: &[RingNode], media: &[&Medium], token_ms: u64) -> String {
    let mut out = String::from(
        "# Written by everbeat migrate plan. The same file on all nodes.\neverbeat {\n\
         \t# Keys and transports as in corosync 2.x, where udp and udpu have encryption.\n\
         \tgeneration: 2\n}\n",
    );
    let _ = write!(
        out,
        "totem {{\n\tversion: 2\n\tcluster_name: {}\n",
        ha_cf.cluster
    );
    let _ = write!(
        out,
        "\t# token + consensus (1.2 * token) is the deadtime of ha.cf, {} ms\n\ttoken: {token_ms}\n\
         \ttoken_coefficient: 0\n",
        ha_cf.deadtime.as_millis()
    );
    out.push_str("\tcrypto_cipher: aes256\n\tcrypto_hash: sha256\n");
    out.push_str(&transport(media));
    out.push_str("}\n");
    out.push_str(&nodelist(nodes));
    out.push_str("quorum {\n\tprovider: corosync_votequorum\n");
    if nodes.len() == 2 {
        out.push_str("\ttwo_node: 1\n\twait_for_all: 1\n");
    }
    out.push_str("}\n");
    out.push_str(&logging(ha_cf));
    out
}

/// Multicast where all links have a group; each has ports of its own, so that no packet of one is
/// taken for the other's.
fn transport(media: &[&Medium]) -> String {
    let two = media.len() > 1;
    let mut out = String::new();
    if two {
        out.push_str("\trrp_mode: passive\n");
    }
    let group = |medium: &&Medium| match medium {
        Medium::Mcast { group, ttl, .. } => Some((group.clone(), (*ttl).max(1))),
        _ => None,
    };
    let groups: Option<Vec<_>> = media.iter().map(group).collect();
    let groups = groups.filter(|g| !g.is_empty());
    out.push_str(match groups {
        Some(_) => "\ttransport: udp\n",
        None => "\ttransport: udpu\n",
    });
    for number in 0..media.len() {
        let group = groups.as_ref().and_then(|g| g.get(number));
        if !two && group.is_none() {
            continue;
        }
        let _ = writeln!(out, "\tinterface {{\n\t\tringnumber: {number}");
        if let Some((group, _)) = group {
            let _ = writeln!(out, "\t\tmcastaddr: {group}");
        }
        let _ = writeln!(out, "\t\tmcastport: {}", port(number));
        if let Some((_, ttl)) = group {
            let _ = writeln!(out, "\t\tttl: {ttl}");
        }
        out.push_str("\t}\n");
    }
    out
}

/// Port of a link; it uses the one below, too.
pub(super) fn port(link: usize) -> usize {
    5405 + 2 * link
}

fn logging(ha_cf: &HaCf) -> String {
    let mut out = String::from("logging {\n");
    if let Some(file) = &ha_cf.logfile {
        let _ = write!(out, "\tto_logfile: yes\n\tlogfile: {}\n", file.display());
    }
    out.push_str("\tto_syslog: yes\n");
    if let Some(facility) = ha_cf.logfacility {
        let _ = writeln!(out, "\tsyslog_facility: {}", facility.name);
    }
    out.push_str("\ttimestamp: on\n}\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detection_time_is_kept() {
        for (dead, token) in [(30_000, 13_636), (10_000, 4545), (2000, 909), (200, 220)] {
            assert_eq!(token_ms(Duration::from_millis(dead)), token);
            let found = token + token * 12 / 10;
            assert!(token == TOKEN_MS_MIN || dead - found < 5, "{dead} {found}");
        }
    }
}
