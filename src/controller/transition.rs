//! One transition: the graph that the scheduler made, while it is carried out.
//!
//! ```text
//!  graph --Transition::read--> synapses, each with what it waits for
//!  poll_action --> Action to carry out        as soon as all it waits for is confirmed
//!  confirm(action, result) --> the next ones become possible
//!  abort(priority, …) --> what is less important isn't begun any more
//! ```
//!
//! Source: spec crm-runtime.md section 6; Pacemaker 2.1.5, `lib/pacemaker/pcmk_graph_consumer.c`
//! as described there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use super::action::{Action, Kind};
use crate::cib::Document;
use crate::ids::NodeId;
use crate::score::INFINITY;

/// Number of an action in its graph.
pub type ActionNumber = u32;

/// What is done when a transition is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum After {
    /// Nothing: the cluster is as it should be.
    Rest,
    /// The scheduler is asked anew.
    Again,
    /// The controller leaves.
    Leave,
}

/// How a transition ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All was done.
    Complete,
    /// It was aborted: something was left out.
    Stopped,
    /// Something can't be done, because what it waits for never came.
    Terminated,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Complete => "Complete",
            Self::Stopped => "Stopped",
            Self::Terminated => "Terminated",
        })
    }
}

/// How many synapses are how far: the numbers of the closing line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Confirmed.
    pub complete: usize,
    /// Begun and not confirmed.
    pub pending: usize,
    /// Left out because of the abort.
    pub skipped: usize,
    /// Never begun.
    pub incomplete: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Ready,
    Skipped,
    Begun,
    Confirmed,
    Failed,
}

#[derive(Debug)]
struct Synapse {
    action: Action,
    priority: i64,
    /// How many of its inputs are not confirmed.
    missing: usize,
    stage: Stage,
}

/// A transition under way.
#[derive(Debug)]
pub struct Transition {
    number: u64,
    synapses: Vec<Synapse>,
    by_number: BTreeMap<ActionNumber, usize>,
    /// Which synapses wait for an action.
    waiting: BTreeMap<ActionNumber, Vec<usize>>,
    /// Those whose inputs are confirmed, by node, in the order of the graph.
    ready: BTreeMap<Option<NodeId>, BTreeSet<usize>>,
    pseudo: VecDeque<usize>,
    limits: Limits,
    in_flight: usize,
    by_node: BTreeMap<NodeId, usize>,
    migrations: BTreeMap<NodeId, usize>,
    abort_priority: i64,
    after: After,
    reason: Option<String>,
}

/// How much is done at once.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// In the cluster, as configured; 0 for any number.
    pub batch: usize,
    /// In the cluster, because nodes are busy.
    pub busy: Option<usize>,
    /// Migrations of a node, none for any number.
    pub migrations: Option<usize>,
    /// Operations of each node; what isn't here is not bounded.
    pub jobs: BTreeMap<NodeId, usize>,
}

impl Transition {
    /// Reads a graph. `node_of` tells the number of a node by its name.
    pub fn read(number: u64, graph: &Document, node_of: impl Fn(&str) -> Option<NodeId>) -> Self {
        let root = graph.root_element();
        let number_in = |name: &str| root.attr(name).and_then(|v| v.parse::<i64>().ok());
        let limit = |name| number_in(name).and_then(|limit| usize::try_from(limit).ok());
        let mut transition = Self {
            number,
            synapses: Vec::new(),
            by_number: BTreeMap::new(),
            waiting: BTreeMap::new(),
            ready: BTreeMap::new(),
            pseudo: VecDeque::new(),
            limits: Limits {
                batch: limit("batch-limit").unwrap_or(0),
                busy: None,
                migrations: limit("migration-limit"),
                jobs: BTreeMap::new(),
            },
            in_flight: 0,
            by_node: BTreeMap::new(),
            migrations: BTreeMap::new(),
            abort_priority: 0,
            after: After::Rest,
            reason: None,
        };
        for synapse in root.children_named("synapse") {
            let element = synapse
                .child("action_set")
                .and_then(|set| set.children().next());
            let Some(action) = element.and_then(|e| Action::read(graph, e, &node_of)) else {
                continue;
            };
            let inputs = synapse.child("inputs").into_iter();
            let inputs = inputs.flat_map(|inputs| inputs.children_named("trigger"));
            let inputs = inputs.filter_map(|trigger| trigger.children().next()?.id()?.parse().ok());
            let inputs: BTreeSet<ActionNumber> = inputs.collect();
            let priority = synapse.attr("priority").and_then(|p| p.parse().ok());
            transition.add(action, priority.unwrap_or(0), &inputs);
        }
        transition
    }

