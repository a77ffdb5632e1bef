//! Memberships under faults: stormy times in turn with times in which nothing changes, at whose
//! ends all that hear one another must have the same membership.

mod checks;
mod hostile;
mod stack;

use std::collections::BTreeSet;
use std::time::Duration;

use checks::Watch;
use everbeat::ids::LinkName;
use everbeat::proto::ccm::quorum;
use everbeat::proto::rng::Rng;
use everbeat::sim::{Condition, Network, Weather, World};
use everbeat::wire::heartbeat::Message;
use stack::Stack;

use crate::storm;
pub use stack::{name_of, timing};

/// Seeds by default; each is some virtual minutes.
const RUNS: u64 = if cfg!(debug_assertions) { 15 } else { 1000 };
/// A quiet time in which all must come to agree.
const SETTLE: Duration = Duration::from_secs(120);

struct Run {
    world: World<Stack>,
    watch: Watch,
    rng: Rng,
    generations: Vec<u64>,
}

impl Run {
    fn new(seed: u64, transcript: bool) -> Self {
        let mut rng = Rng::new(seed);
        let hosts = usize::try_from(rng.between(2, 6)).unwrap();
        let network = Network::new(vec![LinkName::new("eth0")], rng.fork());
        let mut watch = Watch::default();
        watch.record.transcript = transcript.then(Vec::new);
        Self {
            world: World::new(hosts, network),
            watch,
            generations: vec![0; hosts],
            rng,
        }
    }

    fn hosts(&self) -> usize {
        self.generations.len()
    }

    fn pass(&mut self, span: Duration) {
        let until = self.world.now + span;
        self.world.run_until(until, &mut self.watch);
    }

    fn boot(&mut self, host: usize) {
        if self.world.condition(host) == Condition::Down {
            self.boot_with(host, self.hosts());
        }
    }

    /// Boots a host that knows so many nodes.
    fn boot_with(&mut self, host: usize, nodes: usize) {
        self.generations[host] += 1;
        let place = (host, nodes);
        let seed = self.rng.next_u64();
        let stack = Stack::boot(place, self.generations[host], self.world.time(), seed);
        self.world.boot(host, stack, &mut self.watch);
    }

    fn storm(&mut self) {
        let hosts = self.hosts();
        let booted = storm::storm(&mut self.world, &mut self.watch, &mut self.rng, hosts);
        if let Some(host) = booted {
            self.boot(host);
        }
    }

    /// From now on nothing changes: those on `side` hear one another, and so do the others.
    fn calm(&mut self, side: &BTreeSet<usize>) {
        let hosts = self.hosts();
        let now = self.world.now;
        self.watch
            .record
            .say(now, || format!("== calm, {side:?} alone"));
        self.world.network.heal();
        self.world.network.set_weather(0, Weather::FAIR);
        self.world.network.partition(side, hosts, true);
        for host in 0..hosts {
            self.world.resume(host, &mut self.watch);
        }
        self.pass(SETTLE);
        let is_on = |host: &usize| self.world.condition(*host) == Condition::Running;
        let on: Vec<usize> = (0..hosts).filter(is_on).collect();
        let (one, two): (Vec<usize>, Vec<usize>) =
            on.into_iter().partition(|host| side.contains(host));
        self.agree(&one, hosts as u64);
        self.agree(&two, hosts as u64);
        self.one_has_quorum();
    }

    /// All of these have the same membership, made of them, in a cluster of so many nodes.
    fn agree(&mut self, group: &[usize], all: u64) {
        let now = self.world.now;
        let names: Vec<_> = group.iter().map(|host| name_of(*host)).collect();
        for host in group {
            let Some(current) = self.watch.current.get(host).cloned() else {
                let state = self.world.machine(*host).and_then(|s| s.service.machine());
                let state = state.map(|machine| machine.state());
                self.watch.record.fail(
                    now,
                    format!("n{host} has no membership: {state:?} of {group:?}"),
                );
                continue;
            };
            let first = self.watch.current.get(&group[0]);
            let same = first.is_none_or(|first| first.cookie == current.cookie);
            let members: Vec<_> = current.members.iter().map(|m| m.name.clone()).collect();
            if members != names || !same {
                let failure = format!("n{host} of {group:?} has {current:?}");
                self.watch.record.fail(now, failure);
            }
            let count = quorum::Count {
                members: names.len() as u64,
                nodes: all,
                member_weight: 100 * names.len() as u64,
                weight: 100 * all,
            };
            if current.quorum != quorum::has_quorum(&quorum::DEFAULT, count) {
                self.watch
                    .record
                    .fail(now, format!("n{host} is wrong about quorum: {current:?}"));
            }
        }
    }

