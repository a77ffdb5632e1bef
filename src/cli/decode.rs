//! `everbeat decode PROTOCOL`: what is in a capture.

mod heartbeat;
mod keys;
mod line;
mod source;

use std::process::ExitCode;

use clap::Command;

use super::applets::{self, Applet, Kind};

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
        .after_help(
            "Example:\n  everbeat decode heartbeat --authkeys /etc/ha.d/authkeys capture.pcap",
        )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    match matches.subcommand() {
        Some(("heartbeat", matches)) => heartbeat::run(matches),
        _ => unreachable!("clap requires one of the sub-commands"),
    }
}
