//! One UDP socket, with what all of them have in common.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

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

/// Binds it and hands it to the runtime.
pub(super) fn bind(socket: Socket, address: SocketAddr) -> io::Result<UdpSocket> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
    socket.bind(&address.into()).map_err(named)?;
    UdpSocket::from_std(socket.into())
}

/// Gives its datagrams precedence; where that isn't allowed they go without.
pub(super) fn prefer(socket: &Socket) {
    let _ = nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::Priority, &{
        TOKEN_PRIORITY.cast_signed()
    });
}

/// The next datagram that is there, with its sender.
///
/// Errors that belong to a datagram that was sent before (its port was closed) are passed over.
pub(super) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
    loop {
        match socket.try_recv_from(buffer) {
            Ok(received) => return Some(received),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(_) => return None,
        }
    }
}

/// Sends; what can't be sent is lost.
pub(super) fn send(socket: &UdpSocket, datagram: &[u8], to: SocketAddr) {
    let _ = socket.try_send_to(datagram, to);
}
