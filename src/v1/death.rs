//! A node died or came back: its reset, and what becomes of its groups.
//!
//! Source: `spec/heartbeat-v1.md` section 2.3

use std::time::Duration;

use super::machine::{Manager, Phase};
use super::messages;
use super::peer::{Fence, Peer};
use super::work::WorkResult;
use crate::ids::NodeName;
use crate::proto::heartbeat::{NodeChange, NodeStatus, Severity};
use crate::time::{Instant, Now};
use crate::wire::heartbeat::Message;

/// Pause before a failed reset is tried again. Source: heartbeat 3.0.6, STONITH retry, 5 s
const STONITH_RETRY: Duration = Duration::from_secs(5);

impl Manager {
    /// The status of a node changed.
    pub(super) fn node_changed(&mut self, now: Now, change: &NodeChange) {
        if change.node == self.config.local {
            return;
        }
        let count = self.groups.len();
        if !self.config.nodes.contains(&change.node) {
            self.config.nodes.push(change.node.clone());
        }
        let peer = self.peers.entry(change.node.clone());
        let peer = peer.or_insert_with(|| Peer::new(count, now.mono));
        let was = peer.status;
        peer.status = change.status;
        // Who spoke as an everbeat doesn't become a heartbeat without a new start.
        if !(peer.spoken && peer.is_everbeat()) {
            peer.mode = change.mode;
        }
        if was != change.status {
            peer.since = now.mono;
        }
        if change.status == NodeStatus::Dead {
            peer.restarted = false;
            peer.spoke_while_dead = false;
        }
        match change.status {
            NodeStatus::Dead if was != NodeStatus::Dead => {
                self.queue_death_script(&change.node, None);
                self.node_died(now, &change.node);
            }
            NodeStatus::Up | NodeStatus::Active if was == NodeStatus::Dead => {
                self.node_came_back(&change.node);
            }
            _ => {}
        }
    }

    /// rc.d/status hears of a death too, by a message that is made up for it.
    ///
    /// Source: heartbeat 3.0.6; `spec/heartbeat-v1.md` section 1.3
    pub(super) fn queue_death_script(&mut self, node: &NodeName, info: Option<&str>) {
        let mut message = Message::of_type("status")
            .with("st", "dead")
            .with("src", node.as_str());
        if let Some(info) = info {
            message.push_text("info", info);
        }
        self.queue_rc_script(&message);
    }

    fn node_came_back(&mut self, node: &NodeName) {
        let Some(peer) = self.peers.get_mut(node) else {
            return;
        };
        let (joined, restarting) = (peer.joined, peer.restarting);
        // A node that slept tells what it holds with its first words, before its status.
        let said = peer
            .spoke_while_dead
            .then(|| (peer.entries.clone(), peer.hold, peer.stable));
        peer.forget();
        peer.leaving = false;
        if let Some((entries, hold, stable)) = said.filter(|_| joined) {
            (peer.entries, peer.hold, peer.stable) = (entries, hold, stable);
            (peer.spoken, peer.seen_us) = (true, true);
        }
        // After Event::Healed it is the same daemon, which won't say `starting` again.
        peer.joined = joined;
        peer.restarting = restarting;
    }

    /// A node of a higher generation speaks without having been declared dead: what it held
    /// counts as held until it says otherwise.
    pub(super) fn restarted(&mut self, now: Now, node: &NodeName) {
        let Some(peer) = self.peers.get_mut(node) else {
            return;
        };
        peer.spoken = false;
        peer.restarted = true;
        peer.seen_us = false;
        peer.stable = false;
        peer.leaving = false;
        peer.restarting = None;
        peer.offered_failed = false;
        peer.refuses.clear();
        peer.since = now.mono;
        self.cancel_standby_with(node);
        self.owe_failback(node);
    }

    fn node_died(&mut self, now: Now, node: &NodeName) {
        self.cancel_standby_with(node);
        self.owe_failback(node);
        match self.phase {
            Phase::Init => {
                if let Some(peer) = self.peers.get_mut(node) {
                    peer.fence = Fence::Deferred;
                }
            }
            Phase::Joining { .. } | Phase::Stable => self.handle_death(now, node),
            Phase::Leaving | Phase::Left { .. } | Phase::Gone => {
                if let Some(peer) = self.peers.get_mut(node) {
                    peer.forget();
                }
            }
        }
    }

    /// Its groups go back to it when it returns, however they came here.
    ///
    /// Source: heartbeat 3.0.6, `needs_failback` is set by any death
    fn owe_failback(&mut self, node: &NodeName) {
        for g in self.groups.iter_mut().filter(|g| g.node == *node && g.want) {
            g.failback_due = true;
        }
    }

