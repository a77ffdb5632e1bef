//! What decides where a resource runs.

use serde::Serialize;

/// One thing that counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Cause {
    /// The configuration says that it is stopped; `owner` is where it says so.
    TargetRole { owner: String },
    /// The option `stop-all-resources`.
    StopAll,
    /// The cluster may not touch the resource.
    Unmanaged { owner: Option<String> },
    /// The option `maintenance-mode`.
    Maintenance,
    /// An operation failed, and nothing is done until someone cleans up.
    Blocked { resource: String },
    /// It isn't configured any more.
    Orphan,
    /// The partition has no quorum.
    NoQuorum { policy: String },
    /// Fencing is wanted, but there is no device.
    NoFenceDevice,
    /// A ticket isn't there.
    Ticket {
        ticket: String,
        constraint: Option<String>,
        standby: bool,
    },
    /// It has its place, but something else has to be done first, and can't be.
    Waits {
        resource: Option<String>,
        action: String,
        constraints: Vec<String>,
    },
    /// The node isn't a member.
    Offline,
    /// The node has to be fenced before anything else happens with it.
    Unclean,
    /// The node is a member, but not of the process group yet.
    Pending,
    /// The node is in standby; `failure` if an operation with `on-fail=standby` did it.
    Standby { failure: bool },
    /// The node is in maintenance.
    NodeMaintenance,
    /// The node is being shut down.
    ShuttingDown,
    /// The connection of a remote node isn't up.
    Disconnected { connection: String },
    /// `symmetric-cluster=false`, and no constraint allows the node.
    OptIn,
    /// Another node is the only one where it may be looked for.
    ExclusiveDiscovery,
    /// A location constraint; `constraint` is its id, or that of its rule.
    Location { constraint: String, score: i32 },
    /// Health attributes of the node.
    Health { score: i32 },
    /// It is there now.
    Stickiness { score: i32 },
    /// It failed there; `banned` if too often.
    Failures {
        count: i32,
        threshold: i32,
        banned: bool,
    },
    /// It wants to be with another, or apart from it.
    Colocation {
        constraint: String,
        with: String,
        score: i32,
        at: Vec<String>,
        /// What that is worth on the node.
        effect: i32,
    },
    /// Others that want to be with it add what they want.
    Companions { resources: Vec<String>, score: i32 },
    /// The node has no room.
    Capacity {
        attribute: String,
        needs: i64,
        free: i64,
    },
    /// It waits for its node, which was shut down cleanly.
    ShutdownLock { node: String },
    /// There are as many instances as there may be.
    Instances { max: i32 },
    /// Another node has a better score.
    LowerScore { here: i32, best: i32, node: String },
    /// Scores are equal; the load and then the name decide.
    Tie { node: String },
}

impl Cause {
    /// What it adds to the score of the node, if it is a score.
    pub fn score(&self) -> Option<i32> {
        match self {
            Self::Location { score, .. }
            | Self::Health { score }
            | Self::Stickiness { score }
            | Self::Colocation { effect: score, .. }
            | Self::Companions { score, .. } => Some(*score),
            _ => None,
        }
    }
}
