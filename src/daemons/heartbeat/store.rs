//! hostcache and delhostcache: the nodes that joined without being configured.

use std::path::Path;

use super::node::Node;
use crate::config::identity::hostcache::{HostCache, HostEntry};
use crate::proto::heartbeat::{KnownNode, Severity};

/// Where heartbeat keeps its state.
pub const STATE_DIR: &str = "/var/lib/heartbeat";

/// Writes both files; a failure is logged, the daemon goes on.
pub fn keep_nodes(node: &Node) {
    let dir = Path::new(STATE_DIR);
    let known = node.cluster.known_nodes();
    let deleted = node.cluster.deleted_nodes().iter().cloned();
    for (file, entries) in [
        ("hostcache", known.map(entry).collect()),
        ("delhostcache", deleted.map(entry).collect::<Vec<_>>()),
    ] {
        let path = dir.join(file);
        if let Err(why) = (HostCache { entries }).store(&path) {
            let text = format!("can't write {}: {why}", path.display());
            node.log.log(Severity::Error, text);
        }
    }
}

fn entry(node: KnownNode) -> HostEntry {
    HostEntry { name: node.name, uuid: node.uuid, weight: node.weight, site: node.site }
}
