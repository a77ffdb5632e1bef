//! Values of expressions and how they turn into each other.

use std::borrow::Cow;

use crate::cib::dom::{Document, Kind, NodeRef};

/// A node of XPath's model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    /// The document: the root element's parent.
    Top,
    Node(NodeRef),
    /// The attribute with this place in its element.
    Attr(NodeRef, usize),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Nodes(Vec<Item>),
    Flag(bool),
    Number(f64),
    Text(String),
}

impl Value {
    pub(super) fn flag(&self) -> bool {
        match self {
            Self::Nodes(items) => !items.is_empty(),
            Self::Flag(flag) => *flag,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
        }
    }

    pub(super) fn number(&self, doc: &Document) -> f64 {
        match self {
            Self::Flag(flag) => f64::from(u8::from(*flag)),
            Self::Number(number) => *number,
            Self::Nodes(_) | Self::Text(_) => number_of(&self.text(doc)),
        }
    }

    pub(super) fn text(&self, doc: &Document) -> String {
        match self {
            Self::Nodes(items) => {
                let first = items.first();
                first.map_or(String::new(), |&i| text_of(doc, i).into_owned())
            }
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number_text(*number),
            Self::Text(text) => text.clone(),
        }
    }
}

/// A number as XPath writes it in text.
pub(super) fn number_of(text: &str) -> f64 {
    let text = text.trim();
    let plain = text
        .bytes()
        .enumerate()
        .all(|(at, b)| b.is_ascii_digit() || b == b'.' || (at == 0 && b == b'-'));
    match plain {
        true => text.parse().unwrap_or(f64::NAN),
        false => f64::NAN,
    }
}

fn number_text(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned();
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    number.to_string()
}

/// The string value of a node.
pub(super) fn text_of(doc: &Document, item: Item) -> Cow<'_, str> {
    let inside = |node: NodeRef| {
        let mut texts = doc
            .descendants(node)
            .filter(|&n| matches!(doc.kind(n), Kind::Text | Kind::CData))
            .map(|n| doc.text(n));
        let first = Cow::Borrowed(texts.next().unwrap_or(""));
        texts.fold(first, |all, text| all + text)
    };
    match item {
        Item::Top => inside(doc.root()),
        Item::Node(node) if doc.is_element(node) => inside(node),
        Item::Node(node) => Cow::Borrowed(doc.text(node)),
        Item::Attr(node, at) => Cow::Borrowed(doc.attr_at(node, at).map_or("", |(_, value)| value)),
    }
}

/// The name of a node; "" where it has none.
pub(super) fn name_of(doc: &Document, item: Item) -> &str {
    match item {
        Item::Top => "",
        Item::Node(node) => doc.name(node),
        Item::Attr(node, at) => doc.attr_at(node, at).map_or("", |(name, _)| name),
    }
}
