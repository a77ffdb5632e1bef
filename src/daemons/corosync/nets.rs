//! The networks of a node: the sockets of its ring, or of two redundant ones.
//!
//! ```text
//!  Ring --select, send--> Nets --Sockets--> network 0, network 1
//!  Sockets --receive--> Arrival --accept--> Ring
//! ```

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use super::protocol::Link;
use crate::ids::NodeId;
use crate::proto::heartbeat::Severity;
use crate::proto::totem::rings::{self, RingSet, Rings};
use crate::proto::totem::{Bytes, Weight};
use crate::runtime::interfaces::Interfaces;
use crate::runtime::log::Logger;
use crate::runtime::totem::{Plan, Sockets, Way};
use crate::time::{Instant, Now};
use crate::wire::totem::Processor;

/// What networks are made of.
#[derive(Debug)]
pub(super) struct Parts {
    /// By the number of the ring.
    pub(super) plans: Vec<Plan>,
    /// How redundant rings are used; absent with one.
    pub(super) redundancy: Option<rings::Config>,
    /// Between two tries to open sockets.
    pub(super) downcheck: Duration,
    pub(super) log: Logger,
}

/// Datagrams that are taken from one network before the next one's turn comes: a flood on one
/// doesn't keep the other waiting.
const IN_A_ROW_MAX: usize = 64;

/// A network and its sockets.
#[derive(Debug)]
struct Net {
    plan: Plan,
    sockets: Option<Sockets>,
    /// Sockets that couldn't be opened are tried again then.
    retry: Option<Instant>,
}

/// The network that is read, and how many datagrams were taken from it in a row.
#[derive(Debug, Default)]
struct Turn {
    net: usize,
    in_a_row: usize,
}

impl Turn {
    /// Which of so many networks is looked at first.
    fn first(&self, nets: usize) -> usize {
        let is_over = usize::from(self.in_a_row >= IN_A_ROW_MAX);
        (self.net + is_over).checked_rem(nets).unwrap_or(0)
    }

    /// A datagram of this network was taken.
    fn took(&mut self, net: usize) {
        let goes_on = net == self.net && self.in_a_row < IN_A_ROW_MAX;
        self.in_a_row = if goes_on { self.in_a_row + 1 } else { 1 };
        self.net = net;
    }
}

/// The networks.
#[derive(Debug)]
pub(super) struct Nets {
    nets: Vec<Net>,
    turn: Turn,
    rings: Option<Rings>,
    downcheck: Duration,
    log: Logger,
}

/// What redundant rings want the node to do.
#[derive(Debug)]
pub(super) enum Task {
    /// Hand it to the ring protocol.
    Deliver(Vec<u8>),
    /// Send it on this ring.
    Send(usize, Processor, Vec<u8>),
}

/// A datagram that came.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    pub(super) datagram: &'a [u8],
    ring: usize,
    rings: Option<&'a mut Rings>,
}

impl Arrival<'_> {
    /// True if the ring protocol is to have the message in it now.
    pub(super) fn accept(self, now: Instant, message: &[u8]) -> bool {
        let rings = self.rings;
        rings.is_none_or(|rings| rings.handle_datagram(now, self.ring, message))
    }
}

impl Nets {
    /// Opens all sockets. An address that isn't there yet is waited for; of redundant rings one
    /// that is open is enough, whatever is wrong with the others, which are tried again.
    ///
    /// Errors: none can be opened, and not for want of an address.
    pub(super) fn open(parts: Parts, now: Instant) -> io::Result<Self> {
        let closed = |plan| Net {
            plan,
            sockets: None,
            retry: None,
        };
        let mut nets = Self {
            nets: parts.plans.into_iter().map(closed).collect(),
            turn: Turn::default(),
            rings: parts.redundancy.map(Rings::new),
            downcheck: parts.downcheck,
            log: parts.log,
        };
        let mut failed = None;
        for number in 0..nets.nets.len() {
            let address = nets.nets[number].plan.address;
            match nets.open_one(number, now) {
                Err(error) if !is_missing(address, &error) => failed = Some(error),
                _ => {}
            }
        }
        match failed {
            Some(error) if !nets.any_open() => Err(error),
            _ => Ok(nets),
        }
    }

    fn any_open(&self) -> bool {
        self.nets.iter().any(|net| net.sockets.is_some())
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let retries = self.nets.iter().filter_map(|net| net.retry);
        let rings = self.rings.as_ref().and_then(Rings::poll_timeout);
        retries.chain(rings).min()
    }

