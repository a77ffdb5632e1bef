//! What the controller and tools ask of the fencer.

use std::collections::BTreeSet;
use std::time::Duration;

use super::cover::For;
use super::device::Device;
use super::history::HUMAN;
use super::plan::{Level, LevelTarget};
use super::{Ended, Fencer, Job, Output};
use crate::executor::Status;
use crate::ids::NodeId;
use crate::proto::heartbeat::Severity;
use crate::time::Now;
use crate::wire::crm::{FenceQuery, FenceRecord, FenceResult, FenceState, FenceTicket, Message};

/// How long a device may take that is asked by a tool, if nobody says.
/// Source: pacemaker 2.1.5, stonith_admin, `--timeout`.
const TOOL_TIMEOUT: Duration = Duration::from_secs(120);

/// Levels have these places. Source: spec crm-runtime.md section 9.
const LEVELS: std::ops::RangeInclusive<u32> = 1..=9;

/// Most devices of a level.
const LEVEL_DEVICES_MAX: usize = 100;

/// Who waits for the history of all nodes.
#[derive(Debug, Default)]
pub(super) struct HistoryAsked {
    askers: Vec<u64>,
    /// Nodes that have not told theirs.
    pub(super) silent: BTreeSet<NodeId>,
}

/// A node to fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The node, by name or number.
    pub target: String,
    /// `reboot`, `off`, `on`.
    pub action: String,
    /// Who asks.
    pub client: String,
    /// How long it may take.
    pub timeout: Duration,
    /// How long to wait before, in seconds; -1 for no delay at all.
    pub delay_s: i64,
    /// Nothing is done if the same was done so short ago.
    pub tolerance: Duration,
}

/// What a tool gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Ids of devices.
    Devices(Vec<String>),
    /// Lines of what a device can fence.
    Targets(Vec<String>),
    /// The history is as complete as it can be.
    History,
    /// It is over.
    Ended {
        /// 0 if all is well, else as an agent returns it.
        exit: i32,
        /// Whether it was carried out.
        status: i32,
        /// Why not.
        reason: String,
    },
}

impl Answer {
    fn well() -> Self {
        Self::Ended {
            exit: 0,
            status: Status::Done as i32,
            reason: String::new(),
        }
    }

    fn failed(status: Status, reason: impl Into<String>) -> Self {
        Self::Ended {
            exit: 1,
            status: status as i32,
            reason: reason.into(),
        }
    }
}

impl Fencer {
    /// A node is to be fenced. All learn of its end; `asker` gets an answer of its own.
    pub fn fence(&mut self, now: Now, order: Order, asker: Option<u64>) {
        let target = self.registry.node_name(&order.target).to_owned();
        if !matches!(&*order.action, "reboot" | "off" | "on") {
            let reason = format!("{:?} is no fence action: reboot, off, on", order.action);
            return self.answer(asker, Answer::failed(Status::Invalid, reason));
        }
        let done = self.history.last_done(&target, &order.action);
        if let Some(record) = done
            && !order.tolerance.is_zero()
            && record.completed_s.saturating_add(order.tolerance.as_secs()) > now.unix_s
        {
            let text = format!(
                "Target {target} was fenced ({}) less than {}s ago by {} on behalf of {}",
                order.action,
                order.tolerance.as_secs(),
                record.delegate,
                record.origin
            );
            self.log(Severity::Notice, text);
            return self.answer(asker, Answer::well());
        }
        if self.members.is_empty() {
            let reason = "this node is no member of a cluster yet";
            return self.answer(asker, Answer::failed(Status::Invalid, reason));
        }
        let ticket = self.ticket();
        self.waiting
            .entry(ticket.clone())
            .or_default()
            .extend(asker);
        let leader = self.leader_for(&target);
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        self.send(Message::FenceQuery(FenceQuery {
            ticket,
            leader,
            target,
            action: order.action,
            client: order.client,
            timeout_ms: ms(order.timeout),
            delay_s: order.delay_s,
        }));
    }

    /// Ticket of a request that begins here.
    fn ticket(&mut self) -> FenceTicket {
        FenceTicket {
            origin: self.local,
            // By chance: a daemon that starts again must not use one that others remember.
            number: self.rng.next_u64(),
        }
    }

