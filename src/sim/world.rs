//! Hosts, virtual time, and what is under way between them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;

use super::network::Network;
use crate::ids::LinkName;
use crate::time::{Instant, Now};

/// Messages that wait in a paused host's sockets at most; later ones are lost.
const SOCKET_MESSAGES_MAX: usize = 300;

/// Most steps of a run; a run that takes more never ends: machines call out to one another faster
/// than time passes.
const STEPS_MAX: u64 = 5_000_000;

/// Seconds since 1970 at the start of each run.
const EPOCH_S: u64 = 1_800_000_000;

/// What runs on a host: a machine of `proto`, or several wired together.
pub trait Machine {
    /// What goes over the links.
    type Message: Clone;
    /// What it tells besides messages: events, log lines.
    type Note: Display;
    /// True if what it sends to all comes to itself too.
    const HEARS_ITSELF: bool;

    /// A message came in over a link.
    fn handle_message(&mut self, now: Now, link: &LinkName, message: Self::Message);
    /// Something is due.
    fn handle_timeout(&mut self, now: Now);
    /// What it wants done.
    fn poll_output(&mut self) -> Option<Act<Self::Message, Self::Note>>;
    /// When something is due.
    fn poll_timeout(&self) -> Option<Instant>;

    /// What a message is once a bit of it, drawn by `chance`, has turned; `None` if a receiver
    /// always sees that and drops it.
    fn damaged(message: &Self::Message, chance: u64) -> Option<Self::Message> {
        let _ = (message, chance);
        None
    }
}

/// What a machine wants done.
#[derive(Debug)]
pub enum Act<P, N> {
    /// Put it on every link.
    Transmit(P),
    /// Send it to one host, on every link; to itself nothing is lost.
    TransmitTo(usize, P),
    /// Put it on one link: for one host, or for all.
    TransmitOn(usize, Option<usize>, P),
    /// Throw away what waits in its sockets.
    DiscardWaiting,
    /// For observers.
    Note(N),
}

/// Looks on: checkers and transcripts.
pub trait Observer<M: Machine> {
    /// A machine is handed a message.
    fn received(&mut self, now: Instant, host: usize, link: &LinkName, message: &M::Message);
    /// A machine sends a message.
    fn sent(&mut self, now: Instant, host: usize, message: &M::Message);
    /// A machine told something.
    fn noted(&mut self, now: Instant, host: usize, note: &M::Note);
    /// A host's condition changed.
    fn changed(&mut self, now: Instant, host: usize, condition: Condition);
}

/// Condition of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Its machine runs.
    Running,
    /// Nothing of it runs, its sockets fill.
    Paused,
    /// Powered off, or never on.
    Down,
}

struct Host<M: Machine> {
    machine: Option<M>,
    paused: bool,
    /// What waits in the sockets of a paused host.
    waiting: VecDeque<(usize, M::Message)>,
}

/// All hosts at one moment.
pub struct World<M: Machine> {
    /// Virtual time.
    pub now: Instant,
    /// The links.
    pub network: Network,
    hosts: Vec<Host<M>>,
    /// Arrivals by time, in order of sending where equal: host, link, message.
    under_way: BTreeMap<(Instant, u64), (usize, usize, M::Message)>,
    counter: u64,
    steps: u64,
}

impl<M: Machine> World<M> {
    /// So many hosts, all down.
    pub fn new(hosts: usize, network: Network) -> Self {
        let host = |_| Host {
            machine: None,
            paused: false,
            waiting: VecDeque::new(),
        };
        Self {
            now: Instant(1000),
            network,
            hosts: (0..hosts).map(host).collect(),
            under_way: BTreeMap::new(),
            counter: 0,
            steps: 0,
        }
    }

    /// True if the machines kept one another so busy that the run was given up.
    pub fn is_storm(&self) -> bool {
        self.steps >= STEPS_MAX
    }

    /// The time as machines are told it.
    pub fn time(&self) -> Now {
        Now {
            mono: self.now,
            unix_s: EPOCH_S + self.now.0 / 1000,
        }
    }

    /// How many hosts there are.
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// True for a world without hosts.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// The machine on a host, if it is on.
    pub fn machine(&self, host: usize) -> Option<&M> {
        self.hosts[host].machine.as_ref()
    }

    /// Condition of a host.
    pub fn condition(&self, host: usize) -> Condition {
        match &self.hosts[host] {
            Host { machine: None, .. } => Condition::Down,
            Host { paused: true, .. } => Condition::Paused,
            _ => Condition::Running,
        }
    }

    /// Powers a host on with a fresh machine.
    pub fn boot(&mut self, host: usize, machine: M, observer: &mut impl Observer<M>) {
        assert!(
            self.hosts[host].machine.is_none(),
            "only a host that is down boots"
        );
        self.hosts[host].machine = Some(machine);
        observer.changed(self.now, host, Condition::Running);
        self.drain(host, observer);
    }

    /// Powers a host off: the machine is gone, what waits in its sockets too.
    pub fn kill(&mut self, host: usize, observer: &mut impl Observer<M>) {
        let host_state = &mut self.hosts[host];
        if host_state.machine.take().is_some() {
            host_state.paused = false;
            host_state.waiting.clear();
            observer.changed(self.now, host, Condition::Down);
        }
    }

    /// Stops a host as SIGSTOP does.
    pub fn pause(&mut self, host: usize, observer: &mut impl Observer<M>) {
        if self.condition(host) == Condition::Running {
            self.hosts[host].paused = true;
            observer.changed(self.now, host, Condition::Paused);
        }
    }

