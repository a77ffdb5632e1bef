//! A patch of format 2 as lines for people, in the form of Pacemaker's logs.
//!
//! Source: Pacemaker 2.1.5 `lib/common/patchset_display.c`; seen at `crm_shadow --diff`.

use super::versions;
use crate::cib::dom::{Document, Kind, NodeRef};
use crate::cib::writer;

/// The lines: versions, then each change.
pub fn describe(patch: &Document) -> Vec<String> {
    let mut lines = header(patch);
    for change in patch.children_named(patch.root(), "change") {
        let attr = |name| patch.attr(change, name).unwrap_or("");
        let path = attr("path");
        match attr("operation") {
            "create" => created(patch, change, path, &mut lines),
            "move" => lines.push(format!("+~ {path} moved to offset {}", attr("position"))),
            "modify" => modified(patch, change, path, &mut lines),
            "delete" => lines.push(match patch.attr(change, "position") {
                Some(position) => format!("-- {path} ({position})"),
                None => format!("-- {path}"),
            }),
            _ => {}
        }
    }
    lines
}

fn header(patch: &Document) -> Vec<String> {
    match versions(patch) {
        (Some(from), Some(to)) if from != to => {
            let attr = |name| patch.attr(patch.root(), name).unwrap_or("(null)");
            vec![
                format!("Diff: --- {from} {}", attr("format")),
                format!("Diff: +++ {to} {}", attr("digest")),
            ]
        }
        (_, Some(to)) => vec![format!("Local-only Change: {to}")],
        _ => Vec::new(),
    }
}

fn modified(patch: &Document, change: NodeRef, path: &str, lines: &mut Vec<String>) {
    let list = patch.child(change, "change-list");
    let attrs = |operation: &str| -> Vec<String> {
        list.into_iter()
            .flat_map(|list| patch.children(list))
            .filter(|&attr| patch.attr(attr, "operation") == Some(operation))
            .map(|attr| {
                let name = patch.attr(attr, "name").unwrap_or("");
                match patch.attr(attr, "value") {
                    Some(value) if operation == "set" => format!("@{name}={value}"),
                    _ => format!("@{name}"),
                }
            })
            .collect()
    };
    for (sign, operation) in [("+ ", "set"), ("--", "unset")] {
        let attrs = attrs(operation);
        if !attrs.is_empty() {
            lines.push(format!("{sign} {path}:  {}", attrs.join(", ")));
        }
    }
}

/// The first line shows the place and only the created element itself.
fn created(patch: &Document, change: NodeRef, path: &str, lines: &mut Vec<String>) {
    let Some(top) = patch.first_node(change) else {
        return;
    };
    let prefix = format!("++ {path}: ");
    lines.push(format!("{prefix} {}", alone(patch, top)));
    if patch.first_node(top).is_none() {
        return;
    }
    let blank = format!("++{}", " ".repeat(prefix.chars().count() - 2));
    let text = writer::pretty(patch, top);
    let inside = text.lines().skip(1).filter(|line| !line.is_empty());
    lines.extend(inside.map(|line| format!("{blank} {line}")));
}

fn alone(patch: &Document, node: NodeRef) -> String {
    if patch.kind(node) != Kind::Element {
        return writer::compact(patch, node);
    }
    let mut doc = Document::new("x");
    let copy = doc.import_shallow(patch, node);
    writer::compact(&doc, copy)
}
