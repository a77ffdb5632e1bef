//! The single ring protocol on simulated hosts; `tests/sim/totem.rs` runs it.

mod attacker;
mod checks;
pub mod growth;
mod hostile;
mod node;
mod redundant;

use std::fmt;
use std::time::Duration;

use super::network::Network;
use super::plan::{Action, Course};
use super::world::{Condition, Observer, World};
use crate::ids::{LinkName, NodeId};
use crate::proto::rng::Rng;
use crate::proto::totem::{Bytes, Config, Timing, rings};
use crate::time::Instant;
use crate::wire::totem::{Dialect, Processor};

pub use attacker::{Attacker, overhear};
use checks::Checks;
pub use hostile::{Secrecy, run_hostile};
pub use node::{Node, Told, Word};
pub use redundant::run_redundant;

/// What was damaged may still be at work for so long.
const DAMAGED_FOR: Duration = Duration::from_secs(40);

/// Most hosts of a drawn plan.
pub const HOSTS_MAX: usize = 6;

/// A whole run: faults until [`Self::calm`], then fair weather until [`Self::end`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The seed it came from.
    pub seed: u64,
    /// Hosts with the node numbers 1, 2, …
    pub hosts: usize,
    /// The token timeout.
    pub token: Duration,
    /// The timers of all hosts.
    pub timing: Timing,
    /// Bits turn while the weather is foul: nothing is promised then but that nobody falls over,
    /// and that all is well afterwards.
    pub damage: bool,
    /// How two networks are used; absent with one.
    pub redundancy: Option<rings::Mode>,
    /// Somebody else sends until [`Self::calm`]; whether he lacks a key.
    pub hostile: Option<Secrecy>,
    /// What happens when, by time.
    pub actions: Vec<(Instant, Action)>,
    /// From here on nothing bad happens.
    pub calm: Instant,
    /// From here on all must be in one ring.
    pub settled: Instant,
    /// The end.
    pub end: Instant,
}

impl Plan {
    /// The plan of a seed; `hosts` as given, or drawn.
    pub fn draw(seed: u64, hosts: Option<usize>) -> Self {
        let rng = &mut Rng::new(seed);
        let drawn = usize::try_from(rng.between(2, HOSTS_MAX as u64)).unwrap_or(2);
        let hosts = hosts.unwrap_or(drawn);
        let token = Duration::from_millis(rng.between(300, 2000));
        let mut timing = Timing::of_token(token);
        if rng.percent(20) {
            timing.send_join = Duration::from_millis(rng.between(1, 80));
        }
        if rng.percent(10) {
            timing.heartbeat = timing.token_retransmit + Duration::from_millis(50);
        }
        let damage = rng.percent(15);
        let calm = Instant(1000 + rng.between(5000, 20_000));
        let course = Course {
            hosts,
            links: 1,
            fault: token * 2,
            calm,
            damage,
        };
        // Damage can leave a ring that waits for a message that never was.
        let settle = 12 * token + Duration::from_secs(if damage { 40 } else { 3 });
        let settled = calm + settle;
        Self {
            seed,
            hosts,
            token,
            timing,
            damage,
            redundancy: None,
            hostile: None,
            actions: course.draw(rng),
            calm,
            settled,
            end: settled + Duration::from_secs(3) + 2 * token,
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {}: {} hosts, token {} ms{}, calm at {}, end at {}",
            self.seed,
            self.hosts,
            self.token.as_millis(),
            if self.damage { ", damage" } else { "" },
            self.calm,
            self.end
        )
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
    /// Messages delivered, at all hosts.
    pub delivered: u64,
    /// Rings that came into use, at all hosts.
    pub rings: u64,
    /// Redundant rings that were marked faulty, at all hosts.
    pub faults: u64,
}

/// Runs the plan of a seed.
pub fn run(seed: u64, hosts: Option<usize>, with_transcript: bool) -> Outcome {
    run_plan(Plan::draw(seed, hosts), with_transcript, Run::all)
}

fn run_plan(plan: Plan, with_transcript: bool, course: impl FnOnce(&mut Run)) -> Outcome {
    let mut rng = Rng::new(plan.seed ^ 0x70c0);
    let mut links = vec![LinkName::new("ring")];
    links.extend(plan.redundancy.map(|_| LinkName::new(node::SECOND)));
    let network = Network::new(links, rng.fork());
    let mut run = Run {
        world: World::new(plan.hosts, network),
        watch: Watch {
            checks: Checks::new(plan.hosts, lenient_until(&plan)),
            transcript: with_transcript.then(Vec::new),
            heard: Vec::new(),
            dialect: dialect(&plan),
        },
        starts: vec![0; plan.hosts],
        rng,
        plan,
    };
    course(&mut run);
    let Watch {
        checks, transcript, ..
    } = run.watch;
    Outcome {
        plan: run.plan,
        transcript: transcript.unwrap_or_default(),
        delivered: checks.delivered,
        rings: checks.rings,
        faults: checks.faults,
        failures: checks.failures,
    }
}

/// Before then nothing is promised of a plan with damage.
fn lenient_until(plan: &Plan) -> Option<Instant> {
    let until = match plan.hostile {
        Some(_) => plan.settled,
        None => plan.calm + DAMAGED_FOR,
    };
    plan.damage.then_some(until)
}

/// 3.x has no redundant rings, and over udp no keys.
fn dialect(plan: &Plan) -> Dialect {
    match (plan.redundancy, plan.hostile) {
        (Some(_), _) | (_, Some(Secrecy::Key)) => Dialect::V2,
        _ => Dialect::V3,
    }
}

struct Run {
    plan: Plan,
    world: World<Node>,
    watch: Watch,
    starts: Vec<u64>,
    rng: Rng,
}

impl Run {
    fn all(&mut self) {
        let actions = self.plan.actions.clone();
        for (at, action) in actions {
            self.world.run_until(at, &mut self.watch);
            self.watch.say(at, || format!("== {action}"));
            self.act(&action);
        }
        self.world.network.heal();
        self.world.run_until(self.plan.settled, &mut self.watch);
        self.watch.checks.settled(&self.world);
        for host in 0..self.plan.hosts {
            self.burst(host, 30);
        }
        self.world.run_until(self.plan.end, &mut self.watch);
        self.watch.checks.at_end(&self.world);
        self.tell_failures();
    }

