//! Client children: the programs of `respawn` and `failfast` lines.
//!
//! Each is kept by a task of its own that starts it again when it ends, until told to stop.
//!
//! Source: heartbeat 3.0.6, `spec/heartbeat-v1.md` section 3 (`respawn`, `failfast`), 2.5.

use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, User};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::config::ha_cf::ClientChild;
use crate::proto::heartbeat::Severity;

/// A child that ends sooner than this died quickly. Source: heartbeat 3.0.6.
const QUICK: Duration = Duration::from_secs(30);
/// After so many quick deaths in a row it is not started again. Source: heartbeat 3.0.6.
const QUICK_DEATHS_MAX: u32 = 10;
/// A child that says so with its exit code doesn't want to be started again.
const EXIT_DONT_RESPAWN: i32 = 100;
/// How long a child may take to end after SIGTERM before SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// What the daemon hears of its children.
#[derive(Debug)]
pub enum Report {
    /// A line for the log.
    Log(Severity, String),
    /// A failfast child ended by itself: the node must reboot.
    Failfast {
        /// Its command.
        command: String,
    },
}

/// The children that were started, in order.
#[derive(Debug, Default)]
pub struct Children {
    running: Vec<Keeper>,
}

#[derive(Debug)]
struct Keeper {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Children {
    /// Starts all of `list`, in order.
    pub fn start(
        list: &[ClientChild],
        env: &[(String, String)],
        reports: &mpsc::UnboundedSender<Report>,
    ) -> Self {
        let running = list.iter().map(|child| {
            let (stop, stopped) = oneshot::channel();
            let keep = keep(child.clone(), env.to_vec(), reports.clone(), stopped);
            Keeper {
                stop,
                task: tokio::spawn(keep),
            }
        });
        Self {
            running: running.collect(),
        }
    }

    /// Ends all, in reverse order, one after the other.
    pub async fn stop(&mut self) {
        while let Some(keeper) = self.running.pop() {
            let _ = keeper.stop.send(());
            let _ = keeper.task.await;
        }
    }
}

async fn keep(
    child: ClientChild,
    env: Vec<(String, String)>,
    reports: mpsc::UnboundedSender<Report>,
    mut stop: oneshot::Receiver<()>,
) {
    let log = |severity, text: String| drop(reports.send(Report::Log(severity, text)));
    let mut quick_deaths = 0;
    loop {
        log(
            Severity::Info,
            format!("Starting child client \"{}\"", child.command),
        );
        let started = Instant::now();
        let mut process = match spawn(&child, &env) {
            Ok(process) => process,
            Err(why) => {
                return log(
                    Severity::Error,
                    format!("Can't start \"{}\": {why}", child.command),
                );
            }
        };
        let status = tokio::select! {
            status = process.wait() => status,
            _ = &mut stop => return end(&child, process, &log).await,
        };
        log(Severity::Warning, ending(&child, &status));
        if child.failfast {
            drop(reports.send(Report::Failfast {
                command: child.command.clone(),
            }));
            return;
        }
        if status.is_ok_and(|s| s.code() == Some(EXIT_DONT_RESPAWN)) {
            return;
        }
        quick_deaths = if started.elapsed() < QUICK {
            quick_deaths + 1
        } else {
            0
        };
        if quick_deaths > QUICK_DEATHS_MAX {
            let text = format!("Client \"{}\" \"respawning too fast\"", child.command);
            return log(Severity::Error, text);
        }
        log(
            Severity::Info,
            format!("Respawning client \"{}\":", child.command),
        );
    }
}

fn spawn(child: &ClientChild, env: &[(String, String)]) -> anyhow::Result<Child> {
    let user = User::from_name(&child.user)?
        .ok_or_else(|| anyhow::anyhow!("there is no user {:?}", child.user))?;
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(format!("exec {}", child.command));
    command.env_clear().envs(env.iter().map(|(k, v)| (k, v)));
    command
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .current_dir("/");
    if !user.uid.is_root() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    Ok(command.spawn()?)
}

async fn end(child: &ClientChild, mut process: Child, log: &impl Fn(Severity, String)) {
    let Some(pid) = process.id() else { return };
    let group = Pid::from_raw(pid.cast_signed());
    log(
        Severity::Info,
        format!(
            "killing {} process group {pid} with signal 15",
            child.command
        ),
    );
    let _ = killpg(group, Signal::SIGTERM);
    if tokio::time::timeout(GRACE, process.wait()).await.is_err() {
        log(
            Severity::Warning,
            format!("{} didn't end within {GRACE:?}, killed", child.command),
        );
        let _ = killpg(group, Signal::SIGKILL);
        let _ = process.wait().await;
    }
}

fn ending(child: &ClientChild, status: &std::io::Result<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!(
                "Client \"{}\" exited with return code {code}.",
                child.command
            ),
            (None, Some(signal)) => {
                format!("Client \"{}\" killed by signal {signal}.", child.command)
            }
            (None, None) => format!("Client \"{}\" ended.", child.command),
        },
        Err(why) => format!("Client \"{}\" can't be waited for: {why}", child.command),
    }
}
