//! From 1.3 to 2.0: permissions are elements of one name.

use super::notes::{Notes, Weight};
use crate::cib::{Document, NodeRef};

/// Elements that were permissions.
const KINDS: [&str; 3] = ["read", "write", "deny"];

pub(super) fn rewrite(doc: &Document, notes: &mut Notes) -> Document {
    let mut new = doc.clone();
    let acls = doc.find(doc.root(), &["configuration", "acls"]);
    for child in acls.into_iter().flat_map(|acls| doc.children(acls)) {
        match doc.name(child) {
            "acl_user" => user(doc, &mut new, child, notes),
            "acl_role" => entries(doc, &mut new, child, notes),
            _ => (),
        }
    }
    new
}

fn user(doc: &Document, new: &mut Document, user: NodeRef, notes: &mut Notes) {
    let id = doc.id(user).unwrap_or_default();
    new.rename(user, "acl_target");
    notes.add(Weight::Same, format!("acl_user {id}"), "is acl_target now");
    if doc.child(user, "role_ref").is_some() {
        return entries(doc, new, user, notes);
    }
    let own: Vec<_> = doc.children(user).collect();
    new.clear_children(user);
    if !own.iter().any(|&node| KINDS.contains(&doc.name(node))) {
        return;
    }
    let role_id = format!("auto-{id}");
    new.add_element(user, "role", &[("id", &role_id)]);
    let role = new.new_element("acl_role");
    new.set_attr(role, "id", &role_id);
    if let Some(parent) = doc.parent(user) {
        new.insert_before(parent, role, new.next_node(user));
    }
    for node in own {
        new.append(role, node);
    }
    entries(doc, new, role, notes);
    let text = format!("its permissions are those of the new role {role_id}");
    notes.add(Weight::Same, format!("acl_target {id}"), text);
}

fn entries(doc: &Document, new: &mut Document, of: NodeRef, notes: &mut Notes) {
    let all: Vec<_> = new.children(of).collect();
    for node in all {
        match doc.name(node) {
            "role_ref" => new.rename(node, "role"),
            kind if KINDS.contains(&kind) => permission(doc, new, (node, kind), notes),
            _ => (),
        }
    }
}

fn permission(
    doc: &Document,
    new: &mut Document,
    (node, kind): (NodeRef, &str),
    notes: &mut Notes,
) {
    new.rename(node, "acl_permission");
    new.clear_attrs(node);
    let mut set = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            new.set_attr(node, name, value);
        }
    };
    set("id", doc.id(node));
    set("kind", Some(kind));
    let id = doc.id(node).unwrap_or_default();
    let about = format!("acl_permission {id}");
    let attribute = doc.attr(node, "attribute");
    if let Some(reference) = doc.attr(node, "ref") {
        set("reference", Some(reference));
        if attribute.is_some() {
            let text = "it covers the whole element: attribute doesn't go with a reference";
            notes.add(Weight::Differs, about, text);
        }
    } else if let Some(tag) = doc.attr(node, "tag") {
        set("object-type", Some(tag));
        set("attribute", attribute);
    } else {
        let path = doc.attr(node, "xpath").unwrap_or_default();
        match attribute {
            None => set("xpath", doc.attr(node, "xpath")),
            Some(attribute) => {
                set("xpath", Some(&format!("{path}[@{attribute}]")));
                let text = "it covers each element that has the attribute";
                notes.add(Weight::Differs, about, text);
            }
        }
    }
}
