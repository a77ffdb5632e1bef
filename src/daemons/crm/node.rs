//! The controller with all that it needs: the ring below, agents and disk beside, tools above.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::agents::{self, Ended};
use super::clients::{Clients, Waiting};
use super::fencing::{self, Fenced};
use super::history::History;
use super::inputs::Inputs;
use super::protocol::Reply;
use super::scheduling::{self, Scheduled};
use super::store::Files;
use super::{carrier, clients};
use crate::controller::journal::Event;
use crate::controller::{self, Controller, Member, Membership, Output};
use crate::daemons::corosync::{Event as RingEvent, Ring};
use crate::executor::{self, Class, RunId};
use crate::ids::{MembershipId, NodeId};
use crate::proto::cpg::{self, ClientId};
use crate::proto::heartbeat::Severity;
use crate::runtime::log::Logger;
use crate::runtime::unix_server::ClientEvent;
use crate::time::{Instant, Now};
use crate::wire::cluster::CpgName;
use crate::wire::crm::{FenceResult, FenceTicket, Message};

/// The CRM's place among the clients of groups; those of tools are counted from 1.
const CLIENT: ClientId = ClientId(0);

/// What a CRM is told before it starts.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The controller's part; the term is read from disk.
    pub controller: controller::Config,
    /// Names of nodes by number.
    pub names: BTreeMap<NodeId, String>,
    /// There is quorum without votes: no provider is configured.
    pub always_quorate: bool,
}

/// Why the daemon has to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It left in order.
    Left,
    /// Another node fenced this one: what it runs may run elsewhere.
    Fenced,
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

/// The CRM of a node.
#[derive(Debug)]
pub struct Crm {
    controller: Controller,
    setting: Setting,
    assembly: carrier::Assembly,
    files: Files,
    inputs: Arc<Inputs>,
    log: Logger,
    clients: Clients,
    runs: BTreeMap<RunId, Run>,
    catalogue: agents::Catalogue,
    leftovers: agents::Leftovers,
    history: History,
    /// Fence devices that were started here.
    devices: BTreeSet<String>,
    fences: u64,
    ring_seq: u64,
    quorate: bool,
    group: Vec<NodeId>,
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
    /// Reads the disk, opens the socket for tools, joins the group.
    ///
    /// Errors: folders or the socket can't be made.
    pub fn start(
        mut setting: Setting,
        ring: &mut Ring,
        log: Logger,
        now: Now,
    ) -> std::io::Result<Self> {
        let files = Files::open(log.clone())?;
        setting.controller.term = files.term();
        let (leftovers, told) = agents::Leftovers::read();
        for text in told {
            log.log(Severity::Notice, text);
        }
        let (mut history, why) = History::open(&setting.controller.name);
        if let Some(why) = why {
            log.log(Severity::Warning, why);
        }
        history.note(
            now.unix_s,
            Event::Started {
                version: setting.controller.version.clone(),
            },
        );
        let controller = Controller::new(setting.controller.clone(), files.load(), now);
        let crm = Self {
            controller,
            assembly: carrier::Assembly::default(),
            files,
            inputs: Arc::default(),
            clients: Clients::open()?,
            runs: BTreeMap::new(),
            catalogue: agents::Catalogue::default(),
            leftovers,
            history,
            devices: BTreeSet::new(),
            fences: 0,
            ring_seq: ring.srp().ring().seq,
            quorate: setting.always_quorate,
            setting,
            group: Vec::new(),
            end: None,
            ended: mpsc::unbounded_channel(),
            scheduled: mpsc::unbounded_channel(),
            fenced: mpsc::unbounded_channel(),
            log,
        };
        if let Ok(group) = CpgName::new(carrier::GROUP) {
            let joined = ring.with_groups(now, |g| g.join(CLIENT, std::process::id(), &group));
            joined.map_err(|refused| std::io::Error::other(format!("{refused:?}")))?;
        }
        Ok(crm)
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
        self.controller.poll_timeout()
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Now, ring: &mut Ring) {
        self.controller.handle_timeout(now);
        self.settle(now, ring);
    }

    /// Waits for work that ended. Cancel-safe.
    pub async fn work(&mut self) -> Work {
        tokio::select! {
            Some(ended) = self.ended.1.recv() => Work::Ended(Box::new(ended)),
            Some(scheduled) = self.scheduled.1.recv() => Work::Scheduled(Box::new(scheduled)),
            Some(fenced) = self.fenced.1.recv() => Work::Fenced(Box::new(fenced)),
            event = self.clients.event() => Work::Tool(event),
        }
    }

