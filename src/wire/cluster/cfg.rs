//! Messages that stop nodes, and let them read their configuration again.

use super::ClusterError;
use super::fields::{LongName, Source, padded_u32, write_padded_u32};
use crate::ids::NodeId;
use crate::wire::cursor::{Reader, Writer};

/// A message of service 1.
///
/// Source: corosync 3.1.7, exec/cfg.c; spec corosync-services.md 5
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cfg {
    /// Function 0: of redundant rings, which 3.x hasn't. Layout: header, source 16.
    RingReenable(Source),
    /// Function 1: that node ends at once. Layout: header, u32 nodeid, pad, name 264.
    KillNode {
        /// The node.
        node: NodeId,
        /// Why, for its log.
        reason: LongName,
    },
    /// Function 2: the sender is being shut down. Layout: header.
    Shutdown,
    /// Function 3: all read their files again. Layout: header, source 16.
    Reload(Source),
    /// Function 4: the sender changes its keys. Layout: header, u32 phase, pad.
    CryptoReconfigure {
        /// 1: the new ones are used, 2: the old ones go.
        phase: u32,
    },
}

impl Cfg {
    pub(super) fn function(&self) -> u16 {
        match self {
            Self::RingReenable(_) => 0,
            Self::KillNode { .. } => 1,
            Self::Shutdown => 2,
            Self::Reload(_) => 3,
            Self::CryptoReconfigure { .. } => 4,
        }
    }

    pub(super) fn decode(function: u16, reader: &mut Reader<'_>) -> Result<Self, ClusterError> {
        Ok(match function {
            0 => Self::RingReenable(Source::decode(reader)?),
            1 => Self::KillNode {
                node: NodeId(padded_u32(reader)?),
                reason: LongName::decode(reader)?,
            },
            2 => Self::Shutdown,
            3 => Self::Reload(Source::decode(reader)?),
            4 => Self::CryptoReconfigure {
                phase: padded_u32(reader)?,
            },
            function => {
                return Err(ClusterError::Unknown {
                    service: 1,
                    function,
                });
            }
        })
    }

    pub(super) fn encode(&self, writer: &mut Writer<'_>) {
        match self {
            Self::RingReenable(source) | Self::Reload(source) => source.encode(writer),
            Self::KillNode { node, reason } => {
                write_padded_u32(writer, node.0);
                reason.encode(writer);
            }
            Self::Shutdown => {}
            Self::CryptoReconfigure { phase } => write_padded_u32(writer, *phase),
        }
    }
}
