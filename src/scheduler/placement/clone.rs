//! Placement of instances.
//! Source: Pacemaker 2.1.5, `pcmk__clone_allocate`, `pcmk__cmp_instance`.

use std::cmp::Ordering as Compared;

use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::glib_order::list_sort;
use crate::scheduler::model::table::Table;
use crate::scheduler::model::*;
use crate::scheduler::placement::colocate::Merging;
use crate::scheduler::score::INFINITY;

const FOR_DEPENDENTS: Merging = Merging {
    active: true,
    nonnegative: true,
    this_with: false,
};

/// How instances are spread.
#[derive(Debug, Clone, Copy)]
struct Spread {
    max: i32,
    per_host: i32,
    all_colocations: bool,
}

impl Cluster<'_> {
    pub(in crate::scheduler) fn assign_clone(&mut self, clone: ResourceId, prefer: Option<NodeId>) {
        let r = &self.resources[clone];
        if !r.provisional || r.visit.assigning {
            return;
        }
        if r.is_promotable() {
            self.add_promotion_scores(clone);
        }
        self.resources[clone].visit.assigning = true;
        for colocation in self.resources[clone].this_with.clone() {
            let primary = self.colocations[colocation].primary;
            self.assign(primary, prefer);
        }
        for colocation in self.resources[clone].with_this.clone() {
            if self.has_influence(colocation, None) {
                self.merge_dependent(clone, colocation, FOR_DEPENDENTS);
            }
        }
        self.show_scores("pcmk__clone_allocate", clone);
        let mut children = self.resources[clone].children.clone();
        self.rate_by_colocation(&children);
        children = list_sort(&children, |&a, &b| self.compare_instances(a, b));
        self.resources[clone].children = children.clone();
        let body = self.clone_of(clone);
        let (max, node_max) = (body.max, body.node_max);
        self.distribute(clone, &children, max, node_max);
        if self.resources[clone].is_promotable() {
            self.set_roles(clone);
        }
        let r = &mut self.resources[clone];
        r.provisional = false;
        r.visit.assigning = false;
    }

    /// Spreads instances (or containers) over the nodes of the collective.
    pub(in crate::scheduler) fn distribute(
        &mut self,
        clone: ResourceId,
        parts: &[ResourceId],
        max: i32,
        per_host: i32,
    ) {
        let mut available = 0;
        let nodes: Vec<NodeId> = self.resources[clone].allowed.nodes().collect();
        for &node in &nodes {
            if let Some(entry) = self.resources[clone].allowed.get_mut(node) {
                entry.count = 0;
            }
            available += i32::from(self.available(node));
        }
        let limit = if available > 0 { max / available } else { 0 }.max(1);
        let spread = Spread {
            max,
            per_host,
            all_colocations: max < available,
        };
        let mut placed = 0;
        for &part in parts {
            if placed >= spread.max {
                break;
            }
            placed += i32::from(self.keep_where_it_is(clone, part, limit, spread));
        }
        for &part in parts {
            if !self.resources[part].provisional {
                continue;
            }
            if placed >= spread.max {
                self.locate_everywhere(part, -INFINITY);
            } else {
                placed += i32::from(self.try_instance(clone, part, None, spread));
            }
        }
    }

    fn keep_where_it_is(
        &mut self,
        clone: ResourceId,
        part: ResourceId,
        limit: i32,
        spread: Spread,
    ) -> bool {
        let r = &self.resources[part];
        if r.running_on.is_empty() || !r.provisional || r.failed {
            return false;
        }
        let Some(current) = self.current_node(part) else {
            return false;
        };
        if !self.available(current) || self.nodes[current].score < 0 {
            return false;
        }
        let Some(local) = self.resources[clone].allowed.get(current) else {
            return false;
        };
        local.count < limit && self.try_instance(clone, part, Some(current), spread)
    }

    fn try_instance(
        &mut self,
        clone: ResourceId,
        part: ResourceId,
        prefer: Option<NodeId>,
        spread: Spread,
    ) -> bool {
        if self.resources[part].visit.assigning {
            return false;
        }
        self.inherit_colocations(clone, part, spread.all_colocations);
        if let Some(prefer) = prefer {
            let own = self.resources[part].allowed.score(prefer);
            if own.is_none_or(|s| s < 0) {
                return false;
            }
        }
        let backup = prefer.map(|_| self.resources[part].allowed.clone());
        self.ban_full_nodes(clone, part, spread.per_host);
        self.assign(part, prefer);
        let Some(chosen) = self.resources[part].assigned else {
            return false;
        };
        if let Some(prefer) = prefer
            && chosen != prefer
        {
            if let Some(table) = backup {
                self.resources[part].allowed = table;
            }
            // The members of a group stay where they were placed, and aren't counted there.
            if self.resources[part].is_primitive() {
                self.unassign(part);
            }
            return false;
        }
        if let Some(entry) = self.resources[clone].allowed.get_mut(chosen) {
            entry.count += 1;
        }
        true
    }

    fn inherit_colocations(&mut self, clone: ResourceId, part: ResourceId, all: bool) {
        for colocation in self.resources[clone].this_with.clone() {
            let score = self.colocations[colocation].score;
            if all || !(0..INFINITY).contains(&score) {
                self.add_this_with(part, colocation);
            }
        }
        for colocation in self.resources[clone].with_this.clone() {
            let score = self.colocations[colocation].score;
            if self.has_influence(colocation, Some(part)) && (all || score < 0) {
                self.add_with_this(part, colocation);
            }
        }
    }

    /// Bans nodes that an instance knows and can't have, or that its clone can't have.
    fn ban_full_nodes(&mut self, clone: ResourceId, part: ResourceId, per_host: i32) {
        let nodes: Vec<NodeId> = self.resources[part].allowed.nodes().collect();
        for node in nodes {
            let usable = self.available(node) && !self.resources[part].orphan;
            let local = self.resources[clone].allowed.get(node);
            let free = local.is_some_and(|e| e.score >= 0 && e.count < per_host);
            if !(usable && free) {
                self.add_below(part, node, -INFINITY);
            }
        }
    }

    /// Adds to the score of a node where a resource and what is in it know the node.
    fn add_below(&mut self, resource: ResourceId, node: NodeId, score: i32) {
        self.resources[resource].allowed.add(node, score);
        for child in self.resources[resource].children.clone() {
            self.add_below(child, node, score);
        }
    }

    /// What others would have each instance stay where it is, for comparing them.
    pub(in crate::scheduler) fn rate_by_colocation(&mut self, instances: &[ResourceId]) {
        for &instance in instances {
            let current = self.current_node(instance);
            let (Some(node), Some(clone)) = (current, self.resources[instance].parent) else {
                continue;
            };
            let mut table = Table::default();
            table.insert(node, self.entry_of(node));
            let mut table = Some(table);
            for id in self.resources[clone].this_with.clone() {
                let primary = self.colocations[id].primary;
                self.rate_with(primary, id, &mut table, Merging::default());
            }
            for id in self.resources[clone].with_this.clone() {
                if self.has_influence(id, Some(instance)) {
                    let dependent = self.colocations[id].dependent;
                    let how = Merging {
                        nonnegative: true,
                        ..Merging::default()
                    };
                    self.rate_with(dependent, id, &mut table, how);
                }
            }
            let score = table.and_then(|t| t.score(node)).unwrap_or(0);
            self.resources[instance].colocated = score;
        }
    }

    fn rate_with(
        &mut self,
        other: ResourceId,
        id: crate::scheduler::model::arena::ColocationId,
        table: &mut Option<Table>,
        how: Merging,
    ) {
        let c = self.colocations[id].clone();
        let factor = c.score as f32 / INFINITY as f32;
        self.merge_scores(other, table, c.attribute.as_ref(), factor, how);
    }

    /// Which of two instances is placed first.
    pub(in crate::scheduler) fn compare_instances(&self, a: ResourceId, b: ResourceId) -> Compared {
        let (x, y) = (&self.resources[a], &self.resources[b]);
        let (many_x, many_y) = (x.running_on.len(), y.running_on.len());
        if many_x > 0 && many_y > 0 && many_x != many_y {
            return many_x.cmp(&many_y);
        }
        let allowed = |id: ResourceId, r: &Resource<'_>| match self.current_node(id) {
            Some(node) => {
                let known = r.allowed.get(node);
                (known.is_some_and(|e| e.score >= 0), Some(node))
            }
            None => (true, None),
        };
        let (can_x, node_x) = allowed(a, x);
        let (can_y, node_y) = allowed(b, y);
        let (at_x, at_y) = (node_x.filter(|_| can_x), node_y.filter(|_| can_y));
        can_y
            .cmp(&can_x)
            .then_with(|| y.priority.cmp(&x.priority))
            .then_with(|| match (at_x, at_y) {
                (None, None) => Compared::Equal,
                (Some(_), None) => Compared::Less,
                (None, Some(_)) => Compared::Greater,
                (Some(m), Some(n)) => self.compare_places((a, m), (b, n)),
            })
    }

    fn compare_places(
        &self,
        (a, node_a): (ResourceId, NodeId),
        (b, node_b): (ResourceId, NodeId),
    ) -> Compared {
        let available = |n: NodeId| self.available(n);
        let (x, y) = (&self.resources[a], &self.resources[b]);
        let parent_entry = |r: &Resource<'_>, n: NodeId| {
            let parent = r.parent?;
            self.resources[parent].allowed.get(n).copied()
        };
        let (entry_x, entry_y) = (parent_entry(x, node_a), parent_entry(y, node_b));
        let has = |e: &Option<crate::scheduler::model::table::Entry>| e.is_some();
        let count = |e: &Option<crate::scheduler::model::table::Entry>| e.map_or(0, |e| e.count);
        let first = available(node_b)
            .cmp(&available(node_a))
            .then_with(|| has(&entry_y).cmp(&has(&entry_x)));
        if first.is_ne() || entry_x.is_none() {
            return first;
        }
        first
            .then_with(|| count(&entry_x).cmp(&count(&entry_y)))
            .then_with(|| self.any_failed(a).cmp(&self.any_failed(b)))
            .then_with(|| y.colocated.cmp(&x.colocated))
            .then_with(|| x.number.cmp(&y.number))
    }

    fn any_failed(&self, resource: ResourceId) -> bool {
        let r = &self.resources[resource];
        r.failed || r.children.iter().any(|&c| self.any_failed(c))
    }
}
