//! From 2.10 to 3.0: names that are others now, and what has another place.
//!
//! Decisions are taken from the document as it was, so that they don't depend on the order.
//! As with the original, sets that are empty go, and comments go with the pair after them; it
//! loses those after the last pair of some sets. Of the comments in sets of resources it makes
//! two each; that isn't done here.

use super::notes::{Notes, Weight};
use super::operations;
use super::table::{self, Fate, Section};
use crate::cib::{Document, NodeRef};

pub(super) fn rewrite(old: &Document, new: &mut Document, notes: &mut Notes) {
    let Some(configuration) = old.child(old.root(), "configuration") else {
        return;
    };
    let mut moved = Vec::new();
    for section in old.children(configuration) {
        match old.name(section) {
            "crm_config" => {
                for set in old.children_named(section, "cluster_property_set") {
                    properties(old, new, set, &mut moved, notes);
                }
            }
            "nodes" => {
                for node in old.children_named(section, "node") {
                    node_type(old, new, node, notes);
                }
            }
            "resources" => {
                for node in old.descendants(section) {
                    if ["primitive", "template"].contains(&old.name(node)) {
                        resource(old, new, node, notes);
                    }
                }
            }
            "constraints" => {
                for node in old.children_named(section, "rsc_colocation") {
                    colocation(old, new, node, notes);
                }
            }
            _ => (),
        }
    }
    for section in [Section::Operations, Section::Resources] {
        defaults(old, new, (configuration, section), &moved);
    }
}

/// Name and value of a pair; "" for what is missing.
pub(super) fn pair(doc: &Document, node: NodeRef) -> (&str, &str) {
    let value = |name| doc.attr(node, name).unwrap_or_default();
    (value("name"), value("value"))
}

/// Whether a set always counts.
pub(super) fn has_no_rule(doc: &Document, set: NodeRef) -> bool {
    doc.child(set, "rule").is_none()
}

fn about(doc: &Document, set: NodeRef, pair: NodeRef) -> String {
    let id = |node| doc.id(node).unwrap_or_default();
    format!("{} {}: nvpair {}", doc.name(set), id(set), id(pair))
}

/// Tells about the fate of a pair.
fn tell(doc: &Document, set: NodeRef, node: NodeRef, fate: Fate, notes: &mut Notes) {
    let (name, _) = pair(doc, node);
    let (weight, text) = match fate {
        Fate::Renamed(new) => (Weight::Same, format!("{name} is {new} now")),
        Fate::Redefined(new, value) => {
            let text = format!("{name} is gone; {new}={value} is in its place");
            (Weight::Differs, text)
        }
        Fate::Moved(section, new, _) => {
            let text = format!("{name} is {new} in {} now", section.name());
            (Weight::Same, text)
        }
        Fate::Shortened(new, start) => {
            let text = format!("{name} is {new} now, without {start:?} before the value");
            (Weight::Same, text)
        }
        Fate::Dropped(why) => (Weight::Gone, format!("{name} is gone: {why}")),
    };
    notes.add(weight, about(doc, set, node), text);
}

fn rename(new: &mut Document, node: NodeRef, name: &str, value: Option<&str>) {
    new.set_attr(node, "name", name);
    if let Some(value) = value.filter(|_| new.attr(node, "value").is_some()) {
        new.set_attr(node, "value", value);
    }
}

fn properties(
    old: &Document,
    new: &mut Document,
    set: NodeRef,
    moved: &mut Vec<(Section, NodeRef)>,
    notes: &mut Notes,
) {
    let mut kept = false;
    let counts = has_no_rule(old, set);
    stray_comments(old, set).for_each(|node| new.detach(node));
    for node in old.children_named(set, "nvpair") {
        let (name, value) = pair(old, node);
        let fate = table::property(name, value);
        if let Some(fate) = fate {
            tell(old, set, node, fate, notes);
        }
        match fate {
            Some(Fate::Moved(section, name, value)) => {
                rename(new, node, name, value);
                take_out(old, new, node);
                if counts {
                    moved.push((section, node));
                }
            }
            Some(Fate::Dropped(_)) => take_out(old, new, node),
            Some(Fate::Renamed(name)) => {
                rename(new, node, name, None);
                kept = true;
            }
            _ => kept = true,
        }
    }
    if !kept {
        new.detach(set);
    }
}

/// Comments of a set that are before no pair.
pub(super) fn stray_comments(doc: &Document, set: NodeRef) -> impl Iterator<Item = NodeRef> + '_ {
    let before_pair = |node: NodeRef| {
        let mut after = std::iter::successors(doc.next_node(node), |&node| doc.next_node(node));
        let next = after.find(|&node| doc.is_element(node));
        next.is_some_and(|node| doc.name(node) == "nvpair")
    };
    doc.nodes(set)
        .filter(|&node| !doc.is_element(node))
        .filter(move |&node| !before_pair(node))
}

/// The comments before a pair, which go where it goes, and the pair.
fn with_comments(doc: &Document, node: NodeRef) -> Vec<NodeRef> {
    let before = std::iter::successors(doc.previous_node(node), |&node| doc.previous_node(node));
    let mut nodes: Vec<_> = before.take_while(|&node| !doc.is_element(node)).collect();
    nodes.reverse();
    nodes.push(node);
    nodes
}

