//! A comparison as a patch of format 2.

use super::compare::{Attrs, Comparison};
use super::path;
use crate::cib::dom::{Document, NodeRef};
use crate::cib::version::COUNTERS;

pub(super) fn create(old: &Document, new: &Document, comparison: &Comparison) -> Document {
    let mut patch = Document::new("diff");
    let root = patch.root();
    patch.set_attr(root, "format", "2");
    let version = patch.add_element(root, "version", &[]);
    for (name, doc) in [("source", old), ("target", new)] {
        let side = patch.add_element(version, name, &[]);
        for name in COUNTERS {
            let value = doc.attr(doc.root(), name).unwrap_or("1");
            patch.set_attr(side, name, value);
        }
    }
    let mut out = Out { patch, new };
    for &(node, position) in &comparison.deleted {
        let path = match position {
            Some(_) => old.parent(node).map(|p| path(old, p) + "/comment"),
            None => Some(path(old, node)),
        };
        let path = path.unwrap_or_default();
        out.change("delete", &path, position);
    }
    out.walk(comparison, new.root());
    out.patch
}

struct Out<'a> {
    patch: Document,
    new: &'a Document,
}

impl Out<'_> {
    fn change(&mut self, operation: &str, path: &str, position: Option<usize>) -> NodeRef {
        let root = self.patch.root();
        let attrs = [("operation", operation), ("path", path)];
        let change = self.patch.add_element(root, "change", &attrs);
        if let Some(position) = position {
            self.patch
                .set_attr(change, "position", &position.to_string());
        }
        change
    }

    /// Created, changed and moved nodes in document order; a move after what is in the node.
    fn walk(&mut self, comparison: &Comparison, top: NodeRef) {
        if let Some(attrs) = comparison.attrs.get(&top) {
            self.modify(top, attrs);
        }
        let new = self.new;
        for (position, node) in new.nodes(top).enumerate() {
            if comparison.mark(node).created {
                let change = self.change("create", &path(new, top), Some(position));
                let copy = self.patch.import(new, node);
                self.patch.append(change, copy);
                continue;
            }
            self.walk(comparison, node);
            if comparison.mark(node).moved {
                let path = match new.is_element(node) {
                    true => path(new, node),
                    false => path(new, top) + "/comment",
                };
                self.change("move", &path, Some(position));
            }
        }
    }

    fn modify(&mut self, node: NodeRef, attrs: &Attrs) {
        let change = self.change("modify", &path(self.new, node), None);
        let list = self.patch.add_element(change, "change-list", &[]);
        for &place in &attrs.set {
            if let Some((name, value)) = self.new.attr_at(node, place) {
                let attrs = [("name", name), ("operation", "set"), ("value", value)];
                self.patch.add_element(list, "change-attr", &attrs);
            }
        }
        for name in &attrs.unset {
            let attrs = [("name", name.as_str()), ("operation", "unset")];
            self.patch.add_element(list, "change-attr", &attrs);
        }
        let result = self.patch.add_element(change, "change-result", &[]);
        let copy = self.patch.import_shallow(self.new, node);
        self.patch.append(result, copy);
    }
}
