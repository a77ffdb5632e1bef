//! The node: its machines, and how values pass between them and the drivers.
//!
//! ```text
//!  received -> open -> Cluster --Event--> Manager, Membership, Crm --Run--> Workshop
//!                         |                  |
//!                     Transmit             Send ---> Cluster
//!                         v
//!                   Sealed -> Media
//! ```

use super::membership::{Effect, Membership};
use super::refusals::Refusals;
use super::talk::Talk;
use super::work::Workshop;
use super::{crm, environment};
use crate::config::ha_cf::HaCf;
use crate::daemons::crm::{Crm, Work};
use crate::ids::NodeName;
use crate::proto::heartbeat::{Cluster, Event, NodeKind, NodeStatus, NodeView, Output, Severity};
use crate::proto::probe;
use crate::runtime::clock;
use crate::runtime::log::{Logger, RateLimit};
use crate::runtime::media::{Envelope, Media, Received, Sealed, Source};
use crate::runtime::watchdog::Watchdog;
use crate::time::Instant;
use crate::v1::{self, Guard, GuardConfig, Manager, WorkId, WorkResult};
use crate::wire::heartbeat::Message;
use crate::wire::heartbeat::auth::Keyring;
use crate::wire::heartbeat::{datagram, ping};

/// What the machines want of the daemon itself, beyond messages and work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Communication is up: sockets for clients, client children.
    Serve,
    /// All resources are released: the daemon may end.
    Released,
    /// The machine must be rebooted at once.
    Reboot(String),
    /// We were deleted from the cluster.
    Deleted,
    /// The node lists changed and are to be kept.
    StoreNodes,
    /// The manager is to go on after a hold.
    Release,
}

/// The machines and what they act on.
#[derive(Debug)]
pub struct Node {
    /// ha.cf.
    pub config: HaCf,
    /// The node protocol.
    pub cluster: Cluster,
    /// The haresources manager; none where a CRM has the resources or `-M` was given.
    pub manager: Option<Manager>,
    /// The manager is told nothing and asked nothing: another is about to take its resources.
    pub on_hold: bool,
    /// Speaks for a cluster that has left heartbeat, in the manager's place.
    pub guard: Option<Guard>,
    /// The consensus membership.
    pub membership: Membership,
    /// The CRM; none where haresources has the resources.
    pub crm: Option<Crm>,
    /// Keys.
    pub keyring: Keyring,
    /// How messages are put on the wire.
    pub envelope: Envelope,
    /// What was refused.
    pub refusals: Refusals,
    /// The media.
    pub media: Media,
    /// The log.
    pub log: Logger,
    /// Bounds the lines that packets draw.
    pub talk: Talk,
    /// The longest that a packet waited in our sockets: how far behind this machine was.
    pub longest_wait: std::time::Duration,
    /// Whose packet is being handled.
    pub speaker: Option<NodeName>,
    /// Runs scripts.
    pub workshop: Workshop,
    /// The watchdog device.
    pub watchdog: Option<Watchdog>,
    /// What the daemon must do; taken by it after each input.
    pub wishes: Vec<Wish>,
    /// What clients must hear; taken by the daemon after each input.
    pub events: Vec<Event>,
    /// Bounds the answers to `everbeat ping`.
    pub echoes: RateLimit,
    /// Datagram under construction.
    pub buffer: Vec<u8>,
}

impl Node {
    /// A packet came.
    pub fn handle_received(&mut self, received: &Received) {
        let waited = clock::mono().since(received.at);
        self.longest_wait = self.longest_wait.max(waited);
        let opened = match received.source {
            Source::Echo(_) => ping::open_echo(&received.bytes, &self.keyring),
            _ => datagram::open(&received.bytes, &self.keyring).map(|opened| opened.message),
        };
        let message = match opened {
            Ok(message) => message,
            Err(why) => {
                let log = self.config.log_badpack.then_some(&self.log);
                let from = (&received.link, &received.source);
                return self.refusals.refuse(clock::mono(), from, &why, log);
            }
        };
        if probe::is_probe(&message) {
            return self.answer_probe(&message, received);
        }
        self.speaker = message
            .text("src")
            .and_then(|name| NodeName::new(name).ok());
        self.cluster
            .handle_message(clock::now(), &received.link, message);
        self.pump();
        self.speaker = None;
    }

    /// Writes a line of a machine, within the limit of the node whose packet drew it.
    fn say(&mut self, severity: Severity, text: String) {
        let Some(speaker) = &self.speaker else {
            return self.log.log(severity, text);
        };
        match self.talk.allow(clock::mono(), speaker) {
            None => {}
            Some(0) => self.log.log(severity, text),
            Some(n) => {
                let text = format!("{text} ({n} lines that {speaker} drew were left out before)");
                self.log.log(severity, text);
            }
        }
    }