    /// Who fences itself lets another node lead, who will be there at its end.
    fn leader_for(&mut self, target: &str) -> NodeId {
        if !target.eq_ignore_ascii_case(&self.name) {
            return self.local;
        }
        let others = self.members.iter().filter(|member| member.id != self.local);
        let Some((id, name)) = others.map(|m| (m.id, m.name.clone())).min() else {
            let text = "Will handle own fencing because no peer can".to_owned();
            self.log(Severity::Notice, text);
            return self.local;
        };
        let text = format!("Forwarding self-fencing request to {name}");
        self.log(Severity::Notice, text);
        id
    }

    /// A person says that a node is down.
    pub fn confirm(&mut self, now: Now, target: &str, client: &str, asker: u64) {
        let target = self.registry.node_name(target).to_owned();
        let ticket = self.ticket();
        self.waiting.entry(ticket.clone()).or_default().push(asker);
        self.send(Message::FenceResult(FenceResult {
            ticket,
            last: true,
            device: String::new(),
            target,
            action: "off".to_owned(),
            client: client.to_owned(),
            exit: 0,
            status: Status::Done as i32,
            reason: String::new(),
            unix_s: now.unix_s,
            delegate: HUMAN.to_owned(),
        }));
    }

    /// All have to take a node for down: also what is under way to get it down is over.
    pub(super) fn handle_confirmed(&mut self, result: &FenceResult) {
        let text = format!(
            "Received manual confirmation that {} has been fenced",
            result.target
        );
        self.log(Severity::Notice, text);
        let origin = self.name_of(result.ticket.origin);
        self.history.add(FenceRecord {
            ticket: result.ticket.clone(),
            leader: result.ticket.origin,
            origin,
            target: result.target.clone(),
            action: result.action.clone(),
            client: result.client.clone(),
            state: FenceState::Querying,
            delegate: String::new(),
            exit: 0,
            status: Status::Pending as i32,
            reason: String::new(),
            completed_s: 0,
        });
        let of_it = self.history.records().iter().filter(|record| {
            record.state.is_pending()
                && record.action != "on"
                && record.target.eq_ignore_ascii_case(&result.target)
        });
        let tickets: Vec<FenceTicket> = of_it.map(|record| record.ticket.clone()).collect();
        for ticket in tickets {
            self.leads.remove(&ticket);
            let end = FenceResult {
                ticket,
                ..result.clone()
            };
            for over in self.history.end(&end) {
                self.tell_over(&over);
            }
        }
    }

    /// The devices that can fence a node; without one all that are registered here.
    pub fn ask_devices(
        &mut self,
        now: Now,
        target: Option<&str>,
        timeout: Option<Duration>,
        asker: u64,
    ) {
        let Some(target) = target else {
            let ids = self.registry.ids().into_iter().map(str::to_owned);
            let devices = ids.collect();
            return self.answer(Some(asker), Answer::Devices(devices));
        };
        let target = self.registry.node_name(target).to_owned();
        self.survey(now, For::Tool(asker), (&target, "off"), timeout);
    }

    /// What a device can fence.
    pub fn ask_targets(&mut self, device: &str, timeout: Option<Duration>, asker: u64) {
        let known = self.registry.device(device).and_then(Device::named_hosts);
        match known {
            Some(hosts) => self.answer(Some(asker), Answer::Targets(hosts)),
            None => self.ask_device(device, ("list", None), timeout, asker),
        }
    }

    /// Whether a device works.
    pub fn ask_monitor(&mut self, device: &str, timeout: Option<Duration>, asker: u64) {
        self.ask_device(device, ("monitor", None), timeout, asker);
    }

    /// Whether the port of a node is on.
    pub fn ask_status(
        &mut self,
        device: &str,
        target: &str,
        timeout: Option<Duration>,
        asker: u64,
    ) {
        self.ask_device(device, ("status", Some(target)), timeout, asker);
    }

