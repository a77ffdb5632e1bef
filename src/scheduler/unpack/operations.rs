//! What an operation is configured to be: timeout, what follows a failure, what it needs.

use std::rc::Rc;

use crate::cib::Element;
use crate::cib::boolean;
use crate::rules::iso8601::Time;
use crate::rules::{self, Agent, Context};
use crate::scheduler::model::arena::ResourceId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::text::{operation_key, parse_key};
use crate::scheduler::model::*;
use crate::scheduler::unpack::sets::Reading;

/// Timeout of an operation that says none, in milliseconds.
/// Source: Pacemaker 2.1.5, `CRM_DEFAULT_OP_TIMEOUT_S`.
const DEFAULT_TIMEOUT_MS: &str = "20000";

/// An operation of a resource as configured.
#[derive(Debug, Clone)]
pub struct Operation<'a> {
    /// The `op` element.
    pub element: Option<Element<'a>>,
    /// Meta attributes.
    pub meta: Rc<Values>,
    /// What follows a failure.
    pub on_fail: OnFail,
    /// The role after a failure.
    pub fail_role: Role,
    /// What it needs.
    pub needs: Needs,
}

/// Whether an operation looks for a resource.
pub fn is_probe(task: &str, interval: u32) -> bool {
    task == "monitor" && interval == 0
}

