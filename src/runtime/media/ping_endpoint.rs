//! Ping media: hosts that only answer echoes, alone or as a group that is one node.
//!
//! Source: heartbeat 3.0.6, `spec/heartbeat-wire.md` section 12: id is the process, the sequence
//! counts from 0, the first reply of each sequence number counts.
//! Differs: a reply counts only if it comes from a host that was asked, and brings back, byte by
//! byte, what was sent to it a short while ago; a replayed one is no sign of life.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::unix::AsyncFd;

use super::endpoint::Incoming;
use super::icmp::{decode_reply, encode_request};
use super::plan::PingPlan;
use super::receive::{Arrival, Buffer};
use super::udp::{poll_socket, prepare_receiver};
use super::{Outgoing, Sent, Source};
use crate::sys::icmp_filter::only_echo_replies;
use crate::sys::reactor::register;
use crate::wire::heartbeat::ping;

/// Requests that may still be answered.
const OPEN_REQUESTS_MAX: usize = 16;

/// A raw socket with the requests that are out.
#[derive(Debug)]
pub(super) struct Endpoint {
    socket: AsyncFd<Socket>,
    plan: PingPlan,
    requests: Requests,
}

impl Endpoint {
    /// Opens the socket.
    ///
    /// Errors: no right to raw sockets.
    /// Panics: outside a tokio runtime.
    pub(super) fn open(plan: PingPlan) -> io::Result<Self> {
        let v6 = plan.medium == ping::Medium::Ping6;
        let (domain, protocol) = match v6 {
            false => (Domain::IPV4, Protocol::ICMPV4),
            true => (Domain::IPV6, Protocol::ICMPV6),
        };
        let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
        socket.set_nonblocking(true)?;
        only_echo_replies(&socket, v6)?;
        prepare_receiver(&socket)?;
        let requests = Requests::new(v6, process_id());
        Ok(Self {
            socket: register(socket)?,
            plan,
            requests,
        })
    }

    pub(super) fn plan(&self) -> &PingPlan {
        &self.plan
    }

    /// Asks each host, if the message is one that pings go with.
    ///
    /// Errors: no host could be asked; the last reason.
    pub(super) fn send(&mut self, outgoing: &dyn Outgoing) -> io::Result<Sent> {
        let Some(body) = outgoing.ping(&self.plan.node, self.plan.medium) else {
            return Ok(Sent::Nothing);
        };
        let packet = self.requests.next(body);
        let mut result = Ok(Sent::Nothing);
        for host in &self.plan.hosts {
            let to = SocketAddr::new(*host, 0);
            match self.socket.get_ref().send_to(&packet, &to.into()) {
                Ok(bytes) => result = Ok(Sent::Bytes(bytes)),
                Err(error) if matches!(result, Ok(Sent::Nothing)) => result = Err(error),
                Err(_) => {}
            }
        }
        result
    }

    /// The next reply that counts; `None` for anything else.
    pub(super) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Buffer,
    ) -> Poll<io::Result<Option<Incoming>>> {
        let arrival = ready!(poll_socket(&self.socket, cx, buffer))?;
        Poll::Ready(Ok(self.accept(&arrival)))
    }

    fn accept(&mut self, arrival: &Arrival) -> Option<Incoming> {
        let from = arrival.source?.ip();
        if !self.plan.hosts.contains(&from) {
            return None;
        }
        let bytes = self.requests.answer(&arrival.bytes)?;
        Some(Incoming {
            bytes,
            source: Source::Echo(from),
            time: arrival.time,
            path: None,
        })
    }
}

/// The process's number as heartbeat's ping plugins use it.
fn process_id() -> u16 {
    let [low, high, ..] = std::process::id().to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// Which echoes are out.
#[derive(Debug)]
struct Requests {
    v6: bool,
    id: u16,
    seq: u16,
    out: VecDeque<(u16, Vec<u8>)>,
}

impl Requests {
    fn new(v6: bool, id: u16) -> Self {
        Self {
            v6,
            id,
            seq: 0,
            out: VecDeque::new(),
        }
    }

    /// The packet of the next request.
    fn next(&mut self, body: Vec<u8>) -> Vec<u8> {
        let packet = encode_request(self.v6, self.id, self.seq, &body);
        if self.out.len() >= OPEN_REQUESTS_MAX {
            self.out.pop_front();
        }
        self.out.push_back((self.seq, body));
        self.seq = self.seq.wrapping_add(1);
        packet
    }

    /// The body, if the packet is the first answer to a request that is out.
    fn answer(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let reply = decode_reply(self.v6, packet)?;
        let is_it = |(seq, body): &(u16, Vec<u8>)| *seq == reply.seq && *body == reply.body;
        if reply.id != self.id {
            return None;
        }
        let place = self.out.iter().position(is_it)?;
        self.out.remove(place).map(|(_, body)| body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply_to(request: &[u8]) -> Vec<u8> {
        let mut reply = request.to_vec();
        reply[0] = 129;
        reply
    }

    #[test]
    fn each_request_is_answered_once() {
        let mut requests = Requests::new(true, 7);
        let packet = requests.next(b"one".to_vec());
        let reply = reply_to(&packet);
        assert_eq!(requests.answer(&packet), None, "the request itself");
        assert_eq!(requests.answer(&reply), Some(b"one".to_vec()));
        assert_eq!(
            requests.answer(&reply),
            None,
            "again, or from the group's second host"
        );
    }

    #[test]
    fn replies_that_are_old_foreign_or_changed_do_not_count() {
        let mut requests = Requests::new(true, 7);
        let old = reply_to(&requests.next(b"old".to_vec()));
        for _ in 0..OPEN_REQUESTS_MAX {
            requests.next(b"new".to_vec());
        }
        assert_eq!(requests.answer(&old), None);
        let mut foreign = Requests::new(true, 8);
        let mut changed = Requests::new(true, 7);
        changed.seq = 3;
        assert_eq!(
            requests.answer(&reply_to(&foreign.next(b"new".to_vec()))),
            None
        );
        assert_eq!(
            requests.answer(&reply_to(&changed.next(b"nev".to_vec()))),
            None
        );
        changed.seq = 3;
        assert!(
            requests
                .answer(&reply_to(&changed.next(b"new".to_vec())))
                .is_some()
        );
    }
}
