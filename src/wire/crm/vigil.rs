//! What nodes with watchdogs tell, and what all answer them.

use super::CrmError;
use super::fields::{Fields, put_list, put_text};
use crate::ids::NodeId;
use crate::wire::cursor::Writer;

/// A sign of life that all members answer with theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vigil {
    /// The sender's number of it.
    pub number: u64,
    /// The sender has a watchdog and wants answers.
    pub asks: bool,
    /// If the sender hangs, or has no quorum, its watchdog has reset it after so many
    /// milliseconds; none if that isn't sure.
    pub resets_ms: Option<u64>,
    /// The last number that the sender heard of each member.
    pub heard: Vec<(NodeId, u64)>,
    /// What nodes that are gone said last of their watchdogs, by name.
    pub gone: Vec<(String, Option<u64>)>,
}

impl Vigil {
    pub(super) fn encode(&self, writer: &mut Writer) {
        writer.u64(self.number);
        writer.u8(self.asks.into());
        put_span(writer, self.resets_ms);
        put_list(writer, &self.heard, |(node, number), writer| {
            writer.u32(node.0);
            writer.u64(*number);
        });
        put_list(writer, &self.gone, |(name, resets_ms), writer| {
            put_text(writer, name);
            put_span(writer, *resets_ms);
        });
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            number: fields.u64()?,
            asks: fields.flag("asks")?,
            resets_ms: fields.u64()?.checked_sub(1),
            heard: fields.list(|fields| Ok((NodeId(fields.u32()?), fields.u64()?)))?,
            gone: fields.list(|fields| Ok((fields.text("name")?, fields.u64()?.checked_sub(1))))?,
        })
    }
}

/// A number that may be missing: plus 1, or 0.
fn put_span(writer: &mut Writer, span_ms: Option<u64>) {
    writer.u64(span_ms.map_or(0, |ms| ms.saturating_add(1)));
}
