//! Cutting a stream of messages into packets.

use std::collections::VecDeque;

use crate::limits;
use crate::wire::totempg::{self, Addressed, HEADER_BYTES};

/// A message is longer than any receiver has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of {0} bytes is too long for the ring")]
pub struct TooLong(pub usize);

/// Length of a part's length. Units: bytes
const LENGTH_BYTES: usize = 2;

/// Room for making messages that is kept. Units: bytes
const MESSAGE_ROOM_MAX: usize = 128 * 1024;

/// Packs messages. A packet that is not full waits for more, or for [`Packer::flush`].
#[derive(Debug)]
pub struct Packer {
    packet_bytes: usize,
    full: VecDeque<Vec<u8>>,
    /// The packet that is being filled: its parts one behind the other, and their lengths.
    staged: Vec<u8>,
    lengths: Vec<usize>,
    /// Where messages are made.
    message: Vec<u8>,
    /// The fragment that the first part continues; 0: it begins a message.
    continuation: u8,
}

impl Packer {
    /// For packets of at most so many bytes, the packet's own header included.
    ///
    /// Bounds: at least one byte of data goes into a packet, and at most 65,535
    pub fn new(packet_bytes: usize) -> Self {
        let least = HEADER_BYTES + LENGTH_BYTES + 1;
        Self {
            packet_bytes: packet_bytes.clamp(least, usize::from(u16::MAX)),
            full: VecDeque::new(),
            staged: Vec::new(),
            lengths: Vec::new(),
            message: Vec::new(),
            continuation: 0,
        }
    }

    /// Adds a message behind those before it.
    ///
    /// Errors: it is longer than [`limits::TOTEMPG_MESSAGE_BYTES_MAX`]; nothing is added then.
    pub fn push(&mut self, message: &[u8]) -> Result<(), TooLong> {
        if message.len() > limits::TOTEMPG_MESSAGE_BYTES_MAX {
            return Err(TooLong(message.len()));
        }
        let mut rest = message;
        // Numbers of fragments begin again with each message that is cut.
        let mut fragment = 0_u8;
        if self.room() == 0 {
            self.close(0);
        }
        while rest.len() > self.room() {
            let (part, more) = rest.split_at(self.room());
            self.add(part);
            rest = more;
            fragment = if fragment == u8::MAX { 1 } else { fragment + 1 };
            self.close(fragment);
        }
        self.add(rest);
        Ok(())
    }

    /// Adds a message for a group, whose body `write` appends.
    ///
    /// Errors: as [`Self::push`].
    pub fn push_to(
        &mut self,
        group: &[u8],
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), TooLong> {
        let mut message = std::mem::take(&mut self.message);
        message.clear();
        Addressed::begin(group, &mut message);
        write(&mut message);
        let pushed = self.push(&message);
        // A very long one is rare: its room isn't kept.
        message.shrink_to(MESSAGE_ROOM_MAX);
        self.message = message;
        pushed
    }

    /// A packet that is full, the oldest first.
    pub fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.full.pop_front()
    }

    /// Closes the packet that is being filled, if there is something in it.
    pub fn flush(&mut self) {
        if !self.lengths.is_empty() {
            self.close(0);
        }
    }

    /// True when nothing waits here.
    pub fn is_empty(&self) -> bool {
        self.full.is_empty() && self.lengths.is_empty()
    }

    /// Bytes of another part that fit into the packet.
    fn room(&self) -> usize {
        let lengths = LENGTH_BYTES * (self.lengths.len() + 1);
        let used = HEADER_BYTES + lengths + self.staged.len();
        self.packet_bytes.saturating_sub(used)
    }

    fn add(&mut self, part: &[u8]) {
        self.staged.extend_from_slice(part);
        self.lengths.push(part.len());
    }

    /// Finishes the packet; the next one continues `fragmented`.
    fn close(&mut self, fragmented: u8) {
        let mut out = Vec::with_capacity(self.packet_bytes);
        let fragments = (fragmented, self.continuation);
        totempg::begin_packet(fragments, self.lengths.iter().copied(), &mut out);
        out.extend_from_slice(&self.staged);
        self.full.push_back(out);
        self.staged.clear();
        self.lengths.clear();
        self.continuation = fragmented;
    }
}
