//! The manager: its state, its inputs and outputs.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::audit::Audit;
use super::config::{Config, Group};
use super::group::{GroupRun, Notice, Run, Step};
use super::ipfail::{self, Ipfail, Situation};
use super::messages;
use super::peer::Peer;
use super::saved::Saved;
use super::standby::Standby;
use super::view::Holding;
use super::work::{Action, Command, Output, Work, WorkId, WorkResult};
use crate::config::ha_cf::AutoFailback;
use crate::ids::NodeName;
use crate::proto::heartbeat::{Delivery, Event, NodeKind, NodeStatus, Severity};
use crate::time::{Instant, Now};
use crate::wire::heartbeat::Message;

/// Most passes over all groups after one input; each changes something, so few are needed.
const PASSES_MAX: usize = 64;

/// Most messages that wait for their rc.d script.
const RC_QUEUE_MAX: usize = 256;

/// How far this node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Communication is not up.
    Init,
    /// We asked the others what they hold; at the latest then we go on.
    Joining {
        /// The end of waiting.
        until: Instant,
        /// When those that did not answer are asked again.
        ask_at: Instant,
    },
    /// At work.
    Stable,
    /// Releasing everything.
    Leaving,
    /// All released and said; time for the last message to arrive.
    Left { at: Instant },
    /// [`Output::Released`] is out, or [`Output::Reboot`].
    Gone,
}

/// What a piece of work was for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Job {
    /// An action of a resource of this group.
    Group(usize),
    /// The reset of this node.
    Stonith(NodeName),
    /// A script of rc.d.
    RcScript,
    /// An announcement.
    Announce(String),
}

/// The resource manager of a heartbeat v1 cluster, as a machine without I/O.
///
/// The contract is that of [`crate::proto`]: after any `handle_*` call [`Self::poll_output`]
/// until `None`, then [`Self::poll_timeout`].
#[derive(Debug)]
pub struct Manager {
    pub(super) config: Config,
    pub(super) groups: Vec<GroupRun>,
    pub(super) peers: BTreeMap<NodeName, Peer>,
    pub(super) phase: Phase,
    /// Field `hg` of our own messages.
    pub(super) generation: Option<String>,
    pub(super) standby: Standby,
    pub(super) audit: Audit,
    /// The last `resource` message, to say only what is new.
    pub(super) announced: Option<Message>,
    /// `info` of the next one, which is sent even if nothing else is new.
    pub(super) announce_info: Option<&'static str>,
    /// Send the next one though nothing is new.
    pub(super) announce_anyway: bool,
    /// When what we hold is told again unasked.
    pub(super) refresh_at: Instant,
    ipfail: Option<Ipfail>,
    outputs: VecDeque<Output>,
    jobs: BTreeMap<WorkId, Job>,
    next_work: u64,
    rc_queue: VecDeque<Message>,
    timer: Option<Instant>,
}

impl Manager {
    /// A manager that first asks what runs here: a daemon before it may have died and left it.
    ///
    /// Differs: heartbeat begins from nothing, so that what a killed daemon left stays up here
    /// while the other node may start it too.
    pub fn new(config: Config, now: Now) -> Self {
        let mut manager = Self::idle(config, now);
        manager.groups.iter_mut().for_each(GroupRun::probe);
        manager.run(now);
        manager
    }

    /// A manager that holds nothing.
    fn idle(config: Config, now: Now) -> Self {
        let groups = group_runs(&config.nodes, &config.groups);
        let peers = (config.nodes.iter())
            .filter(|node| **node != config.local)
            .map(|node| (node.clone(), Peer::new(groups.len(), now.mono)))
            .collect();
        let ipfail = ipfail_of(&config);
        Self {
            config,
            groups,
            peers,
            phase: Phase::Init,
            generation: None,
            standby: Standby::default(),
            audit: Audit::default(),
            announced: None,
            announce_info: None,
            announce_anyway: false,
            refresh_at: now.mono,
            ipfail,
            outputs: VecDeque::new(),
            jobs: BTreeMap::new(),
            next_work: 1,
            rc_queue: VecDeque::new(),
            timer: None,
        }
    }

    /// A manager that goes on where another left off: a quick restart that keeps resources.
    pub fn resume(config: Config, saved: Saved, now: Now) -> Self {
        let mut manager = Self::idle(config, now);
        manager.adopt(saved);
        manager.run(now);
        manager
    }

