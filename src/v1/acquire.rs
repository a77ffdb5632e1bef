//! Joining: who is there and who holds what; and telling the others what we hold.
//!
//! heartbeat waits 10 s after the first `resource` message before it acquires. We go on as soon
//! as each living node has answered our `starting`: its answer says what it holds, and it takes
//! nothing more by itself than its own groups. A real heartbeat that hears `isstable=1` from us
//! stops waiting too. The 10 s stay as the limit for answers that never come.
//!
//! Source: `spec/heartbeat-v1.md` section 2.1

use std::time::Duration;

use super::machine::{Manager, Phase, SPEAK_TIMEOUT};
use super::messages::{self, Extension};
use super::peer::{Claim, Entry, Fence, Hold};
use crate::ids::NodeName;
use crate::proto::heartbeat::{Mode, NodeStatus, Severity};
use crate::time::{Instant, Now};
use crate::wire::heartbeat::Message;

/// What we hold is told again this often, in case a message was lost for good.
const REFRESH: Duration = Duration::from_secs(10);

/// How far a word on a group may be ahead of all known ones: numbers that jump to the end of
/// their range would leave no room for newer words. Ours: no cluster hands a group over a million
/// times while a node is away.
const VERSION_STEP_MAX: u64 = 1 << 20;

/// A node that began and doesn't say what it holds is asked again this often.
const ASK_AGAIN: Duration = Duration::from_millis(500);

impl Manager {
    /// Communication is up: asks the others what they hold.
    pub(super) fn comm_up(&mut self, now: Now) {
        if self.phase != Phase::Init {
            return;
        }
        self.refresh_at = now.mono + REFRESH;
        self.phase = Phase::Joining {
            until: now.mono + SPEAK_TIMEOUT,
            ask_at: now.mono + ASK_AGAIN,
        };
        if self.speaks_to_us() {
            self.send(messages::starting());
        }
        if self.config.ipfail.is_some() && !self.config.auto_failback.is_nice() {
            let text = "ipfail: auto_failback set to incompatible legacy option.";
            self.log(Severity::Error, text);
        }
        self.deferred_deaths(now);
        self.request_own_groups(now);
    }

    /// Whether `starting` and `resource` are used: always, except with `auto_failback legacy`
    /// beside nothing but real heartbeats, which don't use them then.
    pub(super) fn speaks_to_us(&self) -> bool {
        let ours = |peer: &super::peer::Peer| peer.is_alive() && peer.is_everbeat();
        self.config.auto_failback.is_nice() || self.peers.values().any(ours)
    }

    /// Goes on to the next phase when nothing is left to wait for; true if it did.
    pub(super) fn advance_phase(&mut self, now: Now) -> bool {
        match self.phase {
            Phase::Joining { .. } if self.is_probing() => false,
            Phase::Joining { until, .. } if self.all_have_spoken() || now.mono >= until => {
                self.phase = Phase::Stable;
                if self.peers.values().any(|peer| peer.is_alive()) {
                    self.info("local resource transition completed.");
                }
                true
            }
            Phase::Joining { until, ask_at } if now.mono >= ask_at => {
                let ask_at = now.mono + ASK_AGAIN;
                self.phase = Phase::Joining { until, ask_at };
                self.ask_again();
                false
            }
            Phase::Leaving => self.advance_leaving(now),
            Phase::Left { at } if now.mono >= at => {
                self.released();
                true
            }
            _ => false,
        }
    }

    /// A real heartbeat ignores `starting` until its communication is up, and would then wait
    /// out its 10 s, as we would; asked again, it answers.
    fn ask_again(&mut self) {
        let silent = |peer: &super::peer::Peer| {
            peer.is_active() && !peer.is_everbeat() && peer.joined && !peer.spoken
        };
        let nodes: Vec<_> = (self.peers.iter())
            .filter(|(_, peer)| silent(peer))
            .map(|(node, _)| node.clone())
            .collect();
        for node in nodes {
            self.send(messages::starting_to(&node));
        }
    }

    fn all_have_spoken(&self) -> bool {
        let speaks = self.speaks_to_us();
        (self
            .peers
            .values()
            .filter(|peer| peer.is_alive() && !peer.leaving))
        .all(|peer| !speaks || (peer.is_active() && peer.is_known()))
    }

    /// A node's communication came up: tells it what we hold.
    ///
    /// Source: heartbeat 3.0.6, answer to `starting`
    pub(super) fn peer_starting(&mut self, now: Now, from: &NodeName, message: &Message) {
        let phase = self.phase;
        let Some(peer) = self.peers.get_mut(from) else {
            return;
        };
        peer.joined = true;
        peer.leaving = false;
        peer.spoken = false;
        peer.stable = false;
        peer.since = now.mono;
        peer.generation = messages::generation(message);
        if phase != Phase::Init {
            self.announce_anyway = true;
        }
    }

