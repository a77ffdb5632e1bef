//! Patches of format 1, applied.

use std::collections::BTreeSet;

use super::compare;
use super::create_v1::MARKER;
use crate::cib::dom::{Document, Kind, NodeRef};
use crate::cib::error::Error;

pub(super) fn apply(doc: &mut Document, patch: &Document) -> Result<(), Error> {
    let sides = ["diff-removed", "diff-added"].map(|side| patch.child(patch.root(), side));
    let [removed, added] = sides.map(|side| side.and_then(|side| patch.children(side).next()));
    let mut gone = Gone::new();
    if let Some(removed) = removed {
        if patch.name(removed) != doc.name(doc.root()) {
            return Err(Error::PatchFailed);
        }
        remove(doc, doc.root(), patch, removed, &mut gone);
    }
    if let Some(added) = added {
        if patch.name(added) != doc.name(doc.root()) {
            return Err(Error::PatchFailed);
        }
        add(doc, doc.root(), patch, added, &mut gone);
    }
    for (node, name) in gone {
        doc.remove_attr(node, &name);
    }
    let marked: Vec<_> = doc
        .descendants(doc.root())
        .filter(|&node| doc.attr(node, MARKER).is_some())
        .collect();
    for node in marked {
        doc.remove_attr(node, MARKER);
    }
    Ok(())
}

/// Attributes of the removed side that the added side has not set again. They go last, so that
/// those that only change keep their place.
type Gone = BTreeSet<(NodeRef, String)>;

fn remove(doc: &mut Document, target: NodeRef, patch: &Document, given: NodeRef, gone: &mut Gone) {
    if patch.attr(given, MARKER) == Some("removed:top") {
        doc.detach(target);
        return;
    }
    for (name, _) in patch.attrs(given) {
        if name != "id" {
            gone.insert((target, name.to_owned()));
        }
    }
    for (child, other) in compare::matches_of(doc, target, patch, given) {
        match (doc.kind(child), other) {
            (Kind::Element, Some(other)) => remove(doc, child, patch, other, gone),
            (Kind::Comment, Some(_)) => doc.detach(child),
            _ => {}
        }
    }
}

fn add(doc: &mut Document, target: NodeRef, patch: &Document, given: NodeRef, gone: &mut Gone) {
    for (name, value) in patch.attrs(given) {
        doc.set_attr(target, name, value);
        gone.remove(&(target, name.to_owned()));
    }
    for (child, other) in compare::matches_of(patch, given, doc, target) {
        match other {
            Some(other) if patch.is_element(child) => {
                add(doc, other, patch, child, gone);
            }
            Some(_) => {}
            None if patch.attr(child, MARKER) == Some("added:top") || !patch.is_element(child) => {
                let copy = doc.import(patch, child);
                doc.append(target, copy);
            }
            None => {}
        }
    }
}
