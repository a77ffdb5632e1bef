//! The status of a clone as text: instances that are alike in one line, the others in full.

use std::collections::BTreeMap;

use super::nodes::names_entry;
use super::page::Entry;
use super::show::Show;
use super::{list_of, result_text};
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::*;

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
    pub(super) fn clone_entry(&self, out: &mut Vec<Entry>, show: &Show, clone: ResourceId) {
        let r = &self.resources[clone];
        let Kind::Clone(body) = &r.kind else { return };
        let whole = self.passes(show, clone);
        let all = show.all_resources();
        let (mut promoted, mut active, mut stopped) = (Vec::new(), Vec::new(), Vec::new());
        let mut below = Vec::new();
        for &instance in &r.children {
            let elsewhere = self.active(instance, false) && !self.on_shown_node(show, instance);
            if elsewhere || (!whole && self.filtered(show, instance, false)) {
                continue;
            }
            match self.shown(show, clone, instance) {
                Shown::Full => self.resource_entries(&mut below, &all, instance),
                Shown::Stopped => stopped.push(instance),
                Shown::Promoted(node) => promoted.push(node),
                Shown::Active(node) => active.push(node),
                Shown::Not => {}
            }
        }
        promoted.retain(|&n| show.node(&self.nodes[n].name));
        active.retain(|&n| show.node(&self.nodes[n].name));
        let count = promoted.len() + active.len();
        below.extend(names_entry("Promoted", &self.sorted_names(&promoted)));
        let title = self.active_title(clone, body.promotable);
        below.extend(names_entry(title, &self.sorted_names(&active)));
        if show.inactive && !r.unique && !show.detail {
            let room = usize::try_from(body.max).unwrap_or(0) > count;
            self.stopped_entries(&mut below, show, clone, (room, &stopped));
        }
        if !below.is_empty() || count == 0 {
            out.push(Entry::List(self.clone_title(clone), below));
        }
    }

    fn clone_title(&self, clone: ResourceId) -> String {
        let r = &self.resources[clone];
        let body = r.clone_body();
        let mut flags = Vec::new();
        if r.is_promotable() {
            flags.push("promotable".to_owned());
        }
        if r.unique {
            flags.push("unique".to_owned());
        }
        self.collective_flags(clone, &mut flags);
        let child = body.and_then(|body| body.child).and_then(|c| c.id());
        format!(
            "Clone Set: {} [{}]{}",
            r.id,
            child.unwrap_or(""),
            list_of(&flags)
        )
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
        self.configured_text(clone).as_deref().map(Role::parse)
    }

    /// [`Self::configured_role`] as it is written.
    pub(super) fn configured_text(&self, clone: ResourceId) -> Option<Text> {
        let own = self.meta(clone, "target-role");
        own.or_else(|| {
            let first = self.resources[clone].children.first()?;
            self.meta(*first, "target-role")
        })
    }

    fn shown(&self, show: &Show, clone: ResourceId, instance: ResourceId) -> Shown {
        let partly = self.active(instance, false);
        if show.detail {
            return Shown::Full;
        }
        if self.resources[clone].unique {
            return Shown::Full;
        }
        let parts = self.primitives(instance);
        let any = |test: &dyn Fn(&Resource<'_>) -> bool| {
            test(&self.resources[instance]) || parts.iter().any(|&p| test(&self.resources[p]))
        };
        if self.show_pending && self.resources[instance].pending.task.is_some() {
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

    fn stopped_entries(
        &self,
        out: &mut Vec<Entry>,
        show: &Show,
        clone: ResourceId,
        (room, stopped): (bool, &[ResourceId]),
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
            idle.retain(|n| !active.contains(n) && show.node(&self.nodes[*n].name));
            idle.sort_by_key(|n| self.node_order.iter().position(|o| o == n));
            for node in idle {
                let rc = self.failed_probe(clone, Some(node));
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
            out.extend(names_entry(title, names));
        }
    }
}
