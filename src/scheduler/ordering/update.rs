//! What orderings do to actions: what is required, and what can't be done, spreads along them.
//! Source: Pacemaker 2.1.5, `pcmk__update_action_for_orderings`, `pcmk__update_ordered_actions`.

use crate::scheduler::actions::flags::{Flags, completion};
use crate::scheduler::model::arena::{ActionId, LinkId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::*;

/// Which side of an ordering changed.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::scheduler) struct Changed {
    /// The first action.
    pub first: bool,
    /// The action that comes after it.
    pub then: bool,
}

impl std::ops::BitOrAssign for Changed {
    fn bitor_assign(&mut self, other: Self) {
        self.first |= other.first;
        self.then |= other.then;
    }
}

/// Which actions a part of an ordering is about: required ones, runnable ones.
#[derive(Debug, Clone, Copy)]
pub(in crate::scheduler) struct Filter {
    /// Whether an action is optional counts.
    pub optional: bool,
    /// Whether it is runnable counts.
    pub runnable: bool,
}

const OPTIONAL: Filter = Filter {
    optional: true,
    runnable: false,
};
const RUNNABLE: Filter = Filter {
    optional: false,
    runnable: true,
};
const BOTH: Filter = Filter {
    optional: true,
    runnable: true,
};

/// One part of an ordering at work: two actions, and how the first one stands.
#[derive(Debug, Clone, Copy)]
pub(in crate::scheduler) struct Pair {
    /// What comes first.
    pub first: ActionId,
    /// What comes after it.
    pub then: ActionId,
    /// The node that limits what happens in clones.
    pub node: Option<NodeId>,
    /// Flags of the first one.
    pub flags: Flags,
    /// What it is about.
    pub filter: Filter,
    /// Kind of the ordering.
    pub order: Order,
}

type State = (bool, bool, bool, bool, bool);

