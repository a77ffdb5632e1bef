//! JOINING: a voting round. Each node says that it is here, and counts who else says so.
//!
//! Source: heartbeat 3.0.6, `ccm_state_joining`; `spec/ccm.md` section 5.5.

use super::machine::{Answer, Ccm, Incoming};
use super::state::State;
use crate::time::Instant;
use crate::wire::ccm::{Bitmap, Body};

impl Ccm {
    pub(super) fn joining(&mut self, now: Instant, message: &Incoming<'_>) {
        let (from, context) = (message.from, message.context);
        if context.minor < self.minor {
            return;
        }
        match message.body {
            Body::Join if context.minor > self.minor => {
                self.minor = context.minor;
                self.start_round(now);
                self.round.vote(from, context.uptime);
            }
            Body::Join => {
                self.round.vote(from, context.uptime);
                self.count_votes(now);
            }
            Body::ReqMemList => {
                self.round.request(from, message.major);
                let late = now >= self.round.since + self.span(5);
                if !self.is_first() && (late || self.all_voted()) {
                    self.answer_requests(now);
                }
            }
            Body::Abort if (message.major, context.minor) == (self.major, self.minor) => {
                self.next_round(now);
            }
            _ => {}
        }
    }

    /// True if we lead the voters.
    fn is_first(&self) -> bool {
        self.round.leader() == Some(self.table.me)
    }

    /// Who still asks for a membership doesn't vote.
    fn all_voted(&self) -> bool {
        let mut expected = self.table.live().without(self.table.requests());
        expected.insert(self.table.me);
        expected.is_subset(self.round.voters())
    }

    fn count_votes(&mut self, now: Instant) {
        if !self.all_voted() {
            return;
        }
        if self.is_first() {
            self.ask_lists(now);
        } else {
            self.answer_requests(now);
        }
    }

    pub(super) fn joining_leave(&mut self, now: Instant, node: usize) {
        self.round.forget(node);
        self.count_votes(now);
    }

    /// Asks the voters whom they heard.
    fn ask_lists(&mut self, now: Instant) {
        let own = Answer {
            largest_major: self.largest_major,
            heard: self.round.voters(),
        };
        self.answers.clear();
        self.answers.insert(self.table.me, own);
        self.enter(State::SentMemListReq);
        self.due = Some(now + self.span(12));
        self.send(Body::ReqMemList);
    }

    /// Tells whom we heard: the first of the voters, and nobody else.
    pub(super) fn answer_requests(&mut self, now: Instant) {
        let leader = self.round.leader();
        for (asker, major) in std::mem::take(&mut self.round.requests) {
            if leader != Some(asker) {
                self.refuse_list(asker);
                continue;
            }
            if self.joined_at != 0 && major != self.major {
                // The voters have seen a membership that we weren't in.
                return self.reset(now);
            }
            let list = Body::ResMemList {
                largest_major: self.largest_major,
                heard: Some(self.round.voters()),
            };
            self.send_to(asker, list);
            self.enter(State::MemListRes);
            self.due = Some(now + self.final_span());
        }
    }

    /// To somebody whom we don't follow.
    pub(super) fn refuse_list(&mut self, asker: usize) {
        let list = Body::ResMemList {
            largest_major: self.largest_major,
            heard: None,
        };
        self.send_to(asker, list);
    }

    /// How long the result is waited for. Source: heartbeat 3.0.6, `ccm_configure_timeout`.
    fn final_span(&self) -> std::time::Duration {
        self.span(18) + std::time::Duration::from_millis(5)
    }

    /// Not all voted in time: those who did go on.
    pub(super) fn joining_timeout(&mut self, now: Instant) {
        let me = self.table.me;
        if self.is_first() && self.round.voters() == Bitmap::of(me) {
            if self.joined_at == 0 && self.foreign_reply {
                return self.reset(now);
            }
            return self.be_alone(now);
        }
        if self.is_first() {
            return self.ask_lists(now);
        }
        // Differs: heartbeat waits for the first of the voters as long as that one lives.
        let patience = self.round.since + self.final_span();
        if now >= patience {
            return self.next_round(now);
        }
        self.due = Some(patience);
        self.answer_requests(now);
    }
}
