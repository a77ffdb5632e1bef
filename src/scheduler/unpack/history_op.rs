//! One entry of the history: what it says of the resource.

use crate::cib::Element;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::*;
use crate::scheduler::score::{self, INFINITY};
use crate::scheduler::unpack::digest::{CheckKind, Verdict};
use crate::scheduler::unpack::failcount::Counting;
use crate::scheduler::unpack::operations::{Operation, is_probe};

/// What the entries so far came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Judged<'a> {
    /// What follows from failures.
    pub on_fail: OnFail,
    /// The last failure.
    pub failure: Option<Element<'a>>,
}

/// Status of an execution, as numbered in a history.
#[allow(missing_docs)]
pub mod status {
    pub const PENDING: i64 = -1;
    pub const DONE: i64 = 0;
    pub const CANCELLED: i64 = 1;
    pub const NOT_SUPPORTED: i64 = 3;
    pub const ERROR: i64 = 4;
    pub const HARD: i64 = 5;
    pub const FATAL: i64 = 6;
    pub const NOT_INSTALLED: i64 = 7;
    pub const NOT_CONNECTED: i64 = 8;
    pub const NO_FENCE_DEVICE: i64 = 10;
    pub const NO_SECRETS: i64 = 11;
}

/// An entry taken apart.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    pub(in crate::scheduler) resource: ResourceId,
    pub(in crate::scheduler) node: NodeId,
    pub(in crate::scheduler) xml: Element<'a>,
    pub(in crate::scheduler) task: &'a str,
    pub(in crate::scheduler) interval: u32,
    pub(in crate::scheduler) status: i64,
    pub(in crate::scheduler) rc: i64,
    pub(in crate::scheduler) target: Option<i64>,
    /// The agent isn't there or can't run: a probe that counts as "doesn't run".
    pub(in crate::scheduler) masked: bool,
}

impl Entry<'_> {
    fn probe(&self) -> bool {
        is_probe(self.task, self.interval)
    }
}

/// The result that was expected of an entry, from its key.
pub fn target_rc(entry: Element<'_>) -> Option<i64> {
    let key = entry
        .attr("transition-key")
        .or_else(|| entry.attr("transition-magic"))?;
    let key = key.split_once(';').map_or(key, |(_, key)| key);
    let target = key.split(':').nth(2)?.parse().ok()?;
    (target >= 0).then_some(target)
}

/// The interval of an entry in milliseconds: unlike in the configuration, a plain number.
pub fn interval_of(entry: Element<'_>) -> u32 {
    let ms = entry.attr("interval").and_then(score::leading_integer);
    u32::try_from(ms.unwrap_or(0).max(0)).unwrap_or(u32::MAX)
}

/// The key of an entry.
pub fn entry_key<'a>(entry: Element<'a>) -> &'a str {
    entry.attr("operation_key").or(entry.id()).unwrap_or("")
}

impl<'a> Cluster<'a> {
    pub(in crate::scheduler) fn unpack_op(
        &mut self,
        resource: ResourceId,
        node: NodeId,
        xml: Element<'a>,
        judged: &mut Judged<'a>,
    ) {
        let task = xml.attr("operation").unwrap_or("");
        if matches!(task, "" | "notify" | "meta-data") {
            return;
        }
        let number = |name: &str| Some(score::leading_integer(xml.attr(name)?).unwrap_or(0));
        let status = number("op-status");
        let Some(status) = status.filter(|s| (status::PENDING..=status::NO_SECRETS).contains(s))
        else {
            return;
        };
        let mut entry = Entry {
            resource,
            node,
            xml,
            task,
            interval: interval_of(xml),
            status,
            rc: number("rc-code").unwrap_or(0),
            target: target_rc(xml),
            masked: false,
        };
        let expired = entry.status != status::NOT_INSTALLED && self.expired(&mut entry);
        let original = entry.rc;
        let maskable = self.maskable(&entry);
        entry.masked = maskable;
        self.remap(&mut entry, judged);
        if expired && maskable && Some(original) != entry.target {
            let role = &mut self.resources[resource].role;
            if *role <= Role::Stopped {
                *role = Role::Unknown;
            }
            return;
        }
        if expired && Some(entry.rc) != entry.target {
            if entry.interval == 0 {
                return;
            }
            if self.nodes[node].online && !self.nodes[node].unclean {
                self.forced_restarts.insert(xml.node());
                return;
            }
        }
        if maskable {
            let target = entry.target.unwrap_or(-1);
            self.update_state(&entry, target, judged);
            self.record_failed(&entry);
            let banned = self.banned_with(resource);
            self.locate(banned, node, -INFINITY);
            return;
        }
        self.judge(entry, judged);
    }

