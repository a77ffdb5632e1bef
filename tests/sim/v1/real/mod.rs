//! The rules of heartbeat 3.0.6's resource side, written down from `spec/heartbeat-v1.md`
//! section 2, with its faults: what everbeat has to live beside.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use everbeat::config::ha_cf::AutoFailback;
use everbeat::ids::NodeName;
use everbeat::proto::heartbeat::{Event, NodeStatus, Severity};
use everbeat::time::{Instant, Now};
use everbeat::v1::{Action, Command, Config, Output, Side, Work, WorkId, WorkResult};
use everbeat::wire::heartbeat::Message;

mod children;
mod messages;

use messages::ask;

#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
enum State {
    Init,
    Starting,
    BothStarting,
    RscRcvd,
    Stable,
    Shutdown,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Standby {
    Not,
    Me,
    Other,
    Done,
}

#[derive(Clone, Copy, PartialEq, Default, Debug)]
struct Hold {
    local: bool,
    foreign: bool,
}

impl Hold {
    fn word(self) -> &'static str {
        match (self.local, self.foreign) {
            (false, false) => "none",
            (true, false) => "local",
            (false, true) => "foreign",
            (true, true) => "all",
        }
    }

    fn parse(word: &str) -> Self {
        Self {
            local: matches!(word, "local" | "all"),
            foreign: matches!(word, "foreign" | "all"),
        }
    }

    fn covers(self, side: Side) -> Self {
        Self {
            local: self.local || side != Side::Foreign,
            foreign: self.foreign || side != Side::Local,
        }
    }

    fn without(self, side: Side) -> Self {
        Self {
            local: self.local && side == Side::Foreign,
            foreign: self.foreign && side == Side::Local,
        }
    }
}

/// A child process: actions in a row, then messages.
#[derive(Debug)]
struct Child {
    steps: VecDeque<(String, Action)>,
    ends_with: Vec<Message>,
    /// A script of rc.d: these run one at a time and not beside others.
    rc: bool,
    working: Option<WorkId>,
    asked: bool,
}

pub struct Real {
    config: Config,
    state: State,
    hold: Hold,
    other_hold: Hold,
    other_stable: bool,
    heard_other: bool,
    standby: Standby,
    side: Side,
    deadline: Option<Instant>,
    timer: Option<Instant>,
    takeover: bool,
    needs_failback: bool,
    others: BTreeMap<NodeName, NodeStatus>,
    children: Vec<Child>,
    queue: VecDeque<Child>,
    next_work: u64,
    out: VecDeque<Output>,
    failback_at: Option<Instant>,
    restart_at: Option<Instant>,
    leave_asked: bool,
    end_at: Option<Instant>,
    restart: bool,
}

impl Real {
    pub fn new(config: Config) -> Self {
        Self {
            config,
            state: State::Init,
            hold: Hold::default(),
            other_hold: Hold::default(),
            other_stable: false,
            heard_other: false,
            standby: Standby::Not,
            side: Side::All,
            deadline: None,
            timer: None,
            takeover: false,
            needs_failback: false,
            others: BTreeMap::new(),
            children: Vec::new(),
            queue: VecDeque::new(),
            next_work: 1,
            out: VecDeque::new(),
            failback_at: None,
            restart_at: None,
            leave_asked: false,
            end_at: None,
            restart: false,
        }
    }

