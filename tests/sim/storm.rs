//! What runs under faults share: the record of one, the faults themselves, and how seeds are tried.

use std::collections::BTreeSet;

use everbeat::proto::rng::Rng;
use everbeat::sim::{Condition, Machine, Observer, Weather, World};
use everbeat::time::{Instant, Now};

/// What went wrong in a run, and what happened in it if that is wanted.
#[derive(Default)]
pub struct Record {
    pub failures: Vec<String>,
    pub transcript: Option<Vec<String>>,
}

impl Record {
    pub fn say(&mut self, now: Instant, line: impl FnOnce() -> String) {
        if let Some(transcript) = &mut self.transcript {
            transcript.push(format!("{now:>9} {}", line()));
        }
    }

    pub fn fail(&mut self, now: Instant, failure: String) {
        self.say(now, || format!("!! {failure}"));
        self.failures.push(format!("{now}: {failure}"));
    }
}

/// A node that can leave in order.
pub trait Leave {
    fn leave(&mut self, now: Now);
}

pub fn host(rng: &mut Rng, hosts: usize) -> usize {
    usize::try_from(rng.below(hosts as u64)).unwrap()
}

pub fn some_hosts(rng: &mut Rng, hosts: usize) -> BTreeSet<usize> {
    (0..hosts).filter(|_| rng.percent(50)).collect()
}

/// Something bad, or its end, among so many hosts; the host that is to be booted, if one is.
pub fn storm<M: Machine + Leave, O: Observer<M> + AsMut<Record>>(
    world: &mut World<M>,
    watch: &mut O,
    rng: &mut Rng,
    hosts: usize,
) -> Option<usize> {
    let (one, other) = (host(rng, hosts), host(rng, hosts));
    let now = world.now;
    match rng.below(9) {
        0 => world.kill(one, watch),
        1 | 2 => return Some(one),
        3 => world.network.cut(one, other, true),
        4 => {
            let side = some_hosts(rng, hosts);
            watch.as_mut().say(now, || format!("== partition {side:?}"));
            world.network.partition(&side, hosts, true);
        }
        5 => {
            watch.as_mut().say(now, || "== heal".into());
            world.network.heal();
        }
        6 => {
            let foul = Weather {
                loss_percent: rng.below(40),
                duplicate_percent: rng.below(20),
                damage_permille: 0,
                delay_ms: (rng.below(50), 50 + rng.below(300)),
            };
            world.network.set_weather(0, foul);
        }
        7 => {
            world.with(one, watch, |stack, now| stack.leave(now));
            world.kill(one, watch);
        }
        _ if world.condition(one) == Condition::Paused => world.resume(one, watch),
        _ => world.pause(one, watch),
    }
    None
}

/// Tries the seeds from 1 on; `SEED=n` prints one alone, `RUNS=n` tries so many. The number of
/// runs, none if it was one alone.
///
/// `run` gets a seed and whether a transcript is wanted; `count` sees what came of each.
pub fn try_seeds<W: AsRef<Record>>(
    name: &str,
    runs: u64,
    run: impl Fn(u64, bool) -> W,
    mut count: impl FnMut(&W),
) -> Option<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|v| v.parse::<u64>().unwrap());
    if let Some(seed) = number("SEED") {
        let watch = run(seed, true);
        let Record {
            failures,
            transcript,
        } = watch.as_ref();
        println!("{}", transcript.as_deref().unwrap_or_default().join("\n"));
        assert!(failures.is_empty(), "{}", failures.join("\n"));
        return None;
    }
    let mut failed = Vec::new();
    let runs = number("RUNS").unwrap_or(runs);
    for seed in 1..=runs {
        let watch = run(seed, false);
        count(&watch);
        if let Some(first) = watch.as_ref().failures.first() {
            failed.push(format!("SEED={seed} {first:.600}"));
        }
    }
    assert!(
        failed.is_empty(),
        "{} runs of {runs} fail; replay: SEED=n cargo test --test sim {name}\n{}",
        failed.len(),
        failed[..failed.len().min(8)].join("\n")
    );
    Some(runs)
}
