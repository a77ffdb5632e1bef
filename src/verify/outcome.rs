//! What shows when the cluster has decided: nodes to be fenced, resources that nobody configured.

use super::Remarks;
use crate::scheduler::model::cluster::Cluster;

pub(super) fn check(cluster: &Cluster<'_>, remarks: &mut Remarks) {
    orphans(cluster, remarks);
    let can_fence = super::can_fence(cluster)
        && cluster.has_fence_device
        && (cluster.have_quorum || cluster.nodes.iter().any(|node| node.online));
    for &id in &cluster.node_order {
        let node = &cluster.nodes[id];
        let is_guest = node
            .connection
            .is_some_and(|at| cluster.resources[at].container.is_some());
        if !node.unclean || is_guest {
            continue;
        }
        match can_fence {
            true => {
                let text = format!("Scheduling node {} for fencing", node.name);
                remarks.warn("schedule_fencing", text);
            }
            false => {
                let text = format!("Node {} is unclean but cannot be fenced", node.name);
                remarks.warn("schedule_fencing_and_shutdowns", text);
            }
        }
    }
}

fn orphans(cluster: &Cluster<'_>, remarks: &mut Remarks) {
    let orphans = cluster
        .resources
        .iter()
        .filter(|r| r.orphan && r.is_primitive());
    for resource in orphans {
        for &at in &resource.running_on {
            let (name, node) = (&resource.id, &cluster.nodes[at].name);
            let text = match resource.managed {
                true => format!("Detected active orphan {name} running on {node}"),
                false => format!(
                    "Resource '{name}' must be stopped manually on {node} because cluster is \
                     configured not to stop active orphans"
                ),
            };
            remarks.warn("process_rsc_state", text);
        }
    }
}
