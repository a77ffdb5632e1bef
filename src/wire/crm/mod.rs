//! What everbeat's nodes tell one another above the messaging layer: the CRM's own messages.
//!
//! ```text
//!  offset width
//!  0      2     "EB"
//!  2      1     format, 1
//!  3      1     kind
//!  4      …     fields of the kind, integers with the lowest byte first; a text is its length
//!               (4 bytes) and its bytes, one that may be missing has its length plus 1, or 0
//! ```
//!
//! A newer node may add fields at the end of a kind: what follows the known ones is passed over.
//! It may add kinds: they are an error of their own, [`CrmError::UnknownKind`], and not acted on.
//! Documents travel as XML; whoever uses them reads them with the limits of `cib`.
//!
//! Messages reach all members in one order, the sender too; the layer below has authenticated
//! them and tells who sent them.

mod attribute;
mod fencing;
mod fields;
mod request;
mod vigil;
mod vote;

pub use attribute::{AttributeChange, AttributeTask, AttributeValue};
pub use fencing::{
    Capable, FenceQuery, FenceRecord, FenceResult, FenceStart, FenceState, FenceTicket, FenceableBy,
};
pub use request::{Invoke, OperationKind, Request, RequestFlags};
pub use vigil::Vigil;
pub use vote::{Confirm, Generation, Vote};

use crate::ids::{MembershipId, NodeId};
use crate::wire::cursor::{ByteOrder, Reader, Truncated, Writer};
use fields::Fields;

/// The first bytes of each message.
const MAGIC: &[u8; 2] = b"EB";

/// The format that is written, and the only one that is read.
const FORMAT: u8 = 1;

/// A message that can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CrmError {
    /// It doesn't begin as ours do.
    #[error("not a message of the CRM")]
    Foreign,
    /// It is of another format.
    #[error("message of format {0}, this node reads format 1: run the same version on all nodes")]
    Format(u8),
    /// It ends before its fields.
    #[error("{0}")]
    Truncated(#[from] Truncated),
    /// A kind that isn't known here.
    #[error("message of unknown kind {0}")]
    UnknownKind(u8),
    /// A field has a value that it can't have.
    #[error("{field} can't be {value}")]
    BadValue {
        /// Of this field.
        field: &'static str,
        /// The value.
        value: u64,
    },
    /// A text isn't UTF-8.
    #[error("{0} is no text")]
    NotText(&'static str),
}

/// What a node tells the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Who it is, what it has, whom it follows: sent when the membership changes.
    Vote(Vote),
    /// The CIB that the members of a membership begin with.
    Sync {
        /// Of this membership.
        membership: MembershipId,
        /// The whole document.
        cib: String,
    },
    /// A change of the CIB, which every member makes when it comes.
    Request(Request),
    /// It has the CIB of the membership and is ready to work for the DC.
    Confirm(Confirm),
    /// The DC wants something done on a node.
    Invoke(Invoke),
    /// Transient attributes change.
    Attribute(AttributeChange),
    /// All values that a node knows, for those that joined.
    AttributeSync(Vec<AttributeValue>),
    /// The DC found that CIBs differ: all vote again.
    Recount,
    /// The DC asks for the digests of all CIBs.
    Ping {
        /// Its number of this question.
        number: u64,
    },
    /// An answer to [`Self::Ping`].
    Pong {
        /// The number of the question.
        number: u64,
        /// What the sender has.
        generation: Generation,
    },
    /// A tool of the sender's node asks for the state of a node's controller.
    StateWanted {
        /// The sender's number of this question.
        number: u64,
        /// This node's.
        node: NodeId,
    },
    /// An answer to [`Self::StateWanted`].
    StateTold {
        /// Who asked.
        asker: NodeId,
        /// The number of the question.
        number: u64,
        /// `S_IDLE` …
        state: String,
    },
    /// The sender wants to leave: its resources should go away first.
    ShutdownWanted,
    /// The DC tells a node that it may leave.
    ShutdownGranted {
        /// This node.
        node: NodeId,
    },
    /// An action of a transition is done that leaves nothing in a history.
    Acknowledge {
        /// Mark of the action.
        transition_key: String,
        /// What the agent said.
        exit: i32,
        /// Status of execution, as in a history.
        status: i32,
    },
    /// Who can fence a node?
    FenceQuery(FenceQuery),
    /// An answer to it.
    FenceableBy(FenceableBy),
    /// A node is to fence.
    FenceStart(FenceStart),
    /// What came of it.
    FenceResult(FenceResult),
    /// What the sender knows of earlier fencing, for those that joined.
    FenceHistory(Vec<FenceRecord>),
    /// All nodes tell what they know of earlier fencing.
    FenceHistoryWanted,
    /// All nodes forget the fencing that is over, of one node or of all.
    FenceCleanup {
        /// The node, by name.
        target: Option<String>,
    },
    /// A node with a watchdog tells that it is there, or it is answered.
    Vigil(Vigil),
    /// Something for the journal of every member, as JSON.
    Noted(String),
    /// How busy the sender is, and how much it does at once at most.
    Throttle {
        /// 0 for not at all, to 4.
        mode: u8,
        /// Operations.
        jobs_max: u32,
    },
}

