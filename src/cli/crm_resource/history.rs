//! Operations of the history.

use super::perform::{Done, Job};
use crate::cib::Element;
use crate::cli::crm::clock::ctime;
use crate::cli::crm::output::Output;
use crate::executor::Status;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::report;
use crate::scheduler::unpack::age::Extent;

/// Lists operations, of one node or of all; `active`: only those that made the present states.
pub(super) fn list<'a>(
    job: &mut Job<'_>,
    cluster: &Cluster<'a>,
    node: Option<NodeId>,
    active: bool,
) -> Done {
    let wanted = job.line.value("resource");
    let mut found: Vec<Element<'a>> = Vec::new();
    let Some(status) = cluster.root().child("status") else {
        return Ok(());
    };
    for state in status.children_named("node_state") {
        let Some(of) = state
            .attr("uname")
            .and_then(|name| cluster.node_named(name))
        else {
            continue;
        };
        let shown = cluster.nodes[of].online || cluster.options.stonith_enabled;
        if node.is_some_and(|node| node != of) || !shown {
            continue;
        }
        let entries = state.find(&["lrm", "lrm_resources"]);
        let entries = entries
            .into_iter()
            .flat_map(|all| all.children_named("lrm_resource"));
        for entry in entries.filter(|e| wanted.is_none_or(|id| e.id() == Some(id))) {
            found.extend(of_entry(cluster, entry, active));
        }
    }
    let Some(list) = (!found.is_empty()).then(|| job.output.element("operations", &[])) else {
        return Ok(());
    };
    for op in found {
        tell(job.output, list, cluster, op);
    }
    Ok(())
}

/// The operations of an entry in order; `active`: from the last start on, if none stopped it.
fn of_entry<'a>(cluster: &Cluster<'a>, entry: Element<'a>, active: bool) -> Vec<Element<'a>> {
    let ops = cluster.sorted_ops(entry);
    if !active {
        return ops;
    }
    let extent = Extent::of(&ops);
    if extent.start < extent.stop {
        return Vec::new();
    }
    let first = extent.start.saturating_sub(1);
    ops.into_iter().skip(first).collect()
}

fn resource_of(cluster: &Cluster<'_>, op: Element<'_>) -> Option<ResourceId> {
    cluster.resource_named(op.parent()?.id()?)
}

fn tell(
    output: &mut Output,
    list: Option<crate::cib::NodeRef>,
    cluster: &Cluster<'_>,
    op: Element<'_>,
) {
    let attr = |name| op.attr(name).unwrap_or("(null)");
    let state = op
        .parent()
        .and_then(|e| e.parent())
        .and_then(|e| e.parent());
    let node = state.and_then(|e| e.parent()).and_then(|e| e.attr("uname"));
    let node = node.unwrap_or_default();
    let key = op.attr("operation_key").or(op.id()).unwrap_or_default();
    let number = op
        .attr("op-status")
        .and_then(|status| status.parse::<i64>().ok());
    let status = number.and_then(Status::from_number);
    let status = status.map_or("UNKNOWN!".to_owned(), |status| status.to_string());
    let changed = op
        .attr("last-rc-change")
        .and_then(|at| at.parse::<i64>().ok());
    let changed = changed.map(ctime);
    let exec = op.attr("exec-time").unwrap_or_default();
    let resource = resource_of(cluster, op);
    let title = match resource {
        Some(resource) => report::primitive(cluster, resource),
        None => format!("Unknown resource {}", attr("rsc")),
    };
    let when = changed.as_deref().map_or(String::new(), |at| {
        format!(", last-rc-change='{at}', exec={exec}ms")
    });
    let (call, rc) = (attr("call-id"), attr("rc-code"));
    output.text(format_args!(
        "{title}: {key} (node={node}, call={call}, rc={rc}{when}): {status}"
    ));
    let (Some(list), Some(doc)) = (list, output.document()) else {
        return;
    };
    let mut attrs = vec![("op", key), ("node", node), ("call", call), ("rc", rc)];
    attrs.push(("status", &status));
    let (id, agent);
    if let Some(resource) = resource {
        let r = &cluster.resources[resource];
        id = cluster.printable_id(resource);
        agent = format!("{}:{}:{}", r.class, r.provider.unwrap_or_default(), r.agent);
        attrs.extend([("rsc", id), ("agent", &*agent)]);
    }
    if let Some(at) = &changed {
        attrs.extend([("last-rc-change", &**at), ("exec-time", exec)]);
    }
    doc.add_element(list, "operation", &attrs);
}
