//! Creation, which reports each element that was there already.

use super::{Failure, Request};
use crate::cib::acl::Access;
use crate::cib::dom::{Document, NodeRef};
use crate::cib::error::Error;
use crate::cib::merge::{self, Given};
use crate::cib::section::{self, Place};

/// Adds what is given to a section.
pub(super) fn create(
    doc: &mut Document,
    request: &Request,
    section: &str,
    given: Given,
) -> Result<(), Failure> {
    // Who may do nothing hears it of the first element, after whether it is there.
    let forbidden = request.access.is_some_and(Access::is_nothing);
    let parent = match section::find(doc, Some(section)) {
        Place::At(node) => Some(node),
        Place::Absent => None,
    };
    let mut failed = Document::new("failed");
    let mut error = Ok(());
    if given.name() == section {
        for child in given.children() {
            error = add(doc, parent, child, forbidden);
            if let Err(error) = error {
                report(&mut failed, child, error);
                break;
            }
        }
    } else {
        error = add(doc, parent, given, forbidden);
        if let Err(error) = error {
            report(&mut failed, given, error);
        }
    }
    error.map_err(|error| Failure {
        error,
        answer: Some(failed),
    })
}

fn add(
    doc: &mut Document,
    parent: Option<NodeRef>,
    given: Given,
    forbidden: bool,
) -> Result<(), Error> {
    let parent = parent.ok_or(Error::Invalid)?;
    if merge::match_child(doc, parent, given.name(), given.id()).is_some() {
        return Err(Error::Exists);
    }
    if forbidden {
        return Err(Error::Denied);
    }
    merge::create_or_update(doc, parent, given);
    Ok(())
}

fn report(failed: &mut Document, given: Given, error: Error) {
    let root = failed.root();
    let entry = failed.add_element(root, "failed_update", &[]);
    let copy = failed.import(given.doc, given.node);
    failed.append(entry, copy);
    if let Some(id) = given.id() {
        failed.set_attr(entry, "id", id);
    }
    let reason = error.to_string();
    for (name, value) in [
        ("object_type", given.name()),
        ("operation", "cib_create"),
        ("reason", reason.as_str()),
    ] {
        failed.set_attr(entry, name, value);
    }
}

/// Whether a request to create names a section; if not it merges. An XPath is taken for the
/// name of a section, which it never is, so that the element lands in the root.
pub(super) fn section_of<'a>(request: &Request<'a>, given: Given) -> Option<&'a str> {
    request
        .xpath
        .or(request.section)
        .filter(|&name| name != "all" && name != "cib" && given.name() != "cib")
}
