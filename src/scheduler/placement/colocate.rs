//! What colocations do to scores while resources are placed.
//! Source: Pacemaker 2.1.5, `lib/pacemaker/pcmk_sched_colocation.c`.

use crate::cib::boolean;
use crate::scheduler::model::arena::{ColocationId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::table::{Entry, Table};
use crate::scheduler::model::*;
use crate::scheduler::score::{self, INFINITY};

/// What a colocation changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Affects {
    Nothing,
    Location,
    Role,
}

/// How scores of others are taken in.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::scheduler) struct Merging {
    /// Only if something stays possible.
    pub active: bool,
    /// Scores don't get negative.
    pub nonnegative: bool,
    /// Along what the resource depends on, instead of what depends on it.
    pub this_with: bool,
}

/// Score of a node that is out of the question.
const UNUSABLE: i32 = -100 * INFINITY;

impl Cluster<'_> {
    /// Whether a colocation lets the dependent decide with.
    pub(in crate::scheduler) fn has_influence(
        &self,
        colocation: ColocationId,
        instance: Option<ResourceId>,
    ) -> bool {
        let c = &self.colocations[colocation];
        let r = &self.resources[instance.unwrap_or(c.primary)];
        if self.resources[c.dependent].remotes_in_remotes && !r.failed && r.running_on.len() == 1 {
            return false;
        }
        c.influence || r.running_on.is_empty()
    }

    fn colocation_value(&self, node: NodeId, attribute: Option<&Text>) -> Option<&str> {
        match attribute {
            None => Some(&*self.nodes[node].name).filter(|_| self.nodes[node].named),
            Some(name) => self.node_attr(node, name),
        }
    }

    fn same_value(&self, a: NodeId, b: NodeId, attribute: Option<&Text>) -> bool {
        match (
            self.colocation_value(a, attribute),
            self.colocation_value(b, attribute),
        ) {
            (Some(x), Some(y)) => x.eq_ignore_ascii_case(y),
            (None, None) => true,
            _ => false,
        }
    }

    fn affects(
        &self,
        dependent: ResourceId,
        primary: ResourceId,
        c: &Colocation,
        preview: bool,
    ) -> Affects {
        let (d, p) = (&self.resources[dependent], &self.resources[primary]);
        if !preview && p.provisional {
            return Affects::Nothing;
        }
        let parent = d.parent;
        if c.dependent_role >= Role::Unpromoted
            && parent.is_some_and(|p| self.in_promotable(p))
            && !d.provisional
        {
            return Affects::Role;
        }
        if !preview && !d.provisional {
            return Affects::Nothing;
        }
        let (role, other) = (c.dependent_role, c.primary_role);
        let given = |role: Role| role != Role::Unknown;
        let off = |role: Role, next: Role| given(role) && role != next;
        let on = |role: Role, next: Role| given(role) && role == next;
        if c.score > 0 && (off(role, d.next_role) || off(other, p.next_role)) {
            return Affects::Nothing;
        }
        if c.score < 0 && (on(role, d.next_role) || on(other, p.next_role)) {
            return Affects::Nothing;
        }
        Affects::Location
    }

    /// Whether a colocation would change where a resource goes.
    pub(in crate::scheduler) fn affects_location(
        &self,
        dependent: ResourceId,
        primary: ResourceId,
        colocation: ColocationId,
    ) -> bool {
        let c = &self.colocations[colocation];
        self.affects(dependent, primary, c, true) == Affects::Location
    }

    /// Applies a colocation to the resource that depends on the other.
    pub(in crate::scheduler) fn apply_colocation(
        &mut self,
        dependent: ResourceId,
        primary: ResourceId,
        colocation: ColocationId,
    ) {
        if let Kind::Group(body) = &self.resources[dependent].kind {
            let together = body.collocated;
            let members = self.resources[dependent].children.clone();
            let score = self.colocations[colocation].score;
            if together {
                if let Some(&first) = members.first() {
                    self.apply_colocation(first, primary, colocation);
                }
            } else if score < INFINITY {
                for member in members {
                    self.apply_colocation(member, primary, colocation);
                }
            }
            return;
        }
        match &self.resources[primary].kind {
            Kind::Primitive => self.apply_to_primitive(dependent, primary, colocation),
            Kind::Group(_) => self.apply_with_group(dependent, primary, colocation),
            Kind::Clone(_) => self.apply_with_clone(dependent, primary, colocation),
            Kind::Bundle(_) => self.apply_with_bundle(dependent, primary, colocation),
        }
    }

    fn apply_to_primitive(
        &mut self,
        dependent: ResourceId,
        primary: ResourceId,
        colocation: ColocationId,
    ) {
        let c = self.colocations[colocation].clone();
        match self.affects(dependent, primary, &c, false) {
            Affects::Nothing => {}
            Affects::Role => self.apply_to_role(dependent, primary, &c),
            Affects::Location => self.apply_to_nodes(dependent, primary, &c),
        }
    }

    fn apply_to_nodes(&mut self, dependent: ResourceId, primary: ResourceId, c: &Colocation) {
        let place = self.resources[primary].assigned;
        if place.is_none() && c.score < 0 {
            return;
        }
        let mut work = self.resources[dependent].allowed.clone();
        let nodes: Vec<NodeId> = work.nodes().collect();
        for node in nodes {
            match place {
                None => work.add(node, -c.score),
                Some(place) if self.same_value(node, place, c.attribute.as_ref()) => {
                    if c.score < INFINITY {
                        work.add(node, c.score);
                    }
                }
                Some(_) if c.score >= INFINITY => {
                    work.add(node, -c.score);
                }
                Some(_) => {}
            }
        }
        let mandatory = c.score <= -INFINITY || c.score >= INFINITY;
        if mandatory || self.any_available(&work) {
            self.resources[dependent].allowed = work;
        }
    }

    fn apply_to_role(&mut self, dependent: ResourceId, primary: ResourceId, c: &Colocation) {
        let (here, there) = (
            self.resources[dependent].assigned,
            self.resources[primary].assigned,
        );
        let (Some(here), Some(there)) = (here, there) else {
            return;
        };
        let same = self.same_value(here, there, c.attribute.as_ref());
        let primary_next = self.resources[primary].next_role;
        let r = &mut self.resources[dependent];
        if !same {
            if c.score == INFINITY && c.dependent_role == Role::Promoted {
                r.priority = -INFINITY;
            }
            return;
        }
        if c.primary_role != Role::Unknown && c.primary_role != primary_next {
            return;
        }
        let score = if c.dependent_role == Role::Unpromoted {
            -c.score
        } else {
            c.score
        };
        r.priority = score::add(score, r.priority);
    }

    fn apply_with_group(&mut self, dependent: ResourceId, group: ResourceId, id: ColocationId) {
        if self.resources[group].provisional {
            return;
        }
        let together = matches!(&self.resources[group].kind, Kind::Group(g) if g.collocated);
        let members = self.resources[group].children.clone();
        let mandatory = self.colocations[id].score >= INFINITY;
        if together {
            let member = if mandatory {
                members.last()
            } else {
                members.first()
            };
            if let Some(&member) = member {
                self.apply_colocation(dependent, member, id);
            }
        } else if !mandatory {
            for member in members {
                self.apply_colocation(dependent, member, id);
            }
        }
    }

    /// Whether the owner of a colocation is placed instance by instance with the other.
    fn is_interleaved(&self, c: &Colocation) -> bool {
        let owner = &self.resources[c.dependent];
        if owner.rank() < 2 {
            return false;
        }
        let interleave = self.meta(c.dependent, "interleave");
        boolean::is_true(interleave.as_deref())
            && self.copies(c.dependent) == self.copies(c.primary)
    }

    fn copies(&self, resource: ResourceId) -> i32 {
        match &self.resources[resource].kind {
            Kind::Clone(_) => {
                let max = self.meta(resource, "clone-node-max");
                let max = max.and_then(|m| score::leading_integer(&m)).unwrap_or(1);
                i32::try_from(max).unwrap_or(1)
            }
            Kind::Bundle(body) => body.per_host,
            _ => 1,
        }
    }

    fn apply_with_clone(&mut self, dependent: ResourceId, clone: ResourceId, id: ColocationId) {
        let c = self.colocations[id].clone();
        if self.resources[clone].provisional {
            return;
        }
        if self.resources[clone].is_promotable() && c.primary_role != Role::Unknown {
            if self.resources[dependent].provisional {
                self.apply_with_roles(dependent, clone, &c);
                return;
            }
            if c.dependent_role == Role::Promoted {
                self.prefer_with_role(dependent, clone, &c);
                return;
            }
        }
        if self.is_interleaved(&c) {
            match self.compatible(dependent, clone, None, false) {
                Some(instance) => self.apply_colocation(dependent, instance, id),
                None if c.score >= INFINITY => {
                    self.force_unassigned(dependent);
                }
                None => {}
            }
            return;
        }
        let parts = self.resources[clone].children.clone();
        if c.score >= INFINITY {
            let places: Vec<NodeId> = parts
                .iter()
                .filter(|&&p| !self.any_blocked(p))
                .filter_map(|&p| self.location(p, false))
                .collect();
            self.exclude_others(dependent, &places);
            return;
        }
        for part in parts {
            self.apply_colocation(dependent, part, id);
        }
    }

    /// Bans a resource from all but some places; a place that it didn't know stays banned, too.
    fn exclude_others(&mut self, dependent: ResourceId, places: &[NodeId]) {
        let table = &mut self.resources[dependent].allowed;
        for (node, entry) in table.iter_mut() {
            if !places.contains(&node) {
                entry.score = -INFINITY;
            }
        }
        for &place in places {
            if !self.resources[dependent].allowed.has(place) {
                let banned = Entry {
                    score: -INFINITY,
                    ..self.entry_of(place)
                };
                self.resources[dependent].allowed.insert(place, banned);
            }
        }
    }

    /// With instances in a role, before the dependent is placed.
    fn apply_with_roles(&mut self, dependent: ResourceId, clone: ResourceId, c: &Colocation) {
        let (mut places, mut scored) = (Vec::new(), Vec::new());
        for child in self.resources[clone].children.clone() {
            let Some(node) = self.location(child, false) else {
                continue;
            };
            if self.role_of(child, false) != c.primary_role {
                continue;
            }
            if c.score < INFINITY {
                let nodes: Vec<NodeId> = self.resources[dependent].allowed.nodes().collect();
                for other in nodes {
                    if self.same_value(other, node, c.attribute.as_ref()) {
                        self.resources[dependent].allowed.add(other, c.score);
                    }
                }
            }
            let first = self
                .leaves(child)
                .into_iter()
                .find(|&l| self.resources[l].assigned == Some(node));
            scored.push((node, first.map_or(0, |l| self.resources[l].assigned_score)));
            places.push(node);
        }
        // Promoted with promoted: instances may still start where they aren't promoted.
        let both = c.dependent_role == Role::Promoted && c.primary_role == Role::Promoted;
        if c.score < INFINITY || both {
            return;
        }
        for &(node, score) in &scored {
            if self.resources[dependent].allowed.has(node) {
                self.resources[dependent].allowed.add(node, score);
            }
        }
        self.exclude_others(dependent, &places);
    }

    /// With an instance in a role, when the dependent's own role is chosen.
    fn prefer_with_role(&mut self, dependent: ResourceId, clone: ResourceId, c: &Colocation) {
        let role = Some(c.primary_role);
        let found = self.compatible(dependent, clone, role, false);
        let r = &mut self.resources[dependent];
        if found.is_some() {
            r.priority = score::add(r.priority, c.score);
        } else if c.score >= INFINITY {
            r.priority = score::add(r.priority, -INFINITY);
        }
    }

    fn apply_with_bundle(&mut self, dependent: ResourceId, bundle: ResourceId, id: ColocationId) {
        let c = self.colocations[id].clone();
        if self.resources[bundle].provisional {
            return;
        }
        if self.resources[c.dependent].rank() > 1 {
            match self.compatible(dependent, bundle, None, false) {
                Some(container) => self.apply_colocation(dependent, container, id),
                None if c.score >= INFINITY => {
                    self.force_unassigned(dependent);
                }
                None => {}
            }
            return;
        }
        let mut places = Vec::new();
        for replica in self.replicas(bundle).to_vec() {
            if c.score < INFINITY {
                self.apply_colocation(dependent, replica.container, id);
                continue;
            }
            let Some(node) = self.location(replica.container, false) else {
                continue;
            };
            let child_role = replica.child.map(|c| self.resources[c].next_role);
            let promoted = child_role.is_some_and(|r| r >= Role::Promoted);
            if self.any_blocked(replica.container)
                || (c.primary_role >= Role::Promoted && !promoted)
            {
                continue;
            }
            places.push(node);
        }
        if c.score >= INFINITY {
            self.exclude_others(dependent, &places);
        }
    }

    fn best_matching(&self, table: &Table, node: NodeId, attribute: Option<&Text>) -> i32 {
        let mut best = -INFINITY;
        for (other, entry) in table.iter() {
            if entry.score > best
                && self.available(other)
                && self.same_value(node, other, attribute)
            {
                best = entry.score;
            }
        }
        best
    }

    fn add_matching(
        &self,
        work: &mut Table,
        resource: ResourceId,
        attribute: Option<&Text>,
        (factor, nonnegative): (f32, bool),
    ) {
        let table = &self.resources[resource].allowed;
        let nodes: Vec<NodeId> = work.nodes().collect();
        for node in nodes {
            let score = if attribute.is_none() && self.nodes[node].named {
                match table.score(node) {
                    Some(s) if s > -INFINITY && self.available(node) => s,
                    _ => -INFINITY,
                }
            } else {
                self.best_matching(table, node, attribute)
            };
            let Some(entry) = work.get_mut(node) else {
                continue;
            };
            if (factor < 0.0 && score < 0) || entry.score == UNUSABLE {
                continue;
            }
            let product = factor * score as f32;
            let rounded = if product < 0.0 {
                f64::from(product) - 0.5
            } else {
                f64::from(product) + 0.5
            };
            let mut delta = rounded as i32;
            if delta == 0 && score != 0 {
                delta = if factor > 0.0 {
                    1
                } else if factor < 0.0 {
                    -1
                } else {
                    0
                };
            }
            let new = score::add(delta, entry.score);
            if nonnegative && new < 0 && entry.score > 0 {
                entry.score = UNUSABLE;
            } else if !(nonnegative && new < 0 && entry.score == 0) {
                entry.score = new;
            }
        }
    }

    /// Takes the scores of a resource, and of all that goes with it, into a table.
    pub(in crate::scheduler) fn merge_scores(
        &mut self,
        resource: ResourceId,
        nodes: &mut Option<Table>,
        attribute: Option<&Text>,
        factor: f32,
        how: Merging,
    ) {
        if self.resources[resource].visit.merging {
            return;
        }
        self.resources[resource].visit.merging = true;
        self.merge_guarded(resource, nodes, attribute, (factor, how));
        self.resources[resource].visit.merging = false;
    }

    fn merge_guarded(
        &mut self,
        resource: ResourceId,
        nodes: &mut Option<Table>,
        attribute: Option<&Text>,
        (factor, how): (f32, Merging),
    ) {
        let members = match &self.resources[resource].kind {
            Kind::Group(_) => self.resources[resource].children.clone(),
            _ => Vec::new(),
        };
        let last = members.last().copied();
        let mut work = self.scores_to_merge(resource, nodes, attribute, (factor, how));
        if self.any_available(&work) {
            let list = if how.this_with {
                self.resources[resource].this_with.clone()
            } else {
                let of = last.unwrap_or(resource);
                self.resources[of].with_this.clone()
            };
            for colocation in list {
                if !how.this_with && !self.has_influence(colocation, None) {
                    continue;
                }
                let c = self.colocations[colocation].clone();
                let other = if how.this_with {
                    c.primary
                } else {
                    c.dependent
                };
                let mut other_factor = c.score as f32 / INFINITY as f32;
                if factor < 0.0 {
                    other_factor = -other_factor;
                }
                let how = Merging {
                    active: true,
                    ..how
                };
                let mut table = Some(std::mem::take(&mut work));
                let attribute = c.attribute.as_ref();
                self.merge_scores(other, &mut table, attribute, other_factor, how);
                work = table.unwrap_or_default();
            }
        } else if how.active {
            return;
        }
        if how.nonnegative {
            for (_, entry) in work.iter_mut() {
                if entry.score == UNUSABLE {
                    entry.score = 1;
                }
            }
        }
        *nodes = Some(work);
    }

    /// The scores to begin with: those of the resource, or those given with its own added.
    fn scores_to_merge(
        &mut self,
        resource: ResourceId,
        nodes: &Option<Table>,
        attribute: Option<&Text>,
        (factor, how): (f32, Merging),
    ) -> Table {
        let members = match &self.resources[resource].kind {
            Kind::Group(_) => self.resources[resource].children.clone(),
            _ => Vec::new(),
        };
        let (first, last) = (members.first().copied(), members.last().copied());
        match (nodes, first, last) {
            (None, _, Some(last)) => {
                let mut table = None;
                self.merge_scores(last, &mut table, attribute, factor, how);
                table.unwrap_or_default()
            }
            (None, _, None) => self.resources[resource].allowed.clone(),
            (Some(table), Some(first), _) => {
                let mut table = Some(table.clone());
                self.merge_scores(first, &mut table, attribute, factor, how);
                table.unwrap_or_default()
            }
            (Some(table), None, _) => {
                let mut table = table.clone();
                let terms = (factor, how.nonnegative);
                self.add_matching(&mut table, resource, attribute, terms);
                table
            }
        }
    }
}
