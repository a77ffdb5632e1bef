//! What the morning after asks about: who was there, what was decided and why, what came of it.
//!
//! ```text
//!  membership, results of operations, fencing    every node sees them, and notes them
//!  transitions                                    the DC tells all members of them
//! ```

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Controller;
use super::history::EXEC_TIMEOUT;
use super::key::TransitionKey;
use crate::cib::{Document, Element};
use crate::executor::{Exit, Status};
use crate::wire::crm::Message;

/// Most steps of a transition that are told.
const STEPS_MAX: usize = 40;

/// Most reasons of a transition that are kept.
const CAUSES_MAX: usize = 10;

/// Longest text of an agent that is kept, in bytes.
const REASON_BYTES_MAX: usize = 512;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The daemon of this node was started.
    Started {
        /// Its version.
        version: String,
    },
    /// The daemon of this node ends.
    Ended {
        /// Why.
        why: String,
    },
    /// Nodes came or went, or quorum did.
    Membership {
        /// Who is there.
        members: Vec<String>,
        /// Who came.
        joined: Vec<String>,
        /// Who is not there any more.
        lost: Vec<String>,
        /// They may own resources.
        quorate: bool,
    },
    /// The members chose who decides.
    Leader {
        /// The DC.
        dc: String,
    },
    /// The DC decided that something is to be done.
    Transition {
        /// Who decided it.
        dc: String,
        /// Its number, from 0 for each DC.
        number: u64,
        /// What led to it.
        causes: Vec<String>,
        /// What is to be done.
        steps: Vec<Step>,
        /// Steps that aren't listed.
        more: usize,
        /// The scheduler's input, on the DC.
        input: String,
    },
    /// A transition came to its end.
    Transitioned {
        /// Whose it was.
        dc: String,
        /// Its number.
        number: u64,
        /// `Complete`, `Stopped`, `Terminated`.
        ending: String,
        /// Actions that were done.
        complete: usize,
        /// Actions that were not.
        incomplete: usize,
        /// Why it was broken off, if it was.
        aborted: Option<String>,
    },
    /// An operation of a resource ended.
    Operation {
        /// The resource.
        resource: String,
        /// `start`, `stop`, `monitor` …
        action: String,
        /// In milliseconds, of recurring ones.
        interval_ms: u64,
        /// Where.
        node: String,
        /// What the agent said.
        exit: i32,
        /// The same in a word.
        result: String,
        /// It is what was expected.
        well: bool,
        /// The agent's own words.
        reason: String,
        /// How long it took.
        exec_ms: u64,
        /// How long it might have taken, where the history says.
        #[serde(default)]
        timeout_ms: Option<u64>,
    },
    /// The DC wants a node fenced.
    FencingWanted {
        /// Who wants it.
        dc: String,
        /// The node.
        target: String,
        /// `reboot`, `off`, `on`.
        action: String,
    },
    /// Fencing ended.
    Fenced {
        /// The node.
        target: String,
        /// `reboot`, `off`, `on`.
        action: String,
        /// Who did it.
        by: String,
        /// With which device.
        device: String,
        /// It was done.
        well: bool,
        /// Why not.
        reason: String,
    },
}

/// A step of a transition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// `start`, `stop`, `move`, `restart`, `promote`, `fence` …
    pub task: String,
    /// Of this resource; nothing for what is done to a node.
    pub resource: Option<String>,
    /// Where.
    pub node: String,
    /// From where, of a move.
    pub from: Option<String>,
}

/// An entry of a node's journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When, seconds since 1970.
    pub at: u64,
    /// Who noted it.
    pub noted_by: String,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.resource, &self.from) {
            (Some(resource), Some(from)) => {
                write!(f, "{} {resource} from {from} to {}", self.task, self.node)
            }
            (Some(resource), None) => write!(f, "{} {resource} on {}", self.task, self.node),
            (None, _) => write!(f, "{} {}", self.task, self.node),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { version } => write!(f, "everbeat {version} was started"),
            Self::Ended { why } => write!(f, "everbeat ends: {why}"),
            Self::Membership { .. } => self.membership(f),
            Self::Leader { dc } => write!(f, "{dc} decides from now on"),
            Self::Transition { .. } => self.transition(f),
            Self::Transitioned { .. } => self.transitioned(f),
            Self::Operation { .. } => self.operation(f),
            Self::FencingWanted { dc, target, action } => {
                write!(f, "{dc} wants {target} fenced ({action})")
            }
            Self::Fenced { .. } => self.fenced(f),
        }
    }
}

