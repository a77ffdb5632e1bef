//! Reading: the configuration, or the best former version of it.

use std::path::{Path, PathBuf};

use super::{Disk, MAIN, MAIN_DIGEST, NEW_DIGEST};
use crate::cib::version::COUNTERS;
use crate::cib::{self, Document, digest};
use crate::limits;

/// What was read.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration; none if there is none that can be trusted.
    pub doc: Option<Document>,
    /// What the administrator should know, in order.
    pub notes: Vec<Note>,
}

/// Something that is worth a line in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Note {
    /// There was no file with the configuration.
    #[error("{0} is not there")]
    Missing(PathBuf),
    /// The file has no digest beside it; it is taken.
    #[error("{0} has no digest beside it and is taken as it is")]
    NoDigest(PathBuf),
    /// The digest is that of the version before: the node stopped while it wrote.
    #[error("{0} was written when the node stopped; its digest is made anew")]
    Unfinished(PathBuf),
    /// The file is damaged and was set aside.
    #[error("{path} can't be trusted ({why}); it is kept as {kept}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// Its name now.
        kept: PathBuf,
    },
    /// A former version was taken.
    #[error("the configuration was taken from {0}, a former version")]
    Restored(PathBuf),
    /// Nothing could be read.
    #[error("Continuing with an empty configuration.")]
    Empty,
}

/// What a file and its digest say together.
pub(super) enum Verdict {
    /// They agree, or there is no digest.
    Good(Box<(Document, bool)>),
    /// A write was cut off between file and digest; the new digest is there.
    Stale(Box<Document>),
    Missing,
    Bad(String),
}

pub(super) fn verified<D: Disk>(disk: &D, file: &Path, digest_file: &Path) -> Verdict {
    if !disk.exists(file) {
        return Verdict::Missing;
    }
    let read = || -> Result<Document, String> {
        let bytes = disk.read(file).map_err(|error| error.to_string())?;
        let doc = cib::read_file_text(bytes).map_err(|error| error.to_string())?;
        match doc.name(doc.root()) {
            "cib" => Ok(doc),
            name => Err(format!("its root is <{name}>, not <cib>")),
        }
    };
    let doc = match read() {
        Ok(doc) => doc,
        Err(why) => return Verdict::Bad(why),
    };
    let Some(expected) = text(disk, digest_file) else {
        return Verdict::Good(Box::new((doc, false)));
    };
    let found = digest::v1(&doc, doc.root());
    if found == expected {
        return Verdict::Good(Box::new((doc, true)));
    }
    let unfinished = digest_file.with_file_name(NEW_DIGEST);
    match text(disk, &unfinished) {
        Some(new) if new == found && file.ends_with(MAIN) => Verdict::Stale(Box::new(doc)),
        _ => Verdict::Bad(format!("its digest is {found}, not {expected}")),
    }
}

fn text<D: Disk>(disk: &D, path: &Path) -> Option<String> {
    let bytes = disk.read(path).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

pub(super) fn load<D: Disk>(disk: &D, folder: &Path) -> Loaded {
    let mut notes = Vec::new();
    let doc = main_file(disk, folder, &mut notes).or_else(|| former(disk, folder, &mut notes));
    if doc.is_none() {
        notes.push(Note::Empty);
    }
    Loaded {
        doc: doc.map(completed),
        notes,
    }
}

fn main_file<D: Disk>(disk: &D, folder: &Path, notes: &mut Vec<Note>) -> Option<Document> {
    let (file, digest_file) = (folder.join(MAIN), folder.join(MAIN_DIGEST));
    match verified(disk, &file, &digest_file) {
        Verdict::Good(read) => {
            let (doc, signed) = *read;
            if !signed {
                notes.push(Note::NoDigest(file));
            }
            Some(doc)
        }
        Verdict::Stale(doc) => {
            let _ = disk.rename(&folder.join(NEW_DIGEST), &digest_file);
            notes.push(Note::Unfinished(file));
            Some(*doc)
        }
        Verdict::Missing => {
            notes.push(Note::Missing(file));
            None
        }
        Verdict::Bad(why) => {
            let kept = set_aside(disk, folder, &file, &digest_file);
            notes.push(Note::Damaged {
                path: file,
                why,
                kept,
            });
            None
        }
    }
}

/// Moves a damaged file and its digest to names that nothing else has.
fn set_aside<D: Disk>(disk: &D, folder: &Path, file: &Path, digest_file: &Path) -> PathBuf {
    let free = |number: &u32| !disk.exists(&folder.join(format!("cib.auto.{number:06}")));
    let number = (0..limits::CIB_SET_ASIDE_MAX).find(free).unwrap_or(0);
    let kept = folder.join(format!("cib.auto.{number:06}"));
    if disk.rename(file, &kept).is_err() {
        return file.to_owned();
    }
    let _ = disk.rename(
        digest_file,
        &folder.join(format!("cib.auto.{number:06}.sig")),
    );
    kept
}

/// The newest former version that agrees with its digest.
fn former<D: Disk>(disk: &D, folder: &Path, notes: &mut Vec<Note>) -> Option<Document> {
    let mut files = disk.list(folder).unwrap_or_default();
    files.retain(|(path, _)| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        name.starts_with("cib-") && name.ends_with(".raw")
    });
    files.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| b.0.cmp(&a.0)));
    for (path, _) in files {
        let mut digest_file = path.clone().into_os_string();
        digest_file.push(".sig");
        if let Verdict::Good(read) = verified(disk, &path, Path::new(&digest_file))
            && read.1
        {
            notes.push(Note::Restored(path));
            return Some(read.0);
        }
    }
    None
}

/// Counters that are missing are 0; what only a running cluster knows goes.
fn completed(mut doc: Document) -> Document {
    let root = doc.root();
    for name in COUNTERS {
        if doc.attr(root, name).is_none() {
            doc.set_attr(root, name, "0");
        }
    }
    doc.remove_attr(root, "dc-uuid");
    if doc.child(root, "status").is_none() {
        doc.add_element(root, "status", &[]);
    }
    doc
}
