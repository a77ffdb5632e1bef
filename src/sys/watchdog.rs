//! The two requests of a watchdog device.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

mod request {
    nix::ioctl_readwrite!(set_timeout, b'W', 6, libc::c_int);
}

/// Asks for a time-out in seconds; gives the one that the device took.
///
/// Source: Linux, `linux/watchdog.h`, `WDIOC_SETTIMEOUT`.
pub fn set_timeout(device: &File, seconds: u32) -> io::Result<u32> {
    let mut value = libc::c_int::try_from(seconds).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open, and the request reads and writes one int.
    unsafe { request::set_timeout(device.as_raw_fd(), &raw mut value) }?;
    u32::try_from(value).map_err(io::Error::other)
}
