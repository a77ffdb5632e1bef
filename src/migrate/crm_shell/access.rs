//! Roles of the access control and who has them, tags, alerts.

use super::lists::List;
use super::{Building, Made, first};
use crate::cib::NodeRef;

/// What a shortcut names; `@@` stands for its first word, and the part in brackets is there if the
/// last word is.
///
/// Source: crmsh 4.4.1, `acl_shortcuts`
const SHORTCUTS: [(&str, usize, &str, &str); 9] = [
    (
        "meta",
        1,
        "//primitive[@id='@@']/meta_attributes",
        "/nvpair[@name='@@']",
    ),
    (
        "params",
        1,
        "//primitive[@id='@@']/instance_attributes",
        "/nvpair[@name='@@']",
    ),
    ("utilization", 1, "//primitive[@id='@@']/utilization", ""),
    (
        "location",
        1,
        "//rsc_location[@id='cli-prefer-@@' and @rsc='@@']",
        "",
    ),
    (
        "property",
        0,
        "//crm_config/cluster_property_set",
        "/nvpair[@name='@@']",
    ),
    (
        "nodeattr",
        0,
        "//nodes/node/instance_attributes",
        "/nvpair[@name='@@']",
    ),
    ("nodeutil", 0, "//nodes/node/utilization", "[@uname='@@']"),
    ("node", 0, "//nodes/node", "[@uname='@@']"),
    ("status", 0, "/cib/status", ""),
];

impl Building {
    /// `ID [description=D] {read|write|deny} [ID:] SPECS…`
    pub(super) fn role(&mut self, words: &[String]) -> Made {
        let (id, mut rest) = first(words, "an id")?;
        let section = self.section("acls");
        let at = self.doc.add_element(section, "acl_role", &[("id", id)]);
        if let Some((text, more)) = described(rest) {
            self.doc.set_attr(at, "description", text);
            rest = more;
        }
        let mut made = Ok(());
        let mut count = 0;
        while let (Ok(()), Some((kind, more))) = (&made, rest.split_first()) {
            rest = more;
            made = self.permission(
                at,
                &kind.to_ascii_lowercase(),
                (&format!("{id}-{count}"), &mut rest),
            );
            count += 1;
        }
        if made.is_err() {
            self.doc.detach(at);
        }
        made.map(|()| format!("acl_role {id}"))
    }

    fn permission(
        &mut self,
        role: NodeRef,
        kind: &str,
        (id, words): (&str, &mut &[String]),
    ) -> Result<(), String> {
        if !matches!(kind, "read" | "write" | "deny") {
            return Err(format!("{kind:?}: a right is read, write or deny"));
        }
        let named = words.first().and_then(|w| w.strip_suffix(':'));
        let id = named.unwrap_or(id).to_owned();
        if named.is_some() {
            *words = &words[1..];
        }
        let id = self.id(&id);
        let at = self
            .doc
            .add_element(role, "acl_permission", &[("id", &id), ("kind", kind)]);
        let mut specs = 0;
        while let Some((word, rest)) = words.split_first() {
            let (name, value) = word.split_once(':').unwrap_or((word, ""));
            let lower = name.to_ascii_lowercase();
            match lower.as_str() {
                "read" | "write" | "deny" if specs > 0 => break,
                "xpath" => self.doc.set_attr(at, "xpath", value),
                "ref" | "reference" => self.doc.set_attr(at, "reference", value),
                "type" | "tag" => self.doc.set_attr(at, "object-type", value),
                "attr" | "attribute" => self.doc.set_attr(at, "attribute", value),
                "cib" => self.doc.set_attr(at, "xpath", "/cib"),
                _ => {
                    let xpath = shortcut(&lower, value);
                    let xpath = xpath.ok_or_else(|| format!("{word:?} names nothing"))?;
                    self.doc.set_attr(at, "xpath", &xpath);
                }
            }
            specs += 1;
            *words = rest;
        }
        (specs > 0)
            .then_some(())
            .ok_or_else(|| format!("{kind}: of what? Write xpath:, ref:, type: or a shortcut"))
    }

    /// `acl_target USER ROLE…`, `acl_group GROUP ROLE…`
    pub(super) fn acl_target(&mut self, words: &[String], element: &str) -> Made {
        let (id, roles) = first(words, "a name")?;
        if roles.is_empty() {
            return Err("a role is missing".into());
        }
        let section = self.section("acls");
        let at = self.doc.add_element(section, element, &[("id", id)]);
        for role in roles {
            self.doc.add_element(at, "role", &[("id", role)]);
        }
        Ok(format!("{element} {id}"))
    }

