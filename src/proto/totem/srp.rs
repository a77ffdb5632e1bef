//! The machine: its state, its inputs, and who handles them.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::config::Config;
use super::flow_control::FlowControl;
use super::hearsay::Hearsay;
use super::members::Members;
use super::outbox::{Outbox, QueueFull};
use super::output::{Bytes, Note, Output, Reason};
use super::recovery::Progress;
use super::ring_seq::RingNumbers;
use super::stats::Stats;
use super::stream::Stream;
use super::timers::{Timer, Timers};
use super::token::Rotation;
use crate::ids::NodeId;
use crate::proto::rng::Rng;
use crate::time::Instant;
use crate::wire::totem::{
    Body, Datagram, Dialect, HoldCancel, Join, MergeDetect, Processor, RingId,
};

/// Where the machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The ring is in use.
    Operational,
    /// Members for a new one are being gathered.
    Gather,
    /// They agree; the commit token goes round.
    Commit,
    /// The new ring carries what members miss of the old one.
    Recovery,
    /// This node has left.
    Left,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Operational => "OPERATIONAL",
            Self::Gather => "GATHER",
            Self::Commit => "COMMIT",
            Self::Recovery => "RECOVERY",
            Self::Left => "LEFT",
        })
    }
}

/// Who is in the ring, and who is to be.
#[derive(Debug, Default)]
pub(super) struct Membership {
    /// Members of the ring in use, or of the last that was.
    pub current: Members,
    /// All that were heard of (proc).
    pub known: Members,
    /// Those of them that are believed gone.
    pub failed: Members,
    /// Who agrees with us on both.
    pub consensus: Members,
    /// Members of the ring that is being formed.
    pub new: Members,
    /// Those of them that come along from our old ring.
    pub transitional: Members,
    /// Who said that it leaves.
    pub left_properly: Members,
    /// Who speaks, and who is only named.
    pub hearsay: Hearsay,
}

/// The single ring protocol of one node.
///
/// The driver hands in datagrams and time and does what comes out (see [`crate::proto`]); what
/// the machine sends to this node itself comes back as [`Output::Unicast`] only for tokens.
pub struct Srp {
    pub(super) config: Config,
    pub(super) state: State,
    pub(super) timers: Timers,
    pub(super) members: Membership,
    /// The ring in use, or the one being formed.
    pub(super) ring: RingId,
    /// The last ring that was in use.
    pub(super) old_ring: RingId,
    /// Numbers of rings that others named.
    pub(super) numbers: RingNumbers,
    /// Messages of the ring in use, or of the last that was.
    pub(super) stream: Stream,
    /// In recovery: messages of the ring being formed.
    pub(super) recovered: Stream,
    pub(super) progress: Progress,
    pub(super) rotation: Rotation,
    pub(super) flow: FlowControl,
    pub(super) outbox: Outbox,
    /// Messages that were sent since the start (this_seqno).
    pub(super) sent_ever: u32,
    /// We asked for a ring of our own, because nothing arrives.
    pub(super) failed_to_receive: bool,
    pub(super) stats: Stats,
    pause_seen: Instant,
    /// What we multicast, for ourselves.
    own: VecDeque<Bytes>,
    outputs: VecDeque<Output>,
    /// Where datagrams are made.
    scratch: Vec<u8>,
    rng: Rng,
}

impl fmt::Debug for Srp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Srp");
        shown.field("state", &self.state).field("ring", &self.ring);
        shown.finish_non_exhaustive()
    }
}

