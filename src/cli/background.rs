//! Daemons that go into the background: what they say until they are ready.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, ChildStderr};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How long the start may take until the daemon has its pid file.
const READY_WAIT: Duration = Duration::from_secs(60);

/// Time between two looks at the pid file. Units: milliseconds
const LOOK_EVERY_MS: u16 = 10;

/// How a start went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// It is ready; its process.
    Ready(u32),
    /// It ended, with this code.
    Ended(u8),
}

/// Passes on what a daemon says on its stderr, a pipe to us, until its pid file names it.
///
/// Errors: it is not ready in time.
pub fn await_ready(mut child: Child, pid_file: &Path) -> anyhow::Result<Begun> {
    let mut said = child.stderr.take().context("no pipe to the daemon")?;
    let pid = child.id();
    let late = Instant::now() + READY_WAIT;
    loop {
        let still_open = relay(&mut said)?;
        // Only reads: a look at the lock might get in the daemon's way while it takes it.
        let claimed = std::fs::read_to_string(pid_file).unwrap_or_default();
        if claimed.trim() == pid.to_string() {
            while relay(&mut said)? == Relayed::Some {}
            return Ok(Begun::Ready(pid));
        }
        if still_open == Relayed::End {
            let ended = child.wait().context("can't wait for the daemon")?;
            let code = ended.code().and_then(|c| u8::try_from(c).ok());
            return Ok(Begun::Ended(code.unwrap_or(1)));
        }
        if Instant::now() > late {
            bail!("the daemon [pid {pid}] is not ready after 60 s; its log may say why");
        }
    }
}

/// What came out of the daemon's pipe.
#[derive(Debug, PartialEq, Eq)]
enum Relayed {
    /// Nothing for a while.
    Nothing,
    /// A piece of text.
    Some,
    /// The daemon closed it: it ended.
    End,
}

/// Passes on what comes within [`LOOK_EVERY_MS`].
fn relay(pipe: &mut ChildStderr) -> anyhow::Result<Relayed> {
    let mut fds = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
    match poll(&mut fds, PollTimeout::from(LOOK_EVERY_MS)) {
        Ok(0) | Err(Errno::EINTR) => return Ok(Relayed::Nothing),
        other => other.context("can't wait for the daemon's words")?,
    };
    let mut piece = [0; 4096];
    let count = pipe
        .read(&mut piece)
        .context("can't read the daemon's words")?;
    // A closed stderr of ours is no reason to stop the daemon's.
    let _ = std::io::stderr().write_all(&piece[..count]);
    Ok(if count == 0 {
        Relayed::End
    } else {
        Relayed::Some
    })
}
