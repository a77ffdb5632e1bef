//! All datagrams that wait at a UDP socket, in one system call.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};

use socket2::{SockAddr, SockAddrStorage};

/// What one slot takes: a datagram of any length, or those that the kernel put together.
/// Units: bytes
const SLOT_BYTES: usize = 65_536;

/// Slots that one call fills at most.
const SLOTS_MAX: usize = 16;

/// Room for the control message with the length of datagrams that came together. Units: u64
const CONTROL_WORDS: usize = 4;

const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Datagrams that were read and not yet looked at.
///
/// With `UDP_GRO` set on the socket, datagrams of equal length from one sender come together in
/// a slot, the last of them perhaps shorter; they are told apart here.
#[derive(Debug)]
pub struct Inbox {
    /// Only what datagrams filled is really in memory.
    bytes: Vec<u8>,
    filled: Vec<Slot>,
    /// The slot that is looked at, and how much of it was.
    next: usize,
    at: usize,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    length: usize,
    /// Length of each datagram in it.
    each: usize,
    from: SocketAddr,
}

impl Inbox {
    /// One that reads so many slots in a call, at most 16.
    pub fn new(slots: usize) -> Self {
        Self {
            bytes: vec![0; slots.clamp(1, SLOTS_MAX) * SLOT_BYTES],
            filled: Vec::with_capacity(SLOTS_MAX),
            next: 0,
            at: 0,
        }
    }

    /// Forgets what was read and not looked at.
    pub fn clear(&mut self) {
        self.filled.clear();
        (self.next, self.at) = (0, 0);
    }

    /// True if all that was read was looked at.
    pub fn is_empty(&self) -> bool {
        self.next >= self.filled.len()
    }

    /// The next datagram that was read, and its sender.
    pub fn pop(&mut self) -> Option<(Range<usize>, SocketAddr)> {
        let slot = self.filled.get(self.next)?;
        let start = self.next * SLOT_BYTES + self.at;
        let length = slot.each.min(slot.length - self.at);
        self.at += length;
        if self.at >= slot.length {
            (self.next, self.at) = (self.next + 1, 0);
        }
        Some((start..start + length, slot.from))
    }

    /// The bytes of a datagram, until the next call reads others.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Reads what waits, in place of what was read before; true if nothing is left there.
    ///
    /// Errors: those of recvmmsg(2), `WouldBlock` if nothing waits.
    pub fn read(&mut self, socket: impl AsFd) -> io::Result<bool> {
        self.clear();
        let slots = self.bytes.len() / SLOT_BYTES;
        let mut names = std::array::from_fn::<_, SLOTS_MAX, _>(|_| SockAddrStorage::zeroed());
        let mut controls = [[0_u64; CONTROL_WORDS]; SLOTS_MAX];
        // SAFETY: all-zero headers are valid: no buffers, no name, no control data.
        let mut vectors: [libc::iovec; SLOTS_MAX] = unsafe { std::mem::zeroed() };
        // SAFETY: the same.
        let mut headers: [libc::mmsghdr; SLOTS_MAX] = unsafe { std::mem::zeroed() };
        let chunks = self.bytes.chunks_exact_mut(SLOT_BYTES);
        for (at, chunk) in chunks.enumerate() {
            vectors[at].iov_base = chunk.as_mut_ptr().cast();
            vectors[at].iov_len = chunk.len();
            let header = &mut headers[at].msg_hdr;
            header.msg_name = (&raw mut names[at]).cast();
            header.msg_namelen = names[at].size_of();
            header.msg_iov = &raw mut vectors[at];
            header.msg_iovlen = 1;
            header.msg_control = controls[at].as_mut_ptr().cast();
            header.msg_controllen = size_of_val(&controls[at]) as _;
        }
        // SAFETY: the first `slots` headers name buffers, addresses and control data that live
        // on, with their true lengths; no timeout is given.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_fd().as_raw_fd(),
                headers.as_mut_ptr(),
                slots as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        for (header, name) in headers.iter().zip(names).take(count) {
            let length = header.msg_len as usize;
            // SAFETY: the kernel wrote an address of that length.
            let name = unsafe { SockAddr::new(name, header.msg_hdr.msg_namelen) };
            // A UDP socket has no other addresses.
            let from = name.as_socket().unwrap_or(NOBODY);
            let each = together(&header.msg_hdr).unwrap_or(length);
            self.filled.push(Slot { length, each, from });
        }
        Ok(count < slots)
    }
}

