//! authkeys: the keys that messages are signed with. Keys are never printed.

mod differ;
mod lines;
mod mask;

use super::diagnostic::{Diagnostic, Findings, Severity, has_errors};
use super::encoding;
use super::source::{Source, Span};
use crate::wire::heartbeat::auth::{Keyring, Method};
use lines::{Content, KeyLine};

pub use differ::differences;

/// A key shorter than this is guessed soon. Units: bytes. Ours.
const KEY_BYTES_SAFE: usize = 8;

/// Reads the text of an authkeys file. The keyring is absent when there is an error.
///
/// Source: heartbeat 3.0.6, `parse_authfile`; spec heartbeat-wire.md section 5.1
pub fn parse(source: &Source) -> (Option<Keyring>, Vec<Diagnostic>) {
    let masked = mask::masked(source);
    let mut reader = Reader {
        found: Findings::new(&masked),
        auth: Vec::new(),
        keys: Vec::new(),
        outbound: None,
    };
    encoding::check(&mut reader.found);
    for line in lines::lines(source) {
        reader.line(line);
    }
    let ring = reader.keyring();
    let found = reader.found.finish();
    (ring.filter(|_| !has_errors(&found)), found)
}

/// The finding about a file's mode, if group or others may read it.
///
/// Source: heartbeat 3.0.6 [tried]: only the two bits for reading count
pub fn permissions(source: &Source, mode: u32) -> Option<Diagnostic> {
    if mode & 0o044 == 0 {
        return None;
    }
    let who = match (mode & 0o040 != 0, mode & 0o004 != 0) {
        (true, true) => "its group and all others",
        (true, false) => "its group",
        _ => "all others",
    };
    let message = format!("the keys can be read by {who} (mode {:03o})", mode & 0o777);
    let help = format!("chmod 600 {}", source.path().display());
    let new = Diagnostic::new(Severity::Error, source, Span::default(), message);
    Some(new.help(help).without_source())
}

struct Reader<'s> {
    found: Findings<'s>,
    /// Index and place of each `auth` line.
    auth: Vec<(u8, Span)>,
    keys: Vec<Key>,
    /// The key that signs: the last one whose line came while `auth` named it.
    outbound: Option<u8>,
}

struct Key {
    index: u8,
    method: Method,
    secret: zeroize::Zeroizing<Vec<u8>>,
    span: Span,
}

