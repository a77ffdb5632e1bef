//! Which instances of a promotable clone are promoted.
//! Source: Pacemaker 2.1.5, `lib/pacemaker/pcmk_sched_promotable.c`.

use std::cmp::Ordering as Compared;

use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::glib_order::list_sort;
use crate::scheduler::model::text::base_name;
use crate::scheduler::model::*;
use crate::scheduler::placement::colocate::Merging;
use crate::scheduler::score::{self, INFINITY};
use crate::scheduler::simulation::shown::Score;
use crate::scheduler::unpack::options::QuorumPolicy;

impl Cluster<'_> {
    /// Preferences of agents for being promoted count for placement, too.
    pub(in crate::scheduler) fn add_promotion_scores(&mut self, clone: ResourceId) {
        if std::mem::replace(&mut self.clone_mut(clone).added_promotion_scores, true) {
            return;
        }
        for child in self.resources[clone].children.clone() {
            let mut best = self.resources[child].priority;
            for node in self.allowed_nodes(child) {
                if !self.available(node) {
                    continue;
                }
                let score = self.promotion_score(child, node).unwrap_or(0);
                if score > 0 {
                    self.resources[child].allowed.add(node, score);
                }
                best = best.max(score);
            }
            self.resources[child].priority = best;
        }
    }

    fn promotion_attribute(&self, resource: ResourceId, node: NodeId, name: &str) -> Option<i32> {
        let target = self.meta(resource, "container-attribute-target");
        let name = format!("master-{name}");
        let value = self.attr_for(node, &name, target.as_deref())?;
        Some(score::parse(Some(value), self.health.colours))
    }

    /// The preference of an instance on a node: of a group the sum of those that are told.
    fn promotion_score(&self, resource: ResourceId, node: NodeId) -> Option<i32> {
        let r = &self.resources[resource];
        if !r.children.is_empty() {
            let told = r.children.iter();
            return told
                .filter_map(|&member| self.promotion_score(member, node))
                .reduce(i32::saturating_add);
        }
        if !self.promotion_score_applies(resource, node) {
            return None;
        }
        let own = self.promotion_attribute(resource, node, r.history_name());
        let plain = || self.promotion_attribute(resource, node, base_name(&r.id));
        own.or_else(|| if r.unique { None } else { plain() })
    }

    /// Whether the preference counts: where the instance is or was looked for, and may run.
    fn promotion_score_applies(&self, resource: ResourceId, node: NodeId) -> bool {
        let r = &self.resources[resource];
        let allowed = r.allowed.score(node).is_some_and(|s| s >= 0);
        if !r.unique {
            let (mut active, mut known) = (None, false);
            for peer in self.leaves(self.top_of(resource)) {
                if base_name(&self.resources[peer].id) != base_name(&r.id) {
                    continue;
                }
                if active.is_none() && self.resources[peer].running_on.contains(&node) {
                    active = Some(peer);
                }
                known |= self.known_on(peer, node);
            }
            if active == Some(resource) || (active.is_none() && known) {
                return allowed;
            }
        }
        let nowhere = r.running_on.is_empty() && r.known_on.is_empty();
        let here = r.known_on.contains(&node) || r.running_on.contains(&node);
        (nowhere || here) && allowed
    }

    /// Gives every instance its role.
    pub(in crate::scheduler) fn set_roles(&mut self, clone: ResourceId) {
        let nodes: Vec<NodeId> = self.resources[clone].allowed.nodes().collect();
        for node in nodes {
            if let Some(entry) = self.resources[clone].allowed.get_mut(node) {
                entry.count = 0;
            }
        }
        for child in self.resources[clone].children.clone() {
            self.rate_instance(clone, child);
        }
        self.sort_by_promotion(clone);
        let body = self.clone_of(clone);
        let (max, node_max) = (body.promoted_max, body.promoted_node_max);
        let mut promoted = 0;
        for child in self.resources[clone].children.clone() {
            self.show_promotion_score(child);
            let place = self.promotable_place(clone, child, node_max);
            let frozen = !self.have_quorum
                && self.options.quorum_policy == QuorumPolicy::Freeze
                && self.role_of(child, true) < Role::Promoted;
            let full = promoted >= max && self.resources[clone].managed;
            let index = self.resources[child].sort_index;
            match place.filter(|_| index >= 0 && !full && !frozen) {
                Some(node) => {
                    if let Some(entry) = self.resources[clone].allowed.get_mut(node) {
                        entry.count += 1;
                    }
                    self.set_next_role(child, Role::Promoted, Role::Unknown);
                    promoted += 1;
                }
                None => self.set_unpromoted(child),
            }
        }
    }

    fn set_unpromoted(&mut self, resource: ResourceId) {
        let placed = !self.locations_of(resource, false).is_empty();
        self.resources[resource].next_role = if placed {
            Role::Unpromoted
        } else {
            Role::Stopped
        };
        for child in self.resources[resource].children.clone() {
            self.set_unpromoted(child);
        }
    }

    fn set_next_role(&mut self, resource: ResourceId, role: Role, only: Role) {
        for child in self.resources[resource].children.clone() {
            self.set_next_role(child, role, only);
        }
        if self.resources[resource].next_role == only {
            self.resources[resource].next_role = role;
        }
    }

    fn rate_instance(&mut self, clone: ResourceId, child: ResourceId) {
        if self.role_of(child, true) == Role::Started {
            self.started_is_unpromoted(child);
        }
        let Some(node) = self.location(child, false) else {
            return;
        };
        let next = self.role_of(child, false);
        match next {
            Role::Started | Role::Unknown => {
                self.resources[child].priority = self.promotion_score(child, node).unwrap_or(-1);
            }
            Role::Stopped | Role::Unpromoted => self.resources[child].priority = -INFINITY,
            Role::Promoted => {}
        }
        for list in [child, clone] {
            for number in self.resources[list].locations.clone() {
                let location = &self.locations[number];
                let found = location.nodes.iter().find(|(n, _)| *n == node);
                if let Some(&(_, score)) = found.filter(|_| location.role == Role::Promoted) {
                    let r = &mut self.resources[child];
                    r.priority = score::add(r.priority, score);
                }
            }
        }
        for colocation in self.resources[child].this_with.clone() {
            let primary = self.colocations[colocation].primary;
            self.apply_colocation(child, primary, colocation);
        }
        let r = &mut self.resources[child];
        r.sort_index = r.priority;
        if next == Role::Promoted {
            r.sort_index = INFINITY;
        }
    }

    fn started_is_unpromoted(&mut self, resource: ResourceId) {
        let r = &mut self.resources[resource];
        if r.role == Role::Started {
            r.role = Role::Unpromoted;
        }
        for child in r.children.clone() {
            self.started_is_unpromoted(child);
        }
    }

    fn sort_by_promotion(&mut self, clone: ResourceId) {
        if std::mem::replace(&mut self.clone_mut(clone).roles_merged, true) {
            return;
        }
        self.resources[clone].visit.merging = true;
        let children = self.resources[clone].children.clone();
        for &child in &children {
            let index = self.resources[child].sort_index;
            if let Some(node) = self.location(child, false).filter(|_| index >= 0) {
                self.resources[clone].allowed.add(node, index);
            }
        }
        self.merge_for_promotion(clone);
        self.require_promotion_tickets(clone);
        for &child in &children {
            let r = &self.resources[child];
            let node = self.location(child, false);
            let index = if !r.managed && r.next_role == Role::Promoted {
                INFINITY
            } else {
                match node.filter(|_| r.sort_index >= 0) {
                    Some(node) => self.resources[clone].allowed.score(node).unwrap_or(0),
                    None => r.sort_index,
                }
            };
            self.resources[child].sort_index = index;
        }
        self.rate_by_colocation(&children);
        let sorted = list_sort(&children, |&a, &b| self.compare_promotion(a, b));
        self.resources[clone].children = sorted;
        self.resources[clone].visit.merging = false;
    }

    fn merge_for_promotion(&mut self, clone: ResourceId) {
        for id in self.resources[clone].this_with.clone() {
            let c = self.colocations[id].clone();
            if c.dependent_role != Role::Promoted {
                continue;
            }
            let how = Merging {
                active: c.score < INFINITY,
                ..Merging::default()
            };
            let factor = c.score as f32 / INFINITY as f32;
            let mut table = Some(self.resources[clone].allowed.clone());
            self.merge_scores(c.primary, &mut table, c.attribute.as_ref(), factor, how);
            self.resources[clone].allowed = table.unwrap_or_default();
        }
        for id in self.resources[clone].with_this.clone() {
            if self.colocations[id].primary_role == Role::Promoted && self.has_influence(id, None) {
                let how = Merging {
                    active: true,
                    nonnegative: true,
                    this_with: false,
                };
                self.merge_dependent(clone, id, how);
            }
        }
    }

    fn compare_promotion(&self, a: ResourceId, b: ResourceId) -> Compared {
        let (x, y) = (&self.resources[a], &self.resources[b]);
        y.sort_index
            .cmp(&x.sort_index)
            .then_with(|| self.role_of(b, true).cmp(&self.role_of(a, true)))
            .then_with(|| self.compare_instances(a, b))
    }

    fn show_promotion_score(&self, child: ResourceId) {
        let r = &self.resources[child];
        let node = self.location(child, false);
        let line = Score::Promotion {
            resource: r.id.to_string(),
            node: node.map(|n| self.nodes[n].name.to_string()),
            score: score::text(r.sort_index),
        };
        self.scores.borrow_mut().push(line);
    }

    /// Where an instance could be promoted.
    fn promotable_place(
        &self,
        clone: ResourceId,
        child: ResourceId,
        node_max: i32,
    ) -> Option<NodeId> {
        let r = &self.resources[child];
        for &member in &r.children {
            self.promotable_place(clone, member, node_max)?;
        }
        let node = self.location(child, false)?;
        if !r.managed {
            if self.role_of(child, true) != Role::Promoted {
                return None;
            }
        } else if r.priority < 0 || !self.available_with_guest(node) {
            return None;
        }
        let entry = self.resources[clone].allowed.get(node)?;
        (entry.count < node_max || !r.managed).then_some(node)
    }
}
