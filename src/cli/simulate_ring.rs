//! `everbeat simulate-ring`: clusters of a protocol in virtual time.

mod growth;
mod plot;
mod run;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::applets::{self, Applet, Kind};
use run::{Protocol, Report};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "simulate-ring",
    summary: "run simulated clusters under faults, or replay one from its seed",
    kind: Kind::Subcommand,
    man: "everbeat-simulate-ring(8)",
    command,
    run,
};

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
            "Run clusters of a protocol in virtual time, under loss, duplication, reordering, \
             delay, cuts, pauses and restarts drawn from a seed, and check that they keep their \
             word",
        )
        .arg(
            Arg::new("protocol")
                .long("protocol")
                .value_name("NAME")
                .value_parser(["heartbeat", "totem"])
                .default_value("heartbeat")
                .help("whose protocol: heartbeat's node protocol, or totem's ring"),
        )
        .arg(number(
            "seed",
            "the seed of the first run; drawn and printed if not given",
        ))
        .arg(number("runs", "how many runs, each with the next seed").default_value("1"))
        .arg(
            Arg::new("seeds")
                .long("seeds")
                .value_name("A..B")
                .value_parser(range)
                .conflicts_with_all(["seed", "runs", "transcript"])
                .help("run these seeds, both ends too, on all cores; print those that fail"),
        )
        .args(of_sizes())
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
            "Exit status: 0 if all runs went well, 1 if one failed; a failed run ends it, but \
             for --seeds.\n\n\
             Examples:\n  \
             everbeat simulate-ring --runs 1000\n  \
             everbeat simulate-ring --protocol totem --seeds 1..3000\n  \
             everbeat simulate-ring --protocol totem --seed 29 --transcript\n  \
             everbeat simulate-ring --sizes 3..128 --runs 5 --svg rings.svg",
        )
}

/// Options of rings without faults.
fn of_sizes() -> [Arg; 2] {
    [
        Arg::new("sizes")
            .long("sizes")
            .value_name("A..B")
            .value_parser(sizes)
            .conflicts_with_all(["seeds", "hosts", "transcript"])
            .help(
                "print how long totem's rings of so many nodes take to form, without faults, and \
                 their token to go round",
            ),
        Arg::new("svg")
            .long("svg")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .requires("sizes")
            .help("draw that, too"),
    ]
}

/// `A..B`, both ends counted.
fn range(text: &str) -> Result<(u64, u64), String> {
    let wrong = || format!("{text} is no range of seeds; write FIRST..LAST, such as 1..1000");
    let (first, last) = text.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
    let (first, last) = (number(first)?, number(last)?);
    match first <= last && last < u64::MAX {
        true => Ok((first, last)),
        false => Err(wrong()),
    }
}

/// Sizes of rings.
fn sizes(text: &str) -> Result<(usize, usize), String> {
    let wrong = || format!("{text} is no range of sizes from 2 to 128; write 3..128");
    let (first, last) = text.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
    let (first, last) = (number(first)?, number(last)?);
    match 2 <= first && first <= last && last <= 128 {
        true => Ok((first, last)),
        false => Err(wrong()),
    }
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    let hosts = matches.get_one::<u64>("hosts").copied();
    let protocol = Protocol {
        is_totem: matches.get_one::<String>("protocol").map(String::as_str) == Some("totem"),
        hosts: hosts.map(usize::try_from).transpose()?,
    };
    if let Some(sizes) = matches.get_one::<(usize, usize)>("sizes") {
        let number = |name: &str| matches.get_one::<u64>(name).copied().unwrap_or(1);
        let svg = matches.get_one::<PathBuf>("svg").map(PathBuf::as_path);
        return growth::run(*sizes, (number("seed"), number("runs").max(1)), svg);
    }
    match matches.get_one::<(u64, u64)>("seeds") {
        Some(&(first, last)) => run::on_all_cores(protocol, first, last),
        None => one_by_one(protocol, &matches),
    }
}

fn one_by_one(protocol: Protocol, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let number = |name: &str| matches.get_one::<u64>(name).copied();
    let first = match number("seed") {
        Some(seed) => seed,
        None => u64::from(getrandom::u32()?),
    };
    let transcript = matches.get_flag("transcript");
    let mut out = std::io::stdout().lock();
    for seed in first..first.saturating_add(number("runs").unwrap_or(1)) {
        let report: Report = protocol.run(seed, transcript);
        for line in &report.transcript {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "{}", report.verdict())?;
        if !report.failures.is_empty() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::{range, sizes};

    #[test]
    fn ranges_of_sizes() {
        assert_eq!(sizes("3..128"), Ok((3, 128)));
        assert_eq!(sizes("7..7"), Ok((7, 7)));
        for wrong in ["", "3", "1..5", "5..4", "3..129", "a..b"] {
            assert!(sizes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ranges_of_seeds() {
        assert_eq!(range("1..3000"), Ok((1, 3000)));
        assert_eq!(range("7..7"), Ok((7, 7)));
        for wrong in [
            "", "1", "..", "1..", "..2", "5..4", "-1..4", "1...4", "a..b",
        ] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
