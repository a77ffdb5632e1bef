//! The way from heartbeat to the CRM on a ring, step by step, and back.
//!
//! ```text
//!  Everbeat(a) Everbeat(b)      heartbeat's protocol goes on; resources move by hand-over
//!  Put Ring ... Load Probe      the ring and the CRM beside it, in maintenance: it only looks
//!  Switch Hold ... Look Leave   the old manager lets go of what runs, and ends
//!  Manage                       the CRM looks after it
//!  Join(c) ... Unguard          nodes that were absent, when they are back
//! ```
//!
//! Nothing is stopped from `Put` on. Both managers at once could act only between the first
//! `Leave` and `Manage` if there were no `Hold` of all before, and no maintenance.

use serde::{Deserialize, Serialize};

/// One step. Each may be done again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// everbeat takes heartbeat's place on a node.
    Everbeat(String),
    /// corosync.conf and authkey, on a node.
    Put(String),
    /// The ring's daemon starts on a node.
    Ring(String),
    /// The CRM gets its configuration, in maintenance.
    Load,
    /// The CRM has found what runs, and would change nothing of it.
    Probe,
    /// A boot of the node starts the ring.
    Switch(String),
    /// From its leave on a node keeps absent nodes from taking what the CRM has.
    Guard(String),
    /// heartbeat's manager on a node neither takes over nor gives up any more.
    Hold(String),
    /// The CRM has looked again, and what runs is where it saw it.
    Look,
    /// heartbeat's daemon on a node ends; its resources stay.
    Leave(String),
    /// The CRM is out of maintenance.
    Manage,
    /// A node that was absent ends heartbeat and comes to the ring.
    Join(String),
    /// No node is absent any more: a node's guard ends, and its corosync.conf is the plan's.
    Unguard(String),
    /// The CRM goes into maintenance: it only looks.
    Maintain,
    /// A boot of the node starts heartbeat.
    Unswitch(String),
    /// heartbeat's manager on a node takes up what runs.
    Return(String),
    /// The ring's daemon on a node ends.
    Unring(String),
    /// The files of before, on a node.
    Restore(String),
    /// Each group goes to the node of its line.
    Home,
    /// heartbeat itself again, on a node.
    Heartbeat(String),
}

impl Step {
    /// The node, if it is about one.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Load | Self::Probe | Self::Look | Self::Manage | Self::Maintain | Self::Home => {
                None
            }
            Self::Everbeat(node)
            | Self::Put(node)
            | Self::Ring(node)
            | Self::Switch(node)
            | Self::Guard(node)
            | Self::Join(node)
            | Self::Unguard(node)
            | Self::Hold(node)
            | Self::Leave(node)
            | Self::Unswitch(node)
            | Self::Return(node)
            | Self::Unring(node)
            | Self::Restore(node)
            | Self::Heartbeat(node) => Some(node),
        }
    }

    /// The verb and what it does, for people.
    pub fn told(&self) -> (&'static str, &'static str) {
        match self {
            Self::Everbeat(_) => (
                "everbeat",
                "takes heartbeat's place; resources are handed over",
            ),
            Self::Put(_) => ("put", "corosync.conf and authkey; what was there is kept"),
            Self::Ring(_) => ("ring", "the ring starts beside heartbeat's protocol"),
            Self::Load => (
                "load",
                "the CRM gets its configuration, in maintenance-mode",
            ),
            Self::Probe => ("probe", "the CRM sees what runs, and would leave it there"),
            Self::Switch(_) => ("switch", "ha.cf is put away: a boot starts the ring"),
            Self::Guard(_) => ("guard", "absent nodes that come back will take nothing"),
            Self::Join(_) => ("join", "was absent: ends heartbeat, comes to the ring"),
            Self::Unguard(_) => ("unguard", "no node is absent any more"),
            Self::Hold(_) => ("hold", "heartbeat's manager leaves everything as it is"),
            Self::Look => ("look", "the CRM looks again at what runs where"),
            Self::Leave(_) => ("leave", "heartbeat's part ends, its resources stay"),
            Self::Manage => ("manage", "maintenance-mode ends: the CRM has the resources"),
            Self::Maintain => ("maintain", "the CRM leaves everything as it is"),
            Self::Unswitch(_) => ("unswitch", "ha.cf is back: a boot starts heartbeat"),
            Self::Return(_) => ("return", "heartbeat's manager takes up what runs"),
            Self::Unring(_) => ("unring", "the ring ends, its resources stay"),
            Self::Restore(_) => ("restore", "corosync.conf, authkey and CIB of before"),
            Self::Home => ("home", "each group goes to the node of its line"),
            Self::Heartbeat(_) => ("heartbeat", "itself again; resources are handed over"),
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.node() {
            Some(node) => write!(f, "{} {node}", self.told().0),
            None => f.write_str(self.told().0),
        }
    }
}