    /// Each half of two may go on; of more nodes one part at most has quorum.
    fn one_has_quorum(&mut self) {
        let quorate = self.watch.current.values().filter(|m| m.quorum);
        let cookies: BTreeSet<_> = quorate.map(|m| m.cookie.clone()).collect();
        if self.hosts() > 2 && cookies.len() > 1 {
            let now = self.world.now;
            self.watch
                .record
                .fail(now, format!("{} parts have quorum", cookies.len()));
        }
    }

    fn all(&mut self) {
        for host in 0..self.hosts() {
            if self.rng.percent(80) {
                let wait = Duration::from_millis(self.rng.below(3000));
                self.pass(wait);
                self.boot(host);
            }
        }
        for _ in 0..self.rng.between(1, 4) {
            for _ in 0..self.rng.between(1, 6) {
                let wait = Duration::from_millis(self.rng.below(8000));
                self.pass(wait);
                self.storm();
            }
            let side = match self.rng.percent(50) {
                true => storm::some_hosts(&mut self.rng, self.generations.len()),
                false => BTreeSet::new(),
            };
            self.calm(&side);
        }
        for host in 0..self.hosts() {
            self.boot(host);
        }
        self.calm(&BTreeSet::new());
    }
}

/// A node is added while three have a membership: their tables change at different moments.
fn grow(seed: u64) -> Watch {
    let mut run = Run::new(seed, std::env::var_os("SEED").is_some());
    run.generations = vec![0; 4];
    run.world = World::new(4, Network::new(vec![LinkName::new("eth0")], run.rng.fork()));
    for host in 0..3 {
        run.boot_with(host, 3);
    }
    let slow = Weather {
        delay_ms: (0, 200),
        ..Weather::FAIR
    };
    run.world.network.set_weather(0, slow);
    run.pass(SETTLE);
    run.agree(&[0, 1, 2], 3);
    let host = usize::try_from(run.rng.below(3)).unwrap();
    run.world.with(host, &mut run.watch, |stack, now| {
        let message = Message::of_type("addnode").with("nodelist", "n3");
        stack.send(now, message);
    });
    run.pass(SETTLE / 4);
    run.agree(&[0, 1, 2], 4);
    run.boot_with(3, 4);
    run.pass(SETTLE);
    run.agree(&[0, 1, 2, 3], 4);
    run.watch
}

fn run(seed: u64, transcript: bool) -> Watch {
    let mut run = Run::new(seed, transcript);
    run.all();
    run.watch
}

#[test]
fn those_who_hear_one_another_agree() {
    let mut memberships = 0;
    let tried = storm::try_seeds("ccm", RUNS, run, |watch| memberships += watch.memberships);
    let Some(runs) = tried else {
        return;
    };
    println!("{runs} runs, {memberships} memberships");
    assert!(memberships as u64 > 8 * runs, "{memberships} memberships");
}

#[test]
fn a_node_can_be_added_to_a_membership() {
    for seed in 1..=RUNS {
        let watch = grow(seed);
        let transcript = watch.record.transcript.unwrap_or_default().join("\n");
        let failures = watch.record.failures.join("\n");
        assert!(failures.is_empty(), "{transcript}\nseed {seed}: {failures}");
    }
}

#[test]
fn a_run_is_the_same_each_time() {
    let (one, two) = (run(7, true), run(7, true));
    assert!(one.memberships > 2);
    assert_eq!(one.record.transcript, two.record.transcript);
}
