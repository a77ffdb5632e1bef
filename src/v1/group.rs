//! One resource group on this node: its actions one after the other, in order.
//!
//! ```text
//!  Probing (status of each) -- all run --> Running
//!     | none runs; or some: those may be stopped first
//!     v
//!  Stopped --want--> Starting (status, start of each, left to right) --> Running
//!     ^                 | failure, !want                                   | !want
//!     +---- Stopping (stop of each, right to left, 10 retries) <-----------+
//!                       | still runs after all retries
//!                       v Unstoppable: only a reboot keeps it from two owners
//! ```
//!
//! Source: heartbeat 3.0.6, `ResourceManager` (takegroup, givegroup, HA_STOPRETRYMAX);
//! `spec/heartbeat-v1.md` section 1.1

use std::time::Duration;

use super::peer::{Claim, Entry};
use super::work::{Action, WorkResult};
use crate::ids::NodeName;
use crate::time::Instant;

/// Retries of a failed stop. Source: heartbeat 3.0.6, `HA_STOPRETRYMAX`.
pub(super) const STOP_RETRIES_MAX: u32 = 10;

/// Time between them. Source: heartbeat 3.0.6, ResourceManager, `sleep 1`.
const STOP_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// First pause before a group that failed to start is tried here again; doubled each time.
/// Ours: heartbeat never tries again.
const START_RETRY_PAUSE: Duration = Duration::from_secs(30);

/// Longest such pause.
const START_RETRY_PAUSE_MAX: Duration = Duration::from_secs(600);

/// Where the sequence of actions stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// The daemon started: does resource `at` run, as `found` of those before it do?
    Probing { at: usize, found: usize },
    /// Nothing runs.
    Stopped,
    /// Resource `at` is asked for its status (`asking`) or started.
    Starting { at: usize, asking: bool },
    /// All run.
    Running,
    /// Resource `at - 1` is next to be stopped.
    Stopping { at: usize, tries: u32, step: Stop },
    /// It could not be stopped.
    Unstoppable,
}

/// Part of stopping one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Run its `stop`.
    Act,
    /// Wait before the next try.
    Pause(Instant),
    /// Ask its `status` after the last try.
    Check,
}

/// Something the manager should know or say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Notice {
    /// All were found running when the daemon started.
    Adopted,
    /// These were found running, but not all.
    PartlyFound(Vec<String>),
    /// The first action of starting is next.
    Acquiring,
    /// All run.
    Running,
    /// The first action of stopping is next.
    Releasing,
    /// Nothing runs.
    Stopped,
    /// This resource did not start; the group is being stopped.
    Failed {
        resource: String,
        exit: Option<i32>,
        reason: String,
    },
    /// This resource did not stop and is tried again.
    StopRetry { resource: String },
    /// Its stop failed, yet it doesn't run.
    NotCompliant { resource: String },
    /// Its stop failed and it runs.
    Unstoppable { resource: String },
}

/// What comes next for a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Run it and hand its result to [`GroupRun::completed`].
    Act(String, Action),
    /// Say it.
    Notice(Notice),
}

/// One group on this node.
#[derive(Debug, Clone)]
pub(super) struct GroupRun {
    /// Its name among nodes.
    pub key: String,
    /// The preferred node.
    pub node: NodeName,
    /// In the order of starting. Empty for the stand-in of a node that has no group.
    pub resources: Vec<String>,
    /// Whether it should run here.
    pub want: bool,
    /// Whether it does.
    pub run: Run,
    /// Resources that were found running when the daemon started.
    pub found: Vec<String>,
    /// The action that runs now.
    pub busy: Option<(String, Action)>,
    /// What we tell the others.
    pub entry: Entry,
    /// Not started here by itself before this time.
    pub retry_at: Instant,
    /// It goes back to its preferred node once that is there (`auto_failback on`).
    pub failback_due: bool,
    /// Since when `cause` holds, seconds since 1970.
    pub since_unix_s: u64,
    /// Why it is here or isn't.
    pub cause: String,
    /// Not in haresources any more: kept until it is stopped.
    pub orphan: bool,
}

