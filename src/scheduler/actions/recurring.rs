//! Recurring actions: which run, which are cancelled.
//! Source: Pacemaker 2.1.5, `pcmk__create_recurring_actions`.

use crate::cib::Element;
use crate::rules;
use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::*;
use crate::scheduler::unpack::operations::op_enabled;

/// A recurring operation as configured.
struct Recurring<'a> {
    task: &'a str,
    interval: u32,
    role: Option<Role>,
    key: Text,
}

impl<'a> Cluster<'a> {
    /// Makes the recurring actions of a primitive.
    pub(in crate::scheduler) fn plan_recurring(&mut self, resource: ResourceId) {
        let r = &self.resources[resource];
        if r.blocked || r.maintenance {
            return;
        }
        let node = r.assigned;
        let wanted = r.next_role != Role::Stopped || !r.managed;
        let start = node
            .filter(|&n| !self.nodes[n].maintenance && wanted)
            .map(|n| self.action(resource, "start", 0, Some(n), true));
        let ops: Vec<Element<'a>> = self.ops(resource).collect();
        for op in ops {
            let Some(op) = self.recurring(resource, op) else {
                continue;
            };
            if op.role == Some(Role::Stopped) {
                self.recur_while_stopped(resource, node, &op);
            } else if let Some(start) = start {
                self.recur_while_active(resource, start, &op);
            }
        }
    }

    fn recurring(&self, resource: ResourceId, op: Element<'a>) -> Option<Recurring<'a>> {
        let interval = |op: Element<'a>| {
            op.attr("interval")
                .map_or(0, |text| rules::interval_ms(text).unwrap_or(0))
        };
        let (task, own) = (op.attr("name")?, interval(op));
        let never = [
            "start",
            "stop",
            "promote",
            "demote",
            "reload-agent",
            "migrate_to",
            "migrate_from",
        ];
        if own == 0 || op.id().is_none() || never.contains(&task) {
            return None;
        }
        let same = self
            .ops(resource)
            .filter(|&o| o.attr("name") == Some(task) && interval(o) == own);
        if same.count() > 1 || !op_enabled(op) {
            return None;
        }
        let role = op.attr("role").map(Role::parse);
        if role == Some(Role::Unknown) {
            return None;
        }
        Some(Recurring {
            task,
            interval: own,
            role,
            key: self.key_of(resource, task, own),
        })
    }

    fn goes_on(
        &mut self,
        resource: ResourceId,
        node: Option<NodeId>,
        start: ActionId,
        op: &Recurring<'_>,
    ) -> bool {
        let Some(node) = node else { return false };
        if !self.actions[start].optional {
            return false;
        }
        let found = self.matches_exactly(resource, &op.key, node);
        !found.is_empty() && found.iter().all(|&a| !self.actions[a].reschedule)
    }

    fn recur_while_active(&mut self, resource: ResourceId, start: ActionId, op: &Recurring<'_>) {
        let node = self.resources[resource].assigned;
        let optional = self.goes_on(resource, node, start, op);
        let (role, next) = (
            self.resources[resource].role,
            self.resources[resource].next_role,
        );
        let fits = match op.role {
            Some(role) => role == next,
            None => next != Role::Promoted,
        };
        if !fits {
            if let Some(node) = node.filter(|_| optional) {
                let cancel = self.cancel_action(resource, op.task, op.interval, node);
                let after = match (role, next) {
                    (Role::Unpromoted | Role::Started, Role::Promoted) => Some("promote"),
                    (Role::Unpromoted | Role::Started, Role::Stopped) => Some("stop"),
                    (Role::Promoted, _) => Some("demote"),
                    _ => None,
                };
                if let Some(task) = after {
                    let then = self.side(resource, task);
                    self.new_ordering(Side::action(cancel), then, Order::RL);
                }
            }
            return;
        }
        let action = self.keyed_action(resource, op.key.clone(), op.task, node, optional);
        let ready = node.is_some_and(|n| self.nodes[n].online && !self.nodes[n].unclean);
        if !self.actions[start].runnable || !ready {
            self.actions[action].runnable = false;
        }
        if next == Role::Promoted {
            self.set_meta(action, "op_target_rc", "8");
        }
        if node.is_none() || self.resources[resource].managed {
            self.order_recurring(resource, action);
        }
    }

    fn order_recurring(&mut self, resource: ResourceId, action: ActionId) {
        let r = &self.resources[resource];
        let (role, next) = (r.role, r.next_role);
        let then = Side::action(action);
        for task in ["start", "reload-agent"] {
            let first = self.side(resource, task);
            self.new_ordering(first, then.clone(), Order::IT | Order::RL);
        }
        let task = if next == Role::Promoted {
            "promote"
        } else if role == Role::Promoted {
            "demote"
        } else {
            return;
        };
        let first = self.side(resource, task);
        self.new_ordering(first, then, Order::OPT | Order::RL);
    }

    /// Cancels a recurring action on a node.
    pub(in crate::scheduler) fn cancel_action(
        &mut self,
        resource: ResourceId,
        task: &str,
        interval: u32,
        node: NodeId,
    ) -> ActionId {
        let key = self.key_of(resource, task, interval);
        let cancel = self.keyed_action(resource, key, "cancel", Some(node), false);
        self.actions[cancel].task = "cancel".into();
        self.actions[cancel].cancel_task = Some(task.into());
        self.set_meta(cancel, "operation", task);
        self.set_meta(cancel, "interval", &interval.to_string());
        cancel
    }

    fn recur_while_stopped(
        &mut self,
        resource: ResourceId,
        node: Option<NodeId>,
        op: &Recurring<'_>,
    ) {
        if !self.resources[resource].unique {
            return;
        }
        if let Some(node) = node
            && !self.matches_exactly(resource, &op.key, node).is_empty()
        {
            let cancel = self.cancel_action(resource, op.task, op.interval, node);
            let next = self.resources[resource].next_role;
            if matches!(next, Role::Started | Role::Unpromoted) {
                let then = self.side(resource, "start");
                self.new_ordering(Side::action(cancel), then, Order::RL);
            }
        }
        for other in self.node_order.clone() {
            if Some(other) == node {
                continue;
            }
            let optional = !self.matches_exactly(resource, &op.key, other).is_empty();
            let key = op.key.clone();
            let action = self.keyed_action(resource, key, op.task, Some(other), optional);
            self.set_meta(action, "op_target_rc", "7");
            if self.resources[resource].managed {
                let probe = self.key_of(resource, "monitor", 0);
                for probe in self.matches(resource, &probe, Some(other)) {
                    self.order_actions(probe, action, Order::RL);
                }
            }
            self.recur_after_stops(resource, other, action);
            if !self.nodes[other].online || self.nodes[other].unclean {
                self.actions[action].runnable = false;
            }
        }
    }

    fn recur_after_stops(&mut self, resource: ResourceId, node: NodeId, action: ActionId) {
        let managed = self.resources[resource].managed;
        for stop in self.with_task(resource, "stop", Some(node), true) {
            if !self.actions[stop].optional && !managed {
                self.actions[action].optional = true;
            }
            if !self.actions[stop].runnable {
                self.actions[action].runnable = false;
            }
            if managed {
                let (first, then) = (Side::action(stop), Side::action(action));
                self.new_ordering(first, then, Order::IT | Order::RL);
            }
        }
    }
}
