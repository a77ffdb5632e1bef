//! Nodes, options, defaults, fencing levels.

use std::collections::BTreeMap;

use super::super::kept_cib::OF_DAEMONS;
use super::lists::{List, Pair};
use super::{Building, Made, first};

impl Building {
    /// `[ID:|$id=ID] UNAME[:TYPE] [attributes …] [utilization …]`
    pub(super) fn node(&mut self, words: &[String]) -> Made {
        let (mut word, mut rest) = first(words, "a name")?;
        let mut id = word
            .strip_prefix("$id=")
            .or(word.strip_suffix(':'))
            .map(str::to_owned);
        if id.is_some() {
            (word, rest) = first(rest, "a name")?;
        }
        let mut parts: Vec<&str> = word.split(':').collect();
        if id.is_none() && parts.len() > 1 && parts[0].parse::<u32>().is_ok() {
            id = Some(parts.remove(0).to_owned());
        }
        let name = parts.first().copied().unwrap_or_default().to_owned();
        let id = id.unwrap_or_else(|| name.clone());
        let section = self.section("nodes");
        let at = self
            .doc
            .add_element(section, "node", &[("id", &id), ("uname", &name)]);
        if let Some(kind) = parts.get(1).filter(|k| **k != "normal") {
            self.doc.set_attr(at, "type", kind);
        }
        while let Some((word, more)) = rest.split_first() {
            rest = more;
            if let Some(text) = word.strip_prefix("description=") {
                self.doc.set_attr(at, "description", text);
                continue;
            }
            let set = match word.to_ascii_lowercase().as_str() {
                "attributes" => "instance_attributes",
                "utilization" => "utilization",
                _ => {
                    self.doc.detach(at);
                    return Err(format!("{word:?} isn't understood"));
                }
            };
            let list = List::take(&mut rest, true)?;
            self.list(at, (set, &format!("{name}-{set}")), &list);
        }
        Ok(format!("node {name}"))
    }

    /// `[ID:|$id=ID] [rule …] NAME=VALUE…`; a second statement adds to the first.
    pub(super) fn options(
        &mut self,
        words: &[String],
        (section, set, id): (&str, &str, &str),
    ) -> Made {
        let mut words = words;
        let mut named = None;
        if let Some((word, rest)) = words.split_first()
            && let Some(id) = word.strip_suffix(':')
        {
            named = Some(id.to_owned());
            words = rest;
        }
        let mut list = List::take(&mut words, false)?;
        if let Some(word) = words.first() {
            return Err(format!("{word:?} isn't understood"));
        }
        let of_daemons = |p: &Pair| p.name.as_deref().is_some_and(|n| OF_DAEMONS.contains(&n));
        list.pairs.retain(|p| !of_daemons(p));
        let id = list.id.clone().or(named).unwrap_or_else(|| id.to_owned());
        let section = self.section(section);
        let known = self.doc.by_id(&id);
        let at = known.unwrap_or_else(|| self.doc.add_element(section, set, &[("id", &id)]));
        if let Some(score) = &list.score {
            self.doc.set_attr(at, "score", score);
        }
        // What is set again is replaced in its place.
        list.pairs.retain(|pair| {
            let same = |n: &crate::cib::NodeRef| self.doc.attr(*n, "name") == pair.name.as_deref();
            let old = self.doc.children(at).find(same);
            if let Some(old) = old {
                let value = pair.value.as_deref();
                self.doc.set_or_remove_attr(old, "value", value);
            }
            old.is_none()
        });
        self.fill(at, &id, &list);
        Ok(format!("{set} {id}"))
    }

    /// `LEVEL…` for all nodes, or `TARGET LEVEL…` for each target: `NODE:`, `attr:NAME=VALUE` or
    /// `pattern:EXPRESSION`; a level is `DEVICE[,DEVICE…]`.
    pub(super) fn fencing_topology(&mut self, words: &[String]) -> Made {
        let mut levels: Vec<(Target, Vec<&str>)> = Vec::new();
        let mut for_all: Vec<&str> = Vec::new();
        for word in words {
            match (Target::of(word), levels.last_mut()) {
                (Some(target), _) => levels.push((target, Vec::new())),
                (None, Some((_, devices))) => devices.push(word),
                (None, None) => for_all.push(word),
            }
        }
        if !for_all.is_empty() {
            let of_nodes = self.doc.descendants(self.doc.root());
            let nodes = of_nodes.filter(|n| self.doc.name(*n) == "node");
            let names = nodes.filter_map(|n| self.doc.attr(n, "uname").map(str::to_owned));
            levels = names
                .map(|name| (vec![("target", name)], for_all.clone()))
                .map(|(target, devices)| (Target(target), devices))
                .collect();
        }
        if levels.is_empty() {
            return Err("no nodes are named: write NODE: before its devices".into());
        }
        let section = self.section("fencing-topology");
        let mut places: BTreeMap<Target, usize> = BTreeMap::new();
        for (target, devices) in levels {
            let place = places.entry(target.clone()).or_default();
            for devices in devices {
                *place += 1;
                let id = self.id("fencing");
                let attrs = [
                    ("id", &*id),
                    ("index", &*place.to_string()),
                    ("devices", devices),
                ];
                let level = self.doc.add_element(section, "fencing-level", &attrs);
                for (name, value) in &target.0 {
                    self.doc.set_attr(level, name, value);
                }
            }
        }
        Ok("fencing-topology".into())
    }
}

/// Whom a level is for, as attributes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Target(Vec<(&'static str, String)>);

impl Target {
    fn of(word: &str) -> Option<Self> {
        if let Some(pattern) = word.strip_prefix("pattern:") {
            return Some(Self(vec![("target-pattern", pattern.to_owned())]));
        }
        if let Some((name, value)) = word.strip_prefix("attr:").and_then(|a| a.split_once('=')) {
            return Some(Self(vec![
                ("target-attribute", name.to_owned()),
                ("target-value", value.to_owned()),
            ]));
        }
        let node = word.strip_suffix(':')?;
        Some(Self(vec![("target", node.to_owned())]))
    }
}
