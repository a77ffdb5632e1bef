//! Raw ICMP sockets that hear echo replies only.

use std::io;
use std::os::fd::AsRawFd;

use socket2::Socket;

/// ICMP_FILTER. Source: Linux, `linux/icmp.h`.
const ICMP_FILTER: libc::c_int = 1;
/// ICMPV6_FILTER. Source: Linux, `linux/icmpv6.h`.
const ICMPV6_FILTER: libc::c_int = 1;
const ECHO_REPLY: u32 = 0;
const ECHO_REPLY_V6: usize = 129;

/// Has the kernel drop all other ICMP packets for this socket.
pub fn only_echo_replies(socket: &Socket, v6: bool) -> io::Result<()> {
    if v6 {
        // A set bit blocks its type.
        let mut blocked = [u32::MAX; 8];
        blocked[ECHO_REPLY_V6 / 32] &= !(1 << (ECHO_REPLY_V6 % 32));
        set(socket, (libc::IPPROTO_ICMPV6, ICMPV6_FILTER), &blocked)
    } else {
        set(socket, (libc::SOL_RAW, ICMP_FILTER), &[!(1 << ECHO_REPLY)])
    }
}

fn set<const N: usize>(
    socket: &Socket,
    (level, name): (libc::c_int, libc::c_int),
    words: &[u32; N],
) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of_val(words)).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open; the kernel reads `length` bytes from `words`, which live.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            words.as_ptr().cast(),
            length,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
