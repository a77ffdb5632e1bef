//! `rsc_ticket`: resources that need a ticket, and what happens when it is lost.
//! Source: Pacemaker 2.1.5, `pcmk__unpack_rsc_ticket`.

use crate::cib::Element;
use crate::scheduler::constraints::Named;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::*;
use crate::scheduler::score::INFINITY;

impl<'a> Cluster<'a> {
    /// Reads one constraint.
    pub(in crate::scheduler) fn unpack_ticket_constraint(&mut self, element: Element<'a>) {
        let Some(ticket) = element.attr("ticket") else {
            return;
        };
        let mut subjects: Vec<(ResourceId, Option<&'a str>)> = Vec::new();
        for set in self.resource_sets(element) {
            subjects.extend(set.members.iter().map(|&m| (m, set.role)));
            if set.broken {
                break;
            }
        }
        if let Some(id) = element.attr("rsc") {
            let role = element.attr("rsc-role");
            match self.named(id) {
                Named::One(resource) => subjects.push((resource, role)),
                Named::Many(ids) => {
                    let found = ids.iter().filter_map(|id| self.constraint_resource(id));
                    subjects.extend(found.map(|r| (r, role)));
                }
                Named::Unknown => {}
            }
        }
        let ticket = self.ticket_named(ticket);
        for (resource, role) in subjects {
            let role = match role.map(Role::parse) {
                Some(Role::Started) | None => Role::Unknown,
                Some(role) => role,
            };
            let policy = self.loss_policy(element.attr("loss-policy"), role);
            let number = self.ticket_constraints.len();
            let constraint = TicketConstraint {
                resource,
                ticket,
                policy,
                role,
            };
            self.ticket_constraints.push(constraint.clone());
            self.resources[resource].tickets.push(number);
            let t = &self.tickets[ticket];
            if !t.granted || t.standby {
                self.lose_ticket(resource, &constraint);
            }
        }
    }

    fn loss_policy(&self, text: Option<&str>, role: Role) -> LossPolicy {
        match text {
            Some("fence") if self.options.stonith_enabled => LossPolicy::Fence,
            Some("fence") => LossPolicy::Stop,
            Some("freeze") => LossPolicy::Freeze,
            Some("demote") => LossPolicy::Demote,
            Some("stop") => LossPolicy::Stop,
            _ if role == Role::Promoted => LossPolicy::Demote,
            _ => LossPolicy::Stop,
        }
    }

    fn lose_ticket(&mut self, resource: ResourceId, constraint: &TicketConstraint) {
        let children = self.resources[resource].children.clone();
        if !children.is_empty() {
            for child in children {
                self.lose_ticket(child, constraint);
            }
            return;
        }
        let ticket = &self.tickets[constraint.ticket];
        let (granted, standby) = (ticket.granted, ticket.standby);
        let by_promotion =
            constraint.role == Role::Promoted && constraint.policy != LossPolicy::Stop;
        let running = self.resources[resource].running_on.clone();
        if !granted && !running.is_empty() {
            let role = self.resources[resource].role;
            let fits = constraint.role == Role::Unknown || constraint.role == role;
            match constraint.policy {
                LossPolicy::Stop => self.locate_everywhere(resource, -INFINITY),
                LossPolicy::Demote if constraint.role == Role::Promoted => {}
                LossPolicy::Demote => self.locate_everywhere(resource, -INFINITY),
                LossPolicy::Fence if fits => self.fence_for_ticket(resource, &running),
                LossPolicy::Freeze if fits => {
                    self.resources[resource].managed = false;
                    self.resources[resource].blocked = true;
                }
                LossPolicy::Fence | LossPolicy::Freeze => {}
            }
        } else if (!granted || standby) && !by_promotion {
            self.locate_everywhere(resource, -INFINITY);
        }
    }

    fn fence_for_ticket(&mut self, resource: ResourceId, nodes: &[NodeId]) {
        self.locate_everywhere(resource, -INFINITY);
        for &node in nodes {
            self.fence_node(node, "deadman ticket was lost", false);
        }
    }

    /// Clones whose promotion needs a ticket that isn't there aren't promoted.
    pub(in crate::scheduler) fn require_promotion_tickets(&mut self, clone: ResourceId) {
        for number in self.resources[clone].tickets.clone() {
            let constraint = &self.ticket_constraints[number];
            let ticket = &self.tickets[constraint.ticket];
            if constraint.role == Role::Promoted && (!ticket.granted || ticket.standby) {
                self.locate_everywhere(clone, -INFINITY);
            }
        }
    }
}
