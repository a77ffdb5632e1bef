//! `crm_verify`: whether a configuration keeps to its schema and means what it says.
//!
//! Source: Pacemaker 2.1.5, `tools/crm_verify.c`; the installed tool.

use std::path::Path;
use std::process::ExitCode;

use clap::Command;

use super::applets::{self, Applet, Kind};
use super::crm::arguments::{self, flag, value, with_output};
use super::crm::clock;
use super::crm::file::write_document;
use super::crm::input::{InputError, Source};
use super::crm::judge::Judge;
use super::crm::output::Failure;
use super::crm::{Line, Output, Session, code, deep};
use crate::cib::schema::Claim;
use crate::cib::{Document, upgrade};
use crate::verify::{self, Remark, Weight};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "crm_verify",
    summary: "check a configuration for errors",
    kind: Kind::Tool,
    man: "crm_verify(8)",
    command,
    run,
};

fn command() -> Command {
    with_output(arguments::command(
        "crm_verify",
        "Check a configuration: its schema, and what the cluster would ignore or set right",
    ))
    .override_usage("crm_verify [OPTIONS] (-L | -x FILE | -p | -X XML)")
    .arg(flag("live-check", 'L').help("check the CIB of the cluster, or of CIB_file"))
    .arg(
        value("xml-file", "FILE")
            .short('x')
            .help("check the CIB in a file"),
    )
    .arg(flag("xml-pipe", 'p').help("check the CIB on standard input"))
    .arg(value("xml-text", "XML").short('X').help("check this CIB"))
    .arg(
        value("save-xml", "FILE")
            .short('S')
            .help("write the CIB to a file too"),
    )
    .after_help(
        "Faults of form are always told, with their lines; -V tells the other errors, -VV the \
         warnings too.\n\
         Exit status: 0 nothing is wrong; 1 it can't be read; 64 wrong use; 66 there is no\n\
         cluster; 76 it is no CIB; 78 there are errors or warnings.\n\n\
         Examples:\n  \
         crm_verify -L -VV               is the running cluster's configuration right?\n  \
         crm_verify -x cib.xml -V        before it is loaded\n  \
         cibadmin -Q | crm_verify -p",
    )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let opened = arguments::parse(command(), &args)
        .and_then(|line| Output::open(&line).map(|output| (line, output)));
    let (line, output) = match opened {
        Ok(opened) => opened,
        Err(code) => return Ok(code),
    };
    let verbosity = line.verbosity();
    let result = deep(|| perform(&line))?;
    Ok(output.finish(tell(result, verbosity)))
}

/// Says how it ended: on standard error in all forms of output, as scripts look there.
fn tell(result: Result<Verdict, Failure>, verbosity: usize) -> u8 {
    let found = match result {
        Ok(Verdict::Right) => return code::OK,
        Ok(Verdict::Errors) => "Errors found during check: config not valid",
        Ok(Verdict::Warnings) => "Warnings found during check: config may not be valid",
        Err(Failure::Said(exit, text)) => {
            eprintln!("crm_verify: {text}");
            return exit;
        }
        Err(_) => return code::ERROR,
    };
    eprintln!("crm_verify: {found}");
    if verbosity == 0 {
        eprintln!("-V may provide more details");
    }
    code::CONFIG
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Right,
    Warnings,
    Errors,
}

fn perform(line: &Line) -> Result<Verdict, Failure> {
    let (name, mut doc) = read(line)?;
    let root = doc.root();
    if doc.name(root) != "cib" {
        return Err(Failure::Said(code::PROTOCOL, INCOMPLETE.to_owned()));
    }
    if let Some(path) = line.value("save-xml") {
        write_document(Path::new(path), &doc).map_err(|error| {
            let text = format!("Couldn't write {path}: {error}");
            Failure::Said(code::CANTCREAT, text)
        })?;
    }
    if let Err(refused) = Judge::default().check(&doc) {
        eprintln!("{}", refused.lines(&format!("{name}:")).join("\n"));
        line.log_error("main", "CIB did not pass schema validation");
        return Ok(Verdict::Errors);
    }
    if matches!(Claim::of(&doc), Claim::Unchecked | Claim::Missing) {
        eprintln!(
            "Schema validation of configuration is disabled (enabling is encouraged and prevents \
             common misconfigurations)"
        );
    } else if let Ok(upgraded) = upgrade::upgrade(&doc) {
        doc = upgraded.doc;
    }
    let root = doc.root();
    let remarks = match doc.child(root, "status") {
        Some(_) => verify::check(&doc, clock::clock()),
        None => {
            doc.add_element(root, "status", &[]);
            verify::check_configuration(&doc, clock::clock())
        }
    };
    Ok(say(line, &remarks))
}