    fn add(&mut self, action: Action, priority: i64, inputs: &BTreeSet<ActionNumber>) {
        let place = self.synapses.len();
        for &input in inputs {
            self.waiting.entry(input).or_default().push(place);
        }
        self.by_number.insert(action.number, place);
        self.synapses.push(Synapse {
            action,
            priority,
            missing: inputs.len(),
            stage: Stage::Waiting,
        });
        if inputs.is_empty() {
            self.is_ready(place);
        }
    }

    fn is_ready(&mut self, place: usize) {
        let synapse = &mut self.synapses[place];
        synapse.stage = Stage::Ready;
        match synapse.action.kind {
            Kind::Pseudo => self.pseudo.push_back(place),
            Kind::Resource => {
                let of_node = self.ready.entry(synapse.action.node);
                of_node.or_default().insert(place);
            }
            Kind::Cluster => drop(self.ready.entry(None).or_default().insert(place)),
        }
    }

    /// How much each node does at once from now on, and all together if nodes are busy.
    pub fn limit(&mut self, jobs: BTreeMap<NodeId, usize>, busy: Option<usize>) {
        self.limits.jobs = jobs;
        self.limits.busy = busy;
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many synapses it has.
    pub fn len(&self) -> usize {
        self.synapses.len()
    }

    /// True if there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.synapses.is_empty()
    }

    /// An action by its number.
    pub fn action(&self, number: ActionNumber) -> Option<&Action> {
        let place = self.by_number.get(&number)?;
        Some(&self.synapses.get(*place)?.action)
    }

    /// Actions that were begun and are not confirmed.
    pub fn begun(&self) -> impl Iterator<Item = &Action> {
        let begun = self.synapses.iter().filter(|s| s.stage == Stage::Begun);
        begun.map(|synapse| &synapse.action)
    }

    /// What is done when it is over, and why it was aborted.
    pub fn after(&self) -> (After, Option<&str>) {
        (self.after, self.reason.as_deref())
    }

    /// True if it was aborted.
    pub fn is_aborted(&self) -> bool {
        self.abort_priority > 0 || self.after > After::Rest
    }

    /// The next action to carry out, or a pseudo action, which is confirmed at once.
    pub fn poll_action(&mut self) -> Option<Action> {
        if let Some(place) = self.pseudo.pop_front() {
            let action = self.synapses[place].action.clone();
            self.settle(place, Stage::Confirmed);
            return Some(action);
        }
        self.leave_out();
        let configured = Some(self.limits.batch).filter(|batch| *batch > 0);
        let most = configured.into_iter().chain(self.limits.busy).min();
        if most.is_some_and(|most| self.in_flight >= most) {
            return None;
        }
        let fitting = |places: &BTreeSet<usize>| {
            let mut places = places.iter().copied();
            let first = places.next()?;
            match self.is_busy(&self.synapses[first].action) {
                true => None,
                false => std::iter::once(first)
                    .chain(places)
                    .find(|&place| self.may_migrate(&self.synapses[place].action)),
            }
        };
        let place = self.ready.values().filter_map(fitting).min()?;
        for places in self.ready.values_mut() {
            places.remove(&place);
        }
        self.ready.retain(|_, places| !places.is_empty());
        self.begin(place);
        Some(self.synapses[place].action.clone())
    }

    /// After an abort what is less important isn't begun.
    fn leave_out(&mut self) {
        let (synapses, limit) = (&mut self.synapses, self.abort_priority);
        if limit == 0 {
            return;
        }
        for places in self.ready.values_mut() {
            let less = |place: &usize| synapses[*place].priority < limit;
            let left_out: Vec<usize> = places.extract_if(.., |place| less(place)).collect();
            for place in left_out {
                synapses[place].stage = Stage::Skipped;
            }
        }
        self.ready.retain(|_, places| !places.is_empty());
    }

