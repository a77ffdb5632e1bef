//! Fencing as the DC orders it, and what its end means to everybody.
//!
//! Source: spec crm-runtime.md section 9, "After success".

use super::action::Action;
use super::ask::{CONTROLLER, Purpose};
use super::journal::Event;
use super::transition::{ActionNumber, After};
use super::{Controller, Output, option, status};
use crate::cib::reader;
use crate::executor::Status;
use crate::fencer::Order;
use crate::proto::heartbeat::Severity;
use crate::score::INFINITY;
use crate::time::Now;
use crate::wire::crm::{AttributeChange, AttributeTask, AttributeValue, FenceResult};
use std::time::Duration;

/// If the CIB says nothing. Source: spec cib.md section 9, `stonith-max-attempts`.
const ATTEMPTS_MAX: u32 = 10;

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
            value.and_then(|value| value.parse().ok()).unwrap_or(0)
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
        self.outputs.push_back(Output::Fence(Order {
            target,
            action: how,
            client: CONTROLLER.to_owned(),
            timeout,
            delay_s: seconds("CRM_meta_priority_fencing_delay"),
            tolerance: Duration::ZERO,
        }));
    }

    /// Fencing ended, says the node that did it.
    pub(super) fn handle_fence_result(&mut self, now: Now, result: &FenceResult) {
        if !result.last {
            return;
        }
        let well = result.exit == 0 && result.status == Status::Done as i32;
        let origin = self.name_of(result.ticket.origin).unwrap_or("a peer");
        let by = match &*result.delegate {
            "" => origin.to_owned(),
            delegate => delegate.to_owned(),
        };
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
        let action = transition.and_then(|t| t.begun().find(is_it)).cloned();
        let Some(action) = action else {
            if well {
                self.abort(now, "External Fencing Operation");
            }
            return;
        };
        if well && result.action == "on" {
            self.note_unfenced(now, &action, &result.target);
        }
        self.confirm_action(action.number, well);
        match well {
            true => {
                if let Some(leader) = &mut self.leader {
                    leader.fence_failures.remove(&result.target);
                }
            }
            false => self.fencing_failed(action.number, result),
        }
    }

    /// It is tried again by the next transition, but not for ever.
    ///
    /// Source: spec crm-runtime.md section 9, "Failure".
    fn fencing_failed(&mut self, number: ActionNumber, result: &FenceResult) {
        let most = option(self.cib(), "stonith-max-attempts");
        let most = most
            .and_then(|most| most.parse().ok())
            .unwrap_or(ATTEMPTS_MAX);
        let Some(leader) = &mut self.leader else {
            return;
        };
        let failures = leader.fence_failures.entry(result.target.clone());
        let failures = failures.or_insert(0);
        *failures = failures.saturating_add(1);
        let count = *failures;
        let no_device = result.status == Status::NoFenceDevice as i32;
        let gives_up = no_device || count >= most;
        if let Some(transition) = &mut leader.transition {
            match gives_up {
                true => drop(transition.abort(INFINITY.into(), After::Rest, "Stonith failed")),
                false => transition.abort_by_failure(number, "Stonith failed"),
            }
        }
        if no_device {
            let text = format!(
                "No fence device can fence {}: giving up until something changes, or somebody \
                 confirms that it is down (stonith_admin --confirm {})",
                result.target, result.target
            );
            self.log(Severity::Warning, text);
        } else if gives_up {
            let text = format!(
                "Too many failures ({count}) to fence {}, giving up",
                result.target
            );
            self.log(Severity::Warning, text);
        }
    }

    /// A node was let in by the fence devices: its attributes say since when, and with which
    /// parameters of theirs, so that it is done once.
    ///
    /// Source: spec crm-runtime.md section 9, "Unfencing".
    fn note_unfenced(&mut self, now: Now, action: &Action, node: &str) {
        let element = reader::read(&action.xml).ok();
        let attributes = element
            .as_ref()
            .and_then(|doc| doc.root_element().child("attributes"));
        let meta = |name: &str| attributes.and_then(|a| a.attr(name)).map(str::to_owned);
        for (name, value) in [
            ("#node-unfenced", Some(now.unix_s.to_string())),
            ("#digests-all", meta("CRM_meta_digests_all")),
            ("#digests-secure", meta("CRM_meta_digests_secure")),
        ] {
            if value.is_some() {
                self.attributes.change(AttributeChange {
                    task: AttributeTask::Update,
                    value: AttributeValue {
                        name: name.to_owned(),
                        node: node.to_owned(),
                        value,
                        set: None,
                        dampening_ms: 0,
                        private: false,
                    },
                });
            }
        }
    }

    /// A fenced node is cleanly down, and nothing of it is active.
    fn write_fenced(&mut self, now: Now, name: &str) {
        let Some(uuid) = self.uuid_of(name) else {
            return;
        };
        let history = status::history_path(self.replica.doc(), &uuid);
        let attributes = status::attributes_path(&uuid);
        for path in [history, attributes] {
            self.ask_delete_path(now, Purpose::Plain, &path);
        }
        let state = status::lost_state(&uuid, name, Some("down"));
        self.ask_status(now, Purpose::Plain, state);
    }
}
