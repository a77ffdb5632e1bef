//! `everbeat status`: nodes, media, groups, and what the daemon waits for.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::bail;
use clap::{Arg, ArgAction, Command};

use super::applets::{self, Applet, Kind};
use super::control::Control;
use crate::daemons::control::{Reply, Request, SOCKET};
use crate::daemons::report::Report;
use crate::runtime::pidfile;

mod age;
mod draw;
pub(super) mod from_api;
mod table;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "status",
    summary: "nodes, media, and who holds which resources since when",
    kind: Kind::Subcommand,
    man: "everbeat-status(8)",
    command,
    run,
};

/// How often a real heartbeat is asked while watching; it tells nothing by itself.
const POLL: Duration = Duration::from_secs(1);

fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        let arg = Arg::new(name).long(name).help(help);
        arg.action(ArgAction::SetTrue)
    };
    Command::new("status")
        .about("Show nodes, media, resource groups, and what the daemon waits for")
        .arg(flag("json", "the picture as JSON, one object a line"))
        .arg(flag(
            "watch",
            "show it again at each change, until interrupted",
        ))
        .after_help(
            "Examples:\n  everbeat status\n  everbeat status --watch\n  \
             everbeat status --json | jq '.groups[] | .key, .holder'",
        )
}

/// Where reports come from.
enum Source {
    /// everbeat's control socket.
    Everbeat(Control),
    /// The API of a real heartbeat.
    Heartbeat,
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    let (json, watch) = (matches.get_flag("json"), matches.get_flag("watch"));
    let mut source = match Control::open(Path::new(SOCKET))? {
        Some(control) => Source::Everbeat(control),
        None => Source::Heartbeat,
    };
    let mut report = first(&mut source, watch)?;
    loop {
        let shown = show(&report, json, watch);
        if !watch || shown.is_err() {
            // A closed pipe is the reader's way to say that it is enough.
            return Ok(ExitCode::SUCCESS);
        }
        report = next(&mut source)?;
    }
}

fn first(source: &mut Source, watch: bool) -> anyhow::Result<Report> {
    match source {
        Source::Everbeat(control) => {
            let request = if watch {
                Request::Watch
            } else {
                Request::Report
            };
            taken(control.ask(&request)?)
        }
        Source::Heartbeat => match from_api::report() {
            Ok(report) => Ok(report),
            Err(error) => bail!("{}", absent(&error)),
        },
    }
}

fn next(source: &mut Source) -> anyhow::Result<Report> {
    match source {
        Source::Everbeat(control) => taken(control.next()?),
        Source::Heartbeat => {
            std::thread::sleep(POLL);
            Ok(from_api::report()?)
        }
    }
}

fn taken(reply: Reply) -> anyhow::Result<Report> {
    match reply {
        Reply::Report(report) => Ok(*report),
        Reply::Refused { why } => bail!("refused: {why}"),
        Reply::Accepted { .. } => bail!("the daemon answered without a report"),
    }
}

/// Why there is nothing to show.
fn absent(error: &super::client::Error) -> String {
    use super::client::Error;
    match (error, pidfile::look(Path::new(pidfile::PATH))) {
        (Error::Unreachable(_), Ok(pidfile::State::Running(pid))) => format!(
            "heartbeat [pid {pid}] is starting; it tells about itself when its status is active"
        ),
        (Error::Unreachable(_), _) => "neither everbeat nor heartbeat runs on this machine".into(),
        _ => format!("heartbeat runs, but: {error}"),
    }
}

fn show(report: &Report, json: bool, watch: bool) -> std::io::Result<()> {
    if json {
        let mut out = std::io::stdout().lock();
        serde_json::to_writer(&mut out, report)?;
        writeln!(out)?;
        return out.flush();
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let text = draw::report(report, now.map_or(0, |d| d.as_secs()));
    let mut out = anstream::stdout().lock();
    match (watch, std::io::stdout().is_terminal()) {
        // Home, text, erase what is left below: no flicker.
        (true, true) => write!(out, "\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n"))?,
        (true, false) => writeln!(out, "{text}")?,
        (false, _) => write!(out, "{text}")?,
    }
    out.flush()
}
