//! Quorum: may these members act for the whole cluster?
//!
//! A chain of plugins is asked; the first that knows says, and if all are undecided there is no
//! quorum.
//! Source: heartbeat 3.0.6, `membership/quorum/`; `spec/ccm.md` section 6.

use std::str::FromStr;

/// One way to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plugin {
    /// More than half of all nodes; undecided with exactly half.
    Majority,
    /// Two nodes in the cluster: either may go on alone. No otherwise.
    TwoNodes,
    /// More than half of all weight; undecided with exactly half.
    Weight,
}

/// What there is to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Members.
    pub members: u64,
    /// Nodes of the cluster.
    pub nodes: u64,
    /// Weight of the members.
    pub member_weight: u64,
    /// Weight of all nodes.
    pub weight: u64,
}

/// The chain where nothing else is said.
/// Source: heartbeat 3.0.6, `HA_quorum` unset: `majority:twonodes`.
pub const DEFAULT: [Plugin; 2] = [Plugin::Majority, Plugin::TwoNodes];

/// A word of the list that names no plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no quorum plugin; there are majority, twonodes and weight")]
pub struct UnknownPlugin(pub String);

impl FromStr for Plugin {
    type Err = UnknownPlugin;

    fn from_str(word: &str) -> Result<Self, UnknownPlugin> {
        match word {
            "majority" => Ok(Self::Majority),
            "twonodes" => Ok(Self::TwoNodes),
            "weight" => Ok(Self::Weight),
            other => Err(UnknownPlugin(other.to_owned())),
        }
    }
}

/// Reads a list with colons between, as the environment variable `HA_quorum` has it.
///
/// Errors: the first word that names no plugin.
pub fn parse(list: &str) -> Result<Vec<Plugin>, UnknownPlugin> {
    list.split(':').map(str::parse).collect()
}

/// True if the members have quorum.
pub fn has_quorum(chain: &[Plugin], count: Count) -> bool {
    let answers = chain.iter().map(|plugin| plugin.ask(count));
    answers.flatten().next().unwrap_or(false)
}

impl Plugin {
    /// Yes, no, or undecided.
    fn ask(self, count: Count) -> Option<bool> {
        match self {
            Self::Majority => majority(count.members, count.nodes),
            Self::Weight => majority(count.member_weight, count.weight),
            Self::TwoNodes => Some(count.nodes == 2),
        }
    }
}

fn majority(part: u64, whole: u64) -> Option<bool> {
    if part > whole / 2 {
        Some(true)
    } else if whole.is_multiple_of(2) && part == whole / 2 {
        None
    } else {
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(list: &str, members: u64, nodes: u64) -> bool {
        weighted(list, (members, nodes), (members * 100, nodes * 100))
    }

    fn weighted(list: &str, (members, nodes): (u64, u64), (part, weight): (u64, u64)) -> bool {
        let count = Count {
            members,
            nodes,
            member_weight: part,
            weight,
        };
        has_quorum(&parse(list).unwrap(), count)
    }

    #[test]
    fn more_than_half_have_it_and_half_of_two() {
        let default = "majority:twonodes";
        for (members, nodes, has) in [
            (1, 1, true),
            (1, 2, true),
            (2, 2, true),
            (1, 3, false),
            (2, 3, true),
            (2, 4, false),
            (3, 4, true),
            (50, 100, false),
            (51, 100, true),
        ] {
            assert_eq!(of(default, members, nodes), has, "{members} of {nodes}");
        }
        assert!(!of("majority", 1, 2));
        assert_eq!(parse(default).unwrap(), DEFAULT);
    }

    #[test]
    fn weight_breaks_the_tie_of_numbers() {
        assert!(weighted("majority:weight", (2, 4), (250, 400)));
        assert!(!weighted("majority:weight", (2, 4), (150, 400)));
        assert!(!weighted("majority:weight", (2, 4), (200, 400)));
        // The first that decides decides.
        assert!(weighted("weight:majority", (1, 3), (300, 500)));
        assert!(!weighted("majority:weight", (1, 3), (300, 500)));
        // Nothing weighs anything: a tie that nobody breaks.
        assert!(!weighted("weight", (2, 3), (0, 0)));
    }

    #[test]
    fn other_plugins_are_refused_by_name() {
        assert_eq!(
            parse("majority:quorumd"),
            Err(UnknownPlugin("quorumd".into()))
        );
        assert!(parse("").is_err());
    }
}
