//! What of the status is shown, and how.

use std::collections::BTreeSet;

use crate::scheduler::model::Kind;
use crate::scheduler::model::arena::ResourceId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::text::base_name;

/// Parts of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Section {
    Stack,
    Dc,
    Times,
    Counts,
    Options,
    MaintMode,
    Nodes,
    Resources,
    Attributes,
    Failcounts,
    Operations,
    Failures,
    Tickets,
    Bans,
    FencingFailed,
    FencingPending,
    FencingSucceeded,
}

/// Names that are looked for; none stands for all.
pub type Names = Option<Vec<String>>;

/// What is shown, and how.
#[derive(Debug, Clone, Default)]
pub struct Show {
    /// Parts.
    pub sections: BTreeSet<Section>,
    /// Resources stand under their nodes.
    pub by_node: bool,
    /// What is written stands under its node.
    pub under_node: bool,
    /// Resources are counted by kind.
    pub brief: bool,
    /// What isn't active is shown too.
    pub inactive: bool,
    /// Ids of nodes, each instance, what bundles are made of.
    pub detail: bool,
    /// Names of guest nodes with that of their host.
    pub hosts: bool,
    /// Times of operations.
    pub timing: bool,
    /// Primitives are shown without their nodes, and with their descriptions.
    pub placeless: bool,
    /// Pages are HTML.
    pub html: bool,
    /// The nodes that are shown.
    pub nodes: Names,
    /// The resources that are shown.
    pub resources: Names,
    /// How ids of bans begin.
    pub ban_prefix: Option<String>,
}

impl Show {
    /// Whether a section is shown.
    pub fn has(&self, section: Section) -> bool {
        self.sections.contains(&section)
    }

    /// Whether a node is shown.
    pub(super) fn node(&self, name: &str) -> bool {
        let nodes = self.nodes.as_ref();
        nodes.is_none_or(|all| all.iter().any(|n| n.eq_ignore_ascii_case(name)))
    }

    /// Whether the resource of a name is shown.
    pub(super) fn named(&self, name: &str) -> bool {
        let resources = self.resources.as_ref();
        resources.is_none_or(|all| all.iter().any(|n| n == name))
    }

    /// The same for all resources.
    pub(super) fn all_resources(&self) -> Self {
        let mut show = self.clone();
        show.resources = None;
        show
    }
}

impl Cluster<'_> {
    /// The nodes that an option names: one, or all of a tag.
    pub fn nodes_for(&self, name: &str) -> Vec<String> {
        if let Some(node) = self.node_named(name) {
            return vec![self.nodes[node].name.to_string()];
        }
        let members = self.tag_members(name);
        let known = members.into_iter().filter(|m| self.node_named(m).is_some());
        known.collect()
    }

    /// The resources that an option names: one, or all of a tag.
    pub fn resources_for(&self, name: &str) -> Vec<String> {
        // An instance that never ran has its number only.
        let instance = || self.resource_named(&format!("{name}:0"));
        if let Some(resource) = self.resource_named(name).or_else(instance) {
            let id = match name.contains(':') {
                true => self.resources[resource].id.to_string(),
                false => self.printable_id(resource).to_owned(),
            };
            return vec![id];
        }
        let members = self.tag_members(name);
        let known = members.iter().filter_map(|m| self.resource_named(m));
        known.map(|r| self.printable_id(r).to_owned()).collect()
    }

    fn tag_members(&self, name: &str) -> Vec<String> {
        let tags = self.configuration("tags");
        let tags = tags.into_iter().flat_map(|tags| tags.children_named("tag"));
        let mut tags = tags;
        let tag = tags.find(|tag| tag.id() == Some(name));
        let refs = tag
            .into_iter()
            .flat_map(|tag| tag.children_named("obj_ref"));
        refs.filter_map(|r| r.id()).map(str::to_owned).collect()
    }

    /// Whether a resource is left out; what is around it counts if `parents`.
    pub(super) fn filtered(&self, show: &Show, resource: ResourceId, parents: bool) -> bool {
        if show.resources.is_none() {
            return false;
        }
        let r = &self.resources[resource];
        if show.named(self.printable_id(resource)) || show.named(&r.id) {
            return false;
        }
        match &r.kind {
            Kind::Primitive => {
                let top = self.outermost(resource);
                !parents || top == resource || self.filtered(show, top, false)
            }
            Kind::Bundle(bundle) => bundle.replicas.iter().all(|replica| {
                let parts = [
                    replica.ip,
                    replica.child,
                    Some(replica.container),
                    replica.remote,
                ];
                parts
                    .into_iter()
                    .flatten()
                    .all(|p| self.filtered(show, p, false))
            }),
            _ => {
                let parent = r.parent.filter(|_| parents && r.is_group());
                let by_parent = parent.is_some_and(|p| {
                    show.named(base_name(&self.resources[p].id)) || show.named(self.printable_id(p))
                });
                !by_parent && r.children.iter().all(|&c| self.filtered(show, c, false))
            }
        }
    }

    /// Whether a resource itself is named, or none is.
    pub(super) fn passes(&self, show: &Show, resource: ResourceId) -> bool {
        let id = &self.resources[resource].id;
        show.named(self.printable_id(resource)) || (id.contains(':') && show.named(id))
    }

    /// Whether a member of a group is left out.
    pub(super) fn member_skipped(&self, show: &Show, member: ResourceId, passes: bool) -> bool {
        let filtered = self.filtered(show, member, false);
        if show.resources.is_some() && !filtered {
            return false;
        }
        let shown = self.active(member, false) || show.inactive;
        !shown || (filtered && !passes)
    }

    /// Whether a resource is on one of the nodes that are shown.
    pub(super) fn on_shown_node(&self, show: &Show, resource: ResourceId) -> bool {
        let mut nodes = self.resources[resource].running_on.iter();
        nodes.any(|&n| show.node(&self.nodes[n].name))
    }
}
