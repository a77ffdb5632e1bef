//! corosync's authkey: how much of it counts, and who may read it.
//!
//! Source: spec corosync-conf.md section 7; corosync 2.4.6 and 3.1.7, exec/totemconfig.c,
//! `read_keyfile`

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::corosync_conf::Generation;

/// Where the key is, where nothing else is said. Source: corosync 3.1.7, `COROSYSCONFDIR`
pub const PATH: &str = "/etc/corosync/authkey";

/// Shortest key, and all of it that 1.x and 2.x use. Units: bytes
/// Source: corosync 3.1.7, `TOTEM_PRIVATE_KEY_LEN_MIN`
pub const BYTES_MIN: usize = 128;

/// Longest key. Units: bytes. Source: corosync 3.1.7, `TOTEM_PRIVATE_KEY_LEN_MAX`
pub const BYTES_MAX: usize = 4096;

/// Why a key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can't be read.
    #[error("can't read {file}: {error}; make a key by corosync-keygen, the same on all nodes")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file is too short.
    #[error(
        "{file} has {bytes} bytes, and a key at least {BYTES_MIN}; make a new one by \
         corosync-keygen, and copy it to all nodes"
    )]
    Short {
        /// The file.
        file: String,
        /// Its length.
        bytes: usize,
    },
}

/// Reads the part of a key file that counts.
///
/// Differs: corosync 1.4 refuses a file of more than 128 bytes, such as corosync-keygen of 3.x
/// makes; here its first 128 count, as in 2.x.
pub fn read(path: &Path, generation: Generation) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let file = || path.display().to_string();
    let most = bytes_used(generation);
    let mut key = Zeroizing::new(Vec::with_capacity(most));
    let opened = std::fs::File::open(path);
    let read = opened.and_then(|f| f.take(most as u64).read_to_end(&mut key));
    if let Err(error) = read {
        let file = file();
        return Err(KeyError::Unreadable { file, error });
    }
    if key.len() < BYTES_MIN {
        let (file, bytes) = (file(), key.len());
        return Err(KeyError::Short { file, bytes });
    }
    Ok(key)
}

/// Bytes of a key that count.
fn bytes_used(generation: Generation) -> usize {
    match generation {
        Generation::One | Generation::Two => BYTES_MIN,
        Generation::Three => BYTES_MAX,
    }
}

/// What is wrong with a key file's owner and mode, in words; corosync itself looks at neither.
pub fn exposed(path: &Path) -> Option<String> {
    let found = std::fs::metadata(path).ok()?;
    let (mode, owner) = (found.mode() & 0o777, found.uid());
    if mode & 0o077 != 0 {
        return Some(format!(
            "others than its owner may use it (mode {mode:03o})"
        ));
    }
    (owner != 0).then(|| format!("it belongs to user {owner}, not to root"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(bytes: usize) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("authkey");
        let key: Vec<u8> = (0..bytes).map(|i| i as u8).collect();
        std::fs::write(&path, key).unwrap();
        (dir, path)
    }

    #[test]
    fn sizes_are_those_of_each_generation() {
        let length = |bytes, generation| {
            let (_dir, path) = file(bytes);
            read(&path, generation)
                .map(|k| k.len())
                .map_err(|e| e.to_string())
        };
        assert_eq!(length(128, Generation::One), Ok(128));
        assert_eq!(length(256, Generation::One), Ok(128));
        assert_eq!(length(256, Generation::Two), Ok(128));
        assert_eq!(length(256, Generation::Three), Ok(256));
        assert_eq!(length(5000, Generation::Three), Ok(4096));
        let short = length(127, Generation::Two).unwrap_err();
        assert!(short.contains("has 127 bytes"), "{short}");
        let gone = read(Path::new("/nonexistent/key"), Generation::Two).unwrap_err();
        assert!(gone.to_string().contains("corosync-keygen"), "{gone}");
    }

    #[test]
    fn open_keys_are_named() {
        let (_dir, path) = file(128);
        let set = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode));
        set(0o640).unwrap();
        assert!(exposed(&path).unwrap().contains("mode 640"));
        set(0o400).unwrap();
        let own = exposed(&path);
        assert!(own.is_none_or(|e| e.contains("not to root")));
    }
}
