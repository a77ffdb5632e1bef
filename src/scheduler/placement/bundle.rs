//! Placement of bundles: containers like instances, then what belongs to each of them.
//! Source: Pacemaker 2.1.5, `pcmk__bundle_allocate`.

use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::glib_order::list_sort;
use crate::scheduler::model::*;
use crate::scheduler::score::INFINITY;

impl Cluster<'_> {
    pub(in crate::scheduler) fn assign_bundle(&mut self, bundle: ResourceId) {
        // As in Pacemaker, this is done each time something is colocated with the bundle, even
        // on the way: what has its place keeps it.
        let r = &mut self.resources[bundle];
        r.visit.assigning = true;
        let Some(body) = r.bundle() else { return };
        let (replicas, per_host, inner) = (body.replicas.clone(), body.per_host, body.inner);
        let max = body.max;
        self.show_scores("pcmk__bundle_allocate", bundle);
        let mut containers = self.parts(bundle);
        self.rate_by_colocation(&containers);
        containers = list_sort(&containers, |&a, &b| self.compare_instances(a, b));
        self.distribute(bundle, &containers, max, per_host);
        for replica in &replicas {
            self.assign_replica(replica);
        }
        if let Some(inner) = inner {
            self.allow_only_inside(inner, &replicas);
            self.assign(inner, None);
        }
        let r = &mut self.resources[bundle];
        r.provisional = false;
        r.visit.assigning = false;
    }

    fn assign_replica(&mut self, replica: &Replica) {
        let host = self.resources[replica.container].assigned;
        if let Some(ip) = replica.ip {
            self.assign(ip, None);
        }
        if let Some(remote) = replica.remote {
            if let Some(host) = host.filter(|&h| self.is_remote_kind(h))
                && let Some(outer) = self.nodes[host].connection
            {
                let pair = (remote, outer);
                self.colocate_internally("child-remote-with-docker-remote", pair, INFINITY, true);
            }
            self.assign(remote, None);
        }
        let (Some(child), Some(node)) = (replica.child, replica.node) else {
            return;
        };
        let nodes: Vec<NodeId> = self.resources[child].allowed.nodes().collect();
        for other in nodes {
            let score = if other != node {
                -INFINITY
            } else if self.threshold_reached(child, node).is_none() {
                INFINITY
            } else {
                continue;
            };
            if let Some(entry) = self.resources[child].allowed.get_mut(other) {
                entry.score = score;
            }
        }
        let parent = self.resources[child].parent;
        if let Some(parent) = parent {
            self.resources[parent].visit.assigning = true;
        }
        self.assign(child, Some(node));
        if let Some(parent) = parent {
            self.resources[parent].visit.assigning = false;
        }
    }

    fn allow_only_inside(&mut self, inner: ResourceId, replicas: &[Replica]) {
        let nodes: Vec<NodeId> = self.resources[inner].allowed.nodes().collect();
        for node in nodes {
            let inside = replicas.iter().any(|r| r.node == Some(node));
            if let Some(entry) = self.resources[inner].allowed.get_mut(node) {
                entry.score = if inside { 0 } else { -INFINITY };
            }
        }
    }
}