impl GroupRun {
    /// A group that doesn't run.
    pub(super) fn new(key: String, node: NodeName, resources: Vec<String>) -> Self {
        Self {
            key,
            node,
            resources,
            want: false,
            run: Run::Stopped,
            found: Vec::new(),
            busy: None,
            entry: Entry::NONE,
            retry_at: Instant::default(),
            failback_due: false,
            since_unix_s: 0,
            cause: "not started yet".to_owned(),
            orphan: false,
        }
    }

    /// True for the stand-in of a node without groups: it makes "local" and "foreign" mean
    /// something for such a node, as they do for heartbeat.
    pub(super) fn is_stand_in(&self) -> bool {
        self.resources.is_empty()
    }

    /// What we have of it now.
    pub(super) fn claim(&self) -> Claim {
        match (self.run, self.want) {
            (Run::Stopped, false) => Claim::Free,
            (Run::Running, true) => Claim::Held,
            (Run::Stopped | Run::Starting { .. } | Run::Stopping { .. }, true) => Claim::Starting,
            _ => Claim::Stopping,
        }
    }

    /// Asks first whether it runs already: the daemon may have died and left it.
    pub(super) fn probe(&mut self) {
        if !self.is_stand_in() {
            self.run = Run::Probing { at: 0, found: 0 };
        }
    }

