//! One host's machine, with a barrier on top that stands for the services' synchronisation.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::fmt;

use crate::ids::{LinkName, NodeId};
use crate::proto::rng::Rng;
use crate::proto::totem::rings::{self, Rings};
use crate::proto::totem::{Bytes, Config, Configuration, Note, Output, Phase, QueueFull, Srp};
use crate::sim::world::{Act, Machine};
use crate::time::{Instant, Now};
use crate::wire::totem::crypto_frame::Protection;
use crate::wire::totem::{Datagram, Dialect, Processor, RingId};

/// Name of the second network, where there are two.
pub const SECOND: &str = "ring1";

/// What the machine told.
#[derive(Debug)]
pub enum Told {
    /// A message from above, in order: who sent it, its number on the ring, what it says.
    Delivered(NodeId, u32, Word),
    /// Who is in the ring.
    Configuration(Configuration),
    /// The number of a ring is on disk.
    Persisted(u64),
    /// Those above have synchronised on this ring.
    Synchronised(RingId),
    /// A line of the log.
    Note(Note),
    /// A line about redundant rings.
    Ring(rings::Note),
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered(from, seq, word) => write!(f, "deliver {seq} of {from}: {word}"),
            Self::Configuration(configuration) => write!(f, "{configuration}"),
            Self::Persisted(seq) => write!(f, "persist {seq:x}"),
            Self::Synchronised(ring) => write!(f, "synchronised on {ring}"),
            Self::Note(note) => write!(f, "log {note}"),
            Self::Ring(note) => write!(f, "log {note}"),
        }
    }
}

/// What messages of the simulation say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Word {
    /// The barrier of a ring.
    Barrier(u64),
    /// Message number `.1` since the sender's start number `.0`.
    App(u64, u64),
    /// Damaged on its way.
    Garbled,
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Barrier(ring) => write!(f, "barrier {ring:x}"),
            Self::App(start, number) => write!(f, "message {number} of start {start}"),
            Self::Garbled => f.write_str("garbled"),
        }
    }
}

impl Word {
    fn encode(self) -> Vec<u8> {
        let (kind, a, b) = match self {
            Self::Barrier(ring) => (1, ring, 0),
            Self::App(start, number) => (2, start, number),
            Self::Garbled => (0, 0, 0),
        };
        let mut bytes = vec![kind];
        bytes.extend(u64::to_le_bytes(a));
        bytes.extend(u64::to_le_bytes(b));
        bytes
    }

    fn decode(bytes: &[u8]) -> Self {
        let number = |at: usize| {
            let bytes = bytes.get(at..at + 8)?.try_into().ok()?;
            Some(u64::from_le_bytes(bytes))
        };
        match (bytes.first(), number(1), number(9)) {
            (Some(1), Some(ring), Some(_)) => Self::Barrier(ring),
            (Some(2), Some(start), Some(number)) => Self::App(start, number),
            _ => Self::Garbled,
        }
    }
}

/// What stands around each datagram.
pub struct Guard {
    protection: Protection,
    rng: Rng,
    opened: Vec<u8>,
}

impl Guard {
    /// Protects with these keys; salts come from the seed.
    pub fn new(protection: Protection, seed: u64) -> Self {
        Self {
            protection,
            rng: Rng::new(seed),
            opened: Vec::new(),
        }
    }

    fn seal(&mut self, message: &[u8]) -> Bytes {
        let salt = u128::from(self.rng.next_u64()) << 64 | u128::from(self.rng.next_u64());
        let mut sealed = Vec::new();
        self.protection
            .seal_into(message, &salt.to_le_bytes(), &mut sealed);
        sealed.into()
    }

    fn open(&mut self, datagram: &[u8]) -> Option<Bytes> {
        let message = self.protection.open(datagram, &mut self.opened).ok()?;
        Some(message.into())
    }
}

