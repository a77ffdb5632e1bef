//! GATHER: who will be in the next ring.

use super::members::Members;
use super::output::{Note, Reason};
use super::srp::{Srp, State};
use super::timers::Timer;
use crate::ids::NodeId;
use crate::limits;
use crate::time::Instant;
use crate::wire::totem::{Body, Join};

/// So many consensus timeouts after the last in vain others' word counts again.
const DOUBT_CONSENSUS: u32 = 4;

impl Srp {
    /// Looks for a new ring.
    ///
    /// Source: corosync 3.1.7, `memb_state_gather_enter`; `spec/totem-wire.md` D.4.
    pub(super) fn gather(&mut self, now: Instant, reason: Reason) {
        self.rotation.discard = true;
        self.rotation.held = false;
        self.progress.started = false;
        let me = self.config.me;
        self.members.known.insert(me);
        self.note(Note::Gather(reason));
        self.state = State::Gather;
        self.send_join(now);
        let timing = self.config.timing;
        self.timers.set(Timer::Join, now + timing.join);
        self.timers.set(Timer::Consensus, now + timing.consensus);
        self.timers.stop(&[
            Timer::TokenLoss,
            Timer::TokenWarning,
            Timer::TokenRetransmit,
            Timer::Hold,
            Timer::MergeDetect,
            Timer::Heartbeat,
            Timer::Sync,
        ]);
        self.members.consensus = Members::one(me);
    }

    fn send_join(&mut self, now: Instant) {
        if self.config.timing.send_join.is_zero() {
            self.send_join_now();
        } else if !self.timers.runs(Timer::SendJoin) {
            let delay = self.part_of(self.config.timing.send_join);
            self.timers.set(Timer::SendJoin, now + delay);
        }
    }

    pub(super) fn send_join_now(&mut self) {
        if !matches!(self.state, State::Gather | State::Commit) {
            return;
        }
        self.stats.memb_join_tx += 1;
        let join = Join {
            from: self.config.me,
            processors: self.members.known.to_vec(),
            failed: self.members.failed.to_vec(),
            ring_seq: self.ring.seq,
        };
        self.multicast_control(self.node(), Body::Join(join));
    }

    pub(super) fn join_again(&mut self, now: Instant) {
        if matches!(self.state, State::Gather | State::Commit) {
            self.send_join(now);
            self.timers.set(Timer::Join, now + self.config.timing.join);
        }
    }

    /// Those who will be in the next ring, as far as we know.
    pub(super) fn proposed(&self) -> Members {
        self.members.known.without(&self.members.failed)
    }

    fn all_agree(&self) -> bool {
        self.proposed().is_subset(&self.members.consensus)
    }

    /// A join or a leave came.
    ///
    /// Source: corosync 3.1.7, `message_handler_memb_join`; `spec/totem-wire.md` D.4.
    /// Differs: corosync drops joins that it finds while it empties its sockets before a token,
    /// a leave too; we take them.
    pub(super) fn handle_join(&mut self, now: Instant, node: NodeId, join: Join) {
        self.stats.memb_join_rx += 1;
        if self.see_pause(now) {
            return;
        }
        let leaves = node == NodeId(0);
        if join.from == self.config.me && !self.is_our_view(&join) {
            return self.impossible("a join in this node's own name");
        }
        self.members.hearsay.hear(now, join.from);
        if leaves {
            self.members.left_properly.insert(join.from);
        }
        self.numbers.hear(join.ring_seq);
        let is_of_the_past = self.numbers.is_older(join.ring_seq, self.ring.seq);
        let of_new_ring = self.members.new.contains(&join.from) && !is_of_the_past;
        match self.state {
            State::Operational => {
                let old_news = self.members.current.contains(&join.from) && is_of_the_past;
                if !join.failed.contains(&self.config.me) && !old_news {
                    self.weigh_join(now, leaves, &join);
                }
            }
            State::Gather => self.weigh_join(now, leaves, &join),
            State::Commit if of_new_ring => {
                self.weigh_join(now, leaves, &join);
                self.gather(now, Reason::JoinCommit);
            }
            State::Recovery if of_new_ring => {
                self.weigh_join(now, leaves, &join);
                self.gather(now, Reason::JoinRecovery);
            }
            State::Commit if self.is_representative() => {
                self.take_along(now, leaves, &join);
            }
            State::Commit | State::Recovery | State::Left => {}
        }
    }

    /// Somebody new speaks while the commit token goes round: a ring that forms takes it along.
    ///
    /// Differs: the real representative doesn't hear it. Of many nodes that start together some
    /// do hear it; then no commit token comes round before the token timeout is over, and each
    /// node that is late costs all of them one.
    fn take_along(&mut self, now: Instant, leaves: bool, join: &Join) {
        let known = self.members.known.len();
        if !leaves && !self.members.known.contains(&join.from) {
            self.weigh_join(now, leaves, join);
        }
        if self.members.known.len() > known {
            self.gather(now, Reason::JoinCommit);
        }
    }

