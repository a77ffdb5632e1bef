//! What a transition does, in one line for each node and resource.
//! Source: Pacemaker 2.1.5, `pcmk__output_actions`, `rsc_action_item`.

use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::*;
use crate::scheduler::report::Xml;

/// One line of the summary.
#[derive(Debug)]
pub struct Summed {
    /// The line, without its bullet.
    pub line: String,
    /// The element of XML and its attributes.
    element: &'static str,
    attrs: Vec<(&'static str, String)>,
}

impl Summed {
    /// As an element.
    pub fn xml(&self, out: &mut Xml) {
        out.start(self.element);
        for (name, value) in &self.attrs {
            out.attr(name, value);
        }
        out.end();
    }
}

/// One change of a resource.
struct Change {
    word: &'static str,
    resource: ResourceId,
    from: Option<NodeId>,
    to: Option<NodeId>,
    action: Option<ActionId>,
    source: Option<ActionId>,
}

/// Actions of a resource that decide what its line says.
#[derive(Default)]
struct Known {
    start: Option<ActionId>,
    stop: Option<ActionId>,
    promote: Option<ActionId>,
    demote: Option<ActionId>,
    migrate: Option<ActionId>,
}

impl Cluster<'_> {
    /// What changes, before the graph is made of it. As in Pacemaker, which logs it then, actions
    /// without a node take one here, and what runs though it counts as stopped is started.
    pub(in crate::scheduler) fn note_changes(&mut self) {
        let mut changes = Vec::new();
        for top in self.top.clone() {
            self.collect_changes(top, &mut changes);
        }
    }

    /// The summary.
    pub fn summary(&mut self) -> Vec<Summed> {
        let mut lines = self.node_lines();
        let mut changes = Vec::new();
        for top in self.top.clone() {
            self.collect_changes(top, &mut changes);
        }
        // The lines are logged before they are printed: widths grow only the first time.
        let mut widths = (5, 5);
        for change in &changes {
            self.change_line(change, &mut widths);
        }
        for change in &changes {
            lines.push(Summed {
                line: self.change_line(change, &mut widths),
                element: "rsc_action",
                attrs: self.change_attrs(change),
            });
        }
        lines
    }

    fn node_lines(&self) -> Vec<Summed> {
        let mut lines = Vec::new();
        for id in self.newest_first() {
            let action = &self.actions[id];
            if action.resource.is_some() || action.optional || &*action.task != "stonith" {
                continue;
            }
            let (Some(node), Some(reason)) = (action.node, &action.reason) else {
                continue;
            };
            let operation = action.meta.get("stonith_action").map_or("", |o| &**o);
            let mut name = self.nodes[node].name.to_string();
            if let Some(container) = self.container_of(node).filter(|_| self.is_guest(node)) {
                name = format!("{name} (resource: {})", self.resources[container].id);
            }
            lines.push(Summed {
                line: format!("Fence ({operation}) {name} '{reason}'"),
                element: "node_action",
                attrs: vec![
                    ("task", format!("Fence ({operation})")),
                    ("node", name),
                    ("reason", reason.to_string()),
                ],
            });
        }
        lines
    }

    fn collect_changes(&mut self, resource: ResourceId, changes: &mut Vec<Change>) {
        if let Kind::Bundle(body) = &self.resources[resource].kind {
            for replica in body.replicas.clone() {
                let container = Some(replica.container);
                let parts = [replica.ip, container, replica.remote, replica.child];
                for part in parts.into_iter().flatten() {
                    self.collect_changes(part, changes);
                }
            }
            return;
        }
        let children = self.resources[resource].children.clone();
        if children.is_empty() {
            self.find_change(resource, changes);
        }
        for child in children {
            self.collect_changes(child, changes);
        }
    }

    fn first_action(
        &mut self,
        resource: ResourceId,
        task: &str,
        node: Option<NodeId>,
    ) -> Option<ActionId> {
        let key = self.key_of(resource, task, 0);
        self.matches(resource, &key, node).first().copied()
    }

    fn can_run(&self, action: Option<ActionId>) -> bool {
        action.is_some_and(|a| self.actions[a].runnable)
    }

