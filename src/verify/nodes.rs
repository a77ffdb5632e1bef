//! Nodes, and what their states say of them.

use std::collections::BTreeSet;

use super::Remarks;
use crate::scheduler::model::cluster::Cluster;

pub(super) fn check(cluster: &Cluster<'_>, remarks: &mut Remarks) {
    let root = cluster.root();
    let configured = root.find(&["configuration", "nodes"]).into_iter();
    let mut names = BTreeSet::new();
    for node in configured.flat_map(|nodes| nodes.children_named("node")) {
        let Some(name) = node.attr("uname") else {
            continue;
        };
        if !names.insert(name) {
            let text = format!("More than one node entry has name '{name}'");
            remarks.warn("pe_create_node", text);
        }
        let kind = node.attr("type").unwrap_or("member");
        if matches!(kind, "member" | "normal" | "remote") {
            continue;
        }
        if kind != "ping" {
            let text = format!("Node {name} has unrecognized type '{kind}', assuming 'ping'");
            remarks.warn("pe_create_node", text);
        }
        let text = format!(
            "Support for nodes of type 'ping' (such as {name}) is deprecated and will be removed \
             in a future release"
        );
        remarks.warn("pe_create_node", text);
    }
}

/// Nodes that have a state and nothing else.
pub(super) fn check_states(cluster: &Cluster<'_>, remarks: &mut Remarks) {
    let states = cluster.root().find(&["status"]).into_iter();
    for state in states.flat_map(|status| status.children_named("node_state")) {
        let (Some(id), Some(name)) = (state.id(), state.attr("uname")) else {
            continue;
        };
        let known = cluster.node_ids.contains_key(id)
            || cluster.node_names.contains_key(&name.to_ascii_lowercase());
        if !known {
            let text = format!(
                "Ignoring recorded node state for '{name}' because it is no longer in the \
                 configuration"
            );
            remarks.warn("unpack_node_state", text);
        }
    }
}
