//! NONE and VERSION_REQUEST: looks for a membership, or makes the first one.
//!
//! Source: heartbeat 3.0.6, `ccm_state_version_request`; `spec/ccm.md` section 5.1.

use super::machine::Ccm;
use super::round::Round;
use super::state::State;
use crate::time::Instant;
use crate::wire::ccm::{Body, CcmMessage};

/// From this protocol on nothing is understood.
const PROTOCOL_TOO_NEW: u32 = 2;
/// So often a membership that is too small is passed over.
const SMALL_REPLIES_MAX: u8 = 3;
/// So often it is asked again before the first by number and name begins.
const TRIES_MAX: u8 = 3;

impl Ccm {
    /// Asks all.
    pub(super) fn ask(&mut self, now: Instant) {
        self.enter(State::VersionRequest);
        self.due = Some(now + self.span(9));
        self.send(Body::ProtoVersion);
    }

    pub(super) fn version_request(&mut self, now: Instant, from: usize, message: &CcmMessage) {
        match &message.body {
            Body::ProtoVersion => {
                self.record_request(from, message.major);
                self.start_if_highest(now);
            }
            Body::ProtoVersionResp { protocol, .. } if *protocol >= PROTOCOL_TOO_NEW => {
                self.reset(now);
            }
            Body::ProtoVersionResp { members, .. } => self.offer(now, from, message, *members),
            Body::Abort => self.tries = 0,
            _ => {}
        }
    }

    /// When all that live ask, nobody has a membership: the highest of them makes one.
    pub(super) fn start_if_highest(&mut self, now: Instant) {
        let all_ask = self.table.live().is_subset(self.table.requests());
        if all_ask && self.table.is_highest_joiner() {
            self.init_to_joined(now);
        }
    }

    /// There is a membership. Less than half of all nodes is passed over a few times, since a
    /// larger one may answer too.
    ///
    /// Differs: heartbeat does so even where nobody is left who could have a larger one.
    fn offer(&mut self, now: Instant, from: usize, message: &CcmMessage, members: u32) {
        let Some(context) = &message.context else {
            return;
        };
        let half = self.table.count().saturating_add(1) / 2;
        let mut known = self.table.requests();
        known.insert(from);
        let others = !self.table.live().is_subset(known);
        if others && self.small_replies < SMALL_REPLIES_MAX && members.saturating_add(1) <= half {
            self.small_replies += 1;
            self.table.clear_requests();
            return self.look_again(now);
        }
        self.small_replies = 0;
        self.cookie = context.cookie.clone();
        self.set_major(message.major);
        self.leader = Some(from);
        self.joined_at = 0;
        self.send(Body::Alive);
        self.table.clear_requests();
        self.round = Round::new(now);
        self.enter(State::NewNodeWaitForMemList);
        self.due = Some(now + self.span(5));
    }

    pub(super) fn version_request_timeout(&mut self, now: Instant) {
        if self.tries < TRIES_MAX {
            self.tries += 1;
            return self.ask(now);
        }
        if self.table.is_highest_joiner() {
            self.tries = 0;
            return self.init_to_joined(now);
        }
        self.table.clear_requests();
        self.look_again(now);
    }
}
