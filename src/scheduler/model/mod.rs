//! What the scheduler works on: nodes, resources, actions, constraints, each in a table.

pub mod arena;
pub mod cluster;
pub(crate) mod glib_order;
pub mod order;
pub mod state;
pub mod table;
pub mod text;

use std::collections::BTreeMap;
use std::rc::Rc;

use indexmap::IndexMap;

use crate::cib::Element;
use crate::scheduler::model::arena::{ActionId, Arena, ColocationId, LinkId, NodeId, ResourceId};
use crate::scheduler::model::order::Order;
use crate::scheduler::model::table::Table;

/// A text shared by all that name the same thing.
pub type Text = Rc<str>;

pub use crate::rules::Role;

/// Names and values.
pub type Values = BTreeMap<Text, Text>;

/// Names and amounts, in the order in which they came.
pub type Amounts = IndexMap<Text, i64>;

/// What happens after a failed operation, in ascending order of weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[allow(missing_docs)]
pub enum OnFail {
    #[default]
    Ignore,
    Demote,
    Recover,
    ResetRemote,
    RestartContainer,
    Migrate,
    Block,
    Stop,
    Standby,
    Fence,
}

/// What an action needs before it may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[allow(missing_docs)]
pub enum Needs {
    #[default]
    Nothing,
    Quorum,
    Fencing,
}

/// Kind of a node as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum NodeKind {
    Member,
    Remote,
    Ping,
}

/// A node.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Node {
    pub id: Text,
    pub name: Text,
    pub kind: NodeKind,
    pub score: i32,
    pub never_discover: bool,
    pub attrs: Values,
    /// Whether its name is among its attributes: a remote node without a state has none.
    pub named: bool,
    pub utilization: Amounts,
    pub online: bool,
    pub standby: bool,
    pub standby_on_fail: bool,
    pub pending: bool,
    pub unclean: bool,
    pub unseen: bool,
    pub shutdown: bool,
    pub maintenance: bool,
    pub expected_up: bool,
    pub is_dc: bool,
    pub discovery: bool,
    pub requires_reset: bool,
    pub was_fenced: bool,
    pub remote_maintenance: bool,
    pub unpacked: bool,
    pub connection: Option<ResourceId>,
    pub running: Vec<ResourceId>,
    pub assigned_count: i32,
    pub priority: i32,
    pub digests: BTreeMap<Text, Text>,
}

/// How many instances of a resource may be active, and what is done if more are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum MultipleActive {
    #[default]
    StopStart,
    StopOnly,
    Block,
    StopUnexpected,
}

/// What makes a group.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct GroupBody {
    pub ordered: bool,
    pub collocated: bool,
}

/// What makes a clone.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct CloneBody<'a> {
    pub max: i32,
    pub node_max: i32,
    pub promoted_max: i32,
    pub promoted_node_max: i32,
    pub promotable: bool,
    pub ordered: bool,
    pub interleave: bool,
    pub child: Option<Element<'a>>,
    pub total: i32,
    pub allocated: i32,
    pub added_promotion_scores: bool,
    pub roles_merged: bool,
    pub cmd_done: bool,
    pub notices: BTreeMap<&'static str, crate::scheduler::actions::notifications::Notices>,
}

/// One replica of a bundle.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Replica {
    pub container: ResourceId,
    pub ip: Option<ResourceId>,
    pub ipaddr: Option<Text>,
    pub remote: Option<ResourceId>,
    pub child: Option<ResourceId>,
    pub node: Option<NodeId>,
}

/// What makes a bundle.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct BundleBody {
    pub replicas: Vec<Replica>,
    pub per_host: i32,
    pub max: i32,
    pub promoted_max: i32,
    pub image: Text0,
    pub inner: Option<ResourceId>,
}

/// A text that may be empty.
pub type Text0 = Option<Text>;

/// Kind of a resource with what only this kind has.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Kind<'a> {
    Primitive,
    Group(GroupBody),
    Clone(CloneBody<'a>),
    Bundle(BundleBody),
}

/// What is being done with a resource, so that nothing is done within itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Visit {
    /// It is being placed.
    pub assigning: bool,
    /// Scores of what is colocated with it are being taken in.
    pub merging: bool,
}

