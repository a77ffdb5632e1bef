//! What was seen of each peer on each path. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::path::Path;
use crate::ids::NodeName;
use crate::proto::probe::read_echo;
use crate::runtime::sniffer::Sniffed;
use crate::wire::heartbeat::Message;
use crate::wire::heartbeat::auth::Keyring;
use crate::wire::heartbeat::datagram::{self, Refusal};

/// Foreign nodes that are remembered.
const STRANGERS_MAX: usize = 32;

/// Of one peer on one path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Authenticated messages of it that came.
    pub heard: u64,
    /// Whether its messages get to a socket here, too: a firewall comes after what we watch.
    pub delivered: Option<bool>,
    /// It told that it heard our probe on this path.
    pub answered: bool,
    /// Messages in its name that don't authenticate: from where, and why.
    pub refused: Option<(IpAddr, Refusal)>,
    /// It sends to this port instead.
    pub other_port: Option<u16>,
    /// Its messages for this path come in by this interface instead.
    pub other_interface: Option<String>,
}

/// Of one peer on all paths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traits {
    /// It runs everbeat: it answers probes.
    pub everbeat: bool,
    /// It acknowledged a message of our daemon's: it hears us on some path.
    pub acknowledges: bool,
}

/// All that was seen.
#[derive(Debug)]
pub struct Witness {
    local: NodeName,
    peers: Vec<NodeName>,
    own: Vec<IpAddr>,
    nonce: u64,
    /// The ways to peers.
    pub paths: Vec<Path>,
    seen: BTreeMap<(usize, NodeName), Evidence>,
    traits: BTreeMap<NodeName, Traits>,
    answers: BTreeSet<usize>,
    /// Nodes of other clusters: interface, name, sender, whether they have our key.
    pub strangers: BTreeSet<(String, String, IpAddr, bool)>,
}

impl Witness {
    /// One who saw nothing yet; `own` are this machine's addresses.
    pub fn new(
        (local, peers): (NodeName, Vec<NodeName>),
        paths: Vec<Path>,
        own: Vec<IpAddr>,
        nonce: u64,
    ) -> Self {
        Self {
            local,
            peers,
            own,
            nonce,
            paths,
            seen: BTreeMap::new(),
            traits: BTreeMap::new(),
            answers: BTreeSet::new(),
            strangers: BTreeSet::new(),
        }
    }

    /// The nodes that are looked for.
    pub fn peers(&self) -> &[NodeName] {
        &self.peers
    }

    /// What was seen of a peer on a path.
    pub fn evidence(&self, path: usize, peer: &NodeName) -> Evidence {
        self.seen
            .get(&(path, peer.clone()))
            .cloned()
            .unwrap_or_default()
    }

    /// What was seen of a peer anywhere.
    pub fn traits(&self, peer: &NodeName) -> Traits {
        self.traits.get(peer).copied().unwrap_or_default()
    }

    /// A datagram came by.
    pub fn take_datagram(&mut self, seen: &Sniffed, keyring: &Keyring) {
        match datagram::open(&seen.payload, keyring) {
            Ok(opened) => self.take_message(seen, &opened.message),
            Err(error) => self.take_refused(seen, error.refusal()),
        }
    }

    /// A message came on a path whose medium was read directly.
    pub fn take_on_path(&mut self, path: usize, message: &Message) {
        let Some(peer) = self.peer_of(message) else {
            return;
        };
        let link = self.paths[path].link.to_string();
        self.take_word(peer.as_str(), &link, true);
        self.take_traits(&peer, message);
    }

    /// One who has sockets on a link says whether a peer is heard there.
    pub fn take_word(&mut self, peer: &str, link: &str, up: bool) {
        let Some(peer) = self.peers.iter().find(|p| p.as_str() == peer).cloned() else {
            return;
        };
        for path in 0..self.paths.len() {
            if self.paths[path].link.as_str() != link {
                continue;
            }
            let serial = !self.paths[path].is_udp();
            let evidence = self.mark(path, &peer);
            evidence.delivered = Some(up);
            // Datagrams are counted on the wire; nobody else can watch a tty.
            evidence.heard += u64::from(serial && up);
        }
    }

    /// From now on [`Self::take_word`] tells all that gets to a socket.
    pub fn watch_delivery(&mut self) {
        for path in 0..self.paths.len() {
            for peer in self.peers.clone() {
                self.mark(path, &peer).delivered = Some(false);
            }
        }
    }

