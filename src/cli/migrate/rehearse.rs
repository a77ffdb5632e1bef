//! `everbeat migrate rehearse`: the plan, carried out on hosts of this machine.

mod ground;
mod story;
pub(super) mod watch;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::inputs;
use crate::config::identity::write_atomically;
use crate::lab::Place;
use crate::migrate::rehearsal::{self, Agents, page};
use ground::{Ground, Old};
use story::{PowerOff, Story, When};

/// What is tried where nothing else is said.
const POWER_OFFS: [&str; 3] = ["before", "probe", "after"];

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

fn folder(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("DIR")
        .value_parser(value_parser!(PathBuf))
        .help(help)
}

/// Options that say which cluster is rehearsed, and by what it is played.
fn what_is_run() -> [Arg; 4] {
    [
        super::from_arg(),
        folder(
            "plan",
            "take cib.xml from DIR, as plan --output wrote it and a person corrected it",
        ),
        flag(
            "real-agents",
            "run this machine's agents, not stand-ins that only write down what they are told",
        ),
        Arg::new("old")
            .long("old")
            .value_name("PROGRAM")
            .value_parser(["heartbeat", "everbeat"])
            .help("what plays the old cluster [default: heartbeat if it is installed]"),
    ]
}

/// `rehearse`.
pub(super) fn command() -> Command {
    Command::new("rehearse")
        .about("Carry the plan out on hosts made of namespaces, and show who held what when")
        .args_conflicts_with_subcommands(true)
        .args(what_is_run())
        .arg(
            Arg::new("power-off")
                .long("power-off")
                .value_name("WHEN[=NODE]")
                .action(ArgAction::Append)
                .help(
                    "switch NODE off before, after, or when a step such as hold begins; none: \
                     never; NODE is the one that holds the first resource if not said \
                     [default: before, probe and after]",
                ),
        )
        .arg(
            Arg::new("back")
                .long("back")
                .value_name("WHEN")
                .help("go back to heartbeat: after, or when a step begins"),
        )
        .arg(folder(
            "output",
            "write rehearsal.html and rehearsal.json into DIR",
        ))
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .value_parser(["text", "json"])
                .default_value("text")
                .help("what is printed at the end: text, or json for programs"),
        )
        .arg(folder(
            "root",
            "folder of all labs [default: as for everbeat lab]",
        ))
        .subcommand(watch::command())
        .after_help(
            "Nothing of the cluster or of this machine is changed.\n\
             Exit status: 0 one holder at most, each gap has its reason, all is whole at the end; \
             1 something else was seen; 2 it could not be tried.\n\n\
             Examples:\n  \
             everbeat migrate rehearse --from a=node1.d --from b=node2.d --output rehearsal\n  \
             everbeat migrate rehearse --power-off none --back after\n  \
             everbeat migrate rehearse --power-off hold=node2 --format json",
        )
}

/// Rehearses.
pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode> {
    if let Some(("watch", matches)) = matches.subcommand() {
        return watch::run(matches);
    }
    let (inputs, host) = inputs(matches)?;
    let mut plan = crate::migrate::plan(&inputs, host.as_ref());
    let corrected = match matches.get_one::<PathBuf>("plan") {
        Some(folder) => Some(text(&folder.join("cib.xml"))?),
        None => None,
    };
    let agents = match matches.get_flag("real-agents") {
        true => Agents::Real,
        false => Agents::StandIns,
    };
    let stage = rehearsal::stage(&inputs, &plan, corrected.as_deref(), agents);
    let stage = stage.map_err(anyhow::Error::msg)?;
    plan.corosync_conf = Some(stage.corosync_conf.clone());
    plan.cib = Some(stage.cib.clone());
    let place = match matches.get_one::<PathBuf>("root") {
        Some(root) => Place::in_folder(root)?,
        None => Place::of_this_user()?,
    };
    let old = Old::chosen(matches.get_one::<String>("old").map(String::as_str))?;
    let json = matches
        .get_one::<String>("format")
        .is_some_and(|f| f == "json");
    let scripts = inputs
        .iter()
        .find_map(|i| Some(i.ha_cf.as_ref()?.1.path().parent()?.join("resource.d")));
    let power_offs = power_offs(matches)?;
    let ground = Ground::new(stage, &plan, (place, old, agents), scripts.as_deref())?;
    let mut story = Story {
        ground,
        power_offs,
        back: matches.get_one::<String>("back").map(|w| When::of(w)),
        quiet: json,
        problems: Vec::new(),
    };
    let report = story.tell()?;
    if let Some(folder) = matches.get_one::<PathBuf>("output") {
        write(&report, folder)?;
    }
    let said = match json {
        true => serde_json::to_string_pretty(&report)? + "\n",
        false => page::text(&report),
    };
    std::io::stdout().lock().write_all(said.as_bytes())?;
    Ok(ExitCode::from(u8::from(!report.problems.is_empty())))
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))
}

fn power_offs(matches: &ArgMatches) -> Result<Vec<PowerOff>> {
    let words: Vec<String> = match matches.get_many::<String>("power-off") {
        Some(words) => words.cloned().collect(),
        None => POWER_OFFS.map(str::to_owned).to_vec(),
    };
    if words.iter().any(|w| w == "none") {
        if words.len() > 1 {
            bail!("--power-off none: and nothing else");
        }
        return Ok(Vec::new());
    }
    Ok(words.iter().map(|w| PowerOff::of(w)).collect())
}

fn write(report: &page::Report, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    let json = serde_json::to_string_pretty(report)?;
    for (name, text) in [
        ("rehearsal.html", page::html(report)),
        ("rehearsal.json", json),
    ] {
        let path = folder.join(name);
        let written = write_atomically(&path, text.as_bytes(), 0o644);
        written.with_context(|| format!("can't write {}", path.display()))?;
    }
    Ok(())
}
