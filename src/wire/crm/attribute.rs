//! Transient attributes of nodes.

use super::CrmError;
use super::fields::{Fields, put_optional, put_text};
use crate::wire::cursor::Writer;

/// What is done with an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeTask {
    /// The value is set, or removed.
    Update = 1,
    /// The delay of writing is set.
    Delay = 2,
    /// Both.
    Both = 3,
    /// All values of a node are forgotten.
    RemoveNode = 4,
    /// All values are written anew.
    Refresh = 5,
    /// Fail counts of a resource on a node go away.
    ClearFailures = 6,
}

impl AttributeTask {
    fn decode(value: u8) -> Result<Self, CrmError> {
        Ok(match value {
            1 => Self::Update,
            2 => Self::Delay,
            3 => Self::Both,
            4 => Self::RemoveNode,
            5 => Self::Refresh,
            6 => Self::ClearFailures,
            other => {
                return Err(CrmError::BadValue {
                    field: "task",
                    value: other.into(),
                });
            }
        })
    }
}

/// A value of an attribute on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeValue {
    /// The attribute.
    pub name: String,
    /// The node, by name.
    pub node: String,
    /// The value, none when it is removed.
    pub value: Option<String>,
    /// Set of the CIB that it is in, none for the usual one.
    pub set: Option<String>,
    /// How long writing waits for more changes, in milliseconds.
    pub dampening_ms: u64,
    /// Never written to the CIB.
    pub private: bool,
}

impl AttributeValue {
    pub(super) fn encode(&self, writer: &mut Writer) {
        put_text(writer, &self.name);
        put_text(writer, &self.node);
        put_optional(writer, self.value.as_deref());
        put_optional(writer, self.set.as_deref());
        writer.u64(self.dampening_ms);
        writer.u8(self.private.into());
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            name: fields.text("name")?,
            node: fields.text("node")?,
            value: fields.optional("value")?,
            set: fields.optional("set")?,
            dampening_ms: fields.u64()?,
            private: fields.flag("private")?,
        })
    }
}

/// A change of transient attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeChange {
    /// What is done.
    pub task: AttributeTask,
    /// With this; for [`AttributeTask::ClearFailures`] the name is the resource, the value the
    /// operation, and the delay its interval.
    pub value: AttributeValue,
}

impl AttributeChange {
    pub(super) fn encode(&self, writer: &mut Writer) {
        writer.u8(self.task as u8);
        self.value.encode(writer);
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        Ok(Self {
            task: AttributeTask::decode(fields.u8()?)?,
            value: AttributeValue::decode(fields)?,
        })
    }
}
