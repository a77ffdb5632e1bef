//! Changes of a document.

use super::{Attr, Document, EMPTY, Kind, NO_PLACE, Name, NodeRef, Slot};
use crate::cib::store::{Span, narrow};

impl Document {
    /// A new element without attributes, not yet in the tree.
    pub fn new_element(&mut self, name: &str) -> NodeRef {
        let name = self.names.intern(name);
        self.push_slot(Slot {
            kind: Kind::Element,
            name,
            ..EMPTY
        })
    }

    /// A new element with attributes at the end of `parent`.
    pub fn add_element(&mut self, parent: NodeRef, name: &str, attrs: &[(&str, &str)]) -> NodeRef {
        let node = self.new_element(name);
        for (name, value) in attrs {
            self.set_attr(node, name, value);
        }
        self.append(parent, node);
        node
    }

    /// A new comment, text or CDATA section, not yet in the tree.
    pub fn new_text(&mut self, kind: Kind, text: &str) -> NodeRef {
        let value = self.texts.push(text);
        self.push_text(kind, value, NO_PLACE)
    }

    pub(in crate::cib) fn push_text(&mut self, kind: Kind, value: Span, place: u32) -> NodeRef {
        let attrs = narrow(self.attrs.len());
        self.attrs.push(Attr {
            name: Name(u32::MAX),
            value,
        });
        self.push_slot(Slot {
            kind,
            attrs,
            attr_count: 1,
            place,
            ..EMPTY
        })
    }

    /// An element as the reader finds it; its attributes are the last `attr_count` pushed.
    pub(in crate::cib) fn push_element(
        &mut self,
        name: Name,
        attr_count: usize,
        place: usize,
    ) -> NodeRef {
        let attrs = narrow(self.attrs.len() - attr_count);
        self.push_slot(Slot {
            kind: Kind::Element,
            name,
            attrs,
            attr_count: narrow(attr_count),
            place: narrow(place),
            ..EMPTY
        })
    }

    pub(in crate::cib) fn push_attr(&mut self, name: Name, value: Span) {
        self.attrs.push(Attr { name, value });
    }

    pub(in crate::cib) fn push_value(&mut self, value: &str) -> Span {
        self.texts.push(value)
    }

    pub(in crate::cib) fn intern(&mut self, name: &str) -> Name {
        self.names.intern(name)
    }

    pub(in crate::cib) fn name_of(&self, name: Name) -> &str {
        self.names.get(name)
    }

    /// Puts the text under the spans that the reader made.
    pub(in crate::cib) fn set_source(&mut self, source: String) {
        self.texts.set_source(source);
    }

    /// Makes an element outside the tree the root. The former root is no longer in the tree.
    pub fn set_root(&mut self, node: NodeRef) {
        self.root = node;
    }

    /// Gives an element another name.
    pub fn rename(&mut self, node: NodeRef, name: &str) {
        let name = self.names.intern(name);
        self.change(node, |slot| slot.name = name);
    }

    /// Sets an attribute: in its place if there, else after the others.
    pub fn set_attr(&mut self, node: NodeRef, name: &str, value: &str) {
        if !self.is_element(node) {
            return;
        }
        if self.attr(node, name) == Some(value) {
            return;
        }
        let value = self.texts.push(value);
        if let Some(index) = self.attr_index(node, name) {
            // So that the node is among what isn't shared with copies.
            self.change(node, |_| {});
            if let Some(attr) = self.attrs.get_mut(index) {
                attr.value = value;
            }
            return;
        }
        let name = self.names.intern(name);
        self.move_attrs_to_end(node);
        self.attrs.push(Attr { name, value });
        self.change(node, |slot| slot.attr_count += 1);
    }

