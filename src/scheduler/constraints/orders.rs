//! `rsc_order`: what comes before what.
//! Source: Pacemaker 2.1.5, `pcmk__unpack_ordering`.

use crate::cib::Element;
use crate::cib::boolean;
use crate::scheduler::constraints::{Named, ResourceSet};
use crate::scheduler::model::arena::ResourceId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::{Side, Text};
use crate::scheduler::score;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mandatory,
    Optional,
    Serialize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symmetry {
    None,
    Symmetric,
    Inverse,
}

fn kind_of(element: Element<'_>) -> Kind {
    match element.attr("kind") {
        None => match element.attr("score") {
            Some(text) if score::plain(Some(text)) == 0 => Kind::Optional,
            _ => Kind::Mandatory,
        },
        Some(kind) if kind.eq_ignore_ascii_case("optional") => Kind::Optional,
        Some(kind) if kind.eq_ignore_ascii_case("serialize") => Kind::Serialize,
        Some(_) => Kind::Mandatory,
    }
}

fn symmetry_of(element: Option<Element<'_>>, parent: Kind, outer: Option<&str>) -> Symmetry {
    let own = |name: &str| element.and_then(|e| e.attr(name));
    let kind = match element {
        Some(e) if own("kind").is_some() || own("score").is_some() => kind_of(e),
        _ => parent,
    };
    let said = own("symmetrical").and_then(boolean::parse);
    let said = said.or_else(|| outer.map(|o| boolean::is_true(Some(o))));
    match said {
        Some(true) if kind != Kind::Serialize => Symmetry::Symmetric,
        Some(_) => Symmetry::None,
        None if kind == Kind::Serialize => Symmetry::None,
        None => Symmetry::Symmetric,
    }
}

fn flags(kind: Kind, first: &str, symmetry: Symmetry) -> Order {
    let more = match (kind, symmetry) {
        (Kind::Optional, _) => Order::NONE,
        (Kind::Serialize, _) => Order::SER,
        (Kind::Mandatory, Symmetry::None) => Order::ASYM,
        (Kind::Mandatory, Symmetry::Symmetric) if matches!(first, "start" | "promote") => {
            Order::IT | Order::RL
        }
        (Kind::Mandatory, Symmetry::Symmetric) => Order::IT,
        (Kind::Mandatory, Symmetry::Inverse) => Order::IF,
    };
    Order::OPT | more
}

/// The action that takes back another.
fn inverse(action: &str) -> Option<&'static str> {
    Some(match action {
        "start" => "stop",
        "stop" => "start",
        "promote" => "demote",
        "demote" => "promote",
        "promoted" => "demoted",
        "demoted" => "promoted",
        "running" => "stopped",
        "stopped" => "running",
        _ => return None,
    })
}

impl<'a> Cluster<'a> {
    /// Reads one constraint.
    pub(in crate::scheduler) fn unpack_order(&mut self, element: Element<'a>) {
        let kind = kind_of(element);
        let outer = element.attr("symmetrical");
        let symmetry = symmetry_of(Some(element), kind, None);
        let mut sets = self.resource_sets(element);
        if sets.is_empty() {
            let (Some(first), Some(then)) = (element.attr("first"), element.attr("then")) else {
                return;
            };
            match (self.named(first), self.named(then)) {
                (Named::Unknown, _) | (_, Named::Unknown) => return,
                (Named::One(a), Named::One(b)) => {
                    return self.order_two(element, (a, b), kind, symmetry);
                }
                (a, b) => {
                    let mut one = self.side_as_set(first, &a);
                    let mut two = self.side_as_set(then, &b);
                    one.action = element.attr("first-action");
                    two.action = element.attr("then-action");
                    sets = vec![one, two];
                }
            }
        }
        let mut last: Option<&ResourceSet<'a>> = None;
        for set in &sets {
            if !self.order_in_set(set, kind, outer) {
                return;
            }
            if let Some(last) = last {
                self.order_sets((last, set), kind, symmetry);
                if symmetry == Symmetry::Symmetric {
                    self.order_sets((set, last), kind, Symmetry::Inverse);
                }
            }
            last = Some(set);
        }
    }

