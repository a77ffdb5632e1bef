//! `--fail`: a resource counts as failed, so that the cluster recovers it.
//! Source: Pacemaker 2.1.5, `send_lrm_rsc_op` of `tools/crm_resource_runtime.c`.

use super::perform::{Done, Job, find};
use crate::cli::crm::{Failure, Line, Output, Session, code};
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::text::base_name;

/// Whether there is such a node and a cluster; that is looked at before the resource.
pub(super) fn check(
    line: &Line,
    output: &mut Output,
    session: &mut Session,
    cluster: &Cluster<'_>,
) -> Done {
    let name = line.value("node").unwrap_or_default();
    if cluster.node_named(name).is_none() {
        let text = format!("Node '{name}' not found");
        return Err(Failure::Because(code::NOSUCH, text));
    }
    if session.live().is_none() {
        let text = "Error connecting to the controller: Connection refused";
        return Err(Failure::Because(code::DISCONNECT, text.to_owned()));
    }
    let resource = line.value("resource").unwrap_or_default();
    if find(cluster, resource, false).is_none() {
        output.error(format!("Resource {resource} not found"));
        return Err(Failure::Exit(code::NOSUCH));
    }
    Ok(())
}

/// Tells the node that the resource failed there.
pub(super) fn fail(
    job: &mut Job<'_>,
    cluster: &Cluster<'_>,
    resource: ResourceId,
    node: Option<NodeId>,
) -> Done {
    let Some(node) = node else {
        return Err(Failure::Usage("Must supply a node name with -N".to_owned()));
    };
    let r = &cluster.resources[resource];
    let name = job.name().to_owned();
    let host = &*cluster.nodes[node].name;
    if !r.is_primitive() {
        job.output.error(format!(
            "We can only process primitive resources, not {name}"
        ));
        return Err(Failure::Exit(code::SOFTWARE));
    }
    if !cluster.locations_of(resource, true).contains(&node) {
        let text = format!("{name} is not running on {host} and so cannot fail there");
        return Err(Failure::Because(code::NOSUCH, text));
    }
    let Some(live) = job.session.live() else {
        return Err(Failure::Exit(code::DISCONNECT));
    };
    live.fail(host, base_name(&r.id))
        .map_err(|why| Failure::Because(code::ERROR, format!("{name} on {host}: {why}")))?;
    job.info(format_args!("Told {host} that {name} failed"));
    Ok(())
}
