//! Self-fencing: a watchdog is fed only while a cluster with quorum is surely around this node,
//! and the others count on it only because the node said so.
//!
//! ```text
//!  time-out W of the device, span S of the configuration; margin M = min(W, S - W)
//!
//!  a sign of life is sent ... all members answered: all were here after it was sent
//!  |<----------- M ----------->|<---------- W ---------->|
//!  last proof                  last feeding, at most     the device has reset the node
//!  the others lose the node some time after the last proof, and then wait S >= M + W
//! ```
//!
//! The device is opened with the first proof, not before: a daemon that starts again beside
//! resources of the one that was killed must not feed what is to reset them. What was promised
//! to the others holds until all of them have heard the new promise.
//!
//! Source: spec crm-runtime.md section 9, "Watchdog". Differs: sbd isn't needed; a node that
//! nobody heard of a watchdog is never taken for fenced; and only where no two parts of a cluster
//! can have quorum.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::{Member, Membership};
use crate::cib::options::value as option;
use crate::cib::{Document, boolean};
use crate::ids::NodeId;
use crate::rules;
use crate::time::{Instant, Now};
use crate::wire::crm::Vigil as Sign;

/// Most signs of life without an answer that are remembered.
const SENT_MAX: usize = 256;

/// Most nodes whose watchdogs are remembered.
const NODES_MAX: usize = 256;

/// So many signs of life are sent in the time after which a watchdog resets its node.
const SIGNS: u32 = 10;

/// Between two of them, at least and at most.
const PERIOD: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// What is to be done with the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feeding {
    /// Arm it with this time-out, and say whether it is ([`super::Fencer::watchdog_opened`]).
    Open(Duration),
    /// Feed it.
    Feed,
    /// It isn't needed any more: disarm it.
    Close,
}

/// How far the device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Device {
    Closed,
    Asked,
    Open,
    /// It can't be opened.
    Broken,
    /// It isn't fed any more: this node is to be reset.
    Biting,
}

/// What `stonith-watchdog-timeout` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// Watchdogs don't count.
    Never,
    /// A node is down after this.
    For(Duration),
    /// After the time that it says itself.
    AsPromised,
}

#[derive(Debug)]
struct Sent {
    number: u64,
    at: Instant,
    promise: Option<Duration>,
}

/// What a node knows of the others and of itself.
#[derive(Debug)]
pub(super) struct Vigil {
    local: NodeId,
    /// The time-out of this node's device, if there is one.
    timeout: Option<Duration>,
    /// No two parts of the cluster can have quorum.
    exclusive: bool,
    wait: Wait,
    device: Device,
    members: Vec<Member>,
    quorate: bool,
    /// All members of a part with quorum were surely here at this time.
    proven: Option<Instant>,
    /// This node is reset so long after its last proof, at most; what the others may count on.
    promise: Option<Duration>,
    number: u64,
    sent: VecDeque<Sent>,
    /// The last number of each member; what each heard of ours; which ask.
    heard: BTreeMap<NodeId, u64>,
    answered: BTreeMap<NodeId, u64>,
    asking: BTreeMap<NodeId, bool>,
    /// What nodes said last of their watchdogs, those that are gone too.
    known: BTreeMap<String, Option<Duration>>,
    sign_at: Instant,
    feed_at: Instant,
    starving: bool,
    /// A proof is wanted for another's sake.
    wants_proof: bool,
}

impl Vigil {
    pub(super) fn new(local: NodeId) -> Self {
        Self {
            local,
            timeout: None,
            exclusive: false,
            wait: Wait::Never,
            device: Device::Closed,
            members: Vec::new(),
            quorate: false,
            proven: None,
            promise: None,
            number: 0,
            sent: VecDeque::new(),
            heard: BTreeMap::new(),
            answered: BTreeMap::new(),
            asking: BTreeMap::new(),
            known: BTreeMap::new(),
            sign_at: Instant(0),
            feed_at: Instant(0),
            starving: false,
            wants_proof: false,
        }
    }

    /// This node has such a device; whether no two parts of the cluster can have quorum.
    pub(super) fn equip(&mut self, timeout: Option<Duration>, exclusive: bool) {
        self.timeout = timeout.filter(|timeout| !timeout.is_zero());
        self.exclusive = exclusive;
    }

