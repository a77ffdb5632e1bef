//! The next membership after a vote: the largest set of voters that all hear one another.
//!
//! Source: heartbeat 3.0.6, `ccm_compute_and_send_final_memlist`, `membership/ccm/ccmgraph.c`;
//! `spec/ccm.md` section 5.6.

use super::clique::largest_clique;
use super::machine::Ccm;
use crate::time::Instant;
use crate::wire::ccm::{Bitmap, Body};

impl Ccm {
    /// Makes the membership from the answers that came, and tells all voters.
    pub(super) fn compute(&mut self, now: Instant) {
        let members = self.clique();
        let heard = self
            .answers
            .iter()
            .filter(|(node, _)| members.contains(**node));
        // Differs: heartbeat takes the smallest of these and means the largest; they are equal
        // unless something went wrong before.
        let largest = heard.map(|(_, answer)| answer.largest_major).max();
        let largest = largest.unwrap_or(0).max(self.largest_major);
        let major = largest.saturating_add(1);
        let quorum = self.compute_quorum(members);
        let cookie = self.new_cookie();
        self.send(Body::FinalMemList {
            major,
            members,
            quorum,
            cookie: cookie.clone(),
        });
        self.members = members;
        self.quorum = quorum;
        self.cookie = cookie;
        self.set_major(major);
        if self.joined_at == 0 {
            self.joined_at = major;
        }
        self.become_joined(now, self.table.me);
    }

    /// The largest set with ourselves in it: without us there would be nobody to lead it.
    fn clique(&self) -> Bitmap {
        let me = self.table.me;
        let mut own = self.answers.get(&me).map_or(Bitmap::EMPTY, |own| own.heard);
        own.insert(me);
        let hears_us = |node: usize, heard: Bitmap| node == me || heard.contains(me);
        let near: Vec<(usize, Bitmap)> = self
            .answers
            .iter()
            .map(|(node, answer)| (*node, if *node == me { own } else { answer.heard }))
            .filter(|(node, heard)| own.contains(*node) && hears_us(*node, *heard))
            .collect();
        largest_clique(&near)
    }
}
