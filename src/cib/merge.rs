//! Elements found by what they are, and changed by what is given.
//!
//! Source: Pacemaker 2.1.5 `lib/common/xml.c` and `lib/cib/cib_ops.c`; each behaviour tried with
//! cibadmin.

use super::dom::{Document, Kind, NodeRef};
use crate::score;

/// An element of another document that is given with a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) doc: &'a Document,
    pub(super) node: NodeRef,
}

impl<'a> Given<'a> {
    pub(super) fn root(doc: &'a Document) -> Self {
        Self {
            doc,
            node: doc.root(),
        }
    }

    pub(super) fn name(self) -> &'a str {
        self.doc.name(self.node)
    }

    pub(super) fn id(self) -> Option<&'a str> {
        self.doc.id(self.node)
    }

    pub(super) fn children(self) -> impl Iterator<Item = Self> + 'a {
        self.doc.children(self.node).map(move |node| Self {
            doc: self.doc,
            node,
        })
    }

    /// All that is in it, comments too.
    fn nodes(self) -> impl Iterator<Item = Self> + 'a {
        self.doc.nodes(self.node).map(move |node| Self {
            doc: self.doc,
            node,
        })
    }
}

/// Sets an attribute; `NAME++` and `NAME+=N` as the value count up what is there.
/// Source: Pacemaker 2.1.5, `expand_plus_plus`.
pub(super) fn set_expanded(doc: &mut Document, node: NodeRef, name: &str, value: &str) {
    let counted = doc.attr(node, name).and_then(|old| {
        // A value that names itself counts from 0.
        let start = if old == value { 0 } else { score::parse(old) };
        let step = match value.strip_prefix(name)? {
            "" => return None,
            rest if rest.starts_with("++") => 1,
            rest => score::parse(rest.strip_prefix("+=")?),
        };
        let sum = i64::from(start) + i64::from(step);
        Some(sum.min(i64::from(score::INFINITY)))
    });
    match counted {
        Some(number) => doc.set_attr(node, name, &number.to_string()),
        None => doc.set_attr(node, name, value),
    }
}

/// Expands the values of these nodes that still name themselves.
pub(super) fn expand(doc: &mut Document, nodes: &[NodeRef]) {
    let mut counting: Vec<(NodeRef, String, String)> = Vec::new();
    for &node in nodes {
        for (name, value) in doc.attrs(node) {
            if value
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('+'))
            {
                counting.push((node, name.to_owned(), value.to_owned()));
            }
        }
    }
    for (node, name, value) in counting {
        set_expanded(doc, node, &name, &value);
    }
}

pub(super) fn copy_attrs(doc: &mut Document, node: NodeRef, given: Given) {
    for (name, value) in given.doc.attrs(given.node) {
        set_expanded(doc, node, name, value);
    }
}

/// The child of a name and, if one is given, of an id.
pub(super) fn match_child(
    doc: &Document,
    parent: NodeRef,
    name: &str,
    id: Option<&str>,
) -> Option<NodeRef> {
    doc.children_named(parent, name)
        .find(|&child| id.is_none() || doc.id(child) == id)
}

/// Merges what is given into an element: attributes, children, and children's children.
pub(super) fn update(doc: &mut Document, target: NodeRef, given: Given) {
    copy_attrs(doc, target, given);
    for child in given.nodes() {
        match child.doc.kind(child.node) {
            Kind::Element => {
                let target = match_child(doc, target, child.name(), child.id())
                    .unwrap_or_else(|| doc.add_element(target, child.name(), &[]));
                update(doc, target, child);
            }
            Kind::Comment => update_comment(doc, target, child),
            Kind::Text | Kind::CData => {}
        }
    }
}

/// A comment that is there already stays as it is, another one comes at the end.
fn update_comment(doc: &mut Document, parent: NodeRef, given: Given) {
    let text = given.doc.text(given.node);
    let known = doc
        .nodes(parent)
        .any(|n| doc.kind(n) == Kind::Comment && doc.text(n).eq_ignore_ascii_case(text));
    if !known {
        let comment = doc.new_text(Kind::Comment, text);
        doc.append(parent, comment);
    }
}

