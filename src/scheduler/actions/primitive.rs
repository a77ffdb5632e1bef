//! What is done with a primitive: from the role it has to the role it gets.
//! Source: Pacemaker 2.1.5, `pcmk__primitive_create_actions`.

use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::*;

/// What brings a resource one step nearer to a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Nothing,
    Start,
    Stop,
    Promote,
    Demote,
}

/// The next role on the way to another, and how to get there; none if there is no way.
fn step(from: Role, to: Role) -> Option<(Role, Step)> {
    use Role::{Promoted, Started, Stopped, Unknown, Unpromoted};
    Some(match (from, to) {
        (_, Unknown) => return None,
        (Unknown, _) => (Stopped, Step::Stop),
        (Stopped, Stopped) => (Stopped, Step::Nothing),
        (Stopped, Started) => (Started, Step::Start),
        (Stopped, Unpromoted | Promoted) => (Unpromoted, Step::Start),
        (Started | Unpromoted, Stopped) => (Stopped, Step::Stop),
        (Started, Started) => (Started, Step::Nothing),
        (Started, Unpromoted) => (Unpromoted, Step::Nothing),
        (Unpromoted, Started) => (Stopped, Step::Stop),
        (Unpromoted, Unpromoted) => (Unpromoted, Step::Nothing),
        (Started | Unpromoted, Promoted) => (Promoted, Step::Promote),
        (Promoted, Promoted) => (Promoted, Step::Nothing),
        (Promoted, _) => (Unpromoted, Step::Demote),
    })
}

/// What has to happen beyond the change of the role.
#[derive(Debug, Clone, Copy, Default)]
struct Plan {
    stop: bool,
    promote: bool,
    moving: bool,
    migrate: bool,
}

