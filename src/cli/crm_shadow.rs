//! `crm_shadow`: copies of the configuration to try changes on.

mod options;
mod shell;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::applets::{Applet, Args, Kind};
use super::crm::session::{self, ConnectError};
use super::crm::{self, Session, code, exit, input};
use super::getopt_long::{self, Parsed};
use crate::cib::operation::{Operation, Request};
use crate::cib::{Document, empty, patch, writer};
use options::{Asked, Task, command};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "crm_shadow",
    summary: "try changes of the configuration on a copy",
    kind: Kind::Tool,
    man: "crm_shadow(8)",
    command,
    run,
};

const FORCE: &str = "  To prevent accidental destruction of the cluster, the --force flag is \
    required in order to proceed.";

/// A message and an exit code.
type Failure = (String, u8);

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let parsed = getopt_long::parse(&command(), &args);
    Ok(exit(match no_task(&parsed) {
        Some(code) => code,
        None => perform(&Asked::from(&parsed)),
    }))
}

fn no_task(parsed: &Parsed) -> Option<u8> {
    for fault in &parsed.faults {
        eprintln!("{fault}");
    }
    if parsed.has("help") {
        print!("{}", command().render_long_help());
        return Some(code::OK);
    }
    if parsed.has("version") {
        println!("{}", crm::VERSION_TEXT);
        return Some(code::OK);
    }
    let stray = &parsed.operands;
    if !stray.is_empty() {
        println!("non-option ARGV-elements: {} ", stray.join(" "));
    }
    if !stray.is_empty() || !parsed.faults.is_empty() || !Asked::names_task(parsed) {
        eprint!("{}", command().render_long_help());
        return Some(code::USAGE);
    }
    None
}

fn perform(asked: &Asked) -> u8 {
    match carry_out(asked) {
        Ok(code) => code,
        Err((message, code)) => {
            eprintln!("{message}");
            code
        }
    }
}

fn carry_out(asked: &Asked) -> Result<u8, Failure> {
    let active = std::env::var("CIB_shadow")
        .ok()
        .filter(|name| !name.is_empty());
    let name = match (&asked.name, &active) {
        (Some(name), _) => name.clone(),
        (None, Some(active)) => active.clone(),
        (None, None) => {
            let message = match asked.task {
                Task::File | Task::Which | Task::Show | Task::Diff | Task::Edit => {
                    "No active shadow configuration defined"
                }
                _ => "No shadow instance provided",
            };
            return Err((message.into(), code::NOSUCH));
        }
    };
    if name.contains('/') {
        let message = format!("{name:?} can't be the name of a shadow copy: it has a slash");
        return Err((message, code::USAGE));
    }
    let path = session::shadow_path(&name);
    refuse_other(asked, &name, active.as_deref())?;
    if asked.task.is_dangerous() && !asked.force {
        let message = format!("The supplied command is considered dangerous.{FORCE}");
        return Err((message, code::USAGE));
    }
    match asked.task {
        Task::Which => println!("{name}"),
        Task::File => println!("{}", path.display()),
        Task::Delete => {
            remove(&path)?;
            shell::leave(asked, &name, active.as_deref());
        }
        Task::Create | Task::CreateEmpty => {
            create(asked, &name, &path)?;
            return shell::enter(asked, &name, "A new shadow instance was created.");
        }
        Task::Reset => {
            existing(&name, &path)?;
            write(&path, &current()?)?;
            return shell::enter(asked, &name, "A new shadow instance was created.");
        }
        Task::Switch => {
            existing(&name, &path)?;
            return shell::enter(asked, &name, "To switch to the named shadow instance,");
        }
        Task::Show => print_tree(&document(&name, &path)?),
        Task::Edit => return shell::edit(&existing(&name, &path)?),
        Task::Diff => return diff(&name, &path),
        Task::Commit => {
            commit(asked, &document(&name, &path)?)?;
            shell::leave(asked, &name, active.as_deref());
        }
    }
    Ok(code::OK)
}

