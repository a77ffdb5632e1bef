//! Whole datagrams: sealed with the tokens they need, opened only when their token is right.
//!
//! Source: heartbeat 3.0.6, `msg2wirefmt`, `wirefmt2msg`, `add_msg_auth`; `spec/heartbeat-wire.md`
//! 1.3, 3.1 and 5.

use super::auth::{Keyring, Signer, TokenError};
use super::compress::{self, Algorithm, DecompressError};
use super::message::{Message, Value};
use super::{DecodeError, EncodeError, decode_unauthenticated, netstring, text};
use crate::limits;

/// Field that holds the inner token, `INDEX DIGEST`.
const AUTH: &str = "auth";

/// What a datagram looks like; ha.cf's `msgfmt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Netstring form with an inner token, as heartbeat 3.0.6 sends by default.
    #[default]
    Classic,
    /// Netstring form without it.
    Netstring,
}

/// The form that a datagram came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `>>>` … `<<<`, signed by its field `auth`.
    Text,
    /// `###` … `%%%`, signed by the token behind it.
    Netstring,
}

/// A datagram whose token was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The message; for a wrapper, the one in it. The inner token, `auth`, is still there.
    pub message: Message,
    /// The form of the datagram.
    pub form: Form,
    /// The key it was signed with.
    pub signer: Signer,
    /// How the whole message was compressed, if it was.
    pub wrapped: Option<Algorithm>,
}

/// Why a datagram is dropped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Cut off, too large, or not of either form. Nobody is known to have sent it, unless the
    /// offset is in a field.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The text form without a field `auth`, or with two.
    #[error("no authentication in the message")]
    NoToken,
    /// Signed by nobody we know.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Rightly signed, but what was compressed can't be read.
    #[error(transparent)]
    Decompress(#[from] DecompressError),
}

/// The kinds of [`OpenError`]: what counters count, and what one log line a minute is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Another protocol's, or noise.
    NotHeartbeat,
    /// Cut off.
    Truncated,
    /// Breaks a rule of its form.
    Malformed,
    /// Larger, deeper or of more fields than a message may be.
    TooLarge,
    /// Names a key index that we don't have.
    UnknownKey,
    /// Signed with another key: another cluster's, a forger's, or damaged on the way.
    WrongKey,
    /// Rightly signed, but its compressed part can't be read.
    BadCompression,
}

impl Refusal {
    /// All kinds, in the order of the counters.
    pub const ALL: [Self; 7] = [
        Self::NotHeartbeat,
        Self::Truncated,
        Self::Malformed,
        Self::TooLarge,
        Self::UnknownKey,
        Self::WrongKey,
        Self::BadCompression,
    ];

    /// Its name in logs, counters and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotHeartbeat => "not-heartbeat",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::TooLarge => "too-large",
            Self::UnknownKey => "unknown-key",
            Self::WrongKey => "wrong-key",
            Self::BadCompression => "bad-compression",
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl OpenError {
    /// Its kind.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Decode(DecodeError::NotHeartbeat) => Refusal::NotHeartbeat,
            Self::Decode(DecodeError::Truncated { .. }) => Refusal::Truncated,
            Self::Decode(DecodeError::Malformed { .. }) => Refusal::Malformed,
            Self::Decode(_) => Refusal::TooLarge,
            Self::NoToken | Self::Token(TokenError::Malformed) => Refusal::Malformed,
            Self::Token(TokenError::UnknownKey { .. }) => Refusal::UnknownKey,
            Self::Token(TokenError::WrongKey { .. }) => Refusal::WrongKey,
            Self::Decompress(_) => Refusal::BadCompression,
        }
    }
}

/// [`seal_into`] a new buffer.
pub fn seal(message: &Message, keyring: &Keyring, format: Format) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    seal_into(message, keyring, format, &mut out)?;
    Ok(out)
}

