//! Carries out one action of one resource.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::address::{AddressArgument, AddressKind};
use super::builtin::{self, BuiltIn};
use super::{Resource, script, stock};
use crate::runtime::announce::Announcement;
use crate::runtime::process::{Ending, Finished, Process, Stream};
use crate::v1::{Action, WorkResult};

/// Variables a script gets on top of the daemon's own environment.
pub type Environment = Vec<(String, String)>;

/// Where things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// First place of resource scripts.
    pub resource_dir: PathBuf,
    /// Second place of resource scripts.
    pub init_dir: PathBuf,
    /// Scripts for messages.
    pub rc_dir: PathBuf,
    /// Runs a script for a message.
    pub harc: PathBuf,
    /// State that agents share, gone with the next boot (`HA_RSCTMP`).
    pub state_dir: PathBuf,
}

impl Default for Paths {
    /// Source: heartbeat 3.0.6 of Debian, `HA_RESOURCEDIR`, `HA_RCDIR`; resource-agents 4.12,
    /// `HA_RSCTMP`.
    fn default() -> Self {
        Self {
            resource_dir: "/etc/ha.d/resource.d".into(),
            init_dir: "/etc/init.d".into(),
            rc_dir: "/etc/ha.d/rc.d".into(),
            harc: "/etc/ha.d/harc".into(),
            state_dir: "/run/resource-agents".into(),
        }
    }
}

/// How long an action may take; `None`: as long as it wants.
///
/// Differs: heartbeat has no time-out at all. A start or stop may mean hours of file system
/// checks, so neither has one here unless it is set; a hanging `status` would hold up
/// everything and tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Of `start`.
    pub start: Option<Duration>,
    /// Of `stop`.
    pub stop: Option<Duration>,
    /// Of `status`.
    pub status: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            start: None,
            stop: None,
            status: Some(Duration::from_secs(120)),
        }
    }
}

impl Timeouts {
    fn of(&self, action: Action) -> Option<Duration> {
        match action {
            Action::Start => self.start,
            Action::Stop => self.stop,
            Action::Status => self.status,
        }
    }
}

/// What carries out the actions of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// This script.
    Script(PathBuf),
    /// Ourselves.
    BuiltIn(AddressKind),
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It succeeded; for `status`: the resource runs here.
    Done,
    /// Of `status` only: the resource doesn't run here.
    NotRunning,
    /// It failed, in words for the log.
    Failed(String),
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub verdict: Verdict,
    /// The exit code, where a program ended by itself.
    pub exit: Option<i32>,
    /// What it said on both streams, bounded.
    pub lines: Vec<String>,
    /// From start to end.
    pub duration: Duration,
}

impl Outcome {
    /// True if it succeeded; for `status`: the resource runs here.
    pub fn is_done(&self) -> bool {
        self.verdict == Verdict::Done
    }

    fn failed(reason: String) -> Self {
        Self::plain(Verdict::Failed(reason))
    }

    fn plain(verdict: Verdict) -> Self {
        Self {
            verdict,
            exit: None,
            lines: Vec::new(),
            duration: Duration::ZERO,
        }
    }
}

