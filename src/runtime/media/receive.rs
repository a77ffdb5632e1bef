//! One datagram off a socket, with the time at which the kernel got it.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::RawFd;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};
use nix::sys::time::TimeSpec;

/// Room for the largest datagram.
const BUFFER_BYTES: usize = 65_536;

/// A buffer that all media of a daemon share.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    control: Vec<u8>,
    /// Set when the kernel said that nothing more is there.
    pub(super) drained: bool,
}

/// What the kernel says about a datagram.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) bytes: Vec<u8>,
    pub(super) source: Option<SocketAddr>,
    /// Wall time of its arrival.
    pub(super) time: Option<TimeSpec>,
    /// The interface it came in by, and whether it was sent to us alone, if the socket asked.
    pub(super) path: Option<Path>,
    /// Longer than any datagram can be that we take.
    pub(super) truncated: bool,
}

/// How a datagram got here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) index: u32,
    pub(super) unicast: bool,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; BUFFER_BYTES],
            control: nix::cmsg_space!(TimeSpec, libc::in_pktinfo),
            drained: false,
        }
    }

    /// Takes one datagram.
    ///
    /// Errors: WouldBlock when none is there; what the socket reports.
    pub(super) fn receive(&mut self, socket: RawFd) -> io::Result<Arrival> {
        let mut parts = [IoSliceMut::new(&mut self.bytes)];
        let control = Some(self.control.as_mut_slice());
        let flags = MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<SockaddrStorage>(socket, &mut parts, control, flags)?;
        let (mut time, mut path) = (None, None);
        for item in message.cmsgs()? {
            match item {
                ControlMessageOwned::ScmTimestampns(at) => time = Some(at),
                ControlMessageOwned::Ipv4PacketInfo(info) => path = Some(path_of(info)),
                _ => {}
            }
        }
        let length = message.bytes;
        let source = message.address.as_ref().and_then(address);
        let truncated = message.flags.contains(MsgFlags::MSG_TRUNC);
        let bytes = self.bytes.get(..length).unwrap_or_default().to_vec();
        Ok(Arrival {
            bytes,
            source,
            time,
            path,
            truncated,
        })
    }
}

fn path_of(info: libc::in_pktinfo) -> Path {
    let ip = |raw: libc::in_addr| Ipv4Addr::from(u32::from_be(raw.s_addr));
    Path {
        index: u32::try_from(info.ipi_ifindex).unwrap_or(0),
        unicast: ip(info.ipi_addr) == ip(info.ipi_spec_dst),
    }
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage
        .as_sockaddr_in()
        .map(|a| SocketAddr::V4((*a).into()));
    v4.or_else(|| {
        storage
            .as_sockaddr_in6()
            .map(|a| SocketAddr::V6((*a).into()))
    })
}
