//! Locations, colocations, orders, and rules.

use super::{Building, Made, first, score};
use crate::cib::NodeRef;

/// Words that follow a resource after a colon and are its role or action.
const ROLES: [&str; 6] = [
    "started",
    "stopped",
    "master",
    "slave",
    "promoted",
    "unpromoted",
];

/// A bracket, or a resource with what follows its colon.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Open(char),
    Close,
    Resource(String, Option<String>),
}

/// The words of sets: brackets may touch their words.
fn items(words: &[String]) -> Vec<Item> {
    let mut all = Vec::new();
    for word in words {
        let mut rest = word.as_str();
        while let Some(open) = rest.chars().next().filter(|c| "([{".contains(*c)) {
            all.push(Item::Open(open));
            rest = &rest[1..];
        }
        let bare = rest.trim_end_matches([')', ']', '}']);
        if !bare.is_empty() {
            let (id, more) = match bare.split_once(':') {
                Some((id, more)) => (id, Some(more.to_owned())),
                None => (bare, None),
            };
            all.push(Item::Resource(id.to_owned(), more));
        }
        all.extend((bare.len()..rest.len()).map(|_| Item::Close));
    }
    all
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

impl Building {
    fn constraint(&mut self, element: &str, id: &str) -> NodeRef {
        let section = self.section("constraints");
        self.doc.add_element(section, element, &[("id", id)])
    }

    pub(super) fn location(&mut self, words: &[String]) -> Made {
        let (id, rest) = first(words, "an id")?;
        let (what, mut rest) = first(rest, "a resource")?;
        if what.starts_with(['{', '/']) {
            return Err("sets and patterns in a location: put it into cib.xml by hand".into());
        }
        let at = self.constraint("rsc_location", id);
        self.doc.set_attr(at, "rsc", what);
        while let Some((word, more)) = rest.split_first() {
            let Some((name, value)) = word.split_once('=') else {
                break;
            };
            match name {
                "role" | "$role" => self.doc.set_attr(at, "role", &role(value)),
                "resource-discovery" => self.doc.set_attr(at, name, value),
                _ => break,
            }
            rest = more;
        }
        let made = match rest {
            [word, node] if score(word).is_some() => {
                let score = score(word).unwrap_or_default();
                self.doc.set_attr(at, "score", &score);
                self.doc.set_attr(at, "node", node);
                Ok(())
            }
            [word, ..] if word == "rule" => self.rules(at, id, rest),
            _ => Err("neither SCORE: NODE nor a rule".to_owned()),
        };
        self.done(at, made, format!("rsc_location {id}"))
    }

    /// A constraint that could not be read is taken out again.
    fn done(&mut self, at: NodeRef, made: Result<(), String>, told: String) -> Made {
        if made.is_err() {
            self.doc.detach(at);
        }
        made.map(|()| told)
    }

    fn rules(&mut self, at: NodeRef, id: &str, words: &[String]) -> Result<(), String> {
        let parts = words.split(|w| w == "rule").filter(|p| !p.is_empty());
        parts
            .into_iter()
            .try_for_each(|part| self.rule(at, id, part))
    }

    /// `[$id=ID] [$role=ROLE] SCORE: EXPRESSION [and|or EXPRESSION]…`
    fn rule(&mut self, at: NodeRef, owner: &str, mut words: &[String]) -> Result<(), String> {
        let rule = self.doc.add_element(at, "rule", &[]);
        let mut id = None;
        while let Some((word, rest)) = words.split_first() {
            match word.split_once('=') {
                Some(("$id", value)) => id = Some(value.to_owned()),
                Some(("$role", value)) => self.doc.set_attr(rule, "role", &role(value)),
                _ => break,
            }
            words = rest;
        }
        let id = id.unwrap_or_else(|| self.id(&format!("{owner}-rule")));
        self.doc.set_attr(rule, "id", &id);
        let (word, rest) = first(words, "a score")?;
        match (score(word), word.strip_suffix(':')) {
            (Some(score), _) => self.doc.set_attr(rule, "score", &score),
            (None, Some(name)) => self.doc.set_attr(rule, "score-attribute", name),
            (None, None) => return Err(format!("{word:?} is no score")),
        }
        let ops: Vec<_> = rest
            .iter()
            .filter(|w| matches!(w.as_str(), "and" | "or"))
            .collect();
        if let Some(op) = ops.first() {
            if ops.iter().any(|o| o != op) {
                return Err("and with or in one rule".into());
            }
            if *op == "or" {
                self.doc.set_attr(rule, "boolean-op", "or");
            }
        }
        for part in rest.split(|w| matches!(w.as_str(), "and" | "or")) {
            self.expression(rule, &id, part)?;
        }
        Ok(())
    }

    fn expression(&mut self, rule: NodeRef, owner: &str, words: &[String]) -> Result<(), String> {
        let id = self.id(&format!("{owner}-expression"));
        let mut add = |attrs: &[(&str, &str)]| {
            let node = self.doc.add_element(rule, "expression", attrs);
            self.doc.set_attr(node, "id", &id);
        };
        match words {
            [op, attribute] if matches!(op.as_str(), "defined" | "not_defined") => {
                add(&[("operation", op), ("attribute", attribute)]);
                Ok(())
            }
            [date, ..] if date == "date" => {
                Err("a date in a rule: put it into cib.xml by hand".into())
            }
            [attribute, op, value] => {
                let (kind, op) = match op.split_once(':') {
                    Some((kind, op)) => (Some(kind), op),
                    None => (None, op.as_str()),
                };
                if !matches!(op, "lt" | "gt" | "lte" | "gte" | "eq" | "ne") {
                    return Err(format!("{op:?} compares nothing"));
                }
                let mut attrs = vec![("attribute", attribute.as_str()), ("operation", op)];
                attrs.push(("value", value));
                attrs.extend(kind.map(|k| ("type", k)));
                add(&attrs);
                Ok(())
            }
            _ => Err(format!("{:?} is no condition", words.join(" "))),
        }
    }

    pub(super) fn colocation(&mut self, words: &[String]) -> Made {
        let (id, rest) = first(words, "an id")?;
        let (word, rest) = first(rest, "a score")?;
        let score = score(word).ok_or_else(|| format!("{word:?} is no score"))?;
        let (options, rest): (Vec<_>, Vec<_>) = rest.iter().cloned().partition(|w| w.contains('='));
        let at = self.constraint("rsc_colocation", id);
        self.doc.set_attr(at, "score", &score);
        let made = self
            .attributes(at, &options, &["node-attribute"])
            .and_then(|()| match &items(&rest)[..] {
                [Item::Resource(a, ra), Item::Resource(b, rb)] => {
                    for (name, id, more) in [("rsc", a, ra), ("with-rsc", b, rb)] {
                        self.doc.set_attr(at, name, id);
                        if let Some(more) = more {
                            self.doc.set_attr(at, &format!("{name}-role"), &role(more));
                        }
                    }
                    Ok(())
                }
                all => self.sets(at, id, all),
            });
        self.done(at, made, format!("rsc_colocation {id}"))
    }

    pub(super) fn order(&mut self, words: &[String]) -> Made {
        let (id, mut rest) = first(words, "an id")?;
        let at = self.constraint("rsc_order", id);
        if let Some((word, more)) = rest.split_first()
            && let Some(bare) = word.strip_suffix(':')
        {
            let kind = match bare.to_ascii_lowercase().as_str() {
                "mandatory" => "Mandatory",
                "optional" => "Optional",
                "serialize" => "Serialize",
                _ if score(word).as_deref() == Some("0") => "Optional",
                _ => "Mandatory",
            };
            self.doc.set_attr(at, "kind", kind);
            rest = more;
        }
        let (options, rest): (Vec<_>, Vec<_>) = rest.iter().cloned().partition(|w| w.contains('='));
        let made = self
            .attributes(at, &options, &["symmetrical"])
            .and_then(|()| match &items(&rest)[..] {
                [Item::Resource(a, aa), Item::Resource(b, ab)] => {
                    for (name, id, more) in [("first", a, aa), ("then", b, ab)] {
                        self.doc.set_attr(at, name, id);
                        if let Some(action) = more {
                            self.doc.set_attr(at, &format!("{name}-action"), action);
                        }
                    }
                    Ok(())
                }
                all => self.sets(at, id, all),
            });
        self.done(at, made, format!("rsc_order {id}"))
    }

    fn attributes(&mut self, at: NodeRef, words: &[String], known: &[&str]) -> Result<(), String> {
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            if !known.contains(&name) {
                return Err(format!("{name} isn't understood"));
            }
            self.doc.set_attr(at, name, value);
        }
        Ok(())
    }

    /// Runs of resources of one role or action outside of brackets, and brackets, are a set each.
    fn sets(&mut self, at: NodeRef, owner: &str, all: &[Item]) -> Result<(), String> {
        let mut set: Option<(NodeRef, Option<String>)> = None;
        let mut bracket = None;
        for item in all {
            match item {
                Item::Open(open) => {
                    bracket = Some(*open);
                    set = None;
                }
                Item::Close => {
                    bracket = None;
                    set = None;
                }
                Item::Resource(id, more) => {
                    let same = set.as_ref().filter(|(_, m)| m == more).map(|(n, _)| *n);
                    let node = match same {
                        Some(node) => node,
                        None => {
                            let node = self.set(at, owner, bracket, more.as_deref());
                            set = Some((node, more.clone()));
                            node
                        }
                    };
                    self.doc.add_element(node, "resource_ref", &[("id", id)]);
                }
            }
        }
        let count = self.doc.children(at).count();
        (count > 0)
            .then_some(())
            .ok_or_else(|| "no resources".to_owned())
    }

    fn set(
        &mut self,
        at: NodeRef,
        owner: &str,
        bracket: Option<char>,
        more: Option<&str>,
    ) -> NodeRef {
        let count = self.doc.children_named(at, "resource_set").count();
        let id = self.id(&format!("{owner}-{count}"));
        let node = self.doc.add_element(at, "resource_set", &[]);
        if bracket == Some('[') {
            self.doc.set_attr(node, "require-all", "false");
        }
        if matches!(bracket, Some('[' | '(')) {
            self.doc.set_attr(node, "sequential", "false");
        }
        match more {
            Some(more) if ROLES.contains(&more.to_ascii_lowercase().as_str()) => {
                self.doc.set_attr(node, "role", &role(more));
            }
            Some(action) => self.doc.set_attr(node, "action", action),
            None => {}
        }
        self.doc.set_attr(node, "id", &id);
        node
    }
}
