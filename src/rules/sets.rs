//! Sets of attributes with rules: which apply, and which of them wins.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::hash::Hash;

use indexmap::IndexMap;

use super::references::References;
use super::rule::{Context, NextChange, any_holds};
use crate::cib::Element;
use crate::score;

/// Names and values.
pub type Table = BTreeMap<String, String>;

/// Where names and values are put.
pub trait Pairs {
    /// Whether a name has a value.
    fn has(&self, name: &str) -> bool;
    /// Gives a name a value; one that had one stays where it is.
    fn set(&mut self, name: &str, value: &str);
    /// Takes a name out.
    fn unset(&mut self, name: &str);
}

impl<T: Borrow<str> + for<'t> From<&'t str> + Ord> Pairs for BTreeMap<T, T> {
    fn has(&self, name: &str) -> bool {
        self.contains_key(name)
    }

    fn set(&mut self, name: &str, value: &str) {
        self.insert(name.into(), value.into());
    }

    fn unset(&mut self, name: &str) {
        self.remove(name);
    }
}

/// Names in the order in which they came.
impl<T: Borrow<str> + for<'t> From<&'t str> + Eq + Hash> Pairs for IndexMap<T, T> {
    fn has(&self, name: &str) -> bool {
        self.contains_key(name)
    }

    fn set(&mut self, name: &str, value: &str) {
        self.insert(name.into(), value.into());
    }

    fn unset(&mut self, name: &str) {
        self.shift_remove(name);
    }
}

/// What happens to a name that has a value already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// It keeps it.
    No,
    /// It gets the new one.
    Yes,
}

/// The sets of one kind under an element, the strongest first.
#[derive(Debug, Clone)]
pub struct Sets<'a>(Vec<Element<'a>>);

impl<'a> Sets<'a> {
    /// Collects the sets named `kind` (such as `meta_attributes`): the one with the id
    /// `first`, then by score, of equal ones the later.
    /// Source: Pacemaker 2.1.5, `make_pairs` and `sort_pairs`; the installed `crm_simulate`.
    pub fn of(
        element: Element<'a>,
        kind: &str,
        first: Option<&str>,
        references: &References<'a>,
    ) -> Self {
        let mut sets: Vec<_> = element
            .children_named(kind)
            .filter_map(|set| references.expand(set))
            .map(|set| {
                let special = first.is_some() && set.id() == first;
                let score = set.attr("score").map_or(0, score::parse);
                (special, score, set)
            })
            .collect();
        sets.reverse();
        sets.sort_by_key(|&(special, score, _)| std::cmp::Reverse((special, score)));
        Self(sets.into_iter().map(|(_, _, set)| set).collect())
    }

    /// The sets, the strongest first.
    pub fn iter(&self) -> impl Iterator<Item = Element<'a>> + '_ {
        self.0.iter().copied()
    }

    /// Puts what the sets whose rules hold say into `table`.
    /// Source: Pacemaker 2.1.5, `pe_eval_nvpairs`.
    pub fn read(
        &self,
        context: &Context,
        references: &References<'a>,
        (table, overwrite): (&mut impl Pairs, Overwrite),
        next: &mut NextChange,
    ) {
        for set in self.iter() {
            if any_holds(set, context, references, next) {
                read_set(set, references, table, overwrite);
            }
        }
    }
}

/// Source: Pacemaker 2.1.5, `populate_hash`.
fn read_set<'a>(
    set: Element<'a>,
    references: &References<'a>,
    table: &mut impl Pairs,
    overwrite: Overwrite,
) {
    // heartbeat 2 had one more element around the pairs.
    let list = match set.children().next() {
        Some(first) if first.name() == "attributes" => first,
        _ => set,
    };
    for pair in list.children_named("nvpair") {
        let referred = references.expand(pair);
        let either = |name| pair.attr(name).or_else(|| referred?.attr(name));
        let (Some(name), Some(value)) = (either("name"), either("value")) else {
            continue;
        };
        if value.eq_ignore_ascii_case("#default") {
            table.unset(name);
        } else if overwrite == Overwrite::Yes || !table.has(name) {
            table.set(name, value);
        }
    }
}
