//! A transition as if it was executed: what is done in which order, and the CIB after it.
//! Source: Pacemaker 2.1.5, `pcmk__simulate_transition`, `pcmk__create_history_xml`.

use std::collections::{BTreeMap, BTreeSet};

use crate::cib::{Document, Element, NodeRef};
use crate::scheduler::graph::xml::FEATURE_SET;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::text::operation_key;
use crate::scheduler::model::{Text, Values};
use crate::scheduler::score;
use crate::scheduler::simulation::shadow::{Membership, Shadow};
use crate::scheduler::simulation::shown::Item;

/// Transition id of what nobody asked for. Source: Pacemaker 2.1.5, `FAKE_TE_ID`.
const NO_TRANSITION: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

/// Class, provider and type of a resource.
pub type Agent<'a> = [Option<&'a str>; 3];

/// How it went.
#[derive(Debug, Default)]
pub struct Execution {
    /// What was done, in order.
    pub lines: Vec<Item>,
    /// Whether everything could be done.
    pub complete: bool,
}

/// An operation that is made to fail: its key with the node, and the result.
#[derive(Debug, Clone)]
pub struct Failure {
    /// `RESOURCE_TASK_INTERVAL@NODE`.
    pub operation: String,
    /// The result.
    pub rc: i64,
}

/// A result as it is written into a history.
struct Event<'a> {
    task: &'a str,
    interval: u32,
    rc: i64,
    target: i64,
    reason: &'static str,
    /// Parameters; none if nobody knows them, so that there is no digest of them either.
    params: Option<Values>,
}

/// The elements of an action in the graph.
struct Step<'a> {
    id: &'a str,
    element: Element<'a>,
    inputs: Vec<&'a str>,
    priority: i64,
}

fn steps(graph: &Document) -> Vec<Step<'_>> {
    let synapses = graph.root_element().children();
    let parts = synapses.filter_map(|synapse| {
        let element = synapse.child("action_set")?.children().next()?;
        let inputs = synapse.child("inputs").into_iter();
        let triggers = inputs.flat_map(|i| i.children_named("trigger"));
        let inputs = triggers.filter_map(|t| t.children().next()?.id()).collect();
        let priority = synapse.attr("priority").and_then(score::leading_integer);
        Some(Step {
            id: element.id()?,
            element,
            inputs,
            priority: priority.unwrap_or(0),
        })
    });
    parts.collect()
}

fn attribute<'a>(action: Element<'a>, name: &str) -> Option<&'a str> {
    action.child("attributes")?.attr(name)
}

/// Executes a graph: each action succeeds at once, as soon as all it waits for is done.
pub fn execute(
    cluster: &Cluster<'_>,
    graph: &Document,
    cib: &mut Shadow<'_>,
    failures: &[Failure],
    clock: i64,
) -> Execution {
    let steps = steps(graph);
    let mut run = Run {
        cluster,
        cib,
        failures,
        clock,
        lines: Vec::new(),
        aborted: false,
    };
    let mut waiting: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut missing: Vec<usize> = Vec::with_capacity(steps.len());
    for (i, step) in steps.iter().enumerate() {
        let inputs: BTreeSet<&str> = step.inputs.iter().copied().collect();
        missing.push(inputs.len());
        for input in inputs {
            waiting.entry(input).or_default().push(i);
        }
    }
    let (mut done, mut skipped) = (vec![false; steps.len()], 0);
    loop {
        let mut fired = false;
        for (i, step) in steps.iter().enumerate() {
            if done[i] || missing[i] > 0 {
                continue;
            }
            done[i] = true;
            let pseudo = step.element.name() == "pseudo_event";
            if run.aborted && !pseudo && step.priority < i64::from(score::INFINITY) {
                skipped += 1;
                continue;
            }
            fired = true;
            if run.step(step) {
                for &next in waiting.get(step.id).into_iter().flatten() {
                    missing[next] -= 1;
                }
            }
        }
        if !fired {
            break;
        }
    }
    let complete = run.aborted || (skipped == 0 && done.iter().all(|d| *d));
    Execution {
        lines: run.lines,
        complete,
    }
}

