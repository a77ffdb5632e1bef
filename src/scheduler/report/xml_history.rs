//! Operations and failures as XML.

use super::failures::Failure;
use super::operations::{History, rc_of, task_of};
use super::result_text;
use super::show::{Section, Show};
use super::summary::Times;
use super::xml_writer::Xml;
use crate::cib::Element;
use crate::scheduler::model::cluster::Cluster;

impl Cluster<'_> {
    /// Operations, or fail counts alone.
    pub(super) fn xml_history(&mut self, out: &mut Xml, show: &Show, times: &Times<'_>) {
        let operations = show.has(Section::Operations);
        let status = self.root().child("status");
        if status.is_none_or(|status| status.children().next().is_none()) {
            return;
        }
        let nodes = self.histories(show);
        if nodes.is_empty() {
            return;
        }
        out.start("node_history");
        for (node, histories) in nodes {
            let shown = |h: &&History<'_>| match operations {
                true => !h.operations.is_empty(),
                false => h.failures.count > 0,
            };
            let shown: Vec<_> = histories.iter().filter(shown).collect();
            if shown.is_empty() {
                continue;
            }
            out.start("node").attr("name", &self.nodes[node].name);
            for history in shown {
                self.xml_resource_history(out, history, times, operations);
            }
            out.end();
        }
        out.end();
    }

    fn xml_resource_history(
        &self,
        out: &mut Xml,
        history: &History<'_>,
        times: &Times<'_>,
        operations: bool,
    ) {
        let id = match operations {
            true => self.printable_id(history.resource),
            false => history.id,
        };
        let failures = history.failures;
        let r = &self.resources[history.resource];
        out.start("resource_history").attr("id", id);
        out.attr("orphan", false)
            .attr("migration-threshold", r.threshold);
        let count = (failures.count > 0).then_some(failures.count);
        out.maybe("fail-count", count);
        let last = (failures.count > 0 && failures.last > 0).then(|| (times.ctime)(failures.last));
        out.maybe("last-failure", last);
        if operations {
            for &op in &history.operations {
                xml_operation(out, op, times);
            }
        }
        out.end();
    }

    /// Failures.
    pub(super) fn xml_failures(&self, out: &mut Xml, show: &Show, times: &Times<'_>) {
        let failures = self.shown_failures(show);
        if failures.is_empty() {
            return;
        }
        out.start("failures");
        for failure in &failures {
            xml_failure(out, failure, times);
        }
        out.end();
    }
}

fn xml_operation(out: &mut Xml, op: Element<'_>, times: &Times<'_>) {
    let rc = rc_of(op);
    out.start("operation_history")
        .attr("call", op.attr("call-id").unwrap_or(""));
    out.attr("task", task_of(op))
        .attr("rc", rc)
        .attr("rc_text", result_text(rc));
    let ms = |value: Option<&str>| value.map(|v| format!("{v}ms"));
    out.maybe("interval", ms(op.attr("interval").filter(|i| *i != "0")));
    out.maybe("last-rc-change", times.of(op.attr("last-rc-change")));
    out.maybe("exec-time", ms(op.attr("exec-time")));
    out.maybe("queue-time", ms(op.attr("queue-time")));
    out.end();
}

fn xml_failure(out: &mut Xml, failure: &Failure<'_>, times: &Times<'_>) {
    let op = failure.op;
    let name = if op.attr("operation_key").is_some() {
        "op_key"
    } else {
        "id"
    };
    out.start("failure")
        .attr(name, &failure.key)
        .attr("node", &failure.node);
    out.attr("exitstatus", result_text(failure.rc()));
    out.attr("exitreason", failure.reason().unwrap_or("none"));
    out.attr("exitcode", failure.rc());
    out.attr("call", op.attr("call-id").unwrap_or(""));
    out.attr("status", failure.status());
    let last = op
        .attr("last-rc-change")
        .and_then(crate::scheduler::score::leading_integer);
    if let Some(last) = last.filter(|t| *t > 0) {
        out.attr("last-rc-change", (times.iso)(last));
        out.maybe("queued", op.attr("queue-time"));
        out.maybe("exec", op.attr("exec-time"));
        out.attr("interval", failure.interval_ms);
        out.attr("task", &failure.task);
    }
    out.end();
}
