//! `crmadmin`: the nodes of the cluster, and questions to its controller.
//!
//! Source: Pacemaker 2.1.5, `tools/crmadmin.c`; the installed tool.

use std::process::ExitCode;

use clap::{Arg, Command};

use super::applets::{Applet, Args, Kind};
use super::crm::arguments::{self, with_output};
use super::crm::live::Live;
use super::crm::output::begin_report;
use super::crm::{Line, Output, Session, clock, code};
use crate::cib::Document;
use crate::daemons::crm::protocol::Reply;
use crate::rules;
use crate::rules::iso8601::Time;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "crmadmin",
    summary: "name the nodes of the cluster, and ask its controller",
    kind: Kind::Tool,
    man: "crmadmin(8)",
    command,
    run,
};

fn flag(id: &'static str, short: char, help: &'static str) -> Arg {
    arguments::flag(id, short).help(help)
}

fn value(id: &'static str, name: &'static str, help: &'static str) -> Arg {
    arguments::value(id, name).help(help)
}

fn command() -> Command {
    let nodes = value("nodes", "TYPES", "name nodes: all, cluster, guest, remote");
    let about = "Name the nodes of the cluster, and ask its controller";
    with_output(arguments::command("crmadmin", about))
        .args([
            flag("quiet", 'q', "print the answer alone"),
            nodes.short('N').num_args(0..=1),
            flag("bash-export", 'B', "with --nodes: as commands of a shell"),
            value("status", "NODE", "show the state of a node's controller").short('S'),
            flag("dc_lookup", 'D', "name the elected node"),
            flag("pacemakerd", 'P', "show the state of the daemons"),
            value("timeout", "TIME", "how long to wait for an answer").short('t'),
            value("ipc-name", "NAME", "accepted; it means nothing").short('i'),
        ])
        .after_help(
            "--nodes takes the CIB that the environment names; the others need a cluster.\n\
             Exit status: 0 done; 64 wrong use; 66 there is no CIB; 102 there is no cluster;\n\
             105 there is no such node; 124 there was no answer in time.\n\n\
             Examples:\n  \
             crmadmin -N                  all nodes\n  \
             crmadmin -N=guest,remote     those without a cluster stack\n  \
             crmadmin -qD                 the elected node's name",
        )
}

/// What is printed, in both forms.
enum Answer {
    Nodes(Vec<Node>),
    /// A line, its short form, and the element of XML.
    Told {
        line: String,
        quiet: String,
        element: (&'static str, Vec<(&'static str, String)>),
    },
    Errors(u8, Vec<String>),
}

struct Node {
    kind: &'static str,
    name: String,
    id: String,
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let opened = arguments::parse(command(), &args)
        .and_then(|line| Output::open(&line).map(|output| (line, output)));
    Ok(opened.map_or_else(|code| code, |(line, output)| perform(&line, output)))
}

fn perform(line: &Line, output: Output) -> ExitCode {
    if let Some(time) = line.value("timeout")
        && rules::milliseconds(time).unwrap_or(-1) < 0
    {
        return output.fail("Error parsing option -t", code::USAGE);
    }
    let answer = match line.last(&["nodes", "status", "dc_lookup", "pacemakerd"]) {
        Some("nodes") => nodes(line),
        Some(asked) => of_controller(line, asked),
        None => {
            eprint!(
                "error: Must specify a command option\n{}",
                command().render_help()
            );
            return code::USAGE.into();
        }
    };
    tell(line, output, &answer)
}

/// What a running cluster says of itself.
fn of_controller(line: &Line, asked: &str) -> Answer {
    let connected = Live::open().and_then(|mut live| Some((live.status()?, live)));
    let Some((Reply::Status { dc, .. }, mut live)) = connected else {
        return unconnected(asked);
    };
    if let Some(time) = line.value("timeout") {
        live.wait_at_most(rules::milliseconds(time).unwrap_or(-1));
    }
    match asked {
        "status" => state(&mut live, line.value("status").unwrap_or_default()),
        "pacemakerd" => {
            let date = Time::from_unix(clock::unix_s(), 0).to_string();
            let line =
                format!("Status of pacemakerd: 'Pacemaker is running' (last updated {date})");
            let attrs = vec![("state", "running".to_owned()), ("last_updated", date)];
            told(line, "running".to_owned(), ("pacemakerd", attrs))
        }
        _ => {
            let line = match &dc {
                Some(dc) => format!("Designated Controller is: {dc}"),
                None => "Designated Controller is: not yet elected".to_owned(),
            };
            let dc = dc.unwrap_or_default();
            told(line, dc.clone(), ("dc", vec![("node_name", dc)]))
        }
    }
}

fn told(
    line: String,
    quiet: String,
    element: (&'static str, Vec<(&'static str, String)>),
) -> Answer {
    Answer::Told {
        line,
        quiet,
        element,
    }
}

