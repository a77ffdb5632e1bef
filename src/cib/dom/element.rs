//! An element together with its document, for reading in chains.

use super::{Document, NodeRef};

/// An element of a document that is read.
#[derive(Debug, Clone, Copy)]
pub struct Element<'a> {
    doc: &'a Document,
    node: NodeRef,
}

impl<'a> Element<'a> {
    pub(super) fn new(doc: &'a Document, node: NodeRef) -> Self {
        Self { doc, node }
    }

    /// Its document.
    pub fn doc(self) -> &'a Document {
        self.doc
    }

    /// Its number in the document.
    pub fn node(self) -> NodeRef {
        self.node
    }

    /// Its name.
    pub fn name(self) -> &'a str {
        self.doc.name(self.node)
    }

    /// The attribute `id`.
    pub fn id(self) -> Option<&'a str> {
        self.attr("id")
    }

    /// Value of an attribute.
    pub fn attr(self, name: &str) -> Option<&'a str> {
        self.doc.attr(self.node, name)
    }

    /// Name and value of each attribute in order.
    pub fn attrs(self) -> super::Attrs<'a> {
        self.doc.attrs(self.node)
    }

    /// The element it is in.
    pub fn parent(self) -> Option<Self> {
        self.doc.parent(self.node).map(|node| self.at(node))
    }

    /// The elements in it.
    pub fn children(self) -> impl Iterator<Item = Self> + Clone + 'a {
        self.doc
            .children(self.node)
            .map(move |node| Self::new(self.doc, node))
    }

    /// The elements of one name in it.
    pub fn children_named(self, name: &str) -> impl Iterator<Item = Self> + Clone + 'a {
        self.doc
            .children_named(self.node, name)
            .map(move |node| Self::new(self.doc, node))
    }

    /// The first element of a name in it.
    pub fn child(self, name: &str) -> Option<Self> {
        self.doc.child(self.node, name).map(|node| self.at(node))
    }

    /// The element that a chain of names leads to.
    pub fn find(self, path: &[&str]) -> Option<Self> {
        self.doc.find(self.node, path).map(|node| self.at(node))
    }

    /// It and all elements in it, in document order.
    pub fn descendants(self) -> impl Iterator<Item = Self> + Clone + 'a {
        self.doc
            .descendants(self.node)
            .filter(move |&node| self.doc.is_element(node))
            .map(move |node| Self::new(self.doc, node))
    }

    fn at(self, node: NodeRef) -> Self {
        Self { node, ..self }
    }
}
