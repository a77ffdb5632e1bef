//! Agents that outlive the daemon: a run that was under way when the daemon was killed goes on,
//! and the next daemon must not start another one of the same resource beside it.
//!
//! While a run lasts a file named for its process tells of it; it is gone with the run, or with
//! the system. At its start the daemon reads what is there; before it runs anything of such a
//! resource it waits for the old run, and ends it when its time is over.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::executor::Operation;
use crate::runtime::{clock, process};

/// Where the files are.
const FOLDER: &str = "/run/everbeat/runs";

/// How often a run of another is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Most runs that are read.
const RUNS_MAX: usize = 10_000;

/// A run of a daemon that isn't there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    pid: i32,
    /// When the process began, in the kernel's ticks: its number may belong to another by now.
    begun: u64,
    /// When its time is over, seconds since 1970.
    until_s: u64,
    resource: String,
    /// What it does: `start`, `monitor` …
    pub(in super::super) action: String,
}

/// All of them, by resource.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Leftovers {
    runs: Rc<RefCell<BTreeMap<String, Vec<Leftover>>>>,
}

/// Tells of a run until it is dropped.
#[derive(Debug)]
pub(super) struct Mark {
    path: PathBuf,
}

impl Leftovers {
    /// Reads what the last daemon left; each run that still goes on is told.
    pub(in super::super) fn read() -> (Self, Vec<String>) {
        Self::read_from(Path::new(FOLDER))
    }

    fn read_from(folder: &Path) -> (Self, Vec<String>) {
        let leftovers = Self::default();
        let mut told = Vec::new();
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        for file in files.take(RUNS_MAX) {
            match fs::read_to_string(file.path()).ok().and_then(parse) {
                Some(run) if run.is_alive() => {
                    told.push(format!(
                        "{} of {} goes on since before the daemon was started (process {}); \
                         waiting for it",
                        run.action, run.resource, run.pid
                    ));
                    let mut runs = leftovers.runs.borrow_mut();
                    runs.entry(run.resource.clone()).or_default().push(run);
                }
                // It can't be removed: then it is read again the next time, and is dead.
                _ => drop(fs::remove_file(file.path())),
            }
        }
        (leftovers, told)
    }

    /// Waits until nothing of a resource is left.
    pub(super) async fn wait(&self, resource: &str) {
        let runs = self.runs.borrow().get(resource).cloned();
        for run in runs.into_iter().flatten() {
            run.wait().await;
            drop(fs::remove_file(file_of(Path::new(FOLDER), run.pid)));
        }
        self.runs.borrow_mut().remove(resource);
    }
}

impl Leftover {
    fn is_alive(&self) -> bool {
        begun(self.pid) == Some(self.begun)
    }

    async fn wait(&self) {
        while self.is_alive() && clock::now().unix_s < self.until_s {
            tokio::time::sleep(LOOK).await;
        }
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            if !self.is_alive() {
                return;
            }
            // It may have ended meanwhile.
            let _ = killpg(Pid::from_raw(self.pid), signal);
            let until = tokio::time::Instant::now() + process::GRACE;
            while self.is_alive() && tokio::time::Instant::now() < until {
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

impl Mark {
    /// Notes a run that begins.
    pub(super) fn new(pid: u32, operation: &Operation, time: Duration) -> Option<Self> {
        Self::in_folder(Path::new(FOLDER), pid, operation, time).ok()
    }

    fn in_folder(
        folder: &Path,
        pid: u32,
        operation: &Operation,
        time: Duration,
    ) -> io::Result<Self> {
        let pid = i32::try_from(pid).map_err(io::Error::other)?;
        let begun = begun(pid).ok_or(io::ErrorKind::NotFound)?;
        let until_s = clock::now().unix_s.saturating_add(time.as_secs());
        let key = &operation.key;
        fs::create_dir_all(folder)?;
        let path = file_of(folder, pid);
        let text = format!("{pid} {begun} {until_s} {} {}\n", key.action, key.resource);
        fs::write(&path, text)?;
        Ok(Self { path })
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // What stays tells of a dead process.
        let _ = fs::remove_file(&self.path);
    }
}

fn file_of(folder: &Path, pid: i32) -> PathBuf {
    folder.join(pid.to_string())
}

fn parse(text: String) -> Option<Leftover> {
    let mut words = text.split_whitespace();
    Some(Leftover {
        pid: words.next()?.parse().ok().filter(|&pid| pid > 1)?,
        begun: words.next()?.parse().ok()?,
        until_s: words.next()?.parse().ok()?,
        action: words.next()?.to_owned(),
        resource: words.next()?.to_owned(),
    })
}

/// When a process began, if it lives: field 22 of its `stat`, see proc(5).
fn begun(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may have any character, a bracket too.
    let (_, tail) = stat.rsplit_once(") ")?;
    if tail.starts_with(['Z', 'X']) {
        return None;
    }
    tail.split(' ').nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};
    use std::sync::Arc;

    use super::*;
    use crate::executor::Key;
    use crate::ids::ResourceName;

    fn operation() -> Operation {
        Operation {
            key: Key {
                resource: ResourceName::new("db"),
                action: "start".into(),
                interval: Duration::ZERO,
            },
            timeout: Duration::from_secs(20),
            start_delay: Duration::ZERO,
            parameters: Arc::default(),
            transition_key: String::new(),
        }
    }

    fn sleep(seconds: &str) -> Child {
        let mut command = Command::new("sleep");
        command.arg(seconds).process_group(0).spawn().unwrap()
    }

    #[test]
    fn a_run_that_ends_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let pid = std::process::id();
        let mark = Mark::in_folder(folder.path(), pid, &operation(), Duration::from_secs(9));
        let mark = mark.unwrap();
        let (left, told) = Leftovers::read_from(folder.path());
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(left.runs.borrow().contains_key("db"));
        drop(mark);
        assert!(Leftovers::read_from(folder.path()).1.is_empty());
    }

    #[test]
    fn a_number_that_another_process_has_is_none_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let pid = std::process::id();
        let other = folder.path().join(pid.to_string());
        for text in [format!("{pid} 1 99999999999 start db"), "junk".to_owned()] {
            fs::write(&other, text).unwrap();
            assert!(Leftovers::read_from(folder.path()).1.is_empty());
            assert!(!other.exists());
        }
    }

    #[tokio::test]
    async fn it_is_waited_for_and_ended_when_its_time_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut quick = sleep("0.3");
        let mut slow = sleep("100");
        let mark = |child: &Child, seconds| {
            let time = Duration::from_secs(seconds);
            Mark::in_folder(folder.path(), child.id(), &operation(), time).unwrap()
        };
        let marks = (mark(&quick, 100), mark(&slow, 1));
        let (left, told) = Leftovers::read_from(folder.path());
        assert_eq!(told.len(), 2, "{told:?}");
        left.wait("db").await;
        assert!(
            quick
                .try_wait()
                .unwrap()
                .is_some_and(|status| status.success())
        );
        assert!(
            slow.try_wait()
                .unwrap()
                .is_some_and(|status| !status.success())
        );
        assert!(left.runs.borrow().is_empty());
        drop(marks);
    }
}
