//! Who runs a group: the one rule, applied again after each input.
//!
//! Why two nodes that hear each other never start the same group:
//!
//! 1. Nobody starts a group that another living node, or a dead one that is not yet reset, has,
//!    acquires or releases.
//! 2. A free group belongs to one node ([`Manager::target`]): the one it was given to by name, by
//!    the newest word on it; else the living node with the fewest failed starts, then the
//!    preferred node, then the next in the order of ha.cf. Only that node starts it.
//! 3. Two nodes could differ in that choice only through an old picture of each other. A count
//!    of failures only grows while nobody has the group, and is told by the node itself: for
//!    both to choose themselves, each would have to be strictly better than an old and thus
//!    not worse picture of the other. A death is different: the one that is counted dead may
//!    live, which is a partition ([`super::heal`]).
//! 4. A node that joins starts nothing before each living node has said that it counts it in,
//!    and from then on leaves to it what belongs to it.

use super::group::Run;
use super::machine::{Manager, Phase, SPEAK_TIMEOUT};
use super::peer::{Claim, Entry, Fence, Peer};
use crate::config::ha_cf::AutoFailback;
use crate::ids::NodeName;
use crate::time::{Instant, Now};

impl Manager {
    /// Applies the rule to each group; true if anything changed.
    pub(super) fn decide(&mut self, now: Now) -> bool {
        let before: Vec<_> = self
            .groups
            .iter()
            .map(|g| (g.want, g.entry.version))
            .collect();
        for group in 0..self.groups.len() {
            self.decide_group(now, group);
        }
        let after = self.groups.iter().map(|g| (g.want, g.entry.version));
        !before.into_iter().eq(after)
    }

    fn decide_group(&mut self, now: Now, group: usize) {
        let g = &self.groups[group];
        if g.run == Run::Unstoppable || g.orphan {
            return;
        }
        if g.want {
            if self.phase == Phase::Leaving {
                self.release(now, group, None, "given up: shutdown");
            } else if let Some(rival) = self.stronger_rival(now.mono, group) {
                self.yield_to(now, group, &rival);
            } else if let Some(owner) = self.failback_target(group) {
                let cause = format!("fail-back to {owner}");
                self.announce_failback(&owner, group);
                self.release(now, group, Some(owner), &cause);
            }
            return;
        }
        let free = g.run == Run::Stopped
            && self.phase == Phase::Stable
            && !self.is_claimed(group)
            && !self.must_hear_more(now.mono);
        let given = self.named(group).as_ref() == Some(&self.config.local);
        let ready = free && (given || g.retry_at_passed(now.mono));
        if ready && self.target(now.mono, group).as_ref() == Some(&self.config.local) {
            self.acquire(now, group);
        }
    }

    /// Wants the group here.
    pub(super) fn acquire(&mut self, now: Now, group: usize) {
        let giver = self.giver(group);
        let cause = self.cause_of_acquiring(group, giver.as_ref());
        let owner_gone = self.is_gone(&self.groups[group].node);
        let g = &mut self.groups[group];
        g.want = true;
        g.failback_due = owner_gone;
        g.entry.to = None;
        g.cause = cause;
        g.since_unix_s = now.unix_s;
        let (key, silent) = (g.key.clone(), g.is_stand_in());
        if owner_gone && !silent {
            self.audit.takeover_begun();
            self.info(format!("Taking over resource group {key}"));
        }
        self.note_acquiring(group, giver);
        self.touch(group);
    }

    /// Doesn't want the group here; `to`: who shall have it.
    pub(super) fn release(&mut self, now: Now, group: usize, to: Option<NodeName>, cause: &str) {
        let g = &mut self.groups[group];
        g.want = false;
        g.failback_due = false;
        g.entry.to = to;
        g.cause = cause.to_owned();
        g.since_unix_s = now.unix_s;
        self.touch(group);
    }

    fn cause_of_acquiring(&self, group: usize, giver: Option<&NodeName>) -> String {
        let g = &self.groups[group];
        let owner = &g.node;
        match giver {
            Some(giver) if *owner == self.config.local => return format!("given back by {giver}"),
            Some(giver) => return format!("given away by {giver}"),
            None => {}
        }
        if *owner == self.config.local {
            let again = g.entry.failures > 0;
            return if again {
                "another attempt"
            } else {
                "initial acquisition"
            }
            .to_owned();
        }
        match self.peers.get(owner) {
            Some(peer) if peer.leaving => format!("take-over: {owner} shut down"),
            Some(peer) if peer.is_alive() => format!("take-over: {owner} can't run it"),
            _ => format!("take-over: {owner} is dead"),
        }
    }

    /// Brings our word on the group up to date, as the newest of all.
    pub(super) fn touch(&mut self, group: usize) {
        let newest = self.newest_version(group);
        let g = &mut self.groups[group];
        g.entry.claim = g.claim();
        g.entry.version = newest.saturating_add(1);
    }

    /// The greatest number that any word on the group has.
    pub(super) fn newest_version(&self, group: usize) -> u64 {
        let others = self.peers.values().map(|peer| peer.entries[group].version);
        others.fold(self.groups[group].entry.version, u64::max)
    }

    /// The same, if it is not what we last said.
    pub(super) fn touch_if_changed(&mut self, group: usize) {
        let g = &self.groups[group];
        if g.entry.claim != g.claim() {
            self.touch(group);
        }
    }

    /// Whether a node is neither at work nor about to be.
    pub(super) fn is_gone(&self, node: &NodeName) -> bool {
        if *node == self.config.local {
            return false;
        }
        (self.peers.get(node)).is_none_or(|peer| !peer.is_alive() || peer.leaving)
    }

