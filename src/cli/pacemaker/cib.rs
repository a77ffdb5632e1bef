//! The CIB that a tool works on: the file or the shadow copy that the environment names.

use std::path::PathBuf;

use crate::cib::operation::{self, Operation, Request};
use crate::cib::{self, Document, Error, writer};
use crate::config::identity::write_atomically;

/// Where shadow copies are if `CIB_shadow_dir` says nothing.
const SHADOW_DIR: &str = "/var/lib/pacemaker/cib";

/// A CIB that was opened; what is changed is kept until [`Cib::save`].
#[derive(Debug)]
pub struct Cib {
    path: PathBuf,
    doc: Document,
    changed: bool,
}

/// Why there is no CIB to work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The file is not there.
    File,
    /// It is no CIB.
    Invalid,
    /// No file is named, and there is no cluster.
    Cluster,
}

impl Cib {
    /// Opens the CIB that `CIB_shadow` or `CIB_file` names.
    pub fn open() -> Result<Self, Missing> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let shadow = variable("CIB_shadow").map(|name| {
            let dir = variable("CIB_shadow_dir").unwrap_or_else(|| SHADOW_DIR.into());
            PathBuf::from(dir).join(format!("shadow.{}", name.to_string_lossy()))
        });
        let path = shadow
            .or_else(|| variable("CIB_file").map(PathBuf::from))
            .ok_or(Missing::Cluster)?;
        let bytes = std::fs::read(&path).map_err(|_| Missing::File)?;
        let mut doc = cib::read_file_text(bytes).map_err(|_| Missing::Invalid)?;
        let root = doc.root();
        if doc.name(root) != "cib" {
            return Err(Missing::Invalid);
        }
        if doc.child(root, "status").is_none() {
            doc.add_element(root, "status", &[]);
        }
        Ok(Self {
            path,
            doc,
            changed: false,
        })
    }

    /// The document.
    pub fn doc(&self) -> &Document {
        &self.doc
    }

    /// Carries out a change.
    pub fn update(&mut self, operation: Operation, request: &Request) -> Result<(), Error> {
        let update = operation::update(&self.doc, operation, request).map_err(|f| f.error)?;
        self.doc = update.doc;
        self.changed = true;
        Ok(())
    }

    /// Writes the file, if a change was carried out.
    pub fn save(self) -> std::io::Result<()> {
        if !self.changed {
            return Ok(());
        }
        let text = writer::pretty(&self.doc, self.doc.root());
        write_atomically(&self.path, text.as_bytes(), 0o600)
    }
}

/// The document alone; none if there isn't one.
pub fn read() -> Option<Document> {
    Cib::open().ok().map(|cib| cib.doc)
}
