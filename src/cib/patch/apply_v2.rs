//! Patches of format 2, applied.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use indexmap::IndexMap;

use crate::cib::dom::{Document, Kind, NodeRef};
use crate::cib::error::Error;
use crate::cib::version::counter;

pub(super) fn apply(doc: &mut Document, patch: &Document) -> Result<(), Error> {
    let mut later = Vec::new();
    let mut finder = Finder::default();
    let mut result = Ok(());
    for change in patch.children_named(patch.root(), "change") {
        let Some(operation) = patch.attr(change, "operation") else {
            continue;
        };
        let path = patch.attr(change, "path").ok_or(Error::PatchFailed)?;
        let position = position(patch, change);
        let by_position = position.filter(|_| operation == "delete");
        let found = finder.find(doc, path, by_position);
        match (operation, found) {
            ("delete", None) => {}
            (_, None) => result = Err(Error::PatchFailed),
            ("delete", Some(node)) => doc.detach(node),
            ("modify", Some(node)) => modify(doc, node, patch, change)?,
            ("create", Some(node)) => later.push((position, node, Later::Create(change))),
            ("move", Some(node)) => {
                if let Some(parent) = doc.parent(node) {
                    doc.append(parent, node);
                    later.push((position, node, Later::Move));
                }
            }
            _ => result = Err(Error::PatchFailed),
        }
    }
    later.sort_by_key(|&(position, ..)| position);
    let mut cursors = Cursors::default();
    for (position, node, what) in later {
        let position = position.unwrap_or(usize::MAX);
        match what {
            Later::Create(change) => {
                let given = patch.first_node(change).ok_or(Error::PatchFailed)?;
                let copy = doc.import(patch, given);
                let next = cursors.at(doc, node, position);
                doc.insert_before(node, copy, next);
                cursors.set(node, position, copy);
            }
            Later::Move => {
                let parent = doc.parent(node).ok_or(Error::PatchFailed)?;
                let next = cursors.at(doc, parent, position);
                doc.insert_before(parent, node, next);
                if next.is_none() && doc.position(node) != position {
                    result = Err(Error::PatchFailed);
                }
                cursors.set(parent, position, node);
            }
        }
    }
    result
}

enum Later {
    Create(NodeRef),
    Move,
}

fn position(patch: &Document, change: NodeRef) -> Option<usize> {
    patch.attr(change, "position")?;
    usize::try_from(counter(patch, change, "position")).ok()
}

fn modify(
    doc: &mut Document,
    node: NodeRef,
    patch: &Document,
    change: NodeRef,
) -> Result<(), Error> {
    let result = patch
        .child(change, "change-result")
        .and_then(|result| patch.children(result).next())
        .ok_or(Error::PatchFailed)?;
    doc.clear_attrs(node);
    for (name, value) in patch.attrs(result) {
        doc.set_attr(node, name, value);
    }
    Ok(())
}

/// Where the last insertion under a parent was. Insertions come by ascending position, so that
/// the next place lies behind it and is reached without counting from the start.
#[derive(Default)]
struct Cursors(BTreeMap<NodeRef, (usize, NodeRef)>);

impl Cursors {
    fn at(&self, doc: &Document, parent: NodeRef, position: usize) -> Option<NodeRef> {
        let from_last = self
            .0
            .get(&parent)
            .filter(|(at, node)| *at <= position && doc.parent(*node) == Some(parent));
        let (mut at, mut node) = match from_last {
            Some(&(at, node)) => (at, Some(node)),
            None => (0, doc.first_node(parent)),
        };
        while at < position
            && let Some(current) = node
        {
            node = doc.next_node(current);
            at += 1;
        }
        node
    }

    fn set(&mut self, parent: NodeRef, position: usize, node: NodeRef) {
        if position != usize::MAX {
            self.0.insert(parent, (position, node));
        }
    }
}

/// Finds elements by the paths of a patch. Large families are looked up in a table.
#[derive(Default)]
struct Finder {
    tables: BTreeMap<NodeRef, IndexMap<(String, String), NodeRef>>,
}

/// Children from which on a table pays.
const LARGE: usize = 16;

impl Finder {
    fn find(&mut self, doc: &Document, path: &str, position: Option<usize>) -> Option<NodeRef> {
        let mut steps = steps(path).into_iter();
        let first = steps.next()?;
        let root = doc.root();
        let mut node = (doc.name(root) == first.name
            && (first.id.is_none() || doc.id(root) == first.id))
            .then_some(root)?;
        for step in steps {
            node = match step.name {
                "comment" if step.id.is_none() => comment(doc, node, position)?,
                _ => self.child(doc, node, &step)?,
            };
        }
        Some(node)
    }

    fn child(&mut self, doc: &Document, parent: NodeRef, step: &Step) -> Option<NodeRef> {
        let matches = |node: &NodeRef| {
            doc.name(*node) == step.name && (step.id.is_none() || doc.id(*node) == step.id)
        };
        let search = || doc.children(parent).find(matches);
        let Some(id) = step.id else {
            return search();
        };
        let table = match self.tables.entry(parent) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if doc.nodes(parent).nth(LARGE).is_none() => return search(),
            Entry::Vacant(new) => new.insert(table(doc, parent)),
        };
        let node = *table.get(&(step.name.to_owned(), id.to_owned()))?;
        match doc.parent(node) == Some(parent) && matches(&node) {
            true => Some(node),
            false => search(),
        }
    }
}

fn table(doc: &Document, parent: NodeRef) -> IndexMap<(String, String), NodeRef> {
    let mut table = IndexMap::new();
    for node in doc.children(parent) {
        if let Some(id) = doc.id(node) {
            let key = (doc.name(node).to_owned(), id.to_owned());
            table.entry(key).or_insert(node);
        }
    }
    table
}

fn comment(doc: &Document, parent: NodeRef, position: Option<usize>) -> Option<NodeRef> {
    let mut nodes = doc.nodes(parent).enumerate();
    let (_, node) = nodes.find(|&(at, node)| {
        doc.kind(node) == Kind::Comment && position.is_none_or(|position| at == position)
    })?;
    Some(node)
}

struct Step<'a> {
    name: &'a str,
    id: Option<&'a str>,
}

/// `/cib/a[@id='b']` as its steps; an id may hold any character but the quote.
fn steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while let Some(after) = rest.strip_prefix('/') {
        let end = after.find(['/', '[']).unwrap_or(after.len());
        let (name, tail) = after.split_at_checked(end).unwrap_or((after, ""));
        let quoted = tail
            .strip_prefix("[@id='")
            .and_then(|inside| inside.split_once("']"));
        let (id, tail) = match quoted {
            Some((id, tail)) => (Some(id), tail),
            None => (None, tail),
        };
        steps.push(Step { name, id });
        rest = tail;
    }
    steps
}
