//! Lists of values: `[$id=ID] [SCORE:] [rule …] NAME=VALUE… | $id-ref=ID`.

use super::rules::Rule;
use super::{Building, score_of};
use crate::cib::NodeRef;

/// Words that end a list of names without values.
const KEYWORDS: [&str; 19] = [
    "params",
    "meta",
    "utilization",
    "operations",
    "op",
    "op_params",
    "op_meta",
    "rule",
    "attributes",
    "select",
    "to",
    "primitive",
    "network",
    "storage",
    "docker",
    "rkt",
    "podman",
    "port-mapping",
    "storage-mapping",
];

/// A value; `$ID:NAME=VALUE` has an id, `@ID[:NAME]` is one that stands elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) id: Option<String>,
    pub(super) id_ref: Option<String>,
    pub(super) name: Option<String>,
    pub(super) value: Option<String>,
}

/// A list.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) id: Option<String>,
    pub(super) id_ref: Option<String>,
    pub(super) score: Option<String>,
    pub(super) rules: Vec<Rule>,
    pub(super) pairs: Vec<Pair>,
}

impl List {
    /// Takes a list from the front of `words`; `bare`: names may stand without a value.
    pub(super) fn take(words: &mut &[String], bare: bool) -> Result<Self, String> {
        let mut list = Self::default();
        while let Some((word, rest)) = words.split_first() {
            if let Some(id) = word.strip_prefix("$id=") {
                list.id = Some(id.to_owned());
            } else if let Some(id) = word.strip_prefix("$id-ref=") {
                list.id_ref = Some(id.to_owned());
            } else if word.eq_ignore_ascii_case("rule") {
                *words = rest;
                list.rules.push(Rule::take(words)?);
                continue;
            } else if list.pairs.is_empty() && list.rules.is_empty() && score_of(word).is_some() {
                list.score = score_of(word);
            } else if let Some(pair) = pair(word, bare) {
                list.pairs.push(pair);
            } else {
                break;
            }
            *words = rest;
        }
        Ok(list)
    }

    fn is_empty(&self) -> bool {
        let named = self.id.is_some() || self.id_ref.is_some() || self.score.is_some();
        !named && self.pairs.is_empty() && self.rules.is_empty()
    }
}

fn pair(word: &str, bare: bool) -> Option<Pair> {
    let some = |text: &str| Some(text.to_owned());
    if let Some(at) = word.strip_prefix('@') {
        let (id, name) = match at.split_once(':') {
            Some((id, name)) => (id, some(name)),
            None => (at, None),
        };
        return Some(Pair {
            id_ref: some(id),
            name,
            ..Pair::default()
        });
    }
    let (before, value) = match word.split_once('=') {
        Some((before, value)) => (before, some(value)),
        None => (word, None),
    };
    let (id, name) = match before.strip_prefix('$').and_then(|b| b.split_once(':')) {
        Some((id, name)) => (some(id), name),
        None => (None, before),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-#".contains(c);
    let keyword = KEYWORDS.contains(&name.to_ascii_lowercase().as_str());
    let alone = bare && !keyword && !name.is_empty() && name.chars().all(plain);
    (value.is_some() || alone).then(|| Pair {
        id,
        id_ref: None,
        name: some(name),
        value,
    })
}

impl Building {
    /// A set of values; nothing if the list is empty.
    pub(super) fn list(&mut self, parent: NodeRef, (kind, id): (&str, &str), list: &List) {
        if list.is_empty() {
            return;
        }
        if let Some(id_ref) = &list.id_ref {
            let id_ref = self.referred(kind, id_ref);
            self.doc.add_element(parent, kind, &[("id-ref", &id_ref)]);
            return;
        }
        let id = list.id.clone().unwrap_or_else(|| self.id(id));
        let set = self.doc.add_element(parent, kind, &[("id", &id)]);
        if let Some(score) = &list.score {
            self.doc.set_attr(set, "score", score);
        }
        self.fill(set, &id, list);
    }

    /// Rules and values into a set.
    pub(super) fn fill(&mut self, set: NodeRef, id: &str, list: &List) {
        for rule in &list.rules {
            self.rule(set, id, rule);
        }
        for pair in &list.pairs {
            let node = self.doc.new_element("nvpair");
            for (name, value) in [("id-ref", &pair.id_ref), ("name", &pair.name)] {
                self.doc.set_or_remove_attr(node, name, value.as_deref());
            }
            self.doc
                .set_or_remove_attr(node, "value", pair.value.as_deref());
            if pair.id_ref.is_none() {
                let name = pair.name.as_deref().unwrap_or_default();
                let own = pair.id.clone();
                let own = own.unwrap_or_else(|| self.id(&format!("{id}-{name}")));
                self.doc.set_attr(node, "id", &own);
            }
            self.doc.append(set, node);
        }
    }

    /// What `$id-ref` names: a set, or the set of this kind of a resource.
    fn referred(&self, kind: &str, id: &str) -> String {
        let of_resource = self
            .resources
            .get(id)
            .and_then(|at| self.doc.child(*at, kind));
        let set = of_resource.and_then(|set| self.doc.id(set));
        set.unwrap_or(id).to_owned()
    }
}