/// Length of each datagram in a slot, if the kernel put several there.
fn together(header: &libc::msghdr) -> Option<usize> {
    // SAFETY: the kernel has filled in the control data and its length.
    let mut control = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !control.is_null() {
        // SAFETY: the macros give null or a whole header inside of the control data.
        let of = unsafe { *control };
        if (of.cmsg_level, of.cmsg_type) == (libc::SOL_UDP, libc::UDP_GRO) {
            // SAFETY: UDP_GRO comes with an int behind its header.
            let each = unsafe {
                libc::CMSG_DATA(control)
                    .cast::<libc::c_int>()
                    .read_unaligned()
            };
            return usize::try_from(each).ok().filter(|each| *each > 0);
        }
        // SAFETY: `control` is a header of this control data.
        control = unsafe { libc::CMSG_NXTHDR(header, control) };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    fn pair() -> (UdpSocket, UdpSocket) {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        (sender, receiver)
    }

    fn all(inbox: &mut Inbox) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| {
            let (range, _) = inbox.pop()?;
            Some(inbox.bytes(range).to_vec())
        })
        .collect()
    }

    #[test]
    fn what_waits_is_read_at_once_and_in_order() {
        let (sender, receiver) = pair();
        let mut inbox = Inbox::new(4);
        let nothing = inbox.read(&receiver).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        for length in [1_usize, 60_000, 3, 4, 5] {
            sender.send(&vec![length as u8; length]).unwrap();
        }
        assert!(!inbox.read(&receiver).unwrap(), "one is left");
        let (range, from) = inbox.pop().unwrap();
        assert_eq!(
            (inbox.bytes(range), from),
            (&[1][..], sender.local_addr().unwrap())
        );
        let lengths: Vec<usize> = all(&mut inbox).iter().map(Vec::len).collect();
        assert_eq!(lengths, [60_000, 3, 4]);
        assert!(inbox.read(&receiver).unwrap());
        assert_eq!(all(&mut inbox), [[5; 5]]);
        sender.send(b"late").unwrap();
        inbox.read(&receiver).unwrap();
        inbox.clear();
        assert_eq!(inbox.pop(), None);
    }

    #[test]
    fn datagrams_that_come_together_are_told_apart() {
        let (sender, receiver) = pair();
        nix::sys::socket::setsockopt(&receiver, nix::sys::socket::sockopt::UdpGroSegment, &true)
            .unwrap();
        let to = nix::sys::socket::SockaddrIn::from(match receiver.local_addr().unwrap() {
            SocketAddr::V4(to) => to,
            SocketAddr::V6(_) => unreachable!(),
        });
        let data = [io::IoSlice::new(b"aaaabbbbccccd")];
        let cut = [nix::sys::socket::ControlMessage::UdpGsoSegments(&4)];
        let flags = nix::sys::socket::MsgFlags::empty();
        let fd = sender.as_raw_fd();
        nix::sys::socket::sendmsg(fd, &data, &cut, flags, Some(&to)).unwrap();
        sender.send(b"other").unwrap();
        let mut inbox = Inbox::new(4);
        inbox.read(&receiver).unwrap();
        let expected: [&[u8]; 5] = [b"aaaa", b"bbbb", b"cccc", b"d", b"other"];
        assert_eq!(all(&mut inbox), expected);
    }
}
