//! What tools and the resource manager may look at.

use std::time::Duration;

use super::event::{Mode, NodeKind, NodeStatus};
use super::node::Node;
use crate::ids::{Generation, LinkName, NodeName, NodeUuid};
use crate::time::Instant;

/// A picture of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// Name.
    pub name: NodeName,
    /// Runs a daemon or answers pings only.
    pub kind: NodeKind,
    /// Status.
    pub status: NodeStatus,
    /// Since when it has that status.
    pub status_since: Instant,
    /// What runs there.
    pub mode: Mode,
    /// Generation, 0 until the first status.
    pub generation: Generation,
    /// Uuid, nil until the first packet.
    pub uuid: NodeUuid,
    /// Weight.
    pub weight: u32,
    /// Site, may be empty.
    pub site: String,
    /// Silence after which it counts as dead.
    pub dead_after: Duration,
    /// When its last status came.
    pub last_status: Option<Instant>,
    /// When it will count as dead if nothing comes; none for ourselves and the dead.
    pub dead_at: Option<Instant>,
    /// Messages of it that are missing just now.
    pub missing: usize,
    /// The last of its messages in order, none before the first.
    pub seq: Option<u64>,
    /// The highest of our messages that it acknowledged.
    pub acked: u64,
    /// Its links.
    pub links: Vec<LinkView>,
}

/// A picture of one link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkView {
    /// Name.
    pub name: LinkName,
    /// True if it is up.
    pub up: bool,
    /// When a packet came over it last.
    pub last_heard: Option<Instant>,
}

/// How far the start has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartView {
    /// Some nodes were not heard yet.
    Hearing {
        /// Those nodes.
        unheard: Vec<NodeName>,
        /// When they are given up.
        until: Instant,
    },
    /// All nodes spoke or are given up; this one is asked for its list of nodes.
    Asking(NodeName),
    /// Communication is up.
    Up,
    /// We left: nothing is sent any more.
    Left,
}

impl NodeView {
    pub(super) fn of(node: &Node, dead_at: Option<Instant>) -> Self {
        let link = |link: &super::node::Link| LinkView {
            name: link.name.clone(),
            up: link.up,
            last_heard: link.last_heard,
        };
        Self {
            name: node.name.clone(),
            kind: node.kind,
            status: node.status,
            status_since: node.status_since,
            mode: node.mode,
            generation: node.generation,
            uuid: node.uuid,
            weight: node.weight,
            site: node.site.clone(),
            dead_after: node.dead_after,
            last_status: node.last_status,
            dead_at,
            missing: node.sequence.missing_count(),
            seq: node.sequence.last(),
            acked: node.acked,
            links: node.links.iter().map(link).collect(),
        }
    }
}
