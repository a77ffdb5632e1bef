//! The picture of the resources for `cl_status rscstatus`, `everbeat status` and the clients.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::group::GroupRun;
use super::machine::{Manager, Phase};
use super::peer::{Claim, Peer};
use super::standby::Handshake;
use super::work::Side;
use crate::ids::NodeName;

/// What `cl_status rscstatus` says.
///
/// Source: heartbeat 3.0.6, `cl_status rscstatus`; `spec/heartbeat-v1.md` section 2.1
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// Neither own groups nor those of others.
    None,
    /// These.
    Side(Side),
    /// Something is under way.
    Transition,
}

impl Holding {
    /// The word of `cl_status rscstatus`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Side(side) => side.as_str(),
            Self::Transition => "transition",
        }
    }
}

impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a group is doing on the node that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupState {
    /// Nowhere.
    Stopped,
    /// Its resources are being started.
    Starting,
    /// All its resources run.
    Running,
    /// Its resources are being stopped.
    Stopping,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupView {
    /// Its first resource.
    pub key: String,
    /// The preferred node.
    pub preferred: NodeName,
    /// Its resources as written.
    pub resources: Vec<String>,
    /// Who has it; of a peer: as the peer said last.
    pub holder: Option<NodeName>,
    /// All who say that they have something of it, `holder` first.
    pub holders: Vec<NodeName>,
    /// What it is doing there.
    pub state: GroupState,
    /// Since when it has been so, in seconds since 1970; 0: not known.
    pub since_unix_s: u64,
    /// Why it is there, or why it is nowhere.
    pub cause: String,
    /// Starts that failed here since the last success.
    pub failures: u32,
    /// The resource action that runs now, `IPaddr2::10.0.0.5/24 start`.
    pub action: Option<String>,
}

/// What another node says it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerView {
    /// The node.
    pub node: NodeName,
    /// Its word of `rsc_hold`, from its own view; none: it hasn't said, or is dead.
    pub holds: Option<&'static str>,
}

/// The whole picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// What this node holds.
    pub holding: Holding,
    /// Each group in the order of haresources.
    pub groups: Vec<GroupView>,
    /// Each other node in the order of names.
    pub peers: Vec<PeerView>,
    /// What the daemon waits for just now, a sentence; none: nothing is under way.
    pub waiting: Option<String>,
}

impl Manager {
    /// The picture as it is now.
    pub fn view(&self) -> View {
        let groups = self.groups.iter().enumerate();
        View {
            holding: self.holding(),
            groups: groups
                .filter(|(_, g)| !g.is_stand_in())
                .map(|(index, g)| self.group_view(index, g))
                .collect(),
            peers: self.peers.iter().map(peer_view).collect(),
            waiting: self.waiting(),
        }
    }

    /// What `cl_status rscstatus` says.
    pub fn holding(&self) -> Holding {
        let settled = matches!(self.phase, Phase::Stable | Phase::Init);
        let quiet = settled && !self.is_in_flux() && !self.standby.is_busy();
        if !quiet || !self.unfenced().is_empty() {
            return Holding::Transition;
        }
        let hold = self.hold();
        match (hold.local, hold.foreign) {
            (false, false) => Holding::None,
            (true, false) => Holding::Side(Side::Local),
            (false, true) => Holding::Side(Side::Foreign),
            (true, true) => Holding::Side(Side::All),
        }
    }

    fn group_view(&self, index: usize, g: &GroupRun) -> GroupView {
        let claims = |peer: &Peer| peer.is_alive() && peer.entries[index].claim != Claim::Free;
        let other = (self.peers.iter())
            .filter(|(_, peer)| claims(peer))
            .max_by_key(|(_, peer)| peer.entries[index].claim);
        let (holder, claim, since, cause) = match (g.claim(), other) {
            (Claim::Free, Some((node, peer))) => {
                let since = self.audit.holder_since.get(&index).copied().unwrap_or(0);
                let cause = format!("as {node} says");
                (Some(node.clone()), peer.entries[index].claim, since, cause)
            }
            (Claim::Free, None) => (None, Claim::Free, g.since_unix_s, g.cause.clone()),
            (claim, _) => {
                let cause = g.cause.clone();
                (
                    Some(self.config.local.clone()),
                    claim,
                    g.since_unix_s,
                    cause,
                )
            }
        };
        let holders = self.holders(index, holder.as_ref());
        GroupView {
            key: g.key.clone(),
            preferred: g.node.clone(),
            resources: g.resources.clone(),
            holder,
            holders,
            state: state_of(claim),
            since_unix_s: since,
            cause,
            failures: g.entry.failures,
            action: self.action_of(index),
        }
    }

