//! Probes: where it isn't known whether a resource runs, that is found out before it starts.
//! Source: Pacemaker 2.1.5, `lib/pacemaker/pcmk_sched_probes.c`.

use std::rc::Rc;

use crate::cib::boolean;
use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::table::Discovery;
use crate::scheduler::model::*;

impl Cluster<'_> {
    /// Makes all probes that are needed.
    pub(in crate::scheduler) fn plan_probes(&mut self) {
        for node in self.node_order.clone() {
            let n = &self.nodes[node];
            if !n.online {
                if self.is_failed_remote(node) {
                    self.fence_node(node, "the connection is unrecoverable", false);
                }
                continue;
            }
            if n.unclean || !n.discovery {
                continue;
            }
            let probed = self.node_attr(node, "probe_complete");
            if probed.is_some_and(|p| !boolean::is_true(Some(p))) {
                let key = format!("probe_again-{}", self.nodes[node].name);
                let id = self.free_action(key.into(), "probe_again", Some(node), false);
                self.set_meta(id, "op_no_wait", "true");
                continue;
            }
            for top in self.top.clone() {
                self.probe(top, node);
            }
        }
    }

    /// Probes a resource or what is in it on a node; whether there is anything to do.
    fn probe(&mut self, resource: ResourceId, node: NodeId) -> bool {
        match &self.resources[resource].kind {
            Kind::Primitive | Kind::Group(_) => self.probe_simple(resource, node),
            Kind::Clone(_) => self.probe_clone(resource, node),
            Kind::Bundle(_) => self.probe_bundle(resource, node),
        }
    }

    fn probe_all(&mut self, resources: &[ResourceId], node: NodeId) -> bool {
        let mut any = false;
        for &resource in resources {
            any |= self.probe(resource, node);
        }
        any
    }

    fn probe_simple(&mut self, resource: ResourceId, node: NodeId) -> bool {
        if !self.options.startup_probes || self.remote_cannot_run(resource, node) {
            return false;
        }
        let children = self.resources[resource].children.clone();
        if !children.is_empty() {
            return self.probe_all(&children, node);
        }
        if self.needs_no_probe(resource, node) || self.guest_is_down(resource, node) {
            return false;
        }
        self.add_probe(resource, node);
        true
    }

    /// Nodes behind connections run neither fence devices, nor guests in guests, nor connections.
    fn remote_cannot_run(&self, resource: ResourceId, node: NodeId) -> bool {
        let r = &self.resources[resource];
        self.is_remote_kind(node)
            && (r.fence_device
                || (self.is_guest(node) && self.contains_guest(resource))
                || r.is_connection)
    }

    fn needs_no_probe(&self, resource: ResourceId, node: NodeId) -> bool {
        let r = &self.resources[resource];
        let inside = r.container.is_some() && !r.is_connection;
        if inside || r.orphan || r.known_on.contains(&node) {
            return true;
        }
        let entry = r.allowed.get(node);
        let top = self.top_of(resource);
        let exclusive = r.exclusive_discover || self.resources[top].exclusive_discover;
        if exclusive && entry.is_none_or(|e| e.discovery != Discovery::Exclusive) {
            return true;
        }
        match entry {
            Some(entry) => entry.discovery == Discovery::Never,
            None => self.nodes[node].never_discover,
        }
    }

    /// What can't be active, because the guest isn't, is started after that is settled.
    fn guest_is_down(&mut self, resource: ResourceId, node: NodeId) -> bool {
        let Some(guest) = self.container_of(node).filter(|_| self.is_guest(node)) else {
            return false;
        };
        let top = self.top_of(resource);
        let r = &self.resources[guest];
        if r.role == Role::Stopped {
            if r.assigned.is_some_and(|n| !r.known_on.contains(&n)) {
                self.order_tasks((guest, "monitor"), (top, "start"), Order::OPT);
            }
            return true;
        }
        let n = &self.nodes[node];
        let moving =
            r.role > Role::Stopped && r.assigned.is_some_and(|to| !r.running_on.contains(&to));
        let stops =
            n.requires_reset || n.unclean || r.failed || r.next_role == Role::Stopped || moving;
        if stops {
            self.order_tasks((guest, "stop"), (top, "start"), Order::OPT);
        }
        stops
    }

    fn add_probe(&mut self, resource: ResourceId, node: NodeId) {
        let probe = self.action(resource, "monitor", 0, Some(node), false);
        self.actions[probe].optional = false;
        self.order_after_unfencing(resource, node, probe, Order::OPT);
        let r = &self.resources[resource];
        let promoted = r.role == Role::Promoted;
        if !r.running_on.contains(&node) {
            self.expect(resource, probe, "7");
        } else if promoted {
            self.expect(resource, probe, "8");
        }
        let mut top = self.top_of(resource);
        let unfences = self.resources[resource].fence_device && self.options.unfencing;
        if !self.resources[top].is_clone() || unfences {
            top = resource;
        }
        // What can't be looked for holds its start back, unless it is known to run anyway; for a
        // clone the instance counts that would be looked for.
        let mut order = Order::OPT;
        if !self.actions[probe].runnable && self.resources[resource].running_on.is_empty() {
            order |= Order::RL;
        }
        let start = self.side(top, "start");
        self.new_ordering(Side::action(probe), start, order);
        let reload = Side::task(top, self.key_of(resource, "reload-agent", 0));
        self.new_ordering(Side::action(probe), reload, Order::OPT);
    }

    /// Sets the result that a probe should have.
    fn expect(&mut self, resource: ResourceId, probe: ActionId, rc: &'static str) {
        let of = Rc::clone(&self.actions[probe].meta);
        let known = self.expected.get(&resource);
        let known = known.filter(|known| known.rc == rc && Rc::ptr_eq(&known.of, &of));
        if let Some(known) = known {
            self.actions[probe].meta = Rc::clone(&known.meta);
            return;
        }
        self.set_meta(probe, "op_target_rc", rc);
        let meta = Rc::clone(&self.actions[probe].meta);
        self.expected.insert(resource, Expected { of, rc, meta });
    }

    fn probe_clone(&mut self, clone: ResourceId, node: NodeId) -> bool {
        self.sort_by_number(clone);
        let r = &self.resources[clone];
        if r.exclusive_discover
            && r.allowed
                .get(node)
                .is_some_and(|e| e.discovery != Discovery::Exclusive)
        {
            self.resources[clone].allowed.remove(node);
            return false;
        }
        let children = r.children.clone();
        if r.unique {
            return self.probe_all(&children, node);
        }
        let known = children.iter().copied().find(|&c| {
            let parts = self.primitives(c);
            parts.iter().any(|&p| self.known_on(p, node))
        });
        let placed = || {
            let mut all = children.iter().copied();
            all.find(|&c| self.location(c, false) == Some(node))
        };
        let chosen = known.or_else(placed).or(children.first().copied());
        chosen.is_some_and(|c| self.probe(c, node))
    }

    fn probe_bundle(&mut self, bundle: ResourceId, node: NodeId) -> bool {
        let Some(body) = self.resources[bundle].bundle() else {
            return false;
        };
        let (replicas, per_host) = (body.replicas.clone(), body.per_host);
        let mut any = false;
        for replica in &replicas {
            any |= replica.ip.is_some_and(|ip| self.probe(ip, node));
            let here = replica.child.filter(|_| replica.node == Some(node));
            any |= here.is_some_and(|child| self.probe(child, node));
            if self.probe(replica.container, node) {
                any = true;
                if per_host == 1 {
                    self.order_peers(&replicas, replica.container);
                }
            }
            if let Some(remote) = replica.remote {
                any |= self.probe_connection(remote, replica.container, node);
            }
        }
        any
    }

    /// With one container on a host, none starts until it is known that no other runs there.
    fn order_peers(&mut self, replicas: &[Replica], container: ResourceId) {
        for other in replicas {
            if other.container != container {
                let order = Order::OPT | Order::SAME;
                let start = (other.container, "start");
                self.order_tasks((container, "monitor"), start, order);
            }
        }
    }

    fn probe_connection(
        &mut self,
        remote: ResourceId,
        container: ResourceId,
        node: NodeId,
    ) -> bool {
        if !self.probe(remote, node) {
            return false;
        }
        let key = self.key_of(remote, "monitor", 0);
        let Some(probe) = self.newest_with_key(remote, &key, Some(node)) else {
            return false;
        };
        let start = self.side(container, "start");
        let then = Side {
            resource: Some(remote),
            ..Side::action(probe)
        };
        self.new_ordering(start, then, Order::PROBE);
        true
    }

    /// Fail counts of orphans are cleared.
    pub(in crate::scheduler) fn clear_orphans(&mut self) {
        for top in self.top.clone() {
            if !self.resources[top].orphan {
                continue;
            }
            for node in self.node_order.clone() {
                let counting = crate::scheduler::unpack::failcount::Counting {
                    effective: true,
                    fillers: false,
                };
                if !self.nodes[node].online || self.failures(top, node, counting, None).count == 0 {
                    continue;
                }
                let clear = self.clear_failcount(top, node);
                let stop = self.side(top, "stop");
                self.new_ordering(Side::action(clear), stop, Order::OPT);
            }
        }
    }

    /// Orders what needs unfencing after it; unfencing is required where it was never done.
    pub(in crate::scheduler) fn order_after_unfencing(
        &mut self,
        resource: ResourceId,
        node: NodeId,
        action: ActionId,
        order: Order,
    ) {
        let r = &self.resources[resource];
        let device = r.fence_device && self.options.unfencing;
        if !device && !r.needs_unfencing {
            return;
        }
        let reason = format!("required by {} {}", r.id, self.actions[action].task);
        let unfence = self.fence_action(node, Some("on"), true, None, false);
        self.order_actions(unfence, action, order);
        if matches!(self.node_attr(node, "#node-unfenced"), None | Some("0")) {
            self.trigger_unfencing(None, node, &reason);
        }
    }

    /// A node that is fine has to be unfenced, if a fence device says so.
    pub(in crate::scheduler) fn trigger_unfencing(
        &mut self,
        device: Option<ResourceId>,
        node: NodeId,
        reason: &str,
    ) {
        if !self.options.unfencing || device.is_some_and(|d| !self.resources[d].fence_device) {
            return;
        }
        let fine = |c: &Self, n: NodeId| {
            let n = &c.nodes[n];
            n.online && !n.unclean && !n.shutdown
        };
        if fine(self, node) {
            self.fence_action(node, Some("on"), false, Some(reason), false);
        } else if let Some(device) = device {
            for other in self.allowed_nodes(device) {
                if fine(self, other) {
                    self.fence_action(other, Some("on"), false, Some(reason), false);
                }
            }
        }
    }
}
