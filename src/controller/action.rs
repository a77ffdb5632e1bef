//! One action of a transition graph, as far as the controller looks at it.

use std::time::Duration;

use super::transition::ActionNumber;
use crate::cib::{Document, Element, writer};
use crate::ids::NodeId;

/// Who carries it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nobody: others wait for it.
    Pseudo,
    /// The executor of a node.
    Resource,
    /// The controllers and the fencer.
    Cluster,
}

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Its number in the graph.
    pub number: ActionNumber,
    /// Who carries it out.
    pub kind: Kind,
    /// `start`, `stop`, `monitor`, `stonith`, `do_shutdown` …
    pub task: String,
    /// `db_start_0`.
    pub key: String,
    /// The node that it is about, by name, if any.
    pub on: Option<String>,
    /// Its number, if it is a member.
    pub node: Option<NodeId>,
    /// Its id in the CIB.
    pub on_uuid: Option<String>,
    /// The resource, as its history names it.
    pub resource: Option<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// In milliseconds, of recurring ones.
    pub interval_ms: u64,
    /// What the agent should say.
    pub expected: i32,
    /// What comes after it can be done though it failed.
    pub can_fail: bool,
    /// What its failure leads to: `ignore`, `block` …
    pub on_fail: Option<String>,
    /// `reboot`, `off`, `on` of fencing.
    pub fence_action: Option<String>,
    /// Ids of nodes that are down once it is done.
    pub downed: Vec<String>,
    /// The element, for the node that does it.
    pub xml: String,
}

impl Action {
    /// Reads an element of an action set; none if it has no number.
    pub(super) fn read(
        graph: &Document,
        element: Element<'_>,
        node_of: impl Fn(&str) -> Option<NodeId>,
    ) -> Option<Self> {
        let number = element.id()?.parse().ok()?;
        let attributes = element.child("attributes");
        let meta = |name: &str| attributes.and_then(|a| a.attr(name));
        let milliseconds = |name: &str| meta(name).and_then(|value| value.parse().ok());
        let kind = match element.name() {
            "pseudo_event" => Kind::Pseudo,
            "crm_event" => Kind::Cluster,
            _ => Kind::Resource,
        };
        let on = element.attr("on_node").map(str::to_owned);
        let downed = element.child("downed").into_iter();
        let downed = downed.flat_map(|downed| downed.children_named("node"));
        let primitive = element.child("primitive");
        let xml = match kind {
            Kind::Pseudo => String::new(),
            Kind::Resource | Kind::Cluster => writer::compact(graph, element.node()),
        };
        Some(Self {
            number,
            kind,
            task: element.attr("operation").unwrap_or("").to_owned(),
            key: element.attr("operation_key").unwrap_or("").to_owned(),
            node: on.as_deref().and_then(node_of),
            on,
            on_uuid: element.attr("on_node_uuid").map(str::to_owned),
            resource: primitive.and_then(Element::id).map(str::to_owned),
            timeout: Duration::from_millis(milliseconds("CRM_meta_timeout").unwrap_or(0)),
            interval_ms: milliseconds("CRM_meta_interval").unwrap_or(0),
            expected: meta("CRM_meta_op_target_rc")
                .and_then(|v| v.parse().ok())
                .unwrap_or(0),
            can_fail: meta("CRM_meta_can_fail") == Some("true"),
            on_fail: meta("CRM_meta_on_fail").map(str::to_owned),
            fence_action: meta("CRM_meta_stonith_action").map(str::to_owned),
            downed: downed
                .filter_map(|node| node.id().map(str::to_owned))
                .collect(),
            xml,
        })
    }

    /// True for the two halves of a live migration.
    pub fn is_migration(&self) -> bool {
        matches!(&*self.task, "migrate_to" | "migrate_from")
    }
}
