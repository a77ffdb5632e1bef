//! The classic capture file.
//!
//! Layout:
//! ```text
//! file:    0 4 magic: a1b2c3d4 (microseconds) or a1b23c4d (nanoseconds), tells the byte order
//!          4 2 version 2   6 2 version 4   8 8 unused   16 4 longest packet   20 4 link type
//! record:  0 4 seconds   4 4 parts of a second   8 4 bytes kept   12 4 bytes there were
//!         16 n the bytes kept
//! ```
//! Source: draft-ietf-opsawg-pcap; libpcap 1.10, `sf-pcap.c`.

use super::{CaptureError, LinkType, Order, Record, check_packet_length};

pub const FILE_HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;

/// What the header of a file says.
#[derive(Debug)]
pub struct File {
    order: Order,
    /// Nanoseconds of the smaller unit of time.
    fraction_ns: u64,
    link: LinkType,
}

impl File {
    /// Reads the header; `None` if it isn't whole.
    pub fn new(bytes: &[u8]) -> Result<Option<Self>, CaptureError> {
        let (order, fraction_ns) = match bytes {
            [0xd4, 0xc3, 0xb2, 0xa1, ..] => (Order::Little, 1000),
            [0xa1, 0xb2, 0xc3, 0xd4, ..] => (Order::Big, 1000),
            [0x4d, 0x3c, 0xb2, 0xa1, ..] => (Order::Little, 1),
            [0xa1, 0xb2, 0x3c, 0x4d, ..] => (Order::Big, 1),
            _ => return Err(CaptureError::UnknownFormat),
        };
        // The upper half may tell of checksums that follow each packet.
        let link = order.u32_at(bytes, 20).map(|number| number & 0xffff);
        Ok(link.map(|number| Self {
            order,
            fraction_ns,
            link: LinkType::from_number(number),
        }))
    }

    /// Reads a record and tells how many bytes it takes; `None` if it isn't whole.
    pub fn record(&self, bytes: &[u8]) -> Result<Option<(Record, usize)>, CaptureError> {
        let word = |at| self.order.u32_at(bytes, at);
        let (Some(seconds), Some(fraction), Some(kept), Some(there)) =
            (word(0), word(4), word(8), word(12))
        else {
            return Ok(None);
        };
        let end = RECORD_HEADER_BYTES + check_packet_length(kept)?;
        let Some(packet) = bytes.get(RECORD_HEADER_BYTES..end) else {
            return Ok(None);
        };
        let record = Record {
            time_ns: u64::from(seconds) * 1_000_000_000 + u64::from(fraction) * self.fraction_ns,
            link: self.link,
            bytes: packet.to_vec(),
            cut: there > kept,
        };
        Ok(Some((record, end)))
    }
}
