//! `heartbeat -s` and `heartbeat -k`: the daemon that runs.

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::control::Control;
use super::code;
use crate::config::host::{Host, ThisHost};
use crate::daemons::control::{Reply, Request, SOCKET};
use crate::runtime::pidfile::{self, State};
use crate::sys::pidfd;

/// How often a person who waits is told what for. Units: milliseconds
const TELL_EVERY_MS: u16 = 1000;

/// What the pid file says.
pub fn look() -> anyhow::Result<State> {
    pidfile::look(Path::new(pidfile::PATH)).context(pidfile::PATH)
}

/// `heartbeat -s`.
pub fn status() -> anyhow::Result<ExitCode> {
    Ok(ExitCode::from(match look()? {
        State::Running(pid) => {
            let host = nix::unistd::gethostname().unwrap_or_default();
            let host = host.to_string_lossy().into_owned();
            let node = ThisHost::new(Path::new("/etc/ha.d")).node_name();
            let node = node.map_or_else(|| host.clone(), |n| n.to_string());
            println!("heartbeat OK [pid {pid} et al] is running on {host} [{node}]...");
            code::OK
        }
        State::Stale(_) => {
            println!("heartbeat is stopped. No process");
            code::FAILED
        }
        State::Absent => {
            println!("heartbeat is stopped. No process");
            code::NOT_RUNNING
        }
    }))
}

/// `heartbeat -k`: asks it to end and waits until it has.
pub fn stop() -> anyhow::Result<ExitCode> {
    let State::Running(pid) = look()? else {
        eprintln!("INFO: Heartbeat already stopped.");
        return Ok(ExitCode::SUCCESS);
    };
    let process = pidfd::open(pid.unsigned_abs());
    match kill(Pid::from_raw(pid), Signal::SIGTERM) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => {
            eprintln!("ERROR: Could not kill pid {pid} : {}", error.desc());
            return Ok(ExitCode::from(code::NOT_ALLOWED));
        }
    }
    // No such process: it ended before it could be opened.
    if let Ok(process) = process {
        wait(&process)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits for the end of a process; tells a terminal what keeps it.
fn wait(process: &impl AsFd) -> anyhow::Result<()> {
    let mut told = String::new();
    loop {
        let mut fds = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(TELL_EVERY_MS)) {
            Ok(0) if std::io::stderr().is_terminal() => {
                let reasons = waiting_for();
                if !reasons.is_empty() && reasons != told {
                    eprintln!("heartbeat waits: {reasons}");
                    told = reasons;
                }
            }
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error).context("can't wait for the daemon's end"),
        }
    }
}

/// What everbeat says that it waits for; nothing where it can't be asked.
fn waiting_for() -> String {
    let asked = Control::open(Path::new(SOCKET));
    match asked.ok().flatten().map(|mut c| c.ask(&Request::Report)) {
        Some(Ok(Reply::Report(report))) => report.waiting_for.join("; "),
        _ => String::new(),
    }
}