    fn is_required(&self, action: Option<ActionId>) -> bool {
        action.is_some_and(|a| !self.actions[a].optional)
    }

    fn find_change(&mut self, resource: ResourceId, changes: &mut Vec<Change>) {
        let r = &mut self.resources[resource];
        let next = r.assigned;
        if !r.running_on.is_empty() && r.role == Role::Stopped {
            r.role = Role::Started;
        }
        let current = self.current_node(resource);
        let r = &self.resources[resource];
        if !r.managed || (current.is_none() && (next.is_none() || r.orphan)) {
            return;
        }
        let known = self.known_actions(resource, current, next);
        if self.resources[resource].role == self.resources[resource].next_role {
            changes.extend(self.same_role(resource, current, next, &known));
            return;
        }
        let lost_start = known.start.is_some() && !self.can_run(known.start);
        let stops = self.resources[resource].next_role == Role::Stopped || lost_start;
        if known.stop.is_some() && stops {
            for node in self.resources[resource].running_on.clone() {
                let stop = self.first_action(resource, "stop", Some(node));
                let reason = stop.filter(|&s| self.actions[s].reason.is_some());
                changes.push(Change {
                    word: "Stop",
                    resource,
                    from: Some(node),
                    to: None,
                    action: stop,
                    source: reason.or(known.start),
                });
            }
            return;
        }
        changes.extend(self.other_role(resource, current, next, &known));
    }

    fn known_actions(
        &mut self,
        resource: ResourceId,
        current: Option<NodeId>,
        next: Option<NodeId>,
    ) -> Known {
        let mut known = Known {
            start: self.first_action(resource, "start", next),
            ..Known::default()
        };
        let place = current.filter(|_| self.can_run(known.start));
        known.stop = self.first_action(resource, "stop", place);
        if known.stop.is_none() && self.resources[resource].stop_unexpected {
            known.stop = self.first_action(resource, "stop", None);
        }
        known.promote = self.first_action(resource, "promote", next);
        known.demote = self.first_action(resource, "demote", next);
        known.migrate = self.first_action(resource, "migrate_from", next);
        known
    }

    fn same_role(
        &self,
        resource: ResourceId,
        current: Option<NodeId>,
        next: Option<NodeId>,
        known: &Known,
    ) -> Option<Change> {
        let r = &self.resources[resource];
        let moving = current.is_some() && next.is_some() && current != next;
        let change = |word, to, action, source| Change {
            word,
            resource,
            from: current,
            to,
            action,
            source,
        };
        let Known {
            start,
            stop,
            promote,
            demote,
            migrate,
        } = *known;
        Some(if self.can_run(migrate) {
            change("Migrate", next, start, None)
        } else if r.reload {
            change("Reload", next, start, None)
        } else if !self.is_required(start) {
            if !self.is_required(demote) || !self.is_required(promote) {
                return None;
            }
            change("Re-promote", next, promote, demote)
        } else if !self.can_run(start) {
            let reason = stop.filter(|&s| self.actions[s].reason.is_some());
            change("Stop", None, stop, reason.or(start))
        } else if moving {
            let word = if r.failed { "Recover" } else { "Move" };
            change(word, next, stop, None)
        } else if r.failed {
            change("Recover", None, stop, None)
        } else {
            change("Restart", next, start, None)
        })
    }

    fn other_role(
        &self,
        resource: ResourceId,
        current: Option<NodeId>,
        next: Option<NodeId>,
        known: &Known,
    ) -> Option<Change> {
        let r = &self.resources[resource];
        let moving = current.is_some() && next.is_some() && current != next;
        let change = |word, action, source| Change {
            word,
            resource,
            from: current,
            to: next,
            action,
            source,
        };
        Some(if known.stop.is_some() && r.failed && r.failed_stop {
            change("Recover", known.stop, known.start)
        } else if moving {
            change("Move", known.stop, None)
        } else if r.reload {
            change("Reload", known.start, None)
        } else if self.is_required(known.stop) {
            change("Restart", known.start, None)
        } else if r.role == Role::Promoted {
            change("Demote", known.demote, None)
        } else if r.next_role == Role::Promoted {
            change("Promote", known.promote, None)
        } else if r.role == Role::Stopped && r.next_role > Role::Stopped {
            change("Start", known.start, None)
        } else {
            return None;
        })
    }

