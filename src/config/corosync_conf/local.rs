//! Which entry of a corosync.conf is this host's.

use std::net::{IpAddr, Ipv4Addr};

use super::address::{nodeid, same_network};
use super::generation::Generation;
use super::model::{CorosyncConf, Node};
use super::nodes;
use crate::config::host::Host;

/// What the search for this host's entry came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Local {
    /// It was found.
    Found(LocalNode),
    /// No entry is this host's.
    Missing,
    /// Nothing is known about the host.
    Unknown,
}

/// This host as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalNode {
    /// Position in the nodelist; absent without one.
    pub position: Option<usize>,
    /// Its id, where the file or the address gives one.
    pub nodeid: Option<u32>,
    /// Its address on ring 0, where it is known.
    pub address: Option<IpAddr>,
    /// How it was found.
    pub because: String,
}

/// Finds this host's entry, in the order in which corosync looks.
///
/// Source: corosync 3.1.7, exec/totemconfig.c, `find_local_node`; corosync 2.4.6 looks for local
/// addresses only; spec corosync-conf.md 3.3 and 6.3
pub fn find(model: &CorosyncConf, host: &dyn Host) -> Local {
    if model.nodes.is_empty() {
        return by_network(model, host);
    }
    let by_name = match model.told.generation {
        Generation::Three => host
            .host_name()
            .and_then(|name| by_name(&model.nodes, &name)),
        _ => None,
    };
    let found = by_name.or_else(|| by_address(model, host));
    match found {
        Some((position, because)) => Local::Found(entry(model, host, position, because)),
        None if host.addresses().is_none() => Local::Unknown,
        None => Local::Missing,
    }
}

fn entry(model: &CorosyncConf, host: &dyn Host, position: usize, because: String) -> LocalNode {
    let node = &model.nodes[position];
    let text = node.ring0().map_or("", |a| a.text.as_str());
    let address = resolve(host, text);
    let made = address.and_then(|a| made_id(model, a));
    LocalNode {
        position: Some(position),
        nodeid: nodes::id(node, model.told.generation, &model.totem).or(made),
        address,
        because,
    }
}

fn made_id(model: &CorosyncConf, address: IpAddr) -> Option<u32> {
    let address: Ipv4Addr = match address {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => return None,
    };
    let clear = model.totem.clear_node_high_bit;
    Some(nodeid(address, model.told.generation, clear))
}

/// This host's address on a ring: that of its entry at `position` of the nodelist, else one in
/// the network of the ring's bindnetaddr.
pub fn address_on(
    model: &CorosyncConf,
    host: &dyn Host,
    (position, ring): (Option<usize>, usize),
) -> Option<IpAddr> {
    if let Some(position) = position {
        let address = model.nodes.get(position)?.addresses.get(ring)?.as_ref()?;
        return resolve(host, &address.text);
    }
    let bind = model.interfaces.get(ring)?.bindnetaddr?;
    let own = host.addresses()?;
    let exact = own.iter().find(|(a, _)| *a == bind);
    let inside = || own.iter().find(|(a, bits)| same_network(*a, bind, *bits));
    Some(exact.or_else(inside)?.0)
}

/// The address of a name, as this host sees it.
pub(super) fn resolve(host: &dyn Host, text: &str) -> Option<IpAddr> {
    let plain = text.parse().ok();
    plain.or_else(|| host.resolve(text)?.into_iter().next())
}

/// By the host's name: whole, then cut at its last dot again and again, then the short one.
fn by_name(nodes: &[Node], host_name: &str) -> Option<(usize, String)> {
    let words = |n: &Node| [n.name.clone(), n.ring0().map(|a| a.text.clone())];
    let position = |name: &str| {
        let named = |n: &Node| words(n).iter().flatten().any(|w| w == name);
        nodes.iter().position(named)
    };
    let mut name = host_name;
    loop {
        if let Some(at) = position(name) {
            return Some((at, format!("{name} is the host's name")));
        }
        match name.rfind('.') {
            Some(dot) => name = &name[..dot],
            None => break,
        }
    }
    let short = |n: &Node| {
        let named = n.name.as_deref().and_then(|w| w.split('.').next());
        named == Some(name)
    };
    let at = nodes.iter().position(short)?;
    Some((
        at,
        format!("{} begins with the host's name", nodes[at].label()),
    ))
}

/// By the addresses that the host has, then by those that names stand for.
fn by_address(model: &CorosyncConf, host: &dyn Host) -> Option<(usize, String)> {
    let own = host.addresses()?;
    let is_own = |address: IpAddr| own.iter().any(|(a, _)| *a == address);
    let parsed = |n: &Node| n.ring0().and_then(|a| a.text.parse().ok());
    let plain = |n: &Node| parsed(n).is_some_and(is_own);
    if let Some(at) = model.nodes.iter().position(plain) {
        let label = model.nodes[at].ring0().map_or("", |a| a.text.as_str());
        return Some((at, format!("the host has the address {label}")));
    }
    for (at, node) in model.nodes.iter().enumerate() {
        let names = [node.ring0().map(|a| a.text.as_str()), node.name.as_deref()];
        for name in names.into_iter().flatten() {
            let all = host.resolve(name).unwrap_or_default();
            if let Some(address) = all.into_iter().find(|a| is_own(*a)) {
                return Some((at, format!("{name} is {address}, which the host has")));
            }
        }
    }
    None
}

/// Without a nodelist: the exact address of bindnetaddr, else one in its network.
fn by_network(model: &CorosyncConf, host: &dyn Host) -> Local {
    let Some(own) = host.addresses() else {
        return Local::Unknown;
    };
    let bind = model.interfaces.first().and_then(|i| i.bindnetaddr);
    let Some(bind) = bind else {
        return Local::Missing;
    };
    let exact = own.iter().find(|(a, _)| *a == bind);
    let inside = own.iter().find(|(a, bits)| same_network(*a, bind, *bits));
    let Some((address, bits)) = exact.or(inside) else {
        return Local::Missing;
    };
    let because = match exact {
        Some(_) => format!("the host has the address {address}"),
        None => format!("the host's address {address}/{bits} is in the network of {bind}"),
    };
    let stated = Some(model.totem.nodeid).filter(|id| *id != 0);
    Local::Found(LocalNode {
        position: None,
        nodeid: stated.or_else(|| made_id(model, *address)),
        address: Some(*address),
        because,
    })
}
