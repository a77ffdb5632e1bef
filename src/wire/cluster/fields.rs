//! Fields that several services have.

use std::fmt;
use std::sync::Arc;

use super::ClusterError;
use crate::ids::NodeId;
use crate::wire::cursor::{Reader, Truncated, Writer};

/// Longest name of a group. Units: bytes. Source: corosync 3.1.7, `CPG_MAX_NAME_LENGTH`
const CPG_NAME_BYTES: usize = 128;

/// Longest other name. Units: bytes. Source: corosync 3.1.7, `CS_MAX_NAME_LENGTH`
const LONG_NAME_BYTES: usize = 256;

/// A number that its padding follows.
pub(super) fn padded_u32(reader: &mut Reader<'_>) -> Result<u32, Truncated> {
    let value = reader.u32()?;
    reader.skip(4)?;
    Ok(value)
}

/// The same, written.
pub(super) fn write_padded_u32(writer: &mut Writer<'_>, value: u32) {
    writer.u32(value);
    writer.zeros(4);
}

/// Zeros up to the next border of eight bytes.
pub(super) fn pad_to_eight(writer: &mut Writer<'_>) {
    writer.zeros(writer.position().next_multiple_of(8) - writer.position());
}

/// Name of a process group: any bytes, those of its client.
///
/// Layout: 0 u32 length, 4 pad, 8 128 bytes. 136 bytes.
/// Bounds: 128 bytes
/// Source: corosync 3.1.7, `mar_cpg_name_t`
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CpgName(Arc<[u8]>);

impl CpgName {
    /// Takes the bytes. Errors: more than 128 of them.
    pub fn new(name: &[u8]) -> Result<Self, ClusterError> {
        if name.len() > CPG_NAME_BYTES {
            return Err(ClusterError::Malformed("a name of more than 128 bytes"));
        }
        Ok(Self(name.into()))
    }

    /// Its bytes; some clients count a NUL among them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, ClusterError> {
        let length = padded_u32(reader)? as usize;
        let bytes = reader.bytes(CPG_NAME_BYTES)?;
        let name = bytes.get(..length);
        Self::new(name.ok_or(ClusterError::Malformed("a name longer than its place"))?)
    }

    pub(super) fn encode(&self, writer: &mut Writer<'_>) {
        write_padded_u32(writer, self.0.len() as u32);
        writer.bytes(&self.0);
        writer.zeros(CPG_NAME_BYTES - self.0.len());
    }
}

impl fmt::Display for CpgName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(&self.0);
        write!(f, "{}", text.trim_end_matches('\0').escape_debug())
    }
}

impl fmt::Debug for CpgName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// A name of a key, or a reason.
///
/// Layout: 0 u16 length, 2 pad, 8 256 bytes. 264 bytes.
/// Source: corosync 3.1.7, `mar_name_t`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LongName(Arc<[u8]>);

impl LongName {
    /// Takes the bytes. Errors: more than 256 of them.
    pub fn new(name: &[u8]) -> Result<Self, ClusterError> {
        if name.len() > LONG_NAME_BYTES {
            return Err(ClusterError::Malformed("a name of more than 256 bytes"));
        }
        Ok(Self(name.into()))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, ClusterError> {
        let length = usize::from(reader.u16()?);
        reader.skip(6)?;
        let bytes = reader.bytes(LONG_NAME_BYTES)?;
        let name = bytes.get(..length);
        Self::new(name.ok_or(ClusterError::Malformed("a name longer than its place"))?)
    }

    pub(super) fn encode(&self, writer: &mut Writer<'_>) {
        writer.u16(self.0.len() as u16);
        writer.zeros(6);
        writer.bytes(&self.0);
        writer.zeros(LONG_NAME_BYTES - self.0.len());
    }
}

/// Who asked for something: a node and one of its clients.
///
/// Layout: 0 u32 nodeid, 4 pad, 8 u64 client, which only its node understands.
/// Source: corosync 3.1.7, `mar_message_source_t`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source {
    /// The node.
    pub node: NodeId,
    /// Its client.
    pub client: u64,
}

impl Source {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        Ok(Self {
            node: NodeId(padded_u32(reader)?),
            client: reader.u64()?,
        })
    }

    pub(super) fn encode(&self, writer: &mut Writer<'_>) {
        write_padded_u32(writer, self.node.0);
        writer.u64(self.client);
    }
}
