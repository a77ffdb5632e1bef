//! `--move` and `--ban`: constraints that place a resource by hand.
//! Source: Pacemaker 2.1.5, `tools/crm_resource_ban.c`.

use super::clear;
use super::perform::{Done, Job, fragment, outermost};
use crate::cib::Document;
use crate::cib::operation::Operation;
use crate::cli::crm::clock::clock;
use crate::cli::crm::{Failure, code};
use crate::rules::iso8601::{Calendar, Span, Style};
use crate::scheduler::model::Role;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;

/// What a constraint is about.
#[derive(Debug, Clone)]
struct Wish {
    resource: String,
    node: String,
    promoted: bool,
}

impl Wish {
    fn role(&self) -> &'static str {
        match self.promoted {
            true => Role::Promoted.text(),
            false => Role::Started.text(),
        }
    }
}

fn is_for_promoted(job: &Job<'_>) -> bool {
    job.line.has("promoted") || job.line.has("master")
}

/// The end of the lifetime that was given.
fn end(job: &mut Job<'_>) -> Result<Option<String>, Failure> {
    let Some(text) = job.line.value("lifetime").map(str::to_owned) else {
        return Ok(None);
    };
    let Ok(span) = Span::parse(text.as_bytes()) else {
        job.output
            .error(format!("Invalid duration specified: {text}"));
        job.output.error(
            "Please refer to https://en.wikipedia.org/wiki/ISO_8601#Durations for examples of \
             valid durations",
        );
        return Err(Failure::Silent(code::USAGE));
    };
    let style = Style::Calendar {
        day: Calendar::Date,
        local: true,
    };
    let end = clock().now().plus(span).render(style);
    job.info(format_args!("Migration will take effect until: {end}"));
    Ok(Some(end))
}

/// A constraint for one node, until a time if there is one.
fn constraint(
    id: &str,
    wish: &Wish,
    score: &str,
    end: Option<(&str, impl Fn(&str) -> String)>,
) -> Document {
    let mut doc = fragment("constraints", &[]);
    let root = doc.root();
    let attrs = [("id", id), ("rsc", &wish.resource), ("role", wish.role())];
    let location = doc.add_element(root, "rsc_location", &attrs);
    let Some((end, part)) = end else {
        doc.set_attr(location, "node", &wish.node);
        doc.set_attr(location, "score", score);
        return doc;
    };
    let attrs = [
        ("id", &*part("rule")),
        ("score", score),
        ("boolean-op", "and"),
    ];
    let rule = doc.add_element(location, "rule", &attrs);
    let attrs = [
        ("id", &*part("expr")),
        ("attribute", "#uname"),
        ("operation", "eq"),
        ("value", &wish.node),
        ("type", "string"),
    ];
    doc.add_element(rule, "expression", &attrs);
    let attrs = [
        ("id", &*part("lifetime")),
        ("operation", "lt"),
        ("end", end),
    ];
    doc.add_element(rule, "date_expression", &attrs);
    doc
}

fn ban_node(job: &mut Job<'_>, wish: &Wish) -> Done {
    let end = end(job)?;
    let Wish { resource, node, .. } = wish;
    let id = format!("cli-ban-{resource}-on-{node}");
    let what = if wish.promoted {
        "being promoted"
    } else {
        "running"
    };
    job.info(format_args!(
        "WARNING: Creating rsc_location constraint '{id}' with a score of -INFINITY for resource \
         {resource} on {node}.\n\tThis will prevent {resource} from {what} on {node} until the \
         constraint is removed using the clear option or by editing the CIB with an appropriate \
         tool\n\tThis will be the case even if {node} is the last node in the cluster"
    ));
    let part = |name: &str| format!("{id}-{name}");
    let end = end.as_deref().map(|end| (end, part));
    let doc = constraint(&id, wish, "-INFINITY", end);
    job.change(Operation::Modify, "constraints", &doc)
}

fn prefer_node(job: &mut Job<'_>, wish: &Wish) -> Done {
    let end = end(job)?;
    let id = format!("cli-prefer-{}", wish.resource);
    let part = |name: &str| {
        let name = if name == "lifetime" {
            "lifetime-end"
        } else {
            name
        };
        format!("cli-prefer-{name}-{}", wish.resource)
    };
    let end = end.as_deref().map(|end| (end, part));
    let doc = constraint(&id, wish, "INFINITY", end);
    job.change(Operation::Modify, "constraints", &doc)
}

/// Whether it is a promotable clone, or an instance of one.
fn is_promotable(cluster: &Cluster<'_>, resource: ResourceId) -> bool {
    cluster.resources[resource].is_promotable() || cluster.in_promotable(resource)
}

/// Instances of a clone that are promoted, and the node of the last of them.
fn promoted(cluster: &Cluster<'_>, resource: ResourceId) -> (usize, Option<NodeId>) {
    let children = cluster.resources[resource].children.iter();
    let promoted = children.filter(|&&c| cluster.role_of(c, true) == Role::Promoted);
    let nodes = promoted.map(|&c| cluster.locations_of(c, true).first().copied());
    nodes.fold((0, None), |(count, _), node| (count + 1, node))
}

