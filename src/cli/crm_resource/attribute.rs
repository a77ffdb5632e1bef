//! Parameters, set and removed.
//! Source: Pacemaker 2.1.5, `tools/crm_resource_runtime.c`.

use super::perform::{Done, Job, fragment, outermost};
use crate::cib::operation::{Answer, Operation, Request};
use crate::cib::{Document, Error, NodeRef};
use crate::cli::crm::{Failure, code};
use crate::scheduler::model::arena::ResourceId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::text::base_name;

/// Which set of a resource a parameter is in, and what identifies it there.
#[derive(Debug, Clone)]
struct Place {
    kind: &'static str,
    set: Option<String>,
    id: Option<String>,
    name: String,
}

impl Place {
    fn of(job: &Job<'_>, name: &str) -> Self {
        let kind = match job.line.last(&["meta", "utilization"]) {
            Some("meta") => "meta_attributes",
            Some(_) => "utilization",
            None => "instance_attributes",
        };
        Self {
            kind,
            set: job.line.value("set-name").map(str::to_owned),
            id: job.line.value("nvpair").map(str::to_owned),
            name: name.to_owned(),
        }
    }

    /// Anything of that name within a resource.
    fn anything(&self) -> Self {
        Self {
            kind: "",
            set: None,
            id: None,
            name: self.name.clone(),
        }
    }

    /// The XPath of the parameter of a resource.
    fn path(&self, resource: &str) -> String {
        let part = |text: &Option<String>, before: &str, after: &str| match text {
            Some(text) => format!("{before}{text}{after}"),
            None => String::new(),
        };
        let set = part(&self.set, "[@id=\"", "\"]");
        let id = part(&self.id, "@id=\"", "\" and ");
        let kind = match self.kind {
            "" => String::new(),
            kind => format!("/{kind}"),
        };
        let name = &self.name;
        format!(
            "/cib/configuration/resources//*[@id=\"{resource}\"]{kind}{set}\
             //nvpair[{id}@name=\"{name}\"]"
        )
    }
}

