//! What a medium comes to on this machine just now: addresses, numbers. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::path::PathBuf;

use crate::config::ha_cf::Medium;
use crate::runtime::interfaces::{Interface, Interfaces, Ipv4Entry};
use crate::wire::heartbeat::ping;

/// A name of a host and the kind of address wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HostName {
    pub(super) name: String,
    pub(super) v6: bool,
}

impl HostName {
    /// The address that is written out, if it is one.
    pub(super) fn literal(&self) -> Option<IpAddr> {
        match (self.v6, self.name.parse().ok()?) {
            (false, v4 @ IpAddr::V4(_)) => Some(v4),
            (true, v6 @ IpAddr::V6(_)) => Some(v6),
            _ => None,
        }
    }
}

/// Names that were looked up, with their addresses.
pub(super) type Known = BTreeMap<HostName, IpAddr>;

/// How a UDP medium is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UdpPlan {
    pub(super) kind: UdpKind,
    pub(super) interface: String,
    pub(super) index: u32,
    pub(super) listen: SocketAddr,
    pub(super) target: SocketAddr,
}

/// What differs between UDP media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UdpKind {
    Bcast,
    Ucast,
    /// `from` is the interface's first address: where it changes, the membership is made anew.
    Mcast {
        ttl: u8,
        loopback: bool,
        from: Ipv4Addr,
    },
    Ucast6,
    Mcast6 {
        hops: u8,
        loopback: bool,
    },
}

/// How ping media are opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PingPlan {
    /// Name of the pseudo node.
    pub(super) node: String,
    /// What the payload says.
    pub(super) medium: ping::Medium,
    /// Who is asked.
    pub(super) hosts: Vec<IpAddr>,
}

/// How a medium is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    Udp(UdpPlan),
    Ping(PingPlan),
    Serial { device: PathBuf, baud: u32 },
}

/// What a medium waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lack {
    Interface(String),
    Address(String),
    Broadcast(String),
    Scope(String),
    Names(Vec<HostName>),
    Group(String),
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => {
                write!(
                    f,
                    "interface {name} does not exist; it is used as soon as it does"
                )
            }
            Self::Address(name) => write!(
                f,
                "interface {name} has no IPv4 address; it is used as soon as it has one"
            ),
            Self::Broadcast(name) => write!(
                f,
                "interface {name} has no broadcast address: give it a net of more than two, \
                 or use ucast"
            ),
            Self::Scope(scope) => write!(f, "interface {scope} behind the % does not exist"),
            Self::Names(names) => {
                let names: Vec<_> = names.iter().map(|n| n.name.as_str()).collect();
                write!(
                    f,
                    "cannot resolve {} (yet); write an address instead",
                    names.join(", ")
                )
            }
            Self::Group(group) => write!(f, "{group} is no address of a multicast group"),
        }
    }
}

/// The plan of `medium`, or what it lacks.
pub(super) fn plan(medium: &Medium, all: &Interfaces, known: &Known) -> Result<Plan, Lack> {
    let one = std::slice::from_ref;
    match medium {
        Medium::Serial { device, baud } => Ok(Plan::Serial {
            device: device.clone(),
            baud: *baud,
        }),
        Medium::Ping { host } => ping_plan(host, ping::Medium::Ping, one(host), known),
        Medium::Ping6 { host } => ping_plan(host, ping::Medium::Ping6, one(host), known),
        Medium::PingGroup { name, hosts } => ping_plan(name, ping::Medium::PingGroup, hosts, known),
        _ => udp_plan(medium, all, known).map(Plan::Udp),
    }
}

fn udp_plan(medium: &Medium, all: &Interfaces, known: &Known) -> Result<UdpPlan, Lack> {
    let interface = medium.interface().unwrap_or_default().to_owned();
    let Some(there) = all.find(&interface) else {
        return Err(Lack::Interface(interface));
    };
    let kind = udp_kind(medium, (&interface, there))?;
    let index = there.index;
    let target = with_scope(target(medium, (&interface, there), (all, known))?, index);
    let listen = match kind {
        UdpKind::Mcast { .. } | UdpKind::Mcast6 { .. } => target,
        UdpKind::Bcast | UdpKind::Ucast => (Ipv4Addr::UNSPECIFIED, target.port()).into(),
        UdpKind::Ucast6 => (Ipv6Addr::UNSPECIFIED, target.port()).into(),
    };
    Ok(UdpPlan {
        kind,
        interface,
        index,
        listen,
        target,
    })
}

fn udp_kind(medium: &Medium, (name, there): (&str, &Interface)) -> Result<UdpKind, Lack> {
    Ok(match medium {
        Medium::Mcast { ttl, loopback, .. } => UdpKind::Mcast {
            ttl: *ttl,
            loopback: *loopback,
            from: first_of(name, there)?.address,
        },
        Medium::Mcast6 { hops, loopback, .. } => UdpKind::Mcast6 {
            hops: *hops,
            loopback: *loopback,
        },
        Medium::Ucast6 { .. } => UdpKind::Ucast6,
        Medium::Ucast { .. } => UdpKind::Ucast,
        _ => UdpKind::Bcast,
    })
}

