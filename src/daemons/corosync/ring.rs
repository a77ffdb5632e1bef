//! A node on its ring: the protocol and the services on their sockets.
//!
//! ```text
//!  Sockets --receive--> Protection::open --> Srp --Deliver--> Services --> Event
//!  Services --Packet--> Srp --Multicast, Unicast--> Protection::seal --> Sockets
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use super::nets::{self, Nets};
use super::protocol::Link;
use super::refusals::Refusals;
use super::store::Store;
use crate::ids::NodeId;
use crate::limits;
use crate::proto::cpg;
use crate::proto::heartbeat::Severity;
use crate::proto::quorum::{self, Verdict};
use crate::proto::services::{self, Services};
use crate::proto::totem::rings::RingSet;
use crate::proto::totem::{self, Note, Srp};
use crate::runtime::log::{Logger, Subsystem};
use crate::runtime::totem::Plan;
use crate::time::{Instant, Now};
use crate::wire::cluster::{Cfg, Message};
use crate::wire::totem::crypto_frame::{Protection, SALT_BYTES};
use crate::wire::totem::{Processor, RingAddress, RingId};

/// Datagrams that are read before time is looked at again.
const DATAGRAMS_PER_TURN: usize = 256;

/// With no more said than that, and no more to tell, those here are told before it is sent: each
/// datagram takes longer than telling them. With more, the others would wait for that.
const TOLD_FIRST_DATAGRAMS_MAX: usize = 2;
const TOLD_FIRST_EVENTS_MAX: usize = 8;

/// Something that those above or beside the ring have to know.
#[derive(Debug, Clone)]
pub enum Event {
    /// A client of a group hears something.
    Group(cpg::ClientId, cpg::Event),
    /// Who may act.
    Verdict(Verdict),
    /// The ring and its members; the services are in step again when it says so.
    Ring {
        /// Its name.
        ring: RingId,
        /// Its members.
        members: Vec<NodeId>,
    },
    /// All services are in step on the ring.
    Synchronised(RingId),
    /// A node asks for something: shutdown, reload, the end of a node.
    Asked(NodeId, Cfg),
    /// The daemon can't go on.
    Failed {
        /// Its exit code.
        code: u8,
        /// Why.
        text: String,
    },
}

/// What a ring is made of.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) srp: totem::Config,
    pub(super) seed: u64,
    pub(super) services: Services,
    pub(super) protection: Protection,
    pub(super) nets: nets::Parts,
    /// Addresses of the nodelist, by ring.
    pub(super) addresses: Vec<BTreeMap<NodeId, IpAddr>>,
    pub(super) store: Store,
    pub(super) log: Logger,
}

/// What a ring may be told while it runs.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) timing: totem::Timing,
    pub(super) flow: totem::Flow,
    pub(super) downcheck: Duration,
    pub(super) plans: Vec<Plan>,
    pub(super) limits: totem::rings::Limits,
    pub(super) addresses: Vec<BTreeMap<NodeId, IpAddr>>,
    pub(super) config_version: u64,
    /// Absent without a quorum provider.
    pub(super) quorum: Option<quorum::Config>,
}

/// A node on its ring.
#[derive(Debug)]
pub struct Ring {
    me: Processor,
    srp: Srp,
    services: Services,
    protection: Protection,
    nets: Nets,
    /// Of the nodelist, by ring.
    addresses: Vec<BTreeMap<NodeId, IpAddr>>,
    store: Store,
    log: Logger,
    /// Packets that the queue of the ring had no room for.
    waiting: VecDeque<Vec<u8>>,
    /// The same of those who synchronise. They must not wait behind the others, which go only
    /// when synchronisation is over.
    sync_waiting: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
    /// What goes to all, until the token follows it or nothing else is to be done: the kernel
    /// takes it in one call.
    to_all: Vec<totem::Bytes>,
    /// The token behind them, while those here are told what we say.
    kept: Option<(RingSet, Processor, totem::Bytes)>,
    /// Those here may be told before it is sent.
    tells_first: bool,
    sealed: Vec<Vec<u8>>,
    opened: Vec<u8>,
    quorate: Option<bool>,
    /// Who of the old ring didn't come along to the one that is about to be told.
    left: Vec<NodeId>,
    refusals: Refusals,
}

