//! Bundles, and configuration that is written as XML.

use super::lists::List;
use super::{Building, Made, first};
use crate::cib::{NodeRef, reader};

/// Sections of the configuration, and what belongs into each.
const SECTIONS: [(&str, &[&str]); 9] = [
    ("nodes", &["node"]),
    (
        "resources",
        &[
            "primitive",
            "template",
            "group",
            "clone",
            "master",
            "bundle",
        ],
    ),
    (
        "constraints",
        &["rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket"],
    ),
    ("crm_config", &["cluster_property_set"]),
    ("rsc_defaults", &["meta_attributes"]),
    ("fencing-topology", &["fencing-level"]),
    ("acls", &["acl_role", "acl_target", "acl_group", "acl_user"]),
    ("tags", &["tag"]),
    ("alerts", &["alert"]),
];

impl Building {
    /// `ID [description=D] {docker|rkt|podman} LIST [network …] [storage …] [meta LIST]
    /// [primitive RSC]`
    pub(super) fn bundle(&mut self, words: &[String]) -> Made {
        let (id, rest) = first(words, "an id")?;
        let section = self.section("resources");
        let at = self.doc.add_element(section, "bundle", &[("id", id)]);
        let made = self.bundle_of(at, id, rest);
        if let Err(why) = made {
            self.doc.detach(at);
            return Err(why);
        }
        self.resources.insert(id.clone(), at);
        Ok(format!("bundle {id}"))
    }

    fn bundle_of(&mut self, at: NodeRef, id: &str, mut words: &[String]) -> Result<(), String> {
        while let Some((word, rest)) = words.split_first() {
            words = rest;
            if let Some(text) = word.strip_prefix("description=") {
                self.doc.set_attr(at, "description", text);
                continue;
            }
            let lower = word.to_ascii_lowercase();
            match lower.as_str() {
                "docker" | "rkt" | "podman" => {
                    let node = self.doc.add_element(at, &lower, &[]);
                    self.own(node, &mut words)?;
                }
                "network" | "storage" => {
                    let node = self.doc.add_element(at, &lower, &[]);
                    self.own(node, &mut words)?;
                    let inner = if lower == "network" {
                        "port-mapping"
                    } else {
                        "storage-mapping"
                    };
                    while let Some((word, rest)) = words.split_first()
                        && word.eq_ignore_ascii_case(inner)
                    {
                        words = rest;
                        let mapping = self.doc.add_element(node, inner, &[]);
                        self.own(mapping, &mut words)?;
                    }
                }
                "meta" => {
                    let list = List::take(&mut words, true)?;
                    let set = format!("{id}-meta_attributes");
                    self.list(at, ("meta_attributes", &set), &list);
                }
                "primitive" => {
                    let (inner, rest) = first(words, "the resource")?;
                    words = rest;
                    let inner = self.known(std::slice::from_ref(inner))?[0];
                    self.doc.detach(inner);
                    self.doc.append(at, inner);
                }
                _ => return Err(format!("{word:?} isn't understood")),
            }
        }
        Ok(())
    }

    /// `NAME=VALUE…` as an element's own attributes.
    fn own(&mut self, at: NodeRef, words: &mut &[String]) -> Result<(), String> {
        for pair in List::take(words, false)?.pairs {
            if let (Some(name), Some(value)) = (pair.name, pair.value) {
                self.doc.set_attr(at, &name, &value);
            }
        }
        Ok(())
    }

    /// `xml ELEMENT`: goes into the section of its kind as it is.
    pub(super) fn xml(&mut self, text: &str) -> Made {
        let inner = reader::read(text).map_err(|e| format!("no XML: {e}"))?;
        let name = inner.name(inner.root()).to_owned();
        let of = SECTIONS
            .iter()
            .find(|(_, all)| all.contains(&name.as_str()));
        let Some((section, _)) = of else {
            return Err(format!("<{name}> belongs into no section"));
        };
        let section = self.section(section);
        let at = self.doc.import(&inner, inner.root());
        self.doc.append(section, at);
        let id = self.doc.id(at).unwrap_or_default().to_owned();
        if self.doc.name(section) == "resources" {
            self.resources.insert(id.clone(), at);
        }
        Ok(format!("{name} {id}"))
    }
}
