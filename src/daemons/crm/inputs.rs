//! What the scheduler's answers were computed from, on disk for `crm_simulate` and reports.
//!
//! Source: Pacemaker 2.1.5, pacemaker-schedulerd; spec cib.md section 4.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bzip2::Compression;

use crate::cib::{Document, digest, writer};
use crate::controller::option;
use crate::runtime::log::cluster_user;

/// Folder of the files.
pub(super) const PENGINE_DIR: &str = "/var/lib/pacemaker/pengine";

/// What all of them are called. The scheduler tells no errors or warnings from what is well, so
/// there are no `pe-error` and `pe-warn`.
const SERIES: &str = "pe-input";

/// Most inputs that are kept, if the CIB says nothing. Source: spec cib.md section 9,
/// `pe-input-series-max`.
const INPUTS_MAX: i64 = 4000;

/// The inputs of a node; the threads of the scheduler keep them.
#[derive(Debug)]
pub(super) struct Inputs {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The one that was placed last, and its digest.
    last: Option<(PathBuf, String)>,
    /// The number that comes next; none before the first.
    next: Option<u32>,
}

/// Where an input is to be, or is.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) path: PathBuf,
    is_new: bool,
}

impl Default for Inputs {
    fn default() -> Self {
        Self::in_folder(PENGINE_DIR)
    }
}

impl Inputs {
    fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives an input its place; the same one again has the place it had.
    pub(super) fn place(&self, doc: &Document) -> Placed {
        let digest = digest::v2(doc, doc.root());
        let mut state = self.state();
        if let Some((path, known)) = &state.last
            && *known == digest
        {
            let path = path.clone();
            return Placed {
                path,
                is_new: false,
            };
        }
        let max = series_max(doc);
        let number = state.next.or_else(|| last_number(&self.folder));
        let number = number.filter(|number| max == 0 || *number < max);
        let number = number.unwrap_or(0);
        let path = self.folder.join(format!("{SERIES}-{number}.bz2"));
        let next = number.wrapping_add(1);
        state.next = Some(if next == max { 0 } else { next });
        state.last = Some((path.clone(), digest));
        Placed { path, is_new: true }
    }

    /// Writes an input to its place, if it isn't there yet.
    ///
    /// Errors: why it could not be written; the next one like it gets a place of its own.
    pub(super) fn write(&self, placed: &Placed, doc: &Document, unix_s: u64) -> Result<(), String> {
        if !placed.is_new {
            return Ok(());
        }
        let mut dated = doc.clone();
        dated.set_attr(doc.root(), "execution-date", &unix_s.to_string());
        let kept = keep_packed(&placed.path, &dated).and_then(|()| {
            // Others may have been placed meanwhile.
            let state = self.state();
            let next = state.next.unwrap_or(0);
            keep(&last_file(&self.folder), next.to_string().as_bytes())
        });
        kept.map_err(|error| {
            self.state().last = None;
            format!("{} was not written: {error}", placed.path.display())
        })
    }
}

/// How many are kept; 0: all.
fn series_max(cib: &Document) -> u32 {
    let value = option(cib, "pe-input-series-max").and_then(|value| value.parse().ok());
    u32::try_from(value.unwrap_or(INPUTS_MAX)).unwrap_or(0)
}

fn last_file(folder: &Path) -> PathBuf {
    folder.join(format!("{SERIES}.last"))
}

/// The number that comes next.
fn last_number(folder: &Path) -> Option<u32> {
    let text = fs::read_to_string(last_file(folder)).ok()?;
    text.trim().parse().ok()
}

fn keep_packed(path: &Path, doc: &Document) -> io::Result<()> {
    let mut packed = bzip2::write::BzEncoder::new(Vec::new(), Compression::new(5));
    packed.write_all(writer::pretty(doc, doc.root()).as_bytes())?;
    keep(path, &packed.finish()?)
}

/// Puts a file in the place of another, for the cluster's user and group to read.
fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_added_extension("new");
    let mut options = fs::OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o640);
    options.open(&new)?.write_all(bytes)?;
    if let Some((user, group)) = cluster_user() {
        // Who can't give it away keeps it.
        let _ = std::os::unix::fs::chown(&new, Some(user), Some(group));
    }
    fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cib::{read, read_bytes};

    fn cib(number: u32, max: &str) -> Document {
        let text = format!(
            "<cib epoch='{number}'><configuration><crm_config><cluster_property_set id='o'>\
             <nvpair id='m' name='pe-input-series-max' value='{max}'/></cluster_property_set>\
             </crm_config></configuration></cib>"
        );
        read(&text).unwrap()
    }

    #[test]
    fn a_series_begins_anew_when_it_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let inputs = Inputs::in_folder(folder.path());
        let keep = |number, max| {
            let cib = cib(number, max);
            let placed = inputs.place(&cib);
            assert_eq!(inputs.write(&placed, &cib, 1_795_740_000), Ok(()));
            let name = placed.path.file_name();
            name.unwrap().to_string_lossy().into_owned()
        };
        let last = || fs::read_to_string(folder.path().join("pe-input.last")).unwrap();
        assert_eq!(keep(1, "3"), "pe-input-0.bz2");
        assert_eq!(keep(1, "3"), "pe-input-0.bz2", "the same is kept once");
        assert_eq!(last(), "1");
        assert_eq!(keep(2, "3"), "pe-input-1.bz2");
        assert_eq!(keep(3, "3"), "pe-input-2.bz2");
        assert_eq!(last(), "0");
        assert_eq!(keep(4, "3"), "pe-input-0.bz2");
        assert_eq!(keep(5, "1"), "pe-input-0.bz2", "the bound was made smaller");
        assert_eq!(keep(6, "-1"), "pe-input-0.bz2");
        assert_eq!(keep(7, "-1"), "pe-input-1.bz2", "all are kept");
        let packed = fs::File::open(folder.path().join("pe-input-1.bz2")).unwrap();
        let mut text = Vec::new();
        let mut unpacked = bzip2::read::BzDecoder::new(packed);
        io::Read::read_to_end(&mut unpacked, &mut text).unwrap();
        let doc = read_bytes(text).unwrap();
        let date = doc.attr(doc.root(), "execution-date");
        assert_eq!(date, Some("1795740000"));
        assert_eq!(doc.attr(doc.root(), "epoch"), Some("7"));
    }

    #[test]
    fn one_that_can_not_be_written_is_told() {
        let inputs = Inputs::in_folder("/nowhere");
        let cib = cib(1, "3");
        let why = inputs.write(&inputs.place(&cib), &cib, 0).unwrap_err();
        assert!(why.contains("/nowhere/pe-input-0.bz2"), "{why}");
        assert!(inputs.place(&cib).is_new, "it is tried again");
    }
}
