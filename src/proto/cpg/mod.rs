//! Closed process groups: who is in which, and what they say, in one order on all nodes.
//!
//! ```text
//!  client: join, leave, send     -> Output::Send -> the ring
//!  the ring: handle_message      -> Output::Event(client, Change | Message)
//!  a change of members: begin_sync, sync_messages, ... , activate -> Change
//! ```
//!
//! Nothing acts before it comes back in the order of the ring, a client's own join too.
//!
//! Source: spec corosync-services.md 3; corosync 3.1.7, exec/cpg.c

mod client;
mod handle;
mod sync;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::ids::NodeId;
use crate::wire::cluster::{Cpg, CpgName, PartialKind, Reason};

pub use client::Refused;

/// Longest message that is sent in one piece; a longer one is cut into parts of this length.
/// Units: bytes. Source: corosync 3.1.7, lib/cpg.c: a mebibyte less a kibibyte
pub const PIECE_BYTES_MAX: usize = 1024 * 1024 - 1024;

/// A client of this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// A process in a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its node.
    pub node: NodeId,
    /// Its number there.
    pub pid: u32,
    /// The group.
    pub group: CpgName,
}

/// A process that joined or left, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Its node.
    pub node: NodeId,
    /// Its number there.
    pub pid: u32,
    /// Why.
    pub reason: Reason,
}

/// What a client is told, in the order of the ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The group changed.
    Change {
        /// The group.
        group: CpgName,
        /// Who is in it now: node and process, ascending.
        members: Vec<(NodeId, u32)>,
        /// Who left it.
        left: Vec<Moved>,
        /// Who joined it.
        joined: Vec<Moved>,
    },
    /// A message to the group, or a part of one.
    Message {
        /// The group.
        group: CpgName,
        /// Who sent it.
        node: NodeId,
        /// And which process.
        pid: u32,
        /// Which part it is, and how long all are together; absent for a whole message.
        part: Option<(PartialKind, u32)>,
        /// What it says.
        data: Arc<[u8]>,
    },
}

/// What the machine wants done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send it to all, this node too.
    Send(Cpg),
    /// Tell a client.
    Event(ClientId, Event),
}

/// How far a client is into its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Membership {
    JoinStarted,
    Joined,
    LeaveStarted,
}

#[derive(Debug)]
struct Client {
    pid: u32,
    group: CpgName,
    membership: Membership,
    /// Changes it was told of: a message in parts must not be cut by one.
    changes: u64,
    /// `changes` at the first part of a message that isn't whole yet.
    parts_since: Option<u64>,
}

impl Client {
    fn hears(&self, group: &CpgName) -> bool {
        self.group == *group && self.membership != Membership::JoinStarted
    }
}

/// The groups of a cluster, as one node knows them.
#[derive(Debug)]
pub struct Machine {
    node: NodeId,
    clients: BTreeMap<ClientId, Client>,
    processes: BTreeSet<Process>,
    /// Members of the ring when groups were in step last.
    members: Vec<NodeId>,
    /// Those that come next, and who of the old ones is gone.
    next: Vec<NodeId>,
    left: Vec<NodeId>,
    /// Processes that others named in the synchronisation.
    named: BTreeSet<Process>,
    outputs: VecDeque<Output>,
    /// Sorts before all names.
    no_name: CpgName,
}

impl Machine {
    /// A node without clients.
    pub fn new(node: NodeId) -> Self {
        Self {
            node,
            clients: BTreeMap::new(),
            processes: BTreeSet::new(),
            members: Vec::new(),
            next: Vec::new(),
            left: Vec::new(),
            named: BTreeSet::new(),
            outputs: VecDeque::new(),
            no_name: CpgName::default(),
        }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// All processes that are known, ascending.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.processes.iter()
    }

    fn send(&mut self, message: Cpg) {
        self.outputs.push_back(Output::Send(message));
    }
}
