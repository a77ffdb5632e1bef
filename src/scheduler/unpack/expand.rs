//! Before anything is unpacked: what the document says in short is written out.
//!
//! Templates are put into the primitives that use them, guest nodes get their implicit
//! connections. The scheduler then reads only plain elements.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::cib::{Document, NodeRef};

/// A document without abbreviations, and what is no longer visible in it.
pub struct Expanded {
    /// The document.
    pub doc: Document,
    /// Primitives of each template, in document order.
    pub templates: Vec<(String, Vec<String>)>,
    /// Elements by id.
    pub by_id: IndexMap<String, NodeRef>,
    /// What each bundle is made of.
    pub bundles: IndexMap<NodeRef, crate::scheduler::unpack::bundle_xml::BundleXml>,
    /// Nodes whose connection is a primitive of its own, or implicit, in order.
    pub remote_nodes: Vec<String>,
    /// Guest nodes: their names are connections with a container.
    pub guests: Vec<String>,
}

/// Writes a document out.
pub fn expand(source: &Document) -> Expanded {
    let mut out = Expanded {
        doc: source.clone(),
        templates: Vec::new(),
        by_id: IndexMap::new(),
        bundles: IndexMap::new(),
        remote_nodes: Vec::new(),
        guests: Vec::new(),
    };
    index_ids(&mut out);
    let root = out.doc.root();
    if let Some(resources) = out.doc.find(root, &["configuration", "resources"]) {
        expand_templates(&mut out, resources);
        find_remote_nodes(&mut out, resources);
        let bundles: Vec<NodeRef> = out.doc.children_named(resources, "bundle").collect();
        let mut nodes = node_names(&out);
        for bundle in bundles {
            let count = i32::try_from(nodes.len()).unwrap_or(i32::MAX);
            let parts = crate::scheduler::unpack::bundle_xml::write(&mut out.doc, bundle, count);
            if let Some(parts) = parts {
                let guests = parts.replicas.iter().filter_map(|r| r.connection);
                nodes.extend(guests.filter_map(|c| out.doc.id(c).map(str::to_lowercase)));
                out.bundles.insert(bundle, parts);
            }
        }
    }
    out
}

/// Names of the nodes that are there before any bundle makes more.
fn node_names(out: &Expanded) -> BTreeSet<String> {
    let doc = &out.doc;
    let section = doc.find(doc.root(), &["configuration", "nodes"]);
    let nodes = section
        .into_iter()
        .flat_map(|s| doc.children_named(s, "node"));
    let names = nodes.filter_map(|n| doc.attr(n, "uname").or(doc.id(n)));
    let remotes = out.remote_nodes.iter().map(String::as_str);
    names.chain(remotes).map(str::to_lowercase).collect()
}

fn index_ids(out: &mut Expanded) {
    let doc = &out.doc;
    let Some(configuration) = doc.child(doc.root(), "configuration") else {
        return;
    };
    for node in doc.descendants(configuration) {
        if let Some(id) = doc.id(node) {
            out.by_id.entry(id.to_owned()).or_insert(node);
        }
    }
}

fn expand_templates(out: &mut Expanded, resources: NodeRef) {
    let doc = &out.doc;
    let mut users: Vec<(NodeRef, String)> = Vec::new();
    let mut templates: IndexMap<String, NodeRef> = IndexMap::new();
    for node in doc.descendants(resources) {
        match doc.name(node) {
            "template" => {
                if let Some(id) = doc.id(node) {
                    templates.insert(id.to_owned(), node);
                    out.templates.push((id.to_owned(), Vec::new()));
                }
            }
            "primitive" => {
                if let Some(template) = doc.attr(node, "template") {
                    users.push((node, template.to_owned()));
                }
            }
            _ => {}
        }
    }
    let original = out.doc.clone();
    for (user, name) in users {
        let (Some(&template), Some(id)) = (templates.get(&name), original.id(user)) else {
            continue;
        };
        if let Some((_, list)) = out.templates.iter_mut().find(|(t, _)| *t == name) {
            list.push(id.to_owned());
        }
        apply_template(&mut out.doc, &original, user, template, id);
    }
}

fn apply_template(
    doc: &mut Document,
    original: &Document,
    user: NodeRef,
    template: NodeRef,
    id: &str,
) {
    let merged = doc.import(original, template);
    doc.rename(merged, "primitive");
    doc.set_attr(merged, "id", id);
    let template_ops = doc.child(merged, "operations");
    let mut own_ops = None;
    let own: Vec<NodeRef> = original.children(user).collect();
    for child in own {
        let copy = doc.import(original, child);
        doc.append(merged, copy);
        if doc.name(copy) == "operations" {
            own_ops = Some(copy);
        }
    }
    if let (Some(from), Some(to)) = (template_ops, own_ops) {
        merge_operations(doc, from, to);
        doc.detach(from);
    }
    if let Some(parent) = doc.parent(user) {
        doc.insert_before(parent, merged, Some(user));
        doc.detach(user);
    }
}

fn merge_operations(doc: &mut Document, from: NodeRef, to: NodeRef) {
    let own: Vec<String> = doc.children(to).map(|op| operation_key(doc, op)).collect();
    let add: Vec<NodeRef> = doc
        .children(from)
        .filter(|&op| !own.contains(&operation_key(doc, op)))
        .collect();
    for op in add {
        doc.append(to, op);
    }
}

