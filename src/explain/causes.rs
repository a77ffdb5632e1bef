//! Looks for what keeps a resource from running, anywhere or on one node.

use super::cause::Cause;
use super::decision::stuck_start;
use super::scores::{Pair, chain};
use crate::cib::Document;
use crate::cib::boolean;
use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::table::Discovery;
use crate::scheduler::model::{Kind, Role};
use crate::scheduler::score::INFINITY;
use crate::scheduler::unpack::options::{Placement, QuorumPolicy};

/// The primitive in a resource that tells most about a node: one that isn't there.
pub fn focus(cluster: &Cluster<'_>, resource: ResourceId, node: Option<NodeId>) -> ResourceId {
    let r = &cluster.resources[resource];
    let absent = |&&part: &&ResourceId| {
        let at = super::scores::placed(cluster, part, None);
        match node {
            Some(node) => !at.contains(&node),
            None => at.is_empty(),
        }
    };
    let next = match &r.kind {
        Kind::Primitive => None,
        Kind::Group(_) => r.children.iter().find(absent).or(r.children.first()),
        Kind::Clone(_) => {
            let free = |&&part: &&ResourceId| super::scores::placed(cluster, part, None).is_empty();
            let idle = r.children.iter().find(free);
            idle.or_else(|| r.children.iter().find(absent))
                .or(r.children.first())
        }
        Kind::Bundle(body) => {
            let containers = || body.replicas.iter().map(|r| &r.container);
            containers().find(absent).or_else(|| containers().next())
        }
    };
    next.map_or(resource, |&part| focus(cluster, part, node))
}

/// The primitive in a resource that is on a node.
pub fn part_on(cluster: &Cluster<'_>, resource: ResourceId, node: NodeId) -> ResourceId {
    let r = &cluster.resources[resource];
    let parts: Vec<ResourceId> = match &r.kind {
        Kind::Bundle(body) => body.replicas.iter().map(|r| r.container).collect(),
        _ => r.children.clone(),
    };
    let there = |&&part: &&ResourceId| super::scores::placed(cluster, part, None).contains(&node);
    match parts.iter().find(there).or(parts.first()) {
        Some(&part) => part_on(cluster, part, node),
        None => resource,
    }
}

/// What keeps a primitive from running wherever it is.
pub fn general(doc: &Document, cluster: &Cluster<'_>, primitive: ResourceId) -> Vec<Cause> {
    let r = &cluster.resources[primitive];
    let options = &cluster.options;
    let mut causes = Vec::new();
    let stopped = chain(cluster, primitive)
        .into_iter()
        .any(|part| cluster.target_role_of(part) == Some(Role::Stopped));
    if stopped {
        let owner = owner_of(doc, cluster, primitive, "target-role");
        causes.push(Cause::TargetRole { owner });
    }
    if options.stop_all {
        causes.push(Cause::StopAll);
    }
    if options.stonith_enabled && !cluster.has_fence_device {
        causes.push(Cause::NoFenceDevice);
    }
    if options.maintenance {
        causes.push(Cause::Maintenance);
    } else if r.blocked {
        let resource = r.id.to_string();
        causes.push(Cause::Blocked { resource });
    } else if let Some(text) = cluster.meta(primitive, "is-managed")
        && matches!(boolean::parse(&text), Some(false))
    {
        let owner = Some(owner_of(doc, cluster, primitive, "is-managed"));
        causes.push(Cause::Unmanaged { owner });
    }
    if r.orphan {
        causes.push(Cause::Orphan);
    }
    if !cluster.quorum_or_ignore() && !r.fence_device {
        let policy = match options.quorum_policy {
            QuorumPolicy::Freeze => "freeze",
            QuorumPolicy::Demote => "demote",
            QuorumPolicy::Suicide => "suicide",
            QuorumPolicy::Stop | QuorumPolicy::Ignore => "stop",
        };
        let policy = policy.to_owned();
        causes.push(Cause::NoQuorum { policy });
    }
    causes.extend(tickets(doc, cluster, primitive));
    causes.extend(waits(doc, cluster, primitive));
    causes
}

