//! What the node protocol tells those above and below it.

use std::fmt;
use std::time::Duration;

use crate::ids::{Generation, LinkName, NodeName};
use crate::wire::heartbeat::Message;

/// Status of a node, in the words of `status.st` and `cl_status nodestatus`.
///
/// Source: heartbeat 3.0.6, `spec/heartbeat-wire.md` section 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeStatus {
    /// In the table, never heard.
    Init,
    /// Sends heartbeats, not everything is ready.
    Up,
    /// Communication is up, clients and resources run.
    Active,
    /// Declared dead by us; never sent.
    Dead,
    /// A ping node that answers.
    Ping,
}

impl NodeStatus {
    /// The word on the wire and in tools.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Up => "up",
            Self::Active => "active",
            Self::Dead => "dead",
            Self::Ping => "ping",
        }
    }
}

impl fmt::Display for NodeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Kind of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// Runs a daemon.
    Normal,
    /// Only answers pings (`ping`, `ping_group`, `ping6`).
    Ping,
}

/// What runs on a peer, as far as we can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// No status heard yet.
    Unknown,
    /// A real heartbeat: its status carries no mark of ours.
    Heartbeat,
    /// everbeat: its status carries field `everbeat` with the version of our extensions.
    Everbeat(u32),
}

/// A change of a node's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeChange {
    /// The node.
    pub node: NodeName,
    /// Whether it is a ping node.
    pub kind: NodeKind,
    /// What runs on it, from its last status; our own node counts as [`Mode::Everbeat`].
    pub mode: Mode,
    /// Status before.
    pub was: NodeStatus,
    /// Status now.
    pub status: NodeStatus,
    /// Why, when it is [`NodeStatus::Dead`].
    pub cause: Option<DeathCause>,
}

/// Why a node counts as dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeathCause {
    /// Nothing heard for this long (its announced dead time or deadping).
    Silent(Duration),
    /// Never heard since our start, which was this long ago (initdead).
    NeverHeard(Duration),
}

/// A change of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkChange {
    /// The node at its other end (ourselves on a broadcast medium too).
    pub node: NodeName,
    /// The link.
    pub link: LinkName,
    /// True when it came up.
    pub up: bool,
}

/// How communication came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommUp {
    /// True if each configured node spoke; false if some were given up after initdead.
    pub complete: bool,
}

/// A message for those above, after all rules of order, identity and address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The sender: a name of the table.
    pub from: NodeName,
    /// True for our own message, looped back before it is put on the media.
    pub local: bool,
    /// The message with its common fields.
    pub message: Message,
}

/// What happened, for the resource manager, the clients' API, the status picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message addressed to us or to all. Never those that are the node protocol's own
    /// affair: acks, rexmits, lists of nodes; a `status` only where it changed a node's status
    /// (after its [`Event::Node`]).
    Deliver(Delivery),
    /// A node's status changed (our own too).
    Node(NodeChange),
    /// A link changed.
    Link(LinkChange),
    /// All configured nodes have spoken or are given up, and the node lists were exchanged:
    /// our status is `active` from here.
    CommUp(CommUp),
    /// A node started again without our having declared it dead: its generation grew.
    Restarted {
        /// The node.
        node: NodeName,
        /// Its new generation.
        generation: Generation,
    },
    /// A node that we had declared dead speaks again with its old generation. Comes before
    /// its [`Event::Node`].
    Healed {
        /// The node.
        node: NodeName,
    },
    /// We were not run for this long; nobody was declared dead for it.
    Asleep(Duration),
    /// Clients may send (`false`) or must wait (`true`): peers lag behind with their acks.
    FlowControl(bool),
    /// The set of configured nodes changed (addnode, delnode, repnodes, autojoin).
    NodesChanged,
    /// We ourselves were deleted from the cluster by `delnode`.
    Deleted,
}

/// Level of a log line, in heartbeat's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// `debug`
    Debug,
    /// `info`
    Info,
    /// `notice`
    Notice,
    /// `WARN`
    Warning,
    /// `ERROR`
    Error,
    /// `CRIT`
    Critical,
}

/// What a driver of the machine must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Seal it and put it on every medium; ping media take only `status` and send their own echo.
    Transmit(Message),
    /// Hand it to those above.
    Event(Event),
    /// A line for the log, in heartbeat's words where it has them.
    Log(Severity, String),
    /// Write hostcache and delhostcache (only where autojoin is on).
    StoreNodes,
}