impl Ring {
    /// Opens the sockets and looks for a ring. An address that isn't there yet, or of which IPv6
    /// doesn't know yet whether it is free, is waited for.
    ///
    /// Errors: the sockets can't be opened.
    pub(super) fn start(parts: Parts, now: Instant) -> io::Result<Self> {
        let nets = Nets::open(parts.nets, now)?;
        let mut ring = Self {
            me: parts.srp.me,
            srp: Srp::new(parts.srp, now, parts.seed),
            services: parts.services,
            protection: parts.protection,
            nets,
            addresses: parts.addresses,
            store: parts.store,
            log: parts.log.of(Subsystem::Totem),
            waiting: VecDeque::new(),
            sync_waiting: VecDeque::new(),
            events: VecDeque::new(),
            to_all: Vec::new(),
            kept: None,
            tells_first: false,
            sealed: Vec::new(),
            opened: Vec::new(),
            quorate: None,
            left: Vec::new(),
            refusals: Refusals::default(),
        };
        ring.pump(crate::runtime::clock::now());
        Ok(ring)
    }

    /// The protocol.
    pub fn srp(&self) -> &Srp {
        &self.srp
    }

    /// The services.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Something is asked of the groups.
    pub fn with_groups<T>(&mut self, now: Now, ask: impl FnOnce(&mut cpg::Machine) -> T) -> T {
        let answer = ask(self.services.cpg());
        self.services.pump();
        self.pump(now);
        answer
    }

    /// Sends a message of a service to all.
    pub fn send_service(&mut self, now: Now, message: &Message) {
        self.services.send(message);
        self.pump(now);
    }

    /// Nodes of the nodelist.
    pub fn listed(&self) -> impl Iterator<Item = NodeId> {
        let first = self.addresses.iter().take(1);
        first.flat_map(|ring| ring.keys().copied())
    }

    /// The addresses of a node, ring 0 first: those of the nodelist, or what it tells itself.
    pub fn addresses_of(&self, node: NodeId) -> Vec<IpAddr> {
        let mut members = self.srp.members().iter();
        let told = members.find(|member| member.node() == node);
        let one = |ring: usize| self.address_on(ring, node, told);
        (0..self.nets.count()).filter_map(one).collect()
    }

    fn address_on(&self, ring: usize, node: NodeId, told: Option<&Processor>) -> Option<IpAddr> {
        let listed = self.addresses.get(ring).and_then(|ring| ring.get(&node));
        let told = told.and_then(|told| told.addresses.get(ring)?.ip());
        listed.copied().or(told)
    }

    /// The rings that this node sends on, for tools.
    pub fn links(&self) -> Vec<Link> {
        self.nets.links()
    }

    /// By redundant ring, whether it is marked faulty; nothing with one ring.
    pub fn faulty(&self) -> Vec<bool> {
        self.nets.faulty()
    }

    /// Rings that are marked faulty are used again.
    pub fn reenable_rings(&mut self) {
        self.nets.reenable();
    }

    /// How many packets wait for the token: those who send much should wait when it is high.
    pub fn backlog(&self) -> usize {
        self.srp.backlog() + self.waiting.len() + self.sync_waiting.len()
    }

    /// True if those who send much may go on.
    pub fn takes_more(&self) -> bool {
        self.backlog() < limits::CPG_BACKLOG_PACKETS_MAX
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = [self.srp.poll_timeout(), self.services.poll_timeout()];
        let nets = self.nets.poll_timeout();
        due.into_iter().chain([nets]).flatten().min()
    }

