//! How much a node is given to do while it is busy, and how much the cluster does at once.
//!
//! ```text
//!  Load --Mode::of--> Mode --Message::Throttle, on change--> all members
//!  the DC: modes of all --> jobs of each node, actions under way in the cluster
//! ```
//!
//! Source: spec crm-runtime.md section 6. Differs: what keeps the CIB and the controller busy is
//! one thread here, whose CPU time stands for that of pacemaker-based.

use std::collections::BTreeMap;

use super::Controller;
use crate::ids::NodeId;
use crate::proto::heartbeat::Severity;
use crate::wire::crm::Message;

/// If the CIB says nothing. Source: spec cib.md section 9, `load-threshold`.
const THRESHOLD: f64 = 0.8;

/// What one of the cluster's processes may use of a processor.
const BUSY_MAX: f64 = 0.95;

/// The same where there is only one processor.
/// Source: Pacemaker 2.1.5, `throttle_cib_load`.
const BUSY_MAX_SINGLE: f64 = 0.4;

/// How busy a node is, as the system says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Processes that want to run, over the last minute.
    pub average: f64,
    /// Processors.
    pub cores: u32,
    /// Share of a processor that this program used since it was looked at last.
    pub busy: f64,
}

/// How much a node takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Mode {
    /// All that it may.
    #[default]
    None,
    /// Half of that.
    Low,
    /// A quarter.
    Medium,
    /// One thing at a time.
    High,
    /// The same, and the whole cluster does less.
    Extreme,
}

impl Mode {
    /// The mode of a load, with a share of the processors that may be used; at 0 nothing counts.
    pub fn of(load: Load, threshold: f64) -> Self {
        if threshold <= 0.0 {
            return Self::None;
        }
        let (cores, busy_max) = match load.cores {
            0 | 1 => (0.6, BUSY_MAX_SINGLE),
            cores => (f64::from(cores), BUSY_MAX),
        };
        let allowed = threshold * cores;
        let average = [(2.0, Self::High), (1.6, Self::Medium), (1.2, Self::Low)];
        let busy = [
            (1.5, Self::Extreme),
            (1.0, Self::High),
            (0.9, Self::Medium),
            (0.8, Self::Low),
        ];
        let first = |value: f64, unit: f64, steps: &[(f64, Self)]| {
            let above = steps.iter().find(|(factor, _)| value > factor * unit);
            above.map_or(Self::None, |(_, mode)| *mode)
        };
        first(load.average, allowed, &average).max(first(load.busy, busy_max, &busy))
    }

    /// How much a node does at once that may do `max`.
    pub fn jobs(self, max: usize) -> usize {
        let jobs = match self {
            Self::None => max,
            Self::Low => max / 2,
            Self::Medium => max / 4,
            Self::High | Self::Extreme => 1,
        };
        jobs.max(1)
    }

    /// How much a cluster of `peers` does at once if this is the worst of their modes; none for
    /// as much as is configured.
    pub fn batch(self, peers: usize) -> Option<usize> {
        match self {
            Self::None | Self::Low | Self::Medium => None,
            Self::High => Some((peers / 2).max(1)),
            Self::Extreme => Some((peers / 4).max(1)),
        }
    }

    fn number(self) -> u8 {
        self as u8
    }

    fn from_number(number: u8) -> Self {
        let all = [Self::None, Self::Low, Self::Medium, Self::High];
        all.get(usize::from(number))
            .copied()
            .unwrap_or(Self::Extreme)
    }

    fn word(self) -> &'static str {
        match self {
            Self::None => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Extreme => "extreme",
        }
    }
}

/// What the members said of themselves.
#[derive(Debug, Default)]
pub(super) struct Throttles {
    mode: Mode,
    /// What was told last of this node.
    told: Option<(Mode, u32)>,
    /// Of all members that said something.
    members: BTreeMap<NodeId, (Mode, u32)>,
}

impl Controller {
    /// How busy this node is; those who give it work are told if that makes a difference.
    pub fn handle_load(&mut self, now: crate::time::Now, load: Load) {
        let threshold = super::option(self.cib(), "load-threshold");
        let threshold = threshold.map_or(THRESHOLD, |text| {
            let percent = text.trim().trim_end_matches('%').parse::<f64>();
            percent.map_or(THRESHOLD, |percent| percent / 100.0)
        });
        let mode = Mode::of(load, threshold);
        if mode != self.throttles.mode {
            let text = format!(
                "This node's load is {}: {:.2} of {} processors wanted, {:.0} % of one used here",
                mode.word(),
                load.average,
                load.cores,
                load.busy * 100.0
            );
            self.throttles.mode = mode;
            self.log(Severity::Info, text);
        }
        self.tell_throttle();
        self.settle(now);
    }

