//! Where resources are and in which role: now, and as assigned.

use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::*;

/// How many nodes a resource is active on.
#[derive(Debug, Clone, Copy, Default)]
pub struct ActiveCount {
    /// All.
    pub all: usize,
    /// Those that are online and clean.
    pub clean: usize,
}

impl Cluster<'_> {
    /// The node that counts as the one a resource is on.
    pub fn current_node(&self, resource: ResourceId) -> Option<NodeId> {
        let r = &self.resources[resource];
        let clean = |n: NodeId| self.nodes[n].online && !self.nodes[n].unclean;
        if let Some(source) = r.partial.source {
            let first = r.running_on.iter().copied().find(|&n| n == source);
            return first.or_else(|| r.running_on.first().copied());
        }
        let first = r.running_on.first().copied();
        if r.needs_fencing {
            return first;
        }
        r.running_on.iter().copied().find(|&n| clean(n)).or(first)
    }

    /// How many nodes a resource is active on.
    pub fn active_count(&self, resource: ResourceId) -> ActiveCount {
        let running = &self.resources[resource].running_on;
        let clean = running
            .iter()
            .filter(|&&n| self.nodes[n].online && !self.nodes[n].unclean);
        ActiveCount {
            all: running.len(),
            clean: clean.count(),
        }
    }

    /// The count that decides whether a resource is active too often.
    pub fn active_where_it_matters(&self, resource: ResourceId) -> usize {
        let count = self.active_count(resource);
        if self.resources[resource].needs_fencing {
            count.all
        } else {
            count.clean
        }
    }

    /// All nodes a resource and what is in it are on, or assigned to.
    pub fn locations_of(&self, resource: ResourceId, current: bool) -> Vec<NodeId> {
        let mut nodes = Vec::new();
        self.collect_locations(resource, current, &mut nodes);
        nodes
    }

    fn collect_locations(&self, resource: ResourceId, current: bool, out: &mut Vec<NodeId>) {
        let r = &self.resources[resource];
        let children: Vec<ResourceId> = match &r.kind {
            Kind::Bundle(bundle) => bundle.replicas.iter().map(|r| r.container).collect(),
            _ => r.children.clone(),
        };
        for child in &children {
            self.collect_locations(*child, current, out);
        }
        if children.is_empty() {
            let nodes = if current {
                r.running_on.clone()
            } else {
                r.assigned.into_iter().collect()
            };
            for node in nodes {
                if !out.contains(&node) {
                    out.push(node);
                }
            }
        }
    }

    /// The one node a resource is on, or assigned to; none if there are several.
    pub fn location(&self, resource: ResourceId, current: bool) -> Option<NodeId> {
        match self.locations_of(resource, current).as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// Whether a resource is active; all members of a group if `all`.
    pub fn active(&self, resource: ResourceId, all: bool) -> bool {
        let r = &self.resources[resource];
        match &r.kind {
            Kind::Primitive => r.running_on.iter().any(|&n| {
                let n = &self.nodes[n];
                n.unclean || n.online || !r.managed
            }),
            Kind::Group(_) | Kind::Clone(_) => self.active_children(&r.children, all),
            Kind::Bundle(bundle) => {
                let parts: Vec<ResourceId> = bundle
                    .replicas
                    .iter()
                    .flat_map(|r| [Some(r.container), r.ip, r.child, r.remote])
                    .flatten()
                    .collect();
                self.active_children(&parts, all)
            }
        }
    }

    fn active_children(&self, children: &[ResourceId], all: bool) -> bool {
        let mut active = children.iter().map(|&c| self.active(c, all));
        if all {
            children.is_empty() || active.all(|a| a)
        } else {
            active.any(|a| a)
        }
    }

    /// The highest role of a resource and what is in it.
    pub fn role_of(&self, resource: ResourceId, current: bool) -> Role {
        let r = &self.resources[resource];
        match &r.kind {
            Kind::Primitive => {
                if current {
                    r.role
                } else {
                    r.next_role
                }
            }
            Kind::Group(_) | Kind::Clone(_) => r
                .children
                .iter()
                .map(|&c| self.role_of(c, current))
                .max()
                .unwrap_or(Role::Unknown),
            Kind::Bundle(bundle) => bundle
                .replicas
                .iter()
                .map(|c| self.role_of(c.container, current))
                .max()
                .unwrap_or(Role::Unknown),
        }
    }

    /// Whether a resource is known on a node.
    pub fn known_on(&self, resource: ResourceId, node: NodeId) -> bool {
        self.resources[resource].known_on.contains(&node)
    }

    /// Whether a guest node runs in this resource.
    pub fn contains_guest(&self, resource: ResourceId) -> bool {
        self.guest_filler(resource).is_some()
    }

    /// The connection of the guest node that runs in this resource.
    pub fn guest_filler(&self, resource: ResourceId) -> Option<ResourceId> {
        let fillers = &self.resources[resource].fillers;
        fillers
            .iter()
            .copied()
            .find(|&f| self.resources[f].is_connection)
    }
}
