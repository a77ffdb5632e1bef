//! One order of the messages of all members, on media that keep the order of each sender only.
//!
//! ```text
//!  view --begin--> flush: all say what they have --> ready --> installed: pieces in order
//!    ^                what some have all get                          |
//!    +----------------- the next view, at any time -------------------+
//! ```
//!
//! Within a view the first member gives each piece a place; a piece is given out when all before
//! it were and every member has said that it has it. So what a node heard, and answered for, is
//! with all of the view, whoever is cut off next; while one is silent all wait for the next view,
//! as a ring waits for its token. When the membership changes nothing more gets a place. All
//! members of the new view tell where they come from and what they have of it; who has most sends
//! it to the others, and when all are ready the new view begins. Messages of this node that did
//! not come back by then are sent anew.
//!
//! So members that go from view to view together hear the same messages in the same order, each
//! once. Who was cut off meanwhile may have heard others, of its own part: on top of that the CRM
//! agrees on one CIB at the beginning of each view.
//!
//! Loss is mended here, too, since heartbeat gives up after 500 messages.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::own::OwnMessages;
use super::round::{Letter, Round, SUBMITTED_MAX};
use crate::ids::{NodeName, NodeUuid};
use crate::time::Instant;
use crate::wire::ordered::{Frame, View};

/// After this time without progress something counts as lost. Ours: the media mend their own
/// losses within a quarter of a second.
const REPAIR: Duration = Duration::from_millis(300);

/// After this time a member that doesn't answer is named in the log.
const PATIENCE: Duration = Duration::from_secs(5);

/// What those around the sequencer must do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send it to a member or to all, this node too.
    Send {
        /// All if none.
        to: Option<NodeName>,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// A piece of a message in its place.
    Deliver {
        /// Who sent it.
        from: NodeName,
        /// The piece.
        piece: Vec<u8>,
    },
    /// The view has begun. Messages that are not whole won't become so.
    Installed {
        /// Its members with their own ids.
        members: Vec<(NodeName, NodeUuid)>,
        /// Those of them that were in the view before, but did not come from it together with
        /// this node: they heard something else since.
        strangers: BTreeSet<NodeName>,
    },
    /// A member doesn't answer; told once for each view.
    Silent(NodeName),
}

/// What a member said before a view.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Flush {
    closed: bool,
    before: Option<View>,
    have: u64,
    uuid: NodeUuid,
}

/// A view that has yet to begin.
#[derive(Debug)]
struct Forming {
    round: Round,
    since: Instant,
    /// What others lack was sent to them.
    filled: bool,
    /// This node is ready.
    ready: bool,
    silent_told: bool,
}

/// The sequencer of one node.
#[derive(Debug)]
pub struct Sequencer {
    local: NodeName,
    uuid: NodeUuid,
    current: Option<Round>,
    /// Nothing more of the current view is taken.
    closed: bool,
    forming: Option<Forming>,
    /// What this node said before the view that it went to last.
    said: Option<Flush>,
    /// The last one of each node, with the view it is about.
    flushes: BTreeMap<NodeName, (View, Flush)>,
    ready: BTreeMap<NodeName, View>,
    own: OwnMessages,
    paused: bool,
    repair_at: Option<Instant>,
    outputs: VecDeque<Output>,
}

impl Sequencer {
    /// A sequencer without a view.
    pub fn new(local: NodeName, uuid: NodeUuid) -> Self {
        Self {
            local,
            uuid,
            current: None,
            closed: false,
            forming: None,
            said: None,
            flushes: BTreeMap::new(),
            ready: BTreeMap::new(),
            own: OwnMessages::default(),
            paused: false,
            repair_at: None,
            outputs: VecDeque::new(),
        }
    }

    /// The view that has begun last.
    pub fn view(&self) -> Option<&View> {
        self.current.as_ref().map(Round::view)
    }

    /// Sends a message, in pieces; it comes back as long as this node runs.
    pub fn send(&mut self, now: Instant, pieces: Vec<Vec<u8>>) {
        self.own.push(pieces);
        self.settle(now);
    }

