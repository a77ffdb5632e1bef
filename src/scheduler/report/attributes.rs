//! Attributes of nodes that an administrator may want to see.

use super::page::{Entry, Span};
use super::show::Show;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::score;

/// How the names of attributes begin that the cluster has for itself.
const HIDDEN: [&str; 6] = [
    "fail-count",
    "last-failure",
    "shutdown",
    "terminate",
    "standby",
    "#",
];

/// An attribute of a node.
pub(super) struct Attribute {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What it should be if all hosts can be reached, where a resource sets it that counts them.
    pub expected: Option<i64>,
}

impl Cluster<'_> {
    /// The attributes of a node that are shown, by name.
    pub(super) fn shown_attributes(&mut self, node: NodeId) -> Vec<Attribute> {
        let attrs = self.nodes[node].attrs.clone();
        let shown = attrs.iter();
        let shown = shown.filter(|(name, _)| !HIDDEN.iter().any(|h| name.starts_with(h)));
        let running = self.nodes[node].running.clone();
        shown
            .map(|(name, value)| Attribute {
                name: name.to_string(),
                value: value.to_string(),
                expected: running.iter().find_map(|&r| self.expected(r, node, name)),
            })
            .collect()
    }

    /// What a resource that counts reachable hosts would set an attribute to at best.
    fn expected(&mut self, resource: ResourceId, node: NodeId, name: &str) -> Option<i64> {
        for child in self.resources[resource].children.clone() {
            if let Some(expected) = self.expected(child, node, name) {
                return Some(expected);
            }
        }
        if !["ping", "pingd"]
            .iter()
            .any(|a| a.eq_ignore_ascii_case(self.resources[resource].agent))
        {
            return None;
        }
        let params = self.params(resource, Some(node));
        let set = params.get("name").map_or("pingd", |name| name);
        if !set.eq_ignore_ascii_case(name) {
            return None;
        }
        let hosts = params
            .get("host_list")
            .map_or(0, |list| list.split_whitespace().count());
        let each = params
            .get("multiplier")
            .and_then(|m| score::leading_integer(m));
        Some(
            each.unwrap_or(1)
                .saturating_mul(i64::try_from(hosts).unwrap_or(0)),
        )
    }

    /// All nodes with attributes.
    pub(super) fn attribute_entries(&mut self, show: &Show) -> Vec<Entry> {
        let mut out = Vec::new();
        for node in self.node_order.clone() {
            let n = &self.nodes[node];
            if !n.online || !show.node(&n.name) {
                continue;
            }
            let attributes = self.shown_attributes(node);
            if attributes.is_empty() {
                continue;
            }
            let below = attributes.iter().map(|a| attribute_entry(show, a));
            let title = self.node_heading(show, node);
            out.push(Entry::List(title, below.collect()));
        }
        out
    }

    /// The title above what belongs to a node.
    pub(super) fn node_heading(&self, show: &Show, node: NodeId) -> String {
        let name = self.display_name(show, node);
        match show.html {
            true => format!("{name}:"),
            false => format!("Node: {name}"),
        }
    }
}

fn attribute_entry(show: &Show, attribute: &Attribute) -> Entry {
    let Attribute {
        name,
        value,
        expected,
    } = attribute;
    let reached = score::leading_integer(value).unwrap_or(0);
    if show.html {
        return attribute_html(attribute, reached);
    }
    let note = match expected {
        Some(_) if reached <= 0 => Some("Connectivity is lost".to_owned()),
        Some(all) if reached < *all => Some(format!("Connectivity is degraded (Expected={all})")),
        _ => None,
    };
    let mut line = format!("{name:<32}\t: {value:<10}");
    if let Some(note) = note {
        line.push_str(&format!("\t: {note}"));
    }
    Entry::Line(line)
}

fn attribute_html(attribute: &Attribute, reached: i64) -> Entry {
    let plain = format!("{}: {}", attribute.name, attribute.value);
    let Some(expected) = attribute.expected else {
        return Entry::Line(plain);
    };
    let mut spans = vec![Span::plain(plain)];
    if reached <= 0 {
        spans.push(Span::of("bold", "(connectivity is lost)"));
    } else if reached < expected {
        // The original doesn't close the bracket.
        let note = format!("(connectivity is degraded -- expected {expected}");
        spans.push(Span::of("bold", note));
    }
    Entry::Spans(spans)
}
