//! The status of a clone as text: instances that are alike in one line, the others in full.

use std::collections::BTreeMap;

use super::arena::{NodeId, ResourceId};
use super::cluster::Cluster;
use super::model::*;
use super::report::{Lines, list_of, result_text};

/// How an instance is shown.
enum Shown {
    Full,
    Stopped,
    Promoted(NodeId),
    Active(NodeId),
    Not,
}

impl Cluster<'_> {
    /// A clone with its instances.
    pub(super) fn report_clone(&self, out: &mut Lines, level: usize, clone: ResourceId) {
        let r = &self.resources[clone];
        let Kind::Clone(body) = &r.kind else { return };
        let mut flags = Vec::new();
        if body.promotable {
            flags.push("promotable".to_owned());
        }
        if r.unique {
            flags.push("unique".to_owned());
        }
        self.collective_flags(clone, &mut flags);
        let child = body.child.and_then(|c| c.id()).unwrap_or("");
        let title = format!("Clone Set: {} [{child}]{}:", r.id, list_of(&flags));
        out.item(level, &title);
        let (mut promoted, mut active, mut stopped) = (Vec::new(), Vec::new(), Vec::new());
        for &instance in &r.children {
            match self.shown(clone, instance) {
                Shown::Full => self.report_resource(out, level + 1, instance),
                Shown::Stopped => stopped.push(instance),
                Shown::Promoted(node) => promoted.push(node),
                Shown::Active(node) => active.push(node),
                Shown::Not => {}
            }
        }
        let count = promoted.len() + active.len();
        out.names(level + 1, "Promoted", &self.sorted_names(&promoted));
        let title = self.active_title(clone, body.promotable);
        out.names(level + 1, title, &self.sorted_names(&active));
        if !r.unique && !out.active_only {
            let room = usize::try_from(body.max).unwrap_or(0) > count;
            self.report_stopped(out, level + 1, clone, room, &stopped);
        }
    }

    fn active_title(&self, clone: ResourceId, promotable: bool) -> &'static str {
        match (promotable, self.configured_role(clone)) {
            (false, _) => "Started",
            (true, Some(Role::Unpromoted)) => "Unpromoted (target-role)",
            (true, _) => "Unpromoted",
        }
    }

    /// The role that is asked for, of the clone or of what it is made of.
    fn configured_role(&self, clone: ResourceId) -> Option<Role> {
        let own = self.meta(clone, "target-role");
        let text = own.or_else(|| {
            let first = self.resources[clone].children.first()?;
            self.meta(*first, "target-role")
        });
        text.as_deref().map(Role::parse)
    }

    fn shown(&self, clone: ResourceId, instance: ResourceId) -> Shown {
        let partly = self.active(instance, false);
        if self.resources[clone].unique {
            let orphan = self.resources[instance].orphan;
            return if partly || !orphan {
                Shown::Full
            } else {
                Shown::Not
            };
        }
        let parts = self.primitives(instance);
        let any = |test: &dyn Fn(&Resource<'_>) -> bool| {
            test(&self.resources[instance]) || parts.iter().any(|&p| test(&self.resources[p]))
        };
        if any(&|r| r.pending.task.is_some()) {
            return Shown::Full;
        }
        if !partly {
            let orphan = self.resources[instance].orphan;
            return if orphan { Shown::Not } else { Shown::Stopped };
        }
        if any(&|r| r.orphan || r.failed || !r.managed) || !self.active(instance, true) {
            return Shown::Full;
        }
        match self.location(instance, true) {
            Some(node) if !self.nodes[node].online && self.nodes[node].unclean => Shown::Full,
            Some(node) if self.role_of(instance, true) > Role::Unpromoted => Shown::Promoted(node),
            Some(node) => Shown::Active(node),
            None => Shown::Full,
        }
    }

    fn report_stopped(
        &self,
        out: &mut Lines,
        level: usize,
        clone: ResourceId,
        room: bool,
        stopped: &[ResourceId],
    ) {
        let r = &self.resources[clone];
        let disabled = self.configured_role(clone) == Some(Role::Stopped);
        let plain = if disabled {
            "Stopped (disabled)"
        } else {
            "Stopped"
        };
        let mut lists: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        if room {
            let allowed = r.allowed.nodes().collect::<Vec<_>>();
            let nodes = if allowed.is_empty() {
                r.known_on.clone()
            } else {
                allowed
            };
            let active = &r.running_on;
            let mut idle: Vec<NodeId> = nodes;
            idle.retain(|n| !active.contains(n));
            idle.sort_by_key(|n| self.node_order.iter().position(|o| o == n));
            for node in idle {
                let rc = self.failed_probe_below(clone, node);
                let title = match rc {
                    Some(rc) => format!("Stopped ({})", result_text(rc)),
                    None => plain.to_owned(),
                };
                lists.entry(title).or_default().push(&self.nodes[node].name);
            }
        } else {
            for &instance in stopped {
                let list = lists.entry(plain.to_owned()).or_default();
                list.push(&self.resources[instance].id);
            }
        }
        for (title, names) in &lists {
            out.names(level, title, names);
        }
    }

    fn failed_probe_below(&self, clone: ResourceId, node: NodeId) -> Option<i64> {
        let first = self.resources[clone].children.first().copied()?;
        let mut parts = self.primitives(first).into_iter();
        parts.find_map(|p| self.failed_probe(p, Some(node)))
    }
}
