//! The token: who has it may send.

use super::output::{Bytes, Note, Output, Reason};
use super::srp::{Srp, State};
use super::stream::Stream;
use super::timers::Timer;
use crate::limits;
use crate::time::Instant;
use crate::wire::totem::{Body, OrfToken, Processor, Request, Seqno};

/// Tokens on which a message is asked for in vain: each is a chance for all who have it.
const HOLE_TOKENS: u32 = 200;

/// What is remembered from one token to the next.
#[derive(Debug, Default)]
pub struct Rotation {
    /// Tokens are of no use: a new ring is being looked for.
    pub discard: bool,
    /// Number of the last token that was taken (my_token_seq).
    pub last_token_seq: Seqno,
    /// `seq` of the last token (my_last_seq).
    last_seq: Seqno,
    /// Tokens in a row on which it was the same.
    pub seq_unchanged: u32,
    /// The ring is idle; who wants to send must say so first (my_token_held).
    pub held: bool,
    /// `aru` of the last token (my_last_aru).
    pub last_aru: Seqno,
    /// Tokens in a row on which somebody held it back (my_aru_count).
    pub aru_count: u32,
    /// What we sent last, for when it is lost.
    pub last_token: Option<Bytes>,
    /// The same while it isn't sent yet: the ring is idle, and we are its representative.
    in_hand: Option<OrfToken>,
    /// Who gets the token from us.
    pub target: Processor,
}

impl Srp {
    /// A token came.
    ///
    /// Source: corosync 3.1.7, `message_handler_orf_token`; `spec/totem-wire.md` D.7.
    /// Differs: a token of another ring is dropped before it counts as a rotation.
    pub(super) fn handle_token(&mut self, now: Instant, mut token: OrfToken) {
        let in_use = matches!(self.state, State::Operational | State::Recovery);
        if self.rotation.discard || !in_use || token.ring != self.ring {
            return;
        }
        if !self.is_within_window(&token) {
            return self.impossible("a token far from what we have");
        }
        self.count_rotation(now, token.seq);
        let constant = self.config.flow.seqno_unchanged_const;
        let unchanged = self.rotation.seq_unchanged;
        let representative = self.is_representative();
        self.rotation.held = match representative {
            true => unchanged > constant,
            false => unchanged >= constant,
        };
        if token.token_seq.is_at_most(self.rotation.last_token_seq) {
            return;
        }
        self.stats.orf_token_rx += 1;
        self.timers.stop(&[Timer::Heartbeat]);
        if self.state == State::Operational {
            self.release(token.aru);
        }
        let last_aru = std::mem::replace(&mut self.rotation.last_aru, token.aru);
        let retransmitted = self.exchange(&mut token);
        if self.config.flow.cancel_token_hold_on_retransmit
            && (retransmitted > 0 || !token.requests.is_empty())
        {
            self.rotation.held = false;
        }
        self.claim_aru(&mut token);
        self.count_held_back(&token, last_aru);
        if token.aru_addr == self.node() && self.rotation.aru_count > self.hole_tokens() {
            return self.give_up_hole(now);
        }
        // What somebody misses is asked for at full speed.
        self.rotation.held &= !representative || token.aru == token.seq;
        self.rotation.last_token_seq = token.token_seq;
        token.token_seq = token.token_seq.next();
        if self.state == State::Recovery && self.follow_recovery(&mut token) {
            self.enter_operational(now);
        }
        self.pass_on(now, token, representative && self.rotation.held);
        self.set_token_loss(now);
        if self.state == State::Operational {
            self.deliver();
        }
    }

    /// The numbers on it lie in the window that we could keep.
    fn is_within_window(&mut self, token: &OrfToken) -> bool {
        let stream = self.stream_in_use();
        let behind = token.seq.is_before(stream.released());
        behind || token.seq == stream.released() || stream.reaches(token.seq)
    }

