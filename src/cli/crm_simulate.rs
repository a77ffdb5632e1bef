//! `crm_simulate`: what a cluster would do, and how things would be after it.

mod options;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::applets::{Applet, Args, Kind};
use super::crm::{self, Session, clock, code, exit, input, session};
use super::crm_mon::frame;
use super::getopt_long::{self, Parsed};
use crate::cib::{Document, writer};
use crate::rules::iso8601::Time;
use crate::scheduler::score;
use crate::scheduler::simulation::execution::Failure;
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

/// Room for orderings that are followed one after the other: some 1,000 bytes for each of them.
const STACK_BYTES: usize = 512 << 20;

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let called = frame::request("crm_simulate", &args);
    let parsed = getopt_long::parse_glib(&options::command(), &args);
    let worker = std::thread::Builder::new().stack_size(STACK_BYTES);
    let running = worker.spawn(move || perform(&parsed, &called))?;
    match running.join() {
        Ok(code) => Ok(exit(code)),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn perform(parsed: &Parsed, called: &str) -> u8 {
    if parsed.has("help") || parsed.has("help-all") {
        print!("{}", options::command().render_help());
        return code::OK;
    }
    if parsed.has("version") {
        println!("{}", crm::VERSION_TEXT);
        return code::OK;
    }
    if let Some(fault) = parsed.faults.first() {
        eprintln!("{fault}");
        return code::USAGE;
    }
    match parsed.value("output-as") {
        None | Some("text" | "xml") => {}
        Some(other) => {
            eprintln!("Error creating output format {other}: Unknown output format");
            return code::NOSUCH;
        }
    }
    let request = match request(parsed) {
        Ok(request) => request,
        Err(fault) => {
            eprintln!("crm_simulate: {fault}");
            return code::USAGE;
        }
    };
    if let Some(folder) = parsed.value("profile") {
        return profile(Path::new(folder), parsed, &request);
    }
    let doc = match document(parsed) {
        Ok(doc) => doc,
        Err((text, code)) => {
            eprintln!("crm_simulate: {text}");
            return code;
        }
    };
    if doc.root_element().attr("validate-with") == Some("none") {
        eprintln!(
            "Schema validation of configuration is disabled (enabling is encouraged and prevents \
             common misconfigurations)"
        );
    }
    let done = match parsed.value("output-as") {
        Some("xml") => simulate_as_xml(&doc, &request, frame::result(called)),
        _ => simulate(&doc, &request),
    };
    tell(parsed, done)
}

fn all(parsed: &Parsed, id: &str) -> Vec<String> {
    let given = parsed.options.iter().filter(|(name, _)| name == id);
    given.filter_map(|(_, value)| value.clone()).collect()
}

fn request(parsed: &Parsed) -> Result<Request, String> {
    let date = match parsed.value("set-datetime") {
        Some(text) => match Time::parse(text.as_bytes(), clock::clock()) {
            Ok(time) => Some((text.to_owned(), time)),
            Err(_) => return Err(format!("{text:?} is no date; write 2026-11-26T12:00:00Z")),
        },
        None => None,
    };
    let mut failures = Vec::new();
    for spec in all(parsed, "op-fail") {
        let Some((operation, rc)) = parse_operation(&spec) else {
            return Err(format!(
                "Invalid failed operation {spec:?}: write RESOURCE_TASK_INTERVAL@NODE=RC, for \
                 example web_start_0@node1=1"
            ));
        };
        failures.push(Failure { operation, rc });
    }
    let simulate = parsed.has("simulate") || parsed.has("in-place");
    let shown = parsed.has("show-scores") || parsed.has("show-utilization");
    Ok(Request {
        clock: clock::clock(),
        date,
        run: parsed.has("run") || simulate || shown || writes(parsed),
        simulate,
        scores: parsed.has("show-scores"),
        utilization: parsed.has("show-utilization"),
        attributes: parsed.has("show-attrs"),
        failcounts: parsed.has("show-failcounts"),
        quiet: parsed.has("quiet"),
        plain: shown && !parsed.has("text-fancy"),
        all_actions: parsed.has("all-actions"),
        failures,
        moments: Some((frame::ctime, frame::iso)),
        injections: injections(parsed),
    })
}

fn writes(parsed: &Parsed) -> bool {
    parsed.has("save-graph") || parsed.has("save-dotfile")
}

fn injections(parsed: &Parsed) -> Injections {
    Injections {
        node_up: all(parsed, "node-up"),
        node_down: all(parsed, "node-down"),
        node_fail: all(parsed, "node-fail"),
        operations: all(parsed, "op-inject"),
        tickets_granted: all(parsed, "ticket-grant"),
        tickets_revoked: all(parsed, "ticket-revoke"),
        tickets_standby: all(parsed, "ticket-standby"),
        tickets_active: all(parsed, "ticket-activate"),
        quorum: parsed.value("quorum").map(str::to_owned),
        watchdog: parsed.value("watchdog").map(str::to_owned),
    }
}

fn document(parsed: &Parsed) -> Result<Document, (String, u8)> {
    let source = if let Some(name) = parsed.value("xml-file") {
        input::Source::File(name.to_owned())
    } else if parsed.has("xml-pipe") {
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

fn tell(parsed: &Parsed, mut done: Simulation) -> u8 {
    if let Some(mut xml) = done.xml.take() {
        let code = if done.complete { code::OK } else { code::ERROR };
        frame::end(&mut xml, code, &std::mem::take(&mut done.errors));
        done.text = xml.finish();
    }
    if let Some(target) = parsed.value("output-to").filter(|t| *t != "-") {
        if let Err(error) = std::fs::write(target, &done.text) {
            eprintln!("crm_simulate: {target}: {error}");
            return code::CANTCREAT;
        }
    } else {
        print!("{}", done.text);
    }
    for error in &done.errors {
        eprintln!("{error}");
    }
    match write_artefacts(parsed, &done) {
        Err((path, error)) => {
            eprintln!("crm_simulate: {}: {error}", path.display());
            code::IOERR
        }
        Ok(()) if !done.complete => code::ERROR,
        Ok(()) => code::OK,
    }
}

fn write_artefacts(parsed: &Parsed, done: &Simulation) -> Result<(), (PathBuf, std::io::Error)> {
    let path = |option: &str| parsed.value(option).map(PathBuf::from);
    let save = |path: PathBuf, doc: &Document| {
        session::write_document(&path, doc).map_err(|error| (path, error))
    };
    if let Some(path) = path("save-input") {
        save(path, &done.input)?;
    }
    if let (Some(path), Some(graph)) = (path("save-graph"), &done.graph) {
        let text = writer::pretty(graph, graph.root());
        std::fs::write(&path, text).map_err(|error| (path, error))?;
    }
    if let (Some(path), Some(dot)) = (path("save-dotfile"), &done.dot) {
        std::fs::write(&path, dot).map_err(|error| (path, error))?;
    }
    if let Some(path) = path("save-output") {
        save(path, &done.cib)?;
    }
    if parsed.has("in-place")
        && let Some(path) = path("xml-file")
    {
        save(path, &done.cib)?;
    }
    Ok(())
}

/// Times how long the documents of a folder take.
fn profile(folder: &Path, parsed: &Parsed, request: &Request) -> u8 {
    let repeat = parsed.value("repeat").and_then(score::leading_integer);
    let repeat = repeat.unwrap_or(1).max(1);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            eprintln!("crm_simulate: {}: {error}", folder.display());
            return code::NOINPUT;
        }
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "xml") && p.is_file());
    paths.sort();
    let request = Request {
        run: true,
        quiet: true,
        simulate: false,
        ..request.clone()
    };
    println!("Timings:");
    for path in paths.iter().rev() {
        let start = std::time::Instant::now();
        let Ok(doc) = input::read_file(path) else {
            continue;
        };
        for _ in 0..repeat {
            simulate(&doc, &request);
        }
        let seconds = start.elapsed().as_secs_f64();
        println!("  * Testing {} ... {seconds:.2} secs", path.display());
    }
    code::OK
}
