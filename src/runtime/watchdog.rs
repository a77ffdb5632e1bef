//! The watchdog device: reboots the machine if the daemon hangs.
//!
//! Source: heartbeat 3.0.6, `spec/heartbeat-v1.md` section 3 (`watchdog`): opened write-only,
//! time-out deadtime + 10 ms rounded up to seconds, written to at each own status, `V` on close.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::sys::watchdog::set_timeout;

/// An armed device. Dropped without [`Self::disarm`] it stays armed, and the machine reboots.
#[derive(Debug)]
pub struct Watchdog {
    device: File,
    path: PathBuf,
    granted: Option<Duration>,
}

impl Watchdog {
    /// Opens and so arms the device.
    ///
    /// Errors: the device can't be opened. One that keeps its own time-out is no error.
    pub fn open(path: &Path, deadtime: Duration) -> io::Result<Self> {
        Self::open_seconds(path, timeout_s(deadtime))
    }

    /// The same with a time-out of whole seconds, and no more.
    pub fn open_for(path: &Path, timeout: Duration) -> io::Result<Self> {
        let seconds = u32::try_from(timeout.as_secs()).unwrap_or(u32::MAX);
        Self::open_seconds(path, seconds)
    }

    fn open_seconds(path: &Path, seconds: u32) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        // A FIFO that nobody reads must not hold up the daemon.
        options.write(true).custom_flags(libc::O_NONBLOCK);
        let device = options.open(path)?;
        let granted = set_timeout(&device, seconds).ok();
        let granted = granted.map(|s| Duration::from_secs(s.into()));
        Ok(Self {
            device,
            path: path.to_owned(),
            granted,
        })
    }

    /// The time-out that the device took; none: it has one of its own.
    pub fn granted(&self) -> Option<Duration> {
        self.granted
    }

    /// False for a file or a FIFO, which some program watches.
    pub fn is_driver(&self) -> bool {
        let kind = self.device.metadata().map(|about| about.file_type());
        kind.is_ok_and(|kind| kind.is_char_device())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says that we live.
    pub fn tickle(&mut self) -> io::Result<()> {
        self.device.write_all(b"\0")
    }

    /// Disarms it: the daemon ends in an orderly way. Some devices can't be disarmed.
    pub fn disarm(mut self) -> io::Result<()> {
        self.device.write_all(b"V")
    }
}

fn timeout_s(deadtime: Duration) -> u32 {
    let ms = deadtime.as_millis().saturating_add(10);
    u32::try_from(ms.div_ceil(1000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_is_longer_than_the_dead_time() {
        assert_eq!(timeout_s(Duration::from_secs(30)), 31);
        assert_eq!(timeout_s(Duration::from_millis(300)), 1);
        assert_eq!(timeout_s(Duration::from_millis(990)), 1);
        assert_eq!(timeout_s(Duration::from_millis(991)), 2);
    }

    #[test]
    fn a_device_is_written_to_and_closed_with_v() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("watchdog");
        std::fs::write(&path, "").expect("a file");
        let mut watchdog = Watchdog::open(&path, Duration::from_secs(1)).expect("opened");
        assert_eq!(watchdog.granted(), None, "a file has no time-out");
        watchdog.tickle().expect("written");
        watchdog.disarm().expect("written");
        assert_eq!(std::fs::read(&path).expect("read"), b"\0V");
        assert!(Watchdog::open(&dir.path().join("none"), Duration::from_secs(1)).is_err());
    }
}
