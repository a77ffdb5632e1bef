//! The fencer: takes nodes from what is shared, so that others may have it.
//!
//! One machine per node, the same on both messaging layers. What is asked of one node is led by
//! that node; which node uses a device is chosen among those that have it.
//!
//! ```text
//!  DC, tools --fence--> leader --FenceQuery--> all
//!    each: Registry covers the target? (asks agents: Run list, status)  --FenceableBy--> leader
//!    leader: Plan, level by level, device by device --FenceStart--> one node
//!      that node: delay, queue of the device, Run, tries --FenceResult--> leader
//!    leader --FenceResult, last--> all: history, controllers (Over), tools (Answer)
//! ```
//!
//! Called by the daemon, which runs the agents. No I/O here. All nodes see all messages in one
//! order, so all have the same history, and know what a leader that died left open: what a node
//! still does for it counts when it ends well and nothing more had to be done; the rest failed.
//!
//! Source: spec crm-runtime.md section 9; where it differs, the place says so. Differs: a request
//! that can't be told from one under way waits for that one, whoever asked.

mod ask;
mod cover;
mod device;
mod history;
mod lead;
mod plan;
mod registry;
mod support;
#[cfg(test)]
mod tests;
mod vigil;
mod work;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

pub use ask::{Answer, Order};
pub use device::{Call, Covers, Device, Way, devices};
pub use history::{HUMAN, History};
pub use plan::{Level, LevelTarget, Step, Topology, steps};
pub use registry::{Registry, WATCHDOG};
pub use support::Support;
pub use vigil::Feeding;

use crate::cib::Document;
use crate::executor::Status;
use crate::ids::NodeId;
use crate::messaging::{Member, Membership};
use crate::proto::heartbeat::Severity;
use crate::proto::rng::Rng;
use crate::time::{Instant, Now};
use crate::wire::crm::{FenceResult, FenceTicket, Message};
use cover::Survey;
use history::Over;
use lead::Lead;
use vigil::Vigil;
use work::Work;

/// Number of a run of an agent.
pub type JobId = u64;

/// What the daemon must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send it to all members, this node too, in the order of all.
    Send(Message),
    /// Run an agent and bring back what came of it, within this time.
    Run {
        /// Its number.
        job: JobId,
        /// The agent.
        call: Call,
        /// How long it may take.
        timeout: Duration,
    },
    /// The answer to a tool.
    Answer {
        /// Which asked with this number.
        asker: u64,
        /// The answer.
        answer: Answer,
    },
    /// A fencing is over: for the controller.
    Over(FenceResult),
    /// Something for this node's watchdog device.
    Watchdog(Feeding),
    /// A line of the log.
    Log(Severity, String),
}

/// What came of an agent's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; none if it was killed, or could not be run.
    pub exit: Option<i32>,
    /// Whether it was carried out.
    pub status: Status,
    /// What it printed.
    pub output: String,
    /// Its last words, or why it could not be run.
    pub reason: String,
}

impl Ended {
    fn is_success(&self) -> bool {
        self.exit == Some(0) && self.status == Status::Done
    }
}

/// What a run is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Job {
    /// What an agent can do.
    Metadata { agent: String },
    /// What a device can fence.
    List { device: String },
    /// Whether a node's port is known to a device.
    Status { device: String, target: String },
    /// A device does something to a node.
    Fence { task: u64 },
    /// For a tool.
    Tool { asker: u64, list: bool },
}

/// A node's fencer.
#[derive(Debug)]
pub struct Fencer {
    local: NodeId,
    name: String,
    rng: Rng,
    registry: Registry,
    members: Vec<Member>,
    /// Requests that are led here.
    leads: BTreeMap<FenceTicket, Lead>,
    /// Tools that wait for the end of a request.
    waiting: BTreeMap<FenceTicket, Vec<u64>>,
    /// Questions of who can that are not answered yet.
    surveys: Vec<Survey>,
    work: Work,
    vigil: Vigil,
    history: History,
    history_asked: ask::HistoryAsked,
    jobs: BTreeMap<JobId, Job>,
    counted: u64,
    outputs: VecDeque<Output>,
}

