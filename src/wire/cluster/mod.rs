//! Messages of corosync's services, as they travel inside totem's messages.
//!
//! ```text
//!  totempg message --totempg::Addressed--> group, body --Message::decode--> Message
//!  group "a": services, by number; group "sync": the barriers of a change of members
//! ```
//!
//! Layouts are those of 3.x and 2.x, whose fields stand on borders of eight bytes; what is
//! between them nobody initialises: it is written as zeros and never looked at.
//!
//! Source: spec corosync-services.md; held to captures of 3.1.7.

mod cfg;
mod cmap;
mod cpg;
mod error;
mod fields;
mod header;
mod old;
mod sync;
mod votequorum;

pub use cfg::Cfg;
pub use cmap::{Cmap, CmapItem, CmapReason, CmapValue};
pub use cpg::{Cpg, JoinListEntry, PartialKind, Reason};
pub use error::ClusterError;
pub use fields::{CpgName, LongName, Source};
pub use header::{Header, Service};
pub use old::{Old, SYNC_V2};
pub use sync::Sync;
pub use votequorum::{NodeFlags, NodeState, Parameter, Votequorum};

use super::cursor::{ByteOrder, Reader, Writer};
use super::totem::Dialect;

/// The group that services speak in.
pub const SERVICES: &[u8] = b"a";

/// The group of the barriers.
pub const SYNC: &[u8] = b"sync";

/// A message of group `a`, by its service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Service 0.
    Cmap(Cmap),
    /// Service 1.
    Cfg(Cfg),
    /// Service 2.
    Cpg(Cpg),
    /// Service 5.
    Votequorum(Votequorum),
}

impl Message {
    /// Reads the body of a message of group `a`.
    ///
    /// Errors: `Unknown` for services and functions that nobody sends, which are passed over.
    pub fn decode(body: &[u8], order: ByteOrder) -> Result<Self, ClusterError> {
        let mut reader = Reader::new(body, order);
        let header = Header::decode(&mut reader)?;
        let (service, function) = header.service();
        let reader = &mut reader;
        match service {
            Service::CMAP => Cmap::decode(function, reader).map(Self::Cmap),
            Service::CFG => Cfg::decode(function, reader).map(Self::Cfg),
            Service::CPG => Cpg::decode(function, &header, reader).map(Self::Cpg),
            Service::VOTEQUORUM => Votequorum::decode(function, reader).map(Self::Votequorum),
            Service(service) => Err(ClusterError::Unknown { service, function }),
        }
    }

    /// Appends the body, in this machine's byte order.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let mut writer = Writer::new(out, ByteOrder::NATIVE);
        let (service, function) = self.kind();
        Header::of_service(service, function).encode(&mut writer);
        match self {
            Self::Cmap(message) => message.encode(&mut writer),
            Self::Cfg(message) => message.encode(&mut writer),
            Self::Cpg(message) => message.encode(&mut writer),
            Self::Votequorum(message) => message.encode(&mut writer),
        }
        header::set_size(out, start);
    }

    /// The body by itself.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    fn kind(&self) -> (Service, u16) {
        match self {
            Self::Cmap(_) => (Service::CMAP, 0),
            Self::Cfg(message) => (Service::CFG, message.function()),
            Self::Cpg(message) => (Service::CPG, message.function()),
            Self::Votequorum(message) => (Service::VOTEQUORUM, message.function()),
        }
    }
}

/// Reads the body of a message of group `sync`.
pub fn decode_sync(body: &[u8], dialect: Dialect) -> Result<Sync, ClusterError> {
    // Real nodes convert nothing here: both sides must have one byte order.
    let mut reader = Reader::new(body, ByteOrder::NATIVE);
    let header = Header::decode(&mut reader)?;
    Sync::decode(&header, &mut reader, dialect)
}

/// The body of a message of group `sync`.
pub fn encode_sync(message: &Sync, dialect: Dialect) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, ByteOrder::NATIVE);
    message.encode(&mut writer, dialect);
    header::set_size(&mut out, 0);
    out
}

#[cfg(test)]
mod tests;