struct Run<'r, 'a, 'c> {
    cluster: &'r Cluster<'a>,
    cib: &'r mut Shadow<'c>,
    failures: &'r [Failure],
    /// What happens in a simulation happens now, whatever time the CIB is of.
    clock: i64,
    lines: Vec<Item>,
    aborted: bool,
}

impl Run<'_, '_, '_> {
    /// Does one thing; whether what waits for it may go on.
    fn step(&mut self, step: &Step<'_>) -> bool {
        let action = step.element;
        let operation = action.attr("operation").unwrap_or("");
        let node = action.attr("on_node");
        match (action.name(), operation) {
            ("pseudo_event", _) => {
                let key = action.attr("operation_key").unwrap_or("");
                self.lines.push(Item::Pseudo {
                    task: key.to_owned(),
                    node: node.map(str::to_owned),
                });
                true
            }
            ("crm_event", "stonith") => {
                self.fence(action, node.unwrap_or(""));
                true
            }
            ("crm_event", _) => {
                let node = node.unwrap_or("");
                let of = action.child("primitive").and_then(|p| p.id());
                self.lines.push(Item::Cluster {
                    task: operation.to_owned(),
                    of: of.map(str::to_owned),
                    node: node.to_owned(),
                });
                true
            }
            _ => self.operate(step, operation, node.unwrap_or("")),
        }
    }

    fn fence(&mut self, action: Element<'_>, target: &str) {
        let operation = attribute(action, "CRM_meta_stonith_action").unwrap_or("");
        self.lines.push(Item::Fencing {
            target: target.to_owned(),
            operation: operation.to_owned(),
        });
        if operation == "on" {
            return;
        }
        let state = self.cib.node_state(target, None);
        let origin = "simulate_fencing_action";
        self.cib.set_membership(state, Membership::Offline, origin);
        self.cib.forget(state);
    }

    /// The name under which a resource is known, of the two that an action gives.
    fn known_name<'n>(&self, id: &'n str, long: Option<&'n str>) -> &'n str {
        let known = |name: &str| self.cluster.known(name).is_some();
        match long {
            Some(long) if !known(id) && known(long) => long,
            _ => id,
        }
    }

    fn operate(&mut self, step: &Step<'_>, operation: &str, node: &str) -> bool {
        let action = step.element;
        if operation == "probe_again" {
            return true;
        }
        let Some(primitive) = action.children().find(|c| c.id().is_some()) else {
            return true;
        };
        let id = primitive.id().unwrap_or("");
        let name = self.known_name(id, primitive.attr("long-id")).to_owned();
        let interval = attribute(action, "CRM_meta_interval").and_then(|i| i.parse().ok());
        let interval: u32 = interval.unwrap_or(0);
        let kept = !matches!(operation, "delete" | "meta-data");
        self.lines.push(Item::Resource {
            resource: name.clone(),
            operation: operation.to_owned(),
            node: node.to_owned(),
            interval: if kept { interval } else { 0 },
        });
        if !kept {
            return true;
        }
        let target = attribute(action, "CRM_meta_op_target_rc");
        let target = target.and_then(score::leading_integer).unwrap_or(0);
        let mut event = Event {
            task: operation,
            interval,
            rc: target,
            target,
            reason: "",
            params: Some(parameters(action)),
        };
        let uuid = if action.attr("router_node").is_some() {
            Some(node)
        } else {
            action.attr("on_node_uuid")
        };
        let failed = self.failure_of(&[&name, id], &event, node);
        let state = self.cib.node_state(node, uuid);
        if let Some((matched, rc)) = &failed {
            event.rc = *rc;
            event.reason = if *rc == 0 { "" } else { "User-injected result" };
            self.aborted = true;
            let text = format!("Pretending action {} failed with rc={rc}", step.id);
            self.lines.push(Item::Note(text));
            let lines = add_failcount(self.cib, state, matched, &event, self.clock);
            self.lines.extend(lines);
        }
        let agent = ["class", "provider", "type"].map(|name| primitive.attr(name));
        let history = resource_history(self.cib, state, (&name, id), agent);
        add_result(self.cib, (history, id), &event, self.clock);
        self.cib.write_state(state);
        self.cib.count_update();
        failed.is_none()
    }

    fn failure_of(&self, names: &[&str], event: &Event<'_>, node: &str) -> Option<(String, i64)> {
        self.failures.iter().find_map(|failure| {
            let name = names.iter().find(|name| {
                let key = operation_key(name, event.task, event.interval);
                failure
                    .operation
                    .eq_ignore_ascii_case(&format!("{key}@{node}"))
            })?;
            Some(((*name).to_owned(), failure.rc))
        })
    }
}

