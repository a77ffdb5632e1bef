//! Notifications: instances of a clone are told what others are about to do, and have done.
//! Source: Pacemaker 2.1.5, `lib/pengine/pe_notif.c`.

use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::*;
use crate::scheduler::score::INFINITY;

/// Pseudo-actions around one task of a clone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Notices {
    pre: Option<ActionId>,
    pre_done: Option<ActionId>,
    post: Option<ActionId>,
    post_done: Option<ActionId>,
}

/// Instances and where they are, or where something happens to them.
type Places = Vec<(Text, Option<Text>)>;

/// What a notification tells.
#[derive(Debug, Default)]
struct Told {
    inactive: Places,
    active: Places,
    unpromoted: Places,
    promoted: Places,
    start: Places,
    stop: Places,
    promote: Places,
    demote: Places,
    values: Vec<(&'static str, String)>,
}

/// Each instance once, in the order of ids and then of nodes.
fn joined(places: &Places) -> (String, String) {
    let mut sorted: Vec<_> = places.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    sorted.dedup_by(|a, b| a.0 == b.0);
    let ids: Vec<&str> = sorted.iter().map(|p| &*p.0).collect();
    let nodes: Vec<&str> = sorted.iter().filter_map(|p| p.1.as_deref()).collect();
    (words(&ids), words(&nodes))
}

fn words(list: &[&str]) -> String {
    if list.is_empty() {
        " ".to_owned()
    } else {
        list.join(" ")
    }
}

impl Cluster<'_> {
    fn notice(
        &mut self,
        resource: ResourceId,
        of: ActionId,
        task: &str,
        (when, about): (&str, &str),
    ) -> ActionId {
        let (id, done) = (
            self.resources[resource].id.clone(),
            self.actions[of].task.clone(),
        );
        let key = format!("{id}_{when}_notify_{done}_0");
        let optional = self.actions[of].optional;
        let notice = self.keyed_action(resource, key.into(), task, None, optional);
        self.actions[notice].pseudo = true;
        self.set_meta(notice, "notify_key_type", when);
        self.set_meta(notice, "notify_key_operation", &done);
        let kind = when.strip_prefix("confirmed-").unwrap_or(when);
        self.set_meta(notice, "notify_type", kind);
        self.set_meta(notice, "notify_operation", about);
        notice
    }

    fn notices(
        &mut self,
        resource: ResourceId,
        task: &str,
        action: Option<ActionId>,
        complete: ActionId,
    ) -> Notices {
        let mut made = Notices::default();
        if let Some(action) = action {
            let pre = self.notice(resource, action, "notify", ("pre", task));
            self.actions[pre].runnable = true;
            let done = self.notice(resource, action, "notified", ("confirmed-pre", task));
            self.actions[done].runnable = true;
            self.order_actions(pre, done, Order::OPT);
            self.order_actions(done, action, Order::OPT);
            (made.pre, made.pre_done) = (Some(pre), Some(done));
        }
        let runnable = self.actions[complete].runnable;
        let post = self.notice(resource, complete, "notify", ("post", task));
        self.actions[post].priority = INFINITY;
        self.actions[post].runnable = runnable;
        let done = self.notice(resource, complete, "notified", ("confirmed-post", task));
        self.actions[done].priority = INFINITY;
        self.actions[done].runnable = runnable;
        self.order_actions(complete, post, Order::IT);
        self.order_actions(post, done, Order::IT);
        if let Some(pre_done) = made.pre_done {
            self.order_actions(pre_done, post, Order::OPT);
        }
        (made.post, made.post_done) = (Some(post), Some(done));
        made
    }

    /// Pseudo-actions of the notifications about one task of a clone.
    pub(in crate::scheduler) fn plan_notifications(
        &mut self,
        clone: ResourceId,
        task: &'static str,
        action: ActionId,
        complete: ActionId,
    ) {
        if !self.resources[clone].notify || self.clone_of(clone).notices.contains_key(task) {
            return;
        }
        let made = self.notices(clone, task, Some(action), complete);
        self.clone_mut(clone).notices.insert(task, made);
    }

    /// Notifications after one task come before those of another.
    pub(in crate::scheduler) fn order_notifications(
        &mut self,
        clone: ResourceId,
        pairs: &[(&str, &str)],
    ) {
        for (first, then) in pairs {
            let notices = &self.clone_of(clone).notices;
            let done = notices.get(first).and_then(|n| n.post_done);
            let pre = notices.get(then).and_then(|n| n.pre);
            if let (Some(done), Some(pre)) = (done, pre) {
                self.order_actions(done, pre, Order::OPT);
            }
        }
    }

