//! Actions: found again by key and node, or made.

pub(super) mod changes;
pub(super) mod collective;
pub(super) mod flags;
pub(super) mod migration;
pub mod notifications;
pub(super) mod primitive;
pub(super) mod probes;
pub(super) mod recurring;

use std::rc::Rc;

use crate::rules::Context;
use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::*;
use crate::scheduler::unpack::options::QuorumPolicy;
use crate::scheduler::unpack::sets::Reading;

impl<'a> Cluster<'a> {
    /// Actions of a resource with a key, oldest first. One without a node takes the node.
    pub fn matches(
        &mut self,
        resource: ResourceId,
        key: &str,
        node: Option<NodeId>,
    ) -> Vec<ActionId> {
        let mut found = Vec::new();
        for i in 0..self.resources[resource].actions.len() {
            let id = self.resources[resource].actions[i];
            let action = &mut self.actions[id];
            if &*action.key != key {
                continue;
            }
            if node.is_some() && action.node.is_none() {
                action.node = node;
            }
            if node.is_none() || action.node == node {
                found.push(id);
            }
        }
        found
    }

    /// Actions of a resource with a key on exactly this node.
    pub fn matches_exactly(&self, resource: ResourceId, key: &str, node: NodeId) -> Vec<ActionId> {
        let all = self.resources[resource].actions.iter().copied();
        all.filter(|&a| &*self.actions[a].key == key && self.actions[a].node == Some(node))
            .collect()
    }

    /// The newest action of a resource with a task, on a node if one is given.
    pub fn newest(
        &self,
        resource: ResourceId,
        task: &str,
        node: Option<NodeId>,
    ) -> Option<ActionId> {
        self.newest_that(resource, node, |action| &*action.task == task)
    }

    /// The newest action of a resource with a key, on a node if one is given.
    pub fn newest_with_key(
        &self,
        resource: ResourceId,
        key: &str,
        node: Option<NodeId>,
    ) -> Option<ActionId> {
        self.newest_that(resource, node, |action| &*action.key == key)
    }

    fn newest_that(
        &self,
        resource: ResourceId,
        node: Option<NodeId>,
        fits: impl Fn(&Action) -> bool,
    ) -> Option<ActionId> {
        let all = self.resources[resource].actions.iter().rev().copied();
        all.into_iter().find(|&a| {
            let action = &self.actions[a];
            fits(action) && (node.is_none() || action.node == node)
        })
    }

    /// Actions of a resource with a task, oldest first; with a node only those there.
    pub fn with_task(
        &self,
        resource: ResourceId,
        task: &str,
        node: Option<NodeId>,
        require_node: bool,
    ) -> Vec<ActionId> {
        let interval_key =
            crate::scheduler::model::text::operation_key(&self.resources[resource].id, task, 0);
        let all = self.resources[resource].actions.iter().copied();
        all.filter(|&a| {
            let action = &self.actions[a];
            if *action.key != *interval_key {
                return false;
            }
            match node {
                None => !require_node,
                Some(_) => action.node == node,
            }
        })
        .collect()
    }

    /// An action of a resource, found again or made; required unless `optional`.
    pub fn action(
        &mut self,
        resource: ResourceId,
        task: &str,
        interval: u32,
        node: Option<NodeId>,
        optional: bool,
    ) -> ActionId {
        let key = self.key_of(resource, task, interval);
        self.keyed_action(resource, key, task, node, optional)
    }

    /// [`Self::action`] with a key of its own.
    pub fn keyed_action(
        &mut self,
        resource: ResourceId,
        key: Text,
        task: &str,
        node: Option<NodeId>,
        optional: bool,
    ) -> ActionId {
        let found = self.matches(resource, &key, node).first().copied();
        let id = match found {
            Some(id) => id,
            None => self.new_resource_action(resource, key, task, node, optional),
        };
        self.request(id, optional);
        self.read_extra(id);
        self.set_runnable(id);
        id
    }

    fn new_resource_action(
        &mut self,
        resource: ResourceId,
        key: Text,
        task: &str,
        node: Option<NodeId>,
        optional: bool,
    ) -> ActionId {
        let operation = self.operation(resource, &key, task);
        let mut action = blank(key, task, node, optional);
        action.resource = Some(resource);
        action.op = operation.element;
        action.meta = Rc::clone(&operation.meta);
        action.on_fail = operation.on_fail;
        action.fail_role = operation.fail_role;
        action.needs = operation.needs;
        action.interval = crate::scheduler::model::text::parse_key(&action.key).map_or(0, |k| k.2);
        action.id = self.take_id();
        let id = self.actions.push(action);
        self.resources[resource].actions.push(id);
        id
    }

    fn take_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// An action without a resource.
    pub fn free_action(
        &mut self,
        key: Text,
        task: &str,
        node: Option<NodeId>,
        optional: bool,
    ) -> ActionId {
        if let Some(&id) = self.free_actions.get(&key).and_then(|l| l.first()) {
            if !optional {
                self.actions[id].optional = false;
            }
            return id;
        }
        let mut action = blank(key.clone(), task, node, optional);
        action.id = self.take_id();
        let id = self.actions.push(action);
        self.free_actions.entry(key).or_default().push(id);
        id
    }

    /// A pseudo-action without a resource.
    pub fn pseudo_action(&mut self, name: &str) -> ActionId {
        let id = self.free_action(name.into(), name, None, true);
        let action = &mut self.actions[id];
        action.pseudo = true;
        action.runnable = true;
        id
    }

