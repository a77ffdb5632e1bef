//! hostcache and delhostcache: the nodes that joined without being configured.

use std::path::Path;
use std::time::Duration;

use super::node::Node;
use crate::config::identity::{self, CachedHost, Hostcache};
use crate::proto::heartbeat::{KnownNode, Severity};
use crate::time::Instant;

/// The files are written no oftener than this: each time waits for the disk.
const PAUSE: Duration = Duration::from_secs(1);

/// When the files are written.
#[derive(Debug, Default)]
pub struct Store {
    written: Option<Instant>,
    due: Option<Instant>,
}

impl Store {
    /// The lists changed.
    pub fn changed(&mut self, now: Instant) {
        let earliest = self.written.map_or(now, |at| (at + PAUSE).max(now));
        self.due.get_or_insert(earliest);
    }

    /// When [`Self::keep`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Writes what is due by now.
    pub fn keep(&mut self, node: &Node, now: Instant) {
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            self.written = Some(now);
            keep_nodes(node);
        }
    }

    /// Writes what waits, at the end.
    pub fn finish(&mut self, node: &Node) {
        if self.due.take().is_some() {
            keep_nodes(node);
        }
    }
}

/// Writes both files; a failure is logged, the daemon goes on.
fn keep_nodes(node: &Node) {
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
