//! `everbeat explain`: why a resource runs where it does, and what a change would do.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::applets::{self, Applet, Kind};
use super::crm::{Session, clock, deep, input};
use crate::cib::Document;
use crate::explain::diff::{self, Line, Side};
use crate::explain::{self, Question, sentence, svg, transition};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "explain",
    summary: "say why a resource runs where it does, and what a change would do",
    kind: Kind::Subcommand,
    man: "everbeat-explain(8)",
    command,
    run,
};

/// Exit code of a question about a resource or a node that isn't there.
const EXIT_UNKNOWN: u8 = 3;

/// Trials times elements of the CIB: what some seconds are enough for.
const WORK: usize = 2_000_000;

fn command() -> Command {
    let option =
        |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    Command::new("explain")
        .about(
            "Say why a resource runs where it does, why not elsewhere, and the smallest change \
             that would alter it; or what a change of the CIB would do",
        )
        .arg(
            Arg::new("resource")
                .value_name("RESOURCE")
                .required_unless_present_any(["diff", "svg"])
                .help("the resource: a primitive, a group, a clone or a bundle"),
        )
        .arg(
            option("node", "NODE")
                .requires("resource")
                .help("tell of this node only"),
        )
        .arg(
            option("cib", "FILE")
                .conflicts_with("diff")
                .help("take the CIB from a file; if not given, from CIB_file or the cluster"),
        )
        .arg(
            Arg::new("diff")
                .long("diff")
                .num_args(2)
                .value_names(["OLD", "NEW"])
                .conflicts_with("resource")
                .help("compare what two CIBs lead to; NEW needs no status of its own"),
        )
        .arg(
            option("svg", "FILE")
                .help("draw what the cluster is about to do; - is standard output"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("the answer as a JSON object on one line"),
        )
        .arg(
            option("trials", "N")
                .value_parser(value_parser!(usize))
                .help("run the scheduler so often at most; by the size of the CIB if not given"),
        )
        .after_help(
            "Exit codes: 0 answered, 3 no such resource or node, 1 no CIB, 2 wrong use.\n\n\
             Examples:\n  everbeat explain db\n  \
             everbeat explain web --node node2\n  \
             everbeat explain web --cib saved.xml --json | jq .smallest\n  \
             everbeat explain --diff before.xml after.xml --svg change.svg",
        )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    deep(|| perform(&matches))?
}

fn perform(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    if let Some(mut files) = matches.get_many::<String>("diff") {
        let mut next = || read(files.next().map_or("", String::as_str));
        let (old, new) = (next()?, next()?);
        return tell_diff(matches, &old, &new);
    }
    let doc = match matches.get_one::<String>("cib") {
        Some(file) => read(file)?,
        None => {
            let session = Session::open().map_err(|error| match error.hint() {
                Some(hint) => anyhow::anyhow!(hint),
                None => {
                    anyhow::anyhow!("{error}: no cluster runs here; name a CIB with --cib FILE")
                }
            })?;
            session.doc().clone()
        }
    };
    if let Some(file) = matches.get_one::<String>("svg") {
        let actions = transition::of(&doc, clock::clock()).actions.into_iter();
        let lines = actions.map(|action| Line {
            side: Side::New,
            action,
        });
        let lines: Vec<Line> = lines.collect();
        save(file, &svg::draw(&lines, "What the cluster is about to do"))?;
    }
    match matches.get_one::<String>("resource") {
        Some(resource) => tell_resource(matches, &doc, resource),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn tell_resource(matches: &ArgMatches, doc: &Document, resource: &str) -> anyhow::Result<ExitCode> {
    let by_size = (WORK / doc.node_count().max(1)).clamp(20, 500);
    let question = Question {
        resource,
        node: matches.get_one::<String>("node").map(String::as_str),
        now: clock::clock(),
        runs: matches.get_one("trials").copied().unwrap_or(by_size).max(1),
    };
    let answer = match explain::explain(doc, &question) {
        Ok(answer) => answer,
        Err(refusal) => {
            eprintln!("everbeat explain: {refusal}");
            return Ok(ExitCode::from(EXIT_UNKNOWN));
        }
    };
    let text = match matches.get_flag("json") {
        true => serde_json::to_string(&answer)? + "\n",
        false => sentence::explanation(&answer),
    };
    say(&text)
}

fn tell_diff(matches: &ArgMatches, old: &Document, new: &Document) -> anyhow::Result<ExitCode> {
    let found = diff::diff(old, new, clock::clock());
    if let Some(file) = matches.get_one::<String>("svg") {
        save(file, &svg::draw(&found.actions, "What the change would do"))?;
    }
    say(&match matches.get_flag("json") {
        true => serde_json::to_string(&found)? + "\n",
        false => diff::text(&found),
    })
}

fn say(text: &str) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn save(file: &str, text: &str) -> anyhow::Result<()> {
    if file == "-" {
        return say(text).map(drop);
    }
    let path = PathBuf::from(file);
    std::fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))
}

fn read(file: &str) -> anyhow::Result<Document> {
    let doc = input::read_file(Path::new(file)).with_context(|| format!("can't read {file}"))?;
    let root = doc.root();
    if doc.name(root) != "cib" {
        bail!(
            "{file}: the root element is <{}>; it has to be <cib>, as cibadmin --query prints it",
            doc.name(root)
        );
    }
    Ok(doc)
}
