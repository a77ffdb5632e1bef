//! The order of one view: its first member gives places, all keep what isn't everywhere yet.

use std::collections::{BTreeMap, VecDeque};

use crate::ids::NodeName;
use crate::wire::ordered::{Frame, Ordered, View};

/// Pieces that may have places without being everywhere. Ours: with those that wait at senders
/// well below the 500 messages that a node of heartbeat keeps for others.
const WINDOW_PIECES_MAX: u64 = 64;

/// Bytes of pieces that may have places without being everywhere, more than one piece of them.
/// Ours: half of what our media's sockets hold for a reader that is busy.
const WINDOW_BYTES_MAX: usize = 1024 * 1024;

/// Pieces of one sender that may wait for their place. Ours: as many bytes at most.
pub(super) const SUBMITTED_MAX: u64 = 20;

/// After so many pieces a member says that it has them, though more follow.
const TELL_AFTER: u64 = 16;

/// A frame for one member, or for all.
pub(super) type Letter = (Option<NodeName>, Frame);

/// What the first member keeps.
#[derive(Debug)]
struct Orderer {
    /// The last place that was given.
    last: u64,
    /// Lengths of pieces that have places and aren't everywhere.
    lengths: VecDeque<usize>,
    /// Their sum.
    bytes: usize,
    /// The number that each sender's last piece had.
    numbers: Vec<u64>,
    /// The same of the last that got a place.
    placed: Vec<u64>,
    /// Senders of which something is missing.
    holes: Vec<bool>,
    waiting: VecDeque<(u16, u64, Vec<u8>)>,
}

/// The pieces of a view.
#[derive(Debug)]
pub(super) struct Round {
    view: View,
    /// Ascending.
    members: Vec<NodeName>,
    own: u16,
    /// What came and isn't known to be everywhere, or wasn't given out.
    log: BTreeMap<u64, Ordered>,
    /// What each member has without a hole, by position.
    have: Vec<u64>,
    delivered: u64,
    /// All have the pieces up to this place.
    stable: u64,
    /// The last place that was heard of.
    last: u64,
    /// The place that this member said last it has.
    told: u64,
    orderer: Option<Orderer>,
}

impl Round {
    /// A view of which nothing was heard. Of its members, `local` is one.
    pub(super) fn new(view: View, members: Vec<NodeName>, local: &NodeName) -> Self {
        assert!(members.is_sorted(), "positions are the same everywhere");
        let own = members.iter().position(|name| name == local).unwrap_or(0);
        let orderer = (own == 0).then(|| Orderer {
            last: 0,
            lengths: VecDeque::new(),
            bytes: 0,
            numbers: vec![0; members.len()],
            placed: vec![0; members.len()],
            holes: vec![false; members.len()],
            waiting: VecDeque::new(),
        });
        Self {
            view,
            own: u16::try_from(own).unwrap_or(u16::MAX),
            have: vec![0; members.len()],
            members,
            log: BTreeMap::new(),
            delivered: 0,
            stable: 0,
            last: 0,
            told: 0,
            orderer,
        }
    }

    pub(super) fn view(&self) -> &View {
        &self.view
    }

    pub(super) fn members(&self) -> &[NodeName] {
        &self.members
    }

    pub(super) fn own(&self) -> u16 {
        self.own
    }

    pub(super) fn orderer(&self) -> Option<&NodeName> {
        self.members.first()
    }

    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// All up to this place is here.
    pub(super) fn have(&self) -> u64 {
        self.have[usize::from(self.own)]
    }

    /// All up to this place is with every member.
    pub(super) fn stable(&self) -> u64 {
        self.stable
    }

    /// A piece with its place; what this member has to say to that. `more`: the next one follows.
    pub(super) fn handle_ordered(
        &mut self,
        stable: u64,
        more: bool,
        ordered: Ordered,
    ) -> Option<Letter> {
        let place = ordered.place;
        self.last = self.last.max(place);
        let far = self.have().saturating_add(4 * WINDOW_PIECES_MAX);
        let sender_is = usize::from(ordered.sender) < self.members.len();
        let mut here = self.have();
        if sender_is && (here + 1..=far).contains(&place) {
            self.log.entry(place).or_insert(ordered);
            while self.log.contains_key(&(here + 1)) {
                here += 1;
            }
        }
        self.raise_stable(stable);
        if self.own != 0 {
            // Who gives the places has what it gave.
            self.member_has(0, place.min(far));
        }
        self.member_has(self.own.into(), here);
        let more_comes = more || here < self.last;
        let due = here > self.told && (!more_comes || here >= self.told + TELL_AFTER);
        due.then(|| self.tell()).flatten()
    }

    /// The member at this position has all up to the place.
    fn member_has(&mut self, at: usize, have: u64) {
        let known = &mut self.have[at];
        *known = (*known).max(have);
        self.raise_stable(self.have.iter().copied().min().unwrap_or(0));
    }

    /// All have the pieces up to this place; what was given out of them needs no keeping.
    fn raise_stable(&mut self, stable: u64) {
        // Nobody knows of more than this member has.
        self.stable = self.stable.max(stable.min(self.have()));
        if let Some(orderer) = &mut self.orderer {
            orderer.trim(self.stable);
        }
        self.forget();
    }

    fn forget(&mut self) {
        let end = self.stable.min(self.delivered);
        while let Some(first) = self.log.first_entry()
            && *first.key() <= end
        {
            first.remove();
        }
    }

    /// Of this view nothing above what was given out counts any more.
    pub(super) fn close(&mut self) {
        let _ = self.log.split_off(&(self.delivered + 1));
        self.have[usize::from(self.own)] = self.delivered;
    }

