//! The CIB of a simulation, changed by requests as a cluster changes its own: each that alters
//! something counts, by the epoch in the configuration and by the number of updates elsewhere.
//! Source: Pacemaker 2.1.5, `pcmk__inject_node`, `query_node_uuid`, `xml_create_patchset`.

use std::ops::{Deref, DerefMut};

use indexmap::{IndexMap, IndexSet};

use crate::cib::{Document, NodeRef};
use crate::scheduler::score;

/// A CIB that is changed.
#[derive(Debug)]
pub struct Shadow<'c> {
    cib: &'c mut Document,
    /// Whether a node without an entry in the configuration gets one as soon as anything happens
    /// to it. So it is, to the end of the simulation, if any node is brought online.
    pub adds_nodes: bool,
    /// States of nodes in which no two siblings have the same name and id.
    plain: IndexSet<NodeRef>,
}

impl Deref for Shadow<'_> {
    type Target = Document;

    fn deref(&self) -> &Document {
        self.cib
    }
}

impl DerefMut for Shadow<'_> {
    fn deref_mut(&mut self) -> &mut Document {
        self.cib
    }
}

impl<'c> Shadow<'c> {
    /// Of a CIB.
    pub fn new(cib: &'c mut Document, adds_nodes: bool) -> Self {
        Self {
            cib,
            adds_nodes,
            plain: IndexSet::new(),
        }
    }

    fn count(&mut self, name: &str) {
        let root = self.cib.root();
        let known = self.cib.attr(root, name).and_then(score::leading_integer);
        let next = known.unwrap_or(0).saturating_add(1).to_string();
        self.cib.set_attr(root, name, &next);
    }

    /// Counts a request that changed the status.
    pub fn count_update(&mut self) {
        self.count("num_updates");
    }

    /// A node's state is written as a whole: over itself, element by element.
    pub fn write_state(&mut self, state: NodeRef) {
        if !self.plain.contains(&state) && !self.fold_twins(state) {
            self.plain.insert(state);
        }
    }

    /// What is written goes to the first element of its name and id: that takes what later ones
    /// have, which stay as they are. Whether there are any.
    /// Source: Pacemaker 2.1.5, `update_cib_object`
    fn fold_twins(&mut self, parent: NodeRef) -> bool {
        let mut any = false;
        let children: Vec<NodeRef> = self.elements(parent);
        let mut firsts = IndexMap::new();
        for &child in &children {
            let (name, id) = (self.cib.name(child), self.cib.id(child));
            firsts.entry((name, id)).or_insert(child);
            firsts.entry((name, None)).or_insert(child);
        }
        let first_of = |&child| firsts[&(self.cib.name(child), self.cib.id(child))];
        let firsts: Vec<NodeRef> = children.iter().map(first_of).collect();
        for (child, first) in children.into_iter().zip(firsts) {
            if child == first {
                any |= self.fold_twins(child);
            } else {
                any = true;
                self.overlay(first, child);
            }
        }
        any
    }

    fn elements(&self, parent: NodeRef) -> Vec<NodeRef> {
        let children = self.cib.element(parent).children();
        children.map(|child| child.node()).collect()
    }

    /// Writes what one element has over another.
    fn overlay(&mut self, target: NodeRef, from: NodeRef) {
        let attrs = self.cib.element(from).attrs();
        let attrs: Vec<_> = attrs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        for (name, value) in attrs {
            self.cib.set_attr(target, &name, &value);
        }
        let children: Vec<NodeRef> = self.elements(from);
        for child in children {
            let name = self.cib.name(child).to_owned();
            let id = self.cib.id(child);
            let mut same = self.cib.children_named(target, &name);
            let found = same.find(|&c| id.is_none() || self.cib.id(c) == id);
            drop(same);
            let found = found.unwrap_or_else(|| self.cib.add_element(target, &name, &[]));
            self.overlay(found, child);
        }
    }

    /// Counts a request that changed the configuration.
    pub fn count_epoch(&mut self) {
        self.count("epoch");
        let root = self.cib.root();
        self.cib.set_attr(root, "num_updates", "0");
    }

    /// A section below another, made if there is none.
    pub fn part(&mut self, parent: NodeRef, name: &str) -> NodeRef {
        match self.cib.child(parent, name) {
            Some(found) => found,
            None => self.cib.add_element(parent, name, &[]),
        }
    }

    /// The status, made if there is none.
    pub fn status(&mut self) -> NodeRef {
        self.part(self.cib.root(), "status")
    }

    /// Sets attributes; whether any had another value.
    pub fn set(&mut self, node: NodeRef, attrs: &[(&str, &str)]) -> bool {
        let mut changed = false;
        for (name, value) in attrs {
            if self.cib.attr(node, name) != Some(value) {
                self.cib.set_attr(node, name, value);
                changed = true;
            }
        }
        changed
    }

    fn ensure_node(&mut self, name: &str) {
        let configuration = self.part(self.cib.root(), "configuration");
        let nodes = self.part(configuration, "nodes");
        let known = self
            .cib
            .children_named(nodes, "node")
            .any(|n| self.cib.attr(n, "uname") == Some(name));
        if !known {
            let attrs = [("id", name), ("uname", name)];
            self.cib.add_element(nodes, "node", &attrs);
            self.count_epoch();
        }
    }