impl Fencer {
    /// A fencer without devices. The seed must be another one at each start.
    pub fn new(local: NodeId, name: &str, seed: u64) -> Self {
        Self {
            local,
            name: name.to_owned(),
            rng: Rng::new(seed),
            registry: Registry::default(),
            members: Vec::new(),
            leads: BTreeMap::new(),
            waiting: BTreeMap::new(),
            surveys: Vec::new(),
            work: Work::default(),
            vigil: Vigil::new(local),
            history: History::default(),
            history_asked: ask::HistoryAsked::default(),
            jobs: BTreeMap::new(),
            counted: 0,
            outputs: VecDeque::new(),
        }
    }

    /// This node has a watchdog with this time-out, or none; whether no two parts of the cluster
    /// can have quorum at once. Before the first configuration.
    pub fn equip(&mut self, watchdog: Option<Duration>, exclusive_quorum: bool) {
        self.vigil.equip(watchdog, exclusive_quorum);
    }

    /// The configuration is this one.
    pub fn configure(&mut self, cib: &Document) {
        self.registry.configure(cib, &self.name);
        if let Some(text) = self.vigil.configure(cib) {
            self.log(Severity::Error, text);
        }
    }

    /// This node's watchdog is armed, or can't be.
    pub fn watchdog_opened(&mut self, now: Now, well: bool) {
        self.vigil.opened(now, well);
        self.watch(now);
    }

    /// The devices and levels.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What was fenced.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// A device was started on this node, or stopped.
    pub fn set_active(&mut self, device: &str, active: bool) {
        self.registry.set_active(device, active);
    }

    /// The membership changed.
    pub fn handle_membership(&mut self, now: Now, membership: &Membership) {
        let old = std::mem::replace(&mut self.members, membership.members.clone());
        let is_new = |member: &&Member| !old.iter().any(|o| o.id == member.id);
        let stayed = self
            .members
            .iter()
            .filter(|m| !is_new(m))
            .map(|m| m.id)
            .min();
        let somebody_new = self.members.iter().any(|m| is_new(&m));
        let is_empty = self.history.records().is_empty();
        if somebody_new && stayed == Some(self.local) && !is_empty {
            self.tell_history();
        }
        self.answer_history();
        self.vigil.handle_membership(now, membership);
        self.stop_waiting_for_returned(now);
        self.end_leaderless(now);
        self.go_on_without_lost(now);
        self.watch(now);
    }

    /// The signs of life and the feeding that are due.
    fn watch(&mut self, now: Now) {
        if let Some(sign) = self.vigil.sign(now) {
            self.send(Message::Vigil(sign));
        }
        let (feeding, text) = self.vigil.feeding(now);
        self.outputs.extend(feeding.map(Output::Watchdog));
        if let Some(text) = text {
            self.log(Severity::Critical, text);
        }
    }

    fn tell_history(&mut self) {
        let records = self.history.records().to_vec();
        self.send(Message::FenceHistory(records));
    }

    /// A message came, in its place of the order of all; what isn't the fencer's is passed over.
    pub fn handle_message(&mut self, now: Now, from: NodeId, message: Message) {
        match message {
            Message::FenceQuery(query) => self.handle_query(now, from, query),
            Message::FenceableBy(answer) => self.handle_fenceable_by(now, from, answer),
            Message::FenceStart(start) => self.handle_start(now, start),
            Message::FenceResult(result) if result.last => self.handle_over(&result),
            Message::FenceResult(result) => self.handle_step_result(now, from, &result),
            Message::FenceHistory(records) => {
                let members: Vec<NodeId> = self.members.iter().map(|m| m.id).collect();
                self.history.merge(records, |id| members.contains(&id));
                self.answer_settled();
                self.history_asked.silent.remove(&from);
                self.answer_history();
            }
            Message::FenceHistoryWanted => self.tell_history(),
            Message::Vigil(sign) => {
                let feeding = self.vigil.handle_sign(from, sign);
                self.outputs.extend(feeding.map(Output::Watchdog));
                self.watch(now);
            }
            Message::FenceCleanup { target } => self.history.clean_up(target.as_deref()),
            _ => {}
        }
    }