    /// Sets the attribute, or removes it if there is no value.
    pub fn set_or_remove_attr(&mut self, node: NodeRef, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.set_attr(node, name, value),
            None => {
                self.remove_attr(node, name);
            }
        }
    }

    fn move_attrs_to_end(&mut self, node: NodeRef) {
        let Slot {
            attrs, attr_count, ..
        } = *self.slot(node);
        let (start, end) = (attrs as usize, (attrs + attr_count) as usize);
        if attr_count > 0 && end == self.attrs.len() {
            return;
        }
        let moved = narrow(self.attrs.len());
        for index in start..end {
            if let Some(&attr) = self.attrs.get(index) {
                self.attrs.push(attr);
            }
        }
        self.change(node, |slot| slot.attrs = moved);
    }

    /// Removes an attribute; says whether it was there.
    pub fn remove_attr(&mut self, node: NodeRef, name: &str) -> bool {
        let Some(index) = self.attr_index(node, name) else {
            return false;
        };
        let slot = *self.slot(node);
        let end = (slot.attrs + slot.attr_count) as usize;
        for at in index + 1..end {
            let Some(&next) = self.attrs.get(at) else {
                break;
            };
            if let Some(attr) = self.attrs.get_mut(at - 1) {
                *attr = next;
            }
        }
        self.change(node, |slot| slot.attr_count -= 1);
        true
    }

    /// Removes all attributes.
    pub fn clear_attrs(&mut self, node: NodeRef) {
        if self.is_element(node) {
            self.change(node, |slot| slot.attr_count = 0);
        }
    }

    /// Puts a node at the end of `parent`; it leaves where it was.
    pub fn append(&mut self, parent: NodeRef, node: NodeRef) {
        self.insert_before(parent, node, None);
    }

    /// Puts a node before `next` under `parent`, at the end without `next`; it leaves where
    /// it was. Nothing happens if `parent` is inside `node`.
    pub fn insert_before(&mut self, parent: NodeRef, node: NodeRef, next: Option<NodeRef>) {
        if next == Some(node) || self.contains(node, parent) {
            return;
        }
        self.detach(node);
        self.link(parent, node, next);
    }

    /// [`Self::insert_before`] for a node that is in no tree and holds nothing.
    pub(in crate::cib) fn link(&mut self, parent: NodeRef, node: NodeRef, next: Option<NodeRef>) {
        let next = next.filter(|&next| self.parent(next) == Some(parent));
        let previous = match next {
            Some(next) => self.slot(next).previous,
            None => self.slot(parent).last,
        };
        let after = next.unwrap_or(NodeRef::NONE);
        self.change(node, |slot| {
            slot.parent = parent;
            slot.previous = previous;
            slot.next = after;
        });
        match previous.some() {
            Some(previous) => self.change(previous, |slot| slot.next = node),
            None => self.change(parent, |slot| slot.first = node),
        }
        match next {
            Some(next) => self.change(next, |slot| slot.previous = node),
            None => self.change(parent, |slot| slot.last = node),
        }
    }

    /// Takes a node and what it contains out of the tree. It may be put back elsewhere.
    pub fn detach(&mut self, node: NodeRef) {
        let Slot {
            parent,
            previous,
            next,
            ..
        } = *self.slot(node);
        if parent == NodeRef::NONE {
            return;
        }
        match previous.some() {
            Some(previous) => self.change(previous, |slot| slot.next = next),
            None => self.change(parent, |slot| slot.first = next),
        }
        match next.some() {
            Some(next) => self.change(next, |slot| slot.previous = previous),
            None => self.change(parent, |slot| slot.last = previous),
        }
        self.change(node, |slot| {
            slot.parent = NodeRef::NONE;
            slot.previous = NodeRef::NONE;
            slot.next = NodeRef::NONE;
        });
    }

    /// Takes out all that an element contains.
    pub fn clear_children(&mut self, node: NodeRef) {
        while let Some(child) = self.last_node(node) {
            self.detach(child);
        }
    }

    /// A copy of a node of another document with all that it contains, not yet in the tree.
    pub fn import(&mut self, from: &Self, node: NodeRef) -> NodeRef {
        let top = self.import_shallow(from, node);
        let mut parent = top;
        let mut source = node;
        let mut next = from.first_node(node);
        while let Some(child) = next {
            while from.parent(child) != Some(source) {
                let (Some(up), Some(above)) = (self.parent(parent), from.parent(source)) else {
                    return top;
                };
                (parent, source) = (up, above);
            }
            let copy = self.import_shallow(from, child);
            self.link(parent, copy, None);
            next = from.first_node(child);
            if next.is_some() {
                (parent, source) = (copy, child);
            } else {
                next = from.after_subtree(child, node);
            }
        }
        top
    }

    /// A copy of a node of another document without its children, not yet in the tree.
    pub fn import_shallow(&mut self, from: &Self, node: NodeRef) -> NodeRef {
        if !from.is_element(node) {
            return self.new_text(from.kind(node), from.text(node));
        }
        let copy = self.new_element(from.name(node));
        let start = narrow(self.attrs.len());
        for (name, value) in from.attrs(node) {
            let name = self.names.intern(name);
            let value = self.texts.push(value);
            self.attrs.push(Attr { name, value });
        }
        let count = narrow(self.attrs.len()) - start;
        self.change(copy, |slot| {
            slot.attrs = start;
            slot.attr_count = count;
        });
        copy
    }

    /// A copy of one element and what it contains as a document of its own.
    pub fn extract(&self, node: NodeRef) -> Self {
        let mut doc = Self::with_source(String::new());
        doc.root = doc.import(self, node);
        doc
    }

    /// The same document without the remains of earlier edits. Nodes get new numbers.
    #[must_use]
    pub fn compacted(&self) -> Self {
        self.extract(self.root)
    }

    fn change(&mut self, node: NodeRef, change: impl FnOnce(&mut Slot)) {
        if let Some(slot) = self.slots.get_mut(node.index()) {
            change(slot);
        }
    }
}
