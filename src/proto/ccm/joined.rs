//! JOINED: a member, all quiet.
//!
//! Source: heartbeat 3.0.6, `ccm_state_joined`; `spec/ccm.md` section 5.2.

use super::machine::{Ccm, Change, Incoming};
use super::round::Round;
use super::state::State;
use crate::time::Instant;
use crate::wire::ccm::{Bitmap, Body, MemList};

/// How often a leader speaks to nodes that live and are no members, in keepalives: longer than
/// a node that looks for a membership takes.
const PROBE_KEEPALIVES: u32 = 45;

impl Ccm {
    pub(super) fn leads(&self) -> bool {
        self.leader == Some(self.table.me)
    }

    pub(super) fn joined(&mut self, now: Instant, message: &Incoming<'_>) {
        let from = message.from;
        match message.body {
            Body::Alive if self.leads() => self.begin(now, message, (from, true), self.table.me),
            Body::Alive => {
                let name = self.table.name(from).as_str().as_bytes().to_vec();
                self.tell_leader(now, Body::NewNode(name));
            }
            Body::NewNode(node) if self.leads() => {
                if let Some(node) = self.table.index_of(node) {
                    self.begin(now, message, (node, true), from);
                }
            }
            Body::NodeLeaveNotice(node) if !self.leads() => self.notice(now, from, node),
            Body::NodeLeave(node) if self.leads() => {
                let node = self.table.index_of(node);
                let node = node.filter(|n| self.members.contains(*n) && *n != self.table.me);
                if let Some(node) = node {
                    self.begin(now, message, (node, false), from);
                }
            }
            Body::Join => self.follow_join(now, from, message.context),
            Body::MemList(list) if from != self.table.me => self.same_again(now, from, list),
            _ => {}
        }
    }

    /// The leader says that a member is gone.
    fn notice(&mut self, now: Instant, from: usize, node: &[u8]) {
        let node = self.table.index_of(node);
        if node.is_some_and(|node| self.members.contains(node)) {
            // Source: heartbeat 3.0.6, `ccm_send_newnode_to_leader`'s twin for leaving: the
            // leader's own name stands where the leaver's should. Kept, for one behaviour.
            let name = self.table.name(from).as_str().as_bytes().to_vec();
            self.leader = Some(from);
            self.tell_leader(now, Body::NodeLeave(name));
        }
    }

    /// Tells the leader what we saw, and waits for its list.
    fn tell_leader(&mut self, now: Instant, body: Body) {
        let Some(leader) = self.leader else {
            return;
        };
        self.send_to(leader, body);
        self.enter(State::WaitForMemList);
        self.due = Some(now + self.span(5));
    }

    /// The leader tells the same members again: their quorum may have changed.
    fn same_again(&mut self, now: Instant, from: usize, list: &MemList) {
        if self.leader != Some(from) {
            return;
        }
        if !list.members.contains(self.table.me) {
            return self.reset(now);
        }
        self.quorum = list.quorum;
        self.report();
    }

    pub(super) fn joined_leave(&mut self, now: Instant, node: usize) {
        if !self.members.contains(node) {
            return;
        }
        if self.leader == Some(node) {
            self.start_round(now);
        } else if self.leads() {
            self.start_change(now, (node, false), self.table.me);
            if self.change.is_some() {
                let name = self.table.name(node).as_str().as_bytes().to_vec();
                self.send(Body::NodeLeaveNotice(name));
            }
        }
    }

    /// A node comes or goes, says `witness`; the leader waits until all members say so.
    fn begin(&mut self, now: Instant, message: &Incoming<'_>, what: (usize, bool), witness: usize) {
        self.start_change(now, what, witness);
        if self.change.is_some() && witness != self.table.me {
            self.round.vote(witness, message.context.uptime);
        }
    }

    fn start_change(&mut self, now: Instant, (node, comes): (usize, bool), witness: usize) {
        let mut awaited = self.members;
        awaited.remove(witness);
        awaited.remove(node);
        self.round = Round::new(now);
        self.round.vote(self.table.me, self.joined_at);
        self.change = Some(Change {
            node,
            comes,
            awaited,
        });
        self.enter(State::WaitForChange);
        self.due = Some(now + self.span(5));
        if awaited.is_empty() {
            self.finish_change(now);
        }
    }

    /// While some node lives and is no member, it is spoken to now and then.
    pub(super) fn joined_due(&self, now: Instant) -> Option<Instant> {
        let probes = self.leads() && !self.outsiders().is_empty();
        probes.then(|| now + self.span(PROBE_KEEPALIVES))
    }

    fn outsiders(&self) -> Bitmap {
        self.table.live().without(self.members)
    }

    /// Two leaders that hear each other and had no reason to speak: each asks whether the other
    /// is a member of something. Who isn't, or runs no membership, doesn't mind.
    ///
    /// Differs: heartbeat says its state only to nodes that come back from the dead.
    pub(super) fn joined_timeout(&mut self, now: Instant) {
        for node in self.outsiders().iter() {
            self.send_to(node, Body::StateInfo(self.state.as_str().into()));
        }
        self.due = self.joined_due(now);
    }
}
