//! How many log lines the packets of one node may draw: a node that is out of its mind, or
//! somebody with the key, must not fill the disk.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ids::NodeName;
use crate::limits;
use crate::runtime::log::RateLimit;
use crate::time::Instant;

/// Lines in [`INTERVAL`]. Ours: a node that joins a cluster with a dozen groups draws about
/// fifty at once.
const LINES_MAX: u32 = 300;

/// In this time.
const INTERVAL: Duration = Duration::from_secs(60);

/// The limits, one for each node.
#[derive(Debug, Default)]
pub struct Talk {
    nodes: BTreeMap<NodeName, RateLimit>,
    /// Nodes beyond those that a table holds.
    others: Option<RateLimit>,
}

impl Talk {
    /// Asks to write a line that a packet of `node` drew: `Some(n)` grants it, n lines were left
    /// out before.
    pub fn allow(&mut self, now: Instant, node: &NodeName) -> Option<u64> {
        let fresh = || RateLimit::new(LINES_MAX, INTERVAL);
        if let Some(limit) = self.nodes.get_mut(node) {
            return limit.allow(now);
        }
        let limit = if self.nodes.len() < limits::HEARTBEAT_NODES_MAX {
            self.nodes.entry(node.clone()).or_insert_with(fresh)
        } else {
            self.others.get_or_insert_with(fresh)
        };
        limit.allow(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_talkative_node_is_cut_short_and_others_are_heard() {
        let name = |n: usize| NodeName::new(&format!("n{n}")).unwrap();
        let mut talk = Talk::default();
        let granted = |talk: &mut Talk, node: usize, at: u64| {
            let lines = (0..1000).filter(|_| talk.allow(Instant(at), &name(node)).is_some());
            lines.count()
        };
        assert_eq!(granted(&mut talk, 0, 5), 300);
        assert_eq!(granted(&mut talk, 1, 5), 300);
        assert_eq!(talk.allow(Instant(60_005), &name(0)), Some(700));
        // However many names there are, memory is bounded.
        for node in 2..500 {
            granted(&mut talk, node, 70_000);
        }
        assert_eq!(talk.nodes.len(), limits::HEARTBEAT_NODES_MAX);
        assert_eq!(granted(&mut talk, 600, 70_000), 0);
    }
}
