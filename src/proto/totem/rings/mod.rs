//! Redundant rings of 1.x and 2.x: the same ring protocol over two networks, one of which may
//! fail without a change of members.
//!
//! ```text
//!  Srp --multicast, unicast--> Rings --RingSet--> sockets of the rings
//!  sockets --datagram, ring--> Rings --true, or Output::Deliver--> Srp
//! ```
//!
//! `active`: everything goes over all rings, and a token counts when it came over all of them,
//! or when those that are late have had their time. `passive`: one ring after the other; the
//! rings should bring equally much. A ring that falls behind for long is marked faulty and not
//! used; a test that goes round on it takes it into use again.
//!
//! Source: `spec/totem-wire.md` D.14; corosync 2.4.6, exec/totemrrp.c, its log and traffic in
//! `vectors/totem/c246-rrp-*`.

mod active;
mod passive;

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::output::{Bytes, Weight};
use crate::ids::NodeId;
use crate::time::Instant;
use crate::wire::totem::{Body, Datagram, Dialect, Processor, RingId, RingTest, Seqno};

use active::Active;
use passive::Passive;

/// How rings are used (`rrp_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All at once.
    Active,
    /// In turn.
    Passive,
}

/// The limits, under their names in corosync.conf without `rrp_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The token is lost after so long (`token`).
    pub token: Duration,
    /// A problem is forgotten after so long.
    pub problem_count_timeout: Duration,
    /// With so many problems a ring is faulty.
    pub problem_count_threshold: u32,
    /// The same, for messages that came over one ring and not over the other (passive).
    pub problem_count_mcast_threshold: u32,
    /// A token that came over one ring is waited for so long on the others (active).
    pub token_expired_timeout: Duration,
    /// A faulty ring is tested so often.
    pub autorecovery_check_timeout: Duration,
}

/// Everything that the machine must know.
#[derive(Debug, Clone)]
pub struct Config {
    /// How they are used.
    pub mode: Mode,
    /// This node.
    pub me: NodeId,
    /// The generation that is spoken.
    pub dialect: Dialect,
    /// This node's addresses, one a ring.
    pub addresses: Vec<IpAddr>,
    /// The limits.
    pub limits: Limits,
}

/// Some of the rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RingSet(u8);

impl RingSet {
    /// The first so many.
    pub fn first(count: usize) -> Self {
        (0..count).fold(Self::default(), Self::with)
    }

    /// This one alone.
    pub fn one(ring: usize) -> Self {
        Self::default().with(ring)
    }

    fn with(self, ring: usize) -> Self {
        Self(self.0 | bit(ring))
    }

    fn without(self, ring: usize) -> Self {
        Self(self.0 & !bit(ring))
    }

    /// True if it is one of them.
    pub fn has(self, ring: usize) -> bool {
        self.0 & bit(ring) != 0
    }

    fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Their numbers.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..8).filter(move |ring| self.has(*ring))
    }
}

fn bit(ring: usize) -> u8 {
    u8::try_from(ring).map_or(0, |ring| 1u8.checked_shl(ring.into()).unwrap_or(0))
}

/// What the machine wants done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Hand a token that waited to the ring protocol.
    Deliver(Vec<u8>),
    /// Send to one node on one ring.
    Send {
        /// On this ring.
        ring: usize,
        /// To whom.
        to: Processor,
        /// What.
        datagram: Vec<u8>,
    },
    /// For the log.
    Note(Note),
}

/// Something to be said; as text it is the log's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A token didn't come over a ring (active).
    Problem {
        /// Number of the token.
        token: Seqno,
        /// Address of the ring.
        address: IpAddr,
        /// Problems now, and how many are too many.
        count: (u32, u32),
    },
    /// A problem is forgotten.
    Forgotten {
        /// Address of the ring.
        address: IpAddr,
        /// Problems now, and how many are too many.
        count: (u32, u32),
    },
    /// A ring is faulty.
    Faulty {
        /// Number of the token that was one too many (active).
        token: Option<Seqno>,
        /// Number of the ring.
        ring: usize,
        /// Its address.
        address: IpAddr,
    },
    /// A test of a ring passes by.
    Test,
    /// A ring is to be used again.
    Activate(RingTest),
    /// It is.
    Recovered(usize),
}

impl Note {
    /// How much it matters.
    pub fn weight(&self) -> Weight {
        match self {
            Self::Problem { .. } | Self::Forgotten { .. } => Weight::Warning,
            Self::Faulty { .. } => Weight::Error,
            Self::Test | Self::Activate(_) => Weight::Debug,
            Self::Recovered(_) => Weight::Notice,
        }
    }
}

