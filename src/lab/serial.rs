//! Serial cables: a pseudo terminal for either end, and the keeper in between.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{FlushArg, SetArg, cfmakeraw, tcflush, tcgetattr, tcsetattr};

/// All serial cables of a lab.
#[derive(Debug, Default)]
pub struct Cables {
    ends: Vec<End>,
}

/// Ends 2n and 2n+1 are one cable.
#[derive(Debug)]
struct End {
    host: String,
    device: PathBuf,
    master: PtyMaster,
    /// Kept open: a master without one reads end-of-file again and again.
    slave: File,
}

impl End {
    fn make(host: &str) -> Result<Self> {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)
            .context("can't open /dev/ptmx for a serial cable")?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let device = PathBuf::from(ptsname_r(&master)?);
        let mut options = File::options();
        options.read(true).write(true).custom_flags(libc::O_NOCTTY);
        let slave = options.open(&device);
        let slave = slave.with_context(|| format!("can't open {}", device.display()))?;
        let mut settings = tcgetattr(&slave)?;
        cfmakeraw(&mut settings);
        tcsetattr(&slave, SetArg::TCSANOW, &settings)?;
        fcntl(
            &master,
            FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK),
        )?;
        Ok(Self {
            host: host.to_owned(),
            device,
            master,
            slave,
        })
    }
}

impl Cables {
    /// Makes the cables, each between two hosts.
    pub fn make(pairs: &[(String, String)]) -> Result<Self> {
        let mut ends = Vec::new();
        for (one, other) in pairs {
            ends.push(End::make(one)?);
            ends.push(End::make(other)?);
        }
        Ok(Self { ends })
    }

    /// The devices of a host, in the order of the cables.
    pub fn devices_of(&self, host: &str) -> Vec<PathBuf> {
        let ends = self.ends.iter().filter(|end| end.host == host);
        ends.map(|end| end.device.clone()).collect()
    }

    /// What to wait for.
    pub fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        let ends = self.ends.iter();
        ends.map(|end| PollFd::new(end.master.as_fd(), PollFlags::POLLIN))
    }

    /// Carries what has come at the ends that are `ready`. What the far end has no room for
    /// is lost, as on a real line.
    pub fn relay(&mut self, ready: &[bool]) {
        for n in (0..self.ends.len()).filter(|&n| ready.get(n) == Some(&true)) {
            let mut buffer = [0; 4096];
            if let Ok(count) = self.ends[n].master.read(&mut buffer) {
                let _ = self.ends[n ^ 1].master.write(&buffer[..count]);
            }
        }
    }

    /// Drops what waits to be read on a host: it is lost with the power.
    pub fn forget_unread(&mut self, host: &str) {
        for end in self.ends.iter().filter(|end| end.host == host) {
            let _ = tcflush(&end.slave, FlushArg::TCIOFLUSH);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_both_ways_and_are_lost_with_the_power() {
        let pair = [("a".to_owned(), "b".to_owned())];
        let mut cables = Cables::make(&pair).unwrap();
        let open = |host: &str| {
            let device = cables.devices_of(host).remove(0);
            File::options().read(true).write(true).open(device).unwrap()
        };
        let (mut a, mut b) = (open("a"), open("b"));
        a.write_all(b"\x00\x03\r\nx").unwrap();
        b.write_all(b"hello").unwrap();
        cables.relay(&[true, true]);
        let mut buffer = [0; 5];
        b.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"\x00\x03\r\nx");
        cables.forget_unread("a");
        b.write_all(b"again").unwrap();
        cables.relay(&[false, true]);
        a.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"again");
    }
}
