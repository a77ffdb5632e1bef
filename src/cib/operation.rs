//! Requests to a CIB: what is asked, and what becomes of the document.
//!
//! ```text
//!  Request --query--> Answer                             the document stays
//!  Request --update--> Update { doc, answer, changes }   a changed copy, counted
//! ```
//!
//! Source: Pacemaker 2.1.5 `lib/cib/cib_ops.c` and `cib_perform_op`; each behaviour tried with
//! cibadmin.

mod change;
mod create;
mod query;

pub use change::{change_between, update, upgrade};
pub use query::{Answer, path_of, query};

use super::acl::Access;
use super::dom::Document;
use super::error::Error;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Adds elements that are not there.
    Create,
    /// Merges into elements that are there.
    Modify,
    /// Puts an element or all of the document in the place of another.
    Replace,
    /// Removes elements.
    Delete,
    /// Applies a patch.
    Patch,
    /// Starts over with an empty document.
    Erase,
    /// Counts up the epoch.
    Bump,
}

/// How it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Modify makes what is not there.
    pub can_create: bool,
    /// All that an XPath selects, not the first only.
    pub multiple: bool,
    /// Query without children.
    pub shallow: bool,
    /// Query for the places of what an XPath selects.
    pub addresses: bool,
}

/// A request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// Name of the section that it is about.
    pub section: Option<&'a str>,
    /// What it is about, instead of a section.
    pub xpath: Option<&'a str>,
    /// The element that is created, merged, put in place, or looked for.
    pub input: Option<&'a Document>,
    /// How it is done.
    pub options: Options,
    /// What the one who asks may change; none may change all.
    pub access: Option<&'a Access>,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing; the version is the same.
    Nothing,
    /// Only what is outside of the configuration.
    Status,
    /// The configuration.
    Configuration,
}

/// A document after a request.
#[derive(Debug, Clone)]
pub struct Update {
    /// The new document.
    pub doc: Document,
    /// How far it differs from the old one.
    pub change: Change,
}

/// A request that failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Why.
    pub error: Error,
    /// `<failed>` with each element that was not created.
    pub answer: Option<Document>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            answer: None,
        }
    }
}

#[cfg(test)]
mod tests;
