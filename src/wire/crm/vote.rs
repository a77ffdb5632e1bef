//! What a member tells of itself when the membership changes, and that it is ready.

use super::fields::{Fields, put_optional, put_text};
use super::{AttributeValue, CrmError, fields};
use crate::ids::{MembershipId, NodeId};
use crate::wire::cursor::Writer;

/// Which state of the CIB a node has; later ones compare greater, the digest aside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Generation {
    /// Counted by administrators.
    pub admin_epoch: i64,
    /// Counts changes of the configuration.
    pub epoch: i64,
    /// Counts changes of the status.
    pub num_updates: i64,
    /// Digest of the whole document.
    pub digest: String,
}

impl Generation {
    /// The three counters, the most significant first.
    pub fn counters(&self) -> (i64, i64, i64) {
        (self.admin_epoch, self.epoch, self.num_updates)
    }

    pub(super) fn encode(&self, writer: &mut Writer) {
        writer.u64(self.admin_epoch.cast_unsigned());
        writer.u64(self.epoch.cast_unsigned());
        writer.u64(self.num_updates.cast_unsigned());
        put_text(writer, &self.digest);
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            admin_epoch: fields.i64()?,
            epoch: fields.i64()?,
            num_updates: fields.i64()?,
            digest: fields.text("digest")?,
        })
    }
}

/// A member's part in the choice of the DC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// It is of this membership, and counts in no other.
    pub membership: MembershipId,
    /// Its name.
    pub name: String,
    /// Version of what it speaks and writes.
    pub feature_set: String,
    /// For how long its CRM has been running, in milliseconds.
    pub uptime_ms: u64,
    /// The DC that it follows; itself if it is the DC.
    pub dc: Option<NodeId>,
    /// It may become the DC.
    pub eligible: bool,
    /// It has waited for other nodes as long as it should.
    pub ready: bool,
    /// How many operations it runs at once.
    pub jobs_max: u32,
    /// Counts the memberships with quorum that its CIB went through.
    pub term: u64,
    /// The CIB that it has.
    pub generation: Generation,
}

impl Vote {
    pub(super) fn encode(&self, writer: &mut Writer) {
        writer.u64(self.membership.0);
        put_text(writer, &self.name);
        put_text(writer, &self.feature_set);
        writer.u64(self.uptime_ms);
        writer.u32(self.dc.map_or(0, |dc| dc.0));
        writer.u8(self.eligible.into());
        writer.u8(self.ready.into());
        writer.u32(self.jobs_max);
        writer.u64(self.term);
        self.generation.encode(writer);
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            membership: MembershipId(fields.u64()?),
            name: fields.text("name")?,
            feature_set: fields.text("feature set")?,
            uptime_ms: fields.u64()?,
            dc: Some(NodeId(fields.u32()?)).filter(|dc| dc.0 != 0),
            eligible: fields.flag("eligible")?,
            ready: fields.flag("ready")?,
            jobs_max: fields.u32()?,
            term: fields.u64()?,
            generation: Generation::decode(fields)?,
        })
    }
}

/// A member has the CIB of its membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    /// Of this membership.
    pub membership: MembershipId,
    /// All that its executor knows of its resources, as `<lrm>`; none if the DC has it already.
    pub history: Option<String>,
    /// Its own transient attributes, with the history.
    pub attributes: Vec<AttributeValue>,
}

impl Confirm {
    pub(super) fn encode(&self, writer: &mut Writer) {
        writer.u64(self.membership.0);
        put_optional(writer, self.history.as_deref());
        fields::put_list(writer, &self.attributes, AttributeValue::encode);
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            membership: MembershipId(fields.u64()?),
            history: fields.optional("history")?,
            attributes: fields.list(AttributeValue::decode)?,
        })
    }
}
