//! A report as text.

use anstyle::Style;

use super::age;
use super::table::{BAD, BOLD, Cell, GOOD, PLAIN, WARN, cell, render};
use crate::cli::members;
use crate::daemons::report::{GroupReport, LinkReport, NodeReport, Report};

/// The whole picture; `now_s` is the time of the drawing.
pub fn report(report: &Report, now_s: u64) -> String {
    let mut text = head(report, now_s);
    for reason in &report.waiting_for {
        text += &render(&[vec![cell(WARN, "waiting"), cell(PLAIN, reason)]], 0);
    }
    if let Some(membership) = &report.membership {
        let style = if membership.quorum { PLAIN } else { WARN };
        text += &render(&[vec![cell(style, members::headline(membership))]], 0);
    }
    text.push('\n');
    text += &nodes(report, now_s);
    if !report.groups.is_empty() {
        let rows = report.groups.iter().flat_map(|g| group(g, now_s));
        text.push('\n');
        text += &render(&rows.collect::<Vec<_>>(), 0);
    }
    text
}

fn head(report: &Report, now_s: u64) -> String {
    let Report {
        host,
        version,
        local_status,
        cluster,
        ..
    } = report;
    let mut line = vec![
        cell(BOLD, host),
        cell(status_style(local_status), local_status),
        cell(PLAIN, software(version)),
    ];
    if report.pid != 0 {
        line.push(cell(PLAIN, format!("pid {}", report.pid)));
    }
    if report.since_unix != 0 {
        line.push(cell(PLAIN, age::since(report.since_unix, now_s)));
    }
    if !cluster.is_empty() {
        line.push(cell(PLAIN, format!("cluster {cluster}")));
    }
    if !report.resources_held.is_empty() {
        line.push(cell(PLAIN, format!("holds {}", report.resources_held)));
    }
    render(&[line], 0)
}

/// everbeat gives its number only.
fn software(version: &str) -> String {
    if version.starts_with(|c: char| c.is_ascii_digit()) {
        format!("everbeat {version}")
    } else {
        version.to_owned()
    }
}

/// Each node a line, its media under it; all in the same columns.
fn nodes(report: &Report, now_s: u64) -> String {
    let mut rows = Vec::new();
    for one in &report.nodes {
        rows.push(node(one, one.name == report.host, now_s));
        rows.extend(one.links.iter().map(link));
    }
    render(&rows, 0)
}

fn node(node: &NodeReport, own: bool, now_s: u64) -> Vec<Cell> {
    let mut notes = Vec::new();
    if own {
        notes.push("this node".to_owned());
    }
    if node.kind == "ping" {
        notes.push("ping node".to_owned());
    } else if !node.software.is_empty() {
        notes.push(node.software.clone());
    }
    if let Some(holds) = node.holds.as_deref().filter(|_| !own) {
        notes.push(format!("holds {holds}"));
    }
    if let Some(since) = node.status_since_unix {
        notes.push(age::since(since, now_s));
    }
    let silent = match (node.last_heard_ms, node.dead_after_ms) {
        _ if own => cell(PLAIN, ""),
        // A real heartbeat's API doesn't tell when.
        (None, _) if node.status == "init" => cell(PLAIN, "never heard"),
        (None, _) => cell(PLAIN, ""),
        (Some(ms), limit) => {
            let worrying = limit.is_some_and(|limit| ms > limit / 2);
            let style = if worrying { WARN } else { PLAIN };
            cell(style, format!("heard {} ago", age::span(ms)))
        }
    };
    vec![
        cell(BOLD, &node.name),
        cell(status_style(&node.status), &node.status),
        silent,
        cell(PLAIN, notes.join(", ")),
    ]
}

fn link(link: &LinkReport) -> Vec<Cell> {
    let state = if link.up {
        cell(GOOD, "up")
    } else {
        cell(BAD, "dead")
    };
    let heard = match (link.last_heard_ms, link.late_ms) {
        (None, _) => cell(PLAIN, ""),
        // A heartbeat is a little late always; a whole one that is missing is worth a word.
        (Some(ms), late) if late.saturating_mul(2) < ms.max(1) => {
            cell(PLAIN, format!("heard {} ago", age::span(ms)))
        }
        (Some(ms), late) => {
            let late = age::span(late);
            cell(WARN, format!("heard {} ago, {late} late", age::span(ms)))
        }
    };
    let name = format!("  {} {}", link.name, link.medium);
    vec![cell(PLAIN, name.trim_end()), state, heard]
}

/// Key, holder, state and reason; the other resources of the group under it.
fn group(group: &GroupReport, now_s: u64) -> Vec<Vec<Cell>> {
    let holder = match group.holders.as_slice() {
        [] => match &group.holder {
            Some(holder) => cell(BOLD, holder),
            None if group.state == "unknown" => cell(PLAIN, "not here"),
            None => cell(BAD, "nobody"),
        },
        [one] => cell(BOLD, one),
        several => cell(BAD, format!("BOTH {}", several.join(" AND "))),
    };
    let style = match group.state.as_str() {
        "running" => GOOD,
        "failed" => BAD,
        _ => WARN,
    };
    let mut notes = Vec::new();
    if let Some(since) = group.since_unix {
        notes.push(age::since(since, now_s));
    }
    if !group.why.is_empty() {
        notes.push(group.why.clone());
    }
    if group.holder.as_deref() != Some(&group.preferred) {
        notes.push(format!("prefers {}", group.preferred));
    }
    let mut rows = vec![vec![
        cell(PLAIN, &group.key),
        holder,
        cell(style, &group.state),
        cell(PLAIN, notes.join(", ")),
    ]];
    let others = group.resources.iter().filter(|r| **r != group.key);
    rows.extend(others.map(|r| vec![cell(PLAIN, format!("  {r}"))]));
    rows
}

fn status_style(status: &str) -> Style {
    match status {
        "active" | "ping" => GOOD,
        "dead" => BAD,
        _ => WARN,
    }
}

#[cfg(test)]
mod tests;
