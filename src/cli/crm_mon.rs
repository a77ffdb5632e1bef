//! `crm_mon`: the status of the cluster.
//!
//! ```text
//!  options --Request--> Show, Form     CIB --scheduler::read--> Cluster
//!  Cluster, Show --scheduler::report--> text, HTML, XML --> standard output or a file
//! ```
//!
//! Source: Pacemaker 2.1.5, `tools/crm_mon.c`; the installed tool.

pub(super) mod frame;
mod options;
mod request;
mod sections;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use super::applets::{Applet, Args, Kind};
use super::crm::{self, Session, clock, code, exit, session::ConnectError};
use super::getopt_long::{self, Parsed};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::report::{self, Section, Times};
use crate::scheduler::{self, unpack::expand};
use request::{Form, Request};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "crm_mon",
    summary: "show the status of the cluster",
    kind: Kind::Tool,
    man: "crm_mon(8)",
    command: options::command,
    run,
};

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let called = frame::request("crm_mon", &args);
    let parsed = getopt_long::parse_glib(&options::command(), &args);
    Ok(exit(perform(&parsed, &called)))
}

fn perform(parsed: &Parsed, called: &str) -> u8 {
    if parsed.has("help") || parsed.has("help-all") {
        print!("{}", options::command().render_help());
        return code::OK;
    }
    if let Some(fault) = parsed.faults.first() {
        eprintln!("{fault}");
        return code::USAGE;
    }
    if parsed.has("version") {
        println!("{}", crm::VERSION_TEXT);
        return code::OK;
    }
    let request = match Request::of(parsed) {
        Ok(request) => request,
        Err(text) => {
            eprint!("{}\n\ncrm_mon: {text}\n", options::command().render_help());
            return code::USAGE;
        }
    };
    loop {
        let done = show(&request, called);
        let waiting = request.interval.filter(|_| done == code::OK);
        let Some(interval) = waiting else {
            return done;
        };
        std::thread::sleep(Duration::from_millis(interval.into()));
    }
}

/// Shows the status once; the exit code.
fn show(request: &Request, called: &str) -> u8 {
    let session = match Session::open() {
        Ok(session) => session,
        Err(error) => return unconnected(request, called, &error),
    };
    let doc = match session.readable() {
        Ok(doc) => doc,
        Err(error) => {
            eprintln!("crm_mon: {error}");
            return code::INSUFFICIENT_PRIV;
        }
    };
    if doc.root_element().attr("validate-with") == Some("none") {
        eprintln!(
            "Schema validation of configuration is disabled (enabling is encouraged and prevents \
             common misconfigurations)"
        );
    }
    let input = expand::expand(&doc);
    let clock = clock::clock();
    let mut cluster = scheduler::read(&input, clock);
    if request.show.has(Section::Bans) || request.show.has(Section::Tickets) {
        cluster.read_bans();
    }
    let text = render(request, called, &mut cluster, clock.unix_s);
    if request.form != Form::Xml && request.form != Form::OldXml {
        warn_of_fencing(&cluster);
    }
    write(request, &text)
}

fn render(request: &Request, called: &str, cluster: &mut Cluster<'_>, now: i64) -> String {
    let mut show = request.show.clone();
    show.nodes = request.node.as_deref().map(|name| cluster.nodes_for(name));
    show.resources = request
        .resource
        .as_deref()
        .map(|name| cluster.resources_for(name));
    let times = Times {
        ctime: &frame::ctime,
        iso: &frame::iso,
        now,
    };
    match request.form {
        Form::Simple => simple(cluster),
        Form::Text => report::page(cluster, &show, &times).text(),
        Form::Html => frame::html(request, report::page(cluster, &show, &times).html()),
        Form::Xml | Form::OldXml => {
            let mut out = frame::xml(request.form, called);
            report::xml(cluster, &show, &times, &mut out);
            frame::finish(request.form, out, code::OK, &[])
        }
    }
}

