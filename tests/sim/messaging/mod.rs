//! The CRM's messages over heartbeat's media under faults: one order, no loss, none twice.

mod checks;
mod hostile;
mod stack;
mod views;

use std::time::Duration;

use checks::{Said, Watch};
use everbeat::ids::LinkName;
use everbeat::proto::rng::Rng;
use everbeat::sim::{Condition, Network, Weather, World};
use stack::Stack;

use crate::storm;

/// Seeds by default; each is some virtual minutes.
const RUNS: u64 = if cfg!(debug_assertions) { 15 } else { 1000 };
/// A quiet time in which all must come to agree and hear what was sent.
const SETTLE: Duration = Duration::from_secs(120);

struct Run {
    world: World<Stack>,
    watch: Watch,
    rng: Rng,
    lives: Vec<u64>,
    numbers: Vec<u64>,
}

impl Run {
    fn new(seed: u64, transcript: bool) -> Self {
        let mut rng = Rng::new(seed);
        let hosts = usize::try_from(rng.between(2, 5)).unwrap();
        let network = Network::new(vec![LinkName::new("eth0")], rng.fork());
        let mut watch = Watch::default();
        watch.record.transcript = transcript.then(Vec::new);
        Self {
            world: World::new(hosts, network),
            watch,
            lives: vec![0; hosts],
            numbers: vec![0; hosts],
            rng,
        }
    }

    fn hosts(&self) -> usize {
        self.lives.len()
    }

    fn pass(&mut self, span: Duration) {
        let until = self.world.now + span;
        self.world.run_until(until, &mut self.watch);
    }

    fn boot(&mut self, host: usize) {
        if self.world.condition(host) == Condition::Down {
            self.lives[host] += 1;
            self.numbers[host] = 0;
            let place = (host, self.hosts());
            let seed = self.rng.next_u64();
            let stack = Stack::boot(place, self.lives[host], self.world.time(), seed);
            self.world.boot(host, stack, &mut self.watch);
        }
    }

    /// Some host says something, short as most of the CRM's messages or longer than a piece.
    fn talk(&mut self) {
        let host = storm::host(&mut self.rng, self.lives.len());
        if self.world.condition(host) != Condition::Running {
            return;
        }
        for _ in 0..self.rng.between(1, 12) {
            self.numbers[host] += 1;
            let said = Said {
                host,
                life: self.lives[host],
                number: self.numbers[host],
            };
            let length = match self.rng.below(12) {
                0 => 200_000,
                1 => 46_000,
                _ => self.rng.below(500),
            };
            self.watch.owed.entry(host).or_default().insert(said);
            let message = said.write(usize::try_from(length).unwrap());
            self.world.with(host, &mut self.watch, |stack, now| {
                stack.send(now, message);
            });
        }
    }

    fn storm(&mut self) {
        let hosts = self.hosts();
        let booted = storm::storm(&mut self.world, &mut self.watch, &mut self.rng, hosts);
        if let Some(host) = booted {
            self.boot(host);
        }
    }

    /// From now on nothing bad happens: all that run come together and hear everything.
    fn calm(&mut self) {
        let now = self.world.now;
        self.watch.record.say(now, || "== calm".into());
        self.world.network.heal();
        self.world.network.set_weather(0, Weather::FAIR);
        for host in 0..self.hosts() {
            self.world.resume(host, &mut self.watch);
        }
        self.pass(SETTLE);
        for _ in 0..5 {
            self.talk();
            self.pass(Duration::from_millis(700));
        }
        self.pass(SETTLE / 10);
        let is_on = |host: &usize| self.world.condition(*host) == Condition::Running;
        let on: Vec<usize> = (0..self.hosts()).filter(is_on).collect();
        let now = self.world.now;
        for host in &on {
            let members = self.watch.current(*host).map_or(0, |m| m.members.len());
            if members != on.len() {
                let failure = format!("n{host} of {on:?} has {:?}", self.watch.current(*host));
                self.watch.record.fail(now, failure);
            }
            if let Some(owed) = self.watch.owed.get(host).filter(|owed| !owed.is_empty()) {
                let failure = format!("n{host} did not hear {} of its own", owed.len());
                self.watch.record.fail(now, failure);
            }
            if self.watch.here(*host) != self.watch.here(on[0]) {
                let (one, other) = (self.watch.here(*host).len(), self.watch.here(on[0]).len());
                let failure = format!("n{host} heard {one} messages, n{} {other}", on[0]);
                self.watch.record.fail(now, failure);
            }
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
                for _ in 0..self.rng.between(1, 12) {
                    let wait = Duration::from_millis(self.rng.below(1500));
                    self.pass(wait);
                    self.talk();
                }
                self.storm();
                if self.rng.percent(50) {
                    self.talk();
                }
            }
            self.calm();
        }
        for host in 0..self.hosts() {
            self.boot(host);
        }
        self.calm();
    }
}

fn run(seed: u64, transcript: bool) -> Watch {
    let mut run = Run::new(seed, transcript);
    run.all();
    run.watch
}

#[test]
fn members_hear_the_same_in_the_same_order() {
    let (mut messages, mut passages) = (0, 0);
    let tried = storm::try_seeds("messaging", RUNS, run, |watch| {
        messages += watch.messages;
        passages += watch.passages;
    });
    let Some(runs) = tried else {
        return;
    };
    println!("{runs} runs, {messages} messages heard, {passages} common passages");
    assert!(messages as u64 > 100 * runs, "{messages} messages");
    assert!(passages as u64 > runs, "{passages} common passages");
}

#[test]
fn a_run_is_the_same_each_time() {
    let (one, two) = (run(7, true), run(7, true));
    assert!(one.messages > 20);
    assert_eq!(one.record.transcript, two.record.transcript);
}
