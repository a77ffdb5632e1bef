//! Replacing a file so that a crash leaves the old one or the new one.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Writes a file beside the old one, syncs it, renames it over the old one, syncs the folder.
///
/// Errors: the folder is missing or can't be written; the old file is untouched then.
pub fn write_atomically(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty());
    let dir = dir.unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default();
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    let mut new = tempfile::Builder::new().prefix(&prefix).tempfile_in(dir)?;
    new.as_file()
        .set_permissions(Permissions::from_mode(mode))?;
    new.write_all(content)?;
    new.as_file().sync_all()?;
    new.persist(path)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn the_new_content_is_there_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hb_generation");
        for content in [&b"old"[..], b"new"] {
            write_atomically(&path, content, 0o640).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), content);
        }
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let path = Path::new("/nonexistent/everbeat/file");
        assert!(write_atomically(path, b"x", 0o600).is_err());
    }
}
