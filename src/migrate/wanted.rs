//! The configuration of the CRM that a plan wants, and its CIB.

use crate::cib::{Document, NodeRef, empty, writer};
use crate::ids::NodeName;

/// Schema of the CIB. Source: Pacemaker 2.1.5, the newest that it validates with
const SCHEMA: &str = "pacemaker-3.9";

/// What makes and watches a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Agent {
    pub(super) class: &'static str,
    pub(super) provider: Option<&'static str>,
    pub(super) kind: String,
}

impl Agent {
    pub(super) fn ocf(provider: &'static str, kind: &str) -> Self {
        Self {
            class: "ocf",
            provider: Some(provider),
            kind: kind.to_owned(),
        }
    }

    pub(super) fn of_class(class: &'static str, kind: &str) -> Self {
        Self {
            class,
            provider: None,
            kind: kind.to_owned(),
        }
    }
}

impl std::fmt::Display for Agent {
    /// As the crm shell writes it: `ocf:heartbeat:IPaddr2`, `lsb:nginx`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.provider {
            Some(provider) => write!(f, "{}:{provider}:{}", self.class, self.kind),
            None => write!(f, "{}:{}", self.class, self.kind),
        }
    }
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Primitive {
    pub(super) id: String,
    pub(super) agent: Agent,
    pub(super) params: Vec<(String, String)>,
    /// Interval and timeout of its monitor, if it has one. Units: seconds
    pub(super) monitor: Option<(u32, u32)>,
}

/// Resources that run together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) members: Vec<Primitive>,
    /// The preferred node, if the cluster has it.
    pub(super) node: Option<NodeName>,
}

/// A score for nodes by an attribute that a ping resource writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PingRule {
    /// Its value is the score.
    Value(String),
    /// A score if it is above zero.
    Positive(String),
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) nodes: Vec<(u32, NodeName)>,
    pub(super) options: Vec<(&'static str, String)>,
    pub(super) stickiness: u32,
    pub(super) groups: Vec<Group>,
    /// Each runs on all nodes.
    pub(super) clones: Vec<Primitive>,
    /// Fence devices, and the node that alone may use each.
    pub(super) devices: Vec<(Primitive, Option<NodeName>)>,
    pub(super) pings: Vec<PingRule>,
}

/// How much the preferred node is preferred.
pub(super) const PREFERENCE: u32 = 100;

/// What a pinged host is worth: more than any stickiness of a group.
pub(super) const PING_SCORE: u32 = 10_000;

/// When an action counts as failed: scripts of heartbeat could take their time. Units: seconds
pub(super) const TIMEOUT_S: u32 = 300;

impl Wanted {
    /// The CIB as a file.
    pub(super) fn cib(&self) -> Document {
        let mut out = Builder {
            doc: empty::document(SCHEMA, 1),
        };
        out.options(self);
        for (id, name) in &self.nodes {
            let id = id.to_string();
            let nodes = out.section("nodes");
            let attrs = [("id", id.as_str()), ("uname", name.as_str())];
            out.doc.add_element(nodes, "node", &attrs);
        }
        let resources = out.section("resources");
        for group in &self.groups {
            let at = out
                .doc
                .add_element(resources, "group", &[("id", &group.id)]);
            group.members.iter().for_each(|m| out.primitive(at, m));
        }
        for primitive in &self.clones {
            let id = format!("{}-clone", primitive.id);
            let at = out.doc.add_element(resources, "clone", &[("id", &id)]);
            out.primitive(at, primitive);
        }
        for (device, _) in &self.devices {
            out.primitive(resources, device);
        }
        out.constraints(self);
        out.doc
    }
}

/// The text of a CIB file.
pub(super) fn text(doc: &Document) -> String {
    writer::pretty(doc, doc.root())
}

struct Builder {
    doc: Document,
}

impl Builder {
    fn section(&mut self, name: &str) -> NodeRef {
        let root = self.doc.root();
        let configuration = self.child(root, "configuration");
        self.child(configuration, name)
    }

    fn child(&mut self, parent: NodeRef, name: &str) -> NodeRef {
        let mut next = self.doc.first_node(parent);
        while let Some(node) = next {
            if self.doc.name(node) == name {
                return node;
            }
            next = self.doc.next_node(node);
        }
        self.doc.add_element(parent, name, &[])
    }

    fn pairs(&mut self, parent: NodeRef, set: &str, id: &str, pairs: &[(&str, &str)]) {
        let set = self.doc.add_element(parent, set, &[("id", id)]);
        for (name, value) in pairs {
            let id = format!("{id}-{name}");
            let attrs = [("id", id.as_str()), ("name", name), ("value", value)];
            self.doc.add_element(set, "nvpair", &attrs);
        }
    }

