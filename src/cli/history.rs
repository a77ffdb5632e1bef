//! `everbeat history`: what happened in the cluster, and why.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::applets::{self, Applet, Kind};
use crate::controller::journal::Record;
use crate::daemons::crm::history::FILE;
use crate::rules::iso8601::{Clock, Time};
use crate::rules::milliseconds;
use crate::runtime::{clock, journal};
use crate::sys::local_time::{LocalTime, offset_s};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "history",
    summary: "say what happened in the cluster, when, and why",
    kind: Kind::Subcommand,
    man: "everbeat-history(8)",
    command,
    run,
};

fn command() -> Command {
    let option =
        |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    Command::new("history")
        .about("Say what happened in the cluster, when, and why")
        .arg(option("since", "TIME").help(
            "leave out what is older: a length of time such as 2h or 30min, or a moment such as \
             2026-11-27T02:00",
        ))
        .arg(option("until", "TIME").help("leave out what is later"))
        .arg(option("resource", "NAME").help("only what is about this resource"))
        .arg(option("node", "NAME").help("only what is about this node"))
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("a JSON object on each line"),
        )
        .arg(
            option("file", "FILE")
                .value_parser(value_parser!(PathBuf))
                .default_value(FILE)
                .help("read this journal"),
        )
        .after_help(
            "Each node keeps its own journal of what it saw and of what the elected node told it.\n\
             Exit codes: 0 shown, 3 nothing is known, 1 the journal can't be read, 2 wrong use.\n\n\
             Examples:\n  everbeat history --since 8h\n  \
             everbeat history --resource vip --since 2026-11-27T00:00\n  \
             everbeat history --json | jq 'select(.event == \"fenced\")'",
        )
}

/// Exit code if there is nothing to show.
const EXIT_NOTHING: u8 = 3;

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    let file = matches.get_one::<PathBuf>("file").map(PathBuf::as_path);
    let file = file.unwrap_or(FILE.as_ref());
    let lines = journal::read(file).with_context(|| format!("can't read {}", file.display()))?;
    let wanted = Wanted::of(&matches)?;
    let records = lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Record>(line).ok());
    let mut out = std::io::stdout().lock();
    let mut shown = 0;
    for record in records.filter(|record| wanted.has(record)) {
        shown += 1;
        match matches.get_flag("json") {
            true => writeln!(out, "{}", serde_json::to_string(&record)?)?,
            false => writeln!(out, "{} {}", moment(record.at), record.event)?,
        }
    }
    Ok(match shown {
        0 => ExitCode::from(EXIT_NOTHING),
        _ => ExitCode::SUCCESS,
    })
}

/// Which entries are shown.
struct Wanted {
    since: u64,
    until: u64,
    resource: Option<String>,
    node: Option<String>,
}

impl Wanted {
    fn of(matches: &ArgMatches) -> anyhow::Result<Self> {
        let now = clock::now().unix_s;
        let time = |name: &str| {
            let text = matches.get_one::<String>(name);
            text.map(|text| time_of(text, now)).transpose()
        };
        let word = |name: &str| matches.get_one::<String>(name).cloned();
        Ok(Self {
            since: time("since")?.unwrap_or(0),
            until: time("until")?.unwrap_or(u64::MAX),
            resource: word("resource"),
            node: word("node"),
        })
    }

    fn has(&self, record: &Record) -> bool {
        let event = &record.event;
        (self.since..=self.until).contains(&record.at)
            && self
                .resource
                .as_ref()
                .is_none_or(|name| event.is_of_resource(name))
            && self.node.as_ref().is_none_or(|name| event.is_of_node(name))
    }
}

/// A moment, or one that lies a length of time back; seconds since 1970.
fn time_of(text: &str, now: u64) -> anyhow::Result<u64> {
    if !text.contains(['-', ':'])
        && let Ok(back) = milliseconds(text)
    {
        return Ok(now.saturating_sub(u64::try_from(back / 1000).unwrap_or(0)));
    }
    let clock = Clock {
        unix_s: i64::try_from(now)?,
        offset_s: offset_s(now),
    };
    let time = Time::parse(text.replace('T', " ").as_bytes(), clock).map_err(|_| {
        anyhow!(
            "{text:?} is no time; write a length of time such as 2h, or a moment such as \
             2026-11-27T02:00"
        )
    })?;
    Ok(u64::try_from(time.unix_s()).unwrap_or(0))
}

fn moment(unix_s: u64) -> String {
    let at = LocalTime::at(unix_s);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        at.year, at.month, at.day, at.hour, at.minute, at.second
    )
}
