//! The linter: files alone, against each other, against the host.
//!
//! ```text
//! Set { files, place } --check_set--> findings
//!                      --compare----> what differs between the sets of a cluster's nodes:
//!                                     `differences` of each file, then names and ports
//! ```
//! A new kind of file needs a [`FileKind`], a line in [`kind`]'s table, and an arm in
//! `check_set`.

mod advice;
mod compare;
pub mod kind;
mod names;
mod ports;

use std::path::PathBuf;

use super::authkeys;
use super::corosync_conf::{self, CorosyncConf};
use super::diagnostic::{Diagnostic, Severity};
use super::ha_cf::{self, HaCf};
use super::haresources::{self, Haresources};
use super::host::Host;
use super::source::Source;

pub use compare::{compare, compare_cluster};
pub use kind::FileKind;

/// How close a set of files is to being used on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Files by themselves: what depends on the host is only noted.
    Loose,
    /// A folder that may become a host's configuration: what depends on the host is a warning.
    Set,
    /// The host's own configuration: what depends on the host counts in full.
    Installed,
}

/// A file to be checked.
#[derive(Debug, Clone)]
pub struct File {
    /// What it is.
    pub kind: FileKind,
    /// Its text.
    pub source: Source,
    /// Its mode, where it matters.
    pub mode: Option<u32>,
    /// False for one that was read only to check others against it.
    pub reported: bool,
}

/// Files that belong together: at most one of a kind.
#[derive(Debug, Clone)]
pub struct Set {
    /// The files.
    pub files: Vec<File>,
    /// How close it is to being used.
    pub place: Place,
    /// True when the host was named: that it is a node counts in full, wherever the files are.
    pub host_named: bool,
    /// The folder whose `resource.d` counts.
    pub dir: PathBuf,
}

impl Set {
    /// Its file of that kind.
    pub fn file(&self, kind: FileKind) -> Option<&File> {
        self.files.iter().find(|f| f.kind == kind)
    }
}

/// What was understood of a set, for the comparison between sets.
#[derive(Debug, Default)]
pub struct Understood {
    /// Its ha.cf.
    pub ha_cf: Option<(HaCf, Source)>,
    /// Its haresources.
    pub haresources: Option<(Haresources, Source)>,
    /// Its authkeys.
    pub authkeys: Option<Source>,
    /// Its corosync.conf.
    pub corosync_conf: Option<(CorosyncConf, Source)>,
    /// The names it knows: its /etc/hosts, where that was gathered.
    pub hosts: Option<Source>,
    /// The key of its ring, where that was gathered, and the file.
    pub ring_key: Option<(PathBuf, zeroize::Zeroizing<Vec<u8>>)>,
}

/// Checks one set against itself and the host.
pub fn check_set(set: &Set, host: &dyn Host) -> (Vec<Diagnostic>, Understood) {
    let mut found = Vec::new();
    let mut understood = Understood::default();
    if let Some(file) = set.file(FileKind::HaCf) {
        let (model, mut new) = ha_cf::read_all(&file.source, host);
        new.extend(placed(
            set,
            ha_cf::check_on_host(&model, &file.source, host),
        ));
        new.extend(advice::of_ha_cf(&model, &file.source));
        keep(&mut found, file, new);
        understood.ha_cf = Some((model, file.source.clone()));
    }
    if let Some(file) = set.file(FileKind::Haresources) {
        let (model, new) = check_haresources(set, file, &understood, host);
        keep(&mut found, file, new);
        understood.haresources = Some((model, file.source.clone()));
    }
    if let Some(file) = set.file(FileKind::Authkeys) {
        let (_, mut new) = authkeys::parse(&file.source);
        new.extend(
            file.mode
                .and_then(|mode| authkeys::permissions(&file.source, mode)),
        );
        keep(&mut found, file, new);
        understood.authkeys = Some(file.source.clone());
    }
    if let (Some((ha_cf, source)), Some(file)) = (&understood.ha_cf, set.file(FileKind::HaCf)) {
        let resources = understood.haresources.as_ref().map(|(model, _)| model);
        keep(
            &mut found,
            file,
            advice::of_fencing(ha_cf, source, resources),
        );
    }
    check_corosync(set, host, &mut found, &mut understood);
    if set.place > Place::Loose {
        found.extend(advice::missing_files(
            set,
            understood.ha_cf.as_ref().map(|(m, _)| m),
        ));
    }
    (found, understood)
}

fn check_corosync(
    set: &Set,
    host: &dyn Host,
    found: &mut Vec<Diagnostic>,
    understood: &mut Understood,
) {
    for file in &set.files {
        match file.kind {
            FileKind::ServiceD => {
                keep(found, file, corosync_conf::parse_service_d(&file.source).1);
            }
            FileKind::UidgidD => {
                keep(found, file, corosync_conf::parse_uidgid_d(&file.source).1);
            }
            FileKind::CorosyncConf => {
                let (model, mut new) = corosync_conf::read_all(&file.source);
                let on_host = corosync_conf::check_on_host(&model, &file.source, host);
                new.extend(placed(set, on_host));
                keep(found, file, new);
                understood.corosync_conf = Some((model, file.source.clone()));
            }
            _ => {}
        }
    }
}

fn check_haresources(
    set: &Set,
    file: &File,
    understood: &Understood,
    host: &dyn Host,
) -> (Haresources, Vec<Diagnostic>) {
    let (model, mut found) = haresources::read_all(&file.source);
    if let Some((ha_cf, _)) = &understood.ha_cf {
        found.extend(haresources::check_against_ha_cf(
            &model,
            &file.source,
            ha_cf,
        ));
    }
    let on_host = haresources::check_on_host(&model, &file.source, &set.dir, host);
    found.extend(placed(set, on_host));
    (model, found)
}

/// Keeps the findings of a file that is reported, by their place.
fn keep(all: &mut Vec<Diagnostic>, file: &File, new: Vec<Diagnostic>) {
    if file.reported {
        all.extend(new);
        all.sort_by(|a, b| {
            let place = |d: &Diagnostic| (d.span.start, d.span.end);
            (&a.file, place(a)).cmp(&(&b.file, place(b)))
        });
    }
}

/// What depends on the host counts the more, the closer the files are to being used on it.
fn placed(set: &Set, found: Vec<Diagnostic>) -> impl Iterator<Item = Diagnostic> + use<> {
    let most = match set.place {
        _ if set.host_named => Severity::Error,
        Place::Loose => Severity::Note,
        Place::Set => Severity::Warning,
        Place::Installed => Severity::Error,
    };
    found.into_iter().map(move |mut d| {
        d.severity = d.severity.min(most);
        d
    })
}
