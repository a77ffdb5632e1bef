//! Whether each difference between two documents may be made.

use super::Matched;
use crate::cib::dom::{Document, NodeRef};
use crate::cib::patch::compare;

/// What is deleted is judged by the old document's permissions, the rest by the new one's.
pub(super) fn is_allowed(
    old_matched: &Matched,
    old: &Document,
    new_matched: &Matched,
    new: &Document,
) -> bool {
    let comparison = compare::compare(old, new, false);
    let deleted = comparison
        .deleted
        .iter()
        .all(|&(node, _)| old_matched.may_write(old, node));
    let changed = comparison
        .attrs
        .keys()
        .all(|&node| new_matched.may_write(new, node));
    deleted && changed && new_nodes(new_matched, new, &comparison)
}

fn new_nodes(matched: &Matched, new: &Document, comparison: &compare::Comparison) -> bool {
    let mut walk = new.descendants(new.root());
    while let Some(node) = walk.next() {
        let mark = comparison.mark(node);
        if mark.created {
            let mut inside = new.descendants(node).filter(|&n| new.is_element(n));
            if !inside.all(|n| is_scaffolding(new, n) || matched.may_write(new, n)) {
                return false;
            }
            walk.skip_inside(node);
        } else if mark.moved && !matched.may_write(new, node) {
            return false;
        }
    }
    true
}

/// An element that says nothing but its id holds what may be written; anybody may create it,
/// but not in the section of permissions.
fn is_scaffolding(doc: &Document, node: NodeRef) -> bool {
    doc.attrs(node).all(|(name, _)| name == "id")
        && !doc
            .ancestors(node)
            .skip(1)
            .any(|above| doc.name(above) == "acls")
}