    /// Something happened in the node protocol.
    pub fn handle_event(&mut self, now: Now, event: &Event) {
        match event {
            Event::Deliver(delivery) => self.deliver(now, delivery),
            Event::Node(change) if change.kind == NodeKind::Normal => {
                self.node_changed(now, change);
            }
            Event::Node(change) if change.status == NodeStatus::Dead => {
                self.queue_death_script(&change.node, Some("ping"));
            }
            Event::CommUp(_) => self.comm_up(now),
            Event::Restarted { node, .. } => self.restarted(now, node),
            Event::Healed { node } => self.healed(now, node),
            Event::Asleep(span) => self.slept(*span),
            Event::Deleted => {
                self.log(
                    Severity::Warning,
                    "This node was deleted from the cluster: its resources are given up.",
                );
                self.leave(now);
            }
            Event::Node(_) | Event::Link(_) | Event::FlowControl(_) | Event::NodesChanged => {}
        }
        let situation = self.situation();
        if let Some(ipfail) = &mut self.ipfail {
            ipfail.handle_event(now, situation, event);
        }
        self.run(now);
    }

    /// An operator or a client asks for something.
    ///
    /// Errors: why it can't be done now, in heartbeat's words where it has them.
    pub fn handle_command(&mut self, now: Now, command: Command) -> Result<(), String> {
        let answer = match command {
            Command::Standby(side) => self.ask_standby(side),
            Command::Takeover(side) => self.ask_takeover(side),
            Command::Shutdown => {
                self.leave(now);
                Ok(())
            }
        };
        self.run(now);
        answer
    }

    /// Whether nothing is on its way: no start or stop, no hand-over, no reset.
    pub fn is_settled(&self) -> bool {
        let at_rest = |g: &GroupRun| matches!(g.run, Run::Running | Run::Stopped);
        self.phase == Phase::Stable
            && self.jobs.is_empty()
            && !self.standby.is_busy()
            && self.groups.iter().all(at_rest)
    }

    /// A piece of work ended. Unknown numbers are ignored.
    pub fn handle_completed(&mut self, now: Now, id: WorkId, result: WorkResult) {
        match self.jobs.remove(&id) {
            Some(Job::Group(group)) => {
                let notice = self.groups[group].completed(now.mono, result);
                if let Some(notice) = notice {
                    self.noticed(now, group, notice);
                }
            }
            Some(Job::Stonith(node)) => self.stonith_done(now, &node, result),
            Some(Job::Announce(resource)) => {
                if let WorkResult::Failed { reason, .. } = result {
                    let text = format!("Announcing {resource} failed: {reason}");
                    self.log(Severity::Warning, text);
                }
            }
            Some(Job::RcScript) | None => {}
        }
        self.run(now);
    }

    /// Time passed. Early or late calls are harmless.
    pub fn handle_timeout(&mut self, now: Now) {
        self.run(now);
    }

    /// The configured nodes are others now (hb_addnode, hb_delnode); no ping nodes.
    pub fn handle_nodes(&mut self, now: Now, nodes: Vec<NodeName>) {
        self.config.nodes = nodes;
        let mut groups = group_runs(&self.config.nodes, &self.config.groups);
        groups.retain(|new| self.groups.iter().all(|g| g.key != new.key));
        self.groups.extend(groups);
        let configured = |node: &NodeName| self.config.nodes.contains(node);
        self.peers.retain(|node, _| configured(node));
        for node in self
            .config
            .nodes
            .iter()
            .filter(|n| **n != self.config.local)
        {
            let count = self.groups.len();
            let peer = self.peers.entry(node.clone());
            let peer = peer.or_insert_with(|| Peer::new(count, now.mono));
            peer.entries.resize(count, super::peer::Entry::NONE);
        }
        self.run(now);
    }

