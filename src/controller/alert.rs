//! What alerts are told of: each thing on the nodes where the original tells it.
//!
//! Source: Pacemaker 2.1.5, `lib/lrmd/lrmd_alerts.c` and its callers, as observed.

use super::key::TransitionKey;
use super::{Controller, Member, Output};
use crate::alerts::Event;
use crate::executor::{Completed, Exit, Status};
use crate::wire::crm::{AttributeValue, FenceResult};

impl Controller {
    fn alert(&mut self, event: Event) {
        self.outputs.push_back(Output::Alert(event));
    }

    /// On every node.
    pub(super) fn alert_of_node(&mut self, node: &Member, member: bool) {
        self.alert(Event::Node {
            name: node.name.clone(),
            id: node.id.0,
            member,
        });
    }

    /// On every node.
    pub(super) fn alert_of_fencing(&mut self, result: &FenceResult, by: &str) {
        let outcome = match (result.exit, result.status == Status::Done as i32) {
            (0, true) => "OK".to_owned(),
            _ => format!("Error ({})", result.reason),
        };
        let (task, target) = (result.action.clone(), result.target.clone());
        let description = format!(
            "Operation {task} of {target} by {by} for {}@{by}: {outcome} (ref={}-{})",
            result.client, result.ticket.origin, result.ticket.number
        );
        self.alert(Event::Fencing {
            target,
            task,
            description,
            rc: result.exit,
        });
    }

    /// On the node where it ran. A probe that finds what it should is nothing to tell.
    pub(super) fn alert_of_operation(&mut self, completed: &Completed) {
        let (operation, outcome) = (&completed.operation, &completed.outcome);
        let key = &operation.key;
        let expected = operation.transition_key.parse::<TransitionKey>();
        let target_rc = expected.map_or(0, |key| key.expected);
        let probe = !key.is_recurring() && &*key.action == "monitor";
        if probe && outcome.exit == Exit(target_rc) {
            return;
        }
        let description = match outcome.status {
            Status::Done => outcome.exit.to_string(),
            status => status.to_string(),
        };
        let milliseconds = |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(0);
        self.alert(Event::Resource {
            node: self.config.name.clone(),
            resource: key.resource.to_string(),
            task: key.action.to_string(),
            interval_ms: milliseconds(key.interval),
            target_rc,
            status: outcome.status as i32,
            rc: outcome.exit.0,
            description,
            exec_ms: milliseconds(completed.exec_time),
        });
    }

    /// On the node that writes them, the DC.
    pub(super) fn alert_of_attributes(&mut self, values: &[AttributeValue]) {
        for value in values {
            let id = self
                .member_named(&value.node)
                .map_or(0, |member| member.id.0);
            self.alert(Event::Attribute {
                node: value.node.clone(),
                id,
                name: value.name.clone(),
                value: value.value.clone(),
            });
        }
    }
}