/// The machine of one host.
pub struct Node {
    me: Processor,
    srp: Srp,
    /// Two rings, where there are two.
    rings: Option<Rings>,
    guard: Option<Guard>,
    now: Instant,
    acts: VecDeque<Act<Bytes, Told>>,
    /// The ring on which those above synchronise, and whose barrier came.
    barrier: Option<(RingId, Vec<Processor>, BTreeSet<NodeId>)>,
    start: u64,
    /// Messages given to the machine since its start.
    pub given: u64,
}

impl Node {
    /// Starts; `start` counts the starts of this host.
    pub fn new(
        (config, redundancy): (Config, Option<rings::Config>),
        now: Instant,
        (start, seed): (u64, u64),
    ) -> Self {
        let mut node = Self {
            me: config.me,
            rings: redundancy.map(Rings::new),
            guard: None,
            srp: Srp::new(config, now, seed),
            now,
            acts: VecDeque::new(),
            barrier: None,
            start,
            given: 0,
        };
        node.work();
        node
    }

    /// The same, with protected datagrams.
    pub fn with_guard(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// The machine itself.
    pub fn srp(&self) -> &Srp {
        &self.srp
    }

    /// Its redundant rings.
    pub fn rings(&self) -> Option<&Rings> {
        self.rings.as_ref()
    }

    /// Which start of the host this is.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Sends a message; not when the queue is full.
    pub fn say(&mut self, now: Instant) -> Result<(), QueueFull> {
        self.now = now;
        let word = Word::App(self.start, self.given);
        self.srp.send(now, word.encode())?;
        self.given += 1;
        self.work();
        Ok(())
    }

    /// Leaves in good order.
    pub fn leave(&mut self) {
        self.srp.leave();
        self.work();
    }

    /// Takes what the machine put out; what it says may make us call it again.
    fn work(&mut self) {
        while let Some(output) = self.srp.poll_output() {
            match output {
                Output::Multicast(bytes) => self.send_to_all(bytes),
                Output::Unicast(to, bytes) => self.send_to(to, bytes),
                Output::PersistAndUnicast {
                    ring_seq,
                    to,
                    datagram,
                } => {
                    self.tell(Told::Persisted(ring_seq));
                    self.send_to(to, datagram);
                }
                Output::DiscardReceived => self.acts.push_back(Act::DiscardWaiting),
                Output::Deliver(delivery) => {
                    let word = Word::decode(delivery.payload());
                    self.tell(Told::Delivered(delivery.from, delivery.seq.0, word));
                    if let Word::Barrier(ring) = word {
                        self.pass_barrier(ring, delivery.from);
                    }
                }
                Output::Configuration(configuration) => self.configure(configuration),
                Output::Note(note) => self.tell(Told::Note(note)),
            }
        }
        while let Some(output) = self.rings.as_mut().and_then(Rings::poll_output) {
            match output {
                rings::Output::Deliver(token) => {
                    self.srp.handle_datagram(self.now, &token);
                    return self.work();
                }
                rings::Output::Send { ring, to, datagram } => {
                    let act = Act::TransmitOn(ring, Some(host_of(&to)), datagram.into());
                    self.acts.push_back(act);
                }
                rings::Output::Note(note) => self.tell(Told::Ring(note)),
            }
        }
    }

    fn send_to_all(&mut self, bytes: Bytes) {
        let Some(rings) = &mut self.rings else {
            return self.acts.push_back(Act::Transmit(bytes));
        };
        for ring in rings.multicast().iter() {
            self.acts
                .push_back(Act::TransmitOn(ring, None, bytes.clone()));
        }
    }

    fn configure(&mut self, configuration: Configuration) {
        self.barrier = None;
        if configuration.phase == Phase::Regular {
            let (ring, members) = (configuration.ring, configuration.members.clone());
            if let Some(rings) = &mut self.rings {
                rings.set_members(members.iter().map(Processor::node).collect());
            }
            self.barrier = Some((ring, members, BTreeSet::new()));
            // The queue may be full of barriers of rings that never came to anything.
            let _ = self
                .srp
                .send_sync(self.now, Word::Barrier(ring.seq).encode());
        }
        self.tell(Told::Configuration(configuration));
    }

    fn pass_barrier(&mut self, seq: u64, from: NodeId) {
        let Some((ring, members, passed)) = &mut self.barrier else {
            return;
        };
        if ring.seq != seq {
            return;
        }
        passed.insert(from);
        if members.iter().all(|member| passed.contains(&member.node())) {
            let ring = *ring;
            self.barrier = None;
            self.srp.sync_completed(self.now, ring);
            self.tell(Told::Synchronised(ring));
        }
    }

    fn send_to(&mut self, to: Processor, bytes: Bytes) {
        let host = host_of(&to);
        let set = self
            .rings
            .as_mut()
            .map(|rings| rings.unicast(self.now, to, &bytes));
        match set {
            Some(set) if to != self.me => {
                let acts = set
                    .iter()
                    .map(|ring| Act::TransmitOn(ring, Some(host), bytes.clone()));
                self.acts.extend(acts);
            }
            // What a node sends to itself passes no network.
            _ => self.acts.push_back(Act::TransmitTo(host, bytes)),
        }
    }

    fn tell(&mut self, told: Told) {
        self.acts.push_back(Act::Note(told));
    }
}

/// The host of a node.
fn host_of(processor: &Processor) -> usize {
    let number = usize::try_from(processor.node().0).unwrap_or(usize::MAX);
    number.wrapping_sub(1)
}

impl Machine for Node {
    type Message = Bytes;
    type Note = Told;
    const HEARS_ITSELF: bool = false;