    /// The next thing to do, or `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timer
    }

    /// All that follows from the newest input.
    fn run(&mut self, now: Now) {
        if self.phase == Phase::Gone {
            self.timer = None;
            return;
        }
        for _ in 0..PASSES_MAX {
            let mut moved = self.advance_phase(now);
            moved |= self.advance_fencing(now);
            self.advance_healing(now);
            moved |= self.advance_standby(now);
            moved |= self.decide(now);
            moved |= self.drive(now);
            if !moved || self.phase == Phase::Gone {
                break;
            }
        }
        self.run_ipfail(now);
        self.audit_holders(now);
        self.announce(now);
        self.run_rc_script();
        self.timer = self.next_timeout(now.mono);
    }

    fn situation(&self) -> Situation {
        let hold = self.hold();
        Situation {
            in_transition: self.holding() == Holding::Transition,
            holds_foreign: hold.foreign,
            holds_any: hold.local || hold.foreign,
        }
    }

    fn run_ipfail(&mut self, now: Now) {
        let situation = self.situation();
        let Some(ipfail) = &mut self.ipfail else {
            return;
        };
        if self.phase == Phase::Stable {
            ipfail.handle_timeout(now, situation);
        }
        while let Some(output) = ipfail.poll_output() {
            self.outputs.push_back(match output {
                ipfail::Output::Send(message) => Output::Send(message),
                ipfail::Output::Log(severity, text) => Output::Log(severity, text),
            });
        }
    }

    /// Lets each group do its next actions.
    fn drive(&mut self, now: Now) -> bool {
        let mut moved = false;
        for group in 0..self.groups.len() {
            while let Some(step) = self.groups[group].step(now.mono) {
                moved = true;
                match step {
                    Step::Act(resource, action) => {
                        let work = Work::Resource { resource, action };
                        self.start_job(Job::Group(group), work);
                    }
                    Step::Notice(notice) => self.noticed(now, group, notice),
                }
            }
            self.touch_if_changed(group);
        }
        moved
    }

    /// A group said something.
    fn noticed(&mut self, now: Now, group: usize, notice: Notice) {
        let g = &mut self.groups[group];
        let (line, silent) = (g.line(), g.is_stand_in());
        g.since_unix_s = now.unix_s;
        match notice {
            Notice::Acquiring | Notice::Releasing if silent => {}
            Notice::Adopted => {
                let cause = "found running at the start of the daemon";
                g.cause = cause.to_owned();
                g.failback_due = g.node != self.config.local;
                self.info(format!("Resource group {line}: {cause}."));
            }
            Notice::PartlyFound(found) => {
                for resource in found {
                    let text = format!("Resource {resource} is active, and should not be!");
                    self.log(Severity::Critical, text);
                }
            }
            Notice::Acquiring => self.info(format!("Acquiring resource group: {line}")),
            Notice::Releasing => self.info(format!("Releasing resource group: {line}")),
            Notice::Running | Notice::Stopped => {}
            Notice::Failed {
                resource,
                exit,
                reason,
            } => {
                self.start_failed(group, &resource, exit, &reason);
            }
            Notice::StopRetry { resource } => {
                self.info(format!("Retrying failed stop operation [{resource}]"));
            }
            Notice::NotCompliant { resource } => {
                let text = format!("Resource script for {resource} probably not LSB-compliant.");
                self.log(Severity::Error, text);
                let text = format!(
                    "It ({resource}) must report success when it is stopped although it \
                     doesn't run."
                );
                self.log(Severity::Error, text);
                self.log(Severity::Warning, "Machine reboot narrowly avoided!");
            }
            Notice::Unstoppable { resource } => self.unstoppable(&resource),
        }
        self.touch_if_changed(group);
    }

    fn start_failed(&mut self, group: usize, resource: &str, exit: Option<i32>, reason: &str) {
        let text = match exit {
            Some(code) => format!("Return code {code} from {resource}"),
            None => format!("{resource} did not start: {reason}"),
        };
        self.log(Severity::Error, text);
        let text = format!("Giving up resources due to failure of {resource}");
        self.log(Severity::Critical, text);
        self.groups[group].cause = format!("{resource} failed to start");
        self.touch(group);
    }

    fn unstoppable(&mut self, resource: &str) {
        let text = "Resource STOP failure. Reboot required!";
        self.log(Severity::Critical, text);
        self.log(Severity::Critical, "Killing heartbeat ungracefully!");
        let reason = format!("{resource} could not be stopped");
        self.phase = Phase::Gone;
        self.outputs.push_back(Output::Reboot { reason });
    }

    fn deliver(&mut self, now: Now, delivery: &Delivery) {
        let message = &delivery.message;
        let from = &delivery.from;
        if delivery.local {
            self.generation = messages::generation(message).or(self.generation.take());
        } else if let (Some(peer), Some(generation)) =
            (self.peers.get_mut(from), messages::generation(message))
        {
            peer.generation = Some(generation);
        }
        match (message.kind(), delivery.local) {
            (Some("starting"), false) => self.peer_starting(now, from, message),
            (Some("resource"), false) => self.peer_resource(now, from, message),
            (Some("ask_resources"), local) => self.asked(now, from, local, message),
            (Some("hb_takeover"), false) => self.takeover_asked(from, message),
            (Some("shutdone"), false) => self.peer_shut_down(from),
            (Some("stonith"), false) => self.peer_reset(now, from, message),
            (Some("ip-request"), false) => self.ip_requested(from, message),
            (Some("ip-request-resp"), false) => self.ip_answered(now, message),
            _ => {}
        }
        self.queue_rc_script(message);
    }

    /// Queues the administrator's own script for that type of message, if there is one.
    pub(super) fn queue_rc_script(&mut self, message: &Message) {
        let wanted = (message.kind()).is_some_and(|kind| self.config.rc_scripts.contains(kind));
        if !wanted {
            return;
        }
        if self.rc_queue.len() >= RC_QUEUE_MAX {
            let text = "Too many messages wait for their rc.d scripts: one is dropped.";
            self.log(Severity::Error, text);
            return;
        }
        self.rc_queue.push_back(message.clone());
    }

    /// One script of rc.d at a time, and none while resources move.
    ///
    /// Source: `spec/heartbeat-v1.md` section 2, script queue.
    fn run_rc_script(&mut self) {
        let busy = |job: &Job| matches!(job, Job::Group(_) | Job::RcScript);
        if self.jobs.values().any(busy) {
            return;
        }
        if let Some(message) = self.rc_queue.pop_front() {
            self.start_job(Job::RcScript, Work::RcScript { message });
        }
    }

    fn start_job(&mut self, job: Job, work: Work) {
        let id = WorkId(self.next_work);
        self.next_work += 1;
        self.jobs.insert(id, job);
        self.outputs.push_back(Output::Run(id, work));
    }

    /// Starts the reset of a node.
    pub(super) fn start_stonith(&mut self, node: &NodeName) {
        let work = Work::Stonith { node: node.clone() };
        self.start_job(Job::Stonith(node.clone()), work);
    }

    /// Has each address of a group announced once more, unless that is under way.
    pub(super) fn announce_group(&mut self, group: usize) {
        for resource in self.groups[group].resources.clone() {
            let same = |job: &Job| matches!(job, Job::Announce(other) if *other == resource);
            if self.jobs.values().any(same) {
                continue;
            }
            let work = Work::Announce {
                resource: resource.clone(),
            };
            self.start_job(Job::Announce(resource), work);
        }
    }

    /// True while it isn't known yet what ran here before the daemon.
    pub(super) fn is_probing(&self) -> bool {
        let probing = |g: &GroupRun| matches!(g.run, Run::Probing { .. });
        self.groups.iter().any(probing)
    }

    /// True while an action of a resource runs.
    pub(super) fn is_acting(&self) -> bool {
        self.groups.iter().any(|g| g.busy.is_some())
    }

    pub(super) fn send(&mut self, message: Message) {
        self.outputs.push_back(Output::Send(message));
    }

    pub(super) fn released(&mut self) {
        self.phase = Phase::Gone;
        self.outputs.push_back(Output::Released);
    }

    pub(super) fn log(&mut self, severity: Severity, text: impl Into<String>) {
        self.outputs.push_back(Output::Log(severity, text.into()));
    }

    pub(super) fn info(&mut self, text: impl Into<String>) {
        self.log(Severity::Info, text);
    }

    /// The earliest time at which something is to be done without further input.
    fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let mut times: Vec<Instant> = Vec::new();
        match self.phase {
            Phase::Gone => return None,
            Phase::Joining { until, ask_at } => times.extend([until, ask_at]),
            Phase::Left { at } => times.push(at),
            Phase::Init | Phase::Stable | Phase::Leaving => {}
        }
        times.extend(self.groups.iter().filter_map(GroupRun::poll_timeout));
        times.extend(self.retry_times());
        times.extend(self.peer_times());
        times.extend(self.standby.poll_timeout());
        times.extend(self.audit.poll_timeout());
        times.extend(self.ipfail.as_ref().and_then(Ipfail::poll_timeout));
        if self.phase != Phase::Init {
            times.push(self.refresh_at);
        }
        times.into_iter().filter(|time| *time > now).min()
    }

    /// Latest message of a resource action, for the picture.
    pub(super) fn action_of(&self, group: usize) -> Option<String> {
        let (resource, action): &(String, Action) = self.groups[group].busy.as_ref()?;
        Some(format!("{resource} {action}"))
    }
}

