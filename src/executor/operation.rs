//! What the executor is asked for, and what it tells.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Exit, Status};
use crate::ids::ResourceName;
use crate::time::Instant;

/// Number of a request, in the order they came; `call-id` of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CallId(pub u32);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Number of one run of an agent: a recurring operation has many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// What sort of program carries out a resource's operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A resource agent of a provider.
    Ocf,
    /// An init script.
    Lsb,
    /// A unit of systemd.
    Systemd,
    /// Whichever of the two is there.
    Service,
    /// A script of haresources.
    Heartbeat,
    /// A fence device; the fencer carries it out.
    Stonith,
    /// A check of nagios that stands for a service elsewhere.
    Nagios,
    /// A job of upstart. It is read so that its operations end with a result: not installed.
    Upstart,
}

impl Class {
    /// The class with this name in a CIB.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [
            Self::Ocf,
            Self::Lsb,
            Self::Systemd,
            Self::Service,
            Self::Heartbeat,
            Self::Stonith,
            Self::Nagios,
            Self::Upstart,
        ];
        all.into_iter().find(|class| class.as_str() == word)
    }

    /// Its name in a CIB.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ocf => "ocf",
            Self::Lsb => "lsb",
            Self::Systemd => "systemd",
            Self::Service => "service",
            Self::Heartbeat => "heartbeat",
            Self::Stonith => "stonith",
            Self::Nagios => "nagios",
            Self::Upstart => "upstart",
        }
    }
}

/// What a resource is an instance of: `ocf:heartbeat:IPaddr2`, `systemd:nginx`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Agent {
    /// The sort of program.
    pub class: Class,
    /// Who provides it; only `ocf` has providers.
    pub provider: Option<Arc<str>>,
    /// Its name, `type` in a CIB.
    pub name: Arc<str>,
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class.as_str())?;
        if let Some(provider) = &self.provider {
            write!(f, ":{provider}")?;
        }
        write!(f, ":{}", self.name)
    }
}

/// Which operation of which resource. Two with the same key are one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Of this resource.
    pub resource: ResourceName,
    /// `start`, `stop`, `monitor` …
    pub action: Arc<str>,
    /// Zero: once.
    pub interval: Duration,
}

impl Key {
    /// True if it is done again and again.
    pub fn is_recurring(&self) -> bool {
        !self.interval.is_zero()
    }
}

impl fmt::Display for Key {
    /// As logs have it: `db_monitor_10000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.interval.as_millis();
        write!(f, "{}_{}_{ms}", self.resource, self.action)
    }
}

/// Parameters by name, those that start with `CRM_meta_` too.
pub type Parameters = Arc<BTreeMap<String, String>>;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Which.
    pub key: Key,
    /// How long a run may take.
    pub timeout: Duration,
    /// How long to wait before the first run.
    pub start_delay: Duration,
    /// For the agent.
    pub parameters: Parameters,
    /// The asker's mark, told with the result: the transition key.
    pub transition_key: String,
}

/// What came of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What the agent said.
    pub exit: Exit,
    /// Whether it could.
    pub status: Status,
    /// Why, in the agent's words or ours.
    pub reason: Option<String>,
    /// What it wrote, bounded by the driver.
    pub output: String,
}

/// A result that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// Of this request.
    pub call: CallId,
    /// The request.
    pub operation: Operation,
    /// What came of it.
    pub outcome: Outcome,
    /// When the last run began, seconds since 1970; zero if there was none.
    pub last_run_s: u64,
    /// When the exit code became what it is, seconds since 1970.
    pub last_change_s: u64,
    /// How long the last run took.
    pub exec_time: Duration,
    /// How long it had waited for its turn.
    pub queue_time: Duration,
}

/// A request on its way.
#[derive(Debug, Clone)]
pub(super) struct Command {
    pub(super) call: CallId,
    pub(super) operation: Operation,
    /// Since when it waits for its turn.
    pub(super) queued_at: Instant,
    pub(super) queue_time: Duration,
    pub(super) last_run_s: u64,
    pub(super) last_change_s: u64,
    /// The exit code of the last run.
    pub(super) exit: Option<Exit>,
    /// What was told last.
    pub(super) told: Option<(Exit, Status)>,
}

impl Command {
    pub(super) fn new(call: CallId, operation: Operation, now: Instant) -> Self {
        Self {
            call,
            operation,
            queued_at: now,
            queue_time: Duration::ZERO,
            last_run_s: 0,
            last_change_s: 0,
            exit: None,
            told: None,
        }
    }

    /// The same operation was asked for again: it serves the new request from now on.
    pub(super) fn merge(&mut self, call: CallId, operation: Operation) {
        self.call = call;
        self.operation = operation;
        self.told = None;
    }

    pub(super) fn completed(&self, outcome: Outcome, exec_time: Duration) -> Completed {
        Completed {
            call: self.call,
            operation: self.operation.clone(),
            outcome,
            last_run_s: self.last_run_s,
            last_change_s: self.last_change_s,
            exec_time,
            queue_time: self.queue_time,
        }
    }
}

impl Outcome {
    pub(super) fn cancelled() -> Self {
        Self {
            exit: Exit::ERROR,
            status: Status::Cancelled,
            reason: None,
            output: String::new(),
        }
    }
}
