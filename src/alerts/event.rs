//! What alerts are told of, and in which variables.

use std::collections::BTreeSet;

use crate::cib::Element;

/// Which version of the original scripts may think they are called by.
const VERSION: &str = "2.1.5";

/// Something that is worth an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A node came or went; told on every node.
    Node {
        /// Its name.
        name: String,
        /// Its number.
        id: u32,
        /// It came.
        member: bool,
    },
    /// Fencing ended; told on every node.
    Fencing {
        /// The node that was to be fenced.
        target: String,
        /// `reboot`, `off`, `on`.
        task: String,
        /// All of it in a sentence.
        description: String,
        /// 0 if it was fenced.
        rc: i32,
    },
    /// An operation of a resource ended; told where it ran.
    Resource {
        /// The node where it ran.
        node: String,
        /// The resource.
        resource: String,
        /// `start`, `stop`, `monitor` …
        task: String,
        /// In milliseconds, of recurring ones.
        interval_ms: u64,
        /// What the agent should have said.
        target_rc: i32,
        /// How it was carried out.
        status: i32,
        /// What the agent said.
        rc: i32,
        /// The result in a word.
        description: String,
        /// How long it took.
        exec_ms: u64,
    },
    /// A transient attribute changed; told on the node that writes it.
    Attribute {
        /// Whose it is.
        node: String,
        /// The node's number.
        id: u32,
        /// Its name.
        name: String,
        /// None if it was removed.
        value: Option<String>,
    },
}

/// When something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970.
    pub unix_s: u64,
    /// Microseconds after that.
    pub micros: u32,
}

/// Of which events an alert is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    nodes: bool,
    fencing: bool,
    resources: bool,
    /// None for no attributes, an empty set for all.
    attributes: Option<BTreeSet<String>>,
}

impl Selection {
    /// Reads `<select>`; without one it is all but attributes.
    pub(super) fn of(select: Option<Element<'_>>) -> Self {
        let Some(select) = select else {
            return Self {
                nodes: true,
                fencing: true,
                resources: true,
                attributes: None,
            };
        };
        let attributes = select.child("select_attributes").map(|list| {
            let names = list.children_named("attribute");
            let names = names.filter_map(|attribute| attribute.attr("name"));
            names.map(str::to_owned).collect()
        });
        Self {
            nodes: select.child("select_nodes").is_some(),
            fencing: select.child("select_fencing").is_some(),
            resources: select.child("select_resources").is_some(),
            attributes,
        }
    }

    /// Whether an event is among them.
    pub(super) fn has(&self, event: &Event) -> bool {
        match event {
            Event::Node { .. } => self.nodes,
            Event::Fencing { .. } => self.fencing,
            Event::Resource { .. } => self.resources,
            Event::Attribute { name, .. } => self
                .attributes
                .as_ref()
                .is_some_and(|names| names.is_empty() || names.contains(name)),
        }
    }
}

impl Event {
    /// `node`, `fencing`, `resource`, `attribute`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Node { .. } => "node",
            Self::Fencing { .. } => "fencing",
            Self::Resource { .. } => "resource",
            Self::Attribute { .. } => "attribute",
        }
    }

    /// Names, without prefix, and values.
    pub(super) fn variables(&self, at: Moment) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("kind", self.kind().to_owned()),
            ("version", VERSION.to_owned()),
            ("timestamp_epoch", at.unix_s.to_string()),
            ("timestamp_usec", at.micros.to_string()),
        ];
        variables.extend(match self {
            Self::Node { name, id, member } => vec![
                ("node", name.clone()),
                ("nodeid", id.to_string()),
                ("desc", if *member { "member" } else { "lost" }.to_owned()),
            ],
            Self::Fencing {
                target,
                task,
                description,
                rc,
            } => vec![
                ("node", target.clone()),
                ("task", task.clone()),
                ("desc", description.clone()),
                ("rc", rc.to_string()),
            ],
            Self::Attribute {
                node,
                id,
                name,
                value,
            } => vec![
                ("node", node.clone()),
                ("nodeid", id.to_string()),
                ("attribute_name", name.clone()),
                ("attribute_value", value.clone().unwrap_or_default()),
            ],
            Self::Resource { .. } => self.of_resource(),
        });
        variables
    }

    fn of_resource(&self) -> Vec<(&'static str, String)> {
        let Self::Resource {
            node,
            resource,
            task,
            interval_ms,
            target_rc,
            status,
            rc,
            description,
            exec_ms,
        } = self
        else {
            return Vec::new();
        };
        vec![
            ("node", node.clone()),
            ("rsc", resource.clone()),
            ("task", task.clone()),
            ("interval", interval_ms.to_string()),
            ("target_rc", target_rc.to_string()),
            ("status", status.to_string()),
            ("rc", rc.to_string()),
            ("desc", description.clone()),
            ("exec_time", exec_ms.to_string()),
        ]
    }
}
