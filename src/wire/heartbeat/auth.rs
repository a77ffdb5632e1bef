//! Keys and digests: who may speak.
//!
//! Source: heartbeat 3.0.6, `lib/plugins/HBauth` and `heartbeat/auth.c`;
//! `spec/heartbeat-wire.md` section 5.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use self::digest::Printed;
use crate::limits;

mod digest;

/// How a digest is made; the names are those of authkeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// A checksum without key: against damage, not against anyone.
    Crc,
    /// HMAC-MD5.
    Md5,
    /// HMAC-SHA1.
    Sha1,
}

impl Method {
    /// The method of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "crc" => Some(Self::Crc),
            "md5" => Some(Self::Md5),
            "sha1" => Some(Self::Sha1),
            _ => None,
        }
    }

    /// Its name in authkeys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc => "crc",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
        }
    }

    /// True for a method that signs with a key.
    pub fn needs_key(self) -> bool {
        self != Self::Crc
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A method and its key.
///
/// The key is wiped when dropped and never printed.
#[derive(Clone)]
pub struct Key {
    method: Method,
    secret: Zeroizing<Vec<u8>>,
}

impl Key {
    /// Errors: the method needs a key and `secret` is empty, or the other way round.
    pub fn new(method: Method, secret: &[u8]) -> Result<Self, KeyringError> {
        match (method.needs_key(), secret.is_empty()) {
            (true, true) => Err(KeyringError::KeyMissing(method)),
            (false, false) => Err(KeyringError::KeyUseless(method)),
            _ => Ok(Self {
                method,
                secret: Zeroizing::new(secret.to_vec()),
            }),
        }
    }

    /// Its method.
    pub fn method(&self) -> Method {
        self.method
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, {} bytes)", self.method, self.secret.len())
    }
}

/// The keys of authkeys: what we sign with and what we take.
#[derive(Debug, Clone)]
pub struct Keyring {
    outbound: u8,
    keys: [Option<Key>; limits::HEARTBEAT_AUTH_INDEX_MAX as usize + 1],
}

/// Why keys make no keyring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// An index above [`limits::HEARTBEAT_AUTH_INDEX_MAX`].
    #[error("key index {0} is above {max}", max = limits::HEARTBEAT_AUTH_INDEX_MAX)]
    IndexTooLarge(u8),
    /// There is no key of the index to sign with.
    #[error("there is no key {0} to sign with")]
    NoOutboundKey(u8),
    /// md5 or sha1 without key.
    #[error("method {0} needs a key")]
    KeyMissing(Method),
    /// crc with a key.
    #[error("method {0} takes no key")]
    KeyUseless(Method),
}

/// Which key a message was signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signer {
    /// The index the message names.
    pub index: u8,
    /// The method of that index.
    pub method: Method,
    /// False: the key of that index. True: our outbound key with that method, as heartbeat 3.0.6
    /// checks netstring messages.
    pub by_outbound_key: bool,
}

/// Why a token doesn't prove its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not `INDEX DIGEST`.
    #[error("malformed authentication token")]
    Malformed,
    /// We have no key of that index.
    #[error("key index {index} is unknown here")]
    UnknownKey {
        /// The index the message names.
        index: u8,
    },
    /// The digest isn't the one our key makes.
    #[error("authentication failed, key {index} ({method}) doesn't match")]
    WrongKey {
        /// The index the message names.
        index: u8,
        /// Our method of that index.
        method: Method,
    },
}

impl Keyring {
    /// A keyring that signs with key `outbound`; a later key of an index replaces an earlier one.
    pub fn new<'a>(
        outbound: u8,
        keys: impl IntoIterator<Item = (u8, Method, &'a [u8])>,
    ) -> Result<Self, KeyringError> {
        let mut ring = Self {
            outbound,
            keys: Default::default(),
        };
        for (index, method, secret) in keys {
            let slot = ring
                .keys
                .get_mut(usize::from(index))
                .ok_or(KeyringError::IndexTooLarge(index))?;
            *slot = Some(Key::new(method, secret)?);
        }
        match ring.key(outbound) {
            Some(_) => Ok(ring),
            None => Err(KeyringError::NoOutboundKey(outbound)),
        }
    }

