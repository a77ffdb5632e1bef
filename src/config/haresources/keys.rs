//! Group keys: a group is looked up by its first resource, so keys must be unlike each other.

use super::model::{Group, Haresources, Resource};
use crate::config::diagnostic::{Findings, Severity};

/// Reports keys that find more than their own group; leaves out a group whose key is taken.
///
/// Source: heartbeat 3.0.6, ResourceManager, `ipresline`: each line in which the key is found as
/// a regular expression, whose words then all count as resources
pub(super) fn check(model: &mut Haresources, found: &mut Findings<'_>) {
    let mut kept: Vec<Group> = Vec::new();
    for group in model.groups.drain(..) {
        match kept.iter().find(|g| g.key() == group.key()) {
            Some(first) => taken(first, &group, found),
            None => kept.push(group),
        }
    }
    model.groups = kept;
    for group in &model.groups {
        pattern(group, found);
        for other in model.groups.iter().filter(|g| g.span != group.span) {
            foreign_hit(group, other, found);
        }
    }
    shared(model, found);
}

fn taken(first: &Group, second: &Group, found: &mut Findings<'_>) {
    let (line, _) = found.source().position(first.span.start);
    let key = second.key();
    let message = format!(
        "{key} is the first resource of line {line} too, and a group is known by its first \
         resource: this line is left out"
    );
    let help = if first.node == second.node {
        format!("put the other resources of this line into line {line}")
    } else {
        format!(
            "keep one line with the node that is to have it by preference; {} takes it over \
             by itself when {} dies",
            second.node, first.node
        )
    };
    let span = second.resources.first().map_or(second.span, |r| r.span);
    found.add(Severity::Warning, span, message).help = Some(help);
}

/// A key that as a regular expression doesn't find itself.
fn pattern(group: &Group, found: &mut Findings<'_>) {
    let special = [
        '*', '+', '?', '(', ')', '[', ']', '{', '}', '|', '^', '$', '\\',
    ];
    if let Some(key) = group.resources.first()
        && let Some(c) = key.as_written.chars().find(|c| special.contains(c))
    {
        let message = format!(
            "heartbeat looks this group up by its first resource as a regular expression, and \
             {c} has a meaning there"
        );
        found.add(Severity::Warning, key.span, message).help =
            Some("start the line with another resource, such as the address".into());
    }
}

/// The key of one group among the resources of another, as the scripts look it up.
fn foreign_hit(group: &Group, other: &Group, found: &mut Findings<'_>) {
    let key = group.key();
    let hit = other.resources.iter().find(|r| finds(key, &r.as_written));
    if let Some(resource) = hit {
        let (line, _) = found.source().position(group.span.start);
        let message = format!(
            "line {line}'s group is known by its first resource {key}, which is found here too: \
             under heartbeat whoever takes that group takes this one with it"
        );
        found.add(Severity::Warning, resource.span, message).help =
            Some(format!("give line {line} another first resource"));
    }
}

/// Whether a key finds a word: equal, where a dot of the key stands for any character.
fn finds(key: &str, word: &str) -> bool {
    let mut word = word.chars();
    let all = key
        .chars()
        .all(|k| word.next().is_some_and(|w| k == '.' || k == w));
    all && word.next().is_none()
}

/// A resource in two groups is stopped for both when one of them moves.
fn shared(model: &Haresources, found: &mut Findings<'_>) {
    let mut seen: Vec<(&Resource, usize)> = Vec::new();
    for (at, group) in model.groups.iter().enumerate() {
        for resource in group.resources.iter().skip(1) {
            let word = resource.as_written.as_str();
            let known = seen.iter().find(|(r, _)| r.as_written == word);
            match known.copied() {
                Some((_, first)) if first == at => {
                    let message = format!("{word} a second time in one group");
                    found.add(Severity::Warning, resource.span, message).help =
                        Some("keep one of them".into());
                }
                Some((first, _)) => {
                    let (line, _) = found.source().position(first.span.start);
                    let message = format!("{word} is in the group of line {line} too");
                    found.add(Severity::Warning, resource.span, message).help = Some(
                        "when both groups are on one node and one of them leaves, it is stopped \
                         for the other as well; start it outside the cluster, or put both groups \
                         into one line"
                            .into(),
                    );
                }
                None => seen.push((resource, at)),
            }
        }
    }
}
