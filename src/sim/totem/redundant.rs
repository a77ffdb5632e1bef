//! Two networks of which one fails: the members must not change, and nothing may be lost.

use std::net::IpAddr;
use std::time::Duration;

use super::{Outcome, Plan, Run, run_plan};
use crate::ids::NodeId;
use crate::proto::rng::Rng;
use crate::proto::totem::Timing;
use crate::proto::totem::rings::{Config, Limits, Mode, RingSet};
use crate::sim::plan::Action;
use crate::sim::world::Condition;
use crate::time::Instant;
use crate::wire::totem::{Dialect, Processor, RingAddress};

/// The ring has formed by then.
const FORMED: Instant = Instant(8000);

/// A ring that works again is in use again within this.
const RECOVERY: u64 = 6000;

/// Most hosts.
const HOSTS_MAX: u64 = 6;

/// Runs the plan of a seed.
pub fn run_redundant(seed: u64, with_transcript: bool) -> Outcome {
    run_plan(draw(seed), with_transcript, Run::through_failures)
}

fn draw(seed: u64) -> Plan {
    let rng = &mut Rng::new(seed);
    let hosts = usize::try_from(rng.between(2, HOSTS_MAX)).unwrap_or(2);
    let token = Duration::from_secs(1);
    let mode = match rng.percent(50) {
        true => Mode::Active,
        false => Mode::Passive,
    };
    let mut actions: Vec<(Instant, Action)> = (0..hosts)
        .map(|host| (Instant(1000 + rng.below(1500)), Action::Boot(host)))
        .collect();
    let mut at = FORMED;
    for _ in 0..rng.between(1, 3) {
        let start = at + Duration::from_millis(rng.between(100, 3000));
        let end = start + Duration::from_millis(rng.between(500, 20_000));
        let link = usize::try_from(rng.below(2)).unwrap_or(0);
        for (from, to) in lost_ways(rng, hosts) {
            actions.push((start, Action::CutOn(link, from, to)));
            actions.push((end, Action::MendOn(link, from, to)));
        }
        at = end + Duration::from_millis(RECOVERY);
    }
    for _ in 0..rng.between(3, 30) {
        let host = usize::try_from(rng.below(hosts as u64)).unwrap_or(0);
        let when = Instant(rng.between(FORMED.0, at.0));
        actions.push((when, Action::Burst(host, rng.between(1, 60))));
    }
    actions.sort_by_key(|(at, _)| *at);
    Plan {
        seed,
        hosts,
        token,
        timing: Timing::of_token(token),
        damage: false,
        redundancy: Some(mode),
        hostile: None,
        actions,
        calm: at,
        settled: at,
        end: at + Duration::from_secs(6),
    }
}

/// What fails: the whole network, a host's cable, or one direction between two hosts.
fn lost_ways(rng: &mut Rng, hosts: usize) -> Vec<(usize, usize)> {
    let all = (0..hosts).flat_map(|a| (0..hosts).map(move |b| (a, b)));
    let all = all.filter(|(a, b)| a != b);
    let one = usize::try_from(rng.below(hosts as u64)).unwrap_or(0);
    match rng.below(3) {
        0 => all.collect(),
        1 => all.filter(|(a, b)| *a == one || *b == one).collect(),
        _ => vec![(one, (one + 1) % hosts)],
    }
}

/// Two rings, as a node has them.
pub(super) fn config(node: NodeId, mode: Mode) -> Config {
    let host = u8::try_from(node.0).unwrap_or(u8::MAX);
    let limits = Limits {
        token: Duration::from_secs(1),
        problem_count_timeout: Duration::from_secs(2),
        problem_count_threshold: 10,
        problem_count_mcast_threshold: 100,
        token_expired_timeout: Duration::from_millis(238),
        autorecovery_check_timeout: Duration::from_secs(1),
    };
    Config {
        mode,
        me: node,
        dialect: Dialect::V2,
        addresses: addresses(host).into(),
        limits,
    }
}

fn addresses(host: u8) -> [IpAddr; 2] {
    [1, 2].map(|net| IpAddr::from([10, 9, net, host]))
}

/// The node with its addresses.
pub(super) fn processor(node: NodeId) -> Processor {
    let host = u8::try_from(node.0).unwrap_or(u8::MAX);
    Processor {
        addresses: addresses(host).map(|address| RingAddress::new(node, address)),
    }
}

impl Run {
    fn through_failures(&mut self) {
        let mut formed = None;
        let actions = std::mem::take(&mut self.plan.actions);
        for (at, action) in &actions {
            if *at > FORMED && formed.is_none() {
                self.world.run_until(FORMED, &mut self.watch);
                formed = Some(self.watch.checks.rings);
            }
            self.world.run_until(*at, &mut self.watch);
            self.watch.say(*at, || format!("== {action}"));
            self.act(action);
        }
        self.plan.actions = actions;
        self.world.run_until(self.plan.settled, &mut self.watch);
        self.watch.checks.settled(&self.world);
        self.world.run_until(self.plan.end, &mut self.watch);
        self.watch.checks.at_end(&self.world);
        if formed != Some(self.watch.checks.rings) {
            let line = "the members changed when one of two networks failed".to_owned();
            self.watch.checks.failures.push(line);
        }
        for host in 0..self.plan.hosts {
            let machine = self.world.machine(host);
            let faulty = machine.and_then(|node| Some(node.rings()?.faulty()));
            if self.world.condition(host) == Condition::Running
                && faulty != Some(RingSet::default())
            {
                let line = format!("host {} still has a faulty ring", host + 1);
                self.watch.checks.failures.push(line);
            }
        }
        self.tell_failures();
    }
}