/// ipfail, where ha.cf has it and auto_failback allows it.
///
/// Source: heartbeat 3.0.6, ipfail: "auto_failback set to incompatible legacy option."
fn ipfail_of(config: &Config) -> Option<Ipfail> {
    let pings = config.ipfail.as_ref()?;
    let failback = config.auto_failback == AutoFailback::On;
    let nice = config.auto_failback.is_nice();
    nice.then(|| Ipfail::new(config.local.clone(), pings, config.keepalive, failback))
}

/// The groups of haresources, and a stand-in for each node that has none.
///
/// A key that comes twice gets its node behind it, so that each is unique.
fn group_runs(nodes: &[NodeName], groups: &[Group]) -> Vec<GroupRun> {
    let mut runs: Vec<GroupRun> = Vec::new();
    for group in groups {
        let mut key = group.key().to_owned();
        while runs.iter().any(|run| run.key == key) {
            key = format!("{key}@{}", group.node);
        }
        runs.push(GroupRun::new(
            key,
            group.node.clone(),
            group.resources.clone(),
        ));
    }
    for node in nodes {
        if groups.iter().all(|g| g.node != *node) {
            let key = format!("~{node}");
            runs.push(GroupRun::new(key, node.clone(), Vec::new()));
        }
    }
    runs
}

/// Time that others get to speak. Source: heartbeat 3.0.6, timer of state RSCRCVD.
pub(super) const SPEAK_TIMEOUT: Duration = Duration::from_secs(10);
