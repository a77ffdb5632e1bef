//! Transcripts of one resource manager, node `a`, with the others played by hand.
//!
//! ```text
//! setup [nodes=a,b] [failback=on] [stonith] : GROUP : GROUP …    fresh manager
//! node NAME heartbeat|everbeat up|active|dead     status of another node
//! comm                       communication is up
//! from NAME t=… field=…      a message of another node
//! restarted NAME, healed NAME, asleep MS
//! standby SIDE, takeover SIDE, shutdown
//! finish                     all work ends well (status: not running), until none is left
//! fail RESOURCE              the work on that resource fails
//! time MS                    so much time passes
//! holding, waiting, picture  what status shows
//! ```
//! `seen` as name of a field writes the three fields of an everbeat that counts us in.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use std::time::Duration;

use everbeat::config::ha_cf::AutoFailback;
use everbeat::ids::{Generation, NodeName};
use everbeat::proto::heartbeat::{
    CommUp, DeathCause, Delivery, Event, Mode, NodeChange, NodeKind, NodeStatus,
};
use everbeat::time::{Instant, Now};
use everbeat::v1::{
    Action, Command, Config, Group, Manager, Output, Side, Work, WorkId, WorkResult,
};
use everbeat::wire::heartbeat::Message;

use super::datadriven;

#[test]
fn v1() {
    datadriven::run_folder("v1", || {
        let mut play = Play::new();
        move |line| play.command(line)
    });
}

struct Play {
    manager: Option<Manager>,
    now: u64,
    works: BTreeMap<WorkId, Work>,
    out: String,
}

fn name(word: &str) -> NodeName {
    NodeName::new(word).expect("a name")
}

impl Play {
    fn new() -> Self {
        Self {
            manager: None,
            now: 0,
            works: BTreeMap::new(),
            out: String::new(),
        }
    }

    fn clock(&self) -> Now {
        Now {
            mono: Instant(self.now),
            unix_s: 1_700_000_000 + self.now / 1000,
        }
    }

    fn manager(&mut self) -> &mut Manager {
        self.manager.as_mut().expect("setup comes first")
    }

