//! The machine: its numbers, its inputs, and the filters that all messages pass.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::event::{CcmConfig, CcmNode, Output};
use super::round::Round;
use super::state::State;
use super::table::Table;
use crate::ids::NodeName;
use crate::proto::heartbeat::{NodeChange, NodeKind, NodeStatus, Severity};
use crate::proto::rng::Rng;
use crate::time::{Instant, Now};
use crate::wire::ccm::{Bitmap, Body, CcmMessage, Context, Cookie};
use crate::wire::heartbeat::Message;

/// How often state NONE asks. Source: heartbeat 3.0.6, the second's tick of `ccm`.
pub(super) const TICK: Duration = Duration::from_secs(1);
/// Lines about messages that make no sense: one in this time.
const ODD_EVERY: Duration = Duration::from_secs(10);

/// A node that comes or goes, and the members whose word on it is awaited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    pub node: usize,
    pub comes: bool,
    pub awaited: Bitmap,
}

/// What a voter heard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub largest_major: u32,
    pub heard: Bitmap,
}

/// What those above believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// No membership.
    Nothing,
    /// The one that the machine has.
    Membership,
    /// The one that was, and that the next is under way.
    Influx,
}

/// A message on its way through the states.
pub(super) struct Incoming<'a> {
    pub from: usize,
    pub major: u32,
    pub context: &'a Context,
    pub body: &'a Body,
}

/// The machine of one node.
#[derive(Debug)]
pub struct Ccm {
    pub(super) config: CcmConfig,
    pub(super) table: Table,
    pub(super) state: State,
    pub(super) members: Bitmap,
    pub(super) major: u32,
    pub(super) minor: u32,
    /// Largest major number ever had; never falls.
    pub(super) largest_major: u32,
    pub(super) cookie: Cookie,
    pub(super) leader: Option<usize>,
    /// Major number at which we became a member, 0 if never: our uptime in messages.
    pub(super) joined_at: u32,
    pub(super) quorum: bool,
    pub(super) round: Round,
    pub(super) change: Option<Change>,
    /// A membership was reached since the last restart.
    pub(super) converged: bool,
    /// Replies of memberships that were too small to follow, since the last that wasn't.
    pub(super) small_replies: u8,
    /// How often it was asked in vain.
    pub(super) tries: u8,
    pub(super) answers: BTreeMap<usize, Answer>,
    /// A leader of another membership answered during this round.
    pub(super) foreign_reply: bool,
    pub(super) told: Told,
    pub(super) due: Option<Instant>,
    /// Gone nodes that the state has not been told of yet.
    leaves: Bitmap,
    /// Another node counts other nodes than we do: until then nothing is heard or said.
    refused_until: Option<Instant>,
    last_odd: Option<Instant>,
    pub(super) rng: Rng,
    pub(super) outputs: VecDeque<Output>,
}

impl Ccm {
    /// A machine at its start. Where no other node lives it is a member at once, alone.
    ///
    /// Panics: only if the configuration has more nodes than `limits::HEARTBEAT_NODES_MAX`.
    pub fn new(config: CcmConfig, now: Now, seed: u64) -> Self {
        let now = now.mono;
        let mut machine = Self {
            table: Table::new(&config.local, &config.nodes),
            config,
            state: State::None,
            members: Bitmap::EMPTY,
            major: 0,
            minor: 0,
            largest_major: 0,
            cookie: Cookie::default(),
            leader: None,
            joined_at: 0,
            quorum: false,
            round: Round::new(now),
            change: None,
            converged: false,
            small_replies: 0,
            tries: 0,
            answers: BTreeMap::new(),
            foreign_reply: false,
            told: Told::Nothing,
            due: Some(now),
            leaves: Bitmap::EMPTY,
            refused_until: None,
            last_odd: None,
            rng: Rng::new(seed),
            outputs: VecDeque::new(),
        };
        if machine.table.live() == Bitmap::of(machine.table.me) {
            machine.init_to_joined(now);
        }
        machine
    }

    /// A message that the node protocol delivered from a node, ourselves too.
    pub fn handle_message(&mut self, now: Now, from: &NodeName, message: &Message) {
        let now = now.mono;
        let Some(from) = self.table.index(from) else {
            return;
        };
        let message = match CcmMessage::decode(message) {
            Ok(message) => message,
            Err(why) => return self.odd(now, format!("{}: {why}", self.table.name(from))),
        };
        let fits = message.nodes == self.table.count();
        if let Some(entry) = self.table.get_mut(from) {
            (entry.absent, entry.fits) = (!fits, Some(fits));
        }
        if self.refused_until.is_some() {
            return;
        }
        match fits {
            true => self.take(now, from, &message),
            false => self.refuse(now, from, message),
        }
        self.settle(now);
    }