    /// The configuration is this one; why the device doesn't count, where that is a mistake.
    pub(super) fn configure(&mut self, cib: &Document) -> Option<String> {
        let old = std::mem::replace(&mut self.wait, wait(cib));
        if old == self.wait || self.wait == Wait::Never {
            return None;
        }
        let timeout = self.timeout?;
        if !self.exclusive {
            let text = "no watchdog counts: two parts of this cluster can have quorum at once, \
                        for it has two_node, or nothing that counts votes";
            return Some(format!("stonith-watchdog-timeout is set, but {text}"));
        }
        let too_short = self.reset_within().is_none();
        too_short.then(|| {
            format!(
                "stonith-watchdog-timeout is too short: this node's watchdog needs {} s before \
                 it resets a node, so let it be at least {} s, and better {} s; until then \
                 nobody counts on it",
                timeout.as_secs_f32(),
                timeout.mul_f32(1.5).as_secs_f32(),
                (timeout * 2).as_secs_f32()
            )
        })
    }

    /// The time within which this node would be reset, as it is configured.
    fn reset_within(&self) -> Option<Duration> {
        let timeout = self.timeout.filter(|_| self.exclusive)?;
        let margin = match self.wait {
            Wait::Never => return None,
            Wait::AsPromised => timeout,
            Wait::For(span) => timeout.min(span.checked_sub(timeout)?),
        };
        // With less a lost packet would reset the node.
        (margin * 2 >= timeout).then(|| timeout + margin)
    }

    pub(super) fn handle_membership(&mut self, now: Now, membership: &Membership) {
        self.members.clone_from(&membership.members);
        self.quorate = membership.quorate;
        // What was said in another membership proves nothing of this one.
        self.sent.clear();
        self.heard.clear();
        self.answered.clear();
        self.asking.clear();
        self.sign_at = now.mono;
    }

    /// A member's sign of life, in its place of the order of all.
    pub(super) fn handle_sign(&mut self, from: NodeId, sign: Sign) -> Option<Feeding> {
        let name = self.members.iter().find(|member| member.id == from)?;
        let name = name.name.to_lowercase();
        self.remember(name, sign.resets_ms.map(Duration::from_millis));
        for (name, resets_ms) in sign.gone.into_iter().take(NODES_MAX) {
            self.hear_of_gone(name.to_lowercase(), resets_ms.map(Duration::from_millis));
        }
        self.heard.insert(from, sign.number);
        self.asking.insert(from, sign.asks);
        let ours = |(node, number): &(NodeId, u64)| (*node == self.local).then_some(*number);
        let answer = match from == self.local {
            true => Some(sign.number),
            false => sign.heard.iter().find_map(ours),
        };
        let answer = answer.filter(|number| *number <= self.number)?;
        self.answered.insert(from, answer);
        self.prove()
    }

    fn remember(&mut self, name: String, within: Option<Duration>) {
        if self.known.len() < NODES_MAX || self.known.contains_key(&name) {
            self.known.insert(name, within);
        }
    }

    /// Of two that tell of a node that is gone the one that promises less is believed.
    fn hear_of_gone(&mut self, name: String, within: Option<Duration>) {
        if self.is_member(&name) {
            return;
        }
        let less = match self.known.get(&name) {
            None => within,
            Some(known) => known.zip(within).map(|(a, b)| a.max(b)),
        };
        self.remember(name, less);
    }

    /// What all members have answered was heard by all after it was sent.
    fn prove(&mut self) -> Option<Feeding> {
        let answers = self.members.iter().map(|m| self.answered.get(&m.id));
        let all = answers.min().flatten().copied()?;
        let mut last = None;
        while let Some(sent) = self.sent.pop_front_if(|sent| sent.number <= all) {
            last = Some(sent);
        }
        let last = last?;
        let promises = self.sent.iter().map(|sent| sent.promise);
        // The strictest of what somebody may still count on.
        self.promise = promises.chain([last.promise]).flatten().min();
        if !(self.quorate && self.exclusive) {
            return None;
        }
        self.proven = self.proven.max(Some(last.at));
        self.wants_proof = false;
        let opens = self.device == Device::Closed && self.reset_within().is_some();
        opens.then(|| {
            self.device = Device::Asked;
            Feeding::Open(self.timeout.unwrap_or_default())
        })
    }

    /// The device is armed, or can't be.
    pub(super) fn opened(&mut self, now: Now, well: bool) {
        self.device = if well { Device::Open } else { Device::Broken };
        self.feed_at = now.mono;
        self.sign_at = now.mono;
    }

    /// This node is to be reset: false if it has no armed device.
    pub(super) fn bite(&mut self) -> bool {
        let armed = self.device == Device::Open;
        if armed {
            self.device = Device::Biting;
        }
        armed
    }

    /// Whether signs of life are sent.
    fn is_on(&self) -> bool {
        let asked = self.asking.values().any(|asks| *asks);
        !self.members.is_empty() && (self.asks() || asked)
    }

    fn asks(&self) -> bool {
        self.promise.is_some() || self.reset_within().is_some() || self.wants_proof
    }

    /// Whether it is proven that all members had quorum together at that time or later.
    pub(super) fn was_whole_at(&self, at: Instant) -> bool {
        self.proven.is_some_and(|proven| proven >= at)
    }

