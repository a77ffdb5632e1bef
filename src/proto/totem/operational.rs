//! OPERATIONAL: the ring comes into use.

use super::members::Members;
use super::output::{Configuration, Note, Output, Phase};
use super::srp::{Srp, State};
use super::timers::Timer;
use crate::time::Instant;
use crate::wire::totem::Seqno;

/// Those above have so many token timeouts to synchronise. A forged or damaged message can have
/// taken the place of one that they wait for; on a new ring they begin again.
/// Differs: the real one waits for ever.
const SYNC_TOKENS: u32 = 5;

impl Srp {
    /// Those who come along get what they have of the old ring, the same all of them, then the
    /// new ring is in use.
    ///
    /// Source: corosync 3.1.7, `memb_state_operational_enter`; `spec/totem-wire.md` D.10.
    pub(super) fn enter_operational(&mut self, now: Instant) {
        self.install_recovered();
        self.deliver();
        let members = &self.members;
        let left = members.current.without(&members.transitional);
        let joined = members.new.without(&members.transitional);
        self.output(Output::Configuration(Configuration {
            phase: Phase::Transitional,
            ring: self.old_ring,
            members: self.members.transitional.to_vec(),
            left: left.to_vec(),
            joined: Vec::new(),
        }));
        self.outbox.start_sync();
        self.deliver_rest();
        self.output(Output::Configuration(Configuration {
            phase: Phase::Regular,
            ring: self.ring,
            members: self.members.new.to_vec(),
            left: Vec::new(),
            joined: joined.to_vec(),
        }));
        self.note_membership(&joined, &left);

        self.stream = std::mem::take(&mut self.recovered);
        self.stream.skip_to_high();
        self.old_ring = self.ring;
        self.rotation.last_aru = Seqno::NONE;
        self.members.current = self.members.new.clone();
        self.members.known = self.members.new.clone();
        self.members.failed = Members::default();
        self.members.left_properly = Members::default();
        self.progress.received = true;
        self.progress.started = false;
        self.numbers.in_use();
        self.stats.rings += 1;
        let due = now + SYNC_TOKENS * self.config.timing.token;
        self.timers.set(Timer::Sync, due);
        self.enter(State::Operational);
    }

    /// What is there of the old ring behind gaps that nobody can fill: only of those who come
    /// along, since in what others sent the gap may hide something that it follows from.
    fn deliver_rest(&mut self) {
        let along = self.members.transitional.clone();
        while let Some(delivery) = self.stream.deliver_over_gaps(|from| along.contains(from)) {
            self.output(Output::Deliver(delivery));
        }
    }

    fn note_membership(&mut self, joined: &Members, left: &Members) {
        let without_leave = left.without(&self.members.left_properly);
        self.note(Note::Membership {
            ring: self.ring,
            joined: joined.to_vec(),
            left: left.to_vec(),
            without_leave: without_leave.to_vec(),
        });
    }

    /// Gives those above what is there without a gap.
    pub(super) fn deliver(&mut self) {
        while let Some(delivery) = self.stream.deliver() {
            self.output(Output::Deliver(delivery));
        }
    }
}
