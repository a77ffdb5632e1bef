//! Sets that stand for others by `id-ref`: written out for the time of an upgrade.

use indexmap::IndexMap;

use super::notes::{Notes, Weight};
use crate::cib::{Document, NodeRef};

/// What ids of written out sets begin with, and ids in them.
/// Source: Pacemaker 2.1.5, the end of the namespace of its stylesheets.
const SET_PREFIX: &str = "_cibtr-2_";

/// Elements that may stand for others.
const SETS: [&str; 3] = [
    "cluster_property_set",
    "instance_attributes",
    "meta_attributes",
];

fn sets(doc: &Document) -> Vec<NodeRef> {
    let all = doc.descendants(doc.root());
    all.filter(|&node| SETS.contains(&doc.name(node))).collect()
}

/// Sets by element and id; none for one that is there twice.
type Known = IndexMap<(String, String), Option<NodeRef>>;

fn known(doc: &Document, sets: &[NodeRef]) -> Known {
    let mut known = Known::new();
    for &node in sets {
        let Some(id) = doc.id(node) else {
            continue;
        };
        let key = (doc.name(node).to_owned(), id.to_owned());
        let entry = known.entry(key);
        entry
            .and_modify(|found| *found = None)
            .or_insert(Some(node));
    }
    known
}

/// Puts copies in the places of references.
///
/// Errors: a reference leads to no set of its kind.
pub(super) fn write_out(doc: &mut Document) -> Result<(), String> {
    let old = doc.clone();
    let sets = sets(&old);
    let known = known(&old, &sets);
    for node in sets {
        let Some(id) = old.attr(node, "id-ref") else {
            continue;
        };
        let name = old.name(node);
        let key = (name.to_owned(), id.to_owned());
        let Some(original) = known.get(&key).copied().flatten() else {
            return Err(format!("id-ref {id:?} leads to no {name}, or to several"));
        };
        let copy = doc.import(&old, original);
        prefix_ids(doc, copy, &format!("_{SET_PREFIX}{id}__"));
        doc.clear_attrs(node);
        doc.set_attr(node, "id", &format!("{SET_PREFIX}{id}"));
        for (name, value) in old.attrs(original).filter(|attr| attr.0 != "id") {
            doc.set_attr(node, name, value);
        }
        doc.clear_children(node);
        while let Some(child) = doc.first_node(copy) {
            doc.append(node, child);
        }
    }
    Ok(())
}

fn prefix_ids(doc: &mut Document, top: NodeRef, prefix: &str) {
    let all: Vec<_> = doc.descendants(top).collect();
    for node in all {
        let is_reference = doc.name(node) == "resource_ref";
        let id = doc.id(node).map(|id| format!("{prefix}{id}"));
        if let Some(id) = id.filter(|_| !is_reference) {
            doc.set_attr(node, "id", &id);
        }
    }
}

/// Makes references again of the copies that are still the same as their originals.
///
/// Errors: there are several originals.
pub(super) fn restore(doc: &mut Document, notes: &mut Notes) -> Result<(), String> {
    let old = doc.clone();
    let sets = sets(&old);
    let known = known(&old, &sets);
    for node in sets {
        let written_out = old.id(node).and_then(|id| id.strip_prefix(SET_PREFIX));
        let Some(id) = written_out else {
            continue;
        };
        let name = old.name(node);
        let about = format!("{name} {id}");
        match known.get(&(name.to_owned(), id.to_owned())) {
            None => {
                let text = "it is gone; what referred to it has a copy of what it was";
                notes.add(Weight::Same, about, text);
            }
            Some(None) => return Err(format!("id-ref {id:?} leads to several {name}")),
            Some(&Some(original)) if same(&old, original, node) => {
                doc.clear_attrs(node);
                doc.clear_children(node);
                doc.set_attr(node, "id-ref", id);
            }
            Some(Some(_)) => (),
        }
    }
    Ok(())
}

/// Whether two nodes are the same but for ids.
fn same(doc: &Document, a: NodeRef, b: NodeRef) -> bool {
    let attrs = |node| doc.attrs(node).filter(|attr| attr.0 != "id");
    let children = || {
        let (left, right) = (doc.nodes(a), doc.nodes(b));
        left.clone().count() == right.clone().count()
            && left.zip(right).all(|(a, b)| same(doc, a, b))
    };
    doc.kind(a) == doc.kind(b)
        && doc.name(a) == doc.name(b)
        && doc.text(a) == doc.text(b)
        && attrs(a).eq(attrs(b))
        && children()
}