    /// Asks the others for a proof; when to look for it again.
    pub(super) fn ask(&mut self, now: Now) -> Instant {
        self.wants_proof = true;
        now.mono + PERIOD.0
    }

    fn period(&self) -> Duration {
        let members = self.members.iter();
        let known = members.filter_map(|m| self.known.get(&m.name.to_lowercase()).copied()?);
        let all = known.chain(self.promise).chain(self.reset_within());
        let shortest = all.min().unwrap_or(PERIOD.1 * SIGNS);
        (shortest / SIGNS).clamp(PERIOD.0, PERIOD.1)
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        let sign = self.is_on().then_some(self.sign_at);
        let feed = (self.device == Device::Open).then_some(self.feed_at);
        sign.into_iter().chain(feed).min()
    }

    /// The sign of life that is due.
    pub(super) fn sign(&mut self, now: Now) -> Option<Sign> {
        if !self.is_on() || now.mono < self.sign_at {
            return None;
        }
        self.sign_at = now.mono + self.period();
        let ready = matches!(self.device, Device::Open | Device::Biting);
        let promise = self.reset_within().filter(|_| ready);
        // It holds from the moment in which somebody may hear it.
        self.promise = self.promise.into_iter().chain(promise).min();
        self.number += 1;
        if self.sent.len() >= SENT_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent {
            number: self.number,
            at: now.mono,
            promise,
        });
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let gone = self.known.iter().filter(|(name, _)| !self.is_member(name));
        Some(Sign {
            number: self.number,
            asks: self.asks(),
            resets_ms: promise.map(ms),
            heard: self.heard.iter().map(|(id, n)| (*id, *n)).collect(),
            gone: gone
                .map(|(name, span)| (name.clone(), span.map(ms)))
                .collect(),
        })
    }

    /// What is due for the device, and a line if this node is about to be reset, or is not any
    /// more.
    pub(super) fn feeding(&mut self, now: Now) -> (Option<Feeding>, Option<String>) {
        if self.device != Device::Open || now.mono < self.feed_at {
            return (None, None);
        }
        self.feed_at = now.mono + self.period();
        let Some(promise) = self.promise else {
            let unwanted = self.reset_within().is_none();
            if unwanted {
                self.device = Device::Closed;
            }
            let what = if unwanted {
                Feeding::Close
            } else {
                Feeding::Feed
            };
            return (Some(what), None);
        };
        let timeout = self.timeout.unwrap_or_default();
        let margin = promise.saturating_sub(timeout);
        let proven = self.proven.unwrap_or_default();
        let starving = now.mono > proven + margin;
        let changed = std::mem::replace(&mut self.starving, starving) != starving;
        let text = match starving {
            true => format!(
                "For {:.1} s nothing has shown that this node is in a cluster with quorum: its \
                 watchdog is no longer fed, and resets it in {:.1} s",
                now.mono.since(proven).as_secs_f32(),
                timeout.as_secs_f32()
            ),
            false => "The watchdog is fed again".to_owned(),
        };
        let what = (!starving).then_some(Feeding::Feed);
        (what, changed.then_some(text))
    }

    /// How long after its loss a node has surely reset itself; none if nobody can tell.
    pub(super) fn resets_itself_within(&self, target: &str) -> Option<Duration> {
        if !(self.quorate && self.exclusive) {
            return None;
        }
        let promised = self.known.get(&target.to_lowercase()).copied()??;
        match self.wait {
            Wait::Never => None,
            Wait::AsPromised => Some(promised),
            Wait::For(span) => (span >= promised).then_some(span),
        }
    }

    /// Whether a node is there, by name.
    pub(super) fn is_member(&self, name: &str) -> bool {
        let mut members = self.members.iter();
        members.any(|member| member.name.eq_ignore_ascii_case(name))
    }
}

/// Source: spec cib.md section 9, `stonith-watchdog-timeout`. Where nodes go on without quorum
/// none of them resets itself when it is cut off.
fn wait(cib: &Document) -> Wait {
    let enabled = option(cib, "stonith-enabled").is_none_or(|v| boolean::is_true(Some(v)));
    let ignored = option(cib, "no-quorum-policy") == Some("ignore");
    let text = option(cib, "stonith-watchdog-timeout").filter(|_| enabled && !ignored);
    let ms = text.and_then(|text| match text.trim().strip_prefix('-') {
        Some(_) => Some(-1),
        None => rules::milliseconds(text).ok(),
    });
    match ms {
        None | Some(0) => Wait::Never,
        Some(ms) => match u64::try_from(ms) {
            Ok(ms) => Wait::For(Duration::from_millis(ms)),
            Err(_) => Wait::AsPromised,
        },
    }
}
