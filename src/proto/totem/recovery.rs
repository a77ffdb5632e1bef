//! RECOVERY: the new ring carries what members of the old one miss, so that all who come along
//! have the same of it.

use super::members::Members;
use super::output::{Note, Output};
use super::srp::{Srp, State};
use super::stream::{Stored, Stream};
use crate::time::Instant;
use crate::wire::totem::{Body, CommitToken, Entry, OrfToken, Seqno};

/// How far recovery is.
///
/// Source: corosync 3.1.7, `my_received_flg`, `my_retrans_flg_count`, `my_rotation_counter`,
/// `my_install_seq`, `my_set_retrans_flg`, `originated_orf_token`.
#[derive(Debug, Default)]
pub struct Progress {
    /// We have all of the old ring that is to be had.
    pub received: bool,
    /// We asked all to wait with the new ring.
    set_retrans_flg: bool,
    /// Tokens in a row on which nobody asked for that.
    quiet_tokens: u32,
    /// Tokens in a row on which all had everything.
    complete_tokens: u32,
    /// All must have everything up to here.
    install: Seqno,
    /// The first token of the ring was sent.
    pub started: bool,
}

impl Srp {
    /// The commit token came round: all members' parts are filled in.
    ///
    /// Source: corosync 3.1.7, `memb_state_recovery_enter`; `spec/totem-wire.md` D.10.
    pub(super) fn enter_recovery(&mut self, now: Instant, mut token: CommitToken) {
        self.rotation.discard = false;
        self.rotation.last_token_seq = Seqno::BEFORE_FIRST;
        self.rotation.aru_count = 0;
        self.rotation.seq_unchanged = 0;
        self.rotation.last_aru = Seqno::NONE;
        self.recovered = Stream::default();
        let received = self.progress.received;
        self.progress = Progress {
            received,
            ..Progress::default()
        };
        token.token_seq = token.token_seq.next();
        self.choose_old_messages(&token);
        let datagram = self.encode(self.node(), Body::CommitToken(token));
        self.rotation.last_token = Some(datagram.clone());
        self.output(Output::Unicast(self.rotation.target, datagram));
        self.enter(State::Recovery);
        match self.outbox.old_len() {
            0 => {}
            count => self.note(Note::Recovering(count)),
        }
        self.set_token_loss(now);
        self.set_token_retransmit(now);
    }

    /// Finds who comes along from our old ring, and what somebody of them may miss.
    fn choose_old_messages(&mut self, token: &CommitToken) {
        let old = self.old_ring;
        let along: Vec<&Entry> = token.members.iter().filter(|e| e.ring == old).collect();
        let along_members: Vec<_> = along.iter().map(|entry| entry.member).collect();
        self.members.transitional = self.members.current.common(&Members::of(&along_members));
        self.outbox.set_old(std::iter::empty());
        let ours = |entry: &&&Entry| self.members.transitional.contains(&entry.member);
        if along
            .iter()
            .filter(ours)
            .all(|entry| entry.received_flg != 0)
        {
            return;
        }
        let arus = along.iter().filter(ours).map(|entry| entry.aru);
        let low = arus.fold(self.stream.high(), Seqno::earlier);
        let (stream, outbox) = (&self.stream, &mut self.outbox);
        let mut seq = low;
        let numbers = std::iter::from_fn(|| {
            seq.is_before(stream.high()).then(|| {
                seq = seq.next();
                seq
            })
        });
        outbox.set_old(numbers.filter_map(|seq| stream.get(seq)));
    }

    /// The commit token came to the representative once more: all are in RECOVERY, the token can
    /// start.
    ///
    /// Source: corosync 3.1.7, `orf_token_send_initial`.
    pub(super) fn start_token(&mut self, now: Instant) {
        if std::mem::replace(&mut self.progress.started, true) {
            return;
        }
        let waiting = self.outbox.old_len() > 0;
        self.progress.set_retrans_flg = waiting;
        let token = OrfToken {
            seq: Seqno::NONE,
            token_seq: Seqno::NONE,
            aru: Seqno::BEFORE_FIRST,
            aru_addr: self.node(),
            ring: self.ring,
            backlog: 0,
            fcc: 0,
            retrans_flg: u32::from(waiting),
            requests: Vec::new(),
        };
        let datagram = self.encode(self.node(), Body::OrfToken(token));
        self.rotation.last_token = Some(datagram);
        self.send_last_token();
        self.set_token_loss(now);
        self.set_token_retransmit(now);
    }

    /// What a token says of recovery; true when the ring comes into use with it.
    ///
    /// Source: corosync 3.1.7, `message_handler_orf_token`; `spec/totem-wire.md` D.10 step 4.
    /// Differs: on a token that goes round idle the representative clears the flag, too: its
    /// setter may be gone, or never was. Who has something to send sets it again.
    pub(super) fn follow_recovery(&mut self, token: &mut OrfToken) -> bool {
        let idle = self.rotation.held && self.is_representative();
        let progress = &mut self.progress;
        if self.outbox.old_len() > 0 {
            if token.retrans_flg == 0 {
                token.retrans_flg = 1;
                progress.set_retrans_flg = true;
            }
        } else if token.retrans_flg != 0 && (progress.set_retrans_flg || idle) {
            token.retrans_flg = 0;
            progress.set_retrans_flg = false;
        }
        progress.quiet_tokens = match token.retrans_flg {
            0 => progress.quiet_tokens.saturating_add(1),
            _ => 0,
        };
        if progress.quiet_tokens == 2 {
            progress.install = token.seq;
        }
        if progress.quiet_tokens >= 2 && progress.install.is_at_most(self.recovered.aru()) {
            progress.received = true;
        }
        let complete = progress.quiet_tokens >= 3 && progress.install.is_at_most(token.aru);
        progress.complete_tokens = match complete {
            true => progress.complete_tokens + 1,
            false => 0,
        };
        progress.complete_tokens == 2
    }

    /// Puts what recovery brought of the old ring where it belongs.
    pub(super) fn install_recovered(&mut self) {
        let recovered = std::mem::take(&mut self.recovered);
        let inner: Vec<(Seqno, Stored)> = recovered
            .stored()
            .filter_map(|outer| self.inner_of(outer))
            .collect();
        for (seq, stored) in inner {
            self.stream.store(seq, stored);
        }
        self.recovered = recovered;
    }

    /// The message of the old ring that one of the new ring carries.
    fn inner_of(&self, outer: &Stored) -> Option<(Seqno, Stored)> {
        let (mcast, stored) = self.stored_of(outer.payload()).ok()?;
        (mcast.0 == self.old_ring).then_some((mcast.1, stored))
    }
}