impl<'a> Cluster<'a> {
    /// The `op` elements of a resource, in order.
    pub fn ops(&self, resource: ResourceId) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let xml = self.resources[resource].xml;
        let operations = xml.child("operations").map(|o| self.follow(o));
        operations.into_iter().flat_map(|o| o.children_named("op"))
    }

    /// The element of an operation; disabled ones count only if asked for.
    pub fn find_op(
        &self,
        resource: ResourceId,
        task: &str,
        interval: u32,
        disabled: bool,
    ) -> Option<Element<'a>> {
        let find = |task: &str, interval: u32| {
            self.ops(resource).find(|&op| {
                let op = self.follow(op);
                op.attr("name") == Some(task)
                    && op
                        .attr("interval")
                        .map_or(0, |text| rules::interval_ms(text).unwrap_or(0))
                        == interval
                    && (disabled || op_enabled(op))
            })
        };
        let found = find(task, interval).map(|op| self.follow(op));
        found.or_else(|| match task {
            "migrate_to" | "migrate_from" => find("migrate", 0),
            _ => None,
        })
    }

    /// What the operation of a key is configured to be.
    pub fn operation(&mut self, resource: ResourceId, key: &Text, task: &str) -> Rc<Operation<'a>> {
        let place = (resource, key.clone());
        if let Some(found) = self.operations.get(&place) {
            return Rc::clone(found);
        }
        let interval = parse_key(key).map_or(0, |(_, _, interval)| interval);
        let element = self.configured_op(resource, key, interval);
        let made = Rc::new(self.read_operation(resource, task, interval, element));
        self.operations.insert(place, Rc::clone(&made));
        made
    }

    /// The element that a key is of. Keys of histories may have another name than the resource's
    /// two, and then nothing is configured for them.
    fn configured_op(&self, resource: ResourceId, key: &str, interval: u32) -> Option<Element<'a>> {
        if key.contains("_notify_") {
            return self.find_op(resource, "notify", 0, true);
        }
        let (id, task, _) = parse_key(key)?;
        let r = &self.resources[resource];
        if id == &*r.id || r.alt_name.as_deref() == Some(id) {
            self.find_op(resource, task, interval, true)
        } else if matches!(task, "migrate_to" | "migrate_from") {
            self.find_op(resource, "migrate", 0, true)
        } else {
            None
        }
    }

    fn read_operation(
        &mut self,
        resource: ResourceId,
        task: &str,
        interval: u32,
        element: Option<Element<'a>>,
    ) -> Operation<'a> {
        let mut meta = self.read_op_meta(resource, task, interval, element);
        self.set_timeout(resource, task, interval, &mut meta);
        self.set_start_delay(&mut meta, interval);
        let r = &self.resources[resource];
        let needs = match task {
            "start" | "promote" if r.needs_fencing => Needs::Fencing,
            "start" | "promote" if r.needs_quorum => Needs::Quorum,
            _ => Needs::Nothing,
        };
        let (on_fail, mut fail_role) = self.read_on_fail(resource, task, interval, &mut meta);
        if fail_role == Role::Unknown {
            fail_role = meta
                .get("role_after_failure")
                .map_or(Role::Unknown, |t| Role::parse(t));
        }
        if fail_role == Role::Unknown {
            fail_role = match task {
                "promote" => Role::Unpromoted,
                _ => Role::Started,
            };
        }
        Operation {
            element,
            meta: Rc::new(meta),
            on_fail,
            fail_role,
            needs,
        }
    }

    fn read_op_meta(
        &self,
        resource: ResourceId,
        task: &str,
        interval: u32,
        element: Option<Element<'a>>,
    ) -> Values {
        let r = &self.resources[resource];
        let context = Context {
            agent: Some(Agent {
                class: r.class,
                provider: r.provider,
                kind: r.agent,
            }),
            operation: Some(rules::Operation {
                name: task,
                interval_ms: interval,
            }),
            ..self.context()
        };
        let mut meta = Values::new();
        let sets = "meta_attributes";
        if let Some(defaults) = self.configuration("op_defaults") {
            self.read_sets(defaults, sets, &context, Reading::default(), &mut meta);
        }
        if is_probe(task, interval) {
            let timeout = self
                .shortest_monitor(resource)
                .and_then(|op| op.attr("timeout"));
            if let Some(timeout) = timeout {
                meta.insert("timeout".into(), timeout.into());
            }
        }
        if let Some(element) = element {
            let reading = Reading {
                overwrite: true,
                first: None,
            };
            self.read_sets(element, sets, &context, reading, &mut meta);
            for (name, value) in element.attrs() {
                meta.insert(name.into(), value.into());
            }
        }
        meta.remove("id");
        if interval > 0 {
            meta.insert("interval".into(), interval.to_string().into());
        } else {
            meta.remove("interval");
        }
        meta
    }

    fn shortest_monitor(&self, resource: ResourceId) -> Option<Element<'a>> {
        let monitors = self.ops(resource).filter(|op| {
            op.attr("name") == Some("monitor")
                && op_enabled(*op)
                && op
                    .attr("interval")
                    .map_or(0, |text| rules::interval_ms(text).unwrap_or(0))
                    > 0
        });
        monitors.min_by_key(|op| {
            op.attr("interval")
                .map_or(0, |text| rules::interval_ms(text).unwrap_or(0))
        })
    }

    fn set_timeout(&mut self, resource: ResourceId, task: &str, interval: u32, meta: &mut Values) {
        if self.resources[resource].fence_device && (task == "start" || is_probe(task, interval)) {
            let params = self.params(resource, None);
            if let Some(timeout) = params.get("pcmk_monitor_timeout") {
                meta.insert("timeout".into(), timeout.clone());
            }
        }
        let timeout = meta
            .get("timeout")
            .map(|t| rules::milliseconds(t).unwrap_or(-1));
        let text = match timeout {
            Some(ms) if ms >= 0 => ms.to_string(),
            _ => DEFAULT_TIMEOUT_MS.to_owned(),
        };
        meta.insert("timeout".into(), text.into());
    }

    fn set_start_delay(&self, meta: &mut Values, interval: u32) {
        if let Some(delay) = meta.get("start-delay") {
            let ms = rules::milliseconds(delay).unwrap_or(-1).max(0);
            meta.insert("start-delay".into(), ms.to_string().into());
            return;
        }
        let origin = meta
            .get("interval-origin")
            .and_then(|origin| Time::parse(origin.as_bytes(), self.clock).ok())
            .map(Time::unix_s);
        let Some(origin) = origin.filter(|_| interval > 0) else {
            return;
        };
        let period = i64::from(interval / 1000).max(1);
        let rest = (origin - self.clock.unix_s) % period;
        let delay = if rest > 0 { rest } else { rest + period };
        let delay = if rest == 0 { 0 } else { delay };
        meta.insert("start-delay".into(), (delay * 1000).to_string().into());
    }

    fn read_on_fail(
        &self,
        resource: ResourceId,
        task: &str,
        interval: u32,
        meta: &mut Values,
    ) -> (OnFail, Role) {
        let value = self.on_fail_text(resource, task, interval, meta);
        let stonith = self.options.stonith_enabled;
        let r = &self.resources[resource];
        let chosen = match value.as_deref() {
            Some("block") => {
                meta.insert("on-fail".into(), "block".into());
                Some((OnFail::Block, Role::Unknown))
            }
            Some("fence") if !stonith => Some((OnFail::Stop, Role::Stopped)),
            Some("fence") => Some((OnFail::Fence, Role::Unknown)),
            Some("standby") => Some((OnFail::Standby, Role::Unknown)),
            Some("ignore" | "nothing") => Some((OnFail::Ignore, Role::Unknown)),
            Some("migrate") => Some((OnFail::Migrate, Role::Unknown)),
            Some("stop") => Some((OnFail::Stop, Role::Stopped)),
            Some("restart") => Some((OnFail::Recover, Role::Unknown)),
            Some("restart-container") if r.container.is_some() => {
                Some((OnFail::RestartContainer, Role::Unknown))
            }
            Some("demote") => Some((OnFail::Demote, Role::Unknown)),
            None if r.container.is_some() => Some((OnFail::RestartContainer, Role::Unknown)),
            _ => None,
        };
        // In a clone it isn't one: there is no node of its name.
        let own = self.node_named(&r.id).filter(|&n| self.is_remote(n));
        let connection = r.is_connection && own.is_some();
        let starting = is_probe(task, interval) || task == "start";
        if (chosen.is_none() || !r.managed) && connection && !starting {
            if !r.managed {
                return (OnFail::Stop, Role::Stopped);
            }
            let role = if r.reconnect_ms > 0 {
                Role::Stopped
            } else {
                Role::Unknown
            };
            return (OnFail::ResetRemote, role);
        }
        chosen.unwrap_or(match task {
            "stop" if stonith => (OnFail::Fence, Role::Unknown),
            "stop" => (OnFail::Block, Role::Unknown),
            _ => (OnFail::Recover, Role::Unknown),
        })
    }

    fn on_fail_text(
        &self,
        resource: ResourceId,
        task: &str,
        interval: u32,
        meta: &Values,
    ) -> Option<String> {
        let value = meta.get("on-fail").map(|v| v.to_string());
        match (task, value.as_deref()) {
            ("stop", Some("standby" | "demote" | "stop")) => None,
            ("demote", None) => self.promoted_monitor_on_fail(resource),
            ("lrm_delete", _) => Some("ignore".to_owned()),
            (_, Some("demote")) => {
                let role = meta.get("role").map(|r| Role::parse(r));
                let promoted = role == Some(Role::Promoted);
                let fits = task == "promote" || (task == "monitor" && interval > 0 && promoted);
                value.filter(|_| fits)
            }
            _ => value,
        }
    }

    /// A failed demotion is handled like a failed monitor of the promoted role.
    fn promoted_monitor_on_fail(&self, resource: ResourceId) -> Option<String> {
        let mut found = None;
        for op in self.ops(resource) {
            let on_fail = self.op_on_fail(op);
            let fits = op.attr("name") == Some("monitor")
                && op.attr("role").map(Role::parse) == Some(Role::Promoted)
                && op_enabled(op)
                && op
                    .attr("interval")
                    .map_or(0, |text| rules::interval_ms(text).unwrap_or(0))
                    > 0;
            match on_fail {
                Some(value) if fits && value != "demote" => found = Some(value),
                _ => {}
            }
        }
        found
    }

    fn op_on_fail(&self, op: Element<'a>) -> Option<String> {
        if let Some(value) = op.attr("on-fail") {
            return Some(value.to_owned());
        }
        let mut values = Values::new();
        let context = self.context();
        self.read_sets(
            op,
            "meta_attributes",
            &context,
            Reading::default(),
            &mut values,
        );
        values.get("on-fail").map(|v| v.to_string())
    }

    /// The key of an operation of a resource.
    pub fn key_of(&self, resource: ResourceId, task: &str, interval: u32) -> Text {
        operation_key(&self.resources[resource].id, task, interval).into()
    }
}

/// Whether an operation isn't disabled.
pub fn op_enabled(op: Element<'_>) -> bool {
    op.attr("enabled").is_none_or(|e| boolean::is_true(Some(e)))
}
