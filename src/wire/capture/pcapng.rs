//! The capture file of blocks.
//!
//! Layout:
//! ```text
//! block:     0 4 type   4 4 length of all, a multiple of 4   8 n body   n+8 4 length again
//! section:   type 0a0d0d0a; body: 0 4 byte order 1a2b3c4d   4 2 version 1  ...
//! interface: type 1; body: 0 2 link type   2 2 unused   4 4 longest packet   8 n options
//! packet:    type 6; body: 0 4 interface   4 8 time, upper half first   12 4 bytes kept
//!                          16 4 bytes there were   20 n the bytes kept, padded   options
//! simple:    type 3; body: 0 4 bytes there were   4 n the bytes kept, padded
//! option:    0 2 code   2 2 length   4 n value, padded; code 9: unit of time, 14: seconds added
//! ```
//! Source: draft-ietf-opsawg-pcapng.

use super::{CaptureError, LinkType, Order, Record, check_packet_length};
use crate::limits;

/// Type of the block that starts a section: the same in both byte orders.
pub const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const INTERFACE: u32 = 1;
const SIMPLE_PACKET: u32 = 3;
const PACKET: u32 = 6;

const OPTION_TIME_UNIT: u16 = 9;
const OPTION_TIME_OFFSET: u16 = 14;

/// What is known of the section that is being read.
#[derive(Debug)]
pub struct Section {
    order: Order,
    interfaces: Vec<Interface>,
}

#[derive(Debug)]
struct Interface {
    link: LinkType,
    snap_bytes: u32,
    ticks_per_second: u128,
    offset_s: i64,
}

impl Section {
    /// Before the first block.
    pub fn new() -> Self {
        Self {
            order: Order::Little,
            interfaces: Vec::new(),
        }
    }

    /// Reads a block, tells the packet in it, if it is one, and how many bytes it takes; `None`
    /// if it isn't whole.
    pub fn block(&mut self, bytes: &[u8]) -> Result<Option<(Option<Record>, usize)>, CaptureError> {
        if bytes.len() < 12 {
            return Ok(None);
        }
        if bytes.starts_with(&SECTION_HEADER) {
            self.interfaces.clear();
            self.order = match bytes[8..12] {
                [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
                [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
                _ => return Err(CaptureError::Damaged("a section of unknown byte order")),
            };
        }
        let (Some(kind), Some(length)) = (self.order.u32_at(bytes, 0), self.order.u32_at(bytes, 4))
        else {
            return Ok(None);
        };
        let end = match usize::try_from(length) {
            Ok(end) if end <= limits::CAPTURE_BLOCK_BYTES_MAX => end,
            _ => return Err(CaptureError::TooLarge(length)),
        };
        if end < 12 || end % 4 != 0 {
            return Err(CaptureError::Damaged("a block of impossible length"));
        }
        let Some(block) = bytes.get(..end) else {
            return Ok(None);
        };
        if self.order.u32_at(block, end - 4) != Some(length) {
            return Err(CaptureError::Damaged("a block's two lengths differ"));
        }
        let record = self.body(kind, &block[8..end - 4])?;
        Ok(Some((record, end)))
    }

    fn body(&mut self, kind: u32, body: &[u8]) -> Result<Option<Record>, CaptureError> {
        match kind {
            INTERFACE => {
                if self.interfaces.len() >= limits::CAPTURE_INTERFACES_MAX {
                    return Err(CaptureError::Damaged("too many interfaces"));
                }
                let interface = self.interface(body);
                let short = CaptureError::Damaged("an interface block is too short");
                self.interfaces.push(interface.ok_or(short)?);
                Ok(None)
            }
            PACKET => self.packet(body).map(Some),
            SIMPLE_PACKET => self.simple_packet(body).map(Some),
            _ => Ok(None),
        }
    }

    fn interface(&self, body: &[u8]) -> Option<Interface> {
        let mut interface = Interface {
            link: LinkType::from_number(self.order.u16_at(body, 0)?.into()),
            snap_bytes: self.order.u32_at(body, 4)?,
            ticks_per_second: 1_000_000,
            offset_s: 0,
        };
        let mut at = 8;
        while let (Some(code), Some(length)) =
            (self.order.u16_at(body, at), self.order.u16_at(body, at + 2))
        {
            let length = usize::from(length);
            let value = body.get(at + 4..at + 4 + length).unwrap_or_default();
            match (code, value) {
                (OPTION_TIME_UNIT, &[unit]) => interface.ticks_per_second = ticks(unit),
                (OPTION_TIME_OFFSET, &[a, b, c, d, e, f, g, h]) => {
                    let bytes = [a, b, c, d, e, f, g, h];
                    interface.offset_s = match self.order {
                        Order::Little => i64::from_le_bytes(bytes),
                        Order::Big => i64::from_be_bytes(bytes),
                    };
                }
                _ => {}
            }
            at += 4 + length.next_multiple_of(4);
        }
        Some(interface)
    }

    fn packet(&self, body: &[u8]) -> Result<Record, CaptureError> {
        let word = |at| self.order.u32_at(body, at);
        let (Some(index), Some(upper), Some(lower), Some(kept), Some(there)) =
            (word(0), word(4), word(8), word(12), word(16))
        else {
            return Err(CaptureError::Damaged("a packet block is too short"));
        };
        let interface = self.interface_of(index)?;
        let packet = body.get(20..20 + check_packet_length(kept)?);
        let packet = packet.ok_or(CaptureError::Damaged("a packet is longer than its block"))?;
        Ok(Record {
            time_ns: interface.time_ns(u64::from(upper) << 32 | u64::from(lower)),
            link: interface.link,
            bytes: packet.to_vec(),
            cut: there > kept,
        })
    }

    fn simple_packet(&self, body: &[u8]) -> Result<Record, CaptureError> {
        let there = self.order.u32_at(body, 0);
        let there = there.ok_or(CaptureError::Damaged("a packet block is too short"))?;
        let interface = self.interface_of(0)?;
        let kept = match interface.snap_bytes {
            0 => there,
            snap => there.min(snap),
        };
        let packet = body.get(4..4 + check_packet_length(kept)?);
        let packet = packet.ok_or(CaptureError::Damaged("a packet is longer than its block"))?;
        Ok(Record {
            time_ns: 0,
            link: interface.link,
            bytes: packet.to_vec(),
            cut: there > kept,
        })
    }

    fn interface_of(&self, index: u32) -> Result<&Interface, CaptureError> {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.interfaces.get(index))
            .ok_or(CaptureError::Damaged("a packet of an unknown interface"))
    }
}

impl Interface {
    /// Saturates at both ends.
    fn time_ns(&self, ticks: u64) -> u64 {
        let ns = u128::from(ticks) * 1_000_000_000 / self.ticks_per_second.max(1);
        let ns = i128::try_from(ns).unwrap_or(i128::MAX);
        let ns = ns.saturating_add(i128::from(self.offset_s) * 1_000_000_000);
        u64::try_from(ns.max(0)).unwrap_or(u64::MAX)
    }
}

/// The unit of time: a power of ten, or of two with the upper bit set.
fn ticks(unit: u8) -> u128 {
    let (base, power): (u128, u8) = if unit & 0x80 == 0 {
        (10, unit)
    } else {
        (2, unit & 0x7f)
    };
    base.checked_pow(u32::from(power)).unwrap_or(u128::MAX)
}
