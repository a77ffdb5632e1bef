//! `--clear`: what `--move` and `--ban` made is removed.

use super::perform::{Done, Job, fragment, section};
use crate::cib::operation::{Operation, Request};
use crate::cib::{Document, Element, Error};
use crate::cli::crm::Failure;
use crate::cli::crm::clock;
use crate::rules::iso8601::Time;
use crate::scheduler::model::arena::NodeId;
use crate::scheduler::model::cluster::Cluster;

/// Clears the constraints of a resource, for one node or all, and tells which are gone.
pub(super) fn clear(job: &mut Job<'_>, cluster: &Cluster<'_>, node: Option<NodeId>) -> Done {
    let before = constraints(job.session.doc());
    let resource = job.name().to_owned();
    let name = |node: NodeId| cluster.nodes[node].name.to_string();
    if job.line.has("expired") {
        expired(job, &resource, node.map(name))?;
    } else if let Some(node) = node {
        one(job, &resource, &name(node), true)?;
    } else {
        for &node in &cluster.node_order {
            one(job, &resource, &name(node), true)?;
        }
    }
    let after = constraints(job.session.doc());
    for id in before.iter().filter(|id| !after.contains(id)) {
        job.info(format_args!("Removing constraint: {id}"));
    }
    Ok(())
}

/// Ids of all location constraints.
fn constraints(doc: &Document) -> Vec<String> {
    let section = section(doc, "constraints");
    let all = section.into_iter().flat_map(|all| all.descendants());
    let ids = all
        .filter(|e| e.name() == "rsc_location")
        .filter_map(|e| e.id());
    let mut ids: Vec<String> = ids.map(str::to_owned).collect();
    ids.sort();
    ids
}

/// Removes a preference for a node, and with `bans` what keeps a resource off it.
pub(super) fn one(job: &mut Job<'_>, resource: &str, node: &str, bans: bool) -> Done {
    let prefer = format!("cli-prefer-{resource}");
    let path = format!(
        "//rsc_location[@id=\"{prefer}\"][rule/expression\
         [@attribute=\"#uname\" and @value=\"{node}\"]]"
    );
    remove(job, &path)?;
    let mut doc = fragment("constraints", &[]);
    let root = doc.root();
    if bans {
        let id = format!("cli-ban-{resource}-on-{node}");
        doc.add_element(root, "rsc_location", &[("id", &id)]);
    }
    let location = doc.add_element(root, "rsc_location", &[("id", &prefer)]);
    if !job.force() {
        doc.set_attr(location, "node", node);
    }
    job.change(Operation::Delete, "constraints", &doc)
}

fn remove(job: &mut Job<'_>, path: &str) -> Done {
    let request = Request {
        xpath: Some(path),
        ..Request::default()
    };
    match job.session.update(Operation::Delete, &request) {
        Ok(_) => Ok(()),
        Err(failed) if failed.error == Error::NotFound => Ok(()),
        Err(failed) => Err(Failure::from(failed.error)),
    }
}

/// Removes what is over of what this tool made.
fn expired(job: &mut Job<'_>, resource: &str, node: Option<String>) -> Done {
    let now = clock::unix_s();
    let Some(section) = section(job.session.doc(), "constraints") else {
        return Ok(());
    };
    let all = section.descendants().filter(|e| e.name() == "rsc_location");
    let mine = all.filter(|e| {
        let id = e.id().unwrap_or_default();
        let made = id.starts_with("cli-prefer-") || id.starts_with("cli-ban-");
        made && e.attr("rsc") == Some(resource)
    });
    let over = mine.filter(|e| e.descendants().any(|part| is_over(part, now)));
    let over = over.filter(|e| node.as_deref().is_none_or(|node| is_for(*e, node)));
    let ids: Vec<String> = over.filter_map(|e| e.id()).map(str::to_owned).collect();
    for id in ids {
        let doc = fragment("rsc_location", &[("id", &id)]);
        job.change(Operation::Delete, "constraints", &doc)?;
    }
    Ok(())
}

fn is_over(element: Element<'_>, now: i64) -> bool {
    let end = element
        .attr("end")
        .filter(|_| element.name() == "date_expression");
    let end = end.and_then(|end| Time::parse(end.as_bytes(), clock::clock()).ok());
    end.is_some_and(|end| end.unix_s() < now)
}

fn is_for(constraint: Element<'_>, node: &str) -> bool {
    let mut parts = constraint.descendants();
    parts.any(|part| part.name() == "expression" && part.attr("value") == Some(node))
}