    /// A node's status changed.
    pub fn handle_node(&mut self, now: Now, change: &NodeChange) {
        if change.kind != NodeKind::Normal {
            return;
        }
        let Some(index) = self.table.index(&change.node) else {
            return;
        };
        let own = index == self.table.me;
        let Some(entry) = self.table.get_mut(index) else {
            return;
        };
        let was = std::mem::replace(&mut entry.status, change.status);
        if own {
            return;
        }
        if change.status == NodeStatus::Dead {
            entry.absent = false;
            self.leaves.insert(index);
        } else if was == NodeStatus::Dead && self.state.is_part_of_cluster() {
            let state = Body::StateInfo(self.state.as_str().into());
            self.send_to(index, state);
        }
        self.settle(now.mono);
    }

    /// The membership service of a node left (or, for `here`, came).
    pub fn handle_service(&mut self, now: Now, node: &NodeName, here: bool) {
        let Some(index) = self.table.index(node) else {
            return;
        };
        if index == self.table.me {
            return;
        }
        if let Some(entry) = self.table.get_mut(index) {
            entry.absent = !here;
        }
        if !here {
            self.leaves.insert(index);
        } else if self.state == State::VersionRequest {
            // It wasn't there yet when all were asked.
            // Differs: heartbeat asks anew after nine keepalives only.
            self.send_to(index, Body::ProtoVersion);
        }
        self.settle(now.mono);
    }

    /// The set of nodes changed: indices mean other nodes from now on.
    pub fn handle_nodes(&mut self, now: Now, nodes: Vec<CcmNode>) {
        let table = Table::new(&self.config.local, &nodes);
        let same = table.names().eq(self.table.names());
        self.config.nodes = nodes;
        if same {
            return;
        }
        let old = std::mem::replace(&mut self.table, table);
        let moved = |index: usize| self.table.index(old.name(index));
        self.members = self.members.iter().filter_map(moved).collect();
        self.leader = self.leader.and_then(moved);
        self.leaves = Bitmap::EMPTY;
        let mut early = Vec::new();
        for was in old.into_entries() {
            let place = self.table.index(&was.name);
            if let Some(place) = place
                && let Some(entry) = self.table.get_mut(place)
            {
                entry.request = was.request;
                entry.absent = was.absent && was.fits != Some(false);
                early.extend(was.early.map(|vote| (place, vote)));
            }
        }
        if self.state.is_part_of_cluster() {
            self.next_round(now.mono);
            for (from, vote) in early {
                if vote.nodes == self.table.count() {
                    self.take(now.mono, from, &vote);
                }
            }
        }
        self.settle(now.mono);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = now.mono;
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        if self.refused_until.take().is_some() {
            self.outputs.push_back(Output::Here(true));
        }
        self.due = None;
        match self.state {
            State::None => self.ask(now),
            State::VersionRequest => self.version_request_timeout(now),
            State::Joined => self.joined_timeout(now),
            State::WaitForChange | State::WaitForMemList | State::NewNodeWaitForMemList => {
                self.next_round(now);
            }
            State::Joining => self.joining_timeout(now),
            State::SentMemListReq => self.compute(now),
            State::MemListRes => self.next_round(now),
        }
        self.settle(now);
    }

    /// The next thing to do, none when all is done until the next input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Where the machine stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Major and minor transition number.
    pub fn transition(&self) -> (u32, u32) {
        (self.major, self.minor)
    }

    /// Cookie of the membership or of the round.
    pub fn cookie(&self) -> &Cookie {
        &self.cookie
    }

    fn take(&mut self, now: Instant, from: usize, message: &CcmMessage) {
        if self.state == State::None {
            self.ask(now);
        }
        if self.state == State::VersionRequest {
            return self.version_request(now, from, message);
        }
        let Some(context) = &message.context else {
            return match message.body {
                Body::Restart => self.restart(now, from),
                _ => self.proto_version(now, from, message.major),
            };
        };
        let incoming = Incoming {
            from,
            major: message.major,
            context,
            body: &message.body,
        };
        if let Body::StateInfo(state) = &message.body {
            if State::name_is_part_of_cluster(state) {
                self.restart(now, from);
            }
        } else if context.cookie != self.cookie {
            if matches!(message.body, Body::ProtoVersionResp { .. }) {
                self.foreign_reply = true;
            }
        } else if message.major >= self.major {
            self.dispatch(now, &incoming);
        }
    }

