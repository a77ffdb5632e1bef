//! Locations, colocations, orders, tickets.

use super::rules::Rule;
use super::sets::{Item, items};
use super::{Building, Made, first, role, score_of};
use crate::cib::NodeRef;

/// The constraint of two resources: names of their attributes, and what follows a colon.
type Two = [(&'static str, &'static str); 2];

impl Building {
    fn constraint(&mut self, element: &str, id: &str) -> NodeRef {
        let section = self.section("constraints");
        self.doc.add_element(section, element, &[("id", id)])
    }

    /// A constraint that could not be read is taken out again.
    fn done(&mut self, at: NodeRef, made: Result<(), String>, told: String) -> Made {
        if made.is_err() {
            self.doc.detach(at);
        }
        made.map(|()| told)
    }

    /// `ID {RSC | /PATTERN/ | { SET }} [NAME=VALUE…] {SCORE: NODE | rule…}`
    pub(super) fn location(&mut self, words: &[String]) -> Made {
        let (id, rest) = first(words, "an id")?;
        let at = self.constraint("rsc_location", id);
        let made = self.location_of(at, id, rest);
        self.done(at, made, format!("rsc_location {id}"))
    }

    fn location_of(&mut self, at: NodeRef, id: &str, words: &[String]) -> Result<(), String> {
        let (what, mut rest) = first(words, "a resource")?;
        if what.starts_with('{') {
            let end = words.iter().position(|w| w.ends_with('}'));
            let end = end.ok_or("the set has no end: write } behind it")? + 1;
            self.sets(at, id, &items(&words[..end]))?;
            rest = &words[end..];
        } else if let Some(pattern) = what.strip_prefix('/').and_then(|w| w.strip_suffix('/')) {
            self.doc.set_attr(at, "rsc-pattern", pattern);
        } else {
            self.doc.set_attr(at, "rsc", what);
        }
        while let Some((word, more)) = rest.split_first() {
            match word.split_once('=') {
                Some(("role" | "$role", value)) => self.doc.set_attr(at, "role", &role(value)),
                Some((name @ "resource-discovery", value)) => self.doc.set_attr(at, name, value),
                _ => break,
            }
            rest = more;
        }
        if let [word, node] = rest
            && let Some(score) = score_of(word)
        {
            self.doc.set_attr(at, "score", &score);
            self.doc.set_attr(at, "node", node);
            return Ok(());
        }
        if rest.is_empty() {
            return Err("neither SCORE: NODE nor a rule".into());
        }
        while let Some((word, more)) = rest.split_first() {
            if !word.eq_ignore_ascii_case("rule") {
                return Err(format!("{word:?}: neither SCORE: NODE nor a rule"));
            }
            rest = more;
            let rule = Rule::take(&mut rest)?;
            self.rule(at, id, &rule);
        }
        Ok(())
    }

    /// `ID SCORE: RSC[:ROLE]… [node-attribute=A]`
    pub(super) fn colocation(&mut self, words: &[String]) -> Made {
        let (id, rest) = first(words, "an id")?;
        let (word, rest) = first(rest, "a score")?;
        let score = score_of(word).ok_or_else(|| format!("{word:?} is no score"))?;
        let at = self.constraint("rsc_colocation", id);
        self.doc.set_attr(at, "score", &score);
        let two = [("rsc", "rsc-role"), ("with-rsc", "with-rsc-role")];
        let made = self.of_resources(at, id, rest, (&["node-attribute"], two));
        self.done(at, made, format!("rsc_colocation {id}"))
    }

    /// `ID [KIND:|SCORE:] RSC[:ACTION]… [symmetrical=BOOL]`
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
                _ if score_of(word).as_deref() == Some("0") => "Optional",
                _ => "Mandatory",
            };
            self.doc.set_attr(at, "kind", kind);
            rest = more;
        }
        let two = [("first", "first-action"), ("then", "then-action")];
        let made = self.of_resources(at, id, rest, (&["symmetrical"], two));
        self.done(at, made, format!("rsc_order {id}"))
    }

    /// `ID TICKET: RSC[:ROLE]… [loss-policy=POLICY]`
    pub(super) fn ticket(&mut self, words: &[String]) -> Made {
        let (id, rest) = first(words, "an id")?;
        let (word, rest) = first(rest, "a ticket")?;
        let ticket = word
            .strip_suffix(':')
            .ok_or_else(|| format!("{word:?}: a colon ends the name of a ticket"))?;
        let at = self.constraint("rsc_ticket", id);
        self.doc.set_attr(at, "ticket", ticket);
        let (options, rest) = options(rest, &["loss-policy"]);
        for (name, value) in options {
            self.doc.set_attr(at, name, value);
        }
        let made = match &items(&rest)[..] {
            [Item::Resource(resource, more)] => {
                self.doc.set_attr(at, "rsc", resource);
                if let Some(more) = more {
                    self.doc.set_attr(at, "rsc-role", &role(more));
                }
                Ok(())
            }
            all => self.sets(at, id, all),
        };
        self.done(at, made, format!("rsc_ticket {id}"))
    }

    /// Two resources without brackets are attributes, all else are sets.
    fn of_resources(
        &mut self,
        at: NodeRef,
        id: &str,
        words: &[String],
        (known, two): (&[&str], Two),
    ) -> Result<(), String> {
        let (options, rest) = options(words, known);
        for (name, value) in options {
            self.doc.set_attr(at, name, value);
        }
        match &items(&rest)[..] {
            [Item::Resource(a, of_a), Item::Resource(b, of_b)] => {
                for ((name, qualifier), (id, more)) in two.iter().zip([(a, of_a), (b, of_b)]) {
                    self.doc.set_attr(at, name, id);
                    if let Some(more) = more {
                        let is_role = qualifier.ends_with("role");
                        let more = if is_role { role(more) } else { more.clone() };
                        self.doc.set_attr(at, qualifier, &more);
                    }
                }
                Ok(())
            }
            all => self.sets(at, id, all),
        }
    }
}

/// The constraint's own attributes, and the other words.
fn options<'w>(words: &'w [String], known: &[&str]) -> (Vec<(&'w str, &'w str)>, Vec<String>) {
    let mut found = Vec::new();
    let mut rest = Vec::new();
    for word in words {
        match word.split_once('=') {
            Some((name, value)) if known.contains(&name) => found.push((name, value)),
            _ => rest.push(word.clone()),
        }
    }
    (found, rest)
}
