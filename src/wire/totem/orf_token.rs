//! The token: who holds it may send.

use super::address::RingId;
use super::{DecodeError, Dialect, Seqno};
use crate::ids::NodeId;
use crate::limits;
use crate::wire::cursor::{Reader, Writer};

/// The token of a ring.
///
/// Layout, 3.x, after the header: 13 u32 seq, 17 u32 token_seq, 21 u32 aru, 25 u32 aru_addr,
/// 29 ring id, 41 u32 backlog, 45 u32 fcc, 49 u32 retrans_flg, 53 u32 number of requests,
/// 57 16 bytes each: ring id, u32 seq. 2.x and 1.4 the same with their ring id.
/// Bounds: [`limits::TOTEM_RTR_ENTRIES_MAX`].
/// Source: corosync 3.1.7, `struct orf_token`, `struct rtr_item`; `spec/totem-wire.md` A.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrfToken {
    /// The highest number that was given to a message on this ring.
    pub seq: Seqno,
    /// Grows by one with each member that it passes.
    pub token_seq: Seqno,
    /// Everybody has all messages up to here.
    pub aru: Seqno,
    /// Who lowered `aru`; 0 if it equals `seq`.
    pub aru_addr: NodeId,
    /// The ring.
    pub ring: RingId,
    /// Messages that wait at all members.
    pub backlog: u32,
    /// Messages sent in the last round.
    pub fcc: u32,
    /// In recovery: not 0 while somebody has messages of the old ring to send.
    pub retrans_flg: u32,
    /// Messages that somebody misses.
    pub requests: Vec<Request>,
}

/// A message that somebody misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Its ring.
    pub ring: RingId,
    /// Its number.
    pub seq: Seqno,
}

impl OrfToken {
    pub(super) fn decode(reader: &mut Reader, dialect: Dialect) -> Result<Self, DecodeError> {
        let mut token = Self {
            seq: Seqno(reader.u32()?),
            token_seq: Seqno(reader.u32()?),
            aru: Seqno(reader.u32()?),
            aru_addr: NodeId(reader.u32()?),
            ring: RingId::decode(reader, dialect)?,
            backlog: reader.u32()?,
            fcc: reader.u32()?,
            retrans_flg: reader.u32()?,
            requests: Vec::new(),
        };
        let count = reader.u32()?;
        if count as usize > limits::TOTEM_RTR_ENTRIES_MAX {
            return Err(DecodeError::TooManyRequests(count));
        }
        for _ in 0..count {
            let ring = RingId::decode(reader, dialect)?;
            let seq = Seqno(reader.u32()?);
            token.requests.push(Request { ring, seq });
        }
        Ok(token)
    }

    pub(super) fn encode(&self, writer: &mut Writer, dialect: Dialect) {
        writer.u32(self.seq.0);
        writer.u32(self.token_seq.0);
        writer.u32(self.aru.0);
        writer.u32(self.aru_addr.0);
        self.ring.encode(writer, dialect);
        writer.u32(self.backlog);
        writer.u32(self.fcc);
        writer.u32(self.retrans_flg);
        writer.u32(super::count(self.requests.len()));
        for request in &self.requests {
            request.ring.encode(writer, dialect);
            writer.u32(request.seq.0);
        }
    }
}