/// Where a resource is active, if that is one node, and on how many it is.
fn place(cluster: &Cluster<'_>, resource: ResourceId) -> (usize, Option<NodeId>) {
    let count = match cluster.resources[resource].is_primitive() {
        true => cluster.active_where_it_matters(resource),
        false => cluster.locations_of(resource, true).len(),
    };
    let node = cluster.current_node(resource);
    (
        count,
        node.or_else(|| cluster.locations_of(resource, true).first().copied()),
    )
}

/// Keeps a resource off a node: the one named, or the one it is on.
pub(super) fn ban(
    job: &mut Job<'_>,
    cluster: &Cluster<'_>,
    resource: ResourceId,
    node: Option<NodeId>,
) -> Done {
    let node = match node {
        Some(node) => node,
        None => only_place(job, cluster, resource)?,
    };
    let wish = Wish {
        resource: job.name().to_owned(),
        node: cluster.nodes[node].name.to_string(),
        promoted: is_for_promoted(job),
    };
    ban_node(job, &wish)
}

fn only_place(
    job: &Job<'_>,
    cluster: &Cluster<'_>,
    resource: ResourceId,
) -> Result<NodeId, Failure> {
    let (count, node) = place(cluster, resource);
    if let (1, Some(node)) = (count, node) {
        return Ok(node);
    }
    let name = job.name();
    let first = format!("Resource '{name}' not moved: active in {count} locations");
    let node_advice =
        format!("To prevent '{name}' from running on a specific location, specify a node.");
    if !is_promotable(cluster, resource) {
        return Err(Failure::Usage(format!("{first}.\n{node_advice}")));
    }
    match promoted(cluster, resource) {
        (1, Some(node)) => Ok(node),
        (promoted, _) => Err(Failure::Usage(format!(
            "{first} (promoted in {promoted}).\n{node_advice}To prevent '{name}' from being \
             promoted at a specific location, specify a node and the --promoted option."
        ))),
    }
}

/// Prefers a node for a resource, or keeps it off the one that it is on.
pub(super) fn relocate(
    job: &mut Job<'_>,
    cluster: &Cluster<'_>,
    resource: ResourceId,
    node: Option<NodeId>,
) -> Done {
    let Some(node) = node else {
        return ban(job, cluster, resource, None);
    };
    let mut resource = resource;
    let mut wish = Wish {
        resource: job.name().to_owned(),
        node: cluster.nodes[node].name.to_string(),
        promoted: is_for_promoted(job),
    };
    if wish.promoted && !is_promotable(cluster, resource) {
        let top = outermost(cluster, resource);
        let name = &wish.resource;
        if cluster.resources[top].is_promotable() {
            let id = cluster.resources[top].id.to_string();
            job.info(format_args!(
                "Using parent '{id}' for move instead of '{name}'."
            ));
            (resource, wish.resource) = (top, id);
        } else {
            job.info(format_args!(
                "Ignoring --promoted option: {name} is not promotable"
            ));
            wish.promoted = false;
        }
    }
    let (mut count, mut current) = place(cluster, resource);
    let r = &cluster.resources[resource];
    if is_promotable(cluster, resource) {
        let (promoted, at) = promoted(cluster, resource);
        if wish.promoted || promoted > 0 {
            (count, current) = (promoted, at);
        }
    }
    if count > 1 {
        if !r.is_clone() {
            return Err(Failure::Exit(code::MULTIPLE));
        }
        current = None;
    }
    let there = current == Some(node);
    if there && !job.force() {
        return Err(Failure::Exit(code::EXISTS));
    }
    place_there(
        job,
        cluster,
        &wish,
        (count, current.filter(|_| !there)),
        there,
    )
}

fn place_there(
    job: &mut Job<'_>,
    cluster: &Cluster<'_>,
    wish: &Wish,
    (count, current): (usize, Option<NodeId>),
    there: bool,
) -> Done {
    for &node in &cluster.node_order {
        let name = cluster.nodes[node].name.to_string();
        clear::one(job, &wish.resource, &name, false)?;
    }
    clear::one(job, &wish.resource, &wish.node, true)?;
    prefer_node(job, wish)?;
    if !job.force() || there {
        return Ok(());
    }
    if let Some(node) = current {
        let from = Wish {
            node: cluster.nodes[node].name.to_string(),
            ..wish.clone()
        };
        return ban_node(job, &from);
    }
    if count > 1 {
        let state = if wish.promoted { "promoted" } else { "active" };
        let name = &wish.resource;
        job.info(format_args!(
            "Resource '{name}' is currently {state} in {count} locations. One may now move to {}",
            wish.node
        ));
        job.info(format_args!(
            "To prevent '{name}' from being {state} at a specific location, specify a node."
        ));
    }
    Ok(())
}
