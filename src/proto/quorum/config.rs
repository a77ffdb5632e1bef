//! What a node counts with.

use std::time::Duration;

use crate::config::corosync_conf::{self, TieBreaker};
use crate::ids::NodeId;

/// What a node counts with; the same on all nodes but for its own number and votes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// This node.
    pub node: NodeId,
    /// Its votes.
    pub votes: u32,
    /// All votes there are to be.
    pub expected_votes: u32,
    /// Two nodes: one alone is quorate.
    pub two_node: bool,
    /// Not quorate before all were seen at once.
    pub wait_for_all: bool,
    /// Expected votes follow the members down after this time; absent: they don't.
    pub last_man_standing: Option<Duration>,
    /// Which half of an even cluster is quorate.
    pub tie_breaker: Option<TieBreaker>,
    /// A clean leave lowers expected votes.
    pub allow_downscale: bool,
    /// Expected votes that were ever seen are remembered.
    pub tracking: bool,
}

impl Config {
    /// From the section `quorum`, for the node at `position` of the nodelist, with the expected
    /// votes that were remembered, 0: none.
    ///
    /// Source: corosync 3.1.7, exec/votequorum.c, `votequorum_readconfig`
    pub fn of(
        model: &corosync_conf::CorosyncConf,
        node: NodeId,
        position: Option<usize>,
        remembered: u32,
    ) -> Self {
        let quorum = &model.quorum;
        let of_nodes = |sum: u32, n: &corosync_conf::Node| sum.saturating_add(n.votes);
        let sum = model.nodes.iter().fold(0, of_nodes);
        let own = position.and_then(|p| model.nodes.get(p));
        let tracked = quorum.expected_votes_tracking;
        let expected_votes = match quorum.expected_votes {
            _ if tracked && remembered > 0 => remembered,
            Some(_) if tracked && sum > 0 => sum,
            Some(given) => given,
            None => sum,
        };
        let window = u64::from(quorum.last_man_standing_window);
        let equal = model.nodes.iter().all(|n| n.votes <= 1);
        let stands = quorum.last_man_standing && equal;
        Self {
            node,
            votes: own.map_or(quorum.votes, |n| n.votes),
            expected_votes,
            two_node: quorum.two_node,
            wait_for_all: quorum.wait_for_all.unwrap_or(quorum.two_node),
            last_man_standing: stands.then(|| Duration::from_millis(window)),
            tie_breaker: quorum.auto_tie_breaker.clone(),
            allow_downscale: quorum.allow_downscale,
            tracking: tracked,
        }
    }
}
