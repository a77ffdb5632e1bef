//! Access control: who may read and write which part of a document.
//!
//! ```text
//!  document, user --Access::of--> Access          none: the user may do all
//!  Access --filtered--> what the user may read
//!  Access --check--> whether the user may make a new document of it
//! ```
//!
//! Source: Pacemaker 2.1.5 `lib/common/acl.c`; each rule tried with cibadmin.

mod check;
mod rules;

use std::collections::BTreeMap;

use super::dom::{Document, NodeRef};
use super::error::Error;
use super::merge::same_tree;
use super::xpath::XPath;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Name of the user.
    pub name: String,
    /// Names of the user's groups.
    pub groups: Vec<String>,
}

/// What a permission lets do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Read,
    Write,
    Deny,
}

/// A permission: what, and where.
#[derive(Debug, Clone)]
struct Permission {
    mode: Mode,
    selector: XPath,
}

/// The permissions of one user.
#[derive(Debug, Clone)]
pub struct Access {
    permissions: Vec<Permission>,
}

/// What is allowed at one element, all permissions that match it together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Allowed {
    read: bool,
    write: bool,
    deny: bool,
}

impl Allowed {
    fn reads(self) -> bool {
        !self.deny && (self.read || self.write)
    }

    fn writes(self) -> bool {
        !self.deny && self.write
    }
}

/// The elements of one document that permissions match.
#[derive(Debug, Default)]
struct Matched(BTreeMap<NodeRef, Allowed>);

impl Matched {
    fn at(&self, node: NodeRef) -> Allowed {
        self.0.get(&node).copied().unwrap_or_default()
    }

    /// Whether an element may be written: the innermost that says anything decides.
    fn may_write(&self, doc: &Document, node: NodeRef) -> bool {
        doc.ancestors(node)
            .find_map(|node| match self.at(node) {
                allowed if allowed.writes() => Some(true),
                allowed if allowed.deny => Some(false),
                _ => None,
            })
            .unwrap_or(false)
    }
}

/// How an element looks to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// May be read and written.
    Writable,
    /// May be read.
    Readable,
    /// May not be read.
    Denied,
}

impl Access {
    /// What a user may do; none if the user is the administrator or the document doesn't ask
    /// for access control.
    pub fn of(doc: &Document, user: &User) -> Option<Self> {
        let free = matches!(user.name.as_str(), "" | "root" | "hacluster");
        if free || !rules::is_enabled(doc) {
            return None;
        }
        Some(Self {
            permissions: rules::permissions(doc, user),
        })
    }

    fn matched(&self, doc: &Document) -> Matched {
        let mut matched = Matched::default();
        for permission in &self.permissions {
            for node in permission.selector.select(doc).unwrap_or_default() {
                let allowed = matched.0.entry(node).or_default();
                match permission.mode {
                    Mode::Read => allowed.read = true,
                    Mode::Write => allowed.write = true,
                    Mode::Deny => allowed.deny = true,
                }
            }
        }
        matched
    }

    /// What the user may read of a document.
    ///
    /// Errors: [`Error::Denied`] if that is nothing.
    pub fn filtered(&self, doc: &Document) -> Result<Document, Error> {
        let mut copy = doc.clone();
        let matched = self.matched(doc);
        let denied: Vec<_> = doc
            .descendants(doc.root())
            .filter(|&node| matched.at(node).deny)
            .collect();
        for node in denied.into_iter().chain([doc.root()]) {
            if !copy.contains(copy.root(), node) {
                continue;
            }
            if !prune(&mut copy, node, &matched) {
                if node == copy.root() {
                    return Err(Error::Denied);
                }
                copy.detach(node);
            }
        }
        Ok(copy)
    }

    /// How each element looks to the user, with the attributes of unreadable ones gone or not.
    pub fn view(&self, doc: &Document) -> impl Fn(NodeRef) -> View + use<> {
        let matched = self.matched(doc);
        let mut views = vec![View::Denied; doc.node_count()];
        for node in doc.descendants(doc.root()) {
            let above = doc.parent(node).map_or(View::Denied, |p| views[p.index()]);
            views[node.index()] = match matched.at(node) {
                allowed if allowed.deny => View::Denied,
                allowed if allowed.write => View::Writable,
                allowed if allowed.read => View::Readable,
                _ => above,
            };
        }
        move |node| views.get(node.index()).copied().unwrap_or(View::Denied)
    }

    /// Whether the user may do nothing at all, not even create what holds other elements.
    pub fn is_nothing(&self) -> bool {
        self.permissions.is_empty()
    }

    /// Whether the user may turn one document into another.
    ///
    /// Errors: [`Error::Denied`].
    pub fn check(&self, old: &Document, new: &Document) -> Result<(), Error> {
        if self.is_nothing() {
            return match same_tree(old, old.root(), new, new.root()) {
                true => Ok(()),
                false => Err(Error::Denied),
            };
        }
        match check::is_allowed(&self.matched(old), old, &self.matched(new), new) {
            true => Ok(()),
            false => Err(Error::Denied),
        }
    }
}

/// Takes out what may not be read; says whether anything is left.
fn prune(doc: &mut Document, top: NodeRef, matched: &Matched) -> bool {
    if matched.at(top).reads() {
        return true;
    }
    let hidden: Vec<String> = doc
        .attrs(top)
        .map(|(name, _)| name.to_owned())
        .filter(|name| name != "id")
        .collect();
    for name in hidden {
        doc.remove_attr(top, &name);
    }
    let mut left = false;
    let nodes: Vec<_> = doc.nodes(top).collect();
    for node in nodes {
        if prune(doc, node, matched) {
            left = true;
        } else {
            doc.detach(node);
        }
    }
    left
}

#[cfg(test)]
mod tests;
