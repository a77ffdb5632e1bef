//! Block ciphers in CBC mode, padded as PKCS#7 says.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit};
use cbc::{Decryptor, Encryptor};
use des::TdesEde3;

use super::{OpenError, SALT_BYTES, SetupError};

/// `crypto_cipher` of 2.x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Cipher {
    None,
    Aes256,
    Aes192,
    Aes128,
    TripleDes,
}

impl Cipher {
    /// Length of its key. Units: bytes
    const fn key_bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::Aes256 => 32,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes128 => 16,
        }
    }

    /// Length of a block. Units: bytes
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::TripleDes => 8,
            Self::Aes256 | Self::Aes192 | Self::Aes128 => 16,
        }
    }
}

/// A cipher that has its key.
#[derive(Clone)]
pub(super) enum BlockCipher {
    Aes256(Aes256),
    Aes192(Aes192),
    Aes128(Aes128),
    TripleDes(TdesEde3),
}

impl BlockCipher {
    /// Takes the first bytes of `key`; absent for [`Cipher::None`].
    pub(super) fn new(cipher: Cipher, key: &[u8]) -> Result<Option<Self>, SetupError> {
        let needed = cipher.key_bytes();
        let bytes = key.len();
        let short = SetupError::ShortKey { bytes, needed };
        let key = key.get(..needed).ok_or(short)?;
        Ok(Some(match cipher {
            Cipher::None => return Ok(None),
            Cipher::Aes256 => Self::Aes256(Aes256::new_from_slice(key).map_err(|_| short)?),
            Cipher::Aes192 => Self::Aes192(Aes192::new_from_slice(key).map_err(|_| short)?),
            Cipher::Aes128 => Self::Aes128(Aes128::new_from_slice(key).map_err(|_| short)?),
            Cipher::TripleDes => Self::TripleDes(TdesEde3::new_from_slice(key).map_err(|_| short)?),
        }))
    }

    /// Appends the ciphertext of a message. Of the salt a block is the initialisation vector.
    pub(super) fn encrypt_into(&self, message: &[u8], salt: &[u8; SALT_BYTES], out: &mut Vec<u8>) {
        let start = out.len();
        let length = message.len();
        out.extend_from_slice(message);
        // Room for the padding: at least one byte, at most a block.
        out.resize(start + length + SALT_BYTES, 0);
        let place = &mut out[start..];
        let written = match self {
            Self::Aes256(c) => encrypt(
                Encryptor::inner_iv_slice_init(c.clone(), salt),
                place,
                length,
            ),
            Self::Aes192(c) => encrypt(
                Encryptor::inner_iv_slice_init(c.clone(), salt),
                place,
                length,
            ),
            Self::Aes128(c) => encrypt(
                Encryptor::inner_iv_slice_init(c.clone(), salt),
                place,
                length,
            ),
            Self::TripleDes(c) => {
                let vector = &salt[..8];
                encrypt(
                    Encryptor::inner_iv_slice_init(c.clone(), vector),
                    place,
                    length,
                )
            }
        };
        out.truncate(start + written);
    }

    /// The message of a ciphertext, decrypted in its place.
    pub(super) fn decrypt<'a>(
        &self,
        ciphertext: &'a mut [u8],
        salt: &[u8],
    ) -> Result<&'a [u8], OpenError> {
        match self {
            Self::Aes256(c) => decrypt(Decryptor::inner_iv_slice_init(c.clone(), salt), ciphertext),
            Self::Aes192(c) => decrypt(Decryptor::inner_iv_slice_init(c.clone(), salt), ciphertext),
            Self::Aes128(c) => decrypt(Decryptor::inner_iv_slice_init(c.clone(), salt), ciphertext),
            Self::TripleDes(c) => {
                let vector = salt.get(..8).unwrap_or_default();
                decrypt(
                    Decryptor::inner_iv_slice_init(c.clone(), vector),
                    ciphertext,
                )
            }
        }
    }
}

/// Encrypts the first `length` bytes of `place` in it; gives the length of the ciphertext.
fn encrypt<M: BlockModeEncrypt, E>(mode: Result<M, E>, place: &mut [u8], length: usize) -> usize {
    // The vector has a block's length and the place has room, so neither fails.
    let done = mode
        .ok()
        .and_then(|mode| mode.encrypt_padded::<Pkcs7>(place, length).ok());
    done.map_or(0, <[u8]>::len)
}

fn decrypt<M: BlockModeDecrypt, E>(
    mode: Result<M, E>,
    ciphertext: &mut [u8],
) -> Result<&[u8], OpenError> {
    let mode = mode.map_err(|_| OpenError::Short)?;
    let message = mode.decrypt_padded::<Pkcs7>(ciphertext);
    message.map_err(|_| OpenError::Decryption)
}