    /// The pinged host of a path answered.
    pub fn take_answer(&mut self, path: usize) {
        self.answers.insert(path);
    }

    /// True if the pinged host of a path answered.
    pub fn answers(&self, path: usize) -> bool {
        self.answers.contains(&path)
    }

    fn take_message(&mut self, seen: &Sniffed, message: &Message) {
        let Some(peer) = self.peer_of(message) else {
            return self.take_stranger(seen, message, true);
        };
        self.take_traits(&peer, message);
        match self.path_of(seen) {
            Some(path) => self.mark(path, &peer).heard += 1,
            None => self.take_misdirected(seen, &peer),
        }
    }

    /// A datagram that doesn't authenticate: the name in it is a claim.
    fn take_refused(&mut self, seen: &Sniffed, refusal: Refusal) {
        let Ok(claim) = datagram::open_unauthenticated(&seen.payload) else {
            return;
        };
        let message = claim.message;
        match (self.peer_of(&message), self.path_of(seen)) {
            (Some(peer), Some(path)) => {
                self.mark(path, &peer).refused = Some((seen.source.ip(), refusal));
            }
            (Some(peer), None) => self.take_misdirected(seen, &peer),
            (None, _) => self.take_stranger(seen, &message, false),
        }
    }

    /// For a port or an interface where no path is.
    fn take_misdirected(&mut self, seen: &Sniffed, peer: &NodeName) {
        let (interface, port) = (seen.interface.as_str(), seen.target.port());
        for path in 0..self.paths.len() {
            let here = &self.paths[path];
            if !here.is_udp() {
                continue;
            }
            if here.link.as_str() == interface {
                self.mark(path, peer).other_port = Some(port);
            } else if here.port == Some(port) {
                self.mark(path, peer).other_interface = Some(interface.to_owned());
            }
        }
    }

    fn take_stranger(&mut self, seen: &Sniffed, message: &Message, has_key: bool) {
        let name = message.text("src").unwrap_or_default().to_owned();
        // Our own broadcasts come back to us; ping bodies are no nodes'.
        let own = name == self.local.as_str() && self.own.contains(&seen.source.ip());
        if own || name.is_empty() || self.strangers.len() >= STRANGERS_MAX {
            return;
        }
        let from = seen.source.ip();
        self.strangers
            .insert((seen.interface.clone(), name, from, has_key));
    }

    fn take_traits(&mut self, peer: &NodeName, message: &Message) {
        let for_us = message.text("dest") == Some(self.local.as_str());
        let traits = self.traits.entry(peer.clone()).or_default();
        traits.everbeat |= message.get("everbeat").is_some();
        traits.acknowledges |= message.kind() == Some("NS_ackmsg") && for_us;
        if let Some(echo) = read_echo(message, &self.local)
            && echo.probe.nonce == self.nonce
            && echo.probe.path < self.paths.len()
        {
            traits.everbeat = true;
            self.mark(echo.probe.path, peer).answered = true;
        }
    }

    fn mark(&mut self, path: usize, peer: &NodeName) -> &mut Evidence {
        self.seen.entry((path, peer.clone())).or_default()
    }

    fn peer_of(&self, message: &Message) -> Option<NodeName> {
        let src = message.text("src")?;
        self.peers.iter().find(|peer| peer.as_str() == src).cloned()
    }

