//! Addresses of this machine: list, add, remove, by netlink.
//!
//! One [`Netlink`] is a connection for as long as it lives; opening one costs well below a
//! millisecond, so callers open one for what they do and drop it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures_util::TryStreamExt;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::address::{
    AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope,
};
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags, LinkLayerType, LinkMessage};
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteType,
};
use rtnetlink::{Handle, LinkUnspec, RouteMessageBuilder};
use tokio::task::JoinHandle;

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Whether it is switched on.
    pub up: bool,
    /// Whether it is the loopback.
    pub loopback: bool,
    /// Its Ethernet address, if it is a link that has such and resolves addresses.
    pub mac: Option<[u8; 6]>,
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Number of the interface.
    pub index: u32,
    /// The address.
    pub ip: IpAddr,
    /// Length of the network's prefix, bits.
    pub prefix: u8,
    /// IPv4: where a broadcast goes.
    pub broadcast: Option<Ipv4Addr>,
    /// IPv4: the name old tools show it under (`eth0:0`).
    pub label: Option<String>,
    /// IPv4: it goes when the first address of its network goes.
    pub secondary: bool,
    /// Source: linux, `rt_scope_t`: 0 everywhere, 253 this link, 254 this host.
    pub scope: u8,
}

/// A network that is on a link, not behind a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnLink {
    /// Number of the interface.
    pub index: u32,
    /// Its first address.
    pub network: IpAddr,
    /// Length of its prefix, bits.
    pub prefix: u8,
    /// Our address in it.
    pub source: Option<IpAddr>,
}

impl OnLink {
    /// True if the address is in the network.
    pub fn contains(&self, ip: IpAddr) -> bool {
        same_network(self.network, ip, self.prefix)
    }
}

/// Whether two addresses agree in the first `prefix` bits.
pub fn same_network(a: IpAddr, b: IpAddr, prefix: u8) -> bool {
    let bits = u32::from(prefix);
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let mask = u32::MAX
                .checked_shl(32_u32.saturating_sub(bits))
                .unwrap_or(0);
            u32::from(a) & mask == u32::from(b) & mask
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            let mask = u128::MAX
                .checked_shl(128_u32.saturating_sub(bits))
                .unwrap_or(0);
            u128::from(a) & mask == u128::from(b) & mask
        }
        _ => false,
    }
}

/// A connection to the kernel's routing part.
pub struct Netlink {
    handle: Handle,
    connection: JoinHandle<()>,
}

impl Drop for Netlink {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Netlink {
    /// Opens it.
    ///
    /// Panics: outside a tokio runtime.
    pub fn open() -> io::Result<Self> {
        let (connection, handle, _) = rtnetlink::new_connection()?;
        Ok(Self {
            handle,
            connection: tokio::spawn(connection),
        })
    }

    /// All interfaces.
    pub async fn links(&self) -> io::Result<Vec<Link>> {
        let links = self.handle.link().get().execute();
        let links: Vec<LinkMessage> = links.try_collect().await.map_err(failure)?;
        Ok(links.into_iter().map(link).collect())
    }

    /// All addresses of both families, in the kernel's order.
    pub async fn addresses(&self) -> io::Result<Vec<Address>> {
        let found = self.handle.address().get().execute();
        let found: Vec<AddressMessage> = found.try_collect().await.map_err(failure)?;
        Ok(found.into_iter().filter_map(address).collect())
    }

    /// The networks on links, of the main table and the family of `like`.
    pub async fn on_link(&self, like: IpAddr) -> io::Result<Vec<OnLink>> {
        let filter = match like {
            IpAddr::V4(_) => RouteMessageBuilder::<Ipv4Addr>::new().build(),
            IpAddr::V6(_) => RouteMessageBuilder::<Ipv6Addr>::new().build(),
        };
        let routes = self.handle.route().get(filter).execute();
        let routes: Vec<RouteMessage> = routes.try_collect().await.map_err(failure)?;
        Ok(routes
            .into_iter()
            .filter_map(|route| on_link(route, like))
            .collect())
    }

    /// Adds an address. One of IPv6 serves at once: whether another host has it too was settled
    /// by the cluster, and the kernel's own check would take a second.
    ///
    /// Errors: `AlreadyExists` when the interface has it with this prefix.
    pub async fn add(&self, address: &Address) -> io::Result<()> {
        let add = self.handle.address();
        let mut add = add.add(address.index, address.ip, address.prefix);
        let message = add.message_mut();
        message.header.scope = AddressScope::from(address.scope);
        if address.ip.is_ipv6() {
            message.header.flags |= AddressHeaderFlags::Nodad;
        }
        let attributes = &mut message.attributes;
        attributes.retain(|a| !matches!(a, AddressAttribute::Broadcast(_)));
        if let Some(broadcast) = address.broadcast {
            attributes.push(AddressAttribute::Broadcast(broadcast));
        }
        if let Some(label) = &address.label {
            attributes.push(AddressAttribute::Label(label.clone()));
        }
        add.execute().await.map_err(failure)
    }