    /// Time passed: true if the node is on the network again.
    pub(super) fn handle_timeout(&mut self, now: Now) -> bool {
        let before = self.any_open();
        for number in 0..self.nets.len() {
            if self.nets[number].retry.is_some_and(|at| at <= now.mono) {
                // What fails is tried again.
                let _ = self.open_one(number, now.mono);
            }
        }
        if let Some(rings) = &mut self.rings {
            rings.handle_timeout(now.mono);
        }
        before != self.any_open()
    }

    /// Waits until a datagram is there; for ever without sockets. Cancel-safe.
    pub(super) async fn ready(&self) {
        match &self.nets[..] {
            [first, second, ..] => tokio::select! {
                () = ready(first) => {}
                () = ready(second) => {}
            },
            [only] => ready(only).await,
            [] => std::future::pending().await,
        }
    }

    /// The next datagram, if one is there.
    pub(super) fn receive(&mut self) -> Option<Arrival<'_>> {
        let count = self.nets.len();
        let first = self.turn.first(count);
        let (before, from) = self.nets.split_at_mut(first);
        let mut nets = (first..count)
            .chain(0..first)
            .zip(from.iter_mut().chain(before));
        let next = nets.find_map(|(ring, net)| Some((ring, net.sockets.as_mut()?.receive()?)));
        let (ring, datagram) = next?;
        self.turn.took(ring);
        Some(Arrival {
            datagram,
            ring,
            rings: self.rings.as_mut(),
        })
    }

    /// What redundant rings want done next; what they tell is in the log.
    pub(super) fn poll_task(&mut self) -> Option<Task> {
        let rings = self.rings.as_mut()?;
        loop {
            match rings.poll_output()? {
                rings::Output::Deliver(token) => return Some(Task::Deliver(token)),
                rings::Output::Send { ring, to, datagram } => {
                    return Some(Task::Send(ring, to, datagram));
                }
                rings::Output::Note(note) => {
                    self.log.log(severity(note.weight()), note.to_string());
                }
            }
        }
    }

    /// Sends these to all others, on each ring those that go there at once.
    pub(super) fn multicast(&mut self, datagrams: &[impl AsRef<[u8]>]) {
        let Some(rings) = &mut self.rings else {
            if let Some(sockets) = self.sockets(0) {
                sockets.multicast(datagrams);
            }
            return;
        };
        let sets: Vec<RingSet> = datagrams.iter().map(|_| rings.multicast()).collect();
        for (ring, net) in self.nets.iter().enumerate() {
            let all = sets.iter().zip(datagrams);
            let here = all.filter_map(|(set, one)| set.has(ring).then_some(one.as_ref()));
            let here: Vec<&[u8]> = here.collect();
            if let Some(sockets) = &net.sockets {
                sockets.multicast(&here);
            }
        }
    }

    /// The rings over which something goes to one node.
    pub(super) fn select_one(&mut self, now: Instant, to: Processor, datagram: &Bytes) -> RingSet {
        match &mut self.rings {
            Some(rings) => rings.unicast(now, to, datagram),
            None => RingSet::first(1),
        }
    }

    /// Sends to one node over one ring.
    pub(super) fn send(&self, ring: usize, address: IpAddr, datagram: &[u8]) {
        if let Some(sockets) = self.sockets(ring) {
            sockets.unicast(address, datagram);
        }
    }

    fn sockets(&self, ring: usize) -> Option<&Sockets> {
        self.nets.get(ring)?.sockets.as_ref()
    }

    /// Throws away what waits.
    pub(super) fn discard(&mut self) {
        let all = self.nets.iter_mut().filter_map(|net| net.sockets.as_mut());
        all.for_each(Sockets::discard);
    }

    /// Interfaces changed; `is_there` says which addresses are up. True if the node lost the
    /// network altogether, or has it again.
    pub(super) fn interfaces_changed(
        &mut self,
        now: Instant,
        is_there: impl Fn(IpAddr) -> bool,
    ) -> bool {
        let before = self.any_open();
        for number in 0..self.nets.len() {
            let net = &mut self.nets[number];
            match (is_there(net.plan.address), net.sockets.is_some()) {
                (false, true) => {
                    let text = format!("The network interface {} is now down.", net.plan.address);
                    net.sockets = None;
                    self.log.log(Severity::Warning, text);
                }
                (true, false) => {
                    let _ = self.open_one(number, now);
                }
                (false, false) => net.retry = None,
                (true, true) => {}
            }
        }
        before != self.any_open()
    }

    /// Opens the sockets of a ring; what fails is tried again after `downcheck`.
    fn open_one(&mut self, number: usize, now: Instant) -> io::Result<()> {
        let net = &mut self.nets[number];
        match Sockets::open(&net.plan) {
            Ok(sockets) => {
                net.sockets = Some(sockets);
                net.retry = None;
                let text = format!("The network interface [{}] is now up.", net.plan.address);
                self.log.log(Severity::Notice, text);
                Ok(())
            }
            Err(error) => {
                // Once for each time that it came back, however often it is tried.
                if net.retry.is_none() {
                    let text = format!("The network interface can't be used yet: {error}");
                    self.log.log(Severity::Error, text);
                }
                net.retry = Some(now + self.downcheck);
                Err(error)
            }
        }
    }

    /// The configuration was read again: other members where datagrams go to each, other limits.
    /// Addresses and ports stay.
    pub(super) fn take_plans(&mut self, plans: Vec<Plan>, downcheck: Duration) {
        self.downcheck = downcheck;
        for (net, new) in self.nets.iter_mut().zip(plans) {
            if let (Way::Unicast { members, .. }, Way::Unicast { members: new, .. }) =
                (&mut net.plan.way, new.way)
            {
                *members = new;
                if let Some(sockets) = &mut net.sockets {
                    sockets.set_members(members);
                }
            }
        }
    }

    /// Other limits of redundant rings.
    pub(super) fn take_limits(&mut self, limits: rings::Limits) {
        if let Some(rings) = &mut self.rings {
            rings.set_limits(limits);
        }
    }

    /// The ring has these members now.
    pub(super) fn set_members(&mut self, members: &[NodeId]) {
        if let Some(rings) = &mut self.rings {
            rings.set_members(members.to_vec());
        }
    }

    /// Faulty rings are used again.
    pub(super) fn reenable(&mut self) {
        if let Some(rings) = &mut self.rings {
            rings.reenable();
        }
    }

    /// How many rings there are.
    pub(super) fn count(&self) -> usize {
        self.nets.len()
    }

    /// The rings, for tools.
    pub(super) fn links(&self) -> Vec<Link> {
        let status = self.rings.as_ref().map(Rings::status).unwrap_or_default();
        let link = |(ring, net): (usize, &Net)| Link {
            address: net.plan.address.to_string(),
            status: status.get(ring).cloned().unwrap_or_default(),
        };
        self.nets.iter().enumerate().map(link).collect()
    }

    /// By ring, whether it is marked faulty; nothing with one ring.
    pub(super) fn faulty(&self) -> Vec<bool> {
        let Some(rings) = &self.rings else {
            return Vec::new();
        };
        (0..self.nets.len())
            .map(|ring| rings.faulty().has(ring))
            .collect()
    }
}

