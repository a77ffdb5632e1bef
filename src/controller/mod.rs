//! The controller: what a cluster of nodes does with its CIB.
//!
//! One machine per node, the same on both messaging layers. It owns the node's replica of the
//! CIB, its executor's queue, the transient attributes, and, on the DC, the transition.
//!
//! ```text
//!  messaging --handle_membership, handle_message--> Controller --Send--> messaging
//!  DC: Controller --Schedule--> scheduler --handle_scheduled--> Transition
//!      Transition --Invoke(message)--> a node --Run--> agents --handle_finished--> history
//!      history --Request(message)--> every replica --> the DC confirms the action
//! ```
//!
//! ```text
//!  S_STARTING -> S_ELECTION -> S_INTEGRATION -> S_FINALIZE_JOIN -> S_POLICY_ENGINE
//!                    |                              S_IDLE <- S_TRANSITION_ENGINE
//!                    +-------> S_NOT_DC                                the DC's
//! ```
//!
//! Called by the daemon, which carries out the outputs: it sends, runs agents, keeps the CIB on
//! disk, runs the scheduler beside, writes the log. No I/O here.
//!
//! Source: spec crm-runtime.md; where it differs, the place says so.

pub mod action;
mod alert;
mod ask;
pub mod election;
mod failure;
mod fencing;
mod history;
mod join;
pub mod journal;
pub mod key;
mod leader;
pub mod metadata;
mod results;
mod shutdown;
pub mod state;
mod status;
#[cfg(test)]
mod tests;
pub mod throttle;
mod tick;
pub mod transition;
mod work;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::alerts;
use crate::attributes::Attributes;
use crate::cib::Document;
use crate::cib::operation::{Change, Failure};
pub use crate::cib::options::value as option;
use crate::executor::{self, Executor, Outcome, RunId};
use crate::fencer::Order;
use crate::ids::NodeId;
pub use crate::messaging::{Member, Membership};
use crate::proto::heartbeat::Severity;
use crate::replica::{Changed, Replica};
use crate::time::{Instant, Now};
use crate::wire::crm::{AttributeChange, Message, Request};
use election::{Decision, Election};
use history::History;
use leader::Leader;
use metadata::Metadata;
use state::State;

/// What a controller has to know of its node.
#[derive(Debug, Clone)]
pub struct Config {
    /// The node's number in the messaging layer.
    pub local: NodeId,
    /// Its name.
    pub name: String,
    /// An id of this process that no other has: the last part of transition keys.
    pub transitioner: String,
    /// The number of [`Output::Term`] that was kept last, 0 at first.
    pub term: u64,
    /// How many nodes are configured, if that is known.
    pub nodes: Option<usize>,
    /// How long to wait for a DC, or for all configured nodes, before choosing one.
    pub dc_deadtime: Duration,
    /// How many operations this node runs at once, if the CIB doesn't say.
    pub jobs_max: u32,
    /// The same, whatever the CIB says.
    pub jobs_fixed: Option<u32>,
    /// What carries messages: `corosync` or `heartbeat (ccm)`.
    pub infrastructure: &'static str,
    /// Name of the cluster, if it has one.
    pub cluster_name: Option<String>,
    /// Version of this program, for `dc-version`.
    pub version: String,
    /// A watchdog or sbd resets this node if it hangs.
    pub have_watchdog: bool,
}

/// What the daemon must do.
#[derive(Debug)]
pub enum Output {
    /// Send it to all members, this node too, in the order of all.
    Send(Message),
    /// Compute a transition from this CIB and bring it back with the number.
    Schedule {
        /// Only the answer with the last number counts.
        number: u64,
        /// The CIB.
        cib: Document,
    },
    /// An agent is to run, or its run to end.
    Execute(executor::Output),
    /// A node has to be fenced.
    Fence(Order),
    /// The answer to a change of the CIB that was asked for here.
    Answered {
        /// Its number.
        call: u64,
        /// What came of it.
        result: Result<Change, Box<Failure>>,
    },
    /// The answer to [`Controller::ask_state`].
    StateTold {
        /// The number of the question.
        number: u64,
        /// The state of the controller that was asked.
        state: String,
    },
    /// The CIB is another one: for the disk, and for those who follow it.
    Changed(Box<Changed>),
    /// Keep this number on disk before anything else is done: it tells whose CIB is the right one
    /// after partitions.
    Term(u64),
    /// This node was fenced, says another: it must not go on.
    Fenced {
        /// By this one.
        by: String,
    },
    /// Leave the cluster; nothing runs here any more.
    Leave,
    /// This node's software doesn't work with the DC's: it can't stay.
    Refused,
    /// Something that alerts are told of.
    Alert(alerts::Event),
    /// A line of the log.
    Log(Severity, String),
    /// Something for the journal.
    Event(journal::Event),
}