    /// A node says what it holds.
    pub(super) fn peer_resource(&mut self, now: Now, from: &NodeName, message: &Message) {
        let extension = messages::extension(message);
        let local = self.config.local.clone();
        let Some(peer) = self.peers.get_mut(from) else {
            return;
        };
        let full = message.text("rtype") == Some("full");
        if let Some(hold) = message.text("rsc_hold").and_then(Hold::parse) {
            peer.hold = match (full, hold == Hold::default()) {
                (true, _) | (_, true) => hold,
                _ => Hold {
                    local: peer.hold.local || hold.local,
                    foreign: peer.hold.foreign || hold.foreign,
                },
            };
        }
        peer.spoken = true;
        peer.restarted = false;
        peer.spoke_while_dead |= peer.status == NodeStatus::Dead;
        let leaving = message.text("info") == Some("shutdown");
        peer.leaving |= leaving;
        match extension {
            Some(extension) => {
                let counts_us = counts(&extension, &local, self.generation.as_deref());
                let peer_entry = &mut *peer;
                peer_entry.seen_us = counts_us;
                peer_entry.joined = true;
                peer_entry.ignores_us_since = match (counts_us, peer_entry.ignores_us_since) {
                    (true, _) => None,
                    (false, since) => since.or(Some(now.mono)),
                };
                if !peer_entry.is_everbeat() {
                    peer_entry.mode = Mode::Everbeat(1);
                }
                peer_entry.leaving = extension.state == "leaving";
                self.take_entries(now, from, extension);
            }
            None => self.translate(now, from, message),
        }
        self.stable_said(from, message.text("isstable"));
    }

    /// Field `isstable` of a node's `resource` message.
    fn stable_said(&mut self, from: &NodeName, said: Option<&str>) {
        let Some(peer) = self.peers.get_mut(from) else {
            return;
        };
        match said {
            Some("1") if !peer.stable => {
                peer.stable = true;
                self.info("remote resource transition completed.");
                self.announce_anyway = self.phase != Phase::Init;
            }
            Some("0") => peer.stable = false,
            _ => {}
        }
    }

    /// The words of another everbeat on each group.
    fn take_entries(&mut self, now: Now, from: &NodeName, extension: Extension) {
        let mut entries = vec![Entry::NONE; self.groups.len()];
        let mut unknown = Vec::new();
        for (key, entry) in extension.groups {
            match self.groups.iter().position(|g| g.key == key && !g.orphan) {
                Some(group) => {
                    let most = self.newest_version(group).saturating_add(VERSION_STEP_MAX);
                    let version = entry.version.min(most);
                    entries[group] = Entry { version, ..entry };
                }
                None if key.starts_with('~') => {}
                None => unknown.push(key),
            }
        }
        if !unknown.is_empty() && self.audit.is_new_difference(from) {
            let text = format!(
                "{from} has groups that our haresources lacks ({}): the file must be the same \
                 on all nodes.",
                shortened(&unknown.join(" "))
            );
            self.log(Severity::Error, text);
        }
        for (group, entry) in entries.iter().enumerate() {
            let was = self.peers[from].entries[group].claim;
            self.claim_changed(now, from, group, (was, entry.claim));
        }
        if let Some(peer) = self.peers.get_mut(from) {
            peer.entries = entries;
        }
    }

    /// What `local`, `foreign` of a real heartbeat mean for each group.
    ///
    /// While it gives up (`info` standby, shutdown) it says from the start that it holds nothing;
    /// what it held counts as being released until it says `done` or `shutdone`. Among more than
    /// two nodes its "foreign" is what no everbeat node has.
    fn translate(&mut self, now: Now, from: &NodeName, message: &Message) {
        let giving = matches!(message.text("info"), Some("standby" | "shutdown"));
        let hold = self.peers[from].hold;
        for group in 0..self.groups.len() {
            let own = self.groups[group].node == *from;
            let has = if own {
                hold.local
            } else {
                hold.foreign && self.is_foreign_of(from, group)
            };
            let was = self.peers[from].entries[group].claim;
            let claim = match (has, giving && was != Claim::Free) {
                (true, _) => Claim::Held,
                (false, true) => Claim::Stopping,
                (false, false) => Claim::Free,
            };
            self.set_real_claim(now, from, group, claim);
        }
    }

    fn is_foreign_of(&self, from: &NodeName, group: usize) -> bool {
        if self.config.nodes.len() <= 2 {
            return true;
        }
        let theirs = self.peers.iter().any(|(node, peer)| {
            node != from
                && peer.is_alive()
                && peer.is_everbeat()
                && peer.entries[group].claim != Claim::Free
        });
        !theirs && self.groups[group].claim() == Claim::Free
    }

