//! Rules: `rule [$id=ID|$id-ref=ID] [$role=R] [SCORE:] EXPRESSION [and|or EXPRESSION]…`.

use super::{Building, role, score_of};
use crate::cib::NodeRef;

/// What a period or a span of time is told in. Source: crmsh 4.4.1; `yearsdays` is its word
const UNITS: [&str; 10] = [
    "hours",
    "monthdays",
    "weekdays",
    "yeardays",
    "yearsdays",
    "months",
    "weeks",
    "years",
    "weekyears",
    "moon",
];

/// A rule.
#[derive(Debug, Default)]
pub(super) struct Rule {
    id: Option<String>,
    id_ref: Option<String>,
    role: Option<String>,
    /// Its attribute's name and value.
    score: Option<(&'static str, String)>,
    or: bool,
    expressions: Vec<Expression>,
}

/// A condition: its element, what that has, and an element in it.
#[derive(Debug)]
struct Expression {
    element: &'static str,
    attrs: Vec<(String, String)>,
    inner: Option<(&'static str, Vec<(String, String)>)>,
}

impl Rule {
    /// Takes a rule from the front of `words`, which begin behind `rule`.
    pub(super) fn take(words: &mut &[String]) -> Result<Self, String> {
        let mut rule = Self::default();
        while let Some((word, rest)) = words.split_first() {
            match word.split_once('=') {
                Some(("$id", id)) => rule.id = Some(id.to_owned()),
                Some(("$id-ref", id)) => rule.id_ref = Some(id.to_owned()),
                Some(("$role" | "role", word)) => rule.role = Some(role(word)),
                _ => break,
            }
            *words = rest;
        }
        if rule.id_ref.is_some() {
            return Ok(rule);
        }
        let score = |word: &String| match score_of(word) {
            Some(score) => Some(("score", score)),
            None => word
                .strip_suffix(':')
                .map(|name| ("score-attribute", name.to_owned())),
        };
        rule.score = words.first().and_then(score);
        if rule.score.is_some() {
            *words = &words[1..];
        }
        let mut op: Option<&str> = None;
        loop {
            rule.expressions.push(Expression::take(words)?);
            let Some((word, rest)) = words.split_first() else {
                break;
            };
            let now = match word.to_ascii_lowercase().as_str() {
                "and" => "and",
                "or" => "or",
                _ => break,
            };
            if op.is_some_and(|op| op != now) {
                return Err("and with or in one rule: the crm shell refuses it, too".into());
            }
            op = Some(now);
            *words = rest;
        }
        rule.or = op == Some("or");
        Ok(rule)
    }
}

impl Expression {
    fn take(words: &mut &[String]) -> Result<Self, String> {
        let all = *words;
        let told = || {
            let some: Vec<_> = all.iter().take(3).map(String::as_str).collect();
            format!("{:?} is no condition", some.join(" "))
        };
        let one = |attrs: Vec<(&str, &str)>| Self {
            element: "expression",
            attrs: owned(attrs),
            inner: None,
        };
        let lower = |at: usize| all.get(at).map(|w| w.to_ascii_lowercase());
        match lower(0).as_deref() {
            Some(op @ ("defined" | "not_defined")) => {
                let attribute = all.get(1).ok_or_else(told)?;
                *words = &all[2..];
                Ok(one(vec![("operation", op), ("attribute", attribute)]))
            }
            Some("date") => {
                *words = &all[1..];
                Self::date(words).ok_or_else(told)
            }
            _ => {
                let [attribute, op, value, ..] = all else {
                    return Err(told());
                };
                *words = &all[3..];
                let (kind, op) = match op.split_once(':') {
                    Some((kind, op)) => (Some(kind), op),
                    None => (None, op.as_str()),
                };
                if !matches!(op, "lt" | "gt" | "lte" | "gte" | "eq" | "ne") {
                    return Err(format!("{op:?} compares nothing"));
                }
                let mut attrs = vec![("operation", op), ("attribute", attribute.as_str())];
                attrs.extend(kind.map(|k| ("type", k)));
                let from = ["param", "meta"].into_iter().find_map(|source| {
                    let inner = value.strip_prefix(source)?.strip_prefix('{')?;
                    Some((source, inner.strip_suffix('}')?))
                });
                match from {
                    Some((source, name)) => {
                        attrs.extend([("value", name), ("value-source", source)]);
                    }
                    None => attrs.push(("value", value)),
                }
                Ok(one(attrs))
            }
        }
    }

