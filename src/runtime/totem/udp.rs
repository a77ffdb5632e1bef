//! Multicast and broadcast: three sockets, as corosync has them.
//!
//! ```text
//!  group:P        reads what goes to all
//!  address:P      reads the token
//!  address:P-1    sends everything
//! ```

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::Socket;

use super::socket::Bound;
use super::{Plan, Way, socket};
use crate::runtime::interfaces::index_of;
use crate::sys::datagrams::Inbox;

/// Datagrams to all that are handed on while a token waits: more than all members send between two
/// tokens, so only a flood is so long.
const BEFORE_TOKEN_MAX: usize = 1024;

/// The sockets of a ring over multicast.
#[derive(Debug)]
pub struct Udp {
    group: Bound,
    token: Bound,
    sender: Bound,
    to_all: SocketAddr,
    port: u16,
    /// What was read of the group, and of the token.
    messages: Inbox,
    tokens: Inbox,
    /// Nothing waits in the group's socket, and in neither: it was looked.
    no_messages: bool,
    nothing: bool,
    /// Datagrams to all since the token was looked for.
    in_a_row: usize,
}

impl Udp {
    pub(super) fn open(plan: &Plan) -> io::Result<Self> {
        let (to_all, ttl) = match &plan.way {
            Way::Multicast { group, ttl } => (*group, *ttl),
            Way::Broadcast | Way::Unicast { .. } => (Ipv4Addr::BROADCAST.into(), 1),
        };
        let to_all = SocketAddr::new(to_all, plan.port);
        let new = || socket::open(plan.address, plan.buffer_bytes);
        let (group, token, sender) = (new()?, new()?, new()?);
        join(&group, to_all.ip(), plan.address)?;
        send_by(&sender, to_all.ip(), plan.address, ttl)?;
        socket::prefer(&token);
        socket::prefer(&sender);
        let from = SocketAddr::new(plan.address, plan.port.wrapping_sub(1));
        Ok(Self {
            group: Bound::new(group, to_all)?,
            token: Bound::new(token, SocketAddr::new(plan.address, plan.port))?,
            sender: Bound::new(sender, from)?,
            to_all,
            port: plan.port,
            messages: Inbox::new(16),
            tokens: Inbox::new(2),
            no_messages: true,
            nothing: false,
            in_a_row: 0,
        })
    }

    pub(super) async fn ready(&self) -> io::Result<()> {
        if !(self.messages.is_empty() && self.tokens.is_empty() && self.no_messages) {
            return Ok(());
        }
        tokio::select! {
            ready = self.group.readable() => ready,
            ready = self.token.readable() => ready,
        }
    }

    pub(super) fn receive(&mut self) -> Option<&[u8]> {
        loop {
            if self.in_a_row >= BEFORE_TOKEN_MAX {
                self.in_a_row = 0;
                if self.tokens.is_empty() {
                    self.token.read(&mut self.tokens);
                }
                if let Some((range, _)) = self.tokens.pop() {
                    return Some(self.tokens.bytes(range));
                }
            }
            if let Some((range, _)) = self.messages.pop() {
                self.in_a_row += 1;
                return Some(self.messages.bytes(range));
            }
            if !self.no_messages {
                self.no_messages = self.group.read(&mut self.messages);
                continue;
            }
            self.in_a_row = 0;
            if let Some((range, _)) = self.tokens.pop() {
                return Some(self.tokens.bytes(range));
            }
            if std::mem::take(&mut self.nothing) {
                return None;
            }
            // The token says what was sent before it: what went to all is read after it, and
            // handed on first.
            let no_tokens = self.token.read(&mut self.tokens);
            self.no_messages = self.group.read(&mut self.messages);
            self.nothing = no_tokens && self.no_messages;
        }
    }

    pub(super) fn discard(&mut self) {
        self.messages.clear();
        self.tokens.clear();
        while !self.token.read(&mut self.tokens) {}
        while !self.group.read(&mut self.messages) {}
        self.messages.clear();
        self.tokens.clear();
        self.no_messages = true;
    }

    pub(super) fn multicast(&self, datagrams: &[impl AsRef<[u8]>]) {
        self.sender.send_all(datagrams, self.to_all);
    }

    pub(super) fn unicast(&self, to: IpAddr, datagram: &[u8]) {
        self.sender.send(datagram, SocketAddr::new(to, self.port));
    }
}

fn join(socket: &Socket, group: IpAddr, own: IpAddr) -> io::Result<()> {
    let named = |error: io::Error| {
        let text = format!("can't join the multicast group {group} on {own}: {error}");
        io::Error::new(error.kind(), text)
    };
    match (group, own) {
        (IpAddr::V4(Ipv4Addr::BROADCAST), _) => socket.set_broadcast(true),
        (IpAddr::V4(group), IpAddr::V4(own)) => {
            socket.join_multicast_v4(&group, &own).map_err(named)
        }
        (IpAddr::V6(group), own) => socket
            .join_multicast_v6(&group, index_of(own).unwrap_or(0))
            .map_err(named),
        (IpAddr::V4(_), IpAddr::V6(_)) => Err(io::Error::other(format!(
            "the group {group} is IPv4 and the address {own} is not"
        ))),
    }
}

fn send_by(socket: &Socket, group: IpAddr, own: IpAddr, ttl: u8) -> io::Result<()> {
    match (group, own) {
        (IpAddr::V4(Ipv4Addr::BROADCAST), _) => socket.set_broadcast(true),
        (IpAddr::V6(_), own) => {
            socket.set_multicast_loop_v6(false)?;
            socket.set_multicast_hops_v6(ttl.into())?;
            socket.set_multicast_if_v6(index_of(own).unwrap_or(0))
        }
        (IpAddr::V4(_), IpAddr::V4(own)) => {
            socket.set_multicast_loop_v4(false)?;
            socket.set_multicast_ttl_v4(ttl.into())?;
            socket.set_multicast_if_v4(&own)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) => Ok(()),
    }
}
