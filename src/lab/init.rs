//! A host's init: makes the host around itself, then gathers the dead until it is killed.
//!
//! Started by the lab's keeper as the first process of a PID namespace, it talks to it over
//! its standard input and output: reads [`Boot`], says `names`, reads `go` when the cables
//! are there, says `ready`; or `error: ...` at any point.

use std::fs::File;
use std::io::{BufRead, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, pthread_sigmask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, sethostname};
use serde::{Deserialize, Serialize};

use super::spec::Cidr;
use super::{missing, network, root};

/// What a host is booted with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Boot {
    /// Its name.
    pub name: String,
    /// Its interfaces.
    pub ports: Vec<Vec<Cidr>>,
    /// An empty folder for its root.
    pub root: PathBuf,
    /// Its disk.
    pub disk: PathBuf,
    /// What every host of the lab sees as [`root::LAB_FOLDER`].
    pub lab: PathBuf,
    /// The mount point of the lab's files.
    pub hidden: PathBuf,
    /// Serial devices.
    pub serial: Vec<PathBuf>,
}

/// Runs as a host's init; comes back only if the host can't be made.
pub fn run() -> Result<()> {
    if nix::unistd::getpid().as_raw() != 1 {
        bail!("this is the init of a lab's host; `everbeat lab up` starts it");
    }
    if let Err(error) = make_host() {
        println!("error: {error:#}");
        return Err(error);
    }
    println!("ready");
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    gather()
}

fn make_host() -> Result<()> {
    let mut stdin = std::io::stdin().lock();
    let mut line = String::new();
    stdin.read_line(&mut line)?;
    let boot: Boot = serde_json::from_str(&line).context("the keeper's order")?;
    let all = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC;
    unshare(all).map_err(|e| missing::namespaces(e, true))?;
    println!("names");
    std::io::stdout().flush()?;
    sethostname(&boot.name).context("can't set the host name")?;
    root::make_private()?;
    root::enter(&root::Parts {
        root: &boot.root,
        disk: &boot.disk,
        lab: &boot.lab,
        hidden: &boot.hidden,
        serial: &boot.serial,
    })?;
    line.clear();
    stdin.read_line(&mut line)?;
    if line != "go\n" {
        bail!("the keeper has gone");
    }
    network::configure_host(&boot.ports)
}

/// Waits for signals: SIGCHLD gathers the dead, SIGTERM shuts the host down.
fn gather() -> Result<()> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals.add(Signal::SIGTERM);
    pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&signals), None)?;
    loop {
        reap();
        if signals.wait()? == Signal::SIGTERM {
            return shut_down();
        }
    }
}

fn reap() {
    loop {
        match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return,
            Ok(_) | Err(_) => {}
        }
    }
}

/// SIGTERM to everything, and three seconds to follow it; the kernel ends the rest.
fn shut_down() -> Result<()> {
    let everything = Pid::from_raw(-1);
    if kill(everything, Signal::SIGTERM).is_ok() {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(3);
        while std::time::Instant::now() < end {
            reap();
            // Processes that were started from outside are no children of ours.
            if kill(everything, None) == Err(Errno::ESRCH) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    Ok(())
}
