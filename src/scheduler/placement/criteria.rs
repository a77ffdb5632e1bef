//! What counts for nodes before anything is placed: locks, locations, stickiness, failures.
//! Source: Pacemaker 2.1.5, `apply_node_criteria`.

use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::table::Discovery;
use crate::scheduler::model::*;
use crate::scheduler::score::{self, INFINITY};
use crate::scheduler::unpack::failcount::Counting;

impl Cluster<'_> {
    /// Applies all of it.
    pub(in crate::scheduler) fn apply_node_criteria(&mut self) {
        if self.options.shutdown_lock {
            for top in self.top.clone() {
                self.apply_locks(top);
            }
        }
        self.apply_locations();
        for top in self.top.clone() {
            self.apply_stickiness(top);
        }
        for node in self.node_order.clone() {
            for top in self.top.clone() {
                self.apply_failures(top, node);
                self.apply_exclusive_discovery(top, node);
            }
        }
    }

    fn apply_locks(&mut self, resource: ResourceId) {
        match &self.resources[resource].kind {
            Kind::Group(_) => {
                for member in self.resources[resource].children.clone() {
                    self.apply_locks(member);
                }
            }
            Kind::Primitive => self.apply_lock(resource),
            Kind::Clone(_) | Kind::Bundle(_) => {}
        }
    }

    fn apply_lock(&mut self, resource: ResourceId) {
        let r = &self.resources[resource];
        if r.fence_device || r.is_connection {
            return;
        }
        let running = r.running_on.clone();
        if let Some(locked) = r.lock.node {
            // What is active, wherever that is, isn't disturbed by a lock that its history tells.
            if !running.is_empty() {
                let id = self.resources[resource].id.clone();
                self.clear_history(resource, locked, &id);
                self.resources[resource].lock.node = None;
                self.resources[resource].lock.time = 0;
                return;
            }
        } else if let [node] = running.as_slice() {
            let n = &self.nodes[*node];
            if n.shutdown && !n.unclean {
                let time = self.node_attr(*node, "shutdown");
                let time = time
                    .and_then(score::leading_integer)
                    .unwrap_or(self.clock.unix_s);
                self.resources[resource].lock.node = Some(*node);
                self.resources[resource].lock.time = time;
            }
        }
        let Some(locked) = self.resources[resource].lock.node else {
            return;
        };
        if self.options.shutdown_lock_limit > 0 {
            let until = self.resources[resource].lock.time + self.options.shutdown_lock_limit;
            self.recheck_at(until + 1);
        }
        for node in self.node_order.clone() {
            if node != locked {
                self.locate(resource, node, -INFINITY);
            }
        }
    }

    fn apply_stickiness(&mut self, resource: ResourceId) {
        let children = self.resources[resource].children.clone();
        if !children.is_empty() {
            for child in children {
                self.apply_stickiness(child);
            }
            return;
        }
        let r = &self.resources[resource];
        let [node] = r.running_on[..] else { return };
        if !r.managed || r.stickiness < 1 {
            return;
        }
        if !self.options.symmetric && !r.allowed.has(node) {
            return;
        }
        self.locate(resource, node, self.resources[resource].stickiness);
    }

    fn apply_failures(&mut self, resource: ResourceId, node: NodeId) {
        let children = self.resources[resource].children.clone();
        if !children.is_empty() {
            for child in children {
                self.apply_failures(child, node);
            }
            return;
        }
        let key = self.key_of(resource, "clear_failcount", 0);
        if !self.matches(resource, &key, Some(node)).is_empty() {
            return;
        }
        if let Some(banned) = self.threshold_reached(resource, node) {
            self.locate(banned, node, -INFINITY);
        }
    }

    /// What has failed too often on a node: a resource, or its clone.
    pub(in crate::scheduler) fn threshold_reached(
        &mut self,
        resource: ResourceId,
        node: NodeId,
    ) -> Option<ResourceId> {
        let r = &self.resources[resource];
        let threshold = r.threshold;
        if threshold == 0 || r.failure_ignored {
            return None;
        }
        let counting = Counting {
            effective: true,
            fillers: true,
        };
        let count = self.failures(resource, node, counting, None).count;
        if count <= 0 || score::add(threshold, -count) > 0 {
            return None;
        }
        if self.resources[resource].unique {
            Some(resource)
        } else {
            Some(self.top_of(resource))
        }
    }

    fn apply_exclusive_discovery(&mut self, resource: ResourceId, node: NodeId) {
        let top = self.top_of(resource);
        let r = &self.resources[resource];
        if !r.exclusive_discover && !self.resources[top].exclusive_discover {
            return;
        }
        for child in self.resources[resource].children.clone() {
            self.apply_exclusive_discovery(child, node);
        }
        if let Some(entry) = self.resources[resource].allowed.get_mut(node)
            && entry.discovery != Discovery::Exclusive
        {
            entry.score = -INFINITY;
        }
    }

    /// Colocations, bans and orderings that come with a kind of resource.
    pub(in crate::scheduler) fn constrain_internally(&mut self, resource: ResourceId) {
        self.place_internally(resource);
        self.order_internally(resource);
    }

    fn place_internally(&mut self, resource: ResourceId) {
        match &self.resources[resource].kind {
            Kind::Primitive => self.place_primitive(resource),
            Kind::Group(body) => {
                let together = body.collocated;
                let mut previous: Option<ResourceId> = None;
                for member in self.resources[resource].children.clone() {
                    self.place_internally(member);
                    if let Some(before) = previous.filter(|_| together) {
                        let influence = self.resources[member].critical;
                        let id = "group:internal_colocation";
                        self.colocate_internally(id, (member, before), INFINITY, influence);
                    }
                    previous = Some(member);
                }
            }
            Kind::Clone(_) => {
                for child in self.resources[resource].children.clone() {
                    self.place_internally(child);
                }
            }
            Kind::Bundle(body) => {
                let (replicas, inner) = (body.replicas.clone(), body.inner);
                for replica in &replicas {
                    self.place_internally(replica.container);
                    if let Some(ip) = replica.ip {
                        self.place_internally(ip);
                        let pair = (ip, replica.container);
                        self.colocate_internally("ip-with-docker", pair, INFINITY, true);
                    }
                    if let Some(remote) = replica.remote {
                        self.place_internally(remote);
                    }
                }
                if let Some(inner) = inner {
                    self.place_internally(inner);
                }
            }
        }
    }

    fn place_primitive(&mut self, resource: ResourceId) {
        let r = &self.resources[resource];
        if !r.managed {
            return;
        }
        let (connection, device) = (r.is_connection, r.fence_device);
        let nested = r.remotes_in_remotes;
        if let Some(container) = r.container {
            let mut behind = None;
            if connection {
                if !nested {
                    self.avoid_remote_nodes(container);
                }
            } else if self.resources[container].is_connection {
                behind = Some(container);
            } else {
                behind = self.guest_filler(container);
            }
            if let Some(remote) = behind {
                for node in self.allowed_nodes(resource) {
                    if self.nodes[node].connection != Some(remote)
                        && let Some(entry) = self.resources[resource].allowed.get_mut(node)
                    {
                        entry.score = -INFINITY;
                    }
                }
            } else {
                let score = if nested { 10_000 } else { INFINITY };
                let pair = (resource, container);
                self.colocate_internally("resource-with-container", pair, score, true);
            }
        }
        if connection || device {
            self.avoid_remote_nodes(resource);
        }
    }

    fn avoid_remote_nodes(&mut self, resource: ResourceId) {
        for node in self.allowed_nodes(resource) {
            if self.nodes[node].connection.is_some()
                && let Some(entry) = self.resources[resource].allowed.get_mut(node)
            {
                entry.score = -INFINITY;
            }
        }
    }
}
