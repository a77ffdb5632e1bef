//! A message ready for every kind of medium.

use std::cell::OnceCell;

use super::Outgoing;
use crate::wire::heartbeat::auth::Keyring;
use crate::wire::heartbeat::datagram::{Format, seal, seal_text_into};
use crate::wire::heartbeat::ping::{self, seal_echo_into};
use crate::wire::heartbeat::{EncodeError, Message};

/// A message with the keys to seal it; the forms that no medium asks for are never made.
#[derive(Debug)]
pub struct Sealed<'a> {
    message: &'a Message,
    keyring: &'a Keyring,
    format: Format,
    unix_s: u64,
    datagram: Vec<u8>,
    text: OnceCell<Vec<u8>>,
}

impl<'a> Sealed<'a> {
    /// Seals the datagram; the other forms wait until they are wanted.
    ///
    /// Errors: the message can't be encoded, or is too large.
    pub fn new(
        message: &'a Message,
        (keyring, format): (&'a Keyring, Format),
        unix_s: u64,
    ) -> Result<Self, EncodeError> {
        let datagram = seal(message, keyring, format)?;
        Ok(Self {
            message,
            keyring,
            format,
            unix_s,
            datagram,
            text: OnceCell::new(),
        })
    }
}

impl Outgoing for Sealed<'_> {
    fn datagram(&self) -> &[u8] {
        &self.datagram
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
