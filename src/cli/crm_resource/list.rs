//! Lists of resources.

use super::perform::{Done, Job, parts};
use super::resource_xml::{self, Shown};
use crate::scheduler::model::arena::ResourceId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::report;

/// All resources with their states.
pub(super) fn with_states(job: &mut Job<'_>, cluster: &Cluster<'_>) -> Done {
    let text = report::resources(cluster);
    match text.is_empty() {
        true => job.output.text("Full List of Resources:\n  * No resources"),
        false => job
            .output
            .text(format_args!("Full List of Resources:\n{}", text.trim_end())),
    }
    if let Some(list) = job.output.element("resources", &[])
        && let Some(doc) = job.output.document()
    {
        for &top in &cluster.top {
            resource_xml::add((&mut *doc, list), cluster, top, Shown::All);
        }
    }
    Ok(())
}

/// The names of all that are no collections.
pub(super) fn raw(job: &mut Job<'_>, cluster: &Cluster<'_>) -> Done {
    fn add(cluster: &Cluster<'_>, at: ResourceId, names: &mut Vec<String>) {
        let parts = parts(cluster, at);
        if parts.is_empty() {
            names.push(cluster.resources[at].id.to_string());
        }
        for part in parts {
            add(cluster, part, names);
        }
    }
    let mut names = Vec::new();
    for &top in &cluster.top {
        add(cluster, top, &mut names);
    }
    if names.is_empty() {
        job.output.error("NO resources configured\n");
        return Ok(());
    }
    job.output.list("resource names", Some("resource"), &names);
    Ok(())
}