/// The way there.
///
/// Those that are `absent` join at its end, when they are back.
pub fn forward(nodes: &[String], absent: &[String]) -> Vec<Step> {
    let each = |make: fn(String) -> Step| nodes.iter().cloned().map(make);
    let guarded = !absent.is_empty();
    let mut steps: Vec<_> = each(Step::Everbeat).collect();
    steps.extend(each(Step::Put));
    steps.extend(each(Step::Ring));
    steps.extend([Step::Load, Step::Probe]);
    steps.extend(each(Step::Switch));
    // A boot from here on must not leave an absent node without a guard.
    steps.extend(each(Step::Guard).filter(|_| guarded));
    steps.extend(each(Step::Hold));
    // What moved since the first probe, because a node fell or came back, must be seen.
    steps.push(Step::Look);
    steps.extend(each(Step::Leave));
    steps.push(Step::Manage);
    steps.extend(absent.iter().cloned().map(Step::Join));
    steps.extend(each(Step::Unguard).filter(|_| guarded));
    steps
}

/// The way of a cluster whose CRM runs on heartbeat's media: it leaves all as it is, ends, and
/// comes again on the ring.
pub fn forward_of_crm(nodes: &[String]) -> Vec<Step> {
    let each = |make: fn(String) -> Step| nodes.iter().cloned().map(make);
    let mut steps = vec![Step::Maintain];
    // A node that boots from now on waits on the ring for the others.
    steps.extend(each(Step::Switch));
    steps.extend(each(Step::Leave));
    steps.extend(each(Step::Put));
    steps.extend(each(Step::Ring));
    steps.extend([Step::Load, Step::Look, Step::Manage]);
    steps
}

/// The way back from there.
pub fn back_of_crm(nodes: &[String], done: &[Step]) -> Vec<Step> {
    let each = |make: fn(String) -> Step| nodes.iter().cloned().map(make);
    let any = |is: fn(&Step) -> bool| done.iter().any(is);
    let mut steps = Vec::new();
    if done.contains(&Step::Load) {
        steps.push(Step::Maintain);
    }
    if any(|s| matches!(s, Step::Put(_) | Step::Ring(_))) {
        steps.extend(each(Step::Unring));
        steps.extend(each(Step::Restore));
    }
    if any(|s| matches!(s, Step::Switch(_))) {
        steps.extend(each(Step::Unswitch));
        steps.extend(each(Step::Return));
    }
    steps.push(Step::Manage);
    steps
}

/// The way back from where `done` of the way there has led.
///
/// What was begun and not finished counts as done: steps back do no harm where there is nothing
/// to go back from.
pub fn back(nodes: &[String], done: &[Step]) -> Vec<Step> {
    let each = |make: fn(String) -> Step| nodes.iter().cloned().map(make);
    let after_load = done.contains(&Step::Load);
    let any = |is: fn(&Step) -> bool| done.iter().any(is);
    let mut steps = Vec::new();
    if after_load {
        steps.push(Step::Maintain);
    }
    if after_load || any(|s| matches!(s, Step::Switch(_))) {
        steps.extend(each(Step::Unswitch));
        steps.extend(each(Step::Return));
    }
    if any(|s| matches!(s, Step::Put(_) | Step::Ring(_))) || after_load {
        steps.extend(each(Step::Unring));
        steps.extend(each(Step::Restore));
    }
    let replaced = |n: &&String| {
        let was = |make: fn(String) -> Step| done.contains(&make((*n).clone()));
        was(Step::Everbeat) || was(Step::Join)
    };
    let replaced: Vec<_> = nodes.iter().filter(replaced).cloned().collect();
    // When a node leaves two of heartbeat's, both take what it had. So none leaves: each group
    // runs on the node of its line, all are on hold, and one after the other becomes heartbeat
    // within a moment, which finds its own groups running.
    if nodes.len() > 2 && replaced.len() > 1 {
        steps.push(Step::Home);
        steps.extend(each(Step::Hold));
    }
    steps.extend(replaced.into_iter().map(Step::Heartbeat));
    steps
}

