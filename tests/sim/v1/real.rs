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

    fn fork(&mut self, steps: VecDeque<(String, Action)>, ends_with: Vec<Message>) {
        self.children.push(Child {
            steps,
            ends_with,
            rc: false,
            working: None,
            asked: true,
        });
    }

    fn rc(&mut self, steps: VecDeque<(String, Action)>, ends_with: Vec<Message>) {
        self.queue.push_back(Child {
            steps,
            ends_with,
            rc: true,
            working: None,
            asked: true,
        });
        debug_assert!(self.queue.iter().all(|child| child.rc));
    }

    fn steps(&self, side: Side, action: Action) -> VecDeque<(String, Action)> {
        let mut steps = VecDeque::new();
        for group in &self.config.groups {
            let own = group.node == self.config.local;
            if (own && side == Side::Foreign) || (!own && side == Side::Local) {
                continue;
            }
            let mut resources = group.resources.clone();
            if action == Action::Stop {
                resources.reverse();
            }
            steps.extend(resources.into_iter().map(|r| (r, action)));
        }
        steps
    }

    fn group_steps(&self, key: &str, action: Action) -> VecDeque<(String, Action)> {
        let group = self.config.groups.iter().find(|g| g.key() == key);
        let mut resources = group.map(|g| g.resources.clone()).unwrap_or_default();
        if action == Action::Stop {
            resources.reverse();
        }
        resources.into_iter().map(|r| (r, action)).collect()
    }

    /// req_our_resources
    fn acquire_own(&mut self, forced: bool) {
        let theirs = self.other_hold.foreign || self.hold.local || self.standby != Standby::Not;
        if self.nice() && theirs && !forced {
            self.log("Local Resource acquisition completed. (none)");
            return;
        }
        self.hold.local = true;
        let alone = !self.others.values().any(|s| *s == NodeStatus::Active);
        let local = self.config.local.clone();
        let mut messages = Vec::new();
        for group in self.config.groups.iter().filter(|g| g.node == local) {
            messages.push(if self.nice() || alone {
                Message::of_type("ip-request-resp")
                    .with("dest", local.as_str())
                    .with("ipaddr", group.key())
                    .with("weown", "yes")
                    .with("ok", "OK")
            } else {
                Message::of_type("ip-request").with("ipaddr", group.key())
            });
        }
        if self.nice() {
            let hold = self.hold.word();
            messages.push(
                Message::of_type("resource")
                    .with("rsc_hold", hold)
                    .with("rtype", "full")
                    .with("isstable", "1")
                    .with("info", "req_our_resources()"),
            );
        }
        self.fork(VecDeque::new(), messages);
    }

    fn other_died(&mut self, node: &NodeName) {
        if self.standby != Standby::Not {
            self.log("Cancelling pending standby operation");
            self.standby = Standby::Not;
            self.deadline = None;
        }
        self.needs_failback = true;
        if !matches!(self.state, State::Init | State::Shutdown) {
            self.take_over(node);
        }
    }

    fn take_over(&mut self, node: &NodeName) {
        let unneeded = self.heard_other && self.other_hold == Hold::default();
        let result = if unneeded { "unneeded" } else { "n_stnth" };
        let said = Message::of_type("stonith")
            .with("node", node.as_str())
            .with("result", result);
        self.send(said);
        self.take_over_now(node);
    }

    fn take_over_now(&mut self, node: &NodeName) {
        self.log(format!("Resources being acquired from {node}."));
        let mut steps = VecDeque::new();
        for group in self.config.groups.iter().filter(|g| g.node == *node) {
            steps.extend(group.resources.iter().map(|r| (r.clone(), Action::Start)));
        }
        let mut ends_with = Vec::new();
        if self.nice() {
            ends_with.push(
                Message::of_type("resource")
                    .with("rsc_hold", "foreign")
                    .with("info", "mach_down"),
            );
        }
        self.rc(steps, ends_with);
        self.hold.foreign = true;
        self.other_hold = Hold::default();
        self.other_stable = true;
        self.takeover = self.nice();
        self.acquire_own(true);
    }

    fn deliver(&mut self, now: Now, from: &NodeName, local: bool, message: &Message) {
        if self.state == State::Init {
            return;
        }
        match message.kind() {
            Some("starting") if !local => {
                match self.state {
                    State::Starting => self.state = State::BothStarting,
                    State::RscRcvd | State::Stable | State::Shutdown => {}
                    _ => return,
                }
                self.other_stable = false;
                self.send_resource(None);
            }
            Some("resource") => self.resource(now, local, message),
            Some("ask_resources") => self.asked(now, from, local, message),
            Some("hb_takeover") if !local => {
                let side = match message.text("rsc_hold") {
                    Some("local") => Side::Foreign,
                    Some("foreign") => Side::Local,
                    _ => Side::All,
                };
                self.rc(VecDeque::new(), vec![ask(side, "me")]);
            }
            Some("shutdone") if local => {
                self.end_at = Some(now.mono + Duration::from_millis(2_000));
            }
            Some("shutdone") => self.other_shut_down(from),
            Some("ip-request") if !local => {
                let key = message.text("ipaddr").unwrap_or_default();
                let steps = self.group_steps(key, Action::Stop);
                let answer = Message::of_type("ip-request-resp")
                    .with("dest", from.as_str())
                    .with("ipaddr", key)
                    .with("weown", "yes")
                    .with("ok", "OK");
                self.rc(steps, vec![answer]);
            }
            Some("ip-request-resp") => {
                let key = message.text("ipaddr").unwrap_or_default();
                let steps = self.group_steps(key, Action::Start);
                self.rc(steps, Vec::new());
            }
            _ => {}
        }
    }

    fn resource(&mut self, now: Now, local: bool, message: &Message) {
        if matches!(self.state, State::Starting | State::BothStarting) {
            self.state = State::RscRcvd;
            self.timer = Some(now.mono + Duration::from_secs(10));
        }
        let said = Hold::parse(message.text("rsc_hold").unwrap_or_default());
        let full = message.text("rtype") == Some("full");
        if local {
            if full {
                self.hold = said;
            } else {
                self.hold.foreign |= said.foreign;
            }
            if message.text("info") == Some("mach_down") {
                self.log("mach_down takeover complete.");
                self.takeover = false;
                self.hold.foreign = true;
                self.other_stable = true;
                self.needs_failback = true;
            }
            return;
        }
        self.heard_other = true;
        self.other_hold = if full || said == Hold::default() {
            said
        } else {
            Hold {
                local: self.other_hold.local || said.local,
                foreign: self.other_hold.foreign || said.foreign,
            }
        };
        match message.text("isstable") {
            Some("1") if !self.other_stable => {
                self.other_stable = true;
                self.log("remote resource transition completed.");
                self.send_resource(None);
                self.auto_failback(now);
            }
            Some("0") => self.other_stable = false,
            _ => {}
        }
        if self.other_stable && !matches!(self.state, State::Stable | State::Shutdown) {
            self.acquire_own(false);
            self.state = State::Stable;
            self.send_resource(None);
            self.auto_failback(now);
        }
    }

    fn auto_failback(&mut self, now: Now) {
        let on = self.config.auto_failback == AutoFailback::On;
        if !self.needs_failback || !self.hold.foreign || !on {
            return;
        }
        let ready = self.standby == Standby::Not && self.other_stable;
        if !ready || self.state != State::Stable {
            self.failback_at = Some(now.mono + Duration::from_secs(1));
            return;
        }
        self.needs_failback = false;
        self.send(ask(Side::Foreign, "me"));
    }

    fn asked(&mut self, now: Now, from: &NodeName, local: bool, message: &Message) {
        let side = match message.text("rsc_hold") {
            Some("local") => Side::Local,
            Some("foreign") => Side::Foreign,
            _ => Side::All,
        };
        match (message.text("info"), self.standby) {
            (Some("me"), Standby::Not) => {
                if !self.other_stable || self.state != State::Stable {
                    self.log(format!(
                        "standby message [me] from {from} ignored.  In flux."
                    ));
                    return;
                }
                self.log(format!("{from} wants to go standby [{side}]"));
                self.side = side;
                if local {
                    self.standby = Standby::Me;
                    self.other_stable = false;
                    self.deadline = Some(now.mono + Duration::from_secs(10));
                } else {
                    self.standby = Standby::Other;
                    self.deadline = Some(now.mono + Duration::from_secs(3600));
                    self.send(ask(side, "other"));
                }
            }
            (Some("me"), _) => {
                self.log(format!(
                    "Standby in progress- new request from {from} ignored"
                ));
            }
            (Some("other"), Standby::Me) if !local => {
                self.deadline = None;
                self.hold = self.hold.without(side);
                self.send_resource(Some("standby"));
                let steps = self.steps(side, Action::Stop);
                self.fork(steps, vec![ask(side, "done")]);
            }
            (Some("done"), Standby::Me) if local => {
                self.log(format!("Local standby process completed [{side}]."));
                self.standby = Standby::Done;
            }
            (Some("done"), Standby::Other) if !local => {
                self.standby = Standby::Done;
                let steps = self.steps(side.mirrored(), Action::Start);
                self.fork(steps, vec![ask(side, "done")]);
            }
            (Some("done"), Standby::Done) => {
                self.standby = Standby::Not;
                self.deadline = None;
                if local {
                    self.hold = self.hold.covers(side.mirrored());
                    self.log(format!("Standby resource acquisition done [{side}]."));
                } else {
                    self.log("Other node completed standby takeover.");
                }
                self.send_resource(None);
            }
            _ => {}
        }
    }

    fn other_shut_down(&mut self, from: &NodeName) {
        self.log(format!("Received shutdown notice from '{from}'."));
        if self.state == State::Shutdown {
            return;
        }
        self.other_hold = Hold::default();
        self.other_stable = true;
        let holds_all = self.hold.local && self.hold.foreign;
        if !holds_all {
            self.standby = Standby::Done;
            let side = if self.hold.local {
                Side::Foreign
            } else {
                Side::All
            };
            let steps = self.steps(side, Action::Start);
            self.fork(steps, vec![ask(side, "done")]);
        }
        self.take_over_now(from);
    }
}

fn ask(side: Side, info: &str) -> Message {
    Message::of_type("ask_resources")
        .with("rsc_hold", side.as_str())
        .with("info", info)
}
