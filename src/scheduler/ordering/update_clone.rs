//! Orderings with clones and bundles: instance by instance where they interleave.
//! Source: Pacemaker 2.1.5, `pcmk__multi_update_actions`, `find_compatible_child`,
//! `pcmk__block_colocation_dependents`.

use crate::cib::boolean;
use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::*;
use crate::scheduler::ordering::update::{Changed, Pair};
use crate::scheduler::score::INFINITY;

impl Cluster<'_> {
    pub(in crate::scheduler) fn update_multiple(&mut self, pair: Pair) -> Changed {
        if let Some((a, b)) = self.interleaved(pair.first, pair.then) {
            return self.update_interleaved(a, b, pair);
        }
        let Some(clone) = self.actions[pair.then].resource else {
            return Changed::default();
        };
        let mut changed = self.update_simple(pair);
        for part in self.parts(clone) {
            let task = self.actions[pair.then].task.clone();
            let Some(then) = self.newest(part, &task, pair.node) else {
                continue;
            };
            if !self.flags_of(then, pair.node).runnable {
                continue;
            }
            let of_part = self.update_pair(part, Pair { then, ..pair });
            changed |= of_part;
            if of_part.then {
                self.update_followers(then);
            }
        }
        changed
    }

    /// The two clones of an ordering that is kept instance by instance.
    fn interleaved(&self, first: ActionId, then: ActionId) -> Option<(ResourceId, ResourceId)> {
        let (a, b) = (self.actions[first].resource?, self.actions[then].resource?);
        if a == b || self.resources[a].rank() < 2 || self.resources[b].rank() < 2 {
            return None;
        }
        let key = &self.actions[then].key;
        let down = key.ends_with("_stop_0") || key.ends_with("_demote_0");
        let decides = if down { a } else { b };
        let interleave = self.meta(decides, "interleave");
        boolean::is_true(interleave.as_deref()).then_some((a, b))
    }

    fn update_interleaved(&mut self, a: ResourceId, b: ResourceId, pair: Pair) -> Changed {
        let key = &self.actions[pair.first].key;
        let current = key.ends_with("_stopped_0") || key.ends_with("_demoted_0");
        let mut changed = Changed::default();
        for part in self.parts(b) {
            match self.compatible(part, a, None, current) {
                Some(other) => changed |= self.update_instances(pair, (a, other), (b, part)),
                None if current => {}
                None => {
                    if pair.order.any(Order::RL | Order::IT) && self.force_unassigned(part) {
                        changed.then = true;
                    }
                }
            }
        }
        changed
    }

    fn update_instances(
        &mut self,
        pair: Pair,
        (a, first_part): (ResourceId, ResourceId),
        (b, then_part): (ResourceId, ResourceId),
    ) -> Changed {
        let task = self.instance_task(pair.first);
        let stops = self.actions[pair.first].task.contains("stop");
        let inside = self.child_in(a, first_part, pair.node).filter(|_| stops);
        let first = self.newest(inside.unwrap_or(first_part), &task, pair.node);
        let then_task = self.actions[pair.then].task.clone();
        let inside = self.child_in(b, then_part, pair.node);
        let inside = inside.filter(|_| then_task.contains("mote"));
        let then = self.newest(inside.unwrap_or(then_part), &then_task, pair.node);
        let (Some(first), Some(then)) = (first, then) else {
            return Changed::default();
        };
        let mut changed = Changed::default();
        if self.order_actions(first, then, pair.order) {
            changed.first = true;
            changed.then = true;
        }
        let flags = self.flags_of(first, pair.node);
        let inner = Pair {
            first,
            then,
            flags,
            ..pair
        };
        changed |= self.update_pair(then_part, inner);
        changed
    }

    /// What runs in a container of a bundle on the node that is inside it.
    fn child_in(
        &self,
        bundle: ResourceId,
        container: ResourceId,
        node: Option<NodeId>,
    ) -> Option<ResourceId> {
        let mut replicas = self.replicas(bundle).iter();
        let found = replicas.find(|r| r.container == container && r.node == node);
        found.filter(|_| node.is_some()).and_then(|r| r.child)
    }

    /// The instance of a clone or bundle that goes with a resource: the one on the same node.
    pub(in crate::scheduler) fn compatible(
        &self,
        with: ResourceId,
        clone: ResourceId,
        role: Option<Role>,
        current: bool,
    ) -> Option<ResourceId> {
        if let Some(node) = self.location(with, current) {
            return self.instance_on(clone, node, role, current);
        }
        let nodes = self.sorted_allowed(with);
        nodes
            .into_iter()
            .find_map(|node| self.instance_on(clone, node, role, current))
    }

    fn instance_on(
        &self,
        clone: ResourceId,
        node: NodeId,
        role: Option<Role>,
        current: bool,
    ) -> Option<ResourceId> {
        self.parts(clone).into_iter().find(|&part| {
            !self.any_blocked(part)
                && role.is_none_or(|r| self.role_of(part, current) == r)
                && self.location(part, current) == Some(node)
        })
    }

    /// Whether a resource or anything in it is blocked.
    pub(in crate::scheduler) fn any_blocked(&self, resource: ResourceId) -> bool {
        let r = &self.resources[resource];
        r.blocked || r.children.iter().any(|&c| self.any_blocked(c))
    }

    /// Takes a resource and all in it from its node, whatever it was; whether it had one.
    pub(in crate::scheduler) fn force_unassigned(&mut self, resource: ResourceId) -> bool {
        let children = self.resources[resource].children.clone();
        if !children.is_empty() {
            let mut changed = false;
            for child in children {
                changed |= self.force_unassigned(child);
            }
            return changed;
        }
        let had = self.resources[resource].assigned.is_some();
        self.unassign(resource);
        let r = &mut self.resources[resource];
        r.next_role = Role::Stopped;
        r.provisional = false;
        self.cancel_plans(resource);
        had
    }

    /// A resource without a node: its stops are required, nothing else can be done.
    pub(in crate::scheduler) fn cancel_plans(&mut self, resource: ResourceId) {
        for i in 0..self.resources[resource].actions.len() {
            let id = self.resources[resource].actions[i];
            let action = &mut self.actions[id];
            let target: Option<&str> = action.meta.get("op_target_rc").map(|t| &**t);
            match &*action.task {
                "stop" => action.optional = false,
                "start" => action.runnable = false,
                _ if action.interval > 0 && target != Some("7") => action.runnable = false,
                _ => {}
            }
        }
    }

    /// What has to be with a resource that can't start, or can't be promoted, can't either.
    pub(in crate::scheduler) fn block_dependents(&mut self, action: ActionId) {
        let a = &self.actions[action];
        let Some(resource) = a.resource else { return };
        let promote = &*a.task == "promote";
        if a.runnable || !(promote || &*a.task == "start") {
            return;
        }
        let task = a.task.clone();
        let top = self.outermost(resource);
        if !self.blocked_everywhere(top, &task) {
            return;
        }
        for colocation in self.resources[top].with_this.clone() {
            let c = &self.colocations[colocation];
            if c.score < INFINITY || (promote && c.primary_role != Role::Promoted) {
                continue;
            }
            let (dependent, role) = (c.dependent, c.dependent_role);
            self.block_dependent(dependent, role, resource);
        }
    }

    /// Whether every part of a collective has a task and none can do it.
    fn blocked_everywhere(&self, top: ResourceId, task: &str) -> bool {
        self.resources[top].children.iter().all(|&child| {
            let found = self.newest(child, task, None);
            found.is_some_and(|a| !self.actions[a].runnable)
        })
    }

    fn block_dependent(&mut self, dependent: ResourceId, role: Role, reason: ResourceId) {
        let task = if role == Role::Promoted {
            "promote"
        } else {
            "start"
        };
        let mut lost = Vec::new();
        for i in (0..self.resources[dependent].actions.len()).rev() {
            let id = self.resources[dependent].actions[i];
            if self.actions[id].runnable && &*self.actions[id].task == task {
                lost.push(id);
            }
        }
        for id in lost {
            self.actions[id].runnable = false;
            let id_text = self.resources[reason].id.clone();
            self.set_reason(id, &format!("colocation with {id_text}"), false);
            self.block_dependents(id);
            self.update_action(id);
        }
        for child in self.resources[dependent].children.clone() {
            self.block_dependent(child, role, reason);
        }
    }
}