/// A node's part in the CRM.
#[derive(Debug)]
pub struct Controller {
    config: Config,
    started: Instant,
    state: State,
    membership: Option<Membership>,
    election: Option<Election>,
    decision: Option<Decision>,
    dc: Option<NodeId>,
    /// Counts the memberships with quorum that the CIB went through.
    term: u64,
    replica: Replica,
    attributes: Attributes,
    executor: Executor,
    history: History,
    /// The CIB has what this node's executor did, and all have its attributes.
    is_known: bool,
    /// What the agents of this node say of themselves.
    metadata: BTreeMap<executor::Agent, Metadata>,
    /// There while this node is the DC.
    leader: Option<Leader>,
    /// What is asked of the CIB by the controller itself, by call.
    asked: BTreeMap<u64, ask::Purpose>,
    /// Requests of the attribute write under way, and whether all of them went well.
    attribute_write: Option<(BTreeSet<u64>, bool)>,
    /// Nodes that want to leave, or may.
    leaving: BTreeSet<NodeId>,
    /// Ids in the CIB of nodes that left as they wanted to.
    left: BTreeSet<String>,
    timers: tick::Timers,
    throttles: throttle::Throttles,
    /// This node wants to leave since.
    shutdown_since: Option<Instant>,
    /// [`Output::Leave`] is out.
    is_gone: bool,
    outputs: VecDeque<Output>,
}

impl Controller {
    /// A controller with the CIB of its disk.
    pub fn new(config: Config, cib: Document, now: Now) -> Self {
        let (local, name) = (config.local, config.name.clone());
        Self {
            term: config.term,
            config,
            started: now.mono,
            state: State::Starting,
            membership: None,
            election: None,
            decision: None,
            dc: None,
            replica: Replica::new(local, cib),
            attributes: Attributes::new(&name),
            executor: Executor::new(),
            history: History::default(),
            is_known: false,
            metadata: BTreeMap::new(),
            leader: None,
            asked: BTreeMap::new(),
            attribute_write: None,
            leaving: BTreeSet::new(),
            left: BTreeSet::new(),
            timers: tick::Timers::default(),
            throttles: throttle::Throttles::default(),
            shutdown_since: None,
            is_gone: false,
            outputs: VecDeque::new(),
        }
    }

    /// How far it is.
    pub fn state(&self) -> State {
        self.state
    }

    /// The DC, by name.
    pub fn dc(&self) -> Option<&str> {
        self.dc.and_then(|dc| self.name_of(dc))
    }

    /// The CIB as this node has it.
    pub fn cib(&self) -> &Document {
        self.replica.doc()
    }

    /// The members.
    pub fn membership(&self) -> Option<&Membership> {
        self.membership.as_ref()
    }

    /// Transient attributes, private ones too.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// Asks for a change of the CIB; its answer comes with the number.
    pub fn change(&mut self, now: Now, request: Request) -> u64 {
        let call = self.replica.change(request);
        self.settle(now);
        call
    }

    /// Asks for a change of attributes.
    pub fn change_attribute(&mut self, now: Now, change: AttributeChange) {
        self.attributes.change(change);
        self.settle(now);
    }

    /// So many nodes are configured, where that is known: when all are there a first election
    /// need not wait for more.
    pub fn expect_nodes(&mut self, nodes: Option<usize>) {
        self.config.nodes = nodes;
    }

    /// The membership or its quorum changed.
    pub fn handle_membership(&mut self, now: Now, membership: Membership) {
        self.join(now, membership);
        self.settle(now);
    }

    /// A message came, in its place of the order of all.
    pub fn handle_message(&mut self, now: Now, from: NodeId, message: Message) {
        self.receive(now, from, message);
        self.settle(now);
    }

