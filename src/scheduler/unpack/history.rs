//! The history of a resource on a node: which resource it is of, and what follows from it.

use crate::cib::Element;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::glib_order::list_sort;
use crate::scheduler::model::text::base_name;
use crate::scheduler::model::*;
use crate::scheduler::score::{self, INFINITY};
use crate::scheduler::unpack::age::{Extent, compare_age};
use crate::scheduler::unpack::history_op::Judged;
use crate::scheduler::unpack::history_op::interval_of;

impl<'a> Cluster<'a> {
    /// The sorted history in an entry.
    pub fn sorted_ops(&self, entry: Element<'a>) -> Vec<Element<'a>> {
        let mut ops: Vec<Element<'a>> = entry.children_named("lrm_rsc_op").collect();
        ops.reverse();
        list_sort(&ops, |a, b| compare_age(*a, *b, true))
    }

    /// The entry of one resource on one node.
    pub(in crate::scheduler) fn unpack_entry(&mut self, node: NodeId, entry: Element<'a>) {
        let Some(id) = entry.id() else { return };
        let empty = entry.child("lrm_rsc_op").is_none();
        if empty && !self.options.shutdown_lock {
            return;
        }
        let resource = match self.resource_of_history(node, id) {
            Some(resource) => resource,
            None if empty => return,
            None => match self.orphan_of(entry) {
                Some(orphan) => orphan,
                None => return,
            },
        };
        if self.options.shutdown_lock {
            self.unpack_lock(entry, resource, node);
        }
        let saved = self.resources[resource].role;
        self.resources[resource].role = Role::Unknown;
        let ops = self.sorted_ops(entry);
        let mut judged = Judged::default();
        for &op in &ops {
            self.unpack_op(resource, node, op, &mut judged);
        }
        self.add_recurring(resource, node, &ops);
        self.apply_history(resource, node, judged.on_fail);
        if let Some(role) = self.target_role_of(resource) {
            let next = self.resources[resource].next_role;
            if next == Role::Unknown || role < next {
                self.resources[resource].next_role = role;
            }
        }
        let role = &mut self.resources[resource].role;
        *role = saved.max(*role);
    }

    fn unpack_lock(&mut self, entry: Element<'a>, resource: ResourceId, node: NodeId) {
        let time = entry.attr("shutdown-lock").and_then(score::leading_integer);
        let Some(time) = time.filter(|&time| time != 0) else {
            return;
        };
        let limit = self.options.shutdown_lock_limit;
        if limit > 0 && self.clock.unix_s > time + limit {
            let id = self.resources[resource].id.clone();
            self.clear_history(resource, node, &id);
        } else {
            self.resources[resource].lock.node = Some(node);
            self.resources[resource].lock.time = time;
        }
    }

    /// The history of a resource on a node is erased.
    pub(in crate::scheduler) fn clear_history(
        &mut self,
        resource: ResourceId,
        node: NodeId,
        _id: &str,
    ) {
        let key = self.key_of(resource, "lrm_delete", 0);
        self.keyed_action(resource, key, "lrm_delete", Some(node), false);
    }

    fn resource_of_history(&mut self, node: NodeId, id: &str) -> Option<ResourceId> {
        let mut resource = self.resource_named(id);
        let parent = match resource {
            Some(found) => {
                if !self.resources[found].is_primitive() {
                    return None;
                }
                self.top_of(found)
            }
            None => {
                let zero = self.resource_named(&format!("{}:0", base_name(id)))?;
                if self.resources[zero].unique {
                    return None;
                }
                resource = Some(zero);
                self.top_of(zero)
            }
        };
        let p = &self.resources[parent];
        if p.is_clone() && !p.unique {
            resource = match p.parent {
                Some(bundle) => {
                    let mut replicas = self.replicas(bundle).iter();
                    replicas
                        .find(|r| r.node == Some(node))
                        .and_then(|r| r.child)
                }
                None => self.anonymous_instance(node, parent, id),
            };
        }
        let resource = resource?;
        let r = &mut self.resources[resource];
        if &*r.id != id && r.alt_name.as_deref() != Some(id) {
            r.alt_name = Some(id.into());
            self.add_name(id.into(), resource);
        }
        Some(resource)
    }

    /// The member of an instance that an id without number names.
    fn member_named(&self, instance: ResourceId, id: &str) -> Option<ResourceId> {
        let base = base_name(id);
        self.primitives(instance)
            .into_iter()
            .find(|&r| base_name(&self.resources[r].id) == base)
    }

    fn anonymous_instance(
        &mut self,
        node: NodeId,
        clone: ResourceId,
        id: &str,
    ) -> Option<ResourceId> {
        let (mut found, mut inactive, mut skip) = (None, None, false);
        for i in 0..self.resources[clone].children.len() {
            let child = self.resources[clone].children[i];
            let places = self.known_places(child);
            if let Some(&place) = places.first() {
                if place != node {
                    continue;
                }
                found = self.member_named(child, id);
                if found.is_some_and(|r| !self.resources[r].running_on.is_empty()) {
                    skip = true;
                    found = None;
                }
                if found.is_some() {
                    break;
                }
            } else if !skip && inactive.is_none() && !self.resources[child].blocked {
                inactive = self
                    .member_named(child, id)
                    .filter(|&r| self.resources[r].pending.node.is_none_or(|p| p == node));
            }
        }
        if found.is_none() && !skip {
            found = inactive;
        }
        found = found.filter(|&r| {
            let n = &self.nodes[node];
            let universal = self.clone_of(clone).max as usize == self.node_order.len();
            self.resources[r].needs_fencing
                || (n.online && !n.unclean)
                || self.is_guest(node)
                || universal
        });
        found.or_else(|| {
            let orphan = self.create_instance(clone, true)?;
            self.member_named(orphan, id).or(Some(orphan))
        })
    }

    /// Nodes an instance is active on, or where something of it is pending.
    fn known_places(&self, instance: ResourceId) -> Vec<NodeId> {
        let mut places = self.locations_of(instance, true);
        for primitive in self.primitives(instance) {
            if let Some(node) = self.resources[primitive].pending.node
                && !places.contains(&node)
            {
                places.push(node);
            }
        }
        places
    }

    fn orphan_of(&mut self, entry: Element<'a>) -> Option<ResourceId> {
        let resource = self.unpack_resource(entry, None, None)?;
        self.resources[resource].orphan = true;
        self.top.push(resource);
        if self.resources[resource].is_connection {
            let id = self.resources[resource].id.clone();
            let node = match self.node_named(&id) {
                Some(node) => node,
                None => self.create_orphaned_node(&id),
            };
            self.link_connection(resource);
            self.nodes[node].shutdown = true;
        }
        if self.options.stop_orphans {
            self.locate_everywhere(resource, -INFINITY);
        } else {
            self.resources[resource].managed = false;
        }
        Some(resource)
    }

    /// A remote node whose connection was deleted; it may have a history.
    fn create_orphaned_node(&mut self, id: &str) -> NodeId {
        let node = self.create_node(id, id, NodeKind::Remote, 0);
        let status = self.root().child("status").into_iter();
        let states = status.flat_map(|status| status.children_named("node_state"));
        let own: Vec<Element<'a>> = states.filter(|state| state.id() == Some(id)).collect();
        for state in own {
            self.index_history(state);
        }
        node
    }

    /// Orphans that were in a container belong to it, once all entries of a node are read; the
    /// container may be an orphan that only another node tells of.
    pub(in crate::scheduler) fn link_orphan_fillers(&mut self, entries: &[Element<'a>]) {
        for entry in entries {
            let (Some(id), Some(container)) = (entry.id(), entry.attr("container")) else {
                continue;
            };
            let (rsc, container) = (self.resource_named(id), self.resource_named(container));
            let (Some(rsc), Some(container)) = (rsc, container) else {
                continue;
            };
            let r = &mut self.resources[rsc];
            if r.orphan && r.container.is_none() && r.meta.contains_key("container") {
                r.container = Some(container);
                self.resources[container].fillers.push(rsc);
            }
        }
    }

    fn add_recurring(&mut self, resource: ResourceId, node: NodeId, ops: &[Element<'a>]) {
        if !self.nodes[node].online {
            return;
        }
        let extent = Extent::of(ops);
        for (i, op) in ops.iter().enumerate() {
            let at = i + 1;
            let after_stop = extent.start < extent.stop && at <= extent.stop;
            if after_stop || at < extent.start {
                continue;
            }
            let interval = interval_of(*op);
            if interval == 0 || op.attr("op-status") == Some("-1") {
                continue;
            }
            let task = op.attr("operation").unwrap_or("monitor");
            self.action(resource, task, interval, Some(node), true);
        }
    }

    fn note_known(&mut self, resource: ResourceId, node: NodeId) {
        let mut at = Some(resource);
        while let Some(r) = at {
            if !self.resources[r].known_on.contains(&node) {
                self.resources[r].known_on.push(node);
            }
            at = self.resources[r]
                .parent
                .filter(|_| !self.resources[r].unique);
        }
    }

    fn apply_history(&mut self, resource: ResourceId, node: NodeId, on_fail: OnFail) {
        if self.resources[resource].role != Role::Unknown {
            self.note_known(resource, node);
        }
        let n = &self.nodes[node];
        let r = &self.resources[resource];
        if r.role > Role::Stopped && !n.online && !n.maintenance && r.managed {
            self.fence_for(resource, node);
        }
        let seen = if self.nodes[node].unclean {
            OnFail::Ignore
        } else {
            on_fail
        };
        self.act_on_failure(resource, node, seen);
        if self.resources[resource].failed && self.resources[resource].is_connection {
            let own = self.node_named(&self.resources[resource].id.clone());
            if let Some(own) = own.filter(|&own| self.nodes[own].unclean) {
                self.nodes[own].unseen = false;
            }
        }
        self.place_by_history(resource, node, on_fail, seen);
        let r = &mut self.resources[resource];
        let partial = r.partial.source == Some(node) && r.partial.target.is_some();
        if r.role == Role::Stopped && partial && !r.running_on.is_empty() {
            r.role = Role::Started;
        }
    }

    fn fence_for(&mut self, resource: ResourceId, node: NodeId) {
        let id = self.resources[resource].id.clone();
        if self.is_guest(node) {
            self.resources[resource].failed = true;
            self.resources[resource].failed_stop = true;
            self.fence_node(node, &format!("{id} is thought to be active there"), false);
            return;
        }
        if !self.options.stonith_enabled {
            return;
        }
        let connection = self.nodes[node].connection;
        let mut reason = format!("{id} is thought to be active there");
        if self.is_remote(node) && connection.is_some_and(|c| !self.resources[c].failed) {
            self.nodes[node].unseen = true;
            reason = format!(
                "{id} is active there (fencing will be revoked if remote connection can be \
                 re-established elsewhere)"
            );
        }
        self.fence_node(node, &reason, false);
    }

    fn act_on_failure(&mut self, resource: ResourceId, node: NodeId, on_fail: OnFail) {
        let role = self.resources[resource].role;
        let active = role > Role::Stopped;
        let id = self.resources[resource].id.clone();
        let r = &mut self.resources[resource];
        match on_fail {
            OnFail::Ignore => {}
            OnFail::Demote => {
                r.failed = true;
                self.action(resource, "demote", 0, Some(node), false);
            }
            OnFail::Fence => self.fence_node(node, &format!("{id} failed there"), false),
            OnFail::Standby => {
                self.nodes[node].standby = true;
                self.nodes[node].standby_on_fail = true;
            }
            OnFail::Block => {
                r.managed = false;
                r.blocked = true;
            }
            OnFail::Migrate => self.locate(resource, node, -INFINITY),
            OnFail::Stop => r.next_role = Role::Stopped,
            OnFail::Recover => {
                if active {
                    r.failed = true;
                    r.failed_stop = true;
                    self.stop_action(resource, node, false);
                }
            }
            OnFail::RestartContainer => {
                r.failed = true;
                r.failed_stop = true;
                let container = r.container;
                match container {
                    Some(c) if self.is_bundled(resource) => self.stop_needed.push(c),
                    Some(c) => {
                        self.stop_action(c, node, false);
                    }
                    None if active => {
                        self.stop_action(resource, node, false);
                    }
                    None => {}
                }
            }
            OnFail::ResetRemote => self.reset_remote(resource, node, active),
        }
    }

    fn reset_remote(&mut self, resource: ResourceId, node: NodeId, active: bool) {
        let r = &mut self.resources[resource];
        r.failed = true;
        r.failed_stop = true;
        let id = r.id.clone();
        if self.options.stonith_enabled && self.resources[resource].is_connection {
            let own = self.node_named(&id);
            if let Some(own) = own.filter(|&n| self.is_remote(n) && !self.nodes[n].was_fenced) {
                self.fence_node(own, "remote connection is unrecoverable", false);
            }
        }
        if active {
            self.stop_action(resource, node, false);
        }
        if self.resources[resource].reconnect_ms > 0 {
            self.resources[resource].next_role = Role::Stopped;
        }
    }

    fn place_by_history(
        &mut self,
        resource: ResourceId,
        node: NodeId,
        on_fail: OnFail,
        seen: OnFail,
    ) {
        if self.resources[resource].role > Role::Stopped {
            self.add_running(resource, node, on_fail != OnFail::Ignore);
            let r = &mut self.resources[resource];
            match seen {
                OnFail::Ignore => {}
                OnFail::Demote | OnFail::Block => r.failed = true,
                _ => {
                    r.failed = true;
                    r.failed_stop = true;
                }
            }
            return;
        }
        let numbered = self.resources[resource]
            .alt_name
            .as_ref()
            .is_some_and(|n| n.contains(':'));
        if numbered {
            self.resources[resource].alt_name = None;
            return;
        }
        for stop in self.with_task(resource, "stop", Some(node), false) {
            self.actions[stop].optional = true;
        }
    }

    /// A resource is active on a node.
    pub(in crate::scheduler) fn add_running(
        &mut self,
        resource: ResourceId,
        node: NodeId,
        failed: bool,
    ) {
        if self.resources[resource].running_on.contains(&node) {
            return;
        }
        self.resources[resource].running_on.push(node);
        if self.resources[resource].is_primitive() {
            self.nodes[node].running.push(resource);
            self.add_priority(resource, node, failed);
            if self.nodes[node].maintenance {
                self.resources[resource].managed = false;
            }
        }
        let parent = self.resources[resource].parent;
        if !self.resources[resource].managed {
            self.locate(resource, node, INFINITY);
            let mut at = parent.filter(|_| self.nodes[node].online);
            while let Some(p) = at {
                self.resources[p].running_on.push(node);
                at = self.resources[p].parent;
            }
            return;
        }
        let r = &self.resources[resource];
        if r.is_primitive() && self.active_where_it_matters(resource) > 1 {
            self.too_many(resource, parent);
        }
        if let Some(parent) = parent {
            self.add_running(parent, node, false);
        }
    }

    fn too_many(&mut self, resource: ResourceId, parent: Option<ResourceId>) {
        match self.resources[resource].recovery {
            MultipleActive::StopOnly => self.ban_everywhere(resource),
            MultipleActive::Block => {
                self.resources[resource].managed = false;
                self.resources[resource].blocked = true;
                let whole = parent.filter(|&p| {
                    let p = &self.resources[p];
                    (p.is_group() || p.is_bundle()) && p.recovery == MultipleActive::Block
                });
                let siblings = whole.map(|p| self.resources[p].children.clone());
                for sibling in siblings.unwrap_or_default() {
                    self.resources[sibling].managed = false;
                    self.resources[sibling].blocked = true;
                }
            }
            MultipleActive::StopStart | MultipleActive::StopUnexpected => {}
        }
    }

    /// A table of all nodes in which none is allowed.
    pub(in crate::scheduler) fn ban_everywhere(&mut self, resource: ResourceId) {
        for i in 0..self.node_order.len() {
            let node = self.node_order[i];
            let mut entry = self.entry_of(node);
            entry.score = -INFINITY;
            self.resources[resource].allowed.insert(node, entry);
        }
    }

    fn add_priority(&mut self, resource: ResourceId, node: NodeId, failed: bool) {
        let r = &self.resources[resource];
        if r.priority == 0 || failed {
            return;
        }
        let priority = r.priority + i32::from(r.role == Role::Promoted);
        self.nodes[node].priority += priority;
        if let Some(container) = self.container_of(node) {
            for host in self.resources[container].running_on.clone() {
                self.nodes[host].priority += priority;
            }
        }
    }
}
