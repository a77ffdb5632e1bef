//! WAIT_FOR_CHANGE: the leader waits until all members saw the same node come or go.
//!
//! Source: heartbeat 3.0.6, `ccm_state_wait_for_change`; `spec/ccm.md` section 5.3.

use super::machine::{Ccm, Incoming};
use crate::time::Instant;
use crate::wire::ccm::Body;

impl Ccm {
    pub(super) fn wait_for_change(&mut self, now: Instant, message: &Incoming<'_>) {
        let (from, uptime) = (message.from, message.context.uptime);
        let me = self.table.me;
        match message.body {
            Body::Alive => self.agree(now, (Some(from), true), (me, self.joined_at)),
            Body::NewNode(node) => {
                let node = self.table.index_of(node);
                self.agree(now, (node, true), (from, uptime));
            }
            Body::NodeLeave(node) => {
                let mut node = self.table.index_of(node);
                // The real follower writes our own name and means the one that leaves.
                // Differs: the real leader doesn't know that, and has to hold a vote.
                if let (Some(index), Some(change)) = (node, &self.change)
                    && index == me
                    && !change.comes
                {
                    node = Some(change.node);
                }
                self.agree(now, (node, false), (from, uptime));
            }
            Body::Join => self.follow_join(now, from, message.context),
            _ => {}
        }
    }

    pub(super) fn wait_for_change_leave(&mut self, now: Instant, node: usize) {
        let Some(change) = self.change else {
            return;
        };
        if change.node == node {
            // Who leaves is gone, as expected. Who was about to come won't.
            if change.comes {
                self.next_round(now);
            }
        } else if self.members.contains(node) {
            self.next_round(now);
        }
    }

    /// A member saw something. The same thing: one less to wait for. Another one: a vote.
    fn agree(&mut self, now: Instant, what: (Option<usize>, bool), who: (usize, u32)) {
        let Some(change) = &mut self.change else {
            return;
        };
        if (Some(change.node), change.comes) != what {
            return self.next_round(now);
        }
        if change.awaited.remove(who.0) {
            self.round.vote(who.0, who.1);
        }
        if change.awaited.is_empty() {
            self.finish_change(now);
        }
    }

    /// All members agree: the next membership differs by that node.
    pub(super) fn finish_change(&mut self, now: Instant) {
        let Some(change) = self.change.take() else {
            return;
        };
        let major = self.major.saturating_add(1);
        let mut members = self.members;
        if change.comes {
            members.insert(change.node);
            self.round.vote(change.node, major);
        } else {
            members.remove(change.node);
            self.round.forget(change.node);
        }
        let quorum = self.compute_quorum(members);
        let cookie = self.new_cookie();
        let list = self.mem_list(members, quorum, cookie.clone());
        self.send(Body::MemList(list));
        self.members = members;
        self.quorum = quorum;
        self.cookie = cookie;
        self.set_major(major);
        self.become_joined(now, self.table.me);
    }
}
