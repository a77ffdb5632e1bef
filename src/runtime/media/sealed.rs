//! A message ready for every kind of medium.

use std::cell::OnceCell;

use super::Outgoing;
use crate::config::ha_cf::{Compression, HaCf, MessageFormat};
use crate::wire::heartbeat::auth::Keyring;
use crate::wire::heartbeat::compress::Algorithm;
use crate::wire::heartbeat::datagram::{Format, seal_into, seal_text_into, seal_wrapped_into};
use crate::wire::heartbeat::ping::{self, seal_echo_into};
use crate::wire::heartbeat::{EncodeError, Message};

/// How messages are put on the wire, from ha.cf.
#[derive(Debug, Clone, Copy)]
pub struct Envelope {
    /// `msgfmt`.
    pub format: Format,
    /// `compression` and the size in bytes above which a whole message is compressed; none
    /// unless `traditional_compression` is on.
    pub wrap: Option<(Algorithm, usize)>,
}

impl Envelope {
    /// What ha.cf asks for.
    pub fn of(config: &HaCf) -> Self {
        let algorithm = match config.compression {
            Compression::Zlib => Algorithm::Zlib,
            Compression::Bz2 => Algorithm::Bz2,
        };
        let threshold = config.compression_threshold as usize * 1024;
        Self {
            format: match config.msgfmt {
                MessageFormat::Classic => Format::Classic,
                MessageFormat::Netstring => Format::Netstring,
            },
            wrap: (config.traditional_compression).then_some((algorithm, threshold)),
        }
    }

    /// Makes the datagram in `out`, compressed if it is to be.
    fn seal(
        &self,
        message: &Message,
        keyring: &Keyring,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        seal_into(message, keyring, self.format, out)?;
        match self.wrap {
            Some((algorithm, threshold)) if out.len() > threshold => {
                seal_wrapped_into(message, keyring, (self.format, algorithm), out)
            }
            _ => Ok(()),
        }
    }
}

/// A message with the keys to seal it; the forms that no medium asks for are never made.
#[derive(Debug)]
pub struct Sealed<'a> {
    message: &'a Message,
    keyring: &'a Keyring,
    format: Format,
    unix_s: u64,
    datagram: &'a [u8],
    text: OnceCell<Vec<u8>>,
}

impl<'a> Sealed<'a> {
    /// Seals the datagram into `buffer`, which serves for one message after the other; the other
    /// forms wait until they are wanted.
    ///
    /// Errors: the message can't be encoded, or is too large.
    pub fn new(
        message: &'a Message,
        (keyring, envelope): (&'a Keyring, Envelope),
        unix_s: u64,
        buffer: &'a mut Vec<u8>,
    ) -> Result<Self, EncodeError> {
        envelope.seal(message, keyring, buffer)?;
        Ok(Self {
            message,
            keyring,
            format: envelope.format,
            unix_s,
            datagram: buffer,
            text: OnceCell::new(),
        })
    }
}

impl Outgoing for Sealed<'_> {
    fn datagram(&self) -> &[u8] {
        self.datagram
    }

    /// Empty if the message has no text form.
    fn text(&self) -> &[u8] {
        self.text.get_or_init(|| {
            let mut text = Vec::new();
            // A message that fits no text form leaves it empty.
            let _ = seal_text_into(self.message, self.keyring, &mut text);
            text
        })
    }

    fn ping(&self, node: &str, medium: ping::Medium) -> Option<Vec<u8>> {
        if self.message.kind() != Some("status") {
            return None;
        }
        let mut body = Vec::new();
        let sealing = (self.keyring, self.format);
        seal_echo_into((medium, node), self.unix_s, sealing, &mut body).ok()?;
        Some(body)
    }
}
