//! The system calls of the store, so that tests can let each of them fail.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::limits;

/// Who owns the files: the ids of the user and the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: u32,
    /// The group.
    pub group: u32,
}

/// What the store asks of the system.
pub trait Disk {
    /// All bytes of a file, up to the largest document.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Makes a file with this content, in the place of one of the name, and syncs it.
    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Gives a file another name, in the place of one that has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; one that isn't there is no error.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Syncs a folder.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Whether there is such a file.
    fn exists(&self, path: &Path) -> bool;
    /// The files of a folder with the times of their last change of state.
    fn list(&self, folder: &Path) -> io::Result<Vec<(PathBuf, SystemTime)>>;
}

/// The disk of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk {
    /// Who owns new files; none leaves them to the process.
    pub owner: Option<Owner>,
}

impl Disk for RealDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let limit = limits::CIB_BYTES_MAX as u64 + 1;
        File::open(path)?.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.remove(path)?;
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        if let Some(Owner { user, group }) = self.owner {
            std::os::unix::fs::fchown(&file, Some(user), Some(group))?;
        }
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(PathBuf, SystemTime)>> {
        use std::os::unix::fs::MetadataExt;
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let data = entry.metadata()?;
            let since = std::time::Duration::new(
                u64::try_from(data.ctime()).unwrap_or(0),
                u32::try_from(data.ctime_nsec()).unwrap_or(0),
            );
            files.push((entry.path(), SystemTime::UNIX_EPOCH + since));
        }
        Ok(files)
    }
}
