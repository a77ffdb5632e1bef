//! The document: elements, attributes, comments and text in the order they have in the file.
//!
//! A [`Document`] is an arena. Its nodes are numbers ([`NodeRef`]) that stay valid in its
//! copies, so that a copy is edited and compared with the original by them. A copy shares all
//! storage and costs some microseconds even with a hundred thousand nodes; an edit copies only
//! the chunks it touches.

mod edit;
mod element;
mod touched;
mod walk;

pub use element::Element;
pub use walk::{Attrs, Descendants, Nodes};

use super::names::{Name, Names};
use super::store::{Chunked, Span, Texts, narrow};

/// A node of one document and of its copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeRef(u32);

impl NodeRef {
    const NONE: Self = Self(u32::MAX);

    fn some(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }

    /// Its number, below [`Document::node_count`]: an index for tables beside the document.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An element, with a name, attributes and children.
    Element,
    /// Text between tags, entities resolved.
    Text,
    /// A CDATA section.
    CData,
    /// A comment, without its marks.
    Comment,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    kind: Kind,
    name: Name,
    parent: NodeRef,
    first: NodeRef,
    last: NodeRef,
    previous: NodeRef,
    next: NodeRef,
    attrs: u32,
    attr_count: u32,
    place: u32,
}

const NO_PLACE: u32 = u32::MAX;

const EMPTY: Slot = Slot {
    kind: Kind::Text,
    name: Name(u32::MAX),
    parent: NodeRef::NONE,
    first: NodeRef::NONE,
    last: NodeRef::NONE,
    previous: NodeRef::NONE,
    next: NodeRef::NONE,
    attrs: 0,
    attr_count: 0,
    place: NO_PLACE,
};

/// An attribute; also the text of a node that is no element, then without a name.
#[derive(Debug, Clone, Copy)]
struct Attr {
    name: Name,
    value: Span,
}

/// A tree of elements with one root.
///
/// A node of another document is never a panic: it reads as an element without name,
/// attributes and children, or as whatever has its number.
#[derive(Debug, Clone)]
pub struct Document {
    slots: Chunked<Slot>,
    attrs: Chunked<Attr>,
    texts: Texts,
    names: Names,
    root: NodeRef,
    settled: bool,
}

impl Document {
    /// A document of one empty element.
    pub fn new(root: &str) -> Self {
        let mut doc = Self::with_source(String::new());
        doc.root = doc.new_element(root);
        doc
    }

    pub(super) fn with_source(source: String) -> Self {
        Self {
            slots: Chunked::default(),
            attrs: Chunked::default(),
            texts: Texts::new(source),
            names: Names::default(),
            root: NodeRef::NONE,
            settled: false,
        }
    }