    /// Waits until a datagram is there; for ever without sockets. Cancel-safe.
    pub async fn ready(&self) {
        self.nets.ready().await;
    }

    /// Reads what is there.
    pub fn handle_ready(&mut self, now: Now) {
        for _ in 0..DATAGRAMS_PER_TURN {
            let Some(arrival) = self.nets.receive() else {
                return;
            };
            match self.protection.open(arrival.datagram, &mut self.opened) {
                Ok(message) => {
                    if arrival.accept(now.mono, message) {
                        self.srp.handle_datagram(now.mono, message);
                    }
                }
                // What isn't authentic is no datagram of ours.
                Err(error) => {
                    let text = format!("a datagram was refused: {error}");
                    self.refusals.log(now.mono, "foreign", &text, &self.log);
                }
            }
            self.pump(now);
        }
    }

    /// From now on a short message of this node may stay here while its events are handled, which
    /// mustn't take long; [`Self::send_kept`] is to follow.
    pub(super) fn tell_first(&mut self) {
        self.tells_first = true;
    }

    /// Sends what waits for those here to be told.
    pub fn send_kept(&mut self) {
        if let Some((rings, to, token)) = self.kept.take() {
            self.send_to_all();
            self.send_on(rings, to, &token);
        }
    }

    /// True if this is little, and all that there is to say.
    fn may_tell_first(&self) -> bool {
        let said = self.to_all.len();
        self.tells_first
            && (1..=TOLD_FIRST_DATAGRAMS_MAX).contains(&said)
            && self.srp.state() == totem::State::Operational
            && self.backlog() == 0
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.nets.handle_timeout(now) {
            self.srp.interface_changed(now.mono);
        }
        self.srp.handle_timeout(now.mono);
        self.services.handle_timeout(now);
        self.pump(now);
    }

    /// Interfaces changed; `is_there` says which addresses are up.
    pub fn interfaces_changed(&mut self, now: Now, is_there: impl Fn(IpAddr) -> bool) {
        if self.nets.interfaces_changed(now.mono, is_there) {
            self.srp.interface_changed(now.mono);
        }
        self.pump(now);
    }

    /// The configuration was read again. Address, port and the way of datagrams stay.
    pub(super) fn take_settings(&mut self, now: Now, settings: Settings) {
        self.srp.set_timing(settings.timing, settings.flow);
        self.nets.take_plans(settings.plans, settings.downcheck);
        self.nets.take_limits(settings.limits);
        self.addresses = settings.addresses;
        self.services.set_config_version(settings.config_version);
        if let Some(config) = settings.quorum {
            self.services.reconfigure_votes(config);
        }
        self.pump(now);
    }

    /// Expected votes that are remembered on disk, 0: none.
    pub(super) fn remembered_votes(&self) -> u32 {
        self.store.expected_votes()
    }

    /// Tells the others that this node is about to leave, if they are to count without it; true
    /// if so. They know when nothing waits here any more.
    pub fn announce_leave(&mut self, now: Now) -> bool {
        let told = self.services.announce_leave();
        self.pump(now);
        self.send_kept();
        told
    }

    /// Leaves the ring: the others go on at once.
    pub fn leave(&mut self, now: Now) {
        self.srp.leave();
        self.pump(now);
        self.send_kept();
    }

    /// Carries on until nothing is left to do.
    fn pump(&mut self, now: Now) {
        self.send_kept();
        loop {
            if let Some(output) = self.srp.poll_output() {
                self.of_srp(now, output);
            } else if let Some(output) = self.services.poll_output() {
                self.of_services(now, output);
            } else if let Some(task) = self.nets.poll_task() {
                self.of_nets(now, task);
            } else if !self.send_waiting(now) {
                break;
            }
        }
        match self.kept {
            Some(_) if self.events.len() <= TOLD_FIRST_EVENTS_MAX => {}
            Some(_) => self.send_kept(),
            None => self.send_to_all(),
        }
    }

