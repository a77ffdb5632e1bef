//! Descriptors in messages of local sockets.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

/// Sends `bytes` and, with the first of them, the descriptor `fd`.
///
/// Errors: those of sendmsg(2).
pub fn send_with_fd(to: &UnixStream, bytes: &[u8], fd: BorrowedFd<'_>) -> io::Result<usize> {
    let fds = [fd.as_raw_fd()];
    let control = [ControlMessage::ScmRights(&fds)];
    let data = [IoSlice::new(bytes)];
    Ok(sendmsg::<()>(
        to.as_raw_fd(),
        &data,
        &control,
        MsgFlags::MSG_NOSIGNAL,
        None,
    )?)
}

/// Receives into `buffer`; gives the number of bytes and the first descriptor that came along.
///
/// Errors: those of recvmsg(2).
pub fn receive_with_fd(
    from: &UnixStream,
    buffer: &mut [u8],
) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut space = nix::cmsg_space!([std::os::fd::RawFd; 1]);
    let mut data = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(from.as_raw_fd(), &mut data, Some(&mut space), flags)?;
    let mut received = None;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(fds) = control {
            for fd in fds {
                // SAFETY: the kernel has just put this descriptor into our table for us alone.
                let fd = unsafe { OwnedFd::from_raw_fd(fd) };
                received.get_or_insert(fd);
            }
        }
    }
    Ok((message.bytes, received))
}
