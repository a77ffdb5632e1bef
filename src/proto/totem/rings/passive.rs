//! One ring after the other.

use std::sync::Arc;

use super::{Bytes, Output, RingSet, Shared, TokenName, is_new};
use crate::time::Instant;

/// Whose turn it is, and what came over each ring.
#[derive(Debug)]
pub(super) struct Passive {
    /// The ring of the last message, and of the last token.
    message_ring: usize,
    token_ring: usize,
    last_token: Option<Bytes>,
    /// The ring over which it went again.
    again_ring: usize,
    /// When it goes over another ring, too, unless a token comes before.
    again_at: Option<Instant>,
    /// The last token that came.
    last: Option<TokenName>,
    /// By ring, more than over the one that brought least.
    messages: Vec<u32>,
    tokens: Vec<u32>,
    /// When those that are behind are forgiven one.
    forget_at: Option<Instant>,
}

impl Passive {
    pub(super) fn new(count: usize) -> Self {
        Self {
            message_ring: 0,
            token_ring: 0,
            last_token: None,
            again_ring: 0,
            last: None,
            again_at: None,
            messages: vec![0; count],
            tokens: vec![0; count],
            forget_at: None,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.forget_at.into_iter().chain(self.again_at).min()
    }

    pub(super) fn multicast(&mut self, good: RingSet) -> RingSet {
        next(&mut self.message_ring, good)
    }

    /// The ring for a token.
    ///
    /// Differs: with three members or more it goes over the next ring, too, when no token comes
    /// back before its time, so that a ring that fails doesn't cost the token. corosync's waits
    /// for `token_retransmit` at each member, and its next one goes where the last was lost.
    pub(super) fn unicast(&mut self, shared: &Shared, now: Instant, datagram: &Bytes) -> RingSet {
        let last = self.last_token.replace(datagram.clone());
        let sent_again = last.is_some_and(|last| Arc::ptr_eq(&last, datagram));
        let patience = shared.patience();
        let early = patience < shared.config.limits.token_expired_timeout;
        self.again_at = (early && !sent_again).then(|| now + patience);
        if sent_again {
            return next(&mut self.again_ring, shared.good());
        }
        let set = next(&mut self.token_ring, shared.good());
        self.again_ring = self.token_ring;
        set
    }

    fn send_again(&mut self, shared: &mut Shared) {
        let (Some(to), Some(token)) = (shared.target, &self.last_token) else {
            return;
        };
        let other = next(&mut self.again_ring, shared.good());
        for ring in other.iter().filter(|ring| *ring != self.token_ring) {
            shared.outputs.push_back(Output::Send {
                ring,
                to,
                datagram: token.to_vec(),
            });
        }
    }

    /// A token came over a ring. One that came before says nothing of the ring: it was sent
    /// again because another failed.
    pub(super) fn count_token(
        &mut self,
        shared: &mut Shared,
        now: Instant,
        (ring, name): (usize, TokenName),
    ) {
        if !is_new(self.last, name) {
            return;
        }
        self.last = Some(name);
        self.again_at = None;
        let most = shared.config.limits.problem_count_threshold;
        count(shared, &mut self.tokens, (now, ring, most));
        self.watch(shared, now);
    }

    /// Something else came over a ring.
    pub(super) fn count_message(&mut self, shared: &mut Shared, now: Instant, ring: usize) {
        let most = shared.config.limits.problem_count_mcast_threshold;
        count(shared, &mut self.messages, (now, ring, most));
        self.watch(shared, now);
    }

    fn watch(&mut self, shared: &Shared, now: Instant) {
        let uneven = self.tokens.iter().chain(&self.messages).any(|n| *n > 0);
        if uneven && self.forget_at.is_none() {
            self.forget_at = Some(now + shared.config.limits.problem_count_timeout);
        }
    }

    /// Who is behind is forgiven one: a ring that lost something once in a while is no fault.
    pub(super) fn handle_timeout(&mut self, shared: &mut Shared, now: Instant) {
        if self.again_at.is_some_and(|at| at <= now) {
            self.again_at = None;
            self.send_again(shared);
        }
        if self.forget_at.is_none_or(|at| at > now) {
            return;
        }
        self.forget_at = None;
        for came in [&mut self.tokens, &mut self.messages] {
            for more in came.iter_mut() {
                *more = more.saturating_sub(1);
            }
        }
        self.watch(shared, now);
    }

    /// A ring is used again: all begin anew.
    pub(super) fn forget(&mut self) {
        self.tokens.fill(0);
        self.messages.fill(0);
    }
}

fn next(last: &mut usize, good: RingSet) -> RingSet {
    let after = good.iter().find(|ring| *ring > *last);
    if let Some(ring) = after.or_else(|| good.iter().next()) {
        *last = ring;
    }
    RingSet::one(*last)
}

/// One more over this ring; rings in use that are too far behind it are faulty.
///
/// Source: corosync 2.4.6, `passive_monitor`
fn count(shared: &mut Shared, came: &mut [u32], (now, ring, most): (Instant, usize, u32)) {
    let Some(here) = came.get_mut(ring) else {
        return;
    };
    *here = here.saturating_add(1);
    let here = *here;
    for other in shared.good().iter().filter(|other| *other != ring) {
        if came
            .get(other)
            .is_some_and(|there| here - here.min(*there) > most)
        {
            shared.give_up(now, other, None);
        }
    }
    // What all brought counts for none.
    let good = shared.good();
    let least = good.iter().filter_map(|ring| came.get(ring)).min();
    let least = least.copied().unwrap_or(0);
    for more in came {
        *more = more.saturating_sub(least);
    }
}
