//! From the files in /etc/ha.d to machines.

use std::path::Path;

use crate::config::diagnostic::{self, Diagnostic};
use crate::config::ha_cf::{self, AutoJoin, HaCf};
use crate::config::haresources::{self, Haresources};
use crate::config::host::{Host, ThisHost};
use crate::config::identity::{CachedHost, Hostcache};
use crate::config::source::Source;
use crate::config::authkeys;
use crate::ids::{Generation, LinkName, NodeName, NodeUuid};
use crate::proto::heartbeat::{Autojoin, ClusterConfig, KnownNode, Severity, Timing};
use crate::wire::heartbeat::auth::Keyring;

/// What the files say, so far as they could be read.
#[derive(Debug)]
pub struct Read {
    /// Name of this node.
    pub local: Option<NodeName>,
    /// ha.cf.
    pub config: Option<HaCf>,
    /// haresources; none where a CRM has the resources.
    pub resources: Option<Haresources>,
    /// The keys.
    pub keyring: Option<Keyring>,
    /// All that was found.
    pub findings: Vec<Diagnostic>,
}

/// Reads the files of a folder as this host's configuration.
pub fn read(dir: &Path) -> Read {
    let host = ThisHost::new(dir);
    let mut findings = Vec::new();
    let config = read_ha_cf(&dir.join("ha.cf"), &host, &mut findings);
    let keyring = match authkeys::load(&dir.join("authkeys")) {
        Ok((keyring, found)) => {
            findings.extend(found);
            keyring
        }
        Err(why) => {
            findings.push(unreadable(&dir.join("authkeys"), &why));
            None
        }
    };
    let resources = (config.as_ref())
        .filter(|config| config.crm == ha_cf::CrmMode::Off)
        .and_then(|config| read_haresources(&dir.join("haresources"), config, &mut findings));
    Read { local: host.node_name(), config, resources, keyring, findings }
}

fn read_ha_cf(path: &Path, host: &dyn Host, findings: &mut Vec<Diagnostic>) -> Option<HaCf> {
    let source = open(path, findings)?;
    let (config, found) = ha_cf::parse(&source, host);
    findings.extend(found);
    let config = config?;
    findings.extend(ha_cf::check_on_host(&config, &source, host));
    Some(config)
}

fn read_haresources(
    path: &Path,
    config: &HaCf,
    findings: &mut Vec<Diagnostic>,
) -> Option<Haresources> {
    let source = open(path, findings)?;
    let (resources, found) = haresources::parse(&source);
    findings.extend(found);
    let resources = resources?;
    findings.extend(haresources::check_against_ha_cf(&resources, &source, config));
    Some(resources)
}

fn open(path: &Path, findings: &mut Vec<Diagnostic>) -> Option<Source> {
    match Source::read(path) {
        Ok(source) => Some(source),
        Err(why) => {
            findings.push(unreadable(path, &why));
            None
        }
    }
}

fn unreadable(path: &Path, why: &std::io::Error) -> Diagnostic {
    let message = format!("can't be read: {why}");
    diagnostic::about_file(diagnostic::Severity::Error, path, message)
}

impl Read {
    /// Hands each finding to `log`; true if the configuration can be used.
    pub fn complain(&self, mut log: impl FnMut(Severity, String)) -> bool {
        for finding in &self.findings {
            let severity = match finding.severity {
                diagnostic::Severity::Error => Severity::Error,
                diagnostic::Severity::Warning => Severity::Warning,
                diagnostic::Severity::Note => Severity::Info,
            };
            log(severity, finding.to_string());
        }
        !diagnostic::has_errors(&self.findings)
    }
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
    let pings = config.node_table.iter().filter(|n| n.ping).map(|n| n.name.clone());
    let mut nodes = config.nodes.clone();
    nodes.extend(cache.hosts.iter().map(|e| e.name.clone()).filter(|n| !config.has_node(n)));
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
    }
}

fn known(entry: CachedHost) -> KnownNode {
    KnownNode { name: entry.name, uuid: entry.uuid, weight: entry.weight, site: entry.site }
}
