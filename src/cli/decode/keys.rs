//! The keys to check messages with.

use std::path::Path;

use anyhow::{Context, anyhow, bail};

use crate::wire::heartbeat::{Keyring, Method};

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
            let keyring = parse(lines.split(';')).map_err(|error| format!("auth_key: {error:#}"));
            self.last = Some((lines.to_owned(), keyring));
        }
        match &self.last {
            Some((_, Ok(keyring))) => Ok(Some(keyring)),
            Some((_, Err(error))) => Err(error.clone()),
            None => Ok(None),
        }
    }
}

/// Reads an authkeys file. Who else may read it is none of a decoder's business, and a line
/// `auth N` may be missing.
pub fn read(path: &Path) -> anyhow::Result<Keyring> {
    let place = || path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(place)?;
    parse(text.lines()).with_context(place)
}

fn parse<'a>(lines: impl Iterator<Item = &'a str>) -> anyhow::Result<Keyring> {
    let mut outbound = None;
    let mut keys = Vec::new();
    for (number, line) in (1..).zip(lines) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [] => {}
            [first, ..] if first.starts_with('#') => {}
            ["auth", index] => outbound = index.parse().ok(),
            [index, method, ..] => {
                let key = words.get(2).copied().unwrap_or_default();
                keys.push(
                    parse_key((index, method, key)).with_context(|| format!("line {number}"))?,
                );
            }
            _ => bail!("line {number}: write auth N, or N METHOD KEY"),
        }
    }
    let first = keys.first().map(|key: &(u8, Method, &[u8])| key.0);
    let outbound = outbound.or(first).context("there is no key in it")?;
    Ok(Keyring::new(outbound, keys)?)
}

fn parse_key<'a>(
    (index, method, key): (&str, &str, &'a str),
) -> anyhow::Result<(u8, Method, &'a [u8])> {
    let index = index
        .parse()
        .map_err(|_| anyhow!("{index:?} is no key index; write 0 to 15"))?;
    let method = Method::from_name(method)
        .ok_or_else(|| anyhow!("{method:?} is no method; write crc, md5 or sha1"))?;
    Ok((
        index,
        method,
        if method.needs_key() {
            key.as_bytes()
        } else {
            b""
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(text: &str) -> String {
        match parse(text.lines()) {
            Ok(ring) => {
                let keys: Vec<_> = ring
                    .keys()
                    .map(|(i, k)| format!("{i}{}", k.method()))
                    .collect();
                format!("{} {}", ring.outbound(), keys.join(","))
            }
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn files_and_single_lines_make_keyrings() {
        let file = "# ours\nauth 2\n1 crc\n2 sha1 two words\n";
        assert_eq!(outcome(file), "2 1crc,2sha1");
        assert_eq!(outcome("3 md5 k"), "3 3md5");
        assert_eq!(outcome("1 crc # a comment"), "1 1crc");
    }

    #[test]
    fn faults_are_named() {
        assert_eq!(outcome(""), "there is no key in it");
        assert_eq!(outcome("auth 1\n2 crc"), "there is no key 1 to sign with");
        assert_eq!(
            outcome("\n2 sha256 x").split(';').next(),
            Some("line 2: \"sha256\" is no method")
        );
        assert_eq!(outcome("1 sha1"), "method sha1 needs a key");
        assert_eq!(outcome("word"), "line 1: write auth N, or N METHOD KEY");
    }
}
