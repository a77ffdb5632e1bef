//! What may happen to a cluster, or be changed in it, between two transitions.

use everbeat::cib::{Document, NodeRef};
use everbeat::proto::rng::Rng;

use super::draft::{Draft, Made};
use super::{constraints, options, resources, status};

/// Kinds of resources.
const RESOURCES: &[&str] = &["primitive", "group", "clone", "master", "bundle"];

/// Changes a CIB in a few places.
pub fn mutate(doc: Document, rng: Rng, changes: u64) -> Document {
    let mut draft = Draft::new(doc, rng);
    let count = u32::try_from(draft.doc.node_count()).unwrap_or(0);
    draft.skip_ids(1000 + count);
    survey(&mut draft);
    for _ in 0..=draft.rng.below(changes) {
        change(&mut draft);
    }
    draft.doc
}

fn elements(draft: &Draft, names: &[&str]) -> Vec<NodeRef> {
    let doc = &draft.doc;
    let all = doc.descendants(doc.root());
    all.filter(|&n| doc.is_element(n) && names.contains(&doc.name(n)))
        .collect()
}

fn survey(draft: &mut Draft) {
    for node in elements(draft, &["node"]) {
        let name = draft.doc.attr(node, "uname").map(str::to_owned);
        draft.nodes.extend(name);
    }
    for resource in elements(draft, RESOURCES) {
        let Some(id) = draft.doc.id(resource).map(str::to_owned) else {
            continue;
        };
        if draft.doc.name(resource) == "primitive" {
            draft.agents.push((id.clone(), "ocf", "pacemaker", "Dummy"));
        }
        draft.made.push(Made { id });
    }
}

fn any(draft: &mut Draft, names: &[&str]) -> Option<NodeRef> {
    let found = elements(draft, names);
    let at = draft.place(found.len());
    found.get(at).copied()
}

fn change(draft: &mut Draft) {
    match draft.place(34) {
        24 | 25 => migration(draft),
        26 => lock(draft),
        27 => {
            if let Some(op) = any(draft, &["lrm_rsc_op"]) {
                status::digests(draft, op);
            }
        }
        28 => another(draft),
        29 => wrap(draft),
        30 => order(draft),
        31 | 32 => operation(draft),
        33 => {
            if let Some(resource) = any(draft, &["clone", "master"]) {
                let (name, _, values) =
                    resources::CLONE_META[draft.place(resources::CLONE_META.len())];
                let value = draft.pick(values);
                draft.set(resource, "meta_attributes", name, value);
            }
        }
        0..3 => node_state(draft),
        3 | 4 => transient(draft),
        5..9 => operation_fails(draft),
        9 => new_failure(draft),
        10 | 11 => meta(draft),
        12 => remove(draft),
        13 | 14 => score(draft),
        15 => option(draft),
        16 => parameter(draft),
        17 => constraints::one(draft),
        18 => active_twice(draft),
        19 => role(draft),
        20 => quorum(draft),
        21 => ticket(draft),
        22 => attribute(draft),
        _ => time_passes(draft),
    }
}

fn node_state(draft: &mut Draft) {
    if let Some(state) = any(draft, &["node_state"]) {
        let at = draft.place(status::STATES.len());
        status::set_state(draft, state, at);
    }
}

fn transient(draft: &mut Draft) {
    if let Some(state) = any(draft, &["node_state"]) {
        status::transient(draft, state);
    }
}

/// An entry of the history ends otherwise.
fn operation_fails(draft: &mut Draft) {
    let Some(op) = any(draft, &["lrm_rsc_op"]) else {
        return;
    };
    let rc = draft.pick(&["0", "1", "7", "5", "2", "8", "9", "193", "6", "190"]);
    let key = draft
        .doc
        .attr(op, "transition-key")
        .unwrap_or("1:1:0:x")
        .to_owned();
    let target = key.split(':').nth(2).unwrap_or("0");
    let done = match rc {
        "193" => "-1",
        rc if rc == target => "0",
        _ => draft.pick(&["4", "4", "4", "0", "2"]),
    };
    draft.doc.set_attr(op, "rc-code", rc);
    draft.doc.set_attr(op, "op-status", done);
    draft
        .doc
        .set_attr(op, "transition-magic", &format!("{done}:{rc};{key}"));
    if rc == "193" {
        draft.doc.set_attr(op, "call-id", "-1");
    }
}

