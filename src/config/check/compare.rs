//! The configurations of the nodes of one cluster: what must agree.

use super::{Understood, names, ports};
use crate::config::diagnostic::{Diagnostic, Severity, about_file};
use crate::config::host::Host;
use crate::config::{authkeys, corosync_conf, ha_cf, haresources};

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

/// The sets are the nodes of one cluster: each is compared with the first, and the names that
/// they use are looked up, in the nodes' own hosts files or else by `host`.
pub fn compare_cluster(sets: &[Understood], host: &dyn Host) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some((first, others)) = sets.split_first() {
        found.extend(others.iter().flat_map(|set| pair(first, set)));
    }
    found.extend(sets.iter().flat_map(ports::of_set));
    found.extend(names::of_cluster(sets, host));
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
    if let (Some(a), Some(b)) = (&first.ha_cf, &second.ha_cf) {
        all.extend(ha_cf::differences(a, b));
    }
    if let (Some(a), Some(b)) = (&first.haresources, &second.haresources) {
        all.extend(haresources::differences(a, b));
    }
    if let (Some(a), Some(b)) = (&first.authkeys, &second.authkeys) {
        all.extend(authkeys::differences(a, b));
    }
    if let (Some(a), Some(b)) = (&first.corosync_conf, &second.corosync_conf) {
        all.extend(corosync_conf::differences(a, b));
    }
    if let (Some((file, a)), Some((other, b))) = (&first.ring_key, &second.ring_key)
        && a != b
    {
        let message = format!("not the key of {}", file.display());
        let help = "copy it from the node where it is right: a ring's members share one key";
        all.push(about_file(Severity::Error, other, message).help(help));
    }
    all
}
