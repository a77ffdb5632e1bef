//! What stands on the ring, as one machine: packets, barriers, groups, votes.
//!
//! ```text
//!  Srp Output::Deliver       --handle_packet--------> messages of services
//!  Srp Output::Configuration --handle_configuration-> barriers, changes of groups, quorum
//!  clients: cpg(), votequorum()                       then pump()
//!  Output::Packet -> Srp::send, SyncPacket -> Srp::send_sync, SyncCompleted -> sync_completed
//! ```
//!
//! It is made for 3.x: services 0 cmap, 2 cpg, 3 quorum and 5 votequorum take part in barriers.
//!
//! Source: spec corosync-services.md 2; corosync 3.1.7, exec/sync.c and exec/main.c

mod receive;

use std::collections::{BTreeMap, VecDeque};

use super::quorum::{self, Verdict};
use super::sync::{self, Barriers};
use super::totempg::{Assembler, Packer};
use super::{cpg, totem};
use crate::ids::NodeId;
use crate::time::Now;
use crate::wire::cluster::{
    self, Cfg, Cmap, CmapItem, CmapReason, CmapValue, LongName, Message, Service,
};
use crate::wire::totem::{Dialect, RingId};

/// The key whose value nodes compare.
const CONFIG_VERSION: &[u8] = b"totem.config_version";

/// What the machine wants done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Queue it for the token.
    Packet(Vec<u8>),
    /// The same, among those of synchronisation.
    SyncPacket(Vec<u8>),
    /// All have synchronised on this ring.
    SyncCompleted(RingId),
    /// Tell a client of a group.
    Group(cpg::ClientId, cpg::Event),
    /// Who may act.
    Verdict(Verdict),
    /// Remember these expected votes where they survive a crash.
    RememberExpectedVotes(u32),
    /// A node stops, reads its files again, or changes keys.
    Cfg(NodeId, Cfg),
    /// This node's configuration is older than that of others: it must end.
    OldConfiguration {
        /// Its own version.
        own: u64,
        /// The highest of another.
        highest: u64,
    },
}

/// The services of one node.
#[derive(Debug)]
pub struct Services {
    dialect: Dialect,
    packer: Packer,
    sync_packer: Packer,
    assembler: Assembler,
    barriers: Barriers,
    cpg: cpg::Machine,
    votequorum: Option<quorum::Machine>,
    config_version: u64,
    highest_version: u64,
    /// What each node told of its own.
    versions: BTreeMap<NodeId, u64>,
    versions_compared: bool,
    /// Of the last regular configuration.
    members: Vec<NodeId>,
    /// Members that came with this node from its old ring.
    along: Vec<NodeId>,
    outputs: VecDeque<Output>,
}

impl Services {
    /// Services of a node. `packet_bytes` is what a packet of totempg may have, header included;
    /// `votequorum` is absent without a quorum provider; `dialect` says how the ring is named.
    pub fn new(
        node: NodeId,
        dialect: Dialect,
        packet_bytes: usize,
        config_version: u64,
        votequorum: Option<quorum::Machine>,
    ) -> Self {
        let mut own = vec![Service::CMAP, Service::CPG, Service::QUORUM];
        own.extend(votequorum.as_ref().map(|_| Service::VOTEQUORUM));
        let mut services = Self {
            dialect,
            packer: Packer::new(packet_bytes),
            sync_packer: Packer::new(packet_bytes),
            assembler: Assembler::new(),
            barriers: Barriers::new(&own),
            cpg: cpg::Machine::new(node),
            votequorum,
            config_version,
            highest_version: config_version,
            versions: BTreeMap::new(),
            versions_compared: false,
            members: Vec::new(),
            along: vec![node],
            outputs: VecDeque::new(),
        };
        services.pump();
        services
    }

    /// The groups, for what clients ask; call [`Services::pump`] afterwards.
    pub fn cpg(&mut self) -> &mut cpg::Machine {
        &mut self.cpg
    }

    /// The groups, to look at.
    pub fn groups(&self) -> &cpg::Machine {
        &self.cpg
    }

    /// The votes.
    pub fn votequorum(&self) -> Option<&quorum::Machine> {
        self.votequorum.as_ref()
    }

    /// Sends a message about votes, such as one of [`quorum::Machine::set_expected_votes`].
    pub fn send(&mut self, message: &Message) {
        // Messages of services are far shorter than the longest.
        let _ = self
            .packer
            .push_to(cluster::SERVICES, |out| message.encode_into(out));
        self.pump();
    }

    /// The configuration has another version: tells the others.
    ///
    /// Source: corosync 3.1.7, exec/cmap.c, `cmap_config_version_track_cb`
    pub fn set_config_version(&mut self, version: u64) {
        if self.config_version == version {
            return;
        }
        self.config_version = version;
        self.highest_version = self.highest_version.max(version);
        if let Some(message) = self.version_message(CmapReason::NewConfigVersion) {
            self.send(&message);
        }
    }

    /// The version of a node's configuration, as it told it; 0 for none.
    pub fn config_version_of(&self, node: NodeId) -> Option<u64> {
        self.versions.get(&node).copied()
    }

    /// The configuration has other votes, or other rules for them.
    pub fn reconfigure_votes(&mut self, config: quorum::Config) {
        if let Some(votequorum) = &mut self.votequorum {
            votequorum.read_again(config);
        }
        self.pump();
    }