/// Words are corosync 2.4.6's, since scripts look for them.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problem {
                token,
                address,
                count: (count, most),
            } => write!(
                f,
                "Incrementing problem counter for seqid {} iface {address} to [{count} of {most}]",
                token.0
            ),
            Self::Forgotten {
                address,
                count: (count, most),
            } => write!(
                f,
                "Decrementing problem counter for iface {address} to [{count} of {most}]"
            ),
            Self::Faulty {
                token,
                ring,
                address,
            } => {
                f.write_str("Marking ")?;
                if let Some(token) = token {
                    write!(f, "seqid {} ", token.0)?;
                }
                write!(f, "ringid {ring} interface {address} FAULTY")
            }
            Self::Test => f.write_str("received message requesting test of ring now active"),
            Self::Activate(test) => write!(
                f,
                "Received ring test activate message for ring {} sent by node {}",
                test.ring_number, test.starter
            ),
            Self::Recovered(ring) => write!(f, "Automatically recovered ring {ring}"),
        }
    }
}

/// Name of a token: its ring and its number there.
type TokenName = (RingId, Seqno);

/// True for a token after `last`: a later one of its ring, or one of another ring.
fn is_new(last: Option<TokenName>, name: TokenName) -> bool {
    last.is_none_or(|(ring, seq)| ring != name.0 || seq.is_before(name.1))
}

/// What both modes have in common.
#[derive(Debug)]
struct Shared {
    config: Config,
    faulty: RingSet,
    /// Who is in the ring.
    members: Vec<NodeId>,
    /// Who has the token after this node: tests go the same way.
    target: Option<Processor>,
    /// What `corosync-cfgtool -s` says of each ring.
    status: Vec<String>,
    /// When faulty rings are tested.
    test_at: Option<Instant>,
    outputs: VecDeque<Output>,
}

impl Shared {
    fn count(&self) -> usize {
        self.config.addresses.len()
    }

    fn all(&self) -> RingSet {
        RingSet::first(self.count())
    }

    /// The rings that are in use; all, where none works.
    fn good(&self) -> RingSet {
        let all = self.all();
        match self.faulty.covers(all) {
            true => all,
            false => RingSet(all.0 & !self.faulty.0),
        }
    }

    /// How long the token may wait for one member's faulty ring: all of them together must not
    /// wait until the token is lost.
    ///
    /// Differs: corosync waits `token_expired_timeout` and loses the token with four members.
    fn patience(&self) -> Duration {
        let members = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        let part = self.config.limits.token / members.saturating_mul(2).max(1);
        part.min(self.config.limits.token_expired_timeout)
    }

    fn note(&mut self, note: Note) {
        self.outputs.push_back(Output::Note(note));
    }

    /// A ring isn't used any more; the last one that is left always is.
    fn give_up(&mut self, now: Instant, ring: usize, token: Option<Seqno>) {
        if self.faulty.has(ring) || self.faulty.with(ring).covers(self.all()) {
            return;
        }
        self.faulty = self.faulty.with(ring);
        let note = Note::Faulty {
            token,
            ring,
            address: self.config.addresses[ring],
        };
        self.say(ring, note);
        let check = self.config.limits.autorecovery_check_timeout;
        self.test_at.get_or_insert(now + check);
    }

    /// Says something of a ring, which is its state from now on.
    fn say(&mut self, ring: usize, note: Note) {
        if let Some(status) = self.status.get_mut(ring) {
            *status = note.to_string();
        }
        self.note(note);
    }

    fn is_well(&mut self, ring: usize) {
        if let Some(status) = self.status.get_mut(ring) {
            *status = well(ring);
        }
    }
}

/// What `corosync-cfgtool -s` says of a ring without a fault.
fn well(ring: usize) -> String {
    format!("ring {ring} active with no faults")
}

#[derive(Debug)]
enum Way {
    Active(Active),
    Passive(Passive),
}

/// The rings of a node.
#[derive(Debug)]
pub struct Rings {
    shared: Shared,
    way: Way,
}

impl Rings {
    /// All rings are well.
    pub fn new(config: Config) -> Self {
        let count = config.addresses.len();
        let way = match config.mode {
            Mode::Active => Way::Active(Active::new(count)),
            Mode::Passive => Way::Passive(Passive::new(count)),
        };
        Self {
            shared: Shared {
                faulty: RingSet::default(),
                members: Vec::new(),
                target: None,
                status: (0..count).map(well).collect(),
                test_at: None,
                outputs: VecDeque::new(),
                config,
            },
            way,
        }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.shared.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let way = match &self.way {
            Way::Active(active) => active.poll_timeout(),
            Way::Passive(passive) => passive.poll_timeout(),
        };
        way.into_iter().chain(self.shared.test_at).min()
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &mut self.way {
            Way::Active(active) => active.handle_timeout(&mut self.shared, now),
            Way::Passive(passive) => passive.handle_timeout(&mut self.shared, now),
        }
        if self.shared.test_at.is_some_and(|at| at <= now) {
            self.test(now);
        }
    }

