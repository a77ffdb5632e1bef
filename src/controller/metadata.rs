//! What an agent says of itself: which parameters it takes over while it runs, which are secret.
//!
//! Source: OCF resource agent API 1.0 and 1.1; Pacemaker 2.1.5, `daemons/controld`: what the
//! history says of it, word for word.

use std::sync::Arc;

use super::history::digest;
use crate::cib::{Element, reader};
use crate::executor::{Class, Parameters};

/// Parameters that are secret although an agent doesn't say so of any.
const SECRET: [&str; 3] = ["password", "passwd", "user"];

/// How an agent takes over new parameters while its resource runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// Not at all: the resource is started anew.
    No,
    /// By `reload`; those that identify the instance (`unique`) need a restart. OCF 1.0.
    Legacy,
    /// By `reload-agent`; those that aren't marked `reloadable` need a restart. OCF 1.1.
    Agent,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parameter {
    name: String,
    unique: bool,
    reloadable: bool,
    private: bool,
}

/// What is needed of an agent's meta-data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    reload: Reload,
    /// The last comes first, as the original lists them.
    parameters: Vec<Parameter>,
}

/// True if the history of such an operation speaks of the agent's parameters.
/// Source: Pacemaker 2.1.5, as observed; OCF is the class that has parameters.
pub fn is_needed(class: Class, action: &str) -> bool {
    let actions = [
        "start",
        "stop",
        "monitor",
        "promote",
        "demote",
        "reload",
        "reload-agent",
        "migrate_to",
        "migrate_from",
        "notify",
    ];
    class == Class::Ocf && actions.contains(&action)
}

impl Metadata {
    /// Reads what an agent prints; none if it can't be read.
    pub fn read(text: &str) -> Option<Self> {
        let doc = reader::read(text.trim_start()).ok()?;
        let root = doc.root_element();
        let version = root.child("version").map(text_of).unwrap_or_default();
        let is_1_1 = at_least_1_1(version.trim());
        let list = |parent: &str, child: &'static str| {
            let parent = root.child(parent).into_iter();
            parent.flat_map(move |parent| parent.children_named(child))
        };
        let mut reload = Reload::No;
        for action in list("actions", "action") {
            match action.attr("name") {
                Some("reload-agent") if is_1_1 => reload = Reload::Agent,
                Some(name) if !is_1_1 && name.eq_ignore_ascii_case("reload") => {
                    reload = Reload::Legacy;
                }
                _ => {}
            }
        }
        let mut parameters: Vec<Parameter> = list("parameters", "parameter")
            .filter_map(parameter)
            .collect();
        parameters.reverse();
        if !parameters.iter().any(|parameter| parameter.private) {
            for parameter in &mut parameters {
                parameter.private = SECRET.contains(&&*parameter.name);
            }
        }
        Some(Self { reload, parameters })
    }

    /// How it takes over new parameters.
    pub fn reload(&self) -> Reload {
        self.reload
    }

    /// What the history of an operation with these parameters says of them.
    pub(super) fn attributes(
        &self,
        parameters: &Parameters,
        recurring: bool,
    ) -> Vec<(&'static str, String)> {
        let mut attributes = Vec::new();
        let restart: Option<Vec<&str>> = match self.reload {
            _ if recurring => None,
            Reload::No => None,
            Reload::Legacy => Some(self.names(|parameter| parameter.unique)),
            Reload::Agent => Some(self.names(|parameter| !parameter.reloadable)),
        };
        if let Some(names) = restart {
            let kept = |name: &str| names.contains(&name);
            attributes.push(("op-force-restart", words(&names)));
            attributes.push(("op-restart-digest", part(parameters, false, kept)));
        }
        let secret = self.names(|parameter| parameter.private);
        if !secret.is_empty() {
            let kept = |name: &str| !secret.contains(&name);
            attributes.push(("op-secure-params", words(&secret)));
            attributes.push(("op-secure-digest", part(parameters, recurring, kept)));
        }
        attributes
    }

    fn names(&self, wanted: impl Fn(&Parameter) -> bool) -> Vec<&str> {
        let wanted = self.parameters.iter().filter(|parameter| wanted(parameter));
        wanted.map(|parameter| parameter.name.as_str()).collect()
    }
}

