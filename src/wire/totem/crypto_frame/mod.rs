//! What stands around totem's messages on the network: encryption and signatures.
//!
//! ```text
//!  3.x over udp and udpu   message
//!  2.x                     FE FE 00 00 | salt 16, with a cipher | message | hmac, with a hash
//!  1.x, secauth on         hmac 20 | salt 16 | message | type 1: 0 sober, 1 nss
//!  1.x, secauth off        message
//! ```
//!
//! A datagram is authenticated before anything else in it is looked at. Salts come from the
//! caller, who has the randomness. Keys are wiped when they are dropped.
//!
//! Source: spec totem-wire.md C; held to captures of 1.4.10 and 2.4.6.

mod block_cipher;
mod mac;
mod one;
mod sober128;
mod sober_table;
mod two;

use std::fmt;

pub use block_cipher::Cipher;
pub use mac::Hash;

/// Length of a salt. Units: bytes
pub const SALT_BYTES: usize = 16;

/// Length of a key that 1.x needs, and of the part of a longer one that counts. Units: bytes
pub const KEY_BYTES: usize = 128;

/// Why a datagram was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is shorter than what stands around a message.
    #[error("too short for a protected datagram")]
    Short,
    /// It was not signed with our key.
    #[error("wrong signature")]
    Signature,
    /// Its first bytes are not those of 2.x.
    #[error("not a datagram of corosync 2.x")]
    Header,
    /// It was signed with our key, but not encrypted with it.
    #[error("can't be decrypted")]
    Decryption,
}

/// Why there is no protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The key is too short for the cipher.
    #[error("a key of {bytes} bytes is too short: {needed} are needed")]
    ShortKey {
        /// Its length.
        bytes: usize,
        /// What is needed.
        needed: usize,
    },
    /// What is encrypted must be signed.
    #[error("a cipher needs a hash")]
    CipherWithoutHash,
}

/// How the datagrams of a cluster are protected, with the keys for it.
#[derive(Clone)]
pub struct Protection {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Bare,
    One(Box<one::Secauth>),
    Two(Box<two::Wrapping>),
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Bare => "Protection(bare)",
            Kind::One(_) => "Protection(1.x secauth)",
            Kind::Two(_) => "Protection(2.x)",
        })
    }
}

impl Protection {
    /// None: 3.x over udp and udpu, and 1.x with `secauth: off`.
    pub fn bare() -> Self {
        Self { kind: Kind::Bare }
    }

    /// That of 1.x with `secauth: on`; of a key longer than [`KEY_BYTES`] the first ones count.
    ///
    /// `sends_nss` and `takes_nss` stand for `crypto_type: nss` and `crypto_accept: new`.
    pub fn secauth(key: &[u8], sends_nss: bool, takes_nss: bool) -> Result<Self, SetupError> {
        let secauth = one::Secauth::new(key, sends_nss, takes_nss)?;
        let kind = Kind::One(Box::new(secauth));
        Ok(Self { kind })
    }

    /// That of 2.x, also where both are none. The whole of `key` signs.
    pub fn wrapped(key: &[u8], cipher: Cipher, hash: Hash) -> Result<Self, SetupError> {
        let wrapping = two::Wrapping::new(key, cipher, hash)?;
        let kind = Kind::Two(Box::new(wrapping));
        Ok(Self { kind })
    }

    /// True when a datagram is the message as it is.
    pub fn is_bare(&self) -> bool {
        matches!(self.kind, Kind::Bare)
    }

    /// True when each datagram needs a salt of its own.
    pub fn needs_salt(&self) -> bool {
        match &self.kind {
            Kind::Bare => false,
            Kind::One(_) => true,
            Kind::Two(wrapping) => wrapping.needs_salt(),
        }
    }

    /// Appends the protected form of a message. `salt` must be random and never come twice.
    pub fn seal_into(&self, message: &[u8], salt: &[u8; SALT_BYTES], out: &mut Vec<u8>) {
        match &self.kind {
            Kind::Bare => out.extend_from_slice(message),
            Kind::One(secauth) => secauth.seal_into(message, salt, out),
            Kind::Two(wrapping) => wrapping.seal_into(message, salt, out),
        }
    }

    /// The message in a datagram; `scratch` holds it where it had to be decrypted.
    pub fn open<'a>(
        &self,
        datagram: &'a [u8],
        scratch: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], OpenError> {
        match &self.kind {
            Kind::Bare => Ok(datagram),
            Kind::One(secauth) => secauth.open(datagram, scratch),
            Kind::Two(wrapping) => wrapping.open(datagram, scratch),
        }
    }
}

/// Cuts `count` bytes off the end.
fn cut_tail(bytes: &[u8], count: usize) -> Result<(&[u8], &[u8]), OpenError> {
    let at = bytes.len().checked_sub(count).ok_or(OpenError::Short)?;
    Ok(bytes.split_at(at))
}

/// Cuts `count` bytes off the front.
fn cut_head(bytes: &[u8], count: usize) -> Result<(&[u8], &[u8]), OpenError> {
    bytes.split_at_checked(count).ok_or(OpenError::Short)
}

#[cfg(test)]
mod tests;
