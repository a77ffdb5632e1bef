//! The order of one view: its first member gives places, all keep what isn't everywhere yet.

use std::collections::{BTreeMap, VecDeque};

use crate::ids::NodeName;
use crate::wire::ordered::{Frame, Ordered, View};

/// Pieces that may have places without being everywhere. Ours: with those that wait at senders
/// well below the 500 messages that a node of heartbeat keeps for others.
const WINDOW_PIECES_MAX: u64 = 64;

/// Pieces of one sender that may wait for their place.
pub(super) const SUBMITTED_MAX: u64 = 32;

/// After so many pieces a member says that it has them.
const TELL_AFTER: u64 = 16;

/// A frame for one member, or for all.
pub(super) type Letter = (Option<NodeName>, Frame);

/// What the first member keeps.
#[derive(Debug)]
struct Orderer {
    /// The last place that was given.
    last: u64,
    /// What each member has, by position.
    have: Vec<u64>,
    /// The number that each sender's last piece had.
    numbers: Vec<u64>,
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
    /// What came and isn't known to be everywhere.
    log: BTreeMap<u64, Ordered>,
    delivered: u64,
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
            have: vec![0; members.len()],
            numbers: vec![0; members.len()],
            holes: vec![false; members.len()],
            waiting: VecDeque::new(),
        });
        Self {
            view,
            own: u16::try_from(own).unwrap_or(u16::MAX),
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
        let mut have = self.delivered;
        while self.log.contains_key(&(have + 1)) {
            have += 1;
        }
        have
    }

    /// A piece with its place.
    pub(super) fn handle_ordered(&mut self, stable: u64, ordered: Ordered) {
        self.last = self.last.max(ordered.place);
        let far = self.delivered.saturating_add(4 * WINDOW_PIECES_MAX);
        let sender_is = usize::from(ordered.sender) < self.members.len();
        if sender_is && (self.delivered + 1..=far).contains(&ordered.place) {
            self.log.entry(ordered.place).or_insert(ordered);
        }
        self.forget(stable);
    }

    /// What all have needs no keeping.
    fn forget(&mut self, stable: u64) {
        self.stable = self.stable.max(stable.min(self.delivered));
        self.log = self.log.split_off(&(self.stable + 1));
    }

    /// Of this view nothing above what was given out counts any more.
    pub(super) fn close(&mut self) {
        let _ = self.log.split_off(&(self.delivered + 1));
    }

    /// The next piece in order, if it is here and not above `limit`.
    pub(super) fn next(&mut self, limit: u64) -> Option<(NodeName, Ordered)> {
        if self.delivered >= limit {
            return None;
        }
        let ordered = self.log.get(&(self.delivered + 1))?.clone();
        let sender = self.members.get(usize::from(ordered.sender))?.clone();
        self.delivered += 1;
        if let Some(orderer) = &mut self.orderer {
            orderer.have[0] = self.delivered;
        }
        Some((sender, ordered))
    }

    /// Pieces in these places, as far as they are here.
    pub(super) fn kept(&self, first: u64, last: u64) -> impl Iterator<Item = Frame> {
        let places = (first <= last).then(|| self.log.range(first..=last));
        let stable = self.stable;
        let frame = move |(_, ordered): (&u64, &Ordered)| Frame::Ordered {
            stable,
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
        if number == wanted {
            orderer.numbers[at] = number;
            orderer.holes[at] = false;
            let sender = u16::try_from(at).unwrap_or(u16::MAX);
            orderer.waiting.push_back((sender, number, piece));
        }
        None
    }

    /// The next piece gets its place, as long as the others keep up.
    pub(super) fn order(&mut self) -> Option<Frame> {
        let orderer = self.orderer.as_mut()?;
        if orderer.last >= orderer.stable().saturating_add(WINDOW_PIECES_MAX) {
            return None;
        }
        let (sender, number, piece) = orderer.waiting.pop_front()?;
        orderer.last += 1;
        let ordered = Ordered {
            place: orderer.last,
            sender,
            number,
            piece,
        };
        Some(Frame::Ordered {
            stable: orderer.stable(),
            ordered,
        })
    }

    /// A member has all up to a place.
    pub(super) fn handle_have(&mut self, from: &NodeName, have: u64) {
        let at = self.members.iter().position(|name| name == from);
        if let (Some(orderer), Some(at)) = (&mut self.orderer, at) {
            let known = &mut orderer.have[at];
            *known = (*known).max(have.min(orderer.last));
            let stable = orderer.stable();
            self.forget(stable);
        }
    }

    /// The first member asks how far this one is.
    pub(super) fn handle_beat(&mut self, last: u64, stable: u64) -> Option<Letter> {
        self.last = self.last.max(last);
        self.forget(stable);
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

    fn tell(&mut self) -> Option<Letter> {
        self.told = self.delivered;
        let have = Frame::Have {
            have: self.delivered,
        };
        (self.own != 0).then(|| (self.orderer().cloned(), have))
    }

    /// Says how far this member is, if it is far enough since the last time.
    pub(super) fn tell_progress(&mut self) -> Option<Letter> {
        match self.delivered >= self.told + TELL_AFTER {
            true => self.tell(),
            false => None,
        }
    }

    /// True if nothing is under way that could have been lost.
    pub(super) fn is_quiet(&self) -> bool {
        let orderer = self.orderer.as_ref();
        let told = orderer.is_none_or(|orderer| orderer.last == orderer.stable());
        told && self.last <= self.have()
    }

    /// Time passed and something is under way: asks for what is missing, and how far the others
    /// are.
    pub(super) fn repair(&mut self) -> Vec<Letter> {
        let mut letters: Vec<Letter> = self.wanted().into_iter().collect();
        let Some(orderer) = &mut self.orderer else {
            return letters;
        };
        orderer.holes.fill(false);
        let stable = orderer.stable();
        if orderer.last > stable {
            let last = orderer.last;
            letters.push((None, Frame::Beat { last, stable }));
        }
        letters
    }
}

impl Orderer {
    /// All have the pieces up to this place.
    fn stable(&self) -> u64 {
        self.have.iter().copied().min().unwrap_or(0)
    }
}
