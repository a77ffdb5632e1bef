//! COMMIT: the commit token goes round and takes down what each member has of its old ring.

use super::flow_control::FlowControl;
use super::members::Members;
use super::output::Output;
use super::srp::{Srp, State};
use super::timers::Timer;
use crate::time::Instant;
use crate::wire::totem::{Body, CommitToken, Entry, Processor, RingId, Seqno};

impl Srp {
    /// Makes the token of a ring that all agree on.
    ///
    /// Source: corosync 3.1.7, `memb_state_commit_token_create`; `spec/totem-wire.md` D.9.
    pub(super) fn create_commit_token(&mut self, now: Instant) {
        let entry = |member: &Processor| Entry {
            member: *member,
            ..Entry::default()
        };
        let token = CommitToken {
            token_seq: Seqno::NONE,
            ring: RingId {
                rep: self.config.me.addresses[0],
                seq: self.numbers.next(),
            },
            retrans_flg: 0,
            filled: 0,
            members: self.proposed().as_slice().iter().map(entry).collect(),
        };
        self.commit(now, token);
    }

    /// A commit token came.
    ///
    /// Source: corosync 3.1.7, `message_handler_memb_commit_token`; `spec/totem-wire.md` D.4.
    pub(super) fn handle_commit_token(&mut self, now: Instant, token: CommitToken) {
        match self.state {
            State::Gather if self.may_follow(token.ring) && self.is_what_we_want(&token) => {
                self.commit(now, token);
            }
            State::Commit if token.ring == self.ring && is_full(&token) => {
                self.enter_recovery(now, token);
            }
            State::Recovery if token.ring == self.ring && self.is_representative() => {
                self.start_token(now);
            }
            _ => {}
        }
    }

    /// Differs: the real one takes higher numbers only. Where forged ones were heard a low one may
    /// be all that is left; so who waited in vain takes any other.
    fn may_follow(&self, ring: RingId) -> bool {
        let doubts = self.members.hearsay.doubts() && ring != self.ring;
        doubts || self.numbers.is_newer(ring.seq, self.ring.seq)
    }

    /// Its members are those that we propose, and it is our turn to fill in our part.
    fn is_what_we_want(&self, token: &CommitToken) -> bool {
        let members: Vec<Processor> = token.members.iter().map(|entry| entry.member).collect();
        let turn = token.members.get(token.filled as usize);
        turn.is_some_and(|entry| entry.member == self.config.me)
            && Members::of(&members) == self.proposed()
            && members.len() == self.proposed().len()
    }

    /// Source: corosync 3.1.7, `memb_state_commit_enter`; `spec/totem-wire.md` D.9.
    fn commit(&mut self, now: Instant, mut token: CommitToken) {
        self.fill_in(&mut token);
        token.token_seq = token.token_seq.next();
        let members: Vec<Processor> = token.members.iter().map(|entry| entry.member).collect();
        let next = token.filled as usize % members.len().max(1);
        self.rotation.target = members.get(next).copied().unwrap_or(self.config.me);
        self.members.new = Members::of(&members);
        self.ring = token.ring;
        self.numbers.commit(token.ring.seq);
        self.timers
            .stop(&[Timer::Join, Timer::SendJoin, Timer::Consensus]);
        self.flow = FlowControl::default();
        self.enter(State::Commit);

        let datagram = self.encode(self.node(), Body::CommitToken(token));
        self.rotation.last_token = Some(datagram.clone());
        self.output(Output::PersistAndUnicast {
            ring_seq: self.ring.seq,
            to: self.rotation.target,
            datagram,
        });
        self.set_token_loss(now);
        self.set_token_retransmit(now);
    }

    /// Writes down what we have; who has less than another of the same old ring misses something.
    fn fill_in(&mut self, token: &mut CommitToken) {
        let (aru, high) = (self.stream.aru(), self.stream.high());
        let at = token.filled as usize;
        if let Some(entry) = token.members.get_mut(at) {
            entry.ring = self.old_ring;
            entry.aru = aru;
            entry.high_delivered = self.stream.delivered();
            entry.received_flg = u32::from(aru == high);
        }
        token.filled += 1;
        let filled = token.members.iter_mut().take(token.filled as usize);
        let same: Vec<&mut Entry> = filled.filter(|e| e.ring == self.old_ring).collect();
        let most = same.iter().fold(aru, |most, entry| most.later(entry.aru));
        for entry in same {
            if entry.aru.is_before(most) {
                entry.received_flg = 0;
            }
        }
        let entry = token.members.get(at);
        self.progress.received = entry.is_some_and(|entry| entry.received_flg != 0);
    }
}

fn is_full(token: &CommitToken) -> bool {
    token.filled as usize == token.members.len()
}