async fn ready(net: &Net) {
    // A socket that fails is looked at when the interfaces change.
    let ready = match &net.sockets {
        Some(sockets) => sockets.ready().await.is_ok(),
        None => false,
    };
    if !ready {
        std::future::pending::<()>().await;
    }
}

/// The address can't be used as nobody here has it, or nobody may use it yet.
fn is_missing(address: IpAddr, error: &io::Error) -> bool {
    let held = |all: Interfaces| all.holder_of(address).is_some();
    error.kind() == io::ErrorKind::AddrNotAvailable || !Interfaces::read().is_ok_and(held)
}

/// How much a line matters.
pub(super) fn severity(weight: Weight) -> Severity {
    match weight {
        Weight::Debug => Severity::Debug,
        Weight::Notice => Severity::Notice,
        Weight::Warning => Severity::Warning,
        Weight::Error => Severity::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of each network is taken while each has so many datagrams.
    fn read(mut waiting: [usize; 2], datagrams: usize) -> [usize; 2] {
        let (mut turn, mut taken) = (Turn::default(), [0, 0]);
        for _ in 0..datagrams {
            let first = turn.first(2);
            let Some(net) = [first, 1 - first].into_iter().find(|net| waiting[*net] > 0) else {
                break;
            };
            waiting[net] -= 1;
            taken[net] += 1;
            turn.took(net);
        }
        taken
    }

    #[test]
    fn a_flood_on_one_network_leaves_the_other_its_turn() {
        assert_eq!(read([5000, 3], 1000), [997, 3]);
        assert_eq!(read([3, 5000], 1000), [3, 997]);
        let [one, other] = read([5000, 5000], 1000);
        assert!(one.abs_diff(other) <= IN_A_ROW_MAX, "{one} and {other}");
        assert_eq!(read([5000, 0], 1000), [1000, 0], "who is alone goes on");
    }
}
