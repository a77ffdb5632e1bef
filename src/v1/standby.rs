//! Handing groups over on request, and back.
//!
//! Among everbeat nodes a hand-over needs no handshake: the giver names the taker in its word on
//! the group, and the taker starts it once nobody has it. Beside a real heartbeat, three
//! messages go both ways ([`Handshake`]); `side` is always seen from the giver:
//!
//! ```text
//!  giver:  ask_resources me ──> Asked ──other──> Giving ──all stopped, "done"──> Given ──done──>
//!  taker:  me ──"other"──> Offered ──done──> Taking ──all run or failed, "done"──>
//! ```
//!
//! Source: `spec/heartbeat-v1.md` section 2.4

use std::collections::BTreeSet;
use std::time::Duration;

use super::machine::{Manager, Phase};
use super::messages;
use super::peer::Peer;
use super::work::Side;
use crate::ids::NodeName;
use crate::proto::heartbeat::Severity;
use crate::time::{Instant, Now};
use crate::wire::heartbeat::Message;

/// Time for the answer to a request. Source: heartbeat 3.0.6, standby deadline of 10 s
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for the other side's scripts. Source: heartbeat 3.0.6, standby deadline of 1 h
pub(super) const SCRIPTS_TIMEOUT: Duration = Duration::from_secs(3600);

/// heartbeat's words for what it can't do with auto_failback legacy.
pub(super) const ONLY_NICE: &str = "Standby mode only implemented when nice_failback on";

/// A hand-over with a real heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Handshake {
    /// None under way.
    #[default]
    Idle,
    /// We asked it to take.
    Asked(Deal),
    /// It will; we release.
    Giving(Deal),
    /// We have released; it acquires.
    Given(Deal),
    /// It asked, we agreed; it releases.
    Offered(Deal),
    /// It has released; we acquire.
    Taking(Deal),
}

/// With whom, what, and how long the present step may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deal {
    pub partner: NodeName,
    pub side: Side,
    pub groups: BTreeSet<usize>,
    pub until: Instant,
}

/// Groups on their way to or from another everbeat, for the lines people look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    /// The giver.
    pub from: NodeName,
    pub side: Side,
    pub groups: BTreeSet<usize>,
    pub released: bool,
}

/// All hand-overs under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Standby {
    pub(super) handshake: Handshake,
    /// What we give to everbeat nodes.
    pub(super) giving: Option<Batch>,
    /// What we get from them.
    pub(super) getting: Vec<Batch>,
    /// The node whose hb_takeover we are about to follow, and the side as it sees it.
    requested: Option<(NodeName, Side)>,
    /// No automatic request before this time.
    pub(super) retry_at: Instant,
    /// Groups asked for by `ip-request`, answered when released.
    pub(super) ip_requests: Vec<(NodeName, usize)>,
}

impl Standby {
    /// True while we, as giver, say `isstable=0`.
    pub(super) fn is_giving(&self) -> bool {
        matches!(self.handshake, Handshake::Giving(_) | Handshake::Given(_))
    }

    /// True while any hand-over is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.handshake != Handshake::Idle || self.giving.is_some() || !self.getting.is_empty()
    }

    /// The real heartbeat that gives this group to us now.
    pub(super) fn giver(&self, group: usize) -> Option<NodeName> {
        match &self.handshake {
            Handshake::Taking(deal) if deal.groups.contains(&group) => Some(deal.partner.clone()),
            _ => None,
        }
    }

    /// When a step ends by itself.
    pub(super) fn poll_timeout(&self) -> impl Iterator<Item = Instant> {
        let deal = match &self.handshake {
            Handshake::Asked(deal) | Handshake::Given(deal) | Handshake::Offered(deal) => {
                Some(deal.until)
            }
            _ => None,
        };
        deal.into_iter().chain([self.retry_at])
    }

    /// The deal under way.
    pub(super) fn deal(&self) -> Option<&Deal> {
        match &self.handshake {
            Handshake::Idle => None,
            Handshake::Asked(deal)
            | Handshake::Giving(deal)
            | Handshake::Given(deal)
            | Handshake::Offered(deal)
            | Handshake::Taking(deal) => Some(deal),
        }
    }
}

