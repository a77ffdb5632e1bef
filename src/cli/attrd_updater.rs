//! `attrd_updater`: transient attributes of nodes, as resource agents set them.
//!
//! Source: Pacemaker 2.1.5, `tools/attrd_updater.c`; the installed tool beside a running cluster.

use std::process::ExitCode;

use clap::Command;

use super::applets::{self, Applet, Kind};
use super::crm::arguments::{self, flag, value, with_output};
use super::crm::live::Live;
use super::crm::{Line, Output, code};
use crate::daemons::crm::protocol::{Reply, Request};
use crate::rules::milliseconds;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "attrd_updater",
    summary: "set and show transient attributes of nodes",
    kind: Kind::Tool,
    man: "attrd_updater(8)",
    command,
    run,
};

/// What can be done; the last one on the command line counts.
const COMMANDS: [&str; 6] = [
    "update",
    "update-both",
    "update-delay",
    "query",
    "delete",
    "refresh",
];

/// An agent in a container finds there how its attributes are attached.
/// Source: Pacemaker 2.1.5, `pcmk__node_attr_target`.
const TARGET: &str = "CRM_meta_container_attribute_target";
/// The host that the container is on.
const PHYSICAL_HOST: &str = "CRM_meta_physical_host";
/// The node that an agent's resource is on, where that isn't the one that it runs on.
const ON_NODE: &str = "OCF_RESKEY_CRM_meta_on_node";

fn command() -> Command {
    let update = value("update", "VALUE").short('U').short_alias('v');
    let both = value("update-both", "VALUE").short('B');
    with_output(arguments::command(
        "attrd_updater",
        "Set and show transient attributes of nodes",
    ))
    .arg(value("name", "NAME").short('n').help("the attribute"))
    .arg(update.help("set the value; value++ and value+=N count from the old one"))
    .arg(both.help("set the value, and how long writing waits; needs --delay"))
    .arg(flag("update-delay", 'Y').help("set how long writing waits; needs --delay"))
    .arg(flag("query", 'Q').help("show the values: done if nothing else is asked for"))
    .arg(flag("delete", 'D').help("remove the value"))
    .arg(flag("refresh", 'R').help("write all values of all nodes to the CIB anew"))
    .arg(
        value("delay", "SECONDS")
            .short('d')
            .help("how long writing to the CIB waits for more changes, 0 at first: 5, 5s, 1min"),
    )
    .arg(
        value("set", "SET")
            .short('s')
            .help("set of the CIB that a new attribute is in"),
    )
    .arg(
        value("node", "NODE")
            .short('N')
            .help("the node, instead of this one"),
    )
    .arg(flag("all", 'A').help("with --query and --node: the values of all nodes"))
    .arg(
        value("lifetime", "SECTION")
            .short('l')
            .help("taken, and without effect"),
    )
    .arg(flag("private", 'p').help("a new attribute is never written to the CIB"))
    .arg(flag("quiet", 'q').hide(true))
    .arg(value("section", "SECTION").short('S').hide(true))
    .after_help(
        "Exit status: 0 done; 64 wrong use; 78 there is no such attribute; 102 there is no \
         cluster.\n\n\
         Examples:\n  \
         attrd_updater -n pingd -B 100 -d 5s    set it, and let 5 s pass for more changes\n  \
         attrd_updater -n pingd -Q              its values on all nodes\n  \
         attrd_updater -n pingd -D -N web1      remove it on a node",
    )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let opened = arguments::parse(command(), &args)
        .and_then(|line| Output::open(&line).map(|output| (line, output)));
    Ok(opened.map_or_else(|code| code, |(line, output)| perform(&line, output)))
}

fn perform(line: &Line, output: Output) -> ExitCode {
    let asked = line.last(&COMMANDS).unwrap_or("query");
    match (asked, line.value("name")) {
        ("refresh", name) => change(line, output, asked, name),
        (_, None) => output.fail("Command requires --name argument", code::USAGE),
        ("query", Some(name)) => query(line, output, name),
        (_, name) => change(line, output, asked, name),
    }
}

