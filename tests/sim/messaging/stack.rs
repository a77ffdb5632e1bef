//! A node: the node protocol, the membership, and the messaging layer on both, wired as the
//! daemon does.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use everbeat::ids::{Generation, LinkName, NodeName, NodeUuid};
use everbeat::messaging::heartbeat::{Config, Heartbeat};
use everbeat::messaging::{Event, MessagingLayer, Output};
use everbeat::proto::ccm::{Service, ServiceOutput, quorum};
use everbeat::proto::heartbeat::{self, Cluster, ClusterConfig};
use everbeat::sim::{Act, Machine};
use everbeat::time::{Instant, Now};
use everbeat::wire::heartbeat::Message;

use crate::storm::Leave;

pub use crate::ccm::{name_of, timing};

/// What a node tells.
#[derive(Debug)]
pub enum Note {
    Event(Event),
    Log(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(Event::Membership(new)) => {
                let names: Vec<_> = new.members.iter().map(|m| m.name.as_str()).collect();
                write!(f, "** {} {names:?} {}", new.id, new.quorate)
            }
            Self::Event(Event::Message { from, message }) => {
                write!(f, "** {from}: {}", super::checks::Said::read(message))
            }
            Self::Event(Event::Log(_, line)) | Self::Log(line) => f.write_str(line),
        }
    }
}

pub struct Stack {
    cluster: Cluster,
    service: Service,
    layer: MessagingLayer,
    outputs: VecDeque<Act<Message, Note>>,
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
        let layer = Heartbeat::new(Config {
            local: name_of(host),
            uuid: config.uuid,
        });
        let keepalive = timing().keepalive;
        let service = Service::new(name_of(host), keepalive, quorum::DEFAULT.into(), seed ^ 1);
        let mut stack = Self {
            cluster: Cluster::new(config, now, seed),
            service,
            layer: MessagingLayer::Heartbeat(Box::new(layer)),
            outputs: VecDeque::new(),
        };
        stack.pump(now);
        stack
    }

    /// From above, to all.
    pub fn send(&mut self, now: Now, message: Vec<u8>) {
        self.layer.send(now, message);
        self.pump(now);
    }

    fn layer(&mut self) -> &mut Heartbeat {
        match &mut self.layer {
            MessagingLayer::Heartbeat(heartbeat) => heartbeat,
            MessagingLayer::Totem(_) => panic!("this test is over heartbeat's media"),
        }
    }

    fn hand_down(&mut self, now: Now, message: Message) {
        let dest = message.text("dest").and_then(|to| NodeName::new(to).ok());
        self.cluster.send(now, message, dest.as_ref());
    }

    fn pump(&mut self, now: Now) {
        loop {
            if let Some(output) = self.cluster.poll_output() {
                self.of_cluster(now, output);
            } else if let Some(output) = self.service.poll_output() {
                match output {
                    ServiceOutput::Send(message) => self.hand_down(now, message),
                    ServiceOutput::Event(event) => self.layer().handle_membership(now, &event),
                    ServiceOutput::Log(_, line) => self.note(Note::Log(line)),
                }
            } else if let Some(event) = self.layer.poll_event() {
                self.note(Note::Event(event));
            } else if let Some(output) = self.layer.poll_output() {
                match output {
                    Output::Send(message) => self.hand_down(now, *message),
                    Output::Multicast(piece) => panic!("{} bytes to no ring", piece.len()),
                }
            } else {
                return;
            }
        }
    }

    fn note(&mut self, note: Note) {
        self.outputs.push_back(Act::Note(note));
    }

    fn of_cluster(&mut self, now: Now, output: heartbeat::Output) {
        match output {
            heartbeat::Output::Transmit(message) => {
                self.outputs.push_back(Act::Transmit(message));
            }
            heartbeat::Output::Log(_, line) => self.note(Note::Log(line)),
            heartbeat::Output::StoreNodes => {}
            heartbeat::Output::Event(event) => {
                self.layer().handle_event(now, &event);
                self.service.handle_event(now, &event, &self.cluster);
            }
        }
    }
}

impl Leave for Stack {
    /// As at a shutdown: the clients first, then the node.
    fn leave(&mut self, now: Now) {
        self.layer.leave();
        self.pump(now);
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
        self.layer.handle_timeout(now);
        self.pump(now);
    }

    fn poll_output(&mut self) -> Option<Act<Message, Note>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let each = [
            self.cluster.poll_timeout(),
            self.service.poll_timeout(),
            self.layer.poll_timeout(),
        ];
        each.into_iter().flatten().min()
    }
}
