//! What has to be done because the configuration isn't what a history was made with.
//! Source: Pacemaker 2.1.5, `pcmk__handle_rsc_config_changes`, `pcmk__check_action_config`.

use crate::cib::Element;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::text::readable_interval;
use crate::scheduler::model::*;
use crate::scheduler::simulation::shown::Score;
use crate::scheduler::unpack::age::Extent;
use crate::scheduler::unpack::digest::{CheckKind, Verdict};
use crate::scheduler::unpack::failcount::Counting;
use crate::scheduler::unpack::history_op::interval_of;
use crate::scheduler::unpack::operations::is_probe;

const EFFECTIVE: Counting = Counting {
    effective: true,
    fillers: false,
};

impl<'a> Cluster<'a> {
    /// Compares histories with the configuration.
    pub(in crate::scheduler) fn handle_changes(&mut self) {
        for node in self.node_order.clone() {
            if !self.nodes[node].maintenance && !self.available(node) {
                continue;
            }
            for entry in self.lrm.get(&node).cloned().unwrap_or_default() {
                let Some(id) = entry.id().filter(|_| entry.children().next().is_some()) else {
                    continue;
                };
                for resource in self.matching(id) {
                    self.handle_entry(entry, resource, node);
                }
            }
        }
    }

    /// Primitives with an id or alternative name, last one first.
    fn matching(&self, id: &str) -> Vec<ResourceId> {
        let mut found: Vec<ResourceId> = match self.names.get(id) {
            Some(list) => list.clone(),
            None => Vec::new(),
        };
        found.retain(|&r| {
            let r = &self.resources[r];
            r.is_primitive() && (&*r.id == id || r.alt_name.as_deref() == Some(id))
        });
        if found.len() > 1 {
            let order: Vec<ResourceId> = self.top.iter().flat_map(|&t| self.leaves(t)).collect();
            found.sort_by_key(|r| std::cmp::Reverse(order.iter().position(|o| o == r)));
        }
        found
    }

    fn handle_entry(&mut self, entry: Element<'a>, resource: ResourceId, node: NodeId) {
        let r = &self.resources[resource];
        if r.orphan {
            if !self.in_anonymous_clone(resource) {
                self.clean_up(resource, node, false);
            }
            return;
        }
        let active = r.running_on.contains(&node);
        if self.agent_changed(entry, resource, node, active) {
            self.clean_up(resource, node, false);
        }
        if !active {
            return;
        }
        let ops = self.sorted_ops(entry);
        let extent = Extent::of(&ops);
        if extent.start < extent.stop {
            return;
        }
        for op in ops.into_iter().skip(extent.start.saturating_sub(1)) {
            self.handle_op(op, resource, node);
        }
    }

    fn agent_changed(
        &mut self,
        entry: Element<'a>,
        resource: ResourceId,
        node: NodeId,
        active: bool,
    ) -> bool {
        let xml = self.resources[resource].xml;
        let mut changed = false;
        for name in ["type", "class", "provider"] {
            if xml.attr(name) != entry.attr(name) {
                changed = true;
                self.trigger_unfencing(Some(resource), node, "Device definition changed");
            }
        }
        if changed && active {
            self.stop_action(resource, node, false);
            self.resources[resource].start_pending = true;
        }
        changed
    }

    fn handle_op(&mut self, op: Element<'a>, resource: ResourceId, node: NodeId) {
        let task = op.attr("operation").unwrap_or("");
        let interval = interval_of(op);
        let paused = self.resources[resource].maintenance || self.nodes[node].maintenance;
        if interval > 0 && paused {
            self.cancel_known(resource, op, (task, interval), node);
        } else if interval > 0 || matches!(task, "monitor" | "start" | "promote" | "migrate_from") {
            if self.needs_container_address(resource) {
                self.late_checks
                    .push(crate::scheduler::unpack::digest::LateCheck {
                        op,
                        resource,
                        node,
                        kind: CheckKind::Active,
                    });
            } else if self.is_changed(resource, node, op)
                && self.failures(resource, node, EFFECTIVE, None).count != 0
            {
                self.clear_failcount(resource, node);
            }
        }
    }

    fn cancel_known(
        &mut self,
        resource: ResourceId,
        op: Element<'a>,
        (task, interval): (&str, u32),
        node: NodeId,
    ) {
        let cancel = self.cancel_action(resource, task, interval, node);
        // The original logs it.
        self.shown_interval(interval);
        // Of several entries of one operation the first is told.
        if let Some(call) = op.attr("call-id")
            && !self.actions[cancel].meta.contains_key("call-id")
        {
            self.set_meta(cancel, "call-id", call);
        }
        let stop = self.side(resource, "stop");
        self.new_ordering(stop, Side::action(cancel), Order::OPT);
    }