/// What changes another copy than the active one needs force.
fn refuse_other(asked: &Asked, name: &str, active: Option<&str>) -> Result<(), Failure> {
    let touches = matches!(
        asked.task,
        Task::Delete | Task::Commit | Task::Reset | Task::CreateEmpty
    );
    match active {
        Some(active) if touches && active != name && !asked.force => Err((
            format!(
                "The supplied shadow instance ({name}) is not the same as the active one \
                 ({active}).\n{FORCE}"
            ),
            code::USAGE,
        )),
        _ => Ok(()),
    }
}

fn existing(name: &str, path: &Path) -> Result<PathBuf, Failure> {
    match std::fs::metadata(path) {
        Ok(_) => Ok(path.to_owned()),
        Err(error) => Err(inaccessible(name, &error)),
    }
}

fn inaccessible(name: &str, error: &io::Error) -> Failure {
    let text = match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    };
    let message = format!("Could not access shadow instance '{name}': {text}");
    (message, code::NOSUCH)
}

fn document(name: &str, path: &Path) -> Result<Document, Failure> {
    existing(name, path)?;
    input::read_file(path).map_err(|error| (format!("{}: {error}", path.display()), code::CONFIG))
}

fn print_tree(doc: &Document) {
    print!("{}", writer::pretty(doc, doc.root()));
}

/// The configuration that shadow copies are copies of.
fn source() -> Result<Session, Failure> {
    let session = match std::env::var_os("CIB_file") {
        Some(file) => Session::open_file(Path::new(&file)),
        None => Err(ConnectError::NotConnected),
    };
    session.map_err(|error| {
        let code = error.exit_code();
        (format!("Could not connect to CIB: {error}"), code)
    })
}

fn current() -> Result<Document, Failure> {
    Ok(source()?.doc().clone())
}

fn create(asked: &Asked, name: &str, path: &Path) -> Result<(), Failure> {
    let empty = asked.task == Task::CreateEmpty;
    let old = match empty {
        true => None,
        false => Some(current()?),
    };
    if path.exists() && !asked.force {
        let message = format!("A shadow instance '{name}' already exists.\n{FORCE}");
        return Err((message, code::CANTCREAT));
    }
    let schema = asked.schema.as_deref().unwrap_or("pacemaker-3.9");
    let doc = old.unwrap_or_else(|| empty::document(schema, 0));
    write(path, &doc)?;
    if empty {
        let said = doc.attr(doc.root(), "validate-with").unwrap_or("");
        println!("Created new {said} configuration");
    }
    Ok(())
}

fn write(path: &Path, doc: &Document) -> Result<(), Failure> {
    let text = writer::pretty(doc, doc.root());
    crate::config::identity::write_atomically(path, text.as_bytes(), 0o640).map_err(|error| {
        let message = format!("{} could not be written: {error}", path.display());
        (message, code::CANTCREAT)
    })
}

fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err((
            format!("{} could not be removed: {error}", path.display()),
            code::IOERR,
        )),
        _ => Ok(()),
    }
}

fn diff(name: &str, path: &Path) -> Result<u8, Failure> {
    let new = document(name, path)?;
    let old = current()?;
    let Some(patch) = patch::create_for_display(&old, &new) else {
        return Ok(code::OK);
    };
    for line in patch::describe(&patch) {
        println!("{line}");
    }
    Ok(code::ERROR)
}

/// Puts the copy's configuration, or all of it, in the place of the real one.
///
/// Differs: with `CIB_file` the original says that it did and writes nothing.
fn commit(asked: &Asked, new: &Document) -> Result<(), Failure> {
    let mut session = source()?;
    let section = match asked.all {
        true => None,
        false => Some("configuration"),
    };
    let request = Request {
        section,
        input: Some(new),
        ..Request::default()
    };
    let failed = |message: String, code| {
        let message = format!("Could not commit shadow instance to the CIB: {message}");
        (message, code)
    };
    session
        .update(Operation::Replace, &request)
        .map_err(|failure| failed(failure.error.to_string(), failure.error.exit_code()))?;
    session
        .close()
        .map_err(|error| failed(error.to_string(), code::IOERR))
}
