//! What 1.x puts around each message with `secauth: on`.

use zeroize::Zeroizing;

use super::block_cipher::{BlockCipher, Cipher};
use super::mac::{Hash, Mac};
use super::sober128::Sober128;
use super::{KEY_BYTES, OpenError, SALT_BYTES, SetupError, cut_head, cut_tail};

/// The last byte: how the datagram is encrypted. Source: corosync 1.4.10, exec/crypto.c
const SOBER: u8 = 0;
const NSS: u8 = 1;

/// Length of a signature. Units: bytes
const SIGNATURE_BYTES: usize = Hash::Sha1.bytes();

/// The part of the key that the NSS form uses, for both purposes. Units: bytes
const NSS_KEY_BYTES: usize = 32;

/// The keys of 1.x.
#[derive(Clone)]
pub(super) struct Secauth {
    generator: Sober128,
    nss: (BlockCipher, Mac),
    sends_nss: bool,
    takes_nss: bool,
}

/// What the generator gives for one datagram.
struct Session {
    stream: Sober128,
    mac: Mac,
}

impl Secauth {
    pub(super) fn new(key: &[u8], sends_nss: bool, takes_nss: bool) -> Result<Self, SetupError> {
        let short = SetupError::ShortKey {
            bytes: key.len(),
            needed: KEY_BYTES,
        };
        let key = key.get(..KEY_BYTES).ok_or(short)?;
        let nss_key = &key[..NSS_KEY_BYTES];
        let cipher = BlockCipher::new(Cipher::Aes256, nss_key)?.ok_or(short)?;
        let mac = Mac::new(Hash::Sha1, nss_key)?.ok_or(short)?;
        Ok(Self {
            generator: Sober128::keyed(key),
            nss: (cipher, mac),
            sends_nss,
            takes_nss,
        })
    }

    /// Keys of one datagram: 16 bytes each of a vector, a cipher's key and a hash's key.
    fn session(&self, salt: &[u8]) -> Result<Session, OpenError> {
        let mut keys = Zeroizing::new([0; 48]);
        self.generator.with_vector(salt).apply(keys.as_mut());
        let (vector, rest) = keys.split_at(16);
        let (cipher_key, mac_key) = rest.split_at(16);
        let mac = Mac::new(Hash::Sha1, mac_key).ok().flatten();
        Ok(Session {
            stream: Sober128::keyed(cipher_key).with_vector(vector),
            mac: mac.ok_or(OpenError::Signature)?,
        })
    }

    pub(super) fn seal_into(&self, message: &[u8], salt: &[u8; SALT_BYTES], out: &mut Vec<u8>) {
        let start = out.len();
        let signed = start + SIGNATURE_BYTES;
        out.resize(signed, 0);
        out.extend_from_slice(salt);
        if self.sends_nss {
            let (cipher, mac) = &self.nss;
            cipher.encrypt_into(message, salt, out);
            sign(mac, out, start, signed);
            out.push(NSS);
            return;
        }
        let Ok(mut session) = self.session(salt) else {
            out.truncate(start);
            return;
        };
        out.extend_from_slice(message);
        session.stream.apply(&mut out[signed + SALT_BYTES..]);
        sign(&session.mac, out, start, signed);
        out.push(SOBER);
    }

    /// The last byte tells the form. openais has none: if it fails, all of it is taken for the
    /// form without one, as corosync 1.4 does.
    pub(super) fn open<'a>(
        &self,
        datagram: &'a [u8],
        scratch: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], OpenError> {
        let (body, form) = cut_tail(datagram, 1)?;
        let length = match form {
            [NSS] if self.takes_nss => self.decrypt_nss(body, scratch),
            [SOBER] => self.decrypt_sober(body, scratch),
            _ => Err(OpenError::Signature),
        };
        let length = match length {
            Err(OpenError::Signature | OpenError::Short) => {
                self.decrypt_sober(datagram, scratch)?
            }
            other => other?,
        };
        scratch.get(..length).ok_or(OpenError::Short)
    }

    /// Leaves the message in `scratch`; gives its length.
    fn decrypt_sober(&self, body: &[u8], scratch: &mut Vec<u8>) -> Result<usize, OpenError> {
        let (signature, signed) = cut_head(body, SIGNATURE_BYTES)?;
        let (salt, ciphertext) = cut_head(signed, SALT_BYTES)?;
        let mut session = self.session(salt)?;
        session.mac.verify(signed, signature)?;
        scratch.clear();
        scratch.extend_from_slice(ciphertext);
        session.stream.apply(scratch);
        Ok(ciphertext.len())
    }

    fn decrypt_nss(&self, body: &[u8], scratch: &mut Vec<u8>) -> Result<usize, OpenError> {
        let (signature, signed) = cut_head(body, SIGNATURE_BYTES)?;
        let (salt, ciphertext) = cut_head(signed, SALT_BYTES)?;
        let (cipher, mac) = &self.nss;
        mac.verify(signed, signature)?;
        scratch.clear();
        scratch.extend_from_slice(ciphertext);
        cipher.decrypt(scratch, salt).map(<[u8]>::len)
    }
}

/// Signs what stands from `signed` on, into the place at `start`.
fn sign(mac: &Mac, out: &mut [u8], start: usize, signed: usize) {
    let (head, tail) = out.split_at_mut(signed);
    mac.sign(tail, &mut head[start..]);
}
