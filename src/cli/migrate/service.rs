//! The daemons of a node: what runs, how it is ended and started, and what starts at boot.
//!
//! Where systemd runs heartbeat, its units are used and changed; elsewhere the daemons are
//! processes, and what starts at boot is the administrator's to change.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::background::{self, Begun};
use super::super::control::Control;
use super::super::status::from_api;
use super::super::units::Unit;
use super::facts::Software;
use crate::daemons::control::{Reply, Request, SOCKET};
use crate::daemons::corosync::{CONFIG, PID_FILE};
use crate::daemons::report::Report;
use crate::runtime::pidfile::{self, State};
use crate::sys::child::new_session;

/// Where units count before the package's. Source: systemd.unit(5), /etc before /lib
const UNITS: &str = "/etc/systemd/system";
/// heartbeat hands its resources over before it ends, and a file system may take its time.
const END_WAIT: Duration = Duration::from_secs(30 * 60);
/// Where packages have heartbeat's daemon.
pub(super) const HEARTBEATS: [&str; 3] = [
    "/usr/libexec/heartbeat/heartbeat",
    "/usr/lib/heartbeat/heartbeat",
    "/usr/lib64/heartbeat/heartbeat",
];

/// Looks what plays heartbeat's part here: what it is, its program if it is heartbeat itself, and
/// what it says.
pub(super) fn heartbeat() -> Result<(Software, Option<PathBuf>, Option<Report>)> {
    if let Some(mut control) = Control::open(Path::new(SOCKET))? {
        return match control.ask(&Request::Report)? {
            Reply::Report(report) => Ok((Software::Everbeat, None, Some(*report))),
            other => bail!("the daemon answers with {other:?}"),
        };
    }
    let Some(pid) = running(pidfile::PATH) else {
        return Ok((Software::None, None, None));
    };
    let program = fs::read_link(format!("/proc/{pid}/exe")).ok();
    let program = program.filter(|p| p.ends_with("heartbeat"));
    let program = program.or_else(installed);
    Ok((Software::Heartbeat, program, from_api::report().ok()))
}

fn installed() -> Option<PathBuf> {
    let mut places = HEARTBEATS.iter().map(PathBuf::from);
    places.find(|p| p.exists())
}

/// Ends what plays heartbeat's part, and waits for it.
pub(super) fn stop_heartbeat() -> Result<()> {
    if has_unit("heartbeat") {
        systemctl(&["stop", "heartbeat"])?;
    }
    end(pidfile::PATH)
}

/// Starts heartbeat itself.
pub(super) fn start_original(program: &Path) -> Result<()> {
    if has_systemd() && own_unit(Unit::Heartbeat).exists() {
        let unit = own_unit(Unit::Heartbeat);
        fs::remove_file(&unit).with_context(|| unit.display().to_string())?;
        systemctl(&["daemon-reload"])?;
    }
    if has_unit("heartbeat") {
        return systemctl(&["start", "heartbeat"]);
    }
    let status = Command::new(program)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("can't start {}", program.display()))?;
    match status.success() {
        true => Ok(()),
        false => bail!("{} did not start: {status}", program.display()),
    }
}

/// Starts everbeat in heartbeat's part.
pub(super) fn start_everbeat() -> Result<()> {
    let program = own_program()?;
    if has_unit("heartbeat") {
        Unit::Heartbeat.write(Path::new(UNITS))?;
        systemctl(&["daemon-reload"])?;
        return systemctl(&["start", "heartbeat"]);
    }
    let status = Command::new(&program)
        .arg("heartbeat")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("can't start everbeat")?;
    match status.success() {
        true => Ok(()),
        false => bail!(
            "{} heartbeat: {status}; its log says why",
            program.display()
        ),
    }
}

/// Whether the daemon of the ring runs.
pub(super) fn ring_runs() -> bool {
    running(PID_FILE).is_some()
}

/// Starts the ring with the CRM on it.
pub(super) fn start_ring() -> Result<()> {
    if has_systemd() {
        write_ring_unit()?;
        return systemctl(&["start", "everbeatd"]);
    }
    let mut command = Command::new(own_program()?);
    command
        .args(["everbeatd", "--corosync-conf", CONFIG])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let child = new_session(&mut command).spawn();
    let child = child.context("can't start everbeatd")?;
    match background::await_ready(child, Path::new(PID_FILE))? {
        Begun::Ready(_) => Ok(()),
        Begun::Ended(code) => bail!("everbeatd ended with {code}; its log says why"),
    }
}

/// Ends the ring's daemon.
pub(super) fn stop_ring() -> Result<()> {
    if has_systemd() && own_unit(Unit::Ring).exists() {
        systemctl(&["stop", "everbeatd"])?;
    }
    end(PID_FILE)
}

/// From the next boot on the ring is started, or heartbeat again.
pub(super) fn at_boot(ring: bool) -> Result<()> {
    if !has_systemd() {
        return Ok(());
    }
    if ring {
        write_ring_unit()?;
        systemctl(&["enable", "everbeatd"])?;
        if has_unit("heartbeat") {
            systemctl(&["disable", "heartbeat"])?;
        }
        return Ok(());
    }
    if own_unit(Unit::Ring).exists() {
        systemctl(&["disable", "everbeatd"])?;
    }
    if has_unit("heartbeat") {
        systemctl(&["enable", "heartbeat"])?;
    }
    Ok(())
}

fn own_unit(unit: Unit) -> PathBuf {
    Path::new(UNITS).join(unit.file())
}

fn write_ring_unit() -> Result<()> {
    Unit::Ring.write(Path::new(UNITS))?;
    systemctl(&["daemon-reload"])
}

fn own_program() -> Result<PathBuf> {
    std::env::current_exe().context("can't find this program's own file")
}

/// The process that a pid file names, if it runs.
pub(super) fn running(pid_file: &str) -> Option<i32> {
    match pidfile::look(Path::new(pid_file)) {
        Ok(State::Running(pid)) => Some(pid),
        _ => None,
    }
}

/// Ends the process that a pid file names, and waits for it.
pub(super) fn end(pid_file: &str) -> Result<()> {
    let Some(pid) = running(pid_file) else {
        return Ok(());
    };
    kill(Pid::from_raw(pid), Signal::SIGTERM)
        .with_context(|| format!("can't end process {pid}"))?;
    let late = Instant::now() + END_WAIT;
    while running(pid_file) == Some(pid) {
        if Instant::now() > late {
            bail!("process {pid} has not ended after {} s", END_WAIT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn has_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Whether systemd knows a unit of this name that isn't masked.
fn has_unit(unit: &str) -> bool {
    has_systemd()
        && Command::new("systemctl")
            .args(["cat", &format!("{unit}.service")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
}

fn systemctl(args: &[&str]) -> Result<()> {
    let said = Command::new("systemctl").args(args).output();
    let said = said.context("can't run systemctl")?;
    match said.status.success() {
        true => Ok(()),
        false => bail!(
            "systemctl {}: {}",
            args.join(" "),
            String::from_utf8_lossy(&said.stderr).trim()
        ),
    }
}
