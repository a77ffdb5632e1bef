//! What totem promises, seen from outside the machines.

use std::collections::BTreeMap;

use super::node::{Node, Told, Word};
use crate::ids::NodeId;
use crate::proto::totem::{Configuration, Phase, State, rings};
use crate::sim::world::{Condition, World};
use crate::time::Instant;
use crate::wire::totem::{Processor, RingId};

/// The checkers' own record of a run.
pub struct Checks {
    hosts: Vec<HostRecord>,
    rings_seen: BTreeMap<Ring, RingRecord>,
    /// What members delivered of a ring before they went on to the next, by both and the
    /// transitional members.
    passages: BTreeMap<(Ring, Ring, Vec<u32>), Passage>,
    /// Nothing is promised before.
    lenient_until: Option<Instant>,
    /// Messages delivered, at all hosts.
    pub delivered: u64,
    /// Rings that came into use, at all hosts.
    pub rings: u64,
    /// Redundant rings that were marked faulty, at all hosts.
    pub faults: u64,
    /// What should not have happened.
    pub failures: Vec<String>,
}

/// A ring's name in a form that sorts.
type Ring = (u32, u64);

/// What one host told since it started.
#[derive(Default)]
struct HostRecord {
    start: u64,
    persisted: u64,
    ring: Option<Ring>,
    /// Highest ring number of all starts.
    highest: u64,
    /// After a transitional configuration: its members.
    transitional: Option<Vec<u32>>,
    /// Number of the last message of this ring.
    last_seq: Option<u32>,
    /// What was delivered on this ring.
    on_ring: Vec<(u32, Word)>,
    /// Next message of each sender's start that may come.
    next: BTreeMap<(NodeId, u64), u64>,
}

#[derive(Default)]
struct RingRecord {
    members: Vec<u32>,
    /// What each number is.
    messages: BTreeMap<u32, (NodeId, Word)>,
    first_seq: Option<u32>,
}

struct Passage {
    host: usize,
    delivered: Vec<(u32, Word)>,
}

impl Checks {
    /// No host is on yet.
    pub fn new(hosts: usize, lenient_until: Option<Instant>) -> Self {
        Self {
            hosts: (0..hosts).map(|_| HostRecord::default()).collect(),
            rings_seen: BTreeMap::new(),
            passages: BTreeMap::new(),
            lenient_until,
            delivered: 0,
            rings: 0,
            faults: 0,
            failures: Vec::new(),
        }
    }

    /// The number of the ring that a host has on disk.
    pub fn persisted(&self, host: usize) -> u64 {
        self.hosts[host].persisted
    }

    /// A host comes on.
    pub fn booted(&mut self, host: usize, start: u64) {
        let record = &mut self.hosts[host];
        *record = HostRecord {
            start,
            persisted: record.persisted,
            highest: record.highest,
            ..HostRecord::default()
        };
    }

    /// A machine told something.
    pub fn told(&mut self, now: Instant, host: usize, told: &Told) {
        match told {
            Told::Persisted(seq) => self.hosts[host].persisted = *seq,
            Told::Delivered(from, seq, word) => self.delivered(now, host, (*from, *seq, *word)),
            Told::Configuration(configuration) => self.configured(now, host, configuration),
            Told::Ring(rings::Note::Faulty { .. }) => self.faults += 1,
            Told::Synchronised(_) | Told::Note(_) | Told::Ring(_) => {}
        }
    }

    fn delivered(&mut self, now: Instant, host: usize, (from, seq, word): (NodeId, u32, Word)) {
        self.delivered += 1;
        let record = &mut self.hosts[host];
        let Some(ring) = record.ring else {
            return self.fail(now, host, "delivered before there was a ring".into());
        };
        let gap = record.last_seq.is_some_and(|last| last + 1 != seq);
        let back = record.last_seq.is_some_and(|last| last >= seq);
        let first = record.last_seq.is_none() && record.transitional.is_none();
        record.last_seq = Some(seq);
        record.on_ring.push((seq, word));
        let tail = record.transitional.is_some();
        if back || gap && !tail {
            self.fail(now, host, format!("{seq} delivered out of order"));
        }
        self.compare(now, host, ring, (from, seq, word), first);
        if let Word::App(start, number) = word {
            self.check_sender(now, host, from, (start, number));
        }
    }

    /// All members of a ring see the same under a number, and begin with the same one.
    fn compare(
        &mut self,
        now: Instant,
        host: usize,
        ring: Ring,
        (from, seq, word): (NodeId, u32, Word),
        first: bool,
    ) {
        let record = self.rings_seen.entry(ring).or_default();
        let known = *record.messages.entry(seq).or_insert((from, word));
        let begins = match first {
            true => *record.first_seq.get_or_insert(seq) == seq,
            false => true,
        };
        if known != (from, word) {
            let line = format!("{seq} of ring {ring:x?} is {word} of {from}, elsewhere {known:?}");
            self.fail(now, host, line);
        }
        if !begins {
            self.fail(now, host, format!("ring {ring:x?} begins with {seq}"));
        }
    }

    /// Messages of one sender come in its order, each once; our own all of them.
    fn check_sender(
        &mut self,
        now: Instant,
        host: usize,
        from: NodeId,
        (start, number): (u64, u64),
    ) {
        let record = &mut self.hosts[host];
        let own = from == number_of(host) && start == record.start;
        let next = record.next.entry((from, start)).or_insert(0);
        let expected = std::mem::replace(next, number + 1);
        if number < expected {
            self.fail(now, host, format!("message {number} of {from} came again"));
        } else if own && number > expected {
            let line = format!("own message {expected} is missing, {number} came");
            self.fail(now, host, line);
        }
    }