    /// Records what a real heartbeat has, as the newest word on the group.
    pub(super) fn set_real_claim(&mut self, now: Now, from: &NodeName, group: usize, claim: Claim) {
        let newest = self.newest_version(group);
        let Some(peer) = self.peers.get_mut(from) else {
            return;
        };
        let was = peer.entries[group].claim;
        if was == claim {
            return;
        }
        peer.entries[group] = Entry {
            claim,
            version: newest.saturating_add(1),
            ..Entry::NONE
        };
        if claim.is_owner() {
            peer.refuses.remove(&group);
        }
        self.claim_changed(now, from, group, (was, claim));
    }

    /// Tells what we hold, if that is new or was asked for.
    pub(super) fn announce(&mut self, now: Now) {
        let silent = matches!(self.phase, Phase::Init | Phase::Gone | Phase::Left { .. });
        if silent || self.is_probing() || !self.speaks_to_us() {
            return;
        }
        let message = self.resource_message();
        let due = now.mono >= self.refresh_at;
        let friends = self.peers.values().any(|p| p.is_alive() && p.is_everbeat());
        let new = self.announced.as_ref() != Some(&message) && self.has_something_to_say();
        if new || self.announce_anyway || self.announce_info.is_some() || (due && friends) {
            let hold = self.hold();
            let info = self.announce_info.take();
            let mut sent = messages::resource(hold, self.is_stable(), info);
            messages::extend(&mut sent, &self.extension());
            self.send(sent);
            self.announced = Some(message);
            self.announce_anyway = false;
        }
        if due {
            self.refresh_at = now.mono + REFRESH;
        }
    }

    /// False while only the answer to `starting` is due: heartbeat says nothing before.
    fn has_something_to_say(&self) -> bool {
        !matches!(self.phase, Phase::Joining { .. }) || self.announced.is_some()
    }

    fn resource_message(&self) -> Message {
        let mut message = messages::resource(self.hold(), self.is_stable(), None);
        messages::extend(&mut message, &self.extension());
        message
    }

    /// The sides we hold, from our view: set when we begin to acquire, cleared when we begin
    /// to release.
    pub(super) fn hold(&self) -> Hold {
        let wanted = |own: bool| {
            let side = |node: &NodeName| (*node == self.config.local) == own;
            self.groups.iter().any(|g| g.want && side(&g.node))
        };
        Hold {
            local: wanted(true),
            foreign: wanted(false),
        }
    }

    /// Field `isstable`: we take nothing more by ourselves.
    pub(super) fn is_stable(&self) -> bool {
        self.phase == Phase::Stable && !self.standby.is_giving()
    }

    fn extension(&self) -> Extension {
        let groups = self.groups.iter().filter(|g| !g.orphan);
        let seen = self.peers.iter().filter(|(_, p)| p.is_alive() && p.joined);
        Extension {
            groups: groups.map(|g| (g.key.clone(), g.entry.clone())).collect(),
            seen: seen
                .map(|(node, p)| (node.to_string(), p.generation.clone().unwrap_or_default()))
                .collect(),
            state: match self.phase {
                Phase::Stable => "settled",
                Phase::Leaving | Phase::Left { .. } | Phase::Gone => "leaving",
                Phase::Init | Phase::Joining { .. } => "joining",
            }
            .to_owned(),
        }
    }

    /// Times at which waiting for a peer ends.
    pub(super) fn peer_times(&self) -> impl Iterator<Item = Instant> {
        self.peers.values().flat_map(|peer| {
            let fence = match peer.fence {
                Fence::Due(at) => Some(at),
                _ => None,
            };
            let ignored = peer
                .ignores_us_since
                .map(|since| since + super::heal::IGNORED_TIMEOUT);
            let speaks = Some(peer.since + SPEAK_TIMEOUT);
            let patience = Some(peer.since + self.config.deadtime * 2);
            [fence, ignored, peer.restarting, speaks, patience]
                .into_iter()
                .flatten()
        })
    }

    /// True while any group here is between stopped and running.
    pub(super) fn is_in_flux(&self) -> bool {
        let moving = |claim: Claim| matches!(claim, Claim::Starting | Claim::Stopping);
        self.groups.iter().any(|g| moving(g.claim()))
    }
}

/// The beginning of a text that may be as long as a message.
fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Whether a node counts us, in our present generation, among those that take part.
fn counts(extension: &Extension, local: &NodeName, generation: Option<&str>) -> bool {
    let ours = |(node, seen): &(String, String)| {
        node == local.as_str() && generation.is_none_or(|g| seen.is_empty() || seen == g)
    };
    extension.seen.iter().any(ours)
}
