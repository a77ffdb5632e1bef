//! What tools ask of the fencer, and its answers: [`super::Request::Fencing`],
//! [`super::Reply::Fencing`].
//!
//! ```text
//!  devices | targets | history  -->
//!                               <--            devices | targets | history
//!  fence | confirm | monitor …  -->            one answer, when it is over, good or bad:
//!                               <--            ended
//! ```
//!
//! Who may look at the CIB may ask; what changes something is for root and hacluster, others get
//! a [`super::Reply::Refused`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Ask {
    /// Devices of the daemon's node that can fence a node, by name or number. Answer:
    /// [`Answer::Devices`].
    Devices {
        /// The node; without one the answer is all devices that the daemon's node has registered.
        target: Option<String>,
        /// How long devices may take to say so, in milliseconds; none for the usual time.
        timeout_ms: Option<u64>,
    },
    /// Nodes that a device can fence. Answer: [`Answer::Targets`], or [`Answer::Ended`] if the
    /// device can't say.
    Targets {
        /// The device.
        device: String,
        /// How long it may take, in milliseconds.
        timeout_ms: Option<u64>,
    },
    /// Whether a device works. Answer: [`Answer::Ended`].
    Monitor {
        /// The device.
        device: String,
        /// How long it may take, in milliseconds.
        timeout_ms: Option<u64>,
    },
    /// State of the port of a node at a device: ends with 0 if it is on, 2 if it is off. Answer:
    /// [`Answer::Ended`].
    Status {
        /// The device.
        device: String,
        /// The node.
        target: String,
        /// How long it may take, in milliseconds.
        timeout_ms: Option<u64>,
    },
    /// A node is to be fenced, or given back its resources. Answer: [`Answer::Ended`], when it is
    /// over.
    Fence {
        /// The node, by name or number.
        target: String,
        /// `reboot`, `off`, `on`.
        action: String,
        /// How long it may take, in milliseconds.
        timeout_ms: u64,
        /// Nothing is done if the same was done so short ago, in milliseconds.
        #[serde(default)]
        tolerance_ms: u64,
        /// How long to wait before, in seconds, besides the delays of the devices; -1 for no
        /// delay at all.
        #[serde(default)]
        delay_s: i64,
        /// The program, with its tag or process: `stonith_admin.123`.
        client: String,
    },
    /// A person says that a node is certainly down. Answer: [`Answer::Ended`].
    Confirm {
        /// The node, by name or number.
        target: String,
        /// The program.
        client: String,
    },
    /// What was fenced, newest first, with what is under way. Answer: [`Answer::History`].
    History {
        /// Of this node; none for all.
        target: Option<String>,
        /// The daemon first asks all others for what they know.
        broadcast: bool,
    },
    /// All nodes forget what is over. Answer: [`Answer::Ended`].
    Cleanup {
        /// Of this node; none for all.
        target: Option<String>,
    },
    /// The daemon's node has a device besides those of the CIB, until it ends. Answer:
    /// [`Answer::Ended`].
    Register {
        /// Its id.
        device: String,
        /// The agent: `fence_xvm`.
        agent: String,
        /// Its parameters.
        parameters: BTreeMap<String, String>,
    },
    /// The daemon's node has a device no more. Answer: [`Answer::Ended`].
    Deregister {
        /// Its id.
        device: String,
    },
    /// The daemon's node has a level besides those of the CIB, until it ends. Answer:
    /// [`Answer::Ended`].
    RegisterLevel {
        /// Whom it is for.
        target: LevelTarget,
        /// Its place, 1 to 9.
        index: u32,
        /// All of them have to do it, in this order.
        devices: Vec<String>,
    },
    /// The daemon's node has a level no more. Answer: [`Answer::Ended`].
    DeregisterLevel {
        /// Whom it is for.
        target: LevelTarget,
        /// Its place, 1 to 9; none for all.
        index: Option<u32>,
    },
}

/// Nodes that a level is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LevelTarget {
    /// One, by name.
    Node(String),
    /// All whose names match a regular expression.
    Pattern(String),
    /// All with an attribute of this value.
    Attribute {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

/// What the fencer answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Answer {
    /// Ids of devices.
    Devices {
        /// In the order of the alphabet, each once.
        devices: Vec<String>,
    },
    /// What a device can fence.
    Targets {
        /// The lines that its agent printed, or what its host list and map name.
        targets: Vec<String>,
    },
    /// The history.
    History {
        /// Newest first.
        entries: Vec<Entry>,
    },
    /// It is over.
    Ended {
        /// 0 if all is well, else as an agent returns it.
        exit: i32,
        /// Status of execution, as in a history of resources: 0 done, 2 time-out, 4 error, 7 the
        /// agent is not installed, 9 not possible now, 10 no such device, or none that can.
        status: i32,
        /// Why not, in the device's last words or the fencer's.
        reason: String,
    },
}

/// A fencing of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, the same on all nodes.
    pub id: String,
    /// The node.
    pub target: String,
    /// `reboot`, `off`, `on`.
    pub action: String,
    /// The node whose device did it; `a human` for a confirmation.
    pub delegate: Option<String>,
    /// The node where it was asked for.
    pub origin: String,
    /// The program that asked.
    pub client: String,
    /// How far it is.
    pub state: EntryState,
    /// When it was over, seconds since 1970; 0 before.
    pub completed_s: u64,
    /// 0 if it is well, as an agent returns it.
    pub exit: i32,
    /// Status of execution.
    pub status: i32,
    /// Why not.
    pub reason: String,
}

/// How far a fencing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// The nodes are asked who can.
    Querying,
    /// It is being done.
    Executing,
    /// It was done.
    Done,
    /// Another one that does the same counts for this one, too.
    Duplicate,
    /// It could not be done.
    Failed,
}
