//! What carries the CRM's messages and says who is there: one vocabulary for all layers.
//!
//! ```text
//!  the driver's events --handle_*--> MessagingLayer --Event--> controller
//!  the driver <--Output-- MessagingLayer <--send-- controller
//! ```
//!
//! What each of them promises, and nothing above may rely on more:
//!
//! - Members of a membership hear the same messages in the same order, their own too, each once.
//! - Members that go from one membership to the next together have heard the same messages before
//!   it.
//! - What a member hears is with all members, unless the next membership comes with it. So what a
//!   node answered for while its part had quorum isn't lost with that node.
//! - A message that was sent comes back sooner or later, in this membership or a later one, as
//!   long as its sender runs. What one sender sends comes in its order, unless a membership begins
//!   in the midst of a long message.
//! - Nothing is said about a message that a node sent before it died: all or none of those that go
//!   on together hear it.
//!
//! Machines as in [`crate::proto`]: no socket, no clock.

pub mod heartbeat;
mod pieces;
pub mod totem;

use sha2::{Digest, Sha256};

use crate::ids::{MembershipId, NodeId};
use crate::proto::heartbeat::Severity;
use crate::time::{Instant, Now};
use crate::wire::heartbeat as wire;

pub use heartbeat::Heartbeat;
pub use totem::Totem;

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its number in the messaging layer.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Its id in the CIB.
    pub uuid: String,
}

/// Who is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Its number.
    pub id: MembershipId,
    /// Its members, this node too.
    pub members: Vec<Member>,
    /// They are enough to own resources.
    pub quorate: bool,
}

/// What those above hear, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// These are the members from here on; the same ones may come again with or without quorum.
    Membership(Membership),
    /// A message, in its place of the order of all.
    Message {
        /// Who sent it.
        from: NodeId,
        /// What.
        message: Vec<u8>,
    },
    /// A line for the log.
    Log(Severity, String),
}

/// What the driver below must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send it to the group [`totem::GROUP`] on the ring.
    Multicast(Vec<u8>),
    /// Hand it to heartbeat's node protocol, for the node in `dest` or for all.
    Send(Box<wire::Message>),
}

/// The messaging layer that a node is on.
#[derive(Debug)]
pub enum MessagingLayer {
    /// A ring of corosync nodes.
    Totem(Box<Totem>),
    /// heartbeat's media.
    Heartbeat(Box<Heartbeat>),
}

impl MessagingLayer {
    /// This node.
    pub fn local(&self) -> NodeId {
        match self {
            Self::Totem(totem) => totem.local(),
            Self::Heartbeat(heartbeat) => heartbeat.local(),
        }
    }

    /// Sends a message to all members, this node too.
    pub fn send(&mut self, now: Now, message: Vec<u8>) {
        match self {
            Self::Totem(totem) => totem.send(message),
            Self::Heartbeat(heartbeat) => heartbeat.send(now, &message),
        }
    }

    /// This node's CRM ends: nothing is sent after that. A ring's node says so when it leaves.
    pub fn leave(&mut self) {
        match self {
            Self::Totem(_) => {}
            Self::Heartbeat(heartbeat) => heartbeat.leave(),
        }
    }

    /// So many nodes are known to the cluster: what quorum is counted against where nothing else
    /// does that.
    pub fn handle_known_nodes(&mut self, known: usize) {
        match self {
            Self::Totem(totem) => totem.handle_known_nodes(known),
            Self::Heartbeat(_) => {}
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        match self {
            Self::Totem(_) => {}
            Self::Heartbeat(heartbeat) => heartbeat.handle_timeout(now),
        }
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Totem(_) => None,
            Self::Heartbeat(heartbeat) => heartbeat.poll_timeout(),
        }
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        match self {
            Self::Totem(totem) => totem.poll_event(),
            Self::Heartbeat(heartbeat) => heartbeat.poll_event(),
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        match self {
            Self::Totem(totem) => totem.poll_output(),
            Self::Heartbeat(heartbeat) => heartbeat.poll_output(),
        }
    }
}

/// The number of a membership from what tells it from others: the same in every build.
fn membership_id(of: impl IntoIterator<Item = u8>) -> MembershipId {
    let bytes: Vec<u8> = of.into_iter().collect();
    let digest = Sha256::digest(&bytes);
    let first = digest.iter().take(8);
    MembershipId(first.fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