/// Operations of the same key are the same: by name and role, the plain roles being one.
fn operation_key(doc: &Document, op: NodeRef) -> String {
    let role = doc
        .attr(op, "role")
        .unwrap_or("Started")
        .to_ascii_lowercase();
    let role = match role.as_str() {
        "started" | "slave" | "unpromoted" => "",
        other => other,
    };
    format!("{}/{role}", doc.attr(op, "name").unwrap_or(""))
}

/// Whether an element is a connection to a remote node: configured, or only in a history.
pub fn is_connection(doc: &Document, node: NodeRef) -> bool {
    matches!(doc.name(node), "primitive" | "lrm_resource")
        && doc.attr(node, "class") == Some("ocf")
        && doc.attr(node, "provider") == Some("pacemaker")
        && doc.attr(node, "type") == Some("remote")
}

fn find_remote_nodes(out: &mut Expanded, resources: NodeRef) {
    let tops: Vec<NodeRef> = out.doc.children(resources).collect();
    for top in tops {
        if is_connection(&out.doc, top) {
            let id = out.doc.id(top).unwrap_or("").to_owned();
            out.remote_nodes.push(id);
        } else if out.doc.name(top) == "primitive" {
            add_guest(out, resources, top);
        } else if out.doc.name(top) == "group" {
            let members: Vec<NodeRef> = out.doc.children(top).collect();
            for member in members {
                add_guest(out, resources, member);
            }
        }
    }
}

fn meta_of(doc: &Document, primitive: NodeRef, name: &str) -> Option<String> {
    let mut value = None;
    for set in doc.children_named(primitive, "meta_attributes") {
        for pair in doc.children(set) {
            if doc.attr(pair, "name") == Some(name) {
                value = doc.attr(pair, "value").map(str::to_owned);
            }
        }
    }
    value
}

fn add_guest(out: &mut Expanded, resources: NodeRef, vm: NodeRef) {
    let Some(name) = meta_of(&out.doc, vm, "remote-node") else {
        return;
    };
    if out
        .by_id
        .get(&name)
        .is_some_and(|&n| is_resource(&out.doc, n))
    {
        return;
    }
    let container = out.doc.id(vm).unwrap_or("").to_owned();
    let doc = &out.doc;
    let spec = ConnectionSpec {
        migrate: meta_of(doc, vm, "remote-allow-migrate"),
        managed: meta_of(doc, vm, "is-managed"),
        address: meta_of(doc, vm, "remote-addr"),
        port: meta_of(doc, vm, "remote-port"),
        start_timeout: Some(
            meta_of(doc, vm, "remote-connect-timeout").unwrap_or_else(|| "60s".to_owned()),
        ),
    };
    let connection = write_connection(&mut out.doc, &name, &container, &spec);
    out.doc.append(resources, connection);
    out.remote_nodes.push(name.clone());
    out.guests.push(name);
}

fn is_resource(doc: &Document, node: NodeRef) -> bool {
    matches!(
        doc.name(node),
        "primitive" | "group" | "clone" | "master" | "bundle"
    )
}

/// What an implicit connection is given.
#[derive(Default)]
pub struct ConnectionSpec {
    /// `allow-migrate`.
    pub migrate: Option<String>,
    /// `is-managed`.
    pub managed: Option<String>,
    /// `addr`.
    pub address: Option<String>,
    /// `port`.
    pub port: Option<String>,
    /// Timeout of a `start` operation.
    pub start_timeout: Option<String>,
}

/// Writes the implicit connection of a guest node, not yet in the tree.
/// Source: Pacemaker 2.1.5, `pe_create_remote_xml`.
pub fn write_connection(
    doc: &mut Document,
    name: &str,
    container: &str,
    spec: &ConnectionSpec,
) -> NodeRef {
    let connection = doc.new_element("primitive");
    for (key, value) in [
        ("id", name),
        ("class", "ocf"),
        ("provider", "pacemaker"),
        ("type", "remote"),
    ] {
        doc.set_attr(connection, key, value);
    }
    let meta = doc.add_element(connection, "meta_attributes", &[]);
    pair(doc, meta, "internal_rsc", Some("true"));
    pair(doc, meta, "container", Some(container));
    pair(doc, meta, "allow-migrate", spec.migrate.as_deref());
    pair(doc, meta, "is-managed", spec.managed.as_deref());
    if spec.address.is_some() || spec.port.is_some() {
        let set = doc.add_element(connection, "instance_attributes", &[]);
        pair(doc, set, "addr", spec.address.as_deref());
        pair(doc, set, "port", spec.port.as_deref());
    }
    let ops = doc.add_element(connection, "operations", &[]);
    operation(doc, ops, name, ["monitor", "30s"], Some("30s"));
    if let Some(timeout) = &spec.start_timeout {
        operation(doc, ops, name, ["start", "0"], Some(timeout));
    }
    connection
}

/// Adds an nvpair.
pub fn pair(doc: &mut Document, set: NodeRef, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        doc.add_element(set, "nvpair", &[("name", name), ("value", value)]);
    }
}

/// Adds an operation with name, interval and timeout.
pub fn operation(
    doc: &mut Document,
    operations: NodeRef,
    of: &str,
    [name, interval]: [&str; 2],
    timeout: Option<&str>,
) {
    let id = format!("{of}-{name}-{interval}");
    let attrs = [("id", &*id), ("interval", interval), ("name", name)];
    let op = doc.add_element(operations, "op", &attrs);
    if let Some(timeout) = timeout {
        doc.set_attr(op, "timeout", timeout);
    }
}