    /// Whether an operation left it: no text between tags, no value that still counts up.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    pub(super) fn settle(&mut self) {
        self.settled = true;
    }

    fn slot(&self, node: NodeRef) -> &Slot {
        self.slots.get(node.index()).unwrap_or(&EMPTY)
    }

    /// The root element.
    pub fn root(&self) -> NodeRef {
        self.root
    }

    /// All nodes that ever were, those removed too: the bound of [`NodeRef::index`].
    pub fn node_count(&self) -> usize {
        self.slots.len()
    }

    /// What the node is.
    pub fn kind(&self, node: NodeRef) -> Kind {
        self.slot(node).kind
    }

    /// Whether the node is an element.
    pub fn is_element(&self, node: NodeRef) -> bool {
        self.kind(node) == Kind::Element
    }

    /// The name of an element; "" for other nodes.
    pub fn name(&self, node: NodeRef) -> &str {
        self.names.get(self.slot(node).name)
    }

    /// Text of a comment, of text or of CDATA; "" for an element.
    pub fn text(&self, node: NodeRef) -> &str {
        let slot = self.slot(node);
        if slot.kind == Kind::Element || slot.attr_count == 0 {
            return "";
        }
        self.attrs
            .get(slot.attrs as usize)
            .map_or("", |attr| self.texts.get(attr.value))
    }

    /// The element a node is in; none for the root and for what was removed.
    pub fn parent(&self, node: NodeRef) -> Option<NodeRef> {
        self.slot(node).parent.some()
    }

    /// The first node in an element, of whatever kind.
    pub fn first_node(&self, node: NodeRef) -> Option<NodeRef> {
        self.slot(node).first.some()
    }

    /// The last node in an element, of whatever kind.
    pub fn last_node(&self, node: NodeRef) -> Option<NodeRef> {
        self.slot(node).last.some()
    }

    /// The node after this one under the same parent, of whatever kind.
    pub fn next_node(&self, node: NodeRef) -> Option<NodeRef> {
        self.slot(node).next.some()
    }

    /// The node before this one under the same parent, of whatever kind.
    pub fn previous_node(&self, node: NodeRef) -> Option<NodeRef> {
        self.slot(node).previous.some()
    }

    /// Value of an attribute.
    pub fn attr(&self, node: NodeRef, name: &str) -> Option<&str> {
        let index = self.attr_index(node, name)?;
        Some(self.texts.get(self.attrs.get(index)?.value))
    }

    /// The attribute `id`.
    pub fn id(&self, node: NodeRef) -> Option<&str> {
        self.attr(node, "id")
    }

    fn attr_index(&self, node: NodeRef, name: &str) -> Option<usize> {
        let slot = self.slot(node);
        if slot.kind != Kind::Element {
            return None;
        }
        let start = slot.attrs as usize;
        (start..start + slot.attr_count as usize).find(|&index| {
            self.attrs
                .get(index)
                .is_some_and(|attr| self.names.get(attr.name) == name)
        })
    }

    /// Name and value of an attribute by its place among those of the element.
    pub fn attr_at(&self, node: NodeRef, place: usize) -> Option<(&str, &str)> {
        if place >= self.attr_count(node) {
            return None;
        }
        let attr = self.attrs.get(self.slot(node).attrs as usize + place)?;
        Some((self.names.get(attr.name), self.texts.get(attr.value)))
    }

    /// Place of an attribute among those of the element.
    pub fn attr_place(&self, node: NodeRef, name: &str) -> Option<usize> {
        let index = self.attr_index(node, name)?;
        index.checked_sub(self.slot(node).attrs as usize)
    }

    /// How many attributes an element has.
    pub fn attr_count(&self, node: NodeRef) -> usize {
        let slot = self.slot(node);
        match slot.kind {
            Kind::Element => slot.attr_count as usize,
            _ => 0,
        }
    }

    /// Line of the file that a node was read from, counted from 1; none for nodes that were
    /// made. It counts through the file each time: for messages, not for loops.
    pub fn line(&self, node: NodeRef) -> Option<usize> {
        let place = self.slot(node).place;
        let before = self.texts.source().as_bytes().get(..place as usize)?;
        Some(1 + before.iter().filter(|&&b| b == b'\n').count())
    }

    /// Lines of several nodes in one pass over the file; `nodes` in document order.
    pub fn lines(&self, nodes: &[NodeRef]) -> Vec<Option<usize>> {
        let source = self.texts.source().as_bytes();
        let (mut at, mut line) = (0, 1);
        let line_of = |node: &NodeRef| {
            let place = self.slot(*node).place as usize;
            if place < at {
                return self.line(*node);
            }
            let between = source.get(at..place)?;
            line += between.iter().filter(|&&b| b == b'\n').count();
            at = place;
            Some(line)
        };
        nodes.iter().map(line_of).collect()
    }

    /// A node with its document, for reading in chains.
    pub fn element(&self, node: NodeRef) -> Element<'_> {
        Element::new(self, node)
    }

    /// The root with its document.
    pub fn root_element(&self) -> Element<'_> {
        self.element(self.root)
    }

    fn push_slot(&mut self, slot: Slot) -> NodeRef {
        self.slots.push(slot);
        NodeRef(narrow(self.slots.len() - 1))
    }
}

#[cfg(test)]
mod tests;
