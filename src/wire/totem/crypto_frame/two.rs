//! What 2.x puts around each message.

use super::block_cipher::{BlockCipher, Cipher};
use super::mac::{Hash, Mac};
use super::{OpenError, SALT_BYTES, SetupError, cut_head, cut_tail};

/// Cipher and hash type of 2.3 and later, and two bytes that must be zero.
///
/// Source: corosync 2.4.6, exec/totemcrypto.c, `struct crypto_config_header`
const HEADER: [u8; 4] = [0xFE, 0xFE, 0, 0];

/// The keys of 2.x.
#[derive(Clone)]
pub(super) struct Wrapping {
    cipher: Option<BlockCipher>,
    mac: Option<Mac>,
    hash: Hash,
}

impl Wrapping {
    pub(super) fn new(key: &[u8], cipher: Cipher, hash: Hash) -> Result<Self, SetupError> {
        if cipher != Cipher::None && hash == Hash::None {
            return Err(SetupError::CipherWithoutHash);
        }
        Ok(Self {
            cipher: BlockCipher::new(cipher, key)?,
            mac: Mac::new(hash, key)?,
            hash,
        })
    }

    pub(super) fn needs_salt(&self) -> bool {
        self.cipher.is_some()
    }

    pub(super) fn seal_into(&self, message: &[u8], salt: &[u8; SALT_BYTES], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&HEADER);
        match &self.cipher {
            Some(cipher) => {
                out.extend_from_slice(salt);
                cipher.encrypt_into(message, salt, out);
            }
            None => out.extend_from_slice(message),
        }
        if let Some(mac) = &self.mac {
            mac.sign_tail(out, start);
        }
    }

    pub(super) fn open<'a>(
        &self,
        datagram: &'a [u8],
        scratch: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], OpenError> {
        let (signed, signature) = cut_tail(datagram, self.hash.bytes())?;
        if let Some(mac) = &self.mac {
            mac.verify(signed, signature)?;
        }
        let (header, rest) = cut_head(signed, HEADER.len())?;
        if header != HEADER {
            return Err(OpenError::Header);
        }
        let Some(cipher) = &self.cipher else {
            return Ok(rest);
        };
        let (salt, ciphertext) = cut_head(rest, SALT_BYTES)?;
        scratch.clear();
        scratch.extend_from_slice(ciphertext);
        cipher.decrypt(scratch, salt)
    }
}
