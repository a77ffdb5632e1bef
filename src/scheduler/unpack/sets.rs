//! Attribute sets: meta attributes, parameters, utilization, options.

use crate::cib::Element;
use crate::scheduler::model::Values;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::rules::{self, Facts};
use crate::scheduler::score;

/// Which sets are read, and how they meet what is there.
#[derive(Clone, Copy, Default)]
pub struct Reading {
    /// The set with this id comes first.
    pub first: Option<&'static str>,
    /// Replaces values that are there.
    pub overwrite: bool,
}

impl<'a> Cluster<'a> {
    /// The element itself, or what its `id-ref` names.
    pub fn follow(&self, element: Element<'a>) -> Element<'a> {
        let target = element
            .attr("id-ref")
            .and_then(|id| self.input.by_id.get(id));
        target.map_or(element, |&node| self.input.doc.element(node))
    }

    /// Sets of one kind under an element, those that win first.
    fn sets(&self, element: Element<'a>, kind: &str, first: Option<&str>) -> Vec<Element<'a>> {
        let sets = element.children_named(kind).map(|set| self.follow(set));
        let mut sets: Vec<Element<'a>> = sets.collect();
        if sets.len() > 1 {
            sets.reverse();
            let special = |set: &Element<'a>| first.is_some() && set.id() == first;
            sets.sort_by_key(|set| (!special(set), -i64::from(score::plain(set.attr("score")))));
        }
        sets
    }

    /// Reads the sets of one kind under an element into a table.
    pub fn read_sets(
        &self,
        element: Element<'a>,
        kind: &str,
        facts: &Facts<'_>,
        reading: Reading,
        table: &mut Values,
    ) {
        for set in self.sets(element, kind, reading.first) {
            if rules::applies(set, facts) {
                self.read_pairs(set, reading.overwrite, table);
            }
        }
    }

    fn read_pairs(&self, set: Element<'a>, overwrite: bool, table: &mut Values) {
        let set = set.child("attributes").unwrap_or(set);
        for pair in set.children_named("nvpair") {
            let target = self.follow(pair);
            let name = pair.attr("name").or_else(|| target.attr("name"));
            let value = pair.attr("value").or_else(|| target.attr("value"));
            let (Some(name), Some(value)) = (name, value) else {
                continue;
            };
            let there = table.contains_key(name);
            if value.eq_ignore_ascii_case("#default") {
                if there {
                    table.remove(name);
                }
                continue;
            }
            if there && !overwrite {
                continue;
            }
            table.insert(name.into(), value.into());
        }
    }
}
