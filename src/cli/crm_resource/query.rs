//! What a resource is made of.

use super::perform::{Done, Job};
use super::resource_xml::{self, Shown};
use crate::cib::writer;
use crate::cli::crm::output::{add_cdata, add_text};
use crate::scheduler::model::arena::ResourceId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::report;

/// The configuration of a resource, with its state above it.
pub(super) fn xml(
    job: &mut Job<'_>,
    cluster: &Cluster<'_>,
    resource: ResourceId,
    expanded: bool,
) -> Done {
    let r = &cluster.resources[resource];
    let number = r.number.filter(|_| r.is_primitive() || r.is_group());
    let mut doc = r.xml.doc().extract(r.xml.node());
    if !expanded && let Some(raw) = r.xml.id().and_then(|id| written(job, id)) {
        doc = raw;
    }
    if let Some(number) = number {
        let root = doc.root();
        doc.set_attr(root, "clone", &number.to_string());
    }
    let text = writer::pretty(&doc, doc.root());
    let state = report::resource(cluster, resource);
    job.output.text(format_args!(
        "{state}Resource XML:\n{}",
        text.trim_end_matches('\n')
    ));
    if let Some(config) = job.output.element("resource_config", &[])
        && let Some(out) = job.output.document()
    {
        resource_xml::add((&mut *out, config), cluster, resource, Shown::Active);
        let xml = out.add_element(config, "xml", &[]);
        add_cdata(out, xml, &text);
    }
    Ok(())
}

/// The element as it is written, its template not put in.
fn written(job: &Job<'_>, id: &str) -> Option<crate::cib::Document> {
    let doc = job.session.doc();
    let resources = super::perform::section(doc, "resources")?;
    let mut all = resources.descendants();
    let element = all.find(|e| e.id() == Some(id))?;
    Some(doc.extract(element.node()))
}

/// One parameter as it counts where the resource is.
pub(super) fn parameter(
    job: &mut Job<'_>,
    cluster: &mut Cluster<'_>,
    resource: ResourceId,
) -> Done {
    let name = job
        .line
        .value("get-parameter")
        .unwrap_or_default()
        .to_owned();
    let id = cluster.resources[resource].id.clone();
    let mut node = cluster.current_node(resource);
    if cluster.active_count(resource).all > 1 {
        job.output.error(format!(
            "{id} is active on more than one node, returning the default value for {name}"
        ));
        node = None;
    }
    let value = match job.line.last(&["meta", "utilization"]) {
        Some("meta") => cluster.meta(configured(cluster, resource, &name), &name),
        Some(_) => {
            let of = &cluster.resources[resource].utilization;
            of.get(&*name).map(|value| value.to_string().into())
        }
        None => cluster.params(resource, node).get(&*name).cloned(),
    };
    let Some(value) = value else {
        job.output
            .error(format!("Attribute '{name}' not found for '{id}'"));
        return Ok(());
    };
    job.output.text(&value);
    let list = job
        .output
        .element("list", &[("name", "attributes"), ("count", "1")]);
    if let (Some(list), Some(doc)) = (list, job.output.document()) {
        let item = doc.add_element(list, "item", &[("name", &name)]);
        add_text(doc, item, &value);
    }
    Ok(())
}

/// Where a meta attribute is looked up: the scheduler gives each instance the number of all,
/// which counts here only if the clone's configuration says it.
fn configured(cluster: &Cluster<'_>, resource: ResourceId, name: &str) -> ResourceId {
    let mut at = resource;
    while name == "clone-max"
        && !cluster.resources[at].is_clone()
        && let Some(parent) = cluster.resources[at].parent
    {
        at = parent;
    }
    at
}
