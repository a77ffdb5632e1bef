//! An honest node: the node protocol with the resource manager on it, wired as the daemon does.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use everbeat::ids::{Generation, LinkName, NodeName, NodeUuid};
use everbeat::proto::heartbeat::{
    Cluster, ClusterConfig, Event, NodeKind, NodeStatus, Output as Protocol, Timing,
};
use everbeat::sim::Act;
use everbeat::time::{Instant, Now};
use everbeat::v1::{self, Action, Command, Config, Group, Manager, Work, WorkId, WorkResult};
use everbeat::wire::heartbeat::Message;

use super::attacker::uuid_of;

/// How long an action of a resource takes.
const ACTION: Duration = Duration::from_millis(20);

pub struct Stack {
    pub cluster: Cluster,
    pub manager: Manager,
    work: Vec<(Instant, WorkId, Work)>,
    pub running: BTreeSet<String>,
    outputs: VecDeque<Act<Message, String>>,
    /// Why it ended by itself, if it did.
    pub ended: Option<String>,
}

fn name(word: &str) -> NodeName {
    NodeName::new(word).expect("a name")
}

pub fn timing() -> Timing {
    Timing {
        deadtime: Duration::from_secs(6),
        warntime: Duration::from_secs(3),
        initdead: Duration::from_secs(12),
        ..Timing::default()
    }
}

impl Stack {
    /// Node `local` of a, b and c; groups A and B belong to a and b.
    pub fn boot(local: &str, generation: u64, now: Now) -> Self {
        let nodes: Vec<_> = ["a", "b", "c"].map(name).to_vec();
        let mut cluster = ClusterConfig::new(name(local), nodes.clone());
        cluster.uuid = NodeUuid(uuid_of(local));
        cluster.generation = Generation(generation);
        cluster.links = vec![LinkName::new("eth0")];
        cluster.timing = timing();
        let group = |node: &str, resource: &str| Group {
            node: name(node),
            resources: vec![resource.to_owned()],
        };
        let manager = Config {
            local: name(local),
            nodes,
            groups: vec![group("a", "A"), group("b", "B")],
            auto_failback: everbeat::config::ha_cf::AutoFailback::On,
            stonith: false,
            keepalive: timing().keepalive,
            deadtime: timing().deadtime,
            pid: 1,
            rc_scripts: BTreeSet::new(),
            ipfail: Some(Vec::new()),
        };
        let mut stack = Self {
            cluster: Cluster::new(cluster, now, generation),
            manager: Manager::new(manager, now),
            work: Vec::new(),
            running: BTreeSet::new(),
            outputs: VecDeque::new(),
            ended: None,
        };
        stack.pump(now);
        stack
    }

    pub fn handle_message(&mut self, now: Now, link: &LinkName, message: Message) {
        self.cluster.handle_message(now, link, message);
        self.pump(now);
    }

    pub fn handle_timeout(&mut self, now: Now) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now.mono);
        if due(self.cluster.poll_timeout()) {
            self.cluster.handle_timeout(now);
        }
        if due(self.manager.poll_timeout()) {
            self.manager.handle_timeout(now);
        }
        while let Some(index) = self.work.iter().position(|(at, ..)| *at <= now.mono) {
            let (_, id, work) = self.work.remove(index);
            let result = self.result_of(&work);
            self.manager.handle_completed(now, id, result);
        }
        self.pump(now);
    }

    pub fn command(&mut self, now: Now, command: Command) -> Result<(), String> {
        let answer = self.manager.handle_command(now, command);
        self.pump(now);
        answer
    }

    pub fn poll_output(&mut self) -> Option<Act<Message, String>> {
        self.outputs.pop_front()
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let work = self.work.iter().map(|(at, ..)| *at);
        work.chain(self.cluster.poll_timeout())
            .chain(self.manager.poll_timeout())
            .min()
    }

    /// Pieces of work under way.
    pub fn busy(&self) -> usize {
        self.work.len()
    }

    fn result_of(&mut self, work: &Work) -> WorkResult {
        let Work::Resource { resource, action } = work else {
            return WorkResult::Done;
        };
        match action {
            Action::Status if self.running.contains(resource) => {}
            Action::Status => return WorkResult::NotRunning,
            Action::Start => {
                self.running.insert(resource.clone());
            }
            Action::Stop => {
                self.running.remove(resource);
            }
        }
        WorkResult::Done
    }

    fn pump(&mut self, now: Now) {
        loop {
            if let Some(output) = self.cluster.poll_output() {
                self.carry_out(now, output);
            } else if let Some(output) = self.manager.poll_output() {
                self.carry_out_for_manager(now, output);
            } else {
                return;
            }
        }
    }

    fn carry_out(&mut self, now: Now, output: Protocol) {
        match output {
            Protocol::Transmit(message) => self.outputs.push_back(Act::Transmit(message)),
            Protocol::Log(_, line) => self.outputs.push_back(Act::Note(line)),
            Protocol::StoreNodes => {}
            Protocol::Event(event) => {
                self.manager.handle_event(now, &event);
                match event {
                    Event::NodesChanged => {
                        let nodes = self.cluster.nodes();
                        let normal = nodes.filter(|n| n.kind == NodeKind::Normal);
                        let nodes = normal.map(|n| n.name).collect();
                        self.manager.handle_nodes(now, nodes);
                    }
                    Event::Deleted => self.ended = Some("deleted".to_owned()),
                    Event::Node(change) if change.status == NodeStatus::Dead => {
                        let line = format!("{} is dead", change.node);
                        self.outputs.push_back(Act::Note(line));
                    }
                    _ => {}
                }
            }
        }
    }

    fn carry_out_for_manager(&mut self, now: Now, output: v1::Output) {
        match output {
            v1::Output::Send(message) => {
                let dest = message
                    .text("dest")
                    .and_then(|dest| NodeName::new(dest).ok());
                self.cluster.send(now, message, dest.as_ref());
            }
            v1::Output::Run(id, work) => self.work.push((now.mono + ACTION, id, work)),
            v1::Output::Log(_, line) => self.outputs.push_back(Act::Note(line)),
            v1::Output::Released => self.ended = Some("released".to_owned()),
            v1::Output::Reboot { reason } => self.ended = Some(reason),
        }
    }
}