    /// The index we sign with.
    pub fn outbound(&self) -> u8 {
        self.outbound
    }

    /// The key of that index.
    pub fn key(&self, index: u8) -> Option<&Key> {
        self.keys.get(usize::from(index))?.as_ref()
    }

    /// Every index and its key, in order.
    pub fn keys(&self) -> impl Iterator<Item = (u8, &Key)> {
        (0..)
            .zip(&self.keys)
            .filter_map(|(index, key)| Some((index, key.as_ref()?)))
    }

    /// `INDEX DIGEST` of `signed`, made with the outbound key.
    pub(super) fn token(&self, signed: &[u8]) -> Printed {
        let mut token = Printed::new();
        token.push_decimal(self.outbound);
        token.push(b' ');
        if let Some(key) = self.key(self.outbound) {
            let parts = std::iter::once(signed);
            digest::print((key.method, &key.secret), parts, &mut token);
        }
        token
    }

    /// Checks the token of a text form: the key of its index, nothing else.
    pub(super) fn check_text<'a>(
        &self,
        token: &[u8],
        signed: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<Signer, TokenError> {
        let (index, stated) = split_token(token)?;
        let key = self.key(index).ok_or(TokenError::UnknownKey { index })?;
        let method = key.method;
        if matches((method, &key.secret), signed, stated) {
            Ok(Signer {
                index,
                method,
                by_outbound_key: false,
            })
        } else {
            Err(TokenError::WrongKey { index, method })
        }
    }

    /// Checks the outer token of a netstring form: the key of its index, then the outbound key
    /// with the method of that index.
    ///
    /// Differs: heartbeat 3.0.6 tries the latter only. An outbound key that is empty (crc) is
    /// not tried: everyone knows it.
    pub(super) fn check_netstring(
        &self,
        token: &[u8],
        signed: &[u8],
    ) -> Result<Signer, TokenError> {
        let parts = std::iter::once(signed);
        let error = match self.check_text(token, parts.clone()) {
            Err(error @ TokenError::WrongKey { .. }) => error,
            other => return other,
        };
        let (index, stated) = split_token(token)?;
        match (self.key(index), self.key(self.outbound)) {
            (Some(key), Some(outbound))
                if index != self.outbound
                    && key.method.needs_key()
                    && !outbound.secret.is_empty()
                    && matches((key.method, &outbound.secret), parts, stated) =>
            {
                Ok(Signer {
                    index,
                    method: key.method,
                    by_outbound_key: true,
                })
            }
            _ => Err(error),
        }
    }
}

/// The index and the digest of `INDEX DIGEST`.
fn split_token(token: &[u8]) -> Result<(u8, &[u8]), TokenError> {
    let (index, digest) = match token {
        [a @ b'0'..=b'9', b' ', digest @ ..] => (a - b'0', digest),
        [a @ b'1'..=b'9', b @ b'0'..=b'9', b' ', digest @ ..] => {
            ((a - b'0') * 10 + (b - b'0'), digest)
        }
        _ => return Err(TokenError::Malformed),
    };
    let is_digest = !digest.is_empty() && digest.len() <= 40 && digest.is_ascii();
    is_digest
        .then_some((index, digest))
        .ok_or(TokenError::Malformed)
}

fn matches<'a>(
    key: (Method, &[u8]),
    signed: impl Iterator<Item = &'a [u8]>,
    stated: &[u8],
) -> bool {
    let mut printed = Printed::new();
    digest::print(key, signed, &mut printed);
    printed.as_bytes().ct_eq(stated).into()
}

#[cfg(test)]
mod tests;