fn parameter(element: Element<'_>) -> Option<Parameter> {
    let is = |name: &str| element.attr(name).is_some_and(is_true);
    Some(Parameter {
        name: element.attr("name")?.to_owned(),
        unique: is("unique"),
        reloadable: is("reloadable"),
        private: is("private"),
    })
}

fn is_true(word: &str) -> bool {
    let words = ["true", "on", "yes", "y", "1"];
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn text_of(element: Element<'_>) -> String {
    let doc = element.doc();
    let texts = doc
        .nodes(element.node())
        .filter(|node| !doc.is_element(*node));
    texts.map(|node| doc.text(node)).collect()
}

fn at_least_1_1(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    let mut next = || parts.next().flatten().unwrap_or(0);
    (next(), next()) >= (1, 1)
}

/// As the original writes them, so that ` name ` is found in it.
fn words(names: &[&str]) -> String {
    match names.is_empty() {
        true => String::new(),
        false => format!("  {}  ", names.join(" ")),
    }
}

/// The digest of some of the parameters.
fn part(parameters: &Parameters, recurring: bool, kept: impl Fn(&str) -> bool) -> String {
    let some = parameters.iter().filter(|(name, _)| kept(name));
    let some = some.map(|(name, value)| (name.clone(), value.clone()));
    digest(&Arc::new(some.collect()), recurring)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "<?xml version=\"1.0\"?>\n<!DOCTYPE resource-agent SYSTEM \"ra-api-1.dtd\">\n\
        <resource-agent name=\"Dummy\" version=\"1.0\"><version>1.0</version><parameters>\
        <parameter name=\"state\" unique=\"1\"/><parameter name=\"fake\" unique=\"0\"/>\
        <parameter name=\"passwd\"/></parameters><actions><action name=\"reload\"/>\
        <action name=\"reload-agent\"/></actions></resource-agent>";

    fn parameters() -> Parameters {
        let all = [
            ("CRM_meta_timeout", "20000"),
            ("fake", "f"),
            ("passwd", "p"),
            ("state", "s"),
        ];
        let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Arc::new(all.into_iter().collect())
    }

    fn of(all: &[(&str, &str)]) -> String {
        crate::cib::digest::of_parameters(all.iter().copied())
    }

    #[test]
    fn an_old_agent_restarts_for_what_identifies_it() {
        let metadata = Metadata::read(OLD).unwrap();
        assert_eq!(metadata.reload(), Reload::Legacy);
        let wanted = vec![
            ("op-force-restart", "  state  ".to_owned()),
            ("op-restart-digest", of(&[("state", "s")])),
            ("op-secure-params", "  passwd  ".to_owned()),
            ("op-secure-digest", of(&[("fake", "f"), ("state", "s")])),
        ];
        assert_eq!(metadata.attributes(&parameters(), false), wanted);
        let secure = [("CRM_meta_timeout", "20000"), ("fake", "f"), ("state", "s")];
        let wanted = [wanted[2].clone(), ("op-secure-digest", of(&secure))];
        assert_eq!(metadata.attributes(&parameters(), true), wanted);
    }

    #[test]
    fn a_new_agent_restarts_for_what_it_does_not_reload() {
        let text = OLD
            .replace("<version>1.0", "<version>1.1")
            .replace("\"fake\"", "\"fake\" private=\"yes\" reloadable=\"1\"");
        let metadata = Metadata::read(&text).unwrap();
        assert_eq!(metadata.reload(), Reload::Agent);
        let attributes = metadata.attributes(&parameters(), false);
        assert_eq!(attributes[0].1, "  passwd state  ", "the last comes first");
        assert_eq!(attributes[2].1, "  fake  ", "what says so is believed");
        let text = text.replace("reload-agent", "other");
        let metadata = Metadata::read(&text).unwrap();
        assert_eq!(metadata.reload(), Reload::No, "reload is another thing now");
        assert_eq!(metadata.attributes(&parameters(), false).len(), 2);
    }

    #[test]
    fn what_can_not_be_read_says_nothing() {
        assert_eq!(Metadata::read("usage: web start|stop"), None);
        assert_eq!(Metadata::read(""), None);
        let empty = Metadata::read("<resource-agent/>").unwrap();
        assert_eq!(empty.attributes(&parameters(), false), []);
        assert!(is_needed(Class::Ocf, "stop") && !is_needed(Class::Ocf, "cancel"));
        assert!(!is_needed(Class::Lsb, "start"));
    }
}