/// The resource whose configuration sets a meta attribute of a primitive: the innermost one that
/// names it; the outermost, if it comes from elsewhere.
fn owner_of(doc: &Document, cluster: &Cluster<'_>, primitive: ResourceId, name: &str) -> String {
    let chain = chain(cluster, primitive);
    let id_of = |r: ResourceId| {
        let id = &cluster.resources[r].id;
        id.split(':').next().unwrap_or(id).to_owned()
    };
    let sets = |id: &str| {
        let element = doc.by_id(id).map(|e| doc.element(e));
        element.is_some_and(|element| {
            let sets = element.children_named("meta_attributes");
            sets.flat_map(|set| set.children_named("nvpair"))
                .any(|pair| pair.attr("name") == Some(name))
        })
    };
    let mut ids = chain.iter().map(|&r| id_of(r));
    let found = ids.find(|id| sets(id));
    found.unwrap_or_else(|| chain.last().map_or_else(String::new, |&r| id_of(r)))
}

fn tickets(doc: &Document, cluster: &Cluster<'_>, primitive: ResourceId) -> Vec<Cause> {
    let mut causes = Vec::new();
    for part in chain(cluster, primitive) {
        for &number in &cluster.resources[part].tickets {
            let Some(needed) = cluster.ticket_constraints.get(number) else {
                continue;
            };
            let Some(ticket) = cluster.tickets.get(needed.ticket) else {
                continue;
            };
            let name = ticket.id.as_deref().unwrap_or("").to_owned();
            if (ticket.granted && !ticket.standby) || needed.role == Role::Promoted {
                continue;
            }
            let constraint = constraints(doc, "rsc_ticket")
                .find(|c| doc.attr(*c, "ticket") == Some(&name) && names(doc, *c, cluster, part));
            causes.push(Cause::Ticket {
                ticket: name,
                constraint: constraint.and_then(|c| doc.id(c)).map(str::to_owned),
                standby: ticket.granted,
            });
        }
    }
    causes
}

fn constraints<'a>(
    doc: &'a Document,
    name: &'a str,
) -> impl Iterator<Item = crate::cib::NodeRef> + 'a {
    let section = doc.find(doc.root(), &["configuration", "constraints"]);
    section
        .into_iter()
        .flat_map(move |section| doc.children_named(section, name))
}

/// Whether a constraint names a resource or what is around it.
fn names(
    doc: &Document,
    constraint: crate::cib::NodeRef,
    cluster: &Cluster<'_>,
    resource: ResourceId,
) -> bool {
    let ids: Vec<_> = chain(cluster, resource)
        .into_iter()
        .map(|r| cluster.resources[r].id.clone())
        .collect();
    let is_one = |text: Option<&str>| {
        text.is_some_and(|text| {
            ids.iter()
                .any(|id| &**id == text || id.split(':').next() == Some(text))
        })
    };
    let own = ["rsc", "with-rsc", "first", "then"];
    own.iter().any(|name| is_one(doc.attr(constraint, name)))
        || doc
            .descendants(constraint)
            .any(|e| doc.name(e) == "resource_ref" && is_one(doc.id(e)))
}

/// What the start of a primitive on its node waits for.
fn waits(doc: &Document, cluster: &Cluster<'_>, primitive: ResourceId) -> Option<Cause> {
    let node = cluster.resources[primitive].assigned?;
    let start = stuck_start(cluster, primitive, node)?;
    let mut at = start;
    let mut passed = vec![start];
    // Through actions of collectives and of the same resource to the first of another.
    loop {
        let next = blocked_input(cluster, at, &passed)?;
        let action = &cluster.actions[next];
        let own = action.resource.is_some_and(|other| {
            chain(cluster, primitive).contains(&other) || chain(cluster, other).contains(&primitive)
        });
        if !own {
            let constraints = action.resource.map_or_else(Vec::new, |first| {
                constraints(doc, "rsc_order")
                    .filter(|&c| names(doc, c, cluster, first) && names(doc, c, cluster, primitive))
                    .filter_map(|c| doc.id(c).map(str::to_owned))
                    .collect()
            });
            return Some(Cause::Waits {
                resource: action
                    .resource
                    .map(|first| cluster.resources[first].id.to_string()),
                action: action.task.to_string(),
                constraints,
            });
        }
        passed.push(next);
        at = next;
    }
}

/// An action that can't be done and that another waits for.
fn blocked_input(cluster: &Cluster<'_>, action: ActionId, passed: &[ActionId]) -> Option<ActionId> {
    let links = cluster.actions[action].before.iter();
    let inputs = links.map(|&l| &cluster.links[l]);
    let blocked = inputs.filter(|l| {
        let first = &cluster.actions[l.first];
        !first.runnable && !l.made.is_none() && !passed.contains(&l.first)
    });
    blocked.map(|l| l.first).next()
}