/// Merges what is given into the first element of its name and id, from `top` on; says whether
/// there was one.
pub(super) fn update_within(doc: &mut Document, top: NodeRef, given: Given) -> bool {
    let found = elements(doc, top)
        .find(|&node| doc.name(node) == given.name() && doc.id(node) == given.id());
    if let Some(node) = found {
        update(doc, node, given);
    }
    found.is_some()
}

/// Puts what is given in the place of the first element of its name and, if it has one, id.
pub(super) fn replace_within(doc: &mut Document, top: NodeRef, given: Given) -> bool {
    let found = elements(doc, top).find(|&node| is_same(doc, node, given));
    if let Some(node) = found {
        let copy = doc.import(given.doc, given.node);
        match doc.parent(node) {
            Some(parent) => {
                doc.insert_before(parent, copy, Some(node));
                doc.detach(node);
            }
            None => doc.set_root(copy),
        }
    }
    found.is_some()
}

/// Removes the first element of the name of what is given that has all attributes of it.
pub(super) fn delete_within(doc: &mut Document, top: NodeRef, given: Given) -> bool {
    let attrs_agree = |node: NodeRef| {
        let mut attrs = given.doc.attrs(given.node);
        attrs.all(|(name, value)| doc.attr(node, name) == Some(value))
    };
    let found = elements(doc, top).find(|&node| is_same(doc, node, given) && attrs_agree(node));
    if let Some(node) = found {
        doc.detach(node);
    }
    found.is_some()
}

fn is_same(doc: &Document, node: NodeRef, given: Given) -> bool {
    doc.name(node) == given.name() && (given.id().is_none() || doc.id(node) == given.id())
}

fn elements(doc: &Document, top: NodeRef) -> impl Iterator<Item = NodeRef> + '_ {
    doc.descendants(top).filter(|&node| doc.is_element(node))
}

/// Merges as [`update`] does; an attribute `replace` of what is given names a child to remove
/// first. Source: Pacemaker 2.1.5, `update_cib_object`.
pub(super) fn create_or_update(doc: &mut Document, parent: NodeRef, given: Given) -> NodeRef {
    let target = match_child(doc, parent, given.name(), given.id())
        .unwrap_or_else(|| doc.add_element(parent, given.name(), &[]));
    if let Some(names) = given.doc.attr(given.node, "replace") {
        for name in names.split(',') {
            if let Some(child) = doc.child(target, name) {
                doc.detach(child);
            }
        }
    }
    for (name, value) in given.doc.attrs(given.node) {
        if name != "replace" {
            set_expanded(doc, target, name, value);
        }
    }
    for child in given.children() {
        create_or_update(doc, target, child);
    }
    target
}

/// Whether two trees say the same: names, attributes in any order, children in order.
pub(super) fn same_tree(a: &Document, a_top: NodeRef, b: &Document, b_top: NodeRef) -> bool {
    let mut left = a.descendants(a_top);
    let mut right = b.descendants(b_top);
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(x), Some(y)) => {
                if !same_node(a, x, b, y) || (x != a_top && !same_place(a, x, b, y)) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// In trees that agreed so far, equal ends of the branches mean equal depth.
fn same_place(a: &Document, x: NodeRef, b: &Document, y: NodeRef) -> bool {
    a.next_node(x).is_some() == b.next_node(y).is_some()
        && a.first_node(x).is_some() == b.first_node(y).is_some()
}

pub(super) fn same_node(a: &Document, x: NodeRef, b: &Document, y: NodeRef) -> bool {
    if a.kind(x) != b.kind(y) || a.text(x) != b.text(y) {
        return false;
    }
    a.name(x) == b.name(y)
        && a.attr_count(x) == b.attr_count(y)
        && (a.attrs(x).eq(b.attrs(y))
            || a.attrs(x)
                .all(|(name, value)| b.attr(y, name) == Some(value)))
}