impl Srp {
    /// A node that starts: it looks for a ring at once.
    pub fn new(config: Config, now: Instant, seed: u64) -> Self {
        // So that a representative that crashed doesn't use the number of its ring again.
        let ring_seq = match config.dialect {
            Dialect::V1 => config.ring_seq,
            Dialect::V2 | Dialect::V3 => config.ring_seq.saturating_add(1),
        };
        let ring = RingId {
            rep: config.me.addresses[0],
            seq: ring_seq,
        };
        let mut srp = Self {
            state: State::Gather,
            timers: Timers::default(),
            members: Membership::default(),
            ring,
            old_ring: ring,
            numbers: RingNumbers::new(ring_seq),
            stream: Stream::default(),
            recovered: Stream::default(),
            progress: Progress::default(),
            rotation: Rotation::default(),
            flow: FlowControl::default(),
            outbox: Outbox::default(),
            sent_ever: 0,
            failed_to_receive: false,
            stats: Stats::default(),
            pause_seen: now,
            own: VecDeque::new(),
            outputs: VecDeque::new(),
            scratch: Vec::new(),
            rng: Rng::new(seed),
            config,
        };
        srp.outbox.start_sync();
        srp.timers.set(Timer::PauseTick, now + srp.pause_tick());
        srp.gather(now, Reason::InterfaceChange);
        srp.hear_ourselves(now);
        srp
    }

    /// Other timers and constants: what is set already runs to its end.
    pub fn set_timing(&mut self, timing: super::Timing, flow: super::Flow) {
        self.config.timing = timing;
        self.config.flow = flow;
    }

    /// A datagram came, from whatever socket; in 2.x and 1.4 what is inside its frame.
    pub fn handle_datagram(&mut self, now: Instant, bytes: &[u8]) {
        self.handle(now, bytes);
        self.hear_ourselves(now);
    }

