//! What a node knows of votes, and what it makes of them.

use std::collections::{BTreeMap, VecDeque};

use super::config::Config;
use super::votes::{self, Count, Rule};
use crate::ids::NodeId;
use crate::time::{Instant, Now};
use crate::wire::cluster::{NodeFlags, NodeState, Votequorum};

/// Most nodes that are remembered; members of a ring are fewer. Ours: a forged ring could name
/// any number.
const NODES_MAX: usize = 1024;

/// What the machine wants done, and what it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send it to all, this node too.
    Send(Votequorum),
    /// Quorum came, went, or is counted otherwise.
    Verdict(Verdict),
    /// Remember these expected votes where they survive a crash.
    Remember(u32),
}

/// Who may act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// True when these members may act.
    pub quorate: bool,
    /// The members, ascending.
    pub members: Vec<NodeId>,
}

/// How a node is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Member,
    Dead,
    Leaving,
}

/// A node that was ever heard of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) votes: u32,
    pub(super) expected: u32,
    pub(super) flags: NodeFlags,
    pub(super) presence: Presence,
}

/// The votes of a cluster, as one node counts them.
#[derive(Debug)]
pub struct Machine {
    pub(super) config: Config,
    pub(super) nodes: BTreeMap<NodeId, Known>,
    pub(super) quorum: u32,
    pub(super) quorate: bool,
    /// It still waits for all nodes.
    pub(super) waiting: bool,
    pub(super) barrier: u32,
    pub(super) tracked: u32,
    pub(super) members: Vec<NodeId>,
    pub(super) previous: Vec<NodeId>,
    lowest: Option<NodeId>,
    highest: Option<NodeId>,
    pub(super) in_sync: bool,
    pub(super) window_ends: Option<Instant>,
    pub(super) outputs: VecDeque<Output>,
}

impl Machine {
    /// A node that is alone and has seen nobody. `remembered` are the expected votes on disk.
    pub fn new(config: Config, remembered: u32) -> Self {
        let own = Known {
            votes: config.votes,
            expected: config.expected_votes,
            flags: NodeFlags::FIRST.with(NodeFlags::WAIT_FOR_ALL, config.wait_for_all),
            presence: Presence::Member,
        };
        let mut machine = Self {
            nodes: BTreeMap::from([(config.node, own)]),
            quorum: 0,
            quorate: false,
            waiting: config.wait_for_all,
            barrier: config.expected_votes,
            tracked: remembered,
            members: vec![config.node],
            previous: Vec::new(),
            lowest: None,
            highest: None,
            in_sync: false,
            window_ends: None,
            outputs: VecDeque::new(),
            config,
        };
        machine.recalculate(false, false);
        machine.outputs.clear();
        let own = machine.own_state();
        machine.send(Votequorum::NodeInfo(own));
        machine
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Machine::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.window_ends
    }

