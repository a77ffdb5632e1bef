//! Capture files: pcap and pcapng, and the datagrams in their packets.
//!
//! ```text
//!  file --Decoder--> Record (time, link type, bytes) --Assembler--> Packet (addresses, payload)
//! ```

mod fragments;
mod packet;
mod pcap;
mod pcapng;

pub use packet::{Assembler, Packet, Transport};

use crate::limits;

/// One packet of a capture file, as it was on its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Nanoseconds since 1970.
    pub time_ns: u64,
    /// What its first bytes are.
    pub link: LinkType,
    /// The bytes that were kept.
    pub bytes: Vec<u8>,
    /// True if the packet was longer than what was kept.
    pub cut: bool,
}

/// What a packet starts with.
///
/// Source: the registry of LINKTYPE_ values at tcpdump.org.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkType {
    /// 1: an Ethernet header.
    Ethernet,
    /// 12, 14, 101, 228, 229: an IP header.
    Ip,
    /// 0, 108: four bytes that say which address family, then an IP header.
    Loopback,
    /// 113: the header of Linux's "any" device.
    LinuxCooked,
    /// 276: its second version.
    LinuxCooked2,
    /// Another one.
    Other(u32),
}

impl LinkType {
    fn from_number(number: u32) -> Self {
        match number {
            1 => Self::Ethernet,
            12 | 14 | 101 | 228 | 229 => Self::Ip,
            0 | 108 => Self::Loopback,
            113 => Self::LinuxCooked,
            276 => Self::LinuxCooked2,
            other => Self::Other(other),
        }
    }
}

/// Why a capture file can't be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// The file starts with no magic number that we know.
    #[error("not a pcap or pcapng file")]
    UnknownFormat,
    /// A packet or block is longer than any can be.
    #[error("damaged: a record of {0} bytes")]
    TooLarge(u32),
    /// A block of a pcapng file breaks a rule.
    #[error("damaged: {0}")]
    Damaged(&'static str),
}

/// Order of a number's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    /// The number at `at`, if it is there.
    fn u16_at(self, bytes: &[u8], at: usize) -> Option<u16> {
        Some(self.u16(*bytes.get(at..)?.first_chunk()?))
    }

    /// The number at `at`, if it is there.
    fn u32_at(self, bytes: &[u8], at: usize) -> Option<u32> {
        Some(self.u32(*bytes.get(at..)?.first_chunk()?))
    }
}

/// Reads a capture file, whatever the pieces it arrives in.
///
/// Bounds: keeps what was pushed and not taken; take every record after each push, then that is
/// less than one record and one piece.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// How much of the buffer's start was read already.
    taken: usize,
    format: Format,
}

#[derive(Debug, Default)]
enum Format {
    #[default]
    Unknown,
    Pcap(pcap::File),
    Pcapng(pcapng::Section),
}

impl Decoder {
    /// A decoder at the start of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a piece of the file.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(piece);
    }

    /// The next record that is complete; `None` until more is pushed.
    ///
    /// Errors: the file is no longer understood; every later call says the same.
    pub fn next_record(&mut self) -> Result<Option<Record>, CaptureError> {
        loop {
            let rest = &self.buffer[self.taken..];
            match &mut self.format {
                Format::Unknown => match start(rest)? {
                    Some((format, used)) => {
                        self.format = format;
                        self.taken += used;
                    }
                    None => return Ok(None),
                },
                Format::Pcap(file) => {
                    return Ok(file.record(rest)?.map(|(record, used)| {
                        self.taken += used;
                        record
                    }));
                }
                Format::Pcapng(section) => match section.block(rest)? {
                    Some((record, used)) => {
                        self.taken += used;
                        if record.is_some() {
                            return Ok(record);
                        }
                    }
                    None => return Ok(None),
                },
            }
        }
    }

    /// Bytes that wait for the rest of their record: not 0 at the end of a file that was cut off.
    pub fn waiting_bytes(&self) -> usize {
        self.buffer.len() - self.taken
    }
}

/// Tells the format by the first bytes; `None` if there are too few.
fn start(bytes: &[u8]) -> Result<Option<(Format, usize)>, CaptureError> {
    let Some(magic) = bytes.first_chunk::<4>() else {
        return Ok(None);
    };
    if *magic == pcapng::SECTION_HEADER {
        return Ok(Some((Format::Pcapng(pcapng::Section::new()), 0)));
    }
    let file = pcap::File::new(bytes)?;
    Ok(file.map(|file| (Format::Pcap(file), pcap::FILE_HEADER_BYTES)))
}

fn check_packet_length(bytes: u32) -> Result<usize, CaptureError> {
    match usize::try_from(bytes) {
        Ok(length) if length <= limits::CAPTURE_PACKET_BYTES_MAX => Ok(length),
        _ => Err(CaptureError::TooLarge(bytes)),
    }
}

#[cfg(test)]
mod tests;
