//! Sets of resources: `( … )`, `[ … ]`, `{ … }`, and runs of resources of one role or action.

use super::{Building, role};
use crate::cib::NodeRef;

/// Words that follow a resource after a colon and are its role; others are its action.
const ROLES: [&str; 6] = [
    "started",
    "stopped",
    "master",
    "slave",
    "promoted",
    "unpromoted",
];

/// What a set has beside its resources.
const OF_SET: [&str; 2] = ["require-all", "sequential"];

/// A bracket, a resource with what follows its colon, or a word about the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Open(char),
    Close,
    Resource(String, Option<String>),
    Word(String, String),
}

/// The words of sets: brackets may touch their words.
pub(super) fn items(words: &[String]) -> Vec<Item> {
    let mut all = Vec::new();
    for word in words {
        let mut rest = word.as_str();
        while let Some(open) = rest.chars().next().filter(|c| "([{".contains(*c)) {
            all.push(Item::Open(open));
            rest = &rest[1..];
        }
        let bare = rest.trim_end_matches([')', ']', '}']);
        if let Some((name, value)) = bare.split_once('=') {
            all.push(Item::Word(name.to_owned(), value.to_owned()));
        } else if !bare.is_empty() {
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

/// The set that is written.
struct Open {
    node: NodeRef,
    more: Option<String>,
}

impl Building {
    /// Runs of resources of one role or action outside of brackets, and brackets, are a set each.
    pub(super) fn sets(&mut self, at: NodeRef, owner: &str, all: &[Item]) -> Result<(), String> {
        let mut set: Option<Open> = None;
        let mut bracket = None;
        let mut count = 0;
        for item in all {
            match item {
                Item::Open(_) if bracket.is_some() => {
                    return Err("a bracket in a bracket: the crm shell refuses it, too".into());
                }
                Item::Open(open) => {
                    bracket = Some(*open);
                    set = None;
                }
                Item::Close => {
                    bracket = None;
                    set = None;
                }
                Item::Resource(id, more) => {
                    let same = set.as_ref().filter(|set| set.more == *more);
                    let node = match same {
                        Some(set) => set.node,
                        None => self.set(at, (owner, count), bracket, more.as_deref()),
                    };
                    count += usize::from(same.is_none());
                    set = Some(Open {
                        node,
                        more: more.clone(),
                    });
                    self.doc.add_element(node, "resource_ref", &[("id", id)]);
                }
                Item::Word(name, value) => {
                    let set = set.as_ref().filter(|_| OF_SET.contains(&name.as_str()));
                    let set = set.ok_or_else(|| format!("{name} isn't understood here"))?;
                    // true is what holds if nothing is said.
                    let written = (value != "true").then_some(value.as_str());
                    self.doc.set_or_remove_attr(set.node, name, written);
                }
            }
        }
        match (count, bracket) {
            (0, _) => Err("no resources".into()),
            (_, Some(open)) => Err(format!("nothing closes {open}")),
            _ => Ok(()),
        }
    }

    fn set(
        &mut self,
        at: NodeRef,
        (owner, count): (&str, usize),
        bracket: Option<char>,
        more: Option<&str>,
    ) -> NodeRef {
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