    /// `everbeat ping` of another node asks whether it is heard.
    fn answer_probe(&mut self, message: &Message, received: &Received) {
        let now = clock::now();
        let local = &self.cluster.config().local;
        if let Some(echo) = probe::answer(message, local, &received.link, now.unix_s)
            && self.echoes.allow(now.mono).is_some()
        {
            self.transmit(&echo);
        }
    }

    /// A message of a script (FIFO) or of an operator's tool.
    pub fn send(&mut self, message: Message) {
        self.hand_down(message);
        self.pump();
    }

    /// Gives a message to the node protocol, for the node in its `dest` or for all.
    fn hand_down(&mut self, message: Message) {
        let dest = message
            .text("dest")
            .and_then(|name| NodeName::new(name).ok());
        self.cluster.send(clock::now(), message, dest.as_ref());
    }

    /// A piece of work ended.
    pub fn handle_completed(&mut self, id: WorkId, result: WorkResult) {
        if let Some(manager) = self.manager_at_work() {
            manager.handle_completed(clock::now(), id, result);
        }
        self.pump();
    }

    /// Work of the CRM ended, or a tool asks it something.
    pub fn handle_crm_work(&mut self, work: Work) {
        if let Some(crm) = &mut self.crm {
            crm.handle_work(clock::now(), work);
        }
        self.pump();
    }

    /// The CRM is to leave: its resources move away. True if there is one.
    pub fn shut_down_crm(&mut self) -> bool {
        let Some(crm) = &mut self.crm else {
            return false;
        };
        crm.shut_down(clock::now());
        self.pump();
        true
    }

    /// An operator's command; the error says why it is refused.
    pub fn handle_command(&mut self, command: v1::Command) -> Result<(), String> {
        if self.on_hold {
            return Err("this node is on hold: everbeat migrate status says why".into());
        }
        let Some(manager) = &mut self.manager else {
            return Err("resources are not managed by haresources here".into());
        };
        let answer = manager.handle_command(clock::now(), command);
        self.pump();
        answer
    }

    fn manager_at_work(&mut self) -> Option<&mut Manager> {
        self.manager.as_mut().filter(|_| !self.on_hold)
    }

    /// Leaves all resources as they are until [`Self::release`].
    ///
    /// Other nodes go on hearing us, and what we said last of our resources stands. A node of
    /// `absent` that comes back meanwhile is told to go.
    ///
    /// Errors: something is on its way, and would be left half done.
    pub fn hold(&mut self, absent: Vec<NodeName>) -> Result<(), String> {
        match &self.manager {
            None => return Err("resources are not managed by haresources here".into()),
            Some(manager) if !self.on_hold && !manager.is_settled() => {
                return Err("resources are on their way: ask again when they have arrived".into());
            }
            Some(_) => {}
        }
        if !self.on_hold {
            let text = "On hold: resources stay as they are until this is released or ended.";
            self.log.log(Severity::Warning, text);
            let groups = self.manager.iter().flat_map(|m| m.view().groups);
            let keys = groups.map(|g| g.key).collect();
            self.cluster.keep_up(absent.clone());
            self.guard = (!absent.is_empty()).then(|| {
                Guard::new(GuardConfig {
                    absent,
                    keys,
                    claims: true,
                })
            });
        }
        self.on_hold = true;
        Ok(())
    }

    /// Ends a hold: the daemon executes itself again and looks at what runs.
    ///
    /// Errors: there is no hold.
    pub fn release(&mut self) -> Result<(), String> {
        if !self.on_hold {
            return Err("this node is not on hold".into());
        }
        self.wishes.push(Wish::Release);
        Ok(())
    }

    /// Says that we are here, out of turn.
    pub fn announce(&mut self) {
        self.cluster.announce(clock::now());
        self.pump();
    }

    /// Tells the members that this node is none any more.
    pub fn leave_membership(&mut self) {
        if let Some(crm) = &mut self.crm {
            crm::leave(crm, clock::now());
            self.pump();
        }
        self.membership.leave();
        self.pump();
    }

    /// Our last words: `dt` is raised by `extra` for a restart, so that nobody takes us for dead.
    pub fn leave(&mut self, extra: std::time::Duration) {
        self.cluster.leave(clock::now(), extra);
        self.pump();
    }

    /// Does what is due by now.
    pub fn handle_timeout(&mut self) {
        let now = clock::now();
        if self.cluster.poll_timeout().is_some_and(|at| at <= now.mono) {
            if let Ok(load) = std::fs::read_to_string("/proc/loadavg") {
                self.cluster.set_load(load.trim_end());
            }
            self.cluster.handle_timeout(now);
        }
        if let Some(manager) = self.manager_at_work()
            && manager.poll_timeout().is_some_and(|at| at <= now.mono)
        {
            manager.handle_timeout(now);
        }
        if let Some(guard) = &mut self.guard
            && guard.poll_timeout().is_some_and(|at| at <= now.mono)
        {
            guard.handle_timeout(now);
        }
        self.membership.handle_timeout(now);
        if let Some(crm) = &mut self.crm
            && crm.poll_timeout().is_some_and(|at| at <= now.mono)
        {
            crm.handle_timeout(now);
        }
        self.pump();
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let at_work = self.manager.as_ref().filter(|_| !self.on_hold);
        let manager = at_work.and_then(Manager::poll_timeout);
        let cluster = self.cluster.poll_timeout().into_iter();
        cluster
            .chain(manager)
            .chain(self.membership.poll_timeout())
            .chain(self.crm.as_ref().and_then(Crm::poll_timeout))
            .chain(self.guard.as_ref().and_then(Guard::poll_timeout))
            .min()
    }

