//! Orderings: asked for between tasks of resources or between actions, later resolved to links
//! between actions.
//! Source: Pacemaker 2.1.5, `pcmk__new_ordering`, `pcmk__apply_orderings`.

pub(super) mod internal;
pub(super) mod probes;
pub(super) mod remote;
pub(super) mod update;
pub(super) mod update_clone;

use crate::scheduler::model::arena::{ActionId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::text::{operation_key, parse_key};
use crate::scheduler::model::*;

impl Side {
    /// A task of a resource, by its key.
    pub fn task(resource: ResourceId, key: Text) -> Self {
        Self {
            resource: Some(resource),
            action: None,
            task: Some(key),
        }
    }

    /// An action.
    pub fn action(action: ActionId) -> Self {
        Self {
            action: Some(action),
            ..Self::default()
        }
    }

    fn is(&self, task: &str) -> bool {
        let key = self.task.as_deref().unwrap_or("");
        key.strip_suffix("_0")
            .and_then(|k| k.strip_suffix(task))
            .is_some_and(|k| k.ends_with('_'))
    }
}

impl Cluster<'_> {
    /// A task of a resource as a side of an ordering.
    pub(in crate::scheduler) fn side(&self, resource: ResourceId, task: &str) -> Side {
        Side::task(resource, self.key_of(resource, task, 0))
    }

    /// Asks for an ordering; what migrates in place of starting and stopping is ordered alike.
    pub fn new_ordering(&mut self, mut first: Side, mut then: Side, order: Order) {
        for side in [&mut first, &mut then] {
            if let Some(action) = side.action.map(|a| &self.actions[a]) {
                side.resource = side.resource.or(action.resource);
                if side.task.is_none() {
                    side.task = Some(action.key.clone());
                }
            }
        }
        self.orderings.push(Ordering {
            first: first.clone(),
            then: then.clone(),
            order,
        });
        self.order_migration(&first, &then);
    }

    /// An ordering of two tasks of resources.
    pub(in crate::scheduler) fn order_tasks(
        &mut self,
        (first, first_task): (ResourceId, &str),
        (then, then_task): (ResourceId, &str),
        order: Order,
    ) {
        let (first, then) = (self.side(first, first_task), self.side(then, then_task));
        self.new_ordering(first, then, order);
    }

    /// An ordering of two actions, resolved with the others.
    pub fn link(&mut self, first: ActionId, then: ActionId, order: Order) {
        self.new_ordering(Side::action(first), Side::action(then), order);
    }

    fn related(&self, a: ResourceId, b: ResourceId) -> bool {
        a == b || self.is_ancestor(a, b) || self.is_ancestor(b, a)
    }

    /// Two halves of a migration take the places of a stop and a start.
    fn order_migration(&mut self, first: &Side, then: &Side) {
        let (Some(a), Some(b)) = (first.resource, then.resource) else {
            return;
        };
        let (a_moves, b_moves) = (
            self.resources[a].allow_migrate,
            self.resources[b].allow_migrate,
        );
        if !(a_moves || b_moves) || self.related(a, b) {
            return;
        }
        let unless = if a_moves {
            Order::OPT | Order::AFNM
        } else {
            Order::OPT
        };
        let partial = self.resources[b].partial.target.is_some();
        if first.is("start") && then.is("start") {
            if a_moves && b_moves {
                self.order_tasks((a, "migrate_from"), (b, "migrate_to"), Order::OPT);
            }
            if b_moves {
                self.order_tasks((a, "start"), (b, "migrate_to"), unless);
            }
        } else if !b_moves {
        } else if first.is("stop") && then.is("stop") {
            self.order_tasks((a, "stop"), (b, "migrate_to"), unless);
            if partial {
                self.order_tasks((a, "stop"), (b, "migrate_from"), unless);
            }
        } else if first.is("promote") && then.is("start") {
            self.order_tasks((a, "promote"), (b, "migrate_to"), Order::OPT);
        } else if first.is("demote") && then.is("stop") {
            self.order_tasks((a, "demote"), (b, "migrate_to"), Order::OPT);
            if partial {
                self.order_tasks((a, "demote"), (b, "migrate_from"), Order::OPT);
            }
        }
    }

    /// Links two actions, unless they are linked by one of these flags already.
    pub(in crate::scheduler) fn order_actions(
        &mut self,
        first: ActionId,
        then: ActionId,
        order: Order,
    ) -> bool {
        if order.is_none() || first == then {
            return false;
        }
        let known = self.linked.entry((first, then)).or_default();
        if known.any(order) {
            return false;
        }
        *known |= order;
        let link = self.links.push(Link {
            first,
            then,
            order,
            made: order,
            used: false,
        });
        self.actions[first].after.push(link);
        self.actions[then].before.push(link);
        true
    }

    /// Resolves all orderings to links, in the order in which they were asked for.
    pub(in crate::scheduler) fn resolve_orderings(&mut self) {
        let orderings = std::mem::take(&mut self.orderings);
        for ordering in &orderings {
            self.resolve_ordering(ordering);
        }
        for action in self.newest_first() {
            self.block_dependents(action);
        }
        self.order_probes(&orderings);
        for action in self.newest_first() {
            self.update_action(action);
        }
        self.drop_invalid_links();
    }

    fn resolve_ordering(&mut self, ordering: &Ordering) {
        let Ordering { first, then, order } = ordering;
        let firsts = match (first.action, first.resource) {
            (Some(action), _) => vec![action],
            (None, Some(resource)) => self.first_actions(resource, first, then.resource),
            (None, None) => return,
        };
        for action in firsts {
            let thens = match (then.action, then.resource) {
                (Some(action), _) => vec![action],
                (None, Some(resource)) => self.actions_by_task(resource, then),
                (None, None) => return,
            };
            let mut order = *order;
            if self.actions[action].dangling && self.actions[action].resource == then.resource {
                order = order.without(Order::IT);
            }
            for then in thens {
                self.order_actions(action, then, order);
            }
        }
    }

    /// Actions of the first side; one is made where an ordering needs it.
    fn first_actions(
        &mut self,
        resource: ResourceId,
        first: &Side,
        then: Option<ResourceId>,
    ) -> Vec<ActionId> {
        let found = self.actions_by_task(resource, first);
        if !found.is_empty() || Some(resource) == then {
            return found;
        }
        let key = first.task.as_deref().unwrap_or("");
        let Some((_, task, interval)) = parse_key(key) else {
            return Vec::new();
        };
        let role = self.role_of(resource, true);
        let idle = match task {
            "stop" => role == Role::Stopped,
            "demote" => role == Role::Unpromoted,
            _ => false,
        };
        if idle {
            return Vec::new();
        }
        let key = self.key_of(resource, task, interval);
        vec![self.keyed_action(resource, key, task, None, true)]
    }

    /// Actions with a key, else those of the same task under the resource's own id.
    fn actions_by_task(&mut self, resource: ResourceId, side: &Side) -> Vec<ActionId> {
        let key = side.task.as_deref().unwrap_or("");
        let found = self.matches(resource, key, None);
        if !found.is_empty() {
            return found;
        }
        match parse_key(key) {
            Some((_, task, interval)) => {
                let own = operation_key(&self.resources[resource].id, task, interval);
                if own == key {
                    return found;
                }
                self.matches(resource, &own, None)
            }
            None => found,
        }
    }

    /// All actions, newest first, as of now.
    pub(in crate::scheduler) fn newest_first(&self) -> Vec<ActionId> {
        let mut all: Vec<ActionId> = self.actions.ids().collect();
        all.reverse();
        all
    }
}
