//! `everbeat check --cluster`: the nodes of one cluster, each alone, then against each other.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::super::node_folder::NodeFolder;
use super::gather::Gathered;
use super::of_set;
use crate::config::check::{self, FileKind, Place, Set, Understood};
use crate::config::diagnostic::{Diagnostic, Severity, about_file};
use crate::config::host::{DistantHost, ThisHost};
use crate::config::source::Source;

/// What was found, in how many files.
///
/// Errors: a folder isn't there, or has no file of a cluster.
pub(super) fn findings<'w>(
    words: impl Iterator<Item = &'w String>,
) -> Result<(Vec<Diagnostic>, usize)> {
    let mut gathered = Gathered::default();
    let mut found = Vec::new();
    let mut understood = Vec::new();
    let mut files = 0;
    for word in words {
        let folder = NodeFolder::of_word("--cluster", word)?;
        let set = set(&folder, &mut gathered)?;
        files += set.files.len();
        let host = DistantHost {
            name: folder.name.clone(),
        };
        let (new, mut models) = of_set(&set, &host);
        found.append(&mut gathered.unreadable);
        found.extend(new);
        beside(&folder, &mut models, &mut found);
        understood.push(models);
    }
    // Names that no hosts file has are looked up where this runs.
    let here = ThisHost::new(Path::new("/etc/ha.d"));
    found.extend(check::compare_cluster(&understood, &here));
    Ok((found, files))
}

fn set(folder: &NodeFolder, gathered: &mut Gathered) -> Result<Set> {
    let usual = FileKind::ALL.into_iter();
    let there = usual.filter_map(|kind| Some((kind, folder.find(kind.name())?)));
    let there: Vec<(FileKind, PathBuf)> = there.collect();
    let Some((_, first)) = there.first() else {
        bail!(
            "{}: no ha.cf, haresources, authkeys, corosync.conf or cib.xml here, in ha.d or in etc",
            folder.dir.display()
        );
    };
    let dir = first.parent().unwrap_or(&folder.dir).to_owned();
    let mut files = Vec::new();
    for (kind, path) in &there {
        files.extend(gathered.file(path, Some(*kind)));
        if let (FileKind::CorosyncConf, Some(dir)) = (kind, path.parent()) {
            files.extend(gathered.included(dir));
        }
    }
    Ok(Set {
        files,
        place: Place::Set,
        host_named: folder.name.is_some(),
        dir,
    })
}

/// What is compared, and has nothing wrong alone.
fn beside(folder: &NodeFolder, models: &mut Understood, found: &mut Vec<Diagnostic>) {
    let mut unreadable = |path: &Path, error: std::io::Error| {
        let message = format!("can't read it: {error}");
        found.push(about_file(Severity::Error, path, message));
    };
    if let Some(path) = folder.find("hosts") {
        match Source::read(&path) {
            Ok(source) => models.hosts = Some(source),
            Err(error) => unreadable(&path, error),
        }
    }
    if let Some(path) = folder.find("authkey") {
        match std::fs::read(&path) {
            Ok(key) => models.ring_key = Some((path, key.into())),
            Err(error) => unreadable(&path, error),
        }
    }
}
