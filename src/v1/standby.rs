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

use super::group::Run;
use super::machine::{Manager, Phase};
use super::messages;
use super::peer::{Claim, Peer};
use super::work::Side;
use crate::config::ha_cf::AutoFailback;
use crate::ids::NodeName;
use crate::proto::heartbeat::Severity;
use crate::time::{Instant, Now};
use crate::wire::heartbeat::Message;

/// Time for the answer to a request. Source: heartbeat 3.0.6, standby deadline of 10 s
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for the other side's scripts. Source: heartbeat 3.0.6, standby deadline of 1 h
const SCRIPTS_TIMEOUT: Duration = Duration::from_secs(3600);

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
struct Batch {
    /// The giver.
    from: NodeName,
    side: Side,
    groups: BTreeSet<usize>,
    released: bool,
}

/// All hand-overs under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Standby {
    pub(super) handshake: Handshake,
    /// What we give to everbeat nodes.
    giving: Option<Batch>,
    /// What we get from them.
    getting: Vec<Batch>,
    /// The node whose hb_takeover we are about to follow, and the side as it sees it.
    requested: Option<(NodeName, Side)>,
    /// No automatic request before this time.
    retry_at: Instant,
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

    fn refuse(&mut self, from: &NodeName, why: &str) {
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
        let everbeat = |p: &Peer| p.is_active() && p.is_everbeat() && p.is_known() && !p.leaving;
        if self.peers.values().any(everbeat) {
            self.info(format!("{local} wants to go standby [{side}]"));
            self.give_by_name(now, side, requested);
            return;
        }
        let real = |(_, p): &(&NodeName, &Peer)| p.is_active() && !p.is_everbeat() && !p.leaving;
        let Some((partner, peer)) = self.peers.iter().find(real) else {
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

    fn busy_for(&self, now: Instant) -> Option<u64> {
        if !self.standby.is_busy() {
            return None;
        }
        let until = self.standby.deal().map_or(now, |deal| deal.until);
        Some(until.since(now).as_secs())
    }

    /// The groups that a node means by a side.
    fn groups_of_side(&self, node: &NodeName, side: Side) -> BTreeSet<usize> {
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

    /// Gives groups to everbeat nodes, each by name.
    fn give_by_name(&mut self, now: Now, side: Side, requested: Option<(NodeName, Side)>) {
        let local = self.config.local.clone();
        let (groups, cause) = match &requested {
            Some((node, theirs)) => (
                self.groups_of_side(node, *theirs),
                format!("hb_takeover by {node}"),
            ),
            None => (
                self.groups_of_side(&local, side),
                "hb_standby by operator".to_owned(),
            ),
        };
        self.info(format!("give up {side} HA resources (standby)."));
        for group in groups {
            if !self.groups[group].want {
                continue;
            }
            let asker = requested.as_ref().map(|(node, _)| node.clone());
            if let Some(taker) = asker.or_else(|| self.best_other(group)) {
                self.note_giving(side, group);
                self.release(now, group, Some(taker), &cause);
            }
        }
        if self.standby.giving.is_none() {
            self.info(format!("Local standby process completed [{side}]."));
        }
    }

    fn note_giving(&mut self, side: Side, group: usize) {
        let from = self.config.local.clone();
        let batch = self.standby.giving.get_or_insert_with(|| Batch {
            from,
            side,
            groups: BTreeSet::new(),
            released: false,
        });
        batch.groups.insert(group);
    }

    /// A group is about to go back to its preferred node.
    pub(super) fn announce_failback(&mut self, owner: &NodeName, group: usize) {
        if self.standby.giving.is_none() {
            let local = self.config.local.clone();
            self.info(format!("{local} wants to go standby [foreign]"));
        }
        if !self.groups[group].is_stand_in() {
            let key = self.groups[group].key.clone();
            self.info(format!(
                "{owner} is back: it gets resource group {key} again."
            ));
        }
        self.note_giving(Side::Foreign, group);
    }

    /// We begin to acquire a group that was given to us.
    pub(super) fn note_acquiring(&mut self, group: usize, giver: Option<NodeName>) {
        let Some(giver) = giver else {
            return;
        };
        if matches!(self.standby.handshake, Handshake::Taking(_)) {
            return;
        }
        let open = self.standby.getting.iter().position(|b| b.from == giver);
        let index = open.unwrap_or_else(|| {
            let side = self.side_given_by(&giver);
            self.info(format!("standby: acquire [{side}] resources from {giver}"));
            self.standby.getting.push(Batch {
                from: giver,
                side,
                groups: BTreeSet::new(),
                released: true,
            });
            self.standby.getting.len() - 1
        });
        self.standby.getting[index].groups.insert(group);
    }

    fn side_given_by(&self, giver: &NodeName) -> Side {
        let Some(peer) = self.peers.get(giver) else {
            return Side::All;
        };
        let given = |group: &usize| peer.entries[*group].to.as_ref() == Some(&self.config.local);
        let groups = (0..self.groups.len()).filter(given);
        let owns: Vec<bool> = groups.map(|g| self.groups[g].node == *giver).collect();
        match (owns.contains(&true), owns.contains(&false)) {
            (true, false) => Side::Local,
            (false, true) => Side::Foreign,
            _ => Side::All,
        }
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
        let holds = self.groups_of_side(from, theirs);
        if everbeat && !holds.iter().any(|group| self.groups[*group].want) {
            return;
        }
        self.info(format!("Going standby [{}].", theirs.mirrored()));
        self.standby.requested = Some((from.clone(), theirs));
        self.send(messages::ask_resources(theirs.mirrored(), "me"));
    }

    /// A real heartbeat wants to give groups away: agrees, if it is us who should.
    fn offer(&mut self, now: Now, from: &NodeName, side: Side) {
        if self.busy_for(now.mono).is_some() {
            let left = self.busy_for(now.mono).unwrap_or_default();
            let text = format!(
                "Standby in progress- new request from {from} ignored [{left} seconds left]"
            );
            self.log(Severity::Warning, text);
            return;
        }
        if self.phase != Phase::Stable || self.is_in_flux() {
            self.refuse(from, "local resources in flux.");
            return;
        }
        if !self.peers.get(from).is_some_and(|peer| peer.stable) {
            self.refuse(from, "Other side is in flux.");
            return;
        }
        self.info(format!("{from} wants to go standby [{side}]"));
        if !self.is_the_taker(from) {
            return;
        }
        let deal = Deal {
            partner: from.clone(),
            side,
            groups: self.groups_of_side(from, side),
            until: now.mono + SCRIPTS_TIMEOUT,
        };
        self.standby.handshake = Handshake::Offered(deal);
        self.send(messages::ask_resources(side, "other"));
    }

    /// Whether we answer: with more than two nodes only one may, and a second real heartbeat
    /// would always do.
    fn is_the_taker(&self, from: &NodeName) -> bool {
        let nodes = &self.config.nodes;
        let start = nodes.iter().position(|n| n == from).unwrap_or(0);
        let alive = |node: &&NodeName| self.peers.get(*node).is_some_and(Peer::is_active);
        let others = || self.peers.iter().filter(|(node, _)| *node != from);
        if others().any(|(_, peer)| peer.is_active() && !peer.is_everbeat()) {
            return false;
        }
        let order = (1..nodes.len()).map(|i| &nodes[(start + i) % nodes.len()]);
        let mut candidates = order.filter(|node| **node == self.config.local || alive(node));
        candidates.next() == Some(&self.config.local)
    }

    /// The real heartbeat that we asked agrees.
    fn taker_answered(&mut self, now: Now, from: &NodeName, side: Side) {
        let Handshake::Asked(deal) = &self.standby.handshake else {
            return;
        };
        if deal.partner != *from {
            return;
        }
        let deal = deal.clone();
        self.info(format!("standby: {from} can take our {side} resources"));
        self.info(format!("give up {side} HA resources (standby)."));
        if let Some(peer) = self.peers.get_mut(from) {
            peer.refuses.retain(|group| !deal.groups.contains(group));
        }
        for group in &deal.groups {
            if self.groups[*group].want {
                let cause = format!("given to {from}: standby");
                self.release(now, *group, Some(from.clone()), &cause);
            }
        }
        self.standby.handshake = Handshake::Giving(deal);
        self.announce_info = Some("standby");
    }

    /// The real heartbeat is done with its part.
    fn partner_done(&mut self, now: Now, from: &NodeName, side: Side) {
        match &self.standby.handshake {
            Handshake::Given(deal) if deal.partner == *from => {
                self.standby.handshake = Handshake::Idle;
                self.announce_anyway = true;
                self.info(format!(
                    "Other node completed standby takeover of {side} resources."
                ));
            }
            Handshake::Offered(deal) if deal.partner == *from => {
                let deal = deal.clone();
                self.info(format!("standby: acquire [{side}] resources from {from}"));
                for group in &deal.groups {
                    self.set_real_claim(now, from, *group, Claim::Free);
                    if let Some(peer) = self.peers.get_mut(from) {
                        peer.refuses.insert(*group);
                    }
                }
                let ours = deal.side.mirrored();
                self.info(format!("acquire {ours} HA resources (standby)."));
                self.standby.handshake = Handshake::Taking(deal.clone());
                for group in deal.groups {
                    let g = &self.groups[group];
                    let free = !g.want && g.run == Run::Stopped;
                    if free && self.target(now.mono, group).as_ref() == Some(&self.config.local) {
                        self.acquire(now, group);
                    }
                }
            }
            // A real heartbeat says it too after it took over from a node that shut down.
            _ => {}
        }
    }

    /// Goes on with hand-overs under way; true if anything moved.
    pub(super) fn advance_standby(&mut self, now: Now) -> bool {
        let moved = self.advance_handshake(now) | self.answer_ip_requests(now);
        self.advance_batches();
        moved | self.ask_by_ourselves(now)
    }

    fn advance_handshake(&mut self, now: Now) -> bool {
        let free = |g: &usize| self.groups[*g].claim() == Claim::Free;
        let at_rest = |g: &usize| matches!(self.groups[*g].claim(), Claim::Free | Claim::Held);
        match self.standby.handshake.clone() {
            Handshake::Asked(deal) if now.mono >= deal.until => {
                let text = "No reply to standby request.  Standby request cancelled.";
                self.log(Severity::Warning, text);
                self.standby.handshake = Handshake::Idle;
                true
            }
            Handshake::Giving(mut deal) if deal.groups.iter().all(free) => {
                let side = deal.side;
                self.info(format!("{side} HA resource release completed (standby)."));
                self.send(messages::ask_resources(side, "done"));
                self.info(format!("Local standby process completed [{side}]."));
                deal.until = now.mono + SCRIPTS_TIMEOUT;
                self.standby.handshake = Handshake::Given(deal);
                true
            }
            Handshake::Taking(deal) if deal.groups.iter().all(at_rest) => {
                let ours = deal.side.mirrored();
                self.info(format!(
                    "{ours} HA resource acquisition completed (standby)."
                ));
                self.send(messages::ask_resources(deal.side, "done"));
                let side = deal.side;
                self.info(format!("Standby resource acquisition done [{side}]."));
                self.standby.handshake = Handshake::Idle;
                self.announce_anyway = true;
                true
            }
            Handshake::Given(deal) | Handshake::Offered(deal) if now.mono >= deal.until => {
                self.cancel_standby();
                true
            }
            _ => false,
        }
    }

    /// Says when what is on its way between everbeat nodes has arrived.
    fn advance_batches(&mut self) {
        if let Some(mut batch) = self.standby.giving.take() {
            let side = batch.side;
            let stopped = |g: &usize| self.groups[*g].run == Run::Stopped || self.groups[*g].want;
            if !batch.released && batch.groups.iter().all(stopped) {
                batch.released = true;
                self.info(format!("{side} HA resource release completed (standby)."));
                self.info(format!("Local standby process completed [{side}]."));
            }
            let held = |group: &usize| {
                let by = |p: &Peer| p.is_alive() && p.entries[*group].claim == Claim::Held;
                self.groups[*group].want || self.peers.values().any(by)
            };
            let taken = batch.groups.iter().all(held);
            let lonely = !self.peers.values().any(Peer::is_alive);
            if batch.released && taken {
                self.info(format!(
                    "Other node completed standby takeover of {side} resources."
                ));
            } else if !lonely && self.phase == Phase::Stable {
                self.standby.giving = Some(batch);
            }
        }
        let getting = std::mem::take(&mut self.standby.getting);
        for batch in getting {
            let at_rest = |g: &usize| matches!(self.groups[*g].claim(), Claim::Free | Claim::Held);
            if batch.groups.iter().all(at_rest) {
                let side = batch.side;
                self.info(format!("Standby resource acquisition done [{side}]."));
            } else {
                self.standby.getting.push(batch);
            }
        }
    }

    /// Requests that no operator makes: fail-back to a real heartbeat, and a group that failed
    /// to start here and that only a real heartbeat could run.
    fn ask_by_ourselves(&mut self, now: Now) -> bool {
        let quiet = self.phase == Phase::Stable && !self.is_in_flux() && !self.standby.is_busy();
        if !quiet || now.mono < self.standby.retry_at || !self.config.auto_failback.is_nice() {
            return false;
        }
        let real = |(_, p): &(&NodeName, &Peer)| {
            p.is_active() && !p.is_everbeat() && p.stable && !p.leaving && p.restarting.is_none()
        };
        let partners: Vec<_> = self
            .peers
            .iter()
            .filter(real)
            .map(|(n, _)| n.clone())
            .collect();
        for partner in partners {
            let side = self.side_to_give_back(&partner);
            if let Some(side) = side.or_else(|| self.side_that_failed(&partner)) {
                self.standby.retry_at = now.mono + ANSWER_TIMEOUT;
                self.send(messages::ask_resources(side, "me"));
                return false;
            }
        }
        false
    }

    fn side_to_give_back(&self, partner: &NodeName) -> Option<Side> {
        let due = (self.groups.iter())
            .any(|g| g.node == *partner && g.failback_due && g.run == Run::Running && g.want);
        (due && self.config.auto_failback == AutoFailback::On).then_some(Side::Foreign)
    }

    /// Asked once of each daemon: if the group fails there too, it won't say so.
    fn side_that_failed(&mut self, partner: &NodeName) -> Option<Side> {
        let failed = |group: &usize| {
            let g = &self.groups[*group];
            g.entry.failures > 0 && !g.want && g.run == Run::Stopped
        };
        let group = (0..self.groups.len()).filter(failed).find(|group| {
            let claimed = |p: &Peer| p.is_alive() && p.entries[*group].claim != Claim::Free;
            self.best_other(*group).is_none() && !self.peers.values().any(claimed)
        })?;
        let own = self.groups[group].node == self.config.local;
        let key = self.groups[group].key.clone();
        let peer = self.peers.get_mut(partner)?;
        if std::mem::replace(&mut peer.offered_failed, true) {
            return None;
        }
        let side = if own { Side::Local } else { Side::Foreign };
        let text = format!("{key} failed to start here: asking {partner} to take it [{side}].");
        self.log(Severity::Warning, text);
        Some(side)
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