    fn of_srp(&mut self, now: Now, output: totem::Output) {
        match output {
            totem::Output::Multicast(datagram) => self.to_all.push(datagram),
            totem::Output::Unicast(to, datagram) => self.unicast(now, to, &datagram),
            totem::Output::PersistAndUnicast {
                ring_seq,
                to,
                datagram,
            } => match self.store.keep_ring_seq(ring_seq) {
                Ok(()) => self.unicast(now, to, &datagram),
                Err(error) => self.fail(21, format!("can't keep the number of the ring: {error}")),
            },
            totem::Output::DiscardReceived => {
                self.nets.discard();
            }
            totem::Output::Deliver(delivery) => {
                let payload = delivery.payload();
                self.services
                    .handle_packet(delivery.from, delivery.order, payload);
            }
            totem::Output::Configuration(change) => {
                self.services.handle_configuration(now, &change);
                self.of_configuration(change);
            }
            totem::Output::Note(note) => self.tell(now, &note),
        }
    }

    fn of_configuration(&mut self, change: totem::Configuration) {
        let nodes = |list: &[Processor]| list.iter().map(Processor::node).collect::<Vec<_>>();
        if change.phase == totem::Phase::Transitional {
            self.left = nodes(&change.left);
            return;
        }
        let (members, left) = (nodes(&change.members), std::mem::take(&mut self.left));
        self.nets.set_members(&members);
        self.list_nodes("Sync members", &members);
        for (what, list) in [("Sync joined", nodes(&change.joined)), ("Sync left", left)] {
            if !list.is_empty() {
                self.list_nodes(what, &list);
            }
        }
        let ring = change.ring;
        self.events.push_back(Event::Ring { ring, members });
    }

    fn of_services(&mut self, now: Now, output: services::Output) {
        match output {
            services::Output::Packet(packet) => self.waiting.push_back(packet),
            services::Output::SyncPacket(packet) => self.sync_waiting.push_back(packet),
            services::Output::SyncCompleted(ring) => {
                let text = "Completed service synchronization, ready to provide service.";
                self.log.of(Subsystem::Main).log(Severity::Notice, text);
                self.srp.sync_completed(now.mono, ring);
                self.events.push_back(Event::Synchronised(ring));
            }
            services::Output::Group(client, event) => {
                self.events.push_back(Event::Group(client, event));
            }
            services::Output::Verdict(verdict) => {
                self.tell_verdict(&verdict);
                self.events.push_back(Event::Verdict(verdict));
            }
            services::Output::RememberExpectedVotes(votes) => {
                if let Err(error) = self.store.keep_expected_votes(votes) {
                    let text = format!("can't remember the expected votes: {error}");
                    self.log
                        .of(Subsystem::Votequorum)
                        .log(Severity::Error, text);
                }
            }
            services::Output::Cfg(from, cfg) => self.events.push_back(Event::Asked(from, cfg)),
            services::Output::OldConfiguration { own, highest } => {
                let text = format!(
                    "Received config version ({highest}) is different than my config version \
                     ({own})! Exiting"
                );
                self.fail(21, text);
            }
        }
    }

    /// Gives a packet to the ring if it has room; true if it took one.
    fn send_waiting(&mut self, now: Now) -> bool {
        if self.srp.has_room_for_sync()
            && let Some(packet) = self.sync_waiting.pop_front()
        {
            return self.srp.send_sync(now.mono, packet).is_ok();
        }
        if self.srp.has_room()
            && let Some(packet) = self.waiting.pop_front()
        {
            return self.srp.send(now.mono, packet).is_ok();
        }
        false
    }

    fn unicast(&mut self, now: Now, to: Processor, datagram: &totem::Bytes) {
        let rings = self.nets.select_one(now.mono, to, datagram);
        if to.node() == self.me.node() {
            return self.srp.handle_datagram(now.mono, datagram);
        }
        self.send_kept();
        if self.may_tell_first() {
            self.kept = Some((rings, to, datagram.clone()));
        } else {
            self.send_to_all();
            self.send_on(rings, to, datagram);
        }
    }

