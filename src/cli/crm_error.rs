//! `crm_error`: names and texts of the codes that tools exit with or pass around.
//!
//! Source: Pacemaker 2.1.5, `tools/crm_error.c`; the installed tool.

use std::process::ExitCode;

use clap::Command;

use super::applets::{self, Applet, Kind};
use super::crm::arguments::{self, flag, with_output};
use super::crm::output::system_text;
use super::crm::{Output, code, codes};
use crate::rules::leading_int;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "crm_error",
    summary: "say what an error code of a tool means",
    kind: Kind::Tool,
    man: "crm_error(8)",
    command,
    run,
};

fn command() -> Command {
    with_output(arguments::command(
        "crm_error",
        "Say what an error code of the cluster's tools means",
    ))
    .override_usage("crm_error [OPTIONS] [--] [CODE]...")
    .arg(flag("name", 'n').help("print the code's name too"))
    .arg(flag("list", 'l').help("print all codes; so too if none is given"))
    .arg(flag("exit", 'X').help("codes are exit codes"))
    .arg(flag("rc", 'r').help("codes are return codes of functions"))
    .after_help(
        "Examples:\n  \
         crm_error --exit 105          a tool exited with 105: why?\n  \
         crm_error --rc -- -1005       a code below zero, as in logs\n  \
         crm_error --list --exit --name",
    )
}

/// Which codes are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kinds {
    Legacy,
    Return,
    Exit,
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let opened = arguments::parse(command(), &args)
        .and_then(|line| Output::open(&line).map(|output| (line, output)));
    let (line, mut output) = match opened {
        Ok(opened) => opened,
        Err(code) => return Ok(code),
    };
    let kinds = match line.last(&["exit", "rc"]) {
        Some("exit") => Kinds::Exit,
        Some(_) => Kinds::Return,
        None => Kinds::Legacy,
    };
    let form = Form {
        name: line.has("name"),
        listed: line.has("list") || line.operands().is_empty() || line.verbosity() > 0,
    };
    if line.has("list") || line.operands().is_empty() {
        for code in listed(kinds) {
            print(&mut output, kinds, code, form);
        }
    } else {
        for text in line.operands() {
            print(&mut output, kinds, number(text), form);
        }
    }
    Ok(output.finish(code::OK))
}

/// What is no number is the lowest, and none is beyond 32 bits.
fn number(text: &str) -> i32 {
    let value = match leading_int(text) {
        Ok((value, _)) => value,
        Err(_) if text.trim_start().starts_with(|c: char| c.is_ascii_digit()) => i64::MAX,
        Err(_) => i64::MIN,
    };
    value.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

fn listed(kinds: Kinds) -> Vec<i32> {
    let numbers = |rows: &[codes::Row]| rows.iter().map(|row| row.0).collect::<Vec<_>>();
    let system = || std::iter::once(0).chain(codes::SYSTEM.iter().map(|row| row.0));
    match kinds {
        Kinds::Exit => numbers(codes::EXIT),
        Kinds::Return => numbers(codes::RETURN).into_iter().chain(system()).collect(),
        Kinds::Legacy => system().chain(numbers(codes::LEGACY)).collect(),
    }
}

/// What of a code is printed.
#[derive(Debug, Clone, Copy)]
struct Form {
    name: bool,
    /// The number, in columns.
    listed: bool,
}

fn print(output: &mut Output, kinds: Kinds, number: i32, form: Form) {
    let (name, text) = meaning(kinds, number);
    match (form.listed, form.name) {
        (true, true) => output.text(format_args!("{number:5}: {name:26}  {text}")),
        (true, false) => output.text(format_args!("{number:5}: {text}")),
        (false, true) => output.text(format_args!("{name} - {text}")),
        (false, false) => output.text(&text),
    }
    let number = number.to_string();
    let mut attrs = vec![("code", number.as_str())];
    if form.name {
        attrs.push(("name", name));
    }
    attrs.push(("description", &text));
    output.element("result-code", &attrs);
}

fn meaning(kinds: Kinds, number: i32) -> (&'static str, String) {
    match kinds {
        Kinds::Exit => (code::name(number), code::text(number).to_owned()),
        Kinds::Return if number < 0 => match codes::RETURN.iter().find(|row| row.0 == number) {
            Some(row) => (row.1, row.2.to_owned()),
            None => ("Unknown", "Error".to_owned()),
        },
        Kinds::Return => system(number),
        Kinds::Legacy => match number.checked_abs() {
            Some(code) => legacy(code),
            None => ("Unknown", "Error".to_owned()),
        },
    }
}

fn legacy(code: i32) -> (&'static str, String) {
    if code == codes::LEGACY_UNLISTED.0 {
        return ("Unknown", codes::LEGACY_UNLISTED.2.to_owned());
    }
    match codes::LEGACY.iter().find(|row| row.0 == code) {
        Some(row) => (row.1, row.2.to_owned()),
        None => system(code),
    }
}

/// A code of the system; also those without a name here have a text.
fn system(code: i32) -> (&'static str, String) {
    if code == 0 {
        return ("pcmk_rc_ok", "OK".to_owned());
    }
    let row = codes::SYSTEM.iter().find(|row| row.0 == code);
    (row.map_or("Unknown", |row| row.1), system_text(code))
}