    /// `lt END`, `gt START`, `in start=S end=E`, `in start=S UNIT=N…`, `spec UNIT=RANGE…`
    fn date(words: &mut &[String]) -> Option<Self> {
        let (op, rest) = words.split_first()?;
        let (operation, inner) = match op.to_ascii_lowercase().as_str() {
            op @ ("lt" | "gt") => {
                let (value, rest) = rest.split_first()?;
                *words = rest;
                let (op, name) = if op == "lt" {
                    ("lt", "end")
                } else {
                    ("gt", "start")
                };
                let value = value.strip_prefix(&format!("{name}=")).unwrap_or(value);
                return Some(Self {
                    element: "date_expression",
                    attrs: owned(vec![("operation", op), (name, value)]),
                    inner: None,
                });
            }
            "in" | "in_range" => ("in_range", "duration"),
            "spec" | "date_spec" => ("date_spec", "date_spec"),
            _ => return None,
        };
        let of_range = |n: &str| operation == "in_range" && matches!(n, "start" | "end");
        let pair = |word: &String| {
            let (name, value) = word.split_once('=')?;
            let known = of_range(name) || UNITS.contains(&name);
            known.then(|| (name.to_owned(), value.to_owned()))
        };
        let pairs: Vec<_> = rest.iter().map_while(pair).collect();
        *words = &rest[pairs.len()..];
        let least = if operation == "in_range" { 2 } else { 1 };
        if pairs.len() < least {
            return None;
        }
        let (of_it, units): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(n, _)| of_range(n));
        let mut attrs = owned(vec![("operation", operation)]);
        attrs.extend(of_it);
        Some(Self {
            element: "date_expression",
            attrs,
            inner: (!units.is_empty()).then_some((inner, units)),
        })
    }
}

fn owned(attrs: Vec<(&str, &str)>) -> Vec<(String, String)> {
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    attrs.into_iter().map(pair).collect()
}

impl Building {
    /// Writes a rule; without a score it is one that always counts.
    pub(super) fn rule(&mut self, at: NodeRef, owner: &str, rule: &Rule) {
        if let Some(id) = &rule.id_ref {
            self.doc.add_element(at, "rule", &[("id-ref", id)]);
            return;
        }
        let id = rule.id.clone();
        let id = id.unwrap_or_else(|| self.id(&format!("{owner}-rule")));
        let node = self.doc.add_element(at, "rule", &[("id", &id)]);
        if let Some(role) = &rule.role {
            self.doc.set_attr(node, "role", role);
        }
        let always = ("score", "INFINITY".to_owned());
        let (name, score) = rule.score.as_ref().unwrap_or(&always);
        self.doc.set_attr(node, name, score);
        if rule.or {
            self.doc.set_attr(node, "boolean-op", "or");
        }
        for expression in &rule.expressions {
            self.expression(node, &id, expression);
        }
    }

    fn expression(&mut self, rule: NodeRef, owner: &str, expression: &Expression) {
        let id = self.id(&format!("{owner}-expression"));
        let node = self.doc.add_element(rule, expression.element, &[]);
        for (name, value) in &expression.attrs {
            self.doc.set_attr(node, name, value);
        }
        self.doc.set_attr(node, "id", &id);
        if let Some((element, attrs)) = &expression.inner {
            let inner = self.id(&format!("{id}-{element}"));
            let child = self.doc.add_element(node, element, &[("id", &inner)]);
            for (name, value) in attrs {
                self.doc.set_attr(child, name, value);
            }
        }
    }
}
