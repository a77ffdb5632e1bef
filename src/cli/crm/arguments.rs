//! The command line of a tool: clap's data, read and complained about as GLib does.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

use super::{VERSION_TEXT, code};
use crate::cli::applets::Args;
use crate::cli::getopt_long::{self, Parsed};

/// A command line that was read.
#[derive(Debug)]
pub struct Line {
    /// The tool's name.
    pub name: String,
    /// Options in order, and what else stands there.
    pub parsed: Parsed,
    /// All of it as XML output repeats it.
    pub request: String,
}

impl Line {
    /// Whether an option was given.
    pub fn has(&self, id: &str) -> bool {
        self.parsed.has(id)
    }

    /// The last value of an option.
    pub fn value(&self, id: &str) -> Option<&str> {
        self.parsed.value(id)
    }

    /// All values of an option, in order.
    pub fn values(&self, id: &str) -> Vec<&str> {
        let given = self.parsed.options.iter().filter(|(name, _)| name == id);
        given.filter_map(|(_, value)| value.as_deref()).collect()
    }

    /// Of these options the one that stands last: what is asked for, where each means another
    /// thing.
    pub fn last<'a>(&self, ids: &[&'a str]) -> Option<&'a str> {
        let mut names = self.parsed.options.iter().rev();
        names.find_map(|(name, _)| ids.iter().find(|id| *id == name).copied())
    }

    /// What stands on the command line besides options.
    pub fn operands(&self) -> &[String] {
        &self.parsed.operands
    }

    /// How often `--verbose` was given.
    pub fn verbosity(&self) -> usize {
        let options = self.parsed.options.iter();
        options.filter(|(name, _)| name == "verbose").count()
    }

    /// An error of a function of the original, as the tools show it if asked to say more.
    pub fn log_error(&self, function: &str, text: impl std::fmt::Display) {
        if self.verbosity() > 0 {
            eprintln!("({function}) \terror: {text}");
        }
    }
}

/// A command with what every tool has: `--help`, `--version` and `--verbose`.
pub fn command(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(
            flag("help", 'h')
                .short_alias('?')
                .help("print this text and exit"),
        )
        .arg(flag("version", '$').help("print the version and exit"))
        .arg(flag("verbose", 'V').help("say more; more of it says still more"))
        .arg(flag_of("help-all").hide(true))
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
    let arg = Arg::new(name).long(name).value_name(value_name);
    arg.action(ArgAction::Append)
}

/// Reads a command line. What is to be printed for `--help` and wrong use is printed; then the
/// exit code is the error. `--help-GROUP`, which the originals have, prints everything too.
pub fn parse(mut command: Command, args: &Args) -> Result<Line, ExitCode> {
    let parsed = getopt_long::parse_glib(&command, args);
    let name = command.get_name().to_owned();
    // The parser of the originals reads from the left and is done at the first of these.
    let asks_help = |word: &OsString| word.to_string_lossy().starts_with("--help");
    if parsed.has("help") || parsed.has("help-all") || args.iter().any(asks_help) {
        print!("{}", command.render_long_help());
        return Err(code::OK.into());
    }
    if let Some(fault) = parsed.faults.first() {
        eprintln!("{fault}");
        return Err(code::USAGE.into());
    }
    let program = program(&name);
    let words = args.iter().map(|word| word.to_string_lossy());
    let quoted = std::iter::once(program.into()).chain(words);
    Ok(Line {
        request: quoted
            .map(|word| quote(&word))
            .collect::<Vec<_>>()
            .join(" "),
        name,
        parsed,
    })
}

/// The program as it was called; its own name where that was `everbeat NAME`.
fn program(name: &str) -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    match Path::new(&called).file_name() {
        Some(file) if file == name => called.to_string_lossy().into_owned(),
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

/// What `--version` prints.
pub fn version_text() -> String {
    let own = env!("CARGO_PKG_VERSION");
    format!("{VERSION_TEXT}\neverbeat {own} stands in for it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> Result<Line, ExitCode> {
        let command = with_output(command("tool", "A tool"))
            .arg(flag("list", 'l'))
            .arg(value("rule", "ID").short('r'));
        parse(command, &words.iter().map(OsString::from).collect())
    }

    #[test]
    fn options_are_found_in_order() {
        let line = line(&["-lr", "a b", "--rule=c", "x", "-V", "-V"]).unwrap();
        assert!(line.has("list") && !line.has("version"));
        assert_eq!(line.values("rule"), ["a b", "c"]);
        assert_eq!(line.value("rule"), Some("c"));
        assert_eq!(line.last(&["list", "rule", "version"]), Some("rule"));
        assert_eq!(line.operands(), ["x"]);
        assert_eq!(line.verbosity(), 2);
        assert_eq!(line.request, "tool -lr 'a b' --rule=c x -V -V");
    }

    #[test]
    fn wrong_use_is_refused() {
        assert!(line(&["--li"]).is_err());
        assert!(line(&["-r"]).is_err());
    }
}
