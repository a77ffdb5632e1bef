//! Questions.

use super::Request;
use crate::cib::dom::{Document, NodeRef};
use crate::cib::error::Error;
use crate::cib::section::{self, Place};
use crate::cib::xpath;

/// What was asked for.
#[derive(Debug, Clone)]
pub enum Answer {
    /// An element of the document with all that it contains.
    Part(NodeRef),
    /// A document of its own.
    Tree(Document),
    /// Places of elements, as paths.
    Paths(Vec<String>),
}

/// Answers from a document, which is already what the one who asks may read.
///
/// Errors: [`Error::NotFound`] if there is nothing, or the XPath is none.
pub fn query(doc: &Document, request: &Request) -> Result<Answer, Error> {
    if let Some(expression) = request.xpath {
        return by_xpath(doc, request, expression);
    }
    match section::find(doc, request.section) {
        Place::Absent => Err(Error::NotFound),
        Place::At(node) if request.options.shallow => {
            let mut tree = Document::new(doc.name(node));
            let copy = tree.import_shallow(doc, node);
            tree.set_root(copy);
            Ok(Answer::Tree(tree))
        }
        Place::At(node) => Ok(Answer::Part(node)),
    }
}

fn by_xpath(doc: &Document, request: &Request, expression: &str) -> Result<Answer, Error> {
    let nodes = xpath::select(doc, expression).map_err(|_| Error::NotFound)?;
    let [first, rest @ ..] = nodes.as_slice() else {
        return Err(Error::NotFound);
    };
    if request.options.addresses && !request.options.shallow {
        return Ok(Answer::Paths(
            nodes.iter().map(|&n| path_of(doc, n)).collect(),
        ));
    }
    if rest.is_empty() && !request.options.shallow {
        return Ok(Answer::Part(*first));
    }
    let mut tree = Document::new("xpath-query");
    let root = tree.root();
    for &node in &nodes {
        let copy = match request.options.shallow {
            true => tree.import_shallow(doc, node),
            false => tree.import(doc, node),
        };
        match rest.is_empty() {
            true => tree.set_root(copy),
            false => tree.append(root, copy),
        }
    }
    Ok(Answer::Tree(tree))
}

/// The place of an element: names from the root, with ids.
pub fn path_of(doc: &Document, node: NodeRef) -> String {
    let mut steps: Vec<String> = doc
        .ancestors(node)
        .map(|node| match doc.id(node) {
            Some(id) => format!("/{}[@id='{id}']", doc.name(node)),
            None => format!("/{}", doc.name(node)),
        })
        .collect();
    steps.reverse();
    steps.concat()
}