    /// It ended to start again by itself.
    pub fn restarts(&self) -> bool {
        self.restart
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.timer, self.failback_at, self.restart_at, self.end_at]
            .into_iter()
            .flatten()
            .min()
    }

    fn log(&mut self, text: impl Into<String>) {
        self.out.push_back(Output::Log(Severity::Info, text.into()));
    }

    fn send(&mut self, message: Message) {
        self.out.push_back(Output::Send(message));
    }

    fn send_resource(&mut self, info: Option<&str>) {
        let stable = if self.state == State::Stable {
            "1"
        } else {
            "0"
        };
        let stable = if info == Some("standby") { "0" } else { stable };
        let mut message = Message::of_type("resource")
            .with("rsc_hold", self.hold.word())
            .with("rtype", "full")
            .with("isstable", stable);
        if let Some(info) = info {
            message.push_text("info", info);
        }
        self.send(message);
    }

    fn nice(&self) -> bool {
        self.config.auto_failback != AutoFailback::Legacy
    }

    pub fn handle_event(&mut self, now: Now, event: &Event) {
        match event {
            Event::Deliver(d) => self.deliver(now, &d.from, d.local, &d.message),
            Event::Node(change) => {
                let was = self.others.insert(change.node.clone(), change.status);
                if change.status == NodeStatus::Dead && was != Some(NodeStatus::Dead) {
                    self.other_died(&change.node);
                }
            }
            Event::CommUp(_) => {
                self.state = State::Starting;
                let dead: Vec<_> = (self.others.iter())
                    .filter(|(_, s)| **s == NodeStatus::Dead)
                    .map(|(n, _)| n.clone())
                    .collect();
                if self.nice() {
                    self.send(Message::of_type("starting"));
                } else {
                    self.acquire_own(true);
                }
                for node in dead {
                    self.take_over(&node);
                }
            }
            Event::Healed { node } => {
                self.log(format!("Cluster node {node} returning after partition."));
                self.restart_at = Some(now.mono + Duration::from_secs(2));
            }
            _ => {}
        }
        self.go_on(now);
    }

    pub fn handle_command(&mut self, now: Now, command: Command) -> Result<(), String> {
        match command {
            Command::Standby(side) => {
                self.send(ask(side, "me"));
            }
            Command::Takeover(side) => {
                self.send(Message::of_type("hb_takeover").with("rsc_hold", side.as_str()));
            }
            Command::Shutdown => self.leave_asked = true,
        }
        self.go_on(now);
        Ok(())
    }

    pub fn handle_timeout(&mut self, now: Now) {
        let due = |at: Option<Instant>| at.is_some_and(|at| now.mono >= at);
        if due(self.timer) {
            self.timer = None;
            if self.state == State::RscRcvd {
                self.state = State::Stable;
                self.acquire_own(false);
                self.log("local resource transition completed.");
                self.send_resource(None);
            }
        }
        if due(self.failback_at) {
            self.failback_at = None;
            self.auto_failback(now);
        }
        if due(self.restart_at) {
            self.restart_at = None;
            self.restart = true;
            self.leave_asked = true;
        }
        if due(self.end_at) {
            self.end_at = None;
            self.out.push_back(Output::Released);
        }
        self.go_on(now);
    }

    pub fn handle_completed(&mut self, now: Now, id: WorkId, result: WorkResult) {
        let found = self.children.iter_mut().find(|c| c.working == Some(id));
        let Some(child) = found else { return };
        child.working = None;
        let action = child.steps.front().map(|(_, action)| *action);
        match (action, child.asked) {
            (Some(Action::Start), true) => {
                child.asked = false;
                if result == WorkResult::Done {
                    child.steps.pop_front();
                    child.asked = true;
                }
            }
            _ => {
                child.steps.pop_front();
                child.asked = true;
            }
        }
        self.go_on(now);
    }

    /// Runs children, then scripts of rc.d, then a delayed stop.
    fn go_on(&mut self, now: Now) {
        if self.deadline.is_some_and(|at| now.mono >= at) && self.standby == Standby::Me {
            self.log("No reply to standby request.  Standby request cancelled.");
            self.standby = Standby::Not;
            self.deadline = None;
        }
        loop {
            if self.children.is_empty() {
                match self.queue.pop_front() {
                    Some(child) => self.children.push(child),
                    None => break,
                }
            }
            let mut ended = Vec::new();
            for (index, child) in self.children.iter_mut().enumerate() {
                if child.working.is_some() {
                    continue;
                }
                let Some((resource, action)) = child.steps.front().cloned() else {
                    ended.push(index);
                    continue;
                };
                let action = if action == Action::Start && child.asked {
                    Action::Status
                } else {
                    action
                };
                let id = WorkId(self.next_work);
                self.next_work += 1;
                child.working = Some(id);
                self.out
                    .push_back(Output::Run(id, Work::Resource { resource, action }));
            }
            if ended.is_empty() {
                break;
            }
            for index in ended.into_iter().rev() {
                let child = self.children.remove(index);
                for message in child.ends_with {
                    self.send(message);
                }
            }
        }
        if self.leave_asked && self.children.is_empty() && self.queue.is_empty() {
            self.leave();
        }
    }

    fn leave(&mut self) {
        let stable = self.state == State::Stable && self.standby == Standby::Not;
        let alone = !self.others.values().any(|s| *s == NodeStatus::Active);
        if !(stable || alone || !self.nice()) {
            return;
        }
        self.leave_asked = false;
        self.hold = Hold::default();
        self.state = State::Shutdown;
        self.send_resource(Some("shutdown"));
        let all = self.steps(Side::All, Action::Stop);
        self.fork(all, vec![Message::of_type("shutdone").with("st", "dead")]);
    }
}
