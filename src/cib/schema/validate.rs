//! A document against a grammar.

use indexmap::IndexMap;

use super::compile::{Compiled, Type};
use super::edition::Edition;
use super::fault::{Fault, Reason};
use super::pattern::{FAILED, Pattern, Symbol, TypeNumber, Values};
use super::value::{Value, trimmed};
use crate::cib::{Document, Kind, NodeRef};

/// Most faults of one document that are told.
pub const FAULTS_MAX: usize = 100;

/// What checks documents of one edition. It learns from each: the second is checked faster.
#[derive(Debug)]
pub struct Validator {
    grammar: Compiled,
}

impl Validator {
    /// For documents of an edition.
    pub fn new(edition: Edition) -> Self {
        Self {
            grammar: Compiled::for_edition(edition),
        }
    }

    /// Whether a document keeps to the grammar.
    pub fn accepts(&mut self, doc: &Document) -> bool {
        self.faults(doc, 1).is_empty()
    }

    /// What is wrong with a document, in its order; [`FAULTS_MAX`] at most.
    pub fn check(&mut self, doc: &Document) -> Vec<Fault> {
        self.faults(doc, FAULTS_MAX)
    }

    fn faults(&mut self, doc: &Document, limit: usize) -> Vec<Fault> {
        let mut walk = Walk {
            grammar: &mut self.grammar,
            doc,
            symbols: Vec::new(),
            ids: IndexMap::new(),
            references: Vec::new(),
            faults: Vec::new(),
            limit,
        };
        walk.document();
        if walk.faults.is_empty() {
            // Ids of what was not understood are not known, so that this would only mislead.
            walk.check_references();
        }
        walk.faults
    }
}

struct Frame {
    node: NodeRef,
    kind: TypeNumber,
    pattern: Pattern,
    next: Option<NodeRef>,
}

struct Walk<'a> {
    grammar: &'a mut Compiled,
    doc: &'a Document,
    /// The grammar's names by the document's.
    symbols: Vec<Option<Option<Symbol>>>,
    ids: IndexMap<&'a str, NodeRef>,
    references: Vec<(NodeRef, &'a str, &'a str)>,
    faults: Vec<Fault>,
    limit: usize,
}

impl<'a> Walk<'a> {
    fn document(&mut self) {
        let root = self.doc.root();
        let kind = match self.doc.name(root) {
            "cib" => self.grammar.type_named("cib"),
            _ => None,
        };
        let Some(kind) = kind else {
            return self.fault(root, Reason::Root);
        };
        let mut stack = vec![self.enter(root, kind)];
        while let Some(frame) = stack.last_mut() {
            if self.faults.len() >= self.limit {
                return;
            }
            let Some(child) = frame.next else {
                let (node, pattern) = (frame.node, frame.pattern);
                stack.pop();
                self.leave(node, pattern);
                continue;
            };
            frame.next = self.doc.next_node(child);
            if let Some(inner) = self.child(frame, child) {
                stack.push(inner);
            }
        }
    }

    fn fault(&mut self, node: NodeRef, reason: Reason) {
        if self.faults.len() < self.limit {
            self.faults.push(Fault { node, reason });
        }
    }

    /// The grammar's number of a name of the document.
    fn symbol(&mut self, name: usize, text: &str) -> Option<Symbol> {
        if self.symbols.len() <= name {
            self.symbols.resize(name + 1, None);
        }
        let grammar = &*self.grammar;
        let known = self.symbols.get_mut(name)?;
        *known.get_or_insert_with(|| grammar.symbol(text))
    }

    /// Begins with an element: its attributes.
    fn enter(&mut self, node: NodeRef, kind: TypeNumber) -> Frame {
        let start = self.grammar.kind(kind).and_then(|kind| kind.pattern);
        let mut pattern = start.unwrap_or(FAILED);
        if !self.grammar.patterns.is_anything(pattern) {
            pattern = self.attributes(node, kind, pattern);
        }
        Frame {
            node,
            kind,
            pattern,
            next: self.doc.first_node(node),
        }
    }

    fn attributes(&mut self, node: NodeRef, kind: TypeNumber, start: Pattern) -> Pattern {
        let mut pattern = start;
        let doc = self.doc;
        for (number, name, value) in doc.numbered_attrs(node) {
            if name.starts_with("xmlns:") || (name == "xmlns" && value.is_empty()) {
                continue;
            }
            let symbol = self.symbol(number, name);
            pattern = self.attribute(node, kind, pattern, (symbol, name, value));
        }
        let content = self.grammar.patterns.content(pattern);
        if content != FAILED {
            return content;
        }
        let names = self.missing(pattern);
        self.fault(node, Reason::Missing { names });
        self.grammar.patterns.forgiving(pattern)
    }

