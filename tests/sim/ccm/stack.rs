//! A node: the node protocol with the membership on it, wired as the daemon does.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use everbeat::ids::{Generation, LinkName, NodeName, NodeUuid};
use everbeat::proto::ccm::{Event, Service, ServiceOutput, quorum};
use everbeat::proto::heartbeat::{Cluster, ClusterConfig, Output, Timing};
use everbeat::sim::{Act, Machine};
use everbeat::time::{Instant, Now};
use everbeat::wire::heartbeat::Message;

use crate::storm::Leave;

/// What a node tells.
#[derive(Debug)]
pub enum Note {
    Membership(Event),
    Log(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Membership(event) => write!(f, "{event:?}"),
            Self::Log(line) => f.write_str(line),
        }
    }
}

pub struct Stack {
    pub cluster: Cluster,
    pub service: Service,
    outputs: VecDeque<Act<Message, Note>>,
}

pub fn timing() -> Timing {
    Timing {
        keepalive: Duration::from_millis(500),
        deadtime: Duration::from_secs(4),
        warntime: Duration::from_secs(2),
        initdead: Duration::from_secs(6),
        ..Timing::default()
    }
}

pub fn name_of(host: usize) -> NodeName {
    NodeName::new(&format!("n{host}")).expect("a name")
}

impl Stack {
    /// Node `host` of so many.
    pub fn boot((host, hosts): (usize, usize), generation: u64, now: Now, seed: u64) -> Self {
        let nodes = (0..hosts).map(name_of).collect();
        let mut config = ClusterConfig::new(name_of(host), nodes);
        config.uuid = NodeUuid([u8::try_from(host + 1).unwrap(); 16]);
        config.generation = Generation(generation);
        config.links = vec![LinkName::new("eth0")];
        config.timing = timing();
        let service = Service::new(
            name_of(host),
            timing().keepalive,
            quorum::DEFAULT.into(),
            seed ^ 1,
        );
        let mut stack = Self {
            cluster: Cluster::new(config, now, seed),
            service,
            outputs: VecDeque::new(),
        };
        stack.pump(now);
        stack
    }

    /// From above, to all.
    pub fn send(&mut self, now: Now, message: Message) {
        self.cluster.send(now, message, None);
        self.pump(now);
    }

    fn pump(&mut self, now: Now) {
        loop {
            if let Some(output) = self.cluster.poll_output() {
                match output {
                    Output::Transmit(message) => self.outputs.push_back(Act::Transmit(message)),
                    Output::Log(_, line) => self.outputs.push_back(Act::Note(Note::Log(line))),
                    Output::StoreNodes => {}
                    Output::Event(event) => self.service.handle_event(now, &event, &self.cluster),
                }
            } else if let Some(output) = self.service.poll_output() {
                match output {
                    ServiceOutput::Send(message) => {
                        let dest = message.text("dest").and_then(|to| NodeName::new(to).ok());
                        self.cluster.send(now, message, dest.as_ref());
                    }
                    ServiceOutput::Event(event) => {
                        self.outputs.push_back(Act::Note(Note::Membership(event)));
                    }
                    ServiceOutput::Log(_, line) => {
                        self.outputs.push_back(Act::Note(Note::Log(line)));
                    }
                }
            } else {
                return;
            }
        }
    }
}

impl Leave for Stack {
    /// As at a shutdown: the client first, then the node.
    fn leave(&mut self, now: Now) {
        self.service.leave();
        self.pump(now);
        self.cluster.leave(now, Duration::ZERO);
        self.pump(now);
    }
}

impl Machine for Stack {
    type Message = Message;
    type Note = Note;
    const HEARS_ITSELF: bool = true;

    fn handle_message(&mut self, now: Now, link: &LinkName, message: Message) {
        self.cluster.handle_message(now, link, message);
        self.pump(now);
    }

    fn handle_timeout(&mut self, now: Now) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now.mono);
        if due(self.cluster.poll_timeout()) {
            self.cluster.handle_timeout(now);
        }
        self.service.handle_timeout(now);
        self.pump(now);
    }

    fn poll_output(&mut self) -> Option<Act<Message, Note>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let both = [self.cluster.poll_timeout(), self.service.poll_timeout()];
        both.into_iter().flatten().min()
    }
}