    fn ask_device(
        &mut self,
        id: &str,
        (action, target): (&str, Option<&str>),
        timeout: Option<Duration>,
        asker: u64,
    ) {
        let Some(device) = self.registry.device(id) else {
            let answer = Answer::failed(
                Status::NoFenceDevice,
                format!("Fence device {id} is not registered on this node"),
            );
            return self.answer(Some(asker), answer);
        };
        let support = self.registry.support(device).unwrap_or_default();
        let call = device.call(action, target, support);
        let timeout = timeout.or(call.timeout).unwrap_or(TOOL_TIMEOUT);
        let list = action == "list";
        self.run(Job::Tool { asker, list }, call, timeout);
    }

    pub(super) fn answer_run(&mut self, asker: u64, list: bool, ended: Ended) {
        let answer = match list && ended.is_success() {
            true => {
                let lines = ended.output.lines().map(str::trim);
                let lines = lines.filter(|line| !line.is_empty());
                Answer::Targets(lines.map(str::to_owned).collect())
            }
            false => Answer::Ended {
                exit: ended.exit.unwrap_or(1),
                status: match (ended.status, ended.exit) {
                    // Source: FenceAgentAPI: status says 2 for off.
                    (Status::Done, Some(0 | 2)) => Status::Done as i32,
                    (Status::Done, _) => Status::Error as i32,
                    (other, _) => other as i32,
                },
                reason: ended.reason,
            },
        };
        self.answer(Some(asker), answer);
    }

    /// Asks all nodes for their history; when the last has told it, this node's has it all.
    pub fn ask_history(&mut self, asker: u64) {
        self.history_asked.askers.push(asker);
        self.history_asked.silent = self.members.iter().map(|member| member.id).collect();
        self.send(Message::FenceHistoryWanted);
        self.answer_history();
    }

    /// Answers those who wait for the history if all have told theirs.
    pub(super) fn answer_history(&mut self) {
        let members: BTreeSet<NodeId> = self.members.iter().map(|member| member.id).collect();
        let asked = &mut self.history_asked;
        asked.silent.retain(|node| members.contains(node));
        if asked.silent.is_empty() {
            for asker in std::mem::take(&mut asked.askers) {
                self.answer(Some(asker), Answer::History);
            }
        }
    }

    /// All nodes forget what is over.
    pub fn clean_up(&mut self, target: Option<&str>) {
        let target = target.map(|target| self.registry.node_name(target).to_owned());
        self.send(Message::FenceCleanup { target });
    }

    /// This node has a device besides those of the CIB.
    pub fn register(&mut self, device: Device) -> Answer {
        let text = format!("Added '{}' to device list", device.id);
        match self.registry.register(device) {
            true => {
                self.log(Severity::Notice, text);
                Answer::well()
            }
            false => Answer::failed(Status::Invalid, "too many devices are registered"),
        }
    }

    /// This node has a device no more.
    pub fn deregister(&mut self, id: &str) -> Answer {
        match self.registry.deregister(id) {
            true => {
                self.log(Severity::Notice, format!("Removed '{id}' from device list"));
                Answer::well()
            }
            false => Answer::failed(
                Status::NoFenceDevice,
                format!("Fence device {id} is not registered on this node"),
            ),
        }
    }

    /// This node has a level besides those of the CIB.
    pub fn register_level(&mut self, target: LevelTarget, index: u32, devices: Level) -> Answer {
        if !LEVELS.contains(&index) {
            return Answer::failed(Status::Invalid, "a level's index is 1 to 9");
        }
        if devices.is_empty() || devices.len() > LEVEL_DEVICES_MAX {
            return Answer::failed(Status::Invalid, "a level has 1 to 100 devices");
        }
        match self.registry.register_level(target, index, devices) {
            true => Answer::well(),
            false => Answer::failed(Status::Invalid, "too many levels are registered"),
        }
    }

    /// This node has a level no more.
    pub fn deregister_level(&mut self, target: &LevelTarget, index: Option<u32>) -> Answer {
        match self.registry.deregister_level(target, index) {
            true => Answer::well(),
            false => Answer::failed(Status::Invalid, "there is no such level"),
        }
    }

    fn answer(&mut self, asker: Option<u64>, answer: Answer) {
        if let Some(asker) = asker {
            self.outputs.push_back(Output::Answer { asker, answer });
        }
    }
}
