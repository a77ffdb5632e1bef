//! The messages of totem's single ring protocol, as corosync 3.x, 2.x and 1.4 send them.
//!
//! ```text
//!  datagram --(crypto of 2.x and 1.4)--> bytes --Datagram::decode--> Datagram { node, body }
//!  Datagram --encode_into--> bytes
//! ```
//!
//! Source: `spec/totem-wire.md`; layouts stand at each type.

mod address;
pub mod crypto_frame;
mod error;
mod header;
mod mcast;
mod memb_commit;
mod memb_join;
mod merge_detect;
mod orf_token;
mod ring_test;
mod seqno;
mod token_hold_cancel;

use std::fmt;

use crate::ids::NodeId;
use crate::limits;
use crate::wire::cursor::{ByteOrder, Reader, Writer};

pub use address::{Processor, RingAddress, RingId};
pub use error::DecodeError;
pub use header::{Dialect, Header, Kind, looks_like};
pub use mcast::{Encapsulated, Mcast};
pub use memb_commit::{CommitToken, Entry};
pub use memb_join::Join;
pub use merge_detect::MergeDetect;
pub use orf_token::{OrfToken, Request};
pub use ring_test::RingTest;
pub use seqno::Seqno;
pub use token_hold_cancel::HoldCancel;

/// A message and its sender. The payload of an mcast stays where it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The header's node: who sends, in an mcast who sent it first, 0 in a leave.
    pub node: NodeId,
    /// The sender's byte order.
    pub order: ByteOrder,
    /// The message.
    pub body: Body<'a>,
    /// Bytes behind the message. Real peers take it nevertheless, but for a token.
    pub surplus: usize,
}

/// A message by its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<'a> {
    /// Type 0.
    OrfToken(OrfToken),
    /// Type 1.
    Mcast(Mcast<'a>),
    /// Type 2.
    MergeDetect(MergeDetect),
    /// Type 3.
    Join(Join),
    /// Type 4.
    CommitToken(CommitToken),
    /// Type 5.
    HoldCancel(HoldCancel),
    /// Types 6 and 7.
    RingTest(RingTest),
}

impl<'a> Datagram<'a> {
    /// A message of ours.
    pub fn new(node: NodeId, body: Body<'a>) -> Self {
        Self {
            node,
            order: ByteOrder::NATIVE,
            body,
            surplus: 0,
        }
    }

    /// Reads a message of that generation.
    pub fn decode(bytes: &'a [u8], dialect: Dialect) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes, ByteOrder::NATIVE);
        let header = Header::decode(&mut reader, dialect)?;
        let reader = &mut reader;
        let body = match header.kind {
            Kind::OrfToken => Body::OrfToken(OrfToken::decode(reader, dialect)?),
            Kind::Mcast => Body::Mcast(Mcast::decode(reader, header.encapsulated, dialect)?),
            Kind::MergeDetect => Body::MergeDetect(MergeDetect::decode(reader, dialect)?),
            Kind::Join => Body::Join(Join::decode(reader, dialect)?),
            Kind::CommitToken => Body::CommitToken(CommitToken::decode(reader, dialect)?),
            Kind::HoldCancel => Body::HoldCancel(HoldCancel::decode(reader, dialect)?),
            Kind::RingTestActive | Kind::RingTestActivate => {
                let activate = header.kind == Kind::RingTestActivate;
                Body::RingTest(RingTest::decode(reader, activate, header.node.0)?)
            }
        };
        Ok(Self {
            node: header.node,
            order: header.order,
            body,
            surplus: reader.left(),
        })
    }

    /// Appends the message to `out`, in the byte order that it names.
    pub fn encode_into(&self, dialect: Dialect, out: &mut Vec<u8>) {
        let writer = &mut Writer::new(out, self.order);
        let header = Header {
            kind: self.body.kind(),
            encapsulated: match &self.body {
                Body::Mcast(mcast) => mcast.encapsulated as u8,
                _ => 0,
            },
            node: match &self.body {
                Body::RingTest(test) => NodeId(test.ring_number),
                _ => self.node,
            },
            order: self.order,
        };
        header.encode(writer, dialect);
        match &self.body {
            Body::OrfToken(token) => token.encode(writer, dialect),
            Body::Mcast(mcast) => mcast.encode(writer, dialect),
            Body::MergeDetect(detect) => detect.encode(writer, dialect),
            Body::Join(join) => join.encode(writer, dialect),
            Body::CommitToken(token) => token.encode(writer, dialect),
            Body::HoldCancel(cancel) => cancel.encode(writer, dialect),
            Body::RingTest(test) => test.encode(writer),
        }
    }
}

