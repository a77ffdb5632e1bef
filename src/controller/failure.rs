//! Failed operations: how they count, and what they do to the transition.
//!
//! Source: spec crm-runtime.md section 8.

use super::Controller;
use super::action::Action;
use super::key::TransitionKey;
use super::results::Entry;
use super::transition::{ActionNumber, After};
use crate::cib::reader;
use crate::executor::Exit;
use crate::proto::heartbeat::Severity;
use crate::score::INFINITY;
use crate::time::Now;
use crate::wire::crm::{AttributeChange, AttributeTask, AttributeValue};

impl Controller {
    pub(super) fn failed(
        &mut self,
        now: Now,
        key: &TransitionKey,
        entry: &Entry,
        number: Option<ActionNumber>,
    ) {
        let text = format!(
            "Transition {} action {} ({} on {}): expected '{}' but got '{}' | target-rc={} rc={} \
             call-id={}",
            key.transition,
            key.action,
            entry.key(),
            entry.node,
            Exit(key.expected),
            Exit(entry.exit),
            key.expected,
            entry.exit,
            entry.call,
        );
        self.log(Severity::Notice, text);
        let transition = self
            .leader
            .as_ref()
            .and_then(|leader| leader.transition.as_ref());
        let action = number.and_then(|number| transition?.action(number));
        let ignored = action.is_some_and(|a| a.on_fail.as_deref() == Some("ignore"));
        // A probe that finds something is news, not a failure.
        if entry.exit != key.expected {
            self.count_failure(entry, ignored);
        }
        let Some(number) = number else {
            let reason = match entry.interval_ms {
                0 => "Old event",
                _ => "Change in recurring result",
            };
            return self.abort(now, reason);
        };
        let Some(leader) = &mut self.leader else {
            return;
        };
        leader.no_longer_due(number);
        if let Some(transition) = &mut leader.transition
            && transition.confirm(number, ignored)
            && !ignored
        {
            transition.abort_by_failure(number, "Event failed");
        } else if let Some(transition) = &mut leader.transition
            && !ignored
        {
            // It had been confirmed: a monitor that failed later.
            transition.abort(INFINITY.into(), After::Again, "Change in recurring result");
        }
    }

    fn count_failure(&mut self, entry: &Entry, ignored: bool) {
        let start = self
            .leader
            .as_ref()
            .map_or("INFINITY", |l| l.start_failure_counts());
        let count = match entry.task {
            _ if entry.interval_ms > 0 => "value++",
            "promote" | "demote" | "asyncmon" => "value++",
            "start" if start == "INFINITY" => "INFINITY",
            "start" => "value++",
            "stop" => "INFINITY",
            _ => return,
        };
        let suffix = format!("{}#{}_{}", entry.resource, entry.task, entry.interval_ms);
        let (node, changed) = (entry.node.to_owned(), entry.changed_s.to_owned());
        if !ignored {
            self.set_attribute(
                format!("fail-count-{suffix}"),
                &node,
                Some(count.to_owned()),
            );
        }
        self.set_attribute(format!("last-failure-{suffix}"), &node, Some(changed));
    }

    pub(super) fn set_attribute(&mut self, name: String, node: &str, value: Option<String>) {
        self.attributes.change(AttributeChange {
            task: AttributeTask::Update,
            value: AttributeValue {
                name,
                node: node.to_owned(),
                value,
                set: None,
                dampening_ms: 0,
                private: false,
            },
        });
    }

    /// The transition says that failures of a resource are forgotten.
    pub(super) fn clear_failures(&mut self, action: &Action) {
        let element = reader::read(&action.xml).ok();
        let root = element.as_ref().map(|doc| doc.root_element());
        let meta = |name: &str| root?.child("attributes")?.attr(name);
        let resource = root.and_then(|root| root.child("primitive")?.id());
        let (Some(resource), Some(node)) = (resource, &action.on) else {
            return;
        };
        let interval = meta("CRM_meta_interval").and_then(|ms| ms.parse().ok());
        self.attributes.change(AttributeChange {
            task: AttributeTask::ClearFailures,
            value: AttributeValue {
                name: resource.to_owned(),
                node: node.clone(),
                value: meta("CRM_meta_operation").map(str::to_owned),
                set: None,
                dampening_ms: interval.unwrap_or(0),
                private: false,
            },
        });
    }
}
