//! Primitives, templates, groups, clones.

use super::lists::{List, Pair};
use super::{Building, Made, first};
use crate::cib::NodeRef;

/// Attributes that an operation has itself. Source: Pacemaker 2.1.5, resources-3.9.rng, `op`
const OF_OP: [&str; 11] = [
    "interval",
    "timeout",
    "start-delay",
    "interval-origin",
    "on-fail",
    "record-pending",
    "role",
    "enabled",
    "requires",
    "description",
    "name",
];

/// Class, provider and type of `ocf:heartbeat:IPaddr2`, `stonith:x`, `Dummy`.
fn agent(word: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = word.split(':').filter(|p| !p.is_empty()).collect();
    let of =
        |pairs: &[(&'static str, &str)]| pairs.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
    match parts[..] {
        [class, provider, kind] => of(&[("class", class), ("provider", provider), ("type", kind)]),
        [class, kind]
            if matches!(
                class,
                "lsb" | "stonith" | "systemd" | "service" | "upstart" | "heartbeat" | "nagios"
            ) =>
        {
            of(&[("class", class), ("type", kind)])
        }
        [provider, kind] => of(&[("class", "ocf"), ("provider", provider), ("type", kind)]),
        _ => of(&[("class", "ocf"), ("provider", "heartbeat"), ("type", word)]),
    }
}

impl Building {
    pub(super) fn primitive(&mut self, words: &[String], element: &str) -> Made {
        let (id, rest) = first(words, "an id")?;
        let (kind, rest) = first(rest, "an agent")?;
        let mut attrs = vec![("id", id.clone())];
        match kind.strip_prefix('@') {
            Some(template) => attrs.push(("template", template.to_owned())),
            None => attrs.extend(agent(kind)),
        }
        let section = self.section("resources");
        let attrs: Vec<_> = attrs.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let at = self.doc.add_element(section, element, &attrs);
        if let Err(why) = self.body(at, id, rest) {
            self.doc.detach(at);
            return Err(why);
        }
        if element == "primitive" {
            self.resources.insert(id.clone(), at);
        }
        Ok(format!("{element} {id}"))
    }

    /// What a resource has: sets of values, operations, a description.
    fn body(&mut self, at: NodeRef, id: &str, mut words: &[String]) -> Result<(), String> {
        let mut operations = None;
        while let Some((word, rest)) = words.split_first() {
            let all = words;
            words = rest;
            let set = match word.to_ascii_lowercase().as_str() {
                "params" => "instance_attributes",
                "meta" => "meta_attributes",
                "utilization" => "utilization",
                "op" => {
                    let all = *operations
                        .get_or_insert_with(|| self.doc.add_element(at, "operations", &[]));
                    let owner = self.doc.id(all).unwrap_or(id).to_owned();
                    self.op(all, &owner, &mut words)?;
                    continue;
                }
                "operations" => {
                    let list = List::take(&mut words, false)?;
                    let named = [("id", &list.id), ("id-ref", &list.id_ref)];
                    let named = named.iter().filter_map(|(n, v)| Some((*n, v.as_deref()?)));
                    let attrs: Vec<_> = named.collect();
                    operations = Some(self.doc.add_element(at, "operations", &attrs));
                    continue;
                }
                _ if word.starts_with("description=") => {
                    let text = word.trim_start_matches("description=");
                    self.doc.set_attr(at, "description", text);
                    continue;
                }
                _ if word.contains('=') => {
                    // The first list may stand without its keyword.
                    words = all;
                    "instance_attributes"
                }
                _ => return Err(format!("{word:?} isn't understood")),
            };
            let list = List::take(&mut words, true)?;
            self.list(at, (set, &format!("{id}-{set}")), &list);
        }
        Ok(())
    }

    /// `op NAME [NAME=VALUE…] [op_params …] [op_meta …]`
    fn op(&mut self, operations: NodeRef, id: &str, words: &mut &[String]) -> Result<(), String> {
        let (name, rest) = first(words, "the operation")?;
        *words = rest;
        let list = List::take(words, false)?;
        let of_op = |p: &Pair| p.name.as_deref().is_some_and(|n| OF_OP.contains(&n));
        let (own, others): (Vec<_>, Vec<_>) = list.pairs.into_iter().partition(of_op);
        let op = self.doc.new_element("op");
        self.doc.set_attr(op, "name", name);
        for pair in &own {
            let name = pair.name.as_deref().unwrap_or_default();
            self.doc.set_or_remove_attr(op, name, pair.value.as_deref());
        }
        let interval = self.doc.attr(op, "interval").unwrap_or("0").to_owned();
        self.doc.set_attr(op, "interval", &interval);
        let own = list.id;
        let own = own.unwrap_or_else(|| self.id(&format!("{id}-{name}-{interval}")));
        self.doc.set_attr(op, "id", &own);
        self.doc.append(operations, op);
        let mut params = List {
            pairs: others,
            ..List::default()
        };
        while let Some((word, rest)) = words.split_first() {
            let set = match word.to_ascii_lowercase().as_str() {
                "op_params" => "instance_attributes",
                "op_meta" => "meta_attributes",
                _ => break,
            };
            *words = rest;
            let mut list = List::take(words, true)?;
            if set == "instance_attributes" {
                list.pairs.splice(..0, std::mem::take(&mut params.pairs));
            }
            self.list(op, (set, &format!("{own}-{set}")), &list);
        }
        let set = format!("{own}-instance_attributes");
        self.list(op, ("instance_attributes", &set), &params);
        Ok(())
    }

    pub(super) fn group(&mut self, words: &[String]) -> Made {
        let (id, rest) = first(words, "an id")?;
        let of_body = |w: &str| matches!(w, "params" | "meta" | "utilization");
        let is_member = |w: &&String| !w.contains('=') && !of_body(w.to_ascii_lowercase().as_str());
        let count = rest.iter().take_while(is_member).count();
        let (members, rest) = rest.split_at(count);
        let inner = self.known(members)?;
        if inner.is_empty() {
            return Err("a group needs resources".into());
        }
        self.container("group", id, &inner, rest)
    }

    /// A clone; a promotable one as today's CIBs write it.
    pub(super) fn clone_of(&mut self, words: &[String], promotable: bool) -> Made {
        let (id, rest) = first(words, "an id")?;
        let (inner, rest) = first(rest, "the resource")?;
        let inner = self.known(std::slice::from_ref(inner))?;
        let made = self.container("clone", id, &inner, rest)?;
        if promotable {
            let at = self.resources[id];
            let meta = self.doc.child(at, "meta_attributes");
            let meta = meta.unwrap_or_else(|| {
                let set = format!("{id}-meta_attributes");
                self.doc.add_element(at, "meta_attributes", &[("id", &set)])
            });
            // Sets of values come before the resource.
            let first = self.doc.first_node(at);
            if first != Some(meta) {
                self.doc.detach(meta);
                let first = self.doc.first_node(at);
                self.doc.insert_before(at, meta, first);
            }
            let pair = self.id(&format!("{id}-meta_attributes-promotable"));
            let attrs = [("name", "promotable"), ("value", "true"), ("id", &pair)];
            self.doc.add_element(meta, "nvpair", &attrs);
        }
        Ok(made)
    }

    pub(super) fn known(&self, ids: &[String]) -> Result<Vec<NodeRef>, String> {
        let find = |id: &String| {
            let known = self.resources.get(id).copied();
            known.ok_or_else(|| format!("there is no resource {id}"))
        };
        ids.iter().map(find).collect()
    }

    fn container(&mut self, element: &str, id: &str, inner: &[NodeRef], rest: &[String]) -> Made {
        let section = self.section("resources");
        let at = self.doc.new_element(element);
        self.doc.set_attr(at, "id", id);
        self.doc.append(section, at);
        if let Err(why) = self.body(at, id, rest) {
            self.doc.detach(at);
            return Err(why);
        }
        for node in inner {
            self.doc.detach(*node);
            self.doc.append(at, *node);
        }
        self.resources.insert(id.to_owned(), at);
        Ok(format!("{element} {id}"))
    }

    /// `monitor RSC[:ROLE] INTERVAL[:TIMEOUT]`
    pub(super) fn monitor(&mut self, words: &[String]) -> Made {
        let (what, rest) = first(words, "a resource")?;
        let (when, _) = first(rest, "an interval")?;
        let (id, role) = what.split_once(':').unwrap_or((what, ""));
        let (interval, timeout) = when.split_once(':').unwrap_or((when, ""));
        let at = self.known(&[id.to_owned()])?[0];
        let operations = self.doc.child(at, "operations");
        let operations = operations.unwrap_or_else(|| self.doc.add_element(at, "operations", &[]));
        let mut op = vec!["monitor".to_owned(), format!("interval={interval}")];
        op.extend((!timeout.is_empty()).then(|| format!("timeout={timeout}")));
        op.extend((!role.is_empty()).then(|| format!("role={role}")));
        self.op(operations, id, &mut &op[..])?;
        Ok(format!("a monitor of {id}"))
    }
}
