//! Looking at all that is known for what should not be, and for what is finished at last.
//!
//! Source: `spec/heartbeat-v1.md` section 2.1, audit

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::group::Run;
use super::machine::{Manager, Phase};
use super::peer::{Claim, Peer};
use crate::ids::NodeName;
use crate::proto::heartbeat::Severity;
use crate::time::{Instant, Now};

/// How long nobody may have a group before that is an error. heartbeat complains at once, also
/// in the middle of each hand-over.
const NOBODY_GRACE: Duration = Duration::from_secs(5);

/// What was already said.
#[derive(Debug, Clone, Default)]
pub(super) struct Audit {
    /// Nodes whose haresources differs from ours.
    differing: BTreeSet<NodeName>,
    both: [bool; 2],
    nobody_since: [Option<Instant>; 2],
    nobody_said: [bool; 2],
    /// Since when each group is where it is, seconds since 1970.
    pub(super) holder_since: BTreeMap<usize, u64>,
    initial_done: bool,
    takeover: bool,
}

impl Audit {
    /// True the first time that a node has groups that we don't know.
    pub(super) fn is_new_difference(&mut self, node: &NodeName) -> bool {
        self.differing.insert(node.clone())
    }

    /// A node's claim on a group changed.
    pub(super) fn holder_changed(&mut self, group: usize, unix_s: u64) {
        self.holder_since.insert(group, unix_s);
    }

    /// Groups of a node that is gone are being acquired.
    pub(super) fn takeover_begun(&mut self) {
        self.takeover = true;
    }

    /// When something becomes an error by lasting.
    pub(super) fn poll_timeout(&self) -> impl Iterator<Item = Instant> {
        let since = self.nobody_since.into_iter().flatten();
        since.map(|since| since + NOBODY_GRACE)
    }
}

/// Index into the pairs: our groups, the groups of others.
const SIDES: [&str; 2] = ["our local", "foreign"];

impl Manager {
    /// Says what is wrong with who holds what, once each, and what is complete.
    pub(super) fn audit_holders(&mut self, now: Now) {
        if !matches!(self.phase, Phase::Stable | Phase::Joining { .. }) {
            return;
        }
        let (mut both, mut nobody) = ([false; 2], [false; 2]);
        for (index, g) in self.groups.iter().enumerate() {
            if g.is_stand_in() || g.orphan {
                continue;
            }
            let side = usize::from(g.node != self.config.local);
            let claims = |peer: &&Peer| peer.entries[index].claim != Claim::Free;
            let owners = |peer: &Peer| peer.is_alive() && peer.entries[index].claim.is_owner();
            both[side] |= g.claim().is_owner() && self.peers.values().any(owners);
            nobody[side] |= g.claim() == Claim::Free && !self.peers.values().any(|p| claims(&p));
        }
        self.report_both(both);
        if self.phase == Phase::Stable {
            self.report_nobody(now.mono, nobody);
            self.report_complete();
        }
    }

    fn report_both(&mut self, both: [bool; 2]) {
        let texts = [
            "Both machines own our resources!",
            "Both machines own foreign resources!",
        ];
        for side in 0..2 {
            if both[side] && !self.audit.both[side] {
                self.log(Severity::Error, texts[side]);
            }
        }
        self.audit.both = both;
    }

    fn report_nobody(&mut self, now: Instant, nobody: [bool; 2]) {
        for side in 0..2 {
            if !nobody[side] {
                self.audit.nobody_since[side] = None;
                self.audit.nobody_said[side] = false;
                continue;
            }
            let since = *self.audit.nobody_since[side].get_or_insert(now);
            if now >= since + NOBODY_GRACE && !self.audit.nobody_said[side] {
                self.audit.nobody_said[side] = true;
                let text = format!("No one owns {} resources!", SIDES[side]);
                self.log(Severity::Error, text);
            }
        }
    }

    fn report_complete(&mut self) {
        let open = self.is_in_flux() || self.is_acting() || !self.unfenced().is_empty();
        if open {
            return;
        }
        let takeover = std::mem::take(&mut self.audit.takeover);
        if takeover {
            self.info("mach_down takeover complete.");
            self.announce_info = Some("mach_down");
        }
        if self.audit.initial_done {
            return;
        }
        let waits_for_ours = |g: &super::group::GroupRun| {
            g.node == self.config.local && !g.want && !g.is_stand_in() && g.entry.failures == 0
        };
        let held_elsewhere = |index: usize| {
            let claims = |p: &Peer| p.is_alive() && p.entries[index].claim != Claim::Free;
            self.peers.values().any(claims)
        };
        let missing = (self.groups.iter().enumerate())
            .any(|(index, g)| waits_for_ours(g) && !held_elsewhere(index));
        if missing {
            return;
        }
        self.audit.initial_done = true;
        let ours = (self.groups.iter())
            .any(|g| g.node == self.config.local && g.run == Run::Running && !g.is_stand_in());
        self.info(match (ours, self.own_groups()) {
            (true, _) => "Local Resource acquisition completed.".to_owned(),
            (false, 0) => "No local resources to acquire.".to_owned(),
            (false, _) => "Local Resource acquisition completed. (none)".to_owned(),
        });
        let reason = if takeover {
            "mach_down"
        } else {
            "T_RESOURCES(us)"
        };
        self.info(format!("Initial resource acquisition complete ({reason})"));
        if !takeover && ours {
            self.announce_info = Some("req_our_resources()");
        }
    }

    fn own_groups(&self) -> usize {
        let own = |g: &&super::group::GroupRun| {
            g.node == self.config.local && !g.is_stand_in() && !g.orphan
        };
        self.groups.iter().filter(own).count()
    }
}