/// The node that is meant: none for the local one, all in a query.
fn node(given: Option<&str>) -> Option<String> {
    let named = |name: &&str| !matches!(*name, "" | "auto" | "localhost");
    if let Some(name) = given.filter(named) {
        return Some(name.to_owned());
    }
    let variable = |name| std::env::var(name).ok();
    let on_host = variable(TARGET).is_some_and(|target| target.eq_ignore_ascii_case("host"));
    let physical = variable(PHYSICAL_HOST).filter(|_| on_host);
    physical.or_else(|| variable(ON_NODE))
}

fn query(line: &Line, mut output: Output, name: &str) -> ExitCode {
    let Some(mut live) = Live::open() else {
        return output.fail(
            "Could not connect to attrd: Connection refused",
            code::DISCONNECT,
        );
    };
    let given = line.value("node").filter(|_| !line.has("all"));
    let node = node(given).or_else(|| given.map(|_| String::new()));
    let reply = live.ask(|number| Request::Values {
        number,
        name: name.to_owned(),
        node,
    });
    let because = |why: &str| format!("Could not query value of {name}: {why}");
    match reply {
        Ok(Reply::Values {
            values: Some(values),
            ..
        }) => {
            for (host, value) in &values {
                output.text(format_args!(
                    "name=\"{name}\" host=\"{host}\" value=\"{value}\""
                ));
                let attrs = [("name", name), ("value", value.as_str()), ("host", host)];
                output.element("attribute", &attrs);
            }
            output.finish(code::OK)
        }
        Ok(Reply::Values { values: None, .. }) => {
            output.fail(because("attribute does not exist"), code::CONFIG)
        }
        Ok(Reply::Refused { why, .. }) => output.fail(because(&why), code::INSUFFICIENT_PRIV),
        Ok(_) => output.fail(because("the daemon gave another answer"), code::PROTOCOL),
        Err(error) => output.fail(because(&error.to_string()), code::DISCONNECT),
    }
}

fn change(line: &Line, mut output: Output, asked: &str, name: Option<&str>) -> ExitCode {
    let value = match asked {
        "update" | "update-both" => line.value(asked),
        _ => None,
    };
    let because = |why: &str| {
        let [name, value] = [name, value].map(|text| text.unwrap_or("(null)"));
        format!("Could not update {name}={value}: {why}")
    };
    let delay = line.value("delay").map(milliseconds);
    let letter = match asked {
        "update-both" => Some('B'),
        "update-delay" => Some('Y'),
        _ => None,
    };
    if let (Some(letter), None) = (letter, &delay) {
        output.text(format_args!(
            "Warning: '{letter}' command given without required --delay"
        ));
    }
    let Some(mut live) = Live::open() else {
        let function = "connect_and_send_attrd_request";
        line.log_error(function, "Could not connect to attrd: Connection refused");
        return output.fail(because("Connection refused (111)"), code::DISCONNECT);
    };
    let delay_ms = match delay {
        Some(Ok(ms)) => u64::try_from(ms).ok(),
        Some(Err(error)) => {
            eprintln!("attrd_updater: --delay: {error}");
            None
        }
        None => None,
    };
    // The original's daemon does nothing then either.
    if letter.is_some() && delay_ms.is_none() {
        return output.finish(code::OK);
    }
    let task = match asked {
        "update-both" => "both",
        "update-delay" => "delay",
        "refresh" => "refresh",
        _ => "update",
    };
    let reply = live.ask(|number| Request::Attribute {
        number,
        task: task.to_owned(),
        name: name.unwrap_or_default().to_owned(),
        node: node(line.value("node")),
        value: value.map(str::to_owned),
        dampening_ms: delay_ms.unwrap_or(0),
        private: line.has("private"),
        set: line.value("set").map(str::to_owned),
    });
    match reply {
        Ok(Reply::Done { .. }) => output.finish(code::OK),
        Ok(Reply::Refused { why, .. }) => output.fail(because(&why), code::INSUFFICIENT_PRIV),
        Ok(_) => output.fail(because("the daemon gave another answer"), code::PROTOCOL),
        Err(error) => output.fail(because(&error.to_string()), code::DISCONNECT),
    }
}