impl Event {
    fn membership(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Membership {
            members,
            joined,
            lost,
            quorate,
        } = self
        else {
            return Ok(());
        };
        for (names, verb) in [(lost, "lost"), (joined, "joined")] {
            if !names.is_empty() {
                write!(f, "{} {verb}; ", names.join(" "))?;
            }
        }
        let quorum = if *quorate { "quorum" } else { "no quorum" };
        write!(f, "members {} ({quorum})", members.join(" "))
    }

    fn transition(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Transition {
            dc,
            number,
            causes,
            steps,
            more,
            ..
        } = self
        else {
            return Ok(());
        };
        write!(f, "transition {number} of {dc}")?;
        if !causes.is_empty() {
            write!(f, ", because: {}", causes.join(", "))?;
        }
        for (at, step) in steps.iter().enumerate() {
            write!(f, "{}{step}", if at == 0 { "; " } else { ", " })?;
        }
        match *more {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }

    fn transitioned(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Transitioned {
            dc,
            number,
            ending,
            complete,
            incomplete,
            aborted,
        } = self
        else {
            return Ok(());
        };
        let ending = ending.to_lowercase();
        write!(
            f,
            "transition {number} of {dc} is {ending}: {complete} done"
        )?;
        if *incomplete > 0 {
            write!(f, ", {incomplete} not")?;
        }
        match aborted {
            Some(why) => write!(f, ", broken off: {why}"),
            None => Ok(()),
        }
    }

    fn operation(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Operation {
            resource,
            action,
            node,
            result,
            well,
            reason,
            exec_ms,
            timeout_ms,
            ..
        } = self
        else {
            return Ok(());
        };
        let verdict = if *well { "" } else { " FAILED" };
        write!(f, "{action} of {resource} on {node}{verdict}: {result}")?;
        if !reason.is_empty() {
            write!(f, " ({reason})")?;
        }
        write!(f, ", {exec_ms} ms")?;
        match timeout_ms {
            Some(ms) if !well => write!(f, " of {ms} ms"),
            _ => Ok(()),
        }
    }

    fn fenced(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Fenced {
            target,
            action,
            by,
            device,
            well,
            reason,
        } = self
        else {
            return Ok(());
        };
        match well {
            true => write!(f, "{target} was fenced ({action}) by {by} with {device}"),
            false => write!(f, "{target} was NOT fenced ({action}) by {by}: {reason}"),
        }
    }

    /// True if it speaks of this resource: itself or an instance of its clone.
    pub fn is_of_resource(&self, name: &str) -> bool {
        let same = |known: &str| {
            known
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        match self {
            Self::Operation { resource, .. } => same(resource),
            Self::Transition { steps, .. } => steps
                .iter()
                .any(|s| s.resource.as_deref().is_some_and(same)),
            _ => false,
        }
    }

    /// True if it speaks of this node.
    pub fn is_of_node(&self, name: &str) -> bool {
        match self {
            Self::Operation { node, .. } => node == name,
            Self::Membership { joined, lost, .. } => {
                joined.iter().chain(lost).any(|known| known == name)
            }
            Self::Leader { dc } => dc == name,
            Self::FencingWanted { target, .. } => target == name,
            Self::Fenced { target, by, .. } => target == name || by == name,
            Self::Transition { steps, .. } => steps
                .iter()
                .any(|step| step.node == name || step.from.as_deref() == Some(name)),
            Self::Started { .. } | Self::Ended { .. } | Self::Transitioned { .. } => false,
        }
    }
}

/// What a graph is about, and how many steps there are beyond those listed. A stop and a start of
/// the same resource are one step.
pub(super) fn steps(graph: &Document) -> (Vec<Step>, usize) {
    let mut stops: BTreeMap<String, String> = BTreeMap::new();
    let mut rest = Vec::new();
    for action in actions(graph) {
        let task = action.attr("operation").unwrap_or_default();
        let node = action.attr("on_node").unwrap_or_default().to_owned();
        let resource = action.child("primitive").and_then(Element::id);
        match (resource, task) {
            (Some(resource), "stop") => drop(stops.insert(resource.to_owned(), node)),
            (Some(resource), task) if is_told(task) => rest.push(Step {
                task: task.to_owned(),
                resource: Some(resource.to_owned()),
                node,
                from: None,
            }),
            (None, "stonith" | "do_shutdown") => rest.push(Step {
                task: if task == "stonith" { "fence" } else { "let go" }.to_owned(),
                resource: None,
                node,
                from: None,
            }),
            _ => {}
        }
    }
    for step in rest.iter_mut().filter(|step| step.task == "start") {
        let Some(from) = step.resource.as_ref().and_then(|name| stops.remove(name)) else {
            continue;
        };
        let here = from == step.node;
        step.task = if here { "restart" } else { "move" }.to_owned();
        step.from = (!here).then_some(from);
    }
    let stops = stops.into_iter().map(|(resource, node)| Step {
        task: "stop".to_owned(),
        resource: Some(resource),
        node,
        from: None,
    });
    let mut steps: Vec<Step> = stops.chain(rest).collect();
    let more = steps.len().saturating_sub(STEPS_MAX);
    steps.truncate(STEPS_MAX);
    (steps, more)
}

/// The actions that are carried out.
fn actions(graph: &Document) -> impl Iterator<Item = Element<'_>> {
    let synapses = graph.root_element().children_named("synapse");
    let sets = synapses.flat_map(|synapse| synapse.children_named("action_set"));
    sets.flat_map(Element::children)
        .filter(|action| action.name() != "pseudo_event")
}

fn is_told(task: &str) -> bool {
    let told = [
        "start",
        "promote",
        "demote",
        "migrate_to",
        "migrate_from",
        "reload",
        "reload-agent",
    ];
    told.contains(&task)
}

/// A result of a history, if somebody may ask about it: what changed something, and what is
/// not as it should be.
fn result(node: &str, resource: &str, op: Element<'_>) -> Option<Event> {
    let number = |name: &str| op.attr(name).and_then(|value| value.parse::<i64>().ok());
    let status = Status::from_number(number("op-status")?)?;
    let exit = i32::try_from(number("rc-code")?).ok()?;
    let interval_ms = u64::try_from(number("interval").unwrap_or(0)).ok()?;
    let action = op.attr("operation")?;
    let key = op.attr("transition-key")?.parse::<TransitionKey>().ok()?;
    let well = status == Status::Done && exit == key.expected;
    let looks = action == "monitor";
    if matches!(status, Status::Pending | Status::Cancelled) || looks && well {
        return None;
    }
    let result = match status {
        Status::Done => Exit(exit).to_string(),
        status => status.to_string(),
    };
    let milliseconds = |name: &str| number(name).and_then(|ms| u64::try_from(ms).ok());
    let mut reason = op.attr("exit-reason").unwrap_or_default().to_owned();
    reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
    Some(Event::Operation {
        resource: resource.to_owned(),
        action: action.to_owned(),
        interval_ms,
        node: node.to_owned(),
        exit,
        result,
        // A probe that finds something running is news, but no failure.
        well: well || looks && interval_ms == 0 && matches!(exit, 0 | 8),
        reason,
        exec_ms: milliseconds("exec-time").unwrap_or(0),
        timeout_ms: milliseconds(EXEC_TIMEOUT),
    })
}

/// Reasons, each once.
#[derive(Debug, Default)]
pub(super) struct Causes(Vec<String>);

impl Causes {
    pub(super) fn add(&mut self, reason: &str) {
        if self.0.len() < CAUSES_MAX && !self.0.iter().any(|known| known == reason) {
            self.0.push(reason.to_owned());
        }
    }

    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.0)
    }
}

