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
    /// This node and its ring.
    Links,
    /// A node is to end.
    Kill {
        /// Its number.
        node: u32,
    },
    /// This node is to end in order.
    ShutDown,
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
    /// Its address, where it is known.
    pub address: Option<String>,
    /// It is in the ring.
    pub member: bool,
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
        /// Address of ring 0.
        address: String,
        /// Bytes of a datagram.
        mtu: u32,
        /// This node.
        node: u32,
        /// All nodes.
        nodes: Vec<Node>,
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
