//! The DC looks at what changes in the CIB: results of its actions, and what makes its
//! transition out of date.
//!
//! Source: spec crm-runtime.md section 6, "Result processing" and the table of aborts.

use super::Controller;
use super::ask::{ATTRIBUTES, CONTROLLER, EXECUTOR};
use super::key::TransitionKey;
use crate::cib::operation::Change;
use crate::cib::{Document, Element};
use crate::executor::Status;
use crate::ids::NodeId;
use crate::proto::heartbeat::Severity;
use crate::replica::Changed;
use crate::time::Now;
use crate::wire::crm::OperationKind;

/// A result, as a history has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) node: &'a str,
    pub(super) resource: &'a str,
    pub(super) task: &'a str,
    pub(super) interval_ms: u64,
    pub(super) exit: i32,
    pub(super) status: i32,
    pub(super) call: &'a str,
    pub(super) changed_s: &'a str,
}

impl Entry<'_> {
    pub(super) fn key(&self) -> String {
        format!("{}_{}_{}", self.resource, self.task, self.interval_ms)
    }
}

impl Controller {
    pub(super) fn handle_changed(&mut self, now: Now, changed: &Changed) {
        self.compare_later(now);
        if changed.change == Change::Configuration {
            self.tell_throttle();
        }
        let Some((_, request)) = &changed.by else {
            return;
        };
        if request.client == EXECUTOR
            && let Some(input) = &changed.input
        {
            self.note_results(input);
        }
        if !self.is_dc() {
            return;
        }
        match &*request.client {
            CONTROLLER => {}
            EXECUTOR => {
                if let Some(input) = &changed.input
                    && request.operation == OperationKind::Modify
                {
                    self.read_results(now, input);
                }
            }
            _ if changed.change == Change::Configuration => {
                self.keep_watchdog(now);
                self.abort(now, "Configuration change");
            }
            ATTRIBUTES => self.abort(now, "Transient attribute change"),
            "crm_ticket" => self.abort(now, "Ticket attribute change"),
            _ if request.operation == OperationKind::Delete => {
                self.abort(now, "Resource state removal");
            }
            _ => self.abort(now, "Status change"),
        }
    }

    fn read_results(&mut self, now: Now, input: &Document) {
        let state = input.root_element();
        if state.name() != "node_state" {
            return;
        }
        let node = state.attr("uname").unwrap_or_default();
        let resources = state.find(&["lrm", "lrm_resources"]).into_iter();
        let resources = resources.flat_map(|list| list.children_named("lrm_resource"));
        for resource in resources {
            // One result may stand under two ids.
            let mut seen: Vec<&str> = Vec::new();
            for op in resource.children_named("lrm_rsc_op") {
                let magic = op.attr("transition-magic").unwrap_or_default();
                if !seen.contains(&magic) {
                    seen.push(magic);
                    self.read_result(now, node, resource, op);
                }
            }
        }
    }

    fn read_result(&mut self, now: Now, node: &str, resource: Element, op: Element) {
        let number = |name: &str| op.attr(name).and_then(|value| value.parse::<i64>().ok());
        let (Some(exit), Some(status)) = (number("rc-code"), number("op-status")) else {
            return;
        };
        let key = op
            .attr("transition-key")
            .and_then(|key| key.parse::<TransitionKey>().ok());
        let (Some(key), true) = (key, status != Status::Pending as i64) else {
            return;
        };
        let entry = Entry {
            node,
            resource: resource.id().unwrap_or_default(),
            task: op.attr("operation").unwrap_or_default(),
            interval_ms: number("interval")
                .and_then(|ms| ms.try_into().ok())
                .unwrap_or(0),
            exit: i32::try_from(exit).unwrap_or(1),
            status: i32::try_from(status).unwrap_or(4),
            call: op.attr("call-id").unwrap_or_default(),
            changed_s: op.attr("last-rc-change").unwrap_or_default(),
        };
        self.judge(now, &key, &entry);
    }

    fn judge(&mut self, now: Now, key: &TransitionKey, entry: &Entry) {
        let well = entry.exit == key.expected && entry.status == Status::Done as i32;
        let current = self.is_current(key);
        let number = u32::try_from(key.action).ok();
        if let Some(number) = number.filter(|_| current && well) {
            if self.confirm_action(number, true) {
                let text = format!(
                    "Transition {} action {number} ({} on {}) confirmed: ok | rc={} call-id={}",
                    key.transition,
                    entry.key(),
                    entry.node,
                    entry.exit,
                    entry.call
                );
                self.log(Severity::Info, text);
            }
            return;
        }
        if well {
            if entry.interval_ms == 0 {
                self.abort(now, "Old event");
            }
            return;
        }
        self.failed(now, key, entry, number.filter(|_| current));
    }

    fn is_current(&self, key: &TransitionKey) -> bool {
        let transition = self
            .leader
            .as_ref()
            .and_then(|leader| leader.transition.as_ref());
        key.dc == self.config.transitioner
            && transition.is_some_and(|transition| transition.number() == key.transition)
    }

    /// An action that leaves no history is done.
    pub(super) fn handle_acknowledge(
        &mut self,
        _now: Now,
        _from: NodeId,
        key: &str,
        exit: i32,
        status: i32,
    ) {
        let Ok(key) = key.parse::<TransitionKey>() else {
            return;
        };
        if let (true, Ok(number)) = (self.is_current(&key), u32::try_from(key.action)) {
            let done = status == Status::Done as i32 || status == Status::Cancelled as i32;
            self.confirm_action(number, done && exit == key.expected);
        }
    }
}
