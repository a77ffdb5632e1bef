//! Messages that are longer than a layer carries at once: cut in pieces, put together again.
//!
//! Layout of a piece: 1 byte of flags, 1 [`MORE`] of the message follows, 2 it is the [`FIRST`];
//! then a part of it. The pieces of a node come in their order, so that the parts belong
//! together by their sender. A message whose beginning or middle is lost is dropped as a whole.

use std::collections::BTreeMap;

use crate::ids::NodeId;
use crate::limits;

/// More of the message follows.
const MORE: u8 = 1;

/// The message begins here.
const FIRST: u8 = 2;

/// Cuts a message into parts of so many bytes.
pub fn pieces(message: &[u8], part_bytes_max: usize) -> Vec<Vec<u8>> {
    let count = message.len().div_ceil(part_bytes_max).max(1);
    let parts = (0..count).map(|at| {
        let end = message.len().min((at + 1) * part_bytes_max);
        let part = message.get(at * part_bytes_max..end).unwrap_or_default();
        let more = if at + 1 < count { MORE } else { 0 };
        let first = if at == 0 { FIRST } else { 0 };
        let mut piece = Vec::with_capacity(part.len() + 1);
        piece.push(more | first);
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
        let (flags, part) = piece.split_first()?;
        if flags & FIRST != 0 {
            self.parts.insert(from, Vec::new());
        }
        let whole = self.parts.get_mut(&from)?;
        if whole.len().saturating_add(part.len()) > limits::CIB_BYTES_MAX {
            self.parts.remove(&from);
            return None;
        }
        whole.extend_from_slice(part);
        match flags & MORE {
            0 => self.parts.remove(&from),
            _ => None,
        }
    }

    /// The membership changed: who is new has not seen the beginnings, so that nobody may use
    /// the ends. True if a message of this node was under way: it has to be sent again.
    pub fn clear(&mut self, local: NodeId) -> bool {
        let own = self.parts.contains_key(&local);
        self.parts.clear();
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: usize = 1000;

    #[test]
    fn messages_of_any_length_come_together() {
        let mut assembly = Assembly::default();
        for length in [0, 1, PART, PART + 1, 3 * PART] {
            let message: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let pieces = pieces(&message, PART);
            assert_eq!(pieces.len(), length.div_ceil(PART).max(1));
            let (last, first) = pieces.split_last().unwrap();
            for piece in first {
                assert_eq!(assembly.receive(NodeId(1), piece), None);
                assert_eq!(assembly.receive(NodeId(2), b"\x02x"), Some(b"x".to_vec()));
            }
            assert_eq!(assembly.receive(NodeId(1), last), Some(message));
        }
        assert_eq!(assembly.receive(NodeId(1), b""), None);
    }

    #[test]
    fn what_has_no_beginning_or_no_end_is_dropped() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.receive(NodeId(1), b"\x01middle"), None);
        assert_eq!(assembly.receive(NodeId(1), b"\0end"), None);
        assert_eq!(assembly.receive(NodeId(1), b"\x03beginning"), None);
        assert_eq!(
            assembly.receive(NodeId(1), b"\x02new"),
            Some(b"new".to_vec()),
            "nothing is glued onto what was left"
        );
        assembly.receive(NodeId(1), b"\x03beginning");
        assert!(!assembly.clear(NodeId(2)));
        assert_eq!(assembly.receive(NodeId(1), b"\0end"), None);
        assembly.receive(NodeId(1), b"\x03beginning");
        assert!(assembly.clear(NodeId(1)), "it was this node's own");
    }
}
