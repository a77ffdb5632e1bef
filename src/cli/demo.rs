//! `everbeat demo`: a take-over before your eyes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::applets::{self, Applet, Kind};
use crate::lab::Place;
use crate::lab::demo::{self, Options, page, watch};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "demo",
    summary: "two hosts on this machine, a take-over before your eyes",
    kind: Kind::Subcommand,
    man: "everbeat-lab(8)",
    command,
    run,
};

fn command() -> Command {
    Command::new("demo")
        .about("Make two hosts on this machine, run a cluster on them, pull a plug")
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
        .arg(
            Arg::new("no-wait")
                .long("no-wait")
                .action(ArgAction::SetTrue)
                .help("go on at once after each step"),
        )
        .arg(
            Arg::new("keep")
                .long("keep")
                .action(ArgAction::SetTrue)
                .help("leave the hosts as they are at the end, to look around"),
        )
        .arg(
            Arg::new("root")
                .long("root")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("folder of all labs [default: as for everbeat lab]"),
        )
        .arg(
            Arg::new("daemon")
                .long("daemon")
                .value_name("WORD")
                .num_args(1..)
                .hide(true)
                .help("start this in place of everbeatd"),
        )
        .subcommand(
            Command::new("page")
                .hide(true)
                .about("The demo's resource: start, stop, status; serve")
                .arg(Arg::new("action").required(true)),
        )
        .subcommand(
            Command::new("watch")
                .hide(true)
                .about("Tell which host serves the page")
                .arg(
                    Arg::new("address")
                        .required(true)
                        .value_parser(value_parser!(SocketAddr)),
                ),
        )
        .after_help(
            "Exits 0 only if each step really happened, and leaves nothing behind.\n\n\
             Example:\n  everbeat demo --no-wait",
        )
}

fn run(args: applets::Args) -> Result<ExitCode> {
    let matches = applets::parse(command(), args);
    match matches.subcommand() {
        Some(("page", matches)) => {
            let action: &String = matches.get_one("action").context("no action")?;
            match action.as_str() {
                "serve" => page::serve(),
                action => page::resource(action),
            }
        }
        Some(("watch", matches)) => {
            let address: &SocketAddr = matches.get_one("address").context("no address")?;
            watch::ask_until_closed(*address)
        }
        _ => demo::run(&options(&matches)?),
    }
}

fn options(matches: &ArgMatches) -> Result<Options> {
    let daemon = matches.get_many::<String>("daemon");
    Ok(Options {
        wait: !matches.get_flag("no-wait"),
        keep: matches.get_flag("keep"),
        daemon: daemon.map(|words| words.cloned().collect()),
        place: match matches.get_one::<PathBuf>("root") {
            Some(root) => Place::in_folder(root)?,
            None => Place::of_this_user()?,
        },
    })
}
