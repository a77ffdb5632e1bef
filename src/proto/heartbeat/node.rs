//! The node table: what we know of each node and its links.

use std::time::Duration;

use super::config::{KnownNode, WEIGHT_DEFAULT};
use super::event::{Mode, NodeKind, NodeStatus};
use super::limiter::LossLines;
use super::sequence::Sequence;
use crate::ids::{Generation, LinkName, NodeName, NodeUuid};
use crate::time::Instant;
use crate::wire::heartbeat::Message;

/// One node of the table.
#[derive(Debug)]
pub struct Node {
    pub name: NodeName,
    pub kind: NodeKind,
    pub uuid: NodeUuid,
    pub weight: u32,
    pub site: String,
    pub status: NodeStatus,
    /// Since when it has that status.
    pub status_since: Instant,
    pub mode: Mode,
    /// 0 until its first status.
    pub generation: Generation,
    /// Its dead time: the `dt` it announced; ours before its first status.
    pub dead_after: Duration,
    /// Any accepted packet came since our start.
    pub heard: bool,
    /// From where its dead timer counts.
    pub life: Instant,
    /// When its last status came; none where the interval to the next would mislead.
    pub last_status: Option<Instant>,
    /// Sequence number of its newest status, kept over a death.
    pub status_seq: u64,
    pub sequence: Sequence,
    /// Gates to the log for what its gaps draw.
    pub loss_lines: LossLines,
    /// The highest of our messages that it acknowledged.
    pub acked: u64,
    /// Our sequence number when it came: it need not acknowledge what is older.
    pub joined_at: u64,
    /// Messages held back until nothing is missing.
    pub held: Vec<Message>,
    pub links: Vec<Link>,
    /// Taken out of ha.cf while it was alive: goes when it dies.
    pub retired: bool,
}

/// One link of a node.
#[derive(Debug)]
pub struct Link {
    pub name: LinkName,
    pub up: bool,
    pub last_heard: Option<Instant>,
}

impl Node {
    /// A node of which only the name is known.
    pub fn new(name: NodeName, kind: NodeKind, sequence: Sequence) -> Self {
        Self {
            name,
            kind,
            uuid: NodeUuid::NIL,
            weight: WEIGHT_DEFAULT,
            site: String::new(),
            status: NodeStatus::Init,
            status_since: Instant(0),
            mode: Mode::Unknown,
            generation: Generation(0),
            dead_after: Duration::ZERO,
            heard: false,
            life: Instant(0),
            last_status: None,
            status_seq: 0,
            sequence,
            loss_lines: LossLines::default(),
            acked: 0,
            joined_at: 0,
            held: Vec::new(),
            links: Vec::new(),
            retired: false,
        }
    }

    /// Takes over what hostcache says of it.
    pub fn recall(&mut self, known: &KnownNode) {
        self.uuid = known.uuid;
        self.weight = known.weight;
        self.site.clone_from(&known.site);
    }

    /// Its line of hostcache.
    pub fn known(&self) -> KnownNode {
        KnownNode {
            name: self.name.clone(),
            uuid: self.uuid,
            weight: self.weight,
            site: self.site.clone(),
        }
    }

    /// Runs a daemon, as far as we know.
    pub fn is_normal(&self) -> bool {
        self.kind == NodeKind::Normal
    }

    /// Up or active.
    pub fn is_live(&self) -> bool {
        matches!(self.status, NodeStatus::Up | NodeStatus::Active)
    }

    /// Status says it is dead.
    pub fn is_dead(&self) -> bool {
        self.status == NodeStatus::Dead
    }

    /// Its status is known since our start, or it is given up.
    ///
    /// Any other message isn't enough: who is to decide whether it lives needs its status.
    pub fn is_settled(&self) -> bool {
        self.heard && self.status != NodeStatus::Init || self.is_dead()
    }

    /// Up to which of our messages it counts as served.
    pub fn served(&self) -> u64 {
        self.acked.max(self.joined_at)
    }

    /// Sets its links to those names, keeping the state of those it has.
    pub fn set_links<'a>(&mut self, names: impl Iterator<Item = &'a LinkName>) {
        let mut old = std::mem::take(&mut self.links);
        for name in names {
            let kept = old.iter().position(|link| link.name == *name);
            self.links.push(match kept {
                Some(index) => old.swap_remove(index),
                None => Link {
                    name: name.clone(),
                    up: false,
                    last_heard: None,
                },
            });
        }
    }

    /// When a link that is up counts as dead.
    pub fn link_deadline(&self, link: &Link) -> Option<Instant> {
        let heard = link.last_heard.filter(|_| link.up)?;
        Some(heard + self.dead_after)
    }
}