impl Body<'_> {
    /// Its type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::OrfToken(_) => Kind::OrfToken,
            Self::Mcast(_) => Kind::Mcast,
            Self::MergeDetect(_) => Kind::MergeDetect,
            Self::Join(_) => Kind::Join,
            Self::CommitToken(_) => Kind::CommitToken,
            Self::HoldCancel(_) => Kind::HoldCancel,
            Self::RingTest(test) if test.activate => Kind::RingTestActivate,
            Self::RingTest(_) => Kind::RingTestActive,
        }
    }
}

/// Bytes of an mcast message before its payload.
pub fn mcast_header_length(dialect: Dialect) -> usize {
    match dialect {
        Dialect::V3 => 45,
        Dialect::V2 => 99,
        Dialect::V1 => 98,
    }
}

/// What a count of our own, which bounds hold small, is on the wire.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A list of processors.
fn processors(
    reader: &mut Reader,
    count: u32,
    dialect: Dialect,
) -> Result<Vec<Processor>, DecodeError> {
    if count as usize > limits::TOTEM_MEMBERS_MAX {
        return Err(DecodeError::TooManyMembers(count));
    }
    (0..count)
        .map(|_| Processor::decode(reader, dialect))
        .collect()
}

impl fmt::Display for Datagram<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.body.kind().name())?;
        if !matches!(self.body, Body::RingTest(_)) {
            write!(f, " node {}", self.node)?;
        }
        write!(f, "{}", self.body)
    }
}

impl fmt::Display for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OrfToken(t) => display_token(t, f),
            Self::Mcast(m) => {
                if m.encapsulated == Encapsulated::Message {
                    f.write_str(" [recovery]")?;
                }
                write!(f, " from {} ring {} seq {}", m.from, m.ring, m.seq)?;
                write!(f, " count {} bytes {}", m.this_seqno, m.payload.len())
            }
            Self::MergeDetect(d) => write!(f, " from {} ring {}", d.from, d.ring),
            Self::Join(j) => write!(
                f,
                " from {} ring_seq {:x} proc {:?} failed {:?}",
                j.from, j.ring_seq, j.processors, j.failed
            ),
            Self::CommitToken(t) => display_commit_token(t, f),
            Self::HoldCancel(c) => write!(f, " ring {}", c.ring),
            Self::RingTest(t) => write!(f, " ring number {} starter {}", t.ring_number, t.starter),
        }
    }
}

fn display_token(token: &OrfToken, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, " ring {} seq {}", token.ring, token.seq)?;
    write!(f, " token_seq {} aru {}", token.token_seq, token.aru)?;
    write!(f, " aru_addr {}", token.aru_addr)?;
    let flow = [
        ("backlog", token.backlog),
        ("fcc", token.fcc),
        ("retrans_flg", token.retrans_flg),
    ];
    for (name, value) in flow.iter().filter(|(_, value)| *value != 0) {
        write!(f, " {name} {value}")?;
    }
    if token.requests.is_empty() {
        return Ok(());
    }
    f.write_str(" rtr")?;
    for request in &token.requests {
        write!(f, " {}", request.seq)?;
    }
    Ok(())
}

fn display_commit_token(token: &CommitToken, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, " ring {} token_seq {}", token.ring, token.token_seq)?;
    write!(f, " filled {}", token.filled)?;
    for (n, entry) in token.members.iter().enumerate() {
        write!(f, " {}", entry.member)?;
        if n < token.filled as usize {
            write!(f, "(ring {} aru {}", entry.ring, entry.aru)?;
            let (high, all) = (entry.high_delivered, entry.received_flg);
            write!(f, " high_delivered {high} received_flg {all})")?;
        }
    }
    Ok(())
}
