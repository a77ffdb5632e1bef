//! Nodes along an axis.

use super::ast::{Axis, Test};
use super::value::{Item, name_of};
use crate::cib::dom::{Document, Kind, NodeRef};

/// The nodes on an axis that pass a test, nearest first, and how many were looked at.
pub(super) fn select(doc: &Document, from: Item, axis: Axis, test: &Test) -> (Vec<Item>, usize) {
    if let (Item::Node(node), Axis::Attribute, Test::Name(name)) = (from, axis, test) {
        let place = doc.attr_place(node, name);
        return (
            place.map(|at| Item::Attr(node, at)).into_iter().collect(),
            1,
        );
    }
    let (mut found, mut visited) = (Vec::new(), 0);
    along(doc, from, axis, &mut |item| {
        visited += 1;
        if passes(doc, item, axis, test) {
            found.push(item);
        }
    });
    (found, visited)
}

fn along(doc: &Document, from: Item, axis: Axis, visit: &mut dyn FnMut(Item)) {
    match axis {
        Axis::Current => visit(from),
        Axis::Parent => {
            if let Some(parent) = parent(doc, from) {
                visit(parent);
            }
        }
        Axis::Ancestor => above(doc, parent(doc, from), visit),
        Axis::AncestorOrSelf => above(doc, Some(from), visit),
        Axis::Child => children(doc, from, visit),
        Axis::Descendant => below(doc, from, false, visit),
        Axis::DescendantOrSelf => below(doc, from, true, visit),
        Axis::Attribute => {
            if let Item::Node(node) = from {
                (0..doc.attr_count(node)).for_each(|at| visit(Item::Attr(node, at)));
            }
        }
        Axis::FollowingSibling => beside(doc, from, Document::next_node, visit),
        Axis::PrecedingSibling => beside(doc, from, Document::previous_node, visit),
        Axis::Following => following(doc, from, visit),
        Axis::Preceding => preceding(doc, from, visit),
    }
}

pub(super) fn parent(doc: &Document, item: Item) -> Option<Item> {
    match item {
        Item::Top => None,
        Item::Attr(node, _) => Some(Item::Node(node)),
        Item::Node(node) => match doc.parent(node) {
            Some(parent) => Some(Item::Node(parent)),
            None => (node == doc.root()).then_some(Item::Top),
        },
    }
}

fn above(doc: &Document, from: Option<Item>, visit: &mut dyn FnMut(Item)) {
    std::iter::successors(from, |&item| parent(doc, item)).for_each(visit);
}

fn children(doc: &Document, from: Item, visit: &mut dyn FnMut(Item)) {
    match from {
        Item::Top => visit(Item::Node(doc.root())),
        Item::Node(node) => doc.nodes(node).for_each(|child| visit(Item::Node(child))),
        Item::Attr(..) => {}
    }
}

fn below(doc: &Document, from: Item, with_self: bool, visit: &mut dyn FnMut(Item)) {
    if with_self {
        visit(from);
    }
    let mut inside = |node: NodeRef, skip: usize| {
        doc.descendants(node)
            .skip(skip)
            .for_each(|n| visit(Item::Node(n)));
    };
    match from {
        Item::Top => inside(doc.root(), 0),
        Item::Node(node) => inside(node, 1),
        Item::Attr(..) => {}
    }
}

fn beside(
    doc: &Document,
    from: Item,
    step: fn(&Document, NodeRef) -> Option<NodeRef>,
    visit: &mut dyn FnMut(Item),
) {
    if let Item::Node(node) = from {
        std::iter::successors(step(doc, node), |&n| step(doc, n))
            .for_each(|n| visit(Item::Node(n)));
    }
}

fn following(doc: &Document, from: Item, visit: &mut dyn FnMut(Item)) {
    let start = match from {
        Item::Top => return,
        Item::Node(node) => doc.after_subtree(node, doc.root()),
        Item::Attr(node, _) => doc
            .first_node(node)
            .or_else(|| doc.after_subtree(node, doc.root())),
    };
    let next = |&node: &NodeRef| {
        doc.first_node(node)
            .or_else(|| doc.after_subtree(node, doc.root()))
    };
    std::iter::successors(start, next).for_each(|node| visit(Item::Node(node)));
}

fn preceding(doc: &Document, from: Item, visit: &mut dyn FnMut(Item)) {
    let (Item::Node(node) | Item::Attr(node, _)) = from else {
        return;
    };
    for ancestor in doc.ancestors(node) {
        let before = std::iter::successors(doc.previous_node(ancestor), |&n| doc.previous_node(n));
        for sibling in before {
            let mut inside: Vec<_> = doc.descendants(sibling).collect();
            inside.reverse();
            inside.into_iter().for_each(|n| visit(Item::Node(n)));
        }
    }
}

fn passes(doc: &Document, item: Item, axis: Axis, test: &Test) -> bool {
    let principal = match item {
        Item::Attr(..) => axis == Axis::Attribute,
        Item::Node(node) => axis != Axis::Attribute && doc.is_element(node),
        Item::Top => false,
    };
    let kind = match item {
        Item::Node(node) => Some(doc.kind(node)),
        _ => None,
    };
    match test {
        Test::Any => principal,
        Test::Name(name) => principal && name_of(doc, item) == name,
        Test::Node => true,
        Test::Text => matches!(kind, Some(Kind::Text | Kind::CData)),
        Test::Comment => kind == Some(Kind::Comment),
        Test::Nothing => false,
    }
}