    fn order_two(
        &mut self,
        element: Element<'a>,
        (first, then): (ResourceId, ResourceId),
        kind: Kind,
        symmetry: Symmetry,
    ) {
        let action = element.attr("first-action").unwrap_or("start");
        let then_action = element.attr("then-action").unwrap_or(action);
        let restarts = kind == Kind::Optional && self.resources[then].restart_restart;
        let mut order = flags(kind, action, symmetry);
        if restarts {
            order |= Order::IT;
        }
        let minimum = self.minimum_instances(first, element);
        if minimum > 0 {
            let name = format!("clone-one-or-more:{}", element.id().unwrap_or(""));
            let met = self.pseudo_action(&name);
            self.actions[met].required_before = minimum;
            self.actions[met].needs_any = true;
            for child in self.resources[first].children.clone() {
                let side = self.side(child, action);
                self.new_ordering(side, Side::action(met), Order::ONE | Order::ITP);
            }
            let side = self.side(then, then_action);
            self.new_ordering(Side::action(met), side, order | Order::RL);
        } else {
            self.order_tasks((first, action), (then, then_action), order);
        }
        if symmetry != Symmetry::Symmetric {
            return;
        }
        if let (Some(action), Some(then_action)) = (inverse(action), inverse(then_action)) {
            let mut order = flags(kind, action, Symmetry::Inverse);
            if restarts {
                order |= Order::IF;
            }
            self.order_tasks((then, then_action), (first, action), order);
        }
    }

    /// How many instances of a clone have to run before something else may start.
    fn minimum_instances(&self, first: ResourceId, element: Element<'a>) -> i32 {
        if !self.resources[first].is_clone() {
            return 0;
        }
        if let Some(text) = self.meta(first, "clone-min") {
            let number = score::leading_integer(&text).unwrap_or(0);
            return i32::try_from(number.max(0)).unwrap_or(i32::MAX);
        }
        let all = element.attr("require-all").and_then(boolean::parse);
        i32::from(all == Some(false))
    }

    fn order_in_set(&mut self, set: &ResourceSet<'a>, parent: Kind, outer: Option<&str>) -> bool {
        if set.broken {
            return false;
        }
        let action = set.action.unwrap_or("start");
        let kind = match set.element {
            Some(e) if set.attr("kind").is_some() => kind_of(e),
            _ => parent,
        };
        let sequential = set.sequential.unwrap_or(true);
        let symmetry = symmetry_of(set.element, parent, outer);
        let members = &set.members;
        if members.len() == 1 {
            return true;
        }
        let order = flags(kind, action, symmetry);
        if kind == Kind::Serialize {
            for (i, &first) in members.iter().enumerate() {
                for &then in members.iter().skip(i + 1) {
                    self.order_tasks((first, action), (then, action), order);
                }
            }
        } else if sequential {
            for pair in members.windows(2) {
                self.order_tasks((pair[0], action), (pair[1], action), order);
            }
        }
        let Some(back) = inverse(action).filter(|_| symmetry != Symmetry::None) else {
            return true;
        };
        let order = flags(kind, back, Symmetry::Inverse);
        if sequential {
            for pair in members.windows(2) {
                self.order_tasks((pair[1], back), (pair[0], back), order);
            }
        }
        true
    }

    fn order_sets(
        &mut self,
        (one, two): (&ResourceSet<'a>, &ResourceSet<'a>),
        kind: Kind,
        symmetry: Symmetry,
    ) {
        let inverted = symmetry == Symmetry::Inverse;
        let action_of = |set: &ResourceSet<'a>| {
            let action = set.action.unwrap_or("start");
            if inverted {
                inverse(action)
            } else {
                Some(action)
            }
        };
        let (Some(first), Some(then)) = (action_of(one), action_of(two)) else {
            return;
        };
        let all = one.attr("require-all").and_then(boolean::parse) != Some(false);
        // Between sets, unlike elsewhere, what comes then tells whether the first has to be
        // runnable.
        let order = flags(kind, then, symmetry);
        if !all && !matches!(first, "stop" | "demote") {
            return self.order_one_or_more((one, first), (two, then), order);
        }
        let end = |set: &ResourceSet<'a>, last: bool| -> Vec<ResourceId> {
            let members = &set.members;
            if set.sequential != Some(true) {
                return members.clone();
            }
            let chosen = if last {
                members.last()
            } else {
                members.first()
            };
            chosen.copied().into_iter().collect()
        };
        let (firsts, thens) = (end(one, !inverted), end(two, inverted));
        for &a in &firsts {
            for &b in &thens {
                self.order_tasks((a, first), (b, then), order);
            }
        }
    }

    fn order_one_or_more(
        &mut self,
        (one, first): (&ResourceSet<'a>, &str),
        (two, then): (&ResourceSet<'a>, &str),
        order: Order,
    ) {
        let name: Text = format!("one-or-more:{}", one.id).into();
        let any = self.pseudo_action(&name);
        self.actions[any].needs_any = true;
        for &member in &one.members {
            let side = self.side(member, first);
            self.new_ordering(side, Side::action(any), Order::ONE | Order::ITP);
        }
        for &member in &two.members {
            let side = self.side(member, then);
            self.new_ordering(Side::action(any), side, order | Order::RL);
        }
    }
}