impl Message {
    /// Appends its bytes.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, ByteOrder::Little);
        writer.bytes(MAGIC);
        writer.u8(FORMAT);
        writer.u8(self.kind());
        match self {
            Self::Vote(vote) => vote.encode(&mut writer),
            Self::Sync { membership, cib } => {
                writer.u64(membership.0);
                fields::put_text(&mut writer, cib);
            }
            Self::Request(request) => request.encode(&mut writer),
            Self::Confirm(confirm) => confirm.encode(&mut writer),
            Self::Invoke(invoke) => invoke.encode(&mut writer),
            Self::Attribute(change) => change.encode(&mut writer),
            Self::AttributeSync(values) => {
                fields::put_list(&mut writer, values, AttributeValue::encode);
            }
            Self::Ping { number } => writer.u64(*number),
            Self::Pong { number, generation } => {
                writer.u64(*number);
                generation.encode(&mut writer);
            }
            Self::StateWanted { number, node } => {
                writer.u64(*number);
                writer.u32(node.0);
            }
            Self::StateTold {
                asker,
                number,
                state,
            } => {
                writer.u32(asker.0);
                writer.u64(*number);
                fields::put_text(&mut writer, state);
            }
            Self::ShutdownWanted | Self::Recount | Self::FenceHistoryWanted => {}
            Self::ShutdownGranted { node } => writer.u32(node.0),
            Self::Acknowledge {
                transition_key,
                exit,
                status,
            } => {
                fields::put_text(&mut writer, transition_key);
                writer.i32(*exit);
                writer.i32(*status);
            }
            Self::FenceQuery(query) => query.encode(&mut writer),
            Self::FenceableBy(answer) => answer.encode(&mut writer),
            Self::FenceStart(start) => start.encode(&mut writer),
            Self::FenceResult(result) => result.encode(&mut writer),
            Self::FenceHistory(records) => {
                fields::put_list(&mut writer, records, FenceRecord::encode);
            }
            Self::FenceCleanup { target } => fields::put_optional(&mut writer, target.as_deref()),
            Self::Vigil(vigil) => vigil.encode(&mut writer),
            Self::Noted(text) => fields::put_text(&mut writer, text),
            Self::Throttle { mode, jobs_max } => {
                writer.u8(*mode);
                writer.u32(*jobs_max);
            }
        }
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    /// True for what the fencers tell one another.
    pub fn is_fencing(&self) -> bool {
        matches!(
            self,
            Self::FenceQuery(_)
                | Self::FenceableBy(_)
                | Self::FenceStart(_)
                | Self::FenceResult(_)
                | Self::FenceHistory(_)
                | Self::FenceHistoryWanted
                | Self::FenceCleanup { .. }
                | Self::Vigil(_)
        )
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Vote(_) => 1,
            Self::Sync { .. } => 2,
            Self::Request(_) => 3,
            Self::Confirm(_) => 4,
            Self::Invoke(_) => 5,
            Self::Attribute(_) => 6,
            Self::AttributeSync(_) => 7,
            Self::Ping { .. } => 8,
            Self::Pong { .. } => 9,
            Self::ShutdownWanted => 10,
            Self::ShutdownGranted { .. } => 11,
            Self::FenceQuery(_) => 12,
            Self::FenceableBy(_) => 13,
            Self::FenceStart(_) => 14,
            Self::FenceResult(_) => 15,
            Self::Acknowledge { .. } => 16,
            Self::Recount => 17,
            Self::StateWanted { .. } => 18,
            Self::StateTold { .. } => 19,
            Self::Noted(_) => 20,
            Self::Throttle { .. } => 31,
            Self::FenceHistory(_) => 40,
            Self::FenceHistoryWanted => 41,
            Self::FenceCleanup { .. } => 42,
            Self::Vigil(_) => 43,
        }
    }

    /// Reads a message.
    pub fn decode(bytes: &[u8]) -> Result<Self, CrmError> {
        let mut reader = Reader::new(bytes, ByteOrder::Little);
        if reader.bytes(MAGIC.len()).ok() != Some(MAGIC) {
            return Err(CrmError::Foreign);
        }
        match reader.u8()? {
            FORMAT => {}
            other => return Err(CrmError::Format(other)),
        }
        let kind = reader.u8()?;
        let mut fields = Fields::new(reader);
        let fields = &mut fields;
        Ok(match kind {
            1 => Self::Vote(Vote::decode(fields)?),
            2 => Self::Sync {
                membership: MembershipId(fields.u64()?),
                cib: fields.text("cib")?,
            },
            3 => Self::Request(Request::decode(fields)?),
            4 => Self::Confirm(Confirm::decode(fields)?),
            5 => Self::Invoke(Invoke::decode(fields)?),
            6 => Self::Attribute(AttributeChange::decode(fields)?),
            7 => Self::AttributeSync(fields.list(AttributeValue::decode)?),
            8 => Self::Ping {
                number: fields.u64()?,
            },
            9 => Self::Pong {
                number: fields.u64()?,
                generation: Generation::decode(fields)?,
            },
            10 => Self::ShutdownWanted,
            11 => Self::ShutdownGranted {
                node: NodeId(fields.u32()?),
            },
            12 => Self::FenceQuery(FenceQuery::decode(fields)?),
            13 => Self::FenceableBy(FenceableBy::decode(fields)?),
            14 => Self::FenceStart(FenceStart::decode(fields)?),
            15 => Self::FenceResult(FenceResult::decode(fields)?),
            16 => Self::Acknowledge {
                transition_key: fields.text("transition key")?,
                exit: fields.i32()?,
                status: fields.i32()?,
            },
            17 => Self::Recount,
            18 => Self::StateWanted {
                number: fields.u64()?,
                node: NodeId(fields.u32()?),
            },
            19 => Self::StateTold {
                asker: NodeId(fields.u32()?),
                number: fields.u64()?,
                state: fields.text("state")?,
            },
            20 => Self::Noted(fields.text("note")?),
            31 => Self::Throttle {
                mode: fields.u8()?,
                jobs_max: fields.u32()?,
            },
            40 => Self::FenceHistory(fields.list(FenceRecord::decode)?),
            41 => Self::FenceHistoryWanted,
            42 => Self::FenceCleanup {
                target: fields.optional("target")?,
            },
            43 => Self::Vigil(Vigil::decode(fields)?),
            unknown => return Err(CrmError::UnknownKind(unknown)),
        })
    }
}

#[cfg(test)]
mod tests;
