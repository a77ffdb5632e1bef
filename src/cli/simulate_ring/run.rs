//! Runs of one protocol: one, or many on all cores.

use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::sim::{ring, totem};

/// Most failures shown of one run; one fault often has many.
const FAILURES_SHOWN: usize = 20;

/// Lines of a failed run's transcript that are shown.
const TRACE_SHOWN: usize = 60;

/// How often the number of runs so far is told.
const PROGRESS: Duration = Duration::from_secs(5);

/// Whose clusters are run.
#[derive(Clone, Copy)]
pub struct Protocol {
    /// Totem's ring; heartbeat's nodes otherwise.
    pub is_totem: bool,
    /// How many hosts; drawn if absent.
    pub hosts: Option<usize>,
}

/// What is to be said of a run.
pub struct Report {
    pub transcript: Vec<String>,
    /// The plan, and what came of it.
    title: String,
    pub failures: Vec<String>,
}

impl Protocol {
    pub fn run(self, seed: u64, transcript: bool) -> Report {
        if self.is_totem {
            let outcome = totem::run(seed, self.hosts, transcript);
            let (delivered, rings) = (outcome.delivered, outcome.rings);
            return Report {
                transcript: outcome.transcript,
                title: format!("{}: {delivered} messages, {rings} rings", outcome.plan),
                failures: outcome.failures,
            };
        }
        let outcome = ring::run(seed, self.hosts, transcript);
        let (received, deaths) = (outcome.received, outcome.deaths);
        Report {
            transcript: outcome.transcript,
            title: format!("{}: {received} messages, {deaths} deaths", outcome.plan),
            failures: outcome.failures,
        }
    }

    /// The command that runs it again.
    fn replay(self, seed: u64) -> String {
        let name = if self.is_totem { "totem" } else { "heartbeat" };
        let mut command = format!("everbeat simulate-ring --protocol {name} --seed {seed}");
        if let Some(hosts) = self.hosts {
            command.push_str(&format!(" --hosts {hosts}"));
        }
        command + " --transcript"
    }
}

impl Report {
    pub fn verdict(&self) -> String {
        let mut text = format!("{}: ", self.title);
        if self.failures.is_empty() {
            text.push_str("as it should be");
            return text;
        }
        text.push_str("FAILED");
        for failure in self.failures.iter().take(FAILURES_SHOWN) {
            text.push_str("\n  ");
            text.push_str(failure);
        }
        let more = self.failures.len().saturating_sub(FAILURES_SHOWN);
        if more > 0 {
            text.push_str(&format!("\n  and {more} more"));
        }
        text
    }
}

/// Runs the seeds from `first` to `last`, and prints those that fail with the end of their trace.
pub fn on_all_cores(protocol: Protocol, first: u64, last: u64) -> anyhow::Result<ExitCode> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(first);
    let (sender, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..cores {
            let (next, sender) = (&next, sender.clone());
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    // Nobody listens any more when the output is gone.
                    if seed > last || sender.send((seed, trial(protocol, seed))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        collect(&results, last - first + 1, &mut std::io::stdout().lock())
    })
}

/// What a seed that fails says; nothing of one that goes well. A panic is a failure.
fn trial(protocol: Protocol, seed: u64) -> Option<String> {
    let run = || {
        if protocol.run(seed, false).failures.is_empty() {
            return None;
        }
        let report = protocol.run(seed, true);
        let skipped = report.transcript.len().saturating_sub(TRACE_SHOWN);
        let trace = report.transcript[skipped..].join("\n");
        Some(format!("{trace}\n{}", report.verdict()))
    };
    let outcome = std::panic::catch_unwind(run);
    let failure = outcome.unwrap_or_else(|_| Some(format!("seed {seed}: panicked: FAILED")))?;
    Some(format!("{failure}\nreplay: {}", protocol.replay(seed)))
}

fn collect(
    results: &mpsc::Receiver<(u64, Option<String>)>,
    all: u64,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let (mut done, mut failed) = (0_u64, Vec::new());
    let begin = Instant::now();
    let mut told = begin;
    for (seed, failure) in results {
        done += 1;
        if let Some(failure) = failure {
            writeln!(out, "{failure}")?;
            failed.push(seed);
        }
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            eprintln!("{done} of {all} runs, {} failed", failed.len());
        }
    }
    failed.sort_unstable();
    let seconds = begin.elapsed().as_secs_f64();
    let count = failed.len();
    writeln!(
        out,
        "{done} runs in {seconds:.1} s, {count} failed{}",
        list(&failed)
    )?;
    Ok(match failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn list(failed: &[u64]) -> String {
    let shown = failed.iter().take(FAILURES_SHOWN);
    let shown: Vec<String> = shown.map(u64::to_string).collect();
    match shown.is_empty() {
        true => String::new(),
        false => format!(": seeds {}", shown.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_in_the_order_of_their_seeds() {
        let (sender, results) = mpsc::channel();
        for (seed, failure) in [
            (3, Some("three".into())),
            (1, Some("one".into())),
            (2, None),
        ] {
            sender.send((seed, failure)).unwrap();
        }
        drop(sender);
        let mut out = Vec::new();
        let code = collect(&results, 3, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
        assert!(text.starts_with("three\none\n3 runs in "), "{text}");
        assert!(text.ends_with(" s, 2 failed: seeds 1 3\n"), "{text}");
    }

    #[test]
    fn a_replay_names_what_made_the_run() {
        let protocol = Protocol {
            is_totem: true,
            hosts: Some(4),
        };
        let command = "everbeat simulate-ring --protocol totem --seed 29 --hosts 4 --transcript";
        assert_eq!(protocol.replay(29), command);
        assert!(trial(protocol, 29).is_none());
    }
}
