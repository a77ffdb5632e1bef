//! What a quick restart keeps (`heartbeat -R`, SIGHUP with a changed ha.cf).

use serde::{Deserialize, Serialize};

use super::group::{GroupRun, Run};
use super::machine::Manager;
use super::peer::Claim;
use crate::ids::NodeName;

/// The groups that run here, for the daemon that comes after this one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Saved {
    /// One for each group that runs here or may run in part.
    pub groups: Vec<SavedGroup>,
}

/// A group that runs here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedGroup {
    /// Its key.
    pub key: String,
    /// Its preferred node.
    pub node: String,
    /// Its resources as they were started.
    pub resources: Vec<String>,
    /// All of them run; false: it was on its way up or down.
    pub running: bool,
    /// Goes back to its preferred node when that returns.
    pub failback_due: bool,
    /// Since when, seconds since 1970.
    pub since_unix_s: u64,
    /// Why.
    pub cause: String,
}

impl Manager {
    /// What a daemon that takes our place must know.
    pub fn save(&self) -> Saved {
        let here = |g: &&GroupRun| g.claim() != Claim::Free;
        let one = |g: &GroupRun| SavedGroup {
            key: g.key.clone(),
            node: g.node.to_string(),
            resources: g.resources.clone(),
            running: g.run == Run::Running && g.want,
            failback_due: g.failback_due,
            since_unix_s: g.since_unix_s,
            cause: g.cause.clone(),
        };
        Saved {
            groups: self.groups.iter().filter(here).map(one).collect(),
        }
    }

    /// Goes on with what ran.
    ///
    /// A group that haresources no longer has, or whose resources are others now, is stopped as
    /// it was started; the new form starts afterwards like any free group.
    pub(super) fn adopt(&mut self, saved: Saved) {
        for old in saved.groups {
            let known = (self.groups.iter_mut())
                .find(|g| g.key == old.key && g.resources == old.resources && !g.orphan);
            let run = if old.running {
                Run::Running
            } else {
                Run::Starting {
                    at: 0,
                    asking: true,
                }
            };
            match known {
                Some(g) => {
                    g.run = run;
                    g.want = old.running;
                    g.failback_due = old.failback_due;
                    g.since_unix_s = old.since_unix_s;
                    g.cause = old.cause;
                    g.entry.claim = g.claim();
                    g.entry.version = 1;
                }
                None => {
                    let node = NodeName::new(&old.node);
                    let node = node.unwrap_or_else(|_| self.config.local.clone());
                    let mut orphan = GroupRun::new(old.key, node, old.resources);
                    orphan.run = Run::Running;
                    orphan.orphan = true;
                    orphan.cause = "not in haresources any more".to_owned();
                    self.add_orphan(orphan);
                }
            }
        }
    }

    fn add_orphan(&mut self, orphan: GroupRun) {
        self.groups.push(orphan);
        for peer in self.peers.values_mut() {
            peer.entries.push(super::peer::Entry::NONE);
        }
    }
}