    /// The action's node does as much as it may.
    fn is_busy(&self, action: &Action) -> bool {
        let (Kind::Resource, Some(node)) = (action.kind, action.node) else {
            return false;
        };
        let count = self.by_node.get(&node).copied().unwrap_or(0);
        self.limits.jobs.get(&node).is_some_and(|&max| count >= max)
    }

    fn may_migrate(&self, action: &Action) -> bool {
        let (Some(max), Some(node)) = (self.limits.migrations, action.node) else {
            return true;
        };
        !action.is_migration() || self.migrations.get(&node).is_none_or(|&count| count < max)
    }

    fn begin(&mut self, place: usize) {
        let synapse = &mut self.synapses[place];
        synapse.stage = Stage::Begun;
        self.in_flight += 1;
        if let (Kind::Resource, Some(node)) = (synapse.action.kind, synapse.action.node) {
            *self.by_node.entry(node).or_default() += 1;
            if synapse.action.is_migration() {
                *self.migrations.entry(node).or_default() += 1;
            }
        }
    }

    /// An action ended: well, or so that nothing after it can be done.
    ///
    /// False if it isn't waited for.
    pub fn confirm(&mut self, number: ActionNumber, well: bool) -> bool {
        let Some(&place) = self.by_number.get(&number) else {
            return false;
        };
        if self.synapses[place].stage != Stage::Begun {
            return false;
        }
        self.in_flight -= 1;
        let action = &self.synapses[place].action;
        if let (Kind::Resource, Some(node)) = (action.kind, action.node) {
            let migration = action.is_migration();
            let less = |of: &mut BTreeMap<NodeId, usize>| {
                of.entry(node)
                    .and_modify(|count| *count = count.saturating_sub(1));
            };
            less(&mut self.by_node);
            if migration {
                less(&mut self.migrations);
            }
        }
        let well = well || self.synapses[place].action.can_fail;
        self.settle(
            place,
            if well {
                Stage::Confirmed
            } else {
                Stage::Failed
            },
        );
        true
    }

    fn settle(&mut self, place: usize, stage: Stage) {
        let synapse = &mut self.synapses[place];
        synapse.stage = stage;
        if stage != Stage::Confirmed {
            return;
        }
        let number = synapse.action.number;
        for waiting in self.waiting.remove(&number).unwrap_or_default() {
            let next = &mut self.synapses[waiting];
            next.missing = next.missing.saturating_sub(1);
            if next.missing == 0 && next.stage == Stage::Waiting {
                self.is_ready(waiting);
            }
        }
    }

    /// Nothing less important than `priority` is begun from now on; true if that is news.
    pub fn abort(&mut self, priority: i64, after: After, reason: &str) -> bool {
        let news = priority > self.abort_priority || after > self.after;
        if after > self.after || self.reason.is_none() {
            self.reason = Some(reason.to_owned());
        }
        self.abort_priority = self.abort_priority.max(priority);
        self.after = self.after.max(after);
        news
    }

    /// A failed action ends what is not more important than it.
    pub fn abort_by_failure(&mut self, number: ActionNumber, reason: &str) {
        let place = self.by_number.get(&number);
        let priority = place.map_or(INFINITY.into(), |&place| self.synapses[place].priority + 1);
        self.abort(priority, After::Again, reason);
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let mut progress = Progress::default();
        for synapse in &self.synapses {
            match synapse.stage {
                Stage::Confirmed => progress.complete += 1,
                Stage::Begun => progress.pending += 1,
                Stage::Skipped => progress.skipped += 1,
                // What failed was confirmed by its result, though nothing can follow.
                Stage::Failed => progress.complete += 1,
                Stage::Waiting | Stage::Ready => progress.incomplete += 1,
            }
        }
        progress
    }

    /// How it ended; none while something is under way or can be begun.
    ///
    /// Call it when [`Self::poll_action`] has nothing more.
    pub fn ending(&self) -> Option<Ending> {
        if self.in_flight > 0 || !self.pseudo.is_empty() || !self.ready.is_empty() {
            return None;
        }
        let progress = self.progress();
        Some(if progress.skipped > 0 {
            Ending::Stopped
        } else if progress.incomplete == 0 {
            Ending::Complete
        } else if self.is_aborted() {
            Ending::Stopped
        } else {
            Ending::Terminated
        })
    }
}

#[cfg(test)]
mod tests;
