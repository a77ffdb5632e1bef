//! What cibadmin does.

use std::process::ExitCode;

use super::access::{self, Form, ShowError};
use super::options::{Asked, Task, command};
use crate::cib::operation::{Answer, Change, Operation, Options, Request};
use crate::cib::schema::Edition;
use crate::cib::{Document, Error, digest, empty, writer};
use crate::cli::applets::Args;
use crate::cli::crm::judge::Judge;
use crate::cli::crm::{self, Session, code, exit};
use crate::cli::getopt_long::{self, Parsed};

const DANGEROUS: &str = "The supplied command is considered dangerous.  To prevent accidental \
    destruction of the cluster, the --force flag is required in order to proceed.";

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let parsed = getopt_long::parse(&command(), &args);
    let asked = Asked::from(&parsed);
    if let Some(code) = no_task(&parsed, &asked) {
        return Ok(exit(code));
    }
    Ok(exit(perform(&parsed, &asked)))
}

/// Help, version, and command lines that ask for nothing.
fn no_task(parsed: &Parsed, asked: &Asked) -> Option<u8> {
    let help = || command().render_long_help().to_string();
    for fault in &parsed.faults {
        eprintln!("{fault}");
    }
    if parsed.has("help") {
        print!("{}", help());
        return Some(code::OK);
    }
    if parsed.has("version") {
        println!("{}", crm::VERSION_TEXT);
        return Some(code::OK);
    }
    if parsed.has("features") {
        println!("{}", crm::features_text());
        return Some(code::OK);
    }
    let stray = !parsed.operands.is_empty() && asked.task != Some(Task::Empty);
    if stray {
        println!("non-option ARGV-elements: {} ", parsed.operands.join(" "));
    }
    if stray || asked.task.is_none() || !parsed.faults.is_empty() {
        eprint!("{}", help());
        return Some(code::USAGE);
    }
    None
}

fn perform(parsed: &Parsed, asked: &Asked) -> u8 {
    if asked.dangerous && !asked.force {
        eprintln!("{DANGEROUS}");
        return code::UNSAFE;
    }
    if let Some(code) = wrong_access(parsed) {
        return code;
    }
    let input = match asked.source.as_ref().map(|source| (source, source.read())) {
        None => None,
        Some((_, Ok(doc))) => Some(doc),
        Some((source, Err(error))) => {
            eprintln!("Couldn't parse input from {}.", source.name());
            eprintln!("{}: {error}", source.name());
            return code::CONFIG;
        }
    };
    match asked.task {
        Some(Task::Empty) => {
            let schema = parsed
                .operands
                .first()
                .map_or(Edition::NEWEST.name(), String::as_str);
            print_tree(&empty::document(schema, 1));
            code::OK
        }
        Some(Task::Digest { versioned }) => print_digest(input.as_ref(), versioned),
        _ => on_cib(parsed, asked, input.as_ref()),
    }
}

/// `--show-access` that says no known form, or no user.
fn wrong_access(parsed: &Parsed) -> Option<u8> {
    if !parsed.has("show-access") {
        return None;
    }
    let value = parsed.value("show-access");
    if Form::from(value).is_none() {
        let value = value.unwrap_or_default();
        eprintln!("Unrecognized value for --show-access: \"{value}\"");
        eprint!("{}", command().render_long_help());
        return Some(code::USAGE);
    }
    if !parsed.has("user") {
        eprintln!("The supplied command requires -U user specified.");
        return Some(code::USAGE);
    }
    None
}

fn print_tree(doc: &Document) {
    print!("{}", writer::pretty(doc, doc.root()));
}

fn print_digest(input: Option<&Document>, versioned: bool) -> u8 {
    let Some(doc) = input else {
        eprintln!("Please supply XML to process with -X, -x or -p");
        return code::USAGE;
    };
    if versioned {
        let set = doc.attr(doc.root(), "crm_feature_set");
        eprint!("Versioned ({}) digest: ", set.unwrap_or("(null)"));
        println!("{}", digest::versioned(doc, doc.root(), set));
    } else {
        eprint!("Digest: ");
        println!("{}", digest::v1(doc, doc.root()));
    }
    code::OK
}

/// Why nothing was done, and what helps to find the reason.
struct Failed {
    error: Error,
    hints: Vec<String>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let hints = Vec::new();
        Self { error, hints }
    }
}

