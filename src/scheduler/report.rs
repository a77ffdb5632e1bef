//! The status of a cluster as text: nodes, then resources.
//! Source: Pacemaker 2.1.5, `crm_simulate`, `lib/pengine/{clone,native,group,bundle}.c`.

use super::arena::{NodeId, ResourceId};
use super::cluster::Cluster;
use super::model::*;
use super::score;
use super::text::{base_name, compare_names};

/// The whole status, with a note above it if something is disabled or blocked.
pub fn status(cluster: &Cluster<'_>, title: &str) -> String {
    let mut out = Lines::default();
    out.plain(&format!("{title}:"));
    out.item(1, "Node List:");
    cluster.report_nodes(&mut out);
    out.plain("");
    out.item(1, "Full List of Resources:");
    let before = out.text.len();
    for &top in &cluster.top {
        cluster.report_resource(&mut out, 2, top);
    }
    if out.text.len() == before {
        out.item(2, "No resources");
    }
    out.text
}

/// All resources as a list, without the places of those that are not in a clone.
pub fn resources(cluster: &Cluster<'_>) -> String {
    let mut out = Lines {
        placeless: true,
        ..Lines::default()
    };
    for &top in &cluster.top {
        cluster.report_resource(&mut out, 1, top);
    }
    out.text
}

/// A resource without title and bullets: a primitive, the instances of a clone that are active,
/// the replicas of a bundle, the members of a group that is active.
pub fn resource(cluster: &Cluster<'_>, resource: ResourceId) -> String {
    let r = &cluster.resources[resource];
    let mut out = Lines {
        active_only: true,
        ..Lines::default()
    };
    cluster.report_resource(&mut out, 0, resource);
    let titles = match r.kind {
        Kind::Primitive | Kind::Group(_) => 0,
        Kind::Clone(_) | Kind::Bundle(_) => 1,
    };
    let lines = out.text.lines().skip(titles);
    lines.fold(String::new(), |mut all, line| {
        let line = line.trim_start_matches(' ');
        all.push_str(line.strip_prefix("* ").unwrap_or(line));
        all.push('\n');
        all
    })
}

/// Name, agent and state of a primitive, without its place.
pub fn primitive(cluster: &Cluster<'_>, resource: ResourceId) -> String {
    let name = cluster.printable_id(resource).to_owned();
    cluster.primitive_line(resource, &name, None, true)
}

/// What comes before the status: all of it is off, or some resources are.
pub fn notes(cluster: &Cluster<'_>) -> String {
    let mut out = String::new();
    if cluster.options.maintenance {
        out.push_str("\n              *** Resource management is DISABLED ***\n");
        out.push_str("  The cluster will not attempt to start, stop or recover services\n\n");
    }
    let mut counts = Counts::default();
    for &top in &cluster.top {
        cluster.count_instances(top, &mut counts);
    }
    if counts.disabled > 0 || counts.blocked > 0 {
        let Counts {
            all,
            disabled,
            blocked,
        } = counts;
        out.push_str(&format!(
            "{disabled} of {all} resource instances DISABLED and {blocked} BLOCKED from further \
             action due to failure\n\n"
        ));
    }
    out
}

/// Lines of the report.
#[derive(Default)]
pub(super) struct Lines {
    text: String,
    /// Primitives are shown without their nodes.
    placeless: bool,
    /// What is not active is left out.
    pub active_only: bool,
}

impl Lines {
    fn plain(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// A line with a bullet.
    pub(super) fn item(&mut self, level: usize, text: &str) {
        self.text.push_str(&"  ".repeat(level));
        self.text.push_str("* ");
        self.plain(text);
    }

    /// A line with a list of names; none if the list is empty.
    pub(super) fn names(&mut self, level: usize, title: &str, names: &[&str]) {
        if !names.is_empty() {
            self.item(level, &format!("{title}: [ {} ]", names.join(" ")));
        }
    }
}

#[derive(Default)]
struct Counts {
    all: usize,
    disabled: usize,
    blocked: usize,
}

/// What a result code means, in words.
pub(super) fn result_text(rc: i64) -> &'static str {
    match rc {
        0 => "ok",
        1 => "error",
        2 => "invalid parameter",
        3 => "unimplemented feature",
        4 => "insufficient privileges",
        5 => "not installed",
        6 => "not configured",
        7 => "not running",
        8 => "promoted",
        9 => "promoted (failed)",
        190 => "OCF_DEGRADED",
        191 => "promoted (degraded)",
        _ => "unknown",
    }
}