    fn tell_failures(&mut self) {
        let now = self.world.now;
        for failure in self.watch.checks.failures.clone() {
            self.watch.say(now, || format!("!! {failure}"));
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
                world.with(*host, watch, |node, _| node.leave());
                world.kill(*host, watch);
            }
            Action::Burst(host, count) => self.burst(*host, *count),
        }
    }

    fn boot(&mut self, host: usize) {
        if self.world.condition(host) != Condition::Down {
            return;
        }
        self.starts[host] += 1;
        let number = u32::try_from(host + 1).unwrap_or(u32::MAX);
        let dialect = dialect(&self.plan);
        let redundancy = self.plan.redundancy;
        let redundancy = redundancy.map(|mode| redundant::config(NodeId(number), mode));
        let me = match dialect {
            Dialect::V3 => Processor::of_node(NodeId(number)),
            Dialect::V2 | Dialect::V1 => redundant::processor(NodeId(number)),
        };
        let mut config = Config::new(me);
        config.dialect = dialect;
        config.ring_seq = self.watch.checks.persisted(host);
        config.timing = self.plan.timing;
        let start = (self.starts[host], self.rng.next_u64());
        self.watch.checks.booted(host, start.0);
        let mut node = Node::new((config, redundancy), self.world.now, start);
        if self.plan.hostile == Some(Secrecy::Key) {
            node = node.with_guard(hostile::guard(self.rng.next_u64()));
        }
        self.world.boot(host, node, &mut self.watch);
    }

    fn burst(&mut self, host: usize, count: u64) {
        let with = |node: &mut Node, now: crate::time::Now| {
            for _ in 0..count {
                if node.say(now.mono).is_err() {
                    break;
                }
            }
        };
        self.world.with(host, &mut self.watch, with);
    }
}

/// The checkers, and the transcript if it is wanted.
struct Watch {
    checks: Checks,
    transcript: Option<Vec<String>>,
    dialect: Dialect,
    /// What somebody else on the network could hear: the last that hosts sent.
    heard: Vec<Bytes>,
}

impl Watch {
    fn say(&mut self, at: Instant, line: impl FnOnce() -> String) {
        if let Some(transcript) = &mut self.transcript {
            transcript.push(format!("{at:>9} {}", line()));
        }
    }
}

impl Observer<Node> for Watch {
    fn received(&mut self, now: Instant, host: usize, link: &LinkName, message: &Bytes) {
        let dialect = self.dialect;
        let words = || node::words(message, dialect);
        match dialect {
            Dialect::V3 => self.say(now, || format!("{} <- {}", host + 1, words())),
            _ => self.say(now, || format!("{} <- {link} {}", host + 1, words())),
        }
    }

    fn sent(&mut self, now: Instant, host: usize, message: &Bytes) {
        let dialect = self.dialect;
        attacker::overhear(&mut self.heard, message);
        let words = || node::words(message, dialect);
        self.say(now, || format!("{} -> {}", host + 1, words()));
    }

    fn noted(&mut self, now: Instant, host: usize, note: &Told) {
        self.say(now, || format!("{} {note}", host + 1));
        let before = self.checks.failures.len();
        self.checks.told(now, host, note);
        if let Some(failure) = self.checks.failures.get(before).cloned() {
            self.say(now, || format!("!! {failure}"));
        }
    }

    fn changed(&mut self, now: Instant, host: usize, condition: Condition) {
        self.say(now, || format!("{} is {condition:?}", host + 1));
    }
}
