//! `crm_simulate`: what a cluster would do, and how things would be after it.

mod options;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::applets::{Applet, Args, Kind};
use super::crm::output::{Failure, begin_report};
use super::crm::{Line, Output, Session, arguments, clock, code, deep, file, input};
use crate::cib::schema::{Claim, Edition};
use crate::cib::{Document, upgrade, writer};
use crate::rules::iso8601::Time;
use crate::scheduler::score;
use crate::scheduler::simulation::execution::Failure as FailedOperation;
use crate::scheduler::simulation::injections::{Injections, parse_operation};
use crate::scheduler::simulation::{Request, Simulation, simulate, simulate_as_xml};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "crm_simulate",
    summary: "show what the cluster would do with a configuration and a status",
    kind: Kind::Tool,
    man: "crm_simulate(8)",
    command: options::command,
    run,
};

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let line = match arguments::parse(options::command(), &args) {
        Ok(line) => line,
        Err(code) => return Ok(code),
    };
    if let Some(other) = line
        .value("output-as")
        .filter(|f| !matches!(*f, "text" | "xml"))
    {
        eprintln!("Error creating output format {other}: Unknown output format");
        return Ok(code::NOSUCH.into());
    }
    let mut output = match Output::open(&line) {
        Ok(output) => output,
        Err(code) => return Ok(code),
    };
    let result = deep(|| perform(&line, &mut output))?;
    Ok(output.end(result))
}

fn perform(line: &Line, output: &mut Output) -> Result<(), Failure> {
    let request = request(line).map_err(Failure::Usage)?;
    if let Some(folder) = line.value("profile") {
        return profile(Path::new(folder), line, &request, output);
    }
    let doc = document(line).map_err(|(text, code)| Failure::Said(code, text))?;
    if doc.root_element().attr("validate-with") == Some("none") {
        eprintln!(
            "Schema validation of configuration is disabled (enabling is encouraged and prevents \
             common misconfigurations)"
        );
    }
    let doc = match SAVED.iter().any(|option| line.has(option)) {
        true => of_today(doc),
        false => doc,
    };
    let mut done = match output.is_xml() {
        true => simulate_as_xml(&doc, &request, begin_report(&line.request)),
        false => simulate(&doc, &request),
    };
    if let Some(report) = done.xml.take() {
        output.report(report);
    }
    output.page(&done.text);
    for error in &done.errors {
        output.error(error);
    }
    write_artefacts(line, &done)?;
    match done.complete {
        true => Ok(()),
        false => Err(Failure::Silent(code::ERROR)),
    }
}

/// Options that have a CIB written.
const SAVED: [&str; 3] = ["save-input", "save-output", "in-place"];

/// A document that keeps to rules of before 3.0 is written as one of the newest.
///
/// Source: Pacemaker 2.1.5, seen
fn of_today(doc: Document) -> Document {
    let is_old = match Claim::of(&doc) {
        Claim::Edition(edition) => edition <= Edition::V2_10,
        Claim::Missing | Claim::Unknown(_) => true,
        Claim::Unchecked => false,
    };
    match upgrade::upgrade(&doc) {
        Ok(upgraded) if is_old => upgraded.doc,
        _ => doc,
    }
}

fn request(line: &Line) -> Result<Request, String> {
    let date = match line.value("set-datetime") {
        Some(text) => match Time::parse(text.as_bytes(), clock::clock()) {
            Ok(time) => Some((text.to_owned(), time)),
            Err(_) => return Err(format!("{text:?} is no date; write 2026-11-26T12:00:00Z")),
        },
        None => None,
    };
    let mut failures = Vec::new();
    for spec in line.values("op-fail") {
        let Some((operation, rc)) = parse_operation(spec) else {
            return Err(format!(
                "Invalid failed operation '{spec}': write RESOURCE_TASK_INTERVAL@NODE=RC, for \
                 example web_start_0@node1=1"
            ));
        };
        failures.push(FailedOperation { operation, rc });
    }
    let simulate = line.has("simulate") || line.has("in-place");
    let shown = line.has("show-scores") || line.has("show-utilization");
    Ok(Request {
        clock: clock::clock(),
        date,
        run: line.has("run") || simulate || shown || writes(line),
        simulate,
        report_only: !simulate && !writes(line),
        scores: line.has("show-scores"),
        utilization: line.has("show-utilization"),
        attributes: line.has("show-attrs"),
        failcounts: line.has("show-failcounts"),
        quiet: line.has("quiet"),
        plain: shown && !line.has("text-fancy"),
        all_actions: line.has("all-actions"),
        failures,
        moments: Some((clock::ctime, clock::iso)),
        injections: injections(line),
    })
}