    fn command(&mut self, line: &str) -> String {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "setup" => self.setup(rest),
            "node" => self.node(rest),
            "comm" => self.event(&Event::CommUp(CommUp { complete: true })),
            "from" => self.message(rest),
            "restarted" => self.event(&Event::Restarted {
                node: name(rest),
                generation: Generation(2),
            }),
            "healed" => self.event(&Event::Healed { node: name(rest) }),
            "asleep" => {
                let span = Duration::from_millis(rest.parse().expect("a number"));
                self.event(&Event::Asleep(span));
            }
            "standby" => self.ask(Command::Standby(side(rest))),
            "takeover" => self.ask(Command::Takeover(side(rest))),
            "shutdown" => self.ask(Command::Shutdown),
            "finish" => self.finish(),
            "fail" => self.fail(rest),
            "time" => self.pass(rest.parse().expect("a number")),
            "holding" => {
                let holding = self.manager().holding();
                writeln!(self.out, "{holding}").expect("a string");
            }
            "waiting" => {
                let waiting = self.manager().view().waiting;
                let text = waiting.unwrap_or_else(|| "nothing".to_owned());
                writeln!(self.out, "{text}").expect("a string");
            }
            "picture" => self.picture(),
            _ => panic!("no command {word}"),
        }
        std::mem::take(&mut self.out)
    }

    fn setup(&mut self, rest: &str) {
        let mut parts = rest.split(':').map(str::trim);
        let mut config = Config {
            local: name("a"),
            nodes: vec![name("a"), name("b")],
            groups: Vec::new(),
            auto_failback: AutoFailback::On,
            stonith: false,
            keepalive: Duration::from_secs(1),
            deadtime: Duration::from_secs(6),
            pid: 21,
            rc_scripts: BTreeSet::new(),
            ipfail: None,
        };
        for word in parts.next().unwrap_or_default().split_whitespace() {
            match word.split_once('=').unwrap_or((word, "")) {
                ("nodes", list) => config.nodes = list.split(',').map(name).collect(),
                ("failback", "off") => config.auto_failback = AutoFailback::Off,
                ("failback", "legacy") => config.auto_failback = AutoFailback::Legacy,
                ("stonith", _) => config.stonith = true,
                _ => panic!("no setting {word}"),
            }
        }
        // A name without `::` is the script of that name; keys have no blanks.
        config.groups = parts.map(group).collect();
        self.now = 0;
        self.works.clear();
        self.manager = Some(Manager::new(config, self.clock()));
        // The probes at the start: nothing runs.
        while self.manager().poll_output().is_some_and(|output| {
            let Output::Run(id, _) = output else {
                return true;
            };
            let now = self.clock();
            self.manager()
                .handle_completed(now, id, WorkResult::NotRunning);
            true
        }) {}
    }

    fn node(&mut self, rest: &str) {
        let words: Vec<_> = rest.split(' ').collect();
        let status = match words[2] {
            "up" => NodeStatus::Up,
            "active" => NodeStatus::Active,
            "dead" => NodeStatus::Dead,
            other => panic!("no status {other}"),
        };
        let cause = DeathCause::Silent(Duration::from_secs(6));
        self.event(&Event::Node(NodeChange {
            node: name(words[0]),
            kind: NodeKind::Normal,
            mode: match words[1] {
                "heartbeat" => Mode::Heartbeat,
                "everbeat" => Mode::Everbeat(1),
                other => panic!("no mode {other}"),
            },
            was: NodeStatus::Init,
            status,
            cause: (status == NodeStatus::Dead).then_some(cause),
        }));
    }

    fn message(&mut self, rest: &str) {
        let (from, fields) = rest.split_once(' ').expect("a sender and fields");
        let mut message = Message::new();
        for field in fields.split(' ') {
            match field.split_once('=') {
                Some(("seen", groups)) => {
                    message.push_text("ebgroups", groups.replace(';', " "));
                    message.push_text("ebseen", "a/1");
                    message.push_text("ebstate", "settled");
                }
                Some((key, value)) => message.push_text(key, value),
                None => panic!("{field} is no field"),
            }
        }
        message.push_text("hg", "1");
        self.event(&Event::Deliver(Delivery {
            from: name(from),
            local: false,
            message,
        }));
    }

    fn picture(&mut self) {
        let view = self.manager().view();
        for group in view.groups {
            let holders: Vec<_> = group.holders.iter().map(NodeName::as_str).collect();
            let (key, state) = (group.key, group.state);
            writeln!(self.out, "{key}: {state:?} on {holders:?}").expect("a string");
        }
        for peer in view.peers {
            let holds = peer.holds.unwrap_or("-");
            writeln!(self.out, "{} holds {holds}", peer.node).expect("a string");
        }
    }

    fn event(&mut self, event: &Event) {
        let now = self.clock();
        self.manager().handle_event(now, event);
        self.drain();
    }

    fn ask(&mut self, command: Command) {
        let now = self.clock();
        if let Err(why) = self.manager().handle_command(now, command) {
            writeln!(self.out, "refused: {why}").expect("a string");
        }
        self.drain();
    }

    fn finish(&mut self) {
        while let Some((id, work)) = self.works.pop_first() {
            let asks = matches!(
                work,
                Work::Resource {
                    action: Action::Status,
                    ..
                }
            );
            let result = if asks {
                WorkResult::NotRunning
            } else {
                WorkResult::Done
            };
            let now = self.clock();
            self.manager().handle_completed(now, id, result);
            self.drain();
        }
    }

    fn fail(&mut self, what: &str) {
        let about = |work: &Work| match work {
            Work::Resource { resource, .. } => resource == what,
            Work::Stonith { node } => node.as_str() == what,
            _ => false,
        };
        let found = self.works.iter().find(|(_, work)| about(work));
        let id = *found.expect("such work").0;
        self.works.remove(&id);
        let now = self.clock();
        let result = WorkResult::Failed {
            exit: Some(5),
            reason: "it is broken".to_owned(),
        };
        self.manager().handle_completed(now, id, result);
        self.drain();
    }

    fn pass(&mut self, span: u64) {
        let end = self.now + span;
        while let Some(due) = self.manager().poll_timeout().filter(|due| due.0 <= end) {
            self.now = self.now.max(due.0);
            let now = self.clock();
            self.manager().handle_timeout(now);
            self.drain();
        }
        self.now = end;
    }

    /// Writes what the manager wants; its own messages come back to it at once.
    fn drain(&mut self) {
        let mut queue = VecDeque::new();
        while let Some(output) = self.manager().poll_output() {
            queue.push_back(output);
            while let Some(output) = queue.pop_front() {
                self.output(output);
            }
        }
    }

    fn output(&mut self, output: Output) {
        let line = match output {
            Output::Send(message) => {
                let line = format!("send {}", shown(&message));
                let mut message = message;
                message.push_text("hg", "1");
                let now = self.clock();
                let delivery = Delivery {
                    from: name("a"),
                    local: true,
                    message,
                };
                self.manager().handle_event(now, &Event::Deliver(delivery));
                line
            }
            Output::Run(id, work) => {
                let line = match &work {
                    Work::Resource { resource, action } => format!("run {resource} {action}"),
                    Work::Stonith { node } => format!("run stonith {node}"),
                    Work::Announce { resource } => format!("run announce {resource}"),
                    Work::RcScript { message } => format!("run rc.d {message}"),
                };
                self.works.insert(id, work);
                line
            }
            Output::Log(severity, text) => format!("{severity:?}: {text}"),
            Output::Released => "released".to_owned(),
            Output::Reboot { reason } => format!("reboot: {reason}"),
        };
        writeln!(self.out, "{line}").expect("a string");
    }
}

/// Our own fields in short.
fn shown(message: &Message) -> String {
    let mut message = message.clone();
    let groups = message.text("ebgroups").map(str::to_owned);
    for field in ["ebgroups", "ebseen", "ebstate"] {
        message.remove(field);
    }
    match groups {
        Some(groups) => format!("{message} [{groups}]"),
        None => message.to_string(),
    }
}

fn side(word: &str) -> Side {
    Side::parse(word).expect("local, foreign or all")
}

fn group(line: &str) -> Group {
    let mut words = line.split_whitespace();
    Group {
        node: name(words.next().expect("a node")),
        resources: words.map(str::to_owned).collect(),
    }
}
