//! Who is the DC of a membership, and which CIB its members begin with.
//!
//! ```text
//!  membership --begin--> [votes of all members] --decide--> Decision { dc, holder, sync }
//! ```
//!
//! Each member sends a vote when the membership changes. Votes come in one order, so all members
//! have all votes at the same place of it, and decide alike; nobody counts answers or waits for
//! time. A single DC that is there stays. Otherwise the rules of the original decide: the lower
//! feature set (in an upgrade the old software leads), then the longer uptime, then the name.
//!
//! Nodes that have no DC yet wait until all configured nodes are there, or `dc-deadtime` is over
//! for one of them: it says so in its vote.
//!
//! Source: spec crm-runtime.md sections 3 and 5. Differs: one round of votes instead of rounds of
//! `vote` and `no-vote`; uptime is that of the daemon, not the CPU time it used.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use crate::cib::version;
use crate::ids::{MembershipId, NodeId};
use crate::wire::crm::Vote;

/// What the members agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The DC.
    pub dc: NodeId,
    /// The member whose CIB all begin with.
    pub holder: NodeId,
    /// Some member has another one: the holder sends its own.
    pub sync: bool,
}

/// The votes of one membership.
#[derive(Debug, Clone)]
pub struct Election {
    membership: MembershipId,
    votes: BTreeMap<NodeId, Option<Vote>>,
}

impl Election {
    /// No vote yet.
    pub fn new(membership: MembershipId, members: impl IntoIterator<Item = NodeId>) -> Self {
        Self {
            membership,
            votes: members.into_iter().map(|node| (node, None)).collect(),
        }
    }

    /// The membership that it is about.
    pub fn membership(&self) -> MembershipId {
        self.membership
    }

    /// A vote came; one of another membership or of a stranger doesn't count.
    pub fn handle_vote(&mut self, from: NodeId, vote: Vote) {
        if vote.membership == self.membership
            && let Some(place) = self.votes.get_mut(&from)
        {
            *place = Some(vote);
        }
    }

    /// What a member said.
    pub fn vote(&self, node: NodeId) -> Option<&Vote> {
        self.votes.get(&node)?.as_ref()
    }

    /// The highest term of all votes.
    pub fn term(&self) -> u64 {
        let terms = self.votes.values().flatten().map(|vote| vote.term);
        terms.max().unwrap_or(0)
    }

    /// Those that have not voted.
    pub fn missing(&self) -> impl Iterator<Item = NodeId> {
        let missing = self.votes.iter().filter(|(_, vote)| vote.is_none());
        missing.map(|(node, _)| *node)
    }

    /// What the votes come to; none while some are missing, or all wait for more nodes.
    pub fn decide(&self) -> Option<Decision> {
        let votes = self
            .votes
            .iter()
            .map(|(node, vote)| Some((*node, vote.as_ref()?)));
        let votes: Vec<(NodeId, &Vote)> = votes.collect::<Option<_>>()?;
        let leads = |(node, vote): &(NodeId, &Vote)| vote.eligible && vote.dc == Some(*node);
        let incumbents: Vec<_> = votes.iter().copied().filter(leads).collect();
        let dc = match incumbents[..] {
            [(only, _)] => only,
            _ if incumbents.is_empty() && !votes.iter().any(|(_, vote)| vote.ready) => return None,
            _ => best(&votes)?,
        };
        let holder = holder(&votes, dc)?;
        let held = &self.vote(holder)?.generation;
        let sync = votes.iter().any(|(_, vote)| vote.generation != *held);
        Some(Decision { dc, holder, sync })
    }
}

/// Whether a node of one feature set can work for a DC of another: the same major number, and no
/// smaller minor number than the DC's. The third one doesn't count.
///
/// Source: spec crm-runtime.md section 5.
pub(super) fn is_compatible(dc: &str, joiner: &str) -> bool {
    let numbers = |set: &str| -> Option<(u32, u32)> {
        let mut parts = set.split('.').map(|part| part.parse().ok());
        Some((parts.next()??, parts.next()??))
    };
    match (numbers(dc), numbers(joiner)) {
        (Some(dc), Some(joiner)) => dc.0 == joiner.0 && joiner.1 >= dc.1,
        _ => false,
    }
}

/// The member that the rules prefer; one that may not lead only if none may.
fn best(votes: &[(NodeId, &Vote)]) -> Option<NodeId> {
    let may_lead = votes.iter().filter(|(_, vote)| vote.eligible);
    let first = may_lead.min_by(preference);
    let first = first.or_else(|| votes.iter().min_by(preference));
    first.map(|(node, _)| *node)
}

fn preference(a: &&(NodeId, &Vote), b: &&(NodeId, &Vote)) -> Ordering {
    version::compare(&a.1.feature_set, &b.1.feature_set)
        .then_with(|| b.1.uptime_ms.cmp(&a.1.uptime_ms))
        .then_with(|| {
            let (a, b) = (a.1.name.to_lowercase(), b.1.name.to_lowercase());
            a.cmp(&b)
        })
        .then_with(|| a.0.cmp(&b.0))
}

