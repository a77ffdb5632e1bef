//! The pid file: who runs, and that only one does.
//!
//! Layout: the number right-aligned in 10 characters, newline.
//! Source: heartbeat 3.0.6, `/run/heartbeat.pid`; `spec/heartbeat-v1.md` section 4.
//! Differs: ours is locked while the daemon runs, so a number that another program got since is
//! never taken for us; it is removed on an orderly end, where heartbeat leaves it behind.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::Pid;

/// Path of heartbeat's pid file.
pub const PATH: &str = "/run/heartbeat.pid";
/// Programs that may stand behind a pid file that isn't locked: a real heartbeat doesn't lock.
const PROGRAMS: [&str; 4] = ["heartbeat", "corosync", "everbeat", "everbeatd"];

/// What a pid file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No file, or one without a number: nobody runs.
    Absent,
    /// The process it names is gone.
    Stale(i32),
    /// The daemon runs under this number.
    Running(i32),
}

/// Why the pid file can't be had.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another one runs.
    #[error("already running [pid {0}]")]
    Running(i32),
    /// It can't be written.
    #[error("cannot write the pid file {0}: {1}")]
    Io(PathBuf, io::Error),
}

/// Our own pid file; let go of when dropped.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    file: File,
}

impl PidFile {
    /// Locks the file, unless another daemon runs; it names nobody until [`Self::publish`].
    ///
    /// Errors: [`ClaimError`]; the file of another daemon is left as it was.
    pub fn claim(path: &Path) -> Result<Self, ClaimError> {
        let io_error = |error| ClaimError::Io(path.to_owned(), error);
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644);
        let mut file = options.open(path).map_err(io_error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(ClaimError::Running(number(&mut file).unwrap_or(0)));
            }
            Err(TryLockError::Error(error)) => return Err(io_error(error)),
        }
        if let Some(pid) = number(&mut file).filter(|&pid| is_daemon(pid) && !is_self(pid)) {
            return Err(ClaimError::Running(pid));
        }
        // A daemon that executed itself again stands in it rightly.
        if number(&mut file).is_none_or(|pid| !is_self(pid)) {
            file.set_len(0).map_err(io_error)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Writes the number of this process: the daemon is ready.
    pub fn publish(&mut self) -> io::Result<()> {
        self.file.rewind()?;
        self.file.set_len(0)?;
        writeln!(self.file, "{:>10}", std::process::id())
    }

    /// Removes it: the daemon ended in an orderly way.
    pub fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

/// Looks at a pid file.
pub fn look(path: &Path) -> io::Result<State> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::Absent),
        Err(error) => return Err(error),
    };
    let Some(pid) = number(&mut file) else {
        return Ok(State::Absent);
    };
    let locked = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    Ok(if locked || is_daemon(pid) {
        State::Running(pid)
    } else {
        State::Stale(pid)
    })
}

fn number(file: &mut File) -> Option<i32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok().filter(|&pid| pid > 0)
}

fn is_self(pid: i32) -> bool {
    Pid::this() == Pid::from_raw(pid)
}

/// True if that process lives and is one of the programs that write this file.
fn is_daemon(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    is_live_daemon(&stat)
}

/// The same of the text of `/proc/PID/stat`: `PID (NAME) STATE …`. A process that ended and that
/// nobody has waited for is no daemon any more.
fn is_live_daemon(stat: &str) -> bool {
    // The name may have any character, a bracket too.
    let Some((head, tail)) = stat.rsplit_once(") ") else {
        return false;
    };
    let name = head.split_once('(').map_or("", |(_, name)| name);
    !tail.starts_with(['Z', 'X']) && PROGRAMS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_claims_it_the_second_is_told_who_runs() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("heartbeat.pid");
        assert_eq!(look(&path).expect("read"), State::Absent);
        let mut own = PidFile::claim(&path).expect("claimed");
        assert_eq!(look(&path).expect("read"), State::Absent, "not ready yet");
        assert!(matches!(PidFile::claim(&path), Err(ClaimError::Running(_))));
        own.publish().expect("written");
        let pid = std::process::id().cast_signed();
        let text = std::fs::read_to_string(&path).expect("text");
        assert_eq!(text, format!("{pid:>10}\n"));
        assert_eq!(look(&path).expect("read"), State::Running(pid));
        assert!(matches!(PidFile::claim(&path), Err(ClaimError::Running(p)) if p == pid));
        own.remove().expect("removed");
        assert_eq!(look(&path).expect("read"), State::Absent);
    }

    #[test]
    fn a_zombie_is_no_daemon() {
        assert!(is_live_daemon("7 (heartbeat) S 1 7 7 0"));
        assert!(is_live_daemon("7 (everbeatd) R 1 7 7 0"));
        assert!(!is_live_daemon("7 (heartbeat) Z 1 7 7 0"));
        assert!(!is_live_daemon("7 (odd) (heartbeat) S 1 7 7 0"));
        assert!(!is_live_daemon("7 (sleep) S 1 7 7 0"));
        assert!(!is_live_daemon(""));
    }

    #[test]
    fn a_number_that_another_program_has_is_stale() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("heartbeat.pid");
        std::fs::write(&path, "         1\n").expect("written");
        assert_eq!(look(&path).expect("read"), State::Stale(1));
        std::fs::write(&path, " 999999999\n").expect("written");
        assert_eq!(look(&path).expect("read"), State::Stale(999_999_999));
        std::fs::write(&path, "junk").expect("written");
        assert_eq!(look(&path).expect("read"), State::Absent);
        PidFile::claim(&path).expect("a stale one is taken over");
    }
}