fn parameters(action: Element<'_>) -> Values {
    let attributes = action.child("attributes");
    let pairs = attributes.into_iter().flat_map(|a| a.attrs());
    // Names that no attribute of XML can have are in elements of their own.
    let others = attributes
        .into_iter()
        .flat_map(|a| a.children_named("param"));
    let others = others.filter_map(|p| Some((p.attr("name")?, p.attr("value")?)));
    let all = pairs.chain(others);
    all.map(|(k, v)| (Text::from(k), Text::from(v))).collect()
}

/// The entry of a resource in a node's history, made if there is none.
fn resource_history(
    cib: &mut Shadow<'_>,
    state: NodeRef,
    (name, preferred): (&str, &str),
    agent: Agent<'_>,
) -> NodeRef {
    let lrm = match cib.child(state, "lrm") {
        Some(lrm) => lrm,
        None => {
            let id = cib.id(state).map(str::to_owned);
            let attrs: Vec<_> = id.iter().map(|id| ("id", id.as_str())).collect();
            cib.add_element(state, "lrm", &attrs)
        }
    };
    let list = match cib.child(lrm, "lrm_resources") {
        Some(list) => list,
        None => cib.add_element(lrm, "lrm_resources", &[]),
    };
    let find = |id: &str| {
        let mut entries = cib.children_named(list, "lrm_resource");
        entries.find(|&e| cib.id(e) == Some(id))
    };
    if let Some(found) = find(name).or_else(|| find(preferred)) {
        return found;
    }
    let entry = cib.add_element(list, "lrm_resource", &[("id", preferred)]);
    for (name, value) in ["class", "provider", "type"].into_iter().zip(agent) {
        if let Some(value) = value {
            cib.set_attr(entry, name, value);
        }
    }
    entry
}

/// Writes a result of the resource of that name into its entry, which may have another one.
fn add_result(cib: &mut Shadow<'_>, (history, id): (NodeRef, &str), event: &Event<'_>, now: i64) {
    let calls = cib.children_named(history, "lrm_rsc_op").filter_map(|op| {
        let call = cib.attr(op, "call-id")?;
        score::leading_integer(call)
    });
    let call = calls.max().unwrap_or(0).max(0) + 1;
    let failed = event.rc != event.target;
    let task = match event.task {
        "reload" | "reload-agent" => "start",
        task => task,
    };
    let key = operation_key(id, task, event.interval);
    let last = format!("{id}_last_0");
    let meta = |name: &str| {
        let name = format!("CRM_meta_{name}");
        let params = event.params.as_ref();
        params.and_then(|p| p.get(&*name)).map_or("", |v| &**v)
    };
    let ids = match task {
        "notify" => {
            let (kind, about) = (meta("notify_type"), meta("notify_operation"));
            vec![format!("{id}_{kind}_notify_{about}_0")]
        }
        "migrate_to" | "migrate_from" => vec![key.clone()],
        _ if failed && event.interval == 0 => vec![format!("{id}_last_failure_0"), last],
        _ if failed => vec![format!("{id}_last_failure_0")],
        _ if event.interval > 0 => vec![key.clone()],
        _ => vec![last],
    };
    for op_id in ids {
        let found = cib
            .children_named(history, "lrm_rsc_op")
            .find(|&op| cib.id(op) == Some(&*op_id));
        let op = match found {
            Some(op) => op,
            None => cib.add_element(history, "lrm_rsc_op", &[]),
        };
        write_result(cib, op, (&op_id, &key, task), (event, call, now));
    }
}

