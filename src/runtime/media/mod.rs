//! The media: all ways to other nodes, as one.
//!
//! Owns: sockets and ttys, their coming and going with the interfaces, counters. Called by the
//! daemon: [`Media::send`] puts a message on every medium, [`Media::receive`] waits for one from
//! any of them. Never blocks, never fails: a medium whose interface isn't there waits for it,
//! one that can't send drops and counts. Must not: read messages (the daemon authenticates).
//!
//! ```text
//!  configured --plan()--> lacks something --(netlink notice, name found, 1 s)--+
//!      |                                                                       |
//!      +------- open <--- plan() again: other number, other address -----------+
//! ```
//!
//! Source: `spec/heartbeat-wire.md` section 12.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};
use std::time::Duration;

use super::clock::{Alarm, mono};
use super::interfaces::{ChangeNotice, Interfaces};
use super::log::Logger;
use crate::config::ha_cf::Medium;
use crate::ids::LinkName;
use crate::proto::heartbeat::Severity;
use crate::time::Instant;
use crate::wire::heartbeat::ping;

mod counters;
mod endpoint;
mod icmp;
mod lockfile;
mod ping_endpoint;
mod plan;
mod receive;
mod resolve;
mod sealed;
mod serial;
mod slot;
mod udp;

pub use counters::Counters;
pub use sealed::{Envelope, Sealed};

use endpoint::Incoming;
use plan::{Lack, Plan, UdpKind};
use receive::Buffer;
use resolve::Resolver;
use slot::Slot;

/// Messages handed out before others get their turn, whatever waits.
const TURN_MESSAGES_MAX: u32 = 32;
/// Things thrown away in one turn, as above.
const TURN_IGNORED_MAX: u32 = 64;
/// How often a medium that isn't open is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Interfaces that flap are looked at no oftener than this.
const SETTLE: Duration = Duration::from_millis(50);

/// A message to send, in the forms that media want; made when first asked for.
pub trait Outgoing {
    /// The sealed datagram for UDP media.
    fn datagram(&self) -> &[u8];
    /// The sealed text form for serial lines.
    fn text(&self) -> &[u8];
    /// The sealed body of an echo request to ping node `node`; none unless the message is a
    /// `status`.
    fn ping(&self, node: &str, medium: ping::Medium) -> Option<Vec<u8>>;
}

/// Where a message came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A UDP sender.
    Udp(SocketAddr),
    /// A host that answered a ping.
    Echo(IpAddr),
    /// The far end of a tty.
    Tty(String),
    /// The kernel didn't say.
    Unknown,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(address) => write!(f, "{address}"),
            Self::Echo(address) => write!(f, "{address}"),
            Self::Tty(device) => f.write_str(device),
            Self::Unknown => f.write_str("?"),
        }
    }
}

/// A message that came on a medium; nothing of it is to be believed before it authenticates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Which medium: its place in the list given to [`Media::open`].
    pub medium: usize,
    /// The link it belongs to.
    pub link: LinkName,
    /// Who sent it, as far as the medium says.
    pub source: Source,
    /// When it reached this machine: earlier than now if we were held up.
    pub at: Instant,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// One medium as it stands, for reports.
#[derive(Debug, Clone, Copy)]
pub struct MediumView<'a> {
    /// Its configuration.
    pub medium: &'a Medium,
    /// The link it belongs to.
    pub link: &'a LinkName,
    /// True if it is open.
    pub open: bool,
    /// Why it isn't, or why it can't send.
    pub trouble: Option<&'a str>,
    /// What passed.
    pub counters: Counters,
}

/// What became of a message on one medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// So many bytes are on their way.
    Bytes(usize),
    /// The medium doesn't carry this message.
    Nothing,
}

/// All media of a node.
#[derive(Debug)]
pub struct Media {
    slots: Vec<Slot>,
    notice: Option<ChangeNotice>,
    resolver: Resolver,
    retry: Option<Alarm>,
    looked: Instant,
    buffer: Buffer,
    log: Logger,
    /// Whose turn it is, and how many messages this turn gave.
    next: usize,
    turn: u32,
}

impl Media {
    /// Opens all that can be opened now; the others are opened as soon as that goes.
    ///
    /// Panics: outside a tokio runtime.
    pub fn open(media: &[Medium], log: Logger) -> Self {
        let warn = |what: &str, error: std::io::Error| {
            log.log(Severity::Warning, format!("{what}: {error}"));
        };
        let notice = ChangeNotice::open()
            .map_err(|e| warn("changes of interfaces are noticed late", e))
            .ok();
        let retry = Alarm::new()
            .map_err(|e| warn("media that fail stay closed", e))
            .ok();
        let mut all = Self {
            slots: media.iter().map(|m| Slot::new(m, log.clone())).collect(),
            notice,
            resolver: Resolver::new(),
            retry,
            looked: Instant(0),
            buffer: Buffer::new(),
            log,
            next: 0,
            turn: 0,
        };
        all.refresh();
        all
    }

    /// Puts a message on every medium that carries it; never waits.
    pub fn send(&mut self, outgoing: &dyn Outgoing) {
        for slot in &mut self.slots {
            slot.send(outgoing);
        }
    }

