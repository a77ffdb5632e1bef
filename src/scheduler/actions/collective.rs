//! What is done with groups, clones and bundles: pseudo-actions around those of their parts.
//! Source: Pacemaker 2.1.5, `pcmk__group_create_actions`, `clone_create_actions`,
//! `pcmk__bundle_create_actions`, `pcmk__create_promotable_actions`.

use crate::cib::boolean;
use crate::scheduler::model::arena::{ActionId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::*;
use crate::scheduler::score::INFINITY;

/// What instances of a clone do.
#[derive(Debug, Clone, Copy, Default)]
struct Doing {
    active: bool,
    starting: bool,
    stopping: bool,
}

impl Cluster<'_> {
    /// Makes the actions of a resource and all in it.
    pub(in crate::scheduler) fn plan(&mut self, resource: ResourceId) {
        match &self.resources[resource].kind {
            Kind::Primitive => self.plan_primitive(resource),
            Kind::Group(_) => self.plan_group(resource),
            Kind::Clone(_) => self.plan_clone(resource),
            Kind::Bundle(_) => self.plan_bundle(resource),
        }
    }

    fn plan_group(&mut self, group: ResourceId) {
        for member in self.resources[group].children.clone() {
            self.plan(member);
        }
        for task in ["start", "running", "stop", "stopped"] {
            self.resource_pseudo(group, task, true, true);
        }
        let promotable = self.meta(group, "promotable");
        if boolean::is_true(promotable.as_deref()) {
            for task in ["demote", "demoted", "promote", "promoted"] {
                self.resource_pseudo(group, task, true, true);
            }
        }
    }

    fn observe(&self, resource: ResourceId, doing: &mut Doing) {
        let r = &self.resources[resource];
        for &child in &r.children {
            self.observe(child, doing);
        }
        if !r.children.is_empty() {
            return;
        }
        doing.active |= !r.running_on.is_empty();
        for &id in &r.actions {
            let action = &self.actions[id];
            if action.optional || !(action.pseudo || action.runnable) {
                continue;
            }
            doing.stopping |= &*action.task == "stop";
            doing.starting |= &*action.task == "start" && action.runnable;
        }
    }

    fn plan_clone(&mut self, clone: ResourceId) {
        let parts = self.resources[clone].children.clone();
        self.plan_parts(clone, &parts, true);
        self.order_instances(clone);
        if self.resources[clone].is_promotable() {
            self.plan_promotable(clone);
        }
    }

    /// Actions of instances or containers, and the pseudo-actions around them.
    fn plan_parts(&mut self, clone: ResourceId, parts: &[ResourceId], notify: bool) {
        let mut all = Doing::default();
        let mut restarts = false;
        for &part in parts {
            self.plan(part);
            let mut doing = Doing::default();
            self.observe(part, &mut doing);
            restarts |= doing.stopping && doing.starting;
            all.active |= doing.active;
            all.starting |= doing.starting;
            all.stopping |= doing.stopping;
        }
        let start = self.resource_pseudo(clone, "start", !all.starting, true);
        let running = self.resource_pseudo(clone, "running", !all.starting, false);
        let action = &mut self.actions[running];
        action.priority = INFINITY;
        action.runnable |= all.active || all.starting;
        if notify {
            self.plan_notifications(clone, "start", start, running);
        }
        let stop = self.resource_pseudo(clone, "stop", !all.stopping, true);
        let stopped = self.resource_pseudo(clone, "stopped", !all.stopping, true);
        self.actions[stopped].priority = INFINITY;
        self.actions[stop].migratable |= !restarts;
        if notify {
            self.plan_notifications(clone, "stop", stop, stopped);
            self.order_notifications(clone, &[("stop", "start")]);
        }
    }

    fn required_one(&mut self, resource: ResourceId, task: &str) -> Option<ActionId> {
        let key = self.key_of(resource, task, 0);
        let mut required = self.matches(resource, &key, None);
        required.retain(|&a| !self.actions[a].optional);
        match required.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// Instances of ordered clones start one after the other, and stop the other way round.
    fn order_instances(&mut self, clone: ResourceId) {
        if !self.clone_of(clone).ordered {
            return;
        }
        self.sort_by_number(clone);
        let (mut last_stop, mut last_start) = (None, None);
        for child in self.resources[clone].children.clone() {
            if let Some(stop) = self.required_one(child, "stop")
                && let Some(last) = last_stop.replace(stop)
            {
                self.order_actions(stop, last, Order::OPT);
            }
            if let Some(start) = self.required_one(child, "start")
                && let Some(last) = last_start.replace(start)
            {
                self.order_actions(last, start, Order::OPT);
            }
        }
    }

    /// Puts the instances of a clone in the order of their numbers.
    pub(in crate::scheduler) fn sort_by_number(&mut self, clone: ResourceId) {
        let mut children = std::mem::take(&mut self.resources[clone].children);
        children.sort_by_key(|&c| self.resources[c].number);
        self.resources[clone].children = children;
    }

    fn plan_promotable(&mut self, clone: ResourceId) {
        let (mut promoting, mut demoting) = (false, false);
        for child in self.resources[clone].children.clone() {
            self.plan(child);
            self.observe_roles(child, &mut promoting, &mut demoting);
        }
        let promote = self.resource_pseudo(clone, "promote", !promoting, true);
        let promoted = self.resource_pseudo(clone, "promoted", !promoting, true);
        self.actions[promoted].priority = INFINITY;
        self.plan_notifications(clone, "promote", promote, promoted);
        let demote = self.resource_pseudo(clone, "demote", !demoting, true);
        let demoted = self.resource_pseudo(clone, "demoted", !demoting, true);
        self.actions[demoted].priority = INFINITY;
        self.plan_notifications(clone, "demote", demote, demoted);
        self.order_notifications(
            clone,
            &[
                ("stop", "promote"),
                ("start", "promote"),
                ("demote", "promote"),
                ("demote", "start"),
                ("demote", "stop"),
            ],
        );
        let priority = self.resources[clone].priority;
        for child in self.resources[clone].children.clone() {
            self.resources[child].priority = priority;
        }
    }

    fn observe_roles(&self, resource: ResourceId, promoting: &mut bool, demoting: &mut bool) {
        let r = &self.resources[resource];
        for &child in &r.children {
            self.observe_roles(child, promoting, demoting);
        }
        if !r.children.is_empty() {
            return;
        }
        for &id in &r.actions {
            let action = &self.actions[id];
            if !action.optional {
                *demoting |= &*action.task == "demote";
                *promoting |= &*action.task == "promote";
            }
        }
    }

    fn plan_bundle(&mut self, bundle: ResourceId) {
        let Some(body) = self.resources[bundle].bundle() else {
            return;
        };
        let (replicas, inner) = (body.replicas.clone(), body.inner);
        for replica in &replicas {
            let parts = [replica.ip, Some(replica.container), replica.remote];
            for part in parts.into_iter().flatten() {
                self.plan(part);
            }
        }
        let containers = self.parts(bundle);
        self.plan_parts(bundle, &containers, false);
        let Some(inner) = inner else { return };
        self.plan(inner);
        if self.resources[inner].is_promotable() {
            self.resource_pseudo(bundle, "promote", true, true);
            let promoted = self.resource_pseudo(bundle, "promoted", true, true);
            self.actions[promoted].priority = INFINITY;
            self.resource_pseudo(bundle, "demote", true, true);
            let demoted = self.resource_pseudo(bundle, "demoted", true, true);
            self.actions[demoted].priority = INFINITY;
        }
    }
}
