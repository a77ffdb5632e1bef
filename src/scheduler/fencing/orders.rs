//! Fencing and shutdown of nodes, and what waits for them.
//! Source: Pacemaker 2.1.5, `schedule_fencing_and_shutdowns`, `pcmk__order_vs_fence`.

use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::*;

impl Cluster<'_> {
    /// Fences what is unclean, shuts down what wants to.
    pub(in crate::scheduler) fn plan_fencing(&mut self) {
        let managed = self.top.iter().any(|&r| self.any_managed(r));
        let (mut fences, mut shutdowns): (Vec<ActionId>, Vec<ActionId>) = Default::default();
        let mut last = None;
        for node in self.node_order.clone() {
            if self.is_guest(node) {
                if self.nodes[node].requires_reset && managed && self.can_fence(node) {
                    self.fence_guest(node);
                }
                continue;
            }
            let is_dc = self.nodes[node].is_dc;
            if managed && self.nodes[node].unclean && self.can_fence(node) {
                let reason = Some("node is unclean");
                let fence = self.fence_action(node, None, false, reason, false);
                self.order_around_fence(fence, node);
                if is_dc {
                    last = Some(fence);
                    continue;
                }
                if !self.options.concurrent_fencing
                    && let Some(&before) = fences.last()
                {
                    self.order_actions(before, fence, Order::OPT);
                }
                fences.push(fence);
            } else if self.shuts_down(node) {
                let down = self.shutdown_action(node);
                if is_dc {
                    last = Some(down);
                } else {
                    shutdowns.push(down);
                }
            }
        }
        if let Some(last) = last {
            self.order_before_dc(last, &fences, &shutdowns);
        }
    }

    /// Whether the cluster may do anything with a resource, or with one in it.
    fn any_managed(&self, resource: ResourceId) -> bool {
        let r = &self.resources[resource];
        r.managed || r.children.iter().any(|&c| self.any_managed(c))
    }

    fn shuts_down(&self, node: NodeId) -> bool {
        let n = &self.nodes[node];
        !self.is_remote_kind(node) && n.online && n.shutdown
    }

    /// The designated controller goes last.
    fn order_before_dc(&mut self, last: ActionId, fences: &[ActionId], shutdowns: &[ActionId]) {
        if &*self.actions[last].task == "do_shutdown" {
            for &first in shutdowns.iter().rev() {
                self.order_actions(first, last, Order::OPT);
            }
        }
        let each = self.options.concurrent_fencing;
        let count = if each { fences.len() } else { 1 };
        for &first in fences.iter().rev().take(count) {
            self.order_actions(first, last, Order::OPT);
        }
    }

    fn shutdown_action(&mut self, node: NodeId) -> ActionId {
        let key = format!("do_shutdown-{}", self.nodes[node].name);
        let down = self.free_action(key.into(), "do_shutdown", Some(node), false);
        for stop in self.newest_first() {
            let action = &self.actions[stop];
            let Some(resource) = action.resource else {
                continue;
            };
            let r = &self.resources[resource];
            if action.node != Some(node)
                || &*action.task != "stop"
                || r.maintenance
                || self.nodes[node].maintenance
                || !(r.managed || r.blocked)
            {
                continue;
            }
            self.actions[stop].optional = false;
            let then = Side {
                task: Some("do_shutdown".into()),
                ..Side::action(down)
            };
            self.new_ordering(Side::action(stop), then, Order::OPT | Order::RL);
        }
        self.set_meta(down, "op_no_wait", "true");
        down
    }

    /// A guest node is fenced by its container's stop, which has a label of its own.
    fn fence_guest(&mut self, node: NodeId) {
        let Some(connection) = self.nodes[node].connection else {
            return;
        };
        let Some(container) = self.resources[connection].container else {
            return;
        };
        let stop = self.newest(container, "stop", None);
        let restarts = self.newest(container, "start", None).is_some();
        let operation = if restarts { "reboot" } else { "off" };
        let reason = Some("guest is unclean");
        let fence = self.fence_action(node, Some(operation), false, reason, false);
        self.actions[fence].pseudo = true;
        self.actions[fence].runnable = true;
        let order = Order::RL | Order::IT;
        match stop {
            Some(stop) if self.actions[stop].pseudo => {
                if let Some(host) = self.actions[stop].node {
                    let parent = self.fence_action(host, None, false, None, false);
                    self.order_actions(parent, fence, order);
                }
            }
            Some(stop) => {
                self.order_actions(stop, fence, order);
            }
            None => {
                if let Some(stop) = self.newest(connection, "stop", None) {
                    self.order_actions(stop, fence, Order::OPT);
                }
            }
        }
        self.order_around_fence(fence, node);
    }

    fn order_around_fence(&mut self, fence: ActionId, node: NodeId) {
        for top in self.top.clone() {
            for primitive in self.leaves(top) {
                if self.resources[primitive].managed {
                    self.start_after_fence(primitive, fence, node);
                    self.stop_after_fence(primitive, fence, node);
                }
            }
        }
    }

    /// What is at the ends of a resource: those without anything in them.
    pub(in crate::scheduler) fn leaves(&self, resource: ResourceId) -> Vec<ResourceId> {
        let children = &self.resources[resource].children;
        if children.is_empty() {
            return vec![resource];
        }
        children.iter().flat_map(|&c| self.leaves(c)).collect()
    }

    fn is_known_for_fencing(&self, resource: ResourceId, node: NodeId) -> bool {
        let r = &self.resources[resource];
        r.known_on.contains(&node)
            || r.parent.is_some_and(|p| {
                let p = &self.resources[p];
                p.is_clone() && !p.unique && p.known_on.contains(&node)
            })
    }

    fn start_after_fence(&mut self, resource: ResourceId, fence: ActionId, node: NodeId) {
        for i in (0..self.resources[resource].actions.len()).rev() {
            let id = self.resources[resource].actions[i];
            match self.actions[id].needs {
                Needs::Nothing => {}
                Needs::Fencing => {
                    self.order_actions(fence, id, Order::OPT);
                }
                Needs::Quorum => {
                    if &*self.actions[id].task == "start"
                        && self.resources[resource].allowed.has(node)
                        && !self.is_known_for_fencing(resource, node)
                    {
                        self.order_actions(fence, id, Order::OPT | Order::RL);
                    }
                }
            }
        }
    }

    fn stop_after_fence(&mut self, resource: ResourceId, fence: ActionId, node: NodeId) {
        let after = self.resources[resource].needs_fencing || self.is_guest(node);
        let top = self.top_of(resource);
        let bundled = self.is_bundled(resource);
        let key = self.key_of(resource, "stop", 0);
        let stops = self.matches(resource, &key, Some(node));
        let top_stop = self.newest(top, "stop", None);
        for stop in stops {
            self.actions[stop].pseudo = true;
            self.actions[stop].runnable = true;
            if after {
                self.actions[stop].implied_by_fencing = true;
                if !bundled {
                    self.order_actions(fence, stop, Order::PRES);
                }
                if let Some(top_stop) = top_stop {
                    self.order_actions(fence, top_stop, Order::PRES);
                }
            }
            if self.resources[resource].notify {
                self.notify_after_fence(stop, resource, fence);
            }
        }
        let key = self.key_of(resource, "demote", 0);
        let lost =
            !self.nodes[node].online || self.nodes[node].unclean || self.resources[resource].failed;
        for demote in self.matches(resource, &key, Some(node)) {
            if !lost {
                continue;
            }
            self.actions[demote].pseudo = true;
            self.actions[demote].runnable = true;
            if !bundled && after {
                self.order_actions(fence, demote, Order::PRES | Order::OPT);
            }
        }
    }
}
