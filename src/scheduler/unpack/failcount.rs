//! Fail counts of resources on nodes, and when they expire.

use std::ops::Bound;

use crate::cib::Element;
use crate::rules;
use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::text::{base_name, compare_versions};
use crate::scheduler::model::*;
use crate::scheduler::score;

/// Which failures count.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counting {
    /// Only those not yet expired.
    pub effective: bool,
    /// Also those of what runs in the resource.
    pub fillers: bool,
}

/// Sum of failures and time of the last.
#[derive(Debug, Clone, Copy, Default)]
pub struct Failures {
    /// How many.
    pub count: i32,
    /// When last, in seconds since 1970.
    pub last: i64,
}

impl<'a> Cluster<'a> {
    fn fail_name(&self, resource: ResourceId) -> String {
        let r = &self.resources[resource];
        let name = r.history_name();
        if r.unique {
            name.to_string()
        } else {
            base_name(name).to_owned()
        }
    }

    /// Failures of a resource on a node.
    pub fn failures(
        &mut self,
        resource: ResourceId,
        node: NodeId,
        counting: Counting,
        op: Option<Element<'a>>,
    ) -> Failures {
        let mut total = self.raw_failures(resource, node);
        if total.count > 0
            && self.resources[resource].failure_timeout > 0
            && self.failure_blocks(resource, node, op)
        {
            self.resources[resource].failure_timeout = 0;
        }
        let timeout = self.resources[resource].failure_timeout;
        if counting.effective
            && total.count > 0
            && total.last > 0
            && timeout > 0
            && self.clock.unix_s > total.last + timeout
        {
            total.count = 0;
        }
        if counting.fillers && !self.is_bundled(resource) {
            for filler in self.resources[resource].fillers.clone() {
                let more = self.failures(filler, node, counting, op);
                total.count = score::add(total.count, more.count);
                total.last = total.last.max(more.last);
            }
        }
        total
    }

    /// Whether a node has any attribute that tells of failures.
    fn has_failures(&self, node: NodeId) -> bool {
        let attrs = &self.nodes[node].attrs;
        let any = |prefix: &str| {
            let from = (Bound::Included(prefix), Bound::Unbounded);
            let first = attrs.range::<str, _>(from).next();
            first.is_some_and(|(name, _)| name.starts_with(prefix))
        };
        any("fail-count-") || any("last-failure-")
    }

    fn raw_failures(&self, resource: ResourceId, node: NodeId) -> Failures {
        if !self.has_failures(node) {
            return Failures::default();
        }
        let name = self.fail_name(resource);
        let old = self
            .root()
            .attr("crm_feature_set")
            .is_none_or(|v| compare_versions(v, "3.0.13").is_lt());
        let unique = self.resources[resource].unique;
        let mut total = Failures::default();
        for (prefix, is_count) in [("fail-count-", true), ("last-failure-", false)] {
            let start = format!("{prefix}{name}");
            let attrs = &self.nodes[node].attrs;
            for (key, value) in attrs.range(Text::from(&*start)..) {
                let Some(rest) = key.strip_prefix(&*start) else {
                    break;
                };
                if !counts(rest, unique, old) {
                    continue;
                }
                if is_count {
                    total.count = score::add(total.count, score::plain(Some(value)));
                } else {
                    let last = score::leading_integer(value).unwrap_or(0);
                    total.last = total.last.max(last);
                }
            }
        }
        total
    }

    /// Whether a failure of a resource is one after which it is blocked.
    fn failure_blocks(&self, resource: ResourceId, node: NodeId, op: Option<Element<'a>>) -> bool {
        let name: Text = base_name(&self.resources[resource].id).into();
        let blocking = self
            .ops(resource)
            .filter(|o| o.attr("on-fail") == Some("block"));
        for configured in blocking {
            let fits = |entry: Element<'a>| is_failure_of(&name, configured, entry);
            let found = match op {
                Some(op) => fits(op),
                None => self
                    .history
                    .get(&(name.clone(), node))
                    .is_some_and(|ops| ops.iter().any(|&o| fits(o))),
            };
            if found {
                return true;
            }
        }
        false
    }

    /// The fail count of a resource on a node is to be cleared.
    pub(in crate::scheduler) fn clear_failcount(
        &mut self,
        resource: ResourceId,
        node: NodeId,
    ) -> ActionId {
        let id = self.action(resource, "clear_failcount", 0, Some(node), false);
        self.set_meta(id, "op_no_wait", "true");
        id
    }
}

fn counts(rest: &str, unique: bool, old: bool) -> bool {
    let rest = match rest.strip_prefix(':') {
        Some(numbered) if !unique => numbered.trim_start_matches(|c: char| c.is_ascii_digit()),
        _ => rest,
    };
    if old {
        return rest.is_empty();
    }
    rest.strip_prefix('#').is_some_and(|op| {
        op.rsplit_once('_').is_some_and(|(task, interval)| {
            !task.is_empty() && !interval.is_empty() && interval.bytes().all(|b| b.is_ascii_digit())
        })
    })
}

fn is_failure_of(name: &str, configured: Element<'_>, entry: Element<'_>) -> bool {
    let interval = crate::scheduler::unpack::history_op::interval_of(entry);
    let wanted = configured
        .attr("interval")
        .map_or(0, |text| rules::interval_ms(text).unwrap_or(0));
    let task = configured.attr("name").unwrap_or("");
    if wanted != interval || Some(task) != entry.attr("operation") {
        return false;
    }
    let id = entry.id().unwrap_or("");
    if id == format!("{name}_last_failure_0") {
        return true;
    }
    let target = crate::scheduler::unpack::history_op::target_rc(entry);
    let rc = entry.attr("rc-code").and_then(score::leading_integer);
    id == crate::scheduler::model::text::operation_key(name, task, interval) && rc != target
}
