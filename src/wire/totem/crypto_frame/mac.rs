//! Keyed hashes.

use hmac::{Hmac, KeyInit, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use super::{OpenError, SetupError};

/// `crypto_hash` of 2.x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Hash {
    None,
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// Length of a signature. Units: bytes
    pub const fn bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// A hash that has its key; a copy of its state signs each datagram.
#[derive(Clone)]
pub(super) enum Mac {
    Md5(Hmac<Md5>),
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

/// Calls `$do` with the state, whichever it is.
macro_rules! each {
    ($mac:expr, $state:ident => $do:expr) => {
        match $mac {
            Mac::Md5($state) => $do,
            Mac::Sha1($state) => $do,
            Mac::Sha256($state) => $do,
            Mac::Sha384($state) => $do,
            Mac::Sha512($state) => $do,
        }
    };
}

impl Mac {
    /// Errors: never in fact, as a key may have any length; absent for [`Hash::None`].
    pub(super) fn new(hash: Hash, key: &[u8]) -> Result<Option<Self>, SetupError> {
        let short = |_| SetupError::ShortKey {
            bytes: key.len(),
            needed: 1,
        };
        Ok(Some(match hash {
            Hash::None => return Ok(None),
            Hash::Md5 => Self::Md5(Hmac::new_from_slice(key).map_err(short)?),
            Hash::Sha1 => Self::Sha1(Hmac::new_from_slice(key).map_err(short)?),
            Hash::Sha256 => Self::Sha256(Hmac::new_from_slice(key).map_err(short)?),
            Hash::Sha384 => Self::Sha384(Hmac::new_from_slice(key).map_err(short)?),
            Hash::Sha512 => Self::Sha512(Hmac::new_from_slice(key).map_err(short)?),
        }))
    }

    /// Appends the signature of the bytes of `out` from `start` on.
    pub(super) fn sign_tail(&self, out: &mut Vec<u8>, start: usize) {
        each!(self, state => {
            let mut state = state.clone();
            state.update(&out[start..]);
            out.extend_from_slice(&state.finalize().into_bytes());
        });
    }

    /// The signature of bytes, into the place for it.
    pub(super) fn sign(&self, bytes: &[u8], place: &mut [u8]) {
        each!(self, state => {
            let mut state = state.clone();
            state.update(bytes);
            place.copy_from_slice(&state.finalize().into_bytes());
        });
    }

    /// Compares in a time that tells nothing of the signature.
    pub(super) fn verify(&self, bytes: &[u8], signature: &[u8]) -> Result<(), OpenError> {
        each!(self, state => {
            let mut state = state.clone();
            state.update(bytes);
            state.verify_slice(signature).map_err(|_| OpenError::Signature)
        })
    }
}
