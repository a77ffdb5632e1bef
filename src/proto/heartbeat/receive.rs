//! From an authenticated message to what it means: identity, generation, order, address.
//!
//! Source: `spec/heartbeat-wire.md` 3.1, 7.1.

use super::cluster::Cluster;
use super::config::Autojoin;
use super::event::{Delivery, Event, LinkChange, NodeKind, NodeStatus, Severity};
use super::limiter::Oddity;
use super::node::Node;
use super::sequence::Verdict;
use crate::ids::{Generation, LinkName, NodeName, NodeUuid};
use crate::time::{Instant, Now};
use crate::wire::heartbeat::{Message, Value};

/// A duplicate no further back than this shows that its link is alive: with several media the
/// slower one brings what the faster one brought before.
const LINK_ALIVE_BACK: u64 = 10;

/// Most messages held back for one sender. Ours: clients sign on and off now and then.
const HELD_MAX: usize = 32;

/// The common fields of a message.
pub(super) struct Envelope {
    pub src: NodeName,
    pub uuid: Option<NodeUuid>,
    /// None for the types without: `NS_…`.
    pub seq: Option<u64>,
    pub generation: Generation,
    pub kind: String,
}

/// What a sequenced message told of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Return {
    /// Nothing: it was there before.
    None,
    /// It started again.
    Restarted,
    /// We had declared it dead, it never was.
    Healed,
}

impl Envelope {
    /// Reads and checks them. Errors: what is wrong, in heartbeat's words.
    fn read(message: &Message) -> Result<Self, &'static str> {
        let (Some(src), Some(ts), Some(kind)) =
            (message.text("src"), message.text("ts"), message.kind())
        else {
            return Err("missing from/ts/type");
        };
        let src = NodeName::new(src).map_err(|_| "src is no node name")?;
        if u64::from_str_radix(ts, 16).unwrap_or(0) == 0 {
            return Err("bad ts");
        }
        let seq = if kind.starts_with("NS_") {
            None
        } else {
            Some(message.hex("seq").ok_or("bad sequence number")?)
        };
        let generation = match message.get("hg") {
            None => 0,
            Some(_) => message.hex("hg").ok_or("bad generation")?,
        };
        Ok(Self {
            src,
            uuid: message.uuid("srcuuid").filter(|uuid| !uuid.is_nil()),
            seq,
            generation: Generation(generation),
            kind: kind.to_owned(),
        })
    }
}

impl Cluster {
    pub(super) fn receive(&mut self, now: Now, link: &LinkName, message: Message) {
        let envelope = match Envelope::read(&message) {
            Ok(envelope) => envelope,
            Err(wrong) => {
                let line = || format!("{wrong} in message on {link}: {message}");
                return self.odd(now.mono, Oddity::Malformed, Severity::Error, line);
            }
        };
        if envelope.src == self.config.local {
            return self.receive_own(now, link, &envelope);
        }
        let Some(index) = self.identify(now, &envelope) else {
            return self.receive_unknown(now, link, &envelope);
        };
        match self.nodes[index].kind {
            NodeKind::Ping => self.receive_ping(now, link, index, &message),
            NodeKind::Normal => self.receive_peer(now, link, index, (envelope, message)),
        }
    }

    /// Our own message came back over a broadcast medium: the medium works.
    fn receive_own(&mut self, now: Now, link: &LinkName, envelope: &Envelope) {
        let other_uuid = envelope.uuid.is_some_and(|uuid| uuid != self.config.uuid);
        let ahead = envelope.generation > self.config.generation
            || envelope.generation == self.config.generation
                && envelope.seq.is_some_and(|seq| seq > self.history.highest());
        if other_uuid || ahead {
            let name = envelope.src.clone();
            let line = || format!("another machine uses our node name {name} (message on {link})");
            return self.odd(now.mono, Oddity::Impostor, Severity::Error, line);
        }
        if envelope.generation == self.config.generation {
            let own = self.own();
            self.link_heard(now.mono, own, link);
        }
    }

    /// The node of the table that sent it; follows renames.
    ///
    /// Differs: heartbeat looks by uuid first, so that of two machines with one hb_uuid (a
    /// copied disk) each message renames one into the other. A name of the table wins here. A
    /// node is renamed only where autojoin is on, for otherwise ha.cf has the names; and only by
    /// a start that is newer than the last known, for an old message could rename it back.
    fn identify(&mut self, now: Now, envelope: &Envelope) -> Option<usize> {
        let by_name = self.nodes.iter().position(|node| node.name == envelope.src);
        let by_uuid = envelope
            .uuid
            .and_then(|uuid| self.nodes.iter().position(|node| node.uuid == uuid));
        match (by_name, by_uuid) {
            (Some(index), Some(other)) if index != other => {
                let (a, b) = (&envelope.src, self.nodes[other].name.clone());
                let line = || {
                    format!(
                        "nodes {a} and {b} have the same uuid: remove \
                         /var/lib/heartbeat/hb_uuid on one of them and start it again"
                    )
                };
                self.odd(now.mono, Oddity::SharedUuid, Severity::Error, line);
                Some(index)
            }
            (Some(index), _) => Some(index),
            (None, Some(index)) if self.may_rename(index, envelope) => {
                self.rename(index, &envelope.src);
                Some(index)
            }
            (None, _) => None,
        }
    }

