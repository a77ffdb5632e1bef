//! `everbeat decode PROTOCOL`: what is in a capture.

mod heartbeat;
mod keys;
mod line;
mod source;
mod totem;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::applets::{self, Applet, Kind};
use source::Sighting;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "decode",
    summary: "what a capture of cluster traffic says, a line a message",
    kind: Kind::Subcommand,
    man: "everbeat-decode(8)",
    command,
    run,
};

fn command() -> Command {
    Command::new("decode")
        .bin_name("everbeat decode")
        .about("Decode captured cluster traffic, a line a message")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(heartbeat::command())
        .subcommand(totem::command())
        .after_help(
            "Examples:\n  \
             everbeat decode heartbeat --authkeys /etc/ha.d/authkeys capture.pcap\n  \
             everbeat decode totem --key-file /etc/corosync/authkey capture.pcap",
        )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    Ok(match matches.subcommand() {
        Some(("heartbeat", matches)) => heartbeat::run(matches),
        Some(("totem", matches)) => totem::run(matches),
        _ => unreachable!("clap requires one of the sub-commands"),
    })
}

/// What each protocol's command has.
fn frame(command: Command) -> Command {
    command
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("print a JSON object a line"),
        )
        .arg(
            Arg::new("files")
                .value_name("FILE")
                .required(true)
                .num_args(1..)
                .value_parser(value_parser!(PathBuf))
                .help("captures; - is the standard input"),
        )
}

/// The ports of option `port`.
fn ports(matches: &ArgMatches) -> Vec<u16> {
    let ports = matches.get_many("port").unwrap_or_default();
    ports.copied().collect()
}

/// How many messages there were, and how many of them were decoded.
#[derive(Default)]
struct Tally {
    decoded: u64,
    all: u64,
}

fn verdict(outcome: anyhow::Result<Tally>) -> ExitCode {
    match outcome {
        Ok(tally) if tally.decoded == tally.all => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("decode: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Reads the captures and prints what `line` makes of each sighting: whether it was decoded, and
/// the text; nothing for what is no `message`.
fn files(
    matches: &ArgMatches,
    message: &str,
    mut line: impl FnMut(&Sighting) -> Option<(bool, String)>,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for path in matches.get_many::<PathBuf>("files").unwrap_or_default() {
        let before = tally.all;
        let each = |sighting: Sighting| {
            let Some((decoded, text)) = line(&sighting) else {
                return Ok(());
            };
            tally.all += 1;
            tally.decoded += u64::from(decoded);
            print(&text)
        };
        let notes = read_file(path, each).with_context(|| path.display().to_string())?;
        for note in notes {
            eprintln!("decode: {}: {note}", path.display());
        }
        if tally.all == before {
            eprintln!("decode: {}: no {message} in it", path.display());
        }
    }
    let Tally { decoded, all } = tally;
    print(&match matches.get_flag("json") {
        true => format!("{{\"decoded\":{decoded},\"all\":{all}}}"),
        false => format!("{decoded}/{all}"),
    })?;
    Ok(tally)
}

fn read_file(
    path: &Path,
    mut each: impl FnMut(Sighting) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<String>> {
    if path == Path::new("-") {
        source::read(&mut std::io::stdin().lock(), &mut each)
    } else {
        let file = std::fs::File::open(path)?;
        source::read(&mut std::io::BufReader::new(file), &mut each)
    }
}

fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("can't write the output")
}
