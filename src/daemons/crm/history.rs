//! The journal of this node: what happened in the cluster, for `everbeat history`.

use std::path::Path;

use crate::controller::journal::{Event, Record};
use crate::runtime::journal::Journal;

/// The file; the older one beside it ends in `.1`.
pub const FILE: &str = "/var/lib/everbeat/history";

/// The journal, if it could be opened.
#[derive(Debug)]
pub(super) struct History {
    journal: Option<Journal>,
    name: String,
}

impl History {
    /// Opens it for the node of this name; without one the cluster works as well.
    ///
    /// The second part says why there is none.
    pub(super) fn open(name: &str) -> (Self, Option<String>) {
        let (journal, why) = match Journal::open(Path::new(FILE)) {
            Ok(journal) => (Some(journal), None),
            Err(error) => (None, Some(format!("{FILE} can't be written: {error}"))),
        };
        let name = name.to_owned();
        (Self { journal, name }, why)
    }

    /// Appends an event.
    pub(super) fn note(&mut self, unix_s: u64, event: Event) {
        let record = Record {
            at: unix_s,
            noted_by: self.name.clone(),
            event,
        };
        if let (Some(journal), Ok(line)) = (&mut self.journal, serde_json::to_string(&record)) {
            journal.append(line);
        }
    }
}
