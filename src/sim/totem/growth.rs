//! How long rings of many nodes take to form, and their token to go round.
//!
//! No faults, and time in microseconds: a datagram is [`HOP_US`] on its way, its receiver takes
//! [`READ_US`] for it before it takes the next. All nodes start within [`START_US`].

use std::collections::BTreeMap;
use std::time::Duration;

use super::node::{Node, Told};
use crate::ids::{LinkName, NodeId};
use crate::proto::rng::Rng;
use crate::proto::totem::{Bytes, Config, State, Timing};
use crate::sim::world::{Act, Machine};
use crate::time::{Instant, Now};
use crate::wire::totem::Processor;

/// A datagram's way. Units: microseconds
pub const HOP_US: (u64, u64) = (50, 150);

/// What a receiver takes for a datagram. Units: microseconds
pub const READ_US: u64 = 10;

/// The time in which all nodes start. Units: microseconds
pub const START_US: u64 = 100_000;

/// Rounds of the token whose time is taken.
const ROUNDS: u64 = 100;

/// A ring that hasn't formed by then is given up. Units: microseconds
const PATIENCE_US: u64 = 600_000_000;

/// What a ring took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Nodes.
    pub nodes: usize,
    /// From the start of the last node until all are in step on one ring; none if they never
    /// were.
    pub formation: Option<Duration>,
    /// One round of the token, while one node speaks now and then.
    pub rotation: Duration,
    /// Datagrams that were handled until all were in step, of all nodes.
    pub datagrams: u64,
}

/// Lets so many nodes form a ring, with the timers that corosync has for that many.
pub fn measure(nodes: usize, seed: u64) -> Measured {
    let mut ring = Ring::new(nodes, seed);
    let formed = ring.run(PATIENCE_US, Ring::is_whole);
    let last_start = ring.last_start;
    let datagrams = ring.handled;
    let mut rotation = Duration::ZERO;
    if formed {
        rotation = ring.rotation();
    }
    let formation = ring.in_step_at.saturating_sub(last_start);
    Measured {
        nodes,
        formation: formed.then(|| Duration::from_micros(formation)),
        rotation,
        datagrams,
    }
}

/// The timers of a ring of so many nodes where corosync.conf sets none: token 3000,
/// token_coefficient 650.
fn timing(nodes: usize) -> Timing {
    let more = u32::try_from(nodes.saturating_sub(2)).unwrap_or(u32::MAX);
    Timing::of_token(Duration::from_secs(3) + Duration::from_millis(650) * more)
}

enum Step {
    Start,
    Datagram(Bytes),
}

struct Ring {
    now_us: u64,
    link: LinkName,
    hosts: Vec<Option<Node>>,
    timing: Timing,
    /// Until when a host is busy with what is on its way to it.
    busy_until: Vec<u64>,
    /// By time, in order of sending where equal: host, what comes.
    steps: BTreeMap<(u64, u64), (usize, Step)>,
    counter: u64,
    rng: Rng,
    last_start: u64,
    in_step_at: u64,
    handled: u64,
}

impl Ring {
    fn new(nodes: usize, seed: u64) -> Self {
        let mut ring = Self {
            now_us: 0,
            link: LinkName::new("ring"),
            hosts: (0..nodes).map(|_| None).collect(),
            timing: timing(nodes),
            busy_until: vec![0; nodes],
            steps: BTreeMap::new(),
            counter: 0,
            rng: Rng::new(seed),
            last_start: 0,
            in_step_at: 0,
            handled: 0,
        };
        for host in 0..nodes {
            let at = 1_000_000 + ring.rng.below(START_US);
            ring.last_start = ring.last_start.max(at);
            ring.put(at, host, Step::Start);
        }
        ring
    }

    fn put(&mut self, at: u64, host: usize, step: Step) {
        self.counter += 1;
        self.steps.insert((at, self.counter), (host, step));
    }

    /// Lets time pass until `done`, which is asked after each step; false if it never is.
    fn run(&mut self, patience_us: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now_us + patience_us;
        while self.now_us < end {
            if !self.step() {
                return false;
            }
            if done(self) {
                return true;
            }
        }
        false
    }

    /// The next thing that happens; false if nothing does.
    fn step(&mut self) -> bool {
        let arrival = self.steps.keys().next().map(|(at, _)| *at);
        let hosts = self.hosts.iter().enumerate();
        let due = hosts.filter_map(|(host, node)| {
            let at = node.as_ref()?.poll_timeout()?;
            Some((at.0.saturating_mul(1000), host))
        });
        match (arrival, due.min()) {
            (Some(at), due) if due.is_none_or(|(due, _)| at <= due) => {
                self.now_us = self.now_us.max(at);
                let next = self.steps.pop_first();
                if let Some((_, (host, step))) = next {
                    self.take(host, step);
                }
            }
            (_, Some((at, host))) => {
                self.now_us = self.now_us.max(at);
                let now = self.now();
                if let Some(node) = &mut self.hosts[host] {
                    node.handle_timeout(now);
                }
                self.drain(host);
            }
            _ => return false,
        }
        true
    }

