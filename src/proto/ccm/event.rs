//! What the membership is told at its start, and what it tells.

use std::time::Duration;

use super::quorum::Plugin;
use crate::ids::NodeName;
use crate::proto::heartbeat::{NodeStatus, Severity};
use crate::wire::ccm::{CcmMessage, Cookie};

/// A node as the node protocol knows it; ping nodes don't count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CcmNode {
    /// Name.
    pub name: NodeName,
    /// Status.
    pub status: NodeStatus,
    /// Weight in votes, see [`Plugin::Weight`].
    pub weight: u32,
}

/// What the machine is told at its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CcmConfig {
    /// Our own name.
    pub local: NodeName,
    /// All nodes, ourselves among them, in any order. Bounds: `limits::HEARTBEAT_NODES_MAX`.
    pub nodes: Vec<CcmNode>,
    /// ha.cf's; all times of the membership are multiples of it.
    pub keepalive: Duration,
    /// Who decides on quorum, in this order.
    pub quorum: Vec<Plugin>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Index in the table of nodes, which is sorted by name.
    pub index: usize,
    /// Name.
    pub name: NodeName,
    /// The instance at which it became a member.
    pub born: u32,
}

/// A membership that its members agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Its number; grows from one to the next.
    pub instance: u32,
    /// Its name: of two with the same number, in parts that don't hear each other, no two have
    /// the same.
    pub cookie: Cookie,
    /// Whether it has quorum.
    pub quorum: bool,
    /// Who made it.
    pub leader: NodeName,
    /// Index of this node.
    pub own: usize,
    /// By index.
    pub members: Vec<Member>,
    /// All nodes by index.
    pub nodes: Vec<NodeName>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// This is the membership from now on; the one before is over. The same one may come again,
    /// with or without quorum.
    Membership(Membership),
    /// The membership is being agreed on anew; the last one holds meanwhile.
    Influx,
    /// This node is no member any more and looks for a membership.
    Evicted,
}

/// What a driver must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send it to the node, or to all; it must come back to us if that is among them.
    Send(Option<NodeName>, CcmMessage),
    /// Tell those above.
    Event(Event),
    /// Tell the others that this node's service left (false) or is back (true), as when the real
    /// daemon ends and is started again.
    Here(bool),
    /// A line for the log.
    Log(Severity, String),
}
