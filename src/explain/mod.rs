//! Why a resource runs where it does, and what would alter that.
//!
//! ```text
//!  CIB --decision::decide--> Decision     places of all resources: the scheduler, run once
//!  Cluster --causes--> Cause              constraints, scores, failures, states of nodes
//!  Cause --remedy--> Change --decide-->   a change counts only if the scheduler, run again
//!                                         with it, puts the resource there
//!  Explanation --sentence, serde--> text, JSON
//!
//!  two CIBs --transition, diff--> Diff    action by action;  Transition --svg--> picture
//! ```
//!
//! A pure function of documents and a time. What is said to be decisive was tried: the
//! scheduler ran without it, and the resource went elsewhere.

pub mod cause;
mod causes;
pub mod change;
mod decision;
pub mod diff;
mod facts;
mod remedy;
mod scores;
pub mod sentence;
pub mod svg;
#[cfg(test)]
mod tests;
pub mod transition;

use serde::Serialize;

use crate::cib::Document;
use crate::rules::iso8601::Clock;
use cause::Cause;
use change::Change;
pub use decision::Place;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The resource.
    pub resource: &'a str,
    /// The node that is meant; all of them if none.
    pub node: Option<&'a str>,
    /// The time, in seconds since 1970, if the CIB has none of its own.
    pub now: Clock,
    /// How often the scheduler may be run at most.
    pub runs: usize,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such resource.
    #[error("there is no resource {0:?}{1}")]
    Resource(String, String),
    /// There is no such node.
    #[error("there is no node {0:?}{1}")]
    Node(String, String),
}

/// A cause, in words too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    #[serde(flatten)]
    pub cause: Cause,
    /// Whether the resource went elsewhere, or anywhere, when it was taken away for a trial.
    pub decisive: bool,
    /// As a sentence.
    pub text: String,
}

/// Another resource that keeps this one from a node, and what keeps that one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Related {
    /// The other resource.
    pub resource: String,
    /// Why it isn't there.
    pub findings: Vec<Finding>,
}

/// What counts for one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AtNode {
    /// The node.
    pub node: String,
    /// Its score for the resource in the end; none if the resource may not go there at all.
    pub score: Option<i32>,
    /// What speaks for it or against it.
    pub findings: Vec<Finding>,
    /// What it depends on.
    pub related: Vec<Related>,
    /// What would bring the resource there.
    pub remedy: Option<Remedy>,
}

/// A change in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it is.
    #[serde(flatten)]
    pub change: Change,
    /// As a sentence without its end.
    pub text: String,
    /// The command that makes it, if it is one.
    pub command: Option<String>,
}

/// Changes that alter where a resource runs. The scheduler was run with them, and none of them
/// can be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// All of them are needed.
    pub steps: Vec<Step>,
    /// Where the resource runs then.
    pub then: Vec<String>,
    /// What else runs elsewhere then.
    pub others: Vec<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The resource that was asked for.
    pub resource: String,
    /// Its members, if it is a collective.
    pub members: Vec<String>,
    /// Where it is and will be.
    pub place: Place,
    /// What counts wherever it is.
    pub general: Vec<Finding>,
    /// Other resources that it waits for.
    pub related: Vec<Related>,
    /// Nodes where it runs when the cluster has done what it is about to do.
    pub here: Vec<AtNode>,
    /// The other nodes.
    pub elsewhere: Vec<AtNode>,
    /// The smallest of all changes found.
    pub smallest: Option<Remedy>,
    /// How often the scheduler ran.
    pub runs: usize,
}

/// Answers a question.
///
/// Errors: the resource or the node isn't in the CIB.
pub fn explain(doc: &Document, question: &Question<'_>) -> Result<Explanation, Refusal> {
    remedy::Search::new(doc, question).answer()
}