impl Cluster<'_> {
    /// Makes the actions of a primitive.
    pub(in crate::scheduler) fn plan_primitive(&mut self, resource: ResourceId) {
        let r = &mut self.resources[resource];
        if r.next_role == Role::Unknown {
            r.next_role = match r.assigned {
                Some(_) => Role::Started,
                None => Role::Stopped,
            };
        }
        let current = self.current_node(resource);
        for node in self.resources[resource].dangling.clone() {
            self.abort_migration(resource, node);
        }
        let mut plan = self.plan_move(resource, current);
        self.plan_for_copies(resource, current, &mut plan);
        if self.resources[resource].start_pending {
            let node = self.resources[resource].assigned;
            let start = self.action(resource, "start", 0, node, true);
            self.actions[start].printed = true;
        }
        self.plan_recovery(resource, current, &mut plan);
        self.restart_sequence(resource, current, plan);
        self.change_role(resource);
        self.plan_recurring(resource);
        if let Some(source) = current.filter(|_| plan.migrate) {
            self.plan_migration(resource, source);
        }
    }

    fn abort_migration(&mut self, resource: ResourceId, node: NodeId) {
        let stop = self.stop_action(resource, node, false);
        self.actions[stop].dangling = true;
        if self.options.remove_after_stop {
            self.clean_up(resource, node, false);
        }
    }

    fn plan_move(&self, resource: ResourceId, current: Option<NodeId>) -> Plan {
        let r = &self.resources[resource];
        let moving = match (current, r.assigned) {
            (Some(a), Some(b)) => a != b && r.next_role >= Role::Started,
            _ => false,
        };
        Plan {
            stop: moving,
            moving,
            migrate: moving && self.can_migrate(resource, current),
            ..Plan::default()
        }
    }

    /// Partial migrations go on or end; what is active too often stops.
    fn plan_for_copies(&mut self, resource: ResourceId, current: Option<NodeId>, plan: &mut Plan) {
        let active = self.active_count(resource);
        let r = &mut self.resources[resource];
        let (source, target) = (r.partial.source, r.partial.target);
        let goes_on = source.is_some()
            && target.is_some()
            && plan.migrate
            && active.all == 2
            && current == source
            && r.assigned == target;
        let mut too_many = false;
        if goes_on {
        } else if source.is_some() || target.is_some() {
            plan.stop = true;
            plan.migrate = false;
            r.partial.source = None;
            r.partial.target = None;
        } else {
            too_many = self.active_where_it_matters(resource) > 1;
        }
        let r = &mut self.resources[resource];
        r.stop_unexpected = false;
        if too_many {
            match r.recovery {
                MultipleActive::StopStart => plan.stop = true,
                MultipleActive::StopUnexpected => {
                    plan.stop = true;
                    r.stop_unexpected = true;
                }
                MultipleActive::StopOnly | MultipleActive::Block => {}
            }
        }
    }

    fn plan_recovery(&mut self, resource: ResourceId, current: Option<NodeId>, plan: &mut Plan) {
        let r = &self.resources[resource];
        if plan.moving {
        } else if r.failed {
            if r.failed_stop {
                plan.stop = true;
            } else if r.next_role == Role::Promoted {
                plan.promote = true;
            }
        } else if r.blocked {
            plan.stop = true;
        } else if r.role > Role::Started && current.is_some() && r.assigned.is_some() {
            let node = r.assigned;
            let start = self.action(resource, "start", 0, node, true);
            plan.stop |= !self.actions[start].optional;
        }
    }

    /// Down to a stop on the current node, and up to the same role on the next one.
    fn restart_sequence(&mut self, resource: ResourceId, current: Option<NodeId>, plan: Plan) {
        let was = self.resources[resource].role;
        let mut role = was;
        self.resources[resource].restarting = true;
        while role != Role::Stopped {
            let Some((next, step)) = step(role, Role::Stopped) else {
                break;
            };
            self.take(resource, step, current, !plan.stop);
            role = next;
        }
        loop {
            let r = &self.resources[resource];
            if was > r.next_role || role == was || r.blocked {
                break;
            }
            let node = r.assigned;
            let Some((next, step)) = step(role, was) else {
                break;
            };
            let required = plan.stop || (next == Role::Promoted && plan.promote);
            self.take(resource, step, node, !required);
            role = next;
        }
        self.resources[resource].restarting = false;
    }

    fn change_role(&mut self, resource: ResourceId) {
        let mut role = self.resources[resource].role;
        loop {
            let r = &self.resources[resource];
            if role == r.next_role {
                break;
            }
            let node = r.assigned;
            let Some((next, step)) = step(role, r.next_role) else {
                break;
            };
            self.take(resource, step, node, false);
            role = next;
        }
    }

    fn take(&mut self, resource: ResourceId, step: Step, node: Option<NodeId>, optional: bool) {
        match (step, node) {
            (Step::Stop, _) => self.plan_stop(resource, optional),
            (Step::Demote, _) => self.plan_demote(resource, optional),
            (Step::Start, Some(node)) => self.plan_start(resource, node, optional),
            (Step::Promote, Some(node)) => self.plan_promote(resource, node, optional),
            _ => {}
        }
    }

    /// A resource that is active too often stays where it is expected to be.
    fn is_expected(&self, resource: ResourceId, node: NodeId) -> bool {
        let r = &self.resources[resource];
        r.stop_unexpected && r.restarting && r.next_role > Role::Stopped && r.assigned == Some(node)
    }

    fn plan_stop(&mut self, resource: ResourceId, optional: bool) {
        let mut optional = optional;
        for node in self.resources[resource].running_on.clone() {
            if self.is_expected(resource, node) {
                continue;
            }
            let r = &self.resources[resource];
            if let Some(target) = r.partial.target {
                if node == target && r.assigned == Some(node) {
                    continue;
                }
                optional = false;
            }
            let stop = self.stop_action(resource, node, optional);
            let r = &self.resources[resource];
            if r.assigned.is_none() {
                self.set_reason(stop, "node availability", true);
            } else if r.restarting && r.stop_unexpected {
                self.set_reason(stop, "being multiply active", true);
            }
            if !self.resources[resource].managed {
                self.actions[stop].runnable = false;
            }
            if self.options.remove_after_stop {
                self.clean_up(resource, node, optional);
            }
            if self.resources[resource].needs_unfencing {
                let unfence = self.fence_action(node, Some("on"), true, None, false);
                self.order_actions(stop, unfence, Order::IF);
            }
        }
    }

    fn plan_start(&mut self, resource: ResourceId, node: NodeId, optional: bool) {
        let start = self.action(resource, "start", 0, Some(node), true);
        self.order_after_unfencing(resource, node, start, Order::IT);
        let expected = self.is_expected(resource, node);
        let action = &mut self.actions[start];
        if action.runnable && !optional {
            action.optional = false;
        }
        action.pseudo |= expected;
    }

    fn plan_promote(&mut self, resource: ResourceId, node: NodeId, optional: bool) {
        let starts = self.with_task(resource, "start", Some(node), true);
        if starts.iter().all(|&a| self.actions[a].runnable) {
            let promote = self.action(resource, "promote", 0, Some(node), optional);
            if self.is_expected(resource, node) {
                self.actions[promote].pseudo = true;
            }
            return;
        }
        for promote in self.with_task(resource, "promote", Some(node), true) {
            self.actions[promote].runnable = false;
        }
    }

    fn plan_demote(&mut self, resource: ResourceId, optional: bool) {
        for node in self.resources[resource].running_on.clone() {
            if !self.is_expected(resource, node) {
                self.action(resource, "demote", 0, Some(node), optional);
            }
        }
    }

    /// The history of a resource on a node is deleted, between a stop and a start.
    pub(in crate::scheduler) fn clean_up(
        &mut self,
        resource: ResourceId,
        node: NodeId,
        optional: bool,
    ) {
        let n = &self.nodes[node];
        if self.resources[resource].failed || n.unclean || !n.online {
            return;
        }
        let order = if optional { Order::IT } else { Order::OPT };
        self.action(resource, "delete", 0, Some(node), optional);
        self.order_tasks((resource, "stop"), (resource, "delete"), order);
        self.order_tasks((resource, "delete"), (resource, "start"), order);
    }
}