    /// The next piece in order, if it is here and not above `limit`.
    pub(super) fn next(&mut self, limit: u64) -> Option<(NodeName, Ordered)> {
        if self.delivered >= limit {
            return None;
        }
        let ordered = self.log.get(&(self.delivered + 1))?.clone();
        let sender = self.members.get(usize::from(ordered.sender))?.clone();
        self.delivered += 1;
        self.forget();
        Some((sender, ordered))
    }

    /// Pieces in these places, as far as they are here.
    pub(super) fn kept(&self, first: u64, last: u64) -> impl Iterator<Item = Frame> {
        let places = (first <= last).then(|| self.log.range(first..=last));
        let stable = self.stable;
        let frame = move |(place, ordered): (&u64, &Ordered)| Frame::Ordered {
            stable,
            more: *place < last,
            ordered: ordered.clone(),
        };
        places.into_iter().flatten().map(frame)
    }

    /// The first member is asked for a place; what it has to say to the sender.
    pub(super) fn handle_submit(
        &mut self,
        from: &NodeName,
        number: u64,
        piece: Vec<u8>,
    ) -> Option<Letter> {
        let at = self.members.iter().position(|name| name == from)?;
        let orderer = self.orderer.as_mut()?;
        let wanted = orderer.numbers[at] + 1;
        if number > wanted && !std::mem::replace(&mut orderer.holes[at], true) {
            return Some((Some(from.clone()), Frame::Missing { number: wanted }));
        }
        // Who submits more than it may is heard when it submits that again.
        if number == wanted && number <= orderer.placed[at] + SUBMITTED_MAX {
            orderer.numbers[at] = number;
            orderer.holes[at] = false;
            let sender = u16::try_from(at).unwrap_or(u16::MAX);
            orderer.waiting.push_back((sender, number, piece));
        }
        None
    }

    /// The next piece gets its place, as long as the others keep up.
    pub(super) fn order(&mut self) -> Option<Frame> {
        let stable = self.stable;
        let orderer = self.orderer.as_mut().filter(|o| !o.is_full(stable))?;
        let (sender, number, piece) = orderer.waiting.pop_front()?;
        orderer.last += 1;
        orderer.bytes += piece.len();
        orderer.lengths.push_back(piece.len());
        if let Some(placed) = orderer.placed.get_mut(usize::from(sender)) {
            *placed = number;
        }
        let ordered = Ordered {
            place: orderer.last,
            sender,
            number,
            piece,
        };
        let more = !orderer.waiting.is_empty() && !orderer.is_full(stable);
        Some(Frame::Ordered {
            stable,
            more,
            ordered,
        })
    }

    /// A member has all up to a place.
    pub(super) fn handle_have(&mut self, from: &NodeName, have: u64) {
        let at = self.members.iter().position(|name| name == from);
        if let Some(at) = at.filter(|at| *at != usize::from(self.own)) {
            self.member_has(at, have);
        }
    }

    /// The first member asks how far this one is, or another one asks the first.
    pub(super) fn handle_beat(
        &mut self,
        from: &NodeName,
        last: u64,
        stable: u64,
    ) -> Option<Letter> {
        if let Some(orderer) = &self.orderer {
            let (last, stable) = (orderer.last, self.stable);
            let own = self.members.first() == Some(from);
            return (!own).then(|| (Some(from.clone()), Frame::Beat { last, stable }));
        }
        self.last = self.last.max(last);
        self.raise_stable(stable);
        self.wanted().or_else(|| self.tell())
    }

    /// What is missing here.
    fn wanted(&self) -> Option<Letter> {
        let have = self.have();
        let hole_ends = self
            .log
            .range(have + 1..)
            .next()
            .map(|(place, _)| place - 1);
        let last = hole_ends.unwrap_or(self.last);
        let want = Frame::Want {
            first: have + 1,
            last,
        };
        (last > have && self.own != 0).then(|| (self.orderer().cloned(), want))
    }

    /// Says to all how far this member is; of the first they know it by what it orders.
    fn tell(&mut self) -> Option<Letter> {
        self.told = self.have();
        (self.own != 0).then_some((None, Frame::Have { have: self.told }))
    }

    /// True if nothing is under way that could have been lost.
    pub(super) fn is_quiet(&self) -> bool {
        let given = self.orderer.as_ref().map_or(0, |orderer| orderer.last);
        given.max(self.last) <= self.stable
    }

    /// Time passed and something is under way: asks for what is missing, and how far the others
    /// are.
    pub(super) fn repair(&mut self) -> Vec<Letter> {
        let mut letters: Vec<Letter> = self.wanted().into_iter().collect();
        let stable = self.stable;
        match &mut self.orderer {
            Some(orderer) => {
                orderer.holes.fill(false);
                let last = orderer.last;
                if last > stable {
                    letters.push((None, Frame::Beat { last, stable }));
                }
            }
            None if letters.is_empty() && self.last > stable => {
                let last = self.last;
                letters.push((self.orderer().cloned(), Frame::Beat { last, stable }));
            }
            None => {}
        }
        letters
    }
}

impl Orderer {
    /// No more places until the others have what has one.
    fn is_full(&self, stable: u64) -> bool {
        let pieces = self.last >= stable.saturating_add(WINDOW_PIECES_MAX);
        pieces || self.bytes > WINDOW_BYTES_MAX
    }

    /// All have the pieces up to this place.
    fn trim(&mut self, stable: u64) {
        let kept = usize::try_from(self.last.saturating_sub(stable)).unwrap_or(usize::MAX);
        while self.lengths.len() > kept {
            self.bytes -= self.lengths.pop_front().unwrap_or(0);
        }
    }
}
