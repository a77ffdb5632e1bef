//! The node protocol alone on simulated hosts: `everbeat simulate-ring`.

use std::fmt;
use std::time::Duration;

use super::checks::{self, Checks};
use super::network::Network;
use super::plan::{Action, Plan};
use super::world::{Act, Condition, Machine, Observer, World};
use crate::ids::{Generation, LinkName, NodeName, NodeUuid};
use crate::proto::heartbeat::{Autojoin, Cluster, ClusterConfig, Event, Output, Severity};
use crate::proto::rng::Rng;
use crate::time::{Instant, Now};
use crate::wire::heartbeat::Message;

/// What the machine told.
#[derive(Debug)]
pub enum Note {
    /// An event.
    Event(Event),
    /// A log line.
    Log(Severity, String),
    /// The table is to be written.
    StoreNodes,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(Event::Deliver(d)) => write!(f, "deliver {}: {}", d.from, d.message),
            Self::Event(event) => write!(f, "{event:?}"),
            Self::Log(severity, line) => write!(f, "log {severity:?}: {line}"),
            Self::StoreNodes => f.write_str("store the table"),
        }
    }
}

impl Machine for Cluster {
    type Message = Message;
    type Note = Note;
    const HEARS_ITSELF: bool = true;

    fn handle_message(&mut self, now: Now, link: &LinkName, message: Message) {
        Cluster::handle_message(self, now, link, message);
    }

    fn handle_timeout(&mut self, now: Now) {
        Cluster::handle_timeout(self, now);
    }

    fn poll_output(&mut self) -> Option<Act<Message, Note>> {
        Some(match Cluster::poll_output(self)? {
            Output::Transmit(message) => Act::Transmit(message),
            Output::Event(event) => Act::Note(Note::Event(event)),
            Output::Log(severity, line) => Act::Note(Note::Log(severity, line)),
            Output::StoreNodes => Act::Note(Note::StoreNodes),
        })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Cluster::poll_timeout(self)
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// What was run.
    pub plan: Plan,
    /// What happened, line by line; empty unless asked for.
    pub transcript: Vec<String>,
    /// What should not have happened; empty when all is well.
    pub failures: Vec<String>,
    /// Messages handed to machines.
    pub received: u64,
    /// Nodes declared dead.
    pub deaths: u64,
}

/// Runs the plan of a seed.
pub fn run(seed: u64, hosts: Option<usize>, with_transcript: bool) -> Outcome {
    let plan = Plan::draw(seed, hosts);
    let mut rng = Rng::new(seed ^ 0x5eed);
    let names = (0..plan.links)
        .map(|i| LinkName::new(&format!("eth{i}")))
        .collect();
    let network = Network::new(names, rng.fork());
    let mut run = Run {
        world: World::new(plan.hosts, network),
        watch: Watch {
            checks: Checks::new(&plan),
            transcript: with_transcript.then(Vec::new),
        },
        generations: vec![0; plan.hosts],
        rng,
        plan,
    };
    run.all();
    Outcome {
        transcript: run.watch.transcript.unwrap_or_default(),
        received: run.watch.checks.received,
        deaths: run.watch.checks.deaths,
        failures: run.watch.checks.failures,
        plan: run.plan,
    }
}

/// Name of a host.
pub(super) fn name_of(host: usize) -> NodeName {
    NodeName::new(&format!("n{host}")).expect("invariant: a letter and digits are a name")
}

struct Run {
    plan: Plan,
    world: World<Cluster>,
    watch: Watch,
    generations: Vec<u64>,
    rng: Rng,
}

impl Run {
    fn all(&mut self) {
        let actions = self.plan.actions.clone();
        for (at, action) in actions {
            self.pass(at);
            self.watch.say(at, || format!("== {action}"));
            self.act(&action);
        }
        self.world.network.heal();
        self.pass(self.plan.settled);
        for host in 0..self.plan.hosts {
            self.burst(host, 12);
        }
        self.pass(self.plan.end);
        checks::at_end(&mut self.watch.checks, &self.world);
    }

