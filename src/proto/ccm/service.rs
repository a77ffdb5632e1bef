//! The membership as a client of its node: heartbeat's process `ccm`, without the process.
//!
//! ```text
//!  Cluster --Event--> Service --handle_*--> Ccm
//!  Cluster <--send--- Service <--Output---- Ccm
//! ```
//!
//! Other nodes see a client named `ccm` that comes (`hbapi-clstat`), talks to its like, and
//! leaves before the node does.
//!
//! Source: `spec/ccm.md` section 1, `spec/heartbeat-api.md` sections 2.2, 5; seen in
//! `tests/wire/ccm`.

use std::collections::VecDeque;
use std::time::Duration;

use super::event::{CcmConfig, CcmNode, Event, Output};
use super::machine::Ccm;
use super::quorum::Plugin;
use crate::ids::NodeName;
use crate::proto::heartbeat::{self, Cluster, Delivery, NodeKind, Severity};
use crate::proto::rng::Rng;
use crate::time::{Instant, Now};
use crate::wire::ccm::{CcmMessage, is_ccm};
use crate::wire::heartbeat::{Message, Value};

/// Name of the client. Source: heartbeat 3.0.6.
pub const CLIENT: &str = "ccm";

/// What a driver must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceOutput {
    /// Hand it to the node protocol: for the node in `dest`, or for all, ourselves too.
    Send(Message),
    /// Tell those above.
    Event(Event),
    /// A line for the log.
    Log(Severity, String),
}

/// The membership of one node, from the time its communication is up until it leaves.
#[derive(Debug)]
pub struct Service {
    local: NodeName,
    keepalive: Duration,
    quorum: Vec<Plugin>,
    rng: Rng,
    machine: Option<Ccm>,
    /// Number of the sign-on.
    generation: u64,
    outputs: VecDeque<ServiceOutput>,
}

impl Service {
    /// A service that waits for communication to come up.
    pub fn new(local: NodeName, keepalive: Duration, quorum: Vec<Plugin>, seed: u64) -> Self {
        Self {
            local,
            keepalive,
            quorum,
            rng: Rng::new(seed),
            machine: None,
            generation: 0,
            outputs: VecDeque::new(),
        }
    }

    /// The node protocol told something; `cluster` is the one that did.
    pub fn handle_event(&mut self, now: Now, event: &heartbeat::Event, cluster: &Cluster) {
        if let heartbeat::Event::CommUp(_) = event {
            return self.begin(now, cluster);
        }
        let Some(machine) = &mut self.machine else {
            return;
        };
        match event {
            heartbeat::Event::Node(change) => machine.handle_node(now, change),
            heartbeat::Event::NodesChanged => machine.handle_nodes(now, nodes(cluster)),
            heartbeat::Event::Restarted { node, .. } => machine.handle_service(now, node, false),
            heartbeat::Event::Deliver(delivery) => deliver(machine, now, delivery),
            heartbeat::Event::Deleted => self.leave(),
            _ => {}
        }
        self.carry();
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        if let Some(machine) = &mut self.machine {
            machine.handle_timeout(now);
            self.carry();
        }
    }

    /// Tells the other nodes that this one is no member any more. Nothing is sent after that.
    pub fn leave(&mut self) {
        if self.machine.take().is_some() {
            self.announce("leave", "died");
        }
    }

    /// The next thing to do, none when all is done until the next input.
    pub fn poll_output(&mut self) -> Option<ServiceOutput> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.machine.as_ref().and_then(Ccm::poll_timeout)
    }

    /// The machine, while there is one.
    pub fn machine(&self) -> Option<&Ccm> {
        self.machine.as_ref()
    }

    fn begin(&mut self, now: Now, cluster: &Cluster) {
        self.announce("join", "signon");
        let config = CcmConfig {
            local: self.local.clone(),
            nodes: nodes(cluster),
            keepalive: self.keepalive,
            quorum: self.quorum.clone(),
        };
        self.machine = Some(Ccm::new(config, now, self.rng.next_u64()));
        self.carry();
    }

    /// Takes over what the machine wants done.
    fn carry(&mut self) {
        while let Some(output) = self.machine.as_mut().and_then(Ccm::poll_output) {
            let output = match output {
                Output::Send(to, message) => ServiceOutput::Send(self.letter(to, &message)),
                Output::Event(event) => ServiceOutput::Event(event),
                Output::Log(severity, text) => ServiceOutput::Log(severity, text),
                Output::Here(false) => {
                    self.announce("leave", "died");
                    self.generation += 1;
                    continue;
                }
                Output::Here(true) => {
                    self.announce("join", "signon");
                    continue;
                }
            };
            self.outputs.push_back(output);
        }
    }

    /// The message as the client's daemon puts it on its way.
    fn letter(&self, to: Option<NodeName>, message: &CcmMessage) -> Message {
        let mut letter = message.encode();
        if let Some(to) = to {
            letter.set("dest", Value::Text(to.as_str().into()));
        }
        let generation = self.generation.to_string();
        for (field, word) in [
            ("from_id", CLIENT),
            ("to_id", CLIENT),
            ("client_gen", &generation),
        ] {
            letter.set(field, Value::Text(word.into()));
        }
        letter
    }

    fn announce(&mut self, status: &str, info: &str) {
        let message = Message::of_type("hbapi-clstat")
            .with("st", status)
            .with("from_id", CLIENT)
            .with("to_id", CLIENT)
            .with("src", self.local.as_str())
            .with("info", info)
            .with("client_gen", self.generation.to_string());
        self.outputs.push_back(ServiceOutput::Send(message));
    }
}

/// Hands over what is for the client, or about its like on another node.
fn deliver(machine: &mut Ccm, now: Now, delivery: &Delivery) {
    let message = &delivery.message;
    if message.text("to_id") != Some(CLIENT) {
        return;
    }
    if is_ccm(message) {
        machine.handle_message(now, &delivery.from, message);
    } else if message.kind() == Some("hbapi-clstat") && message.text("from_id") == Some(CLIENT) {
        let here = message.text("st").is_some_and(|st| st.starts_with("join"));
        machine.handle_service(now, &delivery.from, here);
    }
}

/// The nodes as the node protocol has them now; ping nodes don't count.
fn nodes(cluster: &Cluster) -> Vec<CcmNode> {
    let normal = cluster.nodes().filter(|node| node.kind == NodeKind::Normal);
    let node = |node: heartbeat::NodeView| CcmNode {
        name: node.name,
        status: node.status,
        weight: node.weight,
    };
    normal.map(node).collect()
}
