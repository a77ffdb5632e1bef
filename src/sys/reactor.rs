//! Descriptors in tokio's reactor.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use nix::sys::timerfd::TimerFd;
use socket2::Socket;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Types that own one descriptor for their whole life.
pub trait Pollable: AsRawFd + sealed::Owns {}

mod sealed {
    /// Only types of which this module knows that they never change their descriptor.
    pub trait Owns {}
    impl Owns for super::OwnedFd {}
    impl Owns for super::Socket {}
    impl Owns for super::Timer {}
}

impl<T: AsRawFd + sealed::Owns> Pollable for T {}

/// A timer that can be polled: nix's lacks the trait that tokio asks for.
#[derive(Debug)]
pub struct Timer(pub TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// Has tokio watch the descriptor, which must not block.
///
/// Panics: outside a tokio runtime.
pub fn register<T: Pollable>(inner: T) -> io::Result<AsyncFd<T>> {
    watch(inner, Interest::READABLE | Interest::WRITABLE)
}

/// Has tokio watch only whether the descriptor can be read: of a socket on which much is sent it
/// hears of each datagram that left, else.
///
/// Panics: outside a tokio runtime.
pub fn register_to_read<T: Pollable>(inner: T) -> io::Result<AsyncFd<T>> {
    watch(inner, Interest::READABLE)
}

fn watch<T: Pollable>(inner: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    // SAFETY: the sealed trait is for types that own their descriptor and give the same one as
    // long as they live, which is as long as AsyncFd holds them.
    unsafe { AsyncFd::register_with_interest(inner, interest) }.map_err(io::Error::from)
}