    fn handle_message(&mut self, now: Now, link: &LinkName, message: Bytes) {
        self.now = now.mono;
        let message = match &mut self.guard {
            Some(guard) => guard.open(&message),
            None => Some(message),
        };
        let Some(message) = message else {
            return;
        };
        let ring = usize::from(link.as_str() == SECOND);
        let accepted = match &mut self.rings {
            Some(rings) => rings.handle_datagram(now.mono, ring, &message),
            None => true,
        };
        if accepted {
            self.srp.handle_datagram(now.mono, &message);
        }
        self.work();
    }

    fn handle_timeout(&mut self, now: Now) {
        self.now = now.mono;
        if let Some(rings) = &mut self.rings {
            rings.handle_timeout(now.mono);
        }
        self.srp.handle_timeout(now.mono);
        self.work();
    }

    fn poll_output(&mut self) -> Option<Act<Bytes, Told>> {
        let act = self.acts.pop_front()?;
        Some(match (act, &mut self.guard) {
            (Act::Transmit(bytes), Some(guard)) => Act::Transmit(guard.seal(&bytes)),
            (Act::TransmitTo(to, bytes), Some(guard)) => Act::TransmitTo(to, guard.seal(&bytes)),
            (Act::TransmitOn(link, to, bytes), Some(guard)) => {
                Act::TransmitOn(link, to, guard.seal(&bytes))
            }
            (act, _) => act,
        })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let rings = self.rings.as_ref().and_then(Rings::poll_timeout);
        self.srp.poll_timeout().into_iter().chain(rings).min()
    }

    fn damaged(message: &Bytes, chance: u64) -> Option<Bytes> {
        let bits = message.len() as u64 * 8;
        let bit = usize::try_from(chance.checked_rem(bits)?).ok()?;
        let mut bytes = message.to_vec();
        *bytes.get_mut(bit / 8)? ^= 1 << (bit % 8);
        Some(bytes.into())
    }
}

/// A datagram in words.
pub fn words(bytes: &[u8], dialect: Dialect) -> String {
    match Datagram::decode(bytes, dialect) {
        Ok(datagram) => datagram.to_string(),
        Err(error) => format!("({error})"),
    }
}
