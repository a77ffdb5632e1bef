//! The configuration on disk, with its digest and its former versions.
//!
//! ```text
//!  cib.xml, cib.xml.sig      the configuration and its digest
//!  cib-N.raw, cib-N.raw.sig  former ones, N up to 99
//!  cib.last                  the next N
//!  cib.auto.N                what was damaged, set aside
//! ```
//!
//! A write goes to new files that are synced and renamed, the configuration first: a crash at
//! any call leaves a document that is read, the old or the new one. Whatever is damaged is moved
//! aside, and the newest former version that agrees with its digest takes its place.
//!
//! Source: Pacemaker 2.1.5 `lib/cib/cib_file.c`, `daemons/based/based_io.c`; files made by it.

mod disk;
mod load;

pub use disk::{Disk, Owner, RealDisk};
pub use load::{Loaded, Note};

use std::io;
use std::path::{Path, PathBuf};

use crate::cib::{Document, digest, version, writer};
use crate::limits;

const MAIN: &str = "cib.xml";
const MAIN_DIGEST: &str = "cib.xml.sig";
const LAST: &str = "cib.last";
/// Suffixes of files that a write has not finished.
const NEW: &str = "cib.new.xml";
const NEW_DIGEST: &str = "cib.new.sig";

/// Why a configuration was not written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody changed the file while the cluster was at work.
    #[error(
        "{0} was manually modified while the cluster was active: stop the cluster on this node, \
         or change the configuration with cibadmin, crm or pcs"
    )]
    Modified(PathBuf),
    /// The system refused something.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// The folder of one node's configuration.
#[derive(Debug)]
pub struct Store<D> {
    disk: D,
    folder: PathBuf,
}

impl Store<RealDisk> {
    /// The store in a folder of this machine.
    pub fn new(folder: &Path, owner: Option<Owner>) -> Self {
        Self::on(RealDisk { owner }, folder)
    }
}

impl<D: Disk> Store<D> {
    /// A store over system calls of another kind.
    pub fn on(disk: D, folder: &Path) -> Self {
        Self {
            disk,
            folder: folder.to_owned(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a document, without its status, and keeps the former one.
    ///
    /// `now` is the time of writing as `ctime` has it.
    pub fn write(&self, doc: &Document, now: &str) -> Result<(), StoreError> {
        self.refuse_modified()?;
        self.archive()?;
        let (text, digest) = on_disk(doc, now);
        let steps = [
            (NEW, text.as_bytes(), MAIN),
            (NEW_DIGEST, digest.as_bytes(), MAIN_DIGEST),
        ];
        for (new, bytes, _) in steps {
            self.call(new, |path| self.disk.write_synced(path, bytes))?;
        }
        for (new, _, name) in steps {
            let target = self.path(name);
            self.call(new, |path| self.disk.rename(path, &target))?;
        }
        self.call("", |path| self.disk.sync_folder(path))
    }

    fn call<T>(
        &self,
        name: &str,
        call: impl FnOnce(&Path) -> io::Result<T>,
    ) -> Result<T, StoreError> {
        let path = self.path(name);
        call(&path).map_err(|error| StoreError::Io { path, error })
    }

    fn refuse_modified(&self) -> Result<(), StoreError> {
        match load::verified(&self.disk, &self.path(MAIN), &self.path(MAIN_DIGEST)) {
            load::Verdict::Good(_) | load::Verdict::Missing => Ok(()),
            // A crash between the two renames left the new file with the old digest.
            load::Verdict::Stale(_) => {
                let target = self.path(MAIN_DIGEST);
                self.call(NEW_DIGEST, |path| self.disk.rename(path, &target))
            }
            load::Verdict::Bad(_) => Err(StoreError::Modified(self.path(MAIN))),
        }
    }

    /// Links the current files under the next number.
    fn archive(&self) -> Result<(), StoreError> {
        if !self.disk.exists(&self.path(MAIN)) {
            return Ok(());
        }
        let number = self.next_number();
        let archived = format!("cib-{number}.raw");
        for (from, to) in [
            (MAIN, archived.clone()),
            (MAIN_DIGEST, format!("{archived}.sig")),
        ] {
            if !self.disk.exists(&self.path(from)) {
                continue;
            }
            let target = self.path(&to);
            self.call(&to, |path| self.disk.remove(path))?;
            self.call(from, |path| self.disk.link(path, &target))?;
        }
        let next = (number + 1) % limits::CIB_ARCHIVES_MAX;
        let text = next.to_string();
        self.call("cib.last.new", |path| {
            self.disk.write_synced(path, text.as_bytes())
        })?;
        let target = self.path(LAST);
        self.call("cib.last.new", |path| self.disk.rename(path, &target))
    }

    fn next_number(&self) -> u32 {
        let bytes = self.disk.read(&self.path(LAST)).unwrap_or_default();
        let number = std::str::from_utf8(&bytes)
            .ok()
            .and_then(|t| t.trim().parse().ok());
        number.map_or(0, |number: u32| number % limits::CIB_ARCHIVES_MAX)
    }

    /// Reads the configuration, or the best that is left of it.
    pub fn load(&self) -> Loaded {
        load::load(&self.disk, &self.folder)
    }
}

/// The text and the digest that go to disk.
fn on_disk(doc: &Document, now: &str) -> (String, String) {
    let mut doc = doc.clone();
    let root = doc.root();
    if let Some(status) = doc.child(root, "status") {
        doc.detach(status);
    }
    doc.set_attr(root, version::COUNTERS[2], "0");
    doc.set_attr(root, "cib-last-written", now);
    (writer::pretty(&doc, root), digest::v1(&doc, root))
}

#[cfg(test)]
mod tests;
