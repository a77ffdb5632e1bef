//! The FIFO through which scripts and root's tools hand messages to the daemon.
//!
//! Source: heartbeat 3.0.6, `spec/heartbeat-wire.md` section 9, `spec/heartbeat-v1.md` 1.3.
//! Differs: it is removed on an orderly end, so that a script that writes to it then doesn't
//! hang for want of a reader; a message may have lines of any length.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};

use nix::sys::stat::Mode;
use tokio::io::unix::AsyncFd;

use crate::sys::reactor::register;
use crate::wire::heartbeat::text::{self, Splitter};
use crate::wire::heartbeat::{DecodeError, Message};

/// Path of the FIFO. Source: heartbeat 3.0.6.
pub const PATH: &str = "/var/lib/heartbeat/fifo";
/// Bytes read at a time.
const READ_BYTES: usize = 4096;
/// Messages that wait while others get their turn.
const WAITING_MAX: usize = 64;

/// The open FIFO.
#[derive(Debug)]
pub struct Fifo {
    path: PathBuf,
    pipe: AsyncFd<OwnedFd>,
    splitter: Splitter,
    came: VecDeque<Result<Message, DecodeError>>,
}

impl Fifo {
    /// Makes it, for root only, in place of whatever file stands there, and opens it for reading
    /// and writing: then it never ends when a writer closes.
    ///
    /// Errors: a folder stands there; the folder around it is missing or read-only.
    /// Panics: outside a tokio runtime.
    pub fn open(path: &Path) -> io::Result<Self> {
        match path.symlink_metadata() {
            Ok(there) if there.file_type().is_fifo() => {
                use std::os::unix::fs::PermissionsExt;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
            }
            Ok(_) => {
                std::fs::remove_file(path)?;
                make(path)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path)?,
            Err(error) => return Err(error),
        }
        let mut options = OpenOptions::new();
        let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW;
        let file = options
            .read(true)
            .write(true)
            .custom_flags(flags)
            .open(path)?;
        Ok(Self {
            path: path.to_owned(),
            pipe: register(file.into())?,
            splitter: Splitter::new(),
            came: VecDeque::new(),
        })
    }

    /// Waits for the next message; what looks like one but can't be read is an error, other junk
    /// is skipped. Cancel-safe.
    pub async fn message(&mut self) -> Result<Message, DecodeError> {
        std::future::poll_fn(|cx| self.poll_message(cx)).await
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, DecodeError>> {
        loop {
            if let Some(message) = self.came.pop_front() {
                return Poll::Ready(message);
            }
            let Poll::Ready(Ok(mut guard)) = self.pipe.poll_read_ready(cx) else {
                return Poll::Pending;
            };
            let mut piece = [0; READ_BYTES];
            let read = guard.try_io(|pipe| {
                nix::unistd::read(pipe.get_ref(), &mut piece).map_err(io::Error::from)
            });
            match read {
                Ok(Ok(n)) => {
                    let came = &mut self.came;
                    self.splitter.push(&piece[..n], |bytes| {
                        if came.len() < WAITING_MAX {
                            came.push_back(text::decode(bytes).map(|(message, _)| message));
                        }
                    });
                }
                // A pipe that is open for writing by ourselves has no end and no errors.
                Ok(Err(_)) => return Poll::Pending,
                Err(_would_block) => {}
            }
        }
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn make(path: &Path) -> io::Result<()> {
    nix::unistd::mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(future)
    }

    async fn next(fifo: &mut Fifo) -> Result<String, DecodeError> {
        let wait = Duration::from_secs(5);
        let message = tokio::time::timeout(wait, fifo.message())
            .await
            .expect("a message");
        message.map(|m| m.to_string())
    }

    #[test]
    fn a_plain_file_gives_way_to_a_pipe_for_root_only() {
        block_on(async {
            let dir = tempfile::tempdir().expect("a folder");
            let path = dir.path().join("fifo");
            std::fs::write(&path, ">>>\nt=hb_takeover\n<<<\n").expect("written");
            let fifo = Fifo::open(&path).expect("a pipe");
            let there = path.symlink_metadata().expect("there");
            assert!(there.file_type().is_fifo());
            assert_eq!(there.permissions().mode() & 0o777, 0o600);
            drop(fifo);
            assert!(!path.exists(), "nobody hangs on it after our end");
            std::fs::create_dir(&path).expect("a folder");
            assert!(Fifo::open(&path).is_err());
        });
    }

    #[test]
    fn writers_come_and_go_and_junk_is_no_end() {
        block_on(async {
            let dir = tempfile::tempdir().expect("a folder");
            let path = dir.path().join("fifo");
            let mut fifo = Fifo::open(&path).expect("a pipe");
            let write = |text: &str| {
                let mut pipe = File::options().write(true).open(&path).expect("no hanging");
                pipe.write_all(text.as_bytes()).expect("written");
            };
            write(">>>\nt=ask_resources\nrsc_hold=all\ninfo=me\n<<<\n");
            let wanted = "t=ask_resources rsc_hold=all info=me";
            assert_eq!(next(&mut fifo).await, Ok(wanted.to_owned()));
            write("junk\n\u{0}>>>\nno equals sign\n<<<\n>>>\nt=x\n<<<\n");
            assert!(next(&mut fifo).await.is_err());
            assert_eq!(next(&mut fifo).await, Ok("t=x".to_owned()));
        });
    }
}