    /// Takes it up.
    pub fn handle_work(&mut self, now: Now, ring: &mut Ring, work: Work) {
        match work {
            Work::Ended(ended) => self.agent_ended(now, *ended),
            Work::Scheduled(scheduled) => {
                let (file, why) = scheduled.input;
                if let Some(why) = why {
                    self.log.log(Severity::Error, why);
                }
                let file = file.display().to_string();
                self.controller
                    .handle_scheduled(now, scheduled.number, &scheduled.graph, &file);
            }
            Work::Fenced(fenced) => self.tell_fenced(now, ring, *fenced),
            Work::Tool(event) => clients::handle(self, now, event),
        }
        self.settle(now, ring);
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
            "start" => drop(self.devices.insert(name)),
            "stop" => drop(self.devices.remove(&name)),
            _ => {}
        }
    }

    /// All nodes have to know that a node was fenced, or could not be.
    fn tell_fenced(&mut self, now: Now, ring: &mut Ring, fenced: Fenced) {
        self.fences += 1;
        let result = FenceResult {
            ticket: FenceTicket {
                origin: self.setting.controller.local,
                number: self.fences,
            },
            last: true,
            device: fenced.device,
            target: fenced.fence.target,
            action: fenced.fence.action,
            client: "crmd".to_owned(),
            exit: fenced.exit,
            status: fenced.status as i32,
            reason: fenced.reason,
            unix_s: now.unix_s,
        };
        self.send(now, ring, &Message::FenceResult(result));
    }

    /// Something happened on the ring.
    pub fn handle_event(&mut self, now: Now, ring: &mut Ring, event: &RingEvent) {
        match event {
            RingEvent::Ring { ring: name, .. } => self.ring_seq = name.seq,
            RingEvent::Verdict(verdict) => {
                let quorate = verdict.quorate || self.setting.always_quorate;
                if std::mem::replace(&mut self.quorate, quorate) != quorate {
                    self.tell_membership(now);
                }
            }
            RingEvent::Group(CLIENT, event) => self.handle_group(now, event),
            _ => {}
        }
        self.settle(now, ring);
    }

    fn handle_group(&mut self, now: Now, event: &cpg::Event) {
        match event {
            cpg::Event::Message { node, data, .. } => {
                let Some(message) = self.assembly.receive(*node, data) else {
                    return;
                };
                match Message::decode(&message) {
                    Ok(message) => self.controller.handle_message(now, *node, message),
                    Err(error) => {
                        let text = format!("A message of node {node} can't be read: {error}");
                        self.log.log(Severity::Warning, text);
                    }
                }
            }
            cpg::Event::Change { members, .. } => {
                let mut nodes: Vec<NodeId> = members.iter().map(|(node, _)| *node).collect();
                nodes.dedup();
                for gone in self.group.iter().filter(|node| !nodes.contains(node)) {
                    self.assembly.forget(*gone);
                }
                self.group = nodes;
                self.tell_membership(now);
            }
        }
    }

    fn tell_membership(&mut self, now: Now) {
        if !self.group.contains(&self.setting.controller.local) {
            return;
        }
        // The ring's number grows; within a ring the group tells one membership from the next.
        let mut hasher = DefaultHasher::new();
        self.group.hash(&mut hasher);
        let id = MembershipId(self.ring_seq << 24 | hasher.finish() & 0xff_ffff);
        let members = self.group.iter().map(|id| Member {
            id: *id,
            name: self.name_of(*id),
            uuid: id.to_string(),
        });
        let membership = Membership {
            id,
            members: members.collect(),
            quorate: self.quorate,
        };
        self.controller.handle_membership(now, membership);
    }

    fn name_of(&self, id: NodeId) -> String {
        let name = self.setting.names.get(&id).cloned();
        name.unwrap_or_else(|| format!("Node{id}"))
    }

    /// The node leaves in order.
    pub fn shut_down(&mut self, now: Now, ring: &mut Ring) {
        self.controller.shut_down(now);
        self.settle(now, ring);
    }

    /// Carries out what the controller wants.
    fn settle(&mut self, now: Now, ring: &mut Ring) {
        while let Some(output) = self.controller.poll_output() {
            self.carry_out(now, ring, output);
        }
    }

    fn carry_out(&mut self, now: Now, ring: &mut Ring, output: Output) {
        match output {
            Output::Send(message) => self.send(now, ring, &message),
            Output::Schedule { number, cib } => {
                let done = self.scheduled.0.clone();
                let inputs = Arc::clone(&self.inputs);
                if let Err(error) = scheduling::compute(number, cib, now.unix_s, inputs, done) {
                    let text = format!("the scheduler can't be run: {error}");
                    self.log.log(Severity::Critical, text);
                }
            }
            Output::Execute(output) => self.execute(output),
            Output::Fence(fence) => {
                fencing::start(fence, self.controller.cib(), self.fenced.0.clone());
            }
            Output::Answered { call, result } => self.clients.answer(call, result),
            Output::Changed(changed) => {
                if changed.change == crate::cib::operation::Change::Configuration {
                    self.files.keep(self.controller.cib());
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
            Output::Event(event) => self.history.note(now.unix_s, event),
            Output::Log(severity, text) => self.log.log(severity, text),
        }
    }

    fn end_because(&mut self, now: Now, end: End, why: String) {
        self.history.note(now.unix_s, Event::Ended { why });
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
        let active = self.devices.contains(operation.key.resource.as_str());
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

    fn send(&mut self, now: Now, ring: &mut Ring, message: &Message) {
        for piece in carrier::pieces(&message.encode()) {
            let sent = ring.with_groups(now, |groups| groups.multicast(CLIENT, piece));
            if let Err(refused) = sent {
                let text = format!("a message can't be sent: {refused:?}");
                self.log.log(Severity::Error, text);
                return;
            }
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

    pub(super) fn local_name(&self) -> &str {
        &self.setting.controller.name
    }
}
