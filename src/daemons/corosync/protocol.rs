//! What tools ask of a node on a ring, and its answers.
//!
//! `/run/everbeat/corosync.sock`, a Unix stream socket. One JSON object a line both ways; answers
//! come in the order of the requests. Root and who corosync.conf's `uidgid` names may change
//! things; everybody may read.

use serde::{Deserialize, Serialize};

/// Path of the socket.
pub const SOCKET: &str = "/run/everbeat/corosync.sock";

/// Longest line, bytes.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;

/// A line from a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// Quorum, votes, members.
    Quorum,
    /// Other expected votes for the cluster.
    ExpectedVotes {
        /// So many.
        votes: u32,
    },
    /// Other votes for a node.
    Votes {
        /// Its number.
        node: u32,
        /// So many.
        votes: u32,
    },
    /// This node and its rings.
    Links,
    /// Rings that are marked faulty are tried again.
    ReenableRings,
    /// Process groups of the ring.
    Groups,
    /// Keys that begin so.
    Keys {
        /// Of these.
        map: Map,
        /// How they begin.
        prefix: String,
    },
    /// A key is to have a value.
    SetKey {
        /// Both.
        entry: Entry,
    },
    /// A key is to go.
    DeleteKey {
        /// Its name.
        key: String,
    },
    /// Counters begin at 0 again.
    ClearCounters,
    /// Changes of keys are to be told from now on.
    Track {
        /// Of these.
        map: Map,
        /// The key.
        key: String,
        /// It alone, or all that begin so.
        how: How,
    },
    /// A node is to end.
    Kill {
        /// Its number.
        node: u32,
    },
    /// This node is to end in order.
    ShutDown,
    /// All nodes read corosync.conf again; answered when this one did.
    Reload,
    /// Log files are opened anew.
    ReopenLogs,
}

/// A node of the ring, or one of the nodelist that isn't in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its number.
    pub id: u32,
    /// Its votes.
    pub votes: u32,
    /// Its name, where the nodelist has one.
    pub name: Option<String>,
    /// Its addresses, ring 0 first, where they are known.
    pub addresses: Vec<String>,
    /// It is in the ring.
    pub member: bool,
    /// Its quorum device: `NR` for none, else `A,V,NMW`: alive, votes, master wins, or not.
    pub device: String,
}

/// One of the rings that a node sends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// This node's address there.
    pub address: String,
    /// How it is, as 2.x says it; empty where there is but one.
    pub status: String,
}

/// Which keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Map {
    /// Those of the configuration and of the running node.
    Icmap,
    /// Counters.
    Stats,
}

/// Which keys are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The one of this name.
    Exact,
    /// All that begin so.
    Prefix,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The type: `u32`, `str` …
    pub kind: String,
    /// The value as text; one of type bin in hexadecimal digits.
    pub value: String,
}

/// A process in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The group's name, as its clients gave it.
    pub group: Vec<u8>,
    /// Its node.
    pub node: u32,
    /// Its number there.
    pub pid: u32,
    /// The node's address, where it is known.
    pub address: Option<String>,
}

/// The state of the ring and of its votes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    /// This node.
    pub node: u32,
    /// The representative of the ring.
    pub representative: u32,
    /// The ring's number.
    pub ring_seq: u64,
    /// There is a quorum provider: votes count.
    pub provider: bool,
    /// The members may act.
    pub quorate: bool,
    /// Expected votes of this node.
    pub expected: u32,
    /// The highest of all.
    pub highest_expected: u32,
    /// Votes of the members.
    pub total: u32,
    /// Votes that are needed.
    pub quorum: u32,
    /// `2Node`, `WaitForAll` …
    pub flags: Vec<String>,
    /// All nodes.
    pub nodes: Vec<Node>,
}

/// A line from the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Reply {
    /// As it is.
    Quorum(Box<Quorum>),
    /// This node and its ring.
    Links {
        /// `udp`, `udpu`.
        transport: String,
        /// The rings, by number.
        links: Vec<Link>,
        /// Bytes of a datagram.
        mtu: u32,
        /// This node.
        node: u32,
        /// All nodes.
        nodes: Vec<Node>,
    },
    /// Process groups of the ring.
    Groups {
        /// Their processes, by group.
        processes: Vec<Process>,
    },
    /// Keys.
    Keys {
        /// In the order of their names.
        keys: Vec<Entry>,
    },
    /// A key that is watched is new.
    Created {
        /// As it is.
        entry: Entry,
    },
    /// A key that is watched has another value.
    Modified {
        /// As it is now.
        entry: Entry,
    },
    /// A key that is watched is gone.
    Deleted {
        /// As it was.
        entry: Entry,
    },
    /// It was done, or is under way.
    Done,
    /// It can't be done.
    Refused {
        /// Name of the error, as the original has it: `CS_ERR_INVALID_PARAM`.
        error: String,
    },
}

/// An object as a line with its newline.
pub fn line(object: &impl Serialize) -> String {
    let mut text = serde_json::to_string(object).expect("invariant: strings, numbers, lists only");
    text.push('\n');
    text
}
