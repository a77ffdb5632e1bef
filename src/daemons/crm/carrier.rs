//! Messages of the CRM in a group of the ring: cut in pieces, put together again.
//!
//! Layout of a piece: 1 byte, 1 if more of the message follows, else 0; then a part of it. The
//! pieces of a node come in their order, so that the parts belong together by their sender.

use std::collections::BTreeMap;

use crate::ids::NodeId;
use crate::limits;

/// Bytes of a message in a piece. Ours: two pieces are less than a window of the ring.
const PART_BYTES: usize = 256 * 1024;

/// The group's name.
pub const GROUP: &[u8] = b"everbeat-crm";

/// Cuts a message.
pub fn pieces(message: &[u8]) -> Vec<Vec<u8>> {
    let count = message.len().div_ceil(PART_BYTES).max(1);
    let parts = (0..count).map(|at| {
        let end = message.len().min((at + 1) * PART_BYTES);
        let part = message.get(at * PART_BYTES..end).unwrap_or_default();
        let mut piece = Vec::with_capacity(part.len() + 1);
        piece.push(u8::from(at + 1 < count));
        piece.extend_from_slice(part);
        piece
    });
    parts.collect()
}

/// Parts of messages that are not whole.
#[derive(Debug, Default)]
pub struct Assembly {
    parts: BTreeMap<NodeId, Vec<u8>>,
}

impl Assembly {
    /// A piece came; the message if it is whole now.
    ///
    /// A message longer than a CIB may be is thrown away.
    pub fn receive(&mut self, from: NodeId, piece: &[u8]) -> Option<Vec<u8>> {
        let (more, part) = piece.split_first()?;
        let whole = self.parts.entry(from).or_default();
        if whole.len().saturating_add(part.len()) > limits::CIB_BYTES_MAX {
            self.parts.remove(&from);
            return None;
        }
        whole.extend_from_slice(part);
        match more {
            0 => self.parts.remove(&from),
            _ => None,
        }
    }

    /// A node is gone: the rest of its message won't come.
    pub fn forget(&mut self, node: NodeId) {
        self.parts.remove(&node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_any_length_come_together() {
        let mut assembly = Assembly::default();
        for length in [0, 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES] {
            let message: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let pieces = pieces(&message);
            let (last, first) = pieces.split_last().unwrap();
            for piece in first {
                assert_eq!(assembly.receive(NodeId(1), piece), None);
                assert_eq!(assembly.receive(NodeId(2), b"\0x"), Some(b"x".to_vec()));
            }
            assert_eq!(assembly.receive(NodeId(1), last), Some(message));
        }
        assert_eq!(assembly.receive(NodeId(1), b""), None);
        assembly.receive(NodeId(1), b"\x01half");
        assembly.forget(NodeId(1));
        assert_eq!(assembly.receive(NodeId(1), b"\0new"), Some(b"new".to_vec()));
    }
}