    /// What a failure bans: the resource, or its clone.
    fn banned_with(&self, resource: ResourceId) -> ResourceId {
        if self.resources[resource].unique {
            resource
        } else {
            self.top_of(resource)
        }
    }

    fn maskable(&self, entry: &Entry<'_>) -> bool {
        !self.is_bundled(entry.resource)
            && entry.probe()
            && (matches!(entry.rc, 5 | 2) || entry.status == status::NOT_INSTALLED)
    }

    fn record_failed(&mut self, entry: &Entry<'a>) {
        let key = entry.xml.attr("operation_key").map(str::to_lowercase);
        if self.nodes[entry.node].online && self.failed_keys.insert((entry.node, key)) {
            self.failed.push(FailedOp {
                op: entry.xml,
                node: entry.node,
                resource: entry.resource,
            });
        }
    }

    fn set_active(&mut self, resource: ResourceId) {
        let role = if self.in_promotable(resource) {
            Role::Unpromoted
        } else {
            Role::Started
        };
        self.resources[resource].role = role;
    }

    fn remap(&mut self, entry: &mut Entry<'a>, judged: &mut Judged<'a>) {
        if entry.task == "monitor" && matches!(entry.rc, 190 | 191) {
            entry.rc = if entry.rc == 190 { 0 } else { 8 };
            self.record_failed(entry);
        }
        if entry.masked {
            entry.status = status::DONE;
            entry.rc = 7;
        }
        if entry.status != status::DONE && entry.status != status::ERROR {
            return;
        }
        let expected = Some(entry.rc) == entry.target;
        entry.status = if expected {
            status::DONE
        } else {
            status::ERROR
        };
        let (probe, resource) = (entry.probe(), entry.resource);
        match entry.rc {
            0 => {
                if probe && entry.target == Some(7) {
                    entry.status = status::DONE;
                }
            }
            7 => {
                if probe || expected || !self.resources[resource].managed {
                    entry.status = status::DONE;
                    self.resources[resource].role = Role::Stopped;
                    judged.on_fail = OnFail::Ignore;
                    self.resources[resource].next_role = Role::Unknown;
                }
            }
            8 | 191 => {
                if probe && !expected {
                    entry.status = status::DONE;
                }
                self.resources[resource].role = Role::Promoted;
            }
            9 => {
                self.resources[resource].role = Role::Promoted;
                entry.status = status::ERROR;
            }
            6 => entry.status = status::FATAL,
            3 if entry.interval > 0 => entry.status = status::NOT_SUPPORTED,
            2..=5 => {
                if entry.task == "stop" && !self.can_fence(entry.node) {
                    self.resources[resource].managed = false;
                    self.resources[resource].blocked = true;
                }
                entry.status = status::HARD;
            }
            _ => {
                if entry.status == status::DONE {
                    entry.status = status::ERROR;
                }
            }
        }
    }

    fn judge(&mut self, mut entry: Entry<'a>, judged: &mut Judged<'a>) {
        let (resource, node) = (entry.resource, entry.node);
        match entry.status {
            status::CANCELLED => return,
            status::PENDING => return self.judge_pending(&entry),
            status::DONE => {
                let rc = entry.rc;
                return self.update_state(&entry, rc, judged);
            }
            status::NOT_INSTALLED => {
                if self.entry_operation(&entry).on_fail == OnFail::Ignore {
                    judged.on_fail = OnFail::Migrate;
                }
                let banned = self.banned_with(resource);
                self.locate(banned, node, -INFINITY);
                return self.judge_failure(&entry, judged);
            }
            status::NOT_CONNECTED => {
                if let Some(c) = self.nodes[node].connection
                    && self.is_remote_kind(node)
                    && self.resources[c].managed
                {
                    self.resources[c].failed = true;
                    self.resources[c].failed_stop = true;
                }
            }
            status::NO_FENCE_DEVICE | status::NO_SECRETS => entry.status = status::HARD,
            _ => {}
        }
        let on_fail = self.entry_operation(&entry).on_fail;
        let container = on_fail == OnFail::RestartContainer;
        if on_fail == OnFail::Ignore || (container && entry.task == "stop") {
            let target = entry.target.unwrap_or(-1);
            self.update_state(&entry, target, judged);
            self.resources[resource].failure_ignored = true;
            self.record_failed(&entry);
            if container && judged.on_fail <= OnFail::Recover {
                judged.on_fail = on_fail;
            }
            return;
        }
        self.judge_failure(&entry, judged);
        if entry.status == status::HARD {
            let banned = self.banned_with(resource);
            self.locate(banned, node, -INFINITY);
        } else if entry.status == status::FATAL {
            let banned = self.banned_with(resource);
            self.locate_everywhere(banned, -INFINITY);
        }
    }

