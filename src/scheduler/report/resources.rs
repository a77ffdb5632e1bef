//! Resources with all that is in them.

use super::page::{Entry, Span};
use super::show::Show;
use super::{list_of, result_text};
use crate::cib::boolean;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::text::{base_name, compare_names};
use crate::scheduler::model::*;
use crate::scheduler::score;

impl Cluster<'_> {
    /// The list of all resources; a line that says so if there is none to show.
    pub(in super::super) fn resource_list(&self, show: &Show) -> Vec<Entry> {
        let mut out = Vec::new();
        if show.brief && !show.by_node {
            let top = self.top.iter().copied();
            let top: Vec<_> = top.filter(|&r| !self.filtered(show, r, true)).collect();
            out = self.brief_entries(show, &top);
        }
        for &top in &self.top {
            if self.listed(show, top) {
                self.resource_entries(&mut out, show, top);
            }
        }
        if out.is_empty() {
            let text = match (show.by_node, show.inactive) {
                (true, _) => "No inactive resources",
                (_, true) => "No resources",
                _ => "No active resources",
            };
            out.push(Entry::Line(text.to_owned()));
        }
        out
    }

    /// Whether a resource at the top stands in the list.
    pub(super) fn listed(&self, show: &Show, top: ResourceId) -> bool {
        let r = &self.resources[top];
        let (active, partly) = (self.active(top, true), self.active(top, false));
        if r.orphan && !active {
            return false;
        }
        if show.by_node {
            return !active;
        }
        if show.brief && r.is_primitive() {
            return false;
        }
        match partly {
            // Unmanaged parts on offline nodes make it active, and yet it is nowhere.
            true => !r.running_on.is_empty() && self.on_shown_node(show, top),
            false => show.inactive,
        }
    }

    /// A resource with all in it.
    pub(super) fn resource_entries(&self, out: &mut Vec<Entry>, show: &Show, resource: ResourceId) {
        if self.filtered(show, resource, true) {
            return;
        }
        match &self.resources[resource].kind {
            Kind::Primitive => self.primitive_entry(out, show, resource),
            Kind::Group(_) => self.group_entry(out, show, resource),
            Kind::Clone(_) => self.clone_entry(out, show, resource),
            Kind::Bundle(_) => self.bundle_entry(out, show, resource),
        }
    }

    fn primitive_entry(&self, out: &mut Vec<Entry>, show: &Show, resource: ResourceId) {
        if boolean::is_true(self.meta(resource, "internal_rsc").as_deref()) && !show.detail {
            return;
        }
        let name = self.printable_id(resource).to_owned();
        let node = self.current_node(resource);
        let node = node.or(self.resources[resource].pending.node);
        let node = node.filter(|_| !show.placeless);
        out.push(self.primitive_line(show, resource, &name, node));
    }

    fn group_entry(&self, out: &mut Vec<Entry>, show: &Show, resource: ResourceId) {
        let r = &self.resources[resource];
        let passes = self.passes(show, resource);
        let mut flags = Vec::new();
        let members = r.children.iter();
        match members.filter(|&&m| !self.active(m, true)).count() {
            _ if show.inactive => {}
            0 => {}
            1 => flags.push("1 member inactive".to_owned()),
            several => flags.push(format!("{several} members inactive")),
        }
        self.collective_flags(resource, &mut flags);
        let title = format!("Resource Group: {}{}", r.id, list_of(&flags));
        let mut below = Vec::new();
        if show.brief {
            let shown = r.children.iter().copied();
            let shown: Vec<_> = shown.filter(|&c| !self.filtered(show, c, true)).collect();
            let counted = Show {
                inactive: true,
                ..show.clone()
            };
            below = self.brief_entries(&counted, &shown);
        } else {
            for &member in &r.children {
                if !self.member_skipped(show, member, passes) {
                    self.resource_entries(&mut below, show, member);
                }
            }
        }
        if !below.is_empty() || r.children.is_empty() {
            out.push(Entry::List(title, below));
        }
    }

    /// What is said of a group or clone as a whole.
    pub(super) fn collective_flags(&self, resource: ResourceId, flags: &mut Vec<String>) {
        let r = &self.resources[resource];
        if !r.managed {
            flags.push("unmanaged".to_owned());
        }
        if self.is_disabled(resource) {
            flags.push("disabled".to_owned());
        }
    }

    /// The id, without the number of an instance where all are alike.
    pub fn printable_id(&self, resource: ResourceId) -> &str {
        let r = &self.resources[resource];
        if r.unique { &r.id } else { base_name(&r.id) }
    }

    fn bundle_entry(&self, out: &mut Vec<Entry>, show: &Show, resource: ResourceId) {
        let r = &self.resources[resource];
        let Kind::Bundle(bundle) = &r.kind else {
            return;
        };
        let whole = show.named(&r.id);
        let several = bundle.replicas.len() > 1;
        let mut below = Vec::new();
        for (number, replica) in bundle.replicas.iter().enumerate() {
            let parts = [
                replica.ip,
                replica.child,
                Some(replica.container),
                replica.remote,
            ];
            let parts = parts.into_iter().flatten();
            let parts: Vec<_> = parts
                .filter(|&p| whole || !self.filtered(show, p, false))
                .collect();
            if show.detail || (!whole && !parts.is_empty()) {
                let show = Show {
                    detail: true,
                    resources: show.resources.clone().filter(|_| !whole),
                    ..show.clone()
                };
                let mut inner = Vec::new();
                for part in parts {
                    self.resource_entries(&mut inner, &show, part);
                }
                let title = match several {
                    true => format!("Replica[{number}]"),
                    false => String::new(),
                };
                below.push(Entry::Open(title, inner));
            } else if whole {
                below.push(self.replica_entry(show, replica));
            }
        }
        let set = if bundle.max > 1 { " set" } else { "" };
        let image = bundle.image.as_deref().unwrap_or("");
        let unique = if r.unique { " (unique)" } else { "" };
        let managed = if r.managed { "" } else { " (unmanaged)" };
        let title = format!("Container bundle{set}: {} [{image}]{unique}{managed}", r.id);
        out.push(Entry::List(title, below));
    }

    fn replica_entry(&self, show: &Show, replica: &Replica) -> Entry {
        let named = replica.remote.unwrap_or(replica.container);
        let mut name = self.printable_id(named).to_owned();
        if let Some(address) = &replica.ipaddr {
            name.push_str(&format!(" ({address})"));
        }
        let shown = replica.child.unwrap_or(replica.container);
        let node = self.current_node(replica.container);
        self.primitive_line(show, shown, &name, node.filter(|_| !show.placeless))
    }

    fn primitive_line(
        &self,
        show: &Show,
        resource: ResourceId,
        name: &str,
        node: Option<NodeId>,
    ) -> Entry {
        let line = self.primitive_text(show, resource, name, node);
        if !show.html {
            return Entry::Line(line);
        }
        let r = &self.resources[resource];
        let class = if r.failed || (r.is_primitive() && r.running_on.is_empty()) {
            "rsc-failed"
        } else if r.running_on.len() > 1 {
            "rsc-multiple"
        } else if r.failure_ignored {
            "rsc-failure-ignored"
        } else {
            "rsc-ok"
        };
        let class = if r.managed { class } else { "rsc-managed" };
        Entry::Spans(vec![Span::of(class, line)])
    }

    pub(super) fn primitive_text(
        &self,
        show: &Show,
        resource: ResourceId,
        name: &str,
        node: Option<NodeId>,
    ) -> String {
        let r = &self.resources[resource];
        let several = r.running_on.len() > 1 && !show.placeless;
        let place = node.or(r.lock.node);
        let place = place.filter(|_| !several && !show.under_node);
        let provider = r.provider.map(|p| format!(":{p}")).unwrap_or_default();
        let mut line = format!("{name}\t({}{provider}:{}):\t", r.class, r.agent);
        if r.orphan {
            line.push_str(" ORPHANED");
        }
        if r.failed {
            line.push_str(" FAILED");
            if r.role > Role::Unpromoted {
                line.push(' ');
                line.push_str(r.role.text());
            }
        } else {
            line.push(' ');
            line.push_str(self.state_text(resource));
        }
        if let Some(place) = place {
            line.push(' ');
            line.push_str(&self.nodes[place].name);
        }
        if r.role == Role::Stopped
            && let Some(rc) = self.failed_probe(resource, place)
        {
            line.push_str(&format!(" ({}) ", result_text(rc)));
        }
        line.push_str(&list_of(&self.primitive_flags(resource, place)));
        if (show.placeless || r.running_on.len() > 1)
            && let Some(description) = r.xml.attr("description")
        {
            line.push(' ');
            line.push_str(description);
        }
        if several && !show.under_node {
            let names = r.running_on.iter().map(|&n| &*self.nodes[n].name);
            line.push_str(&format!(" [ {} ]", names.collect::<Vec<_>>().join(" ")));
        }
        line
    }

    /// What is done with a resource, while it is done.
    pub(super) fn pending_text(&self, resource: ResourceId) -> Option<&'static str> {
        let r = &self.resources[resource];
        match r.pending.task.as_deref().filter(|_| self.show_pending)? {
            "start" => Some("Starting"),
            "stop" => Some("Stopping"),
            "migrate_to" | "migrate_from" => Some("Migrating"),
            "promote" => Some("Promoting"),
            "demote" => Some("Demoting"),
            _ => None,
        }
    }

    /// The role of a resource as it is shown.
    pub(super) fn shown_role(&self, resource: ResourceId) -> &'static str {
        let r = &self.resources[resource];
        match r.role {
            Role::Started if self.in_promotable(resource) => "Unpromoted",
            role => role.text(),
        }
    }

    pub(super) fn state_text(&self, resource: ResourceId) -> &'static str {
        let pending = self.pending_text(resource);
        pending.unwrap_or_else(|| self.shown_role(resource))
    }

    fn primitive_flags(&self, resource: ResourceId, place: Option<NodeId>) -> Vec<String> {
        let r = &self.resources[resource];
        let mut flags = Vec::new();
        let lost = place.is_some_and(|n| !self.nodes[n].online && self.nodes[n].unclean);
        let mut flag = |set: bool, text: &str| {
            if set {
                flags.push(text.to_owned());
            }
        };
        flag(lost, "UNCLEAN");
        flag(place.is_some() && place == r.lock.node, "LOCKED");
        let monitoring = r.pending.task.as_deref() == Some("monitor");
        flag(self.show_pending && monitoring, "Monitoring");
        let target = self.meta(resource, "target-role");
        let target_role = target.as_deref().map(Role::parse);
        flag(target_role == Some(Role::Stopped), "disabled");
        if target_role == Some(Role::Unpromoted) && self.in_promotable(resource) {
            let text = target.as_deref().unwrap_or("");
            flag(true, &format!("target-role:{text}"));
        }
        flag(r.blocked, "blocked");
        flag(!r.blocked && !r.managed, "unmanaged");
        flag(r.failure_ignored, "failure ignored");
        flags
    }

    /// Result of a probe that said that the resource can't be on its node: its agent isn't
    /// installed there, or finds its parameters wrong. On a node, or on any.
    pub(super) fn failed_probe(&self, resource: ResourceId, node: Option<NodeId>) -> Option<i64> {
        // In a clone the name of its child counts, even for members of a group.
        let name = match &self.resources[self.top_of(resource)].kind {
            Kind::Clone(body) => body.child?.id()?,
            _ => &self.resources[resource].id,
        };
        let of_this = |failed: &&FailedOp<'_>| {
            let key = crate::scheduler::unpack::history_op::entry_key(failed.op);
            let told = failed.op.attr("on_node");
            let here =
                |n: NodeId| told.is_some_and(|t| t.eq_ignore_ascii_case(&self.nodes[n].name));
            crate::scheduler::model::text::parse_key(key).is_some_and(|(id, task, interval)| {
                id == name && crate::scheduler::unpack::operations::is_probe(task, interval)
            }) && told.is_some()
                && node.is_none_or(here)
        };
        let masked = |failed: &&FailedOp<'_>| {
            let number = |name| failed.op.attr(name).and_then(score::leading_integer);
            matches!(number("rc-code"), Some(2 | 5)) || number("op-status") == Some(7)
        };
        let failed = self.failed.iter().filter(masked).find(of_this)?;
        failed.op.attr("rc-code").and_then(score::leading_integer)
    }

    /// Names of nodes in the order of names, each once.
    pub(super) fn sorted_names(&self, nodes: &[NodeId]) -> Vec<&str> {
        let mut names: Vec<&str> = nodes.iter().map(|&n| &*self.nodes[n].name).collect();
        names.sort_by(|a, b| compare_names(a, b));
        names
    }
}
