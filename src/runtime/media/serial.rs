//! The serial medium: messages in text form over a tty.
//!
//! Source: heartbeat 3.0.6, `spec/heartbeat-wire.md` section 12: 8 bits, no parity made, CRTSCTS,
//! no echo, ISTRIP, IGNCR, BRKINT, INPCK; a break on opening; pieces of 512 bytes, a pause
//! between; a lock file.
//! Differs: what can't be sent in time gives way to newer messages, since nobody is helped by
//! heartbeats of some seconds ago; writing never waits.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};
use std::time::Duration;

use nix::sys::termios::{
    BaudRate, ControlFlags, FlushArg, InputFlags, SetArg, cfmakeraw, cfsetspeed, tcflush,
    tcgetattr, tcsendbreak, tcsetattr,
};
use tokio::io::unix::AsyncFd;

use super::Source;
use super::endpoint::Incoming;
use super::lockfile::LockFile;
use crate::runtime::clock::{Alarm, mono};
use crate::sys::reactor::register;
use crate::wire::heartbeat::text::Splitter;

/// Bytes written at a time. Source: heartbeat 3.0.6, serial plugin.
const PIECE_BYTES: usize = 512;
/// Bytes read at a time.
const READ_BYTES: usize = 512;
/// Messages that wait to be written.
const WAITING_MAX: usize = 8;
/// Where lock files of ttys are. Source: FHS 3.0 section 5.9.
const LOCK_DIR: &str = "/var/lock";

/// An open line.
#[derive(Debug)]
pub(super) struct Endpoint {
    tty: AsyncFd<OwnedFd>,
    device: PathBuf,
    baud: u32,
    splitter: Splitter,
    /// Messages that were read and not given out yet.
    came: VecDeque<Vec<u8>>,
    writer: Writer,
    pause: Alarm,
    _lock: LockFile,
}

