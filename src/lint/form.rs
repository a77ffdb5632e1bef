//! Whether a CIB keeps to its schema, and what becomes of one of an older edition.

use super::{Finding, Page};
use crate::cib::Document;
use crate::cib::schema::{Claim, Edition, Fault, Validator};
use crate::cib::upgrade::{self, Note, Stop, Upgraded, Weight};
use crate::config::diagnostic::Severity;

/// What is wrong with the form, and the document as of the newest edition if it can be one.
pub(super) fn check(page: &Page<'_>) -> (Vec<Finding>, Option<Document>) {
    let doc = page.doc;
    if doc.name(doc.root()) != "cib" {
        let message = format!("this is no CIB: its root is {}", doc.name(doc.root()));
        let help = "the root of a CIB is <cib>; cibadmin --query prints a whole one";
        let found = page.finding(Severity::Error, doc.root(), message);
        return (vec![found.help(help)], None);
    }
    let mut found: Vec<_> = claim(page).into_iter().collect();
    match Claim::of(doc) {
        Claim::Unchecked => return (found, Some(doc.clone())),
        Claim::Unknown(_) => {
            found.extend(as_newest(page));
            return (found, None);
        }
        Claim::Edition(_) | Claim::Missing => {}
    }
    match upgrade::upgrade(doc) {
        Err(faults) => {
            found.extend(faults.iter().map(|fault| of_fault(page, fault)));
            (found, None)
        }
        Ok(upgraded) => {
            found.extend(what_is_invalid(page, &upgraded));
            found.extend(of_upgrade(page, &upgraded));
            (found, Some(upgraded.doc))
        }
    }
}

/// What the document says of its edition.
fn claim(page: &Page<'_>) -> Option<Finding> {
    let newest = Edition::NEWEST.name();
    let (severity, message, help) = match Claim::of(page.doc) {
        Claim::Edition(edition) if !edition.is_known_to_pacemaker() => (
            Severity::Warning,
            format!("this is of {}, the form of heartbeat 2", edition.name()),
            "Pacemaker 2.1 doesn't read it; everbeat brings it to the newest form, and \
             cibadmin --upgrade writes that"
                .to_owned(),
        ),
        Claim::Edition(_) => return None,
        Claim::Missing => (
            Severity::Warning,
            "validate-with is missing, so that the cluster checks nothing".to_owned(),
            format!("write validate-with=\"{newest}\" into <cib>"),
        ),
        Claim::Unchecked => (
            Severity::Warning,
            "validate-with=\"none\" turns off the check of every change".to_owned(),
            format!("write validate-with=\"{newest}\" into <cib>"),
        ),
        Claim::Unknown(name) => (
            Severity::Error,
            format!("validate-with={name:?} is no edition of the schema"),
            format!("the newest is {newest:?}"),
        ),
    };
    let found = page.finding(severity, page.doc.root(), message).help(help);
    Some(match Claim::of(page.doc) {
        Claim::Edition(_) => found.refused_by_original(),
        Claim::Missing | Claim::Unchecked | Claim::Unknown(_) => found,
    })
}

fn of_fault(page: &Page<'_>, fault: &Fault) -> Finding {
    page.finding(Severity::Error, fault.node, fault.text(page.doc))
}

/// What would be wrong with a document of an unknown edition if it were of the newest.
fn as_newest(page: &Page<'_>) -> Vec<Finding> {
    let mut doc = page.doc.clone();
    doc.set_attr(doc.root(), "validate-with", Edition::NEWEST.name());
    let faults = Validator::new(Edition::NEWEST).check(&doc);
    let help = format!("as a document of {}", Edition::NEWEST.name());
    let found = faults.iter().map(|fault| of_fault(page, fault));
    found.map(|found| found.help(help.clone())).collect()
}

/// A document that isn't valid as what it claims to be, but as a later edition.
fn what_is_invalid(page: &Page<'_>, upgraded: &Upgraded) -> Vec<Finding> {
    let Claim::Edition(claimed) = Claim::of(page.doc) else {
        return Vec::new();
    };
    let mut validator = Validator::new(claimed);
    let faults = validator.check(page.doc);
    let help = format!(
        "it is valid as a document of {}: cibadmin --upgrade makes it one",
        upgraded.edition.name()
    );
    let found = faults.iter().map(|fault| of_fault(page, fault));
    found.map(|found| found.help(help.clone())).collect()
}

fn of_upgrade(page: &Page<'_>, upgraded: &Upgraded) -> Vec<Finding> {
    let mut found: Vec<_> = upgraded
        .notes
        .iter()
        .map(|note| of_note(page, note))
        .collect();
    found.extend(upgraded.stopped.as_ref().map(|stop| of_stop(page, stop)));
    let claimed = page.doc.attr(page.doc.root(), "validate-with");
    if upgraded.stopped.is_none()
        && let Some(claimed) = claimed.filter(|name| *name != upgraded.edition.name())
    {
        let what = match found.len() {
            0 => "nothing in it has to be rewritten".to_owned(),
            1 => "one thing in it is rewritten".to_owned(),
            many => format!("{many} things in it are rewritten"),
        };
        let newest = upgraded.edition.name();
        let message = format!("this is of {claimed}; as {newest} {what}");
        let help = "cibadmin --upgrade --force does it; older nodes of a cluster can't join then";
        let note = page.finding(Severity::Note, page.doc.root(), message);
        found.insert(0, note.help(help));
    }
    found
}

fn of_note(page: &Page<'_>, note: &Note) -> Finding {
    let severity = match note.weight {
        Weight::Same | Weight::Gone => Severity::Note,
        Weight::Differs => Severity::Warning,
    };
    // The last word of what a note is about is the id.
    let id = note.about.rsplit(' ').next();
    let node = id.and_then(|id| page.ids.get(id).copied());
    let message = format!("by an upgrade, {}: {}", note.about, note.text);
    page.finding(severity, node.unwrap_or(page.doc.root()), message)
}

fn of_stop(page: &Page<'_>, stop: &Stop) -> Finding {
    let fault = stop.faults.first().map(|fault| fault.text(&stop.doc));
    let why = stop.reason.clone().or(fault).unwrap_or_default();
    let message = format!(
        "it can't become a document of {}: {why}",
        stop.before.name()
    );
    page.finding(Severity::Warning, page.doc.root(), message)
}