/// Asks the controller of a node.
fn state(live: &mut Live, node: &str) -> Answer {
    let failed =
        |exit: u8, why: &str| Answer::Errors(exit, vec![format!("error: Command failed: {why}")]);
    match live.state_of(node) {
        Ok(Ok(state)) => {
            let line = format!("Controller on {node} in state {state}: ok");
            let attrs = vec![
                ("node_name", node.to_owned()),
                ("state", state.clone()),
                ("result", "ok".to_owned()),
            ];
            told(line, state, ("crmd", attrs))
        }
        Ok(Err(why)) => failed(code::NOSUCH, &why),
        Err(_) => failed(code::TIMEOUT, "Timer expired"),
    }
}

fn unconnected(asked: &str) -> Answer {
    let daemon = if asked == "pacemakerd" {
        "launcher"
    } else {
        "controller"
    };
    let lines = vec![
        format!("error: Could not connect to {daemon}: Connection refused"),
        "error: Command failed: Connection refused".to_owned(),
    ];
    Answer::Errors(code::DISCONNECT, lines)
}

fn nodes(line: &Line) -> Answer {
    let session = match Session::open() {
        Ok(session) => session,
        Err(error) => {
            let lines = vec!["error: Command failed: Input file not available".to_owned()];
            let lines = lines.into_iter().chain(error.hint()).collect();
            return Answer::Errors(code::NOINPUT, lines);
        }
    };
    let operand = line.operands().first().map(String::as_str);
    let kinds = line.value("nodes").or(operand).unwrap_or("all");
    let kinds = kinds.trim_start_matches('=');
    let wanted = |kind: &str| kinds.split(',').any(|k| k == "all" || k == kind);
    let mut found = configured(session.doc());
    found.retain(|node| wanted(node.kind));
    Answer::Nodes(found)
}

/// Nodes of the cluster, then guests, then remote nodes.
fn configured(doc: &Document) -> Vec<Node> {
    let node = |kind, name: Option<&str>, id: Option<&str>| Node {
        kind,
        name: name.unwrap_or("").to_owned(),
        id: id.unwrap_or("").to_owned(),
    };
    let root = doc.root_element();
    let mut found = Vec::new();
    for member in root
        .find(&["configuration", "nodes"])
        .iter()
        .flat_map(|n| n.children_named("node"))
    {
        if matches!(member.attr("type"), None | Some("member" | "normal")) {
            found.push(node("cluster", member.attr("uname"), member.id()));
        }
    }
    let resources = root.find(&["configuration", "resources"]);
    let all = || resources.iter().flat_map(|r| r.descendants());
    for pair in all().filter(|e| e.attr("name") == Some("remote-node")) {
        let meta = pair.parent().is_some_and(|p| p.name() == "meta_attributes");
        if meta && pair.name() == "nvpair" {
            found.push(node("guest", pair.attr("value"), pair.attr("value")));
        }
    }
    for primitive in all().filter(|e| e.name() == "primitive") {
        let agent = (primitive.attr("provider"), primitive.attr("type"));
        if agent == (Some("pacemaker"), Some("remote")) {
            found.push(node("remote", primitive.id(), primitive.id()));
        }
    }
    found
}

fn tell(line: &Line, mut output: Output, answer: &Answer) -> ExitCode {
    let (exit_code, errors) = match answer {
        Answer::Nodes(_) | Answer::Told { .. } => (code::OK, &[][..]),
        Answer::Errors(code, lines) => (*code, lines.as_slice()),
    };
    if output.is_xml() {
        let mut report = begin_report(&line.request);
        match answer {
            Answer::Nodes(nodes) => {
                report.start("nodes");
                for node in nodes {
                    let element = report.start("node").attr("type", node.kind);
                    element.attr("name", &node.name).attr("id", &node.id).end();
                }
                report.end();
            }
            Answer::Told {
                element: (name, attrs),
                ..
            } => {
                let mut element = report.start(name);
                for (name, value) in attrs {
                    element = element.attr(name, value);
                }
                element.end();
            }
            Answer::Errors(..) => {}
        }
        output.report(report);
    }
    match answer {
        Answer::Nodes(nodes) if nodes.is_empty() => output.text("No nodes configured"),
        Answer::Nodes(nodes) => {
            for Node { kind, name, id } in nodes {
                if line.has("bash-export") {
                    output.text(format_args!("export {name}={id}"));
                } else if line.has("quiet") {
                    output.text(name);
                } else {
                    output.text(format_args!("{kind} node: {name} ({id})"));
                }
            }
        }
        Answer::Told { quiet, .. } if line.has("quiet") => output.text(quiet),
        Answer::Told { line, .. } => output.text(line),
        Answer::Errors(..) => {}
    }
    for error in errors {
        output.error(error);
    }
    output.finish(exit_code)
}
