//! Changes of the CIB, and what the DC wants done.

use super::CrmError;
use super::fields::{Fields, put_list, put_optional, put_text};
use crate::ids::NodeId;
use crate::wire::cursor::Writer;

/// What is done to the CIB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// Adds elements that are not there.
    Create = 1,
    /// Merges into elements that are there.
    Modify = 2,
    /// Puts an element or all of the document in the place of another.
    Replace = 3,
    /// Removes elements.
    Delete = 4,
    /// Applies a patch.
    Patch = 5,
    /// Starts over with an empty document.
    Erase = 6,
    /// Counts up the epoch.
    Bump = 7,
    /// Brings it to the newest schema.
    Upgrade = 8,
}

impl OperationKind {
    fn decode(value: u8) -> Result<Self, CrmError> {
        Ok(match value {
            1 => Self::Create,
            2 => Self::Modify,
            3 => Self::Replace,
            4 => Self::Delete,
            5 => Self::Patch,
            6 => Self::Erase,
            7 => Self::Bump,
            8 => Self::Upgrade,
            other => {
                return Err(CrmError::BadValue {
                    field: "operation",
                    value: other.into(),
                });
            }
        })
    }
}

/// How it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestFlags {
    /// Modify makes what is not there.
    pub can_create: bool,
    /// All that an XPath selects.
    pub multiple: bool,
    /// It is tried, and nothing kept.
    pub dry_run: bool,
}

/// A change of the CIB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The sender's number of it.
    pub call: u64,
    /// What is done.
    pub operation: OperationKind,
    /// How.
    pub flags: RequestFlags,
    /// The section that it is about.
    pub section: Option<String>,
    /// What it is about, instead of a section.
    pub xpath: Option<String>,
    /// The element that is created, merged, put in place, or looked for.
    pub input: Option<String>,
    /// Who asks, if the ACLs bind them.
    pub user: Option<String>,
    /// The groups of who asks, as the sender's host knows them.
    pub groups: Vec<String>,
    /// The program that asks: `cibadmin`, `crmd` …
    pub client: String,
    /// The sender's clock, seconds since 1970: what is written must be the same everywhere.
    pub unix_s: u64,
    /// The same as it is written into the CIB, in the sender's zone; none for what leaves no mark.
    pub time: Option<String>,
}

impl Request {
    pub(super) fn encode(&self, writer: &mut Writer) {
        let flags = self.flags;
        writer.u64(self.call);
        writer.u8(self.operation as u8);
        writer.u8(u8::from(flags.can_create)
            | u8::from(flags.multiple) << 1
            | u8::from(flags.dry_run) << 2);
        put_optional(writer, self.section.as_deref());
        put_optional(writer, self.xpath.as_deref());
        put_optional(writer, self.input.as_deref());
        put_optional(writer, self.user.as_deref());
        put_list(writer, &self.groups, |group, writer| {
            put_text(writer, group)
        });
        put_text(writer, &self.client);
        writer.u64(self.unix_s);
        put_optional(writer, self.time.as_deref());
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        let call = fields.u64()?;
        let operation = OperationKind::decode(fields.u8()?)?;
        let bits = fields.u8()?;
        Ok(Self {
            call,
            operation,
            flags: RequestFlags {
                can_create: bits & 1 != 0,
                multiple: bits & 2 != 0,
                dry_run: bits & 4 != 0,
            },
            section: fields.optional("section")?,
            xpath: fields.optional("xpath")?,
            input: fields.optional("input")?,
            user: fields.optional("user")?,
            groups: fields.list(|fields| fields.text("group"))?,
            client: fields.text("client")?,
            unix_s: fields.u64()?,
            time: fields.optional("time")?,
        })
    }
}

/// Something that a node's executor is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invoke {
    /// An operation of a resource: `<rsc_op>` of the transition graph.
    Operation {
        /// On this node.
        node: NodeId,
        /// Mark of the result: action, transition, expected exit code, the DC's own id.
        transition_key: String,
        /// The action.
        action: String,
    },
    /// Forget a resource, so that it is probed again; recurring operations end.
    Forget {
        /// On this node.
        node: NodeId,
        /// The resource.
        resource: String,
    },
    /// Act as if a resource's monitor had failed.
    Fail {
        /// On this node.
        node: NodeId,
        /// The resource.
        resource: String,
    },
}

impl Invoke {
    /// The node that it is for.
    pub fn node(&self) -> NodeId {
        match self {
            Self::Operation { node, .. } | Self::Forget { node, .. } | Self::Fail { node, .. } => {
                *node
            }
        }
    }

    pub(super) fn encode(&self, writer: &mut Writer) {
        match self {
            Self::Operation {
                node,
                transition_key,
                action,
            } => {
                writer.u8(1);
                writer.u32(node.0);
                put_text(writer, transition_key);
                put_text(writer, action);
            }
            Self::Forget { node, resource } | Self::Fail { node, resource } => {
                writer.u8(if matches!(self, Self::Forget { .. }) {
                    2
                } else {
                    3
                });
                writer.u32(node.0);
                put_text(writer, resource);
            }
        }
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, CrmError> {
        let kind = fields.u8()?;
        let node = NodeId(fields.u32()?);
        Ok(match kind {
            1 => Self::Operation {
                node,
                transition_key: fields.text("transition key")?,
                action: fields.text("action")?,
            },
            2 => Self::Forget {
                node,
                resource: fields.text("resource")?,
            },
            3 => Self::Fail {
                node,
                resource: fields.text("resource")?,
            },
            other => {
                return Err(CrmError::BadValue {
                    field: "invocation",
                    value: other.into(),
                });
            }
        })
    }
}
