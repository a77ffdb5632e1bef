//! `crm_diff`: what leads from one configuration to another, and the way there.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

use super::applets::{Applet, Args, Kind};
use super::crm::input::Source;
use super::crm::{self, code, exit};
use super::getopt_long::{self, Parsed};
use crate::cib::{Document, patch, writer};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "crm_diff",
    summary: "compare two configurations, or apply what such a comparison printed",
    kind: Kind::Tool,
    man: "crm_diff(8)",
    command,
    run,
};

fn command() -> Command {
    let flag = |id: &'static str, short, help| {
        let arg = Arg::new(id).long(id).short(short).help(help);
        arg.action(ArgAction::SetTrue)
    };
    let value = |id: &'static str, short, name, help| {
        let arg = Arg::new(id).long(id).short(short).help(help);
        arg.value_name(name).action(ArgAction::Append)
    };
    Command::new("crm_diff")
        .about("Compare two configurations and print a patch, or apply a patch")
        .disable_help_flag(true)
        .args([
            flag("help", 'h', "show this text").short_alias('?'),
            Arg::new("help-all")
                .long("help-all")
                .action(ArgAction::SetTrue)
                .hide(true),
            flag("version", '$', "show the version"),
            flag("verbose", 'V', "say more; may be repeated"),
            value("original", 'o', "FILE", "the old document"),
            value("original-string", 'O', "XML", "the old document as text"),
            value("new", 'n', "FILE", "the new document"),
            value("new-string", 'N', "XML", "the new document as text"),
            value("patch", 'p', "FILE", "a patch to apply to the old document"),
            flag(
                "cib",
                'c',
                "compare as the cluster does, and add the digest of the result",
            ),
            flag(
                "stdin",
                's',
                "read the old document, then the new one, on standard input",
            ),
            flag("no-version", 'u', "leave the version out"),
        ])
        .after_help(
            "A FILE of - is standard input. Exit status: 0 no difference, or the patch was\n\
             applied; 1 there are differences; 64 wrong use; 65 a document can't be read.\n\n\
             Examples:\n  \
             crm_diff -o old.xml -n new.xml > patch.xml\n  \
             crm_diff -o old.xml -p patch.xml > new.xml\n  \
             crm_diff --no-version -o old.xml -n new.xml | cibadmin --patch --xml-pipe",
        )
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let parsed = getopt_long::parse_glib(&command(), &args);
    Ok(exit(perform(&parsed)))
}

fn perform(parsed: &Parsed) -> u8 {
    if parsed.has("help") || parsed.has("help-all") {
        print!("{}", command().render_help());
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
    if parsed.has("cib") && parsed.has("no-version") {
        eprintln!("error: -u/--no-version incompatible with -c/--cib");
        return code::USAGE;
    }
    let original = side(parsed, "original", "original-string");
    let Some(original) = document(original.as_ref(), "first") else {
        return code::DATAERR;
    };
    let patch = parsed
        .value("patch")
        .map(|name| Source::File(name.to_owned()));
    let other = patch.clone().or_else(|| side(parsed, "new", "new-string"));
    let Some(other) = document(other.as_ref(), "second") else {
        return code::DATAERR;
    };
    match patch {
        Some(_) => apply(original, &other),
        None => compare(parsed, &original, &other),
    }
}

fn side(parsed: &Parsed, file_option: &str, text_option: &str) -> Option<Source> {
    if parsed.has("stdin") {
        return Some(Source::Stdin);
    }
    let text = parsed
        .value(text_option)
        .map(|text| Source::Text(text.to_owned()));
    text.or_else(|| {
        parsed
            .value(file_option)
            .map(|name| Source::File(name.to_owned()))
    })
}

fn document(source: Option<&Source>, which: &str) -> Option<Document> {
    let problem = match source.map(|source| (source, source.read())) {
        Some((_, Ok(doc))) => return Some(doc),
        Some((source, Err(error))) => Some(format!("{}: {error}", source.name())),
        None => None,
    };
    eprintln!("Could not parse the {which} XML fragment");
    if let Some(problem) = problem {
        eprintln!("{problem}");
    }
    None
}

fn compare(parsed: &Parsed, old: &Document, new: &Document) -> u8 {
    let (a, b) = (old.name(old.root()), new.name(new.root()));
    if a != b {
        eprintln!("<{a}> and <{b}> can't be compared: the root elements have to be the same");
        return code::DATAERR;
    }
    let options = patch::Options {
        as_cib: parsed.has("cib"),
        no_version: parsed.has("no-version"),
    };
    match patch::create(old, new, options) {
        Some(patch) => {
            print!("{}", writer::pretty(&patch, patch.root()));
            code::ERROR
        }
        None => code::OK,
    }
}

fn apply(mut doc: Document, patch: &Document) -> u8 {
    match patch::apply(&mut doc, patch) {
        Ok(()) => {
            print!("{}", writer::pretty(&doc, doc.root()));
            code::OK
        }
        Err(error) => {
            eprintln!("Could not apply patch: {error}");
            error.exit_code()
        }
    }
}
