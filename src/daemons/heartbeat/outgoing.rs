//! A message on its way out, in the forms that media want.

use std::cell::OnceCell;

use crate::config::ha_cf::{Compression, HaCf, MessageFormat};
use crate::runtime::media::Outgoing;
use crate::wire::heartbeat::auth::Keyring;
use crate::wire::heartbeat::compress::Algorithm;
use crate::wire::heartbeat::datagram::{self, Format};
use crate::wire::heartbeat::{EncodeError, Message};

/// How messages are put on the wire, from ha.cf.
#[derive(Debug, Clone, Copy)]
pub struct Envelope {
    /// `msgfmt`.
    pub format: Format,
    /// `compression` and the size in bytes above which a whole message is compressed;
    /// absent unless `traditional_compression` is on.
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
            wrap: config.traditional_compression.then_some((algorithm, threshold)),
        }
    }
}

/// A sealed message.
#[derive(Debug)]
pub struct Sealed<'a> {
    message: &'a Message,
    keyring: &'a Keyring,
    datagram: &'a [u8],
    text: OnceCell<Vec<u8>>,
}

impl<'a> Sealed<'a> {
    /// Seals `message` into `buffer`, which is used again for each message.
    ///
    /// Errors: the message is too large or can't be encoded.
    pub fn new(
        message: &'a Message,
        keyring: &'a Keyring,
        envelope: Envelope,
        buffer: &'a mut Vec<u8>,
    ) -> Result<Self, EncodeError> {
        datagram::seal_into(message, keyring, envelope.format, buffer)?;
        if let Some((algorithm, threshold)) = envelope.wrap
            && buffer.len() > threshold
        {
            datagram::seal_wrapped_into(message, keyring, envelope.format, algorithm, buffer)?;
        }
        Ok(Self { message, keyring, datagram: buffer, text: OnceCell::new() })
    }
}

impl Outgoing for Sealed<'_> {
    fn datagram(&self) -> &[u8] {
        self.datagram
    }

    fn text(&self) -> &[u8] {
        self.text.get_or_init(|| {
            let mut text = Vec::new();
            // What can't be said in text form goes out on the other media only, as in heartbeat.
            let _ = datagram::seal_text_into(self.message, self.keyring, &mut text);
            text
        })
    }

    fn ping(&self, node: &str, info: &str) -> Option<Vec<u8>> {
        if self.message.kind() != Some("status") {
            return None;
        }
        let payload = Message::of_type("NS_st")
            .with("st", "ping")
            .with("info", info)
            .with("src", node)
            .with("ts", self.message.text("ts").unwrap_or("1"));
        datagram::seal(&payload, self.keyring, Format::Classic).ok()
    }
}
