//! Elements of the status section, as the controller writes them.
//!
//! Source: spec cib.md section 8.1.

use std::time::Duration;

use super::{Member, option};
use crate::cib::{Document, NodeRef, boolean, reader, writer};
use crate::rules;

/// A member that is ready, with its history.
pub(super) fn member_state(member: &Member, history: Option<&str>) -> String {
    let mut doc = node_state(&member.uuid, &member.name);
    let root = doc.root();
    for (name, value) in [
        ("in_ccm", "true"),
        ("crmd", "online"),
        ("join", "member"),
        ("expected", "member"),
    ] {
        doc.set_attr(root, name, value);
    }
    doc.set_attr(root, "crm-debug-origin", "everbeat");
    if let Some(history) = history
        && let Ok(lrm) = reader::read(history)
        && lrm.name(lrm.root()) == "lrm"
    {
        let lrm = doc.import(&lrm, lrm.root());
        doc.append(root, lrm);
    }
    writer::compact(&doc, root)
}

/// A node that is gone. `expected` tells whether it was to be there; none leaves it.
pub(super) fn lost_state(uuid: &str, name: &str, expected: Option<&str>) -> String {
    let mut doc = node_state(uuid, name);
    let root = doc.root();
    for (name, value) in [("in_ccm", "false"), ("crmd", "offline"), ("join", "down")] {
        doc.set_attr(root, name, value);
    }
    doc.set_or_remove_attr(root, "expected", expected);
    doc.set_attr(root, "crm-debug-origin", "everbeat");
    writer::compact(&doc, root)
}

fn node_state(uuid: &str, name: &str) -> Document {
    let mut doc = Document::new("node_state");
    let root = doc.root();
    doc.set_attr(root, "id", uuid);
    doc.set_attr(root, "uname", name);
    doc
}

/// What a node did with its resources, as an XPath; resources that wait for it are not among that.
/// Source: Pacemaker 2.1.5, `controld_delete_node_state`.
pub(super) fn history_path(cib: &Document, uuid: &str) -> String {
    let state = format!("//node_state[@id='{uuid}']");
    match boolean::is_true(option(cib, "shutdown-lock")) {
        true => format!("{state}//lrm_rsc_op|{state}//lrm_resource[not(@shutdown-lock)]"),
        false => format!("{state}/lrm"),
    }
}

/// A node's transient attributes, as an XPath.
pub(super) fn attributes_path(uuid: &str) -> String {
    format!("//node_state[@id='{uuid}']/transient_attributes")
}

/// True if the CIB has the node state as it is given here.
pub(super) fn has(cib: &Document, state: &str) -> bool {
    let Ok(wanted) = reader::read(state) else {
        return false;
    };
    let id = wanted.id(wanted.root());
    states(cib).any(|node| {
        cib.id(node) == id
            && wanted
                .attrs(wanted.root())
                .all(|(k, v)| cib.attr(node, k) == Some(v))
    })
}

/// A time of the CIB: `5s`, `2min`.
pub(super) fn span(text: &str) -> Option<Duration> {
    let ms = rules::milliseconds(text).ok()?;
    u64::try_from(ms).ok().map(Duration::from_millis)
}

/// A time that a cluster option gives; what it is when nobody says.
pub(super) fn span_option(cib: &Document, name: &str, otherwise: Duration) -> Duration {
    option(cib, name).and_then(span).unwrap_or(otherwise)
}

/// The node states of a CIB.
pub(super) fn states(cib: &Document) -> impl Iterator<Item = NodeRef> + '_ {
    let status = cib.child(cib.root(), "status");
    status
        .into_iter()
        .flat_map(|status| cib.children_named(status, "node_state"))
}

/// True if the list of nodes has a member as it is.
pub(super) fn knows(cib: &Document, member: &Member) -> bool {
    let nodes = cib.root_element().find(&["configuration", "nodes"]);
    let mut known = nodes
        .into_iter()
        .flat_map(|nodes| nodes.children_named("node"));
    known.any(|n| n.id() == Some(&member.uuid) && n.attr("uname") == Some(&member.name))
}