    fn now(&self) -> Now {
        Now {
            mono: Instant(self.now_us / 1000),
            unix_s: 0,
        }
    }

    fn take(&mut self, host: usize, step: Step) {
        let now = self.now();
        match step {
            Step::Start => {
                let number = u32::try_from(host + 1).unwrap_or(u32::MAX);
                let mut config = Config::new(Processor::of_node(NodeId(number)));
                config.timing = self.timing;
                let start = (1, self.rng.next_u64());
                self.hosts[host] = Some(Node::new((config, None), now.mono, start));
            }
            Step::Datagram(bytes) => {
                if let Some(node) = &mut self.hosts[host] {
                    self.handled += 1;
                    node.handle_message(now, &self.link, bytes);
                }
            }
        }
        self.drain(host);
    }

    fn drain(&mut self, host: usize) {
        while let Some(act) = self.hosts[host].as_mut().and_then(Node::poll_output) {
            match act {
                Act::Transmit(bytes) => {
                    for to in (0..self.hosts.len()).filter(|to| *to != host) {
                        self.send(to, bytes.clone());
                    }
                }
                Act::TransmitTo(to, bytes) if to == host => {
                    self.put(self.now_us + 1, to, Step::Datagram(bytes));
                }
                Act::TransmitTo(to, bytes) if to < self.hosts.len() => self.send(to, bytes),
                Act::Note(Told::Synchronised(_)) => self.in_step_at = self.now_us,
                // Nobody sleeps here or has a second ring; notes have no part in times.
                Act::TransmitTo(..) | Act::TransmitOn(..) | Act::DiscardWaiting | Act::Note(_) => {}
            }
        }
    }

    fn send(&mut self, to: usize, bytes: Bytes) {
        let arrival = self.now_us + self.rng.between(HOP_US.0, HOP_US.1);
        let at = arrival.max(self.busy_until[to]);
        self.busy_until[to] = at + READ_US;
        self.put(at, to, Step::Datagram(bytes));
    }

    /// All are in step on one ring.
    fn is_whole(&self) -> bool {
        self.hosts.iter().all(|node| {
            node.as_ref().is_some_and(|node| {
                let srp = node.srp();
                srp.state() == State::Operational
                    && srp.members().len() == self.hosts.len()
                    && !srp.is_synchronising()
            })
        })
    }

    /// The mean time of a round, while the first node speaks each time that the ring might fall
    /// idle.
    fn rotation(&mut self) -> Duration {
        let rounds = |ring: &Self| {
            let first = ring.hosts.first().and_then(Option::as_ref);
            first.map_or(0, |node| node.srp().stats().orf_token_rx)
        };
        let (begin, before) = (self.now_us, rounds(self));
        let mut seen = before;
        while seen < before + ROUNDS {
            if seen % 10 == 0 {
                self.speak();
            }
            if !self.run(PATIENCE_US, |ring| rounds(ring) > seen) {
                break;
            }
            seen = rounds(self);
        }
        let count = u32::try_from(seen - before).unwrap_or(u32::MAX).max(1);
        Duration::from_micros(self.now_us - begin) / count
    }

    fn speak(&mut self) {
        let now = self.now();
        if let Some(Some(node)) = self.hosts.first_mut() {
            // A full queue speaks, too.
            let _ = node.say(now.mono);
        }
        self.drain(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_form_and_a_longer_one_takes_longer_to_go_round() {
        let [short, long] = [3, 24].map(|nodes| measure(nodes, 1));
        for ring in [short, long] {
            let formation = ring.formation.expect("a ring");
            assert!(formation > Duration::ZERO, "{ring:?}");
            let hops = ring.rotation.as_micros() as f64 / ring.nodes as f64;
            assert!((50.0..250.0).contains(&hops), "{ring:?}");
        }
        assert!(long.datagrams > short.datagrams);
        assert_eq!(measure(3, 1), short, "the same seed gives the same run");
    }

    #[test]
    fn many_nodes_that_start_together_wait_for_no_timeout() {
        for seed in 1..=3 {
            let ring = measure(40, seed);
            let formation = ring.formation.expect("a ring");
            assert!(formation < Duration::from_millis(500), "{ring:?}");
        }
    }
}
