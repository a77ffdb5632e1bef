//! hostcache and delhostcache: nodes that joined, and nodes that were removed.

use std::io;
use std::path::Path;

use super::write_atomically;
use crate::config::diagnostic::{Diagnostic, Findings, Severity};
use crate::config::source::Source;
use crate::ids::{NodeName, NodeUuid};
use crate::limits;

/// One remembered node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedHost {
    /// Its name.
    pub name: NodeName,
    /// Its uuid; nil when it isn't known.
    pub uuid: NodeUuid,
    /// Its weight in votes; 100 when it isn't set.
    pub weight: u32,
    /// Its site; may be empty.
    pub site: String,
}

/// The nodes of a hostcache or delhostcache file.
///
/// Layout: a line each, `NAME tab UUID tab WEIGHT tab SITE`
/// Bounds: [`limits::HEARTBEAT_NODES_MAX`]
/// Source: heartbeat 3.0.6, `hb_add_deleted_node`, `read_cache_file`; spec heartbeat-wire.md 9
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hostcache {
    /// The nodes in the order of the file.
    pub hosts: Vec<CachedHost>,
}

impl Hostcache {
    /// Reads the text; lines that make no sense are left out with a warning.
    pub fn parse(source: &Source) -> (Self, Vec<Diagnostic>) {
        let mut found = Findings::new(source);
        let mut cache = Self::default();
        for (span, line) in source.lines() {
            if line.trim().is_empty() {
                continue;
            }
            match entry(line) {
                Some(host) if cache.hosts.len() < limits::HEARTBEAT_NODES_MAX => {
                    cache.hosts.push(host);
                }
                Some(_) => {
                    let message = format!("more than {} nodes", limits::HEARTBEAT_NODES_MAX);
                    found.add(Severity::Warning, span, message);
                }
                None => {
                    found
                        .add(Severity::Warning, span, "no remembered node: left out")
                        .help = Some("a line is NAME, UUID, WEIGHT, SITE, with tabs".into());
                }
            }
        }
        (cache, found.finish())
    }

    /// The text of the file.
    pub fn render(&self) -> String {
        let line = |h: &CachedHost| format!("{}\t{}\t{}\t{}\n", h.name, h.uuid, h.weight, h.site);
        self.hosts.iter().map(line).collect()
    }

    /// Reads a file; one that isn't there holds nothing.
    ///
    /// Errors: the file is there and can't be read.
    pub fn load(path: &Path) -> io::Result<(Self, Vec<Diagnostic>)> {
        match Source::read(path) {
            Ok(source) => Ok(Self::parse(&source)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Default::default()),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file.
    ///
    /// Errors: the folder can't be written.
    pub fn store(&self, path: &Path) -> io::Result<()> {
        write_atomically(path, self.render().as_bytes(), 0o644)
    }
}

/// Lines of before 2.1 have no weight and no site.
fn entry(line: &str) -> Option<CachedHost> {
    let mut words = line.split('\t');
    let name = NodeName::new(words.next()?.trim()).ok()?;
    let uuid = uuid(words.next()?.trim())?;
    let weight = match words.next().map(str::trim) {
        None | Some("") => 100,
        Some(weight) => weight.parse().ok()?,
    };
    let site = words.next().unwrap_or("").trim().to_owned();
    Some(CachedHost {
        name,
        uuid,
        weight,
        site,
    })
}

fn uuid(text: &str) -> Option<NodeUuid> {
    let bytes = text.as_bytes();
    let dashes = [8, 13, 18, 23];
    if bytes.len() != 36 || dashes.iter().any(|at| bytes[*at] != b'-') {
        return None;
    }
    let digits: Vec<u8> = bytes.iter().copied().filter(|b| *b != b'-').collect();
    let mut uuid = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in uuid.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16)
            .ok()
            .filter(|_| !pair.starts_with('+'))?;
    }
    Some(NodeUuid(uuid))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a\t00112233-4455-6677-8899-aabbccddeeff\t100\t\n\
                        b\tffeeddcc-bbaa-9988-7766-554433221100\t50\tberlin\n";

    #[test]
    fn what_is_read_is_written_again() {
        let (cache, found) = Hostcache::parse(&Source::new("hostcache", TEXT));
        assert_eq!(found, []);
        assert_eq!(cache.hosts.len(), 2);
        assert_eq!(cache.hosts[1].weight, 50);
        assert_eq!(cache.hosts[1].site, "berlin");
        assert_eq!(cache.render(), TEXT);
    }

    #[test]
    fn old_lines_have_no_weight() {
        let text = "a\t00112233-4455-6677-8899-aabbccddeeff\n";
        let (cache, found) = Hostcache::parse(&Source::new("hostcache", text));
        assert_eq!((cache.hosts[0].weight, found.len()), (100, 0));
    }

    #[test]
    fn nonsense_is_left_out() {
        for text in [
            "a\n",
            "a\tnot-a-uuid\n",
            "\t00112233-4455-6677-8899-aabbccddeeff\n",
            "a\t00112233-4455-6677-8899-aabbccddee+f\n",
            "a\t0011223344-55-6677-8899-aabbccddeef\n",
            "a\té0112233-4455-6677-8899-aabbccddeef\n",
        ] {
            let (cache, found) = Hostcache::parse(&Source::new("hostcache", text));
            assert!(cache.hosts.is_empty(), "{text}");
            assert_eq!(found.len(), 1, "{text}");
        }
    }

    #[test]
    fn a_missing_file_is_an_empty_cache() {
        let (cache, found) = Hostcache::load(Path::new("/nonexistent/hostcache")).unwrap();
        assert!(cache.hosts.is_empty() && found.is_empty());
    }
}