    /// The node is about to stop: tells the others, if they are to count without it; true if so.
    pub fn announce_leave(&mut self) -> bool {
        let votequorum = self.votequorum.as_mut();
        let message = votequorum.and_then(quorum::Machine::leave);
        if let Some(message) = &message {
            self.send(&Message::Votequorum(message.clone()));
        }
        message.is_some()
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Services::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<crate::time::Instant> {
        self.votequorum
            .as_ref()
            .and_then(quorum::Machine::poll_timeout)
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Now) {
        if let Some(votequorum) = &mut self.votequorum {
            votequorum.handle_timeout(now);
        }
        self.pump();
    }

    /// True from a regular configuration until all have synchronised.
    pub fn is_synchronising(&self) -> bool {
        self.barriers.is_running()
    }

    /// The ring changed.
    pub fn handle_configuration(&mut self, now: Now, change: &totem::Configuration) {
        let members: Vec<NodeId> = change.members.iter().map(|m| m.node()).collect();
        if change.phase == totem::Phase::Transitional {
            self.barriers.abort();
            for left in &change.left {
                self.assembler.forget(left.node());
            }
            self.along = members;
        } else {
            self.assembler.begin_synchronising();
            self.along.retain(|node| members.contains(node));
            self.cpg.begin_sync(&self.along, &members);
            if let Some(votequorum) = &mut self.votequorum {
                votequorum.begin_sync(now, &members);
            }
            self.barriers.start(change.ring, &members);
            self.members = members;
        }
        self.pump();
    }

    /// Carries on until nothing is left to do, then closes the packets.
    pub fn pump(&mut self) {
        loop {
            let mut idle = true;
            while let Some(output) = self.barriers.poll_output() {
                idle = false;
                self.barrier(output);
            }
            idle &= !self.drain_cpg();
            idle &= !self.drain_votequorum();
            if idle {
                break;
            }
        }
        self.sync_packer.flush();
        while let Some(packet) = self.sync_packer.poll_packet() {
            self.outputs.push_back(Output::SyncPacket(packet));
        }
        self.packer.flush();
        while let Some(packet) = self.packer.poll_packet() {
            self.outputs.push_back(Output::Packet(packet));
        }
    }

    fn barrier(&mut self, output: sync::Output) {
        match output {
            sync::Output::Send(message) => {
                let body = cluster::encode_sync(&message, self.dialect);
                let write = |out: &mut Vec<u8>| out.extend_from_slice(&body);
                let _ = self.sync_packer.push_to(cluster::SYNC, write);
            }
            sync::Output::Process(service) => {
                for message in self.sync_messages(service) {
                    let write = |out: &mut Vec<u8>| message.encode_into(out);
                    let _ = self.sync_packer.push_to(cluster::SERVICES, write);
                }
                self.barriers.processed();
            }
            sync::Output::Activate(service) => self.activate(service),
            sync::Output::Completed(ring) => {
                self.assembler.end_synchronising();
                self.outputs.push_back(Output::SyncCompleted(ring));
            }
            sync::Output::Aborted => self.cpg.abort_sync(),
        }
    }

    /// What a service says in the synchronisation; that of quorum says nothing.
    fn sync_messages(&self, service: Service) -> Vec<Message> {
        match service {
            Service::CMAP => {
                let told = self.version_message(CmapReason::Sync);
                told.into_iter().collect()
            }
            Service::CPG => {
                let all = self.cpg.sync_messages().into_iter();
                all.map(Message::Cpg).collect()
            }
            Service::VOTEQUORUM => {
                let all = self.votequorum.iter().flat_map(|v| v.sync_messages());
                all.map(Message::Votequorum).collect()
            }
            _ => Vec::new(),
        }
    }

    fn version_message(&self, reason: CmapReason) -> Option<Message> {
        let value = match self.config_version {
            0 => CmapValue::Absent,
            version => CmapValue::U64(version),
        };
        let key = LongName::new(CONFIG_VERSION).ok()?;
        let items = vec![CmapItem { key, value }];
        Some(Message::Cmap(Cmap { reason, items }))
    }

    fn activate(&mut self, service: Service) {
        match service {
            Service::CMAP => self.compare_versions(),
            Service::CPG => self.cpg.activate(),
            Service::VOTEQUORUM => {
                if let Some(votequorum) = &mut self.votequorum {
                    votequorum.activate();
                }
            }
            _ => {}
        }
    }

    /// Once, when others are there for the first time.
    ///
    /// Source: corosync 3.1.7, exec/cmap.c, `cmap_sync_activate`
    fn compare_versions(&mut self) {
        if self.versions_compared || self.members.len() < 2 {
            return;
        }
        let (own, highest) = (self.config_version, self.highest_version);
        self.versions_compared = true;
        if own != 0 && own != highest {
            self.outputs
                .push_back(Output::OldConfiguration { own, highest });
        }
    }

    fn drain_cpg(&mut self) -> bool {
        let mut did = false;
        while let Some(output) = self.cpg.poll_output() {
            did = true;
            match output {
                cpg::Output::Send(message) => {
                    let message = Message::Cpg(message);
                    let write = |out: &mut Vec<u8>| message.encode_into(out);
                    let _ = self.packer.push_to(cluster::SERVICES, write);
                }
                cpg::Output::Event(client, event) => {
                    self.outputs.push_back(Output::Group(client, event));
                }
            }
        }
        did
    }

    fn drain_votequorum(&mut self) -> bool {
        let mut did = false;
        while let Some(output) = self.votequorum.as_mut().and_then(|v| v.poll_output()) {
            did = true;
            match output {
                quorum::Output::Send(message) => {
                    let message = Message::Votequorum(message);
                    let write = |out: &mut Vec<u8>| message.encode_into(out);
                    let _ = self.packer.push_to(cluster::SERVICES, write);
                }
                quorum::Output::Verdict(verdict) => {
                    self.outputs.push_back(Output::Verdict(verdict));
                }
                quorum::Output::Remember(votes) => {
                    self.outputs.push_back(Output::RememberExpectedVotes(votes));
                }
            }
        }
        did
    }
}

#[cfg(test)]
mod tests;
