use std::cell::Cell;
use std::time::SystemTime;

use super::*;
use crate::cib::{empty, version::Version};

/// A disk on which one call fails and, after a crash, all that follow.
struct Failing {
    real: RealDisk,
    left: Cell<usize>,
    crash: bool,
    /// A write that fails leaves half of the file.
    torn: bool,
}

impl Failing {
    fn at(call: usize, crash: bool, torn: bool) -> Self {
        Self {
            real: RealDisk::default(),
            left: Cell::new(call),
            crash,
            torn,
        }
    }

    fn fails(&self) -> bool {
        match self.left.get() {
            0 => {
                if !self.crash {
                    self.left.set(usize::MAX);
                }
                true
            }
            usize::MAX => false,
            left => {
                self.left.set(left - 1);
                false
            }
        }
    }

    fn call<T>(&self, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.fails() {
            true => Err(io::Error::from(io::ErrorKind::StorageFull)),
            false => call(),
        }
    }
}

impl Disk for Failing {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.real.read(path)
    }
    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if self.fails() {
            if self.torn {
                let _ = self.real.write_synced(path, &bytes[..bytes.len() / 2]);
            }
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.real.write_synced(path, bytes)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|| self.real.rename(from, to))
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|| self.real.link(from, to))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(|| self.real.remove(path))
    }
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.call(|| self.real.sync_folder(path))
    }
    fn exists(&self, path: &Path) -> bool {
        self.real.exists(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<(PathBuf, SystemTime)>> {
        self.real.list(folder)
    }
}

fn doc(epoch: u32) -> Document {
    empty::document("pacemaker-3.9", epoch)
}

fn epoch(loaded: &Loaded) -> i64 {
    Version::of_root(loaded.doc.as_ref().expect("a configuration")).epoch
}

const NOW: &str = "Thu Nov 26 08:00:00 2026";

#[test]
fn what_was_written_is_read_without_its_status() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path(), None);
    assert!(store.load().doc.is_none());
    for n in 1..4 {
        store.write(&doc(n), NOW).unwrap();
    }
    let loaded = store.load();
    assert_eq!((epoch(&loaded), loaded.notes.as_slice()), (3, &[][..]));
    let text = std::fs::read_to_string(folder.path().join("cib.xml")).unwrap();
    assert!(text.contains(NOW) && !text.contains("status"));
    let last = std::fs::read_to_string(folder.path().join("cib.last")).unwrap();
    assert_eq!(last, "2");
    assert!(folder.path().join("cib-1.raw.sig").exists());
}

#[test]
fn a_file_that_was_edited_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path(), None);
    store.write(&doc(1), NOW).unwrap();
    let file = folder.path().join("cib.xml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("epoch=\"1\"", "epoch=\"9\"")).unwrap();
    assert!(matches!(
        store.write(&doc(2), NOW),
        Err(StoreError::Modified(_))
    ));
}

#[test]
fn a_damaged_file_is_set_aside_for_the_newest_former_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path(), None);
    for n in 1..4 {
        store.write(&doc(n), NOW).unwrap();
    }
    std::fs::write(folder.path().join("cib.xml"), "<cib epo").unwrap();
    let loaded = store.load();
    assert_eq!(epoch(&loaded), 2);
    assert!(matches!(loaded.notes[0], Note::Damaged { .. }));
    assert!(matches!(loaded.notes[1], Note::Restored(_)));
    assert!(folder.path().join("cib.auto.000000").exists());
    assert!(!folder.path().join("cib.xml").exists());
    store.write(&doc(7), NOW).unwrap();
    assert_eq!(epoch(&store.load()), 7);
}

#[test]
fn archives_go_round() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path(), None);
    for n in 1..=limits::CIB_ARCHIVES_MAX + 5 {
        store.write(&doc(n), NOW).unwrap();
    }
    let archived = std::fs::read_dir(folder.path()).unwrap();
    let raw = archived.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().ends_with(".raw")
    });
    assert_eq!(raw.count(), limits::CIB_ARCHIVES_MAX as usize);
}

/// Each call fails in turn: once as an error that the store reports, once as the end of the
/// machine. Whatever happens, the old or the new document is read afterwards, and writing works.
#[test]
fn no_call_that_fails_loses_the_configuration() {
    for (crash, torn) in [(false, false), (true, false), (true, true)] {
        let mut calls = 0;
        loop {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::new(folder.path(), None);
            for n in 1..4 {
                store.write(&doc(n), NOW).unwrap();
            }
            let failing = Store::on(Failing::at(calls, crash, torn), folder.path());
            let result = failing.write(&doc(4), NOW);
            let loaded = store.load();
            let read = epoch(&loaded);
            assert!(
                read == 4 || read == 3,
                "call {calls}: {read}, {:?}",
                loaded.notes
            );
            let damaged = loaded
                .notes
                .iter()
                .any(|n| matches!(n, Note::Damaged { .. }));
            assert!(!damaged, "call {calls}: {:?}", loaded.notes);
            store.write(&doc(5), NOW).expect("it can be written again");
            assert_eq!(epoch(&store.load()), 5);
            if result.is_ok() {
                assert_eq!(read, 4);
                assert!(calls > 8, "only {calls} calls");
                break;
            }
            calls += 1;
        }
    }
}

/// A second crash while the remains of a first one are there.
#[test]
fn two_crashes_lose_nothing_either() {
    for first in 0..16 {
        for second in 0..16 {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::new(folder.path(), None);
            store.write(&doc(1), NOW).unwrap();
            store.write(&doc(2), NOW).unwrap();
            let _ = Store::on(Failing::at(first, true, true), folder.path()).write(&doc(3), NOW);
            let _ = Store::on(Failing::at(second, true, true), folder.path()).write(&doc(4), NOW);
            let loaded = store.load();
            let damaged = loaded
                .notes
                .iter()
                .any(|n| matches!(n, Note::Damaged { .. }));
            assert!(!damaged, "calls {first}, {second}: {:?}", loaded.notes);
            assert!(epoch(&loaded) >= 2, "calls {first}, {second}");
        }
    }
}
