//! Groups, clones and bundles: what is in them, instance by instance.

use crate::cib::Element;
use crate::cib::boolean;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::table::{Discovery, Entry};
use crate::scheduler::model::*;
use crate::scheduler::score::{self, INFINITY};

/// Most instances of a clone that are made.
const INSTANCES_MAX: i64 = 10_000;

impl<'a> Cluster<'a> {
    pub(in crate::scheduler) fn unpack_group(
        &mut self,
        group: ResourceId,
        number: Option<i32>,
    ) -> bool {
        let meta = |name: &str| self.meta(group, name);
        let ordered = meta("ordered").is_none_or(|v| boolean::is_true(Some(&v)));
        let collocated = meta("collocated").is_none_or(|v| boolean::is_true(Some(&v)));
        self.resources[group].kind = Kind::Group(GroupBody {
            ordered,
            collocated,
        });
        for member in self.resources[group].xml.children_named("primitive") {
            if let Some(child) = self.unpack_resource(member, Some(group), number) {
                self.resources[group].children.push(child);
            }
        }
        !self.resources[group].children.is_empty()
    }

    pub(in crate::scheduler) fn unpack_clone(&mut self, clone: ResourceId) -> bool {
        let meta = |name: &str| self.meta(clone, name);
        let number = |name: &str| {
            let value = score::leading_integer(&meta(name)?).unwrap_or(0);
            i32::try_from(value.clamp(0, INSTANCES_MAX)).ok()
        };
        let element = self.resources[clone].xml;
        let nodes = i32::try_from(self.node_order.len()).unwrap_or(1).max(1);
        let promotable =
            element.name() == "master" || boolean::is_true(meta("promotable").as_deref());
        let unique = self.resources[clone].unique;
        let node_max = number("clone-node-max").unwrap_or(1);
        let child = element
            .children()
            .find(|c| matches!(c.name(), "primitive" | "group"));
        let (promoted_max, promoted_node_max) = (
            number("promoted-max").or_else(|| number("master-max")),
            number("promoted-node-max").or_else(|| number("master-node-max")),
        );
        let body = CloneBody {
            max: number("clone-max").unwrap_or(nodes),
            node_max: if unique { node_max } else { node_max.min(1) },
            promotable,
            ordered: boolean::is_true(meta("ordered").as_deref()),
            interleave: boolean::is_true(meta("interleave").as_deref()),
            promoted_max: promoted_max.unwrap_or(1),
            promoted_node_max: promoted_node_max.unwrap_or(1),
            child,
            ..CloneBody::default()
        };
        if child.is_none() {
            return false;
        }
        if promotable {
            let meta = &mut self.resources[clone].meta;
            let (max, node_max) = (body.promoted_max, body.promoted_node_max);
            meta.insert("promoted-max".into(), max.to_string().into());
            meta.insert("promoted-node-max".into(), node_max.to_string().into());
        }
        self.resources[clone].kind = Kind::Clone(body);
        if self.resources[clone].next_role == Role::Unknown {
            let next = self.target_role_of(clone);
            self.resources[clone].next_role = next.unwrap_or(Role::Unknown);
        }
        if self.clone_of(clone).max == 0 {
            return self.create_instance(clone, true).is_some();
        }
        // The first instance may tell that there can be fewer of them.
        while self.clone_of(clone).total < self.clone_of(clone).max {
            if self.create_instance(clone, false).is_none() {
                return false;
            }
        }
        true
    }

    /// One more instance of a clone; none if its child can't be cloned so.
    pub(in crate::scheduler) fn create_instance(
        &mut self,
        clone: ResourceId,
        orphan: bool,
    ) -> Option<ResourceId> {
        let body = self.clone_mut(clone);
        let number = body.total;
        body.total += 1;
        let child = body.child?;
        let instance = self.unpack_resource(child, Some(clone), Some(number))?;
        let max = self.clone_of(clone).max;
        self.prepare_instance(instance, orphan, max);
        self.resources[clone].children.push(instance);
        Some(instance)
    }

    fn prepare_instance(&mut self, instance: ResourceId, orphan: bool, max: i32) {
        let r = &mut self.resources[instance];
        let name: Text = "clone-max".into();
        r.meta.entry(name).or_insert_with(|| max.to_string().into());
        r.orphan |= orphan;
        for child in r.children.clone() {
            self.resources[child].orphan |= orphan;
        }
    }

