//! From the paths on a command line to sets of files.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::config::check::{File, FileKind, Place, Set};
use crate::config::diagnostic::{Diagnostic, Severity, about_file};
use crate::config::source::Source;
use crate::limits;

/// Sets to be checked, and what couldn't be read.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The sets, in the order of the paths.
    pub(super) sets: Vec<Set>,
    /// A finding for each path that couldn't be read or recognised.
    pub(super) unreadable: Vec<Diagnostic>,
}

/// Reads files and folders.
///
/// `installed` are the host's own folders; `kind` is what files given by name are, if said.
/// Files given by name are checked against each other when there is at most one of each kind.
pub(super) fn gather(paths: &[PathBuf], kind: Option<FileKind>, installed: &[&Path]) -> Gathered {
    let mut gathered = Gathered::default();
    let mut loose = Vec::new();
    for path in paths {
        if path.is_dir() {
            gathered.folder(path, installed);
        } else if let Some(file) = gathered.file(path, kind) {
            loose.push(file);
        }
    }
    gathered.sets.extend(together_or_alone(loose, installed));
    gathered
}

impl Gathered {
    fn folder(&mut self, dir: &Path, installed: &[&Path]) {
        let usual = FileKind::ALL.map(|kind| (kind, dir.join(kind.name())));
        let is_set = usual.iter().any(|(_, path)| path.exists());
        if !is_set {
            self.folder_of_many(dir);
            return;
        }
        let there = usual.into_iter().filter(|(_, path)| path.exists());
        let mut files: Vec<_> = there
            .filter_map(|(kind, path)| self.file(&path, Some(kind)))
            .collect();
        if files.iter().any(|f| f.kind == FileKind::CorosyncConf) {
            files.extend(self.included(dir));
        }
        let place = if installed.iter().any(|i| is_same(dir, i)) {
            Place::Installed
        } else {
            Place::Set
        };
        self.sets.push(Set {
            files,
            place,
            host_named: false,
            dir: dir.to_owned(),
        });
    }

    /// Files of service.d and uidgid.d beside a corosync.conf.
    pub(super) fn included(&mut self, dir: &Path) -> Vec<File> {
        let mut files = Vec::new();
        for kind in FileKind::FOLDERS {
            let entries = std::fs::read_dir(dir.join(kind.name()));
            let entries = entries.into_iter().flatten().flatten();
            let mut paths: Vec<_> = entries.map(|e| e.path()).filter(|p| p.is_file()).collect();
            paths.sort();
            files.extend(paths.iter().filter_map(|p| self.file(p, Some(kind))));
        }
        files
    }

    /// A folder with files of other names: each alone.
    fn folder_of_many(&mut self, dir: &Path) {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => {
                let message = format!("can't read the folder: {error}");
                self.unreadable
                    .push(about_file(Severity::Error, dir, message));
                return;
            }
        };
        let mut paths: Vec<_> = entries.flatten().map(|e| e.path()).collect();
        paths.sort();
        let known = |path: &PathBuf| path.is_file() && FileKind::by_name(path).is_some();
        let before = self.sets.len() + self.unreadable.len();
        for path in paths.into_iter().filter(known) {
            let file = self.file(&path, None);
            self.sets.extend(file.map(alone));
        }
        if self.sets.len() + self.unreadable.len() == before {
            let message = "nothing to check: no ha.cf, haresources, authkeys, corosync.conf or \
                           cib.xml in this folder";
            self.unreadable
                .push(about_file(Severity::Error, dir, message));
        }
    }

    /// Reads a file, or tells why it can't be.
    pub(super) fn file(&mut self, path: &Path, kind: Option<FileKind>) -> Option<File> {
        let source = match read(path, kind) {
            Ok(source) => source,
            Err(error) => {
                let message = format!("can't read it: {error}");
                self.unreadable
                    .push(about_file(Severity::Error, path, message));
                return None;
            }
        };
        let Some(kind) = kind.or_else(|| FileKind::recognise(path, &source)) else {
            let message = "can't tell what kind of file this is";
            let help = "say it: --kind ha.cf, haresources, authkeys, corosync.conf or cib.xml";
            self.unreadable
                .push(about_file(Severity::Error, path, message).help(help));
            return None;
        };
        let mode = std::fs::metadata(path).ok().map(|m| m.mode());
        Some(File {
            kind,
            source,
            mode,
            reported: true,
        })
    }
}

/// Reads a file, `-` for standard input; a CIB may be larger than others.
fn read(path: &Path, kind: Option<FileKind>) -> std::io::Result<Source> {
    let large = limits::CIB_BYTES_MAX as u64;
    if path == Path::new("-") {
        return Source::read_from(std::io::stdin(), path, large);
    }
    match kind.or_else(|| FileKind::by_name(path)) {
        Some(FileKind::Cib) => Source::read_from(std::fs::File::open(path)?, path, large),
        _ => Source::read(path),
    }
}

/// Files given by name.
fn together_or_alone(files: Vec<File>, installed: &[&Path]) -> Vec<Set> {
    let count = |kind| files.iter().filter(|f| f.kind == kind).count();
    if files.is_empty() || FileKind::ALL.into_iter().any(|kind| count(kind) > 1) {
        return files.into_iter().map(alone).collect();
    }
    let dir = folder_of(&files[0]);
    let mut set = Set {
        place: Place::Loose,
        host_named: false,
        dir: dir.clone(),
        files,
    };
    if installed.iter().any(|i| is_same(&dir, i)) {
        set.place = Place::Installed;
    }
    companions(&mut set);
    vec![set]
}

fn alone(file: File) -> Set {
    Set {
        place: Place::Loose,
        host_named: false,
        dir: folder_of(&file),
        files: vec![file],
    }
}

/// Files of the usual names beside a file of a usual name: read, not reported.
fn companions(set: &mut Set) {
    let is_usual = |f: &File| f.source.path().file_name() == Some(f.kind.name().as_ref());
    if !set.files.iter().all(is_usual) {
        return;
    }
    for kind in FileKind::ALL {
        let path = set.dir.join(kind.name());
        if set.file(kind).is_none()
            && let Ok(source) = Source::read(&path)
        {
            set.files.push(File {
                kind,
                source,
                mode: None,
                reported: false,
            });
        }
    }
}

fn folder_of(file: &File) -> PathBuf {
    let parent = file.source.path().parent();
    let parent = parent.filter(|p| !p.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}

fn is_same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
