//! Starting the daemon, and `heartbeat -r`.

use std::io::IsTerminal;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};

use super::super::background::{self, Begun};
use super::super::stderr_log;
use super::{Start, code, defaults, running};
use crate::config::diagnostic::Diagnostic;
use crate::config::host::ThisHost;
use crate::config::{self, Configuration, Plain, render};
use crate::daemons::heartbeat::{self, Options};
use crate::proto::heartbeat::Severity;
use crate::runtime::pidfile::{self, State};
use crate::sys::child::new_session;

/// Starts the daemon unless it runs; returns when it has its pid file.
pub fn start(how: &Start) -> anyhow::Result<ExitCode> {
    if let State::Running(pid) = running::look()? {
        if how.resume {
            eprintln!("ERROR: Heartbeat already running [pid {pid}].");
            return Ok(ExitCode::from(code::FAILED));
        }
        log(
            Severity::Info,
            format!("heartbeat: already running [pid {pid}]."),
        );
        return Ok(ExitCode::SUCCESS);
    }
    if !Uid::effective().is_root() {
        log(Severity::Error, "heartbeat is started by root".into());
        return Ok(ExitCode::from(code::NOT_ALLOWED));
    }
    if how.show_configuration
        && let (Some(configuration), _) = load()
    {
        defaults::print_configuration(&configuration.ha_cf);
    }
    if how.foreground {
        return heartbeat::run(&Options {
            log_to_stderr: std::io::stderr().is_terminal(),
            debug: how.debug,
            resources: !how.no_resources,
            realtime: !how.no_realtime,
            resume: how.resume,
            state_file: how.state_file.clone(),
            ..Options::default()
        });
    }
    await_ready(spawn(how)?)
}

/// The daemon as a process of a session of its own, its stderr a pipe to us.
fn spawn(how: &Start) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("can't find this program's own file")?;
    let mut command = Command::new(program);
    command
        .arg0(heartbeat::TITLE)
        // Named: a corosync.conf beside it doesn't count for this tool.
        .args(["everbeatd", "--quiet", "--config-dir", "/etc/ha.d"]);
    for (wanted, option) in [
        (how.no_resources, "--no-resources"),
        (how.no_realtime, "--no-realtime"),
        (how.resume, "--resume"),
    ] {
        command.args(wanted.then_some(option));
    }
    if let Some(file) = &how.state_file {
        command.arg("--state").arg(file);
    }
    command.args(std::iter::repeat_n("--debug", how.debug.into()));
    command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let child = new_session(&mut command).spawn();
    child.context("can't start the daemon")
}

/// Passes on what the daemon says while it starts; ends when it is ready, or with its failure.
fn await_ready(child: Child) -> anyhow::Result<ExitCode> {
    Ok(
        match background::await_ready(child, Path::new(pidfile::PATH))? {
            Begun::Ready(pid) => {
                log(Severity::Info, format!("heartbeat started [pid {pid}]"));
                ExitCode::SUCCESS
            }
            Begun::Ended(code) => ExitCode::from(code),
        },
    )
}

/// `heartbeat -r`: checks the files, then has the daemon read them; starts it if none runs.
pub fn reload(how: &Start) -> anyhow::Result<ExitCode> {
    let State::Running(pid) = running::look()? else {
        return start(how);
    };
    if !usable() {
        let text = format!("Config errors: Heartbeat pid {pid} NOT restarted");
        log(Severity::Info, text);
        return Ok(ExitCode::from(code::FAILED));
    }
    let text = format!("Signalling heartbeat pid {pid} to reread config files");
    log(Severity::Info, text);
    match kill(Pid::from_raw(pid), Signal::SIGHUP) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            log(
                Severity::Error,
                format!("Unable to send SIGHUP to pid {pid}: {}", error.desc()),
            );
            let denied = error == Errno::EPERM;
            let code = if denied {
                code::NOT_ALLOWED
            } else {
                code::FAILED
            };
            Ok(ExitCode::from(code))
        }
    }
}

/// Reads the files and prints what is wrong; true if the daemon can work with them.
fn usable() -> bool {
    let (configuration, findings) = load();
    let styled = std::io::stderr().is_terminal();
    for finding in &findings {
        eprintln!("{}", render::text(finding, styled));
    }
    configuration.is_some()
}

fn load() -> (Option<Configuration>, Vec<Diagnostic>) {
    let dir = Options::default().config_dir;
    config::load(&dir, &ThisHost::new(&dir), Plain::Taken)
}

fn log(severity: Severity, text: String) {
    stderr_log::line("heartbeat", severity, &text);
}
