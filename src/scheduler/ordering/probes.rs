//! What waits for a start waits for the probe, too: a stop that a failed probe would bring.
//! Source: Pacemaker 2.1.5, `pcmk__order_probes`.

use crate::cib::boolean;
use crate::scheduler::model::arena::{ActionId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::*;

impl Cluster<'_> {
    /// Orders probes before restarts, and before what follows a stop.
    pub(in crate::scheduler) fn order_probes(&mut self, orderings: &[Ordering]) {
        for top in self.top.clone() {
            self.order_restarts_below(top);
        }
        for ordering in orderings {
            self.order_probes_for_stop(ordering);
        }
    }

    fn order_restarts_below(&mut self, resource: ResourceId) {
        if !self.resources[resource].is_primitive() {
            for child in self.resources[resource].children.clone() {
                self.order_restarts_below(child);
            }
            return;
        }
        let key = self.key_of(resource, "monitor", 0);
        for probe in self.matches(resource, &key, None) {
            if &*self.actions[probe].task != "monitor" {
                continue;
            }
            for i in (0..self.actions[probe].after.len()).rev() {
                let link = self.actions[probe].after[i];
                let mut seen = Vec::new();
                self.order_restart(probe, resource, self.links[link].then, &mut seen);
                for action in seen {
                    self.actions[action].tracking = false;
                }
            }
        }
    }

    fn order_restart(
        &mut self,
        probe: ActionId,
        of: ResourceId,
        after: ActionId,
        seen: &mut Vec<ActionId>,
    ) {
        if std::mem::replace(&mut self.actions[after].tracking, true) {
            return;
        }
        seen.push(after);
        let resource = self.actions[after].resource;
        if let Some(other) = resource
            && other != of
            && self.resources[other].is_primitive()
        {
            self.order_counterparts(probe, other, after);
        }
        let interleaved = resource.filter(|&r| {
            let interleave = self.meta(r, "interleave");
            self.resources[r].rank() > 1 && boolean::is_true(interleave.as_deref())
        });
        let partner = interleaved.and_then(|clone| self.compatible(of, clone, None, false));
        for i in (0..self.actions[after].after.len()).rev() {
            let Link { then, made, .. } = self.links[self.actions[after].after[i]];
            let next = self.actions[then].resource;
            let goes_on = made.has(Order::IT)
                || (self.leads_inside(of, resource, next)
                    && (interleaved.is_none() || (partner.is_some() && partner == next)));
            if goes_on {
                self.order_restart(probe, of, then, seen);
            }
        }
    }

    /// A stop for a start, a demotion for a promotion.
    fn order_counterparts(&mut self, probe: ActionId, resource: ResourceId, after: ActionId) {
        let task = match &*self.actions[after].task {
            "start" => "stop",
            "promote" => "demote",
            _ => return,
        };
        let key = self.key_of(resource, task, 0);
        for then in self.matches(resource, &key, None) {
            if !self.actions[then].pseudo {
                self.order_actions(probe, then, Order::OPT);
            }
        }
    }

    /// Whether the way leads from a collective to one of its own.
    fn leads_inside(
        &self,
        of: ResourceId,
        collective: Option<ResourceId>,
        next: Option<ResourceId>,
    ) -> bool {
        let (Some(collective), Some(next)) = (collective, next) else {
            return false;
        };
        !self.resources[collective].is_primitive()
            && self.resources[of].parent != Some(collective)
            && self.resources[next].rank() <= 1
            && self.resources[next].parent == Some(collective)
    }

    fn is_stop(&self, side: &Side) -> bool {
        match side.action {
            Some(action) => &*self.actions[action].task == "stop",
            None => side.task.as_deref().is_some_and(|t| t.ends_with("_stop_0")),
        }
    }

    fn order_probes_for_stop(&mut self, ordering: &Ordering) {
        let Ordering { first, then, order } = ordering;
        let Some(resource) = first.resource else {
            return;
        };
        if order.is_none() || then.resource == Some(resource) || !self.is_stop(first) {
            return;
        }
        let container = self.resources[resource].container;
        if container.is_some() && container == then.resource && self.is_stop(then) {
            return;
        }
        let mut kept = Order::OPT | order.only(Order::AFNM | Order::SAME);
        if *order == Order::ANTI || *order == Order::LOAD {
            kept = *order;
        }
        let key = self.key_of(resource, "monitor", 0);
        let probes = self.matches(resource, &key, None);
        if probes.is_empty() {
            return;
        }
        let thens = match (then.action, then.resource) {
            (Some(action), _) => vec![action],
            (None, Some(other)) => {
                let key = then.task.clone().unwrap_or_else(|| "".into());
                self.matches(other, &key, None)
            }
            (None, None) => return,
        };
        for probe in probes {
            for &then in &thens {
                if self.probe_comes_before(probe, then) {
                    self.order_actions(probe, then, kept);
                }
            }
        }
    }

    /// Unfencing comes before probes of the node; a shutdown waits only for its own probes.
    fn probe_comes_before(&self, probe: ActionId, then: ActionId) -> bool {
        let (a, b) = (&self.actions[probe], &self.actions[then]);
        let (Some(x), Some(y)) = (a.node, b.node) else {
            return true;
        };
        match &*b.task {
            "stonith" => {
                let unfences = b.meta.get("stonith_action").is_some_and(|o| &**o == "on");
                !(x == y && unfences)
            }
            "do_shutdown" => x == y,
            _ => true,
        }
    }
}
