//! What the machine wants done, and what it tells.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::State;
use crate::ids::NodeId;
use crate::wire::cursor::ByteOrder;
use crate::wire::totem::{DecodeError, Processor, RingId, Seqno};

/// Bytes of one datagram, shared between the network and the retransmission queue.
pub type Bytes = Arc<[u8]>;

/// What the machine wants done, in this order.
#[derive(Debug, Clone)]
pub enum Output {
    /// Send it to all other nodes. Not to this one: the machine hears itself.
    Multicast(Bytes),
    /// Send it to one node. If that is this one, hand it back at once: the ring has one member.
    Unicast(Processor, Bytes),
    /// Write the number of the ring where it survives a crash, and only then send.
    PersistAndUnicast {
        /// Number of the ring.
        ring_seq: u64,
        /// To whom.
        to: Processor,
        /// What.
        datagram: Bytes,
    },
    /// Throw away what waits in the receive sockets: it is older than our sleep.
    DiscardReceived,
    /// A packet in the order of the ring.
    Deliver(Delivery),
    /// Who is in the ring, in the same order.
    Configuration(Configuration),
    /// For logs and observers.
    Note(Note),
}

/// How far a ring has come. Source: spec totem-wire.md D.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// The last packet that was given out.
    pub delivered: Seqno,
    /// The last of them that all members are known to have: two rounds of the token said so.
    pub stable: Seqno,
}

/// A packet of totempg, in the order of the ring.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Who sent it first.
    pub from: NodeId,
    /// Its number on the ring.
    pub seq: Seqno,
    /// The sender's byte order.
    pub order: ByteOrder,
    datagram: Bytes,
    payload_at: usize,
}

impl Delivery {
    pub(super) fn new(
        (from, seq): (NodeId, Seqno),
        order: ByteOrder,
        (datagram, payload_at): (Bytes, usize),
    ) -> Self {
        Self {
            from,
            seq,
            order,
            datagram,
            payload_at,
        }
    }

    /// What it carries.
    pub fn payload(&self) -> &[u8] {
        self.datagram.get(self.payload_at..).unwrap_or_default()
    }
}

/// Which of the two configurations of a change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The members of the old ring that come along. What is delivered between the two is what
    /// these have of the old ring.
    Transitional,
    /// The new ring.
    Regular,
}

/// Members at one point of the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// Which of the two it is.
    pub phase: Phase,
    /// The old ring if transitional, the new one if regular.
    pub ring: RingId,
    /// Its members, ascending.
    pub members: Vec<Processor>,
    /// In a transitional one: who was in the old ring and doesn't come along.
    pub left: Vec<Processor>,
    /// In a regular one: who wasn't with us in the old ring.
    pub joined: Vec<Processor>,
}

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Transitional => "transitional",
            Phase::Regular => "regular",
        };
        write!(f, "{phase} ring {} members", self.ring)?;
        write_nodes(f, &self.members)?;
        for (what, nodes) in [("left", &self.left), ("joined", &self.joined)] {
            if !nodes.is_empty() {
                write!(f, " {what}")?;
                write_nodes(f, nodes)?;
            }
        }
        Ok(())
    }
}

/// Why a node looks for a new ring. The numbers and words are those of the log.
///
/// Source: corosync 3.1.7, `enum gather_state_from`, `gsfrom_to_msg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// Not all agreed in time.
    ConsensusTimeout = 0,
    /// The token of our ring didn't come.
    TokenLostOperational = 2,
    /// All agreed, and no commit token came.
    CommitTokenLost = 3,
    /// The commit token didn't come again.
    TokenLostCommit = 4,
    /// The token didn't come before the ring was in use.
    TokenLostRecovery = 5,
    /// We get nothing of what the others send.
    FailedToReceive = 6,
    /// A message of another ring.
    ForeignMessageOperational = 7,
    /// The same, and its sender is new to us.
    ForeignMessageGather = 8,
    /// Another ring showed itself.
    MergeOperational = 9,
    /// The same, and its sender is new to us.
    MergeGather = 10,
    /// A join told of somebody new, or gone.
    MergeJoin = 11,
    /// A join told nothing new, but its sender looks for a ring.
    JoinOperational = 12,
    /// A member of the ring that is to be looks for another.
    JoinCommit = 13,
    /// The same, later.
    JoinRecovery = 14,
    /// The interface came or went; the start, too.
    InterfaceChange = 15,
    /// Those above don't come to an end with synchronising. Ours.
    NotInStep = 16,
    /// A message is missing that no member has. Ours.
    Hole = 17,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::ConsensusTimeout => "consensus timeout",
            Self::TokenLostOperational => "The token was lost in the OPERATIONAL state.",
            Self::CommitTokenLost => "The consensus timeout expired.",
            Self::TokenLostCommit => "The token was lost in the COMMIT state.",
            Self::TokenLostRecovery => "The token was lost in the RECOVERY state.",
            Self::FailedToReceive => "failed to receive",
            Self::ForeignMessageOperational => "foreign message in operational state",
            Self::ForeignMessageGather => "foreign message in gather state",
            Self::MergeOperational => "merge during operational state",
            Self::MergeGather => "merge during gather state",
            Self::MergeJoin => "merge during join",
            Self::JoinOperational => "join during operational state",
            Self::JoinCommit => "join during commit state",
            Self::JoinRecovery => "join during recovery",
            Self::InterfaceChange => "interface change",
            Self::NotInStep => "services not synchronized in time",
            Self::Hole => "message that no member has",
        };
        write!(f, "{}({words})", *self as u8)
    }
}

