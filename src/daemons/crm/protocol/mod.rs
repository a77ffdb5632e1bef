//! What tools ask of a running CRM, and its answers.
//!
//! `/run/everbeat/crm.sock`, a Unix stream socket. One JSON object a line both ways; answers come
//! in the order in which requests are done, each with the number that its request had. Documents
//! are XML in a string.
//!
//! ```text
//!  tool                                        daemon
//!  hello { version }            -->
//!                               <--            hello { version }, or refused { why }
//!  cib | change | status | …    -->
//!                               <--            an answer each
//!  subscribe                    -->
//!                               <--            done
//!                               <--            changed        once, until cib is asked for again
//! ```

pub mod fencing;

use serde::{Deserialize, Serialize};

/// Path of the socket.
pub const SOCKET: &str = "/run/everbeat/crm.sock";

/// Version of this language; the two ends must speak the same.
pub const VERSION: u32 = 1;

/// Longest line, bytes: a whole CIB in a string.
pub const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A line from a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// The first of a connection.
    Hello {
        /// Its number.
        number: u64,
        /// The version that the tool speaks: [`VERSION`].
        version: u32,
        /// The program.
        #[serde(default)]
        client: String,
    },
    /// The whole CIB, as far as the user may read it.
    Cib {
        /// Its number.
        number: u64,
        /// Read as this user, if whoever asks may do everything.
        user: Option<String>,
    },
    /// The tool wants to be told of changes: a [`Reply::Changed`] comes when the CIB, the members
    /// or the fencing has changed.
    Subscribe {
        /// Its number.
        number: u64,
    },
    /// A change of the CIB.
    Change {
        /// Its number.
        number: u64,
        /// The change.
        change: Box<Change>,
    },
    /// A change of transient attributes.
    Attribute {
        /// Its number.
        number: u64,
        /// `update`, `delay`, `both`, `remove`, `refresh`, `clear`.
        task: String,
        /// The attribute; of `clear` the resource.
        name: String,
        /// The node; none for this one.
        node: Option<String>,
        /// The value; none to remove it; of `clear` the operation.
        value: Option<String>,
        /// Delay of writing; of `clear` the interval, in milliseconds.
        dampening_ms: u64,
        /// Not for the CIB.
        private: bool,
        /// Set of the CIB that a new attribute is in; none for the usual one.
        #[serde(default)]
        set: Option<String>,
    },
    /// Values of an attribute.
    Values {
        /// Its number.
        number: u64,
        /// The attribute.
        name: String,
        /// Of this node only; an empty name stands for the daemon's.
        #[serde(default)]
        node: Option<String>,
    },
    /// Who is there, and how far.
    Status {
        /// Its number.
        number: u64,
    },
    /// The state of a node's controller, as that says it.
    State {
        /// Its number.
        number: u64,
        /// The node, by name.
        node: String,
    },
    /// A resource is forgotten on a node, so that it is probed again.
    Forget {
        /// Its number.
        number: u64,
        /// The node, by name.
        node: String,
        /// The resource.
        resource: String,
    },
    /// A resource has failed on a node, says its administrator.
    Fail {
        /// Its number.
        number: u64,
        /// The node, by name.
        node: String,
        /// The resource.
        resource: String,
    },
    /// Something of the fencer.
    Fencing {
        /// Its number.
        number: u64,
        /// What.
        request: fencing::Ask,
    },
    /// The node leaves the cluster, in order.
    ShutDown {
        /// Its number.
        number: u64,
    },
}

/// A change of the CIB.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// `create`, `modify`, `replace`, `delete`, `patch`, `erase`, `bump`.
    pub operation: String,
    /// Section.
    pub section: Option<String>,
    /// XPath.
    pub xpath: Option<String>,
    /// XML.
    pub input: Option<String>,
    /// Modify makes what is not there.
    pub can_create: bool,
    /// All that the XPath selects.
    pub multiple: bool,
    /// Only tried.
    pub dry_run: bool,
    /// As this user, if whoever asks may do everything.
    pub user: Option<String>,
    /// The program.
    pub client: String,
}

/// How a change ended, by the words of [`crate::cib::Error`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Name of the error.
    pub error: String,
    /// `<failed>` with what was not created.
    pub answer: Option<String>,
}

/// A node, as the CRM sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its id in the CIB.
    pub uuid: String,
}

/// A line from the CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Reply {
    /// The connection stands.
    Hello {
        /// Of the request.
        number: u64,
        /// The version that the daemon speaks.
        version: u32,
        /// The daemon's program.
        program: String,
    },
    /// Something is not as it was. No other one comes before the tool asks for the CIB, so one
    /// that is slow misses nothing and gets no more than it takes.
    Changed,
    /// The CIB.
    Cib {
        /// Of the request.
        number: u64,
        /// XML; none if the user may read nothing.
        cib: Option<String>,
    },
    /// The change was made, or the request is under way.
    Done {
        /// Of the request.
        number: u64,
        /// `nothing`, `status`, `configuration` of a change; else what happens now.
        what: String,
    },
    /// The change was not made.
    Failed {
        /// Of the request.
        number: u64,
        /// Why.
        failed: Failed,
    },
    /// Values, by node.
    Values {
        /// Of the request.
        number: u64,
        /// Node and value, which is empty where it was removed; none if nobody ever set the
        /// attribute.
        values: Option<Vec<(String, String)>>,
    },
    /// Who is there.
    Status {
        /// Of the request.
        number: u64,
        /// `S_IDLE` …
        state: String,
        /// The DC, by name.
        dc: Option<String>,
        /// There is quorum.
        quorate: bool,
        /// This node, by name.
        local: String,
        /// The members.
        members: Vec<Peer>,
    },
    /// The state of a controller.
    State {
        /// Of the request.
        number: u64,
        /// `S_IDLE` …
        state: String,
    },
    /// Of the fencer.
    Fencing {
        /// Of the request.
        number: u64,
        /// Its answer.
        reply: fencing::Answer,
    },
    /// The request can't be granted.
    Refused {
        /// Of the request.
        number: u64,
        /// Why.
        why: String,
    },
}

impl Request {
    /// Its number.
    pub fn number(&self) -> u64 {
        match self {
            Self::Hello { number, .. }
            | Self::Cib { number, .. }
            | Self::Subscribe { number }
            | Self::Change { number, .. }
            | Self::Attribute { number, .. }
            | Self::Values { number, .. }
            | Self::Status { number }
            | Self::State { number, .. }
            | Self::Forget { number, .. }
            | Self::Fail { number, .. }
            | Self::Fencing { number, .. }
            | Self::ShutDown { number } => *number,
        }
    }
}

/// An object as a line with its newline.
pub fn line(object: &impl Serialize) -> String {
    let mut text = serde_json::to_string(object).expect("invariant: strings, numbers, lists only");
    text.push('\n');
    text
}