/// The id of a parameter that is there; none if it isn't.
fn find(job: &mut Job<'_>, resource: &str, place: &Place) -> Result<Option<String>, Failure> {
    let path = place.path(resource);
    let request = Request {
        xpath: Some(&path),
        ..Request::default()
    };
    let found = match job.session.query(&request) {
        Err(Error::NotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
        Ok((doc, answer)) => pairs(&doc, &answer),
    };
    match found.as_slice() {
        [] => Ok(None),
        [(id, _)] => Ok(Some(id.clone())),
        several => {
            job.info(format_args!(
                "Multiple attributes match name={}",
                place.name
            ));
            for (id, value) in several {
                job.info(format_args!("  Value: {value} \t(id={id})"));
            }
            job.info("");
            Err(Failure::Exit(code::MULTIPLE))
        }
    }
}

/// Names all parameters of that name in a collective, if there are several: which one is meant
/// may surprise.
fn warn(job: &mut Job<'_>, cluster: &Cluster<'_>, resource: ResourceId, place: &Place) {
    if place.id.is_none() && !job.force() {
        let top = cluster.resources[outermost(cluster, resource)]
            .id
            .to_string();
        // What is wrong here is met again by what is done then.
        let _ = find(job, &top, &place.anything());
    }
}

/// Ids and values of what a query found.
fn pairs(doc: &Document, answer: &Answer) -> Vec<(String, String)> {
    let pair = |doc: &Document, node: NodeRef| {
        let text = |name| doc.attr(node, name).unwrap_or_default().to_owned();
        (text("id"), text("value"))
    };
    match answer {
        Answer::Part(node) => vec![pair(doc, *node)],
        Answer::Tree(all) => all
            .children(all.root())
            .map(|node| pair(all, node))
            .collect(),
        Answer::Paths(_) => Vec::new(),
    }
}

/// The resource whose attribute is meant: of a clone and what it is made from the one that has
/// it, else the clone.
fn target(
    job: &mut Job<'_>,
    cluster: &Cluster<'_>,
    (resource, given): (ResourceId, &str),
    place: &Place,
    verb: &str,
) -> Result<ResourceId, Failure> {
    if job.force() || place.kind == "instance_attributes" {
        return Ok(resource);
    }
    let r = &cluster.resources[resource];
    let (given, name) = (given.to_owned(), &place.name);
    let parent = r
        .parent
        .filter(|&parent| cluster.resources[parent].is_clone());
    if let Some(parent) = parent {
        if find(job, &given, place)?.is_some() {
            return Ok(resource);
        }
        let id = &cluster.resources[parent].id;
        job.info(format_args!(
            "Performing {verb} of '{name}' on '{id}', the parent of '{given}'"
        ));
        return Ok(parent);
    }
    let child = r
        .children
        .first()
        .copied()
        .filter(|_| r.is_clone() && r.parent.is_none());
    if let Some(child) = child.filter(|&child| cluster.resources[child].is_primitive()) {
        let id = base_name(&cluster.resources[child].id);
        if find(job, id, place)?.is_some() {
            job.info(format_args!(
                "A value for '{name}' already exists in child '{id}', performing {verb} on that \
                 instead of '{given}'"
            ));
            return Ok(child);
        }
    }
    Ok(resource)
}

/// The place of a meta attribute.
fn meta_place(name: &str) -> Place {
    Place {
        kind: "meta_attributes",
        set: None,
        id: None,
        name: name.to_owned(),
    }
}

/// The value of a meta attribute as it is written for a resource, if it is.
pub(super) fn meta(
    job: &mut Job<'_>,
    cluster: &Cluster<'_>,
    resource: ResourceId,
    name: &str,
) -> Result<Option<String>, Failure> {
    let path = meta_place(name).path(base_name(&cluster.resources[resource].id));
    let request = Request {
        xpath: Some(&path),
        ..Request::default()
    };
    match job.session.query(&request) {
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
        Ok((doc, answer)) => Ok(pairs(&doc, &answer).pop().map(|(_, value)| value)),
    }
}

/// Sets a meta attribute.
pub(super) fn set_meta(
    job: &mut Job<'_>,
    cluster: &mut Cluster<'_>,
    resource: ResourceId,
    name: &str,
    value: &str,
) -> Done {
    let place = meta_place(name);
    let given = cluster.resources[resource].id.to_string();
    let target = target(job, cluster, (resource, &given), &place, "update")?;
    write(job, cluster, target, &place, value)
}

/// Removes a meta attribute.
pub(super) fn delete_meta(
    job: &mut Job<'_>,
    cluster: &Cluster<'_>,
    resource: ResourceId,
    name: &str,
) -> Done {
    let given = cluster.resources[resource].id.to_string();
    remove(job, cluster, (resource, &given), &meta_place(name))
}

/// Sets a parameter.
pub(super) fn set(job: &mut Job<'_>, cluster: &mut Cluster<'_>, resource: ResourceId) -> Done {
    let name = job
        .line
        .value("set-parameter")
        .unwrap_or_default()
        .to_owned();
    let value = job
        .line
        .value("parameter-value")
        .unwrap_or_default()
        .to_owned();
    let place = Place::of(job, &name);
    warn(job, cluster, resource, &place);
    if place.kind == "instance_attributes" && !job.force() {
        refuse_meta(job, cluster, resource, &place)?;
    }
    let given = job.name().to_owned();
    let target = target(job, cluster, (resource, &given), &place, "update")?;
    write(job, cluster, target, &place, &value)?;
    if !job.line.has("recursive") || place.kind != "meta_attributes" {
        return Ok(());
    }
    cluster.unpack_constraints();
    let mut seen = vec![target];
    let mut next = 0;
    while let Some(&resource) = seen.get(next) {
        next += 1;
        for &colocation in &cluster.resources[resource].with_this {
            let colocation = &cluster.colocations[colocation];
            if colocation.score > 0 && !seen.contains(&colocation.dependent) {
                seen.push(colocation.dependent);
                let place = Place {
                    set: None,
                    id: None,
                    ..place.clone()
                };
                write(job, cluster, colocation.dependent, &place, &value)?;
            }
        }
    }
    Ok(())
}

/// A parameter of the agent must not have the name of a meta attribute that is set.
fn refuse_meta(
    job: &mut Job<'_>,
    cluster: &Cluster<'_>,
    resource: ResourceId,
    place: &Place,
) -> Done {
    let top = cluster.resources[outermost(cluster, resource)]
        .id
        .to_string();
    let meta = Place {
        kind: "meta_attributes",
        ..place.clone()
    };
    let Some(id) = find(job, &top, &meta)? else {
        return Ok(());
    };
    if !job.quiet() {
        let name = &place.name;
        job.output.error(format!(
            "WARNING: There is already a meta attribute for '{top}' called '{name}' (id={id})"
        ));
        job.output.error(format!(
            "         Delete '{id}' first or use the force option to override"
        ));
    }
    Err(Failure::Exit(code::MULTIPLE))
}

fn write(
    job: &mut Job<'_>,
    cluster: &Cluster<'_>,
    resource: ResourceId,
    place: &Place,
    value: &str,
) -> Done {
    let r = &cluster.resources[resource];
    let id = base_name(&r.id).to_owned();
    let name = &place.name;
    let found = find(job, &id, place)?;
    let (pair, set, doc) = match found {
        Some(pair) => {
            let attrs = [("id", &*pair), ("name", name), ("value", value)];
            let doc = fragment("nvpair", &attrs);
            (pair, place.set.clone(), doc)
        }
        None => {
            let set = place
                .set
                .clone()
                .unwrap_or_else(|| format!("{id}-{}", place.kind));
            let pair = place.id.clone().unwrap_or_else(|| format!("{set}-{name}"));
            let mut doc = fragment(r.xml.name(), &[("id", &id)]);
            let root = doc.root();
            let element = doc.add_element(root, place.kind, &[("id", &set)]);
            let attrs = [("id", &*pair), ("name", name), ("value", value)];
            doc.add_element(element, "nvpair", &attrs);
            (pair, Some(set), doc)
        }
    };
    job.change(Operation::Modify, "resources", &doc)?;
    let set = set.map_or(String::new(), |set| format!(" set={set}"));
    job.info(format_args!(
        "Set '{id}' option: id={pair}{set} name={name} value={value}"
    ));
    Ok(())
}

/// Removes a parameter; one that isn't there is no error.
pub(super) fn delete(job: &mut Job<'_>, cluster: &Cluster<'_>, resource: ResourceId) -> Done {
    let name = job
        .line
        .value("delete-parameter")
        .unwrap_or_default()
        .to_owned();
    let place = Place::of(job, &name);
    warn(job, cluster, resource, &place);
    let given = job.name().to_owned();
    remove(job, cluster, (resource, &given), &place)
}

fn remove(
    job: &mut Job<'_>,
    cluster: &Cluster<'_>,
    meant: (ResourceId, &str),
    place: &Place,
) -> Done {
    let target = target(job, cluster, meant, place, "delete")?;
    let id = base_name(&cluster.resources[target].id).to_owned();
    let Some(pair) = find(job, &id, place)? else {
        return Ok(());
    };
    let name = &place.name;
    let doc = fragment("nvpair", &[("id", &pair), ("name", name)]);
    job.change(Operation::Delete, "resources", &doc)?;
    let set = place.set.as_ref();
    let set = set.map_or(String::new(), |set| format!(" set={set}"));
    job.info(format_args!(
        "Deleted '{id}' option: id={pair}{set} name={name}"
    ));
    Ok(())
}
