//! Barriers of a change of members: one service after the other, all nodes together.
//!
//! ```text
//!  start(ring, members) -> Send(service build)
//!    build of all members -> Process(first service)
//!      its messages are queued, processed() -> Send(barrier)
//!      barrier of all members -> Activate(service), Process(next) ... Completed
//! ```
//!
//! Barriers stand in one order with the messages before them, so at `Activate` a node has what
//! every member said for that service. A service that this node hasn't is a barrier alone.
//!
//! Source: spec corosync-services.md 2.1; corosync 3.1.7, exec/sync.c

use std::collections::{BTreeSet, VecDeque};

use crate::ids::NodeId;
use crate::wire::cluster::{Service, Sync};
use crate::wire::totem::RingId;

/// What the machine wants done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send it to all, this node too, among the packets of synchronisation.
    Send(Sync),
    /// Send what this service has to say, then call [`Barriers::processed`].
    Process(Service),
    /// All said what they had to for this service.
    Activate(Service),
    /// Other messages may go again.
    Completed(RingId),
    /// A new change came in between: what was gathered is to be forgotten.
    Aborted,
}

/// The barriers of one node.
#[derive(Debug)]
pub struct Barriers {
    own: Vec<Service>,
    running: Option<Running>,
    outputs: VecDeque<Output>,
}

/// One change of members.
#[derive(Debug)]
struct Running {
    ring: RingId,
    members: Vec<NodeId>,
    /// Of all members together, ascending.
    services: BTreeSet<Service>,
    /// Who sent what is waited for.
    heard: BTreeSet<NodeId>,
    /// The service at hand; absent while the services are gathered.
    at: Option<Service>,
}

impl Barriers {
    /// For a node with these services.
    pub fn new(own: &[Service]) -> Self {
        let own: BTreeSet<_> = own.iter().copied().collect();
        Self {
            own: own.into_iter().collect(),
            running: None,
            outputs: VecDeque::new(),
        }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// True from a regular configuration until all have synchronised.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// The ring is about to change: a transitional configuration came.
    pub fn abort(&mut self) {
        if self.running.take().is_some() {
            self.outputs.push_back(Output::Aborted);
        }
    }

    /// A regular configuration came.
    pub fn start(&mut self, ring: RingId, members: &[NodeId]) {
        self.abort();
        self.running = Some(Running {
            ring,
            members: members.to_vec(),
            services: BTreeSet::new(),
            heard: BTreeSet::new(),
            at: None,
        });
        let services = self.own.clone();
        let build = Sync::ServiceBuild { ring, services };
        self.outputs.push_back(Output::Send(build));
    }

    /// A message of `from`, which may be this node. Those of other rings are passed over.
    pub fn handle_message(&mut self, from: NodeId, message: &Sync) {
        let Some(running) = &mut self.running else {
            return;
        };
        let ring = match message {
            Sync::Barrier(ring) | Sync::ServiceBuild { ring, .. } => ring,
        };
        if *ring != running.ring || !running.members.contains(&from) {
            return;
        }
        match (message, running.at) {
            (Sync::ServiceBuild { services, .. }, None) => running.services.extend(services),
            (Sync::Barrier(_), Some(_)) => {}
            _ => return,
        }
        running.heard.insert(from);
        if running.heard.len() == running.members.len() {
            self.all_were_heard();
        }
    }

    fn all_were_heard(&mut self) {
        let Some(running) = &mut self.running else {
            return;
        };
        running.heard.clear();
        if let Some(done) = running.at
            && self.own.contains(&done)
        {
            self.outputs.push_back(Output::Activate(done));
        }
        let next = match running.at {
            None => running.services.first(),
            Some(done) => running.services.iter().find(|s| **s > done),
        };
        running.at = next.copied();
        match running.at {
            Some(service) if self.own.contains(&service) => {
                self.outputs.push_back(Output::Process(service));
            }
            Some(_) => self.processed(),
            None => {
                let ring = running.ring;
                self.running = None;
                self.outputs.push_back(Output::Completed(ring));
            }
        }
    }

    /// What the service at hand had to say is queued.
    pub fn processed(&mut self) {
        if let Some(running) = &self.running {
            let barrier = Sync::Barrier(running.ring);
            self.outputs.push_back(Output::Send(barrier));
        }
    }
}