    /// The members have stayed what they are for a while: expected votes follow them.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.window_ends.is_some_and(|at| now.mono >= at) {
            self.window_ends = None;
            if self.quorate {
                self.recalculate(true, true);
            }
        }
    }

    /// True when the members may act.
    pub fn is_quorate(&self) -> bool {
        self.quorate
    }

    /// What it counts with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The votes that are needed.
    pub fn quorum(&self) -> u32 {
        self.quorum
    }

    /// The members, ascending.
    pub fn members(&self) -> &[NodeId] {
        &self.members
    }

    /// True while it waits for all nodes.
    pub fn is_waiting_for_all(&self) -> bool {
        self.waiting
    }

    /// The expected votes that were set last, or configured.
    pub fn barrier(&self) -> u32 {
        self.barrier
    }

    /// What is known of a node.
    pub fn node(&self, node: NodeId) -> Option<NodeState> {
        let known = self.nodes.get(&node)?;
        Some(NodeState {
            node,
            votes: known.votes,
            expected_votes: known.expected,
            flags: known.flags,
        })
    }

    /// The votes of the members.
    pub fn count(&self) -> Count {
        let present = |k: &&Known| k.presence == Presence::Member;
        let mut count = Count::default();
        for known in self.nodes.values().filter(present) {
            count.members += 1;
            count.total = count.total.saturating_add(known.votes);
            count.highest_expected = count.highest_expected.max(known.expected);
        }
        count
    }

    pub(super) fn send(&mut self, message: Votequorum) {
        self.outputs.push_back(Output::Send(message));
    }

    pub(super) fn own(&self) -> Known {
        let none = Known {
            votes: self.config.votes,
            expected: self.config.expected_votes,
            flags: NodeFlags::default(),
            presence: Presence::Member,
        };
        self.nodes.get(&self.config.node).copied().unwrap_or(none)
    }

    pub(super) fn change_own(&mut self, change: impl FnOnce(&mut Known)) {
        if let Some(own) = self.nodes.get_mut(&self.config.node) {
            change(own);
        }
    }

    pub(super) fn own_state(&self) -> NodeState {
        let own = self.own();
        NodeState {
            node: self.config.node,
            votes: own.votes,
            expected_votes: own.expected,
            flags: own.flags,
        }
    }

    /// The lowest member when there last was quorum.
    pub(super) fn lowest_known(&self) -> Option<NodeId> {
        self.lowest
    }

    /// A node's place, made if there is room for another.
    pub(super) fn place(&mut self, node: NodeId) -> Option<&mut Known> {
        if self.nodes.len() >= NODES_MAX && !self.nodes.contains_key(&node) {
            return None;
        }
        let new = Known {
            votes: 0,
            expected: 0,
            flags: NodeFlags::default(),
            presence: Presence::Dead,
        };
        Some(self.nodes.entry(node).or_insert(new))
    }

    /// Counts anew. `decrease` lets quorum fall; `by_members` makes the members expected votes.
    ///
    /// Source: corosync 3.1.7, `recalculate_quorum`; spec corosync-services.md 4.3
    pub(super) fn recalculate(&mut self, decrease: bool, by_members: bool) {
        let count = self.count();
        if count.total > self.own().expected {
            self.change_own(|own| own.expected = count.total);
        }
        let expected = self.own().expected;
        if self.config.tracking && expected > self.tracked {
            self.tracked = expected;
            self.outputs.push_back(Output::Remember(expected));
        }
        let by = if by_members { count.members } else { 0 };
        let lowered = match by {
            0 => 0,
            _ if self.config.allow_downscale && decrease => self.barrier.max(by),
            _ => by,
        };
        let rule = Rule {
            two_node: self.config.two_node,
            not_below: if decrease { 0 } else { self.quorum },
            expected: lowered,
        };
        self.quorum = votes::quorum(self.count(), rule);
        if by > 0 {
            let present = |k: &&mut Known| k.presence == Presence::Member;
            for known in self.nodes.values_mut().filter(present) {
                known.expected = by;
            }
        }
        self.judge(count.total);
    }

    /// Source: corosync 3.1.7, `are_we_quorate`; spec corosync-services.md 4.4
    fn judge(&mut self, total: u32) {
        if self.waiting && total != self.own().expected {
            self.set(false);
            return;
        }
        self.waiting = false;
        let mut quorate = total >= self.quorum;
        if quorate {
            self.lowest = self.members.first().copied();
            self.highest = self.members.last().copied();
        } else {
            quorate = self.breaks_tie(total);
        }
        self.set(quorate);
        if self.config.wait_for_all {
            self.waiting = !quorate;
            let waiting = self.waiting;
            self.change_own(|own| own.flags = own.flags.with(NodeFlags::WAIT_FOR_ALL, waiting));
        }
    }

    fn breaks_tie(&self, total: u32) -> bool {
        let Some(breaker) = &self.config.tie_breaker else {
            return false;
        };
        let lost = self.previous.len().saturating_sub(self.members.len());
        let half = total == self.own().expected / 2;
        let (members, previous) = (&self.members, &self.previous);
        half && (lost as u64) < u64::from(self.quorum)
            && votes::tie_is_ours(breaker, members, previous, self.lowest, self.highest)
    }

    fn set(&mut self, quorate: bool) {
        self.change_own(|own| own.flags = own.flags.with(NodeFlags::QUORATE, quorate));
        let changed = std::mem::replace(&mut self.quorate, quorate) != quorate;
        if changed && !self.in_sync {
            self.tell();
        }
    }

    pub(super) fn tell(&mut self) {
        self.outputs.push_back(Output::Verdict(Verdict {
            quorate: self.quorate,
            members: self.members.clone(),
        }));
    }
}
