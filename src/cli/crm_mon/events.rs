//! What happened to resources between two states of the CIB, and to nodes between two histories
//! of fencing, and the program that is told of it.
//!
//! Source: Pacemaker 2.1.5, `tools/crm_mon.c`, `handle_rsc_op`, `mon_st_callback_event` and
//! `send_custom_trap`; `stonith__event_description`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command, Stdio};

use super::super::crm::codes::GENERIC;
use crate::cib::{Document, Element};
use crate::executor::Exit;
use crate::scheduler::model::text::parse_key;
use crate::scheduler::report::FenceEvent;
use crate::scheduler::report::fencing::FenceState;

/// Programs that may run at once; who comes then waits for the first.
const RUNNING_MAX: usize = 64;

/// A program that is told of each operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Agent {
    /// The program.
    pub(super) path: String,
    /// A text for it.
    pub(super) recipient: Option<String>,
}

/// The result of an operation, or of fencing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    node: String,
    /// None for fencing.
    resource: Option<String>,
    task: String,
    target_rc: i32,
    rc: i32,
    status: i32,
    description: String,
}

/// Results that the second CIB has and the first has not.
pub(super) fn between(old: &Document, new: &Document) -> Vec<Event> {
    let known: BTreeMap<_, _> = operations(old)
        .map(|(node, op)| (key(node, op), result(op)))
        .collect();
    let fresh = operations(new).filter(|(node, op)| {
        let former = known.get(&key(*node, *op));
        former != Some(&result(*op))
    });
    fresh.filter_map(|(node, op)| event(node, op)).collect()
}

/// All operations of the history with their nodes.
fn operations(doc: &Document) -> impl Iterator<Item = (Element<'_>, Element<'_>)> {
    let status = doc.root_element().child("status").into_iter();
    let nodes = status.flat_map(|status| status.children_named("node_state"));
    nodes.flat_map(|node| {
        let all = node.child("lrm").into_iter().flat_map(Element::descendants);
        let operations = all.filter(|e| e.name() == "lrm_rsc_op");
        operations.map(move |op| (node, op))
    })
}

fn key<'a>(node: Element<'a>, op: Element<'a>) -> [Option<&'a str>; 3] {
    [node.id(), op.parent().and_then(Element::id), op.id()]
}

fn result<'a>(op: Element<'a>) -> [Option<&'a str>; 3] {
    ["transition-magic", "call-id", "last-rc-change"].map(|name| op.attr(name))
}

/// The result of an operation; none of one that still runs, and of one that found nothing where
/// nothing should be.
fn event(node: Element<'_>, op: Element<'_>) -> Option<Event> {
    let (outcome, mark) = op.attr("transition-magic")?.split_once(';')?;
    let (status, rc) = outcome.split_once(':')?;
    let (status, rc): (i32, i32) = (status.parse().ok()?, rc.parse().ok()?);
    let target_rc: i32 = mark.split(':').nth(2)?.parse().ok()?;
    let name = op.attr("operation_key").or_else(|| op.id())?;
    let (resource, task, _) = parse_key(name)?;
    let as_wanted = status == 0 && rc == target_rc;
    if status < 0 || as_wanted && rc == Exit::NOT_RUNNING.0 {
        return None;
    }
    let description = match (as_wanted, status) {
        (true, _) => "OK".to_owned(),
        (false, 0) => Exit(rc).to_string(),
        (false, status) => status_text(status).to_owned(),
    };
    Some(Event {
        node: node.attr("uname").or_else(|| node.id())?.to_owned(),
        resource: Some(resource.to_owned()),
        task: task.to_owned(),
        target_rc,
        rc,
        status,
        description,
    })
}

/// What the program is told that was done. Source: Pacemaker 2.1.5, `T_STONITH_NOTIFY_FENCE`.
const FENCED: &str = "st_notify_fence";

/// Fencing that is over in the second history and was not in the first, the oldest first.
pub(super) fn fencings(old: &[FenceEvent], new: &[FenceEvent]) -> Vec<Event> {
    let over = |event: &&FenceEvent| !event.state.is_pending();
    let known: BTreeSet<&str> = old.iter().filter(over).map(|event| &*event.id).collect();
    let fresh = new.iter().filter(over);
    let fresh = fresh.filter(|event| !known.contains(&*event.id));
    fresh.rev().map(fencing).collect()
}

fn fencing(event: &FenceEvent) -> Event {
    let (rc, outcome) = match (event.state, &event.reason) {
        (FenceState::Failed, Some(reason)) => (GENERIC, format!("Error ({reason})")),
        (FenceState::Failed, None) => (GENERIC, "Error".to_owned()),
        _ => (0, "OK".to_owned()),
    };
    let by = event.delegate.as_deref().unwrap_or("the cluster");
    let description = format!(
        "Operation {} of {} by {by} for {}@{}: {outcome} (ref={})",
        event.action, event.target, event.client, event.origin, event.id
    );
    Event {
        node: event.target.clone(),
        resource: None,
        task: FENCED.to_owned(),
        target_rc: 0,
        rc,
        status: 0,
        description,
    }
}

