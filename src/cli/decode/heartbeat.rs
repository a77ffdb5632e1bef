//! `everbeat decode heartbeat`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::keys::{self, Keys};
use super::line::Line;
use super::source::{self, Sighting};

pub fn command() -> Command {
    Command::new("heartbeat")
        .about("Decode heartbeat messages from captures, check who signed them")
        .long_about(
            "Decode heartbeat messages from captures (pcap, pcapng, or JSON lines with a field \
             hex) and check who signed them. A line a message: time, from and to, verdict, \
             fields. The last line is DECODED/ALL.\n\n\
             Exit status: 0 if all were decoded and, where a key is known, authenticated; 1 if \
             not; 2 if the command or a file can't be used.",
        )
        .arg(
            Arg::new("authkeys")
                .long("authkeys")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("check tokens with the keys of this authkeys file")
                .long_help(
                    "Check tokens with the keys of this authkeys file. JSON lines may carry \
                     their own keys in a field auth_key; this option goes before it.",
                ),
        )
        .arg(
            Arg::new("port")
                .long("port")
                .value_name("PORT")
                .action(ArgAction::Append)
                .default_value("694")
                .value_parser(value_parser!(u16))
                .help("UDP port whose every datagram counts; may be given more than once")
                .long_help(
                    "UDP port whose every datagram counts, whatever is in it; may be given more \
                     than once. On other ports and in ICMP echoes only what starts like a \
                     heartbeat message counts.",
                ),
        )
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
        .after_help(
            "Examples:\n  \
             tcpdump -ni eth0 -w hb.pcap udp port 694\n  \
             everbeat decode heartbeat --authkeys /etc/ha.d/authkeys hb.pcap\n  \
             tcpdump -ni any -U -w - udp port 694 | everbeat decode heartbeat -",
        )
}

/// How many messages there were, and how many of them were decoded.
#[derive(Default)]
struct Tally {
    decoded: u64,
    all: u64,
}

pub fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    match decode_files(matches) {
        Ok(tally) if tally.decoded == tally.all => Ok(ExitCode::SUCCESS),
        Ok(_) => Ok(ExitCode::FAILURE),
        Err(error) => {
            eprintln!("decode: {error:#}");
            Ok(ExitCode::from(2))
        }
    }
}

fn decode_files(matches: &ArgMatches) -> anyhow::Result<Tally> {
    let mut keys = match matches.get_one::<PathBuf>("authkeys") {
        Some(path) => Keys::fixed(keys::read(path)?),
        None => Keys::of_each_line(),
    };
    let ports = matches.get_many("port").unwrap_or_default();
    let ports: Vec<u16> = ports.copied().collect();
    let json = matches.get_flag("json");
    let mut tally = Tally::default();
    for path in matches.get_many::<PathBuf>("files").unwrap_or_default() {
        let before = tally.all;
        let each = |sighting: Sighting| {
            if !sighting.counts(&ports) {
                return Ok(());
            }
            let line = Line::new(&sighting, &mut keys);
            tally.all += 1;
            tally.decoded += u64::from(line.is_decoded());
            print(&if json { line.json() } else { line.text() })
        };
        let notes = read_file(path, each).with_context(|| path.display().to_string())?;
        for note in notes {
            eprintln!("decode: {}: {note}", path.display());
        }
        if tally.all == before {
            eprintln!("decode: {}: no heartbeat message in it", path.display());
        }
    }
    let Tally { decoded, all } = tally;
    print(&match json {
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
