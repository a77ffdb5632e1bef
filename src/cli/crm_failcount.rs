//! `crm_failcount`: how often a resource failed on a node.
//!
//! Source: Pacemaker 2.1.5, the script of this name.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

use super::applets::{Applet, Args, Kind};
use super::crm::{Session, VERSION_TEXT, code};
use super::getopt_long::{self, Parsed};
use crate::cib::Document;
use crate::rules;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "crm_failcount",
    summary: "show how often a resource failed on a node, or forget it",
    kind: Kind::Tool,
    man: "crm_failcount(8)",
    command,
    run,
};

/// From so many failures on there are too many to count.
const INFINITY: u64 = 1_000_000;

fn command() -> Command {
    let flag = |id: &'static str, help: &'static str| {
        Arg::new(id).long(id).help(help).action(ArgAction::SetTrue)
    };
    let value = |id: &'static str, name: &'static str, help: &'static str| {
        let arg = Arg::new(id).long(id).help(help);
        arg.value_name(name).action(ArgAction::Append)
    };
    Command::new("crm_failcount")
        .about("Show how often a resource failed on a node, or forget it")
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args([
            flag("help", "print this text and exit"),
            flag("version", "print the version and exit"),
            flag("verbose", "say more").short('V'),
            flag("quiet", "print the number only")
                .short('q')
                .short_alias('Q'),
            flag("query", "print the number")
                .short('G')
                .alias("get-value"),
            flag("delete", "forget the failures")
                .short('D')
                .alias("delete-attr"),
            value("resource", "ID", "the resource")
                .short('r')
                .alias("resource-id"),
            value("operation", "NAME", "failures of this operation only").short('n'),
            value("interval", "DURATION", "the interval of the operation").short('I'),
            value("node", "NAME", "the node")
                .short('N')
                .alias("uname")
                .short_alias('U'),
        ])
        .after_help(
            "Examples:\n  \
             crm_failcount --query --resource web --node a\n  \
             crm_failcount --delete --resource web --node a",
        )
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let parsed = getopt_long::parse(&command(), &args);
    if parsed.has("help") {
        print!("{}", command().render_help());
        return Ok(code::OK.into());
    }
    if parsed.has("version") {
        println!("{VERSION_TEXT}");
        return Ok(code::OK.into());
    }
    let missing = |what: &str| Ok(usage(&format!("error: {what}")));
    if let Some(fault) = parsed.faults.first() {
        return Ok(usage(fault));
    }
    let mut commands = parsed.options.iter().rev().map(|(id, _)| id.as_str());
    let Some(command) = commands.find(|id| matches!(*id, "query" | "delete")) else {
        return missing("must specify a command");
    };
    let Some(resource) = parsed.value("resource") else {
        return missing("resource name required");
    };
    let Some(node) = parsed.value("node") else {
        return missing("node name required");
    };
    match command {
        "query" => Ok(query(&parsed, resource, node)),
        _ => super::crm_resource::run(cleanup(&parsed, resource, node)),
    }
}

fn usage(why: &str) -> ExitCode {
    eprintln!("{why}");
    println!("\n{}", command().render_usage());
    code::USAGE.into()
}

fn interval_ms(parsed: &Parsed) -> u32 {
    parsed
        .value("interval")
        .map_or(0, |text| rules::interval_ms(text).unwrap_or(0))
}

/// The command line of crm_resource that forgets the failures.
fn cleanup(parsed: &Parsed, resource: &str, node: &str) -> Args {
    let mut args = vec!["--cleanup".to_owned(), "-N".into(), node.into()];
    args.extend(["-r".to_owned(), resource.to_owned()]);
    if parsed.has("quiet") {
        args.push("--quiet".into());
    }
    if let Some(operation) = parsed.value("operation") {
        let interval = format!("{}ms", interval_ms(parsed));
        args.extend(["-n".into(), operation.to_owned(), "-I".into(), interval]);
    }
    args.into_iter().map(Into::into).collect()
}

fn query(parsed: &Parsed, resource: &str, node: &str) -> ExitCode {
    let session = match Session::open() {
        Ok(session) => session,
        Err(error) => {
            eprintln!("error: could not query CIB for fail counts");
            return error.exit_code().into();
        }
    };
    let whole = format!("fail-count-{resource}");
    let (mut name, mut count) = match parsed.value("operation") {
        Some(operation) => {
            let name = format!("{whole}#{operation}_{}", interval_ms(parsed));
            let count = counted(session.doc(), node, |of| of == name);
            (name, count)
        }
        None => {
            let prefix = format!("{whole}#");
            let count = counted(session.doc(), node, |of| of.starts_with(&prefix));
            (whole.clone(), count)
        }
    };
    if count == 0 {
        // Before 1.1.17 there was one number for all operations.
        count = counted(session.doc(), node, |of| of == whole);
        if count > 0 {
            name = whole;
        }
    }
    // Scripts know the empty value of a node that isn't there.
    let known = super::crm_attribute::node_id(session.doc(), node).is_some();
    if !known {
        eprintln!("crm_attribute: Could not map name={node} to a UUID");
    }
    let count = match count {
        _ if !known => String::new(),
        INFINITY.. => "INFINITY".to_owned(),
        count => count.to_string(),
    };
    match parsed.has("quiet") {
        true => println!("{count}"),
        false => println!("scope=status  name={name} value={count}"),
    }
    code::OK.into()
}

/// The sum of a node's attributes whose names are meant.
fn counted(doc: &Document, node: &str, meant: impl Fn(&str) -> bool) -> u64 {
    let states = doc.root_element().child("status");
    let states = states
        .into_iter()
        .flat_map(|status| status.children_named("node_state"));
    let state = states.filter(|state| state.attr("uname") == Some(node));
    let held = state.flat_map(|state| state.children_named("transient_attributes"));
    let pairs = held
        .flat_map(|held| held.descendants())
        .filter(|e| e.name() == "nvpair");
    let counts = pairs.filter(|pair| pair.attr("name").is_some_and(&meant));
    counts.fold(0, |sum, pair| {
        let count = match pair.attr("value") {
            Some("INFINITY") => INFINITY,
            value => value.and_then(|value| value.parse().ok()).unwrap_or(0),
        };
        sum.saturating_add(count)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_all_operations_are_added_up() {
        let pair = |name: &str, value: &str| {
            format!("<nvpair id=\"{name}\" name=\"fail-count-{name}\" value=\"{value}\"/>")
        };
        let text = format!(
            "<cib><status><node_state uname=\"a\"><transient_attributes id=\"a\">\
             <instance_attributes id=\"i\">{}{}{}</instance_attributes>\
             </transient_attributes></node_state></status></cib>",
            pair("web#start_0", "2"),
            pair("web#monitor_10000", "3"),
            pair("db#stop_0", "INFINITY"),
        );
        let doc = crate::cib::read(&text).unwrap();
        let of = |prefix: &str| counted(&doc, "a", |name| name.starts_with(prefix));
        assert_eq!(of("fail-count-web#"), 5);
        assert_eq!(of("fail-count-db#"), INFINITY);
        assert_eq!(counted(&doc, "b", |_| true), 0);
    }
}
