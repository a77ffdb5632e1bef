//! Attribute sets and rules, asked here and now.

use crate::cib::Element;
use crate::rules::{self, Context, NextChange, Overwrite, Pairs, Sets};
use crate::scheduler::model::cluster::Cluster;

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
        self.references.expand(element).unwrap_or(element)
    }

    /// What rules are asked about: the time, and nothing else yet.
    pub(in crate::scheduler) fn context(&self) -> Context<'_> {
        Context::at(self.clock.now(), self.clock)
    }

    /// Whether an element has no rule, or one that is true.
    pub(in crate::scheduler) fn any_rule_holds(
        &self,
        element: Element<'a>,
        context: &Context<'_>,
    ) -> bool {
        let mut next = NextChange::default();
        let holds = rules::any_holds(element, context, &self.references, &mut next);
        self.note(next);
        holds
    }

    /// Whether a rule is true.
    pub(in crate::scheduler) fn rule_holds(
        &self,
        rule: Element<'a>,
        context: &Context<'_>,
    ) -> bool {
        let mut next = NextChange::default();
        let holds = rules::holds(rule, context, &self.references, &mut next);
        self.note(next);
        holds
    }

    /// Reads the sets of one kind under an element into a table.
    pub fn read_sets(
        &self,
        element: Element<'a>,
        kind: &str,
        context: &Context<'_>,
        reading: Reading,
        table: &mut impl Pairs,
    ) {
        let mut next = NextChange::default();
        let overwrite = if reading.overwrite {
            Overwrite::Yes
        } else {
            Overwrite::No
        };
        Sets::of(element, kind, reading.first, &self.references).read(
            context,
            &self.references,
            (table, overwrite),
            &mut next,
        );
        self.note(next);
    }

    fn note(&self, next: NextChange) {
        if let Some(time) = next.time() {
            self.recheck_at(time.unix_s());
        }
    }
}
