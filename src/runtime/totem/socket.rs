//! One UDP socket, with what all of them have in common.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// The token goes before other traffic. Source: corosync 3.1.7, `SO_PRIORITY` of token sockets.
const TOKEN_PRIORITY: u32 = 6;

/// Opens a socket that may share its address and doesn't block.
pub(super) fn open(like: IpAddr, buffer_bytes: usize) -> io::Result<Socket> {
    let domain = match like {
        IpAddr::V4(_) => Domain::IPV4,
        IpAddr::V6(_) => Domain::IPV6,
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if domain == Domain::IPV6 {
        socket.set_only_v6(true)?;
    }
    // The kernel gives what it may.
    let _ = socket.set_recv_buffer_size(buffer_bytes);
    let _ = socket.set_send_buffer_size(buffer_bytes);
    Ok(socket)
}

/// A bound socket. The runtime only says when it can be read: it learns of that a turn late, and
/// what came in time must be read in time.
#[derive(Debug)]
pub(super) struct Bound {
    plain: UdpSocket,
    readiness: tokio::net::UdpSocket,
}

impl Bound {
    /// Binds a socket.
    ///
    /// Panics: outside a tokio runtime.
    pub(super) fn new(socket: Socket, address: SocketAddr) -> io::Result<Self> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
        socket.bind(&address.into()).map_err(named)?;
        let plain = UdpSocket::from(socket);
        Ok(Self {
            readiness: tokio::net::UdpSocket::from_std(plain.try_clone()?)?,
            plain,
        })
    }

    /// Waits until a datagram can be read. Cancel-safe.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.readiness.readable().await
    }

    /// The next datagram that is there, with its sender.
    ///
    /// Errors that belong to a datagram that was sent before (its port was closed) are passed
    /// over.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        loop {
            match self.plain.recv_from(buffer) {
                Ok(received) => return Some(received),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(_) => {
                    // Nothing is there: the runtime has to know, or it would not wait.
                    return self.readiness.try_recv_from(buffer).ok();
                }
            }
        }
    }

    /// Sends; what can't be sent is lost.
    pub(super) fn send(&self, datagram: &[u8], to: SocketAddr) {
        let _ = self.plain.send_to(datagram, to);
    }
}

/// Gives its datagrams precedence; where that isn't allowed they go without.
pub(super) fn prefer(socket: &Socket) {
    let _ = nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::Priority, &{
        TOKEN_PRIORITY.cast_signed()
    });
}
