//! The digests by which the cluster finds that parameters changed.
//!
//! Source: Pacemaker 2.1.5, `pcmk__resource_digests` of `lib/pacemaker/pcmk_resource.c`; the
//! installed tool.

use super::perform::{Done, Job};
use crate::cib::Element;
use crate::cli::crm::{Failure, code};
use crate::rules;
use crate::rules::leading_int;
use crate::scheduler::model::Values;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::glib_order;
use crate::scheduler::unpack::digest::digest_of;

/// Prints them; values of the command line go over those configured.
pub(super) fn tell(
    job: &mut Job<'_>,
    cluster: &mut Cluster<'_>,
    resource: ResourceId,
    node: Option<NodeId>,
) -> Done {
    let Some(node) = node.filter(|_| cluster.resources[resource].is_primitive()) else {
        return Err(Failure::Exit(code::UNIMPLEMENTED));
    };
    let overrides = overrides(job)?;
    let op = best(cluster, resource, node);
    let of_op = |name: &str| op.and_then(|op| op.attr(name));
    let task = of_op("operation").unwrap_or("start");
    let interval = of_op("interval").map_or(0, |text| rules::interval_ms(text).unwrap_or(0));
    let given = overrides.get("CRM_meta_interval");
    let interval = given.map_or(interval, |given| milliseconds(given));
    let subject = (resource, node);
    let digested = cluster.digested(subject, (task, interval), op, &overrides);
    let kinds = [
        ("all", "all", Some(digested.all)),
        ("nonprivate", "non-private", Some(digested.open)),
        ("nonreloadable", "non-reloadable", digested.restarting),
    ];
    let interval = format!("{interval}ms");
    let attrs = [
        ("resource", &*cluster.resources[resource].id),
        ("node", &*cluster.nodes[node].name),
        ("task", task),
        ("interval", &interval),
    ];
    let list = job.output.element("digests", &attrs);
    let names = configured(cluster, resource);
    for (kind, words, values) in kinds {
        let Some(values) = values else { continue };
        let hash = digest_of(&values);
        job.output.text(format_args!("{hash} ({words} parameters)"));
        if let (Some(list), Some(doc)) = (list, job.output.document()) {
            let attrs = [("type", kind), ("hash", &hash)];
            let digest = doc.add_element(list, "digest", &attrs);
            doc.add_element(digest, "parameters", &in_order(&values, &overrides, &names));
        }
    }
    Ok(())
}

/// A time of the command line: milliseconds where no unit is said.
fn milliseconds(text: &str) -> u32 {
    match text.parse() {
        Ok(ms) => ms,
        Err(_) => rules::interval_ms(text).unwrap_or(0),
    }
}

/// As the original's tables give them: first what goes over the configured, then what was put in
/// in the order of the document.
fn in_order<'a>(
    values: &'a Values,
    overrides: &Values,
    configured: &[&str],
) -> Vec<(&'a str, &'a str)> {
    let place = |name: &str| configured.iter().position(|known| *known == name);
    let all: Vec<(&str, &str)> = values.iter().map(|(n, v)| (&**n, &**v)).collect();
    let given = |name: &str| overrides.contains_key(name);
    let (first, mut rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| given(name));
    rest.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
    let in_table = |all: Vec<(&'a str, &'a str)>| {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        let order = glib_order::order_of_names(&names).into_iter();
        order
            .filter_map(|at| all.get(at).copied())
            .collect::<Vec<_>>()
    };
    let mut ordered = in_table(first);
    ordered.extend(in_table(rest));
    ordered
}

/// Names of a resource's parameters in the order of the document.
fn configured<'a>(cluster: &Cluster<'a>, resource: ResourceId) -> Vec<&'a str> {
    let sets = cluster.resources[resource].xml;
    let sets = sets.children_named("instance_attributes");
    let pairs = sets.flat_map(|set| set.children_named("nvpair"));
    pairs.filter_map(|pair| pair.attr("name")).collect()
}

fn overrides(job: &Job<'_>) -> Result<Values, Failure> {
    let mut all = Values::new();
    for operand in job.line.operands() {
        let Some((name, value)) = operand.split_once('=') else {
            let text = format!("Error parsing '{operand}' as a name=value pair");
            return Err(Failure::Usage(text));
        };
        all.insert(name.into(), value.into());
    }
    Ok(all)
}

/// The entry of the history with which the cluster would compare: one that made the resource be
/// as it is goes before others, then the newest counts. As with the original, an instance whose
/// history has no number has none here.
fn best<'a>(cluster: &Cluster<'a>, resource: ResourceId, node: NodeId) -> Option<Element<'a>> {
    let name = &*cluster.resources[resource].id;
    let history = cluster.lrm.get(&node)?;
    let of_resource = history.iter().find(|e| e.id() == Some(name))?;
    let makes_state = |op: Element<'_>| {
        let interval = op
            .attr("interval")
            .map_or(0, |text| rules::interval_ms(text).unwrap_or(0));
        let task = op.attr("operation").unwrap_or_default();
        interval == 0 && matches!(task, "monitor" | "start" | "promote" | "migrate_from")
    };
    let call = |op: Element<'_>| {
        let id = op.attr("call-id").map(leading_int);
        id.and_then(Result::ok).map_or(-1, |(id, _)| id)
    };
    let ops = of_resource.children_named("lrm_rsc_op");
    let weight = |op: Element<'_>| (makes_state(op), call(op));
    // Of the same call the first is taken: a failure that is kept comes after it.
    ops.reduce(|best, op| if weight(op) > weight(best) { op } else { best })
}
