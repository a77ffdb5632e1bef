//! heartbeat's media as a messaging layer: ccm says who is a member, a sequencer makes one order.
//!
//! ```text
//!  proto::ccm --handle_membership--> Heartbeat { Sequencer } --Event--> controller
//!  proto::heartbeat --handle_event--> Heartbeat --Output::Send--> proto::heartbeat
//! ```
//!
//! Other nodes see a client of heartbeat's API of the name [`CLIENT`]. It isn't `crmd`: a node
//! with Pacemaker on heartbeat must not take it for one.
//!
//! A member of ccm that runs no CRM is waited for, and named in the log: whether it holds
//! resources nobody could tell. A node that ccm put out is alone and without quorum until it is
//! let in again; one that was alone keeps what it had.

mod own;
mod round;
mod sequencer;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sha2::{Digest, Sha256};

use super::pieces::{Assembly, pieces};
use super::{Event, Member, Membership, Output, membership_id};
use crate::ids::{NodeId, NodeName, NodeUuid};
use crate::proto::ccm;
use crate::proto::heartbeat::{self, Severity};
use crate::time::{Instant, Now};
use crate::wire::ccm::Cookie;
use crate::wire::heartbeat::{Message, Value};
use crate::wire::ordered::{Frame, View};
pub use sequencer::{Output as SequencerOutput, Sequencer};

/// Name of the client.
pub const CLIENT: &str = "everbeat-crm";

/// Bytes of a message in a piece. Ours: in base64 and with the fields around it less than a
/// datagram.
const PART_BYTES_MAX: usize = 45 * 1024;

/// The field with a frame.
const FIELD: &str = "frame";

/// What the layer is told at its start.
#[derive(Debug, Clone)]
pub struct Config {
    /// This node.
    pub local: NodeName,
    /// Its own id.
    pub uuid: NodeUuid,
}

impl Config {
    /// The node's number for the CRM.
    pub fn node_id(&self) -> NodeId {
        node_id(self.uuid)
    }
}

/// The number of a node: of its own id, so that it stays when other nodes come and go.
fn node_id(uuid: NodeUuid) -> NodeId {
    let digest = Sha256::digest(uuid.0);
    let first = digest.iter().take(4);
    let number = first.fold(0, |number, byte| number << 8 | u32::from(*byte));
    NodeId(number.max(1))
}

/// The layer.
#[derive(Debug)]
pub struct Heartbeat {
    config: Config,
    sequencer: Sequencer,
    assembly: Assembly,
    /// The view that is wanted, and whether it has quorum.
    wanted: Option<(View, bool)>,
    /// How many members it has.
    wanted_members: usize,
    /// Members of the view that has begun.
    members: BTreeMap<NodeName, Member>,
    /// How often this node was put out.
    evictions: u32,
    /// Nodes whose messages can't be read; each is named once.
    unreadable: BTreeSet<NodeName>,
    here: bool,
    events: VecDeque<Event>,
    outputs: VecDeque<Output>,
}

impl Heartbeat {
    /// A layer that waits for communication to come up.
    pub fn new(config: Config) -> Self {
        Self {
            sequencer: Sequencer::new(config.local.clone(), config.uuid),
            config,
            assembly: Assembly::default(),
            wanted: None,
            wanted_members: 0,
            members: BTreeMap::new(),
            evictions: 0,
            unreadable: BTreeSet::new(),
            here: false,
            events: VecDeque::new(),
            outputs: VecDeque::new(),
        }
    }

    pub(super) fn local(&self) -> NodeId {
        self.config.node_id()
    }

    /// The node protocol told something.
    pub fn handle_event(&mut self, now: Now, event: &heartbeat::Event) {
        match event {
            heartbeat::Event::CommUp(_) => self.announce(true),
            heartbeat::Event::FlowControl(paused) => {
                self.sequencer.handle_pause(now.mono, *paused);
            }
            heartbeat::Event::Deliver(delivery) => {
                self.deliver(now, &delivery.from, &delivery.message);
            }
            _ => {}
        }
        self.carry();
    }

    fn deliver(&mut self, now: Now, from: &NodeName, message: &Message) {
        let of_us = message.kind() == Some(CLIENT) && message.text("to_id") == Some(CLIENT);
        let Some(Value::Binary(bytes)) = message.get(FIELD).filter(|_| of_us) else {
            return;
        };
        match Frame::decode(bytes) {
            Ok((view, frame)) => self.sequencer.handle_frame(now.mono, from, view, frame),
            Err(error) if self.unreadable.insert(from.clone()) => {
                let text = format!("messages of {from} can't be read: {error}");
                self.events.push_back(Event::Log(Severity::Warning, text));
            }
            Err(_) => {}
        }
    }

    /// ccm told something.
    pub fn handle_membership(&mut self, now: Now, event: &ccm::Event) {
        match event {
            ccm::Event::Membership(membership) => {
                let view = View {
                    instance: membership.instance,
                    cookie: membership.cookie.clone(),
                };
                let names = membership.members.iter().map(|member| member.name.clone());
                self.go_to(now.mono, view, membership.quorum, names.collect());
            }
            // The last membership holds until the next.
            ccm::Event::Influx => {}
            ccm::Event::Evicted if self.wanted_members > 1 => {
                self.evictions += 1;
                let mut cookie = self.config.uuid.0[..10].to_vec();
                cookie.extend_from_slice(&self.evictions.to_be_bytes());
                let view = View {
                    instance: 0,
                    cookie: Cookie::new(&cookie),
                };
                self.go_to(now.mono, view, false, vec![self.config.local.clone()]);
            }
            ccm::Event::Evicted => {}
        }
        self.carry();
    }

