//! What differs between two documents, in the order in which a patch tells it.
//!
//! Children are matched by name and id, comments by position and text. Each pair of siblings is
//! matched through a table, so that the time grows with the size of the documents.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::positions::Positions;
use crate::cib::dom::{Document, Kind, NodeRef};

/// What differs.
#[derive(Debug, Default)]
pub(in crate::cib) struct Comparison {
    /// Nodes of the old document that are gone, with the position of comments.
    pub(in crate::cib) deleted: Vec<(NodeRef, Option<usize>)>,
    /// For each node of the new document by its index.
    marks: Vec<Mark>,
    /// Attributes that differ, by node of the new document.
    pub(in crate::cib) attrs: BTreeMap<NodeRef, Attrs>,
    created_or_moved: bool,
}

#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cib) struct Mark {
    pub(in crate::cib) created: bool,
    pub(in crate::cib) moved: bool,
    compared: bool,
}

/// Attributes of an element that differ.
#[derive(Debug, Default)]
pub(in crate::cib) struct Attrs {
    /// Places of those that are set, in the new element.
    pub(in crate::cib) set: Vec<usize>,
    /// Names of those that are gone.
    pub(in crate::cib) unset: Vec<String>,
}

impl Comparison {
    pub(in crate::cib) fn is_changed(&self) -> bool {
        self.created_or_moved || !self.deleted.is_empty() || !self.attrs.is_empty()
    }

    pub(in crate::cib) fn mark(&self, node: NodeRef) -> Mark {
        self.marks.get(node.index()).copied().unwrap_or_default()
    }

    fn mark_mut(&mut self, node: NodeRef) -> &mut Mark {
        if self.marks.len() <= node.index() {
            self.marks.resize(node.index() + 1, Mark::default());
        }
        &mut self.marks[node.index()]
    }
}

/// Compares; `order` makes another order of attributes a difference.
pub(in crate::cib) fn compare(old: &Document, new: &Document, order: bool) -> Comparison {
    let mut comparing = Comparing {
        old,
        new,
        order,
        result: Comparison {
            marks: vec![Mark::default(); new.node_count()],
            ..Comparison::default()
        },
    };
    comparing.pair(old.root(), new.root());
    comparing.result
}

struct Comparing<'a> {
    old: &'a Document,
    new: &'a Document,
    order: bool,
    result: Comparison,
}

/// The nodes in an element, with ways to find them.
struct Siblings<'a> {
    doc: &'a Document,
    nodes: Vec<NodeRef>,
    /// The first place of each name and id, and of each name alone.
    by_id: IndexMap<(&'a str, Option<&'a str>), usize>,
    positions: Positions,
}

impl<'a> Siblings<'a> {
    fn of(doc: &'a Document, parent: NodeRef) -> Self {
        let nodes: Vec<_> = doc.nodes(parent).collect();
        let mut by_id = IndexMap::with_capacity(nodes.len() * 2);
        for (place, &node) in nodes.iter().enumerate() {
            if doc.is_element(node) {
                let (name, id) = (doc.name(node), doc.id(node));
                by_id.entry((name, None)).or_insert(place);
                if id.is_some() {
                    by_id.entry((name, id)).or_insert(place);
                }
            }
        }
        Self {
            doc,
            positions: Positions::all(nodes.len()),
            nodes,
            by_id,
        }
    }

    /// The place of what stands for `node` of another document, whose position there is given.
    fn matching(&self, doc: &Document, node: NodeRef, position: usize) -> Option<usize> {
        match doc.kind(node) {
            Kind::Element => self.by_id.get(&(doc.name(node), doc.id(node))).copied(),
            Kind::Comment => {
                let place = self.positions.at(position)?;
                let other = *self.nodes.get(place)?;
                let same = self.doc.kind(other) == Kind::Comment
                    && self.doc.text(other).eq_ignore_ascii_case(doc.text(node));
                same.then_some(place)
            }
            // The tools never match text and CDATA by name; they come and go with the rest.
            Kind::Text | Kind::CData => None,
        }
    }

    fn node(&self, place: usize) -> NodeRef {
        self.nodes[place]
    }
}

