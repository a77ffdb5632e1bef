//! Where an attribute is in the CIB.

use crate::cib::{Document, NodeRef};

/// A section with the sets of attributes in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Name of the section, as it is printed.
    pub(super) section: String,
    /// Id of the node, where the section has attributes of nodes.
    pub(super) node: Option<String>,
    /// Whether it is a utilization attribute.
    pub(super) utilization: bool,
}

impl Place {
    /// Whether the cluster knows such a section.
    pub(super) fn is_known(&self) -> bool {
        matches!(
            &*self.section,
            "crm_config" | "rsc_defaults" | "op_defaults" | "tickets" | "nodes" | "status"
        )
    }

    /// The element that a set of attributes is.
    pub(super) fn set_element(&self) -> &'static str {
        match &*self.section {
            "crm_config" => "cluster_property_set",
            "rsc_defaults" | "op_defaults" => "meta_attributes",
            _ if self.utilization => "utilization",
            _ => "instance_attributes",
        }
    }

    /// The id of a set that is made.
    pub(super) fn default_set(&self) -> String {
        match (&*self.section, &self.node) {
            ("crm_config", _) => "cib-bootstrap-options".to_owned(),
            ("tickets", _) => "status-tickets".to_owned(),
            (section, Some(node)) if self.utilization => format!("{section}-{node}-utilization"),
            (section, Some(node)) => format!("{section}-{node}"),
            (section, None) => format!("{section}-options"),
        }
    }

    /// The elements that sets stand in, as they would have to be written.
    pub(super) fn holder(&self) -> Vec<(&'static str, Option<String>)> {
        let node = self.node.clone();
        match &*self.section {
            "nodes" => vec![("nodes", None), ("node", node)],
            "status" => vec![
                ("status", None),
                ("node_state", node.clone()),
                ("transient_attributes", node),
            ],
            "tickets" => vec![("status", None), ("tickets", None)],
            "rsc_defaults" => vec![("rsc_defaults", None)],
            "op_defaults" => vec![("op_defaults", None)],
            _ => vec![("crm_config", None)],
        }
    }

    /// All attributes that are there: their elements and the sets they are in, in order.
    pub(super) fn attributes(&self, doc: &Document) -> Vec<(NodeRef, NodeRef)> {
        let root = doc.root();
        let top = match &*self.section {
            "status" | "tickets" => Some(root),
            _ => doc.child(root, "configuration"),
        };
        let mut at: Vec<NodeRef> = top.into_iter().collect();
        for (name, id) in self.holder() {
            // In old documents these have ids of their own.
            let id = id.filter(|_| name != "transient_attributes");
            let inside = |node: &NodeRef| {
                let of: Vec<NodeRef> = doc.children_named(*node, name).collect();
                of.into_iter()
                    .filter(|&e| id.is_none() || doc.id(e) == id.as_deref())
            };
            at = at.iter().flat_map(inside).collect();
        }
        let element = self.set_element();
        let sets = at
            .iter()
            .flat_map(|&holder| doc.children_named(holder, element));
        let pairs = sets.flat_map(|set| {
            let inside = doc.descendants(set).filter(|&e| doc.name(e) == "nvpair");
            inside.map(move |pair| (pair, set))
        });
        pairs.collect()
    }
}
