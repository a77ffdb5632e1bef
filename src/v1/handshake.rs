//! The three messages of a hand-over with a real heartbeat, from both ends.
//!
//! Source: `spec/heartbeat-v1.md` section 2.4; the captures hb_standby, hb_takeover

use super::group::Run;
use super::machine::{Manager, Phase};
use super::messages;
use super::peer::{Claim, Peer};
use super::standby::{ANSWER_TIMEOUT, Deal, Handshake, SCRIPTS_TIMEOUT};
use super::work::Side;
use crate::config::ha_cf::AutoFailback;
use crate::ids::NodeName;
use crate::proto::heartbeat::Severity;
use crate::time::Now;

impl Manager {
    /// A real heartbeat wants to give groups away: agrees, if it is us who should.
    pub(super) fn offer(&mut self, now: Now, from: &NodeName, side: Side) {
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
    pub(super) fn is_the_taker(&self, from: &NodeName) -> bool {
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
    pub(super) fn taker_answered(&mut self, now: Now, from: &NodeName, side: Side) {
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
    pub(super) fn partner_done(&mut self, now: Now, from: &NodeName, side: Side) {
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

    pub(super) fn advance_handshake(&mut self, now: Now) -> bool {
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

    /// Requests that no operator makes: fail-back to a real heartbeat, and a group that failed
    /// to start here and that only a real heartbeat could run.
    pub(super) fn ask_by_ourselves(&mut self, now: Now) -> bool {
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

    pub(super) fn side_to_give_back(&self, partner: &NodeName) -> Option<Side> {
        let due = (self.groups.iter())
            .any(|g| g.node == *partner && g.failback_due && g.run == Run::Running && g.want);
        (due && self.config.auto_failback == AutoFailback::On).then_some(Side::Foreign)
    }

    /// Asked once of each daemon: if the group fails there too, it won't say so.
    pub(super) fn side_that_failed(&mut self, partner: &NodeName) -> Option<Side> {
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
}