    fn go_to(&mut self, now: Instant, view: View, quorate: bool, members: Vec<NodeName>) {
        self.wanted_members = members.len();
        let was = self.wanted.replace((view.clone(), quorate));
        if was.as_ref().is_none_or(|(old, _)| *old != view) {
            self.sequencer.handle_view(now, view, members);
        } else if was.is_some_and(|(_, old)| old != quorate) && self.sequencer.view() == Some(&view)
        {
            self.tell_membership(&BTreeSet::new());
        }
    }

    /// Sends a message to all members.
    pub(super) fn send(&mut self, now: Now, message: &[u8]) {
        let pieces = pieces(message, PART_BYTES_MAX);
        self.sequencer.send(now.mono, pieces);
        self.carry();
    }

    pub(super) fn leave(&mut self) {
        self.announce(false);
    }

    fn announce(&mut self, here: bool) {
        if std::mem::replace(&mut self.here, here) == here {
            return;
        }
        let (status, info) = if here {
            ("join", "signon")
        } else {
            ("leave", "signoff")
        };
        let message = Message::of_type("hbapi-clstat")
            .with("st", status)
            .with("from_id", CLIENT)
            .with("to_id", CLIENT)
            .with("src", self.config.local.as_str())
            .with("info", info)
            .with("client_gen", "0");
        self.outputs.push_back(Output::Send(Box::new(message)));
    }

    pub(super) fn handle_timeout(&mut self, now: Now) {
        self.sequencer.handle_timeout(now.mono);
        self.carry();
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.sequencer.poll_timeout()
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(super) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn carry(&mut self) {
        while let Some(output) = self.sequencer.poll_output() {
            match output {
                sequencer::Output::Send { to, bytes } => self.post(to, bytes),
                sequencer::Output::Deliver { from, piece } => self.piece(&from, &piece),
                sequencer::Output::Installed { members, strangers } => {
                    self.install(members, &strangers);
                }
                sequencer::Output::Silent(node) => self.name_silent(&node),
            }
        }
    }

    fn post(&mut self, to: Option<NodeName>, bytes: Vec<u8>) {
        if !self.here {
            return;
        }
        let mut message = Message::of_type(CLIENT)
            .with("from_id", CLIENT)
            .with("to_id", CLIENT);
        if let Some(to) = to {
            message.set("dest", Value::Text(to.as_str().into()));
        }
        message.push(FIELD, Value::Binary(bytes));
        self.outputs.push_back(Output::Send(Box::new(message)));
    }

    fn piece(&mut self, from: &NodeName, piece: &[u8]) {
        let Some(from) = self.members.get(from).map(|member| member.id) else {
            return;
        };
        if let Some(message) = self.assembly.receive(from, piece) {
            self.events.push_back(Event::Message { from, message });
        }
    }

    fn install(&mut self, members: Vec<(NodeName, NodeUuid)>, strangers: &BTreeSet<NodeName>) {
        // What of ours was cut is sent anew by the sequencer.
        self.assembly.clear(self.config.node_id());
        let member = |(name, uuid): (NodeName, NodeUuid)| {
            // Tools look for a node of the CIB by the number that crm_node shows.
            let id = node_id(uuid);
            let member = Member {
                id,
                name: name.to_string(),
                uuid: id.to_string(),
            };
            (name, member)
        };
        self.members = members.into_iter().map(member).collect();
        let ids: BTreeSet<NodeId> = self.members.values().map(|member| member.id).collect();
        if ids.len() < self.members.len() {
            return self.refuse_twins();
        }
        if !strangers.is_empty() {
            self.tell_membership(strangers);
        }
        self.tell_membership(&BTreeSet::new());
    }

    /// Two nodes can't be told apart: no membership can be told.
    fn refuse_twins(&mut self) {
        let names: Vec<&str> = self.members.keys().map(NodeName::as_str).collect();
        let text = format!(
            "two of the nodes {} have the same id, as copies of a disk have: remove \
             /var/lib/heartbeat/hb_uuid on one of them and start it again",
            names.join(" ")
        );
        self.events.push_back(Event::Log(Severity::Critical, text));
    }

    fn tell_membership(&mut self, without: &BTreeSet<NodeName>) {
        let Some((view, quorate)) = &self.wanted else {
            return;
        };
        let there = self.members.iter();
        let there = there.filter(|(name, _)| !without.contains(*name));
        let members: Vec<Member> = there.map(|(_, member)| member.clone()).collect();
        let ids = members.iter().flat_map(|member| member.id.0.to_be_bytes());
        let instance = view.instance.to_be_bytes().into_iter();
        let name = view.cookie.as_bytes().iter().copied();
        let membership = Membership {
            id: membership_id(instance.chain(name).chain(ids)),
            members,
            quorate: *quorate,
        };
        self.events.push_back(Event::Membership(membership));
    }

    fn name_silent(&mut self, node: &NodeName) {
        let text = format!(
            "{node} is a member and its CRM doesn't answer: nothing goes on before it does. Does \
             its ha.cf say `crm`, as this node's?"
        );
        self.events.push_back(Event::Log(Severity::Warning, text));
    }
}