fn status_text(status: i32) -> &'static str {
    match status {
        1 => "Cancelled",
        2 => "Timed Out",
        3 => "NOT SUPPORTED",
        4 => "Error",
        5 => "Hard error",
        6 => "Fatal error",
        7 => "Not installed",
        8 => "Internal communication failure",
        9 => "Cannot execute now",
        10 => "No fence device",
        11 => "CIB secrets unavailable",
        _ => "UNKNOWN!",
    }
}

/// Runs of the program.
#[derive(Debug)]
pub(super) struct Runs {
    agent: Agent,
    children: Vec<Child>,
}

impl Runs {
    pub(super) fn of(agent: Agent) -> Self {
        let children = Vec::new();
        Self { agent, children }
    }

    /// Runs the program for each of them.
    pub(super) fn tell(&mut self, events: &[Event]) {
        for event in events {
            self.reap();
            if self.children.len() >= RUNNING_MAX {
                // Its result is of no interest; it ran.
                let _ = self.children.remove(0).wait();
            }
            match self.command(event).spawn() {
                Ok(child) => self.children.push(child),
                Err(error) => eprintln!("crm_mon: {}: {error}", self.agent.path),
            }
        }
    }

    /// Takes leave of those that ended.
    pub(super) fn reap(&mut self) {
        self.children
            .retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }

    fn command(&self, event: &Event) -> Command {
        let mut command = Command::new(&self.agent.path);
        command.stdin(Stdio::null());
        let numbers = [
            ("CRM_notify_rc", event.rc),
            ("CRM_notify_target_rc", event.target_rc),
            ("CRM_notify_status", event.status),
        ];
        let texts = [
            ("CRM_notify_node", &event.node),
            ("CRM_notify_task", &event.task),
            ("CRM_notify_desc", &event.description),
        ];
        command.envs(texts);
        if let Some(resource) = &event.resource {
            command.env("CRM_notify_rsc", resource);
        }
        command.envs(numbers.map(|(name, number)| (name, number.to_string())));
        let recipient = self.agent.recipient.as_deref().unwrap_or_default();
        command.env("CRM_notify_recipient", recipient);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cib(operations: &str) -> Document {
        let text = format!(
            "<cib><status><node_state id=\"1\" uname=\"n1\"><lrm id=\"1\"><lrm_resources>\
             <lrm_resource id=\"A\">{operations}</lrm_resource></lrm_resources></lrm>\
             </node_state></status></cib>"
        );
        crate::cib::read(&text).unwrap()
    }

    fn op(id: &str, key: &str, magic: &str) -> String {
        format!(
            "<lrm_rsc_op id=\"{id}\" operation_key=\"{key}\" transition-magic=\"{magic};1:2:0:u\" \
             call-id=\"3\"/>"
        )
    }

    #[test]
    fn new_results_are_events() {
        let start = op("A_last_0", "A_start_0", "0:0");
        let old = cib(&start);
        assert!(between(&old, &old).is_empty());
        let monitor = op("A_monitor_10000", "A_monitor_10000", "0:7");
        let late = op("A_stop_0", "A_stop_0", "2:1");
        let pending = op("A_x", "A_start_0", "-1:193");
        let new = cib(&format!("{start}{monitor}{late}{pending}"));
        let events = between(&old, &new);
        let told: Vec<_> = events
            .iter()
            .map(|e| (&*e.task, e.rc, e.status, &*e.description))
            .collect();
        assert_eq!(
            told,
            [
                ("monitor", 7, 0, "not running"),
                ("stop", 1, 2, "Timed Out")
            ]
        );
        assert_eq!(between(&cib(""), &old)[0].description, "OK");
    }

    #[test]
    fn fencing_that_is_over_is_told_once() {
        let event = |id: &str, state| FenceEvent {
            id: id.to_owned(),
            target: "n2".to_owned(),
            action: "off".to_owned(),
            client: "stonith_admin.7".to_owned(),
            origin: "n1".to_owned(),
            state,
            delegate: Some("n3".to_owned()),
            reason: None,
            ended_s: 5,
        };
        let old = [event("b", FenceState::Begun), event("a", FenceState::Done)];
        let new = [event("b", FenceState::Failed), event("a", FenceState::Done)];
        let told = fencings(&old, &new);
        let text = "Operation off of n2 by n3 for stonith_admin.7@n1: Error (ref=b)";
        let [event] = &told[..] else {
            panic!("{told:?}");
        };
        assert_eq!((&*event.description, event.rc), (text, GENERIC));
        assert!(fencings(&new, &new).is_empty());
    }
}