/// A live migration that was begun and not ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct Partial {
    /// From here.
    pub source: Option<NodeId>,
    /// To there.
    pub target: Option<NodeId>,
}

/// An operation without a result yet.
#[derive(Debug, Clone, Default)]
pub struct Pending {
    /// What.
    pub task: Option<Text>,
    /// Where.
    pub node: Option<NodeId>,
}

/// A resource waits for its node, which was shut down cleanly.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lock {
    /// For this one.
    pub node: Option<NodeId>,
    /// Since, in seconds.
    pub time: i64,
}

/// Meta attributes with an expected result added, shared by the probes of all nodes.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Expected {
    pub of: Rc<Values>,
    pub rc: &'static str,
    pub meta: Rc<Values>,
}

/// A resource.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Resource<'a> {
    pub id: Text,
    /// The name in the history of an instance, if it isn't the id.
    pub alt_name: Option<Text>,
    pub xml: Element<'a>,
    pub number: Option<i32>,
    pub kind: Kind<'a>,
    pub parent: Option<ResourceId>,
    pub children: Vec<ResourceId>,
    pub meta: Values,
    pub params: IndexMap<Option<NodeId>, Rc<Values>>,
    pub utilization: Amounts,
    pub class: &'a str,
    pub provider: Option<&'a str>,
    pub agent: &'a str,

    pub priority: i32,
    pub stickiness: i32,
    pub threshold: i32,
    pub failure_timeout: i64,
    pub reconnect_ms: u32,
    pub restart_restart: bool,
    pub recovery: MultipleActive,

    pub managed: bool,
    pub blocked: bool,
    pub maintenance: bool,
    pub orphan: bool,
    pub unique: bool,
    pub notify: bool,
    pub critical: bool,
    pub failed: bool,
    pub failed_stop: bool,
    pub failure_ignored: bool,
    pub start_pending: bool,
    pub reload: bool,
    pub restarting: bool,
    pub stop_unexpected: bool,
    pub allow_migrate: bool,
    pub needs_fencing: bool,
    pub needs_unfencing: bool,
    pub needs_quorum: bool,
    pub internal: bool,
    pub fence_device: bool,
    pub is_connection: bool,
    pub remotes_in_remotes: bool,
    pub exclusive_discover: bool,
    pub provisional: bool,
    pub visit: Visit,
    pub sort_index: i32,
    pub colocated: i32,

    pub container: Option<ResourceId>,
    pub fillers: Vec<ResourceId>,
    pub connection_node: Option<NodeId>,

    pub role: Role,
    pub next_role: Role,
    pub running_on: Vec<NodeId>,
    pub known_on: Vec<NodeId>,
    pub allowed: Table,
    pub assigned: Option<NodeId>,
    /// What the assigned node was worth when it was chosen.
    pub assigned_score: i32,
    pub partial: Partial,
    pub dangling: Vec<NodeId>,
    pub pending: Pending,
    pub lock: Lock,

    pub this_with: Vec<ColocationId>,
    pub with_this: Vec<ColocationId>,
    pub locations: Vec<usize>,
    pub tickets: Vec<usize>,
    pub actions: Vec<ActionId>,
}

impl Resource<'_> {
    /// Whether it is a primitive.
    pub fn is_primitive(&self) -> bool {
        matches!(self.kind, Kind::Primitive)
    }
    /// Whether it is a group.
    pub fn is_group(&self) -> bool {
        matches!(self.kind, Kind::Group(_))
    }
    /// Whether it is a clone of whatever kind.
    pub fn is_clone(&self) -> bool {
        matches!(self.kind, Kind::Clone(_))
    }
    /// Whether it is a bundle.
    pub fn is_bundle(&self) -> bool {
        matches!(self.kind, Kind::Bundle(_))
    }
    /// Whether it is a promotable clone.
    pub fn is_promotable(&self) -> bool {
        matches!(&self.kind, Kind::Clone(c) if c.promotable)
    }
    /// Rank of the kind: bundle, clone, group, primitive, descending.
    pub fn rank(&self) -> u8 {
        match self.kind {
            Kind::Primitive => 0,
            Kind::Group(_) => 1,
            Kind::Clone(_) => 2,
            Kind::Bundle(_) => 3,
        }
    }
    /// What only clones have.
    pub fn clone_body(&self) -> Option<&CloneBodyOf<'_>> {
        match &self.kind {
            Kind::Clone(body) => Some(body),
            _ => None,
        }
    }
    /// What only bundles have.
    pub fn bundle(&self) -> Option<&BundleBody> {
        match &self.kind {
            Kind::Bundle(body) => Some(body),
            _ => None,
        }
    }
    /// Name in the history: the alternative name or the id.
    pub fn history_name(&self) -> &Text {
        self.alt_name.as_ref().unwrap_or(&self.id)
    }
}

