//! Messages to the daemon through its FIFO, as heartbeat's own shell tools send them.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;

use crate::wire::heartbeat::{Message, text};

/// The FIFO, made by the daemon, for root only.
pub const FIFO: &str = "/var/lib/heartbeat/fifo";

/// What one write puts into a FIFO unbroken. Source: `PIPE_BUF` of Linux, pipe(7).
const ATOMIC_BYTES_MAX: usize = 4096;

/// Why a message didn't get through.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody reads the FIFO, or there is none.
    #[error("heartbeat is not running on this machine (nobody reads {FIFO})")]
    NotRunning,
    /// Not root.
    #[error("{FIFO} is for root only")]
    Denied,
    /// The daemon has not read for a while.
    #[error("heartbeat doesn't read {FIFO}: it is full")]
    Full,
    /// Longer than what arrives unbroken.
    #[error("the message has {0} bytes; the FIFO takes {ATOMIC_BYTES_MAX}")]
    TooLong(usize),
    /// A name or value that can't be written in a line.
    #[error("can't write the message: {0}")]
    Unwritable(String),
    /// Any other failure.
    #[error("can't write to {FIFO}: {0}")]
    Io(std::io::Error),
}

/// Writes the message in one piece; never waits.
pub fn send(path: &Path, message: &Message) -> Result<(), Error> {
    let mut bytes = Vec::new();
    text::encode_into(message, &mut bytes).map_err(|e| Error::Unwritable(e.to_string()))?;
    if bytes.len() > ATOMIC_BYTES_MAX {
        return Err(Error::TooLong(bytes.len()));
    }
    let mut fifo = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(told)?;
    if !fifo.metadata().map_err(told)?.file_type().is_fifo() {
        // Left by a shell tool that ran while heartbeat was stopped.
        return Err(Error::NotRunning);
    }
    fifo.write_all(&bytes).map_err(told)
}

fn told(error: std::io::Error) -> Error {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENXIO | Errno::ENOENT | Errno::EPIPE) => Error::NotRunning,
        Some(Errno::EACCES | Errno::EPERM) => Error::Denied,
        Some(Errno::EAGAIN) => Error::Full,
        _ => Error::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use std::io::Read;

    #[test]
    fn the_message_arrives_in_one_piece() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        let mut reader = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(&path)
            .unwrap();
        let message = Message::of_type("hb_takeover").with("rsc_hold", "all");
        send(&path, &message).unwrap();
        let mut text = [0; 100];
        let count = reader.read(&mut text).unwrap();
        assert_eq!(&text[..count], b">>>\nt=hb_takeover\nrsc_hold=all\n<<<\n");
    }

    #[test]
    fn a_stopped_daemon_is_told_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let message = Message::of_type("x");
        let path = dir.path().join("fifo");
        assert!(matches!(send(&path, &message), Err(Error::NotRunning)));
        nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        assert!(matches!(send(&path, &message), Err(Error::NotRunning)));
        let plain = dir.path().join("plain");
        std::fs::write(&plain, "kept").unwrap();
        assert!(matches!(send(&plain, &message), Err(Error::NotRunning)));
        assert_eq!(std::fs::read(&plain).unwrap(), b"kept");
    }

    #[test]
    fn what_would_be_torn_is_not_sent() {
        let message = Message::of_type("addnode").with("nodelist", "n ".repeat(3000));
        let dir = tempfile::tempdir().unwrap();
        let error = send(&dir.path().join("fifo"), &message).unwrap_err();
        assert!(matches!(error, Error::TooLong(6000..)));
    }
}