    /// Makes the notifications of a clone, now that it is clear what happens.
    pub(in crate::scheduler) fn make_notifications(&mut self, clone: ResourceId) {
        for task in ["start", "stop", "promote", "demote"] {
            let Some(&notices) = self.clone_of(clone).notices.get(task) else {
                continue;
            };
            let mut told = Told::default();
            self.collect(clone, true, &mut told);
            self.tell(clone, task, notices, &mut told);
            self.notify_instances(clone, task, notices, &told);
        }
    }

    fn collect(&self, resource: ResourceId, activity: bool, told: &mut Told) {
        let r = &self.resources[resource];
        for &child in &r.children {
            self.collect(child, activity, told);
        }
        if !r.children.is_empty() {
            return;
        }
        let name = |node: NodeId| Some(self.nodes[node].name.clone());
        let own = (r.id.clone(), r.running_on.first().and_then(|&n| name(n)));
        match r.role {
            Role::Stopped => told.inactive.push(own),
            Role::Started => told.active.push(own),
            Role::Unpromoted => {
                told.unpromoted.push(own.clone());
                told.active.push(own);
            }
            Role::Promoted => {
                told.promoted.push(own.clone());
                told.active.push(own);
            }
            Role::Unknown => {}
        }
        for &id in r.actions.iter().filter(|_| activity) {
            let action = &self.actions[id];
            let Some(node) = action.node.filter(|_| !action.optional) else {
                continue;
            };
            let lost_stop = &*action.task == "stop" && self.nodes[node].unclean;
            if !lost_stop && !action.runnable {
                continue;
            }
            let list = match &*action.task {
                "start" => &mut told.start,
                "stop" => &mut told.stop,
                "promote" => &mut told.promote,
                "demote" => &mut told.demote,
                _ => continue,
            };
            list.push((r.id.clone(), name(node)));
        }
    }

    fn tell(&mut self, clone: ResourceId, task: &str, notices: Notices, told: &mut Told) {
        let mut values = Vec::new();
        for (names, places) in [
            (["notify_stop_resource", "notify_stop_uname"], &told.stop),
            (["notify_start_resource", "notify_start_uname"], &told.start),
            (
                ["notify_demote_resource", "notify_demote_uname"],
                &told.demote,
            ),
            (
                ["notify_promote_resource", "notify_promote_uname"],
                &told.promote,
            ),
            (
                ["notify_active_resource", "notify_active_uname"],
                &told.active,
            ),
            (
                ["notify_unpromoted_resource", "notify_unpromoted_uname"],
                &told.unpromoted,
            ),
            (
                ["notify_slave_resource", "notify_slave_uname"],
                &told.unpromoted,
            ),
            (
                ["notify_promoted_resource", "notify_promoted_uname"],
                &told.promoted,
            ),
            (
                ["notify_master_resource", "notify_master_uname"],
                &told.promoted,
            ),
        ] {
            let (ids, nodes) = joined(places);
            values.push((names[0], ids));
            values.push((names[1], nodes));
        }
        values.push(("notify_inactive_resource", joined(&told.inactive).0));
        values.extend(self.tell_nodes(clone));
        told.values = values;
        let list = match task {
            "start" => &told.start,
            "stop" => &told.stop,
            "promote" => &told.promote,
            _ => &told.demote,
        };
        if !list.is_empty() {
            let Notices {
                pre,
                pre_done,
                post,
                post_done,
            } = notices;
            for id in [pre, pre_done, post, post_done].into_iter().flatten() {
                self.actions[id].optional = false;
            }
        }
    }

    fn tell_nodes(&self, clone: ResourceId) -> Vec<(&'static str, String)> {
        let name = |n: NodeId| &*self.nodes[n].name;
        let allowed: Vec<&str> = self.allowed_nodes(clone).into_iter().map(name).collect();
        let all: Vec<&str> = self.node_order.iter().map(|&n| name(n)).collect();
        let mut values = vec![
            ("notify_available_uname", words(&allowed)),
            ("notify_all_uname", words(&all)),
        ];
        if self.attributes_of_host(clone) {
            let hosts = self.node_order.iter().map(|&n| {
                let container = self.container_of(n).filter(|_| self.is_guest(n));
                let host = container.and_then(|c| self.resources[c].running_on.first().copied());
                name(host.unwrap_or(n))
            });
            values.push(("notify_all_hosts", words(&hosts.collect::<Vec<_>>())));
        }
        values
    }

    /// Whether the attributes of instances belong to the hosts of their containers.
    fn attributes_of_host(&self, clone: ResourceId) -> bool {
        let target = self.meta(clone, "container-attribute-target");
        target.as_deref() == Some("host")
    }

    /// What an action was told before stays, for example of a fencing that implies a stop.
    fn add_told(&mut self, action: ActionId, told: &Told) {
        for (name, value) in &told.values {
            if !self.actions[action].meta.contains_key(*name) {
                self.set_meta(action, name, value);
            }
        }
    }

