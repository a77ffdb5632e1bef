//! The guard of a node that has left heartbeat while others were absent: a process that speaks
//! heartbeat's protocol beside the ring, so that those who come back take nothing.
//!
//! Its files stand in a folder of their own, and as long as that is there, who starts the ring
//! sees to it that the guard runs. After a boot the ring waits until the guard has seen that no
//! absent node has resources.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::super::control::Control;
use super::files::HA_D;
use super::node::FOLDER;
use super::service;
use crate::config::identity::write_atomically;
use crate::daemons::control::{Reply, Request, SOCKET};
use crate::daemons::heartbeat::{self, Guarding, Options};
use crate::daemons::report::GuardReport;
use crate::ids::NodeName;
use crate::runtime::pidfile::{self, State};
use crate::sys::child::new_session;

/// File with the names of the absent nodes, one a line.
const ABSENT: &str = "absent";
/// Time between two looks at the guard.
const LOOK: Duration = Duration::from_millis(200);
/// Time until one that ended is started again.
const AGAIN: Duration = Duration::from_secs(1);
/// Time that a start may take.
const STARTED: Duration = Duration::from_secs(30);

fn folder() -> PathBuf {
    Path::new(FOLDER).join("guard")
}

/// Whether this node is to have a guard: it is one of the ring, and others are absent.
pub(super) fn is_wanted() -> bool {
    folder().exists() && !Path::new(HA_D).join("ha.cf").exists()
}

/// Makes the guard's folder from heartbeat's files, whatever ha.cf is called now.
pub(super) fn prepare(absent: &[String], ha_cf: &Path) -> Result<()> {
    let making = Path::new(FOLDER).join("guard.new");
    let _ = fs::remove_dir_all(&making);
    fs::create_dir_all(&making).with_context(|| making.display().to_string())?;
    let from = Path::new(HA_D);
    for (from, name, mode) in [
        (ha_cf, "ha.cf", 0o644),
        (&from.join("haresources"), "haresources", 0o644),
        (&from.join("authkeys"), "authkeys", 0o600),
    ] {
        let bytes = fs::read(from).with_context(|| from.display().to_string())?;
        write_atomically(&making.join(name), &bytes, mode).context(FOLDER)?;
    }
    let names = absent.join("\n") + "\n";
    write_atomically(&making.join(ABSENT), names.as_bytes(), 0o644).context(FOLDER)?;
    symlink(from.join("resource.d"), making.join("resource.d")).context(FOLDER)?;
    let _ = fs::remove_dir_all(folder());
    fs::rename(&making, folder()).context(FOLDER)
}

/// The nodes that were absent; none where there is no guard.
pub(super) fn absent() -> Result<Vec<String>> {
    let file = folder().join(ABSENT);
    match fs::read_to_string(&file) {
        Ok(text) => Ok(text.split_whitespace().map(str::to_owned).collect()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e).with_context(|| file.display().to_string()),
    }
}

/// Ends the guard; no other is started.
pub(super) fn end() -> Result<()> {
    if folder().exists() {
        fs::remove_dir_all(folder()).context(FOLDER)?;
    }
    match report()? {
        Some(_) => service::end(pidfile::PATH),
        None => Ok(()),
    }
}

/// The guard itself, in this process.
pub(super) fn run(claims: bool) -> Result<ExitCode> {
    let names = absent()?;
    let names = names.iter().map(|name| NodeName::new(name));
    let absent = names.collect::<Result<_, _>>().context(ABSENT)?;
    heartbeat::run(&Options {
        config_dir: folder(),
        guard: Some(Guarding { absent, claims }),
        ..Options::default()
    })
}

/// What the guard says; none if none runs.
pub(super) fn report() -> Result<Option<GuardReport>> {
    let Some(mut control) = Control::open(Path::new(SOCKET))? else {
        return Ok(None);
    };
    match control.ask(&Request::Report)? {
        Reply::Report(report) => Ok(report.guard),
        other => bail!("the daemon answers with {other:?}"),
    }
}

/// Waits until the guard that the ring's daemon starts is there.
pub(super) fn await_running() -> Result<()> {
    let late = Instant::now() + STARTED;
    while !matches!(report(), Ok(Some(_))) {
        if Instant::now() > late {
            bail!("the guard for absent nodes doesn't run; is the ring's daemon there?");
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// What a daemon of the ring does before it starts: where absent nodes may be nodes of heartbeat
/// still, waits until none of them can have resources. From then on the guard is kept running.
///
/// Errors: none that would let the ring start without a guard.
pub(in crate::cli) fn before_ring() -> Result<()> {
    let mut keeper = Keeper::default();
    let mut told = false;
    while is_wanted() {
        match report() {
            Ok(Some(report)) if report.clear => break,
            Ok(Some(_)) if !told => {
                told = true;
                eprintln!(
                    "everbeatd: waits until no node that is of heartbeat still can have \
                     resources: {}",
                    absent()?.join(", ")
                );
            }
            _ => {}
        }
        keeper.see_to_it("guard-asks");
        std::thread::sleep(LOOK);
    }
    let keep = move || {
        loop {
            std::thread::sleep(LOOK);
            keeper.see_to_it("guard-claims");
        }
    };
    let thread = std::thread::Builder::new().name("guard".into());
    thread.spawn(keep).context("can't start a thread")?;
    Ok(())
}

/// Starts the guard where it is wanted and doesn't run.
#[derive(Debug, Default)]
struct Keeper {
    child: Option<Child>,
    started: Option<Instant>,
}

impl Keeper {
    fn see_to_it(&mut self, verb: &str) {
        if let Some(child) = &mut self.child
            && matches!(child.try_wait(), Ok(Some(_)))
        {
            self.child = None;
        }
        let runs = matches!(
            pidfile::look(Path::new(pidfile::PATH)),
            Ok(State::Running(_))
        );
        let lately = self.started.is_some_and(|at| at.elapsed() < AGAIN);
        if !is_wanted() || runs || lately || self.child.is_some() {
            return;
        }
        self.started = Some(Instant::now());
        match start(verb) {
            Ok(child) => self.child = Some(child),
            Err(why) => eprintln!("everbeatd: the guard for absent nodes: {why:#}"),
        }
    }
}

/// In a session of its own: it outlives the ring's daemon, whose resources may do so, too.
fn start(verb: &str) -> Result<Child> {
    let program = std::env::current_exe().context("can't find this program's own file")?;
    let mut command = Command::new(program);
    command
        .args(["migrate", "node", verb])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    new_session(&mut command).spawn().context("can't start it")
}
