//! The controller with all that it needs: messaging below, agents and disk beside, tools above.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::agents::{self, Ended};
use super::alerts::Alerts;
use super::clients;
use super::clients::{Clients, Waiting};
use super::fencing::{self, Fenced};
use super::history::History;
use super::inputs::Inputs;
use super::load;
use super::protocol::Reply;
use super::scheduling::{self, Scheduled};
use super::store::Files;
use super::watchdog::{Dog, Settings};
use crate::cib::Document;
use crate::cib::operation::Change;
use crate::controller::{self, Controller, Output, journal};
use crate::executor::{self, Class, RunId};
use crate::fencer::{self, Fencer};
use crate::ids::NodeId;
use crate::messaging::{self, Event, MessagingLayer};
use crate::proto::heartbeat::Severity;
use crate::runtime::log::Logger;
use crate::runtime::unix_server::ClientEvent;
use crate::time::{Instant, Now};
use crate::wire::crm::Message;

/// Why the daemon has to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It left in order.
    Left,
    /// Another node fenced this one: what it runs may run elsewhere.
    Fenced,
    /// Its software doesn't work with the DC's.
    Refused,
}

/// Work that ended beside the loop.
#[derive(Debug)]
pub enum Work {
    /// An agent.
    Ended(Box<Ended>),
    /// The scheduler.
    Scheduled(Box<Scheduled>),
    /// A fence device.
    Fenced(Box<Fenced>),
    /// A tool.
    Tool(ClientEvent),
}

/// An agent's run under way.
#[derive(Debug)]
struct Run {
    agent: executor::Agent,
    operation: executor::Operation,
    _leash: agents::Leash,
}

/// What a CRM stands on.
#[derive(Debug)]
pub struct Below {
    /// What carries its messages.
    pub layer: MessagingLayer,
    /// No two parts of the cluster can have quorum at once.
    pub exclusive_quorum: bool,
}

/// The CRM of a node.
#[derive(Debug)]
pub struct Crm {
    controller: Controller,
    config: controller::Config,
    messaging: MessagingLayer,
    files: Files,
    inputs: Arc<Inputs>,
    log: Logger,
    clients: Clients,
    runs: BTreeMap<RunId, Run>,
    catalogue: agents::Catalogue,
    leftovers: agents::Leftovers,
    history: History,
    alerts: Alerts,
    load: load::Watch,
    fencer: Fencer,
    dog: Dog,
    end: Option<End>,
    ended: (mpsc::UnboundedSender<Ended>, mpsc::UnboundedReceiver<Ended>),
    scheduled: (
        mpsc::UnboundedSender<Scheduled>,
        mpsc::UnboundedReceiver<Scheduled>,
    ),
    fenced: (
        mpsc::UnboundedSender<Fenced>,
        mpsc::UnboundedReceiver<Fenced>,
    ),
}

impl Crm {
    /// Reads the disk and opens the socket for tools. The term of `config` is read, too.
    ///
    /// Errors: folders or the socket can't be made.
    pub fn start(
        mut config: controller::Config,
        below: Below,
        log: Logger,
        now: Now,
    ) -> std::io::Result<Self> {
        let files = Files::open(log.clone())?;
        config.term = files.term();
        let (leftovers, told) = agents::Leftovers::read();
        for text in told {
            log.log(Severity::Notice, text);
        }
        let (mut history, why) = History::open(&config.name);
        if let Some(why) = why {
            log.log(Severity::Warning, why);
        }
        let version = config.version.clone();
        history.note(now.unix_s, journal::Event::Started { version });
        let controller = Controller::new(config.clone(), files.load(), now);
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(std::io::Error::other)?;
        let fencer = Fencer::new(config.local, &config.name, u64::from_le_bytes(seed));
        let mut crm = Self {
            controller,
            config,
            messaging: below.layer,
            files,
            inputs: Arc::default(),
            clients: Clients::open()?,
            runs: BTreeMap::new(),
            catalogue: agents::Catalogue::default(),
            leftovers,
            history,
            alerts: Alerts::new(log.clone()),
            load: load::Watch::new(now.mono),
            fencer,
            dog: Dog::new(Settings::read(), log.clone()),
            end: None,
            ended: mpsc::unbounded_channel(),
            scheduled: mpsc::unbounded_channel(),
            fenced: mpsc::unbounded_channel(),
            log,
        };
        crm.count_nodes();
        crm.know_quorum(below.exclusive_quorum);
        let cib = crm.controller.cib();
        crm.alerts.configure(cib, now.unix_s);
        crm.fencer.configure(cib);
        Ok(crm)
    }

