//! A journal: lines in a file that survive a kill and a loss of power, bounded in size.
//!
//! Lines are appended by a thread of their own, since a disk may block. When the file is full it
//! becomes the older one, and the one before that is gone. A line that was only half written is
//! ended at the next start, and is left out by whoever reads.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Lines that wait for the thread at most.
const QUEUE_LINES_MAX: usize = 4096;

/// The bound of a file; there are two.
pub const FILE_BYTES_MAX: u64 = 8 << 20;

/// A journal that is written.
#[derive(Debug)]
pub struct Journal {
    lines: Option<SyncSender<String>>,
    thread: Option<JoinHandle<()>>,
    lost: u64,
}

impl Journal {
    /// Opens a journal, or makes one.
    ///
    /// Errors: the file can't be written, or no thread can be started.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::with_bound(path, FILE_BYTES_MAX)
    }

    fn with_bound(path: &Path, bytes_max: u64) -> io::Result<Self> {
        let mut writer = Writer::open(path, bytes_max)?;
        let (lines, waiting) = sync_channel(QUEUE_LINES_MAX);
        let thread = std::thread::Builder::new().name("journal".into());
        let thread = thread.spawn(move || writer.run(&waiting))?;
        Ok(Self {
            lines: Some(lines),
            thread: Some(thread),
            lost: 0,
        })
    }

    /// Appends a line, without its end. One that finds the queue full is lost and counted.
    pub fn append(&mut self, line: String) {
        let sent = self.lines.as_ref().map(|lines| lines.try_send(line));
        if let Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) = sent {
            self.lost += 1;
        }
    }

    /// Lines that were lost.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        drop(self.lines.take());
        if let Some(thread) = self.thread.take() {
            // It has written all that it could.
            let _ = thread.join();
        }
    }
}

#[derive(Debug)]
struct Writer {
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
}

impl Writer {
    fn open(path: &Path, bytes_max: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let options = options.create(true).read(true).append(true);
        let mut file = options.open(path)?;
        let mut bytes = file.metadata()?.len();
        if bytes > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
                bytes += 1;
            }
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            bytes,
            bytes_max,
        })
    }

    fn run(&mut self, waiting: &Receiver<String>) {
        while let Ok(first) = waiting.recv() {
            let mut text = first + "\n";
            for line in waiting.try_iter().take(QUEUE_LINES_MAX) {
                text += &line;
                text.push('\n');
            }
            // A full disk loses lines, and nothing else.
            let _ = self.write(text.as_bytes());
        }
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if self.bytes > 0 && self.bytes.saturating_add(length) > self.bytes_max {
            fs::rename(&self.path, older(&self.path))?;
            *self = Self::open(&self.path, self.bytes_max)?;
            if let Some(folder) = self.path.parent() {
                File::open(folder)?.sync_all()?;
            }
        }
        self.file.write_all(text)?;
        self.bytes = self.bytes.saturating_add(length);
        self.file.sync_data()
    }
}

fn older(path: &Path) -> PathBuf {
    path.with_added_extension("1")
}

/// The lines of a journal, the oldest first.
///
/// Errors: it is there and can't be read.
pub fn read(path: &Path) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    for path in [older(path), path.to_owned()] {
        let mut bytes = Vec::new();
        match File::open(&path) {
            // The writer's bound may be passed by what waited at once.
            Ok(file) => file.take(FILE_BYTES_MAX * 2).read_to_end(&mut bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&bytes);
        lines.extend(text.lines().map(str::to_owned));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_over_a_start_and_a_half_one_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        assert!(read(&path).unwrap().is_empty());
        let mut journal = Journal::open(&path).unwrap();
        journal.append("one".into());
        journal.append("two".into());
        drop(journal);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"half").unwrap();
        let mut journal = Journal::open(&path).unwrap();
        journal.append("three".into());
        assert_eq!(journal.lost(), 0);
        drop(journal);
        assert_eq!(read(&path).unwrap(), ["one", "two", "{\"half", "three"]);
    }

    #[test]
    fn two_files_of_a_bounded_size_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        for number in 0..100 {
            let mut journal = Journal::with_bound(&path, 100).unwrap();
            journal.append(format!("line number {number:03}"));
        }
        let lines = read(&path).unwrap();
        assert_eq!(lines.last().map(String::as_str), Some("line number 099"));
        assert!((6..=12).contains(&lines.len()), "{lines:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        for path in [older(&path), path] {
            assert!(fs::metadata(path).unwrap().len() <= 100);
        }
    }
}
