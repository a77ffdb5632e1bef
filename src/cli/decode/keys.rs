//! The keys to check messages with.

use std::path::Path;

use anyhow::{Context, anyhow};

use crate::config::authkeys;
use crate::config::diagnostic::Severity;
use crate::config::source::Source;
use crate::wire::heartbeat::Keyring;

/// Where the keyring of each message comes from.
pub struct Keys {
    fixed: Option<Keyring>,
    /// The last key lines that came with a message, and what they made.
    last: Option<(String, Result<Keyring, String>)>,
}

impl Keys {
    /// The same keyring for all.
    pub fn fixed(keyring: Keyring) -> Self {
        Self {
            fixed: Some(keyring),
            last: None,
        }
    }

    /// The key lines that each message comes with.
    pub fn of_each_line() -> Self {
        Self {
            fixed: None,
            last: None,
        }
    }

    /// The keyring for a message; `None` if there is none.
    pub fn for_lines(&mut self, lines: Option<&str>) -> Result<Option<&Keyring>, String> {
        if let Some(keyring) = &self.fixed {
            return Ok(Some(keyring));
        }
        let Some(lines) = lines else {
            return Ok(None);
        };
        if self.last.as_ref().is_none_or(|(known, _)| known != lines) {
            let keyring = of_lines(lines).map_err(|error| format!("{error:#}"));
            self.last = Some((lines.to_owned(), keyring));
        }
        match &self.last {
            Some((_, Ok(keyring))) => Ok(Some(keyring)),
            Some((_, Err(error))) => Err(error.clone()),
            None => Ok(None),
        }
    }
}

/// Reads an authkeys file. Who else may read it is none of a decoder's business.
pub fn read(path: &Path) -> anyhow::Result<Keyring> {
    let source = Source::read(path).with_context(|| path.display().to_string())?;
    keyring(&source)
}

/// Makes a keyring of key lines with semicolons between them, and no line `auth N`.
fn of_lines(lines: &str) -> anyhow::Result<Keyring> {
    let first = lines.split_whitespace().next().unwrap_or_default();
    let text = format!("auth {first}\n{}\n", lines.replace(';', "\n"));
    keyring(&Source::new("auth_key", &text))
}

fn keyring(source: &Source) -> anyhow::Result<Keyring> {
    let (keyring, findings) = authkeys::parse(source);
    keyring.ok_or_else(|| {
        let error = findings.iter().find(|f| f.severity == Severity::Error);
        error.map_or(anyhow!("no keys"), |error| anyhow!("{error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_lines_make_a_keyring_or_a_named_fault() {
        let outcome = |lines: &str| match of_lines(lines) {
            Ok(ring) => {
                let keys: Vec<_> = ring
                    .keys()
                    .map(|(index, key)| format!("{index}{}", key.method()))
                    .collect();
                keys.join(" ")
            }
            Err(error) => format!("{error:#}"),
        };
        assert_eq!(outcome("2 sha1 one;1 crc;4 md5 two"), "1crc 2sha1 4md5");
        assert_eq!(of_lines("2 sha1 one;1 crc").unwrap().outbound(), 2);
        assert!(outcome("1 sha256 x").starts_with("auth_key:2:3: error: "));
        assert!(outcome("").starts_with("auth_key:1:"));
    }
}
