//! Nodes with their resources, a network between them, and a clock; all from one seed.
//!
//! The node protocol is modelled here in short: messages of one sender come in order, a node is
//! dead after its dead time, a newer generation is a restart, an old one that speaks again is a
//! healed partition. `tests/sim/heartbeat` tests the real one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use everbeat::config::ha_cf::AutoFailback;
use everbeat::ids::{Generation, NodeName};
use everbeat::proto::heartbeat::{
    CommUp, DeathCause, Delivery, Event, Mode, NodeChange, NodeKind, NodeStatus,
};
use everbeat::time::{Instant, Now};
use everbeat::v1::{Action, Command, Config, Group, Manager, Output, Work, WorkId, WorkResult};
use everbeat::wire::heartbeat::Message;

use super::real::Real;

pub const DEADTIME: u64 = 6_000;
const KEEPALIVE: u64 = 1_000;
const INITDEAD: u64 = 12_000;

/// A small generator: xorshift, the same everywhere.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            dice.next();
        }
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.range(0, 100) < percent
    }
}

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

    pub fn dump(&self) -> String {
        self.log.join("\n")
    }

    // ---- the clockwork

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

    fn happen(&mut self, happening: Happening) {
        let node = match &happening {
            Happening::Arrive { to, .. } => *to,
            Happening::Done { node, .. } => *node,
            Happening::Beat(node, _) | Happening::Check(node, _) | Happening::Timer(node, _) => {
                *node
            }
            Happening::Boot(node) => return self.boot(*node),
        };
        if self.now < self.nodes[node].asleep_until {
            // A sleeping process sees all of it, late.
            if self.nodes[node].backlog.is_empty() {
                let wake = self.nodes[node].asleep_until;
                self.at(wake, happening.clone());
            }
            self.nodes[node].backlog.push(happening);
            return;
        }
        if !self.nodes[node].backlog.is_empty() {
            let backlog = std::mem::take(&mut self.nodes[node].backlog);
            self.wake(node);
            for old in backlog.into_iter().skip(1) {
                self.happen_now(old);
            }
        }
        self.happen_now(happening);
    }

    /// The node protocol notices that it slept, and counts nobody dead for it.
    fn wake(&mut self, node: usize) {
        let now = self.now;
        let mut longest = 0;
        for known in self.nodes[node].known.values_mut() {
            longest = longest.max(now - known.heard.min(now));
            known.heard = now;
        }
        self.note(node, "wakes");
        self.tell(node, &Event::Asleep(Duration::from_millis(longest)));
    }

    fn happen_now(&mut self, happening: Happening) {
        match happening {
            Happening::Arrive {
                from,
                to,
                generation,
                packet,
            } => {
                if !self.cut.contains(&(from, to)) {
                    self.arrive(from, to, generation, packet);
                }
            }
            Happening::Done {
                node,
                generation,
                id,
                work,
            } => self.done(node, generation, id, work),
            Happening::Beat(node, generation) => {
                if self.alive(node, generation) {
                    let status = self.nodes[node].status;
                    self.broadcast(node, Packet::Status(status));
                    self.at(self.now + KEEPALIVE, Happening::Beat(node, generation));
                }
            }
            Happening::Check(node, generation) => {
                if self.alive(node, generation) {
                    self.check(node);
                    self.at(self.now + 100, Happening::Check(node, generation));
                }
            }
            Happening::Timer(node, generation) => {
                if self.alive(node, generation) {
                    self.nodes[node].timer = None;
                    let now = self.clock();
                    match &mut self.nodes[node].daemon {
                        Some(Daemon::Everbeat(m)) => m.handle_timeout(now),
                        Some(Daemon::Real(m)) => m.handle_timeout(now),
                        None => {}
                    }
                    self.drain(node);
                }
            }
            Happening::Boot(node) => self.boot(node),
        }
    }

    fn alive(&self, node: usize, generation: u64) -> bool {
        self.nodes[node].daemon.is_some() && self.nodes[node].generation == generation
    }

    fn broadcast(&mut self, from: usize, packet: Packet) {
        for to in 0..self.nodes.len() {
            if to != from {
                self.transmit(from, to, packet.clone());
            }
        }
    }

    fn transmit(&mut self, from: usize, to: usize, packet: Packet) {
        let latency = self.dice.range(1, 40);
        let last = self.wire.get(&(from, to)).copied().unwrap_or(0);
        let time = (self.now + latency).max(last);
        self.wire.insert((from, to), time);
        let generation = self.nodes[from].generation;
        let arrive = Happening::Arrive {
            from,
            to,
            generation,
            packet,
        };
        self.at(time, arrive);
    }

    fn tell(&mut self, node: usize, event: &Event) {
        let now = self.clock();
        if let Some(daemon) = &mut self.nodes[node].daemon {
            daemon.handle_event(now, event);
        }
        self.drain(node);
    }

    fn mode(&self, node: usize) -> Mode {
        match self.nodes[node].kind {
            Kind::Everbeat => Mode::Everbeat(1),
            Kind::Real => Mode::Heartbeat,
        }
    }

    fn change(&mut self, node: usize, of: usize, status: NodeStatus) {
        let was = match self.nodes[node].known.get_mut(&of) {
            Some(known) => std::mem::replace(&mut known.status, status),
            None => NodeStatus::Init,
        };
        let cause = DeathCause::Silent(Duration::from_millis(DEADTIME));
        let text = format!("node {} is {status} (was {was})", self.names[of]);
        self.note(node, &text);
        let change = NodeChange {
            node: self.names[of].clone(),
            kind: NodeKind::Normal,
            mode: self.mode(of),
            was,
            status,
            cause: (status == NodeStatus::Dead).then_some(cause),
        };
        self.tell(node, &Event::Node(change));
    }

    fn arrive(&mut self, from: usize, to: usize, generation: u64, packet: Packet) {
        if self.nodes[to].daemon.is_none() {
            return;
        }
        let now = self.now;
        let known = self.nodes[to].known.entry(from).or_insert(Known {
            generation,
            status: NodeStatus::Init,
            heard: now,
        });
        if generation < known.generation {
            return;
        }
        let restarted = generation > known.generation;
        let dead = known.status == NodeStatus::Dead && known.heard > 0;
        known.generation = generation;
        let quiet = known.heard;
        known.heard = now;
        let node = self.names[from].clone();
        if restarted && !dead {
            let generation = Generation(generation);
            self.tell(to, &Event::Restarted { node, generation });
        } else if dead && !restarted && quiet > 1 {
            self.tell(to, &Event::Healed { node });
        }
        match packet {
            Packet::Status(status) => {
                let known = self.nodes[to].known.get(&from);
                if known.is_some_and(|known| known.status != status) {
                    self.change(to, from, status);
                }
            }
            Packet::Message(message) => {
                if dead {
                    self.change(to, from, NodeStatus::Active);
                }
                let delivery = Delivery {
                    from: self.names[from].clone(),
                    local: false,
                    message,
                };
                self.tell(to, &Event::Deliver(delivery));
            }
        }
    }

    /// Declares silent nodes dead, and communication up.
    fn check(&mut self, node: usize) {
        let now = self.now;
        let booted = self.nodes[node].booted;
        for other in 0..self.nodes.len() {
            if other == node {
                continue;
            }
            let limit = if self.nodes[node].status == NodeStatus::Up {
                INITDEAD
            } else {
                DEADTIME
            };
            let known = self.nodes[node].known.entry(other).or_insert(Known {
                generation: 0,
                status: NodeStatus::Init,
                heard: 0,
            });
            let silent = now - known.heard.max(booted);
            if known.status != NodeStatus::Dead && silent >= limit {
                self.change(node, other, NodeStatus::Dead);
            }
        }
        let heard = |known: &Known| known.status != NodeStatus::Init;
        let all = self.nodes[node].known.len() + 1 == self.nodes.len()
            && self.nodes[node].known.values().all(heard);
        if self.nodes[node].status == NodeStatus::Up && all && now >= booted + 500 {
            self.nodes[node].status = NodeStatus::Active;
            self.broadcast(node, Packet::Status(NodeStatus::Active));
            self.tell(node, &Event::CommUp(CommUp { complete: true }));
        }
    }

    /// Does what the manager wants.
    fn drain(&mut self, node: usize) {
        loop {
            let output = self.nodes[node]
                .daemon
                .as_mut()
                .and_then(Daemon::poll_output);
            let Some(output) = output else { break };
            match output {
                Output::Send(message) => self.send(node, message),
                Output::Run(id, work) => self.start(node, id, work),
                Output::Log(severity, text) => self.note(node, &format!("{severity:?} {text}")),
                Output::Released => {
                    self.note(node, "released");
                    self.released.insert(node);
                    self.end(node);
                }
                Output::Reboot { reason } => {
                    self.note(node, &format!("reboots: {reason}"));
                    self.power_off(node);
                    let later = self.now + 20_000;
                    self.at(later, Happening::Boot(node));
                }
            }
        }
        self.set_timer(node);
    }

    fn end(&mut self, node: usize) {
        let restart = match &self.nodes[node].daemon {
            Some(Daemon::Real(real)) => real.restarts(),
            _ => false,
        };
        self.nodes[node].daemon = None;
        if restart {
            let later = self.now + DEADTIME + 1_000;
            self.at(later, Happening::Boot(node));
        }
    }

    fn set_timer(&mut self, node: usize) {
        let due = self.nodes[node]
            .daemon
            .as_ref()
            .and_then(Daemon::poll_timeout);
        let Some(due) = due else { return };
        let time = due.0.max(self.now + 1);
        if self.nodes[node].timer.is_none_or(|set| time < set) {
            self.nodes[node].timer = Some(time);
            let generation = self.nodes[node].generation;
            self.at(time, Happening::Timer(node, generation));
        }
    }

    fn send(&mut self, node: usize, message: Message) {
        let generation = self.nodes[node].generation;
        let mut message = message;
        let local = self.names[node].clone();
        if message.get("src").is_none() {
            message.push_text("src", local.as_str());
        }
        message.push_text("hg", format!("{generation:x}"));
        self.note(node, &format!("-> {message}"));
        let dest = message.text("dest").map(str::to_owned);
        if dest.as_deref().is_none_or(|dest| dest == local.as_str()) {
            let delivery = Delivery {
                from: local,
                local: true,
                message: message.clone(),
            };
            let now = self.clock();
            if let Some(daemon) = &mut self.nodes[node].daemon {
                daemon.handle_event(now, &Event::Deliver(delivery));
            }
        }
        for to in 0..self.nodes.len() {
            let meant = dest
                .as_deref()
                .is_none_or(|dest| dest == self.names[to].as_str());
            if to != node && meant {
                self.transmit(node, to, Packet::Message(message.clone()));
            }
        }
    }

    fn start(&mut self, node: usize, id: WorkId, work: Work) {
        let mut span = self.dice.range(5, 150);
        if let Work::Resource { resource, action } = &work {
            if *action == Action::Start {
                // Counts from its very begin: an address may be up at any time from here.
                self.nodes[node].running.insert(resource.clone());
                self.look_for_doubles(resource);
            }
            if *action != Action::Status && self.dice.chance(5) {
                span += self.dice.range(500, 3_000);
            }
        }
        let generation = self.nodes[node].generation;
        let done = Happening::Done {
            node,
            generation,
            id,
            work,
        };
        self.at(self.now + span, done);
    }

    fn done(&mut self, node: usize, generation: u64, id: WorkId, work: Work) {
        if !self.alive(node, generation) {
            return;
        }
        let result = match &work {
            Work::Resource { resource, action } => self.act(node, resource, *action),
            Work::Stonith { node: victim } => {
                let victim = self.names.iter().position(|n| n == victim).expect("known");
                if self.stonith_fails {
                    failed("no power switch")
                } else {
                    self.power_off(victim);
                    WorkResult::Done
                }
            }
            Work::Announce { resource } => {
                self.announced += 1;
                self.note(node, &format!("announces {resource}"));
                WorkResult::Done
            }
            Work::RcScript { .. } => WorkResult::Done,
        };
        if let Work::Resource { resource, action } = &work {
            self.note(node, &format!("{resource} {action}: {result:?}"));
        }
        let now = self.clock();
        match &mut self.nodes[node].daemon {
            Some(Daemon::Everbeat(m)) => m.handle_completed(now, id, result),
            Some(Daemon::Real(m)) => m.handle_completed(now, id, result),
            None => {}
        }
        self.drain(node);
    }

    fn act(&mut self, node: usize, resource: &str, action: Action) -> WorkResult {
        let fails = self.failing.contains(&(node, resource.to_owned(), action));
        let running = &mut self.nodes[node].running;
        match action {
            Action::Status if running.contains(resource) => WorkResult::Done,
            Action::Status => WorkResult::NotRunning,
            Action::Start if fails => {
                running.remove(resource);
                failed("start fails")
            }
            Action::Start => WorkResult::Done,
            Action::Stop if fails => failed("stop fails"),
            Action::Stop => {
                running.remove(resource);
                WorkResult::Done
            }
        }
    }

    /// Notes a resource that is active on two nodes though nothing is wrong with the network.
    fn look_for_doubles(&mut self, resource: &str) {
        let on: Vec<_> = (0..self.nodes.len())
            .filter(|n| self.nodes[*n].running.contains(resource))
            .collect();
        let calm = self.now > self.disturbed.saturating_add(DEADTIME + 4_000);
        if on.len() > 1 && calm && self.violation.is_none() {
            let text = format!("{:>8} {resource} is active on {on:?}", self.now);
            self.log.push(text.clone());
            self.violation = Some(text);
        }
    }
}

fn failed(reason: &str) -> WorkResult {
    WorkResult::Failed {
        exit: Some(1),
        reason: reason.to_owned(),
    }
}
