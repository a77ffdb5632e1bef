//! Capacities of nodes and needs of resources.
//! Source: Pacemaker 2.1.5, `lib/pacemaker/pcmk_sched_utilization.c`.

use std::cmp::Ordering as Compared;

use indexmap::IndexMap;

use crate::cib::Element;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::glib_order::order_of_names;
use crate::scheduler::model::*;
use crate::scheduler::score::{self, INFINITY};
use crate::scheduler::simulation::shown::Score;
use crate::scheduler::unpack::options::Placement;
use crate::scheduler::unpack::sets::Reading;

/// Names and amounts in the order in which a hash table of GLib has them.
fn in_table_order(amounts: &Amounts) -> impl Iterator<Item = (&Text, i64)> {
    let names: Vec<&str> = amounts.keys().map(|name| &**name).collect();
    let order = order_of_names(&names).into_iter();
    order.filter_map(|at| amounts.get_index(at).map(|(name, amount)| (name, *amount)))
}

fn listed(amounts: &Amounts) -> Vec<(String, i64)> {
    let all = in_table_order(amounts);
    all.map(|(name, amount)| (name.to_string(), amount))
        .collect()
}

impl<'a> Cluster<'a> {
    /// What an element says that a node has room for, or a resource needs.
    pub(in crate::scheduler) fn amounts(&self, element: Element<'a>) -> Amounts {
        let mut values: IndexMap<Text, Text> = IndexMap::new();
        let (context, reading) = (self.context(), Reading::default());
        self.read_sets(element, "utilization", &context, reading, &mut values);
        let amount = |value: &Text| score::leading_integer(value).unwrap_or(0);
        let all = values.into_iter();
        all.map(|(name, value)| (name, amount(&value))).collect()
    }
}

