//! What a node remembers on disk: the number of its ring, and the highest expected votes.
//!
//! A number is written while a ring forms, and the ring waits for it: the file is overwritten in
//! place, within a sector, and brought to the disk by a thread. A busy disk would hold a node for
//! seconds otherwise, and its ring break.
//!
//! Source: spec totem-wire.md D.12; corosync 3.1.7, `ringid_N` and `ev_tracking`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};

/// Files of a node in its state directory.
#[derive(Debug, Clone)]
pub(super) struct Store {
    folder: PathBuf,
    ring_file: String,
    /// Files with something that isn't on the disk yet.
    written: Sender<File>,
}

impl Store {
    /// `name` is what the file of the ring ends with: the node's id, in 2.x and 1.4 its address.
    ///
    /// Errors: the folder can't be made.
    pub(super) fn open(folder: &Path, name: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let (written, to_sync) = mpsc::channel::<File>();
        std::thread::Builder::new()
            .name("store".into())
            .spawn(move || {
                for file in to_sync {
                    // What can't be synced is as safe as the original's, which never is.
                    let _ = file.sync_all();
                }
            })?;
        Ok(Self {
            folder: folder.to_owned(),
            ring_file: format!("ringid_{name}"),
            written,
        })
    }

    /// The number of the last ring, 0 if there is none.
    pub(super) fn ring_seq(&self) -> u64 {
        let bytes = fs::read(self.folder.join(&self.ring_file)).unwrap_or_default();
        let number = bytes.get(..8).and_then(|bytes| bytes.try_into().ok());
        number.map_or(0, u64::from_ne_bytes)
    }

    /// Keeps the number of a ring.
    pub(super) fn keep_ring_seq(&self, seq: u64) -> io::Result<()> {
        self.keep(&self.ring_file, &seq.to_ne_bytes())
    }

    /// The expected votes that were remembered, 0 if none were.
    pub(super) fn expected_votes(&self) -> u32 {
        let bytes = fs::read(self.folder.join("ev_tracking")).unwrap_or_default();
        let number = bytes.get(..4).and_then(|bytes| bytes.try_into().ok());
        number.map_or(0, u32::from_ne_bytes)
    }

    /// Remembers expected votes.
    pub(super) fn keep_expected_votes(&self, votes: u32) -> io::Result<()> {
        self.keep("ev_tracking", &votes.to_ne_bytes())
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(self.folder.join(name))?;
        file.write_all_at(bytes, 0)?;
        // It ends only with this store.
        let _ = self.written.send(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state"), "7").unwrap();
        assert_eq!((store.ring_seq(), store.expected_votes()), (0, 0));
        store.keep_ring_seq(0x1_0000_0004).unwrap();
        store.keep_expected_votes(5).unwrap();
        let again = Store::open(&folder.path().join("state"), "7").unwrap();
        assert_eq!(
            (again.ring_seq(), again.expected_votes()),
            (0x1_0000_0004, 5)
        );
        fs::write(folder.path().join("state/ringid_7"), b"abc").unwrap();
        assert_eq!(again.ring_seq(), 0, "short");
    }
}
