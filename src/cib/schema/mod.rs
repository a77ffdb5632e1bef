//! The grammar of the CIB in all its editions, and whether a document keeps to it.
//!
//! ```text
//!  grammar.txt --notation--> Grammar --compile(Edition)--> patterns of types
//!  Document --validate--> faults, each with its element and what is allowed there
//! ```
//!
//! `validate-with` of a document names its edition. A document is checked in one pass.
//! Source: observed verdicts of Pacemaker 2.1.5, spec cib.md 7.

mod checker;
mod compile;
mod edition;
mod fault;
mod notation;
mod pattern;
mod validate;
mod value;

pub use checker::{Checker, Refusal};
pub use edition::Edition;
pub use fault::{Fault, Reason};
pub use validate::{FAULTS_MAX, Validator};

use super::Document;

/// What a document says that it keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim<'a> {
    /// Nothing: `validate-with` is missing.
    Missing,
    /// `none`: it isn't to be checked.
    Unchecked,
    /// An edition.
    Edition(Edition),
    /// Something that is no edition.
    Unknown(&'a str),
}

impl<'a> Claim<'a> {
    /// What a document claims.
    pub fn of(doc: &'a Document) -> Self {
        match doc.attr(doc.root(), "validate-with") {
            None => Self::Missing,
            Some("none") => Self::Unchecked,
            Some(name) => Edition::named(name).map_or(Self::Unknown(name), Self::Edition),
        }
    }
}

#[cfg(test)]
mod tests;