/// Where a medium with an interface sends to.
fn target(
    medium: &Medium,
    (name, there): (&str, &Interface),
    (all, known): (&Interfaces, &Known),
) -> Result<SocketAddr, Lack> {
    let port = medium.port().unwrap_or_default();
    let ip = match medium {
        Medium::Ucast6 { peer, .. } => return scoped(peer, port, all, known),
        Medium::Ucast { peer, .. } => {
            address(peer, false, known).map_err(|name| Lack::Names(vec![name]))?
        }
        Medium::Mcast { group, .. } => {
            let parsed: Result<Ipv4Addr, _> = group.parse();
            parsed.map_err(|_| Lack::Group(group.clone()))?.into()
        }
        Medium::Mcast6 { group, .. } => (*group).into(),
        _ => broadcast_of(name, there)?.into(),
    };
    Ok(SocketAddr::new(ip, port))
}

fn first_of<'a>(name: &str, interface: &'a Interface) -> Result<&'a Ipv4Entry, Lack> {
    let first = interface.ipv4.first();
    first.ok_or_else(|| Lack::Address(name.to_owned()))
}

fn broadcast_of(name: &str, interface: &Interface) -> Result<Ipv4Addr, Lack> {
    let broadcast = first_of(name, interface)?.broadcast;
    broadcast.ok_or_else(|| Lack::Broadcast(name.to_owned()))
}

fn ping_plan(
    node: &str,
    medium: ping::Medium,
    hosts: &[String],
    known: &Known,
) -> Result<Plan, Lack> {
    let found: Vec<_> = hosts
        .iter()
        .map(|host| address(host, medium == ping::Medium::Ping6, known))
        .collect();
    let missing: Vec<_> = found.iter().filter_map(|f| f.clone().err()).collect();
    // A group works with those of its hosts that have an address.
    let hosts: Vec<_> = found.into_iter().flatten().collect();
    if hosts.is_empty() {
        return Err(Lack::Names(missing));
    }
    Ok(Plan::Ping(PingPlan {
        node: node.to_owned(),
        medium,
        hosts,
    }))
}

/// The names of a medium that must be looked up.
pub(super) fn names(medium: &Medium) -> Vec<HostName> {
    let (hosts, v6) = match medium {
        Medium::Ucast { peer, .. } => (std::slice::from_ref(peer), false),
        Medium::Ucast6 { peer, .. } => (std::slice::from_ref(peer), true),
        Medium::Ping { host } => (std::slice::from_ref(host), false),
        Medium::Ping6 { host } => (std::slice::from_ref(host), true),
        Medium::PingGroup { hosts, .. } => (hosts.as_slice(), false),
        _ => return Vec::new(),
    };
    let without_scope = |host: &String| host.split('%').next().unwrap_or_default().to_owned();
    let names = hosts.iter().map(|host| HostName {
        name: without_scope(host),
        v6,
    });
    names.filter(|name| name.literal().is_none()).collect()
}

fn address(host: &str, v6: bool, known: &Known) -> Result<IpAddr, HostName> {
    let name = HostName {
        name: host.to_owned(),
        v6,
    };
    name.literal()
        .or_else(|| known.get(&name).copied())
        .ok_or(name)
}

/// `ADDRESS[%SCOPE]` with its port.
fn scoped(peer: &str, port: u16, all: &Interfaces, known: &Known) -> Result<SocketAddr, Lack> {
    let (host, scope) = match peer.split_once('%') {
        Some((host, scope)) => (host, Some(scope)),
        None => (peer, None),
    };
    let ip = address(host, true, known).map_err(|name| Lack::Names(vec![name]))?;
    let mut target = SocketAddr::new(ip, port);
    if let (SocketAddr::V6(v6), Some(scope)) = (&mut target, scope) {
        let number = scope.parse().ok();
        let index = number.or_else(|| all.find(scope).map(|i| i.index));
        v6.set_scope_id(index.ok_or_else(|| Lack::Scope(scope.to_owned()))?);
    }
    Ok(target)
}

/// Link-local addresses are of an interface.
fn with_scope(address: SocketAddr, index: u32) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() == 0 && is_link_local(*v6.ip()) => {
            SocketAddrV6::new(*v6.ip(), v6.port(), 0, index).into()
        }
        other => other,
    }
}

fn is_link_local(ip: Ipv6Addr) -> bool {
    let first = ip.segments()[0];
    ip.is_unicast_link_local() || first & 0xff0f == 0xff02
}

#[cfg(test)]
mod tests;
