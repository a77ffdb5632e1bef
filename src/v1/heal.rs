//! After a partition, or after we were asleep: two nodes may have the same group.
//!
//! Among everbeat nodes both sides tell at once what they hold, and the weaker gives up each
//! group that both have; the stronger keeps it and announces its addresses again. Nobody is
//! without service, since only a group that another node has is given up.
//!
//! Beside a real heartbeat we keep what we hold. It sees us return too, gives up everything
//! within about 2 s (`resource none info=shutdown`, `shutdone`), and starts again after its dead
//! time. If we gave up as well, nobody would have the service for deadtime + 18 s. The time with
//! two owners ends when it gives up, which is the earliest that it can end at.
//! If instead it goes on to claim what we have, it doesn't know of us (we are not heard, or
//! it took over before we woke) and won't give way: then we do. So too if it says for longer than
//! [`RESTART_TIMEOUT`] that it has what we have.
//!
//! Source: `spec/heartbeat-wire.md` section 11

use std::time::Duration;

use super::machine::{Manager, Phase};
use super::messages;
use super::peer::{Claim, Peer};
use crate::config::ha_cf::AutoFailback;
use crate::ids::NodeName;
use crate::proto::heartbeat::Severity;
use crate::time::{Instant, Now};

/// How long a node may say that it has a group of ours and doesn't count us in, before we give
/// it up: longer than a message that was on its way when a partition healed.
pub(super) const IGNORED_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a real heartbeat that returns from a partition may take to give up what it has: its
/// own delay is 2 s. One that noticed no partition, because the cable was back before its dead
/// time was over, never does; then we give way.
const RESTART_TIMEOUT: Duration = Duration::from_secs(5);

impl Manager {
    /// A node that we had declared dead speaks again, the same daemon as before.
    pub(super) fn healed(&mut self, now: Now, node: &NodeName) {
        let Some(peer) = self.peers.get_mut(node) else {
            return;
        };
        peer.joined = true;
        peer.since = now.mono;
        if peer.is_everbeat() {
            let text = format!("Comparing with {node} who holds what after the partition.");
            self.info(text);
        } else {
            peer.restarting = Some(now.mono + RESTART_TIMEOUT);
            let text = format!(
                "{node}, a real heartbeat, returns from a partition: it will give up its \
                 resources and restart itself. Ours stay here; until then both may have them."
            );
            self.log(Severity::Critical, text);
        }
        self.announce_anyway = self.phase != Phase::Init;
    }

    /// A real heartbeat that should have restarted and has not is asked what it holds.
    pub(super) fn advance_healing(&mut self, now: Now) {
        let over = |peer: &Peer| {
            let due = peer.restarting.is_some_and(|at| now.mono >= at);
            due && peer.is_alive() && !peer.leaving
        };
        let nodes: Vec<_> = (self.peers.iter())
            .filter(|(_, peer)| over(peer))
            .map(|(node, _)| node.clone())
            .collect();
        for node in nodes {
            let text = format!("{node} did not restart itself: asking what it holds.");
            self.log(Severity::Warning, text);
            if let Some(peer) = self.peers.get_mut(&node) {
                peer.restarting = None;
            }
            self.send(messages::starting_to(&node));
        }
    }

    /// We were not run for a while.
    ///
    /// The others may have declared us dead and taken our groups. They notice our return and
    /// say what they hold; until then nothing here changes, for stopping at once would leave
    /// nobody if they had not.
    pub(super) fn slept(&mut self, span: Duration) {
        if span < self.config.deadtime || self.phase == Phase::Init {
            return;
        }
        let text = format!(
            "This node was asleep for {:.1} s, longer than its dead time: the others may have \
             taken its resources. Telling them what it holds.",
            span.as_secs_f64()
        );
        self.log(Severity::Warning, text);
        self.announce_anyway = true;
    }

    /// A living node that has, or acquires, a group that we want, and before which we give way.
    pub(super) fn stronger_rival(&self, now: Instant, group: usize) -> Option<NodeName> {
        if self.phase == Phase::Init {
            return None;
        }
        let rival = |(node, peer): &(&NodeName, &Peer)| {
            peer.is_alive()
                && peer.entries[group].claim.is_owner()
                && self.is_stronger(now, group, node, peer)
        };
        self.peers.iter().find(rival).map(|(node, _)| node.clone())
    }

    fn is_stronger(&self, now: Instant, group: usize, node: &NodeName, peer: &Peer) -> bool {
        if !peer.spoken {
            // What it had before it started again keeps us from starting, not from keeping.
            return false;
        }
        if !peer.is_everbeat() {
            let gives_up = peer.restarting.is_some_and(|until| now < until);
            return !gives_up && self.config.auto_failback.is_nice();
        }
        if peer.leaving {
            return false;
        }
        match peer.ignores_us_since {
            // It counts us dead: it will not give way, whatever we think of our right.
            Some(since) => now >= since + IGNORED_TIMEOUT,
            None => self.strength(group, node) < self.strength(group, &self.config.local),
        }
    }

    /// The lower wins: the preferred node, then the order of ha.cf behind it; without
    /// fail-back simply the order of ha.cf, for then no node has a better right.
    fn strength(&self, group: usize, node: &NodeName) -> usize {
        if self.config.auto_failback == AutoFailback::Off {
            let place = self.config.nodes.iter().position(|n| n == node);
            return place.unwrap_or(usize::MAX);
        }
        self.rank(group, node)
    }

    /// Gives up a group that a stronger node has too.
    pub(super) fn yield_to(&mut self, now: Now, group: usize, rival: &NodeName) {
        let key = self.groups[group].key.clone();
        if !self.groups[group].is_stand_in() {
            let text = format!("{rival} has resource group {key} too: giving it up here.");
            self.log(Severity::Error, text);
        }
        self.release(now, group, None, &format!("given up: {rival} has it too"));
    }

    /// A node's claim on a group changed. If it gave up what we have, clients must learn again
    /// where the addresses are.
    pub(super) fn claim_changed(
        &mut self,
        now: Now,
        from: &NodeName,
        group: usize,
        (was, is): (Claim, Claim),
    ) {
        if was != is {
            self.audit.holder_changed(group, now.unix_s);
        }
        let alone_again = was != Claim::Free && is == Claim::Free;
        if alone_again && self.groups[group].claim() == Claim::Held {
            let key = self.groups[group].key.clone();
            if !self.groups[group].is_stand_in() {
                self.info(format!(
                    "{from} gave up resource group {key}: announcing it here."
                ));
            }
            self.announce_group(group);
        }
    }
}