    /// Removes an address.
    ///
    /// Errors: `AddrNotAvailable` when the interface does not have it.
    pub async fn remove(&self, address: &Address) -> io::Result<()> {
        let mut message = AddressMessage::default();
        message.header.index = address.index;
        message.header.prefix_len = address.prefix;
        message.header.family = match address.ip {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        };
        message.attributes.push(AddressAttribute::Local(address.ip));
        message
            .attributes
            .push(AddressAttribute::Address(address.ip));
        let del = self.handle.address().del(message);
        del.execute().await.map_err(failure)
    }

    /// Switches an interface on.
    pub async fn set_up(&self, index: u32) -> io::Result<()> {
        let message = LinkUnspec::new_with_index(index).up().build();
        let change = self.handle.link().change(message);
        change.execute().await.map_err(failure)
    }
}

/// The kernel's answer as an ordinary error.
fn failure(error: rtnetlink::Error) -> io::Error {
    match error {
        rtnetlink::Error::NetlinkError(message) => message.to_io(),
        other => io::Error::other(other.to_string()),
    }
}

fn link(message: LinkMessage) -> Link {
    let flags = message.header.flags;
    let ethernet = message.header.link_layer_type == LinkLayerType::Ether;
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        up: flags.contains(LinkFlags::Up),
        loopback: flags.contains(LinkFlags::Loopback),
        mac: None,
    };
    for attribute in message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name = name,
            LinkAttribute::Address(bytes) if ethernet && !flags.contains(LinkFlags::Noarp) => {
                link.mac = bytes.try_into().ok();
            }
            _ => {}
        }
    }
    link
}

fn address(message: AddressMessage) -> Option<Address> {
    let header = &message.header;
    let secondary = header.flags.contains(AddressHeaderFlags::Secondary);
    let (mut local, mut peer, mut broadcast, mut label) = (None, None, None, None);
    for attribute in message.attributes {
        match attribute {
            AddressAttribute::Local(ip) => local = Some(ip),
            AddressAttribute::Address(ip) => peer = Some(ip),
            AddressAttribute::Broadcast(ip) => broadcast = Some(ip),
            AddressAttribute::Label(name) => label = Some(name),
            _ => {}
        }
    }
    // IPv6 addresses come without `Local`; on a point-to-point link `Address` is the other end.
    let ip = local.or(peer)?;
    Some(Address {
        index: header.index,
        ip,
        prefix: header.prefix_len,
        broadcast,
        label,
        secondary: secondary && ip.is_ipv4(),
        scope: header.scope.into(),
    })
}

fn on_link(route: RouteMessage, like: IpAddr) -> Option<OnLink> {
    let header = &route.header;
    if header.table != RouteHeader::RT_TABLE_MAIN || header.kind != RouteType::Unicast {
        return None;
    }
    let (mut index, mut network, mut source) = (None, None, None);
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Oif(oif) => index = Some(*oif),
            RouteAttribute::Destination(to) => network = ip(to),
            RouteAttribute::PrefSource(from) => source = ip(from),
            RouteAttribute::Gateway(_) | RouteAttribute::Via(_) => return None,
            _ => {}
        }
    }
    let prefix = header.destination_prefix_length;
    let network = network?;
    (prefix > 0 && network.is_ipv4() == like.is_ipv4()).then_some(())?;
    Some(OnLink {
        index: index?,
        network,
        prefix,
        source,
    })
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(ip) => Some(IpAddr::V4(*ip)),
        RouteAddress::Inet6(ip) => Some(IpAddr::V6(*ip)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_compared_bit_by_bit() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(same_network(ip("10.0.0.1"), ip("10.0.0.254"), 24));
        assert!(!same_network(ip("10.0.0.1"), ip("10.0.1.1"), 24));
        assert!(same_network(ip("10.0.0.1"), ip("10.0.1.1"), 23));
        assert!(same_network(ip("10.0.0.1"), ip("192.168.0.1"), 0));
        assert!(!same_network(ip("10.0.0.1"), ip("10.0.0.2"), 32));
        assert!(same_network(ip("2001:db8::1"), ip("2001:db8::ff"), 64));
        assert!(!same_network(ip("2001:db8::1"), ip("2001:db8::2"), 128));
        assert!(!same_network(ip("::1"), ip("10.0.0.1"), 0));
    }

    #[test]
    fn the_loopback_is_found() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let netlink = Netlink::open().unwrap();
            let links = netlink.links().await.unwrap();
            let lo = links.iter().find(|l| l.name == "lo").unwrap();
            assert!(lo.loopback && lo.mac.is_none());
            let addresses = netlink.addresses().await.unwrap();
            let home = addresses.iter().find(|a| a.ip.is_loopback()).unwrap();
            assert_eq!((home.index, home.prefix), (lo.index, 8));
        });
    }
}