impl Reader<'_> {
    fn line(&mut self, line: lines::Line<'_>) {
        match line.content {
            Content::Auth { number, more } => self.auth(line.span, number, more),
            Content::Key(key) => self.key(line.span, key),
            Content::Other => {
                self.error(line.span, "neither `auth INDEX` nor `INDEX METHOD KEY`")
                    .help = Some("a comment starts with #".into());
            }
        }
        if line.auth_in_capitals {
            self.refused(line.span, "auth is written in lower case");
        }
    }

    fn auth(&mut self, span: Span, number: Option<i64>, more: Option<Span>) {
        let index = number.and_then(index);
        let Some(index) = index else {
            self.error(span, "auth needs the index of a key").help =
                Some("write auth N, with N from 0 to 15".into());
            return;
        };
        if let Some(more) = more {
            self.warning(more, "auth takes one index; the rest is ignored")
                .help = Some(format!("write auth {index}"));
        }
        if let Some((_, first)) = self.auth.last() {
            let (line, _) = self.found.source().position(first.start);
            let message = format!("a second auth: the one of line {line} is void");
            self.warning(span, message).help = Some("keep one of them".into());
        }
        self.auth.push((index, span));
    }

    fn key(&mut self, span: Span, line: KeyLine<'_>) {
        let Some(index) = index(line.index) else {
            self.error(span, "the index of a key is out of bounds").help =
                Some("write a number from 0 to 15".into());
            return;
        };
        let Some(method) = self.method(&line) else {
            return;
        };
        let secret = match (method.needs_key(), line.secret) {
            (true, Some((secret, at))) => {
                self.judge(secret, at, line.more);
                secret
            }
            (true, None) => {
                let message = format!("{method} needs a key");
                self.error(span, message).help =
                    Some(format!("write {index} {method} KEY, the same on all nodes"));
                return;
            }
            (false, given) => {
                self.crc(span, index, given);
                ""
            }
        };
        if let Some(known) = self.keys.iter().position(|k| k.index == index) {
            let before = self.keys.remove(known);
            let (line, _) = self.found.source().position(before.span.start);
            let message = format!("key {index} a second time: the one of line {line} is void");
            self.warning(span, message).help = Some("give each key an index of its own".into());
        }
        if self.auth.last().is_some_and(|(named, _)| *named == index) {
            self.outbound = Some(index);
        }
        self.keys.push(Key {
            index,
            method,
            secret: zeroize::Zeroizing::new(secret.as_bytes().to_vec()),
            span,
        });
    }

    fn method(&mut self, line: &KeyLine<'_>) -> Option<Method> {
        let (word, span) = line.method?;
        if let Some(method) = Method::from_name(word) {
            return Some(method);
        }
        if let Some(method) = Method::from_name(&word.to_ascii_lowercase()) {
            self.refused(span, "methods are in lower case").help = Some(format!("write {method}"));
            return Some(method);
        }
        let lower = word.to_ascii_lowercase();
        let help = if lower.starts_with("sha2") || lower.starts_with("sha5") {
            "heartbeat knows crc, md5 and sha1 (an HMAC, which is still sound); write sha1"
        } else if let Some(method) = ["md5", "sha1"].iter().find(|m| lower.starts_with(**m)) {
            // What follows is a part of the key: not shown.
            let message = format!("a blank is missing between {method} and the key");
            self.error(span, message).help = Some(format!("write {method} KEY"));
            return None;
        } else {
            "write crc, md5 or sha1"
        };
        self.error(span, "unknown method").help = Some(help.into());
        None
    }

    /// A key that is likely not what its writer thinks.
    fn judge(&mut self, secret: &str, at: Span, more: Option<Span>) {
        let comment = secret.starts_with('#');
        if comment {
            self.warning(
                at,
                "the comment is the key: heartbeat takes the word after the method",
            )
            .help = Some("write the key before it, or the comment in a line of its own".into());
        } else if secret == "(stdin)=" {
            self.warning(at, "the key is the word (stdin)=, not the digest after it")
                .help = Some(
                "take that word out on all nodes: it is openssl's output, known to all".into(),
            );
        } else if let Some(more) = more {
            let message = "a key is one word: what follows is ignored";
            self.warning(more, message).help = Some("take the blanks out, on all nodes".into());
        }
        if secret.starts_with(['"', '\'']) && !comment {
            self.note(at, "quotes are a part of the key").help =
                Some("all nodes need the same, quotes and all".into());
        }
        if secret.len() < KEY_BYTES_SAFE && !comment {
            let message = "the key is so short that it is soon guessed";
            self.note(at, message).help =
                Some("make one: dd if=/dev/urandom bs=20 count=1 | sha1sum".into());
        }
    }

    fn crc(&mut self, span: Span, index: u8, given: Option<(&str, Span)>) {
        if let Some((word, at)) = given {
            let what = if word.starts_with('#') {
                "crc takes no key, and a comment behind it is one to heartbeat"
            } else {
                "crc takes no key; what follows is ignored"
            };
            self.refused(at, what).help = Some(format!(
                "write {index} crc, and a comment in a line of its own"
            ));
        }
        self.warning(span, "crc is a checksum, no authentication")
            .help = Some(
            "whoever can send a packet to this segment can take the cluster down or make it fail \
             over; use sha1 with a key, unless all media are serial lines or a cable of their own"
                .into(),
        );
    }

    /// The keys together: which one signs.
    fn keyring(&mut self) -> Option<Keyring> {
        let outbound = self.outbound()?;
        let keys = self.keys.iter();
        let keys = keys.map(|k| (k.index, k.method, k.secret.as_slice()));
        Keyring::new(outbound, keys).ok()
    }

    fn outbound(&mut self) -> Option<u8> {
        let end = self.found.source().text().trim_end().len();
        let Some((index, span)) = self.auth.last().copied() else {
            if let [key] = self.keys.as_slice() {
                let (index, span) = (key.index, key.span);
                let message = "there is no auth line; the only key is used";
                self.refused(span, message).help = Some(format!("write auth {index} before it"));
                return Some(index);
            }
            self.error(Span::new(end, end), "there is no auth line")
                .help =
                Some("write auth N as the first line, N being the index of the key to use".into());
            return None;
        };
        if let Some(outbound) = self.outbound {
            if outbound != index {
                let message = format!(
                    "auth {index} has no effect without a key {index} after it: {outbound} signs"
                );
                self.warning(span, message).help = Some("make auth the first line".into());
            }
            return Some(outbound);
        }
        if self.keys.iter().any(|k| k.index == index) {
            let message = format!("auth {index} comes after key {index}");
            self.refused(span, message).help = Some("make auth the first line".into());
            return Some(index);
        }
        if !self.found.has_errors() {
            let message = format!("auth {index}: there is no key {index}");
            self.error(span, message).help = Some(format!(
                "add a line `{index} sha1 KEY`, or name another index"
            ));
        }
        None
    }

    fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.found.add(Severity::Error, span, message)
    }

    fn warning(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.found.add(Severity::Warning, span, message)
    }

    fn note(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.found.add(Severity::Note, span, message)
    }

    fn refused(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.found.add_refused(span, message)
    }
}

/// Bounds: [`crate::limits::HEARTBEAT_AUTH_INDEX_MAX`]
fn index(number: i64) -> Option<u8> {
    let index = u8::try_from(number).ok()?;
    (index <= crate::limits::HEARTBEAT_AUTH_INDEX_MAX).then_some(index)
}

#[cfg(test)]
mod tests;