    /// Lets a stopped host go on: it reads what waits first, as a driver does.
    pub fn resume(&mut self, host: usize, observer: &mut impl Observer<M>) {
        if self.condition(host) != Condition::Paused {
            return;
        }
        self.hosts[host].paused = false;
        observer.changed(self.now, host, Condition::Running);
        while let Some((link, message)) = self.hosts[host].waiting.pop_front() {
            self.receive(host, link, message, observer);
        }
        let now = self.time();
        if let Some(machine) = &mut self.hosts[host].machine {
            machine.handle_timeout(now);
        }
        self.drain(host, observer);
    }

    /// Calls the machine of a running host from above.
    pub fn with(
        &mut self,
        host: usize,
        observer: &mut impl Observer<M>,
        call: impl FnOnce(&mut M, Now),
    ) {
        if self.condition(host) != Condition::Running {
            return;
        }
        let now = self.time();
        if let Some(machine) = &mut self.hosts[host].machine {
            call(machine, now);
        }
        self.drain(host, observer);
    }

    /// Somebody who is no host hands a message to one.
    pub fn inject(&mut self, host: usize, link: usize, message: M::Message) {
        self.put_under_way(0, host, link, message);
    }

    /// Lets time pass, all that happens meanwhile included.
    pub fn run_until(&mut self, until: Instant, observer: &mut impl Observer<M>) {
        loop {
            let arrival = self.under_way.keys().next().map(|(at, _)| *at);
            let due = (0..self.hosts.len())
                .filter(|host| self.condition(*host) == Condition::Running)
                .filter_map(|host| Some((self.hosts[host].machine.as_ref()?.poll_timeout()?, host)))
                .min();
            let next = [arrival, due.map(|(at, _)| at)].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until && !self.is_storm()) else {
                break;
            };
            self.steps += 1;
            self.now = self.now.max(next);
            if arrival == Some(next) {
                // At the same moment packets come first, as a driver reads its sockets first.
                let (_, (host, link, message)) = self
                    .under_way
                    .pop_first()
                    .expect("invariant: an arrival was seen");
                self.arrive(host, link, message, observer);
            } else if let Some((_, host)) = due {
                let now = self.time();
                if let Some(machine) = &mut self.hosts[host].machine {
                    machine.handle_timeout(now);
                }
                self.drain(host, observer);
            }
        }
        self.now = until;
    }

    fn arrive(
        &mut self,
        host: usize,
        link: usize,
        message: M::Message,
        observer: &mut impl Observer<M>,
    ) {
        match self.condition(host) {
            Condition::Running => self.receive(host, link, message, observer),
            Condition::Down => {}
            Condition::Paused => {
                let waiting = &mut self.hosts[host].waiting;
                if waiting.len() < SOCKET_MESSAGES_MAX {
                    waiting.push_back((link, message));
                }
            }
        }
    }

    fn receive(
        &mut self,
        host: usize,
        link: usize,
        message: M::Message,
        observer: &mut impl Observer<M>,
    ) {
        let now = self.time();
        let name = self.network.links()[link].clone();
        observer.received(self.now, host, &name, &message);
        if let Some(machine) = &mut self.hosts[host].machine {
            machine.handle_message(now, &name, message);
        }
        self.drain(host, observer);
    }

    fn drain(&mut self, host: usize, observer: &mut impl Observer<M>) {
        while let Some(act) = self.hosts[host].machine.as_mut().and_then(M::poll_output) {
            match act {
                Act::Note(note) => observer.noted(self.now, host, &note),
                Act::Transmit(message) => {
                    observer.sent(self.now, host, &message);
                    for to in 0..self.hosts.len() {
                        if to != host || M::HEARS_ITSELF {
                            self.spread(host, to, &message);
                        }
                    }
                }
                Act::TransmitTo(to, message) if to == host => {
                    observer.sent(self.now, host, &message);
                    self.put_under_way(1, to, 0, message);
                }
                Act::TransmitTo(to, message) => {
                    observer.sent(self.now, host, &message);
                    if to < self.hosts.len() {
                        self.spread(host, to, &message);
                    }
                }
                Act::TransmitOn(link, to, message) => {
                    observer.sent(self.now, host, &message);
                    let all = 0..self.hosts.len();
                    for to in all.filter(|other| to.map_or(*other != host, |to| *other == to)) {
                        self.spread_on(link, host, to, &message);
                    }
                }
                Act::DiscardWaiting => self.hosts[host].waiting.clear(),
            }
        }
    }

    fn spread(&mut self, from: usize, to: usize, message: &M::Message) {
        for link in 0..self.network.links().len() {
            self.spread_on(link, from, to, message);
        }
    }

    fn spread_on(&mut self, link: usize, from: usize, to: usize, message: &M::Message) {
        for copy in self.network.copies(from, to, link) {
            let message = match copy.damage {
                None => Some(message.clone()),
                Some(chance) => M::damaged(message, chance),
            };
            if let Some(message) = message {
                self.put_under_way(copy.delay_ms, to, link, message);
            }
        }
    }

    fn put_under_way(&mut self, delay_ms: u64, to: usize, link: usize, message: M::Message) {
        let at = Instant(self.now.0 + delay_ms);
        self.counter += 1;
        self.under_way
            .insert((at, self.counter), (to, link, message));
    }
}
