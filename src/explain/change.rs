//! Changes of a CIB that could alter a placement, and how they are made.

use serde::Serialize;

use crate::cib::{Document, NodeRef};
use crate::scheduler::score;
use crate::scheduler::simulation::injections::{self, Agents, Injections};
use crate::scheduler::simulation::shadow::Shadow;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Change {
    /// A failed resource is cleaned up on a node, or everywhere.
    CleanUp {
        resource: String,
        node: Option<String>,
    },
    /// A meta attribute of a resource.
    SetMeta {
        resource: String,
        name: String,
        value: String,
    },
    /// A node comes online.
    StartNode { node: String },
    /// A node leaves standby.
    EndStandby { node: String },
    /// A node leaves maintenance.
    EndMaintenance { node: String },
    /// The ticket comes here.
    GrantTicket { ticket: String },
    /// The partition gets quorum.
    GainQuorum,
    /// A fence device is configured.
    AddFenceDevice,
    /// An option of the cluster.
    SetOption { name: String, value: String },
    /// A location constraint with this score.
    Prefer {
        resource: String,
        node: String,
        score: i32,
    },
    /// A constraint goes; `element` is its kind.
    RemoveConstraint { constraint: String, element: String },
    /// A node has more room.
    SetCapacity {
        node: String,
        attribute: String,
        value: i64,
    },
}

impl Change {
    /// How much it takes; the smallest is proposed.
    pub fn weight(&self) -> u32 {
        match self {
            Self::CleanUp { .. } => 1,
            Self::SetMeta { .. } | Self::EndStandby { .. } | Self::EndMaintenance { .. } => 2,
            Self::GrantTicket { .. } | Self::StartNode { .. } => 3,
            Self::Prefer { .. } => 4,
            Self::SetOption { .. } | Self::SetCapacity { .. } => 5,
            Self::RemoveConstraint { .. } => 6,
            Self::GainQuorum | Self::AddFenceDevice => 8,
        }
    }

    /// Makes it; whether the document had the place for it.
    pub fn make(&self, doc: &mut Document, now: i64) -> bool {
        match self {
            Self::CleanUp { resource, node } => clean_up(doc, resource, node.as_deref()),
            Self::SetMeta {
                resource,
                name,
                value,
            } => set_meta(doc, resource, name, value),
            Self::StartNode { node } => inject(doc, now, |i| i.node_up.push(node.clone())),
            Self::EndStandby { node } => {
                drop_attribute(doc, node, "standby") | drop_standby_failures(doc, node)
            }
            Self::EndMaintenance { node } => drop_attribute(doc, node, "maintenance"),
            Self::GrantTicket { ticket } => inject(doc, now, |i| {
                i.tickets_granted.push(ticket.clone());
                i.tickets_active.push(ticket.clone());
            }),
            Self::GainQuorum => {
                let root = doc.root();
                doc.set_attr(root, "have-quorum", "1");
                true
            }
            Self::AddFenceDevice => add(
                doc,
                "resources",
                "primitive",
                &[
                    ("id", "explain-fence-device"),
                    ("class", "stonith"),
                    ("type", "external/null"),
                ],
            ),
            Self::SetOption { name, value } => set_option(doc, name, value),
            Self::Prefer {
                resource,
                node,
                score,
            } => add(
                doc,
                "constraints",
                "rsc_location",
                &[
                    ("id", &prefer_id(resource, node)),
                    ("rsc", resource),
                    ("node", node),
                    ("score", &score::text(*score)),
                ],
            ),
            Self::RemoveConstraint { constraint, .. } => remove(doc, constraint),
            Self::SetCapacity {
                node,
                attribute,
                value,
            } => set_capacity(doc, node, attribute, *value),
        }
    }
}

/// Id of the constraint that is proposed.
pub fn prefer_id(resource: &str, node: &str) -> String {
    format!("prefer-{resource}-{node}")
}

fn inject(doc: &mut Document, now: i64, fill: impl FnOnce(&mut Injections)) -> bool {
    let mut what = Injections::default();
    fill(&mut what);
    let mut shadow = Shadow::new(doc, what.adds_nodes());
    let done = injections::inject(&mut shadow, &what, &Agents::default(), now);
    done.errors.is_empty()
}

fn section(doc: &mut Document, name: &str) -> NodeRef {
    let root = doc.root();
    let configuration = part(doc, root, "configuration");
    part(doc, configuration, name)
}

fn part(doc: &mut Document, parent: NodeRef, name: &str) -> NodeRef {
    match doc.child(parent, name) {
        Some(found) => found,
        None => doc.add_element(parent, name, &[]),
    }
}

fn add(doc: &mut Document, to: &str, name: &str, attrs: &[(&str, &str)]) -> bool {
    let section = section(doc, to);
    doc.add_element(section, name, attrs);
    true
}

/// The constraint with an id, or the one around the rule with that id.
pub fn constraint(doc: &Document, id: &str) -> Option<NodeRef> {
    let section = doc.find(doc.root(), &["configuration", "constraints"])?;
    let mut all = doc.children(section);
    all.find(|&c| {
        doc.id(c) == Some(id) || doc.descendants(c).any(|inner| doc.id(inner) == Some(id))
    })
}

fn remove(doc: &mut Document, id: &str) -> bool {
    let found = constraint(doc, id);
    if let Some(found) = found {
        doc.detach(found);
    }
    found.is_some()
}

