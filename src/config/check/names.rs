//! Names of hosts in the files of a cluster: each node must know them, and mean the same by them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Understood;
use crate::config::diagnostic::{Diagnostic, Findings, Other, Severity};
use crate::config::ha_cf::Medium;
use crate::config::host::{Host, hosts_line};
use crate::config::source::{Source, Span};

/// A name in a file.
struct Use<'s> {
    name: &'s str,
    source: &'s Source,
    span: Span,
    /// The daemon looks it up; else only people and their tools do.
    by_daemon: bool,
}

/// What can't be resolved, and what is resolved otherwise on another node.
pub(super) fn of_cluster(sets: &[Understood], host: &dyn Host) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    for set in sets {
        for used in uses(set) {
            let unknown = match &set.hosts {
                Some(hosts) if hosts_line(hosts.text(), used.name).is_some() => continue,
                Some(hosts) => format!("{} is not in {}", used.name, hosts.path().display()),
                None => format!("{} can't be resolved here", used.name),
            };
            if host.resolve(used.name).is_none_or(|all| !all.is_empty()) {
                continue;
            }
            // One line for a name that nothing but people use is enough.
            if used.by_daemon || told.insert(used.name.to_owned()) {
                found.push(unresolved(&used, unknown));
            }
        }
    }
    if let Some((first, others)) = sets.split_first() {
        found.extend(others.iter().flat_map(|set| unequal(first, set)));
    }
    found
}

fn unresolved(used: &Use<'_>, message: String) -> Diagnostic {
    let severity = match used.by_daemon {
        true => Severity::Warning,
        false => Severity::Note,
    };
    let help = match used.by_daemon {
        true => "write the address, or put the name into /etc/hosts of all nodes",
        false => {
            "put it into /etc/hosts of all nodes: the daemon does without, tools such as ssh \
                  don't"
        }
    };
    Diagnostic::new(severity, used.source, used.span, message).help(help)
}

/// Names of nodes, of peers and of addresses on a ring, each with its place.
fn uses(set: &Understood) -> Vec<Use<'_>> {
    let mut all = Vec::new();
    let mut add = |name, (source, span), by_daemon| {
        if str::parse::<IpAddr>(name).is_err() && !name.contains('%') {
            all.push(Use {
                name,
                source,
                span,
                by_daemon,
            });
        }
    };
    if let Some((model, source)) = &set.ha_cf {
        for (medium, span) in model.media.iter().zip(&model.places.media) {
            match medium {
                Medium::Ucast { peer, .. } => add(peer, (source, *span), true),
                Medium::Ping { host } => add(host, (source, *span), true),
                _ => {}
            }
        }
        for (node, span) in model.nodes.iter().zip(&model.places.nodes) {
            add(node.as_str(), (source, *span), false);
        }
    }
    if let Some((model, source)) = &set.corosync_conf {
        for address in model
            .nodes
            .iter()
            .flat_map(|n| n.addresses.iter().flatten())
        {
            add(&address.text, (source, address.span), true);
        }
    }
    all
}

/// Names that two nodes' hosts files give other addresses.
fn unequal(first: &Understood, second: &Understood) -> Vec<Diagnostic> {
    let (Some(theirs), Some(ours)) = (&first.hosts, &second.hosts) else {
        return Vec::new();
    };
    let mut found = Findings::new(ours);
    let names: BTreeSet<_> = uses(first)
        .iter()
        .chain(&uses(second))
        .map(|u| u.name.to_owned())
        .collect();
    for name in names {
        let (Some((here, span)), Some((there, at))) =
            (address(ours, &name), address(theirs, &name))
        else {
            continue;
        };
        // A node may mean itself by 127.0.1.1.
        if here == there || here.is_loopback() || there.is_loopback() {
            continue;
        }
        let message = format!(
            "{name} is {here} here, {there} in {}",
            theirs.path().display()
        );
        let new = found.add(Severity::Warning, span, message);
        new.help = Some("a name must mean the same host on all nodes".into());
        new.other = Some(Other::new(theirs, at));
    }
    found.finish()
}

/// The address of a name in a hosts file, and its line.
fn address(hosts: &Source, name: &str) -> Option<(IpAddr, Span)> {
    let at = hosts_line(hosts.text(), name)?;
    let (span, line) = hosts.lines().nth(at - 1)?;
    let address = line.split_whitespace().next()?.parse().ok()?;
    Some((address, span))
}
