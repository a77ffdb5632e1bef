//! hb_generation: a number that grows with each start of the daemon.

use std::io::{self, Read};
use std::path::Path;

use super::write_atomically;
use crate::config::ha_cf::GenerationMethod;
use crate::ids::Generation;

/// Width of the number in the file, blanks before it. A newline follows.
///
/// Source: heartbeat 3.0.6, `GENLEN` 16
const WIDTH: usize = 15;

/// The generation of this start and the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartedGeneration {
    /// Ours from now on; on disk already.
    pub current: Generation,
    /// What the file held; absent when there was none that could be read.
    pub previous: Option<Generation>,
}

/// Takes the next generation: the file's number and one more, or the clock's.
///
/// It is on disk before it is used: peers drop a node whose generation goes back.
/// Errors: the file can't be written.
/// Source: heartbeat 3.0.6, `IncrGeneration`, `GetTimeBasedGeneration`
pub fn next_generation(
    dir: &Path,
    method: GenerationMethod,
    unix_s: u64,
) -> io::Result<StartedGeneration> {
    let path = dir.join("hb_generation");
    let previous = read(&path)?;
    let current = match (method, previous) {
        (GenerationMethod::Time, _) => Generation(unix_s),
        (GenerationMethod::File, Some(previous)) => Generation(previous.0.saturating_add(1)),
        (GenerationMethod::File, None) => Generation(unix_s.saturating_add(1)),
    };
    if method == GenerationMethod::File {
        write_atomically(&path, &encode(current), 0o644)?;
    }
    Ok(StartedGeneration { current, previous })
}

fn read(path: &Path) -> io::Result<Option<Generation>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = Vec::new();
    file.take(64).read_to_end(&mut text)?;
    Ok(decode(&text))
}

/// Layout:  0 15 the number, right-aligned; 15 1 newline
fn encode(generation: Generation) -> Vec<u8> {
    format!("{:>WIDTH$}\n", generation.0).into_bytes()
}

fn decode(text: &[u8]) -> Option<Generation> {
    let text = std::str::from_utf8(text).ok()?;
    let number = text.split('\n').next()?.trim().parse().ok()?;
    (number > 0).then_some(Generation(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_has_one_more() {
        let dir = tempfile::tempdir().unwrap();
        let next = |method| next_generation(dir.path(), method, 1_000).unwrap();
        let first = next(GenerationMethod::File);
        assert_eq!(first.current, Generation(1_001));
        assert_eq!(first.previous, None);
        let second = next(GenerationMethod::File);
        assert_eq!(second.current, Generation(1_002));
        assert_eq!(second.previous, Some(Generation(1_001)));
        let text = std::fs::read(dir.path().join("hb_generation")).unwrap();
        assert_eq!(text, b"           1002\n");
        let clock = next(GenerationMethod::Time);
        assert_eq!(clock.current, Generation(1_000));
        assert_eq!(next(GenerationMethod::File).current, Generation(1_003));
    }

    #[test]
    fn heartbeats_own_file_is_read() {
        assert_eq!(
            decode(b"     1795647707\n"),
            Some(Generation(1_795_647_707))
        );
        for bad in [&b""[..], b"\n", b"x\n", b"-5\n", b"0\n", b"\xff\xff"] {
            assert_eq!(decode(bad), None);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let missing = Path::new("/nonexistent/everbeat");
        assert!(next_generation(missing, GenerationMethod::File, 1).is_err());
    }
}
