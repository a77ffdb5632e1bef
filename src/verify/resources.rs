//! Resources: what is refused of them, and their meta-attributes.

use super::Remarks;
use crate::cib::boolean;
use crate::cib::{Document, Element};
use crate::scheduler::model::arena::ResourceId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::{Kind, Role};
use crate::scheduler::score;

pub(super) fn check(cib: &Document, cluster: &Cluster<'_>, remarks: &mut Remarks) {
    for element in super::section(cib, "resources") {
        if form(cib, element, remarks) {
            let name = element.name();
            let id = element.id().unwrap_or_default();
            let text =
                format!("Ignoring <{name}> resource '{id}' because configuration is invalid");
            remarks.error("unpack_resources", text);
        }
    }
    for id in cluster.resources.ids() {
        meta(cluster, id, remarks);
        collective(cluster, id, remarks);
    }
}

/// Complains about how a resource is made; whether it is refused.
fn form(cib: &Document, element: Element<'_>, remarks: &mut Remarks) -> bool {
    let id = element.id().unwrap_or_default();
    match element.name() {
        "template" => false,
        "primitive" => !template(cib, element, remarks),
        "group" => {
            let members = || element.children_named("primitive");
            if members().next().is_none() {
                let text =
                    format!("Group {id} will be ignored because it does not have any members");
                remarks.warn("group_unpack", text);
            }
            for member in members() {
                template(cib, member, remarks);
            }
            false
        }
        "clone" | "master" => {
            let parts = || {
                let all = element.children();
                all.filter(|e| matches!(e.name(), "primitive" | "group"))
            };
            if parts().next().is_none() {
                remarks.error("clone_unpack", format!("{id} has nothing to clone"));
                return true;
            }
            kinds_of_parts(cib, element, remarks)
        }
        "bundle" => bundle(element, remarks),
        other => {
            let text = format!("Ignoring resource '{id}' of unknown type '{other}'");
            remarks.error("pe__unpack_resource", text);
            true
        }
    }
}

/// Whether a primitive's template, if it has one, can be used.
fn template(cib: &Document, element: Element<'_>, remarks: &mut Remarks) -> bool {
    let Some(template) = element.attr("template") else {
        return true;
    };
    if Some(template) == element.id() {
        let text = format!("The resource object '{template}' should not reference itself");
        remarks.error("unpack_template", text);
        return false;
    }
    let known = super::section(cib, "resources")
        .any(|e| e.name() == "template" && e.id() == Some(template));
    if !known {
        let text = format!("No template named '{template}'");
        remarks.error("unpack_template", text);
    }
    known
}

/// Whether a bundle is refused.
fn bundle(element: Element<'_>, remarks: &mut Remarks) -> bool {
    let id = element.id().unwrap_or_default();
    let container = ["docker", "rkt", "podman"];
    let Some(container) = container.iter().find_map(|name| element.child(name)) else {
        return true;
    };
    let network = element.child("network");
    let of_network = |name: &str| network.and_then(|network| network.attr(name));
    let per_host = container.attr("replicas-per-host");
    let per_host = per_host.and_then(score::leading_integer).unwrap_or(1);
    if of_network("control-port").is_some() && per_host > 1 {
        let text = format!("Specifying the 'control-port' for {id} requires 'replicas-per-host=1'");
        remarks.error("valid_network", text);
    }
    let directives = |parent: &str, name: &str| -> Vec<_> {
        let parent = element.child(parent).into_iter();
        let name = name.to_owned();
        parent
            .flat_map(|parent| parent.children().collect::<Vec<_>>())
            .filter(|e| e.name() == name)
            .collect()
    };
    for mount in directives("storage", "storage-mapping") {
        let source = mount.attr("source-dir").or(mount.attr("source-dir-root"));
        if source.is_none() || mount.attr("target-dir").is_none() {
            let id = mount.id().unwrap_or_default();
            remarks.error("pe__unpack_bundle", format!("Invalid mount directive {id}"));
        }
    }
    for port in directives("network", "port-mapping") {
        if port.attr("port").is_none() && port.attr("range").is_none() {
            let id = port.id().unwrap_or_default();
            remarks.error("pe__unpack_bundle", format!("Invalid port directive {id}"));
        }
    }
    let reachable = of_network("ip-range-start").is_some() || of_network("control-port").is_some();
    if let Some(inner) = element.child("primitive")
        && !reachable
    {
        let inner = inner.id().unwrap_or_default();
        let text = format!(
            "Cannot control {id} inside {inner} without either ip-range-start or control-port"
        );
        remarks.error("pe__unpack_bundle", text);
        return true;
    }
    false
}

/// The outermost resource that this is part of, as far as roles go.
fn outermost(cluster: &Cluster<'_>, mut id: ResourceId) -> ResourceId {
    while let Some(parent) = cluster.resources[id].parent {
        id = parent;
    }
    id
}

fn meta(cluster: &Cluster<'_>, id: ResourceId, remarks: &mut Remarks) {
    let resource = &cluster.resources[id];
    let name = &resource.id;
    let value = |name: &str| resource.meta.get(name).map(|value| &**value);
    if let Some(role) = value("target-role") {
        target_role(cluster, id, role, remarks);
    }
    if let Some(active) = value("multiple-active")
        && !matches!(
            active,
            "stop_start" | "stop_only" | "block" | "stop_unexpected"
        )
    {
        let text = format!(
            "{active} is not a valid value for multiple-active, using default of \"stop_start\""
        );
        remarks.warn("pe__unpack_resource", text);
    }
    if value("restart-type") == Some("restart") {
        let text = "Support for restart-type is deprecated and will be removed in a future release";
        remarks.warn("pe__unpack_resource", text);
    }
    if let Some(container) = value("container")
        && !cluster.names.contains_key(container)
    {
        let text = format!("Resource {name}: Unknown resource container ({container})");
        remarks.error("setup_container", text);
    }
    if let Some(requires) = value("requires") {
        requirement(cluster, id, requires, remarks);
    }
}

