//! `--cleanup` and `--refresh`: what is forgotten, and where; without a cluster, what would be.

use super::perform::{Done, Job, Subject, outermost, parts};
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::text::base_name;

pub(super) fn tell(
    job: &mut Job<'_>,
    cluster: &Cluster<'_>,
    subject: Subject,
    command: &str,
) -> Done {
    let Some(resource) = subject.resource else {
        if job.session.live().is_some() {
            let known = |r: &ResourceId| !cluster.resources[*r].known_on.is_empty();
            for &top in cluster
                .top
                .iter()
                .filter(|r| known(r) || !parts(cluster, **r).is_empty())
            {
                skip(job, cluster, top, subject.node);
            }
            return Ok(());
        }
        let of = match subject.node {
            Some(node) => &*cluster.nodes[node].name,
            None => "all nodes",
        };
        job.info(format_args!(
            "Dry run: skipping clean-up of {of} due to CIB_file"
        ));
        return Ok(());
    };
    let name = job.name();
    let alone = job.force() || (command == "cleanup" && name.contains(':'));
    let resource = if alone {
        resource
    } else {
        outermost(cluster, resource)
    };
    skip(job, cluster, resource, subject.node);
    Ok(())
}

fn skip(job: &mut Job<'_>, cluster: &Cluster<'_>, resource: ResourceId, node: Option<NodeId>) {
    let parts = parts(cluster, resource);
    for &part in &parts {
        skip(job, cluster, part, node);
    }
    if !parts.is_empty() {
        return;
    }
    let r = &cluster.resources[resource];
    let nodes = match node {
        Some(node) => vec![node],
        None if !r.known_on.is_empty() => r.known_on.clone(),
        None => r.allowed.nodes().collect(),
    };
    for node in nodes {
        let (id, node) = (&r.id, &cluster.nodes[node].name);
        if let Some(live) = job.session.live() {
            match live.forget(node, base_name(id)) {
                Ok(()) => job.info(format_args!("Cleaned up {id} on {node}")),
                Err(why) => job.output.error(format!("{id} on {node}: {why}")),
            }
            continue;
        }
        job.output.error(format!(
            "Dry run: skipping clean-up of {id} on {node} due to CIB_file"
        ));
    }
}
