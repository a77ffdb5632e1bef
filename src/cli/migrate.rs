//! `everbeat migrate`: from a heartbeat cluster to the CRM on a ring.

mod apply;
mod crm;
mod facts;
mod files;
pub(super) mod guard;
mod held;
mod node;
mod reach;
mod rehearse;
mod service;
mod walk;
mod write;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Arg, ArgMatches, Command, value_parser};

use super::applets::{self, Applet, Kind};
use crate::config::host::{DistantHost, Host, ThisHost};
use crate::migrate::{self, NodeFiles, Plan, report};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "migrate",
    summary: "plan, rehearse and go the way from heartbeat to the CRM on a ring",
    kind: Kind::Subcommand,
    man: "everbeat-migrate(8)",
    command,
    run,
};

fn command() -> Command {
    Command::new("migrate")
        .about("From a heartbeat cluster to the CRM on a ring")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(plan_command())
        .subcommand(rehearse::command())
        .subcommand(apply::apply_command())
        .subcommand(apply::status_command())
        .subcommand(apply::abort_command())
        .subcommand(node::command())
        .after_help(
            "Examples:\n  \
             everbeat migrate plan            what becomes of this host's files\n  \
             everbeat migrate plan --help     its options and exit status\n  \
             everbeat migrate plan --output plan\n  \
             everbeat migrate rehearse        on hosts of this machine\n  \
             everbeat migrate apply --plan plan",
        )
}

fn from_arg() -> Arg {
    Arg::new("from")
        .long("from")
        .value_name("[NAME=]DIR")
        .action(clap::ArgAction::Append)
        .help(
            "folder with the files of node NAME; once for each node \
             [default: this host's own files]",
        )
}

fn plan_command() -> Command {
    Command::new("plan")
        .about("Show what to write, and what becomes of each line; nothing is changed")
        .arg(from_arg())
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .value_parser(["text", "json", "html"])
                .default_value("text")
                .help("text for a terminal, html for a browser, json for programs"),
        )
        .arg(
            Arg::new("output")
                .long("output")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help(
                    "also write corosync.conf, cib.xml, cluster.crm, authkey and plan.html into \
                     DIR",
                ),
        )
        .after_help(
            "Exit status: 0 no decision is open, 1 decisions are open, 2 files can't be read or \
             written.\n\n\
             Examples:\n  \
             everbeat migrate plan                         this host's files\n  \
             everbeat migrate plan --from a=/tmp/a/ha.d --from b=/tmp/b/ha.d\n  \
             everbeat migrate plan --format html > plan.html\n  \
             everbeat migrate plan --output plan     the files, too",
        )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    let done = match matches.subcommand() {
        Some(("plan", matches)) => plan(matches).map(|p| ExitCode::from(u8::from(p.open() > 0))),
        Some(("rehearse", matches)) => rehearse::run(matches),
        Some(("apply", matches)) => apply::apply(matches),
        Some(("status", matches)) => apply::status(matches),
        Some(("abort", matches)) => apply::abort(matches),
        Some(("node", matches)) => node::run(matches),
        _ => return Ok(ExitCode::from(2)),
    };
    done.or_else(|error| {
        eprintln!("migrate: {error:#}");
        Ok(ExitCode::from(2))
    })
}

/// The files that are named, or this host's, and the host that they are for.
fn inputs(matches: &ArgMatches) -> anyhow::Result<(Vec<NodeFiles>, Box<dyn Host>)> {
    if let Some(folders) = matches.get_many::<String>("from") {
        let inputs = folders.map(|word| files::of_folder(word));
        let inputs = inputs.collect::<anyhow::Result<_>>()?;
        return Ok((inputs, Box::new(DistantHost::default())));
    }
    let host = ThisHost::new(files::HA_D.as_ref());
    Ok((vec![files::of_this_host(&host)?], Box::new(host)))
}

fn plan(matches: &ArgMatches) -> anyhow::Result<Plan> {
    let (inputs, host) = inputs(matches)?;
    let plan = migrate::plan(&inputs, host.as_ref());
    let text = match matches.get_one::<String>("format").map(String::as_str) {
        Some("json") => serde_json::to_string_pretty(&plan).context("can't write JSON")? + "\n",
        Some("html") => report::html(&plan),
        _ => report::text(&plan),
    };
    if let Some(folder) = matches.get_one::<PathBuf>("output") {
        write::write(&plan, folder)?;
    }
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(plan)
}
