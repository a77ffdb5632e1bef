//! `--restart`: a resource, and what depends on it, is stopped and started again.
//!
//! ```text
//!  target-role=stopped, or a ban from one node   --> what stops is found by the scheduler
//!  wait until it has                             --> as it was before --> wait until it is back
//! ```
//!
//! Source: Pacemaker 2.1.5, `cli_resource_restart` of `tools/crm_resource_runtime.c`; the
//! installed tool.

use std::time::{Duration, Instant};

use super::perform::{Done, Job};
use super::{attribute, clear, location, wait};
use crate::cib::Document;
use crate::cli::crm::{Failure, clock, code, deep};
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::simulation::execution;
use crate::scheduler::simulation::shadow::Shadow;
use crate::scheduler::unpack::expand::expand;

/// What a step may take beyond the time-outs of its operations.
const ADDED: Duration = Duration::from_secs(5);

const ROLE: &str = "target-role";

/// How the resource is kept from running meanwhile, so that it can be taken back.
enum Held {
    /// By a ban from one node.
    Banned { name: String, host: String },
    /// By its role, which was this before.
    Stopped(Option<String>),
}

/// One step of the way.
struct Step<'a> {
    /// `shutdown` or `restart`.
    what: &'a str,
    /// Resources have to run then, or to have stopped.
    running: bool,
    resources: Vec<String>,
    /// How long without any progress.
    patience: Duration,
}

/// Restarts a resource, on one node if one is named.
pub(super) fn restart(
    job: &mut Job<'_>,
    cluster: &mut Cluster<'_>,
    resource: ResourceId,
    node: Option<NodeId>,
) -> Done {
    let name = cluster.resources[resource].id.to_string();
    let host = node.map(|node| cluster.nodes[node].name.to_string());
    let places = cluster.locations_of(resource, true);
    let runs = node.map_or(!places.is_empty(), |node| places.contains(&node));
    if !runs {
        let place = host.map_or("anywhere".to_owned(), |host| format!("on {host}"));
        let text = format!("{name} is not running {place} and so cannot be restarted");
        job.output.error(text);
        return Err(Failure::Exit(code::NOSUCH));
    }
    if job.session.live().is_none() {
        let text = "A cluster has to do that, and a CIB in a file has none";
        return Err(Failure::Because(code::DISCONNECT, text.to_owned()));
    }
    let limit = wait::timeout(job)?;
    let before = active(cluster, host.as_deref());
    let held = hold(job, cluster, resource, node)?;
    let stopped = stop(job, &before, host.as_deref(), limit);
    // What is missing before anything comes back.
    let left = running(job.session.doc(), host.as_deref());
    let released = release(job, cluster, resource, held);
    stopped.and(released)?;
    let (after, patience) = predicted(job.session.doc(), host.as_deref())?;
    let start = Step {
        what: "restart",
        running: true,
        resources: missing(&before, &left)
            .filter(|name| after.contains(name))
            .collect(),
        patience: limit.unwrap_or(patience),
    };
    job.info(format_args!(
        "Waiting for {} resources to start again:",
        start.resources.len()
    ));
    follow(job, &name, start, host.as_deref())
}

/// Keeps the resource from running.
fn hold(
    job: &mut Job<'_>,
    cluster: &mut Cluster<'_>,
    resource: ResourceId,
    node: Option<NodeId>,
) -> Result<Held, Failure> {
    let r = &cluster.resources[resource];
    if let Some(node) = node.filter(|_| r.is_clone() || r.is_bundle()) {
        let (name, host) = (job.name().to_owned(), cluster.nodes[node].name.to_string());
        location::ban(job, cluster, resource, Some(node))?;
        return Ok(Held::Banned { name, host });
    }
    let former = attribute::meta(job, cluster, resource, ROLE)?;
    attribute::set_meta(job, cluster, resource, ROLE, "stopped")?;
    Ok(Held::Stopped(former))
}

