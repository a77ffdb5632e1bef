//! The files of a node, from a folder or from their usual places.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::super::node_folder::NodeFolder;
use crate::config::host::{DistantHost, Host};
use crate::config::source::Source;
use crate::ids::NodeName;
use crate::migrate::NodeFiles;

/// heartbeat's folder. Source: heartbeat 3.0.6, `HA_RC_DIR`
pub(super) const HA_D: &str = "/etc/ha.d";

/// Where the CIB is. Source: heartbeat 2.1.4 and Pacemaker 2.1.5, `CRM_CONFIG_DIR`
const CIBS: [&str; 2] = [
    "/var/lib/pacemaker/cib/cib.xml",
    "/var/lib/heartbeat/crm/cib.xml",
];

/// `NAME=DIR` or `DIR`.
pub(super) fn of_folder(word: &str) -> Result<NodeFiles> {
    let folder = NodeFolder::of_word("--from", word)?;
    let place = |file: &str| folder.find(file);
    let name = folder.name.clone();
    let host = DistantHost { name: name.clone() };
    let files = read(&place, name, &host)?;
    if is_empty(&files) {
        bail!(
            "{}: no ha.cf, haresources, corosync.conf or cib.xml here, in ha.d or in etc",
            folder.dir.display()
        );
    }
    Ok(files)
}

/// The files of this host.
pub(super) fn of_this_host(host: &dyn Host) -> Result<NodeFiles> {
    let place = |file: &str| {
        let mut places = match file {
            "cib.xml" => CIBS.map(PathBuf::from).to_vec(),
            "corosync.conf" => vec![Path::new("/etc/corosync").join(file)],
            _ => vec![Path::new(HA_D).join(file)],
        }
        .into_iter();
        places.find(|p| p.is_file())
    };
    let files = read(&place, host.node_name(), host)?;
    if is_empty(&files) {
        bail!("{HA_D}: no ha.cf here; give the folders of the nodes: --from NAME=DIR");
    }
    Ok(files)
}

fn is_empty(files: &NodeFiles) -> bool {
    files.ha_cf.is_none()
        && files.haresources.is_none()
        && files.corosync_conf.is_none()
        && files.cib.is_none()
        && files.crm.is_none()
}

fn read(
    place: &dyn Fn(&str) -> Option<PathBuf>,
    name: Option<NodeName>,
    host: &dyn Host,
) -> Result<NodeFiles> {
    let source = |file| {
        let read = |path: PathBuf| {
            Source::read(&path).with_context(|| format!("can't read {}", path.display()))
        };
        place(file).map(read).transpose()
    };
    let mut files = NodeFiles {
        name,
        ..NodeFiles::default()
    };
    if let Some(path) = place("ha.cf") {
        files.scripts = scripts(&path.with_file_name("resource.d"));
    }
    if let Some(source) = source("ha.cf")? {
        files = files.with_ha_cf(source, host);
    }
    if let Some(source) = source("haresources")? {
        files = files.with_haresources(source);
    }
    if let Some(source) = source("authkeys")? {
        files = files.with_authkeys(source);
    }
    if let Some(source) = source("corosync.conf")? {
        files = files.with_corosync_conf(source);
    }
    files.cib = source("cib.xml")?;
    files.crm = source("cluster.crm")?;
    Ok(files)
}

fn scripts(folder: &Path) -> std::collections::BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|e| e.file_name().to_string_lossy().into_owned());
    names.collect()
}
