//! `corosync-cmapctl`: keys and values of a running node.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

use super::ask;
use super::value::{self, Shown};
use crate::cli::applets::{self, Applet, Kind};
use crate::cli::getopt::{self, Item};
use crate::daemons::corosync::protocol::{Entry, How, Map, Reply, Request, SOCKET, line};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "corosync-cmapctl",
    summary: "show, set, delete and watch keys of a running node of a ring",
    kind: Kind::Tool,
    man: "corosync-cmapctl(8)",
    command,
    run,
};

const OPTIONS: &str = "m:hqgsdDtTbp:C:";

fn command() -> Command {
    let flag = |letter: char, help: &'static str| {
        let arg = Arg::new(letter.to_string()).short(letter).help(help);
        arg.action(ArgAction::SetTrue)
    };
    let valued = |letter: char, name: &'static str, help: &'static str| {
        flag(letter, help).value_name(name).action(ArgAction::Set)
    };
    Command::new("corosync-cmapctl")
        .about("Show keys of this machine's node, all or those that begin as given")
        .disable_help_flag(true)
        .arg(flag('b', "show values of type bin, too"))
        .arg(flag('g', "get the keys that are given"))
        .arg(flag('q', "only their values"))
        .arg(flag('s', "set: KEY TYPE VALUE, or several of these"))
        .arg(flag('d', "delete the keys that are given"))
        .arg(flag('D', "delete all keys that begin as given"))
        .arg(flag('t', "print changes of a key, until a line q"))
        .arg(flag('T', "the same of all keys that begin as given"))
        .arg(valued(
            'p',
            "FILE",
            "set and delete what a file says, - for stdin",
        ))
        .arg(valued('m', "icmap|stats", "the keys proper, or counters"))
        .arg(valued(
            'C',
            "WHAT",
            "clear counters: totem or all (knet, ipc, schedmiss: there are none)",
        ))
        .arg(flag('h', "print this help"))
        .arg(
            Arg::new("KEY")
                .num_args(0..)
                .help("a key, or how keys begin"),
        )
        .after_help(
            "Exit status: 0 done, 1 not.\n\n\
             Examples:\n  corosync-cmapctl runtime.members\n  \
             corosync-cmapctl -g totem.cluster_name\n  \
             corosync-cmapctl -s site.rack str B7",
        )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    List,
    Get,
    Set,
    Delete,
    DeleteAll,
    Track(How),
    /// Counters; those that this node doesn't have.
    Clear(bool),
}

/// What the command line says.
#[derive(Debug)]
struct Line {
    task: Task,
    map: Map,
    shown: Shown,
    file: Option<OsString>,
    keys: Vec<String>,
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    if args.first().is_some_and(|a| a == "--help") {
        command().print_help()?;
        return Ok(ExitCode::SUCCESS);
    }
    let line = match read(&args) {
        Ok(line) => line,
        Err(code) => return Ok(ExitCode::from(code)),
    };
    let done = match &line.file {
        Some(path) => load(Path::new(path)),
        None => perform(&line),
    };
    Ok(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            if !text.is_empty() {
                eprintln!("{text}");
            }
            ExitCode::FAILURE
        }
    })
}

/// Takes the command line apart. Errors: the exit code, when all is said.
fn read(args: &applets::Args) -> Result<Line, u8> {
    let parsed = getopt::parse(OPTIONS, args);
    let keys = parsed.operands.iter();
    let mut line = Line {
        task: Task::List,
        map: Map::Icmap,
        shown: Shown::default(),
        file: None,
        keys: keys.map(|k| k.to_string_lossy().into_owned()).collect(),
    };
    for item in parsed.items {
        match item {
            Item::Flag(b'b') => line.shown.binary = true,
            Item::Flag(b'q') => line.shown.quiet = true,
            Item::Flag(b'g') => line.task = Task::Get,
            Item::Flag(b's') => line.task = Task::Set,
            Item::Flag(b'd') => line.task = Task::Delete,
            Item::Flag(b'D') => line.task = Task::DeleteAll,
            Item::Flag(b't') => line.task = Task::Track(How::Exact),
            Item::Flag(b'T') => line.task = Task::Track(How::Prefix),
            Item::Flag(b'h') => {
                print!("{}", command().render_help());
                return Err(0);
            }
            Item::Value(b'p', path) => line.file = Some(path),
            Item::Value(b'm', map) => match map.to_str() {
                Some("icmap" | "default") => line.map = Map::Icmap,
                Some("stats") => line.map = Map::Stats,
                _ => return wrong("invalid map name, must be 'default', 'icmap' or 'stats'"),
            },
            Item::Value(b'C', what) => match what.to_str() {
                Some("knet" | "totem" | "ipc" | "schedmiss" | "all") => {
                    line.task = Task::Clear(what != "totem" && what != "all");
                }
                _ => {
                    return wrong(
                        "argument to -C should be 'knet', 'totem', 'ipc', 'schedmiss' or 'all'",
                    );
                }
            },
            other => return wrong(&other.complaint("corosync-cmapctl").unwrap_or_default()),
        }
    }
    let keyless = matches!(line.task, Task::List | Task::Clear(_)) || line.file.is_some();
    if !keyless && line.keys.is_empty() {
        return wrong("Expected key after options");
    }
    Ok(line)
}

fn wrong(text: &str) -> Result<Line, u8> {
    eprintln!("{text}");
    Err(1)
}