impl Controller {
    /// Notes what every member sees by itself.
    pub(super) fn note(&mut self, event: Event) {
        self.outputs.push_back(super::Output::Event(event));
    }

    /// Tells all members what only the DC knows.
    pub(super) fn tell_all(&mut self, event: &Event) {
        if let Ok(text) = serde_json::to_string(event) {
            self.send(Message::Noted(text));
        }
    }

    /// What the DC told.
    pub(super) fn handle_noted(&mut self, text: &str) {
        if let Ok(event) = serde_json::from_str(text) {
            self.note(event);
        }
    }

    /// Notes results that come into the CIB.
    pub(super) fn note_results(&mut self, state: &Document) {
        let state = state.root_element();
        let node = state.attr("uname").unwrap_or_default();
        let resources = state.find(&["lrm", "lrm_resources"]).into_iter();
        let resources = resources.flat_map(|list| list.children_named("lrm_resource"));
        let mut seen = Vec::new();
        for resource in resources {
            for op in resource.children_named("lrm_rsc_op") {
                let name = resource.id().unwrap_or_default();
                // One result may stand under two ids.
                seen.extend(result(node, name, op).filter(|event| !seen.contains(event)));
            }
        }
        for event in seen {
            self.note(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cib::read;

    #[test]
    fn a_graph_is_told_in_steps() {
        let action = |number: u32, task: &str, resource: &str, node: &str| {
            format!(
                "<synapse id=\"{number}\"><action_set><rsc_op id=\"{number}\" operation=\"{task}\" \
                 on_node=\"{node}\"><primitive id=\"{resource}\"/></rsc_op></action_set></synapse>"
            )
        };
        let all = [
            action(1, "stop", "vip", "a"),
            action(2, "start", "vip", "b"),
            action(3, "monitor", "vip", "b"),
            action(4, "stop", "db", "b"),
            action(5, "start", "db", "b"),
            action(6, "stop", "web", "a"),
            action(7, "promote", "disk:0", "b"),
            "<synapse id=\"8\"><action_set><crm_event id=\"8\" operation=\"stonith\" \
             on_node=\"c\"/></action_set></synapse>"
                .to_owned(),
        ];
        let text = format!("<transition_graph>{}</transition_graph>", all.concat());
        let (steps, more) = steps(&read(&text).unwrap());
        let told: Vec<String> = steps.iter().map(Step::to_string).collect();
        let wanted = [
            "stop web on a",
            "move vip from a to b",
            "restart db on b",
            "promote disk:0 on b",
            "fence c",
        ];
        assert_eq!((told, more), (wanted.map(str::to_owned).to_vec(), 0));
        let event = Event::Transition {
            dc: "b".to_owned(),
            number: 7,
            causes: vec!["Node failure".to_owned()],
            steps: steps[1..2].to_vec(),
            more: 3,
            input: String::new(),
        };
        let wanted = "transition 7 of b, because: Node failure; move vip from a to b and 3 more";
        assert_eq!(event.to_string(), wanted);
        assert!(event.is_of_resource("vip") && !event.is_of_resource("vi"));
        assert!(event.is_of_node("a") && event.is_of_node("b") && !event.is_of_node("c"));
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }

    #[test]
    fn results_that_tell_something_are_noted() {
        let op = |task: &str, interval: u32, expected: i32, rc: i32, status: i32| {
            let text = format!(
                "<lrm_rsc_op operation=\"{task}\" interval=\"{interval}\" op-status=\"{status}\" \
                 rc-code=\"{rc}\" exec-time=\"60\" exec-timeout=\"50\" exit-reason=\"why\" \
                 transition-key=\"1:2:{expected}:x\"/>"
            );
            let doc = read(&text).unwrap();
            let event = result("a", "db", doc.root_element());
            event.map(|event| event.to_string())
        };
        let started = "start of db on a: ok (why), 60 ms";
        assert_eq!(op("start", 0, 0, 0, 0).as_deref(), Some(started));
        assert_eq!(op("monitor", 10, 0, 0, 0), None, "all is well");
        assert_eq!(
            op("monitor", 0, 7, 7, 0),
            None,
            "it doesn't run, as expected"
        );
        let found = "monitor of db on a: ok (why), 60 ms";
        assert_eq!(op("monitor", 0, 7, 0, 0).as_deref(), Some(found));
        let failed = "monitor of db on a FAILED: not running (why), 60 ms of 50 ms";
        assert_eq!(op("monitor", 10, 0, 7, 0).as_deref(), Some(failed));
        let late = "stop of db on a FAILED: Timed Out (why), 60 ms of 50 ms";
        assert_eq!(op("stop", 0, 0, 1, 2).as_deref(), Some(late));
        assert_eq!(op("start", 0, 0, 193, -1), None, "it was begun");
    }
}