    fn configured(&mut self, now: Instant, host: usize, configuration: &Configuration) {
        let members = numbers(&configuration.members);
        match configuration.phase {
            Phase::Transitional => {
                let record = &mut self.hosts[host];
                let again = record.transitional.is_some();
                record.transitional = Some(members);
                if again {
                    self.fail(now, host, "two transitional configurations".into());
                }
            }
            Phase::Regular => self.installed(now, host, configuration, members),
        }
    }

    fn installed(
        &mut self,
        now: Instant,
        host: usize,
        configuration: &Configuration,
        members: Vec<u32>,
    ) {
        self.rings += 1;
        let ring = name_of(configuration.ring);
        let record = &mut self.hosts[host];
        let along = record.transitional.take();
        let on_ring = std::mem::take(&mut record.on_ring);
        let before = record.ring.replace(ring);
        record.last_seq = None;
        let grows = ring.1 > record.highest;
        record.highest = record.highest.max(ring.1);
        if !grows {
            self.fail(now, host, format!("ring {ring:x?} comes after a later one"));
        }
        if !members.contains(&number_of(host).0) {
            self.fail(now, host, format!("not in its own ring {ring:x?}"));
        }
        let known = self.rings_seen.entry(ring).or_default();
        if known.members.is_empty() {
            known.members.clone_from(&members);
        } else if known.members != members {
            let line = format!("{ring:x?} has {members:?}, elsewhere {:?}", known.members);
            self.fail(now, host, line);
        }
        match (before, along) {
            (Some(before), Some(along)) => {
                self.passed(now, host, (before, ring, along), on_ring);
            }
            (_, None) => self.fail(now, host, "no transitional configuration".into()),
            (None, Some(along)) if !along.is_empty() => {
                self.fail(now, host, format!("{along:?} come along from nowhere"));
            }
            (None, Some(_)) => {}
        }
    }

    /// Who goes from one ring to the next together has delivered the same.
    fn passed(
        &mut self,
        now: Instant,
        host: usize,
        (before, ring, along): (Ring, Ring, Vec<u32>),
        delivered: Vec<(u32, Word)>,
    ) {
        if !along.contains(&number_of(host).0) {
            return self.fail(now, host, format!("doesn't come along to {ring:x?}"));
        }
        for (from, to, others) in self.passages.keys() {
            let shared = *from == before && *to == ring && others.contains(&number_of(host).0);
            if shared && *others != along {
                let line = format!("{along:?} come along, elsewhere {others:?}");
                return self.fail(now, host, line);
            }
        }
        let passage = Passage { host, delivered };
        let first = match self.passages.entry((before, ring, along)) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(passage);
                return;
            }
            std::collections::btree_map::Entry::Occupied(first) => first.into_mut(),
        };
        if first.delivered != passage.delivered {
            let line = format!(
                "delivered {} of ring {before:x?}, node {} {}",
                passage.delivered.len(),
                first.host + 1,
                first.delivered.len()
            );
            self.fail(now, host, line);
        }
    }

    /// What came before no longer counts: somebody else may have sent it.
    pub fn begin_anew(&mut self, world: &World<Node>) {
        let given = running(world).filter_map(|sender| {
            let node = world.machine(sender)?;
            Some(((number_of(sender), node.start()), node.given))
        });
        let given: BTreeMap<_, _> = given.collect();
        for record in &mut self.hosts {
            record.next.clone_from(&given);
        }
    }

    /// After the weather was fair for long enough, all who run are in one ring.
    pub fn settled(&mut self, world: &World<Node>) {
        if world.is_storm() {
            return self.failures.push("a storm of messages without end".into());
        }
        let running: Vec<usize> = running(world).collect();
        let all: Vec<u32> = running.iter().map(|host| number_of(*host).0).collect();
        for host in running {
            let Some(node) = world.machine(host) else {
                continue;
            };
            let srp = node.srp();
            if srp.state() != State::Operational || srp.is_synchronising() {
                let line = format!("is in {}, not at work", srp.state());
                self.fail(world.now, host, line);
            }
            let members = numbers(srp.members());
            if members != all {
                let line = format!("is in a ring of {members:?}, not of {all:?}");
                self.fail(world.now, host, line);
            }
        }
    }

    /// At the end, nothing waits, and all have the last messages of all.
    pub fn at_end(&mut self, world: &World<Node>) {
        self.settled(world);
        for host in running(world) {
            for sender in running(world) {
                let Some(node) = world.machine(sender) else {
                    continue;
                };
                let key = (number_of(sender), node.start());
                let came = self.hosts[host].next.get(&key).copied().unwrap_or(0);
                if came != node.given {
                    let line = format!("{came} of {} messages of {} came", node.given, key.0);
                    self.fail(world.now, host, line);
                }
            }
        }
    }

    fn fail(&mut self, now: Instant, host: usize, line: String) {
        if self.lenient_until.is_none_or(|until| now >= until) {
            self.failures.push(format!("{now} {}: {line}", host + 1));
        }
    }
}

fn running(world: &World<Node>) -> impl Iterator<Item = usize> {
    (0..world.len()).filter(|host| world.condition(*host) == Condition::Running)
}

fn number_of(host: usize) -> NodeId {
    NodeId(u32::try_from(host + 1).unwrap_or(u32::MAX))
}

fn numbers(members: &[Processor]) -> Vec<u32> {
    members.iter().map(|member| member.node().0).collect()
}

fn name_of(ring: RingId) -> Ring {
    (ring.rep.node.0, ring.seq)
}