/// Makes the datagram of a message in `out`, whose old content goes.
///
/// A field `auth` that is there already is kept, as in a retransmitted message; else one is
/// appended where heartbeat has one.
///
/// Bounds: [`limits::UDP_PAYLOAD_BYTES_MAX`].
/// Errors: `out` is empty then.
pub fn seal_into(
    message: &Message,
    keyring: &Keyring,
    format: Format,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let result = write_datagram(message, keyring, format, out);
    if result.is_err() {
        out.clear();
    }
    result
}

fn write_datagram(
    message: &Message,
    keyring: &Keyring,
    format: Format,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    out.clear();
    let token = match format {
        Format::Classic if message.is_flat() && message.get(AUTH).is_none() => {
            text::encode_signed_lines(message, out)?;
            let token = keyring.token(out);
            out.clear();
            Some(token)
        }
        _ => None,
    };
    netstring::encode_open(message, out)?;
    if let Some(token) = token {
        netstring::put_field(b'0', AUTH.as_bytes(), token.as_bytes(), out);
    }
    out.extend_from_slice(netstring::END);
    let token = keyring.token(out);
    netstring::put_netstring(&[token.as_bytes()], out);
    check_size(out, limits::UDP_PAYLOAD_BYTES_MAX)
}

/// Makes the datagram of a message with the whole of it compressed: ha.cf's
/// `traditional_compression on` above its `compression_threshold`.
///
/// Errors: `out` is empty then.
pub fn seal_wrapped_into(
    message: &Message,
    keyring: &Keyring,
    (format, algorithm): (Format, Algorithm),
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    out.clear();
    let mut whole = message.clone();
    if format == Format::Classic && message.is_flat() && message.get(AUTH).is_none() {
        text::encode_signed_lines(message, out)?;
        whole.push(AUTH, Value::Text(keyring.token(out).as_bytes().to_vec()));
    }
    let form = compress::form_of(&whole)?;
    let wrapper = compress::wrap(&form, algorithm).map_err(|_| EncodeError::TooLarge {
        bytes: form.len(),
        max: limits::HEARTBEAT_UNCOMPRESSED_BYTES_MAX,
    })?;
    seal_into(&wrapper, keyring, Format::Netstring, out)
}

/// Makes the text form that goes on a serial line in `out`, whose old content goes: signed by its
/// field `auth`, an old one replaced. A node that gets it as a datagram takes it too.
///
/// Bounds: below [`limits::HEARTBEAT_MESSAGE_BYTES_MAX`].
/// Errors: `out` is empty then.
pub fn seal_text_into(
    message: &Message,
    keyring: &Keyring,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    out.clear();
    out.extend_from_slice(text::START);
    let result = text::encode_signed_lines(message, out).and_then(|()| {
        let token = keyring.token(&out[text::START.len()..]);
        out.extend_from_slice(b"auth=");
        out.extend_from_slice(token.as_bytes());
        out.push(b'\n');
        out.extend_from_slice(text::END);
        check_size(out, limits::HEARTBEAT_MESSAGE_BYTES_MAX - 1)
    });
    if result.is_err() {
        out.clear();
    }
    result
}

fn check_size(out: &[u8], max: usize) -> Result<(), EncodeError> {
    if out.len() > max {
        return Err(EncodeError::TooLarge {
            bytes: out.len(),
            max,
        });
    }
    Ok(())
}

/// Opens a datagram or a message from a serial line: its token first, then what it says.
///
/// Before the token is right only the lengths of the top fields, or the ends of the top lines,
/// are looked at. Bytes after the message are ignored, as heartbeat does.
///
/// Bounds: below [`limits::HEARTBEAT_MESSAGE_BYTES_MAX`].
pub fn open(bytes: &[u8], keyring: &Keyring) -> Result<Opened, OpenError> {
    let bytes = check_form(bytes)?;
    let (form, signer, message) = if bytes.starts_with(netstring::START) {
        let end = netstring::end_of(bytes)?;
        let (token, _) = netstring::peel(bytes, end)?;
        let signer = keyring.check_netstring(token, &bytes[..end])?;
        (Form::Netstring, signer, netstring::decode(bytes)?.0)
    } else {
        let token = text_token(bytes)?.ok_or(OpenError::NoToken)?;
        let signer = keyring.check_text(token, signed_lines(bytes))?;
        (Form::Text, signer, text::decode(bytes)?.0)
    };
    let (message, wrapped) = unwrap(message)?;
    Ok(Opened {
        message,
        form,
        signer,
        wrapped,
    })
}

