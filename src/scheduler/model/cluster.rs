//! The working set: everything the scheduler knows while it decides.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use indexmap::IndexMap;

use crate::cib::Element;
use crate::rules::References;
use crate::rules::iso8601::Clock;
use crate::scheduler::model::arena::{ActionId, Arena, ColocationId, LinkId, NodeId, ResourceId};
use crate::scheduler::model::order::Order;
use crate::scheduler::model::table::{Entry, Table};
use crate::scheduler::model::*;
use crate::scheduler::score::Colours;
use crate::scheduler::unpack::expand::Expanded;
use crate::scheduler::unpack::options::{Options, QuorumPolicy};

/// What the health attributes of nodes are worth.
#[derive(Debug, Clone, Copy, Default)]
pub struct Health {
    /// Scores of the colours.
    pub colours: Colours,
    /// What every node has.
    pub base: i32,
    /// Whether there is a strategy.
    pub active: bool,
}

/// The working set.
pub struct Cluster<'a> {
    /// The CIB, written out.
    pub input: &'a Expanded,
    /// The time, and the zone for dates and times of day in rules.
    pub clock: Clock,
    /// Elements that stand for others.
    pub references: References<'a>,
    /// Whether this partition has quorum.
    pub have_quorum: bool,
    /// Options.
    pub options: Options,
    /// Node health.
    pub health: Health,
    /// The next time at which something may change by itself.
    pub recheck: Cell<Option<i64>>,
    /// Whether what the history says of pending operations counts for the report only.
    pub digests_are_sanitized: bool,

    /// Nodes.
    pub nodes: Arena<NodeId, Node>,
    /// Nodes by name.
    pub node_order: Vec<NodeId>,
    /// Nodes by id.
    pub node_ids: IndexMap<Text, NodeId>,
    /// Whether any two nodes have the same id: a member may have that of a connection.
    pub shared_ids: bool,
    /// Nodes by name in lower case.
    pub node_names: IndexMap<String, NodeId>,
    /// The designated controller.
    pub dc: Option<NodeId>,

    /// Resources.
    pub resources: Arena<ResourceId, Resource<'a>>,
    /// Resources at the top, in the order of the lists.
    pub top: Vec<ResourceId>,
    /// Resources by id and by alternative name.
    pub names: IndexMap<Text, Vec<ResourceId>>,
    /// Tags: members by tag.
    pub tags: IndexMap<String, Vec<String>>,

    /// Actions, oldest first.
    pub actions: Arena<ActionId, Action<'a>>,
    /// Actions without a resource, by key.
    pub free_actions: IndexMap<Text, Vec<ActionId>>,
    /// Number of the next action in the graph.
    pub next_id: u32,
    /// Orderings between actions.
    pub links: Arena<LinkId, Link>,
    /// Flags of all orderings between two actions.
    pub linked: IndexMap<(ActionId, ActionId), Order>,

    /// Colocations.
    pub colocations: Arena<ColocationId, Colocation>,
    /// Location constraints.
    pub locations: Vec<Location>,
    /// Orderings to be resolved.
    pub orderings: Vec<Ordering>,
    /// Tickets.
    pub tickets: Vec<Ticket>,
    /// Resources that depend on tickets.
    pub ticket_constraints: Vec<TicketConstraint>,

    /// Whether there is a fence device.
    pub has_fence_device: bool,
    /// Whether there are connections to remote nodes.
    pub has_remotes: bool,
    /// Containers to be stopped, newest first.
    pub stop_needed: Vec<ResourceId>,
    /// Digest checks that wait for the place of a container.
    pub late_checks: Vec<crate::scheduler::unpack::digest::LateCheck<'a>>,
    /// Failed entries of the history.
    pub failed: Vec<FailedOp<'a>>,
    /// Nodes and keys of those: what has no key is the same as all else without one.
    pub failed_keys: BTreeSet<(NodeId, Option<String>)>,
    /// Priorities of nodes for the delay of fencing.
    pub max_priority_unclean: i32,
    /// What operations are configured to be, by resource and key.
    pub operations:
        IndexMap<(ResourceId, Text), Rc<crate::scheduler::unpack::operations::Operation<'a>>>,
    /// Results that probes should have, by resource.
    pub expected: IndexMap<ResourceId, Expected>,
    /// Entries of recurring operations whose failure expired: they are started anew.
    pub forced_restarts: indexmap::IndexSet<crate::cib::NodeRef>,
    /// Elements of history entries by resource and node.
    pub history: IndexMap<(Text, NodeId), Vec<Element<'a>>>,
    /// Entries of `lrm_resource` by node, in document order.
    pub lrm: IndexMap<NodeId, Vec<Element<'a>>>,
    /// Scores and capacities, as they come up.
    pub scores: RefCell<Vec<crate::scheduler::simulation::shown::Score>>,
    /// Whether scores of placement are kept to be told.
    pub tells_scores: bool,
    /// The interval that was told last.
    pub shown_interval: RefCell<String>,
    /// Resources, disabled and blocked.
    pub disabled: i32,
    /// Blocked resources.
    pub blocked: i32,
    /// Whether only a simulation runs, so that private parameters are taken as they are.
    pub simulation: bool,
    /// Whether pending operations are shown.
    pub show_pending: bool,
    /// Orphan instances made so far, in order.
    pub fence_order: Vec<ActionId>,
}