impl Manager {
    /// `hb_standby`. Errors: why not.
    pub(super) fn ask_standby(&mut self, side: Side) -> Result<(), String> {
        self.may_hand_over()?;
        if self.is_in_flux() || self.standby.is_busy() {
            return Err("local resources are in flux: try again when that is done".to_owned());
        }
        // As in `takeover_asked`: what we would refuse ourselves must not be heard by others.
        let in_flux = self.real_taker().is_some_and(|(_, peer)| !peer.stable);
        if in_flux && !self.gives_by_name() {
            return Err("the other side is in flux: try again when that is done".to_owned());
        }
        self.send(messages::ask_resources(side, "me"));
        Ok(())
    }

    /// `hb_takeover`. Errors: why not.
    pub(super) fn ask_takeover(&mut self, side: Side) -> Result<(), String> {
        self.may_hand_over()?;
        self.send(messages::hb_takeover(side));
        Ok(())
    }

    fn may_hand_over(&self) -> Result<(), String> {
        if !self.config.auto_failback.is_nice() {
            return Err(ONLY_NICE.to_owned());
        }
        match self.phase {
            Phase::Stable => {}
            Phase::Init | Phase::Joining { .. } => {
                return Err("this node has not joined the cluster yet".to_owned());
            }
            _ => return Err("this node is shutting down".to_owned()),
        }
        let able = |peer: &Peer| peer.is_active() && !peer.leaving;
        if self.peers.values().any(able) {
            Ok(())
        } else {
            Err("no other node is active".to_owned())
        }
    }

    /// A message of the standby protocol.
    pub(super) fn asked(&mut self, now: Now, from: &NodeName, local: bool, message: &Message) {
        let side = message.text("rsc_hold").and_then(Side::parse);
        let (Some(side), Some(info)) = (side, message.text("info")) else {
            return;
        };
        if !self.config.auto_failback.is_nice() {
            if info == "me" {
                self.log(Severity::Warning, ONLY_NICE);
            }
            return;
        }
        let everbeat = self.peers.get(from).is_some_and(Peer::is_everbeat);
        match (info, local) {
            ("me", true) => self.begin_giving(now, side),
            ("me", false) if everbeat => {
                self.info(format!("{from} wants to go standby [{side}]"));
            }
            ("me", false) => self.offer(now, from, side),
            ("other", false) => self.taker_answered(now, from, side),
            ("done", false) => self.partner_done(now, from, side),
            _ => {}
        }
    }

    pub(super) fn refuse(&mut self, from: &NodeName, why: &str) {
        let text = format!("standby message [me] from {from} ignored.  {why}");
        self.log(Severity::Warning, text);
    }

    /// Our own request came back to us: the first step.
    fn begin_giving(&mut self, now: Now, side: Side) {
        let local = self.config.local.clone();
        let requested = self.standby.requested.take();
        if let Some(left) = self.busy_for(now.mono) {
            let text = format!(
                "Standby in progress- new request from {local} ignored [{left} seconds left]"
            );
            self.log(Severity::Warning, text);
            return;
        }
        if self.phase != Phase::Stable || self.is_in_flux() {
            self.refuse(&local, "local resources in flux.");
            return;
        }
        if self.gives_by_name() {
            self.info(format!("{local} wants to go standby [{side}]"));
            self.give_by_name(now, side, requested);
            return;
        }
        let Some((partner, peer)) = self.real_taker() else {
            self.refuse(&local, "No other node is active.");
            return;
        };
        if !peer.stable {
            self.refuse(&local, "Other side is in flux.");
            return;
        }
        let partner = partner.clone();
        self.info(format!("{local} wants to go standby [{side}]"));
        let groups = self.groups_of_side(&local, side);
        let until = now.mono + ANSWER_TIMEOUT;
        let deal = Deal {
            partner,
            side,
            groups,
            until,
        };
        self.standby.handshake = Handshake::Asked(deal);
    }

