//! From the configuration to what the machines must know.

use std::path::Path;

use crate::config::diagnostic::{self, Diagnostic};
use crate::config::ha_cf::{self, AutoJoin, CrmMode, HaCf};
use crate::config::identity::{CachedHost, Hostcache};
use crate::config::source::Source;
use crate::ids::{Generation, LinkName, NodeName, NodeUuid};
use crate::proto::heartbeat::{Autojoin, ClusterConfig, KnownNode, Severity, Timing};
use crate::runtime::log::Logger;

/// Writes what was found in the configuration to the log.
pub fn log_findings(findings: &[Diagnostic], log: &Logger) {
    for finding in findings {
        let severity = match finding.severity {
            diagnostic::Severity::Error => Severity::Error,
            diagnostic::Severity::Warning => Severity::Warning,
            diagnostic::Severity::Note => Severity::Info,
        };
        log.log(severity, finding.to_string());
    }
}

/// A cluster resource manager is asked for that somebody else should start, and there is none but
/// the one in this program: to take part without one would leave its resources to nobody. The
/// finding says so at its line in `dir`'s ha.cf.
pub fn refuse_crm(config: &HaCf, dir: &Path) -> Option<Diagnostic> {
    if config.crm != CrmMode::Manual {
        return None;
    }
    let path = dir.join("ha.cf");
    let source = Source::read(&path).unwrap_or_else(|_| Source::new(&path, ""));
    let place = |directive| config.places.directive(directive);
    let place = place("crm")
        .or_else(|| place("pacemaker"))
        .unwrap_or_default();
    let message = "`manual` leaves it to other programs to be the CRM, and there are none";
    let help = "write `crm respawn`: the CRM is part of this program; or `crm no` for haresources";
    Some(Diagnostic::new(diagnostic::Severity::Error, &source, place, message).help(help))
}

/// Who this daemon is.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// hb_uuid.
    pub uuid: NodeUuid,
    /// hb_generation, already raised and on disk.
    pub generation: Generation,
}

/// What the node protocol must know.
pub fn cluster_config(
    config: &HaCf,
    local: &NodeName,
    identity: Identity,
    (cache, deleted): (Hostcache, Hostcache),
) -> ClusterConfig {
    let mut links: Vec<LinkName> = Vec::new();
    for link in config.node_media().map(ha_cf::Medium::link) {
        if !links.contains(&link) {
            links.push(link);
        }
    }
    let pings = config
        .node_table
        .iter()
        .filter(|n| n.ping)
        .map(|n| n.name.clone());
    let mut nodes = config.nodes.clone();
    nodes.extend(
        cache
            .hosts
            .iter()
            .map(|e| e.name.clone())
            .filter(|n| !config.has_node(n)),
    );
    ClusterConfig {
        local: local.clone(),
        uuid: identity.uuid,
        generation: identity.generation,
        nodes,
        pings: pings.collect(),
        links,
        timing: Timing {
            keepalive: config.keepalive,
            deadtime: config.deadtime,
            warntime: config.warntime,
            initdead: config.initdead,
            deadping: config.deadping,
            max_rexmit_delay: config.max_rexmit_delay,
        },
        hopfudge: config.hopfudge,
        autojoin: match config.autojoin {
            AutoJoin::None => Autojoin::None,
            AutoJoin::Other => Autojoin::Other,
            AutoJoin::Any => Autojoin::Any,
        },
        known: cache.hosts.into_iter().map(known).collect(),
        deleted: deleted.hosts.into_iter().map(known).collect(),
        keep_up: Vec::new(),
    }
}

fn known(entry: CachedHost) -> KnownNode {
    KnownNode {
        name: entry.name,
        uuid: entry.uuid,
        weight: entry.weight,
        site: entry.site,
    }
}