const INCOMPLETE: &str =
    "This tool can only check complete configurations (i.e. those starting with <cib>).";

fn say(line: &Line, remarks: &[Remark]) -> Verdict {
    for remark in remarks {
        let (least, level) = match remark.weight {
            Weight::Error => (1, "error"),
            Weight::Warning | Weight::Aside => (2, "warning"),
        };
        if line.verbosity() >= least {
            eprintln!("({}) \t{level}: {}", remark.function, remark.text);
        }
    }
    match remarks.iter().map(|remark| remark.weight).min() {
        None | Some(Weight::Aside) => Verdict::Right,
        Some(Weight::Warning) => Verdict::Warnings,
        Some(Weight::Error) => Verdict::Errors,
    }
}

/// The document, and how messages call what it is from.
fn read(line: &Line) -> Result<(String, Document), Failure> {
    if line.has("live-check") {
        let session = Session::open().map_err(|error| {
            let mut text = "CIB query failed: Input file not available".to_owned();
            if let Some(hint) = error.hint() {
                text = format!("{text}\n{hint}");
            }
            Failure::Said(code::NOINPUT, text)
        })?;
        return Ok(("line ".to_owned(), session.doc().clone()));
    }
    let (source, what) = if let Some(path) = line.value("xml-file") {
        (Source::File(path.to_owned()), format!("input file: {path}"))
    } else if line.has("xml-pipe") {
        (Source::Stdin, "input from STDIN.".to_owned())
    } else if let Some(text) = line.value("xml-text") {
        (
            Source::Text(text.to_owned()),
            format!("input string: {text}"),
        )
    } else {
        let text = "No configuration source specified.  Use --help for usage information.";
        return Err(Failure::Said(code::ERROR, text.to_owned()));
    };
    match source.read() {
        Ok(doc) => Ok((source.name().to_owned(), doc)),
        Err(error) => Err(unreadable(&source, &what, &error)),
    }
}

/// Differs: the original goes on with as much as it could read. It exits with 78 then, or with 76
/// if that doesn't begin with `<cib`.
fn unreadable(source: &Source, what: &str, error: &InputError) -> Failure {
    let text = format!("Couldn't parse {what}");
    let begins = match source {
        Source::File(path) => std::fs::read_to_string(path).unwrap_or_default(),
        Source::Text(text) => text.clone(),
        Source::Stdin => String::new(),
    };
    let (exit, detail) = match (error, first_element(&begins)) {
        (InputError::Io(_), _) => return Failure::Said(code::ERROR, text),
        (_, None) => (code::ERROR, String::new()),
        (_, Some("cib")) => (code::CONFIG, String::new()),
        (_, Some(_)) => (code::PROTOCOL, format!("\n{INCOMPLETE}")),
    };
    Failure::Said(exit, format!("{text}\n{}: {error}{detail}", source.name()))
}

/// Name of the first element of a text; comments and declarations before it are passed over.
fn first_element(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        rest = rest.split_once('<')?.1;
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->")?.1;
        } else if !rest.starts_with(['?', '!']) {
            break;
        }
    }
    let ends = |c: char| c.is_whitespace() || c == '>' || c == '/';
    let name = rest.split(ends).next()?;
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_element_is_found() {
        for (text, name) in [
            (
                "<?xml version=\"1.0\"?>\n<!-- <a> -->\n<cib x=\"",
                Some("cib"),
            ),
            ("<configuration>", Some("configuration")),
            ("<cib", Some("cib")),
            ("garbage", None),
            ("", None),
        ] {
            assert_eq!(first_element(text), name, "{text}");
        }
    }
}
