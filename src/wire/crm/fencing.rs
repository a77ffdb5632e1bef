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

/// Somebody wants this done to a node: who can?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceQuery {
    /// The request.
    pub ticket: FenceTicket,
    /// The node that leads it to its end: the one that was asked, unless that is the target.
    pub leader: NodeId,
    /// The node, by name.
    pub target: String,
    /// `reboot`, `off`, `on`.
    pub action: String,
    /// Who asked.
    pub client: String,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
    /// How long to wait before, in seconds; -1 for no delay, not even a device's.
    pub delay_s: i64,
}

impl FenceQuery {
    pub(super) fn encode(&self, writer: &mut Writer) {
        self.ticket.encode(writer);
        writer.u32(self.leader.0);
        put_text(writer, &self.target);
        put_text(writer, &self.action);
        put_text(writer, &self.client);
        writer.u64(self.timeout_ms);
        writer.u64(self.delay_s.cast_unsigned());
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            ticket: FenceTicket::decode(fields)?,
            leader: NodeId(fields.u32()?),
            target: fields.text("target")?,
            action: fields.text("action")?,
            client: fields.text("client")?,
            timeout_ms: fields.u64()?,
            delay_s: fields.i64()?,
        })
    }
}

/// A device that can, as its node knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capable {
    /// Its id.
    pub device: String,
    /// It was started on that node: it answers.
    pub verified: bool,
    /// Higher is tried first.
    pub priority: i32,
    /// How long it may take, in milliseconds, if it says so.
    pub timeout_ms: Option<u64>,
    /// How long its own delay may be, in milliseconds.
    pub delay_ms: u64,
    /// All such devices have to do an `on`.
    pub unfences: bool,
}

impl Capable {
    fn encode(&self, writer: &mut Writer) {
        put_text(writer, &self.device);
        writer.u8(self.verified.into());
        writer.i32(self.priority);
        writer.u64(self.timeout_ms.map_or(0, |ms| ms.saturating_add(1)));
        writer.u64(self.delay_ms);
        writer.u8(self.unfences.into());
    }

    fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            device: fields.text("device")?,
            verified: fields.flag("verified")?,
            priority: fields.i32()?,
            timeout_ms: fields.u64()?.checked_sub(1),
            delay_ms: fields.u64()?,
            unfences: fields.flag("unfences")?,
        })
    }
}

/// The devices of the sender that can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceableBy {
    /// The request.
    pub ticket: FenceTicket,
    /// The devices.
    pub devices: Vec<Capable>,
}

impl FenceableBy {
    pub(super) fn encode(&self, writer: &mut Writer) {
        self.ticket.encode(writer);
        put_list(writer, &self.devices, Capable::encode);
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            ticket: FenceTicket::decode(fields)?,
            devices: fields.list(Capable::decode)?,
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
    /// How long to wait before, in seconds; -1 for no delay, not even the device's.
    pub delay_s: i64,
    /// If it goes well all is done.
    pub last: bool,
}

impl FenceStart {
    pub(super) fn encode(&self, writer: &mut Writer) {
        self.ticket.encode(writer);
        writer.u32(self.node.0);
        put_text(writer, &self.device);
        put_text(writer, &self.target);
        put_text(writer, &self.action);
        writer.u64(self.timeout_ms);
        writer.u64(self.delay_s.cast_unsigned());
        writer.u8(self.last.into());
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            ticket: FenceTicket::decode(fields)?,
            node: NodeId(fields.u32()?),
            device: fields.text("device")?,
            target: fields.text("target")?,
            action: fields.text("action")?,
            timeout_ms: fields.u64()?,
            delay_s: fields.i64()?,
            last: fields.flag("last")?,
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
    /// The node that used the device, by name; empty if none did, `a human` for a confirmation.
    pub delegate: String,
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
        put_text(writer, &self.delegate);
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
            delegate: fields.text("delegate")?,
        })
    }
}

/// How far a fencing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FenceState {
    /// The nodes are asked who can.
    Querying = 0,
    /// It is being done.
    Executing = 1,
    /// It was done.
    Done = 2,
    /// Another one that does the same counts for this one, too.
    Duplicate = 3,
    /// It could not be done.
    Failed = 4,
}

impl FenceState {
    /// True while its result is to come.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Querying | Self::Executing | Self::Duplicate)
    }

    fn decode(value: u8) -> Result<Self, CrmError> {
        Ok(match value {
            0 => Self::Querying,
            1 => Self::Executing,
            2 => Self::Done,
            3 => Self::Duplicate,
            4 => Self::Failed,
            other => {
                return Err(CrmError::BadValue {
                    field: "state",
                    value: other.into(),
                });
            }
        })
    }
}

/// A fencing of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceRecord {
    /// The request.
    pub ticket: FenceTicket,
    /// The node that leads it.
    pub leader: NodeId,
    /// The node where it was asked for, by name.
    pub origin: String,
    /// The node, by name.
    pub target: String,
    /// `reboot`, `off`, `on`.
    pub action: String,
    /// Who asked.
    pub client: String,
    /// How far it is.
    pub state: FenceState,
    /// The node that does it, by name; empty if none does, `a human` for a confirmation.
    pub delegate: String,
    /// 0 if it was done, as an agent returns it.
    pub exit: i32,
    /// Status of execution, as in a history.
    pub status: i32,
    /// Why not.
    pub reason: String,
    /// When it was over, seconds since 1970; 0 before.
    pub completed_s: u64,
}

impl FenceRecord {
    pub(super) fn encode(&self, writer: &mut Writer) {
        self.ticket.encode(writer);
        writer.u32(self.leader.0);
        put_text(writer, &self.origin);
        put_text(writer, &self.target);
        put_text(writer, &self.action);
        put_text(writer, &self.client);
        writer.u8(self.state as u8);
        put_text(writer, &self.delegate);
        writer.i32(self.exit);
        writer.i32(self.status);
        put_text(writer, &self.reason);
        writer.u64(self.completed_s);
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            ticket: FenceTicket::decode(fields)?,
            leader: NodeId(fields.u32()?),
            origin: fields.text("origin")?,
            target: fields.text("target")?,
            action: fields.text("action")?,
            client: fields.text("client")?,
            state: FenceState::decode(fields.u8()?)?,
            delegate: fields.text("delegate")?,
            exit: fields.i32()?,
            status: fields.i32()?,
            reason: fields.text("reason")?,
            completed_s: fields.u64()?,
        })
    }
}
