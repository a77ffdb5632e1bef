//! Fencing: who can, who does, and what came of it.

use super::CrmError;
use super::fields::{Fields, put_list, put_text};
use crate::ids::NodeId;
use crate::wire::cursor::Writer;

/// A request to fence, told apart from others by who began it and its number there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FenceTicket {
    /// The node that began it.
    pub origin: NodeId,
    /// Its number.
    pub number: u64,
}

impl FenceTicket {
    fn encode(&self, writer: &mut Writer) {
        writer.u32(self.origin.0);
        writer.u64(self.number);
    }

    fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            origin: NodeId(fields.u32()?),
            number: fields.u64()?,
        })
    }
}

/// Who can do this to that node?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceQuery {
    /// The request.
    pub ticket: FenceTicket,
    /// The node, by name.
    pub target: String,
    /// `reboot`, `off`, `on`.
    pub action: String,
    /// Who asked.
    pub client: String,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
    /// How long to wait before, in milliseconds.
    pub delay_ms: u64,
}

impl FenceQuery {
    pub(super) fn encode(&self, writer: &mut Writer) {
        self.ticket.encode(writer);
        put_text(writer, &self.target);
        put_text(writer, &self.action);
        put_text(writer, &self.client);
        writer.u64(self.timeout_ms);
        writer.u64(self.delay_ms);
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            ticket: FenceTicket::decode(fields)?,
            target: fields.text("target")?,
            action: fields.text("action")?,
            client: fields.text("client")?,
            timeout_ms: fields.u64()?,
            delay_ms: fields.u64()?,
        })
    }
}

/// The devices of the sender that can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceableBy {
    /// The request.
    pub ticket: FenceTicket,
    /// Their names.
    pub devices: Vec<String>,
}

impl FenceableBy {
    pub(super) fn encode(&self, writer: &mut Writer) {
        self.ticket.encode(writer);
        put_list(writer, &self.devices, |device, writer| {
            put_text(writer, device)
        });
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            ticket: FenceTicket::decode(fields)?,
            devices: fields.list(|fields| fields.text("device"))?,
        })
    }
}

/// A node is to use a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceStart {
    /// The request.
    pub ticket: FenceTicket,
    /// This node.
    pub node: NodeId,
    /// With this device.
    pub device: String,
    /// On this node, by name.
    pub target: String,
    /// `reboot`, `off`, `on`.
    pub action: String,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
    /// How long to wait before, in milliseconds.
    pub delay_ms: u64,
}

impl FenceStart {
    pub(super) fn encode(&self, writer: &mut Writer) {
        self.ticket.encode(writer);
        writer.u32(self.node.0);
        put_text(writer, &self.device);
        put_text(writer, &self.target);
        put_text(writer, &self.action);
        writer.u64(self.timeout_ms);
        writer.u64(self.delay_ms);
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            ticket: FenceTicket::decode(fields)?,
            node: NodeId(fields.u32()?),
            device: fields.text("device")?,
            target: fields.text("target")?,
            action: fields.text("action")?,
            timeout_ms: fields.u64()?,
            delay_ms: fields.u64()?,
        })
    }
}

/// What came of a step, or of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceResult {
    /// The request.
    pub ticket: FenceTicket,
    /// It is over, for all: otherwise the answer to [`FenceStart`].
    pub last: bool,
    /// The device that was used, empty if none was.
    pub device: String,
    /// The node, by name.
    pub target: String,
    /// `reboot`, `off`, `on`.
    pub action: String,
    /// Who asked.
    pub client: String,
    /// 0 if it was done, as an agent returns it.
    pub exit: i32,
    /// Status of execution, as in a history.
    pub status: i32,
    /// Why not, in the device's words or ours.
    pub reason: String,
    /// The sender's clock, seconds since 1970.
    pub unix_s: u64,
}

impl FenceResult {
    pub(super) fn encode(&self, writer: &mut Writer) {
        self.ticket.encode(writer);
        writer.u8(self.last.into());
        put_text(writer, &self.device);
        put_text(writer, &self.target);
        put_text(writer, &self.action);
        put_text(writer, &self.client);
        writer.i32(self.exit);
        writer.i32(self.status);
        put_text(writer, &self.reason);
        writer.u64(self.unix_s);
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            ticket: FenceTicket::decode(fields)?,
            last: fields.flag("last")?,
            device: fields.text("device")?,
            target: fields.text("target")?,
            action: fields.text("action")?,
            client: fields.text("client")?,
            exit: fields.i32()?,
            status: fields.i32()?,
            reason: fields.text("reason")?,
            unix_s: fields.u64()?,
        })
    }
}
