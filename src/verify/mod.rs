//! What the original's scheduler complains about in a CIB: what it ignores, sets right, or finds
//! odd, and what such a cluster would do that nobody wants.
//!
//! ```text
//!  CIB --scheduler::read--> Cluster --options, nodes, resources, constraints--> remarks
//!                           Cluster --scheduler::schedule--> outcome        --> remarks
//! ```
//!
//! The verdict is the original's: any error or warning here is one there, in its words, which
//! scripts look for. Of what it only says beside, the two sentences are here that are about the
//! whole cluster.
//!
//! Source: Pacemaker 2.1.5, `pcmk__config_err` and `pcmk__config_warn` in `lib/pengine` and
//! `lib/pacemaker`, each tried with the installed crm_verify.

mod constraints;
mod nodes;
mod operations;
mod options;
mod orders;
mod outcome;
mod resources;

use std::collections::BTreeSet;

use crate::cib::{Document, Element};
use crate::rules::iso8601::Clock;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::{self, unpack::expand};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Something is ignored, or isn't as it was written.
    Error,
    /// It works, but perhaps not as it is meant.
    Warning,
    /// Nothing is wrong with the configuration.
    Aside,
}

/// Something that the original complains about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    /// How bad it is.
    pub weight: Weight,
    /// The original's function that says it.
    pub function: &'static str,
    /// What it says.
    pub text: String,
}

/// What is complained about, in order, each once.
#[derive(Debug, Default)]
struct Remarks {
    all: Vec<Remark>,
    known: BTreeSet<Remark>,
}

impl Remarks {
    fn error(&mut self, function: &'static str, text: impl Into<String>) {
        self.add(Weight::Error, function, text.into());
    }

    fn warn(&mut self, function: &'static str, text: impl Into<String>) {
        self.add(Weight::Warning, function, text.into());
    }

    fn aside(&mut self, function: &'static str, text: impl Into<String>) {
        self.add(Weight::Aside, function, text.into());
    }

    fn add(&mut self, weight: Weight, function: &'static str, text: String) {
        let remark = Remark {
            weight,
            function,
            text,
        };
        if self.known.insert(remark.clone()) {
            self.all.push(remark);
        }
    }
}

/// All remarks about a CIB of the newest edition, at a time.
pub fn check(cib: &Document, clock: Clock) -> Vec<Remark> {
    remarks(cib, clock, Depth::Whole)
}

/// The same without what only shows in operations and in what the cluster would do: all that the
/// original says of a CIB without a status. The crm shell has each change judged so.
pub fn check_configuration(cib: &Document, clock: Clock) -> Vec<Remark> {
    remarks(cib, clock, Depth::Configuration)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    Configuration,
    Whole,
}

fn remarks(cib: &Document, clock: Clock, depth: Depth) -> Vec<Remark> {
    let expanded = expand::expand(cib);
    let mut cluster = scheduler::read(&expanded, clock);
    let mut remarks = Remarks::default();
    options::check(&cluster, &mut remarks);
    nodes::check(&cluster, &mut remarks);
    resources::check(cib, &cluster, &mut remarks);
    options::check_fencing(&cluster, &mut remarks);
    nodes::check_states(&cluster, &mut remarks);
    scheduler::schedule(&mut cluster);
    constraints::check(cib, &cluster, &mut remarks);
    if depth == Depth::Whole {
        operations::check(&cluster, &mut remarks);
        outcome::check(&cluster, &mut remarks);
    }
    remarks.all
}

/// The elements of a section of the configuration.
fn section<'a>(cib: &'a Document, name: &str) -> impl Iterator<Item = Element<'a>> {
    let section = cib.root_element().find(&["configuration", name]);
    section.into_iter().flat_map(Element::children)
}

/// Whether a fence device, or a watchdog, can fence.
fn can_fence(cluster: &Cluster<'_>) -> bool {
    cluster.options.stonith_enabled
}

#[cfg(test)]
mod tests;