    fn count_rotation(&mut self, now: Instant, seq: Seqno) {
        if seq == self.rotation.last_seq {
            if !self.timers.runs(Timer::MergeDetect) {
                let due = now + self.config.timing.merge;
                self.timers.set(Timer::MergeDetect, due);
            }
            self.rotation.seq_unchanged = self.rotation.seq_unchanged.saturating_add(1);
        } else {
            self.timers.stop(&[Timer::MergeDetect, Timer::Hold]);
            self.rotation.seq_unchanged = 0;
        }
        self.rotation.last_seq = seq;
    }

    /// Forgets what all have: two rounds agree on it, and we gave it to those above.
    fn release(&mut self, aru: Seqno) {
        let all_have = aru.earlier(self.rotation.last_aru);
        self.stream
            .release(all_have.earlier(self.stream.delivered()));
    }

    /// Sends again what others ask for, asks for what we miss, sends what is new; gives how many
    /// were sent again.
    fn exchange(&mut self, token: &mut OrfToken) -> u32 {
        let allowed = self.allowed(token);
        let again = self.retransmit(allowed, token);
        self.request(token);
        self.say(token, allowed, again);
        again
    }

    /// Packets that wait for the token.
    fn waiting(&self) -> u32 {
        let waiting = match self.state {
            State::Recovery => self.outbox.old_len(),
            _ => self.outbox.len(),
        };
        u32::try_from(waiting).unwrap_or(u32::MAX)
    }

    fn allowed(&self, token: &OrfToken) -> u32 {
        let before = (token.fcc, token.backlog);
        self.flow.allowed(&self.config.flow, before, self.waiting())
    }

    /// Sends what is new, after so many were sent again.
    fn say(&mut self, token: &mut OrfToken, allowed: u32, again: u32) {
        let (waiting, before) = (self.waiting(), (token.fcc, token.backlog));
        let mut allowed = allowed - again;
        let spared = allowed.saturating_add(self.config.flow.window_size);
        let room = limits::TOTEM_WINDOW_MESSAGES_MAX as u32;
        let limit = self
            .stream_in_use()
            .released()
            .plus(room.saturating_sub(spared));
        if limit.is_before(token.seq) {
            allowed = 0;
        }
        let (sent, seq) = self.send_new(allowed, token.seq);
        token.seq = seq;
        self.stream_in_use().note_high(seq);
        (token.fcc, token.backlog) = self.flow.account(before, again + sent, waiting);
    }

    /// Sends what is new with the token that we hold because the ring was idle; false if we
    /// don't.
    ///
    /// Differs: the real one asks itself for the token, sends it off as it was, and speaks when
    /// it has come round. As there, the token isn't one that came: its loss counts from when it
    /// did.
    pub(super) fn use_token_in_hand(&mut self, now: Instant) -> bool {
        let Some(mut token) = self.rotation.in_hand.take() else {
            return false;
        };
        self.timers.stop(&[Timer::Hold]);
        self.rotation.held = false;
        self.rotation.seq_unchanged = 0;
        let allowed = self.allowed(&token);
        self.say(&mut token, allowed, 0);
        self.claim_aru(&mut token);
        self.pass_on(now, token, false);
        self.deliver();
        true
    }

    /// Sends again what is asked for and there; takes it from the list.
    fn retransmit(&mut self, allowed: u32, token: &mut OrfToken) -> u32 {
        let mut again = 0;
        let mut left = Vec::with_capacity(token.requests.len());
        for request in std::mem::take(&mut token.requests) {
            let found = match again < allowed && request.ring == self.ring {
                true => self.stream_in_use().get(request.seq),
                false => None,
            };
            match found.map(|stored| stored.datagram.clone()) {
                Some(datagram) => {
                    self.multicast_message(datagram);
                    again += 1;
                }
                None if self.may_be_missed(&request, token) => left.push(request),
                None => {}
            }
        }
        token.requests = left;
        self.stats.mcast_retx += u64::from(again);
        again
    }

    /// False if all have it, or it was never sent: nobody would ever take it from the list.
    fn may_be_missed(&self, request: &Request, token: &OrfToken) -> bool {
        request.ring == self.ring
            && token.aru.is_before(request.seq)
            && request.seq.is_at_most(token.seq)
    }