/// Takes back what [`hold`] did.
fn release(job: &mut Job<'_>, cluster: &mut Cluster<'_>, resource: ResourceId, held: Held) -> Done {
    match held {
        Held::Banned { name, host } => clear::one(job, &name, &host, true),
        Held::Stopped(Some(former)) => attribute::set_meta(job, cluster, resource, ROLE, &former),
        Held::Stopped(None) => attribute::delete_meta(job, cluster, resource, ROLE),
    }
}

/// Waits until what has to stop has.
fn stop(job: &mut Job<'_>, before: &[String], host: Option<&str>, limit: Option<Duration>) -> Done {
    let name = job.name().to_owned();
    let (target, patience) = predicted(job.session.doc(), host)?;
    let step = Step {
        what: "shutdown",
        running: false,
        resources: missing(before, &target).collect(),
        patience: limit.unwrap_or(patience),
    };
    job.info(format_args!(
        "Waiting for {} resources to stop:",
        step.resources.len()
    ));
    follow(job, &name, step, host)
}

/// Waits for a step; each resource that is done gives it its time anew.
fn follow(job: &mut Job<'_>, name: &str, step: Step<'_>, host: Option<&str>) -> Done {
    for resource in &step.resources {
        job.info(format_args!(" * {resource}"));
    }
    let mut left = step.resources;
    let mut end = Instant::now() + step.patience;
    while !left.is_empty() {
        std::thread::sleep(wait::PAUSE);
        job.session.refresh()?;
        let now = running(job.session.doc(), host);
        let count = left.len();
        left.retain(|resource| now.contains(resource) != step.running);
        if left.len() < count {
            end = Instant::now() + step.patience;
        } else if Instant::now() >= end {
            job.output.error(format!(
                "Could not complete {} of {name}, {count} resources remaining",
                step.what
            ));
            for resource in &left {
                job.info(format_args!(" * {resource}"));
            }
            return Err(Failure::Exit(code::TIMEOUT));
        }
    }
    Ok(())
}

fn missing<'a>(from: &'a [String], other: &'a [String]) -> impl Iterator<Item = String> + 'a {
    from.iter().filter(|name| !other.contains(name)).cloned()
}

/// What is active, on one node or anywhere: members of groups each for itself, since which of
/// them stops is of interest, and other collectives as a whole.
fn active(cluster: &Cluster<'_>, host: Option<&str>) -> Vec<String> {
    let is_host = |node: NodeId| host.is_none_or(|host| *cluster.nodes[node].name == *host);
    let mut rest: Vec<ResourceId> = cluster.top.iter().rev().copied().collect();
    let mut found = Vec::new();
    while let Some(resource) = rest.pop() {
        let r = &cluster.resources[resource];
        if r.is_group() {
            rest.extend(r.children.iter().rev());
        } else if cluster
            .locations_of(resource, true)
            .into_iter()
            .any(is_host)
        {
            found.push(r.id.to_string());
        }
    }
    found
}

/// What is active by a CIB.
fn running(doc: &Document, host: Option<&str>) -> Vec<String> {
    let input = expand(doc);
    active(&crate::scheduler::read(&input, clock::clock()), host)
}

/// What will be active once the cluster has done what it wants to, and how long an operation of
/// that may take.
fn predicted(doc: &Document, host: Option<&str>) -> Result<(Vec<String>, Duration), Failure> {
    let found = deep(|| {
        let input = expand(doc);
        let mut cluster = crate::scheduler::read(&input, clock::clock());
        let graph = crate::scheduler::schedule(&mut cluster);
        let mut after = doc.clone();
        let mut shadow = Shadow::new(&mut after, false);
        execution::execute(&cluster, &graph, &mut shadow, &[], clock::unix_s());
        (running(&after, host), longest(&graph) + ADDED)
    });
    found.map_err(|error| Failure::Said(code::OSERR, error.to_string()))
}

/// The longest time-out of the operations of a transition.
fn longest(graph: &Document) -> Duration {
    let elements = graph.root_element().descendants();
    let operations = elements.filter(|e| e.name() == "rsc_op");
    let timeouts = operations.filter_map(|operation| {
        let attributes = operation.child("attributes")?;
        attributes.attr("CRM_meta_timeout")?.parse().ok()
    });
    Duration::from_millis(timeouts.max().unwrap_or(0))
}
