//! What the cluster is about to do: actions, their states, reasons and order.

use std::collections::BTreeMap;

use serde::Serialize;

use super::decision::{Decision, with_cluster};
use crate::cib::Document;
use crate::rules::iso8601::Clock;
use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;

/// Whether an action is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is done.
    Done,
    /// It stands for the begin or the end of others; nothing is executed.
    Pseudo,
    /// It would have to be done, and can't be.
    Blocked,
}

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Action {
    /// What is done, in words.
    pub text: String,
    /// Task as the graph names it.
    pub task: String,
    /// Of which resource.
    pub resource: Option<String>,
    /// Where.
    pub node: Option<String>,
    /// Time between runs of a recurring operation, in milliseconds.
    pub interval_ms: u32,
    /// Whether it is done.
    pub state: State,
    /// Why.
    pub reason: String,
    /// Places in the list of the actions that come before.
    pub after: Vec<usize>,
}

/// What the cluster does with a CIB, and where everything is then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transition {
    /// What is done, or can't be, in the order in which the scheduler made it.
    pub actions: Vec<Action>,
    /// Where everything is then.
    pub decision: Decision,
}

/// The transition that a CIB leads to.
pub fn of(doc: &Document, now: Clock) -> Transition {
    with_cluster(doc, now, |cluster| {
        let ids: Vec<ActionId> = cluster.actions.ids().collect();
        let shown: Vec<(ActionId, State)> = ids
            .into_iter()
            .filter_map(|id| Some((id, state_of(cluster, id)?)))
            .collect();
        let places: BTreeMap<ActionId, usize> = shown
            .iter()
            .enumerate()
            .map(|(i, (id, _))| (*id, i))
            .collect();
        let made = shown.iter().map(|&(id, state)| Action {
            state,
            after: inputs(cluster, id, &places),
            ..described(cluster, id)
        });
        Transition {
            actions: made.collect(),
            decision: Decision::of(cluster),
        }
    })
}

/// The layer of each action: one more than those of all that come before it. What waits in a
/// circle comes last.
pub fn layers(actions: &[Action]) -> Vec<usize> {
    let mut layers = vec![0; actions.len()];
    let mut open: Vec<usize> = actions.iter().map(|a| a.after.len()).collect();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); actions.len()];
    for (place, action) in actions.iter().enumerate() {
        for &before in &action.after {
            if let Some(list) = followers.get_mut(before) {
                list.push(place);
            }
        }
    }
    let mut ready: Vec<usize> = (0..actions.len()).filter(|&i| open[i] == 0).collect();
    let mut done = 0;
    while let Some(&place) = ready.get(done) {
        done += 1;
        for &next in &followers[place] {
            layers[next] = layers[next].max(layers[place] + 1);
            open[next] -= 1;
            if open[next] == 0 {
                ready.push(next);
            }
        }
    }
    let last = layers.iter().max().map_or(0, |l| l + 1);
    for (layer, open) in layers.iter_mut().zip(&open) {
        if *open > 0 {
            *layer = last;
        }
    }
    layers
}

fn state_of(cluster: &Cluster<'_>, id: ActionId) -> Option<State> {
    let action = &cluster.actions[id];
    let managed = action.resource.is_none_or(|r| cluster.resources[r].managed);
    match (action.dumped, action.pseudo) {
        (true, true) => Some(State::Pseudo),
        (true, false) => Some(State::Done),
        (false, _) => {
            let stuck = !action.optional && !action.runnable && managed && !action.pseudo;
            stuck.then_some(State::Blocked)
        }
    }
}

fn inputs(cluster: &Cluster<'_>, id: ActionId, places: &BTreeMap<ActionId, usize>) -> Vec<usize> {
    let action = &cluster.actions[id];
    let links = action.before.iter().map(|&l| &cluster.links[l]);
    let counts = links.filter(|l| l.used || (!action.dumped && !l.order.is_none()));
    let mut after: Vec<usize> = counts
        .filter_map(|l| places.get(&l.first).copied())
        .collect();
    after.sort_unstable();
    after.dedup();
    after
}