    /// Puts a message on one medium, by its place in the list.
    pub fn send_on(&mut self, medium: usize, outgoing: &dyn Outgoing) {
        if let Some(slot) = self.slots.get_mut(medium) {
            slot.send(outgoing);
        }
    }

    /// Waits for the next message on any medium, each getting its turn. Cancel-safe.
    ///
    /// Looks after interfaces that come and go, too: it must be waited on all the time.
    pub async fn receive(&mut self) -> Received {
        std::future::poll_fn(|cx| self.poll_receive(cx)).await
    }

    /// The media as they stand, in the order of the list.
    pub fn views(&self) -> impl Iterator<Item = MediumView<'_>> {
        self.slots.iter().map(|slot| MediumView {
            medium: &slot.medium,
            link: &slot.link,
            open: slot.is_open(),
            trouble: slot.trouble(),
            counters: slot.counters,
        })
    }

    /// See [`Self::receive`].
    pub fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        self.poll_changes(cx);
        if self.turn >= TURN_MESSAGES_MAX {
            return self.end_turn(cx);
        }
        let mut ignored = 0;
        let mut silent = 0;
        let count = self.slots.len();
        while silent < count {
            let at = self.next % count;
            self.next = at + 1;
            match self.slots[at].poll_receive(cx, &mut self.buffer) {
                Poll::Pending => silent += 1,
                Poll::Ready(came) => {
                    silent = 0;
                    if let Some(received) = came.and_then(|came| self.attribute(at, came)) {
                        self.turn += 1;
                        return Poll::Ready(received);
                    }
                    if !self.slots[at].is_open() {
                        self.schedule(mono() + RETRY);
                    }
                    ignored += 1;
                    if ignored >= TURN_IGNORED_MAX {
                        return self.end_turn(cx);
                    }
                }
            }
        }
        self.turn = 0;
        Poll::Pending
    }

    /// Lets others run before more is taken.
    fn end_turn(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        self.turn = 0;
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Finds the link of a message; none for the copy of a broadcast that another medium gets.
    ///
    /// Broadcast sockets hear all interfaces, as heartbeat's do: a message counts for the medium
    /// of the interface it came in by.
    fn attribute(&self, at: usize, came: (Incoming, Instant)) -> Option<Received> {
        let (incoming, arrived) = came;
        let mut medium = at;
        if let Some(path) = incoming.path {
            let other = self
                .slots
                .iter()
                .position(|s| is_broadcast_on(s, path.index));
            let own = is_broadcast_on(&self.slots[at], path.index);
            match other.filter(|&o| !own && self.same_port(o, at)) {
                Some(_) if !path.unicast => return None,
                Some(other) => medium = other,
                None => {}
            }
        }
        let link = self.slots[medium].link.clone();
        let Incoming { bytes, source, .. } = incoming;
        Some(Received {
            medium,
            link,
            source,
            at: arrived,
            bytes,
        })
    }

    fn same_port(&self, a: usize, b: usize) -> bool {
        self.slots[a].medium.port() == self.slots[b].medium.port()
    }

    fn poll_changes(&mut self, cx: &mut Context<'_>) {
        if let Some(notice) = &mut self.notice {
            match notice.poll_changed(cx) {
                Poll::Ready(Ok(())) => self.schedule(self.looked + SETTLE),
                Poll::Ready(Err(error)) => {
                    let text = format!("changes of interfaces are noticed late: {error}");
                    self.log.log(Severity::Warning, text);
                    self.notice = None;
                    self.schedule(mono() + RETRY);
                }
                Poll::Pending => {}
            }
        }
        if self.resolver.poll_found(cx).is_ready() {
            self.schedule(mono());
        }
        let due = self
            .retry
            .as_mut()
            .is_some_and(|retry| retry.poll_fired(cx).is_ready());
        if due {
            self.refresh();
            // Registers the alarm that refresh() set.
            cx.waker().wake_by_ref();
        }
    }

    /// Has [`Self::refresh`] run at `at`, unless it is to run earlier.
    fn schedule(&mut self, at: Instant) {
        let Some(retry) = &mut self.retry else { return };
        if retry.at().is_none_or(|set| at < set) {
            // A timer that can't be set has been logged by the kernel's own troubles.
            let _ = retry.set(Some(at));
        }
    }

    /// Compares what each medium needs with what the machine has, opens and closes.
    fn refresh(&mut self) {
        self.looked = mono();
        let interfaces = match Interfaces::read() {
            Ok(interfaces) => interfaces,
            Err(error) => {
                self.log
                    .log(Severity::Error, format!("cannot list interfaces: {error}"));
                return self.schedule(mono() + RETRY);
            }
        };
        for slot in &mut self.slots {
            self.resolver.want(plan::names(&slot.medium));
            let wanted = plan::plan(&slot.medium, &interfaces, self.resolver.known());
            slot.settle(wanted.map_err(|lack: Lack| lack.to_string()), self.looked);
        }
        let closed = self.slots.iter().any(|slot| !slot.is_open());
        if closed || self.notice.is_none() {
            self.schedule(mono() + RETRY);
        }
    }
}

fn is_broadcast_on(slot: &Slot, index: u32) -> bool {
    match slot.plan() {
        Some(Plan::Udp(udp)) => udp.kind == UdpKind::Bcast && udp.index == index,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