    fn entry_operation(&mut self, entry: &Entry<'a>) -> std::rc::Rc<Operation<'a>> {
        let key: Text = entry_key(entry.xml).into();
        self.operation(entry.resource, &key, entry.task)
    }

    fn judge_pending(&mut self, entry: &Entry<'a>) {
        let resource = entry.resource;
        match entry.task {
            "start" => {
                self.resources[resource].start_pending = true;
                self.set_active(resource);
            }
            "promote" => self.resources[resource].role = Role::Promoted,
            "migrate_to" if self.nodes[entry.node].unclean => {
                let target = entry
                    .xml
                    .attr("migrate_target")
                    .and_then(|t| self.node_named(t));
                if let Some(target) = target {
                    self.stop_action(resource, target, false);
                }
            }
            _ => {}
        }
        let r = &mut self.resources[resource];
        if r.pending.task.is_none() && !entry.probe() {
            r.pending.task = Some(entry.task.into());
            r.pending.node = Some(entry.node);
        }
    }

    fn update_state(&mut self, entry: &Entry<'a>, rc: i64, judged: &mut Judged<'a>) {
        let resource = entry.resource;
        let mut clears = false;
        let role = |c: &mut Self, role: Role| c.resources[resource].role = role;
        if rc == 5 || entry.masked {
            role(self, Role::Stopped);
        } else if rc == 7 {
            clears = true;
        } else {
            match entry.task {
                "monitor" => {
                    let key = entry_key(entry.xml);
                    clears = judged.failure.is_some_and(|f| entry_key(f) == key);
                    if self.resources[resource].role < Role::Started {
                        self.set_active(resource);
                    }
                }
                "start" | "migrate_from" => {
                    role(self, Role::Started);
                    clears = true;
                }
                "stop" => {
                    role(self, Role::Stopped);
                    clears = true;
                }
                "promote" => {
                    role(self, Role::Promoted);
                    clears = true;
                }
                "demote" => {
                    role(self, Role::Unpromoted);
                    clears = judged.on_fail == OnFail::Demote;
                }
                "migrate_to" => self.migrate_to_succeeded(entry),
                _ if self.resources[resource].role < Role::Started => self.set_active(resource),
                _ => {}
            }
        }
        if clears {
            self.clear_past_failure(resource, judged);
        }
    }

    fn clear_past_failure(&mut self, resource: ResourceId, judged: &mut Judged<'a>) {
        let reconnects = self.resources[resource].reconnect_ms > 0;
        let stays = match judged.on_fail {
            OnFail::Stop | OnFail::Fence | OnFail::Migrate | OnFail::Standby => true,
            OnFail::ResetRemote => reconnects,
            _ => false,
        };
        if !stays {
            judged.on_fail = OnFail::Ignore;
            self.resources[resource].next_role = Role::Unknown;
        }
    }

    fn judge_failure(&mut self, entry: &Entry<'a>, judged: &mut Judged<'a>) {
        let (resource, node) = (entry.resource, entry.node);
        judged.failure = Some(entry.xml);
        if entry.rc != 5 || self.options.symmetric {
            self.record_failed(entry);
        }
        let operation = self.entry_operation(entry);
        judged.on_fail = judged.on_fail.max(operation.on_fail);
        match entry.task {
            "stop" => self.locate(resource, node, -INFINITY),
            "migrate_from" => self.migrate_from_failed(entry),
            "migrate_to" => self.migrate_to_failed(entry),
            "promote" => self.resources[resource].role = Role::Promoted,
            "demote" => {
                let r = &mut self.resources[resource];
                if operation.on_fail == OnFail::Block {
                    r.role = Role::Promoted;
                    r.next_role = Role::Stopped;
                } else if entry.rc == 7 {
                    r.role = Role::Stopped;
                } else {
                    r.role = Role::Unpromoted;
                }
            }
            _ => {}
        }
        if entry.probe() && entry.rc == 5 {
            self.resources[resource].role = Role::Stopped;
        } else if self.resources[resource].role < Role::Started {
            self.set_active(resource);
        }
        let fail_role = operation.fail_role;
        let r = &mut self.resources[resource];
        if fail_role != Role::Started && r.next_role < fail_role {
            r.next_role = fail_role;
        }
        if fail_role == Role::Stopped {
            let top = self.top_of(resource);
            let clone = &self.resources[top];
            let banned = if clone.is_clone() && !clone.unique {
                top
            } else {
                resource
            };
            self.ban_everywhere(banned);
        }
    }

    /// Whether an entry is too old to count; what has to be cleared is.
    fn expired(&mut self, entry: &mut Entry<'a>) -> bool {
        let (resource, node, xml) = (entry.resource, entry.node, entry.xml);
        let last_failure = xml.id().is_some_and(|id| id.ends_with("_last_failure_0"));
        let changed = xml.attr("last-rc-change").and_then(score::leading_integer);
        let timeout = self.resources[resource].failure_timeout;
        let (mut expired, mut unexpired) = (false, 0);
        if let Some(changed) = changed.filter(|_| timeout > 0) {
            expired = self.clock.unix_s >= changed + timeout && !self.timeout_is_ignored(entry);
            let counting = Counting {
                effective: true,
                fillers: false,
            };
            let failures = self.failures(resource, node, counting, Some(xml));
            unexpired = failures.count;
            if unexpired > 0 {
                self.recheck_at(failures.last + timeout + 1);
            }
        }
        let reconnects = self.resources[resource].reconnect_ms > 0;
        let mut clear = false;
        if expired {
            let counting = Counting::default();
            if self.failures(resource, node, counting, Some(xml)).count != 0 {
                if unexpired == 0 {
                    clear = true;
                } else {
                    expired = false;
                }
            } else if last_failure && reconnects {
                clear = true;
            }
        }
        if !expired && last_failure && self.parameters_changed(entry) {
            clear = true;
        }
        if clear {
            self.clear_after_fencing(resource, node, reconnects);
        }
        if expired && entry.probe() && matches!(entry.rc, 0 | 7 | 8 | 190 | 191) {
            expired = false;
        }
        expired
    }

    fn clear_after_fencing(&mut self, resource: ResourceId, node: NodeId, reconnects: bool) {
        let clear = self.clear_failcount(resource, node);
        if self.options.stonith_enabled && reconnects {
            let own = self.node_named(&self.resources[resource].id.clone());
            if let Some(own) = own {
                let fence = self.fence_action(own, None, true, None, false);
                self.link(fence, clear, crate::scheduler::model::order::Order::IT);
            }
        }
    }

    /// A connection with a reconnect interval stays failed until it is fenced.
    fn timeout_is_ignored(&self, entry: &Entry<'_>) -> bool {
        let r = &self.resources[entry.resource];
        if !self.options.stonith_enabled || r.reconnect_ms == 0 {
            return false;
        }
        if entry.interval == 0 || entry.task != "monitor" {
            return false;
        }
        let own = self.node_named(&r.id);
        own.is_some_and(|n| !self.nodes[n].was_fenced)
    }

    fn parameters_changed(&mut self, entry: &Entry<'a>) -> bool {
        if !matches!(entry.task, "start" | "monitor") {
            return false;
        }
        if self.needs_container_address(entry.resource) {
            self.late_checks
                .push(crate::scheduler::unpack::digest::LateCheck {
                    op: entry.xml,
                    resource: entry.resource,
                    node: entry.node,
                    kind: CheckKind::LastFailure,
                });
            return false;
        }
        let digests = self.compare_digests(entry.resource, entry.xml, entry.node);
        !matches!(digests.verdict, Verdict::Match | Verdict::Unknown)
    }
}
