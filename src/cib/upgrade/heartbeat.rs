//! From heartbeat 2 and Pacemaker 0.6 to 1.0.
//!
//! Source of what was meant: the DTD of heartbeat 2.1 and its behaviour. Pacemaker 2.1.5 has no
//! such step.

use indexmap::IndexSet;

use super::notes::{Notes, Weight};
use crate::cib::schema::Edition;
use crate::cib::{Document, NodeRef};

/// Attributes with other names now: element, old, new.
const RENAMED: [(&str, &str, &str); 15] = [
    ("cib", "have_quorum", "have-quorum"),
    ("cib", "dc_uuid", "dc-uuid"),
    ("cib", "remote_access_port", "remote-tls-port"),
    ("op", "start_delay", "start-delay"),
    ("op", "prereq", "requires"),
    ("op", "on_fail", "on-fail"),
    ("rsc_colocation", "from", "rsc"),
    ("rsc_colocation", "to", "with-rsc"),
    ("rsc_colocation", "from_role", "rsc-role"),
    ("rsc_colocation", "to_role", "with-rsc-role"),
    ("rsc_colocation", "node_attribute", "node-attribute"),
    ("rule", "boolean_op", "boolean-op"),
    ("rule", "score_attribute", "score-attribute"),
    ("date_spec", "yeardays", "yearsdays"),
    ("duration", "yeardays", "yearsdays"),
];

/// Attributes that are gone.
const GONE: [(&str, &str); 17] = [
    ("cib", "num_peers"),
    ("cib", "cib_feature_revision"),
    ("cib", "ccm_transition"),
    ("cib", "ignore_dtd"),
    ("cib", "generated"),
    ("cib", "debug_source"),
    ("cib", "origin"),
    ("cib", "last_written"),
    ("cib", "xmlns"),
    ("rule", "generated"),
    ("rsc_colocation", "symmetrical"),
    ("rsc_colocation", "description"),
    ("rsc_order", "description"),
    ("rsc_location", "description"),
    ("primitive", "on_stopfail"),
    ("primitive", "max_instances"),
    ("primitive", "start_prereq"),
];

/// What was an attribute of a resource, or one of its parameters, and is a meta attribute.
const META: [&str; 19] = [
    "is_managed",
    "resource_stickiness",
    "resource_failure_stickiness",
    "priority",
    "multiple_active",
    "restart_type",
    "ordered",
    "collocated",
    "interleave",
    "notify",
    "globally_unique",
    "clone_max",
    "clone_node_max",
    "master_max",
    "master_node_max",
    "target_role",
    "migration_threshold",
    "failure_timeout",
    "allow_migrate",
];

/// Elements that are resources.
const RESOURCES: [&str; 4] = ["primitive", "group", "clone", "master"];

pub(super) fn rewrite(doc: &Document, notes: &mut Notes) -> Document {
    let mut rewrite = Rewrite {
        doc: doc.clone(),
        ids: IndexSet::new(),
        notes,
    };
    rewrite.run();
    rewrite.doc
}

struct Rewrite<'a> {
    doc: Document,
    ids: IndexSet<String>,
    notes: &'a mut Notes,
}

