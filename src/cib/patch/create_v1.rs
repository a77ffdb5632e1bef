//! Patches of format 1: what is only in the old document, and what is only in the new one.

use super::compare;
use crate::cib::dom::{Document, Kind, NodeRef};
use crate::cib::operation::{Change, change_between};
use crate::cib::version::{COUNTERS, FEATURE_SET};
use crate::cib::writer::FILTERED;

/// Marks the top of what is only on one side. Source: Pacemaker 2.1.5, `XML_DIFF_MARKER`.
pub(super) const MARKER: &str = "__crm_diff_marker__";

pub(super) fn create(old: &Document, new: &Document) -> Document {
    let mut patch = Document::new("diff");
    let root = patch.root();
    patch.set_attr(root, "crm_feature_set", FEATURE_SET);
    let removed = patch.add_element(root, "diff-removed", &[]);
    let added = patch.add_element(root, "diff-added", &[]);
    for (parent, left, right, full, marker) in [
        (removed, old, new, false, "removed:top"),
        (added, new, old, true, "added:top"),
    ] {
        let mut out = Subtraction {
            patch: &mut patch,
            left,
            right,
            full,
            marker,
        };
        out.element(parent, left.root(), Some(right.root()));
    }
    let config = change_between(old, new) == Change::Configuration;
    repair(&mut patch, (removed, old), config);
    repair(&mut patch, (added, new), false);
    let cib = child_or_new(&mut patch, added);
    for (name, value) in new.attrs(new.root()) {
        patch.set_attr(cib, name, value);
    }
    patch.set_attr(root, "format", "1");
    patch
}

/// The version of each side, told on the side and on its root.
fn repair(patch: &mut Document, side: (NodeRef, &Document), all: bool) {
    let (side, doc) = side;
    let cib = child_or_new(patch, side);
    for name in COUNTERS {
        if let Some(value) = doc.attr(doc.root(), name) {
            patch.set_attr(side, name, value);
            if all || name == "num_updates" {
                patch.set_attr(cib, name, value);
            }
        }
    }
}

fn child_or_new(patch: &mut Document, side: NodeRef) -> NodeRef {
    patch
        .child(side, "cib")
        .unwrap_or_else(|| patch.add_element(side, "cib", &[]))
}

struct Subtraction<'a> {
    patch: &'a mut Document,
    left: &'a Document,
    right: &'a Document,
    /// All attributes of a changed element, not only those that differ.
    full: bool,
    marker: &'static str,
}

impl Subtraction<'_> {
    /// Writes what is left of `left` under `parent`; says whether it is anything.
    fn element(&mut self, parent: NodeRef, left: NodeRef, right: Option<NodeRef>) -> bool {
        let Some(right) = right else {
            let copy = self.patch.import(self.left, left);
            if self.left.is_element(left) {
                self.patch.set_attr(copy, MARKER, self.marker);
            }
            self.patch.append(parent, copy);
            return true;
        };
        if !self.left.is_element(left) {
            return false;
        }
        let rest = self.patch.add_element(parent, self.left.name(left), &[]);
        let mut changed = false;
        let (left_doc, right_doc) = (self.left, self.right);
        let matching = compare::matches_of(left_doc, left, right_doc, right);
        for (child, other) in matching {
            if matches!(left_doc.kind(child), Kind::Element | Kind::Comment) {
                changed |= self.element(rest, child, other);
            }
        }
        changed |= self.attributes(rest, left, right, changed);
        if !changed {
            self.patch.detach(rest);
        }
        changed
    }

    fn attributes(
        &mut self,
        rest: NodeRef,
        left: NodeRef,
        right: NodeRef,
        children_changed: bool,
    ) -> bool {
        let (left_doc, right_doc) = (self.left, self.right);
        let differs = |(name, value): &(&str, &str)| {
            !FILTERED.contains(name) && right_doc.attr(right, name) != Some(*value)
        };
        let mut changed = children_changed;
        let mut all = self.full && children_changed;
        for attr in left_doc.attrs(left) {
            // With a change all attributes come; an id that was met before stands first.
            if all {
                break;
            }
            if attr.0 == "id" {
                self.patch.set_attr(rest, attr.0, attr.1);
            } else if differs(&attr) {
                changed = true;
                all = self.full;
                if !all {
                    self.patch.set_attr(rest, attr.0, attr.1);
                }
            }
        }
        if all {
            for (name, value) in left_doc.attrs(left) {
                self.patch.set_attr(rest, name, value);
            }
        }
        changed
    }
}
