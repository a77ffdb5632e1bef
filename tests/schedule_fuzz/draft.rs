//! A CIB while it is drawn: the document, the chance, and what is in it so far.

use everbeat::cib::{Document, NodeRef};
use everbeat::proto::rng::Rng;

/// A resource that constraints may name.
#[derive(Debug, Clone)]
pub struct Made {
    pub id: String,
}

/// The CIB so far.
pub struct Draft {
    pub rng: Rng,
    pub doc: Document,
    pub nodes: Vec<String>,
    pub made: Vec<Made>,
    /// Names of primitives as a history has them, with class, provider and type.
    pub agents: Vec<(String, &'static str, &'static str, &'static str)>,
    counter: u32,
}

impl Draft {
    /// Goes on from a document.
    pub fn new(doc: Document, rng: Rng) -> Self {
        Self {
            rng,
            doc,
            nodes: Vec::new(),
            made: Vec::new(),
            agents: Vec::new(),
            counter: 0,
        }
    }

    /// One of them.
    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let at = self.rng.below(from.len() as u64);
        usize::try_from(at)
            .ok()
            .and_then(|at| from.get(at))
            .copied()
            .unwrap_or("")
    }

    /// A place in a list of that length.
    pub fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.rng.below(length as u64)).unwrap_or(0)
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.rng.percent(percent)
    }

    /// An id that no other element has.
    pub fn id(&mut self, stem: &str) -> String {
        self.counter += 1;
        format!("{stem}-x{}", self.counter)
    }

    /// Starts ids where those of a document end.
    pub fn skip_ids(&mut self, count: u32) {
        self.counter = count;
    }

    /// An element under another.
    pub fn add(&mut self, parent: NodeRef, name: &str, attrs: &[(&str, &str)]) -> NodeRef {
        self.doc.add_element(parent, name, attrs)
    }

    /// An element with an id of its own.
    pub fn add_named(&mut self, parent: NodeRef, name: &str, attrs: &[(&str, &str)]) -> NodeRef {
        let id = self.id(name);
        let mut all = vec![("id", id.as_str())];
        all.extend_from_slice(attrs);
        self.doc.add_element(parent, name, &all)
    }

    /// The element of that path under the root, made if it isn't there.
    pub fn section(&mut self, path: &[&str]) -> NodeRef {
        let mut at = self.doc.root();
        for name in path {
            at = match self.doc.child(at, name) {
                Some(found) => found,
                None => self.doc.add_element(at, name, &[]),
            };
        }
        at
    }

    /// A name and a value in the set of that kind under an element.
    pub fn set(&mut self, parent: NodeRef, kind: &str, name: &str, value: &str) {
        let set = match self.doc.child(parent, kind) {
            Some(found) => found,
            None => self.add_named(parent, kind, &[]),
        };
        self.set_in(set, name, value);
    }

    /// A name and a value in a set, in place of the same name.
    pub fn set_in(&mut self, set: NodeRef, name: &str, value: &str) {
        let same = |pair: &NodeRef| self.doc.attr(*pair, "name") == Some(name);
        let found = self.doc.children(set).find(same);
        match found {
            Some(pair) => self.doc.set_attr(pair, "value", value),
            None => {
                self.add_named(set, "nvpair", &[("name", name), ("value", value)]);
            }
        }
    }

    /// Meta attributes, each with its chance.
    pub fn metas(&mut self, parent: NodeRef, choices: &[(&str, u64, &[&str])]) {
        for (name, percent, values) in choices {
            if self.chance(*percent) {
                let value = self.pick(values);
                self.set(parent, "meta_attributes", name, value);
            }
        }
    }

    /// The name of a node.
    pub fn node(&mut self) -> String {
        let at = self.place(self.nodes.len());
        self.nodes.get(at).cloned().unwrap_or_default()
    }

    /// A resource that constraints may name.
    pub fn resource(&mut self) -> Option<Made> {
        let at = self.place(self.made.len());
        self.made.get(at).cloned()
    }

    /// A score.
    pub fn score(&mut self) -> &'static str {
        self.pick(&[
            "INFINITY",
            "-INFINITY",
            "100",
            "-100",
            "1",
            "-1",
            "0",
            "50",
            "5000",
            "INFINITY",
        ])
    }
}