impl From<&Outcome> for WorkResult {
    fn from(outcome: &Outcome) -> Self {
        match &outcome.verdict {
            Verdict::Done => Self::Done,
            Verdict::NotRunning => Self::NotRunning,
            Verdict::Failed(reason) => Self::Failed {
                exit: outcome.exit,
                reason: reason.clone(),
            },
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::NotRunning => f.write_str("not running"),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

/// Carries out actions; any number may be under way.
#[derive(Debug)]
pub struct Executor {
    paths: Paths,
    timeouts: Timeouts,
    built_in: Arc<BuiltIn>,
    /// Announcements that are being repeated.
    announcing: Mutex<BTreeMap<IpAddr, AbortHandle>>,
}

impl Default for Executor {
    fn default() -> Self {
        Self::new(Paths::default(), Timeouts::default())
    }
}

impl Executor {
    /// An executor for the scripts in `paths`.
    pub fn new(paths: Paths, timeouts: Timeouts) -> Self {
        Self {
            built_in: Arc::new(BuiltIn::new(&paths.state_dir)),
            paths,
            timeouts,
            announcing: Mutex::default(),
        }
    }

    /// What carries out this resource's actions; `None`: there is nothing of its name.
    ///
    /// The built-in is taken where no script of its name is, or one that came with heartbeat or
    /// with us; a script that somebody changed is run.
    pub fn means(&self, resource: &Resource) -> Option<Means> {
        let folders: [&Path; 2] = [&self.paths.resource_dir, &self.paths.init_dir];
        let found = script::locate(&resource.script, &folders);
        match (AddressKind::named(&resource.script), found) {
            (Some(kind), None) => Some(Means::BuiltIn(kind)),
            (Some(kind), Some(path)) if stock::is_stock(kind, &path) => Some(Means::BuiltIn(kind)),
            (_, found) => found.map(Means::Script),
        }
    }

    /// The command of an action as ha-log shows it after "Running ".
    pub fn command_line(&self, resource: &Resource, action: Action) -> String {
        let path = match self.means(resource) {
            Some(Means::Script(path)) => path,
            _ => self.paths.resource_dir.join(&resource.script),
        };
        let mut line = path.display().to_string();
        for arg in &resource.args {
            line.push(' ');
            line.push_str(arg);
        }
        format!("{line} {action}")
    }

    /// Carries out one action. A script that is not there fails; asked for its status, it is
    /// not running, as heartbeat sees it.
    pub async fn run(
        &self,
        resource: &Resource,
        action: Action,
        environment: &Environment,
    ) -> Outcome {
        match self.means(resource) {
            Some(Means::Script(path)) => {
                self.run_script(&path, resource, action, environment).await
            }
            Some(Means::BuiltIn(kind)) => self.run_built_in(kind, resource, action).await,
            None if action == Action::Status => Outcome::plain(Verdict::NotRunning),
            None => Outcome::failed(format!("Cannot locate resource script {}", resource.script)),
        }
    }

    /// Announces an address that serves here, now and some times more in the background. A
    /// resource that is no address has nothing to announce: done.
    pub async fn announce(&self, resource: &Resource) -> Outcome {
        let Some(kind) = AddressKind::named(&resource.script) else {
            return Outcome::plain(Verdict::Done);
        };
        let sent = async {
            let wanted = argument(kind, resource)?;
            let announcement = self.built_in.announcement(&wanted).await?;
            let announcement = announcement.ok_or_else(|| format!("{} is not here", wanted.ip))?;
            self.built_in
                .announcer
                .send(&announcement)
                .map_err(|e| e.to_string())?;
            self.repeat(kind, announcement);
            Ok(())
        };
        match sent.await {
            Ok(()) => Outcome::plain(Verdict::Done),
            Err(reason) => Outcome::failed(reason),
        }
    }

    async fn run_built_in(
        &self,
        kind: AddressKind,
        resource: &Resource,
        action: Action,
    ) -> Outcome {
        let started = Instant::now();
        let mut outcome = match (argument(kind, resource), action) {
            (Ok(wanted), _) => self.act(&wanted, action).await,
            // What can't be started does not run.
            (Err(_), Action::Status) => Outcome::plain(Verdict::NotRunning),
            (Err(reason), Action::Stop) => Outcome {
                lines: vec![reason],
                ..Outcome::plain(Verdict::Done)
            },
            (Err(reason), Action::Start) => Outcome::failed(reason),
        };
        outcome.duration = started.elapsed();
        outcome
    }

    async fn act(&self, wanted: &AddressArgument, action: Action) -> Outcome {
        let built_in = &self.built_in;
        let done = match action {
            Action::Start => built_in.start(wanted).await.map(|started| {
                if let Some(announcement) = started.announcement {
                    self.repeat(wanted.kind, announcement);
                }
                (Verdict::Done, started.notes)
            }),
            Action::Stop => {
                self.end_announcing(wanted.ip);
                let stopped = built_in.stop(wanted).await;
                stopped.map(|notes| (Verdict::Done, notes))
            }
            Action::Status => built_in.status(wanted).await.map(|runs| match runs {
                true => (Verdict::Done, vec!["running".to_owned()]),
                false => (Verdict::NotRunning, vec!["stopped".to_owned()]),
            }),
        };
        match done {
            Ok((verdict, lines)) => Outcome {
                lines,
                ..Outcome::plain(verdict)
            },
            Err(reason) => Outcome::failed(reason),
        }
    }

    /// Repeats an announcement that was sent once; one of the same address that still runs ends.
    fn repeat(&self, kind: AddressKind, announcement: Announcement) {
        let (count, interval) = builtin::repetition(kind);
        let ip = announcement.ip;
        let built_in = Arc::clone(&self.built_in);
        let task = tokio::spawn(async move {
            let announcer = &built_in.announcer;
            announcer.repeat(&announcement, count - 1, interval).await;
        });
        let mut announcing = self.lock();
        announcing.retain(|_, task| !task.is_finished());
        if let Some(previous) = announcing.insert(ip, task.abort_handle()) {
            previous.abort();
        }
    }

    fn end_announcing(&self, ip: IpAddr) {
        if let Some(task) = self.lock().remove(&ip) {
            task.abort();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<IpAddr, AbortHandle>> {
        // A panic elsewhere leaves the map whole.
        self.announcing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the rc.d script for a message of type `kind`, through harc where that is installed.
    pub async fn run_rc(&self, kind: &str, environment: &Environment) -> Outcome {
        let process = if script::is_program(&self.paths.harc) {
            Process::new(&self.paths.harc).args([kind])
        } else {
            Process::new(self.paths.rc_dir.join(kind)).args([kind])
        };
        let path = self.paths.rc_dir.join(kind);
        match scripts_environment(process, environment).run().await {
            Ok(finished) => judge(&path, Action::Start, finished),
            Err(error) => Outcome::failed(format!("can't run {}: {error}", path.display())),
        }
    }

    async fn run_script(
        &self,
        path: &Path,
        resource: &Resource,
        action: Action,
        environment: &Environment,
    ) -> Outcome {
        let process = Process::new(path)
            .args(&resource.args)
            .args([action.to_string()])
            .timeout(self.timeouts.of(action));
        match scripts_environment(process, environment).run().await {
            Ok(finished) => judge(path, action, finished),
            Err(error) => Outcome::failed(format!("can't run {}: {error}", path.display())),
        }
    }
}

/// The one argument of an address resource.
fn argument(kind: AddressKind, resource: &Resource) -> Result<AddressArgument, String> {
    match resource.args.as_slice() {
        [argument] => AddressArgument::parse(kind, argument).map_err(|e| e.to_string()),
        args => Err(format!(
            "{} takes one argument, not {}: {resource}",
            kind.name(),
            args.len()
        )),
    }
}

/// The daemon's environment, less what turns the words of programs into another language, and
/// the caller's variables.
///
/// Source: heartbeat 3.0.6, ResourceManager (LC_ALL, LANGUAGE), shellfuncs (PATH)
fn scripts_environment<'a>(process: Process<'a>, environment: &Environment) -> Process<'a> {
    let given = environment.iter().rev().find(|(name, _)| name == "PATH");
    let path = match given {
        Some((_, path)) => path.clone(),
        None => std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/sbin:/bin".into()),
    };
    let path = format!("/usr/libexec/heartbeat:/usr/sbin:/usr/share/heartbeat:{path}");
    process
        .env_remove("LC_ALL")
        .env_remove("LANGUAGE")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .envs([("PATH", path)])
}

fn judge(path: &Path, action: Action, finished: Finished) -> Outcome {
    let verdict = match (action, finished.ending) {
        (_, Ending::TimedOut) => Verdict::Failed(format!(
            "{} {action} was not done after {} s and was ended",
            path.display(),
            finished.duration.as_secs()
        )),
        (Action::Status, _) => {
            if script::says_running(&finished.text(Stream::Stdout)) {
                Verdict::Done
            } else {
                Verdict::NotRunning
            }
        }
        (_, ending) if ending.is_success() => Verdict::Done,
        (_, ending) => Verdict::Failed(format!(
            "Return code {} from {}",
            ending.shell_code(),
            path.display()
        )),
    };
    Outcome {
        verdict,
        exit: match finished.ending {
            Ending::Exited(code) => Some(code),
            _ => None,
        },
        lines: finished.lines.into_iter().map(|line| line.text).collect(),
        duration: finished.duration,
    }
}

#[cfg(test)]
mod tests;