    /// Takes an attribute and gives what is left. After a fault the attribute counts as if it
    /// were right, or not there, so that the fault is told once.
    fn attribute(
        &mut self,
        node: NodeRef,
        kind: TypeNumber,
        pattern: Pattern,
        (symbol, name, value): (Option<Symbol>, &'a str, &'a str),
    ) -> Pattern {
        let Some(kind) = self.grammar.kind(kind) else {
            return pattern;
        };
        let known = symbol.and_then(|symbol| Some((symbol, kind.values(symbol)?)));
        let Some((symbol, values)) = known else {
            let (name, allowed) = (name.to_owned(), names(self.grammar, kind));
            self.fault(node, Reason::Attribute { name, allowed });
            return pattern;
        };
        let mask = values.mask(value);
        let is = |value: &Value| values.all().contains(value);
        let (is_id, is_reference) = (is(&Value::Id), is(&Value::IdRef));
        let reason = (mask == 0).then(|| wrong_value(name, value, values));
        let patterns = &mut self.grammar.patterns;
        let met = if mask == 0 { u32::MAX } else { mask };
        let next = patterns.after_attribute(pattern, symbol, met);
        if let Some(reason) = reason {
            self.fault(node, reason);
            return if next == FAILED { pattern } else { next };
        }
        if next == FAILED {
            let name = name.to_owned();
            self.fault(node, Reason::Conflict { name });
            return pattern;
        }
        if is_reference {
            self.references.push((node, name, trimmed(value)));
        }
        if is_id {
            self.claim(node, name, trimmed(value));
        }
        next
    }

    fn claim(&mut self, node: NodeRef, name: &str, id: &'a str) {
        let first = *self.ids.entry(id).or_insert(node);
        if first != node {
            let (name, id) = (name.to_owned(), id.to_owned());
            self.fault(node, Reason::Duplicate { name, id, first });
        }
    }

    /// The attributes of which one would do, or those without which nothing does.
    fn missing(&mut self, pattern: Pattern) -> Vec<String> {
        let patterns = &mut self.grammar.patterns;
        let mut found = Vec::new();
        for name in patterns.attributes(pattern) {
            let after = patterns.after_attribute(pattern, name, u32::MAX);
            let content = patterns.content(after);
            if content != FAILED {
                found.push(name);
            }
        }
        if found.is_empty() {
            found = patterns.attributes(pattern);
            found.retain(|&name| patterns.needs(pattern, name));
            let all: Vec<&str> = found.iter().map(|&name| self.grammar.name(name)).collect();
            return match all.is_empty() {
                true => Vec::new(),
                false => vec![all.join(" and ")],
            };
        }
        let name = |&name: &Symbol| self.grammar.name(name).to_owned();
        found.iter().map(name).collect()
    }

    /// Goes on with a node in an element. Gives the frame of an element to look into.
    fn child(&mut self, around: &mut Frame, node: NodeRef) -> Option<Frame> {
        let doc = self.doc;
        let open = self.grammar.patterns.is_anything(around.pattern);
        match doc.kind(node) {
            Kind::Element if open => return None,
            Kind::Element => (),
            Kind::Comment => return None,
            Kind::Text | Kind::CData => {
                if !open && !trimmed(doc.text(node)).is_empty() {
                    self.fault(around.node, Reason::Text);
                }
                return None;
            }
        }
        let (number, name) = doc.numbered_name(node);
        let symbol = self.symbol(number, name);
        let kind = self.grammar.kind(around.kind)?;
        let typed = symbol.and_then(|symbol| Some((symbol, kind.child(symbol)?)));
        let Some((symbol, kind)) = typed else {
            let reason = self.unexpected(around.pattern, false);
            self.fault(node, reason);
            return None;
        };
        let next = self.grammar.patterns.after_child(around.pattern, symbol);
        match next {
            FAILED => {
                let reason = self.unexpected(around.pattern, true);
                self.fault(node, reason);
            }
            next => around.pattern = next,
        }
        Some(self.enter(node, kind))
    }

    fn unexpected(&self, pattern: Pattern, misplaced: bool) -> Reason {
        let allowed = self.expected(pattern);
        Reason::Child { allowed, misplaced }
    }

    fn expected(&self, pattern: Pattern) -> Vec<String> {
        let next = self.grammar.patterns.next_children(pattern);
        let name = |(symbol, _): &(Symbol, TypeNumber)| self.grammar.name(*symbol).to_owned();
        next.iter().map(name).collect()
    }

    fn leave(&mut self, node: NodeRef, pattern: Pattern) {
        if !self.grammar.patterns.is_complete(pattern) {
            let names = self.expected(pattern);
            self.fault(node, Reason::Incomplete { names });
        }
    }

    fn check_references(&mut self) {
        for (node, name, id) in std::mem::take(&mut self.references) {
            if self.faults.len() >= self.limit {
                return;
            }
            if !self.ids.contains_key(id) {
                let (name, id) = (name.to_owned(), id.to_owned());
                self.fault(node, Reason::Unresolved { name, id });
            }
        }
    }
}

fn names(grammar: &Compiled, kind: &Type) -> Vec<String> {
    let names = kind.attributes.iter();
    names
        .map(|known| grammar.name(known.0).to_owned())
        .collect()
}

fn wrong_value(name: &str, value: &str, values: &Values) -> Reason {
    let expected: Vec<_> = values.all().iter().map(Value::description).collect();
    Reason::Value {
        name: name.to_owned(),
        value: value.to_owned(),
        expected: expected.join(", or "),
    }
}
