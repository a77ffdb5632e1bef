//! Order constraints.

use super::Remarks;
use super::constraints::Named;
use crate::cib::Element;
use crate::cib::boolean;

pub(super) fn check(named: &Named<'_, '_>, element: Element<'_>, id: &str, remarks: &mut Remarks) {
    let is_serial = element.attr("kind") == Some("Serialize");
    kind(element, id, remarks);
    let symmetrical = element.attr("symmetrical");
    if is_serial && symmetrical.is_some_and(|value| boolean::is_true(Some(value))) {
        let text =
            format!("Ignoring symmetrical for '{id}' because not valid with kind of 'Serialize'");
        remarks.warn("get_ordering_symmetry", text);
    }
    if named.sets(element, id, remarks) {
        return;
    }
    let ends = [element.attr("first"), element.attr("then")];
    if !named.all_known(("unpack_order_tags", id), &ends, remarks) {
        return;
    }
    for (end, name) in ends.iter().zip(["first", "then"]) {
        if end.is_none() {
            let text = format!("Ignoring constraint '{id}' without {name}");
            return remarks.error("get_ordering_resource", text);
        }
        let instance = element.attr(&format!("{name}-instance"));
        if instance.is_some() {
            let text = "Support for first-instance and then-instance is deprecated and will be \
                        removed in a future release.";
            remarks.warn("get_ordering_resource", text);
        }
        named.instance(("get_ordering_resource", id), *end, instance, remarks);
    }
    require_all(named, element, remarks);
    let inverts = symmetrical.is_none_or(|value| boolean::is_true(Some(value))) && !is_serial;
    if inverts {
        inverse(element, id, remarks);
    }
}

fn kind(element: Element<'_>, id: &str, remarks: &mut Remarks) {
    match element.attr("kind") {
        Some("Mandatory" | "Optional" | "Serialize") => {}
        Some(other) => {
            let text = format!(
                "Resetting 'kind' for constraint {id} to 'Mandatory' because '{other}' is not valid"
            );
            remarks.error("get_ordering_type", text);
        }
        None if element.attr("score").is_some() => {
            let text = "Support for 'score' in rsc_order is deprecated and will be removed in a \
                        future release (use 'kind' instead)";
            remarks.warn("get_ordering_type", text);
        }
        None => {}
    }
}

fn require_all(named: &Named<'_, '_>, element: Element<'_>, remarks: &mut Remarks) {
    let cluster = named.cluster;
    let first = element
        .attr("first")
        .and_then(|name| cluster.names.get(name));
    let Some(first) = first.and_then(|all| all.first()) else {
        return;
    };
    let first = &cluster.resources[*first];
    let is_collection = first.is_clone() || first.is_bundle();
    if element.attr("require-all").is_none()
        || !is_collection
        || first.meta.contains_key("clone-min")
    {
        return;
    }
    let text = "Support for require-all in ordering constraints is deprecated and will be removed \
                in a future release (use clone-min clone meta-attribute instead)";
    remarks.warn("get_minimum_first_instances", text);
}

/// What stops in the opposite order needs actions that have an opposite.
fn inverse(element: Element<'_>, id: &str, remarks: &mut Remarks) {
    let first = element.attr("first-action").unwrap_or("start");
    let then = element.attr("then-action").unwrap_or(first);
    let has_opposite = |action: &str| matches!(action, "start" | "stop" | "promote" | "demote");
    if has_opposite(first) && has_opposite(then) {
        return;
    }
    let text = format!("Cannot invert constraint '{id}' (please specify inverse manually)");
    remarks.warn("inverse_ordering", text);
}
