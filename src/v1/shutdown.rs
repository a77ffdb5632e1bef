//! Giving everything up in order, ours and that of others.
//!
//! Source: `spec/heartbeat-v1.md` section 2.5

use std::time::Duration;

use super::group::Run;
use super::machine::{Manager, Phase};
use super::messages;
use super::peer::{Claim, Entry};
use crate::ids::NodeName;
use crate::proto::heartbeat::Severity;
use crate::time::Now;

/// Time between `shutdone` and our end. Source: heartbeat 3.0.6, shutdown step 5.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl Manager {
    /// Begins the shutdown; again: no effect.
    ///
    /// Differs: heartbeat delays it until nothing is in transition. Here a group in the middle of
    /// its start is stopped after the action that runs, and a hand-over under way goes on for
    /// the node that takes.
    pub(super) fn leave(&mut self, now: Now) {
        match self.phase {
            Phase::Leaving | Phase::Left { .. } | Phase::Gone => return,
            Phase::Init => {
                let text = format!("Heartbeat shutdown in progress. ({})", self.config.pid);
                self.info(text);
                let holds = self.groups.iter().any(|g| g.run != Run::Stopped);
                if !holds {
                    self.released();
                    return;
                }
            }
            Phase::Joining { .. } | Phase::Stable => {
                let text = format!("Heartbeat shutdown in progress. ({})", self.config.pid);
                self.info(text);
            }
        }
        self.phase = Phase::Leaving;
        self.cancel_standby();
        self.info("Giving up all HA resources.");
        for group in 0..self.groups.len() {
            if self.groups[group].want {
                self.release(now, group, None, "given up: shutdown");
            }
        }
        self.announce_info = Some("shutdown");
    }

    /// Goes on when all is released; true if it did.
    pub(super) fn advance_leaving(&mut self, now: Now) -> bool {
        if self.groups.iter().any(|g| g.run != Run::Stopped) {
            return false;
        }
        self.info("All HA resources relinquished.");
        // Those that know our claims can take over before `shutdone` is read.
        self.announce(now);
        self.send(messages::shutdone());
        self.phase = Phase::Left {
            at: now.mono + LAST_WORDS,
        };
        true
    }

    /// Another node released everything and ends.
    pub(super) fn peer_shut_down(&mut self, from: &NodeName) {
        self.info(format!("Received shutdown notice from '{from}'."));
        self.cancel_standby_with(from);
        let Some(peer) = self.peers.get_mut(from) else {
            return;
        };
        peer.leaving = true;
        peer.spoken = true;
        peer.restarting = None;
        let released: Vec<_> = (0..peer.entries.len())
            .map(|group| peer.entries[group].claim)
            .collect();
        for entry in &mut peer.entries {
            *entry = Entry {
                version: entry.version,
                ..Entry::NONE
            };
        }
        peer.hold = super::peer::Hold::default();
        if matches!(self.phase, Phase::Joining { .. } | Phase::Stable) {
            self.info(format!("Resources being acquired from {from}."));
            for g in self.groups.iter_mut().filter(|g| g.node == *from && g.want) {
                g.failback_due = true;
            }
        } else if self.phase != Phase::Init {
            let text = "Resource takeover cancelled - shutdown in progress.";
            self.log(Severity::Info, text);
        }
        for (group, was) in released.into_iter().enumerate() {
            if was != Claim::Free && self.groups[group].claim() == Claim::Held {
                self.announce_group(group);
            }
        }
    }
}
