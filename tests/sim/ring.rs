//! Seeds of the node protocol.

use everbeat::sim::ring;

/// Runs by default; each is about a virtual minute or three.
const RUNS: u64 = if cfg!(debug_assertions) { 60 } else { 2000 };

#[test]
fn clusters_keep_their_word_under_faults() {
    let number = |name: &str| std::env::var(name).ok().map(|v| v.parse::<u64>().unwrap());
    if let Some(seed) = number("SEED") {
        let outcome = ring::run(seed, None, true);
        println!("{}", outcome.transcript.join("\n"));
        assert!(
            outcome.failures.is_empty(),
            "{}",
            outcome.failures.join("\n")
        );
        return;
    }
    let (mut received, mut deaths) = (0, 0);
    let runs = number("RUNS").unwrap_or(RUNS);
    for seed in 1..=runs {
        let outcome = ring::run(seed, None, false);
        assert!(
            outcome.failures.is_empty(),
            "{}\n{}\nreplay: SEED={seed} cargo test --test sim, \
             or everbeat simulate-ring --seed {seed} --transcript",
            outcome.plan,
            outcome.failures.join("\n")
        );
        received += outcome.received;
        deaths += outcome.deaths;
    }
    // The runs are worth something: machines talked, and some died.
    assert!(
        received > 100_000 && deaths > 100,
        "{received} messages, {deaths} deaths"
    );
}

#[test]
fn a_run_is_the_same_each_time() {
    let (one, two) = (ring::run(42, None, true), ring::run(42, None, true));
    assert!(one.transcript.len() > 1000);
    assert_eq!(one.transcript, two.transcript);
}