    pub(in crate::scheduler) fn unpack_bundle(&mut self, bundle: ResourceId) -> bool {
        let input = self.input;
        let Some(xml) = input.bundles.get(&self.resources[bundle].xml.node()) else {
            return false;
        };
        self.resources[bundle].unique = xml.unique;
        let at = |node| input.doc.element(node);
        let mut body = BundleBody {
            per_host: xml.per_host,
            max: xml.max,
            promoted_max: xml.promoted_max,
            image: xml.image.as_deref().map(Into::into),
            ..BundleBody::default()
        };
        if let Some(inner) = xml.inner {
            let Some(inner) = self.unpack_resource(at(inner), Some(bundle), None) else {
                return false;
            };
            body.inner = Some(inner);
            self.take_attribute_target(bundle, inner);
        }
        for (i, replica) in xml.replicas.iter().enumerate() {
            let Some(container) = self.unpack_resource(at(replica.container), Some(bundle), None)
            else {
                return false;
            };
            self.resources[bundle].children.push(container);
            let ip = replica
                .ip
                .and_then(|ip| self.unpack_resource(at(ip), Some(bundle), None));
            self.resources[bundle].children.extend(ip);
            let child = body
                .inner
                .and_then(|inner| self.resources[inner].children.get(i).copied());
            let mut made = Replica {
                container,
                ip,
                ipaddr: replica.address.as_deref().map(Into::into),
                remote: None,
                child,
                node: None,
            };
            if let (Some(child), Some(address)) = (child, &made.ipaddr) {
                let meta = &mut self.resources[child].meta;
                meta.insert("external-ip".into(), address.clone());
            }
            if let Some(connection) = replica.connection {
                self.unpack_connection(bundle, &mut made, at(connection));
            }
            if let Some(child) = child {
                self.resources[child].exclusive_discover = true;
                let notify = self.resources[child].notify;
                if let Some(inner) = body.inner {
                    self.resources[inner].notify |= notify;
                }
            }
            body.replicas.push(made);
        }
        self.resources[bundle].children.extend(body.inner);
        self.resources[bundle].kind = Kind::Bundle(body);
        true
    }

    /// A bundle and the clone in it take from the primitive whether attributes belong to the
    /// hosts of the containers. Containers and addresses, made later, have it from the bundle.
    fn take_attribute_target(&mut self, bundle: ResourceId, inner: ResourceId) {
        let name = "container-attribute-target";
        let last = self.resources[inner].children.last();
        let target = last.and_then(|&child| self.resources[child].meta.get(name).cloned());
        if let Some(target) = target {
            for r in [bundle, inner] {
                self.resources[r].meta.insert(name.into(), target.clone());
            }
        }
    }

    fn unpack_connection(
        &mut self,
        bundle: ResourceId,
        replica: &mut Replica,
        connection: Element<'a>,
    ) {
        let Some(name) = connection.id() else { return };
        let node = match self.node_named(name) {
            Some(node) => {
                self.nodes[node].score = -INFINITY;
                node
            }
            None => self.create_node(name, name, NodeKind::Remote, -INFINITY),
        };
        self.nodes[node].never_discover = true;
        self.nodes[node].unclean = false;
        for i in 0..self.top.len() {
            self.disallow(self.top[i], node);
        }
        let own = Entry {
            score: 500,
            count: 0,
            discovery: Discovery::Exclusive,
        };
        if let Some(child) = replica.child {
            self.resources[child].allowed = Default::default();
            self.resources[child].allowed.insert(node, own);
            let banned = Entry {
                score: -INFINITY,
                ..own
            };
            if let Some(inner) = self.resources[child].parent {
                self.resources[inner].allowed.insert(node, banned);
            }
        }
        let Some(remote) = self.unpack_resource(connection, Some(bundle), None) else {
            return;
        };
        for n in 0..self.node_order.len() {
            let at = self.node_order[n];
            let behind = self.is_remote_kind(at);
            if let Some(entry) = self.resources[remote].allowed.get_mut(at)
                && behind
            {
                entry.score = -INFINITY;
            }
        }
        self.nodes[node].connection = Some(remote);
        self.resources[remote].connection_node = Some(node);
        self.resources[remote].container = Some(replica.container);
        self.resources[remote].remotes_in_remotes = true;
        self.nodes[node]
            .attrs
            .insert("#kind".into(), "container".into());
        self.resources[bundle].children.push(remote);
        (replica.remote, replica.node) = (Some(remote), Some(node));
    }

    fn disallow(&mut self, resource: ResourceId, node: NodeId) {
        if let Some(entry) = self.resources[resource].allowed.get_mut(node) {
            entry.score = -INFINITY;
            entry.discovery = Discovery::Never;
        }
        for child in self.resources[resource].children.clone() {
            self.disallow(child, node);
        }
    }
}