fn perform(line: &Line) -> Result<(), String> {
    let first = line.keys.first().map_or("", String::as_str);
    match line.task {
        Task::List if line.keys.is_empty() => show(line, ""),
        Task::List => line.keys.iter().try_for_each(|prefix| show(line, prefix)),
        Task::Get => line.keys.iter().try_for_each(|key| get(line, key)),
        Task::Set if line.keys.len() < 3 => match ask(&Request::Links) {
            Some(_) => Err("At least 3 parameters are expected for set".to_owned()),
            None => Err(not_running()),
        },
        Task::Set if line.map == Map::Stats => {
            Err(format!("Failed to set key {first}. Error CS_ERR_ACCESS"))
        }
        Task::Set => line.keys.chunks(3).try_for_each(set),
        Task::Delete => line.keys.iter().try_for_each(|key| delete(key)),
        Task::DeleteAll => line.keys.iter().try_for_each(|key| delete_all(key)),
        Task::Track(how) => track(line, how, first),
        Task::Clear(true) => list(Map::Stats, "").map(drop),
        Task::Clear(false) => answer(&Request::ClearCounters, "Failed to clear counters."),
    }
}

/// Prints the keys that begin so. Errors: there are none, of which nothing is said.
fn show(line: &Line, prefix: &str) -> Result<(), String> {
    let all = list(line.map, prefix)?;
    for entry in &all {
        println!("{}", value::text(entry, line.shown));
    }
    match all.is_empty() {
        true => Err(String::new()),
        false => Ok(()),
    }
}

fn not_running() -> String {
    "Failed to initialize the cmap API. Error CS_ERR_LIBRARY".to_owned()
}

fn list(map: Map, prefix: &str) -> Result<Vec<Entry>, String> {
    let prefix = prefix.to_owned();
    match ask(&Request::Keys { map, prefix }) {
        Some(Reply::Keys { keys }) => Ok(keys),
        Some(Reply::Refused { error }) => {
            Err(format!("Failed to initialize the cmap API. Error {error}"))
        }
        _ => Err(not_running()),
    }
}

fn get(line: &Line, key: &str) -> Result<(), String> {
    let all = list(line.map, key)?;
    let Some(entry) = all.iter().find(|entry| entry.key == key) else {
        return Err(format!("Can't get key {key}. Error CS_ERR_NOT_EXIST"));
    };
    println!("{}", value::text(entry, line.shown));
    Ok(())
}

fn set(words: &[String]) -> Result<(), String> {
    let [key, kind, value] = words else {
        let key = words.first().map_or("", String::as_str);
        return Err(format!("Both type and value for key {key} are required"));
    };
    let entry = Entry {
        key: key.clone(),
        kind: kind.clone(),
        value: value::parse(kind, value)?,
    };
    answer(
        &Request::SetKey { entry },
        &format!("Failed to set key {key}."),
    )
}

fn delete(key: &str) -> Result<(), String> {
    let request = Request::DeleteKey {
        key: key.to_owned(),
    };
    answer(&request, &format!("Can't delete key {key}."))
}

fn delete_all(prefix: &str) -> Result<(), String> {
    let all = list(Map::Icmap, prefix)?;
    all.iter().try_for_each(|entry| delete(&entry.key))
}

fn answer(request: &Request, failure: &str) -> Result<(), String> {
    match ask(request) {
        Some(Reply::Done) => Ok(()),
        Some(Reply::Refused { error }) => Err(format!("{failure} Error {error}")),
        _ => Err(not_running()),
    }
}

/// Does what a file says: `KEY TYPE VALUE`, `^KEY`, `^^PREFIX`, a line each.
fn load(path: &Path) -> Result<(), String> {
    let text = match path.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(path),
    };
    let text = text.map_err(|error| {
        let (path, reason) = (path.display(), super::reason(&error));
        format!("Can't open input file {path}: {reason}")
    })?;
    let meant = |line: &&str| !line.is_empty() && !line.starts_with('#');
    for line in text.lines().map(str::trim).filter(meant) {
        let words: Vec<String> = line.splitn(3, ' ').map(str::to_owned).collect();
        let key = words.first().map_or("", String::as_str);
        match (key.strip_prefix("^^"), key.strip_prefix('^')) {
            (Some(prefix), _) => delete_all(prefix)?,
            (None, Some(key)) => delete(key)?,
            (None, None) => set(&words)?,
        }
    }
    Ok(())
}

/// Prints changes until stdin says q.
fn track(line_of: &Line, how: How, key: &str) -> Result<(), String> {
    let failed = |_| not_running();
    let mut stream = UnixStream::connect(SOCKET).map_err(failed)?;
    let request = Request::Track {
        map: line_of.map,
        key: key.to_owned(),
        how,
    };
    stream
        .write_all(line(&request).as_bytes())
        .map_err(failed)?;
    println!("Type \"q\" to finish");
    std::thread::spawn(|| {
        let lines = std::io::stdin().lock().lines();
        if lines
            .map_while(Result::ok)
            .any(|line| line.starts_with('q'))
        {
            std::process::exit(0);
        }
    });
    for text in BufReader::new(stream).lines().map_while(Result::ok) {
        let shown = |entry: &Entry| value::text(entry, line_of.shown);
        match serde_json::from_str(&text) {
            Ok(Reply::Created { entry }) => println!("create> {}", shown(&entry)),
            Ok(Reply::Modified { entry }) => println!("modify> {}", shown(&entry)),
            Ok(Reply::Deleted { entry }) => println!("delete> {}", shown(&entry)),
            _ => return Err(format!("Dispatch error {text}")),
        }
    }
    Err("Dispatch error CS_ERR_LIBRARY".to_owned())
}