    /// The line of haresources, for the log.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.node, self.resources.join(" "))
    }

    /// When [`Self::step`] has something to do though nothing is handed in.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.run {
            Run::Stopping {
                step: Stop::Pause(until),
                ..
            } if self.busy.is_none() => Some(until),
            _ => None,
        }
    }

    /// What is next; call until `None`. Nothing while an action runs.
    pub(super) fn step(&mut self, now: Instant) -> Option<Step> {
        if self.busy.is_some() {
            return None;
        }
        match self.run {
            Run::Probing { at, found } if at == self.resources.len() => {
                Some(Step::Notice(self.probed(found)))
            }
            Run::Probing { at, .. } => Some(self.act(at, Action::Status)),
            Run::Stopped if self.want => {
                self.run = Run::Starting {
                    at: 0,
                    asking: true,
                };
                Some(Step::Notice(Notice::Acquiring))
            }
            Run::Starting { .. } | Run::Running if !self.want => {
                self.run = self.all_to_stop();
                Some(Step::Notice(Notice::Releasing))
            }
            Run::Starting { at, .. } if at == self.resources.len() => {
                self.run = Run::Running;
                self.entry.failures = 0;
                Some(Step::Notice(Notice::Running))
            }
            Run::Starting { at, asking } => {
                let action = if asking {
                    Action::Status
                } else {
                    Action::Start
                };
                Some(self.act(at, action))
            }
            Run::Stopping { at: 0, .. } => {
                self.run = Run::Stopped;
                Some(Step::Notice(Notice::Stopped))
            }
            Run::Stopping { at, tries, step } => self.step_stop(now, at, tries, step),
            Run::Stopped | Run::Running | Run::Unstoppable => None,
        }
    }

    fn step_stop(&mut self, now: Instant, at: usize, tries: u32, step: Stop) -> Option<Step> {
        match step {
            Stop::Act => Some(self.act(at - 1, Action::Stop)),
            Stop::Check => Some(self.act(at - 1, Action::Status)),
            Stop::Pause(until) if now < until => None,
            Stop::Pause(_) => {
                let step = Stop::Act;
                self.run = Run::Stopping { at, tries, step };
                Some(self.act(at - 1, Action::Stop))
            }
        }
    }

    fn act(&mut self, at: usize, action: Action) -> Step {
        let resource = self.resources[at].clone();
        self.busy = Some((resource.clone(), action));
        Step::Act(resource, action)
    }

    /// All resources were asked.
    ///
    /// Of a group that runs in part, an address must not stay, for another node may get it; a
    /// service may be meant to run on each node, and is left alone.
    fn probed(&mut self, found: usize) -> Notice {
        if found == self.resources.len() {
            self.run = Run::Running;
            self.want = true;
            return Notice::Adopted;
        }
        let found = std::mem::take(&mut self.found);
        let address = found.iter().any(|resource| is_address(resource));
        self.run = if address {
            self.all_to_stop()
        } else {
            Run::Stopped
        };
        Notice::PartlyFound(found)
    }

    /// Whatever of it may run is stopped, also what was not started, as heartbeat does.
    fn all_to_stop(&self) -> Run {
        Run::Stopping {
            at: self.resources.len(),
            tries: 0,
            step: Stop::Act,
        }
    }

    /// The action that [`Self::step`] asked for ended.
    pub(super) fn completed(&mut self, now: Instant, result: WorkResult) -> Option<Notice> {
        let (resource, action) = self.busy.take()?;
        match (self.run, action) {
            (Run::Probing { at, found }, _) => {
                let runs = result == WorkResult::Done;
                if runs {
                    self.found.push(resource);
                }
                let found = found + usize::from(runs);
                self.run = Run::Probing { at: at + 1, found };
                None
            }
            (Run::Starting { at, .. }, Action::Status) => {
                let runs = result == WorkResult::Done;
                self.run = Run::Starting {
                    at: if runs { at + 1 } else { at },
                    asking: runs,
                };
                None
            }
            (Run::Starting { at, .. }, _) => self.started(now, at, resource, result),
            (Run::Stopping { at, .. }, Action::Status) => self.stop_checked(at, resource, result),
            (Run::Stopping { at, tries, .. }, _) => {
                self.stopped(now, (at, tries), resource, result)
            }
            _ => None,
        }
    }

    fn started(
        &mut self,
        now: Instant,
        at: usize,
        resource: String,
        result: WorkResult,
    ) -> Option<Notice> {
        let WorkResult::Failed { exit, reason } = result else {
            let (at, asking) = (at + 1, true);
            self.run = Run::Starting { at, asking };
            return None;
        };
        let doublings = self.entry.failures.min(10);
        let pause = START_RETRY_PAUSE * 2u32.pow(doublings);
        self.retry_at = now + pause.min(START_RETRY_PAUSE_MAX);
        self.entry.failures += 1;
        self.want = false;
        self.run = self.all_to_stop();
        Some(Notice::Failed {
            resource,
            exit,
            reason,
        })
    }

    fn stopped(
        &mut self,
        now: Instant,
        (at, tries): (usize, u32),
        resource: String,
        result: WorkResult,
    ) -> Option<Notice> {
        if !matches!(result, WorkResult::Failed { .. }) {
            let (at, tries, step) = (at - 1, 0, Stop::Act);
            self.run = Run::Stopping { at, tries, step };
            return None;
        }
        let again = tries < STOP_RETRIES_MAX;
        self.run = Run::Stopping {
            at,
            tries: tries + 1,
            step: if again {
                Stop::Pause(now + STOP_RETRY_PAUSE)
            } else {
                Stop::Check
            },
        };
        again.then_some(Notice::StopRetry { resource })
    }

    fn stop_checked(&mut self, at: usize, resource: String, result: WorkResult) -> Option<Notice> {
        if result == WorkResult::Done {
            self.run = Run::Unstoppable;
            return Some(Notice::Unstoppable { resource });
        }
        let (at, tries, step) = (at - 1, 0, Stop::Act);
        self.run = Run::Stopping { at, tries, step };
        Some(Notice::NotCompliant { resource })
    }
}

/// Whether a resource is an address: a bare one, or one of heartbeat's address scripts.
fn is_address(resource: &str) -> bool {
    let script = resource.split("::").next().unwrap_or_default();
    let address = script.starts_with(|c: char| c.is_ascii_digit()) && script.contains('.');
    address || matches!(script, "IPaddr" | "IPaddr2" | "IPv6addr")
}

#[cfg(test)]
mod tests;
