//! A document into a file that stays the same one.
//!
//! ```text
//!  a copy beside it, synced --> the file, in place, synced --> the copy goes
//! ```
//!
//! pcs reads what it gave to the tools through a file that it holds open, so that it can't be
//! replaced. Whatever call fails, and wherever the machine ends: the old document is in the file,
//! or the new one is, or it is in the copy.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bzip2::Compression;

use super::input;
use crate::cib::{Document, writer};

/// The system calls, so that tests can let each of them fail.
trait Calls {
    /// Makes an empty file with a name of its own that begins so.
    fn create(&self, folder: &Path, prefix: &OsStr) -> io::Result<(File, PathBuf)>;
    fn open(&self, path: &Path) -> io::Result<File>;
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()>;
    fn cut(&self, file: &File, length: u64) -> io::Result<()>;
    fn sync(&self, file: &File) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// Those of this machine.
struct Real;

impl Calls for Real {
    fn create(&self, folder: &Path, prefix: &OsStr) -> io::Result<(File, PathBuf)> {
        let copy = tempfile::Builder::new()
            .prefix(prefix)
            .tempfile_in(folder)?;
        copy.keep().map_err(|failed| failed.error)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).open(path)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn cut(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
}

/// Writes a document to a file, packed if its name says so.
///
/// Errors: the copy or the file can't be written; the text names the copy that stays.
pub fn write_document(path: &Path, doc: &Document) -> io::Result<()> {
    let text = writer::pretty(doc, doc.root());
    let bytes = match input::is_packed(path) {
        true => {
            let mut packer = bzip2::write::BzEncoder::new(Vec::new(), Compression::new(5));
            packer.write_all(text.as_bytes())?;
            packer.finish()?
        }
        false => text.into_bytes(),
    };
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if !std::fs::metadata(&path).is_ok_and(|data| data.is_file()) {
        return std::fs::write(&path, bytes);
    }
    replace(&Real, &path, &bytes)
}

/// How the names of copies of a file begin.
fn prefix(path: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    prefix
}

/// Copies of a file that earlier runs left: they ended, or could not write the file.
pub(super) fn copies(path: &Path) -> Vec<PathBuf> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let prefix = prefix(&path);
    let prefix = prefix.to_string_lossy();
    let entries = path
        .parent()
        .and_then(|folder| std::fs::read_dir(folder).ok());
    let entries = entries.into_iter().flatten().flatten();
    let copies = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&*prefix));
    let mut paths: Vec<PathBuf> = copies.map(|entry| entry.path()).collect();
    paths.sort_by_key(|path| {
        std::fs::metadata(path)
            .and_then(|data| data.modified())
            .ok()
    });
    paths
}

fn replace(calls: &impl Calls, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let (mut file, copy) = calls.create(folder, &prefix(path))?;
    let whole = calls
        .write(&mut file, bytes)
        .and_then(|()| calls.sync(&file))
        // The copy has to be found after an end of the machine, too.
        .and_then(|()| calls.sync(&File::open(folder)?));
    if let Err(error) = whole {
        // Half a copy helps nobody.
        let _ = calls.remove(&copy);
        return Err(error);
    }
    drop(file);
    match write_in_place(calls, path, bytes) {
        Ok(()) => {
            // A copy too many does no harm.
            let _ = calls.remove(&copy);
            Ok(())
        }
        Err(error) => {
            let text = format!("{error}; what should be in it is in {}", copy.display());
            Err(io::Error::new(error.kind(), text))
        }
    }
}

fn write_in_place(calls: &impl Calls, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = calls.open(path)?;
    calls.write(&mut file, bytes)?;
    calls.cut(&file, bytes.len() as u64)?;
    calls.sync(&file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// The call of that number fails, and if the machine ends then all that follow.
    struct Failing {
        left: Cell<usize>,
        ends: bool,
    }

    impl Failing {
        fn fails(&self) -> bool {
            let left = self.left.get();
            match left {
                usize::MAX => false,
                0 => {
                    if !self.ends {
                        self.left.set(usize::MAX);
                    }
                    true
                }
                _ => {
                    self.left.set(left - 1);
                    false
                }
            }
        }

        fn call<T>(&self, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
            match self.fails() {
                true => Err(io::ErrorKind::StorageFull.into()),
                false => call(),
            }
        }
    }

    impl Calls for Failing {
        fn create(&self, folder: &Path, prefix: &OsStr) -> io::Result<(File, PathBuf)> {
            self.call(|| Real.create(folder, prefix))
        }
        fn open(&self, path: &Path) -> io::Result<File> {
            self.call(|| Real.open(path))
        }
        fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
            if self.fails() {
                // A full disk takes what it has room for.
                Real.write(file, &bytes[..bytes.len() / 2])?;
                return Err(io::ErrorKind::StorageFull.into());
            }
            Real.write(file, bytes)
        }
        fn cut(&self, file: &File, length: u64) -> io::Result<()> {
            self.call(|| Real.cut(file, length))
        }
        fn sync(&self, file: &File) -> io::Result<()> {
            self.call(|| Real.sync(file))
        }
        fn remove(&self, path: &Path) -> io::Result<()> {
            self.call(|| Real.remove(path))
        }
    }

    /// Each call fails in turn, once with an end of the machine and once without.
    #[test]
    fn no_call_that_fails_loses_the_document() {
        let old = "the old document, which is longer than the new one\n".repeat(3);
        for ends in [false, true] {
            let mut number = 0;
            loop {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("cib.xml");
                std::fs::write(&path, &old).unwrap();
                let left = Cell::new(number);
                let result = replace(&Failing { left, ends }, &path, b"the new document\n");
                let is = std::fs::read_to_string(&path).unwrap();
                let copies = copies(&path);
                let copy = copies
                    .iter()
                    .map(|copy| std::fs::read_to_string(copy).unwrap());
                let whole = copy.into_iter().any(|copy| copy == "the new document\n");
                let kept = is == old || is == "the new document\n" || whole;
                assert!(kept, "call {number}: {is:?}");
                match result {
                    Err(error) if is != old => {
                        assert!(error.to_string().contains(".cib.xml."), "{error}");
                    }
                    Err(_) => {}
                    Ok(()) => assert_eq!(is, "the new document\n"),
                }
                if number > 8 {
                    break;
                }
                number += 1;
            }
        }
    }

    #[test]
    fn what_is_written_leaves_no_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cib.xml");
        std::fs::write(&path, "x").unwrap();
        let doc = crate::cib::empty::document("pacemaker-3.9", 4);
        write_document(&path, &doc).unwrap();
        assert!(copies(&path).is_empty());
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("<cib "));
    }
}