    /// True if an everbeat node can take: no handshake is needed then.
    fn gives_by_name(&self) -> bool {
        let able = |p: &Peer| p.is_active() && p.is_everbeat() && p.is_known() && !p.leaving;
        self.peers.values().any(able)
    }

    /// The real heartbeat that would be asked to take.
    fn real_taker(&self) -> Option<(&NodeName, &Peer)> {
        let able = |(_, p): &(&NodeName, &Peer)| p.is_active() && !p.is_everbeat() && !p.leaving;
        self.peers.iter().find(able)
    }

    pub(super) fn busy_for(&self, now: Instant) -> Option<u64> {
        if !self.standby.is_busy() {
            return None;
        }
        let until = self.standby.deal().map_or(now, |deal| deal.until);
        Some(until.since(now).as_secs())
    }

    /// The groups that a node means by a side.
    pub(super) fn groups_of_side(&self, node: &NodeName, side: Side) -> BTreeSet<usize> {
        let belongs = |group: &usize| {
            let own = self.groups[*group].node == *node;
            match side {
                Side::All => true,
                Side::Local => own,
                Side::Foreign => !own,
            }
        };
        let known = |group: &usize| !self.groups[*group].orphan;
        (0..self.groups.len())
            .filter(known)
            .filter(belongs)
            .collect()
    }

    /// Another node's hb_takeover: gives it what it asks for.
    ///
    /// Differs: heartbeat gives all for the word `failback`, for its script calls hb_standby
    /// without an argument then; we give the asker its own groups, which is what the word says.
    pub(super) fn takeover_asked(&mut self, from: &NodeName, message: &Message) {
        let theirs = match message.text("rsc_hold") {
            Some("failback") => Side::Local,
            Some(word) => match Side::parse(word) {
                Some(side) => side,
                None => return,
            },
            None => return,
        };
        if let Err(why) = self.may_hand_over() {
            let text = format!("hb_takeover from {from} ignored: {why}");
            self.log(Severity::Warning, text);
            return;
        }
        let everbeat = self.peers.get(from).is_some_and(Peer::is_everbeat);
        // Our request would come back to us and be refused, but a real heartbeat that agreed to
        // it meanwhile waits an hour for what it will be given.
        let stable = everbeat || self.peers.get(from).is_some_and(|peer| peer.stable);
        let why = match (self.is_in_flux() || self.standby.is_busy(), stable) {
            (true, _) => Some("local resources in flux."),
            (false, false) => Some("Other side is in flux."),
            (false, true) => None,
        };
        if let Some(why) = why {
            let text = format!("hb_takeover from {from} ignored.  {why}");
            self.log(Severity::Warning, text);
            return;
        }
        let holds = self.groups_of_side(from, theirs);
        if everbeat && !holds.iter().any(|group| self.groups[*group].want) {
            return;
        }
        self.info(format!("Going standby [{}].", theirs.mirrored()));
        self.standby.requested = Some((from.clone(), theirs));
        self.send(messages::ask_resources(theirs.mirrored(), "me"));
    }

    /// Goes on with hand-overs under way; true if anything moved.
    pub(super) fn advance_standby(&mut self, now: Now) -> bool {
        let moved = self.advance_handshake(now) | self.answer_ip_requests(now);
        self.advance_batches();
        moved | self.ask_by_ourselves(now)
    }

    /// That node is gone: its part of a hand-over won't come.
    pub(super) fn cancel_standby_with(&mut self, node: &NodeName) {
        if self
            .standby
            .deal()
            .is_some_and(|deal| deal.partner == *node)
        {
            self.cancel_standby();
        }
        self.standby.getting.retain(|batch| batch.from != *node);
        self.standby.ip_requests.retain(|(asker, _)| asker != node);
    }

    /// Ends the handshake where it stands.
    pub(super) fn cancel_standby(&mut self) {
        if self.standby.handshake != Handshake::Idle {
            self.log(Severity::Warning, "Cancelling pending standby operation");
            self.standby.handshake = Handshake::Idle;
        }
    }
}