fn writes(line: &Line) -> bool {
    line.has("save-graph") || line.has("save-dotfile")
}

fn injections(line: &Line) -> Injections {
    let all = |id| line.values(id).into_iter().map(str::to_owned).collect();
    Injections {
        node_up: all("node-up"),
        node_down: all("node-down"),
        node_fail: all("node-fail"),
        operations: all("op-inject"),
        tickets_granted: all("ticket-grant"),
        tickets_revoked: all("ticket-revoke"),
        tickets_standby: all("ticket-standby"),
        tickets_active: all("ticket-activate"),
        quorum: line.value("quorum").map(str::to_owned),
        watchdog: line.value("watchdog").map(str::to_owned),
    }
}

fn document(line: &Line) -> Result<Document, (String, u8)> {
    let source = if let Some(name) = line.value("xml-file") {
        input::Source::File(name.to_owned())
    } else if line.has("xml-pipe") {
        input::Source::Stdin
    } else {
        let session = Session::open().map_err(|e| (e.to_string(), e.exit_code()))?;
        return Ok(session.doc().clone());
    };
    let mut doc = source.read().map_err(|error| {
        let code = match error {
            input::InputError::Io(_) => code::NOINPUT,
            input::InputError::Xml(_) => code::DATAERR,
        };
        (format!("{}: {error}", source.name()), code)
    })?;
    let root = doc.root();
    if doc.name(root) != "cib" {
        let text = format!(
            "{}: the root element is <{}>; it has to be <cib>, as cibadmin --query prints it",
            source.name(),
            doc.name(root)
        );
        return Err((text, code::DATAERR));
    }
    if doc.child(root, "status").is_none() {
        doc.add_element(root, "status", &[]);
    }
    Ok(doc)
}

/// Exit codes as the original's: a document that can't be written is one that isn't there.
fn write_artefacts(line: &Line, done: &Simulation) -> Result<(), Failure> {
    let path = |option: &str| line.value(option).map(PathBuf::from);
    let failed = |path: &Path, code: u8, error: std::io::Error| {
        Failure::Said(code, format!("{}: {error}", path.display()))
    };
    let save = |path: PathBuf, doc: &Document| {
        file::write_document(&path, doc).map_err(|error| {
            let code = match error.kind() {
                std::io::ErrorKind::NotFound => code::NOSUCH,
                _ => code::IOERR,
            };
            failed(&path, code, error)
        })
    };
    let draw = |path: PathBuf, text: &[u8]| {
        std::fs::write(&path, text).map_err(|error| failed(&path, code::IOERR, error))
    };
    if let Some(path) = path("save-input") {
        save(path, &done.input)?;
    }
    if let (Some(path), Some(graph)) = (path("save-graph"), &done.graph) {
        draw(path, writer::pretty(graph, graph.root()).as_ref())?;
    }
    if let (Some(path), Some(dot)) = (path("save-dotfile"), &done.dot) {
        draw(path, dot.as_ref())?;
    }
    if let Some(path) = path("save-output") {
        save(path, &done.cib)?;
    }
    if line.has("in-place")
        && let Some(path) = path("xml-file")
    {
        save(path, &done.cib)?;
    }
    Ok(())
}

/// Times how long the documents of a folder take.
fn profile(
    folder: &Path,
    line: &Line,
    request: &Request,
    output: &mut Output,
) -> Result<(), Failure> {
    let repeat = line.value("repeat").and_then(score::leading_integer);
    let repeat = repeat.unwrap_or(1).max(1);
    let entries = std::fs::read_dir(folder)
        .map_err(|error| Failure::Said(code::NOINPUT, format!("{}: {error}", folder.display())))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "xml") && p.is_file());
    paths.sort();
    let request = Request {
        run: true,
        quiet: true,
        simulate: false,
        report_only: false,
        ..request.clone()
    };
    output.text("Timings:");
    for path in paths.iter().rev() {
        let start = std::time::Instant::now();
        let Ok(doc) = input::read_file(path) else {
            continue;
        };
        for _ in 0..repeat {
            simulate(&doc, &request);
        }
        let seconds = start.elapsed().as_secs_f64();
        output.text(format_args!(
            "  * Testing {} ... {seconds:.2} secs",
            path.display()
        ));
    }
    Ok(())
}