    /// Whether another node has, acquires or releases the group, or may still have it.
    fn is_claimed(&self, group: usize) -> bool {
        self.peers.values().any(|peer| match peer.fence {
            Fence::Clear => peer.is_alive() && peer.entries[group].claim != Claim::Free,
            // It never said what it holds, and is not reset: it may hold anything.
            _ if !peer.spoken => true,
            _ => peer.entries[group].claim != Claim::Free,
        })
    }

    /// Whether a living node still owes us its word, for at most [`SPEAK_TIMEOUT`].
    fn must_hear_more(&self, now: Instant) -> bool {
        self.speaks_to_us()
            && self.peers.values().any(|peer| {
                let waiting = peer.is_active() && !peer.is_known() && !peer.leaving;
                waiting && now < peer.since + SPEAK_TIMEOUT
            })
    }

    /// The node a free group belongs to.
    pub(super) fn target(&self, now: Instant, group: usize) -> Option<NodeName> {
        if let Some(named) = self.named(group) {
            return Some(named);
        }
        let mine = (
            self.groups[group].entry.failures,
            self.rank(group, &self.config.local),
        );
        let others = self.peers.iter().filter_map(|(node, peer)| {
            let failures = peer.entries[group].failures;
            let takes = self.takes(now, group, node, peer);
            takes.then(|| ((failures, self.rank_of(group, node, peer)), node))
        });
        let all = others.chain([(mine, &self.config.local)]);
        all.min().map(|(_, node)| node.clone())
    }

    /// Whom the newest word on the group gives it to, if that node can take it.
    fn named(&self, group: usize) -> Option<NodeName> {
        let (node, entry) = self.newest_word(group);
        let to = entry.to.as_ref().filter(|to| *to != node)?;
        let able = match self.peers.get(to) {
            Some(peer) => peer.is_alive() && !peer.leaving && !peer.refuses.contains(&group),
            None => *to == self.config.local,
        };
        (entry.claim == Claim::Free && able).then(|| to.clone())
    }

    fn newest_word(&self, group: usize) -> (&NodeName, &Entry) {
        let ours = (&self.config.local, &self.groups[group].entry);
        let others = self.peers.iter().filter(|(_, peer)| peer.is_alive());
        others
            .map(|(node, peer)| (node, &peer.entries[group]))
            .chain([ours])
            .max_by_key(|(node, entry)| (entry.version, *node))
            .unwrap_or(ours)
    }

    /// Who gave the group to us by name.
    fn giver(&self, group: usize) -> Option<NodeName> {
        if self.named(group).as_ref() != Some(&self.config.local) {
            return self.standby.giver(group);
        }
        Some(self.newest_word(group).0.clone())
    }

    /// Whether a living node would start the group by itself.
    ///
    /// A real heartbeat acquires its own groups, and those of nodes it declares dead; among
    /// more than two nodes we leave the latter to it, since it can't be told not to. If it
    /// hasn't after two dead times, it won't.
    fn takes(&self, now: Instant, group: usize, node: &NodeName, peer: &Peer) -> bool {
        if !peer.is_alive() || peer.leaving || peer.refuses.contains(&group) {
            return false;
        }
        let owner = &self.groups[group].node;
        peer.is_everbeat() || owner == node || self.real_takes_over(now, owner)
    }

    fn real_takes_over(&self, now: Instant, owner: &NodeName) -> bool {
        let patience = self.config.deadtime * 2;
        let died = self.peers.get(owner).filter(|owner| !owner.is_alive());
        died.is_some_and(|owner| now < owner.since + patience)
    }

    fn rank_of(&self, group: usize, node: &NodeName, peer: &Peer) -> usize {
        if peer.is_everbeat() {
            self.rank(group, node)
        } else {
            0
        }
    }

    /// Place of a node in the order of a group: the preferred node, then the next in ha.cf.
    pub(super) fn rank(&self, group: usize, node: &NodeName) -> usize {
        let nodes = &self.config.nodes;
        let place = |node: &NodeName| nodes.iter().position(|n| n == node);
        let count = nodes.len();
        match (place(node), place(&self.groups[group].node)) {
            (Some(node), Some(owner)) => (node + count - owner) % count,
            (Some(node), None) => node,
            (None, _) => count,
        }
    }

    /// The best other node for a group that we give away.
    pub(super) fn best_other(&self, group: usize) -> Option<NodeName> {
        let able = |(node, peer): (&NodeName, &Peer)| {
            let able = peer.is_active() && peer.is_everbeat() && peer.is_known() && !peer.leaving;
            let failures = peer.entries[group].failures;
            able.then(|| (failures, self.rank(group, node), node.clone()))
        };
        self.peers.iter().filter_map(able).min().map(|best| best.2)
    }

    /// The preferred node, if the group is to go back to it now.
    fn failback_target(&self, group: usize) -> Option<NodeName> {
        let g = &self.groups[group];
        let wanted = g.failback_due
            && g.run == Run::Running
            && self.config.auto_failback != AutoFailback::Off
            && self.phase == Phase::Stable;
        let owner = self.peers.get(&g.node)?;
        let able = owner.is_active()
            && owner.is_everbeat()
            && owner.is_known()
            && owner.stable
            && !owner.leaving
            && owner.entries[group].failures == 0;
        (wanted && able).then(|| g.node.clone())
    }

    /// Times at which a group that failed here may be tried again.
    pub(super) fn retry_times(&self) -> impl Iterator<Item = Instant> {
        let failed = self
            .groups
            .iter()
            .filter(|g| !g.want && g.entry.failures > 0);
        failed.map(|g| g.retry_at)
    }
}

impl super::group::GroupRun {
    /// Whether nothing keeps it from being tried here.
    fn retry_at_passed(&self, now: Instant) -> bool {
        self.entry.failures == 0 || now >= self.retry_at
    }
}