    /// Time passes; once a second the checkers look at the machines.
    fn pass(&mut self, until: Instant) {
        while self.world.now < until {
            let next = self.world.now + Duration::from_secs(1);
            self.world.run_until(next.min(until), &mut self.watch);
            checks::now_and_then(&mut self.watch.checks, &self.world);
        }
    }

    fn act(&mut self, action: &Action) {
        let (world, watch) = (&mut self.world, &mut self.watch);
        match action {
            Action::Weather(link, weather) => world.network.set_weather(*link, *weather),
            Action::Cut(from, to) => world.network.cut(*from, *to, true),
            Action::Mend(from, to) => world.network.cut(*from, *to, false),
            Action::CutOn(link, from, to) => world.network.cut_on(*link, *from, *to, true),
            Action::MendOn(link, from, to) => world.network.cut_on(*link, *from, *to, false),
            Action::Partition(side) => world.network.partition(side, self.plan.hosts, true),
            Action::Rejoin(side) => world.network.partition(side, self.plan.hosts, false),
            Action::Pause(host) => world.pause(*host, watch),
            Action::Resume(host) => world.resume(*host, watch),
            Action::Kill(host) => world.kill(*host, watch),
            Action::Boot(host) => self.boot(*host),
            Action::Leave(host) => {
                world.with(*host, watch, |cluster, now| {
                    cluster.leave(now, Duration::ZERO)
                });
                world.kill(*host, watch);
            }
            Action::Burst(host, count) => self.burst(*host, *count),
        }
    }

    fn boot(&mut self, host: usize) {
        if self.world.condition(host) != Condition::Down {
            return;
        }
        self.generations[host] += 1;
        let local = name_of(host);
        let nodes = match self.plan.autojoin {
            Autojoin::Any => vec![local.clone()],
            _ => (0..self.plan.hosts).map(name_of).collect(),
        };
        let mut config = ClusterConfig::new(local, nodes);
        config.uuid = NodeUuid([u8::try_from(host + 1).unwrap_or(0); 16]);
        config.generation = Generation(self.generations[host]);
        config.links = self.world.network.links().to_vec();
        config.timing = self.plan.timing;
        config.autojoin = self.plan.autojoin;
        let generation = config.generation;
        self.watch.checks.booted(host, generation, self.world.now);
        let cluster = Cluster::new(config, self.world.time(), self.rng.next_u64());
        self.world.boot(host, cluster, &mut self.watch);
    }

    fn burst(&mut self, host: usize, count: u64) {
        self.world.with(host, &mut self.watch, |cluster, now| {
            for n in 0..count {
                let message = Message::of_type("app").with("n", n.to_string());
                cluster.send(now, message, None);
            }
        });
    }
}

/// The checkers, and the transcript if it is wanted.
struct Watch {
    checks: Checks,
    transcript: Option<Vec<String>>,
}

impl Watch {
    fn say(&mut self, at: Instant, line: impl FnOnce() -> String) {
        if let Some(transcript) = &mut self.transcript {
            transcript.push(format!("{at:>9} {}", line()));
        }
    }
}

impl Observer<Cluster> for Watch {
    fn received(&mut self, now: Instant, host: usize, link: &LinkName, message: &Message) {
        self.checks.received(now, host, message);
        self.say(now, || format!("n{host} <- {link} {message}"));
    }

    fn sent(&mut self, now: Instant, host: usize, message: &Message) {
        self.checks.sent(now, host, message);
        self.say(now, || format!("n{host} -> {message}"));
    }

    fn noted(&mut self, now: Instant, host: usize, note: &Note) {
        self.say(now, || format!("n{host} {note}"));
        let before = self.checks.failures.len();
        self.checks.noted(now, host, note);
        if let Some(failure) = self.checks.failures.get(before).cloned() {
            self.say(now, || format!("!! {failure}"));
        }
    }

    fn changed(&mut self, now: Instant, host: usize, condition: Condition) {
        self.checks.changed(now, host, condition);
        self.say(now, || format!("n{host} is {condition:?}"));
    }
}
