//! The transition graph: which actions are in it, and what each of them waits for.
//! Source: Pacemaker 2.1.5, `lib/pacemaker/pcmk_graph_producer.c`.

pub(super) mod dot;
pub mod xml;

use crate::scheduler::model::arena::{ActionId, LinkId, Number, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::*;

/// An action of the graph with its inputs.
#[derive(Debug, Clone)]
pub struct Synapse {
    /// What is done.
    pub action: ActionId,
    /// What has to be done before, in the order of the numbers.
    pub inputs: Vec<ActionId>,
}

impl Cluster<'_> {
    /// The graph, in the order in which its parts are written.
    pub(in crate::scheduler) fn build_graph(&mut self) -> Vec<Synapse> {
        let mut graph = Vec::new();
        for top in self.top.clone() {
            self.add_to_graph(top, &mut graph);
        }
        self.add_maintenance();
        for action in self.newest_first() {
            self.add_action(action, &mut graph);
        }
        graph
    }

    fn add_own(&mut self, resource: ResourceId, graph: &mut Vec<Synapse>) {
        for i in (0..self.resources[resource].actions.len()).rev() {
            let action = self.resources[resource].actions[i];
            self.add_action(action, graph);
        }
        for child in self.resources[resource].children.clone() {
            self.add_to_graph(child, graph);
        }
    }

    fn add_to_graph(&mut self, resource: ResourceId, graph: &mut Vec<Synapse>) {
        match &self.resources[resource].kind {
            Kind::Primitive | Kind::Group(_) => self.add_own(resource, graph),
            Kind::Clone(_) => {
                for i in (0..self.resources[resource].actions.len()).rev() {
                    let action = self.resources[resource].actions[i];
                    self.flags_of(action, None);
                }
                self.make_notifications(resource);
                for child in self.resources[resource].children.clone() {
                    self.add_to_graph(child, graph);
                }
                self.add_own(resource, graph);
            }
            Kind::Bundle(body) => {
                let (replicas, inner) = (body.replicas.clone(), body.inner);
                if let Some(inner) = inner {
                    self.add_to_graph(inner, graph);
                }
                for replica in &replicas {
                    let parts = [replica.ip, Some(replica.container), replica.remote];
                    for part in parts.into_iter().flatten() {
                        self.add_to_graph(part, graph);
                    }
                }
            }
        }
    }

    /// Nodes behind connections have to be told that their maintenance mode changed.
    fn add_maintenance(&mut self) {
        if self.changed_maintenance().next().is_some() {
            let action = self.pseudo_action("maintenance_nodes");
            self.actions[action].printed = true;
        }
    }

    /// Remote and guest nodes whose maintenance mode isn't what they were told last.
    pub(in crate::scheduler) fn changed_maintenance(&self) -> impl Iterator<Item = &Node> {
        let nodes = self.node_order.iter().map(|&n| &self.nodes[n]);
        nodes.filter(|n| n.kind == NodeKind::Remote && n.maintenance != n.remote_maintenance)
    }

    fn add_action(&mut self, action: ActionId, graph: &mut Vec<Synapse>) {
        if !std::mem::replace(&mut self.actions[action].deduplicated, true) {
            self.merge_inputs(action);
        }
        if self.actions[action].dumped || !self.belongs_to_graph(action) {
            return;
        }
        self.actions[action].dumped = true;
        let mut inputs = Vec::new();
        for i in 0..self.actions[action].before.len() {
            let link = self.actions[action].before[i];
            if self.is_input(action, link) {
                self.links[link].used = true;
                inputs.push(self.links[link].first);
            }
        }
        graph.push(Synapse { action, inputs });
    }

    /// Inputs in the order of their numbers, each once.
    fn merge_inputs(&mut self, action: ActionId) {
        let mut links = std::mem::take(&mut self.actions[action].before);
        links.reverse();
        links.sort_by_key(|&l| self.actions[self.links[l].first].id);
        let mut merged: Vec<LinkId> = Vec::with_capacity(links.len());
        for link in links {
            let last = merged.last().copied();
            match last.filter(|&l| self.links[l].first == self.links[link].first) {
                Some(last) => {
                    let (order, used) = (self.links[link].order, self.links[link].used);
                    self.links[last].order |= order;
                    self.links[last].used |= used;
                }
                None => merged.push(link),
            }
        }
        self.actions[action].before = merged;
    }

    /// Whether an action is part of the graph.
    pub(in crate::scheduler) fn belongs_to_graph(&self, action: ActionId) -> bool {
        let a = &self.actions[action];
        if !a.runnable || (a.optional && !a.printed) {
            return false;
        }
        let managed = a.resource.is_none_or(|r| self.resources[r].managed);
        let recurring = a.meta.get("interval").is_some_and(|i| &**i != "0");
        if !managed && &*a.task != "monitor" && !recurring {
            return false;
        }
        if a.pseudo || matches!(&*a.task, "stonith" | "do_shutdown") {
            return true;
        }
        let Some(node) = a.node else { return false };
        let n = &self.nodes[node];
        a.dc_allowed || (self.is_guest(node) && !n.requires_reset) || (n.online && !n.unclean)
    }

    /// Whether an action of the graph waits for another.
    pub(in crate::scheduler) fn is_input(&mut self, action: ActionId, link: LinkId) -> bool {
        let Link {
            first, order, used, ..
        } = self.links[link];
        if used {
            return true;
        }
        let input = &self.actions[first];
        let weak = Order::IFP | Order::ITP | Order::OPT;
        if order.is_none() {
            return false;
        }
        let changes = !order.without(weak).is_none();
        if !input.runnable && (!changes || order.any(Order::ONE | Order::IFM)) {
            return false;
        }
        if order.has(Order::AFNM) && input.migratable {
            return false;
        }
        let stops = input.key.ends_with("_stop_0");
        if order == Order::OPT && input.migratable && stops {
            return false;
        }
        if order == Order::LOAD || order == Order::ANTI {
            let kept = if order == Order::LOAD {
                self.load_matters(action, first)
            } else {
                self.anticolocation_matters(action, first)
            };
            if !kept {
                self.links[link].order = Order::NONE;
            }
            return kept;
        }
        if stops && self.is_stuck(action, first) {
            return false;
        }
        !(input.optional && !input.printed && !input.dumped && !self.belongs_to_graph(first))
    }

    fn load_matters(&self, action: ActionId, input: ActionId) -> bool {
        let (a, input) = (&self.actions[action], &self.actions[input]);
        if &*a.task == "migrate_to"
            && let Some(resource) = a.resource
        {
            let target = self.resources[resource].assigned;
            return target.is_some() && input.node == target;
        }
        input.node.is_some() && input.node == a.node && !input.optional
    }

    fn anticolocation_matters(&self, action: ActionId, input: ActionId) -> bool {
        let (a, input) = (&self.actions[action], &self.actions[input]);
        let elsewhere = match (a.node, input.node) {
            (Some(a), Some(b)) => a != b,
            _ => false,
        };
        !elsewhere && !input.optional
    }

    /// What failed and isn't managed doesn't keep a clone from being stopped.
    fn is_stuck(&self, action: ActionId, input: ActionId) -> bool {
        let (a, b) = (self.actions[action].resource, self.actions[input].resource);
        let (Some(a), Some(b)) = (a, b) else {
            return false;
        };
        let r = &self.resources[b];
        a != b && r.failed && !r.managed && self.resources[a].is_clone()
    }

    /// Links that would lead back to where they start.
    pub(in crate::scheduler) fn drop_invalid_links(&mut self) {
        for action in self.newest_first() {
            for i in (0..self.actions[action].before.len()).rev() {
                let link = self.actions[action].before[i];
                let Link { first, order, .. } = self.links[link];
                if order == Order::LOAD && &*self.actions[action].task == "migrate_to" {
                    let mut seen = vec![false; self.actions.iter().len()];
                    if self.has_loop(action, action, link, &mut seen) {
                        self.links[link].order = Order::NONE;
                    }
                } else if !order.has(Order::PRES)
                    && self.actions[first].resource.is_some()
                    && self.is_own_guest(first, action)
                {
                    self.links[link].order = Order::NONE;
                }
            }
        }
    }

    /// Whether an action is in a guest node, and another one of the guest itself. The node may be
    /// configured as a member, too.
    fn is_own_guest(&self, inside: ActionId, of: ActionId) -> bool {
        let Some(node) = self.actions[inside].node else {
            return false;
        };
        let container = self.container_of(node);
        container.is_some() && container == self.actions[of].resource
    }

    fn has_loop(
        &mut self,
        start: ActionId,
        action: ActionId,
        link: LinkId,
        seen: &mut [bool],
    ) -> bool {
        let input = self.links[link].first;
        if seen.get(input.index()).copied().unwrap_or(true) || !self.is_input(action, link) {
            return false;
        }
        if input == start {
            return true;
        }
        if let Some(mark) = seen.get_mut(input.index()) {
            *mark = true;
        }
        for i in (0..self.actions[input].before.len()).rev() {
            let next = self.actions[input].before[i];
            if self.has_loop(start, input, next, seen) {
                return true;
            }
        }
        false
    }
}