/// Alias for signatures.
pub type CloneBodyOf<'a> = CloneBody<'a>;

/// An action.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Action<'a> {
    /// Number in the graph; 0 if it never goes there.
    pub id: u32,
    pub resource: Option<ResourceId>,
    pub node: Option<NodeId>,
    pub task: Text,
    pub key: Text,
    pub cancel_task: Option<Text>,
    pub interval: u32,
    pub op: Option<Element<'a>>,
    pub meta: Rc<Values>,
    pub extra: Rc<Values>,
    pub reason: Option<Text>,
    pub priority: i32,
    pub needs: Needs,
    pub on_fail: OnFail,
    pub fail_role: Role,

    pub optional: bool,
    pub runnable: bool,
    pub pseudo: bool,
    pub printed: bool,
    pub migratable: bool,
    pub needs_any: bool,
    pub reschedule: bool,
    pub dangling: bool,
    pub dc_allowed: bool,
    pub processed: bool,
    pub dumped: bool,
    pub deduplicated: bool,
    pub implied_by_fencing: bool,
    pub tracking: bool,
    pub blocked_dependents: bool,

    pub required_before: i32,
    pub runnable_before: i32,
    /// Orderings this action waits for; oldest first.
    pub before: Vec<LinkId>,
    /// Orderings that wait for this action; oldest first.
    pub after: Vec<LinkId>,
}

/// An ordering of two actions.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Link {
    pub first: ActionId,
    pub then: ActionId,
    pub order: Order,
    /// As it was made; stays when the link is dropped.
    pub made: Order,
    pub used: bool,
}

/// One side of an ordering constraint.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Side {
    pub resource: Option<ResourceId>,
    pub action: Option<ActionId>,
    pub task: Option<Text>,
}

/// An ordering between two sides, before it is resolved to actions.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Ordering {
    pub first: Side,
    pub then: Side,
    pub order: Order,
}

/// A colocation.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Colocation {
    pub id: Text,
    pub dependent: ResourceId,
    pub primary: ResourceId,
    pub dependent_role: Role,
    pub primary_role: Role,
    pub attribute: Option<Text>,
    pub score: i32,
    pub influence: bool,
}

/// A location constraint, its rule applied.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Location {
    pub id: Text,
    pub resource: ResourceId,
    pub role: Role,
    pub discovery: crate::scheduler::model::table::Discovery,
    pub nodes: Vec<(NodeId, i32)>,
}

/// What happens with a ticket's resources when it is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LossPolicy {
    Stop,
    Demote,
    Fence,
    Freeze,
}

/// A ticket.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Ticket {
    pub id: Text0,
    pub granted: bool,
    pub standby: bool,
    pub state: Values,
}

/// A resource that depends on a ticket.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct TicketConstraint {
    pub resource: ResourceId,
    pub ticket: usize,
    pub policy: LossPolicy,
    pub role: Role,
}

/// A failed entry of the history, kept for the report.
#[derive(Debug, Clone, Copy)]
pub struct FailedOp<'a> {
    /// The history entry.
    pub op: Element<'a>,
    /// Where.
    pub node: NodeId,
    /// Whose.
    pub resource: ResourceId,
}

/// Tables of everything; indices are the types of [`crate::scheduler::model::arena`].
pub struct Tables<'a> {
    /// Nodes.
    pub nodes: Arena<NodeId, Node>,
    /// Resources.
    pub resources: Arena<ResourceId, Resource<'a>>,
    /// Actions.
    pub actions: Arena<ActionId, Action<'a>>,
    /// Orderings between actions.
    pub links: Arena<LinkId, Link>,
    /// Colocations.
    pub colocations: Arena<ColocationId, Colocation>,
}