impl Endpoint {
    /// Locks and opens the line.
    ///
    /// Errors: another program has it; it is no tty; a speed that ttys don't have.
    /// Panics: outside a tokio runtime.
    pub(super) fn open(device: &Path, baud: u32) -> io::Result<Self> {
        let lock = LockFile::take(Path::new(LOCK_DIR), device)?;
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK);
        let tty: OwnedFd = options.open(device)?.into();
        set_up(&tty, baud)?;
        send_break(&tty)?;
        Ok(Self {
            tty: register(tty)?,
            device: device.to_owned(),
            baud,
            splitter: Splitter::new(),
            came: VecDeque::new(),
            writer: Writer::default(),
            pause: Alarm::new()?,
            _lock: lock,
        })
    }

    pub(super) fn device(&self) -> &Path {
        &self.device
    }

    pub(super) fn baud(&self) -> u32 {
        self.baud
    }

    /// Takes a message to be written.
    ///
    /// Errors: `WouldBlock` if an older one had to give way.
    pub(super) fn send(&mut self, text: &[u8]) -> io::Result<()> {
        let all_waited = self.writer.push(text);
        self.write()?;
        if all_waited {
            Ok(())
        } else {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    /// The next message; drives the writing, too.
    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Incoming>> {
        if let Err(error) = self.poll_write(cx) {
            return Poll::Ready(Err(error));
        }
        loop {
            if let Some(bytes) = self.came.pop_front() {
                let source = Source::Tty(self.device.display().to_string());
                return Poll::Ready(Ok(Incoming {
                    bytes,
                    source,
                    time: None,
                    path: None,
                }));
            }
            let mut guard = match self.tty.poll_read_ready(cx) {
                Poll::Ready(guard) => guard?,
                Poll::Pending => return Poll::Pending,
            };
            let mut piece = [0; READ_BYTES];
            let read = guard.try_io(|tty| {
                nix::unistd::read(tty.get_ref(), &mut piece).map_err(io::Error::from)
            });
            match read {
                Ok(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                Ok(Ok(n)) => {
                    let came = &mut self.came;
                    self.splitter
                        .push(&piece[..n], |message| came.push_back(message.to_vec()));
                }
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.writer.is_empty() {
            if self.pause.at().is_some() && self.pause.poll_fired(cx).is_pending() {
                return Ok(());
            }
            match self.tty.poll_write_ready(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(guard) => {
                    let mut guard = guard?;
                    if !self.writer.write_piece(self.tty.get_ref())? {
                        guard.clear_ready();
                        continue;
                    }
                }
            }
            self.pause
                .set(Some(mono() + self.writer.time_of_last(self.baud)))?;
        }
        Ok(())
    }

    /// Writes at once what the pause allows; the rest is for [`Self::poll_receive`].
    fn write(&mut self) -> io::Result<()> {
        let paused = self.pause.at().is_some_and(|until| mono() < until);
        if !paused && self.writer.write_piece(self.tty.get_ref())? {
            self.pause
                .set(Some(mono() + self.writer.time_of_last(self.baud)))?;
        }
        Ok(())
    }
}

/// What waits to be written, oldest first.
#[derive(Debug, Default)]
struct Writer {
    waiting: VecDeque<Vec<u8>>,
    /// How much of the first one is written.
    written: usize,
    /// Size of the last piece.
    last: usize,
}

impl Writer {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes a message; false if an older one was thrown away for it.
    fn push(&mut self, message: &[u8]) -> bool {
        self.waiting.push_back(message.to_vec());
        if self.waiting.len() <= WAITING_MAX {
            return true;
        }
        // The first may be on the line already: half a message would be lost with its follower.
        self.waiting.remove(usize::from(self.written > 0));
        false
    }

    /// Writes a piece; false if the line takes nothing now.
    fn write_piece(&mut self, tty: &OwnedFd) -> io::Result<bool> {
        let Some(first) = self.waiting.front() else {
            return Ok(false);
        };
        let rest = first.get(self.written..).unwrap_or_default();
        let piece = &rest[..rest.len().min(PIECE_BYTES)];
        let n = match nix::unistd::write(tty, piece) {
            Ok(n) => n,
            Err(nix::errno::Errno::EAGAIN) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        self.last = n;
        self.written += n;
        if self.written >= first.len() {
            self.waiting.pop_front();
            self.written = 0;
        }
        Ok(true)
    }

    /// How long the line needs for the last piece.
    fn time_of_last(&self, baud: u32) -> Duration {
        let bytes = u32::try_from(self.last).unwrap_or(u32::MAX);
        Duration::from_secs(8) * bytes / baud.max(1)
    }
}

fn set_up(tty: &OwnedFd, baud: u32) -> io::Result<()> {
    let mut line = tcgetattr(tty)?;
    cfmakeraw(&mut line);
    line.input_flags |=
        InputFlags::INPCK | InputFlags::ISTRIP | InputFlags::IGNCR | InputFlags::BRKINT;
    line.control_flags |= ControlFlags::CREAD | ControlFlags::CRTSCTS;
    cfsetspeed(&mut line, speed(baud)?)?;
    tcsetattr(tty, SetArg::TCSANOW, &line)?;
    tcflush(tty, FlushArg::TCIFLUSH)?;
    Ok(())
}

/// The other side drops its half-read line on a break. It takes a quarter of a second: not on
/// the protocol's thread.
fn send_break(tty: &OwnedFd) -> io::Result<()> {
    let tty = tty.as_fd().try_clone_to_owned()?;
    tokio::task::spawn_blocking(move || {
        let _ = tcsendbreak(&tty, 0);
    });
    Ok(())
}

fn speed(baud: u32) -> io::Result<BaudRate> {
    Ok(match baud {
        9600 => BaudRate::B9600,
        19_200 => BaudRate::B19200,
        38_400 => BaudRate::B38400,
        57_600 => BaudRate::B57600,
        115_200 => BaudRate::B115200,
        230_400 => BaudRate::B230400,
        460_800 => BaudRate::B460800,
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_messages_take_the_place_of_old_ones_never_of_a_begun_one() {
        let mut writer = Writer {
            written: 3,
            ..Writer::default()
        };
        for n in 0..WAITING_MAX {
            assert!(writer.push(format!("message {n}").as_bytes()));
        }
        assert!(!writer.push(b"newest"));
        assert_eq!(writer.waiting.len(), WAITING_MAX);
        assert_eq!(writer.waiting[0], b"message 0");
        assert_eq!(writer.waiting[1], b"message 2");
        assert_eq!(writer.waiting[WAITING_MAX - 1], b"newest");
    }

    #[test]
    fn the_pause_is_the_time_on_the_line() {
        let writer = Writer {
            last: 512,
            ..Writer::default()
        };
        assert_eq!(writer.time_of_last(19_200).as_millis(), 213);
        assert!(speed(1200).is_err() && speed(9600).is_ok());
    }
}
