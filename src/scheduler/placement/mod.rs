//! Placement: which node a resource gets.
//! Source: Pacemaker 2.1.5, `pcmk__primitive_assign`, `pcmk__group_assign`.

pub(super) mod bundle;
pub(super) mod clone;
pub(super) mod colocate;
pub(super) mod criteria;
pub(super) mod promotable;
pub(super) mod utilization;

use std::cmp::Ordering as Compared;

use crate::scheduler::model::arena::{ColocationId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::table::Table;
use crate::scheduler::model::*;
use crate::scheduler::placement::colocate::Merging;
use crate::scheduler::score::INFINITY;
use crate::scheduler::simulation::shown::Score;
use crate::scheduler::unpack::options::{Placement, QuorumPolicy};

impl Cluster<'_> {
    /// Places everything.
    pub(in crate::scheduler) fn assign_resources(&mut self) {
        self.show_capacities("Original");
        if self.options.placement != Placement::Default {
            self.sort_for_placement();
        }
        if self.has_remotes {
            for top in self.top.clone() {
                if self.resources[top].is_connection {
                    let prefer = self.resources[top].partial.target;
                    self.assign(top, prefer);
                }
            }
        }
        for top in self.top.clone() {
            // A connection without any remote node has no place, not even a bad one.
            if !self.resources[top].is_connection {
                self.assign(top, None);
            }
        }
        self.show_capacities("Remaining");
    }

    /// Places one resource and all in it.
    pub(in crate::scheduler) fn assign(&mut self, resource: ResourceId, prefer: Option<NodeId>) {
        match &self.resources[resource].kind {
            Kind::Primitive => self.assign_primitive(resource, prefer),
            Kind::Group(_) => self.assign_group(resource, prefer),
            Kind::Clone(_) => self.assign_clone(resource, prefer),
            Kind::Bundle(_) => self.assign_bundle(resource),
        }
    }

    fn assign_primitive(&mut self, resource: ResourceId, prefer: Option<NodeId>) {
        if let Some(parent) = self.resources[resource].parent
            && !self.resources[parent].visit.assigning
        {
            self.assign(parent, prefer);
        }
        let r = &mut self.resources[resource];
        if !r.provisional || r.visit.assigning {
            return;
        }
        r.visit.assigning = true;
        for colocation in r.this_with.clone() {
            self.apply_this_with(resource, colocation);
        }
        for colocation in self.resources[resource].with_this.clone() {
            if self.has_influence(colocation, None) {
                let how = Merging {
                    active: true,
                    ..Merging::default()
                };
                self.merge_dependent(resource, colocation, how);
            }
        }
        self.limit_role(resource);
        self.show_scores("pcmk__primitive_assign", resource);
        if self.options.stonith_enabled && !self.has_fence_device {
            self.resources[resource].managed = false;
        }
        self.choose(resource, prefer);
        self.resources[resource].visit.assigning = false;
        if self.resources[resource].is_connection {
            self.connection_assigned(resource);
        }
    }

    fn limit_role(&mut self, resource: ResourceId) {
        let r = &self.resources[resource];
        let frozen = r.next_role > r.role
            && !self.have_quorum
            && self.options.quorum_policy == QuorumPolicy::Freeze;
        if r.next_role == Role::Stopped {
            self.locate_everywhere(resource, -INFINITY);
        } else if frozen {
            self.resources[resource].next_role = self.resources[resource].role;
        }
    }

    fn choose(&mut self, resource: ResourceId, prefer: Option<NodeId>) {
        if !self.resources[resource].managed {
            self.resources[resource].next_role = self.resources[resource].role;
            let current = self.current_node(resource);
            self.settle(resource, current, true);
        } else if self.options.stop_all {
            self.settle(resource, None, true);
        } else if self.resources[resource].provisional {
            self.assign_best(resource, prefer);
        }
    }

    fn apply_this_with(&mut self, resource: ResourceId, colocation: ColocationId) {
        let c = &self.colocations[colocation];
        let primary = c.primary;
        let revertible = c.dependent_role >= Role::Promoted || (c.score < 0 && c.score > -INFINITY);
        let saved = revertible.then(|| self.resources[resource].allowed.clone());
        self.assign(primary, None);
        self.apply_colocation(resource, primary, colocation);
        if let Some(saved) = saved
            && !self.any_available(&self.resources[resource].allowed)
        {
            self.resources[resource].allowed = saved;
        }
    }

    /// Takes the scores of a dependent into the table of the resource it wants to be with.
    pub(in crate::scheduler) fn merge_dependent(
        &mut self,
        resource: ResourceId,
        colocation: ColocationId,
        how: Merging,
    ) {
        let c = self.colocations[colocation].clone();
        let factor = c.score as f32 / INFINITY as f32;
        let mut table = Some(std::mem::take(&mut self.resources[resource].allowed));
        // The table stays visible to what is merged on the way.
        self.resources[resource].allowed = table.clone().unwrap_or_default();
        self.merge_scores(c.dependent, &mut table, c.attribute.as_ref(), factor, how);
        self.resources[resource].allowed = table.unwrap_or_default();
    }

    /// Nodes of a table, best first.
    pub(in crate::scheduler) fn sorted_nodes(
        &self,
        table: &Table,
        active: Option<NodeId>,
    ) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = table.nodes().collect();
        nodes.sort_by(|&a, &b| self.compare_nodes(table, a, b, active));
        nodes
    }

    /// Nodes of a resource's table, best first, wherever it is now.
    pub(in crate::scheduler) fn sorted_allowed(&self, resource: ResourceId) -> Vec<NodeId> {
        self.sorted_nodes(&self.resources[resource].allowed, None)
    }

    fn compare_nodes(
        &self,
        table: &Table,
        a: NodeId,
        b: NodeId,
        active: Option<NodeId>,
    ) -> Compared {
        let weight = |n: NodeId| {
            if self.available(n) {
                table.score(n).unwrap_or(-INFINITY)
            } else {
                -INFINITY
            }
        };
        let by_weight = weight(b).cmp(&weight(a));
        let by_name = || {
            self.nodes[a]
                .name
                .as_bytes()
                .cmp(self.nodes[b].name.as_bytes())
        };
        if by_weight.is_ne() || self.options.placement == Placement::Minimal {
            return by_weight.then_with(by_name);
        }
        if self.options.placement == Placement::Balanced {
            let by_capacity = self.compare_capacities(a, b);
            if by_capacity.is_ne() {
                return by_capacity;
            }
        }
        let count = |n: NodeId| self.nodes[n].assigned_count;
        let is_active = |n: NodeId| active == Some(n);
        count(a)
            .cmp(&count(b))
            .then_with(|| is_active(b).cmp(&is_active(a)))
            .then_with(by_name)
    }

    fn assign_best(&mut self, resource: ResourceId, prefer: Option<NodeId>) {
        let most_free = self.ban_insufficient(resource);
        let prefer = prefer.or(most_free);
        if !self.resources[resource].provisional {
            return;
        }
        let current = self.current_node(resource);
        let r = &self.resources[resource];
        let nodes = self.sorted_nodes(&r.allowed, current);
        let score = |n: NodeId| r.allowed.score(n).unwrap_or(-INFINITY);
        let Some(&best) = nodes.first() else {
            self.settle(resource, None, false);
            return;
        };
        let preferred = prefer.filter(|&n| {
            r.allowed.has(n) && score(n) >= 0 && score(n) >= score(best) && self.available(n)
        });
        let mut chosen = preferred.unwrap_or(best);
        let unique_instance = r.parent.is_some_and(|p| {
            let p = &self.resources[p];
            p.is_clone() && p.unique
        });
        if preferred.is_none() && !unique_instance && score(best) > 0 && self.available(best) {
            let stays = current.filter(|&n| self.available(n) && self.nodes[n].score >= 0);
            if let Some(stays) = stays
                && r.allowed.has(stays)
                && score(stays) == score(best)
            {
                chosen = stays;
            }
        }
        self.settle(resource, Some(chosen), false);
    }

    /// The last word on where a primitive goes; whether it goes anywhere.
    pub(in crate::scheduler) fn settle(
        &mut self,
        resource: ResourceId,
        node: Option<NodeId>,
        force: bool,
    ) -> bool {
        let mut chosen = node;
        if let Some(node) = node.filter(|_| !force) {
            let score = self.resources[resource].allowed.score(node).unwrap_or(0);
            if score < 0 || !(self.available(node) || self.is_guest(node)) {
                self.resources[resource].next_role = Role::Stopped;
                chosen = None;
            }
        }
        self.unassign(resource);
        self.resources[resource].provisional = false;
        let Some(node) = chosen else {
            self.resources[resource].next_role = Role::Stopped;
            self.cancel_plans(resource);
            return false;
        };
        // What stays where it is without a choice has the score of the node itself.
        let score = match force {
            true => self.nodes[node].score,
            false => self.resources[resource].allowed.score(node).unwrap_or(0),
        };
        self.resources[resource].assigned_score = score;
        self.resources[resource].assigned = Some(node);
        if let Some(entry) = self.resources[resource].allowed.get_mut(node) {
            entry.count += 1;
        }
        self.nodes[node].assigned_count += 1;
        self.consume(resource, node);
        self.show_needs(resource, node);
        true
    }

    /// Takes a primitive from its node.
    pub(in crate::scheduler) fn unassign(&mut self, resource: ResourceId) {
        let Some(node) = self.resources[resource].assigned.take() else {
            return;
        };
        self.resources[resource].provisional = true;
        self.nodes[node].assigned_count -= 1;
        self.release(resource, node);
    }

    fn connection_assigned(&mut self, resource: ResourceId) {
        let r = &self.resources[resource];
        let up = r.assigned.is_some() && r.next_role != Role::Stopped;
        let id = r.id.clone();
        let Some(node) = self.node_named(&id) else {
            return;
        };
        let n = &mut self.nodes[node];
        if up {
            n.online = true;
            if n.unseen {
                n.unclean = false;
            }
        } else {
            n.shutdown = true;
        }
    }

    fn assign_group(&mut self, group: ResourceId, prefer: Option<NodeId>) {
        let r = &mut self.resources[group];
        if !r.provisional || r.visit.assigning {
            return;
        }
        r.visit.assigning = true;
        let members = r.children.clone();
        let (Some(&first), Some(&last)) = (members.first(), members.last()) else {
            return;
        };
        self.resources[group].role = self.resources[first].role;
        for colocation in std::mem::take(&mut self.resources[group].this_with) {
            self.add_this_with(first, colocation);
            if self.colocations[colocation].score >= INFINITY {
                self.share_with_members(&members, colocation);
            }
        }
        for colocation in std::mem::take(&mut self.resources[group].with_this) {
            self.add_with_this(last, colocation);
        }
        self.show_scores("pcmk__group_assign", group);
        let mut place = None;
        for member in members {
            self.assign(member, prefer);
            place = place.or(self.resources[member].assigned);
        }
        let next = self.resources[first].next_role;
        let together = matches!(&self.resources[group].kind, Kind::Group(g) if g.collocated);
        let r = &mut self.resources[group];
        r.next_role = next;
        r.visit.assigning = false;
        r.provisional = false;
        r.assigned = place.filter(|_| together);
    }

    /// A mandatory colocation of a group also counts for members after one that isn't managed.
    fn share_with_members(&mut self, members: &[ResourceId], colocation: ColocationId) {
        let mut unmanaged = false;
        for &member in members {
            if unmanaged {
                self.add_this_with(member, colocation);
            }
            unmanaged |= !self.resources[member].managed;
        }
    }

    /// Lists the scores of a resource and all in it.
    pub(in crate::scheduler) fn show_scores(&self, function: &'static str, resource: ResourceId) {
        let r = &self.resources[resource];
        if r.orphan || !self.tells_scores {
            return;
        }
        for node in self.allowed_nodes(resource) {
            let score = r.allowed.score(node).unwrap_or(0);
            let line = Score::Weight {
                function,
                resource: r.id.clone(),
                node: self.nodes[node].name.clone(),
                score,
            };
            self.scores.borrow_mut().push(line);
        }
        for &child in &r.children {
            self.show_scores(function, child);
        }
    }

    /// The more important resources are placed first where there isn't room for all.
    fn sort_for_placement(&mut self) {
        let mut keyed: Vec<(ResourceId, Vec<i64>)> = Vec::new();
        let everywhere = {
            let mut table = Table::default();
            for &node in &self.node_order {
                table.insert(node, self.entry_of(node));
            }
            table
        };
        let nodes = self.sorted_nodes(&everywhere, None);
        for top in self.top.clone() {
            let mut table = None;
            let how = Merging {
                this_with: true,
                ..Merging::default()
            };
            self.merge_scores(top, &mut table, None, 1.0, how);
            let table = table.unwrap_or_default();
            let weight = |n: NodeId| i64::from(table.score(n).unwrap_or(-INFINITY));
            let current = self.current_node(top);
            let mut key = vec![
                -i64::from(self.resources[top].priority),
                -current.map_or(-i64::from(INFINITY), weight),
            ];
            key.extend(nodes.iter().map(|&n| -weight(n)));
            keyed.push((top, key));
        }
        keyed.sort_by(|a, b| a.1.cmp(&b.1));
        self.top = keyed.into_iter().map(|(top, _)| top).collect();
    }
}
