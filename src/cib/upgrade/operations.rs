//! From 2.10 to 3.0: parameters of operations that are meta attributes, and `requires`, which
//! is one of the resource.

use super::names::{has_no_rule, pair, put, stray_comments, take_out};
use super::notes::{Notes, Weight};
use super::table::{self, REQUIRES, requires_counts};
use crate::cib::{Document, NodeRef};

const META: &str = "meta_attributes";

const PARAMETERS: &str = "instance_attributes";

pub(super) fn operations(
    old: &Document,
    new: &mut Document,
    (resource, operations): (NodeRef, NodeRef),
    notes: &mut Notes,
) {
    for op in old.children_named(operations, "op") {
        new.remove_attr(op, REQUIRES);
        operation(old, new, (resource, op), notes);
    }
}

/// Sets of a kind in an operation, those with a rule or those without.
fn sets(doc: &Document, op: NodeRef, kind: &str, rules: bool) -> Vec<NodeRef> {
    doc.children_named(op, kind)
        .filter(|&set| has_no_rule(doc, set) != rules)
        .collect()
}

fn operation(
    old: &Document,
    new: &mut Document,
    (resource, op): (NodeRef, NodeRef),
    notes: &mut Notes,
) {
    let plain = sets(old, op, PARAMETERS, false);
    let mut lifted = Vec::new();
    for (place, &set) in plain.iter().enumerate() {
        let later = plain.get(place + 1..).unwrap_or_default();
        lifted.extend(lift(old, (resource, set), later));
    }
    let first = sets(old, op, META, false).first().copied();
    for child in old.children(op) {
        match old.name(child) {
            PARAMETERS => keep_parameters(old, new, (op, child), notes),
            META => keep_meta(old, new, child, first == Some(child) && !lifted.is_empty()),
            _ => (),
        }
    }
    if !lifted.is_empty() {
        let id = format!("_2TO3_{}-meta", old.id(op).unwrap_or_default());
        let set = first.unwrap_or_else(|| new.add_element(op, META, &[("id", &id)]));
        lifted.iter().for_each(|&node| put(old, new, set, node));
    }
    for set in sets(old, op, PARAMETERS, true) {
        // As in the original, sets without rule after it are asked, not only those with one.
        let later: Vec<_> = plain.iter().copied().filter(|&other| set < other).collect();
        let lifted = lift(old, (resource, set), &later);
        if !lifted.is_empty() {
            let meta = with_rule(old, new, (op, set));
            lifted.iter().for_each(|&node| new.append(meta, node));
        }
    }
}

/// Pairs of a set that are meta attributes of the operation, unless the resource has some of
/// their name or a later set has.
fn lift(old: &Document, (resource, set): (NodeRef, NodeRef), later: &[NodeRef]) -> Vec<NodeRef> {
    let in_later = |name: &str| {
        let mut nodes = later
            .iter()
            .flat_map(|&set| old.children_named(set, "nvpair"));
        nodes.any(|node| pair(old, node).0 == name)
    };
    old.children_named(set, "nvpair")
        .filter(|&node| {
            let (name, _) = pair(old, node);
            table::is_operation_meta(name) && !has_meta(old, resource, name) && !in_later(name)
        })
        .collect()
}

/// Whether a resource has a meta attribute that always counts.
fn has_meta(doc: &Document, resource: NodeRef, name: &str) -> bool {
    doc.children_named(resource, META)
        .filter(|&set| has_no_rule(doc, set))
        .flat_map(|set| doc.children_named(set, "nvpair"))
        .any(|node| pair(doc, node).0 == name)
}

fn keep_parameters(
    old: &Document,
    new: &mut Document,
    (op, set): (NodeRef, NodeRef),
    notes: &mut Notes,
) {
    let mut kept = false;
    stray_comments(old, set).for_each(|node| new.detach(node));
    for node in old.children_named(set, "nvpair") {
        let (name, _) = pair(old, node);
        if !table::is_operation_meta(name) && name != REQUIRES {
            kept = true;
            continue;
        }
        take_out(old, new, node);
        let about = format!("op {}", old.id(op).unwrap_or_default());
        let text = format!("parameter {name} is a meta attribute");
        notes.add(Weight::Same, about, text);
    }
    if !kept {
        new.detach(set);
    }
}

