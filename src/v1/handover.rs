//! Groups on their way between everbeat nodes: no handshake, only names.
//!
//! The giver names the taker in its word on the group; the taker starts it once nobody has it
//! ([`super::ownership`]). What is kept here are the lines that people look for.

use std::collections::BTreeSet;

use super::group::Run;
use super::machine::{Manager, Phase};
use super::peer::{Claim, Peer};
use super::standby::{Batch, Handshake};
use super::work::Side;
use crate::ids::NodeName;
use crate::time::Now;

impl Manager {
    /// Gives groups to everbeat nodes, each by name.
    pub(super) fn give_by_name(
        &mut self,
        now: Now,
        side: Side,
        requested: Option<(NodeName, Side)>,
    ) {
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

    pub(super) fn note_giving(&mut self, side: Side, group: usize) {
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

    pub(super) fn side_given_by(&self, giver: &NodeName) -> Side {
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

    /// Says when what is on its way between everbeat nodes has arrived.
    pub(super) fn advance_batches(&mut self) {
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
}