fn on_cib(parsed: &Parsed, asked: &Asked, input: Option<&Document>) -> u8 {
    let mut session = match Session::open() {
        Ok(session) => session,
        Err(error) => {
            eprintln!("Could not connect to the CIB: {error}");
            eprintln!("Init failed, could not perform requested operations");
            if let Some(hint) = error.hint() {
                eprintln!("{hint}");
            }
            return error.exit_code();
        }
    };
    if let Some(user) = parsed.value("user") {
        session.act_as(user);
    }
    let place = asked.place.as_deref();
    let request = Request {
        section: place.filter(|_| !asked.by_xpath),
        xpath: place.filter(|_| asked.by_xpath),
        input,
        options: Options {
            can_create: parsed.has("allow-create"),
            multiple: asked.all,
            shallow: parsed.has("no-children"),
            addresses: parsed.has("node-path"),
        },
        access: None,
    };
    let done = match asked.task {
        Some(Task::Change(operation)) => change(&mut session, operation, &request),
        Some(Task::Query) => match shown_access(parsed) {
            Some((user, form)) => match access::show(&session, &request, user, form) {
                Ok(()) => Ok(()),
                Err(ShowError::Query(error)) => Err(error.into()),
                Err(ShowError::Free) => {
                    eprintln!(
                        "Could not evaluate access per request \
                         ({user}, error: Already in requested state)"
                    );
                    return code::CONFIG;
                }
            },
            None => query(&session, &request),
        },
        _ => upgrade(&mut session),
    };
    if let Err(Failed { error, hints }) = done {
        // A cluster is told which call it was.
        let call = session.live().map_or("", |_| call_of(asked.task));
        eprintln!("Call {call}failed: {error}");
        hints.iter().for_each(|hint| eprintln!("{hint}"));
        return error.exit_code();
    }
    match session.close() {
        Ok(()) => code::OK,
        Err(error) => {
            eprintln!("The changed CIB could not be written: {error}");
            code::IOERR
        }
    }
}

/// The call's name as the original has it, and a blank.
fn call_of(task: Option<Task>) -> &'static str {
    match task {
        Some(Task::Change(operation)) => match operation {
            Operation::Create => "cib_create ",
            Operation::Modify => "cib_modify ",
            Operation::Replace => "cib_replace ",
            Operation::Delete => "cib_delete ",
            Operation::Patch => "cib_apply_diff ",
            Operation::Erase => "cib_erase ",
            Operation::Bump => "cib_bump ",
        },
        Some(Task::Query) => "cib_query ",
        Some(Task::Upgrade) => "cib_upgrade ",
        Some(Task::Empty | Task::Digest { .. }) | None => "",
    }
}

fn shown_access(parsed: &Parsed) -> Option<(&str, Form)> {
    let form = Form::from(parsed.value("show-access"))?;
    let user = parsed.value("user")?;
    parsed.has("show-access").then_some((user, form))
}

/// Says on standard error what was rewritten, and why a document didn't reach the newest edition.
fn upgrade(session: &mut Session) -> Result<(), Failed> {
    let done = match session.upgrade().map_err(|failure| failure.error) {
        Err(unchanged @ Error::SchemaUnchanged) => {
            println!("Upgrade unnecessary: {unchanged}");
            return Ok(());
        }
        done => done?,
    };
    for note in &done.notes {
        eprintln!("{note}");
    }
    if let Some(stop) = &done.stopped {
        eprintln!("INFO: it stays {}; for {}:", done.edition, stop.before);
        stop.reason
            .iter()
            .for_each(|reason| eprintln!("INFO: {reason}"));
        for fault in &stop.faults {
            eprintln!("INFO: {}", fault.text(&stop.doc));
        }
    }
    Ok(())
}

fn query(session: &Session, request: &Request) -> Result<(), Failed> {
    let (doc, answer) = session.query(request)?;
    match answer {
        Answer::Part(_) if request.options.addresses => {}
        Answer::Part(node) => print!("{}", writer::pretty(&doc, node)),
        Answer::Tree(tree) => print_tree(&tree),
        Answer::Paths(paths) => paths.iter().for_each(|path| println!("{path}")),
    }
    Ok(())
}

fn change(session: &mut Session, operation: Operation, request: &Request) -> Result<(), Failed> {
    match session.update(operation, request) {
        Ok(Change::Nothing | Change::Status | Change::Configuration) => Ok(()),
        Err(failure) => {
            if let Some(answer) = &failure.answer {
                print_tree(answer);
            }
            let mut hints = Vec::new();
            if let Some(rejected) = &failure.rejected {
                match session.live() {
                    Some(_) => print_tree(rejected),
                    None => print_rejected(rejected),
                }
                hints = Judge::of_print(rejected);
            }
            let error = failure.error;
            Err(Failed { error, hints })
        }
    }
}

/// The lines of a document that is not valid, numbered, so that messages about it can be read.
fn print_rejected(doc: &Document) {
    let text = writer::pretty(doc, doc.root());
    for (index, line) in text.split('\n').enumerate() {
        eprintln!("{:4} {line}", index + 1);
    }
}
