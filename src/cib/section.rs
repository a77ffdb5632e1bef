//! Sections: the named parts of the document that requests are about.

use super::dom::{Document, NodeRef};

/// Name of each section and the way to it below the root.
/// Source: Pacemaker 2.1.5 `lib/cib/cib_utils.c`, the table of known paths.
const SECTIONS: [(&str, &[&str]); 13] = [
    ("cib", &[]),
    ("status", &["status"]),
    ("configuration", &["configuration"]),
    ("crm_config", &["configuration", "crm_config"]),
    ("nodes", &["configuration", "nodes"]),
    ("resources", &["configuration", "resources"]),
    ("constraints", &["configuration", "constraints"]),
    ("rsc_defaults", &["configuration", "rsc_defaults"]),
    ("op_defaults", &["configuration", "op_defaults"]),
    ("acls", &["configuration", "acls"]),
    ("fencing-topology", &["configuration", "fencing-topology"]),
    ("tags", &["configuration", "tags"]),
    ("alerts", &["configuration", "alerts"]),
];

/// Where a section is to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// There it is.
    At(NodeRef),
    /// It is known, and not in this document.
    Absent,
}

/// The way to a section below the root; none for a name that is no section.
pub fn path(name: &str) -> Option<&'static [&'static str]> {
    SECTIONS
        .iter()
        .find(|(section, _)| *section == name)
        .map(|(_, path)| *path)
}

/// Finds a section. No name, `all`, and names that are no section mean the whole document.
pub fn find(doc: &Document, name: Option<&str>) -> Place {
    let Some(path) = name.and_then(path) else {
        return Place::At(doc.root());
    };
    match doc.find(doc.root(), path) {
        Some(node) => Place::At(node),
        None => Place::Absent,
    }
}
