//! `service` and `uidgid`, in the file and in the folders service.d and uidgid.d beside it.
//!
//! Source: spec corosync-conf.md 3.6

use super::generation::{Generation, Told};
use super::model::{Access, Service};
use super::tree::{self, Section};
use crate::config::diagnostic::{Diagnostic, Findings, Severity};
use crate::config::source::{Source, Span};
use crate::config::{encoding, value};

/// Who may use the local sockets, in order.
pub(super) fn access(tree: &Section) -> Vec<Access> {
    let keys = tree.all("uidgid").flat_map(|s| &s.keys);
    keys.filter_map(|key| match key.name.as_str() {
        "uid" => Some(Access::User(key.value.clone())),
        "gid" => Some(Access::Group(key.value.clone())),
        _ => None,
    })
    .collect()
}

/// The plugins of 1.x, in order.
pub(super) fn services(tree: &Section) -> Vec<Service> {
    let named = |section: &Section| {
        let ver = section.key("ver").map_or("0", |k| k.value.as_str());
        Some(Service {
            name: section.key("name")?.value.clone(),
            ver: value::leading_number(ver).0,
            span: section.span,
        })
    };
    tree.all("service").filter_map(named).collect()
}

/// Reads a file of service.d: the syntax of corosync.conf, with sections `service`.
pub fn parse_service_d(source: &Source) -> (Vec<Service>, Vec<Diagnostic>) {
    let (tree, found) = included(source, "service");
    (services(&tree), found)
}

/// Reads a file of uidgid.d: the syntax of corosync.conf, with sections `uidgid` only.
pub fn parse_uidgid_d(source: &Source) -> (Vec<Access>, Vec<Diagnostic>) {
    let (tree, found) = included(source, "uidgid");
    (access(&tree), found)
}

fn included(source: &Source, only: &str) -> (Section, Vec<Diagnostic>) {
    let mut found = Findings::of(source, "corosync");
    encoding::check(&mut found);
    let mut tree = tree::parse(&mut found);
    for other in tree.sections.iter().filter(|s| s.name != only) {
        let message = format!("a section {:?} doesn't count here", other.name);
        found.add(Severity::Error, other.span, message).help =
            Some(format!("files of {only}.d have sections {only} only"));
    }
    tree.sections.retain(|s| s.name == only);
    let told = Told {
        generation: Generation::Three,
        because: String::new(),
        span: Span::default(),
        ambiguous: false,
    };
    super::keys::check(&mut tree, told.generation, &mut found);
    (tree, found.finish())
}
