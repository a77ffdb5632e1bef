//! Elements that stand for others: `id-ref`.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use crate::cib::{Document, Element, NodeRef};

/// Finds what an `id-ref` names. The index is made when the first one is met.
#[derive(Debug)]
pub struct References<'a> {
    doc: &'a Document,
    /// By name and id; none where two elements have both.
    index: OnceCell<BTreeMap<(&'a str, &'a str), Option<NodeRef>>>,
}

impl<'a> References<'a> {
    /// For the elements of a document.
    pub fn new(doc: &'a Document) -> Self {
        Self {
            doc,
            index: OnceCell::new(),
        }
    }

    /// The element itself, or the one of the same name that its `id-ref` names; none if there
    /// isn't exactly one.
    /// Source: Pacemaker 2.1.5, `expand_idref`.
    pub fn expand(&self, element: Element<'a>) -> Option<Element<'a>> {
        let Some(id) = element.attr("id-ref") else {
            return Some(element);
        };
        let index = self.index.get_or_init(|| self.build());
        let node = index.get(&(element.name(), id)).copied().flatten()?;
        Some(self.doc.element(node))
    }

    fn build(&self) -> BTreeMap<(&'a str, &'a str), Option<NodeRef>> {
        let mut index = BTreeMap::new();
        for element in self.doc.root_element().descendants() {
            if let Some(id) = element.id() {
                index
                    .entry((element.name(), id))
                    .and_modify(|found| *found = None)
                    .or_insert(Some(element.node()));
            }
        }
        index
    }
}
