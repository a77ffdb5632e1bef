//! Nodes, options, defaults, fencing levels.

use super::super::kept_cib::OF_DAEMONS;
use super::{Building, Made, Pairs, first};

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
            let set = match word.as_str() {
                "attributes" => ("instance_attributes", format!("nodes-{id}")),
                "utilization" => ("utilization", format!("nodes-{id}-utilization")),
                _ => {
                    self.doc.detach(at);
                    return Err(format!("{word:?} isn't understood"));
                }
            };
            let list = Pairs::take(&mut rest)?;
            self.pairs(at, (set.0, &set.1), &list);
        }
        Ok(format!("node {name}"))
    }

    /// `[$id=ID] NAME=VALUE…`; a second statement adds to the first.
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
        let list = Pairs::take(&mut words)?;
        if let Some(word) = words.first() {
            return Err(format!("{word:?} isn't understood"));
        }
        let id = list.id.clone().or(named).unwrap_or_else(|| id.to_owned());
        let section = self.section(section);
        let known = self.doc.by_id(&id);
        let at = known.unwrap_or_else(|| self.doc.add_element(section, set, &[("id", &id)]));
        let written = |n: &str| !OF_DAEMONS.contains(&n);
        for (name, value) in list.pairs.iter().filter(|(n, _)| written(n)) {
            let same = |n: &crate::cib::NodeRef| self.doc.attr(*n, "name") == Some(name);
            let old = self.doc.children(at).find(same);
            if let Some(old) = old {
                self.doc.set_attr(old, "value", value);
                continue;
            }
            let pair = self.id(&format!("{id}-{name}"));
            let attrs = [("name", name.as_str()), ("value", value), ("id", &pair)];
            self.doc.add_element(at, "nvpair", &attrs);
        }
        Ok(format!("{set} {id}"))
    }

    /// `LEVEL…` for all nodes, or `NODE: LEVEL…`; a level is `DEVICE[,DEVICE…]`.
    pub(super) fn fencing_topology(&mut self, words: &[String]) -> Made {
        let named: Vec<_> = self.doc.descendants(self.doc.root()).collect();
        let named = named.into_iter().filter(|n| self.doc.name(*n) == "node");
        let nodes: Vec<String> = named
            .filter_map(|n| self.doc.attr(n, "uname").map(str::to_owned))
            .collect();
        let mut levels: Vec<(String, Vec<&str>)> = Vec::new();
        for word in words {
            match word.strip_suffix(':') {
                Some(node) if node.contains(':') => {
                    return Err(format!("{node}: put it into cib.xml by hand"));
                }
                Some(node) => levels.push((node.to_owned(), Vec::new())),
                None => match levels.last_mut() {
                    Some((_, devices)) => devices.push(word),
                    None => {
                        levels.extend(nodes.iter().map(|n| (n.clone(), Vec::new())));
                        break;
                    }
                },
            }
        }
        if words.first().is_some_and(|w| !w.ends_with(':')) {
            let all: Vec<&str> = words.iter().map(String::as_str).collect();
            levels.iter_mut().for_each(|(_, d)| d.clone_from(&all));
        }
        if levels.is_empty() {
            return Err("no nodes are named: write NODE: before its devices".into());
        }
        let section = self.section("fencing-topology");
        for (node, devices) in levels {
            for (place, devices) in devices.iter().enumerate() {
                let id = self.id("fencing");
                let index = (place + 1).to_string();
                let attrs = [
                    ("target", node.as_str()),
                    ("index", &index),
                    ("devices", devices),
                    ("id", &id),
                ];
                self.doc.add_element(section, "fencing-level", &attrs);
            }
        }
        Ok("fencing-topology".into())
    }
}
