//! `--cleanup` and `--refresh` without a cluster: what would be forgotten, and where.

use super::perform::{Done, Job, Subject, outermost, parts};
use crate::scheduler::arena::{NodeId, ResourceId};
use crate::scheduler::cluster::Cluster;

pub(super) fn tell(
    job: &mut Job<'_>,
    cluster: &Cluster<'_>,
    subject: Subject,
    command: &str,
) -> Done {
    let Some(resource) = subject.resource else {
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
        job.output.error(format!(
            "Dry run: skipping clean-up of {id} on {node} due to CIB_file"
        ));
    }
}
