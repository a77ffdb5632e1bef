//! `everbeat check`: what is wrong with a configuration, before a cluster finds out.

mod cluster;
mod gather;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::applets::{self, Applet, Kind};
use super::crm::clock;
use crate::config::check::{self, FileKind, Set, Understood};
use crate::config::diagnostic::{Diagnostic, Severity};
use crate::config::host::{DistantHost, Host, ThisHost};
use crate::config::render;
use crate::ids::NodeName;
use crate::lint;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "check",
    summary: "find what is wrong in ha.cf, haresources, authkeys, corosync.conf and CIBs",
    kind: Kind::Subcommand,
    man: "everbeat-check(8)",
    command,
    run,
};

/// The host's own configurations. Source: heartbeat 3.0.6, `HA_RC_DIR`; corosync 3.1.7,
/// `COROSYSCONFDIR`; Pacemaker 2.1.5, `CRM_CONFIG_DIR`, and heartbeat 2, `HA_VARLIBDIR`.
const INSTALLED: [&str; 4] = [
    "/etc/ha.d",
    "/etc/corosync",
    "/var/lib/pacemaker/cib",
    "/var/lib/heartbeat/crm",
];

fn command() -> Command {
    Command::new("check")
        .about("Check configuration files, alone, against each other and against the host")
        .arg(
            Arg::new("path")
                .value_name("FILE|DIR")
                .num_args(0..)
                .value_parser(value_parser!(PathBuf))
                .help(
                    "files, or folders with ha.cf, haresources and authkeys, corosync.conf or \
                     cib.xml [default: /etc/ha.d, /etc/corosync and the cluster's CIB]",
                ),
        )
        .arg(
            Arg::new("cluster")
                .long("cluster")
                .value_name("[NAME=]DIR")
                .num_args(1..)
                .conflicts_with_all(["path", "host", "kind"])
                .help("the folders are those of the nodes of one cluster: compare them"),
        )
        .arg(
            Arg::new("strict")
                .long("strict")
                .action(ArgAction::SetTrue)
                .help(
                    "What heartbeat or corosync refuses is an error, even if its meaning is plain",
                ),
        )
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .value_parser(["text", "json"])
                .default_value("text")
                .help("text for people, json for programs"),
        )
        .arg(
            Arg::new("kind")
                .long("kind")
                .value_name("KIND")
                .value_parser([
                    "ha.cf",
                    "haresources",
                    "authkeys",
                    "corosync.conf",
                    "cib.xml",
                ])
                .help("What the files are; else told from their names and contents"),
        )
        .arg(
            Arg::new("host")
                .long("host")
                .value_name("NAME")
                .value_parser(|word: &str| NodeName::lowered(word))
                .help("Check as the host NAME would, of which only the name is known"),
        )
        .after_help(
            "Exit status: 0 nothing or only notes, 1 warnings, 2 errors.\n\n\
             Examples:\n  \
             everbeat check                       this host's configuration\n  \
             everbeat check corosync.conf         which corosync it is for, what it means\n  \
             cibadmin -Q | everbeat check -       what a cluster hardly does as you want\n  \
             everbeat check --host node2 DIR      a folder meant for node2\n  \
             everbeat check --cluster node1 node2 what doesn't agree between the nodes\n  \
             everbeat check --format json ha.cf   for programs",
        )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    let (mut found, files) = match matches.get_many::<String>("cluster") {
        Some(folders) => match cluster::findings(folders) {
            Ok(found) => found,
            Err(error) => {
                eprintln!("check: {error:#}");
                return Ok(ExitCode::from(2));
            }
        },
        None => of_paths(&matches),
    };
    if matches.get_flag("strict") {
        found = found.into_iter().map(Diagnostic::strict).collect();
    }
    print(&matches, &found, files)?;
    Ok(exit_code(&found))
}

/// Of the files and folders that were named, or of this host: what was found, in how many files.
fn of_paths(matches: &ArgMatches) -> (Vec<Diagnostic>, usize) {
    let paths: Vec<PathBuf> = match matches.get_many("path") {
        Some(paths) => paths.cloned().collect(),
        None => installed(),
    };
    let kind = matches.get_one::<String>("kind");
    let kind = kind.and_then(|name| FileKind::from_name(name));
    let gathered = gather::gather(&paths, kind, &INSTALLED.map(Path::new));
    let files = gathered.sets.iter().map(|s| s.files.len()).sum();
    (
        findings(gathered, matches.get_one::<NodeName>("host")),
        files,
    )
}

/// The folders of this host's configuration that are there; the first, if none is.
fn installed() -> Vec<PathBuf> {
    let there = |dir: &&str| {
        let names = FileKind::ALL.map(FileKind::name);
        names.iter().any(|name| Path::new(dir).join(name).exists())
    };
    let mut all: Vec<_> = INSTALLED
        .iter()
        .filter(|d| there(d))
        .map(PathBuf::from)
        .collect();
    if all.is_empty() {
        all.push(INSTALLED[0].into());
    }
    all
}

fn findings(mut gathered: gather::Gathered, name: Option<&NodeName>) -> Vec<Diagnostic> {
    let mut found = gathered.unreadable;
    let mut understood = Vec::new();
    for set in &mut gathered.sets {
        set.host_named = name.is_some();
        let host: Box<dyn Host> = match name {
            Some(name) => Box::new(DistantHost {
                name: Some(name.clone()),
            }),
            None => Box::new(ThisHost::new(&set.dir)),
        };
        let (new, models) = of_set(set, host.as_ref());
        found.extend(new);
        understood.push(models);
    }
    found.extend(check::compare(&understood));
    found
}

/// A node's files, alone and against each other.
fn of_set(set: &Set, host: &dyn Host) -> (Vec<Diagnostic>, Understood) {
    let (mut found, models) = check::check_set(set, host);
    let cibs = set.files.iter().filter(|file| file.kind == FileKind::Cib);
    found.extend(cibs.flat_map(|file| lint::check(&file.source, clock::clock())));
    (found, models)
}

fn print(matches: &ArgMatches, found: &[Diagnostic], files: usize) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    if matches
        .get_one::<String>("format")
        .is_some_and(|f| f == "json")
    {
        let text = render::json(found).context("can't write JSON")?;
        writeln!(out, "{text}")?;
        return Ok(());
    }
    for finding in found {
        writeln!(out, "{}\n", render::text(finding, true))?;
    }
    writeln!(out, "{}", summary(found, files))?;
    Ok(())
}

fn summary(found: &[Diagnostic], files: usize) -> String {
    let count = |severity| found.iter().filter(|d| d.severity == severity).count();
    let mut parts = vec![counted(files, "file")];
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        match count(severity) {
            0 => {}
            n => parts.push(counted(n, severity.as_str())),
        }
    }
    if found.is_empty() {
        parts.push("nothing to report".into());
    }
    parts.join(", ")
}

fn counted(n: usize, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {what}{plural}")
}

fn exit_code(found: &[Diagnostic]) -> ExitCode {
    match found.iter().map(|d| d.severity).max() {
        Some(Severity::Error) => ExitCode::from(2),
        Some(Severity::Warning) => ExitCode::from(1),
        Some(Severity::Note) | None => ExitCode::SUCCESS,
    }
}