    fn details(&self, change: &Change) -> String {
        let r = &self.resources[change.resource];
        let name = |n: NodeId| &*self.nodes[n].name;
        let need_role = r.role > Role::Started || r.next_role > Role::Unpromoted;
        let (role, next) = (r.role.text(), r.next_role.text());
        let same_role = r.role == r.next_role;
        match (change.from, change.to) {
            (None, None) => String::new(),
            (None, Some(to)) if need_role => format!("{role} -> {next} {}", name(to)),
            (None, Some(to)) => name(to).to_owned(),
            (Some(from), None) if need_role => format!("{role} {}", name(from)),
            (Some(from), None) => name(from).to_owned(),
            (Some(from), Some(to)) if same_role => {
                let suffix = if need_role {
                    format!(" {role}")
                } else {
                    String::new()
                };
                if from != to {
                    format!("{} -> {}{suffix}", name(from), name(to))
                } else if need_role {
                    format!("{role} {}", name(from))
                } else {
                    name(from).to_owned()
                }
            }
            (Some(from), Some(to)) if from == to => {
                format!("{role} -> {next} {}", name(from))
            }
            (Some(from), Some(to)) => {
                format!("{role} {} -> {next} {}", name(from), name(to))
            }
        }
    }

    fn change_attrs(&self, change: &Change) -> Vec<(&'static str, String)> {
        let r = &self.resources[change.resource];
        let name = |n: NodeId| self.nodes[n].name.to_string();
        let need_role = r.role > Role::Started || r.next_role > Role::Unpromoted;
        let same_role = r.role == r.next_role;
        let same_node = change.from == change.to;
        let role = need_role.then(|| ("role", r.role.text().to_owned()));
        let next = ("next-role", r.next_role.text().to_owned());
        let mut attrs = vec![
            ("action", change.word.to_lowercase()),
            ("resource", r.id.to_string()),
        ];
        match (change.from, change.to) {
            (None, None) => {}
            (None, Some(to)) if need_role => {
                attrs.extend(role);
                attrs.extend([next, ("dest", name(to))]);
            }
            (None, Some(to)) => attrs.push(("node", name(to))),
            (Some(from), None) => {
                attrs.extend(role);
                attrs.push(("node", name(from)));
            }
            (Some(from), Some(_)) if same_role && same_node => {
                attrs.extend(role);
                attrs.push(("source", name(from)));
            }
            (Some(from), Some(to)) if same_role => {
                attrs.extend([("source", name(from)), ("dest", name(to))]);
                attrs.extend(role);
            }
            (Some(from), Some(_)) if same_node => {
                attrs.push(("role", r.role.text().to_owned()));
                attrs.extend([next, ("source", name(from))]);
            }
            (Some(from), Some(to)) => {
                attrs.push(("role", r.role.text().to_owned()));
                attrs.extend([("source", name(from)), next, ("dest", name(to))]);
            }
        }
        let source = change.source.or(change.action);
        let reason = source.and_then(|s| self.actions[s].reason.as_deref());
        attrs.extend(reason.map(|reason| ("reason", reason.to_owned())));
        if !self.can_run(change.action) {
            attrs.push(("blocked", "true".to_owned()));
        }
        attrs
    }

    fn change_line(&self, change: &Change, widths: &mut (usize, usize)) -> String {
        let id = &self.resources[change.resource].id;
        if id.len() > widths.0 {
            widths.0 = id.len() + 2;
        }
        let details = self.details(change);
        widths.1 = widths.1.max(details.len());
        let source = change.source.or(change.action);
        let reason = source.and_then(|s| self.actions[s].reason.as_deref());
        let runnable = self.can_run(change.action);
        let reason = match reason {
            Some(reason) if runnable => format!("  due to {reason}"),
            Some(reason) => format!("  due to {reason} (blocked)"),
            None if runnable => String::new(),
            None => "  blocked".to_owned(),
        };
        let (id_width, width) = *widths;
        format!(
            "{:<8}   {id:<id_width$}   ( {details:>width$} ){reason}",
            change.word
        )
    }
}