impl Cluster<'_> {
    fn state(&self, action: ActionId) -> State {
        let a = &self.actions[action];
        (a.optional, a.runnable, a.migratable, a.pseudo, a.printed)
    }

    /// Lets all orderings before an action have their effect on it, and on what follows.
    pub(in crate::scheduler) fn update_action(&mut self, then: ActionId) {
        let before = self.state(then);
        let mut changed = Changed::default();
        let needs_any = self.actions[then].needs_any;
        if needs_any {
            let action = &mut self.actions[then];
            action.runnable_before = 0;
            action.required_before = action.required_before.max(1);
            action.runnable = false;
        }
        for i in (0..self.actions[then].before.len()).rev() {
            let link = self.actions[then].before[i];
            changed.first = false;
            changed |= self.update_link(link, then);
        }
        if needs_any {
            changed.then = before != self.state(then);
        }
        if !changed.then {
            return;
        }
        if before.1 && !self.actions[then].runnable {
            self.block_dependents(then);
        }
        self.update_action(then);
        self.update_followers(then);
    }

    /// Updates everything that comes after an action.
    pub(in crate::scheduler) fn update_followers(&mut self, action: ActionId) {
        for i in (0..self.actions[action].after.len()).rev() {
            let link = self.actions[action].after[i];
            self.update_action(self.links[link].then);
        }
    }

    fn update_link(&mut self, link: LinkId, then: ActionId) -> Changed {
        let Link {
            first: named,
            order,
            ..
        } = self.links[link];
        let (here, there) = (self.place_of(named), self.place_of(then));
        let apart = here.is_some() && there.is_some() && here != there;
        if order.has(Order::SAME) && apart {
            self.links[link].order = Order::NONE;
            return Changed::default();
        }
        if order.has(Order::TCF)
            && !self.actions[then].optional
            && let Some(resource) = self.actions[named].resource
        {
            self.actions[named].optional = true;
            if &*self.actions[named].task == "reload-agent" {
                self.resources[resource].reload = false;
            }
        }
        let mut changed = Changed::default();
        let first = self.completed(named, then);
        let first_flags = self.flags_for_ordering(first, there);
        let then_flags = self.flags_for_ordering(then, here);
        if first == named {
            changed = self.apply_link(link, first_flags, then_flags);
        } else if self.order_actions(first, then, order) {
            changed.then = true;
            self.links[link].order = Order::NONE;
        }
        if changed.first {
            self.update_followers(first);
            self.update_action(first);
        }
        changed
    }

    /// Where an action happens; the start of a group happens where its members will be.
    fn place_of(&self, action: ActionId) -> Option<NodeId> {
        let a = &self.actions[action];
        match a.resource {
            Some(r) if self.resources[r].is_group() && &*a.task == "start" => {
                self.location(r, false)
            }
            _ => a.node,
        }
    }

    /// For others, an action of a collective is over with its completion.
    fn completed(&self, first: ActionId, then: ActionId) -> ActionId {
        let action = &self.actions[first];
        let (Some(a), Some(b)) = (action.resource, self.actions[then].resource) else {
            return first;
        };
        if a == b || self.is_ancestor(b, a) || self.resources[a].is_primitive() {
            return first;
        }
        if action.key.contains("notify") {
            return first;
        }
        let Some((id, task, 0)) = crate::scheduler::model::text::parse_key(&action.key) else {
            return first;
        };
        let Some(done) = completion(task) else {
            return first;
        };
        let r = &self.resources[a];
        let in_bundle = |p: ResourceId| r.is_clone() && self.resources[p].is_bundle();
        let key = if r.notify && r.parent.is_none_or(in_bundle) {
            format!("{id}_confirmed-post_notify_{done}_0")
        } else {
            crate::scheduler::model::text::operation_key(id, done, 0)
        };
        self.newest_with_key(a, &key, None).unwrap_or(first)
    }

    fn apply_link(&mut self, link: LinkId, flags: Flags, then_flags: Flags) -> Changed {
        let Link { first, then, .. } = self.links[link];
        let mut node = self.actions[then].node;
        if self.links[link].order.has(Order::ITN) {
            let order = &mut self.links[link].order;
            *order = order.without(Order::ITN) | Order::IT;
            node = self.actions[first].node;
        }
        let pair = Pair {
            first,
            then,
            node,
            flags,
            filter: OPTIONAL,
            order: Order::NONE,
        };
        let mut changed = self.apply_required(link, pair);
        changed |= self.apply_runnable(link, pair);
        self.print_ends(link, flags, then_flags);
        changed |= self.block_after_lost_stop(link);
        changed
    }

    fn for_then(&mut self, pair: Pair) -> Changed {
        match self.actions[pair.then].resource {
            Some(resource) => self.update_pair(resource, pair),
            None => Changed::default(),
        }
    }

    fn apply_required(&mut self, link: LinkId, pair: Pair) -> Changed {
        let order = self.links[link].order;
        let Pair {
            first, then, flags, ..
        } = pair;
        let of_resource = self.actions[then].resource.is_some();
        let mut changed = Changed::default();
        if order.has(Order::IT) {
            if of_resource {
                changed |= self.for_then(Pair {
                    flags: flags.only_optional(),
                    order: Order::IT,
                    ..pair
                });
            } else if !flags.optional && self.actions[then].optional {
                self.actions[then].optional = false;
                changed.then = true;
            }
        }
        if order.has(Order::RST) {
            changed |= self.for_then(Pair {
                filter: BOTH,
                order: Order::RST,
                ..pair
            });
        }
        if order.has(Order::IF) {
            let pair = Pair {
                order: Order::IF,
                ..pair
            };
            if let Some(resource) = self.actions[first].resource {
                changed |= self.update_pair(resource, pair);
            } else if !flags.optional && self.actions[first].runnable {
                self.actions[first].runnable = false;
                changed.first = true;
            }
        }
        if order.has(Order::PIF) {
            changed |= self.for_then(Pair {
                flags: flags.only_optional(),
                order: Order::PIF,
                ..pair
            });
        }
        changed
    }

    fn apply_runnable(&mut self, link: LinkId, pair: Pair) -> Changed {
        let order = self.links[link].order;
        let Pair {
            first, then, flags, ..
        } = pair;
        let of_resource = self.actions[then].resource.is_some();
        let mut changed = Changed::default();
        let with = |filter: Filter, order: Order| Pair {
            filter,
            order,
            ..pair
        };
        if order.has(Order::ONE) {
            if of_resource {
                changed |= self.for_then(with(RUNNABLE, Order::ONE));
            } else if flags.runnable {
                let action = &mut self.actions[then];
                action.runnable_before += 1;
                if action.runnable_before >= action.required_before && !action.runnable {
                    action.runnable = true;
                    changed.then = true;
                }
            }
        }
        if order.has(Order::PROBE) && of_resource {
            let resource = self.actions[first].resource;
            let running = resource.is_some_and(|r| !self.resources[r].running_on.is_empty());
            if !flags.runnable && running {
                self.links[link].order = Order::NONE;
            } else {
                changed |= self.for_then(with(RUNNABLE, Order::RL));
            }
        }
        let order = self.links[link].order;
        if order.has(Order::RL) {
            if of_resource {
                changed |= self.for_then(with(RUNNABLE, Order::RL));
            } else if !flags.runnable && self.actions[then].runnable {
                self.actions[then].runnable = false;
                changed.then = true;
            }
        }
        for (flag, filter) in [
            (Order::IFM, OPTIONAL),
            (Order::PL, OPTIONAL),
            (Order::OPT, RUNNABLE),
            (Order::ASYM, RUNNABLE),
        ] {
            if order.has(flag) {
                changed |= self.for_then(with(filter, flag));
            }
        }
        changed
    }

    fn print_ends(&mut self, link: LinkId, flags: Flags, then_flags: Flags) {
        let Link {
            first, then, order, ..
        } = self.links[link];
        if self.actions[first].runnable && order.has(Order::ITP) && !flags.optional {
            self.actions[then].printed = true;
        }
        if order.has(Order::IFP) && !then_flags.optional {
            self.actions[first].printed = true;
        }
    }

    /// A resource that can't be stopped and is blocked blocks what depends on its stop.
    fn block_after_lost_stop(&mut self, link: LinkId) -> Changed {
        let Link {
            first, then, order, ..
        } = self.links[link];
        let action = &self.actions[first];
        let blocked = action.resource.is_some_and(|r| {
            let r = &self.resources[r];
            !r.managed && r.blocked
        });
        let mut changed = Changed::default();
        if order.any(Order::IT | Order::IF | Order::RST)
            && blocked
            && !action.runnable
            && &*action.task == "stop"
            && self.actions[then].runnable
        {
            self.actions[then].runnable = false;
            changed.then = true;
        }
        changed
    }

    /// One part of an ordering, as the kind of a resource takes it.
    pub(in crate::scheduler) fn update_pair(
        &mut self,
        resource: ResourceId,
        pair: Pair,
    ) -> Changed {
        match &self.resources[resource].kind {
            Kind::Primitive => self.update_simple(pair),
            Kind::Group(_) => self.update_group(pair),
            Kind::Clone(_) | Kind::Bundle(_) => self.update_multiple(pair),
        }
    }

    fn update_group(&mut self, pair: Pair) -> Changed {
        let mut changed = self.update_simple(pair);
        let Some(group) = self.actions[pair.then].resource else {
            return changed;
        };
        for i in 0..self.resources[group].children.len() {
            let member = self.resources[group].children[i];
            let task = self.actions[pair.then].task.clone();
            if let Some(then) = self.newest(member, &task, pair.node) {
                changed |= self.update_pair(member, Pair { then, ..pair });
            }
        }
        changed
    }

    /// The rules for two actions.
    pub(in crate::scheduler) fn update_simple(&mut self, pair: Pair) -> Changed {
        let Pair {
            first, then, order, ..
        } = pair;
        let (first_before, then_before) = (self.state(first), self.state(then));
        if order.has(Order::ASYM) {
            self.asymmetric(first, then);
        }
        if order.any(Order::IF | Order::PIF | Order::IFM) {
            self.rules_for_first(pair);
        }
        if order.any(Order::PL | Order::RL | Order::IT) {
            self.rules_for_then(pair);
        }
        if order.has(Order::RST) {
            self.restart(pair);
        }
        let mut changed = Changed::default();
        if then_before != self.state(then) {
            changed.then = true;
            let parent = self.actions[then]
                .resource
                .map(|r| self.resources[r].parent);
            if parent.flatten().is_some() {
                self.update_action(then);
            }
        }
        changed.first = first_before != self.state(first);
        changed
    }

    fn asymmetric(&mut self, first: ActionId, then: ActionId) {
        let action = &self.actions[then];
        let Some(resource) = action.resource else {
            return;
        };
        let role = self.role_of(resource, true);
        if role == Role::Stopped && &*action.task == "stop" {
            return;
        }
        if role >= Role::Started && &*action.task == "start" && action.optional {
            let on = self.locations_of(resource, true);
            if action.node.is_some_and(|n| on == [n]) {
                return;
            }
        }
        if !self.actions[first].runnable {
            self.require_because(then, first);
            self.disable_because(then, first);
        }
    }

    fn rules_for_first(&mut self, pair: Pair) {
        let Pair {
            first,
            then,
            flags,
            filter,
            order,
            ..
        } = pair;
        if order.has(Order::IF) && !self.actions[then].optional {
            if filter.optional && !flags.optional && self.actions[first].optional {
                self.require_because(first, then);
            }
            if flags.migratable && !self.actions[then].migratable {
                self.pin_because(first, then);
            }
        }
        let promoted = self.actions[then]
            .resource
            .is_some_and(|r| self.resources[r].role == Role::Promoted);
        if order.has(Order::PIF) && promoted && filter.optional && !self.actions[then].optional {
            self.require_because(first, then);
            if !self.actions[then].migratable {
                self.pin_because(first, then);
            }
        }
        if order.has(Order::IFM) && filter.optional {
            let action = &self.actions[then];
            let (able, optional) = (action.migratable && action.runnable, action.optional);
            if !able {
                self.disable_because(first, then);
            }
            if !optional {
                self.require_because(first, then);
            }
        }
    }

    fn rules_for_then(&mut self, pair: Pair) {
        let Pair {
            first,
            then,
            flags,
            filter,
            order,
            ..
        } = pair;
        if order.has(Order::PL) && filter.optional && !self.actions[first].runnable {
            self.pin_because(then, first);
            self.actions[then].pseudo = false;
        }
        if order.has(Order::RL) && filter.runnable && self.actions[then].runnable && !flags.runnable
        {
            self.disable_because(then, first);
            self.pin_because(then, first);
        }
        if order.has(Order::IT)
            && filter.optional
            && self.actions[then].optional
            && !flags.optional
            && !self.actions[first].migratable
        {
            self.require_because(then, first);
        }
    }

    fn restart(&mut self, pair: Pair) {
        let Pair {
            first,
            then,
            filter,
            ..
        } = pair;
        let (a, b) = (self.actions[first].resource, self.actions[then].resource);
        let (Some(a), Some(b)) = (a, b) else { return };
        let action = &self.actions[then];
        let restarts = filter.optional && !action.optional;
        let stops = filter.runnable && !action.runnable && self.resources[b].managed && a == b;
        if !restarts && !stops {
            return;
        }
        if self.actions[first].runnable {
            self.require_because(first, then);
        }
        if !self.actions[then].optional {
            self.require_because(first, then);
        }
        if !self.actions[then].migratable {
            self.pin_because(first, then);
        }
        if !self.actions[first].optional && !self.actions[first].runnable {
            self.disable_because(then, first);
        }
    }

    fn reason_for(&self, action: ActionId, of: ActionId, what: &str) -> Option<String> {
        let (a, b) = (self.actions[action].resource, self.actions[of].resource);
        (a != b).then(|| {
            let id = b.map_or(String::new(), |r| format!("{} ", self.resources[r].id));
            format!("{what} {id}{}", self.actions[of].task)
        })
    }

    /// An action becomes required because of another.
    pub(in crate::scheduler) fn require_because(&mut self, action: ActionId, of: ActionId) {
        if std::mem::replace(&mut self.actions[action].optional, false)
            && let Some(reason) = self.reason_for(action, of, "required")
        {
            self.set_reason(action, &reason, false);
        }
    }

    /// An action can't be done because of another.
    pub(in crate::scheduler) fn disable_because(&mut self, action: ActionId, of: ActionId) {
        if std::mem::replace(&mut self.actions[action].runnable, false)
            && let Some(reason) = self.reason_for(action, of, "unrunnable")
        {
            self.set_reason(action, &reason, false);
        }
    }

    /// An action can't be replaced by a migration because of another.
    fn pin_because(&mut self, action: ActionId, of: ActionId) {
        if std::mem::replace(&mut self.actions[action].migratable, false)
            && let Some(reason) = self.reason_for(action, of, "unrunnable")
        {
            self.set_reason(action, &reason, true);
        }
    }
}