/// All pairs of a name below an element, in sets of a kind.
fn pairs(doc: &Document, element: NodeRef, sets: &str, name: &str) -> Vec<NodeRef> {
    let sets = doc.children_named(element, sets);
    sets.flat_map(|set| doc.children_named(set, "nvpair"))
        .filter(|&pair| doc.attr(pair, "name") == Some(name))
        .collect()
}

fn set_pair(doc: &mut Document, element: NodeRef, sets: &str, pair: (&str, &str)) {
    let (name, value) = pair;
    let found = pairs(doc, element, sets, name);
    for &pair in &found {
        doc.set_attr(pair, "value", value);
    }
    if !found.is_empty() {
        return;
    }
    let owner = doc.id(element).unwrap_or("cib-bootstrap").to_owned();
    let set = match doc.child(element, sets) {
        Some(set) => set,
        None => doc.add_element(element, sets, &[("id", &format!("{owner}-{sets}"))]),
    };
    let id = format!("{owner}-{sets}-{name}");
    doc.add_element(
        set,
        "nvpair",
        &[("id", &id), ("name", name), ("value", value)],
    );
}

fn set_meta(doc: &mut Document, resource: &str, name: &str, value: &str) -> bool {
    let found = doc.by_id(resource);
    if let Some(element) = found {
        set_pair(doc, element, "meta_attributes", (name, value));
    }
    found.is_some()
}

fn set_option(doc: &mut Document, name: &str, value: &str) -> bool {
    let config = section(doc, "crm_config");
    set_pair(doc, config, "cluster_property_set", (name, value));
    true
}

fn configured_node(doc: &Document, name: &str) -> Option<NodeRef> {
    let nodes = doc.find(doc.root(), &["configuration", "nodes"])?;
    let mut all = doc.children_named(nodes, "node");
    all.find(|&n| doc.attr(n, "uname") == Some(name))
}

fn state_of(doc: &Document, name: &str) -> Option<NodeRef> {
    let status = doc.child(doc.root(), "status")?;
    let mut all = doc.children_named(status, "node_state");
    all.find(|&n| doc.attr(n, "uname") == Some(name) || doc.id(n) == Some(name))
}

/// Takes an attribute from a node, the permanent and the transient one.
fn drop_attribute(doc: &mut Document, node: &str, name: &str) -> bool {
    let mut found = Vec::new();
    if let Some(element) = configured_node(doc, node) {
        found.extend(pairs(doc, element, "instance_attributes", name));
    }
    let state = state_of(doc, node);
    if let Some(own) = state.and_then(|s| doc.child(s, "transient_attributes")) {
        found.extend(pairs(doc, own, "instance_attributes", name));
    }
    for &pair in &found {
        doc.detach(pair);
    }
    !found.is_empty()
}

fn set_capacity(doc: &mut Document, node: &str, attribute: &str, value: i64) -> bool {
    let found = configured_node(doc, node);
    if let Some(element) = found {
        set_pair(doc, element, "utilization", (attribute, &value.to_string()));
    }
    found.is_some()
}

/// Whether a name in a history or of a fail count is that of a resource, or of its instance.
fn is_of(name: &str, resource: &str) -> bool {
    let base = |text: &str| text.split(':').next().map(str::to_owned);
    name == resource || base(name) == base(resource)
}

/// Forgets failures: counts, and what the history has of them.
fn clean_up(doc: &mut Document, resource: &str, node: Option<&str>) -> bool {
    let Some(status) = doc.child(doc.root(), "status") else {
        return false;
    };
    let states: Vec<NodeRef> = match node {
        Some(node) => state_of(doc, node).into_iter().collect(),
        None => doc.children_named(status, "node_state").collect(),
    };
    let failure = |e: NodeRef| {
        let of = |text: &str| is_of(text, resource);
        match doc.name(e) {
            "nvpair" => {
                let name = doc.attr(e, "name").unwrap_or("");
                let name = name
                    .strip_prefix("fail-count-")
                    .or(name.strip_prefix("last-failure-"));
                name.is_some_and(|name| of(name.split('#').next().unwrap_or(name)))
            }
            "lrm_rsc_op" => {
                let owner = doc.parent(e).and_then(|p| doc.id(p)).unwrap_or("");
                of(owner) && is_failed(doc, e)
            }
            _ => false,
        }
    };
    let all = states.into_iter().flat_map(|state| doc.descendants(state));
    let found: Vec<NodeRef> = all.filter(|&e| failure(e)).collect();
    for &element in &found {
        doc.detach(element);
    }
    !found.is_empty()
}

fn is_failed(doc: &Document, op: NodeRef) -> bool {
    if doc.id(op).is_some_and(|id| id.ends_with("_last_failure_0")) {
        return true;
    }
    let rc = doc.attr(op, "rc-code").unwrap_or("0");
    let status = doc.attr(op, "op-status").unwrap_or("0");
    let is_probe = doc.attr(op, "operation") == Some("monitor")
        && matches!(doc.attr(op, "interval"), Some("0") | None);
    status == "4" || (!is_probe && !matches!(rc, "0" | "8" | "9" | "193"))
}

/// A node is also in standby after the failure of an operation that asks for it.
fn drop_standby_failures(doc: &mut Document, node: &str) -> bool {
    let Some(state) = state_of(doc, node) else {
        return false;
    };
    let failed: Vec<NodeRef> = doc
        .descendants(state)
        .filter(|&e| doc.name(e) == "lrm_rsc_op" && is_failed(doc, e))
        .collect();
    for &element in &failed {
        doc.detach(element);
    }
    !failed.is_empty()
}
