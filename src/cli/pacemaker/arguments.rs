//! The command line of a tool: clap's data, read and complained about as GLib does.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{Exit, VERSION};
use crate::cli::applets::Args;

/// A command line that was read.
#[derive(Debug)]
pub struct Line {
    /// The tool's name.
    pub name: String,
    /// What clap found.
    pub matches: ArgMatches,
    /// All of it as XML output repeats it.
    pub request: String,
}

impl Line {
    /// Whether a flag was given.
    pub fn has(&self, id: &str) -> bool {
        self.matches.get_count(id) > 0
    }

    /// The last value of an option.
    pub fn value(&self, id: &str) -> Option<&str> {
        self.matches.get_one::<String>(id).map(String::as_str)
    }

    /// All values of an option, in order.
    pub fn values(&self, id: &str) -> Vec<&str> {
        let values = self.matches.get_many::<String>(id);
        values.into_iter().flatten().map(String::as_str).collect()
    }

    /// Of these options the one that stands last: what is asked for, where each means another
    /// thing.
    pub fn last<'a>(&self, ids: &[&'a str]) -> Option<&'a str> {
        let place = |id: &&str| self.matches.indices_of(id).and_then(Iterator::last);
        let given = ids.iter().filter(|id| self.given(id));
        given.copied().max_by_key(|id| place(id))
    }

    /// Whether an option stands on the command line.
    pub fn given(&self, id: &str) -> bool {
        let source = self.matches.value_source(id);
        source == Some(clap::parser::ValueSource::CommandLine)
    }

    /// What stands on the command line besides options.
    pub fn operands(&self) -> Vec<&str> {
        self.values("operand")
    }

    /// How often `--verbose` was given.
    pub fn verbosity(&self) -> u8 {
        self.matches.get_count("verbose")
    }

    /// An error of a function of the original, as the tools show it if asked to say more.
    pub fn log_error(&self, function: &str, text: impl std::fmt::Display) {
        if self.verbosity() > 0 {
            eprintln!("({function}) \terror: {text}");
        }
    }
}

/// A command with what every tool has: `--version`, `--verbose`, and operands that mean nothing
/// unless the tool reads them.
pub fn command(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .disable_version_flag(true)
        .args_override_self(true)
        .arg(flag("version", '$').help("print the version and exit"))
        .arg(flag("verbose", 'V').help("say more; more of it says still more"))
        .arg(flag_of("help-all").hide(true))
        .arg(
            Arg::new("operand")
                .num_args(0..)
                .hide(true)
                .action(ArgAction::Append),
        )
}

/// Adds what the tools have that print text or XML.
pub fn with_output(command: Command) -> Command {
    command
        .arg(value("output-as", "FORMAT").help("text (also if it is not given), or xml"))
        .arg(value("output-to", "DEST").help("the file to write to; - is standard output"))
        .arg(flag_of("text-fancy").help("text with more form"))
}

/// An option without value; it may be repeated.
pub fn flag(name: &'static str, short: char) -> Arg {
    flag_of(name).short(short)
}

/// [`flag`] without a letter.
pub fn flag_of(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::Count)
}

/// An option with a value, whatever that looks like; the last one counts.
pub fn value(name: &'static str, value_name: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value_name)
        .allow_hyphen_values(true)
        .action(ArgAction::Set)
}

/// Reads a command line. What is to be printed for `--help`, `--version` and wrong use is
/// printed; then the exit code is the error.
pub fn parse(mut command: Command, args: Args) -> Result<Line, ExitCode> {
    let name = command.get_name().to_owned();
    let program = program(&name);
    let words: Vec<String> = args
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let all = std::iter::once(name.clone()).chain(words.iter().cloned());
    let matches = match command.try_get_matches_from_mut(all) {
        Ok(matches) => matches,
        Err(error) => return Err(complain(&error, &name, &words)),
    };
    let quoted = std::iter::once(&program).chain(&words).map(|w| quote(w));
    let line = Line {
        request: quoted.collect::<Vec<_>>().join(" "),
        name,
        matches,
    };
    if line.has("help-all") {
        print!("{}", command.render_long_help());
        return Err(Exit::OK.into());
    }
    Ok(line)
}

/// The program as it was called; its own name where that was `everbeat NAME`.
fn program(name: &str) -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    match Path::new(&called).file_name() {
        Some(file) if file == OsString::from(name) => called.to_string_lossy().into_owned(),
        _ => name.to_owned(),
    }
}

/// A word of the command line as XML output repeats it.
fn quote(word: &str) -> String {
    match word.contains(' ') {
        true => format!("'{}'", word.replace('\'', "\\'")),
        false => word.to_owned(),
    }
}

fn complain(error: &clap::Error, name: &str, words: &[String]) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        print!("{error}");
        return Exit::OK.into();
    }
    let option = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => option.clone(),
        _ => String::new(),
    };
    if error.kind() == ErrorKind::UnknownArgument {
        let whole = words.iter().find(|word| {
            let rest = word.strip_prefix(option.as_str());
            option.starts_with("--") && rest.is_some_and(|rest| rest.starts_with('='))
        });
        eprintln!("{name}: Unknown option {}", whole.unwrap_or(&option));
    } else {
        eprintln!("{name}: Missing argument for {}", last_option(words));
    }
    Exit::USAGE.into()
}

/// The last option as it was written: only there a value can be missing.
fn last_option(words: &[String]) -> String {
    let last = words.last().map_or("", String::as_str);
    match last.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
        Some(letters) => letters
            .chars()
            .last()
            .map_or_else(String::new, |letter| format!("-{letter}")),
        None => last.to_owned(),
    }
}

/// What `--version` prints.
pub fn version_text() -> String {
    let own = env!("CARGO_PKG_VERSION");
    format!("Pacemaker {VERSION}\neverbeat {own} stands in for it")
}