    /// Whether two parts of the cluster can have quorum at once, so that no watchdog counts.
    pub fn know_quorum(&mut self, exclusive: bool) {
        self.fencer.equip(self.dog.timeout(), exclusive);
    }

    /// The controller.
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// Why the daemon has to end, if it has to.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let all = [
            self.controller.poll_timeout(),
            self.messaging.poll_timeout(),
            self.fencer.poll_timeout(),
            Some(self.load.due()),
        ];
        all.into_iter().flatten().min()
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.messaging.handle_timeout(now);
        self.controller.handle_timeout(now);
        self.fencer.handle_timeout(now);
        if let Some(load) = self.load.look(now.mono) {
            self.controller.handle_load(now, load);
        }
        self.settle(now);
    }

    /// The cluster is to have so many nodes, where that is known.
    pub fn expect_nodes(&mut self, nodes: Option<usize>) {
        self.config.nodes = nodes;
        self.controller.expect_nodes(nodes);
    }

    /// The messaging layer hears something of its driver.
    pub fn hear(&mut self, now: Now, tell: impl FnOnce(&mut MessagingLayer)) {
        tell(&mut self.messaging);
        self.settle(now);
    }

    /// The messaging layer.
    pub fn messaging(&self) -> &MessagingLayer {
        &self.messaging
    }

    /// What the driver of the messaging layer must do next; until none after any input.
    pub fn poll_output(&mut self) -> Option<messaging::Output> {
        self.messaging.poll_output()
    }

    /// Waits for work that ended; what tools say waits unless `takes_more`. Cancel-safe.
    pub async fn work(&mut self, takes_more: bool) -> Work {
        tokio::select! {
            Some(ended) = self.ended.1.recv() => Work::Ended(Box::new(ended)),
            Some(scheduled) = self.scheduled.1.recv() => Work::Scheduled(Box::new(scheduled)),
            Some(fenced) = self.fenced.1.recv() => Work::Fenced(Box::new(fenced)),
            event = self.clients.event(takes_more) => Work::Tool(event),
        }
    }

    /// Takes it up.
    pub fn handle_work(&mut self, now: Now, work: Work) {
        match work {
            Work::Ended(ended) => self.agent_ended(now, *ended),
            Work::Scheduled(scheduled) => {
                let file = scheduled.input.display().to_string();
                self.controller
                    .handle_scheduled(now, scheduled.number, &scheduled.graph, &file);
            }
            Work::Fenced(fenced) => self.fencer.handle_ended(now, fenced.job, fenced.ended),
            Work::Tool(event) => clients::handle(self, now, event),
        }
        self.settle(now);
    }

    fn agent_ended(&mut self, now: Now, ended: Ended) {
        if let Some(Run {
            agent, operation, ..
        }) = self.runs.remove(&ended.run)
        {
            if agent.class == Class::Stonith && ended.outcome.exit == executor::Exit::OK {
                self.note_device(&operation);
            }
            if let Some(metadata) = &ended.metadata {
                self.controller.learn(agent, metadata);
            }
        }
        self.controller
            .handle_finished(now, ended.run, ended.outcome);
    }

    fn note_device(&mut self, operation: &executor::Operation) {
        let name = operation.key.resource.to_string();
        match &*operation.key.action {
            "start" => self.fencer.set_active(&name, true),
            "stop" => self.fencer.set_active(&name, false),
            _ => {}
        }
    }

    fn receive(&mut self, now: Now, event: Event) {
        match event {
            Event::Membership(membership) => {
                self.fencer.handle_membership(now, &membership);
                self.controller.handle_membership(now, membership);
            }
            Event::Message { from, message } => match Message::decode(&message) {
                Ok(message) if message.is_fencing() => {
                    self.fencer.handle_message(now, from, message);
                }
                Ok(message) => self.controller.handle_message(now, from, message),
                Err(error) => self.tell_unreadable(from, &error),
            },
            Event::Log(severity, text) => self.log.log(severity, text),
        }
    }

    fn tell_unreadable(&self, from: NodeId, error: &dyn std::fmt::Display) {
        let text = format!("A message of node {from} can't be read: {error}");
        self.log.log(Severity::Warning, text);
    }

    /// The messaging layer may count quorum against the nodes that the CIB has.
    fn count_nodes(&mut self) {
        let known = known_nodes(self.controller.cib());
        self.messaging.handle_known_nodes(known);
    }

    /// The node leaves in order.
    pub fn shut_down(&mut self, now: Now) {
        self.controller.shut_down(now);
        self.settle(now);
    }

    /// Carries out what the controller wants, and hands it what messaging has for it.
    fn settle(&mut self, now: Now) {
        loop {
            if let Some(output) = self.controller.poll_output() {
                self.carry_out(now, output);
            } else if let Some(output) = self.fencer.poll_output() {
                self.carry_out_fencing(now, output);
            } else if let Some(event) = self.messaging.poll_event() {
                self.receive(now, event);
            } else {
                return;
            }
        }
    }

    fn carry_out(&mut self, now: Now, output: Output) {
        match output {
            Output::Send(message) => self.messaging.send(now, message.encode()),
            Output::Schedule { number, cib } => {
                let done = self.scheduled.0.clone();
                let inputs = Arc::clone(&self.inputs);
                let log = self.log.clone();
                let begun = scheduling::compute(number, cib, now.unix_s, inputs, log, done);
                if let Err(error) = begun {
                    let text = format!("the scheduler can't be run: {error}");
                    self.log.log(Severity::Critical, text);
                }
            }
            Output::Execute(output) => self.execute(output),
            Output::Fence(order) => self.fencer.fence(now, order, None),
            Output::Answered { call, result } => self.clients.answer(call, result),
            Output::StateTold { number, state } => self.clients.tell_state(number, state),
            Output::Changed(changed) => {
                self.clients.tell_changed();
                if changed.change == Change::Configuration {
                    let cib = self.controller.cib();
                    self.files.keep(cib);
                    self.alerts.configure(cib, now.unix_s);
                    self.fencer.configure(cib);
                    self.count_nodes();
                }
            }
            Output::Term(term) => self.files.keep_term(term),
            Output::Fenced { by } => {
                let text = format!("We were allegedly just fenced by {by}!");
                self.log.log(Severity::Critical, text);
                self.end_because(
                    now,
                    End::Fenced,
                    format!("{by} says that it fenced this node"),
                );
            }
            Output::Leave => self.end_because(now, End::Left, "it left in order".to_owned()),
            Output::Refused => {
                let why = "its software doesn't work with the DC's".to_owned();
                self.end_because(now, End::Refused, why);
            }
            Output::Alert(event) => self.alerts.tell(&event),
            Output::Event(event) => {
                self.history.note(now.unix_s, event);
                self.clients.tell_changed();
            }
            Output::Log(severity, text) => self.log.log(severity, text),
        }
    }

    fn carry_out_fencing(&mut self, now: Now, output: fencer::Output) {
        match output {
            fencer::Output::Send(message) => self.messaging.send(now, message.encode()),
            fencer::Output::Run { job, call, timeout } => {
                let (log, done) = (self.log.clone(), self.fenced.0.clone());
                fencing::start(job, call, timeout, log, done);
            }
            fencer::Output::Answer { asker, answer } => self.answer_of_fencer(asker, answer),
            fencer::Output::Over(result) => {
                let from = result.ticket.origin;
                let message = Message::FenceResult(result);
                self.controller.handle_message(now, from, message);
                self.clients.tell_changed();
            }
            fencer::Output::Watchdog(feeding) => {
                if let Some(armed) = self.dog.carry_out(feeding) {
                    self.fencer.watchdog_opened(now, armed);
                }
            }
            fencer::Output::Log(severity, text) => self.log.log(severity, text),
        }
    }

    pub(super) fn answer_of_fencer(&mut self, asker: u64, answer: fencer::Answer) {
        let history = self.fencer.history();
        self.clients.tell_fencing(asker, answer, history);
    }

    pub(super) fn fencer(&mut self) -> &mut Fencer {
        &mut self.fencer
    }

    fn end_because(&mut self, now: Now, end: End, why: String) {
        self.history.note(now.unix_s, journal::Event::Ended { why });
        // What still runs on a node that counts as fenced has to end with its machine.
        if end == End::Left {
            self.dog.close();
        }
        self.end = Some(end);
    }

    fn execute(&mut self, output: executor::Output) {
        let (run, agent, operation) = match output {
            executor::Output::Run {
                run,
                agent,
                operation,
            } => (run, agent, operation),
            executor::Output::Abort(run) => return self.abort(run),
            executor::Output::Completed(_) => return,
        };
        let id = operation.key.resource.as_str();
        let active = self.fencer.registry().is_active(id);
        let job = agents::Job {
            run,
            agent: agent.clone(),
            operation: operation.clone(),
            active,
            catalogue: self.catalogue.clone(),
            leftovers: self.leftovers.clone(),
        };
        let leash = agents::start(job, self.controller.cib(), self.ended.0.clone());
        let run_under_way = Run {
            agent,
            operation,
            _leash: leash,
        };
        self.runs.insert(run, run_under_way);
    }

    /// A look at a resource that nobody waits for is ended, so that what follows needn't wait for
    /// it; what changes a resource is left to end by itself, within its time.
    fn abort(&mut self, run: RunId) {
        let only_looks = |run: &Run| run.operation.key.is_recurring();
        if self.runs.get(&run).is_some_and(only_looks) {
            self.runs.remove(&run);
        }
    }

    pub(super) fn parts(&mut self) -> (&mut Controller, &mut Clients) {
        (&mut self.controller, &mut self.clients)
    }

    pub(super) fn reply(&mut self, client: u64, reply: &Reply) {
        self.clients.send(client, reply);
    }

    pub(super) fn wait_for(&mut self, call: u64, waiting: Waiting) {
        self.clients.wait_for(call, waiting);
    }

    pub(super) fn version(&self) -> &str {
        &self.config.version
    }

    pub(super) fn local_name(&self) -> &str {
        &self.config.name
    }
}