/// Who has the newest CIB; the DC if it is one of those.
///
/// What an administrator counted up comes first. Then the one that went through more memberships
/// with quorum: two quorums share a node, so that what was acknowledged in one is in the next.
/// Differs: the original looks at the three counters only, and may take a minority's changes for
/// the majority's.
fn holder(votes: &[(NodeId, &Vote)], dc: NodeId) -> Option<NodeId> {
    let newest = votes.iter().max_by_key(|(node, vote)| {
        let (admin_epoch, epoch, num_updates) = vote.generation.counters();
        let newest = (admin_epoch, vote.term, epoch, num_updates);
        (newest, *node == dc, Reverse(*node))
    });
    newest.map(|(node, _)| *node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::crm::Generation;

    fn vote(name: &str, uptime_ms: u64) -> Vote {
        Vote {
            membership: MembershipId(1),
            name: name.into(),
            feature_set: "3.16.1".into(),
            uptime_ms,
            dc: None,
            eligible: true,
            ready: true,
            jobs_max: 4,
            term: 0,
            generation: Generation::default(),
        }
    }

    fn decide(votes: &[Vote]) -> Option<Decision> {
        let ids = (1..).map(NodeId).take(votes.len());
        let mut election = Election::new(MembershipId(1), ids.clone());
        for (id, vote) in ids.zip(votes) {
            assert_eq!(election.decide(), None, "a vote is missing");
            election.handle_vote(id, vote.clone());
        }
        election.decide()
    }

    fn dc(votes: &[Vote]) -> u32 {
        decide(votes).unwrap().dc.0
    }

    #[test]
    fn the_rules_of_the_original_choose() {
        assert_eq!(dc(&[vote("b", 5), vote("A", 5)]), 2, "name, in any case");
        assert_eq!(dc(&[vote("b", 6), vote("a", 5)]), 1, "uptime");
        let mut old = vote("c", 0);
        old.feature_set = "3.9.0".into();
        assert_eq!(dc(&[vote("a", 9), old]), 2, "feature set, by number");
        let mut leaving = vote("a", 9);
        leaving.eligible = false;
        assert_eq!(dc(&[leaving.clone(), vote("b", 1)]), 2);
        assert_eq!(dc(&[leaving.clone(), leaving]), 1, "somebody has to");
    }

    #[test]
    fn a_dc_stays_and_of_two_the_better_one() {
        let (mut a, mut b) = (vote("a", 9), vote("b", 1));
        b.dc = Some(NodeId(2));
        a.dc = Some(NodeId(2));
        assert_eq!(dc(&[a.clone(), b.clone()]), 2);
        a.dc = Some(NodeId(1));
        assert_eq!(dc(&[a.clone(), b.clone()]), 1);
        b.eligible = false;
        a.dc = Some(NodeId(2));
        assert_eq!(dc(&[a, b]), 1, "it is going");
    }

    #[test]
    fn without_a_dc_one_of_them_must_have_waited_enough() {
        let (mut a, mut b) = (vote("a", 9), vote("b", 1));
        a.ready = false;
        b.ready = false;
        assert_eq!(decide(&[a.clone(), b.clone()]), None);
        b.ready = true;
        assert_eq!(dc(&[a.clone(), b.clone()]), 1);
        b.ready = false;
        b.dc = Some(NodeId(2));
        assert_eq!(dc(&[a, b]), 2, "there is one already");
    }

    #[test]
    fn the_newest_cib_is_taken_and_the_dcs_of_equal_ones() {
        let (mut a, mut b) = (vote("a", 1), vote("b", 2));
        let same = decide(&[a.clone(), b.clone()]).unwrap();
        assert_eq!((same.holder, same.sync), (NodeId(2), false));
        a.generation.epoch = 1;
        let newer = decide(&[a.clone(), b.clone()]).unwrap();
        assert_eq!(
            (newer.dc, newer.holder, newer.sync),
            (NodeId(2), NodeId(1), true)
        );
        b.generation.epoch = 1;
        b.generation.digest = "other".into();
        let other = decide(&[a.clone(), b.clone()]).unwrap();
        assert_eq!((other.holder, other.sync), (NodeId(2), true));
        b.generation.admin_epoch = 1;
        b.generation.epoch = 0;
        assert_eq!(decide(&[a.clone(), b.clone()]).unwrap().holder, NodeId(2));
        a.generation.admin_epoch = 1;
        assert_eq!(decide(&[a.clone(), b.clone()]).unwrap().holder, NodeId(1));
        b.term = 1;
        assert_eq!(
            decide(&[a, b]).unwrap().holder,
            NodeId(2),
            "it had quorum since"
        );
    }

    #[test]
    fn who_joins_has_the_features_of_the_dc() {
        let works = |dc, joiner| is_compatible(dc, joiner);
        assert!(works("3.16.1", "3.16.1") && works("3.15.0", "3.16.1"));
        assert!(works("3.16.2", "3.16.1"), "the third number doesn't count");
        assert!(!works("3.17.0", "3.16.1") && !works("4.0.0", "3.16.1"));
        assert!(!works("2.0.0", "3.16.1") && !works("3.16.1", "") && !works("3", "3.16.1"));
    }

    #[test]
    fn votes_of_other_memberships_and_of_strangers_do_not_count() {
        let mut election = Election::new(MembershipId(2), [NodeId(1)]);
        election.handle_vote(NodeId(1), vote("a", 1));
        assert_eq!(election.missing().count(), 1);
        let mut now = vote("a", 1);
        now.membership = MembershipId(2);
        election.handle_vote(NodeId(7), now.clone());
        assert_eq!(election.decide(), None);
        election.handle_vote(NodeId(1), now);
        assert!(election.decide().is_some());
    }
}
