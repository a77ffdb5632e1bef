//! Where lines go: files that logrotate may move, the syslog socket.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often a log file is compared with its path.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// A log file, opened on its first line, and again when it was moved or removed.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    owner: Option<(u32, u32)>,
    file: Option<File>,
    looked: Option<Instant>,
}

impl LogFile {
    pub(super) fn new(path: PathBuf, owner: Option<(u32, u32)>) -> Self {
        Self {
            path,
            owner,
            file: None,
            looked: None,
        }
    }

    pub(super) fn reopen(&mut self) {
        self.file = None;
    }

    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        self.look();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.path, self.owner)?),
        };
        file.write_all(line.as_bytes())
    }

    /// Lets go of a file that the path doesn't name any more.
    fn look(&mut self) {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK_INTERVAL) {
            return;
        }
        self.looked = Some(Instant::now());
        let identity = |meta: io::Result<std::fs::Metadata>| meta.ok().map(|m| (m.dev(), m.ino()));
        let open = self.file.as_ref().and_then(|f| identity(f.metadata()));
        if open != identity(std::fs::metadata(&self.path)) {
            self.file = None;
        }
    }
}

fn open(path: &Path, owner: Option<(u32, u32)>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .append(true)
        .create(true)
        .mode(0o644)
        .custom_flags(libc::O_NOCTTY);
    let file = options.open(path)?;
    if let Some((uid, gid)) = owner {
        // Only the right one: /dev/null and files of others are left as they are.
        if file.metadata()?.is_file() {
            let _ = fchown(&file, Some(uid), Some(gid));
        }
    }
    Ok(file)
}

/// The syslog socket; connected on the first line, and again after an error.
#[derive(Debug)]
pub(super) struct Syslog {
    path: PathBuf,
    socket: Option<UnixDatagram>,
}

impl Syslog {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, socket: None }
    }

    /// Errors: no daemon listens, or it doesn't keep up (the line is lost then; never waits).
    pub(super) fn send(&mut self, line: &str) -> io::Result<()> {
        if self.socket.is_none() {
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            socket.connect(&self.path)?;
            self.socket = Some(socket);
        }
        let sent = match &self.socket {
            Some(socket) => socket.send(line.as_bytes()),
            None => return Err(io::ErrorKind::NotConnected.into()),
        };
        match sent {
            Ok(_) => Ok(()),
            Err(error) => {
                if error.kind() != io::ErrorKind::WouldBlock {
                    self.socket = None;
                }
                Err(error)
            }
        }
    }
}
