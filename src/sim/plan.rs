//! What happens in a run: drawn from the seed before it starts.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::network::Weather;
use crate::proto::heartbeat::{Autojoin, Timing};
use crate::proto::rng::Rng;
use crate::time::Instant;

/// Most hosts of a drawn plan.
pub const HOSTS_MAX: usize = 6;

/// Something that happens to hosts or links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A link's weather changes.
    Weather(usize, Weather),
    /// One direction between two hosts is cut.
    Cut(usize, usize),
    /// It is mended.
    Mend(usize, usize),
    /// One direction between two hosts is cut on one link: link, from, to.
    CutOn(usize, usize, usize),
    /// It is mended.
    MendOn(usize, usize, usize),
    /// These hosts are cut off from the others.
    Partition(BTreeSet<usize>),
    /// And joined again.
    Rejoin(BTreeSet<usize>),
    /// A host is stopped as SIGSTOP does.
    Pause(usize),
    /// It goes on.
    Resume(usize),
    /// A host is powered off.
    Kill(usize),
    /// A host is powered on: its generation grows.
    Boot(usize),
    /// A host leaves in good order, then is off.
    Leave(usize),
    /// A host sends so many messages at once.
    Burst(usize, u64),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weather(link, w) => write!(
                f,
                "link {link}: loss {} %, duplicates {} %, delay {} to {} ms",
                w.loss_percent, w.duplicate_percent, w.delay_ms.0, w.delay_ms.1
            ),
            Self::Cut(from, to) => write!(f, "cut {from} -> {to}"),
            Self::Mend(from, to) => write!(f, "mend {from} -> {to}"),
            Self::CutOn(link, from, to) => write!(f, "cut {from} -> {to} on link {link}"),
            Self::MendOn(link, from, to) => write!(f, "mend {from} -> {to} on link {link}"),
            Self::Partition(side) => write!(f, "partition {side:?} from the others"),
            Self::Rejoin(side) => write!(f, "rejoin {side:?}"),
            Self::Pause(host) => write!(f, "pause {host}"),
            Self::Resume(host) => write!(f, "resume {host}"),
            Self::Kill(host) => write!(f, "kill {host}"),
            Self::Boot(host) => write!(f, "boot {host}"),
            Self::Leave(host) => write!(f, "{host} leaves"),
            Self::Burst(host, count) => write!(f, "{host} sends {count} messages"),
        }
    }
}

/// A whole run: faults until [`Self::calm`], then fair weather until [`Self::end`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The seed it came from.
    pub seed: u64,
    /// Hosts `n0`, `n1`, …
    pub hosts: usize,
    /// Links `eth0`, `eth1`, …
    pub links: usize,
    /// The same on all hosts.
    pub timing: Timing,
    /// With `any`, each host knows itself only at first.
    pub autojoin: Autojoin,
    /// What happens when, by time.
    pub actions: Vec<(Instant, Action)>,
    /// From here on nothing bad happens.
    pub calm: Instant,
    /// From here on all must agree.
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
        let links = if rng.percent(30) { 2 } else { 1 };
        let timing = draw_timing(rng);
        let autojoin = match rng.percent(15) {
            true => Autojoin::Any,
            false => Autojoin::None,
        };
        let calm = Instant(1000 + rng.between(30_000, 90_000));
        let settle = 2 * timing.initdead + 3 * timing.deadtime + Duration::from_secs(10);
        let settled = calm + settle;
        let course = Course {
            hosts,
            links,
            fault: timing.deadtime,
            calm,
            damage: false,
        };
        Self {
            seed,
            hosts,
            links,
            timing,
            autojoin,
            actions: course.draw(rng),
            calm,
            settled,
            end: settled + 2 * timing.deadtime,
        }
    }
}

/// The frame in which faults are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    /// How many hosts there are.
    pub hosts: usize,
    /// How many links.
    pub links: usize,
    /// Faults last from a quarter of this to three times this.
    pub fault: Duration,
    /// From here on nothing bad happens.
    pub calm: Instant,
    /// Bits turn in foul weather.
    pub damage: bool,
}

