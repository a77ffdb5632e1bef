//! Entries of live migrations: where a resource is when one of its two halves is missing.

use crate::cib::Element;
use crate::scheduler::model::arena::NodeId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::*;
use crate::scheduler::score;
use crate::scheduler::unpack::age::compare_age;
use crate::scheduler::unpack::history_op::Entry;

/// Source and target of a migration, and the id of what migrates.
struct Migration<'a> {
    id: Text,
    source: &'a str,
    target: &'a str,
}

impl<'a> Cluster<'a> {
    /// The migration that an entry is a half of; none if that half belongs to another node.
    fn migration(&self, entry: &Entry<'a>) -> Option<Migration<'a>> {
        let migration = Migration {
            id: self.resources[entry.resource].id.clone(),
            source: entry.xml.attr("migrate_source")?,
            target: entry.xml.attr("migrate_target")?,
        };
        let own = match entry.task {
            "migrate_from" => migration.target,
            _ => migration.source,
        };
        let here = own == &*self.nodes[entry.node].name;
        here.then_some(migration)
    }

    fn history_of(&self, id: &Text, node: &str) -> &[Element<'a>] {
        let node = self.node_named(node);
        let ops = node.and_then(|node| self.history.get(&(id.clone(), node)));
        ops.map_or(&[], Vec::as_slice)
    }

    /// An entry of one half of a migration.
    fn half(&self, m: &Migration<'a>, task: &str, node: &str) -> Option<Element<'a>> {
        let ops = self.history_of(&m.id, node);
        ops.iter().copied().find(|op| {
            op.attr("operation") == Some(task)
                && if task == "migrate_to" {
                    op.attr("migrate_target") == Some(m.target)
                } else {
                    op.attr("migrate_source") == Some(m.source)
                }
        })
    }

    fn newer_action(&self, m: &Migration<'a>, node: &str, than: Element<'a>, same: bool) -> bool {
        self.history_of(&m.id, node).iter().any(|op| {
            matches!(
                op.attr("operation"),
                Some("start" | "stop" | "migrate_to" | "migrate_from")
            ) && compare_age(*op, than, same).is_gt()
        })
    }

    fn newer_state(
        &self,
        m: &Migration<'a>,
        node: &str,
        to: Option<Element<'a>>,
        from: Option<Element<'a>>,
    ) -> bool {
        let (than, same) = if node == m.target {
            (from.or(to), from.is_some())
        } else {
            (to.or(from), to.is_some())
        };
        let Some(than) = than else { return false };
        self.newer_action(m, node, than, same) || self.found_stopped(m, node, than, same)
    }

    /// Whether it was found later that the resource doesn't run on a node. That is told only by a
    /// monitor that ended so as it should, and only if it is the one monitor in the history.
    fn found_stopped(&self, m: &Migration<'a>, node: &str, than: Element<'a>, same: bool) -> bool {
        let ops = self.history_of(&m.id, node).iter();
        let mut monitors = ops.filter(|op| op.attr("operation") == Some("monitor"));
        let (Some(monitor), None) = (monitors.next(), monitors.next()) else {
            return false;
        };
        monitor.attr("rc-code") == Some("7")
            && monitor.attr("op-status") == Some("0")
            && compare_age(*monitor, than, same).is_gt()
    }

    fn unknown_on(&self, m: &Migration<'a>, node: &str) -> bool {
        let ops = self.history_of(&m.id, node);
        !ops.iter().any(|op| op.attr("rc-code") != Some("193"))
    }

    fn recover_without_migration(&mut self, entry: &Entry<'a>) {
        let r = &mut self.resources[entry.resource];
        r.failed = true;
        r.failed_stop = true;
        r.allow_migrate = false;
    }

    pub(in crate::scheduler) fn migrate_to_succeeded(&mut self, entry: &Entry<'a>) {
        let Some(m) = self.migration(entry) else {
            return;
        };
        let newer_on_source = self.newer_action(&m, m.source, entry.xml, true);
        let from = self.half(&m, "migrate_from", m.target);
        if from.is_some() && newer_on_source {
            return;
        }
        let newer_on_target = self.newer_state(&m, m.target, Some(entry.xml), from);
        if newer_on_source && newer_on_target {
            return;
        }
        let number = |name: &str| {
            from.and_then(|f| f.attr(name))
                .and_then(score::leading_integer)
        };
        let status = number("op-status").unwrap_or(-1);
        if from.is_some() && number("rc-code") == Some(0) && status == 0 {
            let r = &mut self.resources[entry.resource];
            r.role = Role::Stopped;
            r.dangling.insert(0, entry.node);
            return;
        }
        self.resources[entry.resource].role = Role::Started;
        let target = self.node_named(m.target);
        let online = target.filter(|&t| self.nodes[t].online);
        let on_target = online.filter(|_| !newer_on_target);
        if from.is_some() && status != -1 {
            match on_target {
                Some(target) => self.add_running(entry.resource, target, true),
                None => self.recover_without_migration(entry),
            }
            return;
        }
        if online.is_some() && self.unknown_on(&m, m.target) {
            return;
        }
        if let Some(target) = on_target {
            self.add_running(entry.resource, target, false);
            let source = self.node_named(m.source).filter(|&s| self.nodes[s].online);
            if let Some(source) = source {
                let r = &mut self.resources[entry.resource];
                r.partial.source = Some(source);
                r.partial.target = Some(target);
            }
        } else if !newer_on_source {
            self.recover_without_migration(entry);
        }
    }

    pub(in crate::scheduler) fn migrate_to_failed(&mut self, entry: &Entry<'a>) {
        let Some(m) = self.migration(entry) else {
            return;
        };
        self.resources[entry.resource].role = Role::Started;
        let from = self.half(&m, "migrate_from", m.target);
        let from = from.filter(|f| f.attr("rc-code") == Some("0"));
        let settled = self.newer_state(&m, m.target, Some(entry.xml), from);
        if !self.unknown_on(&m, m.target) && !settled {
            let target: Option<NodeId> = self.node_named(m.target);
            if let Some(target) = target.filter(|&t| self.nodes[t].online) {
                self.add_running(entry.resource, target, false);
            }
        } else if !self.newer_action(&m, m.source, entry.xml, true) {
            self.resources[entry.resource]
                .dangling
                .insert(0, entry.node);
        }
    }

    pub(in crate::scheduler) fn migrate_from_failed(&mut self, entry: &Entry<'a>) {
        let Some(m) = self.migration(entry) else {
            return;
        };
        self.resources[entry.resource].role = Role::Started;
        let to = self.half(&m, "migrate_to", m.source);
        let to = to.filter(|t| t.attr("rc-code") == Some("0"));
        let settled = self.newer_state(&m, m.source, to, Some(entry.xml));
        if !self.unknown_on(&m, m.source) && !settled {
            let source = self.node_named(m.source);
            if let Some(source) = source.filter(|&s| self.nodes[s].online) {
                self.add_running(entry.resource, source, true);
            }
        }
    }
}
