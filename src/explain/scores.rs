//! What the score of a node for a resource is made of.

use super::cause::Cause;
use crate::scheduler::model::Role;
use crate::scheduler::model::arena::{ColocationId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::score::{self, INFINITY};
use crate::scheduler::unpack::failcount::Counting;

/// A primitive and a node, when the scheduler is done.
pub struct Pair<'a, 'c> {
    pub cluster: &'a mut Cluster<'c>,
    pub primitive: ResourceId,
    pub node: NodeId,
}

impl Pair<'_, '_> {
    /// The primitive and all around it.
    pub fn chain(&self) -> Vec<ResourceId> {
        chain(self.cluster, self.primitive)
    }

    /// All that adds to the score, or takes from it.
    pub fn contributions(&mut self) -> Vec<Cause> {
        let mut causes = self.locations();
        causes.extend(self.stickiness());
        causes.extend(self.colocations());
        causes.extend(self.failures());
        causes.extend(self.companions(&causes));
        causes
    }

    fn locations(&self) -> Vec<Cause> {
        let mut causes = Vec::new();
        let chain = self.chain();
        for location in &self.cluster.locations {
            let by_role = matches!(location.role, Role::Promoted | Role::Unpromoted);
            let others_role =
                by_role && location.role != self.cluster.resources[self.primitive].next_role;
            if others_role || !chain.contains(&location.resource) {
                continue;
            }
            let here = location.nodes.iter().filter(|(n, _)| *n == self.node);
            let score = here.fold(0, |sum, (_, s)| score::add(sum, *s));
            if score == 0 {
                continue;
            }
            causes.push(match &*location.id {
                "" => Cause::Health { score },
                id => Cause::Location {
                    constraint: id.to_owned(),
                    score,
                },
            });
        }
        causes
    }

    fn stickiness(&self) -> Option<Cause> {
        let r = &self.cluster.resources[self.primitive];
        let sticks = r.running_on == [self.node] && r.managed && r.stickiness > 0;
        sticks.then_some(Cause::Stickiness {
            score: r.stickiness,
        })
    }

    fn failures(&mut self) -> Option<Cause> {
        let counting = Counting {
            effective: true,
            fillers: true,
        };
        let (primitive, node) = (self.primitive, self.node);
        let count = self.cluster.failures(primitive, node, counting, None).count;
        let r = &self.cluster.resources[primitive];
        let threshold = r.threshold;
        let banned = threshold != 0 && !r.failure_ignored && score::add(threshold, -count) <= 0;
        (count > 0).then_some(Cause::Failures {
            count,
            threshold,
            banned,
        })
    }

    fn colocations(&self) -> Vec<Cause> {
        let mut seen: Vec<(&str, ResourceId)> = Vec::new();
        let mut causes = Vec::new();
        for part in self.chain() {
            for &id in &self.cluster.resources[part].this_with {
                let c = &self.cluster.colocations[id];
                let known = (&*c.id, c.primary);
                if c.dependent_role >= Role::Promoted || seen.contains(&known) {
                    continue;
                }
                seen.push(known);
                causes.extend(self.colocation(id));
            }
        }
        causes
    }

    fn colocation(&self, id: ColocationId) -> Option<Cause> {
        let c = &self.cluster.colocations[id];
        let by_role = matches!(c.primary_role, Role::Promoted | Role::Unpromoted);
        let primary = placed(self.cluster, c.primary, by_role.then_some(c.primary_role));
        let value = |node: NodeId| match &c.attribute {
            Some(name) if &**name != "#uname" => {
                self.cluster.node_attr(node, name).map(str::to_owned)
            }
            _ => Some(self.cluster.nodes[node].name.to_string()),
        };
        let fits = primary.iter().any(|&n| value(n) == value(self.node));
        let effect = match (c.score, fits) {
            (score, true) => score,
            (INFINITY.., false) => -INFINITY,
            (_, false) => 0,
        };
        let mut at: Vec<String> = primary
            .iter()
            .map(|&n| self.cluster.nodes[n].name.to_string())
            .collect();
        at.sort();
        at.dedup();
        (effect != 0).then(|| Cause::Colocation {
            constraint: c.id.to_string(),
            with: self.cluster.resources[c.primary].id.to_string(),
            score: c.score,
            at,
            effect,
        })
    }

    /// What is left of the score when all else is taken away: it comes from dependents.
    fn companions(&self, known: &[Cause]) -> Option<Cause> {
        let r = &self.cluster.resources[self.primitive];
        let total = r.allowed.score(self.node)?;
        let base = self.cluster.nodes[self.node].score;
        let sum = known.iter().filter_map(Cause::score).fold(base, score::add);
        let finite = |score: i32| score.abs() < INFINITY;
        if !finite(sum) || total == sum || (total <= -INFINITY && r.assigned.is_none()) {
            return None;
        }
        let score = match total {
            INFINITY.. => INFINITY,
            ..=-1_000_000 => -INFINITY,
            _ => total - sum,
        };
        let mut resources: Vec<String> = Vec::new();
        for part in self.chain() {
            for &id in &self.cluster.resources[part].with_this {
                let dependent = self.cluster.colocations[id].dependent;
                resources.push(self.cluster.resources[dependent].id.to_string());
            }
        }
        resources.sort();
        resources.dedup();
        (!resources.is_empty()).then_some(Cause::Companions { resources, score })
    }
}

/// A resource and all around it, innermost first.
pub fn chain(cluster: &Cluster<'_>, resource: ResourceId) -> Vec<ResourceId> {
    let mut chain = vec![resource];
    let mut at = resource;
    while let Some(parent) = cluster.resources[at].parent {
        chain.push(parent);
        at = parent;
    }
    chain
}

/// Nodes that some part of a resource was given, in a role if one is asked for.
pub fn placed(cluster: &Cluster<'_>, resource: ResourceId, role: Option<Role>) -> Vec<NodeId> {
    let r = &cluster.resources[resource];
    if r.is_primitive() {
        let fits = r.next_role != Role::Stopped && role.is_none_or(|role| r.next_role == role);
        return r.assigned.filter(|_| fits).into_iter().collect();
    }
    // Members of a group are with the first one; its own place tells.
    if r.is_group() {
        let first = r.children.first();
        return first.map_or_else(Vec::new, |&f| placed(cluster, f, role));
    }
    let parts: Vec<ResourceId> = match r.bundle() {
        Some(bundle) => bundle.replicas.iter().map(|r| r.container).collect(),
        None => r.children.clone(),
    };
    parts
        .iter()
        .flat_map(|&p| placed(cluster, p, role))
        .collect()
}
