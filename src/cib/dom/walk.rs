//! Ways through a document.

use super::{Attr, Document, Kind, NodeRef};

/// The nodes under one parent, in order.
#[derive(Debug, Clone)]
pub struct Nodes<'a> {
    doc: &'a Document,
    next: Option<NodeRef>,
}

impl Iterator for Nodes<'_> {
    type Item = NodeRef;

    fn next(&mut self) -> Option<NodeRef> {
        let node = self.next?;
        self.next = self.doc.next_node(node);
        Some(node)
    }
}

/// A node and all below it, each before what it contains.
#[derive(Debug, Clone)]
pub struct Descendants<'a> {
    doc: &'a Document,
    top: NodeRef,
    next: Option<NodeRef>,
}

impl Descendants<'_> {
    /// Leaves out what the node that came last contains.
    pub fn skip_inside(&mut self, node: NodeRef) {
        self.next = self.doc.after_subtree(node, self.top);
    }
}

impl Iterator for Descendants<'_> {
    type Item = NodeRef;

    fn next(&mut self) -> Option<NodeRef> {
        let node = self.next?;
        self.next = self
            .doc
            .first_node(node)
            .or_else(|| self.doc.after_subtree(node, self.top));
        Some(node)
    }
}

/// Attributes of an element: name and value, in order.
#[derive(Debug, Clone)]
pub struct Attrs<'a> {
    doc: &'a Document,
    range: std::ops::Range<usize>,
}

impl<'a> Iterator for Attrs<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let Attr { name, value } = *self.doc.attrs.get(self.range.next()?)?;
        Some((self.doc.names.get(name), self.doc.texts.get(value)))
    }
}

impl Document {
    /// All nodes under an element, comments and text too.
    pub fn nodes(&self, node: NodeRef) -> Nodes<'_> {
        Nodes {
            doc: self,
            next: self.first_node(node),
        }
    }

    /// The elements under an element.
    pub fn children(&self, node: NodeRef) -> impl Iterator<Item = NodeRef> + Clone + '_ {
        self.nodes(node).filter(|&child| self.is_element(child))
    }

    /// The elements of one name under an element.
    pub fn children_named<'a>(
        &'a self,
        node: NodeRef,
        name: &str,
    ) -> impl Iterator<Item = NodeRef> + Clone + 'a {
        let name = self.names.find(name);
        self.nodes(node)
            .filter(move |&child| name.is_some_and(|name| self.slot(child).name == name))
    }

    /// The first element of a name under an element.
    pub fn child(&self, node: NodeRef, name: &str) -> Option<NodeRef> {
        self.children_named(node, name).next()
    }

    /// The element that a chain of names leads to, from below `node`.
    pub fn find(&self, node: NodeRef, path: &[&str]) -> Option<NodeRef> {
        path.iter().try_fold(node, |at, name| self.child(at, name))
    }

    /// The node and all that it contains, in document order, of every kind.
    pub fn descendants(&self, node: NodeRef) -> Descendants<'_> {
        Descendants {
            doc: self,
            top: node,
            next: Some(node),
        }
    }

    /// The first element with this `id`, in document order. It looks at every element.
    pub fn by_id(&self, id: &str) -> Option<NodeRef> {
        self.descendants(self.root)
            .find(|&node| self.attr(node, "id") == Some(id))
    }

    /// Attributes of an element in order.
    pub fn attrs(&self, node: NodeRef) -> Attrs<'_> {
        let slot = self.slot(node);
        let start = slot.attrs as usize;
        let count = match slot.kind {
            Kind::Element => slot.attr_count as usize,
            _ => 0,
        };
        Attrs {
            doc: self,
            range: start..start + count,
        }
    }

    /// Attributes of an element in order, each with a number that its name has in the document.
    pub(in crate::cib) fn numbered_attrs(
        &self,
        node: NodeRef,
    ) -> impl Iterator<Item = (usize, &str, &str)> {
        let range = self.attrs(node).range;
        range.filter_map(|index| {
            let Attr { name, value } = *self.attrs.get(index)?;
            Some((name.0 as usize, self.names.get(name), self.texts.get(value)))
        })
    }

    /// The name of an element with its number in the document.
    pub(in crate::cib) fn numbered_name(&self, node: NodeRef) -> (usize, &str) {
        (self.slot(node).name.0 as usize, self.name(node))
    }

    /// The node and the elements around it, innermost first.
    pub fn ancestors(&self, node: NodeRef) -> impl Iterator<Item = NodeRef> + '_ {
        std::iter::successors(Some(node), |&node| self.parent(node))
    }

    /// Whether `inner` is `outer` or inside it.
    pub fn contains(&self, outer: NodeRef, inner: NodeRef) -> bool {
        self.ancestors(inner).any(|node| node == outer)
    }

    /// How many nodes stand before this one under its parent.
    pub fn position(&self, node: NodeRef) -> usize {
        std::iter::successors(self.previous_node(node), |&n| self.previous_node(n)).count()
    }

    /// The node that follows `node` and all in it, within `top`.
    pub(in crate::cib) fn after_subtree(&self, node: NodeRef, top: NodeRef) -> Option<NodeRef> {
        let mut node = node;
        while node != top {
            if let Some(next) = self.next_node(node) {
                return Some(next);
            }
            node = self.parent(node)?;
        }
        None
    }
}
