//! The haresources of two nodes: each node decides by its own file who takes what.

use super::model::{Group, Haresources};
use crate::config::diagnostic::{Diagnostic, Findings, Other, Severity};
use crate::config::source::{Source, Span};

/// What differs in the second file, with the line of the first.
pub fn differences(
    (a, first): &(Haresources, Source),
    (b, second): &(Haresources, Source),
) -> Vec<Diagnostic> {
    let mut found = Findings::new(second);
    let mut tell = |span, message, other| {
        let new = found.add(Severity::Warning, span, message);
        new.help = Some(
            "the file must be the same on all nodes: each decides by its own who takes what".into(),
        );
        new.other = Some(Other::new(first, other));
    };
    let name = first.path().display();
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

fn end(source: &Source) -> Span {
    let end = source.text().trim_end().len();
    Span::new(end, end)
}

fn words(group: &Group) -> Vec<&str> {
    let words = group.resources.iter().map(|r| r.as_written.as_str());
    words.collect()
}
