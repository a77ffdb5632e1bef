//! hostcache and delhostcache: the nodes that joined without being configured.

use std::path::Path;

use super::node::Node;
use crate::config::identity::{self, CachedHost, Hostcache};
use crate::proto::heartbeat::{KnownNode, Severity};

/// Writes both files; a failure is logged, the daemon goes on.
pub fn keep_nodes(node: &Node) {
    let dir = Path::new(identity::DIR);
    let known = node.cluster.known_nodes();
    let deleted = node.cluster.deleted_nodes().iter().cloned();
    for (file, hosts) in [
        ("hostcache", known.map(entry).collect()),
        ("delhostcache", deleted.map(entry).collect::<Vec<_>>()),
    ] {
        let path = dir.join(file);
        if let Err(why) = (Hostcache { hosts }).store(&path) {
            let text = format!("can't write {}: {why}", path.display());
            node.log.log(Severity::Error, text);
        }
    }
}

fn entry(node: KnownNode) -> CachedHost {
    CachedHost {
        name: node.name,
        uuid: node.uuid,
        weight: node.weight,
        site: node.site,
    }
}
