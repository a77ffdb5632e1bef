//! The configuration as text for the crm shell, read into a CIB.
//!
//! ```text
//!  text --words--> statements, each with its line --resources, constraints, options--> CIB
//! ```
//!
//! Source: spec crmsh-grammar.md; what the shell of 4.4.1 makes of each.

mod constraints;
mod options;
mod resources;
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
    let order = |s: &Statement| place(s.words.first().map_or("", |w| w.as_str()));
    // What is made of others comes after them, in whatever order they are written.
    let mut sorted: Vec<(usize, &Statement)> = statements.iter().enumerate().collect();
    sorted.sort_by_key(|(at, s)| (order(s), *at));
    let mut told: Vec<(usize, Told)> = sorted
        .into_iter()
        .map(|(at, s)| {
            let became = building.statement(&s.words);
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
fn place(word: &str) -> u8 {
    match word {
        "node" => 0,
        "rsc_template" => 1,
        "primitive" => 2,
        "group" => 3,
        "clone" | "ms" | "master" => 4,
        _ => 5,
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
    fn statement(&mut self, words: &[String]) -> Made {
        let Some((verb, rest)) = words.split_first() else {
            return Ok("nothing".into());
        };
        match verb.to_ascii_lowercase().as_str() {
            "node" => self.node(rest),
            "primitive" => self.primitive(rest, "primitive"),
            "rsc_template" => self.primitive(rest, "template"),
            "group" => self.group(rest),
            "clone" => self.clone_of(rest, false),
            "ms" | "master" => self.clone_of(rest, true),
            "location" => self.location(rest),
            "colocation" | "collocation" => self.colocation(rest),
            "order" => self.order(rest),
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
            other => Err(format!("{other}: put it into cib.xml by hand")),
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

    /// A set of name-value pairs; nothing if there are none.
    fn pairs(&mut self, parent: NodeRef, (kind, id): (&str, &str), list: &Pairs) {
        if list.pairs.is_empty() {
            return;
        }
        let id = list.id.clone().unwrap_or_else(|| self.id(id));
        let set = self.doc.add_element(parent, kind, &[("id", &id)]);
        for (name, value) in &list.pairs {
            let pair = self.id(&format!("{id}-{name}"));
            let attrs = [("name", name.as_str()), ("value", value), ("id", &pair)];
            self.doc.add_element(set, "nvpair", &attrs);
        }
    }
}

/// `[$id=ID] NAME=VALUE…`
#[derive(Debug, Default)]
struct Pairs {
    id: Option<String>,
    pairs: Vec<(String, String)>,
}

impl Pairs {
    /// Takes pairs from the front of `words`.
    ///
    /// Errors: a rule, or a reference to another set, which are left to a person.
    fn take(words: &mut &[String]) -> Result<Self, String> {
        let mut list = Self::default();
        while let Some((word, rest)) = words.split_first() {
            if word == "rule" || word.starts_with("$id-ref=") {
                return Err(format!(
                    "{word} in a list of values: put it into cib.xml by hand"
                ));
            }
            let Some((name, value)) = word.split_once('=') else {
                break;
            };
            match name {
                "$id" => list.id = Some(value.to_owned()),
                name => list.pairs.push((name.to_owned(), value.to_owned())),
            }
            *words = rest;
        }
        Ok(list)
    }
}

/// `inf:`, `-inf:`, `100:`, `mandatory:` as the CIB writes it; none if it is no score.
fn score(word: &str) -> Option<String> {
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