/// Where a migration stands; kept on the disk of the node that carries it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Version of this format.
    pub version: u32,
    /// The nodes, in the order of the ring.
    pub nodes: Vec<String>,
    /// Nodes that were down at the beginning; those that have joined are in `nodes`, too.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Which migration this is: a number drawn at its beginning.
    #[serde(default)]
    pub id: u64,
    /// How often a program has begun to go this way: what an earlier one asked a node comes late.
    #[serde(default)]
    pub run: u32,
    /// How nodes are reached: a command with `{}` for the name.
    pub via: String,
    /// None of the nodes is this host, even if it has the name of one.
    #[serde(default)]
    pub elsewhere: bool,
    /// The program on the nodes.
    pub program: String,
    /// Resources may be started or moved by the CRM when it takes over.
    pub accept_actions: bool,
    /// The cluster has a CRM already, on heartbeat's media.
    #[serde(default)]
    pub crm: bool,
    /// Steps of the way there that were begun.
    pub begun: Vec<Step>,
    /// Steps of the way there that are done.
    pub done: Vec<Step>,
    /// The way back, if that is gone: steps, and how many are done.
    pub back: Option<(Vec<Step>, usize)>,
}

/// The format that this program writes.
pub const VERSION: u32 = 1;

impl Journal {
    /// The way there.
    pub fn way(&self) -> Vec<Step> {
        match self.crm {
            true => forward_of_crm(&self.nodes),
            false => forward(&self.present(), &self.absent),
        }
    }

    /// The steps that are still to be done, in the direction that is gone.
    pub fn rest(&self) -> Vec<Step> {
        match &self.back {
            Some((steps, done)) => steps.get(*done..).unwrap_or_default().to_vec(),
            None => {
                let all = self.way().into_iter();
                all.filter(|s| !self.done.contains(s)).collect()
            }
        }
    }

    /// The nodes that were there at the beginning.
    pub fn present(&self) -> Vec<String> {
        let nodes = self.nodes.iter();
        nodes
            .filter(|n| !self.absent.contains(n))
            .cloned()
            .collect()
    }

    /// Whether nodes are absent still.
    pub fn lacks(&self) -> bool {
        self.absent.iter().any(|n| !self.nodes.contains(n))
    }

    /// Whether resources stay on their nodes while these become heartbeat again.
    pub fn in_place(&self) -> bool {
        let steps = self.back.iter().flat_map(|(steps, _)| steps);
        steps.into_iter().any(|s| *s == Step::Home)
    }

    /// A step begins; told before anything is done.
    pub fn begin(&mut self, step: &Step) {
        if let (None, Step::Join(name)) = (&self.back, step)
            && !self.nodes.contains(name)
        {
            self.nodes.push(name.clone());
        }
        if self.back.is_none() && !self.begun.contains(step) {
            self.begun.push(step.clone());
        }
    }

    /// A step is done.
    pub fn finish(&mut self, step: &Step) {
        match &mut self.back {
            Some((_, done)) => *done += 1,
            None => self.done.push(step.clone()),
        }
    }

    /// Turns round, unless that was done.
    pub fn turn(&mut self) {
        if self.back.is_none() {
            let steps = match self.crm {
                true => back_of_crm(&self.nodes, &self.begun),
                false => back(&self.nodes, &self.begun),
            };
            self.back = Some((steps, 0));
        }
    }

    /// Whether the ring's daemons are needed for what comes next, so that one that a boot ended
    /// is to be started again.
    pub fn needs_ring(&self, step: &Step) -> bool {
        let rung = self.begun.iter().any(|s| matches!(s, Step::Ring(_)));
        if self.back.is_some() {
            // What comes after it ends the ring.
            return rung && *step == Step::Maintain;
        }
        let on_ring = matches!(
            step,
            Step::Load
                | Step::Probe
                | Step::Switch(_)
                | Step::Guard(_)
                | Step::Hold(_)
                | Step::Look
                | Step::Leave(_)
                | Step::Manage
                | Step::Unguard(_)
        );
        rung && on_ring
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        vec!["a".into(), "b".into()]
    }

    fn journal() -> Journal {
        Journal {
            version: VERSION,
            nodes: names(),
            absent: Vec::new(),
            id: 7,
            run: 0,
            via: "ssh {}".into(),
            elsewhere: false,
            program: "everbeat".into(),
            accept_actions: false,
            crm: false,
            begun: Vec::new(),
            done: Vec::new(),
            back: None,
        }
    }

    #[test]
    fn all_are_on_hold_before_one_leaves_and_the_crm_acts_after_the_last() {
        let steps = forward(&names(), &[]);
        let at = |step: &Step| steps.iter().position(|s| s == step).unwrap();
        let last_hold = at(&Step::Hold("b".into()));
        assert!(last_hold < at(&Step::Leave("a".into())));
        assert!(at(&Step::Leave("b".into())) < at(&Step::Manage));
        assert!(at(&Step::Load) < at(&Step::Probe) && at(&Step::Probe) < last_hold);
    }

