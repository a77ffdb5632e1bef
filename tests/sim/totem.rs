//! Seeds of the single ring protocol.

use everbeat::sim::totem;

/// Runs by default; each is some ten virtual seconds with faults, then some without.
const RUNS: u64 = if cfg!(debug_assertions) { 200 } else { 5000 };

/// Beside somebody hostile: some hundreds of datagrams each.
const HOSTILE_RUNS: u64 = if cfg!(debug_assertions) { 20 } else { 1000 };

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok();
    value.map(|value| value.parse().expect("a number"))
}

/// Runs the seed of `SEED` alone, and shows what happens; false if there is none.
fn replayed(run: impl Fn(u64) -> totem::Outcome) -> bool {
    let Some(seed) = number("SEED") else {
        return false;
    };
    let outcome = run(seed);
    println!("{}", outcome.transcript.join("\n"));
    assert!(
        outcome.failures.is_empty(),
        "{}",
        outcome.failures.join("\n")
    );
    true
}

#[test]
fn rings_keep_their_word_under_faults() {
    if replayed(|seed| totem::run(seed, None, true)) {
        return;
    }
    let (mut delivered, mut rings) = (0, 0);
    for seed in 1..=number("RUNS").unwrap_or(RUNS) {
        let outcome = totem::run(seed, None, false);
        assert!(
            outcome.failures.is_empty(),
            "{}\n{}\nreplay: SEED={seed} cargo test --test sim totem",
            outcome.plan,
            outcome.failures.join("\n")
        );
        delivered += outcome.delivered;
        rings += outcome.rings;
    }
    // The runs are worth something: messages went, and rings broke.
    assert!(
        delivered > 50_000 && rings > 2000,
        "{delivered} messages, {rings} rings"
    );
}

#[test]
fn a_run_of_totem_is_the_same_each_time() {
    let (one, two) = (totem::run(42, None, true), totem::run(42, None, true));
    assert!(one.transcript.len() > 1000);
    assert_eq!(one.transcript, two.transcript);
}

/// Two networks of which one fails at a time: no ring breaks, and what failed is used again.
#[test]
fn redundant_rings_carry_on_when_one_network_fails() {
    if replayed(|seed| totem::run_redundant(seed, true)) {
        return;
    }
    let (mut delivered, mut faults) = (0, 0);
    let runs = number("RUNS").unwrap_or(RUNS);
    for seed in 1..=runs {
        let outcome = totem::run_redundant(seed, false);
        assert!(
            outcome.failures.is_empty(),
            "{}\n{}\nreplay: SEED={seed} cargo test --test sim redundant",
            outcome.plan,
            outcome.failures.join("\n")
        );
        delivered += outcome.delivered;
        faults += outcome.faults;
    }
    println!("{runs} runs, {delivered} messages, {faults} rings given up");
    assert!(delivered > 100 * runs && faults > runs / 2);
}

/// Somebody without a key, or on a ring without one, sends junk, old, changed and forged datagrams.
fn hostile(secrecy: totem::Secrecy, runs: u64) {
    if replayed(|seed| totem::run_hostile(seed, secrecy, true)) {
        return;
    }
    let (mut delivered, mut rings, mut failed) = (0, 0, Vec::new());
    let runs = number("RUNS").unwrap_or(runs);
    for seed in 1..=runs {
        let outcome = totem::run_hostile(seed, secrecy, false);
        if let Some(first) = outcome.failures.first() {
            failed.push(format!("SEED={seed} {}: {first:.300}", outcome.plan));
        }
        delivered += outcome.delivered;
        rings += outcome.rings;
    }
    println!("{runs} runs, {delivered} messages, {rings} rings");
    assert!(
        failed.is_empty(),
        "{} of {runs} fail\n{}",
        failed.len(),
        failed[..failed.len().min(8)].join("\n")
    );
    assert!(delivered > 100 * runs);
}

#[test]
fn who_has_no_key_changes_nothing() {
    hostile(totem::Secrecy::Key, HOSTILE_RUNS);
}

#[test]
fn a_ring_without_a_key_heals_after_an_attack() {
    hostile(totem::Secrecy::None, HOSTILE_RUNS);
}