/// Takes a pair out of its set.
pub(super) fn take_out(old: &Document, new: &mut Document, node: NodeRef) {
    let nodes = with_comments(old, node);
    nodes.into_iter().for_each(|node| new.detach(node));
}

/// Puts a pair at the end of a set.
pub(super) fn put(old: &Document, new: &mut Document, set: NodeRef, node: NodeRef) {
    let nodes = with_comments(old, node);
    nodes.into_iter().for_each(|node| new.append(set, node));
}

/// Puts options of the cluster into a section of defaults, unless they are there.
///
/// A section that has only sets with rules takes nothing: the original loses them, too.
fn defaults(
    old: &Document,
    new: &mut Document,
    (configuration, section): (NodeRef, Section),
    moved: &[(Section, NodeRef)],
) {
    let nodes: Vec<_> = moved
        .iter()
        .filter(|moved| moved.0 == section)
        .map(|moved| moved.1)
        .collect();
    if nodes.is_empty() {
        return;
    }
    let Some(place) = old.child(configuration, section.name()) else {
        let place = new.add_element(configuration, section.name(), &[]);
        let set = new.add_element(place, "meta_attributes", &[("id", section.set_id())]);
        return nodes.iter().for_each(|&node| put(old, new, set, node));
    };
    let sets: Vec<_> = old
        .children_named(place, "meta_attributes")
        .filter(|&set| has_no_rule(old, set))
        .collect();
    let Some(&first) = sets.first() else {
        return;
    };
    let there: Vec<&str> = sets
        .iter()
        .flat_map(|&set| old.children_named(set, "nvpair"))
        .map(|node| pair(old, node).0)
        .collect();
    for node in nodes {
        let is_there = there.contains(&pair(new, node).0);
        if !is_there {
            put(old, new, first, node);
        }
    }
}

fn node_type(old: &Document, new: &mut Document, node: NodeRef, notes: &mut Notes) {
    if old.attr(node, "type") == Some("normal") {
        new.set_attr(node, "type", "member");
        let name = old.attr(node, "uname").unwrap_or_default();
        let text = "type normal is member now";
        notes.add(Weight::Same, format!("node {name}"), text);
    }
}

fn colocation(old: &Document, new: &mut Document, node: NodeRef, notes: &mut Notes) {
    for name in ["score-attribute", "score-attribute-mangle"] {
        if new.remove_attr(node, name) {
            let about = format!("rsc_colocation {}", old.id(node).unwrap_or_default());
            let text = format!("{name} is gone: it never had an effect");
            notes.add(Weight::Gone, about, text);
        }
    }
}

fn resource(old: &Document, new: &mut Document, resource: NodeRef, notes: &mut Notes) {
    let sets: Vec<_> = old
        .children_named(resource, "meta_attributes")
        .filter(|&set| has_no_rule(old, set))
        .collect();
    for child in old.children(resource) {
        match old.name(child) {
            "operations" => operations::operations(old, new, (resource, child), notes),
            "instance_attributes" => parameters(old, new, child, notes),
            "meta_attributes" => metas(old, new, (child, &sets), notes),
            _ => (),
        }
    }
    operations::lift_requires(old, new, resource, notes);
}

fn parameters(old: &Document, new: &mut Document, set: NodeRef, notes: &mut Notes) {
    let mut kept = false;
    for node in old.children_named(set, "nvpair") {
        let (name, value) = pair(old, node);
        let fate = table::parameter(name, value);
        if let Some(fate) = fate {
            tell(old, set, node, fate, notes);
        }
        kept |= !matches!(fate, Some(Fate::Dropped(_)));
        match fate {
            Some(Fate::Renamed(name)) => rename(new, node, name, None),
            Some(Fate::Shortened(name, start)) => {
                let rest = value.strip_prefix(start);
                rename(new, node, name, rest);
            }
            Some(_) => new.detach(node),
            None => (),
        }
    }
    if !kept {
        new.detach(set);
    }
}

/// Meta attributes of a resource. What several become is only written once: of those without
/// a rule by the first in its set, and not at all if something kept is before it.
fn metas(
    old: &Document,
    new: &mut Document,
    (set, sets): (NodeRef, &[NodeRef]),
    notes: &mut Notes,
) {
    let mut kept = false;
    for node in old.children_named(set, "nvpair") {
        let (name, value) = pair(old, node);
        let fate = table::meta(name, value);
        if let Some(fate) = fate {
            tell(old, set, node, fate, notes);
        }
        match fate {
            Some(Fate::Redefined(name, value)) => {
                if is_written(old, (set, sets), name, kept) {
                    rename(new, node, name, Some(value));
                } else {
                    new.detach(node);
                }
                kept = true;
            }
            Some(_) => new.detach(node),
            None => kept = true,
        }
    }
    if !kept {
        new.detach(set);
    }
}

/// Whether a pair becomes one of this name. `later` tells that something of its set was kept
/// before it.
fn is_written(old: &Document, (set, sets): (NodeRef, &[NodeRef]), name: &str, later: bool) -> bool {
    if has_no_rule(old, set) {
        return !later;
    }
    let after = |other: &&NodeRef| **other > set;
    let becomes = |node: NodeRef| {
        let (old_name, value) = pair(old, node);
        matches!(table::meta(old_name, value), Some(Fate::Redefined(new, _)) if new == name)
    };
    let mut following = sets.iter().filter(after);
    !following.any(|&other| old.children_named(other, "nvpair").any(becomes))
}