    #[test]
    fn from_any_step_the_way_back_undoes_what_was_begun() {
        let all = forward(&names(), &[]);
        for count in 0..=all.len() {
            let begun = &all[..count];
            let back = back(&names(), begun);
            let goes = |step: Step| back.contains(&step);
            for node in names() {
                let was = |make: fn(String) -> Step| begun.contains(&make(node.clone()));
                assert_eq!(goes(Step::Heartbeat(node.clone())), was(Step::Everbeat));
                assert!(!was(Step::Put) || goes(Step::Restore(node.clone())));
                assert!(!was(Step::Ring) || goes(Step::Unring(node.clone())));
                assert!(!was(Step::Switch) || goes(Step::Unswitch(node.clone())));
                assert!(!was(Step::Leave) || goes(Step::Return(node.clone())));
            }
            assert_eq!(goes(Step::Maintain), begun.contains(&Step::Load));
            // heartbeat's manager is back before the ring that sees the resources ends.
            let at = |step: Step| back.iter().position(|s| *s == step);
            if let (Some(last), Some(first)) =
                (at(Step::Return("b".into())), at(Step::Unring("a".into())))
            {
                assert!(last < first);
            }
        }
    }

    #[test]
    fn of_three_nodes_none_leaves_while_they_become_heartbeat_again() {
        let nodes: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let told = |count: usize| {
            let steps = back(&nodes, &forward(&nodes, &[])[..count]);
            let names = steps.iter().map(ToString::to_string);
            names.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(told(1), "heartbeat a");
        assert_eq!(
            told(2),
            "home, hold a, hold b, hold c, heartbeat a, heartbeat b"
        );
        let mut journal = Journal {
            begun: forward(&nodes, &[]),
            done: forward(&nodes, &[]),
            nodes,
            ..journal()
        };
        assert!(journal.needs_ring(&Step::Hold("a".into())));
        journal.turn();
        assert!(journal.in_place());
        assert!(journal.needs_ring(&Step::Maintain));
        assert!(
            !journal.needs_ring(&Step::Hold("a".into())),
            "the ring has ended"
        );
    }

    #[test]
    fn who_was_absent_joins_at_the_end_and_is_a_node_on_the_way_back() {
        let absent = ["c".to_owned()];
        let steps = forward(&names(), &absent);
        let at = |step: &Step| steps.iter().position(|s| s == step).unwrap();
        assert!(at(&Step::Guard("b".into())) < at(&Step::Hold("a".into())));
        assert_eq!(at(&Step::Manage) + 1, at(&Step::Join("c".into())));
        assert_eq!(steps.last(), Some(&Step::Unguard("b".into())));
        let mut journal = Journal {
            absent: absent.to_vec(),
            ..journal()
        };
        assert_eq!(journal.way(), steps);
        assert!(journal.lacks());
        for step in &steps {
            journal.begin(step);
            journal.finish(step);
        }
        assert!(!journal.lacks());
        assert_eq!((journal.nodes.len(), journal.rest()), (3, vec![]));
        journal.turn();
        let back = journal.rest();
        assert!(back.contains(&Step::Unswitch("c".into())));
        assert_eq!(back.last(), Some(&Step::Heartbeat("c".into())));
    }

    #[test]
    fn a_crm_ends_everywhere_before_it_comes_on_the_ring() {
        let steps = forward_of_crm(&names());
        let at = |step: &Step| steps.iter().position(|s| s == step).unwrap();
        assert_eq!(steps[0], Step::Maintain);
        assert!(at(&Step::Leave("b".into())) < at(&Step::Put("a".into())));
        assert!(at(&Step::Switch("b".into())) < at(&Step::Leave("a".into())));
        for count in 1..=steps.len() {
            let back = back_of_crm(&names(), &steps[..count]);
            assert_eq!(back.last(), Some(&Step::Manage));
            let left = steps[..count].contains(&Step::Leave("a".into()));
            assert!(!left || back.contains(&Step::Return("a".into())), "{count}");
        }
    }

    #[test]
    fn a_journal_goes_on_where_it_was_and_turns_only_once() {
        let mut journal = journal();
        let first = journal.rest()[0].clone();
        journal.begin(&first);
        assert_eq!(journal.rest()[0], first, "begun isn't done");
        journal.finish(&first);
        assert_ne!(journal.rest()[0], first);
        journal.turn();
        assert_eq!(journal.rest(), [Step::Heartbeat("a".into())]);
        let step = journal.rest()[0].clone();
        journal.begin(&step);
        journal.finish(&step);
        journal.turn();
        assert_eq!(journal.rest(), []);
        let text = serde_json::to_string(&journal).unwrap();
        assert_eq!(serde_json::from_str::<Journal>(&text).unwrap(), journal);
    }
}
