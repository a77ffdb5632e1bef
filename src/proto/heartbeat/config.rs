//! What the machine is told at its start and on SIGHUP.

use std::time::Duration;

use crate::ids::{Generation, LinkName, NodeName, NodeUuid};

/// Names, times and identity of a node and its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    /// Our own name, in lower case.
    pub local: NodeName,
    /// Our own uuid (`hb_uuid`).
    pub uuid: NodeUuid,
    /// Generation of this start (`hb_generation`), already written to disk.
    pub generation: Generation,
    /// Nodes in the order of ha.cf, our own among them; with autojoin those of hostcache follow.
    pub nodes: Vec<NodeName>,
    /// Ping nodes and ping groups. Each has one link, of its own name.
    pub pings: Vec<NodeName>,
    /// Links over which nodes talk: names of the media that are no ping media, each once.
    pub links: Vec<LinkName>,
    /// Times.
    pub timing: Timing,
    /// Added to the number of nodes for `ttl`.
    pub hopfudge: u8,
    /// Who may join without being configured.
    pub autojoin: Autojoin,
    /// What hostcache says of nodes: uuid, weight, site.
    pub known: Vec<KnownNode>,
    /// Nodes that were deleted (delhostcache).
    pub deleted: Vec<KnownNode>,
    /// Nodes that are to come no further than `up`: they ask for the list of nodes and get none.
    /// As long as there are any, our `dt` is so long that they never call us dead.
    ///
    /// Source: heartbeat 3.0.6, seen: without an answer it stays `up`, and takes nothing but what
    /// a node had that it calls dead.
    pub keep_up: Vec<NodeName>,
}

impl ClusterConfig {
    /// The configuration of a ha.cf with nothing but `node` lines: default times, no links.
    pub fn new(local: NodeName, nodes: Vec<NodeName>) -> Self {
        Self {
            local,
            uuid: NodeUuid::NIL,
            generation: Generation(1),
            nodes,
            pings: Vec::new(),
            links: Vec::new(),
            timing: Timing::default(),
            hopfudge: 1,
            autojoin: Autojoin::None,
            known: Vec::new(),
            deleted: Vec::new(),
            keep_up: Vec::new(),
        }
    }
}

/// The times of ha.cf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Interval of status messages.
    pub keepalive: Duration,
    /// Sent as `dt`: after this silence others call us dead.
    pub deadtime: Duration,
    /// A status later than this draws a warning.
    pub warntime: Duration,
    /// How long we wait at start for nodes that were not heard.
    pub initdead: Duration,
    /// deadtime of ping nodes.
    pub deadping: Duration,
    /// Interval of retransmission requests, and the longest wait before the first.
    pub max_rexmit_delay: Duration,
}

impl Default for Timing {
    /// Source: heartbeat 3.0.6, `heartbeat -D`; initdead follows from deadtime.
    fn default() -> Self {
        Self {
            keepalive: Duration::from_secs(1),
            deadtime: Duration::from_secs(30),
            warntime: Duration::from_secs(15),
            initdead: Duration::from_secs(30),
            deadping: Duration::from_secs(30),
            max_rexmit_delay: Duration::from_millis(250),
        }
    }
}

/// ha.cf's `autojoin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Autojoin {
    /// Only configured nodes; the only one that v1 resource management allows.
    #[default]
    None,
    /// Other nodes may join; our own name must be configured.
    Other,
    /// Any node, our own too.
    Any,
}

/// A line of hostcache or delhostcache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownNode {
    /// Name.
    pub name: NodeName,
    /// Uuid, nil where it was never learnt.
    pub uuid: NodeUuid,
    /// Weight, 100 unless set.
    pub weight: u32,
    /// Site, empty unless set.
    pub site: String,
}

/// Weight of a node for which none was set. Source: heartbeat 3.0.6, `DEFAULT_WEIGHT`.
pub const WEIGHT_DEFAULT: u32 = 100;
