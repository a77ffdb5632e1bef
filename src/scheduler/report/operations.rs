//! What was done on each node, and how often it failed.

use super::page::Entry;
use super::result_text;
use super::show::Show;
use super::summary::Times;
use crate::cib::Element;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::score;
use crate::scheduler::unpack::failcount::{Counting, Failures};

/// The history of one resource on one node.
pub(super) struct History<'a> {
    /// The resource.
    pub resource: ResourceId,
    /// The id in the history.
    pub id: &'a str,
    /// How often it failed.
    pub failures: Failures,
    /// The operations, oldest first.
    pub operations: Vec<Element<'a>>,
}

/// The name of an operation: a monitor without interval is a probe.
pub(super) fn task_of<'a>(op: Element<'a>) -> &'a str {
    match (op.attr("operation").unwrap_or(""), op.attr("interval")) {
        ("monitor", None | Some("0")) => "probe",
        (task, _) => task,
    }
}

/// Result code of an operation.
pub(super) fn rc_of(op: Element<'_>) -> i64 {
    op.attr("rc-code")
        .and_then(score::leading_integer)
        .unwrap_or(0)
        .max(0)
}

impl<'a> Cluster<'a> {
    /// Nodes that are online with what was done on them, in the order of the document.
    pub(super) fn histories(&mut self, show: &Show) -> Vec<(NodeId, Vec<History<'a>>)> {
        let Some(status) = self.root().child("status") else {
            return Vec::new();
        };
        let mut out = Vec::new();
        for state in status.children_named("node_state") {
            let node = state.id().and_then(|id| self.node_ids.get(id).copied());
            let Some(node) = node.filter(|&n| self.nodes[n].online) else {
                continue;
            };
            if show.node(&self.nodes[node].name) {
                let histories = self.node_histories(show, state, node);
                out.push((node, histories));
            }
        }
        out
    }

    fn node_histories(
        &mut self,
        show: &Show,
        state: Element<'a>,
        node: NodeId,
    ) -> Vec<History<'a>> {
        let Some(entries) = state.find(&["lrm", "lrm_resources"]) else {
            return Vec::new();
        };
        let mut out = Vec::new();
        for entry in entries.children_named("lrm_resource") {
            let Some(id) = entry.id() else { continue };
            let Some(resource) = self.resource_named(id) else {
                continue;
            };
            if self.history_filtered(show, resource) {
                continue;
            }
            let failures = self.failures(resource, node, Counting::default(), None);
            out.push(History {
                resource,
                id,
                failures,
                operations: shown_operations(entry),
            });
        }
        out
    }

    fn history_filtered(&self, show: &Show, resource: ResourceId) -> bool {
        let parent = self.resources[resource].parent;
        match parent.filter(|&p| self.resources[p].is_group()) {
            Some(group) => {
                !show.named(self.printable_id(resource)) && !show.named(self.printable_id(group))
            }
            None => self.filtered(show, resource, true),
        }
    }

    /// Operations of all nodes.
    pub(super) fn operation_entries(
        &mut self,
        show: &Show,
        times: &Times<'_>,
    ) -> Option<Vec<Entry>> {
        let mut out = Vec::new();
        let nodes = self.histories(show);
        if nodes.is_empty() {
            return None;
        }
        for (node, histories) in nodes {
            let mut below = Vec::new();
            for history in histories.iter().filter(|h| !h.operations.is_empty()) {
                let name = self.printable_id(history.resource).to_owned();
                let title = self.history_title(&name, history, times);
                let lines = history.operations.iter();
                let lines = lines.map(|&op| Entry::Line(operation_line(op, show, times)));
                below.push(Entry::List(title, lines.collect()));
            }
            if !below.is_empty() {
                out.push(Entry::List(self.node_heading(show, node), below));
            }
        }
        Some(out)
    }

    /// Fail counts of all nodes.
    pub(super) fn migration_entries(
        &mut self,
        show: &Show,
        times: &Times<'_>,
    ) -> Option<Vec<Entry>> {
        let mut out = Vec::new();
        let nodes = self.histories(show);
        if nodes.is_empty() {
            return None;
        }
        for (node, histories) in nodes {
            let failed = histories.iter().filter(|h| h.failures.count > 0);
            let below: Vec<Entry> = failed
                .map(|h| Entry::Line(self.history_title(h.id, h, times)))
                .collect();
            if !below.is_empty() {
                out.push(Entry::List(self.node_heading(show, node), below));
            }
        }
        Some(out)
    }

    fn history_title(&self, name: &str, history: &History<'_>, times: &Times<'_>) -> String {
        let threshold = self.resources[history.resource].threshold;
        let mut text = format!("{name}: migration-threshold={threshold}");
        if history.failures.count > 0 {
            text.push_str(&format!(" fail-count={}", history.failures.count));
        }
        if history.failures.count > 0 && history.failures.last > 0 {
            let last = (times.ctime)(history.failures.last);
            text.push_str(&format!(" last-failure='{last}'"));
        }
        text
    }
}

fn shown_operations(entry: Element<'_>) -> Vec<Element<'_>> {
    let operations = entry.children_named("lrm_rsc_op");
    let mut shown: Vec<Element<'_>> = operations
        .filter(|&op| {
            let task = task_of(op);
            task != "notify" && !(task == "probe" && rc_of(op) == 7)
        })
        .collect();
    let call = |op: &Element<'_>| op.attr("call-id").and_then(score::leading_integer);
    // What still runs has no number yet: it is the last.
    shown.sort_by_key(|op| call(op).filter(|c| *c >= 0).unwrap_or(i64::MAX));
    shown
}

fn operation_line(op: Element<'_>, show: &Show, times: &Times<'_>) -> String {
    let call = op.attr("call-id").unwrap_or("");
    let task = task_of(op);
    let interval = op.attr("interval").filter(|i| *i != "0");
    let interval = interval
        .map(|i| format!(" interval=\"{i}ms\""))
        .unwrap_or_default();
    if !show.timing {
        let colon = if interval.is_empty() { "" } else { ":" };
        return format!("({call}) {task}{colon}{interval}");
    }
    let mut line = format!("({call}) {task}:{interval}");
    if let Some(last) = times.of(op.attr("last-rc-change")) {
        line.push_str(&format!(" last-rc-change=\"{last}\""));
    }
    for (name, attribute) in [("exec-time", "exec-time"), ("queue-time", "queue-time")] {
        if let Some(ms) = op.attr(attribute) {
            line.push_str(&format!(" {name}=\"{ms}ms\""));
        }
    }
    let rc = rc_of(op);
    line.push_str(&format!(" rc={rc} ({})", result_text(rc)));
    line
}
