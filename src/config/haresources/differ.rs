//! The haresources of two nodes: each node decides by its own file who takes what.

use super::model::{Group, Haresources};
use crate::config::diagnostic::{Diagnostic, Findings, Severity};
use crate::config::differences::{Differences, end};
use crate::config::source::Source;

/// What differs in the second file, with the line of the first.
pub fn differences(
    (a, first): &(Haresources, Source),
    (b, second): &(Haresources, Source),
) -> Vec<Diagnostic> {
    let mut found = Differences::new(first, Findings::new(second));
    let name = found.name();
    let mut tell = |span, message, other| {
        found.tell(Severity::Warning, (span, other), message).help = Some(
            "the file must be the same on all nodes: each decides by its own who takes what".into(),
        );
    };
    for group in &b.groups {
        let Some(theirs) = a.group(group.key()) else {
            let message = format!("the group {} is not in {name}", group.key());
            tell(group.span, message, end(first));
            continue;
        };
        let message = if theirs.node != group.node {
            let (ours, theirs) = (&group.node, &theirs.node);
            format!(
                "the group {} is of {ours} here, of {theirs} in {name}",
                group.key()
            )
        } else if words(theirs) != words(group) {
            format!("the group {} has other resources in {name}", group.key())
        } else {
            continue;
        };
        tell(group.span, message, theirs.span);
    }
    for group in a.groups.iter().filter(|g| b.group(g.key()).is_none()) {
        let message = format!("the group {} of {name} is missing here", group.key());
        tell(end(second), message, group.span);
    }
    found.finish()
}

fn words(group: &Group) -> Vec<&str> {
    let words = group.resources.iter().map(|r| r.as_written.as_str());
    words.collect()
}
