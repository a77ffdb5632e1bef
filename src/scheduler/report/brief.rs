//! Resources counted by kind.

use std::collections::BTreeMap;

use super::page::Entry;
use super::show::Show;
use crate::scheduler::model::arena::ResourceId;
use crate::scheduler::model::cluster::Cluster;

/// How many of one kind there are, and on which nodes they are.
#[derive(Default)]
struct Tally<'a> {
    all: usize,
    active: usize,
    nodes: Vec<(&'a str, usize)>,
}

impl Cluster<'_> {
    /// The primitives among some resources, counted.
    pub(super) fn brief_entries(&self, show: &Show, resources: &[ResourceId]) -> Vec<Entry> {
        let mut kinds: BTreeMap<String, Tally<'_>> = BTreeMap::new();
        for &resource in resources {
            let r = &self.resources[resource];
            if !r.is_primitive() {
                continue;
            }
            let provider = r.provider.map(|p| format!(":{p}")).unwrap_or_default();
            let kind = format!("{}{provider}:{}", r.class, r.agent);
            let tally = kinds.entry(kind).or_default();
            tally.all += 1;
            for &node in &r.running_on {
                let n = &self.nodes[node];
                if !n.online && !n.unclean && r.managed {
                    continue;
                }
                tally.active += 1;
                match tally.nodes.iter_mut().find(|(name, _)| *name == &*n.name) {
                    Some((_, count)) => *count += 1,
                    None => tally.nodes.push((&n.name, 1)),
                }
            }
        }
        let mut out = Vec::new();
        for (kind, tally) in &kinds {
            tally_lines(show, kind, tally, &mut out);
        }
        out
    }
}

fn tally_lines(show: &Show, kind: &str, tally: &Tally<'_>, out: &mut Vec<Entry>) {
    let mut nodes = tally.nodes.clone();
    nodes.sort_unstable();
    for (name, count) in nodes {
        let name = if show.under_node { "" } else { name };
        let count = match show.inactive && !show.under_node {
            true => format!("{count}/{}", tally.all),
            false => count.to_string(),
        };
        out.push(Entry::Line(format!("{count}\t({kind}):\tActive {name}")));
    }
    if show.inactive && !show.under_node && tally.active == 0 {
        let line = format!("0/{}\t({kind}):\tActive", tally.all);
        out.push(Entry::Line(line));
    }
}