    /// The rings on which something goes to all.
    pub fn multicast(&mut self) -> RingSet {
        match &mut self.way {
            Way::Active(_) => self.shared.good(),
            Way::Passive(passive) => passive.multicast(self.shared.good()),
        }
    }

    /// The rings on which something goes to one node, to which the token goes.
    pub fn unicast(&mut self, now: Instant, to: Processor, datagram: &Bytes) -> RingSet {
        self.shared.target = Some(to);
        match &mut self.way {
            Way::Active(_) => self.shared.good(),
            Way::Passive(passive) => passive.unicast(&self.shared, now, datagram),
        }
    }

    /// A datagram came on a ring: true if the ring protocol is to have it now.
    pub fn handle_datagram(&mut self, now: Instant, ring: usize, bytes: &[u8]) -> bool {
        let dialect = self.shared.config.dialect;
        if ring >= self.shared.count() {
            return false;
        }
        // What isn't understood is the ring protocol's to refuse.
        let Ok(datagram) = Datagram::decode(bytes, dialect) else {
            return true;
        };
        match datagram.body {
            Body::RingTest(test) => {
                self.handle_test(ring, test);
                false
            }
            Body::OrfToken(token) => {
                let name = (token.ring, token.token_seq);
                match &mut self.way {
                    Way::Active(active) => {
                        active.handle_token(&mut self.shared, now, (ring, name, bytes))
                    }
                    Way::Passive(passive) => {
                        passive.count_token(&mut self.shared, now, (ring, name));
                        true
                    }
                }
            }
            _ => {
                if let Way::Passive(passive) = &mut self.way {
                    passive.count_message(&mut self.shared, now, ring);
                }
                true
            }
        }
    }

    /// The ring has these members now.
    pub fn set_members(&mut self, members: Vec<NodeId>) {
        self.shared.members = members;
    }

    /// The configuration was read again.
    pub fn set_limits(&mut self, limits: Limits) {
        self.shared.config.limits = limits;
    }

    /// All rings are used again (`corosync-cfgtool -r`).
    pub fn reenable(&mut self) {
        for ring in 0..self.shared.count() {
            self.take_into_use(ring);
        }
    }

    /// What is said of each ring, in the words of `corosync-cfgtool -s`.
    pub fn status(&self) -> &[String] {
        &self.shared.status
    }

    /// The rings that are marked faulty.
    pub fn faulty(&self) -> RingSet {
        self.shared.faulty
    }

    fn take_into_use(&mut self, ring: usize) {
        self.shared.faulty = self.shared.faulty.without(ring);
        self.shared.is_well(ring);
        match &mut self.way {
            Way::Active(active) => active.forget(ring),
            Way::Passive(passive) => passive.forget(),
        }
        if self.shared.faulty == RingSet::default() {
            self.shared.test_at = None;
        }
    }

    /// Sends a test round on each ring that is faulty.
    fn test(&mut self, now: Instant) {
        let me = self.shared.config.me;
        for ring in self.shared.faulty.iter() {
            let test = RingTest {
                activate: false,
                ring_number: u32::try_from(ring).unwrap_or_default(),
                starter: me,
            };
            self.send_test(ring, test);
        }
        let check = self.shared.config.limits.autorecovery_check_timeout;
        let any = self.shared.faulty != RingSet::default();
        self.shared.test_at = any.then(|| now + check);
    }

    /// Alone there is nobody who could answer.
    fn send_test(&mut self, ring: usize, test: RingTest) {
        let me = self.shared.config.me;
        let Some(to) = self.shared.target.filter(|to| to.node() != me) else {
            return;
        };
        let mut datagram = Vec::new();
        Datagram::new(me, Body::RingTest(test))
            .encode_into(self.shared.config.dialect, &mut datagram);
        let send = Output::Send { ring, to, datagram };
        self.shared.outputs.push_back(send);
    }

    /// A test came. It goes once round by way of all members, then once more to tell that it did.
    ///
    /// Differs: one of a starter that is no member ends here; it would go round for ever.
    fn handle_test(&mut self, ring: usize, test: RingTest) {
        let mine = test.starter == self.shared.config.me;
        let number = usize::try_from(test.ring_number).unwrap_or(usize::MAX);
        if number >= self.shared.count() || !(mine || self.shared.members.contains(&test.starter)) {
            return;
        }
        if !test.activate {
            self.shared.note(Note::Test);
            let activate = mine;
            return self.send_test(ring, RingTest { activate, ..test });
        }
        self.shared.note(Note::Activate(test));
        if self.shared.faulty.has(number) {
            self.take_into_use(number);
            self.shared.note(Note::Recovered(number));
        }
        if !mine {
            self.send_test(ring, test);
        }
    }
}

#[cfg(test)]
mod tests;