    /// Sends to one node.
    fn send_on(&mut self, rings: RingSet, to: Processor, datagram: &[u8]) {
        let is_bare = self.protection.is_bare();
        if !is_bare {
            self.seal(&[datagram]);
        }
        let datagram = match (is_bare, self.sealed.first()) {
            (true, _) => datagram,
            (false, Some(sealed)) => sealed,
            (false, None) => return,
        };
        for ring in rings.iter() {
            // What it says of itself is truer than a list.
            let told = to.addresses.get(ring).and_then(RingAddress::ip);
            let Some(address) = told.or_else(|| self.address_on(ring, to.node(), None)) else {
                let text = format!(
                    "Node {} isn't in the nodelist: the token can't be sent to it. Add it there.",
                    to.node()
                );
                self.log.log(Severity::Warning, text);
                continue;
            };
            self.nets.send(ring, address, datagram);
        }
    }

    fn of_nets(&mut self, now: Now, task: nets::Task) {
        match task {
            nets::Task::Deliver(token) => self.srp.handle_datagram(now.mono, &token),
            nets::Task::Send(ring, to, datagram) => {
                self.send_kept();
                self.send_to_all();
                self.send_on(RingSet::one(ring), to, &datagram);
            }
        }
    }

    /// Sends what goes to all, before anything else goes.
    fn send_to_all(&mut self) {
        if self.to_all.is_empty() {
            return;
        }
        let datagrams = std::mem::take(&mut self.to_all);
        let is_bare = self.protection.is_bare();
        if !is_bare {
            self.seal(&datagrams);
        }
        match is_bare {
            true => self.nets.multicast(&datagrams),
            false => self.nets.multicast(&self.sealed),
        }
        self.to_all = datagrams;
        self.to_all.clear();
    }

    /// Leaves the protected forms of these in `sealed`.
    fn seal(&mut self, datagrams: &[impl AsRef<[u8]>]) {
        self.sealed.resize_with(datagrams.len(), Vec::new);
        let mut random = true;
        for (datagram, sealed) in datagrams.iter().zip(&mut self.sealed) {
            let mut salt = [0; SALT_BYTES];
            random &= !self.protection.needs_salt() || getrandom::fill(&mut salt).is_ok();
            sealed.clear();
            self.protection.seal_into(datagram.as_ref(), &salt, sealed);
        }
        if !random {
            self.sealed.clear();
            self.fail(21, "the system gives no random numbers".to_owned());
        }
    }

    fn fail(&mut self, code: u8, text: String) {
        self.events.push_back(Event::Failed { code, text });
    }

    fn tell(&mut self, now: Now, note: &Note) {
        if let Some(kind) = Refusals::kind(note) {
            let text = note.to_string();
            return self.refusals.log(now.mono, kind, &text, &self.log);
        }
        let severity = nets::severity(note.weight());
        for line in note.to_string().lines() {
            self.log.log(severity, line);
        }
    }

    fn tell_verdict(&mut self, verdict: &Verdict) {
        if self.quorate.replace(verdict.quorate) != Some(verdict.quorate) {
            let text = match verdict.quorate {
                true => "This node is within the primary component and will provide service.",
                false => {
                    "This node is within the non-primary component and will NOT provide any \
                     services."
                }
            };
            self.log.of(Subsystem::Quorum).log(Severity::Notice, text);
        }
        self.list_nodes("Members", &verdict.members);
    }

    /// Source: corosync 3.1.7, exec/vsf_quorum.c, `log_view_list`
    fn list_nodes(&self, what: &str, nodes: &[NodeId]) {
        let list: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
        let text = format!("{what}[{}]: {}", list.len(), list.join(" "));
        self.log.of(Subsystem::Quorum).log(Severity::Notice, text);
    }
}
