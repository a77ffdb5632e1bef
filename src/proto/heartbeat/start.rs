//! From the start to `active`: hear everybody, exchange the lists of nodes.
//!
//! Source: `spec/heartbeat-wire.md` section 8 (Comm up).

use std::time::Duration;

use super::cluster::Cluster;
use super::config::Autojoin;
use super::event::{CommUp, Event, NodeStatus, Severity};
use super::view::StartView;
use crate::ids::NodeName;
use crate::time::{Instant, Now};
use crate::wire::heartbeat::Message;

/// How far the start has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Waiting until each node was heard or given up.
    Hearing {
        /// Since when.
        since: Instant,
    },
    /// Waiting for a node's list of nodes.
    Asking {
        asked: NodeName,
        again: Instant,
        tries: u32,
    },
    /// Communication is up.
    Up,
    /// We left.
    Left,
}

/// Interval of asking for the list of nodes. Source: heartbeat 3.0.6, observed 1 s.
const ASK_INTERVAL: Duration = Duration::from_secs(1);

/// How often we ask before we do without.
///
/// Differs: heartbeat asks for ever and stays `up` for ever if no one answers.
const ASK_MAX: u32 = 10;

impl Cluster {
    /// Goes on with the start as far as it goes.
    pub(super) fn advance_start(&mut self, now: Now) {
        match &self.start {
            Start::Up | Start::Left => {}
            Start::Hearing { .. } => {
                if self.all_settled(now.mono) {
                    self.ask_next(now, None, 0);
                }
            }
            Start::Asking {
                asked,
                again,
                tries,
            } => {
                let (asked, tries) = (asked.clone(), *tries);
                if self
                    .find_name(asked.as_str())
                    .is_none_or(|i| self.nodes[i].is_dead())
                {
                    self.ask_next(now, Some(&asked), tries.saturating_sub(1));
                } else if *again <= now.mono {
                    self.ask_next(now, Some(&asked), tries);
                }
            }
        }
    }

    /// When the start goes on by itself; while hearing, the nodes' own dead times end the wait.
    pub(super) fn start_timeout(&self, now: Instant) -> Option<Instant> {
        match &self.start {
            Start::Hearing { since } => {
                let until = *since + self.config.timing.initdead;
                (self.waits_for_strangers() && until > now).then_some(until)
            }
            Start::Asking { again, .. } => Some(*again),
            Start::Up | Start::Left => None,
        }
    }

    pub(super) fn start_view(&self) -> StartView {
        match &self.start {
            Start::Hearing { since } => StartView::Hearing {
                unheard: self.unheard(),
                until: *since + self.config.timing.initdead,
            },
            Start::Asking { asked, .. } => StartView::Asking(asked.clone()),
            Start::Up => StartView::Up,
            Start::Left => StartView::Left,
        }
    }

    /// The answer came.
    pub(super) fn list_received(&mut self, now: Now) {
        if matches!(self.start, Start::Asking { .. }) {
            self.comm_up(now);
        }
    }

    fn unheard(&self) -> Vec<NodeName> {
        let others = self
            .nodes
            .iter()
            .filter(|n| !self.is_own(n) && !n.is_settled());
        others.map(|n| n.name.clone()).collect()
    }

    /// With autojoin nobody knows how many there are: the whole of initdead is waited for.
    fn waits_for_strangers(&self) -> bool {
        self.config.autojoin != Autojoin::None
    }

    fn all_settled(&self, now: Instant) -> bool {
        self.start_timeout(now).is_none()
            && self.nodes.iter().all(|n| self.is_own(n) || n.is_settled())
    }

    /// Asks the live node after `last`, in the order of the table and around.
    fn ask_next(&mut self, now: Now, last: Option<&NodeName>, tries: u32) {
        let live: Vec<NodeName> = self
            .peers()
            .filter(|node| !node.is_dead())
            .map(|node| node.name.clone())
            .collect();
        let after = last.and_then(|last| live.iter().position(|name| name == last));
        let next = after.map_or(0, |at| (at + 1) % live.len());
        let Some(asked) = live.get(next).filter(|_| self.flow_control) else {
            return self.comm_up(now);
        };
        if tries >= ASK_MAX {
            let line = format!("no node answers reqnodes, {asked} neither: going on without");
            self.log(Severity::Warning, line);
            return self.comm_up(now);
        }
        self.start = Start::Asking {
            asked: asked.clone(),
            again: now.mono + ASK_INTERVAL,
            tries: tries + 1,
        };
        let request = Message::of_type("reqnodes").with("dest", asked.as_str());
        let request = self.finish(now, request);
        self.transmit(request);
    }

    fn comm_up(&mut self, now: Now) {
        let complete = self.peers().all(|node| node.heard && !node.is_dead());
        self.start = Start::Up;
        self.log(Severity::Info, "Comm_now_up(): updating status to active");
        self.set_own_status(now, NodeStatus::Active);
        // The limit of each node is its own dead time from here on.
        self.event(Event::CommUp(CommUp { complete }));
    }
}
