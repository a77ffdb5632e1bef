//! Operations that failed.

use super::operations::rc_of;
use super::page::Entry;
use super::result_text;
use super::show::Show;
use super::summary::Times;
use crate::scheduler::model::FailedOp;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::text::{operation_key, parse_key, readable_interval};
use crate::scheduler::score;
use crate::scheduler::unpack::history_op::entry_key;
use crate::scheduler::unpack::operations::is_probe;

/// What is told of an operation that failed.
pub(super) struct Failure<'a> {
    /// Its key: resource, task and interval.
    pub key: String,
    /// The resource.
    pub resource: String,
    /// What was done.
    pub task: String,
    /// How often it is done; 0 if it was asked for.
    pub interval_ms: u32,
    /// Where.
    pub node: String,
    /// The entry.
    pub op: crate::cib::Element<'a>,
}

impl Failure<'_> {
    /// The result.
    pub(super) fn rc(&self) -> i64 {
        rc_of(self.op)
    }

    /// How the execution ended.
    pub(super) fn status(&self) -> &'static str {
        match self.op.attr("op-status").and_then(score::leading_integer) {
            Some(-1) => "pending",
            None | Some(0) => "complete",
            Some(1) => "Cancelled",
            Some(2) => "Timed Out",
            Some(3) => "NOT SUPPORTED",
            Some(4) => "Error",
            Some(5) => "Hard error",
            Some(6) => "Fatal error",
            Some(7) => "Not installed",
            Some(8) => "Internal communication failure",
            Some(9) => "Cannot execute now",
            Some(10) => "No fence device",
            Some(11) => "CIB secrets unavailable",
            _ => "unknown",
        }
    }

    /// Why, in the words of the agent; none if the history has no place for that.
    pub(super) fn reason(&self) -> Option<&str> {
        self.op.attr("exit-reason")
    }
}

impl<'a> Cluster<'a> {
    /// Failures that are shown.
    pub(super) fn shown_failures(&self, show: &Show) -> Vec<Failure<'a>> {
        let mut seen = std::collections::BTreeSet::new();
        let failed = self.failed.iter();
        let shown = failed.filter_map(|f| self.failure(show, f));
        shown
            .filter(|f| seen.insert((f.key.clone(), f.node.clone())))
            .collect()
    }

    fn failure(&self, show: &Show, failed: &FailedOp<'a>) -> Option<Failure<'a>> {
        let node = self.nodes[failed.node].name.to_string();
        let (resource, task, interval_ms) = parse_key(entry_key(failed.op))?;
        let status = failed.op.attr("op-status");
        let absent = rc_of(failed.op) == 5 || status == Some("7");
        let masked = is_probe(task, interval_ms) && absent;
        if masked || !show.node(&node) || !show.named(resource) {
            return None;
        }
        Some(Failure {
            key: operation_key(resource, task, interval_ms),
            resource: resource.to_owned(),
            task: task.to_owned(),
            interval_ms,
            node,
            op: failed.op,
        })
    }

    /// Failures, a line each.
    pub(super) fn failure_entries(&self, show: &Show, times: &Times<'_>) -> Vec<Entry> {
        let failures = self.shown_failures(show);
        let line = |f: &Failure<'_>| match show.detail {
            true => technical(f, times),
            false => friendly(f, times),
        };
        failures.iter().map(|f| Entry::Line(line(f))).collect()
    }
}

fn friendly(failure: &Failure<'_>, times: &Times<'_>) -> String {
    let interval = match failure.interval_ms {
        0 => String::new(),
        ms => format!("{}-interval ", readable_interval(ms)),
    };
    let task = match (failure.task.as_str(), failure.interval_ms) {
        ("monitor", 0) => "probe",
        (task, _) => task,
    };
    let mut text = format!("{} {interval}{task} on {}", failure.resource, failure.node);
    let reason = failure.reason().unwrap_or("");
    match failure.status() {
        "complete" => {
            text.push_str(&format!(" returned '{}'", result_text(failure.rc())));
            if !reason.is_empty() {
                text.push_str(&format!(" ({reason})"));
            }
        }
        status => {
            let colon = if reason.is_empty() { "" } else { ": " };
            text.push_str(&format!(" could not be executed ({status}{colon}{reason})"));
        }
    }
    if let Some(last) = times.of(failure.op.attr("last-rc-change")) {
        text.push_str(&format!(" at {last}"));
    }
    let span = |name| {
        let ms = failure.op.attr(name).and_then(score::leading_integer);
        ms.and_then(|ms| u32::try_from(ms).ok())
            .filter(|ms| *ms > 0)
    };
    if let Some(ms) = span("exec-time") {
        text.push_str(&format!(" after {}", readable_interval(ms)));
        // The original's histories don't have it.
        if let Some(ms) = span("exec-timeout") {
            text.push_str(&format!(" of {}", readable_interval(ms)));
        }
    }
    text
}

fn technical(failure: &Failure<'_>, times: &Times<'_>) -> String {
    let rc = failure.rc();
    let call = failure.op.attr("call-id").unwrap_or("");
    let mut text = format!(
        "{} on {} '{}' ({rc}): call={call}, status='{}'",
        failure.key,
        failure.node,
        result_text(rc),
        failure.status()
    );
    if let Some(reason) = failure.reason().filter(|r| !r.is_empty()) {
        text.push_str(&format!(", exitreason='{reason}'"));
    }
    if let Some(last) = times.of(failure.op.attr("last-rc-change")) {
        text.push_str(&format!(", last-rc-change='{last}'"));
    }
    for (name, attribute) in [("queued", "queue-time"), ("exec", "exec-time")] {
        if let Some(ms) = failure.op.attr(attribute) {
            text.push_str(&format!(", {name}={ms}ms"));
        }
    }
    text
}