    fn path_of(&self, seen: &Sniffed) -> Option<usize> {
        let target = (seen.target.ip(), seen.target.port());
        let fits = self
            .paths
            .iter()
            .map(|p| p.fit(&seen.interface, target, &self.own));
        let best = fits
            .enumerate()
            .max_by_key(|(place, fit)| (*fit, usize::MAX - place))?;
        (best.1 > 0).then_some(best.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ha_cf::Medium;
    use crate::ids::LinkName;
    use crate::proto::probe::{self, Probe};
    use crate::wire::heartbeat::datagram::{Format, seal};
    use crate::wire::heartbeat::{Keyring, Method};

    fn name(word: &str) -> NodeName {
        NodeName::new(word).expect("a name")
    }

    fn keyring(key: &str) -> Keyring {
        Keyring::new(1, [(1, Method::Sha1, key.as_bytes())]).expect("a keyring")
    }

    fn witness() -> Witness {
        let bcast = |interface: &str| Medium::Bcast {
            interface: interface.into(),
            port: 694,
        };
        let paths = Path::all(&[bcast("eth0"), bcast("eth1")]);
        let own = vec![[10, 0, 0, 1].into()];
        Witness::new((name("a"), vec![name("b"), name("c")]), paths, own, 7)
    }

    fn sniffed(interface: &str, port: u16, (message, key): (&Message, &str)) -> Sniffed {
        Sniffed {
            interface: interface.into(),
            source: "10.0.0.2:4000".parse().expect("an address"),
            target: ([10, 0, 0, 255], port).into(),
            payload: seal(message, &keyring(key), Format::Classic).expect("sealed"),
        }
    }

    fn status(from: &str) -> Message {
        Message::of_type("status")
            .with("st", "active")
            .with("src", from)
            .with("ts", "1")
    }

    fn take(witness: &mut Witness, seen: &Sniffed) {
        witness.take_datagram(seen, &keyring("right"));
    }

    #[test]
    fn messages_count_for_their_path_and_peer() {
        let mut witness = witness();
        take(&mut witness, &sniffed("eth1", 694, (&status("b"), "right")));
        let acked = Message::of_type("NS_ackmsg")
            .with("dest", "a")
            .with("src", "b");
        take(&mut witness, &sniffed("eth1", 694, (&acked, "right")));
        assert_eq!(witness.evidence(1, &name("b")).heard, 2);
        assert_eq!(witness.evidence(0, &name("b")), Evidence::default());
        assert_eq!(
            witness.traits(&name("b")),
            Traits {
                everbeat: false,
                acknowledges: true
            }
        );
    }

    #[test]
    fn wrong_key_port_and_interface_are_told_apart() {
        let mut witness = witness();
        take(&mut witness, &sniffed("eth0", 694, (&status("b"), "wrong")));
        let refused = witness.evidence(0, &name("b")).refused;
        assert!(refused.is_some_and(|(from, _)| from == IpAddr::from([10, 0, 0, 2])));
        take(&mut witness, &sniffed("eth0", 695, (&status("b"), "wrong")));
        assert_eq!(witness.evidence(0, &name("b")).other_port, Some(695));
        assert_eq!(witness.evidence(1, &name("b")).other_port, None);
        take(&mut witness, &sniffed("eth7", 694, (&status("c"), "right")));
        assert_eq!(
            witness.evidence(0, &name("c")).other_interface.as_deref(),
            Some("eth7")
        );
    }

    #[test]
    fn strangers_are_kept_apart_and_we_are_none() {
        let mut witness = witness();
        take(&mut witness, &sniffed("eth0", 694, (&status("x"), "wrong")));
        take(&mut witness, &sniffed("eth0", 694, (&status("y"), "right")));
        let mut own = sniffed("eth0", 694, (&status("a"), "right"));
        own.source = "10.0.0.1:4000".parse().expect("an address");
        take(&mut witness, &own);
        let names: Vec<_> = witness
            .strangers
            .iter()
            .map(|s| (s.1.as_str(), s.3))
            .collect();
        assert_eq!(names, [("x", false), ("y", true)]);
        for n in 0..1000 {
            take(
                &mut witness,
                &sniffed("eth0", 694, (&status(&format!("n{n}")), "wrong")),
            );
        }
        assert_eq!(witness.strangers.len(), STRANGERS_MAX);
    }

    #[test]
    fn an_echo_tells_which_path_the_peer_heard_us_on() {
        let mut witness = witness();
        let ask = |nonce| {
            let request = probe::request(&name("a"), &name("b"), &Probe { path: 1, nonce }, 9);
            probe::answer(&request, &name("b"), &LinkName::new("eth5"), 9).expect("an echo")
        };
        take(&mut witness, &sniffed("eth0", 694, (&ask(6), "right")));
        assert!(!witness.evidence(1, &name("b")).answered, "of another run");
        take(&mut witness, &sniffed("eth0", 694, (&ask(7), "right")));
        assert!(witness.evidence(1, &name("b")).answered);
        assert!(!witness.evidence(0, &name("b")).answered);
        assert_eq!(
            witness.evidence(0, &name("b")).heard,
            2,
            "it came on this path"
        );
    }
}