    /// Adds what we miss to the list.
    fn request(&mut self, token: &mut OrfToken) {
        let miss_count = self.config.flow.miss_count_const;
        let most = limits::TOTEM_RTR_ENTRIES_MAX;
        let missed = self.stream_in_use().missed(token.seq, miss_count, most);
        let ring = self.ring;
        for seq in missed {
            let request = Request { ring, seq };
            if token.requests.len() < most && !token.requests.contains(&request) {
                token.requests.push(request);
                self.stats.rtr_requests += 1;
            }
        }
        if !token.requests.is_empty() {
            let list = token.requests.iter().map(|request| request.seq).collect();
            self.note(Note::RetransmitList(list));
        }
    }

    /// Says up to where we have all.
    fn claim_aru(&mut self, token: &mut OrfToken) {
        let (aru, node) = (self.stream_in_use().aru(), self.node());
        if aru.is_before(token.aru) || token.aru_addr == node || token.aru_addr.0 == 0 {
            token.aru = aru;
            token.aru_addr.0 = if aru == token.seq { 0 } else { node.0 };
        }
    }

    /// Counts tokens on which somebody misses the same message.
    fn count_held_back(&mut self, token: &OrfToken, last_aru: Seqno) {
        let rotation = &mut self.rotation;
        rotation.aru_count = match token.aru == last_aru && token.aru_addr.0 != 0 {
            true => rotation.aru_count.saturating_add(1),
            false => 0,
        };
    }

    /// After so many tokens what we miss is given up.
    fn hole_tokens(&self) -> u32 {
        self.config.flow.fail_recv_const.min(HOLE_TOKENS)
    }

    /// Nobody has what we miss, or nothing of what the others send comes here. On a new ring the
    /// members pass over what none of them has.
    ///
    /// Differs: the real one always thinks that it alone gets nothing, after fail_recv_const
    /// tokens, and makes a ring of its own; so we do where that is less.
    fn give_up_hole(&mut self, now: Instant) {
        if self.rotation.aru_count <= self.config.flow.fail_recv_const {
            return self.gather(now, Reason::Hole);
        }
        self.note(Note::FailedToReceive);
        self.failed_to_receive = true;
        self.members.failed.insert(self.config.me);
        self.gather(now, Reason::FailedToReceive);
    }

    fn pass_on(&mut self, now: Instant, token: OrfToken, hold: bool) {
        self.rotation.in_hand = hold.then(|| token.clone());
        let datagram = self.encode(self.node(), Body::OrfToken(token));
        self.rotation.last_token = Some(datagram);
        let timing = self.config.timing;
        if hold {
            self.timers.set(Timer::Hold, now + timing.hold);
        } else {
            self.send_last_token();
            if !timing.heartbeat.is_zero() && timing.heartbeat < timing.token {
                self.timers.set(Timer::Heartbeat, now + timing.heartbeat);
            }
        }
        self.set_token_retransmit(now);
    }

    /// Sends what we sent last to the next member.
    pub(super) fn send_last_token(&mut self) {
        self.rotation.in_hand = None;
        if let Some(datagram) = self.rotation.last_token.clone() {
            self.stats.orf_token_tx += 1;
            self.output(Output::Unicast(self.rotation.target, datagram));
        }
    }

    pub(super) fn retransmit_token(&mut self, now: Instant) {
        if matches!(
            self.state,
            State::Operational | State::Commit | State::Recovery
        ) {
            self.send_last_token();
            self.set_token_retransmit(now);
        }
    }

    pub(super) fn set_token_loss(&mut self, now: Instant) {
        let timing = self.config.timing;
        self.timers.set(Timer::TokenLoss, now + timing.token);
        if !timing.token_warning.is_zero() {
            self.timers
                .set(Timer::TokenWarning, now + timing.token_warning);
        }
    }

    pub(super) fn set_token_retransmit(&mut self, now: Instant) {
        let due = now + self.config.timing.token_retransmit;
        self.timers.set(Timer::TokenRetransmit, due);
    }

    /// Messages of the ring whose token goes round.
    pub(super) fn stream_in_use(&mut self) -> &mut Stream {
        match self.state {
            State::Recovery => &mut self.recovered,
            _ => &mut self.stream,
        }
    }
}
