//! `rsc_colocation`: what runs with what, and what never does.
//! Source: Pacemaker 2.1.5, `pcmk__unpack_colocation`, `pcmk__new_colocation`.

use std::cmp::Ordering as Compared;

use crate::cib::Element;
use crate::cib::boolean;
use crate::scheduler::constraints::{Named, ResourceSet};
use crate::scheduler::model::arena::{ColocationId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::*;
use crate::scheduler::score::{self, INFINITY};

/// What is the same for all pairs of a constraint.
struct Terms<'t> {
    id: &'t str,
    score: i32,
    attribute: Option<&'t str>,
    influence: Option<bool>,
}

impl<'a> Cluster<'a> {
    /// Reads one constraint.
    pub(in crate::scheduler) fn unpack_colocation(&mut self, element: Element<'a>) {
        let score = score::parse(element.attr("score"), self.health.colours);
        let terms = Terms {
            id: element.id().unwrap_or(""),
            score,
            attribute: element.attr("node-attribute"),
            influence: element.attr("influence").and_then(boolean::parse),
        };
        let mut sets = self.resource_sets(element);
        if sets.is_empty() {
            let (Some(rsc), Some(with)) = (element.attr("rsc"), element.attr("with-rsc")) else {
                return;
            };
            let (role, with_role) = (element.attr("rsc-role"), element.attr("with-rsc-role"));
            match (self.named(rsc), self.named(with)) {
                (Named::Unknown, _) | (_, Named::Unknown) => return,
                (Named::Many(_), Named::Many(_)) => return,
                (Named::One(a), Named::One(b)) => {
                    return self.colocate(&terms, (a, role), (b, with_role));
                }
                (a, b) => {
                    let mut one = self.side_as_set(rsc, &a);
                    let mut two = self.side_as_set(with, &b);
                    (one.role, two.role) = (role, with_role);
                    sets = vec![one, two];
                }
            }
        }
        // Between sets an attribute other than the name doesn't count.
        let terms = Terms {
            attribute: None,
            ..terms
        };
        let mut last: Option<&ResourceSet<'a>> = None;
        for set in &sets {
            self.colocate_in_set(&terms, set);
            if let Some(last) = last {
                self.colocate_sets(&terms, last, set);
            }
            last = Some(set);
        }
    }

    fn colocate_in_set(&mut self, terms: &Terms<'_>, set: &ResourceSet<'a>) {
        let own = set.attr("score");
        let terms = Terms {
            score: own.map_or(terms.score, |s| score::parse(Some(s), self.health.colours)),
            ..*terms
        };
        let (role, members) = (set.role, &set.members);
        if terms.score == 0 || set.sequential == Some(false) {
            return;
        }
        if terms.score > 0 {
            let group = set.attr("ordering").is_none_or(|o| o == "group");
            for pair in members.windows(2) {
                let (a, b) = if group {
                    (pair[1], pair[0])
                } else {
                    (pair[0], pair[1])
                };
                self.colocate(&terms, (a, role), (b, role));
            }
        } else {
            // Each with all that are named before its own id: with every one, if it is named by
            // another name.
            for &member in members {
                let id = self.resources[member].id.clone();
                let before = set.refs.iter().take_while(|(name, _)| *name != id);
                for other in before.filter_map(|(_, other)| *other) {
                    self.colocate(&terms, (member, role), (other, role));
                }
            }
        }
    }

