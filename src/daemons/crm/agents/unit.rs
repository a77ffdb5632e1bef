//! Units of systemd, by its own tool.
//!
//! Source: spec crm-runtime.md section 11; Pacemaker 2.1.5, `lib/services/systemd.c`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tokio::time::Instant;

use super::{LOOK, done, failed, judge, not_installed, timeout};
use crate::executor::{Agent, Class, Exit, Operation, Outcome, Status};
use crate::runtime::process::{Finished, Process, Stream};

/// Where units get what only counts until the next boot.
const OVERRIDES: &str = "/run/systemd/system";

/// Endings that make a name the whole name of a unit.
const KINDS: [&str; 11] = [
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "slice",
    "scope",
];

/// systemd, and where its files are.
#[derive(Debug)]
struct Systemd {
    tool: PathBuf,
    overrides: PathBuf,
}

/// What systemd says of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    loaded: bool,
    /// `active`, `inactive`, `activating` …
    active: String,
}

/// Runs an operation of a unit.
pub(super) async fn run(agent: &Agent, operation: &Operation) -> Outcome {
    let systemd = Systemd {
        tool: "systemctl".into(),
        overrides: OVERRIDES.into(),
    };
    let unit = unit_name(&agent.name);
    systemd
        .run(&unit, operation)
        .await
        .unwrap_or_else(|error| not_installed(&format!("systemd ({error})")))
}

fn unit_name(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((_, kind)) if KINDS.contains(&kind) => name.to_owned(),
        _ => format!("{name}.service"),
    }
}

impl Systemd {
    async fn run(&self, unit: &str, operation: &Operation) -> io::Result<Outcome> {
        let until = Instant::now() + timeout(operation);
        let action = &*operation.key.action;
        match action {
            "monitor" | "status" => return self.settled(unit, operation, until).await,
            "start" | "stop" | "reload" | "restart" => {}
            other => {
                let reason = format!("a unit of systemd can't {other}");
                let exit = Exit::UNIMPLEMENTED;
                let refused = failed(Status::NotSupported, reason);
                return Ok(Outcome { exit, ..refused });
            }
        }
        let known = self.state(unit, until).await?;
        if !known.loaded {
            return Ok(match action {
                "stop" => done(Exit::OK),
                _ => not_installed(unit),
            });
        }
        if action == "start" {
            self.take_over(unit, until).await?;
        }
        let finished = self.tool(&[action, unit], until).await?;
        if !finished.ending.is_success() {
            return Ok(judge(Class::Systemd, operation, &finished));
        }
        let after = self.settled(unit, operation, until).await?;
        if action == "stop" {
            self.give_back(unit, until).await?;
        }
        Ok(followed(action, after))
    }

