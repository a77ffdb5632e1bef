//! A ring, and somebody on its network who sends what he likes.
//!
//! Who has no key changes nothing. Where none is needed a forged member may break the ring: then
//! nobody falls over, what members send can be read, and soon after the end of it they are in
//! one ring again.

use std::fmt;
use std::time::Duration;

use super::attacker::Attacker;
use super::node::Guard;
use super::{Outcome, Plan, Run, dialect, run_plan};
use crate::proto::rng::Rng;
use crate::proto::totem::Timing;
use crate::sim::plan::Action;
use crate::time::Instant;
use crate::wire::totem::crypto_frame::{Cipher, Hash, Protection};

/// The ring has formed by then.
const FORMED: Instant = Instant(8000);

/// Most hosts.
const HOSTS_MAX: u64 = 6;

/// What somebody else lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// The key.
    Key,
    /// Nothing.
    None,
}

impl fmt::Display for Secrecy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "hostile datagrams without the key",
            Self::None => "hostile datagrams where there is no key",
        })
    }
}

/// Runs the plan of a seed.
pub fn run_hostile(seed: u64, secrecy: Secrecy, with_transcript: bool) -> Outcome {
    run_plan(draw(seed, secrecy), with_transcript, Run::under_attack)
}

fn draw(seed: u64, secrecy: Secrecy) -> Plan {
    let rng = &mut Rng::new(seed);
    let hosts = usize::try_from(rng.between(2, HOSTS_MAX)).unwrap_or(2);
    let token = Duration::from_millis(rng.between(300, 2000));
    let mut actions: Vec<(Instant, Action)> = (0..hosts)
        .map(|host| (Instant(1000 + rng.below(1500)), Action::Boot(host)))
        .collect();
    let calm = FORMED + Duration::from_millis(rng.between(2000, 15_000));
    for _ in 0..rng.between(3, 30) {
        let host = usize::try_from(rng.below(hosts as u64)).unwrap_or(0);
        let when = Instant(rng.between(FORMED.0, calm.0));
        actions.push((when, Action::Burst(host, rng.between(1, 60))));
    }
    actions.sort_by_key(|(at, _)| *at);
    let settled = calm + healing(token);
    Plan {
        seed,
        hosts,
        token,
        timing: Timing::of_token(token),
        damage: secrecy == Secrecy::None,
        redundancy: None,
        hostile: Some(secrecy),
        actions,
        calm,
        settled,
        end: settled + Duration::from_secs(3) + 2 * token,
    }
}

/// After the last hostile datagram all are in one ring within this.
fn healing(token: Duration) -> Duration {
    12 * token + Duration::from_secs(3)
}

/// The members' key.
pub(super) fn guard(seed: u64) -> Guard {
    Guard::new(protection(7), seed)
}

fn protection(key: u8) -> Protection {
    let protection = Protection::wrapped(&[key; 128], Cipher::Aes128, Hash::Sha1);
    protection.expect("invariant: the key is long enough")
}

impl Run {
    fn under_attack(&mut self) {
        let mut attacker = Attacker::new(self.rng.fork(), dialect(&self.plan), self.plan.hosts);
        let pace = attacker.rng.between(2, 40);
        let (mut next, mut formed) = (FORMED, None);
        let actions = std::mem::take(&mut self.plan.actions);
        let mut coming = actions.iter().peekable();
        while next < self.plan.calm {
            match coming.next_if(|(at, _)| *at <= next) {
                Some((at, action)) => {
                    self.world.run_until(*at, &mut self.watch);
                    self.watch.say(*at, || format!("== {action}"));
                    self.act(action);
                }
                None => {
                    self.world.run_until(next, &mut self.watch);
                    formed.get_or_insert(self.watch.checks.rings);
                    self.attack(&mut attacker);
                    next += Duration::from_millis(attacker.rng.between(1, pace));
                }
            }
        }
        self.plan.actions = actions;
        self.world.run_until(self.plan.settled, &mut self.watch);
        self.watch.checks.settled(&self.world);
        if self.plan.hostile == Some(Secrecy::None) {
            self.watch.checks.begin_anew(&self.world);
        } else if formed != Some(self.watch.checks.rings) {
            let line = "who has no key changed the ring".to_owned();
            self.watch.checks.failures.push(line);
        }
        for host in 0..self.plan.hosts {
            self.burst(host, 30);
        }
        self.world.run_until(self.plan.end, &mut self.watch);
        self.watch.checks.at_end(&self.world);
        self.tell_failures();
    }

    /// One datagram, for one host or for all.
    fn attack(&mut self, attacker: &mut Attacker) {
        let mut bytes = attacker.datagram(&self.watch.heard);
        if self.plan.hostile == Some(Secrecy::Key) && attacker.rng.percent(30) {
            let mut sealed = Vec::new();
            protection(8).seal_into(&bytes, &[1; 16], &mut sealed);
            bytes = sealed.into();
        }
        let one = usize::try_from(attacker.rng.below(self.plan.hosts as u64)).unwrap_or(0);
        let all = attacker.rng.percent(60);
        for host in (0..self.plan.hosts).filter(|host| all || *host == one) {
            self.world.inject(host, 0, bytes.clone());
        }
    }
}
