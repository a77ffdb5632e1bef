//! A ring as a messaging layer: a group of the ring, in the order that the token gives.
//!
//! Called by the daemon of the ring with what the ring tells; what is to be sent to the group
//! comes out. A message is given back to this node, too: it counts when it does.
//!
//! The ring gives a message out to who sends it before anybody else has it. Here it waits until
//! two rounds of the token have said that all have it, or until the next ring: so what the CRM
//! heard and answered for isn't lost with a node that is cut off then.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::pieces::{Assembly, pieces};
use super::{Event, Member, Membership, Output, membership_id};
use crate::ids::NodeId;
use crate::proto::cpg;
use crate::proto::totem::Reached;
use crate::wire::totem::{RingId, Seqno};

/// Bytes of a message in a piece. Ours: two pieces are less than a window of the ring.
const PART_BYTES_MAX: usize = 256 * 1024;

/// Nodes of a cluster of which nothing is known yet. Source: pacemaker 1.0 and 1.1, lib/ais,
/// `plugin_expected_votes`.
const COUNTED_MIN: usize = 2;

/// First byte of a piece that has the sender's name instead of a part of a message.
const NAME: u8 = 4;

/// The group's name.
pub const GROUP: &[u8] = b"everbeat-crm";

/// Where quorum comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quorum {
    /// The ring's votes.
    Votes,
    /// Nothing counts votes: there is always quorum.
    Always,
    /// More than half of the nodes that the cluster knows, as Pacemaker's plugin in corosync 1.x
    /// counts.
    Counted,
}

/// What the layer is told at its start.
#[derive(Debug, Clone)]
pub struct Config {
    /// This node.
    pub local: NodeId,
    /// Names of nodes by number, this node's among them.
    pub names: BTreeMap<NodeId, String>,
    /// The configuration, which is the same on all nodes, has no names: each node tells its own.
    pub tell_names: bool,
    /// Where quorum comes from.
    pub quorum: Quorum,
    /// The ring that the node is on already.
    pub ring: RingId,
}

/// The layer.
#[derive(Debug)]
pub struct Totem {
    config: Config,
    assembly: Assembly,
    /// Own messages that did not come back yet.
    under_way: VecDeque<Vec<u8>>,
    group: Vec<NodeId>,
    /// Those of the group that have yet to tell their names: until then the last membership holds.
    nameless: BTreeSet<NodeId>,
    votes: bool,
    known: usize,
    quorate: bool,
    events: VecDeque<Event>,
    /// What not all members are known to have, with the ring's last number when it came, and
    /// what comes after that.
    held: VecDeque<(Option<Seqno>, Event)>,
    outputs: VecDeque<Output>,
}

