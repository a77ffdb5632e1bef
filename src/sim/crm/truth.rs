//! What the CIB says of the hosts, beside what is so.

use std::collections::BTreeSet;

use super::host::Host;
use crate::cib::version::FEATURE_SET;
use crate::cib::{Document, Element};

/// Where the CIB is wrong about a host.
pub(super) fn errors(cib: &Document, host: &Host) -> Vec<String> {
    let states = cib.root_element().find(&["status"]);
    let mut states = states
        .into_iter()
        .flat_map(|status| status.children_named("node_state"));
    let Some(state) = states.find(|state| state.attr("uname") == Some(host.name())) else {
        return vec![format!("{} has no state in the CIB", host.name())];
    };
    let told: BTreeSet<&str> = state
        .find(&["lrm", "lrm_resources"])
        .into_iter()
        .flat_map(|resources| resources.children_named("lrm_resource"))
        .filter(|resource| is_active(*resource))
        .filter_map(|resource| resource.id())
        .collect();
    let is: BTreeSet<&str> = host.active().collect();
    let mut errors = Vec::new();
    if told != is {
        let name = host.name();
        errors.push(format!(
            "the CIB says that {told:?} run on {name}, and {is:?} do"
        ));
    }
    let attributes = state.find(&["transient_attributes", "instance_attributes"]);
    let mut pairs = attributes
        .into_iter()
        .flat_map(|set| set.children_named("nvpair"));
    if !pairs.any(|pair| {
        pair.attr("name") == Some("#feature-set") && pair.attr("value") == Some(FEATURE_SET)
    }) {
        errors.push(format!("the CIB has no feature set of {}", host.name()));
    }
    errors
}

/// By the last operation of its history.
fn is_active(resource: Element<'_>) -> bool {
    let number = |op: &Element<'_>| op.attr("call-id").and_then(|id| id.parse::<i64>().ok());
    let last = resource.children_named("lrm_rsc_op").max_by_key(number);
    last.is_some_and(|op| {
        let ran = matches!(op.attr("rc-code"), Some("0" | "8"));
        ran && op.attr("operation") != Some("stop")
    })
}
