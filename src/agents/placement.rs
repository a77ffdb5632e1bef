//! Where an address goes: interface, prefix, broadcast, label. Pure.

use std::net::{IpAddr, Ipv4Addr};

use super::address::{AddressArgument, AddressKind, Broadcast};
use crate::runtime::addresses::{Address, Link, OnLink, same_network};

/// Source: linux, `RT_SCOPE_LINK`.
const SCOPE_LINK: u8 = 253;
/// Most aliases that are tried. Source: resource-agents 4.12, IPaddr, `find_free_interface`.
const ALIASES_MAX: u32 = 512;

/// The network of this machine as it is now.
pub struct Network {
    /// Its interfaces.
    pub links: Vec<Link>,
    /// Their addresses.
    pub addresses: Vec<Address>,
    /// The networks on its links.
    pub on_link: Vec<OnLink>,
}

impl Network {
    /// The interface of that name.
    pub fn link_named(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// The interface of that number.
    pub fn link(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|link| link.index == index)
    }

    /// Where the address serves now: on the interface the argument names, else on any but the
    /// loopback.
    ///
    /// Differs: IPaddr2 looks for the prefix too, and so adds an address a second time that was
    /// there with another one.
    pub fn serving<'a>(&'a self, wanted: &'a AddressArgument) -> impl Iterator<Item = &'a Address> {
        self.addresses.iter().filter(move |address| {
            let link = self.link(address.index);
            address.ip == wanted.ip
                && link.is_some_and(|link| match &wanted.interface {
                    Some(name) => link.name == *name,
                    None => !link.loopback,
                })
        })
    }

    /// Decides where the address goes.
    ///
    /// Source: resource-agents 4.12, findif.sh: the network on a link with the longest prefix
    /// that contains the address; interface and netmask together need none.
    pub fn place(&self, wanted: &AddressArgument) -> Result<Address, String> {
        let link = self.named_link(wanted)?;
        let network = self.best_network(wanted, link);
        let index = match (link, network) {
            (Some(link), _) => link.index,
            (None, Some(network)) => network.index,
            (None, None) => return Err(no_network(wanted)),
        };
        let prefix = match (wanted.prefix, network) {
            (Some(prefix), _) => prefix,
            (None, Some(network)) => network.prefix,
            (None, None) => return Err(no_network(wanted)),
        };
        let name = self.link(index).map_or("", |link| &link.name);
        Ok(Address {
            index,
            ip: wanted.ip,
            prefix,
            broadcast: self.broadcast(wanted, index, prefix),
            label: self.label(wanted, name),
            secondary: false,
            scope: match wanted.ip {
                IpAddr::V6(ip) if ip.is_unicast_link_local() => SCOPE_LINK,
                _ => 0,
            },
        })
    }

    fn named_link(&self, wanted: &AddressArgument) -> Result<Option<&Link>, String> {
        let Some(name) = &wanted.interface else {
            return match wanted.ip {
                IpAddr::V6(ip) if ip.is_unicast_link_local() => Err(format!(
                    "{ip} exists on each link: name the interface, {ip}/64/INTERFACE"
                )),
                _ => Ok(None),
            };
        };
        match self.link_named(name) {
            Some(link) => Ok(Some(link)),
            None => Err(format!(
                "there is no interface {name:?} for {}; there are {}",
                wanted.ip,
                self.names()
            )),
        }
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.links.iter().map(|link| link.name.as_str()).collect();
        names.join(", ")
    }

    fn best_network(&self, wanted: &AddressArgument, link: Option<&Link>) -> Option<&OnLink> {
        self.on_link
            .iter()
            .filter(|network| network.contains(wanted.ip))
            .filter(|network| link.is_none_or(|link| link.index == network.index))
            .filter(|network| wanted.prefix.is_none_or(|prefix| network.prefix <= prefix))
            // The first of equals: the kernel lists routes by metric.
            .reduce(|best, network| {
                if network.prefix > best.prefix {
                    network
                } else {
                    best
                }
            })
    }

    /// As asked; not asked, as the other addresses of the network have it, for IPaddr (that is,
    /// ifconfig) always.
    fn broadcast(&self, wanted: &AddressArgument, index: u32, prefix: u8) -> Option<Ipv4Addr> {
        let IpAddr::V4(ip) = wanted.ip else {
            return None;
        };
        let last = (prefix < 31).then(|| Ipv4Addr::from(u32::from(ip) | (u32::MAX >> prefix)));
        match wanted.broadcast {
            Broadcast::Given(broadcast) => Some(broadcast),
            Broadcast::Last => last,
            Broadcast::None => None,
            Broadcast::Unsaid if wanted.kind == AddressKind::IpAddr => last,
            Broadcast::Unsaid => {
                let mut others = self.addresses.iter().filter(|other| {
                    other.index == index
                        && other.prefix == prefix
                        && same_network(other.ip, wanted.ip, prefix)
                });
                others.find_map(|other| other.broadcast)
            }
        }
    }

    /// The label: as asked, for IPaddr the first free alias.
    fn label(&self, wanted: &AddressArgument, link: &str) -> Option<String> {
        if wanted.ip.is_ipv6() {
            return None;
        }
        if wanted.label.is_some() || wanted.kind != AddressKind::IpAddr {
            return wanted.label.clone();
        }
        let taken = |label: &String| {
            let mut labels = self.addresses.iter();
            labels.any(|address| address.label.as_ref() == Some(label))
        };
        (0..ALIASES_MAX)
            .map(|number| format!("{link}:{number}"))
            .find(|label| !taken(label))
            .filter(|label| label.len() <= 15)
    }
}

fn no_network(wanted: &AddressArgument) -> String {
    let (ip, bits) = match wanted.ip {
        IpAddr::V4(ip) => (ip.to_string(), wanted.prefix.unwrap_or(24)),
        IpAddr::V6(ip) => (ip.to_string(), wanted.prefix.unwrap_or(64)),
    };
    match &wanted.interface {
        Some(name) => format!(
            "{name} is in no network that contains {ip}: say its netmask, {ip}/{bits}/{name}"
        ),
        None => format!(
            "no interface is in a network that contains {ip}: say which, {ip}/{bits}/INTERFACE"
        ),
    }
}

#[cfg(test)]
mod tests;