impl Totem {
    /// A layer whose node has yet to join the group.
    pub fn new(config: Config) -> Self {
        Self {
            quorate: config.quorum == Quorum::Always,
            config,
            assembly: Assembly::default(),
            under_way: VecDeque::new(),
            group: Vec::new(),
            nameless: BTreeSet::new(),
            votes: false,
            known: COUNTED_MIN,
            events: VecDeque::new(),
            held: VecDeque::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Something waits for [`Self::handle_reached`].
    pub fn is_waiting(&self) -> bool {
        !self.held.is_empty()
    }

    /// The ring has come so far, with all that was handed over.
    pub fn handle_reached(&mut self, reached: Reached) {
        let new = self.held.iter_mut().rev();
        for (at, _) in new.take_while(|(at, _)| at.is_none()) {
            *at = Some(reached.delivered);
        }
        while let Some((Some(at), _)) = self.held.front()
            && at.is_at_most(reached.stable)
        {
            let event = self.held.pop_front();
            self.events.extend(event.map(|(_, event)| event));
        }
    }

    /// Those who go on together have the same; what others have doesn't matter any more.
    fn release(&mut self) {
        let held = self.held.drain(..);
        self.events.extend(held.map(|(_, event)| event));
    }

    /// Tells it after what waits.
    fn tell(&mut self, event: Event) {
        match (&event, self.held.is_empty()) {
            (Event::Membership(_) | Event::Log(..), true) => self.events.push_back(event),
            _ => self.held.push_back((None, event)),
        }
    }

    /// The ring is another one; the group on it comes after.
    pub fn handle_ring(&mut self, ring: RingId) {
        self.release();
        self.config.ring = ring;
    }

    /// The votes were counted.
    pub fn handle_votes(&mut self, quorate: bool) {
        self.votes = quorate;
        self.count();
    }

    /// The configuration gives nodes these names; those that it no longer has keep theirs, as
    /// they may still be there.
    pub fn handle_names(&mut self, names: BTreeMap<NodeId, String>) {
        let differs = |(id, name): (&NodeId, &String)| {
            self.group.contains(id) && self.config.names.get(id) != Some(name)
        };
        let told = names.iter().any(differs);
        self.config.names.extend(names);
        if told {
            self.tell_membership();
        }
    }

    /// So many nodes the cluster should have.
    pub fn handle_known_nodes(&mut self, known: usize) {
        self.known = known;
        self.count();
    }

    fn count(&mut self) {
        let quorate = self.has_quorum();
        if std::mem::replace(&mut self.quorate, quorate) != quorate {
            self.tell_membership();
        }
    }

    fn has_quorum(&self) -> bool {
        match self.config.quorum {
            Quorum::Votes => self.votes,
            Quorum::Always => true,
            Quorum::Counted => self.group.len() * 2 > self.known,
        }
    }

    /// The group heard something.
    pub fn handle_group(&mut self, event: &cpg::Event) {
        match event {
            cpg::Event::Message { node, data, .. } if data.first() == Some(&NAME) => {
                let name = String::from_utf8_lossy(&data[1..]).into_owned();
                self.config.names.insert(*node, name);
                if self.nameless.remove(node) && self.nameless.is_empty() {
                    self.tell_membership();
                }
            }
            cpg::Event::Message { node, data, .. } => {
                if let Some(message) = self.assembly.receive(*node, data) {
                    if *node == self.config.local {
                        self.under_way.pop_front();
                    }
                    self.tell(Event::Message {
                        from: *node,
                        message,
                    });
                }
            }
            cpg::Event::Change {
                members, joined, ..
            } => {
                self.release();
                self.group = members.iter().map(|(node, _)| *node).collect();
                self.group.dedup();
                self.quorate = self.has_quorum();
                if self.assembly.clear(self.config.local)
                    && let Some(own) = self.under_way.pop_front()
                {
                    self.send(own);
                }
                self.ask_for_names(!joined.is_empty());
                self.tell_membership();
            }
        }
    }

    /// Who is new knows no names: all tell theirs, so that all go on at the same place.
    fn ask_for_names(&mut self, new: bool) {
        if !self.config.tell_names {
            return;
        }
        self.nameless.retain(|node| self.group.contains(node));
        if new {
            self.nameless = self.group.iter().copied().collect();
            let mut piece = vec![NAME];
            piece.extend_from_slice(self.name_of(self.config.local).as_bytes());
            self.outputs.push_back(Output::Multicast(piece));
        }
    }

    fn tell_membership(&mut self) {
        if !self.group.contains(&self.config.local) || !self.nameless.is_empty() {
            return;
        }
        let ring = self.config.ring;
        let nodes = self.group.iter().flat_map(|node| node.0.to_be_bytes());
        let seq = ring.seq.to_be_bytes();
        let rep = ring.rep.node.0.to_be_bytes();
        let members = self.group.iter().map(|id| Member {
            id: *id,
            name: self.name_of(*id),
            uuid: id.to_string(),
        });
        // Within a ring the group tells one membership from the next.
        let membership = Membership {
            id: membership_id(seq.into_iter().chain(rep).chain(nodes)),
            members: members.collect(),
            quorate: self.quorate,
        };
        self.tell(Event::Membership(membership));
    }

    fn name_of(&self, id: NodeId) -> String {
        let name = self.config.names.get(&id).cloned();
        name.unwrap_or_else(|| format!("Node{id}"))
    }

    /// Sends a message to the group.
    pub fn send(&mut self, message: Vec<u8>) {
        let pieces = pieces(&message, PART_BYTES_MAX);
        self.outputs
            .extend(pieces.into_iter().map(Output::Multicast));
        self.under_way.push_back(message);
    }

    pub(super) fn local(&self) -> NodeId {
        self.config.local
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(super) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::wire::cluster::CpgName;

    fn layer(quorum: Quorum) -> Totem {
        Totem::new(Config {
            local: NodeId(1),
            names: BTreeMap::from([(NodeId(1), "alpha".to_owned())]),
            tell_names: false,
            quorum,
            ring: RingId::of_node(NodeId(1), 4),
        })
    }

    fn change(nodes: &[u32]) -> cpg::Event {
        cpg::Event::Change {
            group: CpgName::new(GROUP).unwrap(),
            members: nodes.iter().map(|node| (NodeId(*node), 7)).collect(),
            left: Vec::new(),
            joined: Vec::new(),
        }
    }

    fn piece(node: u32, data: &[u8]) -> cpg::Event {
        cpg::Event::Message {
            group: CpgName::new(GROUP).unwrap(),
            node: NodeId(node),
            pid: 7,
            part: None,
            data: Arc::from(data),
        }
    }

    fn memberships(layer: &mut Totem) -> Vec<Membership> {
        let events = std::iter::from_fn(|| layer.poll_event());
        let memberships = events.filter_map(|event| match event {
            Event::Membership(membership) => Some(membership),
            _ => None,
        });
        memberships.collect()
    }

    fn sent(layer: &mut Totem) -> Vec<Vec<u8>> {
        let outputs = std::iter::from_fn(|| layer.poll_output());
        let pieces = outputs.map(|output| match output {
            Output::Multicast(piece) => piece,
            Output::Send(message) => panic!("{message} on a ring"),
        });
        pieces.collect()
    }

    #[test]
    fn memberships_have_names_and_ids_of_their_own() {
        let mut layer = layer(Quorum::Votes);
        layer.handle_group(&change(&[2]));
        assert_eq!(memberships(&mut layer), [], "we are not in it yet");
        layer.handle_group(&change(&[1, 2]));
        layer.handle_ring(RingId::of_node(NodeId(1), 8));
        layer.handle_group(&change(&[1, 2]));
        let told = memberships(&mut layer);
        assert_ne!(told[0].id, told[1].id);
        assert_eq!(told[1].members[0].name, "alpha");
        assert_eq!(told[1].members[1].name, "Node2");
        assert!(!told[1].quorate);
        layer.handle_votes(true);
        layer.handle_votes(true);
        let again = memberships(&mut layer);
        assert_eq!(again.len(), 1, "told when it changes");
        assert_eq!((again[0].id, again[0].quorate), (told[1].id, true));
        // All nodes have to come to the same number, whatever built them.
        assert_eq!(told[0].id.0, 0xb400_ee5f_a1cb_5202);
    }

    #[test]
    fn members_have_the_names_of_a_configuration_that_was_read_again() {
        let mut layer = layer(Quorum::Always);
        layer.handle_group(&change(&[1, 2]));
        let before = memberships(&mut layer);
        let names = |all: &[(u32, &str)]| {
            let named = |(id, name): &(u32, &str)| (NodeId(*id), (*name).to_owned());
            all.iter().map(named).collect()
        };
        layer.handle_names(names(&[(1, "alpha"), (3, "gamma")]));
        assert_eq!(
            memberships(&mut layer),
            [],
            "nothing for those who are here"
        );
        layer.handle_names(names(&[(2, "beta")]));
        let told = memberships(&mut layer);
        assert_eq!(told[0].id, before[0].id);
        assert_eq!(told[0].members[1].name, "beta");
        layer.handle_group(&change(&[1, 3]));
        assert_eq!(memberships(&mut layer)[0].members[1].name, "gamma");
    }

    #[test]
    fn names_are_told_where_the_configuration_has_none() {
        let mut layer = layer(Quorum::Always);
        layer.config.tell_names = true;
        let moved = |node| cpg::Moved {
            node: NodeId(node),
            pid: 7,
            reason: crate::wire::cluster::Reason::JOIN,
        };
        let mut both = change(&[1, 2]);
        if let cpg::Event::Change { joined, .. } = &mut both {
            *joined = vec![moved(2)];
        }
        layer.handle_group(&both);
        assert_eq!(sent(&mut layer), [b"\x04alpha"]);
        layer.handle_group(&piece(1, b"\x04alpha"));
        assert_eq!(memberships(&mut layer), [], "one is missing");
        layer.handle_group(&piece(2, b"\x04beta"));
        let told = memberships(&mut layer);
        assert_eq!(told[0].members[1].name, "beta");
        layer.handle_group(&both);
        layer.handle_group(&piece(1, b"\x04alpha"));
        layer.handle_group(&change(&[1]));
        assert_eq!(
            memberships(&mut layer).len(),
            1,
            "who is gone isn't waited for"
        );
    }

    #[test]
    fn nodes_are_counted_where_nothing_else_does() {
        let mut layer = layer(Quorum::Counted);
        layer.handle_group(&change(&[1]));
        assert!(!memberships(&mut layer)[0].quorate, "one of two");
        layer.handle_group(&change(&[1, 2]));
        assert!(memberships(&mut layer)[0].quorate);
        layer.handle_known_nodes(4);
        assert!(!memberships(&mut layer)[0].quorate, "two of four");
        layer.handle_known_nodes(1);
        layer.handle_group(&change(&[1]));
        assert!(memberships(&mut layer).iter().all(|m| m.quorate));
    }

    fn reached(delivered: u32, stable: u32) -> Reached {
        Reached {
            delivered: Seqno(delivered),
            stable: Seqno(stable),
        }
    }

    /// Messages by their text, and how many members there are.
    fn told(layer: &mut Totem) -> Vec<String> {
        let events = std::iter::from_fn(|| layer.poll_event());
        let lines = events.map(|event| match event {
            Event::Message { message, .. } => String::from_utf8(message).unwrap(),
            Event::Membership(membership) => membership.members.len().to_string(),
            Event::Log(_, line) => line,
        });
        lines.collect()
    }

    #[test]
    fn a_message_waits_until_all_members_have_it_or_the_next_ring() {
        let mut layer = layer(Quorum::Votes);
        let hear = |layer: &mut Totem, text: &str| {
            for part in pieces(text.as_bytes(), PART_BYTES_MAX) {
                layer.handle_group(&piece(2, &part));
            }
        };
        layer.handle_group(&change(&[1, 2]));
        hear(&mut layer, "one");
        assert!(layer.is_waiting());
        layer.handle_reached(reached(5, 4));
        hear(&mut layer, "two");
        layer.handle_votes(true);
        assert_eq!(
            told(&mut layer),
            ["2"],
            "votes come after what was heard before"
        );
        layer.handle_reached(reached(6, 5));
        assert_eq!(told(&mut layer), ["one"]);
        layer.handle_ring(RingId::of_node(NodeId(1), 8));
        layer.handle_group(&change(&[1]));
        assert_eq!(told(&mut layer), ["two", "2", "1"]);
        assert!(!layer.is_waiting());
    }

    #[test]
    fn a_message_that_a_change_cuts_is_sent_again_as_a_whole() {
        let mut layer = layer(Quorum::Always);
        layer.handle_group(&change(&[1]));
        layer.send(vec![1; PART_BYTES_MAX + 1]);
        layer.send(vec![2]);
        let pieces = sent(&mut layer);
        assert_eq!(pieces.len(), 3);
        layer.handle_group(&piece(1, &pieces[0]));
        layer.handle_group(&change(&[1, 2]));
        let again = sent(&mut layer);
        assert_eq!(again, pieces[..2]);
        memberships(&mut layer);
        for piece_of in pieces[1..].iter().chain(&again) {
            layer.handle_group(&piece(1, piece_of));
        }
        layer.handle_reached(reached(9, 9));
        let told = std::iter::from_fn(|| layer.poll_event());
        let lengths = told.map(|event| match event {
            Event::Message { message, .. } => message.len(),
            _ => 0,
        });
        assert_eq!(lengths.collect::<Vec<_>>(), [1, PART_BYTES_MAX + 1]);
        layer.handle_group(&change(&[1]));
        assert!(sent(&mut layer).is_empty(), "all came back");
    }
}