impl Cluster<'_> {
    fn count_instances(&self, resource: ResourceId, counts: &mut Counts) {
        let r = &self.resources[resource];
        if let Kind::Bundle(bundle) = &r.kind {
            for replica in &bundle.replicas {
                let parts = [
                    replica.ip,
                    replica.child,
                    Some(replica.container),
                    replica.remote,
                ];
                for part in parts.into_iter().flatten() {
                    self.count_instances(part, counts);
                }
            }
        } else if !r.is_primitive() {
            for &child in &r.children {
                self.count_instances(child, counts);
            }
        } else if !r.orphan || r.role > Role::Stopped {
            counts.all += 1;
            counts.disabled += usize::from(self.is_disabled(resource));
            counts.blocked += usize::from(r.blocked);
        }
    }

    /// Whether the configuration keeps a resource from its highest role.
    pub fn is_disabled(&self, resource: ResourceId) -> bool {
        let target = self.meta(resource, "target-role");
        match target.as_deref().map(Role::parse) {
            Some(Role::Stopped) => true,
            Some(Role::Unpromoted) => self.in_promotable(resource),
            _ => false,
        }
    }

    fn report_nodes(&self, out: &mut Lines) {
        let mut lists: [(&str, Vec<&str>); 5] = [
            ("Online", Vec::new()),
            ("OFFLINE", Vec::new()),
            ("RemoteOnline", Vec::new()),
            ("RemoteOFFLINE", Vec::new()),
            ("GuestOnline", Vec::new()),
        ];
        for &node in &self.node_order {
            let n = &self.nodes[node];
            let odd = n.unclean || n.pending || n.standby || n.standby_on_fail || n.maintenance;
            if odd || self.health_text(node).is_some() {
                let text = format!("{}: {}", self.node_title(node), self.node_state(node));
                out.item(2, &text);
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
            out.names(2, title, names);
        }
    }

    fn node_title(&self, node: NodeId) -> String {
        let name = &self.nodes[node].name;
        if self.is_guest(node) {
            let host = self.container_of(node).and_then(|c| self.current_node(c));
            let host = host.map_or("", |h| &*self.nodes[h].name);
            return format!("GuestNode {name}@{host}");
        }
        let kind = if self.is_remote(node) {
            "RemoteNode"
        } else {
            "Node"
        };
        format!("{kind} {name}")
    }

    /// The worst colour of a node's health, if it isn't green.
    fn health_text(&self, node: NodeId) -> Option<&'static str> {
        if !self.health.active {
            return None;
        }
        let attrs = self.nodes[node].attrs.iter();
        let values = attrs.filter(|(name, _)| name.starts_with("#health"));
        let worst = values
            .map(|(_, value)| match &**value {
                "red" => -1,
                "yellow" => 0,
                "green" => 1,
                other => score::plain(Some(other)).signum(),
            })
            .min()?;
        match worst {
            -1 => Some(" (health is RED)"),
            0 => Some(" (health is YELLOW)"),
            _ => None,
        }
    }

    fn node_state(&self, node: NodeId) -> String {
        let n = &self.nodes[node];
        let pick = |online: &'static str, offline: &'static str| {
            if n.online { online } else { offline }
        };
        let state = if n.unclean && n.online {
            "UNCLEAN (online)"
        } else if n.unclean {
            if n.pending {
                "UNCLEAN (pending)"
            } else {
                "UNCLEAN (offline)"
            }
        } else if n.pending {
            "pending"
        } else if n.standby_on_fail && n.online {
            "standby (on-fail)"
        } else if n.standby {
            let active = if n.running.is_empty() {
                "standby"
            } else {
                "standby (with active resources)"
            };
            pick(active, "OFFLINE (standby)")
        } else if n.maintenance {
            pick("maintenance", "OFFLINE (maintenance)")
        } else {
            pick("online", "OFFLINE")
        };
        format!("{state}{}", self.health_text(node).unwrap_or(""))
    }

    /// A resource with all in it.
    pub(super) fn report_resource(&self, out: &mut Lines, level: usize, resource: ResourceId) {
        let r = &self.resources[resource];
        if r.orphan && !self.active(resource, false) {
            return;
        }
        match &r.kind {
            Kind::Primitive => {
                if !score::is_true(self.meta(resource, "internal_rsc").as_deref()) {
                    let name = self.printable_id(resource).to_owned();
                    let node = self.current_node(resource).filter(|_| !out.placeless);
                    let line = self.primitive_line(resource, &name, node, out.placeless);
                    out.item(level, &line);
                }
            }
            Kind::Group(_) => {
                if !out.active_only {
                    let mut flags = Vec::new();
                    self.collective_flags(resource, &mut flags);
                    let title = format!("Resource Group: {}{}:", r.id, list_of(&flags));
                    out.item(level, &title);
                }
                for &member in &r.children {
                    if !out.active_only || self.active(member, false) {
                        self.report_resource(out, level + 1, member);
                    }
                }
            }
            Kind::Clone(_) => self.report_clone(out, level, resource),
            Kind::Bundle(_) => self.report_bundle(out, level, resource),
        }
    }

    /// What is said of a group or clone as a whole.
    pub(super) fn collective_flags(&self, resource: ResourceId, flags: &mut Vec<String>) {
        if !self.resources[resource].managed {
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

    fn report_bundle(&self, out: &mut Lines, level: usize, resource: ResourceId) {
        let r = &self.resources[resource];
        let Kind::Bundle(bundle) = &r.kind else {
            return;
        };
        let set = if bundle.replicas.len() > 1 {
            " set"
        } else {
            ""
        };
        let image = bundle.image.as_deref().unwrap_or("");
        let unique = if r.unique { " (unique)" } else { "" };
        let managed = if r.managed { "" } else { " (unmanaged)" };
        let title = format!(
            "Container bundle{set}: {} [{image}]{unique}{managed}:",
            r.id
        );
        out.item(level, &title);
        for replica in &bundle.replicas {
            let named = replica.remote.unwrap_or(replica.container);
            let mut name = self.printable_id(named).to_owned();
            if let Some(address) = &replica.ipaddr {
                name.push_str(&format!(" ({address})"));
            }
            let shown = replica.child.unwrap_or(replica.container);
            let node = self.current_node(replica.container);
            let node = node.filter(|_| !out.placeless);
            let line = self.primitive_line(shown, &name, node, out.placeless);
            out.item(level + 1, &line);
        }
    }

    fn primitive_line(
        &self,
        resource: ResourceId,
        name: &str,
        node: Option<NodeId>,
        placeless: bool,
    ) -> String {
        let r = &self.resources[resource];
        let several = r.running_on.len() > 1 && !placeless;
        let place = node.or(r.pending.node).or(r.lock.node).filter(|_| !several);
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
        if placeless && let Some(description) = r.xml.attr("description") {
            line.push(' ');
            line.push_str(description);
        }
        if r.role == Role::Stopped
            && let Some(rc) = self.failed_probe(resource, None)
        {
            line.push_str(&format!(" ({}) ", result_text(rc)));
        }
        line.push_str(&list_of(&self.primitive_flags(resource, place)));
        if several {
            let names = r.running_on.iter().map(|&n| &*self.nodes[n].name);
            line.push_str(&format!(" [ {} ]", names.collect::<Vec<_>>().join(" ")));
        }
        line
    }

    fn state_text(&self, resource: ResourceId) -> &'static str {
        let r = &self.resources[resource];
        match r.pending.task.as_deref().filter(|_| self.show_pending) {
            Some("start") => "Starting",
            Some("stop") => "Stopping",
            Some("migrate_to" | "migrate_from") => "Migrating",
            Some("promote") => "Promoting",
            Some("demote") => "Demoting",
            _ if r.role == Role::Started && self.in_promotable(resource) => "Unpromoted",
            _ => r.role.text(),
        }
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
        flag(r.pending.task.as_deref() == Some("monitor"), "Monitoring");
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

    /// Result of a probe of a resource that failed, on a node or on any.
    pub(super) fn failed_probe(&self, resource: ResourceId, node: Option<NodeId>) -> Option<i64> {
        let name = base_name(&self.resources[resource].id);
        let of_this = |failed: &&FailedOp<'_>| {
            let key = super::history_op::entry_key(failed.op);
            super::text::parse_key(key).is_some_and(|(id, task, interval)| {
                base_name(id) == name && super::operations::is_probe(task, interval)
            }) && node.is_none_or(|n| n == failed.node)
        };
        let failed = self.failed.iter().find(of_this)?;
        failed.op.attr("rc-code").and_then(score::leading_integer)
    }

    /// Names of nodes in the order of names, each once.
    pub(super) fn sorted_names(&self, nodes: &[NodeId]) -> Vec<&str> {
        let mut names: Vec<&str> = nodes.iter().map(|&n| &*self.nodes[n].name).collect();
        names.sort_by(|a, b| compare_names(a, b));
        names
    }
}

/// Flags in brackets; nothing if there are none.
pub(super) fn list_of(flags: &[String]) -> String {
    if flags.is_empty() {
        return String::new();
    }
    format!(" ({})", flags.join(", "))
}
