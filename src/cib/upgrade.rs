//! Documents of older editions as documents of the newest.
//!
//! ```text
//!  0.6 --heartbeat--> 1.0 ... 1.3 --permissions--> 2.0 ... 2.10 --names--> 3.0 ... 3.9
//! ```
//!
//! Between most editions only things were added, so that a document goes on unchanged. Three
//! times it is rewritten, if it has something that the next edition doesn't allow. From 1.0 on
//! the result is that of Pacemaker 2.1.5 (`update_validation` and its three stylesheets);
//! it doesn't read what is older.

mod heartbeat;
mod names;
mod notes;
mod operations;
mod permissions;
mod references;
mod table;

pub use notes::{Note, Weight};

use notes::Notes;

use super::Document;
use super::schema::{Claim, Edition, Fault, Validator};

/// What became of a document.
#[derive(Debug, Clone)]
pub struct Upgraded {
    /// The document, of the edition that its `validate-with` says.
    pub doc: Document,
    /// Its edition.
    pub edition: Edition,
    /// What was rewritten.
    pub notes: Vec<Note>,
    /// Why it doesn't go on to the newest edition, if it doesn't.
    pub stopped: Option<Stop>,
}

/// Why a document can't be brought to a later edition.
#[derive(Debug, Clone)]
pub struct Stop {
    /// The edition that it doesn't reach.
    pub before: Edition,
    /// What would be wrong with it, and the document that has the faults.
    pub faults: Vec<Fault>,
    /// The document that was to be of that edition.
    pub doc: Document,
    /// What else was in the way.
    pub reason: Option<String>,
}

/// Brings a document as far as possible, from the edition that it claims or, if it isn't valid
/// there, from the next one where it is.
///
/// Errors: it is valid in no edition from the claimed one on; then what is wrong in that one.
/// A document that is not to be checked stays as it is.
pub fn upgrade(doc: &Document) -> Result<Upgraded, Vec<Fault>> {
    let claimed = match Claim::of(doc) {
        Claim::Edition(edition) => edition,
        Claim::Missing | Claim::Unknown(_) => Edition::V0_6,
        Claim::Unchecked => {
            return Ok(Upgraded {
                doc: doc.clone(),
                edition: Edition::NEWEST,
                notes: Vec::new(),
                stopped: None,
            });
        }
    };
    let start = first_valid(doc, claimed)?;
    let mut done = Upgraded {
        doc: doc.clone(),
        edition: start,
        notes: Vec::new(),
        stopped: None,
    };
    while let Some(next) = done.edition.next() {
        if !step(&mut done, next) {
            break;
        }
    }
    if done.edition != claimed {
        let root = done.doc.root();
        done.doc
            .set_attr(root, "validate-with", done.edition.name());
    }
    Ok(done)
}

/// The first edition from `claimed` on that a document keeps to.
fn first_valid(doc: &Document, claimed: Edition) -> Result<Edition, Vec<Fault>> {
    let faults = Validator::new(claimed).check(doc);
    if faults.is_empty() {
        return Ok(claimed);
    }
    let mut edition = claimed;
    while let Some(next) = edition.next() {
        if Validator::new(next).accepts(doc) {
            return Ok(next);
        }
        edition = next;
    }
    Err(faults)
}

/// Goes on by one edition; says whether that worked.
fn step(done: &mut Upgraded, next: Edition) -> bool {
    let mut validator = Validator::new(next);
    if done.edition != Edition::V0_6 && validator.accepts(&done.doc) {
        done.edition = next;
        return true;
    }
    let mut notes = Notes::default();
    let rewritten = match done.edition {
        Edition::V0_6 => Ok(heartbeat::rewrite(&done.doc, &mut notes)),
        Edition::V1_3 => Ok(permissions::rewrite(&done.doc, &mut notes)),
        Edition::V2_10 => three(&done.doc, &mut notes),
        _ => Ok(done.doc.clone()),
    };
    let (doc, reason) = match rewritten {
        Ok(doc) => (doc, None),
        Err(reason) => (done.doc.clone(), Some(reason)),
    };
    let faults = validator.check(&doc);
    if faults.is_empty() && reason.is_none() {
        done.doc = doc;
        done.edition = next;
        done.notes.extend(notes.into_list());
        return true;
    }
    done.stopped = Some(Stop {
        before: next,
        faults,
        doc,
        reason,
    });
    false
}

/// From 2.10 to 3.0: references to sets are written out, names are changed, and what is still
/// the same is a reference again.
fn three(doc: &Document, notes: &mut Notes) -> Result<Document, String> {
    // In a compact copy the numbers of nodes tell their order.
    let mut written_out = doc.compacted();
    references::write_out(&mut written_out)?;
    let mut renamed = written_out.clone();
    names::rewrite(&written_out, &mut renamed, notes);
    references::restore(&mut renamed, notes)?;
    Ok(renamed)
}

#[cfg(test)]
mod tests;
