//! Sockets of totem: UDP multicast, broadcast, and unicast to each member.
//!
//! ```text
//!  Output::Multicast --multicast--> group:P, or each member:P
//!  Output::Unicast   --unicast----> member:P
//!  datagrams --ready, receive--> the machine: what was multicast before what holds the token
//! ```
//!
//! What waits is read in one call, and datagrams of one length that go to all are sent in one.
//! A datagram to all doesn't come back to this node: the machine hears itself.
//!
//! Source: spec totem-wire.md section B.

mod socket;
mod udp;
mod udpu;

use std::io;
use std::net::IpAddr;

use udp::Udp;
use udpu::Udpu;

/// How datagrams reach all members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// To a group.
    Multicast {
        /// The group.
        group: IpAddr,
        /// Hops.
        ttl: u8,
    },
    /// To 255.255.255.255.
    Broadcast,
    /// To each of these; datagrams of others are dropped if `only_members`.
    Unicast {
        /// The members, this node too.
        members: Vec<IpAddr>,
        /// Others' datagrams are not read.
        only_members: bool,
    },
}

/// What sockets of a ring are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// This node's address.
    pub address: IpAddr,
    /// Port of the ring.
    pub port: u16,
    /// How all are reached.
    pub way: Way,
    /// Asked for as buffers of the sockets, in octets.
    pub buffer_bytes: usize,
}

/// The sockets of a ring.
#[derive(Debug)]
pub enum Sockets {
    /// Multicast or broadcast.
    Udp(Udp),
    /// To each.
    Udpu(Udpu),
}

impl Sockets {
    /// Opens them.
    ///
    /// Errors: the address isn't this host's, a port is taken, the group can't be joined.
    /// Panics: outside a tokio runtime.
    pub fn open(plan: &Plan) -> io::Result<Self> {
        match &plan.way {
            Way::Unicast {
                members,
                only_members,
            } => Ok(Self::Udpu(Udpu::open(plan, members, *only_members)?)),
            Way::Multicast { .. } | Way::Broadcast => Ok(Self::Udp(Udp::open(plan)?)),
        }
    }

    /// Waits until a datagram can be read. Cancel-safe.
    pub async fn ready(&self) -> io::Result<()> {
        match self {
            Self::Udp(sockets) => sockets.ready().await,
            Self::Udpu(sockets) => sockets.ready().await,
        }
    }

    /// The next datagram, if one is there. After none [`Self::ready`] is to be waited for.
    pub fn receive(&mut self) -> Option<&[u8]> {
        match self {
            Self::Udp(sockets) => sockets.receive(),
            Self::Udpu(sockets) => sockets.receive(),
        }
    }

    /// Sends these to all others. What can't be sent is lost, as on the network.
    pub fn multicast(&self, datagrams: &[impl AsRef<[u8]>]) {
        match self {
            Self::Udp(sockets) => sockets.multicast(datagrams),
            Self::Udpu(sockets) => sockets.multicast(datagrams),
        }
    }

    /// Sends to one.
    pub fn unicast(&self, to: IpAddr, datagram: &[u8]) {
        match self {
            Self::Udp(sockets) => sockets.unicast(to, datagram),
            Self::Udpu(sockets) => sockets.unicast(to, datagram),
        }
    }

    /// Other members, where datagrams go to each; those of multicast need no list.
    pub fn set_members(&mut self, members: &[IpAddr]) {
        if let Self::Udpu(sockets) = self {
            sockets.set_members(members);
        }
    }

    /// Throws away what waits.
    pub fn discard(&mut self) {
        match self {
            Self::Udp(sockets) => sockets.discard(),
            Self::Udpu(sockets) => sockets.discard(),
        }
    }
}

#[cfg(test)]
mod tests;