/// Something to be said; as text it is the log's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Another state.
    Entered(State),
    /// GATHER, and why.
    Gather(Reason),
    /// The token is late.
    TokenLate(Duration),
    /// The token is lost.
    TokenLost {
        /// After so long.
        token: Duration,
        /// Consensus takes at most so long.
        consensus: Duration,
    },
    /// A new ring is in use.
    Membership {
        /// Its name.
        ring: RingId,
        /// Who is new.
        joined: Vec<Processor>,
        /// Who is gone.
        left: Vec<Processor>,
        /// Who of them said nothing before.
        without_leave: Vec<Processor>,
    },
    /// Messages that the next members are asked for.
    RetransmitList(Vec<Seqno>),
    /// Nothing of what the others send arrives.
    FailedToReceive,
    /// We were not run for so long.
    Paused(Duration),
    /// Messages of the old ring are sent again for those who miss them.
    Recovering(usize),
    /// A datagram that is none.
    Refused(DecodeError),
    /// A datagram that says what can't be.
    Impossible(&'static str),
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Only for who looks for a fault.
    Debug,
    /// For everybody.
    Notice,
    /// Something is wrong.
    Warning,
    /// Something is broken.
    Error,
}

impl Note {
    /// How much it matters.
    pub fn weight(&self) -> Weight {
        match self {
            Self::Entered(_) | Self::Gather(_) | Self::Recovering(_) => Weight::Debug,
            Self::TokenLate(_) | Self::TokenLost { .. } | Self::Membership { .. } => Weight::Notice,
            Self::RetransmitList(_) | Self::Paused(_) => Weight::Notice,
            Self::Refused(_) | Self::Impossible(_) => Weight::Warning,
            Self::FailedToReceive => Weight::Error,
        }
    }
}

/// Words are corosync 3.1.7's, since scripts look for them.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entered(state) => write!(f, "entering {state} state."),
            Self::Gather(reason) => write!(f, "entering GATHER state from {reason}."),
            Self::TokenLate(late) => {
                write!(f, "Token has not been received in {} ms", late.as_millis())
            }
            Self::TokenLost { token, consensus } => write!(
                f,
                "A processor failed, forming new configuration: token timed out ({}ms), \
                 waiting {}ms for consensus.",
                token.as_millis(),
                consensus.as_millis()
            ),
            Self::Membership { .. } => self.write_membership(f),
            Self::RetransmitList(list) => {
                f.write_str("Retransmit List:")?;
                list.iter().try_for_each(|seq| write!(f, " {:x}", seq.0))
            }
            Self::FailedToReceive => f.write_str("FAILED TO RECEIVE"),
            Self::Paused(pause) => write!(
                f,
                "Process pause detected for {} ms, flushing membership messages.",
                pause.as_millis()
            ),
            Self::Recovering(messages) => {
                write!(
                    f,
                    "{messages} messages of the old ring are sent in recovery."
                )
            }
            Self::Refused(error) => write!(f, "Received a datagram that is dropped: {error}"),
            Self::Impossible(what) => write!(f, "Received a message that is dropped: {what}"),
        }
    }
}

impl Note {
    fn write_membership(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Membership {
            ring,
            joined,
            left,
            without_leave,
        } = self
        else {
            return Ok(());
        };
        write!(f, "A new membership ({ring}) was formed. Members")?;
        for (what, nodes) in [(" joined:", joined), (" left:", left)] {
            if !nodes.is_empty() {
                f.write_str(what)?;
                write_nodes(f, nodes)?;
            }
        }
        if !without_leave.is_empty() {
            f.write_str("\nFailed to receive the leave message. failed:")?;
            write_nodes(f, without_leave)?;
        }
        Ok(())
    }
}

fn write_nodes(f: &mut fmt::Formatter<'_>, nodes: &[Processor]) -> fmt::Result {
    nodes
        .iter()
        .try_for_each(|node| write!(f, " {}", node.node()))
}
