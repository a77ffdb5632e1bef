//! Resources with their states as XML.
//! Source: Pacemaker 2.1.5, `xml/api/resources-2.24.rng`,
//! `lib/pengine/{native,group,clone,bundle}.c`.

use crate::cib::{Document, NodeRef};
use crate::scheduler::model::arena::ResourceId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::{Kind, Role};

/// Which parts of resources are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// All but orphans that aren't active.
    All,
    /// Of groups, active members only.
    Active,
}

/// Adds a resource with all in it.
pub(super) fn add(
    (doc, to): (&mut Document, NodeRef),
    cluster: &Cluster<'_>,
    resource: ResourceId,
    shown: Shown,
) {
    let r = &cluster.resources[resource];
    let left_out = r.orphan || (shown == Shown::Active && r.is_group());
    if left_out && !cluster.active(resource, false) {
        return;
    }
    match &r.kind {
        Kind::Primitive => primitive(doc, to, cluster, resource),
        Kind::Group(_) => {
            let number = r.children.len().to_string();
            let attrs = [
                ("id", &*r.id),
                ("number_resources", &number),
                ("managed", word(r.managed)),
                ("disabled", word(cluster.is_disabled(resource))),
            ];
            let group = doc.add_element(to, "group", &attrs);
            for &member in &r.children {
                if shown == Shown::Active && !cluster.active(member, false) {
                    continue;
                }
                add((&mut *doc, group), cluster, member, shown);
            }
        }
        Kind::Clone(body) => {
            let target = cluster.meta(resource, "target-role");
            let mut attrs = vec![
                ("id", &*r.id),
                ("multi_state", word(body.promotable)),
                ("unique", word(r.unique)),
                ("managed", word(r.managed)),
                ("disabled", word(cluster.is_disabled(resource))),
                ("failed", word(r.failed)),
                ("failure_ignored", word(r.failure_ignored)),
            ];
            attrs.extend(target.as_deref().map(|target| ("target_role", target)));
            let clone = doc.add_element(to, "clone", &attrs);
            for &instance in &r.children {
                add((&mut *doc, clone), cluster, instance, shown);
            }
        }
        Kind::Bundle(_) => bundle(doc, to, cluster, resource),
    }
}

fn bundle(doc: &mut Document, to: NodeRef, cluster: &Cluster<'_>, resource: ResourceId) {
    let r = &cluster.resources[resource];
    let Kind::Bundle(body) = &r.kind else { return };
    let mut kinds = r.xml.children().map(|child| child.name());
    let kind = kinds.find(|name| matches!(*name, "docker" | "podman" | "rkt"));
    let attrs = [
        ("id", &*r.id),
        ("type", kind.unwrap_or("unknown")),
        ("image", body.image.as_deref().unwrap_or_default()),
        ("unique", word(r.unique)),
        ("managed", word(r.managed)),
        ("failed", word(r.failed)),
    ];
    let bundle = doc.add_element(to, "bundle", &attrs);
    for (number, replica) in body.replicas.iter().enumerate() {
        let number = number.to_string();
        let element = doc.add_element(bundle, "replica", &[("id", &number)]);
        let parts = [
            replica.ip,
            replica.child,
            Some(replica.container),
            replica.remote,
        ];
        for part in parts.into_iter().flatten() {
            add((&mut *doc, element), cluster, part, Shown::All);
        }
    }
}

fn primitive(doc: &mut Document, to: NodeRef, cluster: &Cluster<'_>, resource: ResourceId) {
    let r = &cluster.resources[resource];
    let provider = r.provider.map(|p| format!(":{p}")).unwrap_or_default();
    let agent = format!("{}{provider}:{}", r.class, r.agent);
    let count = r.running_on.len().to_string();
    let target = cluster.meta(resource, "target-role");
    let promoted_part = cluster.in_promotable(resource) && r.role == Role::Started;
    let role = match promoted_part {
        true => Role::Unpromoted.text(),
        false => r.role.text(),
    };
    let mut attrs = vec![
        ("id", cluster.printable_id(resource)),
        ("resource_agent", &*agent),
        ("role", role),
    ];
    attrs.extend(target.as_deref().map(|target| ("target_role", target)));
    attrs.extend([
        ("active", word(cluster.active(resource, true))),
        ("orphaned", word(r.orphan)),
        ("blocked", word(r.blocked)),
        ("managed", word(r.managed)),
        ("failed", word(r.failed)),
        ("failure_ignored", word(r.failure_ignored)),
        ("nodes_running_on", &count),
    ]);
    let element = doc.add_element(to, "resource", &attrs);
    for &node in &r.running_on {
        let node = &cluster.nodes[node];
        let attrs = [
            ("name", &*node.name),
            ("id", &*node.id),
            ("cached", word(node.online)),
        ];
        doc.add_element(element, "node", &attrs);
    }
}

fn word(set: bool) -> &'static str {
    if set { "true" } else { "false" }
}