fn write_result(
    cib: &mut Shadow<'_>,
    op: NodeRef,
    (id, key, task): (&str, &str, &str),
    (event, call, now): (&Event<'_>, i64, i64),
) {
    let transition = format!("{call}:-1:{}:{NO_TRANSITION}", event.target);
    let magic = format!("0:{};{transition}", event.rc);
    let (call, rc) = (call.to_string(), event.rc.to_string());
    let (interval, now) = (event.interval.to_string(), now.to_string());
    for (name, value) in [
        ("id", id),
        ("operation_key", key),
        ("operation", task),
        ("crm-debug-origin", "crm_simulate"),
        ("crm_feature_set", FEATURE_SET),
        ("transition-key", &transition),
        ("transition-magic", &magic),
        ("exit-reason", event.reason),
        ("call-id", &call),
        ("rc-code", &rc),
        ("op-status", "0"),
        ("interval", &interval),
        ("last-rc-change", &now),
        ("exec-time", "0"),
        ("queue-time", "0"),
    ] {
        cib.set_attr(op, name, value);
    }
    if task.starts_with("migrate_") {
        for name in ["migrate_source", "migrate_target"] {
            let params = event.params.as_ref();
            let value = params.and_then(|p| p.get(&*format!("CRM_meta_{name}")));
            if let Some(value) = value {
                cib.set_attr(op, name, value);
            }
        }
    }
    if let Some(params) = &event.params {
        let digest = crate::scheduler::unpack::digest::digest_of_operation(params);
        cib.set_attr(op, "op-digest", &digest);
    }
}

/// Counts a failure in the attributes of a node.
fn add_failcount(
    cib: &mut Shadow<'_>,
    state: NodeRef,
    resource: &str,
    event: &Event<'_>,
    now: i64,
) -> Vec<Item> {
    if event.rc == 0 || (event.rc == 7 && event.interval == 0) {
        return Vec::new();
    }
    let id = cib.id(state).unwrap_or("").to_owned();
    let (count, last) = (
        format!("fail-count-{resource}#{}_{}", event.task, event.interval),
        format!("last-failure-{resource}#{}_{}", event.task, event.interval),
    );
    let number = score::add(score::plain(cib.transient(state, &count)), 1);
    let injected = |name: &str, value: String| Item::Attribute {
        name: name.to_owned(),
        value,
        node: id.clone(),
    };
    let lines = vec![
        injected(&count, "value++".to_owned()),
        injected(&last, now.to_string()),
    ];
    for (name, value) in [(count, score::text(number)), (last, now.to_string())] {
        cib.set_transient(state, &name, &value);
    }
    lines
}

/// A result that is made up.
pub(in crate::scheduler) struct Injected<'a> {
    /// Whose.
    pub resource: &'a str,
    /// Of what.
    pub task: &'a str,
    /// How often, in milliseconds.
    pub interval: u32,
    /// What came out.
    pub rc: i64,
}

/// Writes a made-up result into a node's history; a failure counts.
pub(in crate::scheduler) fn inject_result(
    cib: &mut Shadow<'_>,
    state: NodeRef,
    agent: Agent<'_>,
    injected: &Injected<'_>,
    now: i64,
) -> Vec<Item> {
    let event = Event {
        task: injected.task,
        interval: injected.interval,
        rc: injected.rc,
        target: 0,
        reason: if injected.rc == 0 {
            ""
        } else {
            "Simulated action result"
        },
        params: None,
    };
    let lines = add_failcount(cib, state, injected.resource, &event, now);
    let names = (injected.resource, injected.resource);
    let history = resource_history(cib, state, names, agent);
    add_result(cib, (history, injected.resource), &event, now);
    cib.write_state(state);
    cib.count_update();
    lines
}
