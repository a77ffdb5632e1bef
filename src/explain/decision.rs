//! One run of the scheduler, and where it puts everything.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cib::Document;
use crate::rules::iso8601::Clock;
use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::{Kind, Role};
use crate::scheduler::{self, score, unpack::expand};

/// Where a resource is, by names of nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Where it is active now.
    pub now: Vec<String>,
    /// Where it will be.
    pub next: Vec<String>,
    /// Where it will be promoted.
    pub promoted: Vec<String>,
    /// Where it has its place, but can't be started yet.
    pub waiting: Vec<String>,
}

/// Places of all resources by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    pub places: BTreeMap<String, Place>,
}

/// The time that counts for a CIB: its own, if it has one.
pub fn time_of(doc: &Document, now: Clock) -> Clock {
    let own = doc.root_element().attr("execution-date");
    let own = own.and_then(score::leading_integer);
    match own {
        Some(unix_s) if unix_s != 0 => Clock { unix_s, ..now },
        _ => now,
    }
}

/// Runs the scheduler and looks at what it made of the CIB.
pub fn with_cluster<T>(doc: &Document, now: Clock, look: impl FnOnce(&mut Cluster<'_>) -> T) -> T {
    let input = expand::expand(doc);
    let mut cluster = scheduler::read(&input, time_of(doc, now));
    scheduler::schedule(&mut cluster);
    look(&mut cluster)
}

/// Runs the scheduler.
pub fn decide(doc: &Document, now: Clock) -> Decision {
    with_cluster(doc, now, |cluster| Decision::of(cluster))
}

impl Decision {
    /// What was decided for all resources.
    pub fn of(cluster: &Cluster<'_>) -> Self {
        let ids = cluster.resources.ids();
        let pairs = ids.map(|id| {
            let name = cluster.resources[id].id.to_string();
            (name, place_of(cluster, id))
        });
        Self {
            places: pairs.collect(),
        }
    }

    /// Where a resource will run.
    pub fn next(&self, resource: &str) -> &[String] {
        self.places.get(resource).map_or(&[], |p| &p.next)
    }
}

/// Where a resource is and will be.
pub fn place_of(cluster: &Cluster<'_>, resource: ResourceId) -> Place {
    let names = |nodes: Vec<NodeId>| {
        let mut names: Vec<String> = nodes
            .into_iter()
            .map(|n| cluster.nodes[n].name.to_string())
            .collect();
        names.sort();
        names.dedup();
        names
    };
    let next = |wanted| names(next_nodes(cluster, resource, wanted));
    Place {
        now: names(cluster.locations_of(resource, true)),
        next: next(Wanted::Running),
        promoted: next(Wanted::Promoted),
        waiting: next(Wanted::Waiting),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Running,
    Promoted,
    Waiting,
}

/// Nodes where the whole of a resource, or of one of its instances, will be.
fn next_nodes(cluster: &Cluster<'_>, resource: ResourceId, wanted: Wanted) -> Vec<NodeId> {
    let r = &cluster.resources[resource];
    let of = |&part: &ResourceId| next_nodes(cluster, part, wanted);
    match &r.kind {
        Kind::Primitive => next_node(cluster, resource, wanted).into_iter().collect(),
        Kind::Group(_) => {
            let mut members = r.children.iter().map(of);
            let first = members.next().unwrap_or_default();
            let any = wanted == Wanted::Waiting;
            members.fold(first, |mut all, nodes| {
                if any {
                    all.extend(nodes);
                } else {
                    all.retain(|n| nodes.contains(n));
                }
                all
            })
        }
        Kind::Clone(_) => r.children.iter().flat_map(of).collect(),
        Kind::Bundle(body) => body
            .replicas
            .iter()
            .flat_map(|r| of(&r.container))
            .collect(),
    }
}

fn next_node(cluster: &Cluster<'_>, primitive: ResourceId, wanted: Wanted) -> Option<NodeId> {
    let r = &cluster.resources[primitive];
    let node = r.assigned.filter(|_| r.next_role != Role::Stopped)?;
    let waits = stuck_start(cluster, primitive, node).is_some();
    let fits = match wanted {
        Wanted::Running => !waits,
        Wanted::Promoted => !waits && r.next_role == Role::Promoted,
        Wanted::Waiting => waits,
    };
    fits.then_some(node)
}

/// The start of a primitive on a node, if it is wanted and can't be done.
pub fn stuck_start(cluster: &Cluster<'_>, primitive: ResourceId, node: NodeId) -> Option<ActionId> {
    let r = &cluster.resources[primitive];
    let runs = r.running_on.contains(&node);
    r.actions.iter().copied().find(|&a| {
        let a = &cluster.actions[a];
        let wanted = !a.optional || !runs;
        &*a.task == "start" && a.node == Some(node) && wanted && !a.runnable
    })
}