    fn may_rename(&self, index: usize, envelope: &Envelope) -> bool {
        let node = &self.nodes[index];
        self.config.autojoin != Autojoin::None
            && node.name != self.config.local
            && envelope.generation > node.generation
    }

    /// Its uuid, from a message that is known to be of now; another one than before only from a
    /// newer start.
    fn learn_uuid(&mut self, now: Instant, index: usize, uuid: Option<NodeUuid>, newer: bool) {
        let node = &mut self.nodes[index];
        let Some(uuid) = uuid.filter(|uuid| *uuid != node.uuid) else {
            return;
        };
        let known = !node.uuid.is_nil();
        if known && !newer {
            let name = node.name.clone();
            let line = || format!("{name} has another uuid than before and did not start again");
            return self.odd(now, Oddity::Impostor, Severity::Error, line);
        }
        node.uuid = uuid;
        if known {
            let line = format!("node {} changed its uuid to {uuid}", node.name);
            self.log(Severity::Warning, line);
        }
        self.store_nodes();
    }

    fn rename(&mut self, index: usize, name: &NodeName) {
        let old = std::mem::replace(&mut self.nodes[index].name, name.clone());
        self.log(
            Severity::Warning,
            format!("nodename {old} uuid changed to {name}"),
        );
        self.table_changed();
    }

    /// A reply of a ping node, made by its medium.
    fn receive_ping(&mut self, now: Now, link: &LinkName, index: usize, message: &Message) {
        let name = self.nodes[index].name.clone();
        if message.kind() != Some("NS_st") || *link.as_str() != *name.as_str() {
            let line = || format!("message of ping node {name} on {link}");
            return self.odd(now.mono, Oddity::Malformed, Severity::Error, line);
        }
        self.mark_heard(index);
        self.link_heard(now.mono, index, link);
        self.ping_answered(now.mono, index);
    }

    fn receive_peer(
        &mut self,
        now: Now,
        link: &LinkName,
        mut index: usize,
        (envelope, message): (Envelope, Message),
    ) {
        let known = self.nodes[index].generation;
        if envelope.generation < known {
            let (name, said) = (envelope.src, envelope.generation.0);
            let line = || {
                format!(
                    "should_drop_message: attempted replay attack [{name}]? \
                     [gen = {said}, curgen = {}]",
                    known.0
                )
            };
            return self.odd(now.mono, Oddity::Replay, Severity::Error, line);
        }
        let Some(seq) = envelope.seq else {
            self.mark_heard(index);
            if self.is_for_us(&message) {
                self.link_heard(now.mono, index, link);
                self.handle_control(now, index, &envelope.kind, &message);
            }
            return;
        };
        let newer = envelope.generation > known;
        let Some(returned) = self.notice_return(now, index, &envelope, seq) else {
            return;
        };
        self.learn_uuid(now.mono, index, envelope.uuid, newer);
        self.mark_heard(index);
        if !self.admit(now.mono, index, seq, link) {
            return;
        }
        if self.is_for_us(&message) {
            let name = self.nodes[index].name.clone();
            self.dispatch(now, index, (envelope, message), returned);
            // A list of nodes may have moved it.
            let Some(moved) = self.find_name(name.as_str()) else {
                return;
            };
            index = moved;
        }
        self.acknowledge(now, index);
        self.release_held(index);
    }

    /// Restart, healed partition, or neither; none if the message is of before a death.
    ///
    /// Differs: heartbeat lets only a status begin a new generation, and judges other messages
    /// of it by the old numbers, which loses them.
    fn notice_return(
        &mut self,
        now: Now,
        index: usize,
        envelope: &Envelope,
        seq: u64,
    ) -> Option<Return> {
        let node = &mut self.nodes[index];
        let known = node.generation;
        if envelope.generation > known {
            node.generation = envelope.generation;
            if known == Generation(0) {
                node.life = now.mono;
                return Some(Return::None);
            }
            self.node_restarted(now, index);
            return Some(Return::Restarted);
        }
        if known > Generation(0) && node.sequence.is_older_than_death(seq) {
            return None;
        }
        let healed = known > Generation(0) && node.is_dead() && envelope.kind == "status";
        if healed {
            self.node_healed(now, index);
            return Some(Return::Healed);
        }
        Some(Return::None)
    }