/// An operation that fails after all others.
fn new_failure(draft: &mut Draft) {
    let Some(resource) = any(draft, &["lrm_resource"]) else {
        return;
    };
    let Some(name) = draft.doc.id(resource).map(str::to_owned) else {
        return;
    };
    let (task, interval) = [
        ("monitor", "10000"),
        ("start", "0"),
        ("stop", "0"),
        ("promote", "0"),
        ("demote", "0"),
    ][draft.place(5)];
    let rc = draft.pick(&["1", "7", "5", "193"]);
    let entry = format!("{name}_last_failure_0");
    let same = draft
        .doc
        .children(resource)
        .find(|&op| draft.doc.id(op) == Some(&entry));
    if let Some(old) = same {
        draft.doc.detach(old);
    }
    let call = 900 + u32::try_from(draft.place(50)).unwrap_or(0);
    let event = status::Event {
        entry,
        task,
        interval,
        target: "0",
        rc,
        call,
    };
    status::entry(draft, resource, &name, &event);
}

fn meta(draft: &mut Draft) {
    if let Some(resource) = any(draft, RESOURCES) {
        let (name, _, values) = resources::META[draft.place(resources::META.len())];
        let value = draft.pick(values);
        draft.set(resource, "meta_attributes", name, value);
    }
}

/// Something is deleted, as an administrator may do.
fn remove(draft: &mut Draft) {
    let names = [
        "primitive",
        "group",
        "clone",
        "bundle",
        "op",
        "nvpair",
        "rsc_location",
        "rsc_order",
        "rsc_colocation",
        "node_state",
        "lrm_resource",
        "lrm_rsc_op",
        "node",
        "rsc_ticket",
        "resource_set",
        "meta_attributes",
    ];
    let name = names[draft.place(names.len())];
    if let Some(element) = any(draft, &[name]) {
        draft.doc.detach(element);
    }
}

fn score(draft: &mut Draft) {
    let names = ["rsc_location", "rsc_colocation", "rule", "rsc_order"];
    let Some(constraint) = any(draft, &names) else {
        return;
    };
    if draft.doc.attr(constraint, "score").is_some() {
        let score = draft.score();
        draft.doc.set_attr(constraint, "score", score);
    }
}

fn option(draft: &mut Draft) {
    let Some(set) = any(draft, &["cluster_property_set"]) else {
        return;
    };
    let (name, _, values) = options::OPTIONS[draft.place(options::OPTIONS.len())];
    let value = draft.pick(values);
    let config = draft.doc.parent(set).unwrap_or(set);
    draft.set(config, "cluster_property_set", name, value);
}

/// A parameter of a resource changes, so that digests differ.
fn parameter(draft: &mut Draft) {
    if let Some(resource) = any(draft, &["primitive"]) {
        let value = draft.pick(&["1", "two", "three"]);
        draft.set(resource, "instance_attributes", "state", value);
    }
}

/// What ran on one node runs on another, too.
fn active_twice(draft: &mut Draft) {
    let Some(resource) = any(draft, &["lrm_resource"]) else {
        return;
    };
    let Some(list) = any(draft, &["lrm_resources"]) else {
        return;
    };
    let id = draft.doc.id(resource).map(str::to_owned);
    let same = draft
        .doc
        .children(list)
        .find(|&r| draft.doc.id(r) == id.as_deref());
    if same == Some(resource) {
        return;
    }
    if let Some(same) = same {
        draft.doc.detach(same);
    }
    let source = draft.doc.clone();
    let copy = draft.doc.import(&source, resource);
    draft.doc.append(list, copy);
}

fn role(draft: &mut Draft) {
    let names = [
        "rsc_location",
        "rsc_colocation",
        "rsc_order",
        "resource_set",
        "op",
    ];
    let Some(element) = any(draft, &names) else {
        return;
    };
    let (name, values): (&str, &[&str]) = match draft.doc.name(element) {
        "rsc_order" => ("kind", &["Mandatory", "Optional", "Serialize"]),
        "rsc_colocation" => ("with-rsc-role", &["Promoted", "Unpromoted", "Started"]),
        "resource_set" => ("sequential", &["true", "false"]),
        "op" => (
            "on-fail",
            &["ignore", "block", "stop", "restart", "fence", "standby"],
        ),
        _ => ("role", &["Promoted", "Unpromoted", "Started"]),
    };
    let value = draft.pick(values);
    if name == "kind" {
        draft.doc.remove_attr(element, "score");
    }
    draft.doc.set_attr(element, name, value);
}

fn quorum(draft: &mut Draft) {
    let root = draft.doc.root();
    let value = draft.pick(&["0", "1"]);
    draft.doc.set_attr(root, "have-quorum", value);
}