    /// The media are full (true) or not any more.
    pub fn handle_pause(&mut self, now: Instant, paused: bool) {
        self.paused = paused;
        self.settle(now);
    }

    /// The members agreed on the next view. Of one that this node is no member of nothing comes.
    pub fn handle_view(&mut self, now: Instant, view: View, mut members: Vec<NodeName>) {
        members.sort();
        if !members.contains(&self.local) {
            return;
        }
        let known = self.forming.as_ref().map(|forming| forming.round.view());
        if known.or(self.view()) == Some(&view) {
            return;
        }
        let have = self.current.as_ref().map_or(0, |round| match self.closed {
            true => round.delivered(),
            false => round.have(),
        });
        self.said = Some(Flush {
            closed: self.closed,
            before: self.view().cloned(),
            have,
            uuid: self.uuid,
        });
        self.forming = Some(Forming {
            round: Round::new(view, members, &self.local),
            since: now,
            filled: false,
            ready: false,
            silent_told: false,
        });
        self.say_flush(None, false);
        self.settle(now);
    }

    /// A frame came, of this view.
    pub fn handle_frame(&mut self, now: Instant, from: &NodeName, view: View, frame: Frame) {
        match frame {
            Frame::Flush {
                again,
                closed,
                before,
                have,
                uuid,
            } => {
                let flush = Flush {
                    closed,
                    before,
                    have,
                    uuid,
                };
                if again && *from != self.local && self.is_here(&view) {
                    self.answer_again(from, &flush);
                }
                self.flushes.insert(from.clone(), (view, flush));
            }
            Frame::Ready => drop(self.ready.insert(from.clone(), view)),
            frame => self.handle_round(from, &view, frame),
        }
        self.settle(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.repair_at.is_some_and(|at| at <= now) {
            self.repair_at = None;
            self.repair(now);
            self.settle(now);
        }
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.repair_at
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The view is the one that this node went to last.
    fn is_here(&self, view: &View) -> bool {
        self.going().is_some_and(|round| round.view() == view)
    }

    /// The round of the view that this node went to last.
    fn going(&self) -> Option<&Round> {
        let forming = self.forming.as_ref().map(|forming| &forming.round);
        forming.or(self.current.as_ref())
    }

    fn handle_round(&mut self, from: &NodeName, view: &View, frame: Frame) {
        let old = self.forming.is_some();
        if let Some(forming) = &mut self.forming
            && forming.round.view() == view
        {
            let letter = early(&mut forming.round, from, frame);
            return self.post_all(view, letter);
        }
        let Some(round) = self.current.as_mut().filter(|round| round.view() == view) else {
            return;
        };
        if old {
            // The view is over: only what was in order already counts.
            if let Frame::Ordered {
                stable,
                more,
                ordered,
            } = frame
                && !self.closed
            {
                round.handle_ordered(stable, more, ordered);
            }
            return;
        }
        let letters = match frame {
            Frame::Beat { last, stable } => {
                let letter = round.handle_beat(from, last, stable);
                letter.into_iter().collect()
            }
            Frame::Want { first, last } => {
                let kept = round.kept(first, last);
                kept.map(|frame| (Some(from.clone()), frame)).collect()
            }
            Frame::Missing { number } => {
                self.own.again_from(number);
                Vec::new()
            }
            frame => early(round, from, frame).into_iter().collect(),
        };
        self.post_all(view, letters);
    }

    /// Goes on with what can go on.
    fn settle(&mut self, now: Instant) {
        self.form(now);
        if self.forming.is_none() {
            self.work();
        }
        match self.is_quiet() {
            true => self.repair_at = None,
            false => {
                self.repair_at.get_or_insert(now + REPAIR);
            }
        }
    }

    fn is_quiet(&self) -> bool {
        let quiet = self.current.as_ref().is_none_or(Round::is_quiet);
        self.forming.is_none() && quiet && !self.own.is_under_way()
    }

    /// Submits, orders, gives out.
    fn work(&mut self) {
        while let Some(round) = &mut self.current {
            let view = round.view().clone();
            if let Some((from, ordered)) = round.next(round.stable()) {
                let own = ordered.sender == round.own();
                self.give_out(own, from, ordered.number, ordered.piece);
            } else if self.paused {
                return;
            } else if let Some(frame) = round.order() {
                self.post(&view, None, &frame);
            } else if let Some((number, piece)) = self.own.next(SUBMITTED_MAX) {
                if round.own() == 0 {
                    let local = self.local.clone();
                    round.handle_submit(&local, number, piece);
                } else {
                    let to = round.orderer().cloned();
                    self.post(&view, to, &Frame::Submit { number, piece });
                }
            } else {
                return;
            }
        }
    }

    fn give_out(&mut self, own: bool, from: NodeName, number: u64, piece: Vec<u8>) {
        if own {
            self.own.came(number);
        }
        self.outputs.push_back(Output::Deliver { from, piece });
    }

    /// What a member said before the view that is forming.
    fn flush_of(&self, member: &NodeName) -> Option<&Flush> {
        let view = self.forming.as_ref()?.round.view();
        let (of, flush) = self.flushes.get(member)?;
        (of == view).then_some(flush)
    }

    /// Brings the next view nearer.
    fn form(&mut self, now: Instant) {
        let Some(forming) = &self.forming else {
            return;
        };
        let members = forming.round.members();
        let flushes = members.iter().map(|member| self.flush_of(member).cloned());
        let Some(flushes) = flushes.collect::<Option<Vec<Flush>>>() else {
            return;
        };
        let own = usize::from(forming.round.own());
        let last = last_place(&flushes, own);
        self.fill(&flushes, own, last);
        while let Some((from, ordered)) = self.current.as_mut().and_then(|round| round.next(last)) {
            let own = from == self.local;
            self.give_out(own, from, ordered.number, ordered.piece);
        }
        let delivered = self.current.as_ref().map_or(0, Round::delivered);
        let Some(forming) = self.forming.as_mut().filter(|_| delivered >= last) else {
            return;
        };
        let view = forming.round.view().clone();
        if !std::mem::replace(&mut forming.ready, true) {
            self.closed = true;
            self.current.as_mut().into_iter().for_each(Round::close);
            self.post(&view, None, &Frame::Ready);
        }
        let is_ready = |member| self.ready.get(member) == Some(&view);
        let members = self.forming.iter().flat_map(|f| f.round.members());
        if members.into_iter().all(is_ready) {
            self.install(now, &flushes, own);
        }
    }

    /// The first of those that have most sends it to those who lack it.
    fn fill(&mut self, flushes: &[Flush], own: usize, last: u64) {
        let together = together(flushes, own);
        let have = |at: &usize| flushes[*at].have;
        let holder = together.iter().copied().find(|at| have(at) >= last);
        let least = together.iter().map(have).min().unwrap_or(last);
        let Some(forming) = self.forming.as_mut().filter(|f| !f.filled) else {
            return;
        };
        forming.filled = true;
        if holder == Some(own) && least < last {
            self.send_kept(None, least + 1, last);
        }
    }

    fn send_kept(&mut self, to: Option<&NodeName>, first: u64, last: u64) {
        if let Some(round) = &self.current {
            let view = round.view().clone();
            let frames: Vec<Frame> = round.kept(first, last).collect();
            for frame in frames {
                self.post(&view, to.cloned(), &frame);
            }
        }
    }

    fn install(&mut self, _now: Instant, flushes: &[Flush], own: usize) {
        let Some(forming) = self.forming.take() else {
            return;
        };
        let members = forming.round.members();
        let with_us = together(flushes, own);
        let before = self.current.as_ref().map_or(&[][..], Round::members);
        let at = members.iter().enumerate();
        let strangers = at.filter(|(at, name)| before.contains(name) && !with_us.contains(at));
        let strangers = strangers.map(|(_, name)| name.clone()).collect();
        let uuids = flushes.iter().map(|flush| flush.uuid);
        let members = members.iter().cloned().zip(uuids).collect();
        self.outputs
            .push_back(Output::Installed { members, strangers });
        self.current = Some(forming.round);
        self.closed = false;
        self.own.begin();
    }

    /// Another member lacks something of what is said before a view.
    fn answer_again(&mut self, from: &NodeName, flush: &Flush) {
        self.say_flush(Some(from.clone()), false);
        let Some(round) = self.going() else { return };
        let view = round.view().clone();
        let ready = self.forming.as_ref().is_none_or(|forming| forming.ready);
        if ready {
            self.post(&view, Some(from.clone()), &Frame::Ready);
        }
        let delivered = self.current.as_ref().map_or(0, Round::delivered);
        let same = self
            .said
            .as_ref()
            .is_some_and(|own| own.before == flush.before);
        if self.forming.is_some() && same && delivered > flush.have {
            self.send_kept(Some(from), flush.have + 1, delivered);
        }
    }

    fn say_flush(&mut self, to: Option<NodeName>, again: bool) {
        let (Some(said), Some(round)) = (&self.said, self.going()) else {
            return;
        };
        let view = round.view().clone();
        let frame = Frame::Flush {
            again,
            closed: said.closed,
            before: said.before.clone(),
            have: said.have,
            uuid: said.uuid,
        };
        self.post(&view, to, &frame);
    }

    fn repair(&mut self, now: Instant) {
        if self.forming.is_some() {
            self.say_flush(None, true);
            return self.name_silent(now);
        }
        if self.paused {
            return;
        }
        self.own.repair();
        if let Some(round) = &mut self.current {
            let view = round.view().clone();
            let letters = round.repair();
            self.post_all(&view, letters);
        }
    }

    fn name_silent(&mut self, now: Instant) {
        let Some(forming) = &mut self.forming else {
            return;
        };
        if now.since(forming.since) < PATIENCE || std::mem::replace(&mut forming.silent_told, true)
        {
            return;
        }
        let members = forming.round.members().to_vec();
        let silent = members
            .into_iter()
            .filter(|name| self.flush_of(name).is_none());
        let silent: Vec<_> = silent.map(Output::Silent).collect();
        self.outputs.extend(silent);
    }

    fn post_all(&mut self, view: &View, letters: impl IntoIterator<Item = Letter>) {
        for (to, frame) in letters {
            self.post(view, to, &frame);
        }
    }

    fn post(&mut self, view: &View, to: Option<NodeName>, frame: &Frame) {
        let bytes = frame.encode(view);
        self.outputs.push_back(Output::Send { to, bytes });
    }
}

/// What can be used of a view that has begun elsewhere, and here is about to.
fn early(round: &mut Round, from: &NodeName, frame: Frame) -> Option<Letter> {
    match frame {
        Frame::Submit { number, piece } => return round.handle_submit(from, number, piece),
        Frame::Ordered {
            stable,
            more,
            ordered,
        } => return round.handle_ordered(stable, more, ordered),
        Frame::Have { have } => round.handle_have(from, have),
        _ => {}
    }
    None
}

/// The place up to which the member at `own` has to hear the view that it comes from.
///
/// Who was ready for another view has heard the end of the one before; those who were not follow
/// it, unless they heard more.
fn last_place(flushes: &[Flush], own: usize) -> u64 {
    let me = &flushes[own];
    if me.closed || me.before.is_none() {
        return me.have;
    }
    let same = || flushes.iter().filter(|other| other.before == me.before);
    let closed = |most: u64| {
        let closed = same().filter(|other| other.closed && other.have >= most);
        closed.map(|other| other.have).max()
    };
    closed(me.have).unwrap_or_else(|| {
        let open = same().filter(|other| !other.closed && closed(other.have).is_none());
        open.map(|other| other.have).max().unwrap_or(me.have)
    })
}

/// Positions of those who come from the same view and heard the same of it.
fn together(flushes: &[Flush], own: usize) -> BTreeSet<usize> {
    let end = |at: usize| (&flushes[at].before, last_place(flushes, at));
    let of_us = end(own);
    let same = (0..flushes.len()).filter(|at| *at == own || of_us.0.is_some() && end(*at) == of_us);
    same.collect()
}
