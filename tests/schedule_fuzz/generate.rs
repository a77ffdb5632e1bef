//! A CIB from a grammar of everything that one may have.

use everbeat::cib::Document;
use everbeat::proto::rng::Rng;

use super::draft::Draft;
use super::{constraints, options, resources, status};

/// The time in all drawn CIBs: a Thursday in November 2026.
pub const NOW: i64 = 1_795_000_000;

/// Draws a CIB.
pub fn cib(rng: Rng) -> Document {
    let mut doc = Document::new("cib");
    let root = doc.root();
    let now = NOW.to_string();
    for (name, value) in [
        ("crm_feature_set", "3.16.1"),
        ("validate-with", "pacemaker-3.9"),
        ("epoch", "1"),
        ("num_updates", "0"),
        ("admin_epoch", "0"),
        ("have-quorum", "1"),
        ("dc-uuid", "1"),
        ("execution-date", &now),
    ] {
        doc.set_attr(root, name, value);
    }
    let mut draft = Draft::new(doc, rng);
    if draft.chance(12) {
        draft.doc.set_attr(root, "have-quorum", "0");
        if draft.chance(30) {
            draft.doc.set_attr(root, "no-quorum-panic", "1");
        }
    }
    draft.section(&["configuration", "crm_config"]);
    draft.section(&["configuration", "nodes"]);
    draft.section(&["configuration", "resources"]);
    draft.section(&["configuration", "constraints"]);
    options::draw(&mut draft);
    options::defaults(&mut draft);
    resources::draw(&mut draft);
    constraints::draw(&mut draft);
    status::draw(&mut draft);
    draft.doc
}
