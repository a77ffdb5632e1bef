//! What a copy of a document has that the other doesn't, found where they share no storage.

use super::{Document, NodeRef, Slot};
use crate::cib::store::narrow;

impl Document {
    /// The nodes that aren't the same as in `other`, by their numbers: with another name, text,
    /// attributes or place, or only in one of the two, in the tree or not. None if neither
    /// document came from a copy of the other.
    ///
    /// It costs what was edited since, not what there is.
    pub(in crate::cib) fn touched(&self, other: &Self) -> Option<Vec<NodeRef>> {
        if !self.texts.has_source_of(&other.texts) {
            return None;
        }
        let indexes = self.slots.unshared(&other.slots);
        let nodes = indexes.map(|index| NodeRef(narrow(index)));
        Some(nodes.filter(|&node| self.is_touched(other, node)).collect())
    }

    fn is_touched(&self, other: &Self, node: NodeRef) -> bool {
        let here = self.slots.get(node.index());
        let there = other.slots.get(node.index());
        let (Some(here), Some(there)) = (here, there) else {
            return true;
        };
        let place = |slot: &Slot| (slot.parent, slot.previous, slot.next, slot.first, slot.last);
        place(here) != place(there)
            || here.kind != there.kind
            || self.name(node) != other.name(node)
            || self.text(node) != other.text(node)
            || !self.attrs(node).eq(other.attrs(node))
    }
}
