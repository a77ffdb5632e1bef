//! What the scheduler says of a resource, without any change: where it is, and what decides for
//! and against each node.

use std::collections::BTreeSet;

use super::cause::Cause;
use super::causes;
use super::decision::{Decision, Place, place_of};
use super::scores::Pair;
use super::{Question, Refusal};
use crate::cib::Document;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;

/// How far one resource is followed to the next that keeps it.
const DEPTH_MAX: usize = 4;

/// Causes before they are told: of a resource, or of what it depends on.
#[derive(Debug, Clone, Default)]
pub(super) struct Case {
    pub(super) resource: String,
    pub(super) causes: Vec<Cause>,
    pub(super) related: Vec<(String, Vec<Cause>)>,
}

/// What the scheduler says without any change.
pub(super) struct Facts {
    pub(super) resource: String,
    pub(super) members: Vec<String>,
    pub(super) place: Place,
    pub(super) general: Case,
    pub(super) here: Vec<(String, Option<i32>, Case)>,
    pub(super) elsewhere: Vec<(String, Option<i32>, Case)>,
    pub(super) decision: Decision,
}

/// Asks the scheduler's tables.
///
/// Errors: there is no such resource or node.
pub(super) fn facts(
    doc: &Document,
    cluster: &mut Cluster<'_>,
    question: &Question<'_>,
) -> Result<Facts, Refusal> {
    let known = |names: Vec<String>| match names.is_empty() {
        true => String::new(),
        false => format!("; there are {}", names.join(", ")),
    };
    let Some(resource) = find(cluster, question.resource) else {
        let tops = cluster.top.iter().take(20);
        let names = tops.map(|&r| cluster.resources[r].id.to_string()).collect();
        return Err(Refusal::Resource(
            question.resource.to_owned(),
            known(names),
        ));
    };
    let only = match question.node.map(|name| (name, cluster.node_named(name))) {
        Some((name, None)) => {
            let all = cluster.node_order.iter().take(20);
            let names = all.map(|&n| cluster.nodes[n].name.to_string()).collect();
            return Err(Refusal::Node(name.to_owned(), known(names)));
        }
        Some((_, found)) => found,
        None => None,
    };
    let decision = Decision::of(cluster);
    let place = place_of(cluster, resource);
    let first = causes::focus(cluster, resource, None);
    let general = causes::general(doc, cluster, first);
    let mut general = Case {
        resource: cluster.resources[first].id.to_string(),
        causes: general,
        related: Vec::new(),
    };
    follow(doc, cluster, None, &mut general);
    let members = cluster.resources[resource].children.iter();
    let mut facts = Facts {
        resource: cluster.resources[resource].id.to_string(),
        members: members
            .map(|&m| cluster.resources[m].id.to_string())
            .collect(),
        place,
        general,
        here: Vec::new(),
        elsewhere: Vec::new(),
        decision,
    };
    for node in cluster.node_order.clone() {
        // Guest nodes of bundles are for what is in the bundle.
        let inner = only.is_none() && cluster.is_bundle_node(node);
        if inner || only.is_some_and(|only| only != node) {
            continue;
        }
        let name = cluster.nodes[node].name.to_string();
        if facts.place.next.contains(&name) {
            let part = causes::part_on(cluster, resource, node);
            let (score, case) = case_here(cluster, part, node);
            facts.here.push((name, score, case));
        } else {
            let part = causes::focus(cluster, resource, Some(node));
            let (score, case) = case_elsewhere(doc, cluster, part, node);
            facts.elsewhere.push((name, score, case));
        }
    }
    Ok(facts)
}

/// A resource by its id; for what is in a clone or a bundle that collective.
fn find(cluster: &Cluster<'_>, name: &str) -> Option<ResourceId> {
    let is_instance = |id: &ResourceId| {
        let rest = cluster.resources[*id].id.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(':'))
    };
    cluster.resource_named(name).or_else(|| {
        let instance = cluster.resources.ids().find(is_instance)?;
        Some(cluster.outermost(instance))
    })
}

fn case_here(
    cluster: &mut Cluster<'_>,
    primitive: ResourceId,
    node: NodeId,
) -> (Option<i32>, Case) {
    let mut pair = Pair {
        cluster,
        primitive,
        node,
    };
    let mut causes = pair.contributions();
    causes.retain(|c| c.score().is_none_or(|s| s > 0));
    let r = &cluster.resources[primitive];
    let case = Case {
        resource: r.id.to_string(),
        causes,
        related: Vec::new(),
    };
    (r.allowed.score(node), case)
}

fn case_elsewhere(
    doc: &Document,
    cluster: &mut Cluster<'_>,
    primitive: ResourceId,
    node: NodeId,
) -> (Option<i32>, Case) {
    let mut pair = Pair {
        cluster,
        primitive,
        node,
    };
    let causes = causes::at_node(&mut pair);
    let r = &cluster.resources[primitive];
    let score = r.allowed.score(node);
    let mut case = Case {
        resource: r.id.to_string(),
        causes,
        related: Vec::new(),
    };
    follow(doc, cluster, Some(node), &mut case);
    (score, case)
}

/// Adds what keeps those that a resource depends on.
fn follow(doc: &Document, cluster: &mut Cluster<'_>, node: Option<NodeId>, case: &mut Case) {
    let mut seen = BTreeSet::from([case.resource.clone()]);
    let mut open = needed(&case.causes);
    for _ in 0..DEPTH_MAX {
        let mut next = Vec::new();
        for name in std::mem::take(&mut open) {
            let Some(other) = cluster.resource_named(&name) else {
                continue;
            };
            if !seen.insert(name.clone()) {
                continue;
            }
            let primitive = causes::focus(cluster, other, node);
            let mut found = causes::general(doc, cluster, primitive);
            if let Some(node) = node {
                found.extend(causes::at_node(&mut Pair {
                    cluster,
                    primitive,
                    node,
                }));
            }
            next.extend(needed(&found));
            let id = cluster.resources[primitive].id.to_string();
            case.related.push((id, found));
        }
        open = next;
    }
}

/// Names of resources that a cause leads to.
fn needed(causes: &[Cause]) -> Vec<String> {
    let of = |cause: &Cause| match cause {
        Cause::Colocation { with, effect, .. } if *effect < 0 => Some(with.clone()),
        Cause::Waits { resource, .. } => resource.clone(),
        Cause::Disconnected { connection } => Some(connection.clone()),
        _ => None,
    };
    causes.iter().filter_map(of).collect()
}
