//! Unicast to each member: one socket reads all and sends tokens, another sends to all.

use std::io;
use std::net::{IpAddr, SocketAddr};

use super::socket::Bound;
use super::{Plan, socket};
use crate::sys::datagrams::Inbox;

/// The sockets of a ring over unicast.
#[derive(Debug)]
pub struct Udpu {
    token: Bound,
    sender: Bound,
    own: IpAddr,
    /// The other members.
    others: Vec<SocketAddr>,
    /// Whose datagrams are read; none for everybody's.
    only: Option<Vec<IpAddr>>,
    port: u16,
    received: Inbox,
    /// Nothing waits in the socket: it was looked.
    nothing: bool,
}

impl Udpu {
    pub(super) fn open(plan: &Plan, members: &[IpAddr], only_members: bool) -> io::Result<Self> {
        let new = || socket::open(plan.address, plan.buffer_bytes);
        let (token, sender) = (new()?, new()?);
        socket::prefer(&token);
        let mut sockets = Self {
            others: Vec::new(),
            only: only_members.then(Vec::new),
            own: plan.address,
            token: Bound::new(token, SocketAddr::new(plan.address, plan.port))?,
            sender: Bound::new(sender, SocketAddr::new(plan.address, 0))?,
            port: plan.port,
            received: Inbox::new(16),
            nothing: false,
        };
        sockets.set_members(members);
        Ok(sockets)
    }

    /// Sends to these from now on, and hears no others if it heard members only.
    pub(super) fn set_members(&mut self, members: &[IpAddr]) {
        let others = members.iter().filter(|member| **member != self.own);
        let others = others.map(|member| SocketAddr::new(*member, self.port));
        self.others = others.collect();
        if let Some(only) = &mut self.only {
            *only = members.to_vec();
        }
    }

    pub(super) async fn ready(&self) -> io::Result<()> {
        match self.received.is_empty() {
            true => self.token.readable().await,
            false => Ok(()),
        }
    }

    pub(super) fn receive(&mut self) -> Option<&[u8]> {
        loop {
            while let Some((range, from)) = self.received.pop() {
                let known = |only: &Vec<IpAddr>| only.contains(&from.ip());
                if self.only.as_ref().is_none_or(known) {
                    return Some(self.received.bytes(range));
                }
            }
            if std::mem::take(&mut self.nothing) {
                return None;
            }
            self.nothing = self.token.read(&mut self.received);
        }
    }

    pub(super) fn discard(&mut self) {
        while !self.token.read(&mut self.received) {}
        self.received.clear();
    }

    pub(super) fn multicast(&self, datagrams: &[impl AsRef<[u8]>]) {
        for other in &self.others {
            self.sender.send_all(datagrams, *other);
        }
    }

    pub(super) fn unicast(&self, to: IpAddr, datagram: &[u8]) {
        self.token.send(datagram, SocketAddr::new(to, self.port));
    }
}
