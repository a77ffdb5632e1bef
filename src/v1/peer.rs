//! What we know of the other nodes: alive or not, what they say they hold.

use std::collections::BTreeSet;

use crate::ids::NodeName;
use crate::proto::heartbeat::{Mode, NodeStatus};
use crate::time::Instant;

/// What a node says of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// Nothing of it runs there.
    Free,
    /// It is releasing it.
    Stopping,
    /// It is acquiring it.
    Starting,
    /// It has it.
    Held,
}

impl Claim {
    /// True if the node has it or is about to.
    pub(super) fn is_owner(self) -> bool {
        matches!(self, Self::Starting | Self::Held)
    }

    /// The letter in field `ebgroups`.
    pub(super) fn letter(self) -> char {
        match self {
            Self::Free => 'f',
            Self::Stopping => 'r',
            Self::Starting => 'a',
            Self::Held => 'h',
        }
    }

    /// The claim of that letter.
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "f" => Some(Self::Free),
            "r" => Some(Self::Stopping),
            "a" => Some(Self::Starting),
            "h" => Some(Self::Held),
            _ => None,
        }
    }
}

/// A node's word on one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// What it has of it.
    pub claim: Claim,
    /// Starts that failed there since the last success.
    pub failures: u32,
    /// Grows with each change by any node, so that the newest word on a group is known.
    pub version: u64,
    /// Whom it was given to, when it was given away.
    pub to: Option<NodeName>,
}

impl Entry {
    /// Never had it.
    pub(super) const NONE: Self = Self {
        claim: Claim::Free,
        failures: 0,
        version: 0,
        to: None,
    };
}

/// The sides that a node says it holds, from its own view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Hold {
    /// Its own groups.
    pub local: bool,
    /// The groups of others.
    pub foreign: bool,
}

impl Hold {
    /// Word of `rsc_hold`.
    pub(super) fn as_str(self) -> &'static str {
        match (self.local, self.foreign) {
            (false, false) => "none",
            (true, false) => "local",
            (false, true) => "foreign",
            (true, true) => "all",
        }
    }

    /// The sides of that word.
    pub(super) fn parse(word: &str) -> Option<Self> {
        let (local, foreign) = match word {
            "none" => (false, false),
            "local" => (true, false),
            "foreign" => (false, true),
            "all" => (true, true),
            _ => return None,
        };
        Some(Self { local, foreign })
    }
}

/// How far the fencing of a dead node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fence {
    /// Nothing to do: it lives, or its resources are free to take.
    Clear,
    /// It died before our communication was up: to be looked at then.
    Deferred,
    /// It must be reset before anything of it is taken; not before this time.
    Due(Instant),
    /// The device works on it.
    Running,
}

/// Another node.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// Its status in the node protocol.
    pub status: NodeStatus,
    /// What runs there.
    pub mode: Mode,
    /// Field `hg` of its last message.
    pub generation: Option<String>,
    /// Its word on each group, by the index of our groups.
    pub entries: Vec<Entry>,
    /// The sides it says it holds.
    pub hold: Hold,
    /// It said `isstable=1`.
    pub stable: bool,
    /// It said what it holds since it joined.
    pub spoken: bool,
    /// It said, since it joined, that it counts us among those that take part.
    pub seen_us: bool,
    /// We count it among those that take part: its `starting` or its return was seen.
    pub joined: bool,
    /// It is shutting down or has shut down.
    pub leaving: bool,
    /// It came back from a partition and, a real heartbeat, is about to restart itself; until
    /// then that is believed.
    pub restarting: Option<Instant>,
    /// It started again without having been declared dead, and has not yet said what it holds:
    /// what it held counts as held.
    pub restarted: bool,
    /// It said what it holds after it was declared dead and before its status came.
    pub spoke_while_dead: bool,
    /// Groups that it, a real heartbeat, gave away and won't take by itself.
    pub refuses: BTreeSet<usize>,
    /// Its standby was already asked to take what failed here.
    pub offered_failed: bool,
    /// Its reset.
    pub fence: Fence,
    /// The node that resets it in our stead said that it could not.
    pub fence_failed_elsewhere: bool,
    /// Since when it has been as it is: active, dead.
    pub since: Instant,
    /// Since when it has counted us out though we hear it.
    pub ignores_us_since: Option<Instant>,
}

impl Peer {
    /// A node that never spoke.
    pub(super) fn new(groups: usize, now: Instant) -> Self {
        Self {
            status: NodeStatus::Init,
            mode: Mode::Unknown,
            generation: None,
            entries: vec![Entry::NONE; groups],
            hold: Hold::default(),
            stable: false,
            spoken: false,
            seen_us: false,
            joined: false,
            leaving: false,
            restarting: None,
            restarted: false,
            spoke_while_dead: false,
            refuses: BTreeSet::new(),
            offered_failed: false,
            fence: Fence::Clear,
            fence_failed_elsewhere: false,
            since: now,
            ignores_us_since: None,
        }
    }

    /// Heard and not declared dead.
    pub(super) fn is_alive(&self) -> bool {
        match self.status {
            NodeStatus::Up | NodeStatus::Active => true,
            NodeStatus::Init => self.restarted,
            NodeStatus::Dead | NodeStatus::Ping => false,
        }
    }

    /// Alive with its resource side at work.
    pub(super) fn is_active(&self) -> bool {
        self.status == NodeStatus::Active
    }

    /// Alive, and runs our program.
    pub(super) fn is_everbeat(&self) -> bool {
        matches!(self.mode, Mode::Everbeat(_))
    }

    /// Forgets what it said: it is a new daemon, or was reset.
    pub(super) fn forget(&mut self) {
        self.entries.fill(Entry::NONE);
        self.hold = Hold::default();
        self.stable = false;
        self.spoken = false;
        self.seen_us = false;
        self.joined = false;
        self.restarting = None;
        self.restarted = false;
        self.spoke_while_dead = false;
        self.refuses.clear();
        self.offered_failed = false;
        self.fence = Fence::Clear;
        self.fence_failed_elsewhere = false;
        self.ignores_us_since = None;
    }

    /// Said enough for us to act beside it.
    pub(super) fn is_known(&self) -> bool {
        self.spoken && (self.seen_us || !self.is_everbeat())
    }

    /// Whether it has, acquires or releases anything.
    pub(super) fn claims_anything(&self) -> bool {
        let claims = self.entries.iter().any(|e| e.claim != Claim::Free);
        claims || self.hold != Hold::default()
    }
}