impl<'a> Cluster<'a> {
    /// An empty working set.
    pub fn new(input: &'a Expanded, clock: Clock) -> Self {
        Self {
            input,
            clock,
            references: References::new(&input.doc),
            have_quorum: false,
            options: Options::default(),
            health: Health::default(),
            recheck: Cell::new(None),
            digests_are_sanitized: false,
            nodes: Arena::default(),
            node_order: Vec::new(),
            node_ids: IndexMap::new(),
            shared_ids: false,
            node_names: IndexMap::new(),
            dc: None,
            resources: Arena::default(),
            top: Vec::new(),
            names: IndexMap::new(),
            tags: IndexMap::new(),
            actions: Arena::default(),
            free_actions: IndexMap::new(),
            next_id: 1,
            links: Arena::default(),
            linked: IndexMap::new(),
            colocations: Arena::default(),
            locations: Vec::new(),
            orderings: Vec::new(),
            tickets: Vec::new(),
            ticket_constraints: Vec::new(),
            has_fence_device: false,
            has_remotes: false,
            stop_needed: Vec::new(),
            late_checks: Vec::new(),
            failed: Vec::new(),
            failed_keys: BTreeSet::new(),
            max_priority_unclean: 0,
            operations: IndexMap::new(),
            expected: IndexMap::new(),
            forced_restarts: Default::default(),
            history: IndexMap::new(),
            lrm: IndexMap::new(),
            scores: RefCell::default(),
            tells_scores: true,
            shown_interval: RefCell::default(),
            disabled: 0,
            blocked: 0,
            simulation: true,
            show_pending: true,
            fence_order: Vec::new(),
        }
    }

