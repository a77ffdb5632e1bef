//! SIGHUP: what of the configuration changed, and a restart that keeps the resources.
//!
//! Source: `spec/heartbeat-v1.md` section 4 (signals).
//! Differs: heartbeat ends when the new files are wrong; we say what is wrong and go on with the
//! old ones. haresources is looked at, too: heartbeat's scripts read it at each use. With a CRM
//! the daemon doesn't execute itself again: who would move or adopt its resources meanwhile?

use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

use super::node::Node;
use super::{crm, setup};
use crate::config::host::ThisHost;
use crate::config::identity::write_atomically;
use crate::config::{self, Plain};
use crate::proto::heartbeat::Severity;
use crate::v1::Saved;

/// Where a daemon leaves its state for the one it executes.
const STATE_FILE: &str = "/run/heartbeat/restart.json";

/// The configuration files as they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    dir: PathBuf,
    ha_cf: Option<[u8; 20]>,
    haresources: Option<[u8; 20]>,
    authkeys: Option<[u8; 20]>,
}

/// What SIGHUP leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing changed.
    None,
    /// New keys are in use.
    Keys,
    /// The new files are wrong; the old ones stay in use.
    Refused,
    /// The daemon must execute itself again.
    Restart,
}

impl Fingerprint {
    /// Of the files in `dir`.
    pub fn of(dir: &Path) -> Self {
        let digest = |name: &str| {
            let bytes = std::fs::read(dir.join(name)).ok()?;
            Some(Sha1::digest(&bytes).into())
        };
        Self {
            dir: dir.into(),
            ha_cf: digest("ha.cf"),
            haresources: digest("haresources"),
            authkeys: digest("authkeys"),
        }
    }
}

impl Fingerprint {
    /// Whether there is an ha.cf now.
    pub fn have_ha_cf(&self) -> bool {
        self.dir.join("ha.cf").exists()
    }
}

/// Compares the files with what is in use, and puts new keys to use.
pub fn look(files: &mut Fingerprint, node: &mut Node) -> Change {
    let new = Fingerprint::of(&files.dir);
    if new == *files {
        return Change::None;
    }
    let host = ThisHost::new(&files.dir);
    let (configuration, mut findings) = config::load(&files.dir, &host, Plain::Taken);
    // Restarted into a refusal, the daemon would leave its resources to nobody.
    let refusal = configuration
        .as_ref()
        .and_then(|c| setup::refuse_crm(&c.ha_cf, &files.dir));
    let refused = refusal.is_some();
    findings.extend(refusal);
    setup::log_findings(&findings, &node.log);
    let Some(configuration) = configuration.filter(|_| !refused) else {
        let text = "Config errors: the new files are not used, the old configuration stays.";
        node.log.log(Severity::Error, text);
        return Change::Refused;
    };
    let restart = new.ha_cf != files.ha_cf || new.haresources != files.haresources;
    if restart && (node.crm.is_some() || crm::is_wanted(&configuration.ha_cf)) {
        let text = "ha.cf changed: with a CRM it is read only at the start. Stop the daemon, \
                    which moves the resources away, and start it again.";
        node.log.log(Severity::Error, text);
        return Change::Refused;
    }
    *files = new;
    if restart {
        node.log.log(
            Severity::Info,
            "Configuration changed: restarting, resources are kept.",
        );
        return Change::Restart;
    }
    node.log
        .log(Severity::Info, "Rereading authentication file.");
    node.keyring = configuration.keyring;
    Change::Keys
}

/// Leaves the state of the resources for the daemon that comes after.
pub fn keep(node: &Node) -> std::io::Result<()> {
    let Some(manager) = &node.manager else {
        return Ok(());
    };
    let state = serde_json::to_vec(&manager.save())?;
    write_atomically(Path::new(STATE_FILE), &state, 0o600)
}

/// Takes up what the daemon before left, once; `None` if it left nothing of use.
pub fn take_up(file: Option<&Path>) -> Option<Saved> {
    let file = file.unwrap_or(Path::new(STATE_FILE));
    let state = std::fs::read(file).ok()?;
    // Used up: a later start after a crash must not believe it.
    std::fs::remove_file(file).ok()?;
    serde_json::from_slice(&state).ok()
}
