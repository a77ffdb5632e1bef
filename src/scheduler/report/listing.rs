//! Resources as `crm_resource` lists them.

use super::page::{self, Entry};
use super::show::Show;
use crate::scheduler::model::arena::ResourceId;
use crate::scheduler::model::cluster::Cluster;

/// All resources as a list, without the places of those that are not in a clone.
pub fn resources(cluster: &Cluster<'_>) -> String {
    let show = Show {
        inactive: true,
        placeless: true,
        ..Show::default()
    };
    let mut entries = Vec::new();
    for &top in &cluster.top {
        let gone = cluster.resources[top].orphan && !cluster.active(top, false);
        if !gone {
            cluster.resource_entries(&mut entries, &show, top);
        }
    }
    let mut out = String::new();
    page::lines(&mut out, &entries, 1);
    out
}

/// A resource without title and bullets: a primitive, the instances of a clone that are active,
/// the replicas of a bundle, the members of a group that is active.
pub fn resource(cluster: &Cluster<'_>, resource: ResourceId) -> String {
    let show = Show {
        // A primitive is shown whatever it does; of the others what is active.
        inactive: cluster.resources[resource].is_primitive(),
        ..Show::default()
    };
    let mut entries = Vec::new();
    cluster.resource_entries(&mut entries, &show, resource);
    let mut out = String::new();
    untitled(&mut out, &entries);
    out.lines().fold(String::new(), |mut all, line| {
        let line = line.trim_start_matches(' ');
        all.push_str(line.strip_prefix("* ").unwrap_or(line));
        all.push('\n');
        all
    })
}

/// The lines of entries, lists without their titles.
fn untitled(out: &mut String, entries: &[Entry]) {
    for entry in entries {
        match entry {
            Entry::List(_, below) | Entry::Open(_, below) => untitled(out, below),
            line => page::lines(out, std::slice::from_ref(line), 0),
        }
    }
}

/// Name, agent and state of a primitive, without its place.
pub fn primitive(cluster: &Cluster<'_>, resource: ResourceId) -> String {
    let show = Show {
        inactive: true,
        placeless: true,
        ..Show::default()
    };
    let name = cluster.printable_id(resource).to_owned();
    cluster.primitive_text(&show, resource, &name, None)
}
