//! Fencing as the DC orders it, and what its end means to everybody.
//!
//! Source: spec crm-runtime.md section 9, "After success".

use super::action::Action;
use super::ask::Purpose;
use super::journal::Event;
use super::{Controller, Fence, Output, status};
use crate::cib::reader;
use crate::executor::Status;
use crate::proto::heartbeat::Severity;
use crate::time::Now;
use crate::wire::crm::FenceResult;
use std::time::Duration;

impl Controller {
    pub(super) fn begin_fencing(&mut self, _now: Now, action: &Action) {
        let target = action.on.clone().unwrap_or_default();
        let how = action
            .fence_action
            .clone()
            .unwrap_or_else(|| "reboot".to_owned());
        let element = reader::read(&action.xml).ok();
        let attributes = element
            .as_ref()
            .and_then(|doc| doc.root_element().child("attributes"));
        let seconds = |name: &str| {
            let value = attributes.and_then(|a| a.attr(name));
            Duration::from_secs(value.and_then(|value| value.parse().ok()).unwrap_or(0))
        };
        let timeout = match action.timeout.is_zero() {
            true => Duration::from_secs(60),
            false => action.timeout,
        };
        let text = format!(
            "Requesting fencing ({how}) of node {target} | action={} timeout={}ms",
            action.number,
            timeout.as_millis()
        );
        self.log(Severity::Notice, text);
        self.tell_all(&Event::FencingWanted {
            dc: self.config.name.clone(),
            target: target.clone(),
            action: how.clone(),
        });
        self.outputs.push_back(Output::Fence(Fence {
            target,
            action: how,
            timeout,
            delay: seconds("CRM_meta_fence_delay"),
        }));
    }

    /// Fencing ended, says the node that did it.
    pub(super) fn handle_fence_result(&mut self, now: Now, result: &FenceResult) {
        if !result.last {
            return;
        }
        let well = result.exit == 0 && result.status == Status::Done as i32;
        let by = self
            .name_of(result.ticket.origin)
            .unwrap_or("a peer")
            .to_owned();
        self.note(Event::Fenced {
            target: result.target.clone(),
            action: result.action.clone(),
            by: by.clone(),
            device: result.device.clone(),
            well,
            reason: result.reason.clone(),
        });
        let outcome = match well {
            true => "OK".to_owned(),
            false => format!("Error ({})", result.reason),
        };
        let text = format!(
            "Peer {} was {}terminated ({}) by {by} on behalf of {}: {outcome}",
            result.target,
            if well { "" } else { "not " },
            result.action,
            result.client
        );
        self.log(
            if well {
                Severity::Notice
            } else {
                Severity::Warning
            },
            text,
        );
        self.alert_of_fencing(result, &by);
        if well && result.action != "on" && result.target.eq_ignore_ascii_case(&self.config.name) {
            self.outputs.push_back(Output::Fenced { by });
            return;
        }
        if self.is_dc() {
            if well && result.action != "on" {
                self.write_fenced(now, &result.target);
            }
            self.confirm_fencing(now, result, well);
        }
    }

    fn confirm_fencing(&mut self, now: Now, result: &FenceResult, well: bool) {
        let transition = self
            .leader
            .as_ref()
            .and_then(|leader| leader.transition.as_ref());
        let is_it = |action: &&Action| {
            action.task == "stonith"
                && action
                    .on
                    .as_deref()
                    .is_some_and(|on| on.eq_ignore_ascii_case(&result.target))
        };
        let number = transition
            .and_then(|t| t.begun().find(is_it))
            .map(|action| action.number);
        let Some(number) = number else {
            if well {
                self.abort(now, "External Fencing Operation");
            }
            return;
        };
        self.confirm_action(number, well);
        if !well
            && let Some(leader) = &mut self.leader
            && let Some(transition) = &mut leader.transition
        {
            transition.abort_by_failure(number, "Stonith failed");
        }
    }

    /// A fenced node is cleanly down, and nothing of it is active.
    fn write_fenced(&mut self, now: Now, name: &str) {
        let Some(uuid) = self.uuid_of(name) else {
            return;
        };
        let history = status::history_path(self.replica.doc(), &uuid);
        let attributes = format!("//node_state[@id='{uuid}']/transient_attributes");
        for path in [history, attributes] {
            self.ask_delete_path(now, Purpose::Plain, &path);
        }
        let state = status::lost_state(&uuid, name, Some("down"));
        self.ask_status(now, Purpose::Plain, state);
    }
}
