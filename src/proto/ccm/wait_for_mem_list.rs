//! WAIT_FOR_MEM_LIST and NEW_NODE_WAIT_FOR_MEM_LIST: the leader's next list is awaited.
//!
//! Source: heartbeat 3.0.6, `ccm_state_wait_for_mem_list`, `ccm_state_new_node_wait_for_mem_list`;
//! `spec/ccm.md` section 5.4.

use super::machine::{Ccm, Incoming};
use super::round::Round;
use super::state::State;
use crate::time::Instant;
use crate::wire::ccm::{Bitmap, Body, MemList};

impl Ccm {
    pub(super) fn wait_for_mem_list(&mut self, now: Instant, message: &Incoming<'_>) {
        let ours = (message.major, message.context.minor) == (self.major, self.minor);
        match message.body {
            Body::MemList(list) if ours => self.take_list(now, message.from, list),
            Body::Join => self.follow_join(now, message.from, message.context),
            _ => {}
        }
    }

    fn take_list(&mut self, now: Instant, from: usize, list: &MemList) {
        let fits = list.members.is_subset(Bitmap::first(self.table.len()));
        if !fits || list.uptimes.len() != list.members.len() {
            return;
        }
        let newcomer = self.state == State::NewNodeWaitForMemList;
        if !list.members.contains(self.table.me) {
            self.reset(now);
            if newcomer {
                // Another newcomer was taken in first. Differs: heartbeat waits for its next tick.
                self.ask(now);
            }
            return;
        }
        self.set_major(self.major.saturating_add(1));
        if newcomer {
            self.joined_at = self.major;
        }
        self.members = list.members;
        self.quorum = list.quorum;
        self.cookie = list.cookie.clone();
        self.round = Round::new(now);
        for (index, uptime) in list.members.iter().zip(&list.uptimes) {
            self.round.vote(index, *uptime);
        }
        self.become_joined(now, from);
    }
}
