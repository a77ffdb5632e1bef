//! The one message of the configuration map: which version of the configuration a node has.

use super::ClusterError;
use super::fields::{LongName, pad_to_eight};
use crate::wire::cursor::{Reader, Writer};

/// The type of a number of 64 bits. Source: corosync 3.1.7, `ICMAP_VALUETYPE_UINT64`
const UINT64: u8 = 8;

/// Why it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CmapReason {
    /// 0: members changed.
    Sync,
    /// 1: the sender's version changed.
    NewConfigVersion,
}

/// The value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CmapValue {
    /// The sender has no such key.
    Absent,
    /// A number of 64 bits.
    U64(u64),
    /// Of another type.
    Other {
        /// Its type.
        kind: u8,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CmapItem {
    /// The key.
    pub key: LongName,
    /// Its value.
    pub value: CmapValue,
}

/// The message of service 0, function 0.
///
/// Layout: header, u8 reason, pad, u8 count @24, pad, 16 zero; items from 48 on: name 264,
/// u8 type, pad, u64 length, value, to a border.
/// Source: corosync 3.1.7, exec/cmap.c; spec corosync-services.md 6
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cmap {
    /// Why it was sent.
    pub reason: CmapReason,
    /// The keys; in fact one, `totem.config_version`.
    pub items: Vec<CmapItem>,
}

impl Cmap {
    pub(super) fn decode(function: u16, reader: &mut Reader<'_>) -> Result<Self, ClusterError> {
        if function != 0 {
            let service = 0;
            return Err(ClusterError::Unknown { service, function });
        }
        let reason = match reader.u8()? {
            0 => CmapReason::Sync,
            1 => CmapReason::NewConfigVersion,
            _ => return Err(ClusterError::Malformed("a reason that is not known")),
        };
        reader.skip(7)?;
        let count = reader.u8()?;
        reader.skip(7 + 16)?;
        let items = (0..count).map(|_| item(reader)).collect::<Result<_, _>>()?;
        Ok(Self { reason, items })
    }

    pub(super) fn encode(&self, writer: &mut Writer<'_>) {
        let items = self.items.get(..255).unwrap_or(&self.items);
        writer.u8(match self.reason {
            CmapReason::Sync => 0,
            CmapReason::NewConfigVersion => 1,
        });
        writer.zeros(7);
        writer.u8(items.len() as u8);
        writer.zeros(7 + 16);
        for item in items {
            write_item(writer, item);
        }
    }
}

fn item(reader: &mut Reader<'_>) -> Result<CmapItem, ClusterError> {
    let key = LongName::decode(reader)?;
    let kind = reader.u8()?;
    reader.skip(7)?;
    let length = reader.u64()?;
    let length = usize::try_from(length).map_err(|_| ClusterError::Malformed("a huge value"))?;
    let value = match (kind, length) {
        (0, 0) => CmapValue::Absent,
        (UINT64, 8) => CmapValue::U64(reader.u64()?),
        _ => CmapValue::Other {
            kind,
            bytes: reader.bytes(length)?.to_vec(),
        },
    };
    let border = length.next_multiple_of(8) - length;
    reader.skip(border.min(reader.left()))?;
    Ok(CmapItem { key, value })
}

fn write_item(writer: &mut Writer<'_>, item: &CmapItem) {
    item.key.encode(writer);
    let (kind, bytes): (u8, &[u8]) = match &item.value {
        CmapValue::Absent => (0, &[]),
        CmapValue::U64(value) => {
            writer.u8(UINT64);
            writer.zeros(7);
            writer.u64(8);
            writer.u64(*value);
            return;
        }
        CmapValue::Other { kind, bytes } => (*kind, bytes),
    };
    writer.u8(kind);
    writer.zeros(7);
    writer.u64(bytes.len() as u64);
    writer.bytes(bytes);
    pad_to_eight(writer);
}