    /// Deaths from before our communication was up.
    pub(super) fn deferred_deaths(&mut self, now: Now) {
        let deferred = |peer: &Peer| peer.fence == Fence::Deferred;
        let dead: Vec<_> = (self.peers.iter())
            .filter(|(_, peer)| deferred(peer))
            .map(|(node, _)| node.clone())
            .collect();
        for node in dead {
            self.handle_death(now, &node);
        }
    }

    fn handle_death(&mut self, now: Now, node: &NodeName) {
        let stonith = self.config.stonith;
        let Some(peer) = self.peers.get_mut(node) else {
            return;
        };
        // One that died in the middle of its shutdown may still have something.
        let harmless = peer.spoken && !peer.claims_anything();
        peer.joined = false;
        if harmless {
            peer.forget();
            self.info(format!("Dead node {node} gave up resources."));
            self.send(messages::stonith(node, "unneeded"));
        } else if stonith {
            peer.fence = Fence::Due(now.mono);
            peer.fence_failed_elsewhere = false;
        } else {
            peer.forget();
            self.log(Severity::Warning, "No STONITH device configured.");
            self.log(Severity::Warning, "Shared disks are not protected.");
            self.send(messages::stonith(node, "n_stnth"));
            self.info(format!("Resources being acquired from {node}."));
        }
    }

    /// Starts resets that are due; true if one was started.
    pub(super) fn advance_fencing(&mut self, now: Now) -> bool {
        let due = |peer: &Peer| matches!(peer.fence, Fence::Due(at) if now.mono >= at);
        let nodes: Vec<_> = (self.peers.iter())
            .filter(|(_, peer)| due(peer) && self.resets(peer))
            .map(|(node, _)| node.clone())
            .collect();
        for node in &nodes {
            if let Some(peer) = self.peers.get_mut(node) {
                peer.fence = Fence::Running;
            }
            self.start_stonith(node);
        }
        !nodes.is_empty()
    }

    /// Whether the reset is ours to do: of several everbeat nodes the first does it, the others
    /// only if it says that it can't.
    fn resets(&self, dead: &Peer) -> bool {
        if !matches!(self.phase, Phase::Joining { .. } | Phase::Stable) {
            return false;
        }
        let place = |node: &NodeName| self.config.nodes.iter().position(|n| n == node);
        let earlier = |(node, peer): (&NodeName, &Peer)| {
            let able = peer.is_active() && peer.is_everbeat() && peer.joined && !peer.leaving;
            able && place(node) < place(&self.config.local)
        };
        dead.fence_failed_elsewhere || !self.peers.iter().any(earlier)
    }

    /// A reset of ours ended.
    pub(super) fn stonith_done(&mut self, now: Now, node: &NodeName, result: WorkResult) {
        let Some(peer) = self.peers.get_mut(node) else {
            return;
        };
        if peer.fence != Fence::Running {
            return;
        }
        let WorkResult::Failed { reason, .. } = result else {
            self.reset_succeeded(node);
            self.send(messages::stonith(node, "OK"));
            return;
        };
        peer.fence = Fence::Due(now.mono + STONITH_RETRY);
        self.log(
            Severity::Error,
            format!("Host {node} not reset! ({reason})"),
        );
        self.log(
            Severity::Error,
            format!("STONITH of {node} failed.  Retrying..."),
        );
        self.send(messages::stonith(node, "bad"));
    }

    fn reset_succeeded(&mut self, node: &NodeName) {
        if let Some(peer) = self.peers.get_mut(node) {
            peer.forget();
        }
        self.info(format!("Resources being acquired from {node}."));
    }

    /// Another node tells how its reset of a node ended.
    pub(super) fn peer_reset(&mut self, now: Now, from: &NodeName, message: &Message) {
        let node = message
            .text("node")
            .and_then(|node| NodeName::new(node).ok());
        let (Some(node), Some(result)) = (node, message.text("result")) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(&node) else {
            return;
        };
        if !matches!(peer.fence, Fence::Due(_)) || peer.is_alive() {
            return;
        }
        match result {
            "OK" => {
                self.info(format!("{from} has reset node {node}."));
                self.reset_succeeded(&node);
            }
            "bad" | "badhost" if !peer.fence_failed_elsewhere => {
                peer.fence_failed_elsewhere = true;
                peer.fence = Fence::Due(now.mono);
            }
            _ => {}
        }
    }

    /// Nodes whose reset is awaited.
    pub(super) fn unfenced(&self) -> Vec<&NodeName> {
        let open = |peer: &Peer| matches!(peer.fence, Fence::Due(_) | Fence::Running);
        (self.peers.iter())
            .filter(|(_, peer)| open(peer))
            .map(|(node, _)| node)
            .collect()
    }

    /// When a reset is tried again, for the picture.
    pub(super) fn fence_retry(&self, node: &NodeName) -> Option<Instant> {
        match self.peers.get(node)?.fence {
            Fence::Due(at) => Some(at),
            _ => None,
        }
    }
}
