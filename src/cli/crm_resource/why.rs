//! Why resources are not running.

use super::perform::{Done, Job, Subject, outermost};
use crate::cib::NodeRef;
use crate::cib::boolean;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::{Role, Text};

/// Tells it of one resource or all, on one node or all.
pub(super) fn tell(job: &mut Job<'_>, cluster: &Cluster<'_>, subject: Subject) -> Done {
    match (subject.resource, subject.node) {
        (None, None) => {
            let list = job.output.element("reason", &[]);
            let list = add(job, list, "resources", &[]);
            for &top in &cluster.top {
                let running = is_running(cluster, top);
                say(job, cluster, top, None, running);
                let r = &cluster.resources[top];
                let attrs = [("id", &*r.id), ("running", word(running))];
                let element = add(job, list, "resource", &attrs);
                check(job, cluster, top, element);
            }
        }
        (None, Some(node)) => on_node(job, cluster, node),
        (Some(resource), node) => {
            let running = match node {
                Some(node) => cluster.locations_of(resource, true).contains(&node),
                None => is_running(cluster, resource),
            };
            say(job, cluster, resource, node, running);
            let name = if node.is_some() {
                "running_on"
            } else {
                "running"
            };
            let host = node.map(|node| &*cluster.nodes[node].name);
            let attrs: Vec<(&str, &str)> = match host {
                None => vec![(name, word(running))],
                Some(host) => running.then_some((name, host)).into_iter().collect(),
            };
            let element = job.output.element("reason", &attrs);
            check(job, cluster, resource, element);
        }
    }
    Ok(())
}

fn on_node(job: &mut Job<'_>, cluster: &Cluster<'_>, node: NodeId) {
    let list = job.output.element("reason", &[]);
    let list = add(job, list, "resources", &[]);
    let host = &*cluster.nodes[node].name;
    for &resource in &cluster.nodes[node].running {
        say(job, cluster, resource, Some(node), true);
        let r = &cluster.resources[resource];
        let attrs = [("id", &*r.id), ("running", "true"), ("host", host)];
        let element = add(job, list, "resource", &attrs);
        check(job, cluster, resource, element);
    }
}

fn add(
    job: &mut Job<'_>,
    to: Option<NodeRef>,
    name: &str,
    attrs: &[(&str, &str)],
) -> Option<NodeRef> {
    Some(job.output.document()?.add_element(to?, name, attrs))
}

fn word(set: bool) -> &'static str {
    if set { "true" } else { "false" }
}

fn is_running(cluster: &Cluster<'_>, resource: ResourceId) -> bool {
    !cluster.locations_of(resource, true).is_empty()
}

fn say(
    job: &mut Job<'_>,
    cluster: &Cluster<'_>,
    resource: ResourceId,
    node: Option<NodeId>,
    running: bool,
) {
    let id = &cluster.resources[resource].id;
    let not = if running { "" } else { "not " };
    let host = node.map_or(String::new(), |node| {
        format!(" on host {}", cluster.nodes[node].name)
    });
    job.output
        .text(format_args!("Resource {id} is {not}running{host}"));
}

/// What the configuration has against a resource running.
fn check(job: &mut Job<'_>, cluster: &Cluster<'_>, resource: ResourceId, to: Option<NodeRef>) {
    let top = outermost(cluster, resource);
    let parent = &cluster.resources[top];
    let target = parent.meta.get("target-role").map(|role| Role::parse(role));
    let stopped = target == Some(Role::Stopped);
    let unpromoted = target == Some(Role::Unpromoted) && parent.is_promotable();
    let is_off = |value: &Text| !boolean::is_true(Some(value));
    let unmanaged = parent.meta.get("is-managed").is_some_and(is_off);
    let id = &*parent.id;
    let mut attrs = vec![("id", id)];
    if stopped {
        job.output.text(format_args!(
            "Configuration specifies '{id}' should remain stopped"
        ));
        attrs.push(("remain_stopped", "true"));
    }
    if unpromoted {
        job.output.text(format_args!(
            "Configuration specifies '{id}' should not be promoted"
        ));
        attrs.push(("promotable", "false"));
    }
    if unmanaged {
        job.output.text(format_args!(
            "Configuration prevents cluster from stopping or starting unmanaged '{id}'"
        ));
        attrs.push(("unmanaged", "true"));
    }
    add(job, to, "check", &attrs);
}
