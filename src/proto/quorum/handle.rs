//! Messages about votes, in the order of the ring.

use super::machine::{Machine, Presence};
use super::votes::{self, Rule};
use crate::ids::NodeId;
use crate::wire::cluster::{NodeFlags, NodeState, Parameter, Votequorum};

/// Why a value that was asked for is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Expected votes below the votes that are there, or so high that quorum is lost.
    #[error("expected votes must not be below the present votes, nor cost the quorum")]
    ExpectedVotes,
    /// Votes of a node that isn't known.
    #[error("no node of this number was ever seen")]
    UnknownNode,
    /// Votes that would cost the quorum, or make less than half of all votes one.
    #[error("with these votes of the node the members would have no quorum")]
    Votes,
}

impl Machine {
    /// A message of `from`, which may be this node.
    pub fn handle_message(&mut self, from: NodeId, message: &Votequorum) {
        match message {
            Votequorum::NodeInfo(state) if state.node == NodeId(0) => {}
            Votequorum::NodeInfo(state) => self.node_info(from, *state),
            Votequorum::Reconfigure {
                node,
                value,
                parameter,
            } => self.reconfigure(*node, *value, *parameter),
            // Devices of others are theirs; this node has none.
            Votequorum::DeviceRegistration { .. } | Votequorum::DeviceRename { .. } => {}
        }
    }

    /// Source: corosync 3.1.7, `message_handler_req_exec_votequorum_nodeinfo`;
    /// spec corosync-services.md 4.5
    fn node_info(&mut self, from: NodeId, state: NodeState) {
        let (quorate, mine) = (self.quorate, self.own().expected);
        let tracking = self.config.tracking;
        let told = state.flags.has(NodeFlags::QUORATE);
        let new = !self.nodes.contains_key(&state.node);
        let Some(known) = self.place(state.node) else {
            return;
        };
        let old = *known;
        let leaving = state.flags.has(NodeFlags::LEAVING);
        known.flags = state.flags;
        known.votes = state.votes;
        known.presence = match leaving {
            true => Presence::Leaving,
            false => Presence::Member,
        };
        let mut decrease = leaving;
        let adopts = !quorate && told;
        known.expected = match told || tracking {
            true => state.expected_votes,
            false => mine,
        };
        let now = *known;
        if adopts {
            decrease = true;
            self.change_own(|own| own.expected = state.expected_votes);
        }
        let changed = old.votes != now.votes
            || old.expected != now.expected
            || old.flags != now.flags
            || old.presence != now.presence;
        let own = from == self.config.node;
        if new || own || changed || state.flags.has(NodeFlags::FIRST) {
            self.recalculate(decrease, leaving);
        }
        if told && !state.flags.has(NodeFlags::WAIT_FOR_ALL) && self.config.wait_for_all {
            self.waiting = false;
        }
    }

    /// Source: corosync 3.1.7, `message_handler_req_exec_votequorum_reconfigure`
    fn reconfigure(&mut self, node: NodeId, value: u32, parameter: Parameter) {
        match parameter {
            Parameter::ExpectedVotes => {
                let members = self.nodes.values_mut();
                for known in members.filter(|k| k.presence == Presence::Member) {
                    known.expected = value;
                }
                self.barrier = value;
                if self.config.tracking {
                    let barrier = self.tracked;
                    self.change_own(|own| own.expected = own.expected.max(barrier));
                }
                self.recalculate(true, false);
            }
            Parameter::NodeVotes => {
                if let Some(known) = self.nodes.get_mut(&node) {
                    known.votes = value;
                    self.recalculate(true, false);
                }
            }
            Parameter::CancelWaitForAll => {
                self.waiting = false;
                self.recalculate(false, false);
            }
        }
    }

    /// Somebody sets expected votes by hand: the message that does it.
    ///
    /// Source: corosync 3.1.7, `message_handler_req_lib_votequorum_setexpected`
    pub fn set_expected_votes(&self, value: u32) -> Result<Votequorum, Refused> {
        let total = self.count().total;
        let costs_quorum = self.quorate && value / 2 + 1 > total;
        if value < total || costs_quorum {
            return Err(Refused::ExpectedVotes);
        }
        Ok(Votequorum::Reconfigure {
            node: self.config.node,
            value,
            parameter: Parameter::ExpectedVotes,
        })
    }

    /// Somebody sets the votes of a node by hand: the message that does it.
    ///
    /// Source: corosync 3.1.7, `message_handler_req_lib_votequorum_setvotes`
    pub fn set_votes(&self, node: NodeId, votes: u32) -> Result<Votequorum, Refused> {
        let old = self.nodes.get(&node).ok_or(Refused::UnknownNode)?;
        let mut count = self.count();
        if old.presence == Presence::Member {
            count.total = (count.total - old.votes).saturating_add(votes);
        }
        let rule = Rule {
            two_node: self.config.two_node,
            ..Rule::default()
        };
        let quorum = votes::quorum(count, rule);
        if quorum < count.total / 2 || quorum > count.total {
            return Err(Refused::Votes);
        }
        Ok(Votequorum::Reconfigure {
            node,
            value: votes,
            parameter: Parameter::NodeVotes,
        })
    }

    /// The configuration was read again. Rules count from here on; votes when the messages that
    /// tell them come back in the order of the ring, so that all members count alike.
    ///
    /// Source: corosync 3.1.7, exec/votequorum.c, `votequorum_refresh_config`
    pub fn read_again(&mut self, new: super::Config) {
        let old = std::mem::replace(&mut self.config, new);
        // What is read from disk at the start is as it was then.
        self.config.tracking = old.tracking;
        self.config.allow_downscale = old.allow_downscale;
        self.waiting &= self.config.wait_for_all;
        let own = self.own();
        let (votes, expected) = (self.config.votes, self.config.expected_votes);
        let node = self.config.node;
        let mut tell = |value, parameter| {
            self.send(Votequorum::Reconfigure {
                node,
                value,
                parameter,
            });
        };
        if votes != own.votes {
            tell(votes, Parameter::NodeVotes);
        }
        if expected != old.expected_votes {
            tell(expected, Parameter::ExpectedVotes);
        }
        if old != self.config {
            self.recalculate(true, false);
        }
    }

    /// Nobody is to wait for all nodes any more: the message that does it.
    pub fn cancel_wait_for_all(&self) -> Votequorum {
        Votequorum::Reconfigure {
            node: self.config.node,
            value: 0,
            parameter: Parameter::CancelWaitForAll,
        }
    }

    /// The node stops: what it says before it leaves, if others are to count without it.
    pub fn leave(&mut self) -> Option<Votequorum> {
        if !self.config.allow_downscale {
            return None;
        }
        let mut state = self.own_state();
        state.flags = state.flags.with(NodeFlags::LEAVING, true);
        Some(Votequorum::NodeInfo(state))
    }
}
