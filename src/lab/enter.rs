//! Runs a program on a host: the calling process goes into the host's namespaces.

use std::ffi::OsString;
use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Result};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, pthread_sigmask};
use nix::unistd::Pid;

use super::{HostRef, root};
use crate::sys;

/// Where a background command writes to.
const BACKGROUND_LOG: &str = "/var/log/lab-bg.log";

/// Exit status when the program isn't there. Source: POSIX sh.
const NOT_FOUND: u8 = 127;
/// Exit status when the program can't be executed. Source: POSIX sh.
const NOT_EXECUTABLE: u8 = 126;

/// What to run on a host.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The program and its arguments.
    pub words: Vec<OsString>,
    /// The folder to run in, on the host.
    pub folder: PathBuf,
    /// Leave it running and come back at once.
    pub background: bool,
}

/// Runs a program on `host`; gives its exit status. The calling process, which must have one
/// thread only, is on the host from then on.
///
/// Errors: the host is off, or the kernel doesn't let us in.
pub fn enter(host: &HostRef<'_>, entry: &Entry) -> Result<ExitCode> {
    let (pidfd, user_namespace) = host.init()?;
    let mut which = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC;
    if user_namespace {
        which |= CloneFlags::CLONE_NEWUSER;
    }
    setns(pidfd.as_fd(), which).with_context(|| format!("can't enter {}", host.name()))?;
    drop(pidfd);
    let bin = Path::new(root::LAB_FOLDER).join("bin");
    let mut words = entry.words.clone();
    if entry.background {
        let launch = ["lab", "launch", "--"].map(OsString::from);
        words.splice(
            0..0,
            [bin.join("everbeat").into_os_string()]
                .into_iter()
                .chain(launch),
        );
    }
    let mut command = command(&words)?;
    command
        .current_dir(&entry.folder)
        .env("PATH", super::path_variable(Some(bin)));
    sys::child::die_with_parent(&mut command);
    sys::child::unblock_signals(&mut command);
    let signals = block_signals()?;
    match command.spawn() {
        Ok(child) => Ok(exit_code(follow(child, &signals)?)),
        Err(error) => Ok(not_started(&words[0], &error)),
    }
}

/// On a host: starts a program that stays. What started it ends here, on the host, so that the
/// host's init becomes its parent.
pub fn launch(words: &[OsString]) -> Result<ExitCode> {
    let mut options = File::options();
    let log = options.create(true).append(true).open(BACKGROUND_LOG);
    let log = log.with_context(|| format!("can't open {BACKGROUND_LOG} on the host"))?;
    let mut command = command(words)?;
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    match sys::child::new_session(&mut command).spawn() {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(error) => Ok(not_started(&words[0], &error)),
    }
}

fn command(words: &[OsString]) -> Result<Command> {
    let (program, arguments) = words.split_first().context("nothing to run")?;
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

fn not_started(program: &OsString, error: &std::io::Error) -> ExitCode {
    eprintln!("lab: {}: {error}", program.display());
    ExitCode::from(match error.kind() {
        ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_EXECUTABLE,
    })
}

/// Signals that are waited for.
fn block_signals() -> Result<SigSet> {
    let mut signals = SigSet::empty();
    for signal in [
        Signal::SIGCHLD,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
    ] {
        signals.add(signal);
    }
    pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&signals), None)?;
    Ok(signals)
}

/// Waits for the child's end and hands on what we are told to do. What comes from the
/// keyboard the terminal has sent to the child already.
fn follow(mut child: Child, signals: &SigSet) -> Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        let signal = signals.wait()?;
        if matches!(signal, Signal::SIGTERM | Signal::SIGHUP) {
            let _ = kill(Pid::from_raw(child.id() as i32), signal);
        }
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|s| 128 + s))
        .unwrap_or(255);
    ExitCode::from(u8::try_from(code).unwrap_or(255))
}
