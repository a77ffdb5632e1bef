//! The status of one moment: read, put into a form, written.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::frame;
use super::request::{Form, Request};
use crate::cib::Error;
use crate::cli::crm::{Session, clock, code, fence_history, session::ConnectError};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::report::page::Page;
use crate::scheduler::report::{self, FenceEvent, Section, Show, Times};
use crate::scheduler::{self, unpack::expand};

/// Shows the status once; the exit code.
pub(super) fn show(request: &Request, called: &str) -> u8 {
    let mut session = match Session::open() {
        Ok(session) => session,
        Err(error) => return unconnected(request, called, &error),
    };
    match moment(request, called, &mut session) {
        Ok(moment) => {
            moment.notes.iter().for_each(|note| eprintln!("{note}"));
            write(request, &moment.text)
        }
        Err(error) => {
            eprintln!("crm_mon: {error}");
            code::INSUFFICIENT_PRIV
        }
    }
}

/// What the status is, in the form that is asked for, and what is to be said beside it.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) text: String,
    /// For standard error, where no parser looks.
    pub(super) notes: Vec<String>,
}

/// The status.
///
/// Errors: the user may read nothing.
pub(super) fn moment(
    request: &Request,
    called: &str,
    session: &mut Session,
) -> Result<Moment, Error> {
    let fencing = match request.shows_fencing() {
        true => fencing(session)?,
        false => Vec::new(),
    };
    let doc = session.readable()?;
    let mut notes = Vec::new();
    if doc.root_element().attr("validate-with") == Some("none") {
        notes.push(
            "Schema validation of configuration is disabled (enabling is encouraged and prevents \
             common misconfigurations)"
                .to_owned(),
        );
    }
    let input = expand::expand(&doc);
    let clock = clock::clock();
    let mut cluster = scheduler::read(&input, clock);
    if request.show.has(Section::Bans) || request.show.has(Section::Tickets) {
        cluster.read_bans();
    }
    let text = render(request, called, &mut cluster, (clock.unix_s, &fencing));
    if request.form != Form::Xml && request.form != Form::OldXml {
        notes.extend(want_of_fencing(&cluster));
    }
    Ok(Moment { text, notes })
}

/// What was fenced; nothing of a file. A daemon that was started before the program was renewed
/// may not know the question.
pub(super) fn fencing(session: &mut Session) -> Result<Vec<FenceEvent>, Error> {
    let Some(live) = session.live() else {
        return Ok(Vec::new());
    };
    let told = fence_history::history(live, None, false);
    Ok(told.map_err(|_| Error::NotConnected)?.unwrap_or_default())
}

fn render(
    request: &Request,
    called: &str,
    cluster: &mut Cluster<'_>,
    (now, fencing): (i64, &[FenceEvent]),
) -> String {
    let mut show = request.show.clone();
    show.nodes = request.node.as_deref().map(|name| cluster.nodes_for(name));
    show.resources = request
        .resource
        .as_deref()
        .map(|name| cluster.resources_for(name));
    let times = Times {
        ctime: &clock::ctime,
        iso: &clock::iso,
        now,
    };
    match request.form {
        Form::Simple => simple(cluster),
        Form::Text => {
            let page = report::page(cluster, &show, &times, fencing);
            request.era.text(page, failures(cluster, &show, &times))
        }
        Form::Html => {
            let page = report::page(cluster, &show, &times, fencing);
            frame::html(request, page.html())
        }
        Form::Xml | Form::OldXml => {
            let mut out = frame::xml(request.form, called);
            report::xml(cluster, &show, &times, (fencing, &mut out));
            frame::finish(request.form, out, code::OK, &[])
        }
    }
}

/// All that is known of failures.
fn failures(cluster: &mut Cluster<'_>, show: &Show, times: &Times<'_>) -> Page {
    let mut show = show.clone();
    show.sections
        .retain(|section| *section == Section::Failures);
    show.detail = true;
    report::page(cluster, &show, times, &[])
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

/// Why nothing starts, if that is for want of a fence device.
fn want_of_fencing(cluster: &Cluster<'_>) -> Option<String> {
    let any = |test: &dyn Fn(&scheduler::model::Resource<'_>) -> bool| {
        let all = cluster.top.iter().flat_map(|&top| cluster.primitives(top));
        all.into_iter().any(|r| test(&cluster.resources[r]))
    };
    let stuck = cluster.options.stonith_enabled
        && !cluster.has_fence_device
        && any(&|_| true)
        && !any(&|r| !r.running_on.is_empty());
    stuck.then(|| {
        "crm_mon: nothing starts: fencing is required (stonith-enabled is true, or not set) and \
         no fence device is configured. Add one (a primitive of class stonith), or set the \
         property stonith-enabled=false if no data can be damaged by two nodes at once."
            .to_owned()
    })
}

/// Says why there is no CIB; the exit code.
pub(super) fn unconnected(request: &Request, called: &str, error: &ConnectError) -> u8 {
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

/// Writes the status where it is to go; the exit code.
pub(super) fn write(request: &Request, text: &str) -> u8 {
    let written = match &request.to {
        Some(path) => replace(path, text).map_err(|error| format!("{path}: {error}")),
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

/// Puts a text in place of a file: who reads meanwhile sees the old one or the new one. What is
/// no plain file is written to.
fn replace(path: &str, text: &str) -> std::io::Result<()> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let before = std::fs::metadata(&path);
    if before.as_ref().is_ok_and(|before| !before.is_file()) {
        return std::fs::write(&path, text);
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut new = tempfile::Builder::new()
        .prefix(".crm_mon.")
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    new.write_all(text.as_bytes())?;
    let mode = before.map_or(0o644, |before| before.permissions().mode());
    new.as_file()
        .set_permissions(PermissionsExt::from_mode(mode))?;
    new.persist(&path).map_err(|failed| failed.error)?;
    Ok(())
}