impl Cluster<'_> {
    /// Lists the capacities of all nodes.
    pub(in crate::scheduler) fn show_capacities(&self, comment: &str) {
        for &node in &self.node_order {
            let n = &self.nodes[node];
            let line = Score::Capacity {
                comment: comment.to_owned(),
                node: n.name.to_string(),
                amounts: listed(&n.utilization),
            };
            self.scores.borrow_mut().push(line);
        }
    }

    /// Lists what a resource takes of its node.
    pub(in crate::scheduler) fn show_needs(&self, resource: ResourceId, node: NodeId) {
        let (r, n) = (&self.resources[resource], &self.nodes[node]);
        let line = Score::Utilization {
            resource: r.id.to_string(),
            node: n.name.to_string(),
            amounts: listed(&r.utilization),
        };
        self.scores.borrow_mut().push(line);
    }

    fn free(&self, node: NodeId, name: &str) -> i64 {
        self.nodes[node].utilization.get(name).copied().unwrap_or(0)
    }

    /// Which of two nodes has more room.
    pub(in crate::scheduler) fn compare_capacities(&self, a: NodeId, b: NodeId) -> Compared {
        let names = self.nodes[a].utilization.keys();
        let others = self.nodes[b].utilization.keys();
        let missing = others.filter(|n| !self.nodes[a].utilization.contains_key(*n));
        let sum: i32 = names
            .chain(missing)
            .map(|name| match self.free(a, name).cmp(&self.free(b, name)) {
                Compared::Greater => -1,
                Compared::Less => 1,
                Compared::Equal => 0,
            })
            .sum();
        sum.cmp(&0)
    }

    /// A node has less room by what a resource needs.
    pub(in crate::scheduler) fn consume(&mut self, resource: ResourceId, node: NodeId) {
        // What the node has no capacity of is there from now on, with nothing left of it; the
        // first to need it isn't counted. So does the original, as its reports show.
        for (name, amount) in in_table_order(&self.resources[resource].utilization) {
            let room = self.nodes[node].utilization.entry(name.clone());
            room.and_modify(|room| *room -= amount).or_insert(0);
        }
    }

    /// A node has more room again.
    pub(in crate::scheduler) fn release(&mut self, resource: ResourceId, node: NodeId) {
        for (name, amount) in in_table_order(&self.resources[resource].utilization) {
            let room = self.nodes[node].utilization.entry(name.clone());
            *room.or_default() += amount;
        }
    }

    fn has_room(&self, node: NodeId, needs: &Amounts) -> bool {
        needs
            .iter()
            .all(|(name, &need)| need <= self.free(node, name))
    }

    /// Whether members of a group are taken as being on one node: those in clones always are.
    fn is_compact(&self, group: ResourceId) -> bool {
        let r = &self.resources[group];
        let cloned = r.parent.is_some_and(|p| self.resources[p].is_clone());
        cloned || matches!(&r.kind, Kind::Group(body) if body.collocated)
    }

    /// All that has to be on the same node.
    fn companions(&self, resource: ResourceId, origin: ResourceId, list: &mut Vec<ResourceId>) {
        if list.contains(&resource) {
            return;
        }
        list.push(resource);
        let r = &self.resources[resource];
        if r.is_group() && self.is_compact(resource) {
            for &member in &r.children {
                self.companions(member, origin, list);
            }
        }
        for &id in &r.this_with {
            let c = &self.colocations[id];
            if c.primary != origin
                && c.score >= INFINITY
                && self.affects_location(resource, c.primary, id)
            {
                self.companions(c.primary, origin, list);
            }
        }
        for &id in &r.with_this {
            let c = &self.colocations[id];
            // Which instance a single resource will be with isn't known.
            let unsure = r.is_clone() && !self.resources[c.dependent].is_clone();
            if c.dependent != origin
                && !unsure
                && c.score >= INFINITY
                && self.affects_location(c.dependent, resource, id)
            {
                self.companions(c.dependent, origin, list);
            }
        }
    }

    fn add_needs(&self, resource: ResourceId, all: &[ResourceId], needs: &mut Amounts) {
        let r = &self.resources[resource];
        if !r.provisional {
            return;
        }
        match &r.kind {
            Kind::Primitive => {
                for (name, amount) in &r.utilization {
                    *needs.entry(name.clone()).or_default() += amount;
                }
            }
            Kind::Group(_) => {
                let compact = self.is_compact(resource);
                let count = if compact { r.children.len() } else { 1 };
                for member in r.children.iter().take(count) {
                    if !all.contains(member) {
                        self.add_needs(*member, all, needs);
                    }
                }
            }
            Kind::Clone(_) => self.add_needs_of_clone(&r.children, all, needs),
            Kind::Bundle(body) => {
                if let Some(replica) = body.replicas.first() {
                    self.add_needs(replica.container, all, needs);
                }
            }
        }
    }

    fn add_needs_of_clone(
        &self,
        instances: &[ResourceId],
        all: &[ResourceId],
        needs: &mut Amounts,
    ) {
        let mut listed = false;
        for instance in instances {
            if all.contains(instance) {
                listed = true;
                continue;
            }
            let members = &self.resources[*instance].children;
            if members.iter().any(|m| all.contains(m)) {
                self.add_needs(*instance, all, needs);
                listed = true;
            }
        }
        if let Some(&first) = instances.first().filter(|_| !listed) {
            self.add_needs(first, all, needs);
        }
    }

    /// Bans nodes without enough room; the node with most room, if none has it for everything.
    pub(in crate::scheduler) fn ban_insufficient(
        &mut self,
        resource: ResourceId,
    ) -> Option<NodeId> {
        if self.options.placement == Placement::Default {
            return None;
        }
        let mut all = Vec::new();
        self.companions(resource, resource, &mut all);
        let mut needs = Amounts::new();
        for &companion in &all {
            self.add_needs(companion, &all, &mut needs);
        }
        let own = self.resources[resource].utilization.clone();
        let mut possible = false;
        let mut most_free: Option<NodeId> = None;
        for node in self.nodes_in_table_order(resource) {
            if !self.available_in(&self.resources[resource].allowed, node) {
                continue;
            }
            possible |= self.has_room(node, &needs);
            if most_free.is_none_or(|m| self.compare_capacities(node, m).is_lt()) {
                most_free = Some(node);
            }
        }
        let limit = if possible { &needs } else { &own };
        for node in self.allowed_nodes(resource) {
            let usable = self.available_in(&self.resources[resource].allowed, node);
            if usable && !self.has_room(node, limit) {
                self.locate(resource, node, -INFINITY);
            }
        }
        most_free.filter(|_| !possible)
    }

    /// Nodes of a table in the order in which a hash table of GLib has them.
    fn nodes_in_table_order(&self, resource: ResourceId) -> Vec<NodeId> {
        let nodes = self.allowed_nodes(resource);
        let ids: Vec<&str> = nodes.iter().map(|&n| &*self.nodes[n].id).collect();
        let order = order_of_names(&ids);
        order
            .into_iter()
            .filter_map(|at| nodes.get(at).copied())
            .collect()
    }
}
