//! What each message of a service begins with.

use crate::wire::cursor::{ByteOrder, Reader, Truncated, Writer};

/// Number of a service.
///
/// Source: corosync 3.1.7, `enum corosync_service_types`
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service(pub u16);

impl Service {
    /// The configuration map.
    pub const CMAP: Self = Self(0);
    /// Stopping and reloading nodes.
    pub const CFG: Self = Self(1);
    /// Closed process groups.
    pub const CPG: Self = Self(2);
    /// Who has quorum, for clients.
    pub const QUORUM: Self = Self(3);
    /// Votes.
    pub const VOTEQUORUM: Self = Self(5);
}

/// Which message it is, and how long.
///
/// Layout: 0 i32 id (service << 16 | function), 4 pad, 8 i32 size with the header, 12 pad.
/// Source: corosync 3.1.7, `struct qb_ipc_request_header`; spec corosync-services.md 1
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Service and function.
    pub id: u32,
    /// Length of the message; nobody checks it.
    pub size: u32,
}

impl Header {
    /// That of a service's message; the size is set when the message is whole.
    pub fn of_service(service: Service, function: u16) -> Self {
        Self {
            id: u32::from(service.0) << 16 | u32::from(function),
            size: 0,
        }
    }

    /// Service and function.
    pub fn service(&self) -> (Service, u16) {
        (Service((self.id >> 16) as u16), self.id as u16)
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        let id = reader.u32()?;
        reader.skip(4)?;
        let size = reader.u32()?;
        reader.skip(4)?;
        Ok(Self { id, size })
    }

    pub(super) fn encode(&self, writer: &mut Writer<'_>) {
        writer.u32(self.id);
        writer.zeros(4);
        writer.u32(self.size);
        writer.zeros(4);
    }
}

/// Writes the length of what begins at `start` into its header.
pub(super) fn set_size(out: &mut [u8], start: usize) {
    let size = (out.len() - start) as u32;
    let bytes = match ByteOrder::NATIVE {
        ByteOrder::Little => size.to_le_bytes(),
        ByteOrder::Big => size.to_be_bytes(),
    };
    if let Some(place) = out.get_mut(start + 8..start + 12) {
        place.copy_from_slice(&bytes);
    }
}
