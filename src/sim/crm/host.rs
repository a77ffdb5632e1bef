//! A host: its controller, the resources that run on it, what agents are doing.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::cib::Document;
use crate::controller::{Config, Controller, Member, Membership, Output};
use crate::executor::{self, Exit, Operation, Outcome, RunId, Status};
use crate::ids::NodeId;
use crate::rules::iso8601::Clock;
use crate::time::{Instant, Now};
use crate::wire::crm::Message;

/// How the agents of a resource behave on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Behaviour {
    /// As asked.
    #[default]
    Good,
    /// Starting fails.
    NoStart,
    /// Stopping fails.
    NoStop,
}

/// What a resource is on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Active {
    Started,
    Promoted,
}

/// One host.
#[derive(Debug)]
pub struct Host {
    id: NodeId,
    name: String,
    /// None while its power is off or its daemon gone.
    pub(super) controller: Option<Controller>,
    /// What its disk holds.
    disk: Document,
    active: BTreeMap<String, Active>,
    behaviour: BTreeMap<String, Behaviour>,
    /// Runs of agents and when they end.
    runs: Vec<(Instant, RunId, Operation)>,
    /// A question to the scheduler, with the time of its answer.
    question: Option<(Instant, u64, Document)>,
    births: u64,
    /// On its disk.
    term: u64,
    /// What was done, for tests to look at.
    pub(super) log: Vec<String>,
    /// Answers to changes of the CIB that were asked for here.
    answers: Vec<(u64, bool, bool)>,
}

/// What a host wants of the world.
#[derive(Debug)]
pub(super) enum Wish {
    Send(Message),
    Fence(String, String),
    /// Off: it was fenced, or left.
    Gone,
}

