//! The section `acls` to permissions.

use super::{Mode, Permission, User};
use crate::cib::boolean;
use crate::cib::dom::{Document, Element};
use crate::cib::xpath::XPath;
use crate::score;

/// Whether the document asks for access control.
pub(super) fn is_enabled(doc: &Document) -> bool {
    boolean::is_true(property(doc, "enable-acl"))
}

/// The value of a cluster property: `cib-bootstrap-options` counts first, then the set with
/// the highest score. Rules don't choose whether there is access control.
fn property<'a>(doc: &'a Document, name: &str) -> Option<&'a str> {
    let config = doc.root_element().find(&["configuration", "crm_config"])?;
    let mut sets: Vec<_> = config.children_named("cluster_property_set").collect();
    sets.sort_by_key(|set| {
        let first = set.id() != Some("cib-bootstrap-options");
        (first, -set.attr("score").map_or(0, score::parse))
    });
    sets.into_iter()
        .flat_map(|set| set.children_named("nvpair"))
        .find(|pair| pair.attr("name") == Some(name))
        .and_then(|pair| pair.attr("value"))
}

pub(super) fn permissions(doc: &Document, user: &User) -> Vec<Permission> {
    let mut permissions = Vec::new();
    let Some(acls) = doc.root_element().find(&["configuration", "acls"]) else {
        return permissions;
    };
    for entry in acls.children() {
        let named = |name: &str| {
            let id = entry.attr("name").or(entry.id());
            id == Some(name)
        };
        let applies = match entry.name() {
            "acl_target" | "acl_user" => named(&user.name),
            "acl_group" => user.groups.iter().any(|group| named(group)),
            _ => false,
        };
        if applies {
            collect(acls, entry, &mut permissions, 0);
        }
    }
    permissions
}

/// Roles in roles end at some depth, whatever a document says.
const DEPTH_MAX: usize = 16;

fn collect(acls: Element, entry: Element, permissions: &mut Vec<Permission>, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    for child in entry.children() {
        let kind = match child.name() {
            "acl_permission" => child.attr("kind").unwrap_or(""),
            name => name,
        };
        let mode = match kind {
            "read" => Mode::Read,
            "write" => Mode::Write,
            "deny" => Mode::Deny,
            "role" | "role_ref" => {
                let roles = acls.children_named("acl_role");
                for role in roles.filter(|role| role.id() == child.id()) {
                    collect(acls, role, permissions, depth + 1);
                }
                continue;
            }
            _ => continue,
        };
        if let Some(selector) = selector(child) {
            permissions.push(Permission { mode, selector });
        }
    }
}

/// Where a permission is for; what can't be read is for nothing.
fn selector(permission: Element) -> Option<XPath> {
    let either = |new, old| permission.attr(new).or(permission.attr(old));
    let tag = either("object-type", "tag");
    let reference = either("reference", "ref");
    let attribute = permission.attr("attribute");
    let xpath = match (permission.attr("xpath"), reference, attribute) {
        (Some(xpath), ..) => xpath.to_owned(),
        (None, None, None) => format!("//{}", tag?),
        (None, Some(id), None) => format!("//{}[@id='{id}']", tag.unwrap_or("*")),
        (None, None, Some(name)) => format!("//{}[@{name}]", tag.unwrap_or("*")),
        (None, Some(id), Some(name)) => {
            format!("//{}[@id='{id}' and @{name}]", tag.unwrap_or("*"))
        }
    };
    XPath::parse(&xpath).ok()
}