impl Comparing<'_> {
    fn pair(&mut self, old: NodeRef, new: NodeRef) {
        if std::mem::replace(&mut self.result.mark_mut(new).compared, true) {
            return;
        }
        self.attributes(old, new);
        if self.old.first_node(old).is_none() && self.new.first_node(new).is_none() {
            return;
        }
        let mut left = Siblings::of(self.old, old);
        let right = Siblings::of(self.new, new);
        self.gone(&mut left, &right);
        self.come(&mut left, &right);
    }

    /// Old children that are deleted; those that stay are compared.
    fn gone(&mut self, left: &mut Siblings, right: &Siblings) {
        for place in 0..left.nodes.len() {
            let node = left.node(place);
            let position = left.positions.before(place);
            match right.matching(self.old, node, position) {
                Some(other) => self.pair(node, right.node(other)),
                None => {
                    let comment = self.old.kind(node) == Kind::Comment;
                    self.result
                        .deleted
                        .push((node, comment.then_some(position)));
                    left.positions.skip(place);
                }
            }
        }
    }

    /// New children that are created or stand elsewhere.
    fn come(&mut self, left: &mut Siblings, right: &Siblings) {
        let mut position = 0;
        for &node in &right.nodes {
            let Some(old_place) = left.matching(self.new, node, position) else {
                self.result.mark_mut(node).created = true;
                self.result.created_or_moved = true;
                continue;
            };
            let old_position = left.positions.before(old_place);
            if old_position != position {
                self.result.mark_mut(node).moved = true;
                self.result.created_or_moved = true;
            }
            if old_position > position {
                left.positions.skip(old_place);
            }
            // A node that moved back does not count for those after it.
            position += usize::from(old_position >= position);
        }
    }

    fn attributes(&mut self, old: NodeRef, new: NodeRef) {
        let (from, to) = (self.old, self.new);
        if from.attrs(old).eq(to.attrs(new)) {
            return;
        }
        let mut set = vec![false; to.attr_count(new)];
        let mut unset = Vec::new();
        let mut old_skipped = vec![false; from.attr_count(old)];
        let mut new_skipped = vec![false; to.attr_count(new)];
        let counted = |skipped: &[bool], place: usize| {
            skipped
                .iter()
                .take(place)
                .filter(|&&skipped| !skipped)
                .count()
        };
        for (old_place, (name, value)) in from.attrs(old).enumerate() {
            let Some(place) = to.attr_place(new, name) else {
                unset.push(name.to_owned());
                continue;
            };
            let old_position = counted(&old_skipped, old_place);
            let position = counted(&new_skipped, place);
            if to.attr(new, name) != Some(value) {
                set[place] = true;
            } else if self.order && old_position != position {
                set[place] = true;
                match old_position > position {
                    true => old_skipped[old_place] = true,
                    false => new_skipped[place] = true,
                }
            }
        }
        for (place, (name, _)) in to.attrs(new).enumerate() {
            set[place] |= from.attr_place(old, name).is_none();
        }
        let set: Vec<_> = (0..set.len()).filter(|&place| set[place]).collect();
        if !set.is_empty() || !unset.is_empty() {
            self.result.attrs.insert(new, Attrs { set, unset });
        }
    }
}

/// Each node in an element of one document with what stands for it in an element of another;
/// comments are matched by their text alone.
pub(in crate::cib) fn matches_of(
    left: &Document,
    left_parent: NodeRef,
    right: &Document,
    right_parent: NodeRef,
) -> Vec<(NodeRef, Option<NodeRef>)> {
    let siblings = Siblings::of(right, right_parent);
    let comment = |node: NodeRef| {
        let mut others = siblings.nodes.iter().copied();
        others.find(|&other| {
            right.kind(other) == Kind::Comment
                && right.text(other).eq_ignore_ascii_case(left.text(node))
        })
    };
    left.nodes(left_parent)
        .map(|node| match left.kind(node) {
            Kind::Comment => (node, comment(node)),
            _ => {
                let place = siblings.matching(left, node, 0);
                (node, place.map(|place| siblings.node(place)))
            }
        })
        .collect()
}
