//! XPath 1.0 over a [`Document`]: all of it but namespaces and variables.
//!
//! `cibadmin --xpath` and the selectors of ACLs are written in it.

mod ast;
mod axes;
mod eval;
mod functions;
mod lexer;
mod parser;
mod value;

use thiserror::Error;

use super::dom::{Document, NodeRef};
use value::Item;

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct XPath(ast::Expr);

/// Why an expression was not compiled or gave no nodes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum XPathError {
    /// Not XPath; the place is a byte offset.
    #[error("character {at}: {what}")]
    Syntax {
        /// Offset in bytes.
        at: usize,
        /// What is wrong there.
        what: String,
    },
    /// A number, text or boolean where nodes are wanted.
    #[error("the expression gives no nodes")]
    NoNodes,
    /// More work than [`crate::limits::XPATH_VISITS_MAX`].
    #[error("the expression takes too long; make it more exact")]
    TooLong,
}

/// Any text as a value in an expression. XPath knows no escapes, so that text with both kinds of
/// quotes is put together from pieces.
pub fn literal(text: &str) -> String {
    if !text.contains('\'') {
        return format!("'{text}'");
    }
    if !text.contains('"') {
        return format!("\"{text}\"");
    }
    let pieces = text.split('\'').map(|piece| format!("'{piece}'"));
    let pieces: Vec<_> = pieces.collect();
    format!("concat({})", pieces.join(", \"'\", "))
}

impl XPath {
    /// Compiles an expression.
    pub fn parse(text: &str) -> Result<Self, XPathError> {
        parser::parse(text).map(Self)
    }

    /// The elements that it selects, in document order. An attribute, a comment and text stand
    /// for the element they are in, so that one may come more than once, and `/` for the root.
    /// Source: Pacemaker 2.1.5, `getXpathResult`.
    pub fn select(&self, doc: &Document) -> Result<Vec<NodeRef>, XPathError> {
        let items = self.items(doc)?;
        Ok(items
            .into_iter()
            .map(|item| match item {
                Item::Node(node) if !doc.is_element(node) => {
                    doc.parent(node).unwrap_or_else(|| doc.root())
                }
                Item::Node(node) | Item::Attr(node, _) => node,
                Item::Top => doc.root(),
            })
            .collect())
    }

    fn items(&self, doc: &Document) -> Result<Vec<Item>, XPathError> {
        match eval::evaluate(doc, &self.0)? {
            value::Value::Nodes(items) => Ok(items),
            _ => Err(XPathError::NoNodes),
        }
    }
}

/// Compiles and selects in one step.
pub fn select(doc: &Document, text: &str) -> Result<Vec<NodeRef>, XPathError> {
    XPath::parse(text)?.select(doc)
}

#[cfg(test)]
mod tests;
