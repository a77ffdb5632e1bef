//! Nodes with their resources, a network between them, and a clock; all from one seed.
//!
//! The node protocol is modelled here in short: messages of one sender come in order, a node is
//! dead after its dead time, a newer generation is a restart, an old one that speaks again is a
//! healed partition. `tests/sim/ring.rs` tests the real one, `tests/sim/hostile` both together.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use everbeat::config::ha_cf::AutoFailback;
use everbeat::ids::NodeName;
use everbeat::proto::heartbeat::{Event, NodeStatus};
use everbeat::time::{Instant, Now};
use everbeat::v1::{Action, Command, Config, Group, Manager, Output, Work, WorkId};
use everbeat::wire::heartbeat::Message;

pub use dice::Dice;

use super::real::Real;

mod clockwork;
mod dice;
mod work;

pub const DEADTIME: u64 = 6_000;
const KEEPALIVE: u64 = 1_000;
const INITDEAD: u64 = 12_000;

pub fn name(word: &str) -> NodeName {
    NodeName::new(word).expect("a name")
}

enum Daemon {
    Everbeat(Box<Manager>),
    Real(Box<Real>),
}

impl Daemon {
    fn handle_event(&mut self, now: Now, event: &Event) {
        match self {
            Self::Everbeat(m) => m.handle_event(now, event),
            Self::Real(m) => m.handle_event(now, event),
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        match self {
            Self::Everbeat(m) => m.poll_output(),
            Self::Real(m) => m.poll_output(),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Everbeat(m) => m.poll_timeout(),
            Self::Real(m) => m.poll_timeout(),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Everbeat,
    Real,
}

/// What one node knows of another in the node protocol.
#[derive(Clone)]
struct Known {
    generation: u64,
    status: NodeStatus,
    heard: u64,
}

struct Node {
    kind: Kind,
    daemon: Option<Daemon>,
    generation: u64,
    known: BTreeMap<usize, Known>,
    status: NodeStatus,
    booted: u64,
    asleep_until: u64,
    /// Things that came while asleep.
    backlog: Vec<Happening>,
    timer: Option<u64>,
    running: BTreeSet<String>,
}

#[derive(Clone)]
enum Packet {
    Status(NodeStatus),
    Message(Message),
}

#[derive(Clone)]
enum Happening {
    Arrive {
        from: usize,
        to: usize,
        generation: u64,
        packet: Packet,
    },
    Done {
        node: usize,
        generation: u64,
        id: WorkId,
        work: Work,
    },
    Beat(usize, u64),
    Check(usize, u64),
    Timer(usize, u64),
    Boot(usize),
}

pub struct Cluster {
    pub now: u64,
    pub dice: Dice,
    pub names: Vec<NodeName>,
    groups: Vec<Group>,
    failback: AutoFailback,
    pub stonith: bool,
    nodes: Vec<Node>,
    queue: BTreeMap<(u64, u64), Happening>,
    sequence: u64,
    /// When the last message from one node to another arrives, to keep their order.
    wire: BTreeMap<(usize, usize), u64>,
    cut: BTreeSet<(usize, usize)>,
    /// When the network or a node's clock last misbehaved.
    pub disturbed: u64,
    /// Resource actions that fail.
    pub failing: BTreeSet<(usize, String, Action)>,
    pub stonith_fails: bool,
    pub log: Vec<String>,
    pub released: BTreeSet<usize>,
    pub announced: u32,
    pub violation: Option<String>,
}

impl Cluster {
    pub fn new(seed: u64, kinds: &[Kind], groups: &[&str], failback: AutoFailback) -> Self {
        let names: Vec<_> = ["a", "b", "c", "d"][..kinds.len()]
            .iter()
            .map(|n| name(n))
            .collect();
        let group = |line: &&str| {
            let mut words = line.split(' ');
            Group {
                node: name(words.next().expect("a node")),
                resources: words.map(str::to_owned).collect(),
            }
        };
        let node = |kind: &Kind| Node {
            kind: *kind,
            daemon: None,
            generation: 0,
            known: BTreeMap::new(),
            status: NodeStatus::Init,
            booted: 0,
            asleep_until: 0,
            backlog: Vec::new(),
            timer: None,
            running: BTreeSet::new(),
        };
        Self {
            now: 1_000,
            dice: Dice::new(seed),
            names,
            groups: groups.iter().map(group).collect(),
            failback,
            stonith: false,
            nodes: kinds.iter().map(node).collect(),
            queue: BTreeMap::new(),
            sequence: 0,
            wire: BTreeMap::new(),
            cut: BTreeSet::new(),
            disturbed: 0,
            failing: BTreeSet::new(),
            stonith_fails: false,
            log: Vec::new(),
            released: BTreeSet::new(),
            announced: 0,
            violation: None,
        }
    }

    fn clock(&self) -> Now {
        Now {
            mono: Instant(self.now),
            unix_s: 1_700_000_000 + self.now / 1000,
        }
    }

    fn at(&mut self, time: u64, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((time, self.sequence), happening);
    }

    fn note(&mut self, node: usize, text: &str) {
        let line = format!("{:>8} {}: {text}", self.now, self.names[node]);
        self.log.push(line);
    }

    // ---- what a test does to the nodes

    pub fn boot(&mut self, node: usize) {
        if self.nodes[node].daemon.is_none() {
            let daemon = match self.nodes[node].kind {
                Kind::Everbeat => {
                    let manager = Manager::new(self.config(node), self.clock());
                    Daemon::Everbeat(Box::new(manager))
                }
                Kind::Real => Daemon::Real(Box::new(Real::new(self.config(node)))),
            };
            self.boot_with(node, daemon);
        }
    }

    fn boot_with(&mut self, node: usize, daemon: Daemon) {
        let n = &mut self.nodes[node];
        n.generation += 1;
        n.status = NodeStatus::Up;
        n.booted = self.now;
        n.known.clear();
        n.asleep_until = 0;
        n.backlog.clear();
        n.timer = None;
        n.daemon = Some(daemon);
        self.released.remove(&node);
        let generation = self.nodes[node].generation;
        self.note(node, "boots");
        self.at(self.now, Happening::Beat(node, generation));
        self.at(self.now + 100, Happening::Check(node, generation));
        self.drain(node);
    }

    fn config(&self, node: usize) -> Config {
        Config {
            local: self.names[node].clone(),
            nodes: self.names.clone(),
            groups: self.groups.clone(),
            auto_failback: self.failback,
            stonith: self.stonith,
            keepalive: Duration::from_millis(KEEPALIVE),
            deadtime: Duration::from_millis(DEADTIME),
            pid: 1,
            rc_scripts: BTreeSet::new(),
            ipfail: None,
        }
    }

    /// The machine loses power.
    pub fn power_off(&mut self, node: usize) {
        self.note(node, "loses power");
        self.nodes[node].daemon = None;
        self.nodes[node].running.clear();
    }

    /// The daemon restarts with its resources kept.
    pub fn quick_restart(&mut self, node: usize) {
        if let Some(Daemon::Everbeat(manager)) = &self.nodes[node].daemon {
            let saved = manager.save();
            let manager = Manager::resume(self.config(node), saved, self.clock());
            self.boot_with(node, Daemon::Everbeat(Box::new(manager)));
        }
    }

    /// The daemon is killed and started again; what it ran goes on running.
    pub fn kill_and_restart(&mut self, node: usize) {
        if self.nodes[node].daemon.take().is_some() {
            self.note(node, "is killed");
            self.boot(node);
        }
    }

    pub fn sleep(&mut self, node: usize, span: u64) {
        self.note(node, &format!("sleeps for {span}"));
        self.nodes[node].asleep_until = self.now + span;
        self.disturbed = self.disturbed.max(self.now + span);
    }

    pub fn cut(&mut self, from: usize, to: usize) {
        self.note(from, &format!("is cut from {}", self.names[to]));
        self.cut.insert((from, to));
        self.disturbed = u64::MAX;
    }

    pub fn heal(&mut self) {
        if !self.cut.is_empty() {
            self.note(0, "network heals");
            self.cut.clear();
            self.disturbed = self.now.max(self.asleep_until());
        }
    }

    pub fn is_everbeat(&self, node: usize) -> bool {
        self.nodes[node].kind == Kind::Everbeat
    }

    fn asleep_until(&self) -> u64 {
        self.nodes.iter().map(|n| n.asleep_until).max().unwrap_or(0)
    }

    pub fn command(&mut self, node: usize, command: Command) -> Result<(), String> {
        let now = self.clock();
        self.note(node, &format!("{command:?}"));
        let answer = match &mut self.nodes[node].daemon {
            Some(Daemon::Everbeat(m)) => m.handle_command(now, command),
            Some(Daemon::Real(m)) => m.handle_command(now, command),
            None => Err("down".to_owned()),
        };
        if let Err(why) = &answer {
            self.note(node, &format!("refused: {why}"));
        }
        self.drain(node);
        answer
    }

    /// A command that is not refused.
    #[track_caller]
    pub fn order(&mut self, node: usize, command: Command) {
        let answer = self.command(node, command);
        assert!(answer.is_ok(), "{answer:?}\n{}", self.dump());
    }

    // ---- what a test asks

    /// Nodes on which all of the group's resources run.
    pub fn owners(&self, group: usize) -> Vec<&str> {
        let resources = &self.groups[group].resources;
        let all = |n: &Node| resources.iter().all(|r| n.running.contains(r));
        let pairs = self.nodes.iter().zip(&self.names);
        pairs
            .filter(|(n, _)| all(n))
            .map(|(_, name)| name.as_str())
            .collect()
    }

    /// `a|b` per group, `-` where nobody has it.
    pub fn picture(&self) -> String {
        let one = |group: usize| match self.owners(group) {
            owners if owners.is_empty() => "-".to_owned(),
            owners => owners.join("+"),
        };
        (0..self.groups.len())
            .map(one)
            .collect::<Vec<_>>()
            .join(" ")
    }

    pub fn has_log(&self, node: usize, text: &str) -> bool {
        let who = format!(" {}: ", self.names[node]);
        self.log
            .iter()
            .any(|line| line.contains(&who) && line.contains(text))
    }

    /// This is who runs what now.
    #[track_caller]
    pub fn assert_picture(&self, picture: &str) {
        assert_eq!(self.picture(), picture, "{}", self.dump());
    }

    /// No resource ran on two nodes while the network was well.
    #[track_caller]
    pub fn assert_never_shared(&self) {
        assert_eq!(self.violation, None, "{}", self.dump());
    }

    pub fn dump(&self) -> String {
        self.log.join("\n")
    }

    pub fn run(&mut self, span: u64) {
        let end = self.now + span;
        while let Some((&(time, sequence), _)) = self.queue.first_key_value() {
            if time > end {
                break;
            }
            self.now = self.now.max(time);
            if let Some(happening) = self.queue.remove(&(time, sequence)) {
                self.happen(happening);
            }
        }
        self.now = end;
    }

    /// Runs until the picture is this one; returns how long that took.
    pub fn until(&mut self, picture: &str, limit: u64) -> u64 {
        let start = self.now;
        while self.picture() != picture {
            assert!(
                self.now < start + limit,
                "still {} and not {picture} after {limit} ms\n{}",
                self.picture(),
                self.dump()
            );
            self.run(10);
        }
        self.now - start
    }
}
