//! The configurations of two nodes of one cluster: what must agree.

use super::Understood;
use crate::config::diagnostic::{Diagnostic, Findings, Severity};
use crate::config::ha_cf::{HaCf, Medium};
use crate::config::haresources::Haresources;
use crate::config::source::Source;

/// Compares each set with the first one that has a node in common with it.
pub fn compare(sets: &[Understood]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (at, set) in sets.iter().enumerate() {
        let earlier = sets[..at].iter().find(|other| same_cluster(other, set));
        if let Some(earlier) = earlier {
            found.extend(pair(earlier, set));
        }
    }
    found
}

fn same_cluster(a: &Understood, b: &Understood) -> bool {
    match (&a.ha_cf, &b.ha_cf) {
        (Some((a, _)), Some((b, _))) => a.nodes.iter().any(|n| b.has_node(n)),
        _ => false,
    }
}

fn pair(first: &Understood, second: &Understood) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    if let (Some((a, at)), Some((b, source))) = (&first.ha_cf, &second.ha_cf) {
        let mut found = Findings::new(source);
        nodes(a, at, b, &mut found);
        ports(a, at, b, &mut found);
        all.extend(found.finish());
    }
    if let (Some((a, at)), Some((b, source))) = (&first.haresources, &second.haresources) {
        let mut found = Findings::new(source);
        groups(a, at, b, &mut found);
        all.extend(found.finish());
    }
    all
}

fn nodes(a: &HaCf, at: &Source, b: &HaCf, found: &mut Findings<'_>) {
    let other = at.path().display();
    for (node, span) in b.nodes.iter().zip(&b.places.nodes) {
        if !a.has_node(node) {
            let message = format!("node {node} is not in {other}");
            found.add(Severity::Warning, *span, message).help =
                Some("name the same nodes everywhere, in the same order".into());
        }
    }
    let last = b.places.nodes.last().copied().unwrap_or_default();
    for node in a.nodes.iter().filter(|n| !b.has_node(n)) {
        let message = format!("node {node} of {other} is missing here");
        found.add(Severity::Warning, last, message).help =
            Some("name the same nodes everywhere, in the same order".into());
    }
}

/// The port of broadcasts and unicasts: nodes that send to different ones don't hear each other.
fn ports(a: &HaCf, at: &Source, b: &HaCf, found: &mut Findings<'_>) {
    let by_udpport = |m: &&Medium| !matches!(m, Medium::Mcast { .. } | Medium::Mcast6 { .. });
    let port = |m: &HaCf| m.media.iter().filter(by_udpport).find_map(Medium::port);
    let (Some(theirs), Some(ours)) = (port(a), port(b)) else {
        return;
    };
    if theirs != ours {
        let media = b.media.iter().zip(&b.places.media);
        let place = media
            .filter(|(m, _)| m.port() == Some(ours))
            .map(|(_, s)| *s)
            .next();
        let message = format!("port {ours} here, port {theirs} in {}", at.path().display());
        found
            .add(Severity::Warning, place.unwrap_or_default(), message)
            .help = Some(
            "nodes hear each other on one port only; udpport counts for media \
                          after it"
                .into(),
        );
    }
}

fn groups(a: &Haresources, at: &Source, b: &Haresources, found: &mut Findings<'_>) {
    let other = at.path().display();
    let help = "the file must be the same on all nodes: each decides by its own who takes what";
    for group in &b.groups {
        let line = |span| at.position(span).0;
        let message = match a.group(group.key()) {
            None => format!("the group {} is not in {other}", group.key()),
            Some(theirs) if theirs.node != group.node => format!(
                "the group {} is of {} here, of {} in {other}:{}",
                group.key(),
                group.node,
                theirs.node,
                line(theirs.span.start)
            ),
            Some(theirs) if words(theirs) != words(group) => format!(
                "the group {} has other resources in {other}:{}",
                group.key(),
                line(theirs.span.start)
            ),
            Some(_) => continue,
        };
        found.add(Severity::Warning, group.span, message).help = Some(help.into());
    }
    let last = b.groups.last().map(|g| g.span).unwrap_or_default();
    for group in a.groups.iter().filter(|g| b.group(g.key()).is_none()) {
        let message = format!("the group {} of {other} is missing here", group.key());
        found.add(Severity::Warning, last, message).help = Some(help.into());
    }
}

fn words(group: &crate::config::haresources::Group) -> Vec<&str> {
    group
        .resources
        .iter()
        .map(|r| r.as_written.as_str())
        .collect()
}