    /// The id of a node by its name: of a node of the cluster, a remote one or a guest.
    fn node_uuid(&self, name: &str) -> Option<String> {
        let cib = &*self.cib;
        let configuration = cib.child(cib.root(), "configuration")?;
        let same = |text: Option<&str>| text.is_some_and(|t| t.eq_ignore_ascii_case(name));
        let parts = ["nodes", "resources"].map(|part| cib.child(configuration, part));
        let mut all = parts.into_iter().flatten().flat_map(|p| cib.descendants(p));
        let found = all.find_map(|e| match cib.name(e) {
            "node" if same(cib.attr(e, "uname")) => cib.id(e),
            "primitive"
                if same(cib.id(e))
                    && cib.attr(e, "class") == Some("ocf")
                    && cib.attr(e, "provider") == Some("pacemaker")
                    && cib.attr(e, "type") == Some("remote") =>
            {
                cib.id(e)
            }
            "nvpair"
                if cib.attr(e, "name") == Some("remote-node") && same(cib.attr(e, "value")) =>
            {
                cib.attr(e, "value")
            }
            _ => None,
        });
        found.map(str::to_owned)
    }

    /// The state of a node, made if there is none. Of a node that nobody knows it has no id.
    pub fn node_state(&mut self, name: &str, uuid: Option<&str>) -> NodeRef {
        if self.adds_nodes {
            self.ensure_node(name);
        }
        let status = self.status();
        let with = |shadow: &Self, attr: &str, value: &str| {
            let mut all = shadow.cib.children_named(status, "node_state");
            all.find(|&s| shadow.cib.attr(s, attr) == Some(value))
        };
        if let Some(found) = with(self, "uname", name) {
            return found;
        }
        let uuid = uuid.map(str::to_owned).or_else(|| self.node_uuid(name));
        if let Some(uuid) = &uuid
            && let Some(nameless) = with(self, "id", uuid)
        {
            self.cib.set_attr(nameless, "uname", name);
            self.count_update();
            return nameless;
        }
        let id = uuid.as_deref().map(|id| ("id", id));
        let attrs: Vec<_> = id.into_iter().chain([("uname", name)]).collect();
        let state = self.cib.add_element(status, "node_state", &attrs);
        self.count_update();
        state
    }

    /// A node joins or leaves, or it is a member that isn't seen.
    pub fn set_membership(&mut self, state: NodeRef, membership: Membership, origin: &str) {
        let [in_ccm, crmd, join] = match membership {
            Membership::Online => ["true", "online", "member"],
            Membership::Lost => ["false", "online", "member"],
            Membership::Offline => ["false", "offline", "down"],
        };
        let attrs = [
            ("in_ccm", in_ccm),
            ("crmd", crmd),
            ("join", join),
            ("expected", join),
            ("crm-debug-origin", origin),
        ];
        if self.set(state, &attrs) {
            self.count_update();
        }
    }

    /// What was known of a node that is gone is gone, too.
    pub fn forget(&mut self, state: NodeRef) {
        for name in ["lrm", "transient_attributes"] {
            while let Some(part) = self.cib.child(state, name) {
                self.cib.detach(part);
                self.count_update();
            }
        }
    }

    /// The value of a transient attribute of a node.
    pub fn transient(&self, state: NodeRef, name: &str) -> Option<&str> {
        self.cib.attr(self.transient_pair(state, name)?, "value")
    }

    fn transient_pair(&self, state: NodeRef, name: &str) -> Option<NodeRef> {
        let path = ["transient_attributes", "instance_attributes"];
        let set = self.cib.find(state, &path)?;
        let mut pairs = self.cib.children_named(set, "nvpair");
        pairs.find(|&p| self.cib.attr(p, "name") == Some(name))
    }

    /// Sets a transient attribute of a node.
    pub fn set_transient(&mut self, state: NodeRef, name: &str, value: &str) {
        if let Some(pair) = self.transient_pair(state, name) {
            self.cib.set_attr(pair, "value", value);
            return;
        }
        let id = self.cib.id(state).map(str::to_owned);
        let attrs: Vec<_> = id.iter().map(|id| ("id", id.as_str())).collect();
        let mut parent = state;
        for part in ["transient_attributes", "instance_attributes"] {
            parent = match self.cib.child(parent, part) {
                Some(found) => found,
                None => self.cib.add_element(parent, part, &attrs),
            };
        }
        let set = self.cib.id(parent).unwrap_or("");
        let pair_id = format!("{set}-{name}").replace(['#', ':'], ".");
        let attrs = [("id", &*pair_id), ("name", name), ("value", value)];
        self.cib.add_element(parent, "nvpair", &attrs);
        // Another name may have given the same id.
        self.plain.swap_remove(&state);
    }
}

/// How a node is seen by the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// In the cluster.
    Online,
    /// Of it, but not seen any more.
    Lost,
    /// Not in it.
    Offline,
}