    /// Carries values until no machine has more to give.
    pub fn pump(&mut self) {
        loop {
            if let Some(output) = self.cluster.poll_output() {
                self.carry_out(output);
            } else if let Some(output) = self.manager.as_mut().and_then(Manager::poll_output) {
                self.carry_out_for_manager(output);
            } else if let Some(output) = self.guard.as_mut().and_then(Guard::poll_output) {
                self.carry_out_for_manager(output);
            } else if let Some(effect) = self.membership.poll_output(clock::now()) {
                self.carry_out_for_membership(effect);
            } else if let Some(message) = self.crm.as_mut().and_then(crm::poll_message) {
                self.hand_down(message);
            } else {
                return;
            }
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Transmit(message) => self.transmit(&message),
            Output::Log(severity, text) => self.say(severity, text),
            Output::StoreNodes => self.store_nodes(),
            Output::Event(event) => {
                if let Some(manager) = self.manager.as_mut().filter(|_| !self.on_hold) {
                    manager.handle_event(clock::now(), &event);
                    if event == Event::NodesChanged {
                        let normal = |n: &NodeView| n.kind == NodeKind::Normal;
                        let nodes = self.cluster.nodes().filter(normal).map(|n| n.name);
                        manager.handle_nodes(clock::now(), nodes.collect());
                    }
                }
                if let Some(guard) = &mut self.guard {
                    guard.handle_event(clock::now(), &event);
                }
                if let Some(crm) = &mut self.crm {
                    crm::hear(crm, clock::now(), &event);
                }
                self.membership
                    .handle_event(clock::now(), &event, &self.cluster);
                match &event {
                    Event::CommUp(_) => self.wishes.push(Wish::Serve),
                    Event::Deleted => self.wishes.push(Wish::Deleted),
                    _ => {}
                }
                self.events.push(event);
            }
        }
    }

    fn store_nodes(&mut self) {
        if !self.wishes.contains(&Wish::StoreNodes) {
            self.wishes.push(Wish::StoreNodes);
        }
    }

    fn transmit(&mut self, message: &Message) {
        if message.kind() == Some("status")
            && let Some(watchdog) = &mut self.watchdog
        {
            // A device that fails ends the machine by itself; there is nothing better to do.
            let _ = watchdog.tickle();
        }
        let sealing = (&self.keyring, self.envelope);
        let unix_s = clock::now().unix_s;
        match Sealed::new(message, sealing, unix_s, &mut self.buffer) {
            Ok(sealed) => self.media.send(&sealed),
            Err(why) => {
                let kind = message.kind().unwrap_or("?");
                self.log.log(
                    Severity::Error,
                    format!("message {kind} can't be sent: {why}"),
                );
            }
        }
    }

    fn carry_out_for_membership(&mut self, effect: Effect) {
        match effect {
            Effect::Send(message) => self.hand_down(message),
            Effect::Log(severity, text) => self.say(severity, text),
            Effect::Event(event, line) => {
                if let Some(line) = line {
                    self.say(Severity::Info, line);
                }
                if let Some(crm) = &mut self.crm {
                    crm::hear_membership(crm, clock::now(), &event);
                }
            }
        }
    }

    fn carry_out_for_manager(&mut self, output: v1::Output) {
        match output {
            v1::Output::Send(message) => self.hand_down(message),
            v1::Output::Run(id, work) => self.workshop.start(id, work, self.script_environment()),
            v1::Output::Log(severity, text) => self.say(severity, text),
            v1::Output::Released => self.wishes.push(Wish::Released),
            v1::Output::Reboot { reason } => self.wishes.push(Wish::Reboot(reason)),
        }
    }

    /// Environment of a script that starts now.
    pub fn script_environment(&self) -> Vec<(String, String)> {
        let local = &self.cluster.config().local;
        let is_active_peer = |node: &NodeView| {
            node.kind == NodeKind::Normal
                && node.status == NodeStatus::Active
                && node.name != *local
        };
        let state = environment::State {
            local,
            status: self.cluster.status(),
            alone: !self.cluster.nodes().any(|node| is_active_peer(&node)),
            debug: self.log.debug_level(),
        };
        environment::of_scripts(&self.config, &state)
    }
}
