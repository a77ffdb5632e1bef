//! The nodes that a resource is on.

use super::perform::{Done, Job};
use crate::cli::crm::output::add_text;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::{Kind, Role};

/// Tells them; the last one found comes first.
pub(super) fn tell(job: &mut Job<'_>, cluster: &Cluster<'_>, resource: ResourceId) -> Done {
    let name = job.name().to_owned();
    let mut places: Vec<(NodeId, bool)> = Vec::new();
    for part in searched(cluster, resource, &name) {
        let r = &cluster.resources[part];
        let promoted = cluster.role_of(part, true) == Role::Promoted;
        places.extend(r.running_on.iter().map(|&node| (node, promoted)));
    }
    places.reverse();
    let list = job.output.element("nodes", &[("resource", &name)]);
    for &(node, promoted) in &places {
        let node = &*cluster.nodes[node].name;
        match (job.quiet(), promoted) {
            (true, _) => job.output.text(node),
            (_, false) => job
                .output
                .text(format_args!("resource {name} is running on: {node}")),
            (_, true) => job.output.text(format_args!(
                "resource {name} is running on: {node} Promoted"
            )),
        }
        if let (Some(list), Some(doc)) = (list, job.output.document()) {
            let attrs: &[(&str, &str)] = if promoted {
                &[("state", "promoted")]
            } else {
                &[]
            };
            let element = doc.add_element(list, "node", attrs);
            add_text(doc, element, node);
        }
    }
    if places.is_empty() && list.is_none() && !job.quiet() {
        job.output.error(format!("resource {name} is NOT running"));
    }
    Ok(())
}

/// The instances of a clone, the replicas of a bundle, or the resource itself. The common name
/// of instances that are alike means all of them.
fn searched(cluster: &Cluster<'_>, resource: ResourceId, name: &str) -> Vec<ResourceId> {
    let of = |r: ResourceId| match &cluster.resources[r].kind {
        Kind::Clone(_) => Some(cluster.resources[r].children.clone()),
        Kind::Bundle(_) => Some(super::perform::parts(cluster, r)),
        _ => None,
    };
    if let Some(parts) = of(resource) {
        return parts;
    }
    let r = &cluster.resources[resource];
    let common = !r.unique && *r.id != *name && r.alt_name.as_deref() == Some(name);
    let top = super::perform::outermost(cluster, resource);
    match of(top).filter(|_| common && cluster.resources[top].is_clone()) {
        Some(parts) => parts,
        None => vec![resource],
    }
}