/// How many nodes a cluster should have: what an administrator wrote, else those in the CIB, two
/// at least.
///
/// Source: pacemaker 1.1, `expected-quorum-votes`, which its plugin in corosync counted against.
/// Only schemas before 3.0 have it.
fn known_nodes(cib: &Document) -> usize {
    let root = cib.root_element();
    let sets = root.find(&["configuration", "crm_config"]);
    let sets = sets.into_iter().flat_map(|config| config.children());
    let written = sets.flat_map(|set| set.children()).find_map(|pair| {
        let expected = pair.attr("name") == Some("expected-quorum-votes");
        pair.attr("value").filter(|_| expected)?.parse().ok()
    });
    let listed = || {
        let nodes = root.find(&["configuration", "nodes"]);
        let nodes = nodes.into_iter().flat_map(|nodes| nodes.children());
        let counts =
            |kind: Option<&str>| kind.is_none_or(|kind| matches!(kind, "member" | "normal"));
        nodes
            .filter(|node| counts(node.attr("type")))
            .count()
            .max(2)
    };
    written.unwrap_or_else(listed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cib::reader;

    #[test]
    fn nodes_are_those_of_the_cib_unless_somebody_wrote_how_many() {
        let known = |config: &str, nodes: &str| {
            let cib = format!(
                "<cib><configuration><crm_config><cluster_property_set id='o'>{config}\
                 </cluster_property_set></crm_config><nodes>{nodes}</nodes></configuration></cib>"
            );
            known_nodes(&reader::read(&cib).unwrap())
        };
        let node = |id: u32, kind: &str| format!("<node id='{id}' uname='n{id}'{kind}/>");
        let three = (1..4).map(|id| node(id, "")).collect::<String>();
        let remote = node(4, " type='remote'");
        assert_eq!(known("", &format!("{three}{remote}")), 3);
        assert_eq!(
            known("", &node(1, " type='member'")),
            2,
            "as the plugin begins"
        );
        let written = "<nvpair id='e' name='expected-quorum-votes' value='5'/>";
        assert_eq!(known(written, &three), 5);
        assert_eq!(known_nodes(&Document::new("cib")), 2);
    }
}