impl Course {
    /// Draws what happens, by time.
    pub fn draw(self, rng: &mut Rng) -> Vec<(Instant, Action)> {
        let mut actions = Vec::new();
        for host in 0..self.hosts {
            let at = Instant(1000 + rng.below(3000));
            actions.push((at, Action::Boot(host)));
        }
        for _ in 0..rng.between(2, 14) {
            let start = Instant(rng.between(4000, self.calm.0 - 1));
            actions.extend(self.draw_fault(rng, start));
        }
        for _ in 0..rng.between(0, 6) {
            let start = Instant(rng.between(4000, self.calm.0));
            let count = rng.between(1, 400);
            actions.push((start, Action::Burst(self.host(rng), count)));
        }
        // At last all hosts are on, but for one in some runs.
        let absent = rng.percent(25).then(|| self.host(rng));
        for host in 0..self.hosts {
            actions.push((self.calm, Action::Resume(host)));
            actions.push((
                self.calm,
                match absent == Some(host) {
                    true => Action::Kill(host),
                    false => Action::Boot(host),
                },
            ));
        }
        actions.sort_by_key(|(at, _)| *at);
        actions
    }

    /// A fault and its cure.
    fn draw_fault(self, rng: &mut Rng, start: Instant) -> [(Instant, Action); 2] {
        let dead = u64::try_from(self.fault.as_millis()).unwrap_or(1);
        let lasting = start + Duration::from_millis(rng.between(dead / 4, 3 * dead));
        let end = Instant(lasting.0.min(self.calm.0));
        let (host, other) = (self.host(rng), self.host(rng));
        let (fault, cure) = match rng.below(8) {
            0 | 1 => {
                let link = usize::try_from(rng.below(self.links as u64)).unwrap_or(0);
                let foul = Weather {
                    loss_percent: rng.below(60),
                    duplicate_percent: rng.below(30),
                    damage_permille: if self.damage { rng.below(30) } else { 0 },
                    delay_ms: (rng.below(50), 50 + rng.below(300)),
                };
                (
                    Action::Weather(link, foul),
                    Action::Weather(link, Weather::FAIR),
                )
            }
            2 => (Action::Cut(host, other), Action::Mend(host, other)),
            3 => {
                let side: BTreeSet<usize> = (0..self.hosts).filter(|_| rng.percent(50)).collect();
                (Action::Partition(side.clone()), Action::Rejoin(side))
            }
            4 | 5 => (Action::Pause(host), Action::Resume(host)),
            6 => (Action::Kill(host), Action::Boot(host)),
            _ => (Action::Leave(host), Action::Boot(host)),
        };
        [(start, fault), (end, cure)]
    }

    fn host(self, rng: &mut Rng) -> usize {
        usize::try_from(rng.below(self.hosts as u64)).unwrap_or(0)
    }
}

fn draw_timing(rng: &mut Rng) -> Timing {
    let ms = Duration::from_millis;
    let keepalive = rng.between(200, 2000);
    let deadtime = keepalive * rng.between(3, 10);
    let max_rexmit_delay = rng.between(60, 500);
    Timing {
        keepalive: ms(keepalive),
        deadtime: ms(deadtime),
        warntime: ms(deadtime / 2),
        initdead: ms(deadtime * rng.between(1, 3)),
        deadping: ms(deadtime),
        max_rexmit_delay: ms(max_rexmit_delay),
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = &self.timing;
        write!(
            f,
            "seed {}: {} hosts, {} link(s), keepalive {} ms, deadtime {} ms, initdead {} ms, \
             autojoin {:?}, calm at {}, end at {}",
            self.seed,
            self.hosts,
            self.links,
            t.keepalive.as_millis(),
            t.deadtime.as_millis(),
            t.initdead.as_millis(),
            self.autojoin,
            self.calm,
            self.end
        )
    }
}