    /// Records the number; true if the message is new.
    fn admit(&mut self, now: Instant, index: usize, seq: u64, link: &LinkName) -> bool {
        let last = self.nodes[index].sequence.last();
        let delay = self.config.timing.max_rexmit_delay;
        let (node, rng) = (&mut self.nodes[index], &mut self.rng);
        let verdict = node
            .sequence
            .take(seq, || super::reliability::first_request(now, delay, rng));
        let name = &node.name;
        let line = match verdict {
            Verdict::Gap(lost) | Verdict::TooMany(lost) => {
                let last = last.unwrap_or(0);
                Some(format!("{lost} lost packet(s) for [{name}] [{last}:{seq}]"))
            }
            _ => None,
        };
        if let Some(line) = line {
            self.limiter.tally(Oddity::LostPackets);
            let granted = self.nodes[index].loss_lines.lost.grant(now);
            self.log_granted(granted, Severity::Warning, || line);
        }
        match verdict {
            Verdict::Duplicate | Verdict::Stale => {
                if last.is_some_and(|last| seq.saturating_add(LINK_ALIVE_BACK) >= last) {
                    self.link_heard(now, index, link);
                }
                return false;
            }
            Verdict::TooMany(_) => {
                self.odd(now, Oddity::Irretrievable, Severity::Error, || {
                    "lost a lot of packets!".into()
                });
            }
            Verdict::Recovered(true) => {
                let node = &mut self.nodes[index];
                let line = format!("No pkts missing from {}!", node.name);
                let granted = node.loss_lines.whole.grant(now);
                self.log_granted(granted, Severity::Info, || line);
            }
            Verdict::InOrder | Verdict::Gap(_) | Verdict::Recovered(false) => {}
        }
        self.link_heard(now, index, link);
        true
    }

    /// Addressed to us or to all.
    fn is_for_us(&self, message: &Message) -> bool {
        match message.uuid("destuuid").filter(|uuid| !uuid.is_nil()) {
            Some(uuid) => uuid == self.config.uuid,
            None => match message.get("dest") {
                None => true,
                Some(Value::Text(name)) => name == self.config.local.as_str().as_bytes(),
                Some(_) => false,
            },
        }
    }

    /// A new message of a peer for us: its own effects here, then those above.
    fn dispatch(
        &mut self,
        now: Now,
        index: usize,
        (envelope, message): (Envelope, Message),
        returned: Return,
    ) {
        match envelope.kind.as_str() {
            "status" => self.handle_status(now, index, (&envelope, message), returned),
            "reqnodes" => self.answer_reqnodes(now, index),
            "repnodes" => self.handle_repnodes(now, index, &message),
            "hbapi-clstat" if self.nodes[index].sequence.missing_count() > 0 => {
                // A client's leave must not overtake what it sent before.
                let held = &mut self.nodes[index].held;
                if held.len() < HELD_MAX {
                    held.push(message);
                }
            }
            _ => {
                let name = self.nodes[index].name.clone();
                self.apply(now, &message);
                self.deliver(name, false, message);
            }
        }
    }

    /// Messages that change the table, our own among them.
    pub(super) fn apply(&mut self, now: Now, message: &Message) {
        match message.kind() {
            Some("addnode") => self.handle_addnode(now, message),
            Some("delnode") => self.handle_delnode(now, message),
            Some("setweight") => self.handle_setweight(message),
            Some("setsite") => self.handle_setsite(message),
            _ => {}
        }
    }

    pub(super) fn deliver(&mut self, from: NodeName, local: bool, message: Message) {
        self.event(Event::Deliver(Delivery {
            from,
            local,
            message,
        }));
    }

    /// Hands over what was held back, once nothing is missing any more.
    pub(super) fn release_held(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        if node.held.is_empty() || node.sequence.missing_count() > 0 {
            return;
        }
        let name = node.name.clone();
        for message in std::mem::take(&mut node.held) {
            self.deliver(name.clone(), false, message);
        }
    }

    /// A packet of the node was accepted.
    pub(super) fn mark_heard(&mut self, index: usize) {
        let highest = self.history.highest();
        let node = &mut self.nodes[index];
        if !node.heard {
            node.heard = true;
            node.joined_at = highest;
        }
    }

    /// A packet of the node came over that link.
    fn link_heard(&mut self, now: Instant, index: usize, name: &LinkName) {
        let node: &mut Node = &mut self.nodes[index];
        let node_name = node.name.clone();
        let Some(link) = node.links.iter_mut().find(|link| link.name == *name) else {
            return;
        };
        link.last_heard = Some(now);
        if !std::mem::replace(&mut link.up, true) {
            self.link_changed(node_name, name.clone(), true);
        }
    }

    pub(super) fn link_changed(&mut self, node: NodeName, link: LinkName, up: bool) {
        let state = if up { "up" } else { "dead" };
        self.log(Severity::Info, format!("Link {node}:{link} {state}."));
        self.event(Event::Link(LinkChange { node, link, up }));
    }

    /// Sets a node's status and tells of it.
    pub(super) fn set_node_status(
        &mut self,
        now: Instant,
        index: usize,
        (status, cause): (NodeStatus, Option<super::event::DeathCause>),
    ) {
        let node = &mut self.nodes[index];
        let change = super::event::NodeChange {
            node: node.name.clone(),
            kind: node.kind,
            mode: node.mode,
            was: node.status,
            status,
            cause,
        };
        assert_ne!(change.was, status, "only changes are told");
        node.status = status;
        node.status_since = now;
        self.event(Event::Node(change));
    }
}
