//! Operations: those that repeat one another, and what is done when they fail.

use super::Remarks;
use crate::cib::Element;
use crate::rules;
use crate::rules::iso8601::{Clock, Time};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::{Action, Role};

pub(super) fn check(cluster: &Cluster<'_>, remarks: &mut Remarks) {
    for resource in cluster.resources.iter() {
        if resource.is_primitive() && !resource.maintenance && !resource.orphan {
            recurring(resource.xml, cluster.clock, remarks);
        }
    }
    for action in cluster.actions.iter() {
        on_fail(cluster, action, remarks);
    }
}

fn recurring(resource: Element<'_>, clock: Clock, remarks: &mut Remarks) {
    let operations = resource.child("operations").into_iter();
    let ops: Vec<_> = operations
        .flat_map(|all| all.children_named("op"))
        .collect();
    let key = |op: Element<'_>| {
        let interval = op
            .attr("interval")
            .map_or(0, |text| rules::interval_ms(text).unwrap_or(0));
        (op.attr("name").unwrap_or_default().to_owned(), interval)
    };
    let keys: Vec<_> = ops.iter().map(|op| key(*op)).collect();
    for (at, op) in ops.iter().enumerate() {
        let (name, interval) = &keys[at];
        let id = op.id().unwrap_or_default();
        if *interval == 0 {
            continue;
        }
        let first = keys.iter().position(|key| key == &keys[at]).unwrap_or(at);
        if first < at {
            let first = ops[first].id().unwrap_or_default();
            let text = format!(
                "Operation {id} is duplicate of {first} (do not use same name and interval \
                 combination more than once per resource)"
            );
            remarks.error("is_op_dup", text);
            continue;
        }
        if matches!(name.as_str(), "start" | "stop" | "promote" | "demote") {
            let text = format!("Ignoring {id} because {name} action cannot be recurring");
            remarks.error("is_recurring_history", text);
            continue;
        }
        let origin = op.attr("interval-origin");
        if let Some(origin) = origin.filter(|origin| Time::parse(origin.as_bytes(), clock).is_err())
        {
            let text = format!(
                "Ignoring 'interval-origin' for operation '{id}' because '{origin}' is not valid"
            );
            remarks.error("unpack_interval_origin", text);
        }
        if let Some(role) = op.attr("role")
            && Role::parse(role) == Role::Unknown
        {
            let text = format!("Ignoring {id} because {role} is not a valid role");
            remarks.error("is_recurring_history", text);
        }
    }
}

fn on_fail(cluster: &Cluster<'_>, action: &Action<'_>, remarks: &mut Remarks) {
    let (Some(op), Some(resource)) = (action.op, action.resource) else {
        return;
    };
    if &*action.task == "cancel" {
        return;
    }
    let written = action.meta.get("on-fail").map(|value| &**value);
    let Some(value) = op.attr("on-fail").or(written) else {
        return;
    };
    let resource = &cluster.resources[resource].id;
    let (task, key) = (&action.task, &action.key);
    let reset = "unpack_operation_on_fail";
    if &**task == "stop" && matches!(value, "standby" | "stop") {
        let text = format!(
            "Resetting 'on-fail' for {resource} stop action to default value because '{value}' \
             is not allowed for stop"
        );
        return remarks.error(reset, text);
    }
    let of_promoted = |role: &str| Role::parse(role) == Role::Promoted;
    let demotes = &**task == "promote"
        || &**task == "monitor" && action.interval > 0 && op.attr("role").is_some_and(of_promoted);
    match value {
        "demote" if !demotes => {
            let text = format!(
                "Resetting 'on-fail' for {resource} {task} action to default value because \
                 'demote' is not allowed for it"
            );
            remarks.error(reset, text);
        }
        "fence" if !super::can_fence(cluster) => {
            let text = format!(
                "Resetting 'on-fail' for operation '{key}' to 'stop' because 'fence' is not valid \
                 when fencing is disabled"
            );
            remarks.error("unpack_operation", text);
        }
        "block" | "fence" | "standby" | "ignore" | "nothing" | "migrate" | "stop" | "restart"
        | "restart-container" | "demote" => {}
        _ => {
            let text = format!("Resource {resource}: Unknown failure type ({value})");
            remarks.error("unpack_operation", text);
        }
    }
}
