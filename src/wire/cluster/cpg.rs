//! Messages of closed process groups.

use std::sync::Arc;

use super::fields::{CpgName, Source, padded_u32, write_padded_u32};
use super::header::Header;
use super::{ClusterError, Service};
use crate::ids::NodeId;
use crate::limits;
use crate::wire::cursor::{Reader, Writer};

/// Places for nodes in a downlist. Source: corosync 3.1.7, `PROCESSOR_COUNT_MAX`
const PLACES: usize = limits::TOTEM_MEMBERS_MAX;

/// Why a process is or isn't in a group.
///
/// Source: corosync 3.1.7, `cpg_reason_t`
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(pub u32);

impl Reason {
    /// It joined.
    pub const JOIN: Self = Self(1);
    /// It left.
    pub const LEAVE: Self = Self(2);
    /// Its node is gone.
    pub const NODE_DOWN: Self = Self(3);
    /// Its node came.
    pub const NODE_UP: Self = Self(4);
    /// It ended without leaving.
    pub const PROCESS_DOWN: Self = Self(5);
}

/// Which part of a large message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PartialKind {
    First,
    Middle,
    Last,
}

impl PartialKind {
    fn number(self) -> u32 {
        match self {
            Self::First => 1,
            Self::Middle => 2,
            Self::Last => 3,
        }
    }

    fn of(number: u32) -> Result<Self, ClusterError> {
        match number {
            1 => Ok(Self::First),
            2 => Ok(Self::Middle),
            3 => Ok(Self::Last),
            _ => Err(ClusterError::Malformed("a part that is none of 1, 2 and 3")),
        }
    }
}

/// A process of the sender, in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinListEntry {
    /// The process.
    pub pid: u32,
    /// Its group.
    pub group: CpgName,
}

/// A message of service 2; the sender is totem's.
///
/// Source: corosync 3.1.7, exec/cpg.c; spec corosync-services.md 3
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cpg {
    /// Functions 0 and 1. Layout: header, group 136, u32 pid, pad, u32 reason, pad. 168 bytes.
    Process {
        /// True for a join.
        joins: bool,
        /// The group.
        group: CpgName,
        /// The process.
        pid: u32,
        /// Why.
        reason: Reason,
    },
    /// Function 2: all processes of the sender. Layout: header, i32 error 0, pad; per
    /// process u32 pid, pad, group 136.
    JoinList(Vec<JoinListEntry>),
    /// Function 3. Layout: header, group 136, u32 length, pad, u32 pid, pad, source 16, data.
    Mcast {
        /// The group.
        group: CpgName,
        /// The process that sends.
        pid: u32,
        /// Its client.
        source: Source,
        /// What it sends.
        data: Arc<[u8]>,
    },
    /// Function 5: nodes that the sender lost. Layout: header, u32 old members, pad, u32 left,
    /// pad, 384 × u32. 1568 bytes.
    DownList {
        /// How many members there were.
        old_members: u32,
        /// Who of them is gone.
        left: Vec<NodeId>,
    },
    /// Function 6: a part of a large message. Layout: header, group 136, u32 length of all, pad,
    /// u32 length, pad, u32 pid, pad, u32 which, pad, source 16, data.
    Partial {
        /// The group.
        group: CpgName,
        /// Length of the whole message.
        total: u32,
        /// The process that sends.
        pid: u32,
        /// Which part.
        kind: PartialKind,
        /// Its client.
        source: Source,
        /// This part.
        data: Arc<[u8]>,
    },
}

impl Cpg {
    pub(super) fn function(&self) -> u16 {
        match self {
            Self::Process { joins: true, .. } => 0,
            Self::Process { joins: false, .. } => 1,
            Self::JoinList(_) => 2,
            Self::Mcast { .. } => 3,
            Self::DownList { .. } => 5,
            Self::Partial { .. } => 6,
        }
    }

    pub(super) fn decode(
        function: u16,
        header: &Header,
        reader: &mut Reader<'_>,
    ) -> Result<Self, ClusterError> {
        match function {
            0 | 1 => Ok(Self::Process {
                joins: function == 0,
                group: CpgName::decode(reader)?,
                pid: padded_u32(reader)?,
                reason: Reason(padded_u32(reader)?),
            }),
            2 => Self::join_list(reader),
            3 => Self::mcast(reader),
            5 => Self::down_list(reader),
            6 => Self::partial(reader),
            function => Err(ClusterError::Unknown {
                service: header.service().0.0,
                function,
            }),
        }
    }

    fn join_list(reader: &mut Reader<'_>) -> Result<Self, ClusterError> {
        padded_u32(reader)?;
        let mut entries = Vec::new();
        while reader.left() > 0 {
            entries.push(JoinListEntry {
                pid: padded_u32(reader)?,
                group: CpgName::decode(reader)?,
            });
        }
        Ok(Self::JoinList(entries))
    }

    fn mcast(reader: &mut Reader<'_>) -> Result<Self, ClusterError> {
        let group = CpgName::decode(reader)?;
        let length = padded_u32(reader)? as usize;
        Ok(Self::Mcast {
            group,
            pid: padded_u32(reader)?,
            source: Source::decode(reader)?,
            data: reader.bytes(length)?.into(),
        })
    }

    fn down_list(reader: &mut Reader<'_>) -> Result<Self, ClusterError> {
        let old_members = padded_u32(reader)?;
        let count = padded_u32(reader)? as usize;
        if count > PLACES {
            return Err(ClusterError::Malformed("more nodes than there are places"));
        }
        let left = (0..count)
            .map(|_| reader.u32().map(NodeId))
            .collect::<Result<_, _>>()?;
        Ok(Self::DownList { old_members, left })
    }

    fn partial(reader: &mut Reader<'_>) -> Result<Self, ClusterError> {
        let group = CpgName::decode(reader)?;
        let total = padded_u32(reader)?;
        let length = padded_u32(reader)? as usize;
        Ok(Self::Partial {
            group,
            total,
            pid: padded_u32(reader)?,
            kind: PartialKind::of(padded_u32(reader)?)?,
            source: Source::decode(reader)?,
            data: reader.bytes(length)?.into(),
        })
    }

    pub(super) fn encode(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Process {
                group, pid, reason, ..
            } => {
                group.encode(writer);
                write_padded_u32(writer, *pid);
                write_padded_u32(writer, reason.0);
            }
            Self::JoinList(entries) => {
                write_padded_u32(writer, 0);
                for entry in entries {
                    write_padded_u32(writer, entry.pid);
                    entry.group.encode(writer);
                }
            }
            Self::Mcast {
                group,
                pid,
                source,
                data,
            } => {
                group.encode(writer);
                write_padded_u32(writer, data.len() as u32);
                write_padded_u32(writer, *pid);
                source.encode(writer);
                writer.bytes(data);
            }
            Self::DownList { old_members, left } => {
                let left = left.get(..PLACES).unwrap_or(left);
                write_padded_u32(writer, *old_members);
                write_padded_u32(writer, left.len() as u32);
                for node in left {
                    writer.u32(node.0);
                }
                writer.zeros(4 * (PLACES - left.len()));
            }
            Self::Partial {
                group,
                total,
                pid,
                kind,
                source,
                data,
            } => {
                group.encode(writer);
                for field in [*total, data.len() as u32, *pid, kind.number()] {
                    write_padded_u32(writer, field);
                }
                source.encode(writer);
                writer.bytes(data);
            }
        }
    }
}

impl Cpg {
    /// The service they are of.
    pub const SERVICE: Service = Service::CPG;
}
