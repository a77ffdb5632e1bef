//! Starts and stops a whole group, as scripts know it.

use std::fmt;
use std::os::unix::process::CommandExt;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use crate::agents::{Environment, Executor, Outcome, Resource};
use crate::config::haresources::{Group, Haresources};
use crate::proto::heartbeat::Severity;
use crate::runtime::log::Logger;
use crate::v1::Action;

/// Stops that are tried again, and when. Source: heartbeat 3.0.6, ResourceManager,
/// `HA_STOPRETRYMAX`.
const STOP_RETRIES: u32 = 10;
const STOP_RETRY_DELAY: Duration = Duration::from_secs(1);

/// Works on groups.
pub struct Manager {
    pub executor: Executor,
    pub environment: Environment,
    pub log: Logger,
    /// Our node's name.
    pub us: String,
}

/// How much of a group runs here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    All,
    Some,
    None,
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "ALL",
            Self::Some => "SOME",
            Self::None => "NONE",
        })
    }
}

/// The group with that key, else the first that has it as a resource.
pub fn find<'a>(groups: &'a Haresources, key: &str) -> Option<&'a Group> {
    let has = |group: &&Group| group.resources.iter().any(|r| r.as_written == key);
    groups.group(key).or_else(|| groups.groups.iter().find(has))
}

/// The resources of a group as written.
pub fn words(group: &Group) -> String {
    let words = group.resources.iter().map(|r| r.as_written.as_str());
    words.collect::<Vec<_>>().join(" ")
}

impl Manager {
    /// Whether a resource runs here.
    pub async fn runs(&self, word: &str) -> bool {
        let resource = Resource::parse(word);
        let outcome = self
            .executor
            .run(&resource, Action::Status, &self.environment);
        outcome.await.is_done()
    }

    /// How much of a group runs here.
    pub async fn share(&self, group: Option<&Group>) -> Share {
        let (mut here, mut not_here) = (false, false);
        for resource in group.iter().flat_map(|group| &group.resources) {
            if self.runs(&resource.as_written).await {
                here = true;
            } else {
                not_here = true;
            }
        }
        match (here, not_here) {
            (true, false) => Share::All,
            (true, true) => Share::Some,
            (false, _) => Share::None,
        }
    }

    /// Starts a group from left to right. A resource that runs is left alone; one that fails
    /// takes the others down with it, and the group goes to the other node.
    pub async fn take(&self, group: &Group) -> ExitCode {
        let (node, words) = (&group.node_as_written, words(group));
        let text = format!("Acquiring resource group: {node} {words}");
        self.log(Severity::Info, &text);
        for resource in &group.resources {
            let word = resource.as_written.as_str();
            if self.runs(word).await {
                continue;
            }
            let outcome = self.act(word, Action::Start).await;
            if !outcome.is_done() {
                let text = format!("Giving up resources due to failure of {word}");
                self.log(Severity::Critical, &text);
                self.give(group).await;
                self.send_away(group);
                return code(&outcome);
            }
        }
        ExitCode::SUCCESS
    }

    /// Stops a group from right to left, also what does not run.
    pub async fn give(&self, group: &Group) -> ExitCode {
        let (node, words) = (&group.node_as_written, words(group));
        let text = format!("Releasing resource group: {node} {words}");
        self.log(Severity::Info, &text);
        let mut result = ExitCode::SUCCESS;
        for resource in group.resources.iter().rev() {
            let word = resource.as_written.as_str();
            let outcome = self.stop(word).await;
            if outcome.is_done() {
                continue;
            }
            if self.runs(word).await {
                self.log(
                    Severity::Critical,
                    "Resource STOP failure. Reboot required!",
                );
                result = code(&outcome);
            } else {
                let text = format!("Resource script for {word} probably not LSB-compliant.");
                self.log(Severity::Error, &text);
                let text = format!("it ({word}) MUST succeed on a stop when already stopped");
                self.log(Severity::Warning, &text);
            }
        }
        result
    }

    /// Tells which first resources of groups run here that should not, before the daemon starts.
    pub async fn verify_all_idle(&self, groups: &Haresources) -> ExitCode {
        let mut running = 0_u8;
        for group in &groups.groups {
            let key = group.key();
            if self.runs(key).await {
                running = running.saturating_add(1);
                for text in [
                    format!("Resource {key} is active, and should not be!"),
                    "Non-idle resources can affect data integrity!".to_owned(),
                ] {
                    eprintln!("CRITICAL: {text}");
                    self.log(Severity::Critical, &text);
                }
            }
        }
        ExitCode::from(running)
    }

    async fn stop(&self, word: &str) -> Outcome {
        let retries = std::env::var("HA_STOPRETRYMAX").ok();
        let retries = retries.and_then(|n| n.parse().ok()).unwrap_or(STOP_RETRIES);
        let mut outcome = self.act(word, Action::Stop).await;
        for _ in 0..retries {
            if outcome.is_done() {
                break;
            }
            tokio::time::sleep(STOP_RETRY_DELAY).await;
            let text = format!("Retrying failed stop operation [{word}]");
            self.log(Severity::Info, &text);
            outcome = self.act(word, Action::Stop).await;
        }
        outcome
    }

    async fn act(&self, word: &str, action: Action) -> Outcome {
        let resource = Resource::parse(word);
        let command = self.executor.command_line(&resource, action);
        self.log(Severity::Info, &format!("Running {command}"));
        let run = self.executor.run(&resource, action, &self.environment);
        let outcome = run.await;
        for line in &outcome.lines {
            self.log(Severity::Debug, line);
        }
        if !outcome.is_done() {
            self.log(Severity::Error, &outcome.verdict.to_string());
        }
        outcome
    }

    /// Half a minute later the other node is to have a try.
    ///
    /// Differs: heartbeat always says `foreign`, and a group of our own stays down everywhere.
    fn send_away(&self, group: &Group) {
        let side = if group.node == *self.us.as_str() {
            "local"
        } else {
            "foreign"
        };
        let started = std::env::current_exe().and_then(|program| {
            std::process::Command::new("/bin/sh")
                .args(["-c", "sleep 30; exec \"$0\" hb_standby \"$1\""])
                .arg(program)
                .arg(side)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0)
                .spawn()
        });
        if let Err(error) = started {
            let text = format!("can't run hb_standby {side} later: {error}");
            self.log(Severity::Error, &text);
        }
    }

    fn log(&self, severity: Severity, text: &str) {
        let tag = "ResourceManager(default)";
        self.log.script(tag, std::process::id(), (severity, text));
    }
}

fn code(outcome: &Outcome) -> ExitCode {
    let exit = outcome.exit.and_then(|code| u8::try_from(code).ok());
    ExitCode::from(exit.filter(|code| *code != 0).unwrap_or(1))
}
