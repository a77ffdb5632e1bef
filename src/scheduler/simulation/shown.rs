//! What a simulated run tells, item by item: as a line of text, or as an element of XML.
//! Source: Pacemaker 2.1.5, `lib/pacemaker/pcmk_output.c`.

use crate::scheduler::model::Text;
use crate::scheduler::report::Xml;
use crate::scheduler::score;

/// A change that is made before the cluster reacts, or something that is done in a transition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Item {
    Quorum(String),
    Watchdog(String),
    /// The action is Online, Offline or Failing.
    Node {
        action: &'static str,
        node: String,
    },
    /// The action is Granting, Revoking, Standby or Activating.
    Ticket {
        action: &'static str,
        ticket: String,
    },
    /// A result of an operation, as it was given.
    Operation(String),
    /// A transient attribute; the node is told by its id.
    Attribute {
        name: String,
        value: String,
        node: String,
    },
    Pseudo {
        task: String,
        node: Option<String>,
    },
    Cluster {
        task: String,
        of: Option<String>,
        node: String,
    },
    Fencing {
        target: String,
        operation: String,
    },
    /// The interval is in milliseconds.
    Resource {
        resource: String,
        operation: String,
        node: String,
        interval: u32,
    },
    /// A remark, without a bullet.
    Note(String),
}

impl Item {
    /// As a line, without its bullet.
    pub fn text(&self) -> String {
        match self {
            Self::Quorum(value) => format!("Setting quorum: {value}"),
            Self::Watchdog(value) => format!("Setting watchdog: {value}"),
            Self::Node { action, node } => match *action {
                "Online" => format!("Bringing node {node} online"),
                "Offline" => format!("Taking node {node} offline"),
                _ => format!("{action} node {node}"),
            },
            Self::Ticket { action, ticket } => match *action {
                "Standby" => format!("Making ticket {ticket} standby"),
                _ => format!("{action} ticket {ticket}"),
            },
            Self::Operation(spec) => format!("Injecting {spec} into the configuration"),
            Self::Attribute { name, value, node } => {
                format!("Injecting attribute {name}={value} into /node_state '{node}'")
            }
            Self::Pseudo { task, node } => {
                let place = node.as_ref().map(|node| format!(" on {node}"));
                format!("Pseudo action:   {task}{}", place.unwrap_or_default())
            }
            Self::Cluster { task, of, node } => {
                let of = of.as_ref().map(|of| format!(" for {of}"));
                format!(
                    "Cluster action:  {task}{} on {node}",
                    of.unwrap_or_default()
                )
            }
            Self::Fencing { target, operation } => format!("Fencing {target} ({operation})"),
            Self::Resource {
                resource,
                operation,
                node,
                interval,
            } => {
                let every = match interval {
                    0 => String::new(),
                    interval => format!("={interval}"),
                };
                format!("Resource action: {resource:<15} {operation}{every} on {node}")
            }
            Self::Note(text) => text.clone(),
        }
    }

    /// As an element; quorum and watchdog are attributes of what is around it.
    pub fn xml(&self, out: &mut Xml) {
        match self {
            Self::Quorum(value) => {
                out.attr("quorum", value);
                return;
            }
            Self::Watchdog(value) => {
                out.attr("watchdog", value);
                return;
            }
            Self::Note(_) => return,
            Self::Node { action, node } => {
                out.start("modify_node").attr("action", action);
                out.attr("node", node);
            }
            Self::Ticket { action, ticket } => {
                out.start("modify_ticket").attr("action", action);
                out.attr("ticket", ticket);
            }
            Self::Operation(spec) => {
                out.start("inject_spec").attr("spec", spec);
            }
            Self::Attribute { name, value, node } => {
                out.start("inject_attr").attr("name", name);
                out.attr("value", value).attr("node_path", "/node_state");
                out.attr("cib_node", node);
            }
            Self::Pseudo { task, node } => {
                out.start("pseudo_action").attr("task", task);
                out.maybe("node", node.as_ref());
            }
            Self::Cluster { task, of, node } => {
                out.start("cluster_action").attr("task", task);
                out.attr("node", node).maybe("id", of.as_ref());
            }
            Self::Fencing { target, operation } => {
                out.start("fencing_action").attr("target", target);
                out.attr("op", operation);
            }
            Self::Resource {
                resource,
                operation,
                node,
                interval,
            } => {
                out.start("rsc_action").attr("resource", resource);
                out.attr("op", operation).attr("node", node);
                out.maybe("interval", Some(interval).filter(|i| **i > 0));
            }
        }
        out.end();
    }
}

/// An item of the list of scores and capacities, as it comes up while resources are placed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Score {
    /// The function is the original's, which scripts know.
    Weight {
        function: &'static str,
        resource: Text,
        node: Text,
        score: i32,
    },
    Promotion {
        resource: String,
        node: Option<String>,
        score: String,
    },
    /// What a node has room for; the comment is Original or Remaining.
    Capacity {
        comment: String,
        node: String,
        amounts: Vec<(String, i64)>,
    },
    /// What a resource takes of its node.
    Utilization {
        resource: String,
        node: String,
        amounts: Vec<(String, i64)>,
    },
    /// A remark, without a bullet.
    Note(String),
}

/// The function that the original names with what a resource takes.
const TAKING: &str = "pcmk__finalize_assignment";

impl Score {
    /// Whether it is about capacities.
    pub fn of_load(&self) -> bool {
        matches!(self, Self::Capacity { .. } | Self::Utilization { .. })
    }

    /// As a line, without its bullet.
    pub fn text(&self) -> String {
        let list = |amounts: &[(String, i64)]| {
            let all = amounts.iter().map(|(name, n)| format!(" {name}={n}"));
            all.collect::<String>()
        };
        match self {
            Self::Weight {
                function,
                resource,
                node,
                score,
            } => {
                let score = score::text(*score);
                format!("{function}: {resource} allocation score on {node}: {score}")
            }
            Self::Promotion {
                resource,
                node,
                score,
            } => {
                let place = node.as_deref().unwrap_or("none");
                format!("{resource} promotion score on {place}: {score}")
            }
            Self::Capacity {
                comment,
                node,
                amounts,
            } => format!("{comment}: {node} capacity:{}", list(amounts)),
            Self::Utilization {
                resource,
                node,
                amounts,
            } => format!(
                "{TAKING}: {resource} utilization on {node}:{}",
                list(amounts)
            ),
            Self::Note(text) => text.clone(),
        }
    }

    /// As an element.
    pub fn xml(&self, out: &mut Xml) {
        match self {
            Self::Note(_) => return,
            Self::Weight {
                function,
                resource,
                node,
                score,
            } => {
                out.start("node_weight").attr("function", function);
                out.attr("node", node).attr("score", score::text(*score));
                out.attr("id", resource);
            }
            Self::Promotion {
                resource,
                node,
                score,
            } => {
                out.start("promotion_score").attr("id", resource);
                out.attr("score", score).maybe("node", node.as_ref());
            }
            Self::Capacity {
                comment,
                node,
                amounts,
            } => {
                out.start("capacity").attr("node", node);
                out.attr("comment", comment);
                loads(out, amounts);
            }
            Self::Utilization {
                resource,
                node,
                amounts,
            } => {
                out.start("utilization").attr("resource", resource);
                out.attr("node", node).attr("function", TAKING);
                loads(out, amounts);
            }
        }
        out.end();
    }
}

fn loads(out: &mut Xml, amounts: &[(String, i64)]) {
    for (name, amount) in amounts {
        out.leaf(name, &amount.to_string());
    }
}
