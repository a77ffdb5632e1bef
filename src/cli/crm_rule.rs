//! `crm_rule`: whether a rule with a date is in effect.
//!
//! Source: Pacemaker 2.1.5, `tools/crm_rule.c`, `lib/pacemaker/pcmk_rule.c`; the installed tool.

use std::process::ExitCode;

use clap::Command;

use super::applets::{self, Applet, Kind};
use super::crm::arguments::{self, flag, value, with_output};
use super::crm::{Line, Output, Session, clock::clock, code};
use crate::cib::{Document, Element};
use crate::rules::iso8601::{Clock, Time};
use crate::rules::{InRange, NextChange, evaluate_date};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "crm_rule",
    summary: "say whether a rule with a date is in effect",
    kind: Kind::Tool,
    man: "crm_rule(8)",
    command,
    run,
};

fn command() -> Command {
    with_output(arguments::command(
        "crm_rule",
        "Say whether rules with a date are in effect",
    ))
    .arg(flag("check", 'c').help("say whether the rule is in effect: the one thing it does"))
    .arg(
        value("xml-text", "XML")
            .short('X')
            .help("the CIB, instead of the cluster's; - reads it from standard input"),
    )
    .arg(
        value("date", "DATE")
            .short('d')
            .help("at this date instead of now"),
    )
    .arg(
        value("rule", "ID")
            .short('r')
            .help("the rule; it may be given several times"),
    )
    .after_help(
        "Examples:\n  \
         crm_rule --check --rule night\n  \
         crm_rule --check --rule night --date '2026-12-24 22:00'\n\n\
         Exits with 0 if the rule is in effect, 110 if it is expired, 111 if it is still to come.",
    )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let opened = arguments::parse(command(), &args)
        .and_then(|line| Output::open(&line).map(|output| (line, output)));
    Ok(opened.map_or_else(|code| code, |(line, output)| check(&line, output)))
}

fn check(line: &Line, mut output: Output) -> ExitCode {
    let rules = line.values("rule");
    if !line.has("check") {
        return output.fail("No mode operation given", code::USAGE);
    }
    if rules.is_empty() {
        return output.fail("--check requires use of --rule=", code::USAGE);
    }
    let clock = clock();
    let now = match line
        .value("date")
        .map(|text| (text, Time::parse(text.as_bytes(), clock)))
    {
        None => clock.now(),
        Some((_, Ok(time))) => time,
        Some((text, Err(error))) => {
            line.log_error(error.function(), &error);
            let text = format!("Invalid date specified: '{text}'");
            return output.fail(text, code::DATAERR);
        }
    };
    let doc = match document(line) {
        Ok(doc) => doc,
        Err(Missing::Cib) => {
            output.error("CIB query failed: Input file not available");
            return output.finish(code::NOINPUT);
        }
        Err(Missing::Xml(text)) => return output.fail(text, code::DATAERR),
    };
    let mut exit = code::OK;
    for id in rules {
        exit = report(&mut output, id, verdict(&doc, id, now, clock));
    }
    output.finish(exit)
}

/// Why there is no document.
enum Missing {
    /// The cluster or the file doesn't give it.
    Cib,
    /// What was given can't be read.
    Xml(String),
}

fn document(line: &Line) -> Result<Document, Missing> {
    match line.value("xml-text") {
        Some("-") => crate::cib::read_bytes(stdin().map_err(|_| unreadable_stdin())?)
            .map_err(|_| unreadable_stdin()),
        Some(text) => crate::cib::read(text)
            .map_err(|_| Missing::Xml(format!("Couldn't parse input string: {text}\n"))),
        None => Session::open()
            .map(|session| session.doc().clone())
            .map_err(|_| Missing::Cib),
    }
}

fn unreadable_stdin() -> Missing {
    Missing::Xml("Couldn't parse input from STDIN\n".to_owned())
}

fn stdin() -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let limit = crate::limits::CIB_BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(limit)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where now is by the rule's date, or why that can't be said.
type Verdict = Result<InRange, (&'static str, u8)>;

fn verdict(doc: &Document, id: &str, now: Time, clock: Clock) -> Verdict {
    let rules: Vec<Element> = doc
        .root_element()
        .descendants()
        .filter(|element| element.name() == "rule" && element.id() == Some(id))
        .collect();
    let rule = match rules.as_slice() {
        [] => return Err(("Rule not found", code::NOSUCH)),
        [rule] => rule,
        _ => return Err(("Found more than one rule with matching ID", code::ERROR)),
    };
    let dates: Vec<Element> = rule
        .descendants()
        .filter(|element| element.name() == "date_expression")
        .collect();
    let unsupported = |why| Err((why, code::UNIMPLEMENTED));
    let date = match dates.as_slice() {
        [] => return unsupported("Rule does not have a date expression"),
        [date] => *date,
        _ => return unsupported("Rule has more than one date expression"),
    };
    if !supported(date) {
        return unsupported(
            "Rule must either not use date_spec, or use date_spec with years= but not moon=",
        );
    }
    match evaluate_date(date, now, clock, &mut NextChange::default()) {
        InRange::Undetermined => Err(("Error parsing rule", code::INDETERMINATE)),
        place => Ok(place),
    }
}

/// Of a `date_spec` it can only be said whether it is over if it has years and no moon.
fn supported(date: Element) -> bool {
    match date.attr("operation") {
        None => false,
        Some("date_spec") => {
            let mut specs = date.children_named("date_spec");
            specs.clone().any(|spec| spec.attr("years").is_some())
                && !specs.any(|spec| spec.attr("moon").is_some())
        }
        Some(_) => true,
    }
}

fn report(output: &mut Output, id: &str, verdict: Verdict) -> u8 {
    let (text, exit) = match verdict {
        Ok(InRange::Within) => ("is still in effect", code::OK),
        Ok(InRange::Satisfied | InRange::Undetermined) => ("satisfies conditions", code::OK),
        Ok(InRange::After) => ("is expired", code::EXPIRED),
        Ok(InRange::Before) => ("has not yet taken effect", code::NOT_YET_IN_EFFECT),
        Err((why, exit)) => {
            output.error(format!(
                "Could not determine whether rule {id} is in effect: {why}"
            ));
            ("", exit)
        }
    };
    if !text.is_empty() {
        output.text(format_args!("Rule {id} {text}"));
    }
    let code = exit.to_string();
    output.element("rule-check", &[("rule-id", id), ("rc", &code)]);
    exit
}
