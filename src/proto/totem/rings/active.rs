//! Everything on all rings.

use super::{Note, Output, RingSet, Shared, TokenName, is_new};
use crate::time::Instant;
use crate::wire::totem::Seqno;

/// What is remembered of the last token, and of each ring.
#[derive(Debug)]
pub(super) struct Active {
    last: Option<TokenName>,
    /// Rings over which it came.
    came: RingSet,
    /// It waits here for the other rings.
    waiting: Option<Vec<u8>>,
    /// Until then.
    expires: Option<Instant>,
    /// By ring.
    problems: Vec<u32>,
    /// When the next problem is forgotten.
    forget_at: Option<Instant>,
}

impl Active {
    pub(super) fn new(count: usize) -> Self {
        Self {
            last: None,
            came: RingSet::default(),
            waiting: None,
            expires: None,
            problems: vec![0; count],
            forget_at: None,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.expires.into_iter().chain(self.forget_at).min()
    }

    /// A token came over a ring: true if it came over all that are in use now.
    ///
    /// Source: corosync 2.4.6, `active_token_recv`. Differs: a token of another ring is a new
    /// one, whatever its number.
    pub(super) fn handle_token(
        &mut self,
        shared: &mut Shared,
        now: Instant,
        (ring, name, bytes): (usize, TokenName, &[u8]),
    ) -> bool {
        let is_new = is_new(self.last, name);
        if is_new {
            // One that still waits is of a ring that is past, or all would have passed it on.
            self.deliver(shared);
            self.last = Some(name);
            self.came = RingSet::default().with(ring);
        } else if self.last == Some(name) {
            self.came = self.came.with(ring);
            if self.waiting.is_none() {
                return false;
            }
        } else {
            return false;
        }
        let good = shared.good();
        if self.came.covers(good) {
            self.waiting = None;
            self.expires = None;
            return true;
        }
        if is_new {
            self.waiting = Some(bytes.to_vec());
            self.expires = Some(now + shared.patience());
        }
        false
    }

    pub(super) fn handle_timeout(&mut self, shared: &mut Shared, now: Instant) {
        if self.expires.is_some_and(|at| at <= now) {
            let token = self.last.map_or(Seqno::NONE, |(_, seq)| seq);
            let came = self.came;
            for ring in shared.good().iter().filter(|ring| !came.has(*ring)) {
                self.blame(shared, now, (ring, token));
            }
            self.deliver(shared);
        }
        if self.forget_at.is_some_and(|at| at <= now) {
            self.forget_one(shared, now);
        }
    }

    /// The rings over which the token didn't come have a problem more.
    fn blame(&mut self, shared: &mut Shared, now: Instant, (ring, token): (usize, Seqno)) {
        let most = shared.config.limits.problem_count_threshold;
        self.problems[ring] = self.problems[ring].saturating_add(1).min(most);
        let count = self.problems[ring];
        let note = Note::Problem {
            token,
            address: shared.config.addresses[ring],
            count: (count, most),
        };
        shared.say(ring, note);
        if count >= most {
            shared.give_up(now, ring, Some(token));
        }
        let forget = shared.config.limits.problem_count_timeout;
        self.forget_at.get_or_insert(now + forget);
    }

    fn forget_one(&mut self, shared: &mut Shared, now: Instant) {
        let most = shared.config.limits.problem_count_threshold;
        for ring in 0..self.problems.len() {
            if self.problems[ring] == 0 || shared.faulty.has(ring) {
                continue;
            }
            self.problems[ring] -= 1;
            let count = self.problems[ring];
            let note = Note::Forgotten {
                address: shared.config.addresses[ring],
                count: (count, most),
            };
            shared.say(ring, note);
            if count == 0 {
                shared.is_well(ring);
            }
        }
        let left = self.problems.iter().any(|count| *count > 0);
        let forget = shared.config.limits.problem_count_timeout;
        self.forget_at = left.then(|| now + forget);
    }

    /// A ring is used again.
    pub(super) fn forget(&mut self, ring: usize) {
        if let Some(count) = self.problems.get_mut(ring) {
            *count = 0;
        }
    }

    fn deliver(&mut self, shared: &mut Shared) {
        self.expires = None;
        if let Some(token) = self.waiting.take() {
            shared.outputs.push_back(Output::Deliver(token));
        }
    }
}