    /// The root element.
    pub fn root(&self) -> Element<'a> {
        self.input.doc.root_element()
    }

    /// A section of the configuration.
    pub fn configuration(&self, section: &str) -> Option<Element<'a>> {
        self.root().find(&["configuration", section])
    }

    /// A node by name, whatever its case.
    pub fn node_named(&self, name: &str) -> Option<NodeId> {
        if let Some(&node) = self.node_names.get(name) {
            return Some(node);
        }
        self.node_names.get(&name.to_ascii_lowercase()).copied()
    }

    /// A resource by id.
    pub fn resource_named(&self, name: &str) -> Option<ResourceId> {
        let list = self.names.get(name)?;
        let own = list.iter().find(|&&r| &*self.resources[r].id == name);
        own.or(list.first()).copied()
    }

    /// A resource that has this name itself now, or its history has.
    pub fn known(&self, name: &str) -> Option<ResourceId> {
        let mut list = self.names.get(name)?.iter().copied();
        list.find(|&r| {
            let r = &self.resources[r];
            &*r.id == name || r.alt_name.as_deref() == Some(name)
        })
    }

    /// Remembers a further name of a resource.
    pub fn add_name(&mut self, name: Text, resource: ResourceId) {
        let list = self.names.entry(name).or_default();
        if !list.contains(&resource) {
            list.push(resource);
        }
    }

    /// Whether a node is behind a connection.
    pub fn is_remote_kind(&self, node: NodeId) -> bool {
        self.nodes[node].kind == NodeKind::Remote
    }

    /// Whether a node runs in a container.
    pub fn is_guest(&self, node: NodeId) -> bool {
        self.is_remote_kind(node) && self.container_of(node).is_some()
    }

    /// Whether a node is behind a connection and not in a container.
    pub fn is_remote(&self, node: NodeId) -> bool {
        self.is_remote_kind(node) && self.container_of(node).is_none()
    }

    /// The container that a guest node runs in.
    pub fn container_of(&self, node: NodeId) -> Option<ResourceId> {
        let connection = self.nodes[node].connection?;
        self.resources[connection].container
    }

    /// Whether a guest node is of a bundle.
    pub fn is_bundle_node(&self, node: NodeId) -> bool {
        self.container_of(node).is_some_and(|c| {
            let parent = self.resources[c].parent;
            parent.is_some_and(|p| self.resources[p].is_bundle())
        })
    }

    /// Whether things can run on a node.
    pub fn available(&self, node: NodeId) -> bool {
        let n = &self.nodes[node];
        n.online && !n.shutdown && !n.unclean && !n.standby && !n.maintenance
    }

    /// Whether things can run on a node, with the score that a table has for it.
    pub fn available_in(&self, table: &Table, node: NodeId) -> bool {
        table.score(node).is_some_and(|s| s >= 0) && self.available(node)
    }

    /// [`Self::available`], and the container of a guest node has a place.
    pub fn available_with_guest(&self, node: NodeId) -> bool {
        self.available(node)
            && self
                .container_of(node)
                .filter(|_| self.is_guest(node))
                .is_none_or(|c| self.location(c, false).is_some())
    }

    /// Whether some node of a table is available.
    pub fn any_available(&self, table: &Table) -> bool {
        table.iter().any(|(n, e)| e.score >= 0 && self.available(n))
    }

    /// A copy of the node as an entry of a table.
    pub fn entry_of(&self, node: NodeId) -> Entry {
        let n = &self.nodes[node];
        Entry {
            score: n.score,
            count: 0,
            discovery: if n.never_discover {
                crate::scheduler::model::table::Discovery::Never
            } else {
                crate::scheduler::model::table::Discovery::Always
            },
        }
    }

    /// The outermost resource around one; the walk ends below a bundle.
    pub fn top_of(&self, resource: ResourceId) -> ResourceId {
        let mut at = resource;
        while let Some(parent) = self.resources[at].parent {
            if self.resources[parent].is_bundle() {
                break;
            }
            at = parent;
        }
        at
    }

    /// Whether the top of a resource is part of a bundle.
    pub fn is_bundled(&self, resource: ResourceId) -> bool {
        let top = self.top_of(resource);
        self.resources[top].parent.is_some()
    }

    /// The outermost resource around one, a bundle too.
    pub fn outermost(&self, resource: ResourceId) -> ResourceId {
        let top = self.top_of(resource);
        self.resources[top].parent.unwrap_or(top)
    }

    /// Whether one resource is around another.
    pub fn is_ancestor(&self, of: ResourceId, ancestor: ResourceId) -> bool {
        let mut at = of;
        while let Some(parent) = self.resources[at].parent {
            if parent == ancestor {
                return true;
            }
            at = parent;
        }
        false
    }

    /// Whether a resource is in a clone that is not unique, itself included.
    pub fn in_anonymous_clone(&self, resource: ResourceId) -> bool {
        let top = self.top_of(resource);
        let r = &self.resources[top];
        r.is_clone() && !r.unique
    }

    /// Whether the parent of a resource is promotable, however far up.
    pub fn in_promotable(&self, resource: ResourceId) -> bool {
        self.resources[self.top_of(resource)].is_promotable()
    }

    /// What clones have; an empty one for what is no clone.
    pub fn clone_of(&self, resource: ResourceId) -> &CloneBody<'a> {
        match &self.resources[resource].kind {
            Kind::Clone(body) => body,
            _ => unreachable!("only asked of clones"),
        }
    }

    /// What clones have, to change.
    pub fn clone_mut(&mut self, resource: ResourceId) -> &mut CloneBody<'a> {
        match &mut self.resources[resource].kind {
            Kind::Clone(body) => body,
            _ => unreachable!("only asked of clones"),
        }
    }

    /// Replicas of a bundle.
    pub fn replicas(&self, bundle: ResourceId) -> &[Replica] {
        self.resources[bundle].bundle().map_or(&[], |b| &b.replicas)
    }

    /// All primitives at or below a resource.
    pub fn primitives(&self, resource: ResourceId) -> Vec<ResourceId> {
        let mut out = Vec::new();
        self.collect_primitives(resource, &mut out);
        out
    }

    fn collect_primitives(&self, resource: ResourceId, out: &mut Vec<ResourceId>) {
        if self.resources[resource].is_primitive() {
            out.push(resource);
        }
        for &child in &self.resources[resource].children {
            self.collect_primitives(child, out);
        }
    }

    /// Whether the cluster may start things as far as quorum goes.
    pub fn quorum_or_ignore(&self) -> bool {
        self.have_quorum || self.options.quorum_policy == QuorumPolicy::Ignore
    }

    /// Notes a time at which something may change.
    pub fn recheck_at(&self, time: i64) {
        if time > self.clock.unix_s && self.recheck.get().is_none_or(|t| time < t) {
            self.recheck.set(Some(time));
        }
    }

    /// Of nodes with the same id the one that a table has: those of the original are by id.
    pub(in crate::scheduler) fn first_of_id(&self, table: &Table, node: NodeId) -> NodeId {
        if !self.shared_ids || table.has(node) {
            return node;
        }
        let same = |&other: &NodeId| self.nodes[other].id == self.nodes[node].id;
        table.nodes().find(same).unwrap_or(node)
    }

    /// Adds a score for one resource and all in it: "resource location".
    pub fn locate(&mut self, resource: ResourceId, node: NodeId, score: i32) {
        for i in 0..self.resources[resource].children.len() {
            let child = self.resources[resource].children[i];
            self.locate(child, node, score);
        }
        let entry = self.entry_of(node);
        let node = self.first_of_id(&self.resources[resource].allowed, node);
        let table = &mut self.resources[resource].allowed;
        if !table.has(node) {
            table.insert(node, entry);
        }
        table.add(node, score);
    }

    /// [`Self::locate`] on every node of the cluster.
    pub fn locate_everywhere(&mut self, resource: ResourceId, score: i32) {
        for i in 0..self.node_order.len() {
            let node = self.node_order[i];
            self.locate(resource, node, score);
        }
        if score <= -crate::scheduler::score::INFINITY {
            self.unassign_quietly(resource);
        }
    }

    fn unassign_quietly(&mut self, resource: ResourceId) {
        self.resources[resource].assigned = None;
    }

    /// Parameters of a resource on a node.
    pub fn params(&mut self, resource: ResourceId, node: Option<NodeId>) -> Rc<Values> {
        if let Some(params) = self.resources[resource].params.get(&node) {
            return Rc::clone(params);
        }
        let params = Rc::new(self.read_params(resource, node));
        let cache = &mut self.resources[resource].params;
        cache.insert(node, Rc::clone(&params));
        params
    }
}