impl Host {
    pub(super) fn new(id: NodeId, name: &str, disk: Document) -> Self {
        Self {
            id,
            name: name.to_owned(),
            controller: None,
            disk,
            active: BTreeMap::new(),
            behaviour: BTreeMap::new(),
            runs: Vec::new(),
            question: None,
            births: 0,
            term: 0,
            log: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its controller, while it runs.
    pub fn controller(&self) -> Option<&Controller> {
        self.controller.as_ref()
    }

    /// True if a resource runs here.
    pub fn runs(&self, resource: &str) -> bool {
        self.active.contains_key(resource)
    }

    /// True if a resource is promoted here.
    pub fn is_promoted(&self, resource: &str) -> bool {
        self.active.get(resource) == Some(&Active::Promoted)
    }

    /// The resources that run here.
    pub fn active(&self) -> impl Iterator<Item = &str> {
        self.active.keys().map(String::as_str)
    }

    /// The lines of its log.
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// Answers to changes that were asked for here: the call, whether it was made, and whether
    /// the host had quorum then.
    pub fn take_answers(&mut self) -> Vec<(u64, bool, bool)> {
        std::mem::take(&mut self.answers)
    }

    /// From now on agents of a resource behave like this here.
    pub fn behave(&mut self, resource: &str, behaviour: Behaviour) {
        self.behaviour.insert(resource.to_owned(), behaviour);
    }

    /// A resource stops by itself.
    pub fn break_down(&mut self, resource: &str) {
        self.active.remove(resource);
    }

    pub(super) fn member(&self) -> Member {
        Member {
            id: self.id,
            name: self.name.clone(),
            uuid: self.id.to_string(),
        }
    }

    pub(super) fn start(&mut self, now: Now, nodes: usize) {
        self.births += 1;
        let config = Config {
            local: self.id,
            name: self.name.clone(),
            transitioner: format!("{}-{}", self.name, self.births),
            term: self.term,
            nodes: Some(nodes),
            dc_deadtime: Duration::from_secs(20),
            jobs_max: 4,
            jobs_fixed: None,
            infrastructure: "corosync",
            cluster_name: Some("simulated".into()),
            version: "0".into(),
            have_watchdog: false,
        };
        self.controller = Some(Controller::new(config, self.disk.clone(), now));
    }

    /// The daemon is gone; what it started runs on.
    pub(super) fn kill(&mut self) {
        self.controller = None;
        self.runs.clear();
        self.question = None;
    }

    pub(super) fn power_off(&mut self) {
        self.kill();
        self.active.clear();
    }

    pub(super) fn join(&mut self, now: Now, membership: Membership) {
        if let Some(controller) = &mut self.controller {
            controller.handle_membership(now, membership);
        }
    }

    pub(super) fn receive(&mut self, now: Now, from: NodeId, message: Message) {
        if let Some(controller) = &mut self.controller {
            controller.handle_message(now, from, message);
        }
    }

    /// Carries out what the controller wants; what it can't do itself is left to the world.
    pub(super) fn work(&mut self, now: Now) -> VecDeque<Wish> {
        let mut wishes = VecDeque::new();
        while let Some(output) = self.controller.as_mut().and_then(Controller::poll_output) {
            match output {
                Output::Send(message) => wishes.push_back(Wish::Send(message)),
                Output::Schedule { number, cib } => {
                    self.question = Some((now.mono + Duration::from_millis(5), number, cib));
                }
                Output::Execute(executor::Output::Run { run, operation, .. }) => {
                    let takes = match &*operation.key.action {
                        "monitor" | "notify" => 10,
                        _ => 100,
                    };
                    let ends = now.mono + Duration::from_millis(takes);
                    self.runs.push((ends, run, operation));
                }
                Output::Execute(_) => {}
                Output::Fence(fence) => wishes.push_back(Wish::Fence(fence.target, fence.action)),
                Output::Term(term) => self.term = term,
                Output::Answered { call, result } => {
                    let membership = self.controller.as_ref().and_then(Controller::membership);
                    let quorate = membership.is_some_and(|membership| membership.quorate);
                    self.answers.push((call, result.is_ok(), quorate));
                }
                Output::StateTold { .. } => {}
                Output::Changed(_) => {
                    let doc = self.controller.as_ref().map(|c| c.cib().clone());
                    self.disk = doc.unwrap_or_else(|| self.disk.clone());
                }
                Output::Fenced { .. } | Output::Leave | Output::Refused => {
                    wishes.push_back(Wish::Gone);
                }
                Output::Event(_) | Output::Alert(_) => {}
                Output::Log(_, text) => self.log.push(format!("{} {text}", now.mono)),
            }
        }
        wishes
    }

    /// When something is to be done here.
    pub(super) fn next(&self) -> Option<Instant> {
        let controller = self.controller.as_ref()?;
        let runs = self.runs.iter().map(|(at, ..)| *at);
        let question = self.question.iter().map(|(at, ..)| *at);
        runs.chain(question).chain(controller.poll_timeout()).min()
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Now) {
        let (due, later) = std::mem::take(&mut self.runs)
            .into_iter()
            .partition(|(at, ..)| *at <= now.mono);
        self.runs = later;
        for (_, run, operation) in due {
            let exit = self.act(&operation);
            let outcome = Outcome {
                exit,
                status: Status::Done,
                reason: None,
                output: String::new(),
            };
            if let Some(controller) = &mut self.controller {
                controller.handle_finished(now, run, outcome);
            }
        }
        if let Some((_, number, cib)) = self.question.take_if(|(at, ..)| *at <= now.mono)
            && let Some(controller) = &mut self.controller
        {
            let expanded = crate::scheduler::unpack::expand::expand(&cib);
            let clock = Clock::utc(i64::try_from(now.unix_s).unwrap_or(0));
            let mut cluster = crate::scheduler::read(&expanded, clock);
            let graph = crate::scheduler::schedule(&mut cluster);
            controller.handle_scheduled(now, number, &graph, "pe-input-0");
        }
        if let Some(controller) = &mut self.controller {
            controller.handle_timeout(now);
        }
    }

    fn act(&mut self, operation: &Operation) -> Exit {
        let resource = operation.key.resource.as_str();
        let behaviour = self.behaviour.get(resource).copied().unwrap_or_default();
        let active = self.active.get(resource).copied();
        let mut becomes = |state: Active| {
            self.active.insert(resource.to_owned(), state);
        };
        match (&*operation.key.action, active) {
            ("start", _) if behaviour == Behaviour::NoStart => return Exit::ERROR,
            ("start", None) | ("demote", Some(_)) => becomes(Active::Started),
            ("migrate_from", None) => becomes(Active::Started),
            ("promote", Some(_)) => becomes(Active::Promoted),
            ("stop", _) if behaviour == Behaviour::NoStop => return Exit::ERROR,
            ("stop" | "migrate_to", _) => {
                self.active.remove(resource);
            }
            ("monitor", None) => return Exit::NOT_RUNNING,
            ("monitor", Some(Active::Promoted)) => return Exit::PROMOTED,
            ("promote", None) => return Exit::NOT_RUNNING,
            _ => {}
        }
        Exit::OK
    }
}
