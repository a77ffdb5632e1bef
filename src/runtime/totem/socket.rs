//! One UDP socket, with what all of them have in common.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::task::Context;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg, setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::limits;
use crate::sys::datagrams::Inbox;
use crate::sys::reactor::register_to_read;

/// Most datagrams that the kernel cuts out of one call. Source: Linux 5.3, `UDP_MAX_SEGMENTS`.
const TOGETHER_MAX: usize = 64;

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
    readiness: AsyncFd<Socket>,
    /// The kernel cuts what is sent into datagrams.
    cuts: Cell<bool>,
}

impl Bound {
    /// Binds a socket.
    ///
    /// Panics: outside a tokio runtime.
    pub(super) fn new(socket: Socket, address: SocketAddr) -> io::Result<Self> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
        socket.bind(&address.into()).map_err(named)?;
        // Where the kernel can't put datagrams together they come one by one.
        let _ = setsockopt(&socket, sockopt::UdpGroSegment, &true);
        Ok(Self {
            readiness: register_to_read(socket.try_clone()?)?,
            plain: UdpSocket::from(socket),
            cuts: Cell::new(true),
        })
    }

    /// Waits until a datagram can be read. Cancel-safe.
    pub(super) async fn readable(&self) -> io::Result<()> {
        // Not `readable`, which makes and unmakes a list of those who wait at each call.
        let ready = |cx: &mut Context<'_>| self.readiness.poll_read_ready(cx).map_ok(drop);
        std::future::poll_fn(ready).await
    }

    /// Reads what is there into `inbox`; true if nothing is left.
    ///
    /// Errors that belong to a datagram that was sent before (its port was closed) are passed
    /// over.
    pub(super) fn read(&self, inbox: &mut Inbox) -> bool {
        let is_drained = loop {
            match inbox.read(&self.plain) {
                Ok(is_drained) => break is_drained,
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(_) => break true,
            }
        };
        if is_drained {
            // The runtime has to know, or it would not wait.
            let nothing = |_: &Socket| Err::<(), _>(io::ErrorKind::WouldBlock.into());
            let _ = self.readiness.try_io(Interest::READABLE, nothing);
        }
        is_drained
    }

    /// Sends; what can't be sent is lost.
    pub(super) fn send(&self, datagram: &[u8], to: SocketAddr) {
        let _ = self.plain.send_to(datagram, to);
    }

    /// Sends all of these; what can't be sent is lost.
    pub(super) fn send_all(&self, datagrams: &[impl AsRef<[u8]>], to: SocketAddr) {
        let mut rest = datagrams;
        while !rest.is_empty() {
            let (run, more) = rest.split_at(run_length(rest));
            if run.len() < 2 || !self.cuts.get() || !self.send_run(run, to) {
                for datagram in run {
                    self.send(datagram.as_ref(), to);
                }
            }
            rest = more;
        }
    }

    /// Sends datagrams of equal length, the last perhaps shorter, in one call; false if the
    /// kernel or the interface can't.
    fn send_run(&self, run: &[impl AsRef<[u8]>], to: SocketAddr) -> bool {
        let Some(Ok(length)) = run.first().map(|first| u16::try_from(first.as_ref().len())) else {
            return false;
        };
        let pieces: Vec<IoSlice<'_>> = run.iter().map(|d| IoSlice::new(d.as_ref())).collect();
        let cut = [ControlMessage::UdpGsoSegments(&length)];
        let to = SockaddrStorage::from(to);
        let flags = MsgFlags::empty();
        match sendmsg(self.plain.as_raw_fd(), &pieces, &cut, flags, Some(&to)) {
            Ok(_) => true,
            // Longer than the interface takes in one: each goes in fragments. EIO: the interface
            // makes no check sums, and an old kernel doesn't for this.
            Err(Errno::EINVAL | Errno::EMSGSIZE | Errno::EIO | Errno::ENOPROTOOPT) => {
                self.cuts.set(false);
                false
            }
            // As lost as one that is sent by itself.
            Err(_) => true,
        }
    }
}

/// How many datagrams from the first one on go together: of its length, the last perhaps
/// shorter.
fn run_length(datagrams: &[impl AsRef<[u8]>]) -> usize {
    let mut lengths = datagrams.iter().map(|datagram| datagram.as_ref().len());
    let each = lengths.next().unwrap_or(0);
    let (mut count, mut bytes) = (1, each);
    for length in lengths.take(TOGETHER_MAX - 1) {
        bytes += length;
        if length > each || length == 0 || bytes > limits::UDP_PAYLOAD_BYTES_MAX {
            break;
        }
        count += 1;
        if length < each {
            break;
        }
    }
    count
}

/// Gives its datagrams precedence; where that isn't allowed they go without.
pub(super) fn prefer(socket: &Socket) {
    let _ = setsockopt(socket, sockopt::Priority, &TOKEN_PRIORITY.cast_signed());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_datagrams_go_together() {
        let runs = |lengths: &[usize]| {
            let all: Vec<Vec<u8>> = lengths.iter().map(|length| vec![0; *length]).collect();
            let mut rest = all.as_slice();
            let mut runs = Vec::new();
            while !rest.is_empty() {
                let count = run_length(rest);
                runs.push(count);
                rest = &rest[count..];
            }
            runs
        };
        assert_eq!(runs(&[9]), [1]);
        assert_eq!(runs(&[9, 9, 9]), [3]);
        assert_eq!(runs(&[9, 9, 3, 9]), [3, 1]);
        assert_eq!(runs(&[3, 9, 9]), [1, 2]);
        assert_eq!(runs(&[9; 100]), [64, 36]);
        assert_eq!(runs(&[30_000; 5]), [2, 2, 1]);
        assert_eq!(runs(&[9, 0, 0]), [1, 1, 1]);
    }
}
