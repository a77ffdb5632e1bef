//! `everbeat simulate-ring`: clusters of the node protocol in virtual time.

use std::io::Write;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command, value_parser};

use super::applets::{self, Applet, Kind};
use crate::sim::ring::{self, Outcome};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "simulate-ring",
    summary: "run simulated clusters under faults, or replay one from its seed",
    kind: Kind::Subcommand,
    man: "everbeat(8)",
    command,
    run,
};

/// Most failures shown of one run; one fault often has many.
const FAILURES_SHOWN: usize = 20;

fn command() -> Command {
    let number = |name: &'static str, what: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("N")
            .value_parser(value_parser!(u64))
            .help(what)
    };
    Command::new("simulate-ring")
        .about(
            "Run clusters of the node protocol in virtual time, under loss, duplication, \
             reordering, delay, cuts, pauses and restarts drawn from a seed, and check that they \
             keep their word",
        )
        .arg(number(
            "seed",
            "the seed of the first run; drawn and printed if not given",
        ))
        .arg(number("runs", "how many runs, each with the next seed").default_value("1"))
        .arg(
            number("hosts", "how many hosts, 2 to 6; drawn if not given")
                .value_parser(value_parser!(u64).range(2..=6)),
        )
        .arg(
            Arg::new("transcript")
                .long("transcript")
                .action(ArgAction::SetTrue)
                .help("print all that happened: messages, events, log lines"),
        )
        .after_help(
            "Exit status: 0 if all runs went well, 1 if one failed; a failed run ends it.\n\n\
             Examples:\n  \
             everbeat simulate-ring --runs 1000\n  \
             everbeat simulate-ring --seed 29 --transcript",
        )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    let number = |name: &str| matches.get_one::<u64>(name).copied();
    let first = match number("seed") {
        Some(seed) => seed,
        None => u64::from(getrandom::u32()?),
    };
    let hosts = number("hosts").map(usize::try_from).transpose()?;
    let transcript = matches.get_flag("transcript");
    let mut out = std::io::stdout().lock();
    for seed in first..first.saturating_add(number("runs").unwrap_or(1)) {
        let outcome = ring::run(seed, hosts, transcript);
        for line in &outcome.transcript {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "{}", verdict(&outcome))?;
        if !outcome.failures.is_empty() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn verdict(outcome: &Outcome) -> String {
    let mut text = format!(
        "{}: {} messages, {} deaths: ",
        outcome.plan, outcome.received, outcome.deaths
    );
    if outcome.failures.is_empty() {
        text.push_str("as it should be");
        return text;
    }
    text.push_str("FAILED");
    for failure in outcome.failures.iter().take(FAILURES_SHOWN) {
        text.push_str("\n  ");
        text.push_str(failure);
    }
    let more = outcome.failures.len().saturating_sub(FAILURES_SHOWN);
    if more > 0 {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}
