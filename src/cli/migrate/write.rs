//! The files of a plan, into a folder.

use std::path::Path;

use anyhow::{Context, Result};
use zeroize::Zeroizing;

use crate::config::authkey;
use crate::config::identity::write_atomically;
use crate::migrate::{Plan, report};

/// Writes the plan's files. A key that is there stays: it may be on the nodes already.
pub(super) fn write(plan: &Plan, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    let page = report::html(plan);
    let json = serde_json::to_string_pretty(plan).context("can't write JSON")?;
    for (name, text, mode) in [
        ("corosync.conf", plan.corosync_conf.as_deref(), 0o644),
        // Fence devices have passwords.
        ("cib.xml", plan.cib.as_deref(), 0o600),
        ("cluster.crm", plan.crm.as_deref(), 0o600),
        ("plan.html", Some(&*page), 0o600),
        ("plan.json", Some(&*json), 0o600),
    ] {
        if let Some(text) = text {
            put(&folder.join(name), text.as_bytes(), mode)?;
        }
    }
    let key = folder.join("authkey");
    if plan.corosync_conf.is_some() && !key.exists() {
        let mut bytes = Zeroizing::new(vec![0; authkey::BYTES_MIN]);
        getrandom::fill(&mut bytes).context("no randomness for authkey")?;
        put(&key, &bytes, 0o400)?;
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    write_atomically(path, bytes, mode).with_context(|| format!("can't write {}", path.display()))
}
