//! Network interfaces of the machine: what there is now, and a notice when that changes.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::task::{Context, Poll};

use nix::errno::Errno;
use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};
use tokio::io::unix::AsyncFd;

use crate::sys::reactor::register;

/// Notices read in one turn at most; the rest waits for the next.
const NOTICES_PER_TURN: usize = 64;

/// An IPv4 address of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4Entry {
    /// The address.
    pub address: Ipv4Addr,
    /// Its broadcast address: as set, else the last one of its net; none in nets of two.
    pub broadcast: Option<Ipv4Addr>,
}

/// A network interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its number: another one after it was deleted and made again.
    pub index: u32,
    /// True if it is set up and has a carrier.
    pub up: bool,
    /// Its IPv4 addresses, the first one first. Those with a label of their own (`eth0:1`) count
    /// for the label.
    pub ipv4: Vec<Ipv4Entry>,
    /// Its IPv6 addresses.
    pub ipv6: Vec<Ipv6Addr>,
}

/// The interfaces of the machine at one moment, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interfaces(pub BTreeMap<String, Interface>);

impl Interfaces {
    /// Reads them from the kernel.
    pub fn read() -> io::Result<Self> {
        let mut all = Self::default();
        for entry in getifaddrs()? {
            all.add(&entry);
        }
        Ok(all)
    }

    /// The interface of that name.
    pub fn find(&self, name: &str) -> Option<&Interface> {
        self.0.get(name)
    }

    /// Name of the interface with that number.
    pub fn name_of(&self, index: u32) -> Option<&str> {
        let found = self.0.iter().find(|(_, i)| i.index == index)?;
        Some(found.0)
    }

    /// The interface that has an address.
    pub fn holder_of(&self, address: IpAddr) -> Option<&Interface> {
        self.0.values().find(|interface| match address {
            IpAddr::V4(v4) => interface.ipv4.iter().any(|entry| entry.address == v4),
            IpAddr::V6(v6) => interface.ipv6.contains(&v6),
        })
    }

    fn add(&mut self, entry: &InterfaceAddress) {
        let name = &entry.interface_name;
        let interface = self.0.entry(name.clone()).or_insert_with(|| Interface {
            index: if_nametoindex(device_of(name)).unwrap_or(0),
            ..Interface::default()
        });
        let flags = entry.flags;
        interface.up = flags.contains(InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING);
        let Some(address) = entry.address else { return };
        if let Some(v4) = address.as_sockaddr_in() {
            let mask = entry
                .netmask
                .and_then(|m| m.as_sockaddr_in().map(|m| m.ip()));
            let set = entry
                .broadcast
                .filter(|_| flags.contains(InterfaceFlags::IFF_BROADCAST))
                .and_then(|b| b.as_sockaddr_in().map(|b| b.ip()));
            interface.ipv4.push(Ipv4Entry {
                address: v4.ip(),
                broadcast: broadcast(v4.ip(), mask, set),
            });
        } else if let Some(v6) = address.as_sockaddr_in6() {
            interface.ipv6.push(v6.ip());
        }
    }
}

/// Number of the interface that has an address now.
pub fn index_of(address: IpAddr) -> Option<u32> {
    let interfaces = Interfaces::read().ok()?;
    interfaces.holder_of(address).map(|holder| holder.index)
}

/// The device of a label: `eth0` for `eth0:1`.
fn device_of(label: &str) -> &str {
    label.split_once(':').map_or(label, |(device, _)| device)
}

/// The kernel lets an address have no broadcast address (`ip address add` without `brd`); it
/// still takes the last address of the net for one.
fn broadcast(address: Ipv4Addr, mask: Option<Ipv4Addr>, set: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
    if let Some(set) = set.filter(|b| !b.is_unspecified()) {
        return Some(set);
    }
    let host_part = !u32::from(mask?);
    (host_part > 1).then(|| Ipv4Addr::from(u32::from(address) | host_part))
}

/// Tells that links or addresses of the machine changed.
#[derive(Debug)]
pub struct ChangeNotice {
    socket: AsyncFd<OwnedFd>,
}

impl ChangeNotice {
    /// Listens from now on.
    ///
    /// Panics: outside a tokio runtime.
    pub fn open() -> io::Result<Self> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let protocol = SockProtocol::NetlinkRoute;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)?;
        let groups = libc::RTMGRP_LINK | libc::RTMGRP_IPV4_IFADDR | libc::RTMGRP_IPV6_IFADDR;
        bind(
            socket.as_raw_fd(),
            &NetlinkAddr::new(0, groups.cast_unsigned()),
        )?;
        Ok(Self {
            socket: register(socket)?,
        })
    }

    /// Waits for a change.
    pub async fn changed(&mut self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_changed(cx)).await
    }

    /// Ready when something changed since the last time; the notices themselves are not read
    /// closely, the interfaces are enumerated anew.
    pub fn poll_changed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut changed = false;
        let mut notice = [0; 4096];
        for _ in 0..NOTICES_PER_TURN {
            let mut guard = match self.socket.poll_read_ready(cx) {
                Poll::Ready(guard) => guard?,
                Poll::Pending if changed => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            };
            let read = guard.try_io(|socket| {
                recv(socket.as_raw_fd(), &mut notice, MsgFlags::empty()).map_err(io::Error::from)
            });
            match read {
                Ok(Ok(_)) => changed = true,
                // More changed than the kernel kept for us.
                Ok(Err(e)) if e.raw_os_error() == Some(Errno::ENOBUFS as i32) => changed = true,
                Ok(Err(e)) => return Poll::Ready(Err(e)),
                Err(_would_block) => {}
            }
        }
        if changed {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_there() {
        let all = Interfaces::read().expect("interfaces");
        let lo = all.find("lo").expect("lo");
        assert_eq!(lo.index, 1);
        assert_eq!(all.name_of(1), Some("lo"));
        assert!(all.find("nosuch0").is_none());
    }

    #[test]
    fn broadcast_addresses_are_as_set_or_the_last_of_the_net() {
        let v4 = Ipv4Addr::new;
        let address = v4(10, 1, 2, 3);
        let mask = Some(v4(255, 255, 255, 0));
        assert_eq!(
            broadcast(address, mask, Some(v4(10, 9, 9, 9))),
            Some(v4(10, 9, 9, 9))
        );
        assert_eq!(broadcast(address, mask, None), Some(v4(10, 1, 2, 255)));
        let unset = Some(Ipv4Addr::UNSPECIFIED);
        assert_eq!(broadcast(address, mask, unset), Some(v4(10, 1, 2, 255)));
        assert_eq!(broadcast(address, Some(v4(255, 255, 255, 255)), None), None);
        assert_eq!(broadcast(address, Some(v4(255, 255, 255, 254)), None), None);
    }

    #[test]
    fn labels_belong_to_their_device() {
        assert_eq!(device_of("eth0:1"), "eth0");
        assert_eq!(device_of("eth0.5"), "eth0.5");
    }
}
