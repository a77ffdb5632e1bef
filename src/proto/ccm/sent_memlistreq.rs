//! SENT_MEMLISTREQ: the first of the voters collects whom they heard.
//!
//! Source: heartbeat 3.0.6, `ccm_state_sent_memlistreq`; `spec/ccm.md` section 5.6.

use super::machine::{Answer, Ccm, Incoming};
use crate::time::Instant;
use crate::wire::ccm::{Bitmap, Body};

impl Ccm {
    pub(super) fn sent_memlistreq(&mut self, now: Instant, message: &Incoming<'_>) {
        let from = message.from;
        let ours = (message.major, message.context.minor) == (self.major, self.minor);
        match message.body {
            Body::ResMemList {
                largest_major,
                heard,
            } if ours => {
                let answer = Answer {
                    largest_major: *largest_major,
                    heard: heard.unwrap_or(Bitmap::EMPTY),
                };
                self.collect(now, from, answer);
            }
            Body::Join if ours => self.late_vote(from, message.context.uptime),
            Body::Join => self.restart(now, from),
            Body::ReqMemList if from != self.table.me => self.refuse_list(from),
            // Ours has come back: nobody else may be there to answer it.
            Body::ReqMemList => self.compute_if_complete(now),
            _ => {}
        }
    }

    fn late_vote(&mut self, from: usize, uptime: u32) {
        self.round.vote(from, uptime);
        if let Some(own) = self.answers.get_mut(&self.table.me) {
            own.heard.insert(from);
        }
    }

    pub(super) fn sent_memlistreq_leave(&mut self, now: Instant, node: usize) {
        if self.round.voters().contains(node) {
            let nothing = Answer {
                largest_major: 0,
                heard: Bitmap::EMPTY,
            };
            self.collect(now, node, nothing);
        }
    }

    fn collect(&mut self, now: Instant, from: usize, answer: Answer) {
        if from != self.table.me && self.round.voters().contains(from) {
            self.answers.insert(from, answer);
            self.compute_if_complete(now);
        }
    }

    fn compute_if_complete(&mut self, now: Instant) {
        let answered = self.answers.keys().copied().collect();
        if self.round.voters().is_subset(answered) {
            self.compute(now);
        }
    }
}
