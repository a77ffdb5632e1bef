//! `everbeat decode heartbeat`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::Tally;
use super::keys::{self, Keys};
use super::line::Line;
use crate::wire::heartbeat::{netstring, text};

pub fn command() -> Command {
    super::frame(Command::new("heartbeat"))
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
        .after_help(
            "Examples:\n  \
             tcpdump -ni eth0 -w hb.pcap udp port 694\n  \
             everbeat decode heartbeat --authkeys /etc/ha.d/authkeys hb.pcap\n  \
             tcpdump -ni any -U -w - udp port 694 | everbeat decode heartbeat -",
        )
}

pub fn run(matches: &ArgMatches) -> ExitCode {
    super::verdict(decode_files(matches))
}

fn decode_files(matches: &ArgMatches) -> anyhow::Result<Tally> {
    let mut keys = match matches.get_one::<PathBuf>("authkeys") {
        Some(path) => Keys::fixed(keys::read(path)?),
        None => Keys::of_each_line(),
    };
    let ports: Vec<u16> = super::ports(matches);
    let json = matches.get_flag("json");
    super::files(matches, "heartbeat message", |sighting| {
        if !sighting.counts(&ports, looks_like_one) {
            return None;
        }
        let line = Line::new(sighting, &mut keys);
        let text = if json { line.json() } else { line.text() };
        Some((line.is_decoded(), text))
    })
}

fn looks_like_one(bytes: &[u8]) -> bool {
    bytes.starts_with(netstring::START) || bytes.starts_with(text::START)
}