impl Rewrite<'_> {
    fn run(&mut self) {
        let root = self.doc.root();
        self.doc.strip_text();
        for counter in ["admin_epoch", "epoch", "num_updates"] {
            if self.doc.attr(root, counter).is_none() {
                self.doc.set_attr(root, counter, "0");
            }
        }
        self.doc
            .set_attr(root, "validate-with", Edition::V1_0.name());
        self.attributes(root);
        self.boolean(root, "have-quorum");
        let Some(configuration) = self.doc.child(root, "configuration") else {
            return;
        };
        for node in self.elements(configuration) {
            self.names(node);
        }
        if let Some(section) = self.doc.child(configuration, "crm_config") {
            self.loose_options(section);
        }
        for node in self.elements(configuration) {
            self.element(node);
        }
        self.unique_ids(configuration);
        if let Some(section) = self.doc.child(configuration, "constraints") {
            self.dangling(section);
        }
    }

    /// The elements below a node, itself first.
    fn elements(&self, top: NodeRef) -> Vec<NodeRef> {
        let all = self.doc.descendants(top);
        all.filter(|&node| self.doc.is_element(node)).collect()
    }

    fn value(&self, node: NodeRef, name: &str) -> String {
        self.doc.attr(node, name).unwrap_or_default().to_owned()
    }

    fn note(&mut self, node: NodeRef, weight: Weight, text: impl Into<String>) {
        let name = self.doc.name(node);
        let about = match self.doc.id(node) {
            Some(id) => format!("{name} {id}"),
            None => name.to_owned(),
        };
        self.notes.add(weight, about, text);
    }

    /// Elements of other names, and elements that only held others.
    fn names(&mut self, node: NodeRef) {
        match self.doc.name(node) {
            "master_slave" => {
                self.doc.rename(node, "master");
                self.note(node, Weight::Same, "master_slave is master now");
            }
            "attributes" => {
                if let Some(parent) = self.doc.parent(node) {
                    while let Some(child) = self.doc.first_node(node) {
                        self.doc.insert_before(parent, child, Some(node));
                    }
                }
                self.doc.detach(node);
            }
            _ => (),
        }
    }

    /// Options that were in no set.
    fn loose_options(&mut self, section: NodeRef) {
        let loose: Vec<_> = self.doc.children_named(section, "nvpair").collect();
        if loose.is_empty() {
            return;
        }
        let set = self.doc.child(section, "cluster_property_set");
        let set = set.unwrap_or_else(|| {
            let id = [("id", "cib-bootstrap-options")];
            self.doc.add_element(section, "cluster_property_set", &id)
        });
        for node in loose {
            self.doc.append(set, node);
        }
        self.note(set, Weight::Same, "options of the cluster are in a set now");
    }

    fn attributes(&mut self, node: NodeRef) {
        let element = self.doc.name(node).to_owned();
        for (_, name) in GONE.iter().filter(|gone| gone.0 == element) {
            self.doc.remove_attr(node, name);
        }
        for (_, old, new) in RENAMED.iter().filter(|renamed| renamed.0 == element) {
            self.rename_attribute(node, old, new);
        }
    }

    fn rename_attribute(&mut self, node: NodeRef, old: &str, new: &str) {
        let Some(value) = self.doc.attr(node, old).map(str::to_owned) else {
            return;
        };
        let attrs: Vec<(String, String)> = self
            .doc
            .attrs(node)
            .filter(|attr| attr.0 != new)
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        self.doc.clear_attrs(node);
        for (name, was) in attrs {
            match name == old {
                true => self.doc.set_attr(node, new, &value),
                false => self.doc.set_attr(node, &name, &was),
            }
        }
    }

    /// A truth value in the words that are left.
    fn boolean(&mut self, node: NodeRef, name: &str) {
        let value = self.value(node, name).to_lowercase();
        match &*value {
            "yes" | "true" | "1" => self.doc.set_attr(node, name, "true"),
            "no" | "false" | "0" => self.doc.set_attr(node, name, "false"),
            _ => (),
        }
    }

    fn element(&mut self, node: NodeRef) {
        self.attributes(node);
        match self.doc.name(node) {
            name if RESOURCES.contains(&name) => self.resource(node),
            "op" => self.operation(node),
            "rsc_order" => self.order(node),
            "rsc_location" => self.location(node),
            "rule" => self.rule(node),
            "rsc_colocation" => self.score(node, "score"),
            "expression" if self.value(node, "type") == "integer" => {
                self.doc.set_attr(node, "type", "number");
            }
            _ => (),
        }
    }

    fn score(&mut self, node: NodeRef, name: &str) {
        if self
            .doc
            .attr(node, name)
            .is_some_and(|value| value.trim().is_empty())
        {
            self.doc.remove_attr(node, name);
        }
    }

    fn rule(&mut self, node: NodeRef) {
        self.score(node, "score");
        let scored = ["score", "score-attribute"];
        if scored
            .iter()
            .all(|name| self.doc.attr(node, name).is_none())
        {
            self.doc.set_attr(node, "score", "0");
        }
    }

    fn operation(&mut self, node: NodeRef) {
        if self.doc.attr(node, "interval").is_none() {
            self.doc.set_attr(node, "interval", "0");
        }
        if self.doc.attr(node, "disabled").is_some() {
            self.boolean(node, "disabled");
            let enabled = (self.value(node, "disabled") != "true").to_string();
            self.rename_attribute(node, "disabled", "enabled");
            self.doc.set_attr(node, "enabled", &enabled);
        }
    }

    /// `from` came before or after `to`; now `first` comes before `then`.
    fn order(&mut self, node: NodeRef) {
        let before = self.value(node, "type") == "before";
        self.doc.remove_attr(node, "type");
        let names = match before {
            true => [
                ("from", "first"),
                ("action", "first-action"),
                ("to", "then"),
                ("to_action", "then-action"),
            ],
            false => [
                ("to", "first"),
                ("to_action", "first-action"),
                ("from", "then"),
                ("action", "then-action"),
            ],
        };
        for (old, new) in names {
            self.rename_attribute(node, old, new);
        }
        for name in ["first-action", "then-action"] {
            let value = self.value(node, name);
            if !["start", "stop", "promote", "demote"].contains(&&*value) {
                self.doc.remove_attr(node, name);
            }
        }
        self.score(node, "score");
        if self.doc.attr(node, "symmetrical").is_some() {
            self.boolean(node, "symmetrical");
        }
        let (first, then) = (self.value(node, "first"), self.value(node, "then"));
        let text = format!("says now that {first} is first and {then} then");
        self.note(node, Weight::Same, text);
    }

    fn location(&mut self, node: NodeRef) {
        let rules = self.doc.children_named(node, "rule").count();
        let has_node = self.doc.attr(node, "node").is_some();
        if rules > 0 {
            self.doc.remove_attr(node, "node");
            self.doc.remove_attr(node, "score");
        } else if !has_node {
            self.note(
                node,
                Weight::Gone,
                "is gone: it names no node and has no rule",
            );
            self.doc.detach(node);
        } else if self.doc.attr(node, "score").is_none() {
            self.doc.set_attr(node, "score", "0");
        }
    }

    fn resource(&mut self, node: NodeRef) {
        if self.doc.name(node) == "primitive" {
            self.agent(node);
        }
        let mut found = Vec::new();
        for name in META {
            if let Some(value) = self.doc.attr(node, name).map(str::to_owned) {
                self.doc.remove_attr(node, name);
                found.push((None, name, value));
            }
        }
        let sets: Vec<_> = self
            .doc
            .children_named(node, "instance_attributes")
            .filter(|&set| self.doc.child(set, "rule").is_none())
            .collect();
        for set in sets {
            let pairs: Vec<_> = self.doc.children_named(set, "nvpair").collect();
            for pair in pairs {
                let name = self.value(pair, "name");
                if let Some(known) = META.iter().find(|&&known| known == name) {
                    found.push((Some(pair), known, self.value(pair, "value")));
                    self.doc.detach(pair);
                }
            }
        }
        self.meta_names(node);
        if !found.is_empty() {
            self.meta(node, found);
        }
    }

    fn agent(&mut self, node: NodeRef) {
        let is_ocf = self.value(node, "class") == "ocf";
        match (is_ocf, self.doc.attr(node, "provider").is_some()) {
            (true, false) => self.doc.set_attr(node, "provider", "heartbeat"),
            (false, true) => {
                self.doc.remove_attr(node, "provider");
            }
            _ => (),
        }
    }

    /// Meta attributes that had a set already.
    fn meta_names(&mut self, node: NodeRef) {
        let sets: Vec<_> = self.doc.children_named(node, "meta_attributes").collect();
        for set in sets {
            let pairs: Vec<_> = self.doc.children_named(set, "nvpair").collect();
            for pair in pairs {
                let name = self.value(pair, "name");
                if META.contains(&&*name) {
                    let value = meta_value(&name, &self.value(pair, "value"));
                    self.doc.set_attr(pair, "name", &name.replace('_', "-"));
                    self.doc.set_attr(pair, "value", &value);
                }
            }
        }
    }

    fn meta(&mut self, node: NodeRef, found: Vec<(Option<NodeRef>, &str, String)>) {
        let id = format!("{}-meta_attributes", self.value(node, "id"));
        let set = self.doc.child(node, "meta_attributes").unwrap_or_else(|| {
            let set = self.doc.new_element("meta_attributes");
            self.doc.set_attr(set, "id", &id);
            let first = self.doc.first_node(node);
            self.doc.insert_before(node, set, first);
            set
        });
        for (pair, name, value) in found {
            let new = name.replace('_', "-");
            let value = meta_value(name, &value);
            if name == "target_role" && value.is_empty() {
                continue;
            }
            let pair = pair.unwrap_or_else(|| {
                let pair = self.doc.new_element("nvpair");
                let id = format!("{}-{new}", self.value(set, "id"));
                self.doc.set_attr(pair, "id", &id);
                pair
            });
            self.doc.set_attr(pair, "name", &new);
            self.doc.set_attr(pair, "value", &value);
            self.doc.append(set, pair);
            let text = format!("{name} is the meta attribute {new} now");
            self.note(node, Weight::Same, text);
        }
    }

    /// Ids are names, and each is there once, but those of nodes.
    fn unique_ids(&mut self, configuration: NodeRef) {
        let all = self.elements(configuration);
        // Resources and constraints keep theirs: others refer to them.
        let strong = |name: &str| RESOURCES.contains(&name) || name.starts_with("rsc_");
        let (first, second): (Vec<_>, Vec<_>) = all
            .into_iter()
            .filter(|&node| self.doc.name(node) != "node" && self.doc.id(node).is_some())
            .partition(|&node| strong(self.doc.name(node)));
        for node in first.into_iter().chain(second) {
            let id = self.value(node, "id");
            let mut new = as_name(&id);
            let mut count = 0_usize;
            while self.ids.contains(&new) {
                let parent = self.doc.parent(node).and_then(|node| self.doc.id(node));
                let parent = parent.unwrap_or("id");
                new = as_name(&format!("{parent}-{id}"));
                if count > 0 {
                    new = format!("{new}-{count}");
                }
                count += 1;
            }
            if new != id {
                let text = format!("has the id {new} now: {id} was taken, or no name");
                self.note(node, Weight::Same, text);
                self.doc.set_attr(node, "id", &new);
            }
            self.ids.insert(new);
        }
    }

    /// Constraints about resources that aren't there have no effect and aren't allowed.
    fn dangling(&mut self, section: NodeRef) {
        let constraints: Vec<_> = self.doc.children(section).collect();
        for node in constraints {
            for name in ["rsc", "with-rsc", "first", "then"] {
                let Some(id) = self.doc.attr(node, name) else {
                    continue;
                };
                if !self.ids.contains(id) {
                    let text = format!("is gone: {name} {id} is not there");
                    self.note(node, Weight::Gone, text);
                    self.doc.detach(node);
                    break;
                }
            }
        }
    }
}

fn meta_value(name: &str, value: &str) -> String {
    let lower = value.to_lowercase();
    match (name, &*lower) {
        ("target_role", "started") => "Started".into(),
        ("target_role", "stopped") => "Stopped".into(),
        ("target_role", "master") => "Master".into(),
        ("target_role", "slave") => "Slave".into(),
        ("target_role", "#default" | "default") => String::new(),
        _ => value.to_owned(),
    }
}

/// The text as a name of XML.
fn as_name(id: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    let mut name: String = id.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    name
}