    /// An agent's run ended.
    pub fn handle_ended(&mut self, now: Now, job: JobId, ended: Ended) {
        let Some(job) = self.jobs.remove(&job) else {
            return;
        };
        match job {
            Job::Fence { task } => self.task_ran(now, task, &ended),
            Job::Tool { asker, list } => self.answer_run(asker, list, ended),
            looked => {
                self.looked(now, looked, &ended);
                self.advance_surveys(now);
            }
        }
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let leads = self.leads.values().map(Lead::due);
        let others = [self.work.due(), self.vigil.due()];
        leads.chain(others.into_iter().flatten()).min()
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.begin_tasks(now);
        self.end_overdue(now);
        self.watch(now);
    }

    /// The next thing to do; until none after any input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// A request is over: for the history, the controller and the tools.
    fn handle_over(&mut self, result: &FenceResult) {
        self.leads.remove(&result.ticket);
        if result.delegate == HUMAN {
            return self.handle_confirmed(result);
        }
        for over in self.history.end(result) {
            self.tell_over(&over);
        }
    }

    fn tell_over(&mut self, over: &Over) {
        let Over { record, device } = over;
        let well = record.exit == 0 && record.status == Status::Done as i32;
        let outcome = match well {
            true => "OK (complete)".to_owned(),
            false => format!("Error ({})", record.reason),
        };
        let by = match &*record.delegate {
            "" => "unknown node",
            name => name,
        };
        let text = format!(
            "Operation '{}' targeting {} by {by} for {}@{}: {outcome} | id={}",
            record.action,
            record.target,
            record.client,
            record.origin,
            id_of(&record.ticket)
        );
        let severity = if well {
            Severity::Notice
        } else {
            Severity::Error
        };
        self.log(severity, text);
        self.outputs.push_back(Output::Over(FenceResult {
            ticket: record.ticket.clone(),
            last: true,
            device: device.clone(),
            target: record.target.clone(),
            action: record.action.clone(),
            client: record.client.clone(),
            exit: record.exit,
            status: record.status,
            reason: record.reason.clone(),
            unix_s: record.completed_s,
            delegate: record.delegate.clone(),
        }));
        for asker in self.waiting.remove(&record.ticket).unwrap_or_default() {
            let answer = Answer::Ended {
                exit: record.exit,
                status: record.status,
                reason: record.reason.clone(),
            };
            self.outputs.push_back(Output::Answer { asker, answer });
        }
    }

    /// Tools that wait for what turned out to be over, or is not known to anybody any more.
    fn answer_settled(&mut self) {
        let history = &self.history;
        let over = self.waiting.keys().filter_map(|ticket| {
            let record = history.get(ticket).filter(|r| !r.state.is_pending())?;
            Some(record.clone())
        });
        for record in over.collect::<Vec<_>>() {
            let device = String::new();
            self.tell_over(&Over { record, device });
        }
    }

    fn send(&mut self, message: Message) {
        self.outputs.push_back(Output::Send(message));
    }

    fn log(&mut self, severity: Severity, text: String) {
        self.outputs.push_back(Output::Log(severity, text));
    }

    fn run(&mut self, job: Job, call: Call, timeout: Duration) -> JobId {
        self.counted += 1;
        let id = self.counted;
        self.jobs.insert(id, job);
        self.outputs.push_back(Output::Run {
            job: id,
            call,
            timeout,
        });
        id
    }

    fn is_member(&self, id: NodeId) -> bool {
        self.members.iter().any(|member| member.id == id)
    }

    fn name_of(&self, id: NodeId) -> String {
        let member = self.members.iter().find(|member| member.id == id);
        member.map_or_else(|| format!("node {id}"), |member| member.name.clone())
    }

    fn is_called(&self, id: NodeId, name: &str) -> bool {
        let mut members = self.members.iter();
        members.any(|member| member.id == id && member.name.eq_ignore_ascii_case(name))
    }
}

/// A ticket as people see it.
pub fn id_of(ticket: &FenceTicket) -> String {
    format!("{}-{:016x}", ticket.origin, ticket.number)
}
