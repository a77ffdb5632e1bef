//! The transition graph as XML, as the controller reads it.
//! Source: Pacemaker 2.1.5, `create_graph_action`, `pcmk__create_graph`.

use std::collections::BTreeMap;

use crate::cib::{Document, NodeRef};
use crate::scheduler::graph::Synapse;
use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::text::operation_key;
use crate::scheduler::model::*;

/// Version of what is exchanged between nodes. Source: Pacemaker 2.1.5, `CRM_FEATURE_SET`.
pub const FEATURE_SET: &str = "3.16.1";

/// Attributes of an action, and parameters whose names are no names of attributes.
#[derive(Default)]
struct Attributes {
    named: BTreeMap<String, String>,
    other: Vec<(String, String)>,
}

impl Attributes {
    fn add(&mut self, name: &str, value: &str) {
        let entry = self.named.entry(name.to_owned());
        entry.or_insert_with(|| value.to_owned());
    }

    fn set(&mut self, name: &str, value: &str) {
        self.named.insert(name.to_owned(), value.to_owned());
    }

    fn add_meta(&mut self, name: &str, value: &str) {
        if !name.contains(['#', ':']) {
            self.add(&format!("CRM_meta_{}", name.replace('-', "_")), value);
        }
    }
}

impl Cluster<'_> {
    /// Writes the graph.
    pub(in crate::scheduler) fn write_graph(&mut self, graph: &[Synapse]) -> Document {
        let mut doc = Document::new("transition_graph");
        let root = doc.root();
        self.write_head(&mut doc, root);
        for (number, synapse) in graph.iter().enumerate() {
            let element = doc.add_element(root, "synapse", &[("id", &number.to_string())]);
            let priority = self.priority_of(synapse.action);
            if priority > 0 {
                doc.set_attr(element, "priority", &priority.to_string());
            }
            let set = doc.add_element(element, "action_set", &[]);
            self.write_action(&mut doc, set, synapse.action, true);
            let inputs = doc.add_element(element, "inputs", &[]);
            for &input in &synapse.inputs {
                let trigger = doc.add_element(inputs, "trigger", &[]);
                self.write_action(&mut doc, trigger, input, false);
            }
        }
        doc
    }

    fn write_head(&self, doc: &mut Document, root: NodeRef) {
        let options = &self.options;
        let fatal = if options.start_failure_fatal {
            "INFINITY"
        } else {
            "1"
        };
        for (name, value) in [
            ("cluster-delay", &*options.cluster_delay),
            ("stonith-timeout", &*options.stonith_timeout),
            ("failed-stop-offset", "INFINITY"),
            ("failed-start-offset", fatal),
            ("batch-limit", &*options.batch_limit),
            ("transition_id", "0"),
        ] {
            doc.set_attr(root, name, value);
        }
        if options.migration_limit > 0 {
            doc.set_attr(
                root,
                "migration-limit",
                &options.migration_limit.to_string(),
            );
        }
        if let Some(time) = self.recheck.get() {
            doc.set_attr(root, "recheck-by", &time.to_string());
        }
    }

    fn priority_of(&self, action: ActionId) -> i32 {
        let a = &self.actions[action];
        let of_resource = a.resource.map_or(0, |r| self.resources[r].priority);
        a.priority.max(of_resource)
    }

    fn write_action(&mut self, doc: &mut Document, parent: NodeRef, id: ActionId, full: bool) {
        let a = &self.actions[id];
        let task = a.task.clone();
        let (mut with_node, mut maintenance) = (true, false);
        let name = match &*task {
            "stonith" if a.pseudo => "pseudo_event",
            "stonith" | "do_shutdown" | "clear_failcount" | "lrm_delete" => "crm_event",
            _ if a.pseudo => {
                maintenance = &*task == "maintenance_nodes";
                with_node = false;
                "pseudo_event"
            }
            _ => "rsc_op",
        };
        let element = doc.add_element(parent, name, &[]);
        if &*task == "lrm_delete" {
            doc.set_attr(element, "mode", "cib");
        }
        doc.set_attr(element, "id", &a.id.to_string());
        doc.set_attr(element, "operation", &task);
        let key = self.outer_key(id);
        doc.set_attr(element, "operation_key", &key);
        let renamed = |r| self.resources[r].alt_name.is_some();
        if *key != *a.key || a.resource.is_some_and(renamed) {
            doc.set_attr(element, "internal_operation_key", &a.key);
        }
        let node = a.node.filter(|_| with_node);
        if let Some(node) = node {
            self.write_place(doc, element, id, node);
        }
        if !full {
            return;
        }
        let a = &self.actions[id];
        if let Some(resource) = a.resource.filter(|_| !a.pseudo) {
            self.write_resource(doc, element, id, resource);
        }
        self.write_attributes(doc, element, id);
        if let Some(node) = node {
            self.write_downed(doc, element, id, node);
        }
        if maintenance {
            let list = doc.add_element(element, "maintenance", &[]);
            for n in self.changed_maintenance() {
                let value = if n.maintenance { "1" } else { "0" };
                let attrs = [("id", &*n.id), ("node_in_maintenance", value)];
                doc.add_element(list, "node", &attrs);
            }
        }
    }

    /// The key under which an action is known to the nodes.
    fn outer_key(&self, id: ActionId) -> Text {
        let a = &self.actions[id];
        let name = a.resource.and_then(|r| self.resources[r].alt_name.clone());
        let Some(name) = name else {
            return a.key.clone();
        };
        let meta = |name: &str| a.meta.get(name).map_or("", |v| &**v);
        let interval = a.meta.get("interval").and_then(|i| i.parse().ok());
        match (&*a.task, &a.cancel_task) {
            ("notify", _) => {
                let (kind, task) = (meta("notify_type"), meta("notify_operation"));
                format!("{name}_{kind}_notify_{task}_0").into()
            }
            (_, Some(task)) => operation_key(&name, task, interval.unwrap_or(0)).into(),
            (task, None) => operation_key(&name, task, interval.unwrap_or(0)).into(),
        }
    }

    fn write_place(&mut self, doc: &mut Document, element: NodeRef, id: ActionId, node: NodeId) {
        let n = &self.nodes[node];
        let (name, uuid) = (n.name.clone(), n.id.clone());
        doc.set_attr(element, "on_node", &name);
        doc.set_attr(element, "on_node_uuid", &uuid);
        if let Some(router) = self.router_of(id) {
            doc.set_attr(element, "router_node", &self.nodes[router].name);
        }
        self.set_meta(id, "on_node", &name);
        self.set_meta(id, "on_node_uuid", &uuid);
    }

    fn write_resource(
        &self,
        doc: &mut Document,
        element: NodeRef,
        id: ActionId,
        resource: ResourceId,
    ) {
        let r = &self.resources[resource];
        if self.keeps_lock(id, resource) {
            doc.set_attr(element, "shutdown-lock", &r.lock.time.to_string());
        }
        let own = doc.add_element(element, "primitive", &[]);
        match &r.alt_name {
            Some(name) if r.orphan => {
                doc.set_attr(own, "id", name);
                doc.set_attr(own, "long-id", &r.id);
            }
            name if !r.unique => {
                let plain = r.xml.id().unwrap_or("");
                let long = name.as_deref().filter(|n| *n != plain);
                doc.set_attr(own, "id", plain);
                doc.set_attr(own, "long-id", long.unwrap_or(&r.id));
            }
            _ => doc.set_attr(own, "id", &r.id),
        }
        for name in ["class", "provider", "type"] {
            if let Some(value) = r.meta.get(name) {
                doc.set_attr(own, name, value);
            }
        }
    }

    /// Actions of a resource that stays with a node while that is down.
    fn keeps_lock(&self, id: ActionId, resource: ResourceId) -> bool {
        let (a, r) = (&self.actions[id], &self.resources[resource]);
        let Some(node) = r.lock.node.filter(|&n| Some(n) == a.node) else {
            return false;
        };
        !self.nodes[node].shutdown || &*a.task == "stop"
    }

    fn write_attributes(&mut self, doc: &mut Document, element: NodeRef, id: ActionId) {
        let mut attributes = Attributes::default();
        attributes.add("crm_feature_set", FEATURE_SET);
        for (name, value) in self.actions[id].extra.iter() {
            attributes.add(name, value);
        }
        let (resource, node) = (self.actions[id].resource, self.actions[id].node);
        if let Some(resource) = resource
            && (node.is_some() || self.resources[resource].is_primitive())
        {
            self.collect_params(resource, node, &mut attributes);
        }
        for (name, value) in self.actions[id].meta.iter() {
            attributes.add_meta(name, value);
        }
        match resource {
            Some(resource) => {
                self.collect_meta(resource, &mut attributes);
                self.collect_host(id, resource, &mut attributes);
            }
            None => {
                if let Some(node) = node.filter(|_| &*self.actions[id].task == "stonith") {
                    for (name, value) in &self.nodes[node].attrs {
                        attributes.add_meta(name, value);
                    }
                }
            }
        }
        let list = doc.add_element(element, "attributes", &[]);
        for (name, value) in &attributes.named {
            doc.set_attr(list, name, value);
        }
        for (name, value) in &attributes.other {
            doc.add_element(list, "param", &[("name", name), ("value", value)]);
        }
    }

    fn collect_params(
        &mut self,
        resource: ResourceId,
        node: Option<NodeId>,
        attributes: &mut Attributes,
    ) {
        let params = self.params(resource, node);
        let replaced = self.needs_container_address(resource);
        let host = self.container_host(resource).filter(|_| replaced);
        for (name, value) in params.iter() {
            let value = match &host {
                Some(host) if &**name == "addr" && &**value == "#uname" => host,
                _ => value,
            };
            if name.starts_with(|c: char| c.is_ascii_digit()) {
                attributes.other.push((name.to_string(), value.to_string()));
            } else {
                attributes.add(name, value);
            }
        }
    }

    fn collect_meta(&self, resource: ResourceId, attributes: &mut Attributes) {
        let mut at = Some(resource);
        while let Some(id) = at {
            let r = &self.resources[id];
            match &r.kind {
                Kind::Primitive => self.collect_primitive_meta(id, attributes),
                Kind::Clone(body) => {
                    let flag = |set: bool| if set { "true" } else { "false" };
                    attributes.set("CRM_meta_globally_unique", flag(r.unique));
                    attributes.set("CRM_meta_notify", flag(r.notify));
                    attributes.set("CRM_meta_clone_max", &body.max.to_string());
                    attributes.set("CRM_meta_clone_node_max", &body.node_max.to_string());
                    if body.promotable {
                        let max = body.promoted_max.to_string();
                        let node_max = body.promoted_node_max.to_string();
                        attributes.set("CRM_meta_promoted_max", &max);
                        attributes.set("CRM_meta_promoted_node_max", &node_max);
                        attributes.set("CRM_meta_master_max", &max);
                        attributes.set("CRM_meta_master_node_max", &node_max);
                    }
                }
                Kind::Group(_) | Kind::Bundle(_) => {}
            }
            at = r.parent;
        }
    }

    fn collect_primitive_meta(&self, resource: ResourceId, attributes: &mut Attributes) {
        for (name, attribute) in [
            ("clone", "CRM_meta_clone"),
            ("remote-node", "CRM_meta_remote_node"),
            ("external-ip", "pcmk_external_ip"),
        ] {
            if let Some(value) = self.meta(resource, name) {
                attributes.set(attribute, &value);
            }
        }
        let mut at = Some(resource);
        while let Some(id) = at {
            if let Some(container) = self.resources[id].container {
                attributes.set("CRM_meta_container", &self.resources[container].id);
            }
            at = self.resources[id].parent;
        }
    }

    /// What runs in a guest node is told on which host the guest is.
    fn collect_host(&self, id: ActionId, resource: ResourceId, attributes: &mut Attributes) {
        let a = &self.actions[id];
        let container = a.node.filter(|&n| self.is_guest(n));
        let Some(container) = container.and_then(|n| self.container_of(n)) else {
            return;
        };
        let task = match &*a.task {
            "notify" | "notified" => a.meta.get("notify_operation").map_or("", |t| &**t),
            other => other,
        };
        let host = match task {
            "stop" | "stopped" | "demote" | "demoted" => self.current_node(container),
            "start" | "running" | "monitor" | "promote" | "promoted" => {
                self.resources[container].assigned
            }
            _ => None,
        };
        let Some(host) = host else { return };
        let name = "container-attribute-target";
        if let Some(target) = self.meta(resource, name) {
            attributes.add_meta(name, &target);
        }
        attributes.add_meta("physical_host", &self.nodes[host].name);
    }

    /// Nodes that are down after an action.
    fn write_downed(&self, doc: &mut Document, element: NodeRef, id: ActionId, node: NodeId) {
        let a = &self.actions[id];
        let mut ids: Vec<&Text> = Vec::new();
        let connection = a.resource.filter(|&r| self.resources[r].is_connection);
        match (&*a.task, connection) {
            ("do_shutdown", _) => ids.push(&self.nodes[node].id),
            ("stonith", _) => {
                let operation = a.meta.get("stonith_action").map_or("", |o| &**o);
                if matches!(operation, "off" | "reboot" | "poweroff") {
                    ids.push(&self.nodes[node].id);
                    let guests = self.nodes[node].running.iter().copied().filter(|&r| {
                        let r = &self.resources[r];
                        r.is_connection && r.container.is_some()
                    });
                    ids.extend(guests.map(|r| &self.resources[r].id));
                }
            }
            ("stop", Some(connection)) => {
                let migrates = a.before.iter().any(|&l| {
                    let first = &self.actions[self.links[l].first];
                    first.resource == Some(connection) && &*first.task == "migrate_from"
                });
                if !migrates {
                    ids.push(&self.resources[connection].id);
                }
            }
            _ => {}
        }
        if ids.is_empty() {
            return;
        }
        let list = doc.add_element(element, "downed", &[]);
        for id in ids {
            doc.add_element(list, "node", &[("id", id)]);
        }
    }
}