    fn colocate_sets(&mut self, terms: &Terms<'_>, one: &ResourceSet<'a>, two: &ResourceSet<'a>) {
        type Reference = (Text, Option<ResourceId>);
        let side = |set: &ResourceSet<'a>, end: Option<&Reference>| -> Vec<Option<ResourceId>> {
            match set.sequential {
                Some(false) => set.refs.iter().map(|(_, r)| *r).collect(),
                _ => end.map(|(_, r)| *r).into_iter().collect(),
            }
        };
        let firsts = side(one, one.refs.first());
        let lasts = side(two, two.refs.last());
        // A name that nothing has ends it, what was before stays.
        for &dependent in &firsts {
            let Some(dependent) = dependent else { return };
            for &primary in &lasts {
                let Some(primary) = primary else { return };
                self.colocate(terms, (dependent, one.role), (primary, two.role));
            }
        }
    }

    fn colocate(
        &mut self,
        terms: &Terms<'_>,
        (dependent, role): (ResourceId, Option<&str>),
        (primary, primary_role): (ResourceId, Option<&str>),
    ) {
        let role_of = |text: Option<&str>| match text.map(Role::parse) {
            Some(Role::Started) | None => Role::Unknown,
            Some(role) => role,
        };
        let influence = terms.influence;
        self.new_colocation(Colocation {
            id: terms.id.into(),
            dependent,
            primary,
            dependent_role: role_of(role),
            primary_role: role_of(primary_role),
            attribute: terms.attribute.map(Into::into),
            score: terms.score,
            influence: influence.unwrap_or(self.resources[dependent].critical),
        });
    }

    /// Adds a colocation; one of minus infinity also orders who leaves and who comes.
    pub(in crate::scheduler) fn new_colocation(&mut self, colocation: Colocation) {
        if colocation.score == 0 {
            return;
        }
        let (a, b) = (colocation.dependent, colocation.primary);
        let (role, other) = (colocation.dependent_role, colocation.primary_role);
        let apart = colocation.score <= -INFINITY;
        let id = self.colocations.push(colocation);
        self.add_this_with(a, id);
        self.add_with_this(b, id);
        if apart {
            self.order_apart((a, role), (b, other));
            self.order_apart((b, other), (a, role));
        }
    }

    fn order_apart(
        &mut self,
        (first, role): (ResourceId, Role),
        (then, then_role): (ResourceId, Role),
    ) {
        let leaves: &[&str] = match role {
            Role::Promoted => &["demote"],
            Role::Unpromoted => &["stop", "promote"],
            _ => &["stop"],
        };
        let comes: &[&str] = match then_role {
            Role::Promoted => &["promote"],
            Role::Unpromoted => &["start", "demote"],
            _ => &["start"],
        };
        for &leave in leaves {
            for &come in comes {
                self.order_tasks((first, leave), (then, come), Order::ANTI);
            }
        }
    }

    /// Which of two resources comes first in a list of colocations.
    fn compare_partners(&self, a: ResourceId, b: ResourceId) -> Compared {
        let (x, y) = (&self.resources[a], &self.resources[b]);
        y.priority
            .cmp(&x.priority)
            .then_with(|| y.rank().cmp(&x.rank()))
            .then_with(|| y.is_promotable().cmp(&x.is_promotable()))
            .then_with(|| x.id.cmp(&y.id))
    }

    /// Adds to what a resource depends on.
    pub(in crate::scheduler) fn add_this_with(&mut self, resource: ResourceId, id: ColocationId) {
        let primary = self.colocations[id].primary;
        let list = &self.resources[resource].this_with;
        let at = list.partition_point(|&c| {
            let other = self.colocations[c].primary;
            self.compare_partners(primary, other).is_gt()
        });
        self.resources[resource].this_with.insert(at, id);
    }

    /// Adds to what depends on a resource.
    pub(in crate::scheduler) fn add_with_this(&mut self, resource: ResourceId, id: ColocationId) {
        let dependent = self.colocations[id].dependent;
        let list = &self.resources[resource].with_this;
        let at = list.partition_point(|&c| {
            let other = self.colocations[c].dependent;
            self.compare_partners(dependent, other).is_gt()
        });
        self.resources[resource].with_this.insert(at, id);
    }

    /// Colocations that nobody asks for: members of groups, what goes with a container.
    pub(in crate::scheduler) fn colocate_internally(
        &mut self,
        id: &str,
        (dependent, primary): (ResourceId, ResourceId),
        score: i32,
        influence: bool,
    ) {
        self.new_colocation(Colocation {
            id: id.into(),
            dependent,
            primary,
            dependent_role: Role::Unknown,
            primary_role: Role::Unknown,
            attribute: None,
            score,
            influence,
        });
    }
}
