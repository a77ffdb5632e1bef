//! The commit token: the next ring, as its members agree on it.

use super::address::{Processor, RingId};
use super::{DecodeError, Dialect, Seqno, count, processors};
use crate::wire::cursor::{Reader, Writer};

/// Goes twice around the ring that is to be: first each member says what it has of its old ring,
/// then each learns what the others have.
///
/// Layout, 3.x, after the header: 13 u32 token_seq, 17 ring id, 29 u32 retrans_flg, 33 u32
/// memb_index, 37 u32 number of members, 41 the members in ascending order, then for each
/// 24 bytes: ring id, u32 aru, u32 high_delivered, u32 received_flg.
/// Bounds: [`crate::limits::TOTEM_MEMBERS_MAX`] members, `filled` at most as many.
/// Source: corosync 3.1.7, `struct memb_commit_token`, `struct memb_commit_token_memb_entry`;
/// `spec/totem-wire.md` A.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitToken {
    /// 0 when it is made, one more before each sending.
    pub token_seq: Seqno,
    /// The ring that is to be.
    pub ring: RingId,
    /// Not used: 0.
    pub retrans_flg: u32,
    /// How many entries are filled in (memb_index).
    pub filled: u32,
    /// The members, and what they have.
    pub members: Vec<Entry>,
}

/// What a member has of its old ring; zeros until it has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entry {
    /// The member.
    pub member: Processor,
    /// The ring that it comes from.
    pub ring: RingId,
    /// It has all messages of it up to here.
    pub aru: Seqno,
    /// It has given all up to here to those above.
    pub high_delivered: Seqno,
    /// 1: it has all that it or another member of the old ring has.
    pub received_flg: u32,
}

impl CommitToken {
    pub(super) fn decode(reader: &mut Reader, dialect: Dialect) -> Result<Self, DecodeError> {
        let token_seq = Seqno(reader.u32()?);
        let ring = RingId::decode(reader, dialect)?;
        let (retrans_flg, filled, all) = (reader.u32()?, reader.u32()?, reader.u32()?);
        if filled > all {
            return Err(DecodeError::Malformed("more entries filled than there are"));
        }
        let members = processors(reader, all, dialect)?;
        let mut entry = |member| Entry::decode(reader, member, dialect);
        let members: Result<_, _> = members.into_iter().map(&mut entry).collect();
        Ok(Self {
            token_seq,
            ring,
            retrans_flg,
            filled,
            members: members?,
        })
    }

    pub(super) fn encode(&self, writer: &mut Writer, dialect: Dialect) {
        writer.u32(self.token_seq.0);
        self.ring.encode(writer, dialect);
        writer.u32(self.retrans_flg);
        writer.u32(self.filled);
        writer.u32(count(self.members.len()));
        for entry in &self.members {
            entry.member.encode(writer, dialect);
        }
        for entry in &self.members {
            entry.encode(writer, dialect);
        }
    }
}

impl Entry {
    fn decode(
        reader: &mut Reader,
        member: Processor,
        dialect: Dialect,
    ) -> Result<Self, DecodeError> {
        Ok(Self {
            member,
            ring: RingId::decode(reader, dialect)?,
            aru: Seqno(reader.u32()?),
            high_delivered: Seqno(reader.u32()?),
            received_flg: reader.u32()?,
        })
    }

    fn encode(&self, writer: &mut Writer, dialect: Dialect) {
        self.ring.encode(writer, dialect);
        writer.u32(self.aru.0);
        writer.u32(self.high_delivered.0);
        writer.u32(self.received_flg);
    }
}
