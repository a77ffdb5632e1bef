//! What the resource manager asks of its driver, and what it is told.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::NodeName;
use crate::proto::heartbeat::Severity;
use crate::wire::heartbeat::Message;

/// Which groups, seen from the node that speaks.
///
/// Source: heartbeat 3.0.6, field `rsc_hold`, words of `hb_standby`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Its own groups: those whose preferred node it is.
    Local,
    /// The groups of others.
    Foreign,
    /// Both.
    All,
}

impl Side {
    /// The word of `rsc_hold` and of the tools.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Foreign => "foreign",
            Self::All => "all",
        }
    }

    /// The side of that word, as in `rsc_hold`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "local" => Some(Self::Local),
            "foreign" => Some(Self::Foreign),
            "all" => Some(Self::All),
            _ => None,
        }
    }

    /// The same groups seen from the other of two nodes.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Local => Self::Foreign,
            Self::Foreign => Self::Local,
            Self::All => Self::All,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Number of a piece of work, unique for the life of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkId(pub u64);

/// Action of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Make it run here.
    Start,
    /// Make it not run here.
    Stop,
    /// Ask whether it runs here.
    Status,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Status => "status",
        })
    }
}

/// A thing to do outside; the driver answers each with one [`WorkResult`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Run one action of one resource, as written in haresources (`IPaddr2::10.0.0.5/24`).
    Resource {
        /// The resource as written.
        resource: String,
        /// What to do.
        action: Action,
    },
    /// Reset a node with the configured STONITH device.
    Stonith {
        /// The node.
        node: NodeName,
    },
    /// Run `/etc/ha.d/rc.d/TYPE` for a message, its fields in the environment as `HA_…`.
    RcScript {
        /// The message.
        message: Message,
    },
    /// Send the gratuitous announcements of an address that we own once more.
    Announce {
        /// The resource as written.
        resource: String,
    },
}

/// How a piece of work ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkResult {
    /// The resource's action succeeded; for `status`: it runs here.
    Done,
    /// For `status`: it doesn't run here.
    NotRunning,
    /// It failed.
    Failed {
        /// Exit code, if it ended by itself.
        exit: Option<i32>,
        /// Its last words or the reason, one line.
        reason: String,
    },
}

/// What an operator or a client asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `hb_standby`: give these away.
    Standby(Side),
    /// `hb_takeover`: get these.
    Takeover(Side),
    /// Give everything up and end (`heartbeat -k`, SIGTERM).
    Shutdown,
}

/// What the driver of the machine must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send to all (`dest` absent) or to the node in `dest`, through the node protocol.
    Send(Message),
    /// Do it; answer with the number.
    Run(WorkId, Work),
    /// A line for the log.
    Log(Severity, String),
    /// All is released and said: the daemon may end.
    Released,
    /// A resource could not be stopped: the machine must be rebooted at once, as ungracefully
    /// as heartbeat does, for only that keeps the resource from two owners.
    Reboot {
        /// Why.
        reason: String,
    },
}
