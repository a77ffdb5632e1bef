//! heartbeat on a node that was absent: the guards keep it from getting further than `up`, and
//! there it puts off its own shutdown for ever.
//!
//! Source: heartbeat 3.0.6, seen: "Shutdown delayed until Communication is up"

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::facts::{Facts, Software};
use super::service;
use crate::runtime::pidfile;

/// It may have been about to become active: then it ends by itself.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(50);

/// Ends it; nothing that it started is left running, for it has started nothing.
///
/// Errors: resources run here, or a watchdog would reset the host.
pub(super) fn end(facts: &Facts, watchdog: bool) -> Result<()> {
    let Some(master) = service::running(pidfile::PATH) else {
        return Ok(());
    };
    signal(master, Signal::SIGTERM)?;
    let late = Instant::now() + PATIENCE;
    while Instant::now() < late || active() {
        if service::running(pidfile::PATH) != Some(master) {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
    if facts.holds_any() {
        bail!(
            "heartbeat doesn't end, for the cluster has left it, and resources of its run here \
             though the others have them: stop them, then call apply again"
        );
    }
    if watchdog {
        bail!(
            "heartbeat doesn't end, for the cluster has left it, and holds a watchdog, which would \
             reset the host if heartbeat were killed: move ha.cf away, reset the host yourself, \
             move it back, then call apply again"
        );
    }
    let children = children(master);
    signal(master, Signal::SIGKILL)?;
    for child in children {
        signal(child, Signal::SIGKILL)?;
    }
    while service::running(pidfile::PATH) == Some(master) {
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Whether its API answers, which it does from `active` on.
fn active() -> bool {
    matches!(service::heartbeat(), Ok((Software::Heartbeat, _, Some(_))))
}

/// The processes that a process has begun; each of heartbeat's is one of its own programs.
fn children(pid: i32) -> Vec<i32> {
    let file = format!("/proc/{pid}/task/{pid}/children");
    let text = fs::read_to_string(Path::new(&file)).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// One that has ended is no error.
fn signal(pid: i32, signal: Signal) -> Result<()> {
    match kill(Pid::from_raw(pid), signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(e) => Err(e).with_context(|| format!("can't end process {pid}")),
    }
}
