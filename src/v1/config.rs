//! What the resource manager must know before it starts.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::config::ha_cf::AutoFailback;
use crate::config::haresources::Haresources;
use crate::ids::NodeName;

/// What the resource manager must know before it starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Our own name.
    pub local: NodeName,
    /// The configured nodes in the order of ha.cf, ourselves among them, no ping nodes.
    ///
    /// The order decides who takes the groups of a dead node; it must agree on all nodes.
    pub nodes: Vec<NodeName>,
    /// The groups in the order of haresources.
    pub groups: Vec<Group>,
    /// ha.cf `auto_failback`.
    pub auto_failback: AutoFailback,
    /// Whether ha.cf has a `stonith` or a `stonith_host` line for this host.
    pub stonith: bool,
    /// ha.cf `keepalive`.
    pub keepalive: Duration,
    /// ha.cf `deadtime`.
    pub deadtime: Duration,
    /// Our process, for "Heartbeat shutdown in progress. (PID)".
    pub pid: u32,
    /// Types of messages for which the administrator put a script of his own into
    /// `/etc/ha.d/rc.d`; those that everbeat does itself (`status`, `ip-request`,
    /// `ip-request-resp`, `hb_takeover`, `ask_resources`) only if they are not the stock ones.
    pub rc_scripts: BTreeSet<String>,
    /// The ping nodes, if ha.cf has a `respawn` line for ipfail.
    pub ipfail: Option<Vec<NodeName>>,
}

/// One line of haresources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The preferred node.
    pub node: NodeName,
    /// The resources as written, in the order of starting.
    pub resources: Vec<String>,
}

impl Group {
    /// The name under which nodes speak of the group: its first resource.
    pub fn key(&self) -> &str {
        self.resources.first().map_or("", String::as_str)
    }

    /// The groups of a haresources file.
    pub fn list(file: &Haresources) -> Vec<Self> {
        let one = |group: &crate::config::haresources::Group| Self {
            node: group.node.clone(),
            resources: (group.resources.iter().map(|r| r.as_written.clone())).collect(),
        };
        file.groups.iter().map(one).collect()
    }
}
