//! The CRM's files: the CIB and the term.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cib::{Document, empty};
use crate::daemons::crm::inputs::PENGINE_DIR;
use crate::proto::heartbeat::Severity;
use crate::runtime::cib_store::{Owner, RealDisk, Store};
use crate::runtime::log::{Logger, cluster_user};

/// Folder of the CIB. Source: spec cib.md section 4.
const CIB_DIR: &str = "/var/lib/pacemaker/cib";

/// Folder of what only everbeat keeps.
const OWN_DIR: &str = "/var/lib/everbeat";

/// The schema of a new CIB.
const SCHEMA: &str = "pacemaker-3.9";

/// The CRM's folders.
#[derive(Debug)]
pub(super) struct Files {
    cib: Store<RealDisk>,
    log: Logger,
}

impl Files {
    /// Makes the folders that are missing.
    pub(super) fn open(log: Logger) -> io::Result<Self> {
        let owner = cluster_user().map(|(user, group)| Owner { user, group });
        for folder in [CIB_DIR, PENGINE_DIR, OWN_DIR] {
            fs::create_dir_all(folder)?;
            if let Some((user, group)) = cluster_user() {
                // Who can't give it away keeps it.
                let _ = std::os::unix::fs::chown(folder, Some(user), Some(group));
            }
        }
        Ok(Self {
            cib: Store::new(Path::new(CIB_DIR), owner),
            log,
        })
    }

    /// The CIB of the disk, or an empty one.
    pub(super) fn load(&self) -> Document {
        let loaded = self.cib.load();
        for note in loaded.notes {
            self.log.log(Severity::Warning, note.to_string());
        }
        let mut doc = loaded.doc.unwrap_or_else(|| empty::document(SCHEMA, 0));
        let root = doc.root();
        if doc.child(root, "status").is_none() {
            doc.add_element(root, "status", &[]);
        }
        doc
    }

    /// Keeps a configuration.
    pub(super) fn keep(&self, doc: &Document) {
        let now = crate::sys::local_time::ctime(crate::runtime::clock::now().unix_s);
        if let Err(error) = self.cib.write(doc, &now) {
            self.log
                .log(Severity::Error, format!("the CIB was not written: {error}"));
        }
    }

    /// The term that was kept last.
    pub(super) fn term(&self) -> u64 {
        let text = fs::read_to_string(term_file()).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// Keeps a term.
    pub(super) fn keep_term(&self, term: u64) {
        let keep = || {
            let new = Path::new(OWN_DIR).join("term.new");
            let mut file = File::create(&new)?;
            writeln!(file, "{term}")?;
            file.sync_all()?;
            fs::rename(&new, term_file())?;
            File::open(OWN_DIR)?.sync_all()
        };
        if let Err(error) = keep() {
            let text = format!("the term was not written to {OWN_DIR}: {error}");
            self.log.log(Severity::Error, text);
        }
    }
}

fn term_file() -> PathBuf {
    Path::new(OWN_DIR).join("term")
}