fn keep_meta(old: &Document, new: &mut Document, set: NodeRef, gets_more: bool) {
    let mut kept = false;
    stray_comments(old, set).for_each(|node| new.detach(node));
    for node in old.children_named(set, "nvpair") {
        match pair(old, node).0 {
            REQUIRES => take_out(old, new, node),
            _ => kept = true,
        }
    }
    if !kept && !gets_more {
        new.detach(set);
    }
}

/// A set of meta attributes under `parent` with the attributes and the rule of another set.
fn with_rule(old: &Document, new: &mut Document, (parent, set): (NodeRef, NodeRef)) -> NodeRef {
    let meta = new.add_element(parent, META, &[]);
    for (name, value) in old.attrs(set).filter(|attr| attr.0 != "id") {
        new.set_attr(meta, name, value);
    }
    let id = format!("_2TO3_{}", old.id(set).unwrap_or_default());
    new.set_attr(meta, "id", &id);
    for node in old.nodes(set).filter(|&node| old.name(node) != "nvpair") {
        let copy = new.import(old, node);
        new.append(meta, copy);
    }
    meta
}

/// `requires` of the operations that start and promote, as meta attributes of the resource:
/// an attribute of the last one, else the last pair in a set.
pub(super) fn lift_requires(
    old: &Document,
    new: &mut Document,
    resource: NodeRef,
    notes: &mut Notes,
) {
    let ops: Vec<_> = old
        .children_named(resource, "operations")
        .flat_map(|operations| old.children_named(operations, "op"))
        .collect();
    for &op in &ops {
        if old.attr(op, REQUIRES).is_some() {
            let about = format!("op {}", old.id(op).unwrap_or_default());
            let counts = requires_counts(pair(old, op).0);
            let (weight, text) = match counts {
                true => (Weight::Same, "requires is a meta attribute of the resource"),
                false => (
                    Weight::Gone,
                    "requires is gone: only start and promote had it",
                ),
            };
            notes.add(weight, about, text);
        }
    }
    if has_meta(old, resource, REQUIRES) {
        return;
    }
    let counting = |op: &&NodeRef| requires_counts(pair(old, **op).0);
    let last = ops.iter().rev().filter(counting);
    let last = last.copied().find(|&op| old.attr(op, REQUIRES).is_some());
    let id = |node| old.id(node).unwrap_or_default();
    if let Some(op) = last {
        let set_id = format!("_2TO3_{}-meta", id(resource));
        let set = new.add_element(resource, META, &[("id", &set_id)]);
        let pair_id = format!("_2TO3_{}-meta-requires", id(op));
        let value = old.attr(op, REQUIRES).unwrap_or_default();
        let attrs = [("id", &*pair_id), ("name", REQUIRES), ("value", value)];
        new.add_element(set, "nvpair", &attrs);
        return;
    }
    let ops: Vec<_> = ops.iter().filter(counting).copied().collect();
    for set in lifting_sets(old, &ops) {
        let meta = with_rule(old, new, (resource, set));
        for node in requiring(old, set) {
            let copy = new.import(old, node);
            new.append(meta, copy);
        }
    }
}

fn requiring(old: &Document, set: NodeRef) -> impl Iterator<Item = NodeRef> + '_ {
    let pairs = old.children_named(set, "nvpair");
    pairs.filter(|&node| pair(old, node).0 == REQUIRES)
}

/// The sets whose `requires` goes up: of meta attributes before parameters, without a rule
/// only the last; those with a rule if no later one without is there.
fn lifting_sets(old: &Document, ops: &[NodeRef]) -> Vec<NodeRef> {
    let all: Vec<_> = ops
        .iter()
        .flat_map(|&op| old.children(op))
        .filter(|&set| [META, PARAMETERS].contains(&old.name(set)))
        .filter(|&set| requiring(old, set).next().is_some())
        .collect();
    let plain = |kind: &str| {
        let mut sets = all.iter().rev();
        let found = sets.find(|&&set| old.name(set) == kind && has_no_rule(old, set));
        found.copied()
    };
    let (meta, parameters) = (plain(META), plain(PARAMETERS));
    let goes_up = |set: &NodeRef| {
        let last = match old.name(*set) {
            META => meta,
            _ if meta.is_some() => return false,
            _ => parameters,
        };
        last.is_none_or(|last| last == *set || *set > last)
    };
    all.iter().copied().filter(goes_up).collect()
}
