//! UDP media: sockets with the options that heartbeat gives them.
//!
//! Source: heartbeat 3.0.6, `spec/heartbeat-wire.md` section 12.
//! Differs: a multicast or IPv6 socket hears its own interface only (IP_MULTICAST_ALL off,
//! IPV6_V6ONLY on), so that each link stands for its own cable; a broadcast socket learns by
//! IP_PKTINFO through which interface a datagram came. Receive buffers are large.

use std::io;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use tokio::io::unix::AsyncFd;

use super::plan::{UdpKind, UdpPlan};
use super::receive::{Arrival, Buffer};
use crate::sys::reactor::register;

/// Receive buffer: a burst of some thousand small datagrams may wait in it.
const RECEIVE_BUFFER_BYTES: usize = 2 * 1024 * 1024;
/// IPTOS_LOWDELAY of ucast. Source: heartbeat 3.0.6, ucast plugin.
const TOS_LOW_DELAY: u32 = 0x10;

/// The two sockets of an open medium.
#[derive(Debug)]
pub(super) struct Endpoint {
    send: Socket,
    receive: AsyncFd<Socket>,
    plan: UdpPlan,
}

impl Endpoint {
    /// Opens both sockets.
    ///
    /// Errors: the port is taken, the interface is gone again, a missing privilege.
    /// Panics: outside a tokio runtime.
    pub(super) fn open(plan: UdpPlan) -> io::Result<Self> {
        let send = sending_socket(&plan)?;
        let receive = socket(&plan)?;
        receive_options(&receive, &plan)?;
        receive.bind(&plan.listen.into())?;
        join(&receive, &plan)?;
        Ok(Self {
            send,
            receive: register(receive)?,
            plan,
        })
    }

    pub(super) fn plan(&self) -> &UdpPlan {
        &self.plan
    }

    pub(super) fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.send
            .send_to(datagram, &self.plan.target.into())
            .map(drop)
    }

    pub(super) fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut Buffer,
    ) -> Poll<io::Result<Arrival>> {
        poll_socket(&self.receive, cx, buffer)
    }
}

/// The next datagram of a socket.
pub(super) fn poll_socket(
    socket: &AsyncFd<Socket>,
    cx: &mut Context<'_>,
    buffer: &mut Buffer,
) -> Poll<io::Result<Arrival>> {
    loop {
        let mut guard = ready!(socket.poll_read_ready(cx))?;
        match guard.try_io(|socket| buffer.receive(socket.as_raw_fd())) {
            Ok(received) => return Poll::Ready(received),
            Err(_would_block) => buffer.drained = true,
        }
    }
}

/// Asks for the largest receive buffer allowed, and for times of arrival.
pub(super) fn prepare_receiver(socket: &Socket) -> io::Result<()> {
    // Past net.core.rmem_max only for root; the system's limit otherwise.
    if setsockopt(socket, sockopt::RcvBufForce, &RECEIVE_BUFFER_BYTES).is_err() {
        socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
    }
    setsockopt(socket, sockopt::ReceiveTimestampns, &true)?;
    Ok(())
}

/// The socket that a medium sends by.
pub(super) fn sending_socket(plan: &UdpPlan) -> io::Result<Socket> {
    let socket = socket(plan)?;
    send_options(&socket, plan)?;
    Ok(socket)
}

fn socket(plan: &UdpPlan) -> io::Result<Socket> {
    let domain = Domain::for_address(plan.target);
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn send_options(socket: &Socket, plan: &UdpPlan) -> io::Result<()> {
    match plan.kind {
        UdpKind::Bcast => {
            socket.set_broadcast(true)?;
            setsockopt(socket, sockopt::DontRoute, &true)?;
        }
        UdpKind::Ucast => {
            socket.set_tos_v4(TOS_LOW_DELAY)?;
            socket.bind_device(Some(plan.interface.as_bytes()))?;
            socket.set_reuse_port(true)?;
        }
        UdpKind::Mcast {
            ttl,
            loopback,
            from,
        } => {
            socket.set_multicast_if_v4(&from)?;
            socket.set_multicast_loop_v4(loopback)?;
            socket.set_multicast_ttl_v4(ttl.into())?;
        }
        UdpKind::Ucast6 => socket.bind_device(Some(plan.interface.as_bytes()))?,
        UdpKind::Mcast6 { hops, loopback } => {
            socket.set_multicast_if_v6(plan.index)?;
            socket.set_multicast_loop_v6(loopback)?;
            socket.set_multicast_hops_v6(hops.into())?;
        }
    }
    Ok(())
}

fn receive_options(socket: &Socket, plan: &UdpPlan) -> io::Result<()> {
    socket.set_reuse_address(true)?;
    match plan.kind {
        UdpKind::Bcast => setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?,
        UdpKind::Ucast => {
            socket.bind_device(Some(plan.interface.as_bytes()))?;
            socket.set_reuse_port(true)?;
        }
        UdpKind::Mcast { .. } => socket.set_multicast_all_v4(false)?,
        UdpKind::Ucast6 => {
            socket.set_only_v6(true)?;
            socket.bind_device(Some(plan.interface.as_bytes()))?;
            socket.set_reuse_port(true)?;
        }
        UdpKind::Mcast6 { .. } => {
            socket.set_only_v6(true)?;
            socket.set_multicast_all_v6(false)?;
        }
    }
    prepare_receiver(socket)
}

/// Makes the socket a member of the group, where the plan has one.
pub(super) fn join(socket: &Socket, plan: &UdpPlan) -> io::Result<()> {
    match (plan.kind, plan.target) {
        (UdpKind::Mcast { .. }, std::net::SocketAddr::V4(group)) => {
            let interface = InterfaceIndexOrAddress::Index(plan.index);
            socket.join_multicast_v4_n(group.ip(), &interface)
        }
        (UdpKind::Mcast6 { .. }, std::net::SocketAddr::V6(group)) => {
            socket.join_multicast_v6(group.ip(), plan.index)
        }
        _ => Ok(()),
    }
}