    /// How much this node does at once when nothing else keeps it busy.
    pub(super) fn jobs_max(&self) -> u32 {
        let configured = || {
            let limit = super::option(self.cib(), "node-action-limit")?;
            limit.parse::<u32>().ok().filter(|limit| *limit > 0)
        };
        let fixed = self.config.jobs_fixed;
        fixed.or_else(configured).unwrap_or(self.config.jobs_max)
    }

    /// Tells what the votes didn't say, or don't say any more.
    pub(super) fn tell_throttle(&mut self) {
        let wanted = (self.throttles.mode, self.jobs_max());
        if self.membership.is_some() && self.throttles.told != Some(wanted) {
            self.throttles.told = Some(wanted);
            self.send(Message::Throttle {
                mode: wanted.0.number(),
                jobs_max: wanted.1,
            });
        }
    }

    /// The members changed: those who came don't know yet.
    pub(super) fn tell_throttle_again(&mut self) {
        let member = |id: &NodeId| {
            self.membership
                .iter()
                .any(|m| m.members.iter().any(|m| m.id == *id))
        };
        let known = std::mem::take(&mut self.throttles.members);
        self.throttles.members = known.into_iter().filter(|(id, _)| member(id)).collect();
        // The vote says how much it may do.
        self.throttles.told = Some((Mode::None, self.jobs_max()));
        self.tell_throttle();
    }

    pub(super) fn handle_throttle(&mut self, from: NodeId, mode: u8, jobs_max: u32) {
        let mode = Mode::from_number(mode);
        self.throttles.members.insert(from, (mode, jobs_max));
        let (jobs, batch) = self.limits();
        let leader = self.leader.as_mut();
        if let Some(transition) = leader.and_then(|leader| leader.transition.as_mut()) {
            transition.limit(jobs, batch);
        }
    }

    /// How much each member does at once, and all together.
    pub(super) fn limits(&self) -> (BTreeMap<NodeId, usize>, Option<usize>) {
        let members = self.membership.iter().flat_map(|m| &m.members);
        let mut worst = Mode::None;
        let mut jobs = BTreeMap::new();
        for member in members {
            let told = self.throttles.members.get(&member.id).copied();
            let vote = || self.election.as_ref()?.vote(member.id);
            let (mode, max) = match told {
                Some(told) => told,
                None => (Mode::None, vote().map_or(0, |vote| vote.jobs_max)),
            };
            worst = worst.max(mode);
            if let Some(max) = usize::try_from(max).ok().filter(|max| *max > 0) {
                jobs.insert(member.id, mode.jobs(max));
            }
        }
        let peers = self.membership.as_ref().map_or(0, |m| m.members.len());
        (jobs, worst.batch(peers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(average: f64, cores: u32, busy: f64) -> Mode {
        let load = Load {
            average,
            cores,
            busy,
        };
        Mode::of(load, 0.8)
    }

    #[test]
    fn the_load_of_a_processor_decides() {
        let of = |average| mode(average, 4, 0.0);
        // 0.8 of four processors are 3.2.
        let modes = [3.8, 3.9, 5.1, 5.2, 6.4, 6.5].map(of);
        let wanted = [
            Mode::None,
            Mode::Low,
            Mode::Low,
            Mode::Medium,
            Mode::Medium,
            Mode::High,
        ];
        assert_eq!(modes, wanted);
        assert_eq!(mode(0.9, 1, 0.0), Mode::Medium, "one processor counts 0.6");
        let none = Load {
            average: 90.0,
            cores: 1,
            busy: 9.0,
        };
        assert_eq!(Mode::of(none, 0.0), Mode::None, "it is switched off");
    }

    #[test]
    fn so_does_what_this_program_uses() {
        let of = |busy| mode(0.0, 4, busy);
        let modes = [0.7, 0.8, 0.9, 0.99, 1.5].map(of);
        let wanted = [
            Mode::None,
            Mode::Low,
            Mode::Medium,
            Mode::High,
            Mode::Extreme,
        ];
        assert_eq!(modes, wanted);
        assert_eq!(mode(4.0, 4, 0.9), Mode::Medium, "the worse of both");
    }

    #[test]
    fn busy_nodes_get_less() {
        let all = [
            Mode::None,
            Mode::Low,
            Mode::Medium,
            Mode::High,
            Mode::Extreme,
        ];
        assert_eq!(all.map(|mode| mode.jobs(8)), [8, 4, 2, 1, 1]);
        assert_eq!(all.map(|mode| mode.jobs(1)), [1; 5]);
        assert_eq!(
            all.map(|mode| mode.batch(9)),
            [None, None, None, Some(4), Some(2)]
        );
        assert_eq!(all.map(|mode| Mode::from_number(mode.number())), all);
    }
}