    /// A pseudo-action of a resource, with a node for none.
    pub fn resource_pseudo(
        &mut self,
        resource: ResourceId,
        task: &str,
        optional: bool,
        runnable: bool,
    ) -> ActionId {
        let id = self.action(resource, task, 0, None, optional);
        let action = &mut self.actions[id];
        action.pseudo = true;
        action.runnable = runnable;
        id
    }

    fn request(&mut self, id: ActionId, optional: bool) {
        let action = &mut self.actions[id];
        let managed = action.resource.is_none_or(|r| self.resources[r].managed);
        let recurring = action.meta.contains_key("interval");
        if !managed && action.node.is_some() && !action.pseudo && !recurring {
            action.optional = true;
        } else if !optional {
            action.optional = false;
        }
    }

    fn read_extra(&mut self, id: ActionId) {
        let action = &self.actions[id];
        let (Some(node), Some(op)) = (action.node, action.op) else {
            return;
        };
        if !action.extra.is_empty() || op.child("instance_attributes").is_none() {
            return;
        }
        let context = Context {
            node: Some(&self.nodes[node].attrs),
            ..self.context()
        };
        let mut values = Values::new();
        let sets = "instance_attributes";
        self.read_sets(op, sets, &context, Reading::default(), &mut values);
        self.actions[id].extra = Rc::new(values);
    }

    fn set_runnable(&mut self, id: ActionId) {
        let action = &self.actions[id];
        let Some(resource) = action.resource else {
            return;
        };
        if action.pseudo {
            return;
        }
        let Some(node) = action.node else {
            self.actions[id].runnable = false;
            return;
        };
        let n = &self.nodes[node];
        let (dc, clean, pending) = (action.dc_allowed, !n.unclean, n.pending);
        let unreachable = !n.online && (!self.is_guest(node) || n.requires_reset);
        if !dc && unreachable {
            let stop = &*action.task == "stop";
            self.actions[id].runnable = false;
            if self.resources[resource].managed && stop && clean {
                self.fence_node(node, "stop is unrunnable", false);
            }
        } else if !dc && pending {
            self.actions[id].runnable = false;
        } else if action.needs == Needs::Nothing {
            let runnable = !self.is_guest(node) || self.can_fence(node);
            let action = &mut self.actions[id];
            action.reason = None;
            action.runnable = runnable;
        } else {
            self.set_runnable_by_quorum(id, resource);
        }
    }

    fn set_runnable_by_quorum(&mut self, id: ActionId, resource: ResourceId) {
        let refused = match self.effective_policy(resource) {
            QuorumPolicy::Stop => Some("no quorum"),
            QuorumPolicy::Freeze => {
                let r = &self.resources[resource];
                let grows = r.next_role > r.role;
                (!self.active(resource, true) || grows).then_some("quorum freeze")
            }
            _ => None,
        };
        let action = &mut self.actions[id];
        match refused {
            Some(reason) => {
                action.runnable = false;
                action.reason = Some(reason.into());
            }
            None => {
                let frozen =
                    !self.have_quorum && self.options.quorum_policy == QuorumPolicy::Freeze;
                action.runnable |= !frozen;
            }
        }
    }

    fn effective_policy(&mut self, resource: ResourceId) -> QuorumPolicy {
        if self.have_quorum {
            return QuorumPolicy::Ignore;
        }
        let policy = self.options.quorum_policy;
        if policy != QuorumPolicy::Demote {
            return policy;
        }
        let r = &mut self.resources[resource];
        if matches!(r.role, Role::Promoted | Role::Unpromoted) {
            r.next_role = r.next_role.min(Role::Unpromoted);
            return QuorumPolicy::Ignore;
        }
        QuorumPolicy::Stop
    }

    /// Why an action is as it is: the first reason stays, unless `overwrite`.
    pub fn set_reason(&mut self, id: ActionId, reason: &str, overwrite: bool) {
        let action = &mut self.actions[id];
        if action.reason.is_none() || overwrite {
            action.reason = Some(reason.into());
        }
    }

    /// Sets a meta attribute of an action.
    pub fn set_meta(&mut self, id: ActionId, name: &str, value: &str) {
        Rc::make_mut(&mut self.actions[id].meta).insert(name.into(), value.into());
    }

    /// A stop on a node.
    pub fn stop_action(&mut self, resource: ResourceId, node: NodeId, optional: bool) -> ActionId {
        self.action(resource, "stop", 0, Some(node), optional)
    }
}

fn blank<'a>(key: Text, task: &str, node: Option<NodeId>, optional: bool) -> Action<'a> {
    Action {
        id: 0,
        resource: None,
        node,
        task: task.into(),
        key,
        cancel_task: None,
        interval: 0,
        op: None,
        meta: Rc::default(),
        extra: Rc::default(),
        reason: None,
        priority: 0,
        needs: Needs::Nothing,
        on_fail: OnFail::Ignore,
        fail_role: Role::Unknown,
        optional,
        runnable: true,
        pseudo: false,
        printed: false,
        migratable: false,
        needs_any: false,
        reschedule: false,
        dangling: false,
        dc_allowed: task == "lrm_delete",
        processed: false,
        dumped: false,
        deduplicated: false,
        implied_by_fencing: false,
        tracking: false,
        blocked_dependents: false,
        required_before: 0,
        runnable_before: 0,
        before: Vec::new(),
        after: Vec::new(),
    }
}