/// What keeps a primitive from one node.
pub fn at_node(pair: &mut Pair<'_, '_>) -> Vec<Cause> {
    let mut causes = states(pair.cluster, pair.node);
    causes.extend(permission(pair));
    causes.extend(pair.contributions());
    causes.extend(capacity(pair));
    causes.extend(lock(pair));
    causes.extend(instances(pair));
    causes.extend(comparison(pair, &causes));
    // What forbids the node comes before what only counts.
    let forbids = |cause: &Cause| match (cause, cause.score()) {
        (Cause::Failures { banned, .. }, _) => *banned,
        (Cause::LowerScore { .. } | Cause::Tie { .. }, _) => false,
        (_, score) => score.is_none_or(|score| score <= -INFINITY),
    };
    causes.sort_by_key(|cause| !forbids(cause));
    causes
}

fn states(cluster: &Cluster<'_>, node: NodeId) -> Vec<Cause> {
    let n = &cluster.nodes[node];
    let mut causes = Vec::new();
    if n.unclean {
        causes.push(Cause::Unclean);
    }
    if let Some(connection) = n.connection.filter(|_| !n.online || n.shutdown) {
        let connection = cluster.resources[connection].id.to_string();
        causes.push(Cause::Disconnected { connection });
    } else if n.pending {
        causes.push(Cause::Pending);
    } else if !n.online {
        causes.push(Cause::Offline);
    } else if n.shutdown {
        causes.push(Cause::ShuttingDown);
    }
    if n.standby {
        let failure = n.standby_on_fail;
        causes.push(Cause::Standby { failure });
    }
    if n.maintenance && !cluster.options.maintenance {
        causes.push(Cause::NodeMaintenance);
    }
    causes
}

fn permission(pair: &Pair<'_, '_>) -> Option<Cause> {
    let cluster = &pair.cluster;
    let r = &cluster.resources[pair.primitive];
    let entry = r.allowed.get(pair.node);
    let exclusive = pair
        .chain()
        .into_iter()
        .any(|part| cluster.resources[part].exclusive_discover);
    if exclusive && entry.is_none_or(|e| e.discovery != Discovery::Exclusive) {
        return Some(Cause::ExclusiveDiscovery);
    }
    (entry.is_none() && !cluster.options.symmetric).then_some(Cause::OptIn)
}

fn capacity(pair: &Pair<'_, '_>) -> Vec<Cause> {
    let cluster = &pair.cluster;
    if cluster.options.placement == Placement::Default {
        return Vec::new();
    }
    let r = &cluster.resources[pair.primitive];
    if r.assigned == Some(pair.node) {
        return Vec::new();
    }
    let room = &cluster.nodes[pair.node].utilization;
    let needs = r.utilization.iter();
    let short = needs.filter_map(|(name, &needs)| {
        let free = room.get(name).copied().unwrap_or(0);
        (needs > free).then(|| Cause::Capacity {
            attribute: name.to_string(),
            needs,
            free,
        })
    });
    short.collect()
}

fn lock(pair: &Pair<'_, '_>) -> Option<Cause> {
    let locked = pair.cluster.resources[pair.primitive].lock.node?;
    (locked != pair.node).then(|| Cause::ShutdownLock {
        node: pair.cluster.nodes[locked].name.to_string(),
    })
}

/// The clone has its instances elsewhere already.
fn instances(pair: &Pair<'_, '_>) -> Option<Cause> {
    let cluster = &pair.cluster;
    let clone = pair
        .chain()
        .into_iter()
        .find(|&part| cluster.resources[part].is_clone())?;
    let body = cluster.resources[clone].clone_body()?;
    let count = super::scores::placed(cluster, clone, None).len();
    let full = usize::try_from(body.max).is_ok_and(|max| max > 0 && count >= max);
    full.then_some(Cause::Instances { max: body.max })
}

/// Where nothing forbids the node: how it compares to the one that was chosen.
fn comparison(pair: &Pair<'_, '_>, known: &[Cause]) -> Option<Cause> {
    let cluster = &pair.cluster;
    let r = &cluster.resources[pair.primitive];
    let best = r.assigned.filter(|&n| n != pair.node)?;
    let here = r.allowed.score(pair.node)?;
    let free = cluster.available(pair.node) && here > -INFINITY;
    if !free || known.iter().any(|c| matches!(c, Cause::Capacity { .. })) {
        return None;
    }
    let node = cluster.nodes[best].name.to_string();
    let best = r.allowed.score(best)?;
    Some(match here < best {
        true => Cause::LowerScore { here, best, node },
        false => Cause::Tie { node },
    })
}