    fn is_our_view(&self, join: &Join) -> bool {
        Members::of(&join.processors) == self.members.known
            && Members::of(&join.failed) == self.members.failed
    }

    /// Source: corosync 3.1.7, `memb_join_process`; `spec/totem-wire.md` D.5.
    /// Differs: a join whose news we don't believe changes nothing, and isn't answered at once.
    /// corosync answers each with a join and starts its consensus timer anew; nodes that don't
    /// believe each other's failed lists then keep that up without end.
    fn weigh_join(&mut self, now: Instant, leaves: bool, join: &Join) {
        let processors = self.candidates(Members::of(&join.processors));
        let failed = self.candidates(Members::of(&join.failed));
        // In COMMIT and RECOVERY a gather follows in any case.
        let can_act = matches!(self.state, State::Operational | State::Gather);
        if processors == self.members.known && failed == self.members.failed {
            if !leaves {
                self.members.consensus.insert(join.from);
            }
            if can_act && self.all_agree() && self.commit_as_representative(now) {
                return;
            }
        } else if self.tells_something_new(join, &processors, &failed)
            && self.believe(join, &processors, &failed)
            && can_act
        {
            return self.gather(now, Reason::MergeJoin);
        }
        if self.state == State::Operational {
            self.gather(now, Reason::JoinOperational);
        }
    }

    /// Those of a join who may be there. What we know of, and so say ourselves, isn't taken back
    /// before consensus times out: others couldn't agree with us.
    fn candidates(&self, named: Members) -> Members {
        let members = &self.members;
        let sure = [&members.current, &members.known];
        members.hearsay.candidates(named, &sure)
    }

    fn tells_something_new(&mut self, join: &Join, processors: &Members, failed: &Members) -> bool {
        let members = &self.members;
        let old = processors.is_subset(&members.known) && failed.is_subset(&members.failed);
        if old || members.failed.contains(&join.from) {
            return false;
        }
        let mut all = processors.clone();
        all.merge(failed);
        all.insert(join.from);
        self.has_room_for(&all)
    }

    /// All that a node knows, gone or not, fits into its joins: others couldn't read longer
    /// ones, nor could it itself.
    pub(super) fn has_room_for(&mut self, others: &Members) -> bool {
        let mut all = self.members.known.clone();
        all.merge(&self.members.failed);
        all.merge(others);
        let fits = all.len() <= limits::TOTEM_MEMBERS_MAX;
        if !fits {
            self.impossible("more members than a ring can have");
        }
        fits
    }

    /// Takes over what a join says of others; true if that changes anything.
    fn believe(&mut self, join: &Join, processors: &Members, failed: &Members) -> bool {
        let members = &mut self.members;
        let before = (members.known.len(), members.failed.len());
        members.known.merge(processors);
        if failed.contains(&self.config.me) {
            members.failed.insert(join.from);
        } else if members.current.contains(&join.from) {
            members.failed.merge(failed);
        }
        before != (members.known.len(), members.failed.len())
    }

    /// All agree: the lowest makes the commit token. True if that is us.
    fn commit_as_representative(&mut self, now: Instant) -> bool {
        let me = self.config.me;
        if self.failed_to_receive {
            self.failed_to_receive = false;
            self.members.known = Members::one(me);
            self.members.failed = Members::default();
        } else if self.proposed().first() != Some(&me) {
            return false;
        }
        self.create_commit_token(now);
        true
    }

    /// Source: corosync 3.1.7, `memb_state_consensus_timeout_expired`; `spec/totem-wire.md` D.6.
    pub(super) fn consensus_expired(&mut self, now: Instant) {
        if self.state != State::Gather {
            return;
        }
        if self.all_agree() {
            // The representative's commit token is to come now.
            self.members.consensus = Members::one(self.config.me);
            self.set_token_loss(now);
            return;
        }
        self.stats.consensus_timeouts += 1;
        let consensus = self.config.timing.consensus;
        self.timers
            .set(Timer::Hearsay, now + DOUBT_CONSENSUS * consensus);
        let members = &mut self.members;
        members.hearsay.doubt(now, consensus);
        for set in [&mut members.known, &mut members.failed] {
            let named = std::mem::take(set);
            *set = members.hearsay.candidates(named, &[&members.current]);
        }
        let silent = members.known.without(&members.consensus);
        members.failed.merge(&silent);
        self.gather(now, Reason::ConsensusTimeout);
    }
}
