//! Sockets that only send, for tools beside a running daemon: they take nothing from it.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};

use super::plan::{self, Known, Plan, UdpPlan};
use super::udp;
use crate::config::ha_cf::Medium;
use crate::runtime::interfaces::Interfaces;

/// A way to send on one UDP medium.
#[derive(Debug)]
pub struct Sender {
    socket: Socket,
    plan: UdpPlan,
    /// Has the network deliver the group to this machine.
    _membership: Option<Socket>,
}

impl Sender {
    /// Opens it; names of hosts are looked up here and now.
    ///
    /// Errors: what the medium lacks; what the system refuses; the medium isn't UDP.
    pub fn open(medium: &Medium) -> io::Result<Self> {
        let mut known = Known::new();
        for name in plan::names(medium) {
            let found = (name.name.as_str(), 0).to_socket_addrs()?.map(|a| a.ip());
            let address = found.into_iter().find(|ip| ip.is_ipv6() == name.v6);
            known.extend(address.map(|address| (name, address)));
        }
        let plan = plan::plan(medium, &Interfaces::read()?, &known);
        let Plan::Udp(plan) = plan.map_err(|lack| io::Error::other(lack.to_string()))? else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let socket = udp::sending_socket(&plan)?;
        let _membership = membership(&plan)?;
        Ok(Self {
            socket,
            plan,
            _membership,
        })
    }

    /// Sends a datagram.
    pub fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.socket
            .send_to(datagram, &self.plan.target.into())
            .map(drop)
    }

    /// The address it sends to.
    pub fn target(&self) -> IpAddr {
        self.plan.target.ip()
    }
}

fn membership(plan: &UdpPlan) -> io::Result<Option<Socket>> {
    if !plan.target.ip().is_multicast() {
        return Ok(None);
    }
    let domain = Domain::for_address(plan.target);
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    udp::join(&socket, plan)?;
    Ok(Some(socket))
}
