//! Nodes: those that are well in lists, the others in lines of their own.

use super::page::{Entry, Span};
use super::show::Show;
use crate::scheduler::model::arena::NodeId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::score;

/// Feature set of a node that is too old to tell it.
const OLD_FEATURE_SET: &str = "<3.15.1";

impl Cluster<'_> {
    /// All nodes that are shown.
    pub(in super::super) fn node_entries(&self, show: &Show) -> Vec<Entry> {
        let mut out = Vec::new();
        let mut lists: [(&str, Vec<&str>); 5] = [
            ("Online", Vec::new()),
            ("OFFLINE", Vec::new()),
            ("RemoteOnline", Vec::new()),
            ("RemoteOFFLINE", Vec::new()),
            ("GuestOnline", Vec::new()),
        ];
        for &node in &self.node_order {
            let n = &self.nodes[node];
            if !show.node(&n.name) {
                continue;
            }
            if show.html {
                out.extend(self.node_html(show, node));
                continue;
            }
            let odd = n.unclean || n.pending || n.standby || n.maintenance;
            let odd = odd || (n.standby_on_fail && n.online);
            let in_full = show.by_node || show.detail;
            if odd || in_full || self.health_text(node).is_some() {
                out.extend(self.node_entry(show, node));
                continue;
            }
            let list = match (self.is_guest(node), self.is_remote(node), n.online) {
                (true, _, true) => 4,
                (true, _, false) => continue,
                (_, true, true) => 2,
                (_, true, false) => 3,
                (_, _, true) => 0,
                (_, _, false) => 1,
            };
            lists[list].1.push(&n.name);
        }
        for (title, names) in &lists {
            out.extend(names_entry(title, names));
        }
        out
    }

    /// A node in full; none if there is nothing to say.
    fn node_entry(&self, show: &Show, node: NodeId) -> Option<Entry> {
        let mut text = format!("{}: {}", self.node_title(show, node), self.node_state(node));
        text.push_str(self.health_text(node).unwrap_or(""));
        if let Some(set) = self.feature_set(node).filter(|_| show.detail) {
            text.push_str(&format!(", feature set {set}"));
        }
        if !show.by_node {
            return Some(Entry::Line(text));
        }
        let below = self.entries_on(show, node)?;
        Some(Entry::List(
            text,
            vec![Entry::List("Resources".to_owned(), below)],
        ))
    }

    /// What runs on a node; none if a brief list has nothing to count.
    fn entries_on(&self, show: &Show, node: NodeId) -> Option<Vec<Entry>> {
        let running = &self.nodes[node].running;
        let show = &Show {
            under_node: true,
            ..show.clone()
        };
        if show.brief {
            let shown = running.iter().copied();
            let shown: Vec<_> = shown.filter(|&r| !self.filtered(show, r, true)).collect();
            return (!shown.is_empty()).then(|| self.brief_entries(show, &shown));
        }
        let mut below = Vec::new();
        for &resource in running {
            self.resource_entries(&mut below, show, resource);
        }
        Some(below)
    }

    fn node_html(&self, show: &Show, node: NodeId) -> Option<Entry> {
        let title = format!("{}:", self.display_name(show, node));
        let mut spans = match show.by_node {
            true => vec![Span::plain("Status:")],
            false => vec![Span::of("bold", title.clone())],
        };
        spans.extend(self.node_spans(node));
        if let Some(set) = self.feature_set(node).filter(|_| show.detail) {
            spans.push(Span::plain(format!(", feature set {set}")));
        }
        if !show.by_node {
            return Some(Entry::Spans(spans));
        }
        let below = self.entries_on(show, node)?;
        Some(Entry::Status(title, spans, below))
    }

    fn node_spans(&self, node: NodeId) -> Vec<Span> {
        let n = &self.nodes[node];
        let mut spans = vec![match n.online {
            true => Span::of("online", " online"),
            false => Span::of("offline", " OFFLINE"),
        }];
        let standby = match (
            n.standby_on_fail && n.online,
            n.standby,
            n.running.is_empty(),
        ) {
            (true, _, _) => Some(" (in standby due to on-fail)"),
            (_, true, false) if n.online => Some(" (in standby, with active resources)"),
            (_, true, _) => Some(" (in standby)"),
            _ => None,
        };
        spans.extend(standby.map(|text| Span::of("standby", text)));
        if n.maintenance {
            spans.push(Span::of("maint", " (in maintenance mode)"));
        }
        match self.health_text(node) {
            Some(text) if text.contains("RED") => spans.push(Span::of("health_red", text)),
            Some(text) => spans.push(Span::of("health_yellow", text)),
            None => {}
        }
        spans
    }

    /// The name of a node; with its host and its id where both are asked for.
    pub(super) fn display_name(&self, show: &Show, node: NodeId) -> String {
        let n = &self.nodes[node];
        let mut name = n.name.to_string();
        if self.is_guest(node) && (show.hosts || show.detail) {
            let host = self.container_of(node).and_then(|c| self.current_node(c));
            let host = host.map_or("", |h| &*self.nodes[h].name);
            name.push_str(&format!("@{host}"));
        }
        if show.detail && !n.name.eq_ignore_ascii_case(&n.id) {
            name.push_str(&format!(" ({})", n.id));
        }
        name
    }

    fn node_title(&self, show: &Show, node: NodeId) -> String {
        let kind = match (self.is_guest(node), self.is_remote(node)) {
            (true, _) => "GuestNode",
            (_, true) => "RemoteNode",
            _ => "Node",
        };
        format!("{kind} {}", self.display_name(show, node))
    }

    /// What a node's controller can do; none if that isn't known.
    pub(super) fn feature_set(&self, node: NodeId) -> Option<&str> {
        let n = &self.nodes[node];
        let known = n.online && !self.is_remote_kind(node);
        known.then(|| {
            n.attrs
                .get("#feature-set")
                .map_or(OLD_FEATURE_SET, |set| set)
        })
    }

    /// The worst colour of a node's health as a sign: red is below 0, green above.
    pub(super) fn health_sign(&self, node: NodeId) -> i32 {
        if !self.health.active {
            return 1;
        }
        let attrs = self.nodes[node].attrs.iter();
        let values = attrs.filter(|(name, _)| name.starts_with("#health"));
        let colours = self.health.colours;
        // Two colours may be worth the same: then only their names tell them apart.
        let signs = values.map(|(_, value)| match value.to_ascii_lowercase().as_str() {
            "red" => -1,
            "yellow" => 0,
            _ => match score::parse(Some(value), colours) {
                score if score <= colours.red => -1,
                score if score <= colours.yellow && colours.yellow != colours.green => 0,
                _ => 1,
            },
        });
        signs.min().unwrap_or(1)
    }

    fn health_text(&self, node: NodeId) -> Option<&'static str> {
        match self.health_sign(node) {
            -1 => Some(" (health is RED)"),
            0 => Some(" (health is YELLOW)"),
            _ => None,
        }
    }

    fn node_state(&self, node: NodeId) -> &'static str {
        let n = &self.nodes[node];
        let pick = |online: &'static str, offline: &'static str| {
            if n.online { online } else { offline }
        };
        if n.unclean && n.online {
            "UNCLEAN (online)"
        } else if n.unclean && n.pending {
            "UNCLEAN (pending)"
        } else if n.unclean {
            "UNCLEAN (offline)"
        } else if n.pending {
            "pending"
        } else if n.standby_on_fail && n.online {
            "standby (on-fail)"
        } else if n.standby {
            let active = match n.running.is_empty() {
                true => "standby",
                false => "standby (with active resources)",
            };
            pick(active, "OFFLINE (standby)")
        } else if n.maintenance {
            pick("maintenance", "OFFLINE (maintenance)")
        } else {
            pick("online", "OFFLINE")
        }
    }
}

/// A list of names in one line; none if it is empty.
pub(super) fn names_entry(title: &str, names: &[&str]) -> Option<Entry> {
    let line = || Entry::Line(format!("{title}: [ {} ]", names.join(" ")));
    (!names.is_empty()).then(line)
}