fn ticket(draft: &mut Draft) {
    if let Some(ticket) = any(draft, &["ticket_state"]) {
        let name = draft.pick(&["granted", "standby"]);
        let value = draft.pick(&["true", "false"]);
        draft.doc.set_attr(ticket, name, value);
    }
}

fn attribute(draft: &mut Draft) {
    if let Some(node) = any(draft, &["node"]) {
        let (name, _, values) = options::ATTRIBUTES[draft.place(options::ATTRIBUTES.len())];
        let value = draft.pick(values);
        draft.set(node, "instance_attributes", name, value);
    }
}

fn time_passes(draft: &mut Draft) {
    let root = draft.doc.root();
    let now = draft
        .doc
        .attr(root, "execution-date")
        .and_then(|t| t.parse::<i64>().ok());
    let seconds = i64::try_from(draft.rng.below(7200)).unwrap_or(0);
    if let Some(now) = now {
        draft
            .doc
            .set_attr(root, "execution-date", &(now + seconds).to_string());
    }
}

/// A resource was on its way from one node to another.
fn migration(draft: &mut Draft) {
    let Some(source) = any(draft, &["lrm_resource"]) else {
        return;
    };
    let id = draft.doc.id(source).map(str::to_owned);
    let Some(list) = any(draft, &["lrm_resources"]) else {
        return;
    };
    let Some(id) = id.filter(|_| draft.doc.parent(source) != Some(list)) else {
        return;
    };
    let same = draft
        .doc
        .children(list)
        .find(|&r| draft.doc.id(r) == Some(&id));
    let target = match same {
        Some(found) => found,
        None => {
            let copy = draft.add(list, "lrm_resource", &[("id", &id)]);
            for name in ["class", "provider", "type"] {
                if let Some(value) = draft.doc.attr(source, name).map(str::to_owned) {
                    draft.doc.set_attr(copy, name, &value);
                }
            }
            copy
        }
    };
    status::migration(draft, source, target, &id);
}

/// A resource waits for the node that was shut down.
fn lock(draft: &mut Draft) {
    if let Some(resource) = any(draft, &["lrm_resource"]) {
        let since = draft.pick(&["1794999500", "1794000000", "0"]);
        draft.doc.set_attr(resource, "shutdown-lock", since);
    }
}

/// A new resource, with a constraint.
fn another(draft: &mut Draft) {
    let list = draft.section(&["configuration", "resources"]);
    let number = 50 + draft.place(40);
    resources::one(draft, list, number);
    constraints::one(draft);
}

/// A resource becomes a clone, or the only member of a group.
fn wrap(draft: &mut Draft) {
    let list = draft.section(&["configuration", "resources"]);
    let all: Vec<NodeRef> = draft.doc.children(list).collect();
    let at = draft.place(all.len());
    let Some(&resource) = all.get(at) else { return };
    let name = draft.doc.name(resource).to_owned();
    let around = match &*name {
        "primitive" if draft.chance(40) => "group",
        "primitive" | "group" => "clone",
        _ => return,
    };
    let outer = draft.add_named(list, around, &[]);
    let source = draft.doc.clone();
    let copy = draft.doc.import(&source, resource);
    draft.doc.append(outer, copy);
    draft.doc.detach(resource);
    if around == "clone" {
        draft.metas(outer, resources::CLONE_META);
    }
}

/// A resource is listed last.
fn order(draft: &mut Draft) {
    let Some(resource) = any(draft, RESOURCES) else {
        return;
    };
    let Some(list) = draft.doc.parent(resource) else {
        return;
    };
    if !matches!(draft.doc.name(list), "resources" | "group") {
        return;
    }
    let source = draft.doc.clone();
    let copy = draft.doc.import(&source, resource);
    draft.doc.detach(resource);
    draft.doc.append(list, copy);
}

/// An operation is configured otherwise.
fn operation(draft: &mut Draft) {
    let Some(op) = any(draft, &["op"]) else {
        return;
    };
    let (name, values): (&str, &[&str]) = match draft.place(7) {
        0 => ("interval", &["10s", "0", "60s", "7"]),
        1 => ("timeout", &["33s", "1m"]),
        2 => ("enabled", &["true", "false"]),
        3 => ("role", &["Promoted", "Started", "Stopped", "Unpromoted"]),
        4 => ("record-pending", &["true", "false"]),
        5 => ("start-delay", &["5s"]),
        _ => (
            "on-fail",
            &[
                "ignore", "block", "stop", "restart", "fence", "standby", "demote",
            ],
        ),
    };
    let value = draft.pick(values);
    draft.doc.set_attr(op, name, value);
}
