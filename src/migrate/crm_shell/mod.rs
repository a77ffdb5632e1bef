//! The configuration as text for the crm shell, read into a CIB.
//!
//! ```text
//!  text --words--> statements, each with its line --resources, constraints, …--> CIB
//! ```
//!
//! Source: spec crmsh-grammar.md; what the shell of 4.4.1 makes of each.

mod access;
mod bundles;
mod constraints;
mod lists;
mod options;
mod resources;
mod rules;
mod sets;
mod words;

use std::collections::BTreeMap;

use crate::cib::{Document, NodeRef, empty};
use crate::config::source::{Source, Span};
use words::Statement;

/// The edition of what is made.
const SCHEMA: &str = "pacemaker-3.9";

/// What became of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// Its lines.
    pub(super) span: Span,
    /// What it is in the CIB; the error is why it isn't.
    pub(super) became: Result<String, String>,
}

/// Reads the text. Statements that can't be read are left out of the CIB and told.
pub(super) fn read(source: &Source) -> (Document, Vec<Told>) {
    let mut building = Building {
        doc: empty::document(SCHEMA, 1),
        resources: BTreeMap::new(),
    };
    let statements = words::statements(source);
    // What is made of others comes after them, in whatever order they are written.
    let mut sorted: Vec<(usize, &Statement)> = statements.iter().enumerate().collect();
    sorted.sort_by_key(|(at, s)| (place(s), *at));
    let mut told: Vec<(usize, Told)> = sorted
        .into_iter()
        .map(|(at, s)| {
            let became = building.statement(s);
            (
                at,
                Told {
                    span: s.span,
                    became,
                },
            )
        })
        .collect();
    told.sort_by_key(|(at, _)| *at);
    (building.doc, told.into_iter().map(|(_, t)| t).collect())
}

/// The shell's order of classes.
fn place(statement: &Statement) -> u8 {
    let word = statement.words.first().map_or("", String::as_str);
    let element = statement.raw.trim_start_matches('<');
    let word = match word.to_ascii_lowercase().as_str() {
        "xml" => element
            .split([' ', '>', '/'])
            .next()
            .unwrap_or_default()
            .to_owned(),
        word => word.to_owned(),
    };
    match word.as_str() {
        "node" => 0,
        "rsc_template" | "template" => 1,
        "primitive" => 2,
        "bundle" => 3,
        "group" => 4,
        "clone" | "ms" | "master" => 5,
        _ => 6,
    }
}

/// A CIB in the making.
struct Building {
    doc: Document,
    /// Each resource that is known, by its id.
    resources: BTreeMap<String, NodeRef>,
}

type Made = Result<String, String>;

impl Building {
    fn statement(&mut self, statement: &Statement) -> Made {
        let Some((verb, rest)) = statement.words.split_first() else {
            return Ok("nothing".into());
        };
        match verb.to_ascii_lowercase().as_str() {
            "node" => self.node(rest),
            "primitive" => self.primitive(rest, "primitive"),
            "rsc_template" => self.primitive(rest, "template"),
            "group" => self.group(rest),
            "clone" => self.clone_of(rest, false),
            "ms" | "master" => self.clone_of(rest, true),
            "bundle" => self.bundle(rest),
            "location" => self.location(rest),
            "colocation" | "collocation" => self.colocation(rest),
            "order" => self.order(rest),
            "rsc_ticket" => self.ticket(rest),
            "tag" => self.tag(rest),
            "role" => self.role(rest),
            "acl_target" => self.acl_target(rest, "acl_target"),
            "acl_group" => self.acl_target(rest, "acl_group"),
            "user" => Err("today's schemas have no user: write a role, and an acl_target".into()),
            "alert" => self.alert(rest),
            "xml" => self.xml(&statement.raw),
            "property" => self.options(
                rest,
                (
                    "crm_config",
                    "cluster_property_set",
                    "cib-bootstrap-options",
                ),
            ),
            "rsc_defaults" => {
                self.options(rest, ("rsc_defaults", "meta_attributes", "rsc-options"))
            }
            "op_defaults" => self.options(rest, ("op_defaults", "meta_attributes", "op-options")),
            "fencing_topology" => self.fencing_topology(rest),
            "monitor" => self.monitor(rest),
            "commit" | "verify" | "show" | "end" | "up" | "quit" | "exit" | "bye" => {
                Ok("nothing: a command of the shell".into())
            }
            other => Err(format!(
                "{other} is no command of the crm shell that configures"
            )),
        }
    }

    /// A section of the configuration, made where it is missing.
    fn section(&mut self, name: &str) -> NodeRef {
        let root = self.doc.root();
        let configuration = self.below(root, "configuration");
        self.below(configuration, name)
    }

    fn below(&mut self, parent: NodeRef, name: &str) -> NodeRef {
        let known = self.doc.child(parent, name);
        known.unwrap_or_else(|| self.doc.add_element(parent, name, &[]))
    }

    /// An id like `wanted` that is free.
    fn id(&self, wanted: &str) -> String {
        if self.doc.by_id(wanted).is_none() {
            return wanted.to_owned();
        }
        let mut numbered = (0..).map(|n| format!("{wanted}-{n}"));
        numbered
            .find(|id| self.doc.by_id(id).is_none())
            .unwrap_or_default()
    }
}

/// A role as the CIB writes it.
fn role(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first
        .into_iter()
        .chain(chars.map(|c| c.to_ascii_lowercase()))
        .collect()
}

/// `inf:`, `-inf:`, `100:`, `mandatory:` as the CIB writes it; none if it is no score.
fn score_of(word: &str) -> Option<String> {
    let word = word.strip_suffix(':')?;
    let lower = word.to_ascii_lowercase();
    let known = match lower.as_str() {
        "inf" | "+inf" | "infinity" | "+infinity" | "mandatory" => "INFINITY",
        "-inf" | "-infinity" => "-INFINITY",
        "advisory" => "0",
        number if number.parse::<i64>().is_ok() => word,
        _ => return None,
    };
    Some(known.to_owned())
}

/// The first word and the rest.
fn first<'w>(words: &'w [String], what: &str) -> Result<(&'w String, &'w [String]), String> {
    words
        .split_first()
        .ok_or_else(|| format!("{what} is missing"))
}

#[cfg(test)]
mod tests;
