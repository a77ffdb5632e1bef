//! Sets of attributes with rules: which apply, and which of them wins.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use super::references::References;
use super::rule::{Context, NextChange, any_holds};
use crate::cib::Element;
use crate::score;

/// Names and values.
pub type Table = BTreeMap<String, String>;

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
    pub fn read<T: Borrow<str> + for<'t> From<&'t str> + Ord>(
        &self,
        context: &Context,
        references: &References<'a>,
        (table, overwrite): (&mut BTreeMap<T, T>, Overwrite),
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
fn read_set<'a, T: Borrow<str> + for<'t> From<&'t str> + Ord>(
    set: Element<'a>,
    references: &References<'a>,
    table: &mut BTreeMap<T, T>,
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
            table.remove(name);
        } else if overwrite == Overwrite::Yes || !table.contains_key(name) {
            table.insert(name.into(), value.into());
        }
    }
}