    /// `ID[:] RSC…`
    pub(super) fn tag(&mut self, words: &[String]) -> Made {
        let (id, resources) = first(words, "an id")?;
        let id = id.strip_suffix(':').unwrap_or(id);
        if resources.is_empty() {
            return Err("a tag needs what it tags".into());
        }
        let section = self.section("tags");
        let at = self.doc.add_element(section, "tag", &[("id", id)]);
        for resource in resources {
            self.doc.add_element(at, "obj_ref", &[("id", resource)]);
        }
        Ok(format!("tag {id}"))
    }

    /// `ID PATH [description=D] [attributes LIST] [meta LIST] [select WHAT…] [to VALUE …]…`
    pub(super) fn alert(&mut self, words: &[String]) -> Made {
        let (id, rest) = first(words, "an id")?;
        let (path, mut rest) = first(rest, "the path of a program")?;
        let section = self.section("alerts");
        let attrs = [("id", id.as_str()), ("path", path)];
        let at = self.doc.add_element(section, "alert", &attrs);
        let mut made = self.alert_lists(at, id, &mut rest);
        let mut count = 0;
        while let (Ok(()), Some((word, more))) = (&made, rest.split_first()) {
            rest = more;
            if !word.eq_ignore_ascii_case("to") {
                made = Err(format!("{word:?} isn't understood"));
                break;
            }
            count += 1;
            made = self.recipient(at, &format!("{id}-recipient-{count}"), &mut rest);
        }
        if made.is_err() {
            self.doc.detach(at);
        }
        made.map(|()| format!("alert {id}"))
    }

    /// What alerts and recipients have both, and what an alert selects.
    fn alert_lists(&mut self, at: NodeRef, id: &str, words: &mut &[String]) -> Result<(), String> {
        while let Some((word, rest)) = words.split_first() {
            if let Some(text) = word.strip_prefix("description=") {
                self.doc.set_attr(at, "description", text);
                *words = rest;
                continue;
            }
            let kind = match word.to_ascii_lowercase().as_str() {
                "attributes" => "instance_attributes",
                "meta" => "meta_attributes",
                "select" => {
                    *words = rest;
                    self.select(at, id, words)?;
                    continue;
                }
                _ => return Ok(()),
            };
            *words = rest;
            let list = List::take(words, true)?;
            self.list(at, (kind, &format!("{id}-{kind}")), &list);
        }
        Ok(())
    }

    /// `{nodes|fencing|resources|attributes [{ NAME… }]}…`
    fn select(&mut self, at: NodeRef, id: &str, words: &mut &[String]) -> Result<(), String> {
        let select = self.doc.add_element(at, "select", &[]);
        let mut count = 0;
        while let Some((word, rest)) = words.split_first() {
            let lower = word.to_ascii_lowercase();
            if !matches!(
                lower.as_str(),
                "nodes" | "fencing" | "resources" | "attributes"
            ) {
                break;
            }
            *words = rest;
            let kind = self
                .doc
                .add_element(select, &format!("select_{lower}"), &[]);
            if rest.first().is_none_or(|w| w != "{") {
                continue;
            }
            let end = rest.iter().position(|w| w == "}");
            let end = end.ok_or("nothing closes {")?;
            for name in &rest[1..end] {
                let own = self.id(&format!("{id}-{count}"));
                count += 1;
                let attrs = [("id", own.as_str()), ("name", name)];
                self.doc.add_element(kind, "attribute", &attrs);
            }
            *words = &rest[end + 1..];
        }
        Ok(())
    }

    fn recipient(&mut self, at: NodeRef, id: &str, words: &mut &[String]) -> Result<(), String> {
        let braces = words.first().is_some_and(|w| w == "{");
        if braces {
            *words = &words[1..];
        }
        let (value, rest) = first(words, "the value of a recipient")?;
        *words = rest;
        let attrs = [("id", id), ("value", value.as_str())];
        let to = self.doc.add_element(at, "recipient", &attrs);
        self.alert_lists(to, id, words)?;
        if braces {
            let closed = words.first().is_some_and(|w| w == "}");
            *words = words.get(1..).unwrap_or_default();
            return closed
                .then_some(())
                .ok_or_else(|| "nothing closes {".to_owned());
        }
        Ok(())
    }
}

/// A description at the front of `words`, and the rest.
fn described(words: &[String]) -> Option<(&str, &[String])> {
    let (word, rest) = words.split_first()?;
    Some((word.strip_prefix("description=")?, rest))
}

fn shortcut(name: &str, value: &str) -> Option<String> {
    let (_, needed, path, more) = SHORTCUTS.iter().find(|(n, ..)| *n == name)?;
    let mut values = value.split(':').filter(|v| !v.is_empty());
    let first = if *needed > 0 { values.next()? } else { "" };
    let mut xpath = path.replace("@@", first);
    if let Some(last) = values.next() {
        xpath += &more.replace("@@", last);
    }
    Some(xpath)
}
