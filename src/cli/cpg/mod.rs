//! `everbeat cpg`: a process group of a ring from the command line.
//!
//! ```text
//!  stdin or flood --thread--> Wish::Send --> the node --> Told --> Listener --> stdout
//! ```

mod connection;
mod flood;
mod listener;

use std::io::BufRead;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use self::connection::{Connection, Mouth};
use self::flood::Flood;
use self::listener::Listener;
use super::applets::{self, Applet, Kind};
use crate::wire::cluster::CpgName;
use crate::wire::ipc::groups::MESSAGE_BYTES_MAX;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "cpg",
    summary: "join a process group of a ring, speak to it, measure it",
    kind: Kind::Subcommand,
    man: "everbeat-cpg(8)",
    command,
    run,
};

fn command() -> Command {
    let value = |name: &'static str, of: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(of).help(help)
    };
    let size = MESSAGE_BYTES_MAX as u64;
    Command::new("cpg")
        .about("Join a process group: print who joins, leaves and speaks, and send lines of stdin")
        .arg(Arg::new("GROUP").required(true).help("name of the group"))
        .arg(
            Arg::new("listen")
                .long("listen")
                .action(ArgAction::SetTrue)
                .help("don't read stdin, and stay until a signal comes"),
        )
        .arg(
            value(
                "members",
                "COUNT",
                "say nothing before the group has so many members",
            )
            .value_parser(value_parser!(u32)),
        )
        .arg(
            value(
                "flood",
                "COUNT",
                "send so many checksummed messages in place of stdin",
            )
            .value_parser(value_parser!(u64)),
        )
        .arg(
            value("size", "BYTES", "octets of each of them")
                .default_value("1024")
                .value_parser(value_parser!(u64).range(1..=size)),
        )
        .arg(
            value("every", "MICROSECONDS", "time between two of them")
                .value_parser(value_parser!(u64)),
        )
        .arg(
            value(
                "expect",
                "COUNT",
                "end when so many messages came; check those of floods",
            )
            .value_parser(value_parser!(u64)),
        )
        .arg(
            Arg::new("trace")
                .long("trace")
                .action(ArgAction::SetTrue)
                .help("print a line for each message and each change while counting, too"),
        )
        .after_help(
            "Without --listen and --expect the end of stdin is the end: the group is left.\n\n\
             Exit codes: 0 done, 1 no node runs here, or it refused or ended, 3 messages were\n\
             lost, doubled, damaged or out of order.\n\n\
             Examples:\n  echo hello | everbeat cpg web\n  everbeat cpg --listen web\n  \
             everbeat cpg bench --members 3 --flood 30000 --size 1024 --expect 90000",
        )
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
struct Task {
    members: u32,
    flood: Option<Flood>,
    expect: Option<u64>,
    listen: bool,
    trace: bool,
}

fn task(matches: &ArgMatches) -> Task {
    let number = |name: &str| matches.get_one::<u64>(name).copied();
    let size = number("size").unwrap_or(1024);
    let every = Duration::from_micros(number("every").unwrap_or(0));
    let flood = number("flood").map(|count| Flood {
        count,
        size: usize::try_from(size).unwrap_or(MESSAGE_BYTES_MAX),
        every,
    });
    Task {
        members: matches.get_one("members").copied().unwrap_or(1),
        flood,
        expect: number("expect"),
        listen: matches.get_flag("listen"),
        trace: matches.get_flag("trace"),
    }
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    let task = task(&matches);
    let group = matches
        .get_one::<String>("GROUP")
        .map_or("", String::as_str);
    let group =
        CpgName::new(group.as_bytes()).context("the name of a group has at most 128 bytes")?;
    let (connection, mouth) = Connection::open()?;
    mouth.join(&group)?;
    let (start, started) = mpsc::channel();
    let began = std::time::Instant::now();
    let speaker = mouth.clone();
    std::thread::spawn(move || {
        if started.recv().is_ok() {
            // Who can't be reached any more is found where the node is listened to.
            let _ = speak(&speaker, task, began);
        }
    });
    let listener = Listener::new(task, began, start);
    listener.listen(connection, &mouth)
}

/// Says what is to be said, then leaves the group where that is the end.
fn speak(mouth: &Mouth, task: Task, began: std::time::Instant) -> anyhow::Result<()> {
    if let Some(flood) = task.flood {
        let longest = flood.send(mouth, began)?;
        if task.trace {
            eprintln!("all was said; the node took nothing for at most {longest:.1?}");
        }
    } else if !task.listen {
        for line in std::io::stdin().lock().split(b'\n') {
            mouth.send(&line?)?;
        }
    }
    mouth.finished();
    if task.expect.is_none() && !task.listen {
        mouth.leave()?;
    }
    Ok(())
}