    /// Whether an operation isn't configured as it was run; what follows from it is planned.
    fn is_changed(&mut self, resource: ResourceId, node: NodeId, op: Element<'a>) -> bool {
        let task = op.attr("operation").unwrap_or("");
        let interval = interval_of(op);
        if interval > 0 && self.find_op(resource, task, interval, false).is_none() {
            if self.options.stop_orphan_actions {
                self.cancel_known(resource, op, (task, interval), node);
            }
            return true;
        }
        let task = if is_probe(task, interval) || matches!(task, "migrate_from" | "promote") {
            "start"
        } else {
            task
        };
        let digests = self.compare_digests(resource, op, node);
        let secure = op.attr("op-secure-digest");
        if digests.verdict != Verdict::Match
            && self.simulation
            && secure.is_some()
            && digests.secure.as_deref() == secure
        {
            self.note_private_change((resource, node), op, task);
            return false;
        }
        match digests.verdict {
            Verdict::Match => return false,
            Verdict::Restart => self.force_restart(resource, task, interval, node),
            Verdict::All | Verdict::Unknown if interval > 0 => {
                let reason = "Device parameters changed (reschedule)";
                self.trigger_unfencing(Some(resource), node, reason);
                let action = self.action(resource, task, interval, Some(node), true);
                self.actions[action].reschedule = true;
            }
            Verdict::All | Verdict::Unknown if op.attr("op-restart-digest").is_some() => {
                let reason = "Device parameters changed (reload)";
                self.trigger_unfencing(Some(resource), node, reason);
                self.plan_reload(resource, node);
            }
            Verdict::All | Verdict::Unknown => {
                self.force_restart(resource, task, interval, node);
            }
        }
        true
    }

    fn note_private_change(
        &mut self,
        (resource, node): (ResourceId, NodeId),
        op: Element<'a>,
        task: &str,
    ) {
        let note = format!(
            "Only 'private' parameters to {}-interval {} for {} on {} changed: {}",
            self.shown_interval(interval_of(op)),
            task,
            self.resources[resource].id,
            self.nodes[node].name,
            op.attr("transition-magic").unwrap_or("(null)"),
        );
        self.scores.borrow_mut().push(Score::Note(note));
    }

    /// An interval as the original shows it: it has one place for the text, which an interval of
    /// 0 leaves as it was.
    fn shown_interval(&self, interval: u32) -> String {
        let mut shown = self.shown_interval.borrow_mut();
        if interval > 0 || shown.is_empty() {
            *shown = readable_interval(interval);
        }
        shown.clone()
    }

    fn force_restart(&mut self, resource: ResourceId, task: &str, interval: u32, node: NodeId) {
        let required = self.action(resource, task, interval, None, false);
        self.set_reason(required, "resource definition change", true);
        self.trigger_unfencing(Some(resource), node, "Device parameters changed");
    }

    fn plan_reload(&mut self, resource: ResourceId, node: NodeId) {
        let r = &self.resources[resource];
        if !r.managed || r.failed {
            return;
        }
        if r.start_pending {
            self.stop_action(resource, node, false);
            return;
        }
        self.resources[resource].reload = true;
        let reload = self.action(resource, "reload-agent", 0, Some(node), false);
        self.set_reason(reload, "resource definition change", false);
        for task in ["stop", "demote"] {
            let then = self.side(resource, task);
            let order = Order::OPT | Order::TCF;
            self.new_ordering(Side::action(reload), then, order);
        }
    }

    /// Checks that had to wait until the place of a container was known.
    pub(in crate::scheduler) fn check_late(&mut self) {
        // The newest comes first.
        for check in std::mem::take(&mut self.late_checks).into_iter().rev() {
            let (resource, node) = (check.resource, check.node);
            let changed = match check.kind {
                CheckKind::Active => {
                    self.is_changed(resource, node, check.op)
                        && self.failures(resource, node, EFFECTIVE, None).count != 0
                }
                CheckKind::LastFailure => {
                    let digests = self.compare_digests(resource, check.op, node);
                    !matches!(digests.verdict, Verdict::Match | Verdict::Unknown)
                }
            };
            if changed {
                self.clear_failcount(resource, node);
            }
        }
    }
}
