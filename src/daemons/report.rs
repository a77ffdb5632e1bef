//! The picture of the running daemon that `everbeat status` shows, as data.
//!
//! The daemon fills a [`Report`] on demand and sends it as JSON over the control socket
//! ([`super::control`]). `cli::status` draws it, `everbeat status --json` prints it. Fields that
//! a newer daemon adds are ignored by an older tool, and the other way they take their default.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All that a node knows of its cluster at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Name of the node that reports.
    pub host: String,
    /// Version of the daemon, as `everbeat --version` has it, or `3.0.6` for heartbeat's.
    pub version: String,
    /// Process id of the daemon.
    pub pid: u32,
    /// When the daemon started, seconds since 1970; 0 where that isn't known.
    pub since_unix: u64,
    /// Own status: `init`, `up`, `active`.
    pub local_status: String,
    /// Name of the cluster (`cluster` in ha.cf).
    pub cluster: String,
    /// Messaging layer: `heartbeat`.
    pub layer: String,
    /// What the daemon waits for just now, a sentence each; empty when it is settled.
    pub waiting_for: Vec<String>,
    /// Resources stay as they are, whatever happens: they are about to be handed over to the CRM.
    pub on_hold: bool,
    /// It only guards a cluster that has left heartbeat; none where it doesn't.
    pub guard: Option<GuardReport>,
    /// Groups held, in the word of `cl_status rscstatus`: `all`, `local`, `foreign`, `none`,
    /// `transition`; empty where the CRM has the resources.
    pub resources_held: String,
    /// Nodes in the order of ha.cf, ping nodes too, ourselves too.
    pub nodes: Vec<NodeReport>,
    /// Resource groups in the order of haresources.
    pub groups: Vec<GroupReport>,
    /// The consensus membership; none where this node takes part in none.
    pub membership: Option<MembershipReport>,
    /// Counters of what was dropped and repaired, by name. Of retransmission: requests sent
    /// (`rexmit_requested`), missing messages that came (`rexmit_recovered`) and that never will
    /// (`rexmit_given_up`), messages sent again for others (`rexmit_resent`) and requests for
    /// what is gone (`rexmit_refused`).
    pub counters: BTreeMap<String, u64>,
}

/// What a guard of a cluster that has left heartbeat sees.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardReport {
    /// No node of heartbeat can have resources: the CRM may.
    pub clear: bool,
    /// Nodes that came back as nodes of heartbeat, and have not ended yet.
    pub returned: Vec<String>,
}

/// A node, seen from the one that reports.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeReport {
    /// Its name.
    pub name: String,
    /// `normal` or `ping`.
    pub kind: String,
    /// `init`, `up`, `active`, `dead`, `ping`.
    pub status: String,
    /// When it took that status, seconds since 1970.
    pub status_since_unix: Option<u64>,
    /// What runs there: `everbeat 1` (version of the extensions), `heartbeat`, or empty.
    pub software: String,
    /// Generation of its daemon.
    pub generation: Option<u64>,
    /// Milliseconds since its last heartbeat; none: never heard. Absent for ourselves.
    pub last_heard_ms: Option<u64>,
    /// Silence after which it counts as dead, milliseconds.
    pub dead_after_ms: Option<u64>,
    /// Groups it says it holds: `all`, `local`, `foreign`, `none`, from its own view; of the
    /// reporting node `transition` too. None: it hasn't said, is dead, or the CRM has them.
    pub holds: Option<String>,
    /// The media that lead to it.
    pub links: Vec<LinkReport>,
}

/// A medium between the reporting node and another one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkReport {
    /// Name as in `cl_status listhblinks`: the interface, the tty, the ping node.
    pub name: String,
    /// `bcast`, `ucast`, `mcast`, `serial`, `ping`, …; empty where that isn't known.
    pub medium: String,
    /// True when the node is heard on it.
    pub up: bool,
    /// Milliseconds since the node was last heard on it; none: never.
    pub last_heard_ms: Option<u64>,
    /// By how many milliseconds the next heartbeat on it is overdue; 0: in time.
    pub late_ms: u64,
}

/// A resource group: a line of haresources.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupReport {
    /// Its first resource as written.
    pub key: String,
    /// The node named in haresources.
    pub preferred: String,
    /// All its resources as written, in order.
    pub resources: Vec<String>,
    /// Who holds it; none: nobody. The first of `holders`.
    pub holder: Option<String>,
    /// All who say that they hold it; more than one is a split brain.
    pub holders: Vec<String>,
    /// `running`, `starting`, `stopping`, `stopped`, `failed`; `unknown` beside a heartbeat.
    pub state: String,
    /// When it came into that state, seconds since 1970.
    pub since_unix: Option<u64>,
    /// Why it is where it is, half a sentence: `b is dead`, `hb_standby all on a`.
    pub why: String,
}

/// The consensus membership (heartbeat's ccm), seen from the node that reports.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MembershipReport {
    /// `member`, `in flux` while the next one is being agreed on, `none` before the first.
    pub state: String,
    /// State of the protocol, in heartbeat's words: `CCM_STATE_JOINED`; empty if not known.
    pub phase: String,
    /// Number of the membership.
    pub instance: u32,
    /// Whether it has quorum.
    pub quorum: bool,
    /// Who made it; none where that isn't known.
    pub leader: Option<String>,
    /// Since when, seconds since 1970.
    pub since_unix: Option<u64>,
    /// All nodes by id, members or not.
    pub nodes: Vec<MemberReport>,
}

/// A node of the cluster, in a membership or not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MemberReport {
    /// Its name.
    pub name: String,
    /// Its id: the place of its name among all, from 0.
    pub id: u32,
    /// Whether it is a member.
    pub member: bool,
    /// The instance with which it became one.
    pub born: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_another_version_are_no_error() {
        let report: Report =
            serde_json::from_str(r#"{"host":"a","pid":7,"news":[1],"nodes":[{"name":"b"}]}"#)
                .expect("unknown and missing fields");
        assert_eq!(report.host, "a");
        assert_eq!(report.nodes[0].name, "b");
        assert_eq!(report.nodes[0].last_heard_ms, None);
        assert!(report.groups.is_empty());
    }
}