fn described(cluster: &Cluster<'_>, id: ActionId) -> Action {
    let action = &cluster.actions[id];
    let name = |n: NodeId| cluster.nodes[n].name.to_string();
    let resource = action.resource.map(|r| cluster.resources[r].id.to_string());
    let node = action.node.map(name);
    Action {
        text: words(
            &action.task,
            resource.as_deref(),
            node.as_deref(),
            action.interval,
        ),
        task: action.task.to_string(),
        reason: reason(cluster, id),
        resource,
        node,
        interval_ms: action.interval,
        state: State::Done,
        after: Vec::new(),
    }
}

fn words(task: &str, resource: Option<&str>, node: Option<&str>, interval_ms: u32) -> String {
    let on = node.map_or(String::new(), |node| format!(" on {node}"));
    let Some(resource) = resource else {
        return match (task, node) {
            ("stonith", Some(node)) => format!("fence {node}"),
            (_, Some(node)) if task.starts_with("load_stopped") => {
                format!("{node} has room for what comes")
            }
            _ => format!("{task}{on}"),
        };
    };
    match task {
        "monitor" if interval_ms > 0 => {
            format!("monitor {resource}{on} every {}", duration(interval_ms))
        }
        "monitor" => format!("look whether {resource} runs{on}"),
        "cancel" => format!("end a monitor of {resource}{on}"),
        "clear_failcount" => format!("forget failures of {resource}{on}"),
        "lrm_delete" | "delete" => format!("forget the history of {resource}{on}"),
        "migrate_to" => format!("send {resource} away from {}", node.unwrap_or("its node")),
        "migrate_from" => format!("receive {resource}{on}"),
        "stopped" | "running" | "promoted" | "demoted" => format!("{resource} is {task}"),
        _ => format!("{task} {resource}{on}"),
    }
}

fn duration(ms: u32) -> String {
    match ms % 1000 {
        0 => format!("{}s", ms / 1000),
        _ => format!("{ms}ms"),
    }
}

/// Why an action is there: what the scheduler noted, or what follows from where things are.
fn reason(cluster: &Cluster<'_>, id: ActionId) -> String {
    let action = &cluster.actions[id];
    if let Some(reason) = &action.reason {
        return noted(reason, action.runnable);
    }
    let Some(resource) = action.resource else {
        return String::new();
    };
    let r = &cluster.resources[resource];
    let node = action.node;
    let runs_here = node.is_some_and(|n| r.running_on.contains(&n));
    let belongs = node.is_some() && r.assigned == node;
    let text = match &*action.task {
        _ if action.pseudo => return String::new(),
        "start" if r.failed => "it failed and is started anew",
        "start" if runs_here => "it is restarted",
        "start" => "it belongs there and doesn't run",
        "stop" if r.failed && belongs => "it failed",
        "stop" if r.assigned.is_none() => "there is no node for it",
        "stop" if !belongs => return leaves(cluster, resource),
        "stop" => "it is restarted",
        "promote" => "it has the best promotion score there",
        "demote" => "it isn't to be promoted there any more",
        "monitor" if action.interval > 0 => "it is watched where it runs",
        "monitor" => "nothing is known of it there",
        "migrate_to" | "migrate_from" => return leaves(cluster, resource),
        "clear_failcount" => "the failures expired, or what failed was changed",
        "cancel" => "the monitor isn't configured, or not for this role",
        _ => return String::new(),
    };
    text.to_owned()
}

fn leaves(cluster: &Cluster<'_>, resource: ResourceId) -> String {
    match cluster.resources[resource].assigned {
        Some(node) => format!("it belongs on {}", cluster.nodes[node].name),
        None => "there is no node for it".to_owned(),
    }
}

/// The scheduler's short notes in words.
fn noted(reason: &str, runnable: bool) -> String {
    let words: Vec<&str> = reason.split_whitespace().collect();
    match words.as_slice() {
        ["unrunnable", resource, task] => format!("the {task} of {resource} can't be done"),
        ["unrunnable", task] => format!("{task} can't be done"),
        ["required", resource, task] => format!("the {task} of {resource} needs it"),
        ["required", task] => format!("{task} needs it"),
        ["node", "availability"] if runnable => "no node is free for it, or not this one".into(),
        ["node", "availability"] => "no node is free for it".into(),
        ["no", "quorum"] => "this partition has no quorum".into(),
        _ => reason.to_owned(),
    }
}