    fn notify_instances(
        &mut self,
        resource: ResourceId,
        task: &str,
        notices: Notices,
        told: &Told,
    ) {
        let children = self.resources[resource].children.clone();
        if !children.is_empty() {
            for child in children {
                self.notify_instances(child, task, notices, told);
            }
            return;
        }
        for i in (0..self.resources[resource].actions.len()).rev() {
            let id = self.resources[resource].actions[i];
            let action = &self.actions[id];
            let changes = ["start", "stop", "promote", "demote"].contains(&&*action.task);
            if changes && !action.optional && action.node.is_some() {
                self.add_told(id, told);
            }
        }
        let idle = match task {
            "start" => told.start.is_empty(),
            "promote" => told.promote.is_empty(),
            "demote" => told.demote.is_empty(),
            _ => false,
        };
        if idle {
            return;
        }
        if matches!(task, "stop" | "demote") {
            self.notify_down(resource, task, notices, told);
        } else {
            self.notify_up(resource, task, notices, told);
        }
    }

    fn notify_down(&mut self, resource: ResourceId, task: &str, notices: Notices, told: &Told) {
        if self.resources[resource].role == Role::Stopped {
            return;
        }
        let stop = self.newest(resource, "stop", None);
        let implied = stop.is_some_and(|s| self.actions[s].pseudo);
        for node in self.resources[resource].running_on.clone() {
            let n = &self.nodes[node];
            if implied && (n.unclean || n.requires_reset) {
                continue;
            }
            self.notify(resource, node, (notices.pre, notices.pre_done), told);
            if task == "demote" || stop.is_none_or(|s| self.actions[s].optional) {
                self.notify_after(resource, node, notices, told);
            }
        }
    }

    fn notify_up(&mut self, resource: ResourceId, task: &str, notices: Notices, told: &Told) {
        if self.resources[resource].next_role == Role::Stopped {
            return;
        }
        let start = self.newest(resource, "start", None);
        if let Some(start) = start {
            let behind = self.actions[start].node;
            let connection = behind.and_then(|n| self.nodes[n].connection);
            let up = connection.and_then(|c| self.newest(c, "start", None));
            if up.is_some_and(|u| !self.actions[u].runnable) {
                return;
            }
        }
        let Some(node) = self.resources[resource].assigned else {
            return;
        };
        if task != "start" || start.is_none_or(|s| self.actions[s].optional) {
            self.notify(resource, node, (notices.pre, notices.pre_done), told);
        }
        self.notify_after(resource, node, notices, told);
    }

    /// The notification of one instance on one node.
    fn notify(
        &mut self,
        resource: ResourceId,
        node: NodeId,
        (about, done): (Option<ActionId>, Option<ActionId>),
        told: &Told,
    ) -> Option<ActionId> {
        let (about, done) = (about?, done?);
        if !self.nodes[node].online || !self.actions[about].runnable {
            return None;
        }
        let op = &self.actions[about];
        let (meta, task, optional) = (op.meta.clone(), op.task.clone(), op.optional);
        let kind = meta.get("notify_type")?;
        let operation = meta.get("notify_operation")?;
        let id = &self.resources[resource].id;
        let key: Text = format!("{id}_{kind}_notify_{operation}_0").into();
        let made = self.keyed_action(resource, key, &task, Some(node), optional);
        for (name, value) in meta.iter() {
            if !self.actions[made].meta.contains_key(name) {
                self.set_meta(made, name, value);
            }
        }
        self.add_told(made, told);
        self.order_actions(about, made, Order::OPT);
        self.order_actions(made, done, Order::OPT);
        Some(made)
    }

    fn notify_after(&mut self, resource: ResourceId, node: NodeId, notices: Notices, told: &Told) {
        let made = self.notify(resource, node, (notices.post, notices.post_done), told);
        if let Some(made) = made {
            self.actions[made].priority = INFINITY;
        }
        let Some(done) = notices.post_done else {
            return;
        };
        for i in (0..self.resources[resource].actions.len()).rev() {
            let id = self.resources[resource].actions[i];
            if self.actions[id].is_recurring() {
                self.order_actions(done, id, Order::OPT);
            }
        }
    }

    /// Fencing that implies the stop of an instance: the others are told after it.
    pub(in crate::scheduler) fn notify_after_fence(
        &mut self,
        stop: ActionId,
        resource: ResourceId,
        fence: ActionId,
    ) {
        let notices = self.notices(resource, "stop", None, fence);
        let node = self.actions[stop].node;
        let name = node.map_or_else(String::new, |n| self.nodes[n].name.to_string());
        let told = Told {
            values: vec![
                (
                    "notify_stop_resource",
                    self.resources[resource].id.to_string(),
                ),
                ("notify_stop_uname", name),
            ],
            ..Told::default()
        };
        let top = self.top_of(resource);
        self.notify_instances(top, "stop", notices, &told);
    }
}
