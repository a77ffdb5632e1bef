//! One voting round: who voted with which uptime, who asked for lists.
//!
//! Source: heartbeat 3.0.6, `membership/ccm/ccmupdate.c`.

use std::collections::BTreeMap;

use crate::time::Instant;
use crate::wire::ccm::Bitmap;

/// The votes since the last reset.
#[derive(Debug, Clone, Default)]
pub(super) struct Round {
    votes: BTreeMap<usize, u32>,
    /// Those who asked for our list, with their major number.
    pub requests: Vec<(usize, u32)>,
    /// When it began.
    pub since: Instant,
}

impl Round {
    /// A round without votes.
    pub fn new(now: Instant) -> Self {
        Self {
            since: now,
            ..Self::default()
        }
    }

    /// Counts a vote; a second one of the same node replaces the first.
    pub fn vote(&mut self, index: usize, uptime: u32) {
        self.votes.insert(index, uptime);
    }

    /// Takes a node out with all it said.
    pub fn forget(&mut self, index: usize) {
        self.votes.remove(&index);
        self.requests.retain(|(asker, _)| *asker != index);
    }

    /// Remembers that a node asked for our list.
    pub fn request(&mut self, index: usize, major: u32) {
        self.requests.retain(|(asker, _)| *asker != index);
        self.requests.push((index, major));
    }

    pub fn voters(&self) -> Bitmap {
        self.votes.keys().copied().collect()
    }

    pub fn uptime(&self, index: usize) -> Option<u32> {
        self.votes.get(&index).copied()
    }

    /// Who leads the voters: the longest a member; of equals the last by name. Who never was a
    /// member goes behind all others.
    pub fn leader(&self) -> Option<usize> {
        let rank = |(index, uptime): (&usize, &u32)| {
            let uptime = if *uptime == 0 { u32::MAX } else { *uptime };
            (uptime, std::cmp::Reverse(*index))
        };
        self.votes.iter().map(rank).min().map(|(_, index)| index.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_member_leads() {
        for (votes, leader) in [
            (&[][..], None),
            (&[(0, 0)], Some(0)),
            (&[(0, 3), (1, 2), (2, 0)], Some(1)),
            (&[(0, 0), (1, 0), (2, 0)], Some(2)),
            (&[(0, 5), (1, 5), (2, 0)], Some(1)),
        ] {
            let mut round = Round::new(Instant(0));
            for (index, uptime) in votes {
                round.vote(*index, *uptime);
            }
            assert_eq!(round.leader(), leader, "{votes:?}");
        }
    }
}
