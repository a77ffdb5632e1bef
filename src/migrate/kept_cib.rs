//! A CIB that is there already: heartbeat 2's becomes one of today, and nodes get the ids of the
//! ring.

use super::plan::{Line, at};
use super::ring::RingNode;
use crate::cib::schema::Claim;
use crate::cib::upgrade::{Weight, upgrade};
use crate::cib::{Document, NodeRef, reader, writer};
use crate::config::source::{Source, Span};

/// Options that the daemons write themselves, or wrote.
pub(super) const OF_DAEMONS: [&str; 5] = [
    "dc-version",
    "cluster-infrastructure",
    "expected-quorum-votes",
    "have-watchdog",
    "last-lrm-refresh",
];

/// The first edition that the crm shell spoke.
const OLDEST: &str = "pacemaker-1.0";

/// What becomes of a CIB.
pub(super) struct Kept {
    /// None: it can't be read.
    pub(super) text: Option<String>,
    pub(super) line: Line,
    pub(super) decide: Vec<String>,
}

/// Takes a CIB for a ring of these nodes.
pub(super) fn keep(source: &Source, nodes: &[RingNode]) -> Kept {
    let mut line = at(source, Span::default());
    line.text = "the whole file".into();
    let mut decide = Vec::new();
    let doc = match reader::read(source.text()) {
        Ok(doc) if doc.name(doc.root()) == "cib" => doc,
        other => {
            let why = other.map_or_else(|e| e.to_string(), |_| "its root isn't <cib>".to_owned());
            line.became = "nothing: it can't be read".into();
            line.decide
                .push(format!("{why}: correct it, then plan again"));
            return Kept {
                text: None,
                line,
                decide,
            };
        }
    };
    let mut rewritten = false;
    let mut doc = match is_of_heartbeat(&doc) {
        true => modern(&doc, &mut line, &mut rewritten),
        false => doc,
    };
    rewritten |= number(&mut doc, nodes, &mut line, &mut decide);
    line.changes
        .push("status of old daemons is thrown away when the CRM starts".into());
    let text = match rewritten {
        true => {
            empty_status(&mut doc);
            drop_options(&mut doc);
            writer::pretty(&doc, doc.root())
        }
        false => source.text().to_owned(),
    };
    if line.became.is_empty() {
        line.became = match rewritten {
            true => "the same configuration, with the nodes' ids of the ring".into(),
            false => "stays as it is".into(),
        };
    }
    Kept {
        text: Some(text),
        line,
        decide,
    }
}

/// Takes a CIB that was made of text for the crm shell, which may have words of any time.
pub(super) fn keep_made(source: &Source, doc: &Document, nodes: &[RingNode]) -> Kept {
    let mut line = at(source, Span::default());
    let mut decide = Vec::new();
    let mut doc = doc.clone();
    doc.set_attr(doc.root(), "validate-with", OLDEST);
    let mut rewritten = false;
    let mut doc = modern(&doc, &mut line, &mut rewritten);
    number(&mut doc, nodes, &mut line, &mut decide);
    Kept {
        text: Some(writer::pretty(&doc, doc.root())),
        line,
        decide,
    }
}

/// Editions that Pacemaker doesn't read.
fn is_of_heartbeat(doc: &Document) -> bool {
    match Claim::of(doc) {
        Claim::Edition(edition) => !edition.is_known_to_pacemaker(),
        Claim::Missing | Claim::Unknown(_) => true,
        Claim::Unchecked => false,
    }
}

/// In today's words, with what was rewritten.
fn modern(doc: &Document, line: &mut Line, rewritten: &mut bool) -> Document {
    let done = match upgrade(doc) {
        Ok(done) => done,
        Err(faults) => {
            let first = faults.first().map(|f| f.text(doc)).unwrap_or_default();
            line.decide.push(format!(
                "the CIB keeps to no edition that is known ({first}): correct it, then plan again"
            ));
            return doc.clone();
        }
    };
    *rewritten = true;
    line.became = format!(
        "the same configuration in the words of {}",
        done.edition.name()
    );
    for note in &done.notes {
        let text = format!("{}: {}", note.about, note.text);
        match note.weight {
            Weight::Same => {}
            Weight::Gone | Weight::Differs => line.changes.push(text),
        }
    }
    if let Some(stop) = &done.stopped {
        let why = stop
            .reason
            .clone()
            .or(stop.faults.first().map(|f| f.text(&stop.doc)));
        line.decide.push(format!(
            "it doesn't reach {}: {}",
            stop.before.name(),
            why.unwrap_or_default()
        ));
    }
    done.doc
}

/// heartbeat's nodes had uuids; a ring's have numbers. Whether something was changed.
fn number(
    doc: &mut Document,
    nodes: &[RingNode],
    line: &mut Line,
    decide: &mut Vec<String>,
) -> bool {
    let Some(section) = doc.find(doc.root(), &["configuration", "nodes"]) else {
        return false;
    };
    let all: Vec<NodeRef> = doc.children_named(section, "node").collect();
    let mut changed = false;
    for node in all {
        let name = doc.attr(node, "uname").unwrap_or_default().to_owned();
        let kind = doc.attr(node, "type").unwrap_or("member");
        if !matches!(kind, "member" | "normal") {
            continue;
        }
        let ring = nodes.iter().find(|n| n.name.eq_ignore_ascii_case(&name));
        let Some(ring) = ring else {
            if !nodes.is_empty() {
                decide.push(format!(
                    "the CIB has a node {name}, the ring none of that name: take it out of the \
                     CIB, or add it to the nodelist"
                ));
            }
            continue;
        };
        let id = ring.id.to_string();
        if ring.id != 0 && doc.attr(node, "id") != Some(&id) {
            let old = doc.attr(node, "id").unwrap_or_default();
            line.changes
                .push(format!("node {name}: its id is {id}, not {old}"));
            doc.set_attr(node, "id", &id);
            changed = true;
        }
    }
    changed
}

fn empty_status(doc: &mut Document) {
    if let Some(status) = doc.child(doc.root(), "status") {
        doc.clear_children(status);
    }
}

fn drop_options(doc: &mut Document) {
    let of_daemons = |n: &NodeRef| {
        let name = doc.attr(*n, "name");
        doc.name(*n) == "nvpair" && name.is_some_and(|n| OF_DAEMONS.contains(&n))
    };
    let Some(options) = doc.find(doc.root(), &["configuration", "crm_config"]) else {
        return;
    };
    let gone: Vec<_> = doc.descendants(options).filter(of_daemons).collect();
    for pair in gone {
        doc.detach(pair);
    }
}
