//! What is not wrong, and yet will cost somebody a night: stated with what it means.

use super::{FileKind, Place, Set};
use crate::config::diagnostic::{Diagnostic, Findings, Severity, about_file};
use crate::config::ha_cf::{CrmMode, HaCf, Medium};
use crate::config::haresources::Haresources;
use crate::config::source::Source;
use crate::ids::LinkName;

/// Resource scripts whose data is damaged when two nodes run them at once.
const SHARED_DATA: [&str; 6] = ["Filesystem", "LVM", "drbddisk", "Raid1", "ServeRAID", "ICP"];

/// Of an ha.cf by itself.
pub(super) fn of_ha_cf(model: &HaCf, source: &Source) -> Vec<Diagnostic> {
    let mut found = Findings::new(source);
    single_link(model, &mut found);
    pinged_peer(model, &mut found);
    number_of_nodes(model, &mut found);
    host_names(model, &mut found);
    found.finish()
}

fn single_link(model: &HaCf, found: &mut Findings<'_>) {
    let mut media = model.media.iter().zip(&model.places.media);
    let Some((first, span)) = media.find(|(m, _)| !m.is_ping()) else {
        return;
    };
    let link: LinkName = first.link();
    if model.nodes.len() < 2 || model.node_media().any(|m| m.link() != link) {
        return;
    }
    let message = format!("{link} is the only way between the nodes");
    found.add(Severity::Note, *span, message).help = Some(
        "when it fails, each node thinks the other dead and takes everything (split brain); add \
         a second medium on another interface, a cable between the nodes, or a serial line"
            .into(),
    );
}

/// A ping node tells who has lost the network; a cluster node can't tell that.
fn pinged_peer(model: &HaCf, found: &mut Findings<'_>) {
    let is_peer = |host: &str| {
        let by_address = |m: &Medium| matches!(m, Medium::Ucast { peer, .. } if peer == host);
        let by_name = model
            .nodes
            .iter()
            .any(|n| n.as_str().eq_ignore_ascii_case(host));
        by_name || model.media.iter().any(by_address)
    };
    for (medium, span) in model.media.iter().zip(&model.places.media) {
        let hosts = match medium {
            Medium::Ping { host } | Medium::Ping6 { host } => std::slice::from_ref(host),
            Medium::PingGroup { hosts, .. } => hosts.as_slice(),
            _ => continue,
        };
        if let Some(host) = hosts.iter().find(|h| is_peer(h)) {
            let message = format!("{host} is a node of the cluster, pinged as if it were not");
            found.add(Severity::Warning, *span, message).help = Some(
                "ping a router or another host both nodes need: when the peer dies, its ping \
                 node dies with it and says nothing about the network"
                    .into(),
            );
        }
    }
}

fn number_of_nodes(model: &HaCf, found: &mut Findings<'_>) {
    let Some(last) = model.places.nodes.last().copied() else {
        return;
    };
    match model.nodes.len() {
        1 => {
            let message = "one node only: nobody takes over";
            found.add(Severity::Note, last, message).help =
                Some("add a `node` line for each of the others".into());
        }
        2 => {}
        n if model.crm == CrmMode::Off => {
            let message = format!("{n} nodes with haresources");
            found.add(Severity::Note, last, message).help = Some(
                "heartbeat's own resource manager is made for two: of three real heartbeat nodes, \
                 both survivors take the dead one's groups; everbeat nodes agree on one of them"
                    .into(),
            );
        }
        _ => {}
    }
}

/// Names have to be resolved when the daemon starts, often before there is a network.
fn host_names(model: &HaCf, found: &mut Findings<'_>) {
    for (medium, span) in model.media.iter().zip(&model.places.media) {
        let host = match medium {
            Medium::Ucast { peer, .. } => peer,
            Medium::Ping { host } => host,
            _ => continue,
        };
        if host.parse::<std::net::IpAddr>().is_err() {
            let message = format!("{host} is a name: it is looked up when the daemon starts");
            found.add(Severity::Note, *span, message).help = Some(
                "write the address, or keep the name in /etc/hosts: heartbeat doesn't start when \
                 it can't be resolved, and a name server may not be reachable at boot"
                    .into(),
            );
        }
    }
}

/// No way to switch off a node that can't be reached.
pub(super) fn of_fencing(
    model: &HaCf,
    source: &Source,
    resources: Option<&Haresources>,
) -> Vec<Diagnostic> {
    let mut found = Findings::new(source);
    let fenced = model.stonith.is_some() || !model.stonith_hosts.is_empty();
    let (true, false, CrmMode::Off) = (model.nodes.len() > 1, fenced, model.crm) else {
        return Vec::new();
    };
    let end = source.text().trim_end().len();
    let span = crate::config::source::Span::new(end, end);
    let all = resources
        .iter()
        .flat_map(|r| &r.groups)
        .flat_map(|g| &g.resources);
    let mut at_stake = all.filter(|r| SHARED_DATA.contains(&r.script.as_str()));
    match at_stake.next() {
        Some(resource) => {
            let message = format!("no STONITH, and haresources has {resource}");
            found.add(Severity::Warning, span, message).help = Some(
                "a node that is only cut off goes on writing while its peer takes over: two \
                 writers destroy a file system; add stonith or stonith_host"
                    .into(),
            );
        }
        None => {
            let message = "no STONITH: a node that can't be reached is taken for dead";
            found.add(Severity::Note, span, message).help = Some(
                "if it is only cut off, both have the resources, such as one address twice; add \
                 stonith or stonith_host where that matters"
                    .into(),
            );
        }
    }
    found.finish()
}

/// Files without which the daemon doesn't start.
pub(super) fn missing_files(set: &Set, ha_cf: Option<&HaCf>) -> Vec<Diagnostic> {
    let severity = match set.place {
        Place::Installed => Severity::Error,
        _ => Severity::Warning,
    };
    if FileKind::OF_HEARTBEAT
        .into_iter()
        .all(|kind| set.file(kind).is_none())
    {
        return Vec::new();
    }
    let crm = ha_cf.is_some_and(|m| m.crm != CrmMode::Off);
    let missing = |kind: FileKind| {
        let needed = kind != FileKind::Haresources || !crm;
        if !needed || set.file(kind).is_some() {
            return None;
        }
        let path = set.dir.join(kind.name());
        let help = match kind {
            FileKind::HaCf => "name nodes and media in it; ha.cf(5) has an example",
            FileKind::Haresources => "it may be empty, but must be there; the same on all nodes",
            _ => "write `auth 1` and `1 sha1 KEY` into it, mode 600, the same on all nodes",
        };
        Some(about_file(severity, &path, "the file is missing").help(help))
    };
    FileKind::OF_HEARTBEAT
        .into_iter()
        .filter_map(missing)
        .collect()
}
