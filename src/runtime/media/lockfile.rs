//! Lock files of ttys, so that two programs don't talk over one line.
//!
//! Layout: `LCK..NAME`, holding the process in 10 characters and a newline.
//! Source: FHS 3.0 section 5.9.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// Our lock; removed when dropped.
#[derive(Debug)]
pub(super) struct LockFile(PathBuf);

impl LockFile {
    /// Takes the lock of `device`; one whose process is gone is taken over.
    ///
    /// Errors: another process has it.
    pub(super) fn take(dir: &Path, device: &Path) -> io::Result<Self> {
        let device = device.strip_prefix("/dev").unwrap_or(device);
        let name = device
            .to_string_lossy()
            .trim_start_matches('/')
            .replace('/', "_");
        let path = dir.join(format!("LCK..{name}"));
        for _ in 0..2 {
            let mut options = OpenOptions::new();
            match options.write(true).create_new(true).mode(0o644).open(&path) {
                Ok(mut file) => {
                    writeln!(file, "{:>10}", std::process::id())?;
                    return Ok(Self(path));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
            if let Some(pid) = holder(&path) {
                let text = format!("process {pid} has the line ({})", path.display());
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
            }
            std::fs::remove_file(&path)?;
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The living process, other than this one, that holds a lock.
fn holder(path: &Path) -> Option<i32> {
    let text = std::fs::read_to_string(path).ok()?;
    let pid: i32 = text.trim().parse().ok().filter(|&pid| pid > 0)?;
    let lives = !matches!(kill(Pid::from_raw(pid), None), Err(Errno::ESRCH));
    (lives && pid != Pid::this().as_raw()).then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_holder_keeps_it_a_dead_one_does_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let device = Path::new("/dev/pts/7");
        let path = dir.path().join("LCK..pts_7");
        std::fs::write(&path, "         1\n").expect("written");
        let error = LockFile::take(dir.path(), device).expect_err("taken");
        assert!(
            error.to_string().contains("process 1 has the line"),
            "{error}"
        );
        std::fs::write(&path, " 999999999\n").expect("written");
        let lock = LockFile::take(dir.path(), device).expect("stale");
        let text = std::fs::read_to_string(&path).expect("read");
        assert_eq!(text, format!("{:>10}\n", std::process::id()));
        drop(lock);
        assert!(!path.exists());
    }
}
