//! Process descriptors: a process that can't be mistaken for a later one with the same number.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Opens a descriptor of process `pid`.
///
/// Errors: the kernel's: no such process, or no pidfd support (Linux before 5.3).
pub fn open(pid: u32) -> io::Result<OwnedFd> {
    let pid = libc::pid_t::try_from(pid).map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
    // SAFETY: pidfd_open takes two integers and touches no memory of ours.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}