    fn options(&mut self, wanted: &Wanted) {
        let options = self.section("crm_config");
        let pairs: Vec<_> = wanted
            .options
            .iter()
            .map(|(n, v)| (*n, v.as_str()))
            .collect();
        self.pairs(
            options,
            "cluster_property_set",
            "cib-bootstrap-options",
            &pairs,
        );
        let root = self.doc.root();
        let configuration = self.child(root, "configuration");
        let defaults = self.child(configuration, "rsc_defaults");
        let stickiness = wanted.stickiness.to_string();
        let pairs = [("resource-stickiness", stickiness.as_str())];
        self.pairs(defaults, "meta_attributes", "rsc-options", &pairs);
        let defaults = self.child(configuration, "op_defaults");
        let timeout = format!("{TIMEOUT_S}s");
        let pairs = [("timeout", timeout.as_str())];
        self.pairs(defaults, "meta_attributes", "op-options", &pairs);
    }

    fn primitive(&mut self, parent: NodeRef, wanted: &Primitive) {
        let agent = &wanted.agent;
        let mut attrs = vec![("id", wanted.id.as_str()), ("class", agent.class)];
        attrs.extend(agent.provider.map(|p| ("provider", p)));
        attrs.push(("type", &agent.kind));
        let at = self.doc.add_element(parent, "primitive", &attrs);
        if !wanted.params.is_empty() {
            let id = format!("{}-params", wanted.id);
            let pairs: Vec<_> = wanted.params.iter().map(|(n, v)| (&**n, &**v)).collect();
            self.pairs(at, "instance_attributes", &id, &pairs);
        }
        if let Some((interval, timeout)) = wanted.monitor {
            let operations = self.doc.add_element(at, "operations", &[]);
            let (interval, timeout) = (format!("{interval}s"), format!("{timeout}s"));
            let id = format!("{}-monitor-{interval}", wanted.id);
            let attrs = [
                ("id", id.as_str()),
                ("name", "monitor"),
                ("interval", &interval),
                ("timeout", &timeout),
            ];
            self.doc.add_element(operations, "op", &attrs);
        }
    }

    fn constraints(&mut self, wanted: &Wanted) {
        let at = self.section("constraints");
        for group in &wanted.groups {
            if let Some(node) = &group.node {
                self.prefers(at, &group.id, &PREFERENCE.to_string(), node);
            }
            for ping in &wanted.pings {
                self.connected(at, &group.id, ping);
            }
        }
        for (device, node) in &wanted.devices {
            if let Some(node) = node {
                self.prefers(at, &device.id, "INFINITY", node);
                for (_, other) in wanted.nodes.iter().filter(|(_, n)| n != node) {
                    self.avoids(at, &device.id, other);
                }
            }
        }
    }

    fn prefers(&mut self, at: NodeRef, resource: &str, score: &str, node: &NodeName) {
        let id = prefers_id(resource);
        self.location(at, [&id, resource, score, node.as_str()]);
    }

    fn avoids(&mut self, at: NodeRef, resource: &str, node: &NodeName) {
        let id = avoids_id(resource, node);
        self.location(at, [&id, resource, "-INFINITY", node.as_str()]);
    }

    fn location(&mut self, at: NodeRef, [id, resource, score, node]: [&str; 4]) {
        let attrs = [
            ("id", id),
            ("rsc", resource),
            ("score", score),
            ("node", node),
        ];
        self.doc.add_element(at, "rsc_location", &attrs);
    }

    fn connected(&mut self, at: NodeRef, resource: &str, ping: &PingRule) {
        let (attribute, operation) = match ping {
            PingRule::Value(name) => (name, "defined"),
            PingRule::Positive(name) => (name, "gt"),
        };
        let id = connected_id(resource, attribute);
        let (rule_id, expression_id) = (format!("{id}-rule"), format!("{id}-expression"));
        let attrs = [("id", id.as_str()), ("rsc", resource)];
        let location = self.doc.add_element(at, "rsc_location", &attrs);
        let score = PING_SCORE.to_string();
        let score = match ping {
            PingRule::Value(name) => ("score-attribute", name.as_str()),
            PingRule::Positive(_) => ("score", score.as_str()),
        };
        let rule = self
            .doc
            .add_element(location, "rule", &[("id", &rule_id), score]);
        let mut attrs = vec![
            ("id", expression_id.as_str()),
            ("attribute", attribute),
            ("operation", operation),
        ];
        if operation == "gt" {
            attrs.extend([("value", "0"), ("type", "number")]);
        }
        self.doc.add_element(rule, "expression", &attrs);
    }
}

pub(super) fn prefers_id(resource: &str) -> String {
    format!("{resource}-prefers")
}

pub(super) fn avoids_id(resource: &str, node: &NodeName) -> String {
    format!("{resource}-not-{node}")
}

pub(super) fn connected_id(resource: &str, attribute: &str) -> String {
    format!("{resource}-by-{attribute}")
}
