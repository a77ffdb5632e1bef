//! A change of members.

use super::machine::{Machine, Presence};
use crate::config::corosync_conf::TieBreaker;
use crate::ids::NodeId;
use crate::time::Now;
use crate::wire::cluster::{NodeFlags, NodeState, Votequorum};

impl Machine {
    /// A regular configuration came; `members` ascend.
    ///
    /// Source: corosync 3.1.7, `votequorum_sync_init`; spec corosync-services.md 4.6
    pub fn begin_sync(&mut self, now: Now, members: &[NodeId]) {
        self.in_sync = true;
        if members.len() > 1 {
            self.change_own(|own| own.flags = own.flags.with(NodeFlags::FIRST, false));
        }
        let mut left = false;
        for node in self.members.clone() {
            if !members.contains(&node) {
                left = true;
                self.bury(node);
            }
        }
        self.start_window(now, members, left);
        self.previous = std::mem::replace(&mut self.members, members.to_vec());
    }

    fn bury(&mut self, node: NodeId) {
        if let Some(known) = self.nodes.get_mut(&node) {
            known.presence = Presence::Dead;
        }
    }

    /// The last man standing starts counting when a majority lost somebody, or the half that has
    /// the lowest node.
    fn start_window(&mut self, now: Now, members: &[NodeId], left: bool) {
        let Some(window) = self.config.last_man_standing else {
            return;
        };
        let count = members.len() as u64;
        let quorum = u64::from(self.quorum);
        let tie = self.config.tie_breaker.is_some() && self.has_lowest(members);
        if (count >= quorum && left) || (count <= quorum && tie) {
            self.window_ends = Some(now.mono + window);
        }
    }

    fn has_lowest(&self, members: &[NodeId]) -> bool {
        let lowest = self.lowest_known();
        let highest = self.config.tie_breaker == Some(TieBreaker::Highest);
        !highest && lowest.is_some_and(|n| members.contains(&n))
    }

    /// What this node says in the synchronisation: of itself, and of a quorum device, which it
    /// hasn't.
    pub fn sync_messages(&self) -> [Votequorum; 2] {
        let device = NodeState {
            node: NodeId(0),
            votes: 0,
            expected_votes: 0,
            flags: NodeFlags::default(),
        };
        [
            Votequorum::NodeInfo(self.own_state()),
            Votequorum::NodeInfo(device),
        ]
    }

    /// All members have said what they had to.
    pub fn activate(&mut self) {
        self.recalculate(false, false);
        self.in_sync = false;
        self.tell();
    }
}
