//! The sockets of the tool: what it sends, and what it listens to.

use anyhow::Context;
use tokio::time::{Instant, sleep_until};

use super::evidence::Witness;
use crate::config::Configuration;
use crate::ids::NodeName;
use crate::proto::probe::{self, Probe};
use crate::runtime::clock;
use crate::runtime::log::Logger;
use crate::runtime::media::{Envelope, Media, Received, Sealed, Sender};
use crate::runtime::sniffer::Sniffer;
use crate::wire::heartbeat::auth::Keyring;
use crate::wire::heartbeat::datagram::{Format, seal};
use crate::wire::heartbeat::{Message, datagram, ping};

/// Senders, the watching socket, what is received.
#[derive(Debug)]
pub struct Probes {
    sniffer: Sniffer,
    /// With the path each belongs to.
    senders: Vec<(usize, Sender)>,
    /// Pinged hosts; all media where no daemon runs.
    media: Media,
    /// The path of each of them.
    own_paths: Vec<usize>,
    keyring: Keyring,
    envelope: Envelope,
    local: NodeName,
    nonce: u64,
    troubles: Vec<(usize, String)>,
}

impl Probes {
    /// Opens all; a medium that can't be sent on is a trouble to be told of, no failure.
    ///
    /// Errors: no right to watch the wire.
    pub fn open(
        config: &Configuration,
        (local, daemon): (&NodeName, bool),
        witness: &Witness,
        nonce: u64,
    ) -> anyhow::Result<Self> {
        let sniffer = Sniffer::open().context("cannot watch the wire; root may")?;
        let path_of = |place: usize| witness.paths.iter().position(|p| p.media.contains(&place));
        let (mut own, mut own_paths) = (Vec::new(), Vec::new());
        let (mut senders, mut troubles) = (Vec::new(), Vec::new());
        for (place, medium) in config.ha_cf.media.iter().enumerate() {
            let Some(path) = path_of(place) else { continue };
            // Beside a daemon only pinged hosts: a socket on its port would take its datagrams.
            if medium.is_ping() || !daemon {
                own.push(medium.clone());
                own_paths.push(path);
            }
            if witness.paths[path].is_udp() {
                match Sender::open(medium) {
                    Ok(sender) => senders.push((path, sender)),
                    Err(error) => troubles.push((path, error.to_string())),
                }
            }
        }
        // What the media would log shows in the verdicts.
        let (log, _) = Logger::collecting();
        Ok(Self {
            sniffer,
            senders,
            media: Media::open(&own, log),
            own_paths,
            keyring: config.keyring.clone(),
            envelope: Envelope::of(&config.ha_cf),
            local: local.clone(),
            nonce,
            troubles,
        })
    }

    /// Where nothing can be sent, and why.
    pub fn troubles(&self) -> &[(usize, String)] {
        &self.troubles
    }

    /// Sends a request to each peer on each path, and pings.
    pub fn send(&mut self, witness: &Witness) {
        let unix_s = clock::now().unix_s;
        for (path, sender) in &self.senders {
            for peer in witness.peers() {
                let probe = Probe {
                    path: *path,
                    nonce: self.nonce,
                };
                let request = probe::request(&self.local, peer, &probe, unix_s);
                let Ok(datagram) = seal(&request, &self.keyring, Format::Netstring) else {
                    continue;
                };
                if let Err(error) = sender.send(&datagram) {
                    let trouble = (*path, error.to_string());
                    if !self.troubles.contains(&trouble) {
                        self.troubles.push(trouble);
                    }
                }
            }
        }
        // Only its echo is sent: pinged hosts take status messages for it.
        let status = Message::of_type("status").with("src", self.local.as_str());
        let mut buffer = Vec::new();
        let sealing = (&self.keyring, self.envelope);
        if let Ok(sealed) = Sealed::new(&status, sealing, unix_s, &mut buffer) {
            for (place, path) in self.own_paths.iter().enumerate() {
                if witness.paths[*path].is_ping() {
                    self.media.send_on(place, &sealed);
                }
            }
        }
    }

    /// Listens until then.
    pub async fn listen(&mut self, witness: &mut Witness, end: Instant) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                seen = self.sniffer.next() => {
                    let seen = seen.context("cannot watch the wire any more")?;
                    witness.take_datagram(&seen, &self.keyring);
                }
                received = self.media.receive() => self.take(witness, &received),
                () = sleep_until(end) => return Ok(()),
            }
        }
    }

    fn take(&self, witness: &mut Witness, received: &Received) {
        let Some(&path) = self.own_paths.get(received.medium) else {
            return;
        };
        if witness.paths[path].is_ping() {
            if ping::open_echo(&received.bytes, &self.keyring).is_ok() {
                witness.take_answer(path);
            }
        } else if let Ok(opened) = datagram::open(&received.bytes, &self.keyring) {
            witness.take_on_path(path, &opened.message);
        }
    }
}
