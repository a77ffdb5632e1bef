//! What is wrong with a document, in words.

use std::fmt;

use super::value::one_of;
use crate::cib::{Document, NodeRef};

/// Something in a document that its grammar doesn't allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The element that it is about.
    pub node: NodeRef,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The root is another element than `cib`.
    Root,
    /// An attribute that this element never has.
    Attribute {
        /// Its name.
        name: String,
        /// The attributes that the element may have.
        allowed: Vec<String>,
    },
    /// A value that the attribute can't have.
    Value {
        /// The attribute.
        name: String,
        /// Its value.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// An attribute that the others exclude.
    Conflict {
        /// Its name.
        name: String,
    },
    /// An attribute is missing: one of these.
    Missing {
        /// The attributes of which one is needed.
        names: Vec<String>,
    },
    /// An element that isn't allowed where it is.
    Child {
        /// Those that are, if any.
        allowed: Vec<String>,
        /// Whether it would be allowed elsewhere in the element around it.
        misplaced: bool,
    },
    /// Text where only elements may be.
    Text,
    /// An element is missing: one of these.
    Incomplete {
        /// The elements of which one is needed.
        names: Vec<String>,
    },
    /// An id that another element has.
    Duplicate {
        /// The attribute.
        name: String,
        /// The id.
        id: String,
        /// The other element.
        first: NodeRef,
    },
    /// A reference to an id that no element has.
    Unresolved {
        /// The attribute.
        name: String,
        /// The id.
        id: String,
    },
}

impl Fault {
    /// The line of the element, if the document was read from a file.
    pub fn line(&self, doc: &Document) -> Option<usize> {
        doc.line(self.node)
    }

    /// What is wrong, without the line.
    pub fn text(&self, doc: &Document) -> String {
        self.told(doc).to_string()
    }

    fn told<'a>(&'a self, doc: &'a Document) -> Told<'a> {
        Told { fault: self, doc }
    }
}

struct Told<'a> {
    fault: &'a Fault,
    doc: &'a Document,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, doc } = *self;
        let parent = doc.parent(fault.node).map_or("", |node| doc.name(node));
        if let (Reason::Child { .. }, false) = (&fault.reason, parent.is_empty()) {
            write!(f, "in {parent}: ")?;
        }
        write!(f, "element {}", doc.name(fault.node))?;
        if let Some(id) = doc.id(fault.node) {
            write!(f, " {id:?}")?;
        }
        match &fault.reason {
            Reason::Root => f.write_str(": the root of a CIB is cib"),
            Reason::Attribute { name, allowed } => {
                write!(f, ": it has no attribute {name}")?;
                may_have(f, allowed)
            }
            Reason::Value {
                name,
                value,
                expected,
            } => write!(f, ": {name}={value:?} should be {expected}"),
            Reason::Conflict { name } => {
                write!(f, ": {name} doesn't go together with its other attributes")
            }
            Reason::Missing { names } if names.is_empty() => {
                f.write_str(": its attributes don't go together")
            }
            Reason::Missing { names } => write!(f, ": it lacks {}", one_of(names)),
            Reason::Child { allowed, misplaced } => {
                f.write_str(match misplaced {
                    true => " may not come here, or not once more",
                    false => " is not allowed",
                })?;
                match allowed.as_slice() {
                    [] => f.write_str("; no element is allowed here"),
                    allowed => write!(f, "; allowed here: {}", one_of(allowed)),
                }
            }
            Reason::Text => f.write_str(": text is not allowed in it"),
            Reason::Incomplete { names } => {
                write!(f, ": it needs an element {}", one_of(names))
            }
            Reason::Duplicate { name, id, first } => {
                write!(f, ": {name} {id:?} is taken by {}", doc.name(*first))?;
                match doc.line(*first) {
                    Some(line) => write!(f, " in line {line}"),
                    None => Ok(()),
                }
            }
            Reason::Unresolved { name, id } => {
                write!(f, ": {name} refers to {id:?}, which is the id of nothing")
            }
        }
    }
}

fn may_have(f: &mut fmt::Formatter<'_>, allowed: &[String]) -> fmt::Result {
    match allowed {
        [] => f.write_str("; it has none at all"),
        allowed => write!(f, "; it may have: {}", allowed.join(", ")),
    }
}