/// One line, as monitoring systems want it.
fn simple(cluster: &Cluster<'_>) -> String {
    let count = |test: &dyn Fn(&scheduler::model::Node) -> bool| {
        cluster
            .node_order
            .iter()
            .filter(|&&n| test(&cluster.nodes[n]))
            .count()
    };
    let offline = cluster.node_order.iter().map(|&n| &cluster.nodes[n]);
    let offline: Vec<String> = offline
        .filter(|n| !n.online)
        .map(|n| format!("offline node: {}", n.name))
        .collect();
    if cluster.dc.is_none() || !offline.is_empty() {
        let comma = if offline.is_empty() { "" } else { ", " };
        let dc = match cluster.dc {
            None => format!("No DC{comma}"),
            Some(_) => String::new(),
        };
        return format!("CLUSTER WARN: {dc}{}\n", offline.join(" "));
    }
    let s = |count: usize| if count == 1 { "" } else { "s" };
    let standby = count(&|n| n.standby && n.online);
    let maintenance = count(&|n| !n.standby && n.maintenance && n.online);
    let online = count(&|n| n.online) - standby - maintenance;
    let mut text = format!("CLUSTER OK: {online} node{} online", s(online));
    for (number, what) in [(standby, "standby"), (maintenance, "maintenance")] {
        if number > 0 {
            text.push_str(&format!(", {number} {what} node{}", s(number)));
        }
    }
    let all = cluster.counts().all;
    format!("{text}, {all} resource instance{} configured\n", s(all))
}

/// Says on standard error, where no parser looks, why nothing starts.
fn warn_of_fencing(cluster: &Cluster<'_>) {
    let any = |test: &dyn Fn(&scheduler::model::Resource<'_>) -> bool| {
        let all = cluster.top.iter().flat_map(|&top| cluster.primitives(top));
        all.into_iter().any(|r| test(&cluster.resources[r]))
    };
    let stuck = cluster.options.stonith_enabled
        && !cluster.has_fence_device
        && any(&|_| true)
        && !any(&|r| !r.running_on.is_empty());
    if stuck {
        eprintln!(
            "crm_mon: nothing starts: fencing is required (stonith-enabled is true, or not set) \
             and no fence device is configured. Add one (a primitive of class stonith), or set \
             the property stonith-enabled=false if no data can be damaged by two nodes at once."
        );
    }
}

fn unconnected(request: &Request, called: &str, error: &ConnectError) -> u8 {
    let (lines, exit_code) = match error {
        ConnectError::NotConnected => {
            let name = match request.form {
                Form::Simple => "crm_mon: CLUSTER CRIT: ",
                _ => "crm_mon: ",
            };
            let text = "Connection to cluster failed: Connection refused";
            let lines = vec![
                "error: Could not connect to launcher: Connection refused".to_owned(),
                format!("{name}{text}"),
            ];
            let simple = request.form == Form::Simple;
            (lines, if simple { 2 } else { code::DISCONNECT })
        }
        other => {
            let mut lines = vec![format!("Could not connect to the CIB: {other}")];
            lines.extend(other.hint());
            (lines, code::OK)
        }
    };
    if matches!(request.form, Form::Xml | Form::OldXml) {
        let out = frame::xml(request.form, called);
        let text = frame::finish(request.form, out, exit_code, &lines);
        write(request, &text);
    } else {
        for line in lines {
            eprintln!("{line}");
        }
    }
    exit_code
}

fn write(request: &Request, text: &str) -> u8 {
    let written = match &request.to {
        Some(path) => std::fs::write(path, text).map_err(|error| format!("{path}: {error}")),
        None => {
            let mut out = std::io::stdout().lock();
            let done = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            done.map_err(|error| error.to_string())
        }
    };
    match written {
        Ok(()) => code::OK,
        Err(text) => {
            eprintln!("crm_mon: {text}");
            code::CANTCREAT
        }
    }
}
