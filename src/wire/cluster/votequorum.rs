//! Messages about votes.

use super::ClusterError;
use crate::ids::NodeId;
use crate::wire::cursor::{Reader, Writer};

/// Longest name of a quorum device, its NUL included. Units: bytes
/// Source: corosync 3.1.7, `VOTEQUORUM_QDEVICE_MAX_NAME_LEN`
const DEVICE_NAME_BYTES: usize = 255;

/// What holds of a node.
///
/// Source: corosync 3.1.7, exec/votequorum.c, `NODE_FLAGS_*`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct NodeFlags(pub u32);

impl NodeFlags {
    /// It counts itself as quorate.
    pub const QUORATE: Self = Self(1);
    /// It is about to leave, cleanly.
    pub const LEAVING: Self = Self(2);
    /// It waits until all nodes were seen.
    pub const WAIT_FOR_ALL: Self = Self(4);
    /// It was started alone and has seen no other.
    pub const FIRST: Self = Self(8);
    /// A quorum device is registered there.
    pub const DEVICE_REGISTERED: Self = Self(16);
    /// That device lives.
    pub const DEVICE_ALIVE: Self = Self(32);
    /// That device casts its vote.
    pub const DEVICE_CASTS_VOTE: Self = Self(64);
    /// That device's side wins.
    pub const DEVICE_MASTER_WINS: Self = Self(128);

    /// True when all of `flags` are set.
    pub fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// With these set or not.
    #[must_use]
    pub fn with(self, flags: Self, set: bool) -> Self {
        match set {
            true => Self(self.0 | flags.0),
            false => Self(self.0 & !flags.0),
        }
    }
}

/// What a node says of itself, or of the quorum device (node 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeState {
    /// Whom it is about.
    pub node: NodeId,
    /// Its votes.
    pub votes: u32,
    /// The votes it expects in all.
    pub expected_votes: u32,
    /// What holds of it.
    pub flags: NodeFlags,
}

/// What is changed by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// 1: the votes that are expected in all.
    ExpectedVotes,
    /// 2: the votes of one node.
    NodeVotes,
    /// 3: nobody waits for all nodes any more.
    CancelWaitForAll,
}

/// A message of service 5.
///
/// Source: corosync 3.1.7, exec/votequorum.c; spec corosync-services.md 4
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Votequorum {
    /// Function 0. Layout: header, u32 nodeid, votes, expected votes, flags. 32 bytes.
    NodeInfo(NodeState),
    /// Function 1. Layout: header, u32 nodeid, u32 value, u8 what, 3 zero, 4 pad. 32 bytes.
    Reconfigure {
        /// Whose votes.
        node: NodeId,
        /// The new value.
        value: u32,
        /// What.
        parameter: Parameter,
    },
    /// Function 2. Layout: header, u32 operation, 255 bytes of name, to a border. 280 bytes.
    DeviceRegistration {
        /// True to register, false to take back.
        registers: bool,
        /// The device.
        name: Vec<u8>,
    },
    /// Function 3. Layout: header, 255 bytes, 255 bytes, to a border. 528 bytes.
    DeviceRename {
        /// Its old name.
        old: Vec<u8>,
        /// Its new name.
        new: Vec<u8>,
    },
}

impl Votequorum {
    pub(super) fn function(&self) -> u16 {
        match self {
            Self::NodeInfo(_) => 0,
            Self::Reconfigure { .. } => 1,
            Self::DeviceRegistration { .. } => 2,
            Self::DeviceRename { .. } => 3,
        }
    }

    pub(super) fn decode(function: u16, reader: &mut Reader<'_>) -> Result<Self, ClusterError> {
        match function {
            0 => Ok(Self::NodeInfo(NodeState {
                node: NodeId(reader.u32()?),
                votes: reader.u32()?,
                expected_votes: reader.u32()?,
                flags: NodeFlags(reader.u32()?),
            })),
            1 => {
                let (node, value) = (NodeId(reader.u32()?), reader.u32()?);
                let parameter = match reader.u8()? {
                    1 => Parameter::ExpectedVotes,
                    2 => Parameter::NodeVotes,
                    3 => Parameter::CancelWaitForAll,
                    _ => return Err(ClusterError::Malformed("a parameter that is not known")),
                };
                Ok(Self::Reconfigure {
                    node,
                    value,
                    parameter,
                })
            }
            2 => Ok(Self::DeviceRegistration {
                registers: reader.u32()? == 1,
                name: device_name(reader)?,
            }),
            3 => Ok(Self::DeviceRename {
                old: device_name(reader)?,
                new: device_name(reader)?,
            }),
            function => Err(ClusterError::Unknown {
                service: 5,
                function,
            }),
        }
    }

    pub(super) fn encode(&self, writer: &mut Writer<'_>) {
        match self {
            Self::NodeInfo(state) => {
                writer.u32(state.node.0);
                writer.u32(state.votes);
                writer.u32(state.expected_votes);
                writer.u32(state.flags.0);
            }
            Self::Reconfigure {
                node,
                value,
                parameter,
            } => {
                writer.u32(node.0);
                writer.u32(*value);
                writer.u8(match parameter {
                    Parameter::ExpectedVotes => 1,
                    Parameter::NodeVotes => 2,
                    Parameter::CancelWaitForAll => 3,
                });
            }
            Self::DeviceRegistration { registers, name } => {
                writer.u32((*registers).into());
                write_device_name(writer, name);
            }
            Self::DeviceRename { old, new } => {
                write_device_name(writer, old);
                write_device_name(writer, new);
            }
        }
        super::fields::pad_to_eight(writer);
    }
}

/// The bytes before the first NUL. The last place is for a NUL, whatever stands there.
fn device_name(reader: &mut Reader<'_>) -> Result<Vec<u8>, ClusterError> {
    let bytes = reader.bytes(DEVICE_NAME_BYTES - 1)?;
    reader.skip(1)?;
    let name = bytes.split(|b| *b == 0).next();
    Ok(name.unwrap_or_default().to_vec())
}

fn write_device_name(writer: &mut Writer<'_>, name: &[u8]) {
    let name = name.get(..DEVICE_NAME_BYTES - 1).unwrap_or(name);
    writer.bytes(name);
    writer.zeros(DEVICE_NAME_BYTES - name.len());
}