    /// Something is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.see_pause(now);
        while let Some(timer) = self.timers.pop(now) {
            self.expire(now, timer);
            self.hear_ourselves(now);
        }
    }

    /// Puts a packet of totempg into the queue for the token. While those above synchronise it
    /// waits: an application's order begins when all are at the same point.
    pub fn send(&mut self, now: Instant, packet: Vec<u8>) -> Result<(), QueueFull> {
        self.outbox.push(packet)?;
        self.ask_for_token(now);
        Ok(())
    }

    /// The same for a packet of those who synchronise, from a regular configuration until
    /// [`Self::sync_completed`].
    pub fn send_sync(&mut self, now: Instant, packet: Vec<u8>) -> Result<(), QueueFull> {
        self.outbox.push_sync(packet)?;
        self.ask_for_token(now);
        Ok(())
    }

    /// True if [`Self::send`] takes another packet.
    pub fn has_room(&self) -> bool {
        self.outbox.has_room()
    }

    /// True if [`Self::send_sync`] takes another packet.
    pub fn has_room_for_sync(&self) -> bool {
        self.outbox.has_room_for_sync()
    }

    /// Those above have synchronised on this ring: other packets may go. When the last they
    /// waited for came with the end of that ring, they are too late, and the next ring's turn
    /// has begun: then nothing happens.
    pub fn sync_completed(&mut self, now: Instant, ring: RingId) {
        if ring == self.old_ring {
            self.outbox.end_sync();
            self.timers.stop(&[Timer::Sync]);
            self.ask_for_token(now);
        }
    }

    /// The representative lets go of a token that it holds, if we have something to send.
    fn ask_for_token(&mut self, now: Instant) {
        let wanted = self.outbox.len() > 0 && self.state == State::Operational;
        if !wanted || self.use_token_in_hand(now) {
            return;
        }
        if std::mem::take(&mut self.rotation.held) {
            let body = Body::HoldCancel(HoldCancel { ring: self.ring });
            self.multicast_control(self.node(), body);
            self.hear_ourselves(now);
        }
    }

    /// The interface went away, or is back.
    pub fn interface_changed(&mut self, now: Instant) {
        if self.state != State::Left {
            self.gather(now, Reason::InterfaceChange);
            self.hear_ourselves(now);
        }
    }

    /// Leaves the ring: the others form a new one at once.
    ///
    /// Source: corosync 3.1.7, `memb_leave_message_send`; `spec/totem-wire.md` A.4.
    pub fn leave(&mut self) {
        if self.state == State::Left {
            return;
        }
        let me = self.config.me;
        let without_me = |set: &Members| set.without(&Members::one(me)).to_vec();
        let mut failed = without_me(&self.members.failed);
        failed.push(me);
        let join = Join {
            from: match self.config.dialect {
                Dialect::V3 => me,
                Dialect::V2 | Dialect::V1 => me.without_number(),
            },
            processors: without_me(&self.members.known),
            failed,
            ring_seq: self.ring.seq,
        };
        self.multicast_control(NodeId(0), Body::Join(join));
        self.own.clear();
        self.timers.stop_all();
        self.enter(State::Left);
    }

    /// The next thing to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Where the machine is.
    pub fn state(&self) -> State {
        self.state
    }

    /// The ring in use, or the one being formed.
    pub fn ring(&self) -> RingId {
        self.ring
    }

    /// Members of the ring in use, or of the last that was.
    pub fn members(&self) -> &[Processor] {
        self.members.current.as_slice()
    }

    /// How far what was given out has come: the number of the last packet, and of the last that
    /// all members are known to have. Both count from anew on each ring.
    pub fn reached(&self) -> super::Reached {
        super::Reached {
            delivered: self.stream.delivered(),
            stable: self.stream.released(),
        }
    }

    /// Packets that wait for the token.
    pub fn backlog(&self) -> usize {
        self.outbox.len()
    }

    /// True from a transitional configuration to [`Self::sync_completed`].
    pub fn is_synchronising(&self) -> bool {
        self.outbox.is_synchronising()
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    fn handle(&mut self, now: Instant, bytes: &[u8]) {
        if self.state == State::Left {
            return;
        }
        let datagram = match Datagram::decode(bytes, self.config.dialect) {
            Ok(datagram) => datagram,
            Err(error) => {
                self.stats.rx_msg_dropped += 1;
                return self.note(Note::Refused(error));
            }
        };
        match datagram.body {
            Body::Mcast(mcast) => {
                self.handle_mcast(now, (datagram.node, datagram.order), &mcast, bytes);
            }
            Body::OrfToken(token) if datagram.surplus == 0 => self.handle_token(now, token),
            Body::OrfToken(_) => self.impossible("a token with bytes behind it"),
            Body::Join(join) => self.handle_join(now, datagram.node, join),
            Body::CommitToken(token) => self.handle_commit_token(now, token),
            Body::MergeDetect(detect) => self.handle_merge_detect(now, &detect),
            Body::HoldCancel(cancel) => self.handle_hold_cancel(now, cancel),
            // Redundant rings are the driver's matter.
            Body::RingTest(_) => {}
        }
    }

    fn handle_merge_detect(&mut self, now: Instant, detect: &MergeDetect) {
        if detect.ring != self.ring {
            let reasons = (Reason::MergeOperational, Reason::MergeGather);
            self.hear_of_stranger(now, (detect.from, detect.ring), reasons);
        }
    }

    /// Somebody of another ring is there.
    ///
    /// Differs: corosync looks for a new ring also when it hears again what a member said on an
    /// earlier one, be it late or sent again by somebody else.
    pub(super) fn hear_of_stranger(
        &mut self,
        now: Instant,
        (stranger, ring): (Processor, RingId),
        (operational, gather): (Reason, Reason),
    ) {
        if self.members.current.contains(&stranger)
            && self.numbers.is_older(ring.seq, self.old_ring.seq)
        {
            return;
        }
        self.members.hearsay.hear(now, stranger);
        match self.state {
            State::Operational => {
                if self.learn_of(stranger).is_some() {
                    self.gather(now, operational);
                }
            }
            State::Gather => {
                if self.learn_of(stranger) == Some(true) {
                    self.gather(now, gather);
                }
            }
            State::Commit | State::Recovery | State::Left => {}
        }
    }

    /// Adds a processor to those that are known; true if it was new, `None` if there is no room.
    fn learn_of(&mut self, stranger: Processor) -> Option<bool> {
        self.has_room_for(&Members::one(stranger))
            .then(|| self.members.known.insert(stranger))
    }

    /// Source: corosync 3.1.7, `message_handler_token_hold_cancel`.
    fn handle_hold_cancel(&mut self, now: Instant, cancel: HoldCancel) {
        if cancel.ring != self.ring {
            return;
        }
        self.rotation.seq_unchanged = 0;
        if self.is_representative() {
            self.retransmit_token(now);
        }
    }

    /// Source: `spec/totem-wire.md` D.3.
    fn expire(&mut self, now: Instant, timer: Timer) {
        match timer {
            Timer::TokenLoss | Timer::Heartbeat => self.token_lost(now),
            Timer::TokenWarning => self.warn_of_late_token(now),
            Timer::TokenRetransmit => self.retransmit_token(now),
            Timer::Hold => {
                if matches!(self.state, State::Operational | State::Recovery) {
                    self.send_last_token();
                }
            }
            Timer::MergeDetect => {
                if self.state == State::Operational && self.is_representative() {
                    let (from, ring) = (self.config.me, self.ring);
                    let body = Body::MergeDetect(MergeDetect { from, ring });
                    self.multicast_control(self.node(), body);
                }
            }
            Timer::Join => self.join_again(now),
            Timer::SendJoin => self.send_join_now(),
            Timer::Consensus => self.consensus_expired(now),
            Timer::Sync => self.gather(now, Reason::NotInStep),
            Timer::Hearsay => self.members.hearsay.trust(),
            Timer::PauseTick => {
                self.pause_seen = now;
                self.timers.set(Timer::PauseTick, now + self.pause_tick());
            }
        }
    }

    fn token_lost(&mut self, now: Instant) {
        self.stats.token_lost += 1;
        match self.state {
            State::Operational => {
                self.note(Note::TokenLost {
                    token: self.config.timing.token,
                    consensus: self.config.timing.consensus,
                });
                self.gather(now, Reason::TokenLostOperational);
            }
            State::Gather => {
                self.consensus_expired(now);
                self.gather(now, Reason::CommitTokenLost);
            }
            State::Commit => self.gather(now, Reason::TokenLostCommit),
            State::Recovery => self.gather(now, Reason::TokenLostRecovery),
            State::Left => {}
        }
    }

    fn warn_of_late_token(&mut self, now: Instant) {
        let warning = self.config.timing.token_warning;
        self.note(Note::TokenLate(warning));
        self.timers.set(Timer::TokenWarning, now + warning);
    }

    fn pause_tick(&self) -> Duration {
        self.config.timing.token / 5
    }

    /// Were we not run for long? What waits in the sockets is then older than that: joins among
    /// it would make us form rings with those who have long given us up.
    ///
    /// Source: corosync 3.1.7, `pause_flush`; it looks only when a join comes, we at each timeout
    /// too.
    pub(super) fn see_pause(&mut self, now: Instant) -> bool {
        let pause = now.since(self.pause_seen);
        if pause <= self.config.timing.token / 2 || self.state == State::Left {
            return false;
        }
        self.pause_seen = now;
        self.timers.set(Timer::PauseTick, now + self.pause_tick());
        self.note(Note::Paused(pause));
        self.outputs.push_back(Output::DiscardReceived);
        true
    }

    /// True if this node made the ring.
    pub(super) fn is_representative(&self) -> bool {
        self.ring.rep == self.config.me.addresses[0]
    }

    pub(super) fn node(&self) -> NodeId {
        self.config.me.node()
    }

    pub(super) fn enter(&mut self, state: State) {
        self.state = state;
        self.note(Note::Entered(state));
    }

    pub(super) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(super) fn note(&mut self, note: Note) {
        self.outputs.push_back(Output::Note(note));
    }

    pub(super) fn impossible(&mut self, what: &'static str) {
        self.stats.rx_msg_dropped += 1;
        self.note(Note::Impossible(what));
    }

    pub(super) fn encode(&mut self, node: NodeId, body: Body) -> Bytes {
        self.scratch.clear();
        Datagram::new(node, body).encode_into(self.config.dialect, &mut self.scratch);
        self.scratch.as_slice().into()
    }

    /// Sends to all, this node too: its own joins and cancels count for it as others' do.
    pub(super) fn multicast_control(&mut self, node: NodeId, body: Body) {
        let bytes = self.encode(node, body);
        self.own.push_back(bytes.clone());
        self.output(Output::Multicast(bytes));
    }

    fn hear_ourselves(&mut self, now: Instant) {
        while let Some(bytes) = self.own.pop_front() {
            self.handle(now, &bytes);
        }
    }

    /// A random part of a span.
    pub(super) fn part_of(&mut self, span: Duration) -> Duration {
        let ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.rng.between(0, ms))
    }
}
