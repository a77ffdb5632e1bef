//! Sets of nodes, by their index in the table.

use std::fmt;

use crate::limits;
use crate::wire::heartbeat::base64;

/// Bytes on the wire. Source: heartbeat 3.0.6, `BITMAP_SIZE` of 100 nodes.
const WIRE_BYTES: usize = limits::HEARTBEAT_NODES_MAX.div_ceil(8);

/// A set of node indices.
///
/// Layout: bit i is bit i%8 of byte i/8, 13 bytes, in base64.
/// Bounds: indices below [`limits::HEARTBEAT_NODES_MAX`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bitmap(u128);

impl Bitmap {
    /// No node.
    pub const EMPTY: Self = Self(0);

    /// One node.
    pub fn of(index: usize) -> Self {
        let mut one = Self::EMPTY;
        one.insert(index);
        one
    }

    /// The first so many nodes.
    pub fn first(count: usize) -> Self {
        (0..count).collect()
    }

    /// Takes a node in.
    ///
    /// Panics: never; an index out of bounds is left out.
    pub fn insert(&mut self, index: usize) {
        if index < limits::HEARTBEAT_NODES_MAX {
            self.0 |= 1 << index;
        }
    }

    /// Takes a node out; true if it was in.
    pub fn remove(&mut self, index: usize) -> bool {
        let was = self.contains(index);
        if was {
            self.0 &= !(1 << index);
        }
        was
    }

    /// True if the node is in.
    pub fn contains(&self, index: usize) -> bool {
        index < limits::HEARTBEAT_NODES_MAX && self.0 >> index & 1 == 1
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.count_ones() as usize
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Those in both.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that aren't in the other.
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True if the other has all of these.
    pub fn is_subset(self, other: Self) -> bool {
        self.without(other).is_empty()
    }

    /// The indices, smallest first.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..limits::HEARTBEAT_NODES_MAX).filter(move |index| self.contains(*index))
    }

    /// The form on the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        base64::encode_into(&self.0.to_le_bytes()[..WIRE_BYTES], &mut out);
        out
    }

    /// Reads the form on the wire; bytes beyond those of all nodes don't count.
    ///
    /// Errors: `None` for what is no base64 or names a node that can't be.
    pub fn decode(text: &[u8]) -> Option<Self> {
        let bytes = base64::decode(text)?;
        let mut word = [0; 16];
        let count = bytes.len().min(WIRE_BYTES);
        word[..count].copy_from_slice(&bytes[..count]);
        let bits = u128::from_le_bytes(word);
        (bits >> limits::HEARTBEAT_NODES_MAX == 0).then_some(Self(bits))
    }
}

impl FromIterator<usize> for Bitmap {
    fn from_iter<I: IntoIterator<Item = usize>>(indices: I) -> Self {
        let mut all = Self::EMPTY;
        for index in indices {
            all.insert(index);
        }
        all
    }
}

impl fmt::Debug for Bitmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_that_of_the_captures() {
        for (indices, text) in [
            (&[0, 1][..], "AwAAAAAAAAAAAAAAAA=="),
            (&[0, 1, 2], "BwAAAAAAAAAAAAAAAA=="),
            (&[0, 2], "BQAAAAAAAAAAAAAAAA=="),
            (&[99], "AAAAAAAAAAAAAAAACA=="),
        ] {
            let bitmap: Bitmap = indices.iter().copied().collect();
            assert_eq!(bitmap.encode(), text.as_bytes());
            assert_eq!(Bitmap::decode(text.as_bytes()), Some(bitmap));
            assert_eq!(bitmap.iter().collect::<Vec<_>>(), indices);
        }
    }

    #[test]
    fn short_and_long_forms_are_read_impossible_ones_are_not() {
        assert_eq!(Bitmap::decode(b"Aw=="), Some([0, 1].into_iter().collect()));
        assert_eq!(Bitmap::decode(b""), Some(Bitmap::EMPTY));
        let long = "AwAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert_eq!(
            Bitmap::decode(long.as_bytes()),
            Some([0, 1].into_iter().collect())
        );
        // Node 100 can't be.
        assert_eq!(Bitmap::decode(b"AAAAAAAAAAAAAAAAEA=="), None);
        assert_eq!(Bitmap::decode(b"Aw"), None);
    }

    #[test]
    fn an_index_out_of_bounds_is_in_no_set() {
        let mut bitmap = Bitmap::first(3);
        bitmap.insert(100);
        bitmap.insert(usize::MAX);
        assert_eq!(bitmap.len(), 3);
        assert!(!bitmap.contains(usize::MAX) && !bitmap.remove(200));
        assert!(Bitmap::of(1).is_subset(bitmap) && !bitmap.is_subset(Bitmap::of(1)));
    }
}