    fn dispatch(&mut self, now: Instant, message: &Incoming<'_>) {
        match self.state {
            State::None | State::VersionRequest => {}
            State::Joined => self.joined(now, message),
            State::WaitForChange => self.wait_for_change(now, message),
            State::WaitForMemList | State::NewNodeWaitForMemList => {
                self.wait_for_mem_list(now, message);
            }
            State::Joining => self.joining(now, message),
            State::SentMemListReq => self.sent_memlistreq(now, message),
            State::MemListRes => self.memlist_res(now, message),
        }
    }

    /// Somebody asks whether there is a membership.
    fn proto_version(&mut self, now: Instant, from: usize, major: u32) {
        match self.state {
            State::Joined if self.leader == Some(self.table.me) => self.reply_to(from),
            // Our leader would not ask if it still led.
            State::Joined if self.leader == Some(from) => self.gone(now, from),
            State::WaitForMemList | State::NewNodeWaitForMemList | State::Joined => {}
            _ => self.record_request(from, major),
        }
    }

    pub(super) fn record_request(&mut self, from: usize, major: u32) {
        if let Some(entry) = self.table.get_mut(from) {
            entry.request = Some(major);
        }
    }

    /// Tells the state of gone nodes, one after the other.
    fn settle(&mut self, now: Instant) {
        while let Some(node) = self.leaves.iter().next() {
            self.leaves.remove(node);
            self.gone(now, node);
        }
    }

    /// A node or its service is gone.
    fn gone(&mut self, now: Instant, node: usize) {
        if let Some(entry) = self.table.get_mut(node) {
            entry.request = None;
        }
        match self.state {
            State::None => {}
            State::VersionRequest => self.start_if_highest(now),
            State::Joined => self.joined_leave(now, node),
            State::WaitForChange => self.wait_for_change_leave(now, node),
            State::WaitForMemList | State::NewNodeWaitForMemList => {
                if self.leader == Some(node) {
                    self.next_round(now);
                }
            }
            State::Joining => self.joining_leave(now, node),
            State::SentMemListReq => self.sent_memlistreq_leave(now, node),
            State::MemListRes => {
                if self.round.leader() == Some(node) {
                    self.next_round(now);
                }
            }
        }
    }

    /// Members that went while the membership was made: the state hears of them next.
    pub(super) fn recheck_members(&mut self) {
        self.leaves = self.members.without(self.table.live());
    }

    /// Indices mean other nodes to the sender than to us: it can't be a member with us. Where
    /// nobody else counts as we do, it is ourselves who stay outside. While nodes are added or
    /// deleted some count them sooner than others: a vote is kept until our table changes, too.
    ///
    /// Differs: heartbeat's daemon ends, whoever is wrong, and is started again by heartbeat,
    /// until the tables agree or ten such ends are enough.
    fn refuse(&mut self, now: Instant, from: usize, message: CcmMessage) {
        let nodes = message.nodes;
        let text = format!(
            "{}: it counts {nodes} nodes, this node {}; no membership of both until their ha.cf \
             files have the same nodes",
            self.table.name(from),
            self.table.count()
        );
        self.odd(now, text);
        if self.members.len() > 1 || self.table.has_peer_that_fits() {
            if let (Body::Join, Some(entry)) = (&message.body, self.table.get_mut(from)) {
                entry.early = Some(message);
            }
            return;
        }
        self.outputs.push_back(Output::Here(false));
        self.reset(now);
        let until = now + self.span(9);
        self.refused_until = Some(until);
        self.due = Some(until);
    }

    fn odd(&mut self, now: Instant, text: String) {
        let quiet = self.last_odd.is_some_and(|at| now.since(at) < ODD_EVERY);
        if !quiet {
            self.last_odd = Some(now);
            let text = format!("membership message from {text}");
            self.outputs.push_back(Output::Log(Severity::Warning, text));
        }
    }

    /// So many keepalives.
    pub(super) fn span(&self, keepalives: u32) -> Duration {
        self.config.keepalive * keepalives
    }
}
