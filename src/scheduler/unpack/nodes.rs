//! Nodes: those of the configuration, and those behind connections.

use crate::cib::Element;
use crate::scheduler::model::arena::NodeId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::text::compare_names;
use crate::scheduler::model::*;
use crate::scheduler::score;
use crate::scheduler::unpack::sets::Reading;

impl<'a> Cluster<'a> {
    /// Creates a node and puts it where its name belongs.
    pub fn create_node(&mut self, id: &str, name: &str, kind: NodeKind, score: i32) -> NodeId {
        let is_dc = self.root().attr("dc-uuid") == Some(id);
        let node = self.nodes.push(Node {
            id: id.into(),
            name: name.into(),
            kind,
            score,
            never_discover: false,
            attrs: Values::new(),
            named: false,
            utilization: Default::default(),
            online: false,
            standby: false,
            standby_on_fail: false,
            pending: false,
            unclean: false,
            unseen: true,
            shutdown: false,
            maintenance: false,
            expected_up: false,
            is_dc: false,
            discovery: true,
            requires_reset: false,
            was_fenced: false,
            remote_maintenance: false,
            unpacked: false,
            connection: None,
            running: Vec::new(),
            assigned_count: 0,
            priority: 0,
            digests: Default::default(),
        });
        let kind_text = if kind == NodeKind::Remote {
            self.has_remotes = true;
            "remote"
        } else {
            "cluster"
        };
        self.nodes[node]
            .attrs
            .insert("#kind".into(), kind_text.into());
        if is_dc {
            self.dc.get_or_insert(node);
        }
        let first = *self.node_ids.entry(id.into()).or_insert(node);
        self.shared_ids |= first != node;
        let lower = name.to_ascii_lowercase();
        self.node_names.entry(name.to_owned()).or_insert(node);
        self.node_names.entry(lower).or_insert(node);
        let at = self
            .node_order
            .partition_point(|&n| compare_names(&self.nodes[n].name, name).is_lt());
        self.node_order.insert(at, node);
        node
    }

    /// Nodes of the configuration.
    pub(in crate::scheduler) fn unpack_nodes(&mut self) {
        let Some(section) = self.configuration("nodes") else {
            return;
        };
        for element in section.children_named("node") {
            let Some(name) = element.attr("uname").or(element.id()) else {
                continue;
            };
            let id = element.id().unwrap_or(name);
            let kind = match element.attr("type") {
                None | Some("member" | "normal") => NodeKind::Member,
                Some("remote") => NodeKind::Remote,
                Some(_) => NodeKind::Ping,
            };
            let score = score::parse(element.attr("score"), self.health.colours);
            let node = self.create_node(id, name, kind, score);
            self.nodes[node].unclean = self.options.startup_fencing && kind != NodeKind::Remote;
            self.add_node_attributes(node, element, false);
            self.read_node_utilization(node, element);
        }
    }

    fn read_node_utilization(&mut self, node: NodeId, element: Element<'a>) {
        self.nodes[node].utilization = self.amounts(element);
    }

    /// Remote and guest nodes that have no entry of their own.
    pub(in crate::scheduler) fn unpack_remote_nodes(&mut self) {
        for name in &self.input.remote_nodes {
            if self.node_named(name).is_none() {
                let node = self.create_node(name, name, NodeKind::Remote, 0);
                self.nodes[node].unclean = false;
            }
        }
    }

    /// Attributes of a node, from its entry or its state.
    pub(in crate::scheduler) fn add_node_attributes(
        &mut self,
        node: NodeId,
        element: Element<'a>,
        overwrite: bool,
    ) {
        let is_dc = self.root().attr("dc-uuid") == Some(&*self.nodes[node].id);
        let cluster_name: Option<Text> = self.options.text("cluster-name").map(Into::into);
        let n = &mut self.nodes[node];
        let (name, id) = (n.name.clone(), n.id.clone());
        n.attrs.insert("#uname".into(), name);
        n.named = true;
        n.attrs.insert("#id".into(), id);
        n.is_dc = is_dc;
        n.attrs
            .insert("#is_dc".into(), if is_dc { "true" } else { "false" }.into());
        if let Some(cluster) = &cluster_name {
            n.attrs.insert("#cluster-name".into(), cluster.clone());
        }
        let mut attrs = std::mem::take(&mut n.attrs);
        let context = self.context();
        let reading = Reading {
            first: None,
            overwrite,
        };
        self.read_sets(
            element,
            "instance_attributes",
            &context,
            reading,
            &mut attrs,
        );
        if !attrs.contains_key("#site-name") {
            let site = attrs.get("site-name").cloned().or(cluster_name);
            if let Some(site) = site {
                attrs.insert("#site-name".into(), site);
            }
        }
        self.nodes[node].attrs = attrs;
    }

    /// Value of an attribute of a node.
    pub fn node_attr(&self, node: NodeId, name: &str) -> Option<&str> {
        self.nodes[node].attrs.get(name).map(|v| &**v)
    }

    /// Value of an attribute; for guest nodes of resources that say so, of their host.
    pub fn attr_for(&self, node: NodeId, name: &str, target: Option<&str>) -> Option<&str> {
        let host = target.is_some_and(|t| t.eq_ignore_ascii_case("host"));
        if !host || !self.is_guest(node) {
            return self.node_attr(node, name);
        }
        let container = self.container_of(node)?;
        let host = self.resources[container].running_on.first().copied()?;
        self.node_attr(host, name)
    }
}