    fn holders(&self, index: usize, first: Option<&NodeName>) -> Vec<NodeName> {
        let claims = |peer: &Peer| peer.is_alive() && peer.entries[index].claim.is_owner();
        let others = (self.peers.iter())
            .filter(|(node, peer)| claims(peer) && Some(*node) != first)
            .map(|(node, _)| node);
        first.into_iter().chain(others).cloned().collect()
    }

    fn waiting(&self) -> Option<String> {
        match self.phase {
            Phase::Init => return Some("communication to come up".to_owned()),
            Phase::Joining { .. } if self.is_probing() => return self.waiting_for_action(),
            Phase::Joining { .. } => {
                let silent = (self.peers.iter())
                    .filter(|(_, p)| p.is_alive() && !(p.is_active() && p.is_known()))
                    .map(|(node, _)| node.as_str());
                let names: Vec<_> = silent.collect();
                return Some(format!("{} to say what it holds", names.join(", ")));
            }
            Phase::Left { .. } => return Some("the last message to leave".to_owned()),
            Phase::Gone => return Some("the end of the daemon".to_owned()),
            Phase::Stable | Phase::Leaving => {}
        }
        (self.waiting_for_action())
            .or_else(|| self.waiting_for_reset())
            .or_else(|| self.waiting_for_partner())
            .or_else(|| self.waiting_for_group())
    }

    fn waiting_for_action(&self) -> Option<String> {
        let index = self.groups.iter().position(|g| g.busy.is_some())?;
        Some(format!("{} to end", self.action_of(index)?))
    }

    fn waiting_for_reset(&self) -> Option<String> {
        let node = *self.unfenced().first()?;
        Some(match self.fence_retry(node) {
            Some(_) => format!("the next attempt to reset {node} by STONITH"),
            None => format!("the reset of {node} by STONITH"),
        })
    }

    fn waiting_for_partner(&self) -> Option<String> {
        let partner = &self.standby.deal()?.partner;
        Some(match &self.standby.handshake {
            Handshake::Asked(_) => format!("{partner} to agree to take resources"),
            Handshake::Given(_) => format!("{partner} to acquire what we gave it"),
            Handshake::Offered(_) => format!("{partner} to release what it gives us"),
            _ => return None,
        })
    }

    fn waiting_for_group(&self) -> Option<String> {
        let (index, g) = (self.groups.iter().enumerate())
            .find(|(index, g)| !g.is_stand_in() && !g.orphan && self.is_nowhere(*index))?;
        if g.entry.failures > 0 {
            let times = g.entry.failures;
            return Some(format!(
                "the next attempt to start {} ({times} failed here)",
                g.key
            ));
        }
        let owner = self.peers.iter().find(|(_, p)| p.is_alive())?.0;
        let named = self.groups[index].entry.to.as_ref().unwrap_or(owner);
        Some(format!("{named} to take {}", g.key))
    }

    fn is_nowhere(&self, index: usize) -> bool {
        let claims = |p: &Peer| p.is_alive() && p.entries[index].claim != Claim::Free;
        self.groups[index].claim() == Claim::Free && !self.peers.values().any(claims)
    }
}

fn peer_view((node, peer): (&NodeName, &Peer)) -> PeerView {
    let known = peer.is_alive() && peer.spoken;
    PeerView {
        node: node.clone(),
        holds: known.then(|| peer.hold.as_str()),
    }
}

fn state_of(claim: Claim) -> GroupState {
    match claim {
        Claim::Free => GroupState::Stopped,
        Claim::Stopping => GroupState::Stopping,
        Claim::Starting => GroupState::Starting,
        Claim::Held => GroupState::Running,
    }
}