    /// Waits until a unit that is on its way has arrived.
    async fn settled(
        &self,
        unit: &str,
        operation: &Operation,
        until: Instant,
    ) -> io::Result<Outcome> {
        let pause = LOOK.min(timeout(operation) / 10);
        loop {
            let state = self.state(unit, until).await?;
            let outcome = state.outcome(unit);
            if outcome.exit != Exit::PENDING {
                return Ok(outcome);
            }
            if Instant::now() + pause >= until {
                let reason = format!("{unit} was still {} at the end of its time", state.active);
                return Ok(failed(Status::Timeout, reason));
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn state(&self, unit: &str, until: Instant) -> io::Result<State> {
        let args = ["show", "--property=LoadState,ActiveState", unit];
        let finished = self.tool(&args, until).await?;
        if !finished.ending.is_success() {
            return Err(io::Error::other(finished.text(Stream::Stderr)));
        }
        Ok(State::parse(&finished.text(Stream::Stdout)))
    }

    async fn tool(&self, args: &[&str], until: Instant) -> io::Result<Finished> {
        let left = until.saturating_duration_since(Instant::now());
        Process::new(&self.tool)
            .args(args)
            .timeout(left)
            .run()
            .await
    }

    /// The cluster starts the unit, so systemd must not, and at the end of the system it is
    /// stopped after the cluster.
    async fn take_over(&self, unit: &str, until: Instant) -> io::Result<()> {
        let file = self.file(unit);
        let text = format!(
            "[Unit]\nDescription=Cluster Controlled {unit}\n\
             Before=pacemaker.service pacemaker_remote.service everbeatd.service\n\n\
             [Service]\nRestart=no\n"
        );
        if fs::read_to_string(&file).is_ok_and(|known| known == text) {
            return Ok(());
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, text)?;
        self.tool(&["daemon-reload"], until).await.map(drop)
    }

    async fn give_back(&self, unit: &str, until: Instant) -> io::Result<()> {
        match fs::remove_file(self.file(unit)) {
            Ok(()) => self.tool(&["daemon-reload"], until).await.map(drop),
            Err(_) => Ok(()),
        }
    }

    fn file(&self, unit: &str) -> PathBuf {
        let folder = Path::new(&self.overrides).join(format!("{unit}.d"));
        folder.join("50-pacemaker.conf")
    }
}

/// What a start or a stop came to, by a look at the unit afterwards.
fn followed(action: &str, after: Outcome) -> Outcome {
    let exit = match (action, after.exit) {
        ("start" | "restart", Exit::NOT_RUNNING) => Exit::ERROR,
        ("stop", Exit::NOT_RUNNING | Exit::NOT_INSTALLED) => return done(Exit::OK),
        ("stop", Exit::OK) => Exit::ERROR,
        (_, exit) => exit,
    };
    Outcome { exit, ..after }
}

impl State {
    fn parse(text: &str) -> Self {
        let of = |name: &str| {
            let mut values = text.lines().filter_map(|line| line.strip_prefix(name));
            values.next().unwrap_or_default().trim().to_owned()
        };
        Self {
            loaded: !matches!(&*of("LoadState="), "not-found" | "masked" | "error" | ""),
            active: of("ActiveState="),
        }
    }

    fn outcome(&self, unit: &str) -> Outcome {
        match &*self.active {
            _ if !self.loaded => not_installed(unit),
            "active" | "reloading" => done(Exit::OK),
            "activating" | "deactivating" => done(Exit::PENDING),
            other => Outcome {
                reason: Some(other.to_owned()),
                ..done(Exit::NOT_RUNNING)
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::executor::Key;
    use crate::ids::ResourceName;

    fn operation(action: &str) -> Operation {
        Operation {
            key: Key {
                resource: ResourceName::new("r"),
                action: action.into(),
                interval: Duration::ZERO,
            },
            timeout: Duration::from_secs(2),
            start_delay: Duration::ZERO,
            parameters: Arc::default(),
            transition_key: String::new(),
        }
    }

    /// A tool that keeps the state of one unit in a file and notes how it was called.
    fn systemd(folder: &Path) -> Systemd {
        let tool = folder.join("systemctl");
        let script = "#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho \"$*\" >>calls\n\
            case \"$1\" in\n\
            show) [ \"$3\" = web.service ] && l=loaded || l=not-found\n\
              echo LoadState=$l; echo ActiveState=$(cat state)\n\
              [ \"$(cat state)\" = activating ] && echo active >state;;\n\
            start) cat after_start >state;;\n\
            stop) echo inactive >state;;\n\
            esac\nexit 0\n";
        fs::write(&tool, script).unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join("state"), "inactive").unwrap();
        fs::write(folder.join("after_start"), "activating").unwrap();
        Systemd {
            tool,
            overrides: folder.join("run"),
        }
    }

    #[tokio::test]
    async fn a_unit_is_taken_over_started_looked_at_and_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let systemd = systemd(folder.path());
        let file = systemd.file("web.service");
        let exit = async |action| {
            let outcome = systemd.run("web.service", &operation(action)).await;
            outcome.unwrap().exit
        };
        assert_eq!(exit("monitor").await, Exit::NOT_RUNNING);
        assert_eq!(exit("start").await, Exit::OK, "it was activating at first");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains("Restart=no"), "{text}");
        assert_eq!(exit("monitor").await, Exit::OK);
        assert_eq!(exit("stop").await, Exit::OK);
        assert!(!file.exists());
        assert_eq!(exit("promote").await, Exit::UNIMPLEMENTED);
        let calls = fs::read_to_string(folder.path().join("calls")).unwrap();
        let calls: Vec<_> = calls.lines().filter(|l| !l.starts_with("show")).collect();
        let wanted = [
            "daemon-reload",
            "start web.service",
            "stop web.service",
            "daemon-reload",
        ];
        assert_eq!(calls, wanted);
    }

    #[tokio::test]
    async fn a_unit_that_fails_or_is_not_there_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let systemd = systemd(folder.path());
        fs::write(folder.path().join("after_start"), "failed").unwrap();
        let started = systemd.run("web.service", &operation("start")).await;
        let started = started.unwrap();
        assert_eq!(started.exit, Exit::ERROR);
        assert_eq!(started.reason.as_deref(), Some("failed"));
        let other = systemd.run("db.service", &operation("start")).await;
        assert_eq!(other.unwrap().exit, Exit::NOT_INSTALLED);
        let stopped = systemd.run("db.service", &operation("stop")).await;
        assert_eq!(stopped.unwrap().exit, Exit::OK);
    }

    #[test]
    fn a_name_without_a_kind_is_a_service() {
        assert_eq!(unit_name("web"), "web.service");
        assert_eq!(unit_name("web@1.2"), "web@1.2.service");
        assert_eq!(unit_name("nfs.mount"), "nfs.mount");
    }
}