fn target_role(cluster: &Cluster<'_>, id: ResourceId, value: &str, remarks: &mut Remarks) {
    if value.eq_ignore_ascii_case("default") {
        return;
    }
    let name = &cluster.resources[id].id;
    let why = match Role::parse(value) {
        Role::Unknown => format!("'{value}' is not valid"),
        Role::Promoted | Role::Unpromoted if !is_promotable(cluster, outermost(cluster, id)) => {
            format!("'{value}' only makes sense for promotable clones")
        }
        _ => return,
    };
    let text = format!("Ignoring 'target-role' for {name} because {why}");
    remarks.error("get_target_role", text);
}

fn is_promotable(cluster: &Cluster<'_>, id: ResourceId) -> bool {
    let resource = &cluster.resources[id];
    resource.is_promotable() || matches!(&resource.kind, Kind::Bundle(b) if b.promoted_max > 0)
}

fn requirement(cluster: &Cluster<'_>, id: ResourceId, value: &str, remarks: &mut Remarks) {
    let resource = &cluster.resources[id];
    let name = &resource.id;
    let no_fencing = !super::can_fence(cluster);
    match value.to_ascii_lowercase().as_str() {
        "nothing" | "quorum" => {}
        "fencing" if no_fencing => {
            let text = format!("{name} requires fencing but fencing is disabled");
            remarks.warn("unpack_requires", text);
        }
        "fencing" => {}
        "unfencing" if resource.fence_device => {
            let text = format!(
                "Resetting \"requires\" for {name} to \"quorum\" because fencing devices cannot \
                 require unfencing"
            );
            remarks.warn("unpack_requires", text);
        }
        "unfencing" if no_fencing => {
            let text = format!(
                "Resetting \"requires\" for {name} to \"quorum\" because fencing is disabled"
            );
            remarks.warn("unpack_requires", text);
        }
        "unfencing" => {}
        _ => {
            let default = if no_fencing { "quorum" } else { "fencing" };
            let text = format!(
                "Resetting 'requires' for {name} to '{default}' because '{value}' is not valid"
            );
            remarks.error("unpack_requires", text);
        }
    }
}

/// What groups and clones can't be.
fn collective(cluster: &Cluster<'_>, id: ResourceId, remarks: &mut Remarks) {
    let resource = &cluster.resources[id];
    let name = &resource.id;
    let value = |name: &str| resource.meta.get(name).map(|value| &**value);
    match &resource.kind {
        Kind::Group(_) => {
            for flag in ["ordered", "collocated"] {
                if value(flag).is_some_and(|value| !boolean::is_true(Some(value))) {
                    let text = format!(
                        "Support for the '{flag}' group meta-attribute is deprecated and will be \
                         removed in a future release (use a resource set instead)"
                    );
                    remarks.warn("set_group_flag", text);
                }
            }
        }
        Kind::Clone(_) => {
            let unique = boolean::is_true(value("globally-unique"));
            let per_node = value("clone-node-max").and_then(score::leading_integer);
            if !unique && per_node.is_some_and(|per_node| per_node > 1) {
                let text = format!(
                    "Ignoring promoted-max for {name} because anonymous clones support only one \
                     instance per node"
                );
                remarks.error("clone_unpack", text);
            }
        }
        Kind::Primitive | Kind::Bundle(_) => {}
    }
}

/// Only OCF agents can be told apart by instance, and promoted; fence devices can be the former.
/// Whether the clone is refused.
fn kinds_of_parts(cib: &Document, clone: Element<'_>, remarks: &mut Remarks) -> bool {
    let is_set = |name: &str| {
        let sets = clone.children_named("meta_attributes");
        let mut pairs = sets.flat_map(|set| set.children_named("nvpair"));
        let pair = pairs.find(|pair| pair.attr("name") == Some(name));
        boolean::is_true(pair.and_then(|pair| pair.attr("value")))
    };
    let name = clone.id().unwrap_or_default();
    let mut refused = false;
    for part in clone.descendants().filter(|e| e.name() == "primitive") {
        let (class, id) = (class_of(cib, part), part.id().unwrap_or_default());
        if class == "ocf" {
            continue;
        }
        if is_set("globally-unique") && class != "stonith" {
            let text = format!(
                "Ignoring globally-unique for {name} because {class} resources such as {id}:0 can \
                 be used only as anonymous clones"
            );
            remarks.warn("pe__force_anon", text);
        }
        if is_set("promotable") || clone.name() == "master" {
            let text = format!(
                "Resource {id}:0 is of type {class} and therefore cannot be used as a promotable \
                 clone resource"
            );
            remarks.error("native_unpack", text);
            refused = true;
        }
    }
    refused
}

/// The standard of a primitive's agent, or of its template's.
fn class_of<'a>(cib: &'a Document, primitive: Element<'a>) -> &'a str {
    let of_template = || {
        let template = primitive.attr("template")?;
        let found = super::section(cib, "resources").find(|e| e.id() == Some(template));
        found?.attr("class")
    };
    let class = primitive.attr("class").or_else(of_template);
    class.unwrap_or_default()
}
