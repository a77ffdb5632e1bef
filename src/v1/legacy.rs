//! `auto_failback legacy` beside real heartbeats: a starting node demands its groups.
//!
//! There are no `starting` and `resource` messages then. A node that starts sends `ip-request`
//! for each of its groups; whoever has one stops it and answers `ip-request-resp`, and the asker
//! takes it. Until the answer comes, the other counts as having it.
//!
//! Among everbeat nodes only, legacy is `on` without the operator's commands.
//!
//! Source: `spec/heartbeat-v1.md` sections 1.3 and 2.6

use super::group::Run;
use super::machine::{Manager, Phase};
use super::messages;
use super::peer::Claim;
use crate::ids::NodeName;
use crate::time::Now;
use crate::wire::heartbeat::Message;

impl Manager {
    /// Our communication is up: demands our groups from a real heartbeat that is active.
    pub(super) fn request_own_groups(&mut self, now: Now) {
        if self.config.auto_failback.is_nice() {
            return;
        }
        let holders: Vec<_> = (self.peers.iter())
            .filter(|(_, peer)| peer.is_active() && !peer.is_everbeat())
            .map(|(node, _)| node.clone())
            .collect();
        if holders.is_empty() {
            return;
        }
        for group in 0..self.groups.len() {
            let g = &self.groups[group];
            if g.node != self.config.local || g.is_stand_in() || g.want {
                continue;
            }
            let key = g.key.clone();
            for holder in &holders {
                self.set_real_claim(now, holder, group, Claim::Held);
            }
            self.send(messages::ip_request(&key));
        }
    }

    /// A node demands a group.
    pub(super) fn ip_requested(&mut self, from: &NodeName, message: &Message) {
        let Some(key) = message.text("ipaddr") else {
            return;
        };
        if self.phase == Phase::Init {
            return;
        }
        let group = (self.groups.iter()).position(|g| g.key == key && !g.is_stand_in());
        match group {
            Some(group) => {
                let request = (from.clone(), group);
                if !self.standby.ip_requests.contains(&request) {
                    self.standby.ip_requests.push(request);
                }
            }
            None => self.send(messages::ip_request_resp(from, key, false)),
        }
    }

    /// Releases what was demanded, and answers when it is; true if anything moved.
    pub(super) fn answer_ip_requests(&mut self, now: Now) -> bool {
        let mut moved = false;
        for (asker, group) in std::mem::take(&mut self.standby.ip_requests) {
            if self.groups[group].want {
                let cause = format!("given to {asker} on its request");
                self.release(now, group, Some(asker.clone()), &cause);
                moved = true;
            }
            if self.groups[group].run != Run::Stopped {
                self.standby.ip_requests.push((asker, group));
                continue;
            }
            let key = self.groups[group].key.clone();
            let owned = self.groups[group].entry.to.as_ref() == Some(&asker);
            self.send(messages::ip_request_resp(&asker, &key, owned));
            if self.peers.get(&asker).is_some_and(|p| !p.is_everbeat()) {
                self.set_real_claim(now, &asker, group, Claim::Held);
            }
            moved = true;
        }
        moved
    }

    /// The answer to our demand: the group is free.
    pub(super) fn ip_answered(&mut self, now: Now, message: &Message) {
        if self.config.auto_failback.is_nice() || message.text("ok") != Some("OK") {
            return;
        }
        let key = message.text("ipaddr").unwrap_or_default();
        let Some(group) = self.groups.iter().position(|g| g.key == key) else {
            return;
        };
        let weown = message.text("weown").unwrap_or_default();
        self.info(format!("received ip-request-resp {key} OK {weown}"));
        let peers: Vec<_> = self.peers.keys().cloned().collect();
        for peer in peers {
            self.set_real_claim(now, &peer, group, Claim::Free);
        }
    }
}