/// A datagram that nobody vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unauthenticated {
    /// The message; for a wrapper, the one in it.
    pub message: Message,
    /// The form of the datagram.
    pub form: Form,
    /// How the whole message was compressed, if it was.
    pub wrapped: Option<Algorithm>,
}

/// Reads a datagram of which nobody can say who sent it: captures without a key. A netstring
/// datagram must have its outer token, a text one its `auth`; neither is believed.
pub fn open_unauthenticated(bytes: &[u8]) -> Result<Unauthenticated, OpenError> {
    let bytes = check_form(bytes)?;
    let form = if bytes.starts_with(netstring::START) {
        netstring::peel(bytes, netstring::end_of(bytes)?)?;
        Form::Netstring
    } else {
        text_token(bytes)?.ok_or(OpenError::NoToken)?;
        Form::Text
    };
    let (message, wrapped) = unwrap(decode_unauthenticated(bytes)?)?;
    Ok(Unauthenticated {
        message,
        form,
        wrapped,
    })
}

/// The message in a wrapper, or the message itself.
fn unwrap(message: Message) -> Result<(Message, Option<Algorithm>), DecompressError> {
    match compress::unwrap(&message) {
        Some(inner) => inner.map(|(message, algorithm)| (message, Some(algorithm))),
        None => Ok((message, None)),
    }
}

/// Checks the inner token of a message that came in netstring form; `None` if it has none.
///
/// Receivers don't look at it; captures can be checked with it.
pub fn check_inner(message: &Message, keyring: &Keyring) -> Option<Result<Signer, TokenError>> {
    let Value::Text(token) = message.get(AUTH)? else {
        return Some(Err(TokenError::Malformed));
    };
    let mut lines = Vec::new();
    if text::encode_signed_lines(message, &mut lines).is_err() {
        return Some(Err(TokenError::Malformed));
    }
    Some(keyring.check_text(token, std::iter::once(&lines[..])))
}

fn check_form(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let starts = [text::START, netstring::START];
    if bytes.len() >= limits::HEARTBEAT_MESSAGE_BYTES_MAX {
        Err(DecodeError::TooLarge { bytes: bytes.len() })
    } else if starts.iter().any(|start| bytes.starts_with(start)) {
        Ok(bytes)
    } else if starts.iter().any(|start| start.starts_with(bytes)) {
        Err(DecodeError::Truncated { at: bytes.len() })
    } else {
        Err(DecodeError::NotHeartbeat)
    }
}

const AUTH_LINE: &[u8] = b"auth=";

/// The token of a text form whose end is there; `None` if there is no `auth` line, or more.
fn text_token(bytes: &[u8]) -> Result<Option<&[u8]>, DecodeError> {
    let mut lines = text::Lines::new(bytes, 0)?;
    let mut token = None;
    let mut auth_lines = 0;
    while let Some((line, _)) = lines.next()? {
        if let Some(value) = line.strip_prefix(AUTH_LINE) {
            token = Some(value);
            auth_lines += 1;
        }
    }
    Ok(token.filter(|_| auth_lines == 1))
}

/// What the token of a text form signs: its lines but `auth`, each with its newline.
fn signed_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    bytes
        .split_inclusive(|&b| b == b'\n')
        .skip(1)
        .take_while(|&line| line != text::END)
        .filter(|&line| line != b"\n" && !line.starts_with(AUTH_LINE))
}

#[cfg(test)]
mod tests;
