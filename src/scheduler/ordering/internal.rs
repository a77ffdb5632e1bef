//! Orderings that nobody asks for: a stop before a start, a group before its members.
//! Source: Pacemaker 2.1.5, the `internal_constraints` of each kind of resource.

use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::*;
use crate::scheduler::unpack::options::Placement;

/// The members of a group as they are gone through.
#[derive(Debug, Clone, Copy, Default)]
struct Members {
    ordered: bool,
    promotable: bool,
    previous: Option<ResourceId>,
    last_active: Option<ResourceId>,
}

impl Cluster<'_> {
    /// Internal orderings of a resource and all in it.
    pub(in crate::scheduler) fn order_internally(&mut self, resource: ResourceId) {
        match &self.resources[resource].kind {
            Kind::Primitive => self.order_primitive(resource),
            Kind::Group(_) => self.order_group(resource),
            Kind::Clone(_) => self.order_clone(resource),
            Kind::Bundle(_) => self.order_bundle(resource),
        }
    }

    fn order_primitive(&mut self, resource: ResourceId) {
        let r = &self.resources[resource];
        if !r.managed {
            return;
        }
        let (unfence, role) = (r.needs_unfencing && !r.fence_device, r.role);
        let loads = !r.utilization.is_empty() && self.options.placement != Placement::Default;
        let in_promotable = self.in_promotable(resource);
        let restart = Order::OPT | Order::IT | Order::RST;
        self.order_tasks((resource, "stop"), (resource, "start"), restart);
        if in_promotable || role > Role::Unpromoted {
            self.order_tasks((resource, "demote"), (resource, "stop"), Order::PIF);
            self.order_tasks((resource, "start"), (resource, "promote"), Order::RL);
        }
        let cancels = Order::SAME | Order::TCF;
        self.order_tasks((resource, "lrm_delete"), (resource, "monitor"), cancels);
        if unfence && self.options.unfencing {
            self.order_unfencing(resource);
        }
        if loads {
            self.order_loads(resource);
        }
        self.order_container(resource);
    }

    /// Nodes of a resource's table, in the order of names.
    pub(in crate::scheduler) fn allowed_nodes(&self, resource: ResourceId) -> Vec<NodeId> {
        let table = &self.resources[resource].allowed;
        let all = self.node_order.iter().copied();
        all.filter(|&n| table.has(n)).collect()
    }

    fn order_unfencing(&mut self, resource: ResourceId) {
        for node in self.allowed_nodes(resource) {
            let unfence = self.fence_action(node, Some("on"), true, None, false);
            let stop = self.side(resource, "stop");
            let order = Order::OPT | Order::SAME;
            self.new_ordering(stop, Side::action(unfence), order);
            let start = self.side(resource, "start");
            let order = Order::ITN | Order::SAME;
            self.new_ordering(Side::action(unfence), start, order);
        }
    }

    fn load_stopped(&mut self, node: NodeId) -> ActionId {
        let name = format!("load_stopped_{}", self.nodes[node].name);
        let id = self.pseudo_action(&name);
        let action = &mut self.actions[id];
        if action.node.is_none() {
            action.node = Some(node);
            action.optional = false;
        }
        id
    }

    fn order_loads(&mut self, resource: ResourceId) {
        for node in self.resources[resource].running_on.clone() {
            let load = self.load_stopped(node);
            let stop = self.side(resource, "stop");
            self.new_ordering(stop, Side::action(load), Order::LOAD);
        }
        for node in self.allowed_nodes(resource) {
            let load = self.load_stopped(node);
            for task in ["start", "migrate_to"] {
                let then = self.side(resource, task);
                self.new_ordering(Side::action(load), then, Order::LOAD);
            }
        }
    }

    fn order_container(&mut self, resource: ResourceId) {
        let r = &self.resources[resource];
        let Some(container) = r.container else { return };
        let c = &self.resources[container];
        let on_remote =
            !r.is_connection && (c.is_connection || self.guest_filler(container).is_some());
        if r.is_connection {
            let (probe, stop) = ((container, "monitor"), (resource, "stop"));
            self.order_tasks(probe, stop, Order::OPT);
        }
        if on_remote {
            return;
        }
        let order = Order::IT | Order::RL;
        self.order_tasks((container, "start"), (resource, "start"), order);
        self.order_tasks((resource, "stop"), (container, "stop"), Order::IF);
    }

    fn order_group(&mut self, group: ResourceId) {
        self.order_tasks((group, "stop"), (group, "stopped"), Order::RL);
        self.order_tasks((group, "stopped"), (group, "start"), Order::OPT);
        self.order_tasks((group, "start"), (group, "running"), Order::RL);
        let ordered = match &self.resources[group].kind {
            Kind::Group(body) => body.ordered,
            _ => true,
        };
        let mut members = Members {
            ordered,
            promotable: self.in_promotable(group),
            ..Members::default()
        };
        for member in self.resources[group].children.clone() {
            self.order_internally(member);
            self.order_member(group, member, members);
            if members.ordered {
                self.order_among_members(member, &members);
            }
            if !self.resources[member].running_on.is_empty() {
                self.order_after_gap(member, &members);
                members.last_active = Some(member);
            }
            members.previous = Some(member);
        }
    }

    fn order_member(&mut self, group: ResourceId, member: ResourceId, members: Members) {
        let first = members.previous.is_none() && members.ordered;
        let (down, after_down) = if first {
            (Order::IFP | Order::OPT, Order::IT)
        } else {
            (Order::IFP, Order::ITP)
        };
        let up = Order::RL | Order::IT | Order::ITP;
        if members.promotable {
            self.order_tasks((group, "demote"), (member, "demote"), down);
            self.order_tasks((member, "demote"), (group, "demoted"), after_down);
            self.order_tasks((member, "promote"), (group, "promoted"), up);
            self.order_tasks((group, "promote"), (member, "promote"), Order::IFP);
        }
        self.order_tasks((group, "stop"), (member, "stop"), down);
        self.order_tasks((member, "stop"), (group, "stopped"), after_down);
        self.order_tasks((group, "start"), (member, "start"), Order::IFP);
        self.order_tasks((member, "start"), (group, "running"), up);
        if !members.ordered {
            let order = Order::IT | Order::RL | Order::IFP;
            self.order_tasks((group, "start"), (member, "start"), order);
            if members.promotable {
                self.order_tasks((group, "promote"), (member, "promote"), order);
            }
        }
    }

    fn order_among_members(&mut self, member: ResourceId, members: &Members) {
        let Some(previous) = members.previous else {
            return;
        };
        let up = Order::IT | Order::RL;
        self.order_tasks((previous, "start"), (member, "start"), up);
        let down = Order::OPT | Order::RST;
        self.order_tasks((member, "stop"), (previous, "stop"), down);
        if members.promotable {
            self.order_tasks((previous, "promote"), (member, "promote"), up);
            self.order_tasks((member, "demote"), (previous, "demote"), Order::OPT);
        }
    }

    /// Groups that are active in part stop in order, too.
    fn order_after_gap(&mut self, member: ResourceId, members: &Members) {
        let idle = |r: ResourceId| self.resources[r].running_on.is_empty();
        if members.ordered
            && members.previous.is_some_and(idle)
            && let Some(last) = members.last_active
        {
            self.order_tasks((member, "stop"), (last, "stop"), Order::OPT);
        }
    }

    fn order_clone(&mut self, clone: ResourceId) {
        self.order_tasks((clone, "stopped"), (clone, "start"), Order::OPT);
        self.order_tasks((clone, "start"), (clone, "running"), Order::RL);
        self.order_tasks((clone, "stop"), (clone, "stopped"), Order::RL);
        let body = self.clone_of(clone);
        let (ordered, promotable) = (body.ordered, body.promotable);
        if promotable {
            self.order_tasks((clone, "demoted"), (clone, "stop"), Order::OPT);
            self.order_tasks((clone, "running"), (clone, "promote"), Order::RL);
        }
        if ordered {
            self.sort_by_number(clone);
        }
        let mut previous = None;
        for child in self.resources[clone].children.clone() {
            self.order_internally(child);
            let before = previous.filter(|_| ordered);
            self.order_instance(clone, child, before);
            previous = Some(child);
        }
        if promotable {
            self.order_promotable(clone, ordered);
        }
    }

    fn order_instance(
        &mut self,
        clone: ResourceId,
        child: ResourceId,
        previous: Option<ResourceId>,
    ) {
        let order = Order::RL | Order::IFP;
        self.order_tasks((clone, "start"), (child, "start"), order);
        self.order_tasks((child, "start"), (clone, "running"), Order::ITP);
        if let Some(previous) = previous {
            self.order_tasks((previous, "start"), (child, "start"), Order::OPT);
        }
        self.order_tasks((clone, "stop"), (child, "stop"), Order::IFP);
        self.order_tasks((child, "stop"), (clone, "stopped"), Order::ITP);
        if let Some(previous) = previous {
            self.order_tasks((child, "stop"), (previous, "stop"), Order::OPT);
        }
    }

    fn order_promotable(&mut self, clone: ResourceId, ordered: bool) {
        self.order_restart_of_promotable(clone);
        let mut previous = None;
        for child in self.resources[clone].children.clone() {
            let before = previous.filter(|_| ordered);
            self.order_tasks((child, "demote"), (child, "promote"), Order::OPT);
            self.order_tasks((clone, "promote"), (child, "promote"), Order::OPT);
            self.order_tasks((child, "promote"), (clone, "promoted"), Order::OPT);
            if let Some(last) = before {
                self.order_tasks((last, "promote"), (child, "promote"), Order::OPT);
            }
            self.order_tasks((clone, "demote"), (child, "demote"), Order::IFP);
            self.order_tasks((child, "demote"), (clone, "demoted"), Order::ITP);
            if let Some(last) = before {
                self.order_tasks((child, "demote"), (last, "demote"), Order::OPT);
            }
            previous = Some(child);
        }
    }

    fn order_restart_of_promotable(&mut self, clone: ResourceId) {
        for (first, then) in [
            ("stopped", "start"),
            ("stopped", "promote"),
            ("demoted", "stop"),
            ("demoted", "start"),
            ("demoted", "promote"),
            ("running", "promote"),
            ("demote", "demoted"),
        ] {
            self.order_tasks((clone, first), (clone, then), Order::OPT);
        }
    }

    fn order_bundle(&mut self, bundle: ResourceId) {
        let Some(body) = self.resources[bundle].bundle() else {
            return;
        };
        let (replicas, inner) = (body.replicas.clone(), body.inner);
        if let Some(inner) = inner {
            self.order_tasks((bundle, "start"), (inner, "start"), Order::IFP);
            self.order_tasks((bundle, "stop"), (inner, "stop"), Order::IFP);
            self.order_tasks((inner, "running"), (bundle, "running"), Order::ITP);
            self.order_tasks((inner, "stopped"), (bundle, "stopped"), Order::ITP);
        }
        for replica in &replicas {
            self.order_replica(bundle, replica);
        }
        let Some(inner) = inner else { return };
        self.order_internally(inner);
        if self.resources[inner].is_promotable() {
            self.order_restart_of_promotable(bundle);
            self.order_tasks((inner, "demoted"), (bundle, "demoted"), Order::ITP);
            self.order_tasks((bundle, "demote"), (inner, "demote"), Order::IFP);
            self.order_tasks((inner, "promoted"), (bundle, "promoted"), Order::ITP);
            self.order_tasks((bundle, "promote"), (inner, "promote"), Order::IFP);
        }
    }

    fn order_replica(&mut self, bundle: ResourceId, replica: &Replica) {
        let container = replica.container;
        self.order_internally(container);
        let order = Order::RL | Order::IFP;
        self.order_tasks((bundle, "start"), (container, "start"), order);
        if let Some(child) = replica.child {
            self.order_tasks((bundle, "stop"), (child, "stop"), Order::IFP);
        }
        self.order_tasks((bundle, "stop"), (container, "stop"), Order::IFP);
        self.order_tasks((container, "start"), (bundle, "running"), Order::ITP);
        self.order_tasks((container, "stop"), (bundle, "stopped"), Order::ITP);
        if let Some(ip) = replica.ip {
            self.order_internally(ip);
            let order = Order::RL | Order::PRES;
            self.order_tasks((ip, "start"), (container, "start"), order);
            let order = Order::IF | Order::PRES;
            self.order_tasks((container, "stop"), (ip, "stop"), order);
        }
        if let Some(remote) = replica.remote {
            self.order_internally(remote);
        }
    }
}
