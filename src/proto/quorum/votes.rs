//! The arithmetic of votes, by itself.

use crate::config::corosync_conf::TieBreaker;
use crate::ids::NodeId;

/// Votes of the members at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// How many members there are.
    pub members: u32,
    /// Votes of all of them.
    pub total: u32,
    /// The highest that one of them expects.
    pub highest_expected: u32,
}

/// How a quorum comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rule {
    /// Up to two members: one is enough.
    pub two_node: bool,
    /// The quorum before, below which this one must not fall; 0: it may.
    pub not_below: u32,
    /// Count with these expected votes, whatever members expect; 0: no.
    pub expected: u32,
}

/// The votes that are needed: more than half of what is expected, and of what is there.
///
/// Source: corosync 3.1.7, `calculate_quorum`; spec corosync-services.md 4.2
pub fn quorum(count: Count, rule: Rule) -> u32 {
    if rule.two_node && count.members <= 2 {
        return 1;
    }
    let expected = match rule.expected {
        0 => count.highest_expected,
        expected => expected,
    };
    let majority = |votes: u32| votes / 2 + 1;
    majority(expected)
        .max(majority(count.total))
        .max(rule.not_below)
}

/// True when this half of a cluster wins.
///
/// `lowest` and `highest` are of the members when there last was quorum; lists ascend.
/// Source: corosync 3.1.7, `check_auto_tie_breaker`; spec corosync-services.md 4.4
pub fn tie_is_ours(
    breaker: &TieBreaker,
    members: &[NodeId],
    previous: &[NodeId],
    lowest: Option<NodeId>,
    highest: Option<NodeId>,
) -> bool {
    let here = |node: Option<NodeId>| node.is_some_and(|n| members.contains(&n));
    match breaker {
        TieBreaker::Lowest => here(lowest),
        TieBreaker::Highest => here(highest),
        TieBreaker::List(nodes) => {
            for node in nodes {
                if members.contains(&NodeId(*node)) {
                    return true;
                }
                if previous.contains(&NodeId(*node)) {
                    return false;
                }
            }
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(members: u32, expected: u32) -> Count {
        Count {
            members,
            total: members,
            highest_expected: expected,
        }
    }

    #[test]
    fn more_than_half_is_needed() {
        let plain = |members, expected| quorum(count(members, expected), Rule::default());
        assert_eq!(plain(1, 2), 2);
        assert_eq!(plain(2, 3), 2);
        assert_eq!(plain(2, 4), 3);
        assert_eq!(plain(4, 3), 3, "more are there than expected");
        let two = Rule {
            two_node: true,
            ..Rule::default()
        };
        assert_eq!(quorum(count(1, 2), two), 1);
        assert_eq!(quorum(count(3, 3), two), 2);
        let kept = Rule {
            not_below: 3,
            ..Rule::default()
        };
        assert_eq!(quorum(count(1, 2), kept), 3);
        let lowered = Rule {
            expected: 2,
            ..Rule::default()
        };
        assert_eq!(quorum(count(2, 4), lowered), 2);
    }

    #[test]
    fn no_two_halves_win() {
        let all = [1, 2, 3, 4].map(NodeId);
        let (left, right) = ([1, 2].map(NodeId), [3, 4].map(NodeId));
        for breaker in [
            TieBreaker::Lowest,
            TieBreaker::Highest,
            TieBreaker::List(vec![3, 1]),
            TieBreaker::List(vec![9, 2]),
        ] {
            let wins = |half: &[NodeId]| {
                let (lowest, highest) = (Some(NodeId(1)), Some(NodeId(4)));
                tie_is_ours(&breaker, half, &all, lowest, highest)
            };
            assert_ne!(wins(&left), wins(&right), "{breaker:?}");
        }
    }
}