    /// The scheduler's answer to the question of this number: the graph, and the file where its
    /// input was saved.
    pub fn handle_scheduled(&mut self, now: Now, number: u64, graph: &Document, saved: &str) {
        self.begin_transition(now, number, graph, saved);
        self.settle(now);
    }

    /// What an agent says of itself; the history of its resources speaks of it from now on.
    pub fn learn(&mut self, agent: executor::Agent, metadata: &Metadata) {
        if self.metadata.get(&agent) != Some(metadata) {
            self.metadata.insert(agent, metadata.clone());
        }
    }

    /// An agent's run ended.
    pub fn handle_finished(&mut self, now: Now, run: RunId, outcome: Outcome) {
        self.executor.handle_finished(now, run, outcome);
        self.settle(now);
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.tick(now);
        self.settle(now);
    }

    /// The next thing to do; until none after any `handle_*` and `change*`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn receive(&mut self, now: Now, from: NodeId, message: Message) {
        match message {
            Message::Vote(vote) => self.handle_vote(now, from, vote),
            Message::Sync { membership, cib } => self.handle_sync(now, from, membership, &cib),
            Message::Request(request) => self.replica.handle_request(from, request),
            Message::Confirm(confirm) => self.handle_confirm(now, from, confirm),
            Message::Invoke(invoke) => self.handle_invoke(now, from, invoke),
            Message::Attribute(change) => {
                let from = self.name_of(from).unwrap_or("a node that left").to_owned();
                self.attributes.handle_change(now, &from, change);
            }
            Message::AttributeSync(values) => {
                let from = self.name_of(from).unwrap_or("a node that left").to_owned();
                self.attributes.handle_sync(now, &from, values);
            }
            Message::Recount => self.handle_recount(now, from),
            Message::Ping { number } => {
                let generation = self.replica.generation();
                self.send(Message::Pong { number, generation });
            }
            Message::Pong { number, generation } => self.handle_pong(from, number, &generation),
            Message::StateWanted { number, node } => self.tell_state(from, number, node),
            Message::StateTold {
                asker,
                number,
                state,
            } if asker == self.config.local => {
                self.outputs.push_back(Output::StateTold { number, state });
            }
            Message::StateTold { .. } => {}
            Message::ShutdownWanted => self.handle_shutdown_wanted(now, from),
            Message::ShutdownGranted { node } => self.handle_shutdown_granted(now, from, node),
            Message::Acknowledge {
                transition_key,
                exit,
                status,
            } => self.handle_acknowledge(now, from, &transition_key, exit, status),
            Message::FenceResult(result) => self.handle_fence_result(now, &result),
            Message::Noted(text) => self.handle_noted(&text),
            Message::Throttle { mode, jobs_max } => self.handle_throttle(from, mode, jobs_max),
            // The fencer's own.
            Message::FenceQuery(_)
            | Message::FenceableBy(_)
            | Message::FenceStart(_)
            | Message::FenceHistory(_)
            | Message::FenceHistoryWanted
            | Message::FenceCleanup { .. }
            | Message::Vigil(_) => {}
        }
    }

    fn send(&mut self, message: Message) {
        self.outputs.push_back(Output::Send(message));
    }

    fn log(&mut self, severity: Severity, text: String) {
        self.outputs.push_back(Output::Log(severity, text));
    }

    fn enter(&mut self, state: State, input: &str) {
        if self.state == state {
            return;
        }
        let text = format!("State transition {} -> {state} | input={input}", self.state);
        self.state = state;
        self.log(Severity::Notice, text);
    }

    fn member(&self, id: NodeId) -> Option<&Member> {
        let members = &self.membership.as_ref()?.members;
        members.iter().find(|member| member.id == id)
    }

    fn member_named(&self, name: &str) -> Option<&Member> {
        let members = &self.membership.as_ref()?.members;
        members
            .iter()
            .find(|member| member.name.eq_ignore_ascii_case(name))
    }

    fn name_of(&self, id: NodeId) -> Option<&str> {
        self.member(id).map(|member| member.name.as_str())
    }

    /// This node's id in the CIB.
    fn uuid(&self) -> String {
        let member = self.member(self.config.local);
        member.map_or_else(
            || self.config.local.to_string(),
            |member| member.uuid.clone(),
        )
    }

    fn is_dc(&self) -> bool {
        self.leader.is_some()
    }
}
