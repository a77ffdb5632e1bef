//! hb_uuid: who this node is, whatever its name.

use std::io::{self, Read};
use std::path::Path;

use super::write_atomically;
use crate::ids::NodeUuid;

/// This node's uuid and whether it is a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnUuid {
    /// The uuid, on disk.
    pub uuid: NodeUuid,
    /// True when there was none and one was made.
    pub new: bool,
}

/// Reads the uuid; makes one when the file is missing or short.
///
/// Layout:  0 16 the uuid, in the order it is printed
/// Errors: the file can't be read or written.
/// Source: heartbeat 3.0.6, `GetUUID`
pub fn load_uuid(dir: &Path) -> io::Result<OwnUuid> {
    let path = dir.join("hb_uuid");
    if let Some(uuid) = read(&path)? {
        return Ok(OwnUuid { uuid, new: false });
    }
    let uuid = random()?;
    write_atomically(&path, &uuid.0, 0o644)?;
    Ok(OwnUuid { uuid, new: true })
}

fn read(path: &Path) -> io::Result<Option<NodeUuid>> {
    let mut bytes = [0; 16];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut bytes));
    match read {
        Ok(()) => Ok(Some(NodeUuid(bytes)).filter(|uuid| !uuid.is_nil())),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => Ok(None),
            _ => Err(error),
        },
    }
}

/// A random uuid. Source: RFC 4122, section 4.4
///
/// Differs: it begins with a letter. The crm shell makes ids of XML elements of it, which can't
/// begin with a digit.
fn random() -> io::Result<NodeUuid> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let letter = 0xa + (bytes[0] >> 4) % 6;
    bytes[0] = bytes[0] & 0x0f | letter << 4;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Ok(NodeUuid(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_begins_with_a_letter() {
        for _ in 0..50 {
            let uuid = random().unwrap().to_string();
            assert!(
                uuid.starts_with(|c: char| c.is_ascii_alphabetic()),
                "{uuid}"
            );
            assert_eq!(uuid.as_bytes()[14], b'4', "{uuid}");
        }
    }

    #[test]
    fn a_uuid_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let first = load_uuid(dir.path()).unwrap();
        assert!(first.new && !first.uuid.is_nil());
        let second = load_uuid(dir.path()).unwrap();
        assert_eq!((second.uuid, second.new), (first.uuid, false));
        assert_eq!(first.uuid.to_string().as_bytes()[14], b'4');
    }

    #[test]
    fn a_short_file_is_no_uuid() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("hb_uuid"), b"short").unwrap();
        assert!(load_uuid(dir.path()).unwrap().new);
        let length = std::fs::metadata(dir.path().join("hb_uuid")).unwrap().len();
        assert_eq!(length, 16);
    }
}
