//! Who is dead, which link is, who came back.
//!
//! Source: `spec/heartbeat-wire.md` section 8 (dead check, life), 11, 14.

use std::time::Duration;

use super::cluster::Cluster;
use super::event::{DeathCause, Event, NodeStatus, Severity};
use super::node::Node;
use super::start::Start;
use crate::time::{Instant, Now};

impl Cluster {
    /// When a node counts as dead if nothing comes; none for ourselves and the dead.
    ///
    /// While communication isn't up the limit is initdead. Differs: for ping nodes it is
    /// deadping even then, so that a dead router doesn't hold up the start.
    pub(super) fn dead_at(&self, node: &Node) -> Option<Instant> {
        if node.is_dead() || self.is_own(node) || matches!(self.start, Start::Left) {
            return None;
        }
        Some(node.life + self.limit(node))
    }

    fn limit(&self, node: &Node) -> Duration {
        if node.is_normal() && !matches!(self.start, Start::Up) {
            self.config.timing.initdead
        } else {
            node.dead_after
        }
    }

    /// Declares nodes and links dead whose time is over.
    ///
    /// Exact to the millisecond: heartbeat looks every 250 to 500 ms.
    pub(super) fn declare_dead(&mut self, now: Now) {
        let is_due =
            |cluster: &Self, node: &Node| cluster.dead_at(node).is_some_and(|at| at <= now.mono);
        // Each is dead, or gone, afterwards.
        while let Some(index) = self.nodes.iter().position(|node| is_due(self, node)) {
            let silent = now.mono.since(self.nodes[index].life);
            self.node_died(now.mono, index, silent);
        }
        for index in 0..self.nodes.len() {
            self.declare_links_dead(now.mono, index);
        }
    }

    fn node_died(&mut self, now: Instant, index: usize, silent: Duration) {
        let node = &mut self.nodes[index];
        let (name, heard) = (node.name.clone(), node.heard);
        node.sequence.forget();
        self.release_held(index);
        let cause = match heard {
            true => DeathCause::Silent(silent),
            false => DeathCause::NeverHeard(silent),
        };
        self.log(Severity::Warning, format!("node {name}: is dead"));
        self.set_node_status(now, index, (NodeStatus::Dead, Some(cause)));
        if self.nodes[index].retired {
            self.remove_node(index);
            self.table_changed();
        }
    }

    fn declare_links_dead(&mut self, now: Instant, index: usize) {
        let node = &self.nodes[index];
        let over = |link: &&super::node::Link| node.link_deadline(link).is_some_and(|at| at <= now);
        let dead: Vec<_> = node
            .links
            .iter()
            .filter(over)
            .map(|l| l.name.clone())
            .collect();
        let node_name = node.name.clone();
        for name in dead {
            let links = self.nodes[index].links.iter_mut();
            links
                .filter(|link| link.name == name)
                .for_each(|link| link.up = false);
            self.link_changed(node_name.clone(), name, false);
        }
    }

    /// We were not run for `late`: nobody's time ran meanwhile. After a sleep each node has its
    /// whole dead time from now; one that was never heard, as long as the others or what is
    /// left of initdead.
    pub(super) fn forgive(&mut self, now: Instant, late: Duration, asleep: bool) {
        if let Start::Hearing { since } = &mut self.start {
            *since += late;
        }
        let timing = self.config.timing;
        let waited = timing.initdead.saturating_sub(timing.deadtime);
        for node in &mut self.nodes {
            node.life = (node.life + late).min(now);
            if asleep && node.heard {
                node.life = now;
                // The interval to the next status is ours, not the node's.
                node.last_status = None;
            } else if asleep {
                node.life = node.life.max(now.before(waited));
            }
            for link in &mut node.links {
                let heard = link.last_heard.map(|at| (at + late).min(now));
                link.last_heard = heard.map(|at| if asleep { now } else { at });
            }
        }
    }

    /// The generation of a node grew: all we knew of its messages is void.
    pub(super) fn node_restarted(&mut self, now: Now, index: usize) {
        let joined_at = self.history.highest();
        let deadtime = self.config.timing.deadtime;
        let node = &mut self.nodes[index];
        // The daemon before may have said anything; ours counts until this one's first status.
        node.dead_after = deadtime;
        node.sequence.restart();
        node.held.clear();
        node.status_seq = 0;
        node.last_status = None;
        node.life = now.mono;
        node.acked = 0;
        node.joined_at = joined_at;
        let (node, generation, dead) = (node.name.clone(), node.generation, node.is_dead());
        self.log(Severity::Info, format!("Heartbeat restart on node {node}"));
        if !dead {
            self.event(Event::Restarted { node, generation });
        }
    }

    /// A node that we had declared dead was alive all the time.
    pub(super) fn node_healed(&mut self, now: Now, index: usize) {
        let joined_at = self.history.highest();
        let node = &mut self.nodes[index];
        node.joined_at = joined_at;
        let node = node.name.clone();
        for (severity, line) in [
            (
                Severity::Critical,
                format!("Cluster node {node} returning after partition."),
            ),
            (
                Severity::Info,
                "For information on cluster partitions, See URL: \
                 http://linux-ha.org/wiki/Split_Brain"
                    .into(),
            ),
            (Severity::Warning, "Deadtime value may be too small.".into()),
            (
                Severity::Info,
                "See FAQ for information on tuning deadtime.".into(),
            ),
            (
                Severity::Info,
                "URL: http://linux-ha.org/wiki/FAQ#Heavy_Load".into(),
            ),
        ] {
            self.log(severity, line);
        }
        self.announce(now);
        self.event(Event::Healed { node });
    }
}
