//! A hostile node: what it sends is authentic, for it has the key, or was recorded.

use std::collections::VecDeque;
use std::time::Duration;

use everbeat::proto::rng::Rng;
use everbeat::sim::Act;
use everbeat::time::{Instant, Now};
use everbeat::wire::heartbeat::{Message, Value};

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// It has no key: it sends again what it heard, at any time.
    Replays,
    /// It is node c, a member, and lies of itself.
    Lies,
    /// It is node c and gives orders that the protocol has.
    Orders,
    /// It speaks in the names of others, of nobody, and of the receiver itself.
    Forges,
}

/// Time between two messages.
const PACE: Duration = Duration::from_millis(7);

/// Most messages that it remembers.
const RECORDED_MAX: usize = 5000;

pub struct Attacker {
    habit: Habit,
    rng: Rng,
    recorded: Vec<Message>,
    next: Instant,
    seq: u64,
    generation: u64,
    active: bool,
    outputs: VecDeque<Act<Message, String>>,
}

fn stamped(now: Now, mut message: Message, (seq, generation): (u64, u64)) -> Message {
    message.push_text("src", "c");
    message.push("srcuuid", Value::Binary(uuid_of("c").to_vec()));
    message.push_text("seq", format!("{seq:x}"));
    message.push_text("hg", format!("{generation:x}"));
    message.push_text("ts", format!("{:x}", now.unix_s));
    message.push_text("ttl", "3");
    message
}

pub fn uuid_of(name: &str) -> [u8; 16] {
    [name.as_bytes()[0]; 16]
}

impl Attacker {
    pub fn new(habit: Habit, seed: u64, now: Instant) -> Self {
        Self {
            habit,
            rng: Rng::new(seed),
            recorded: Vec::new(),
            next: now,
            seq: 0,
            generation: 1,
            active: false,
            outputs: VecDeque::new(),
        }
    }

    pub fn handle_message(&mut self, message: Message) {
        if self.recorded.len() < RECORDED_MAX {
            self.recorded.push(message);
        } else {
            let at = self.pick(RECORDED_MAX);
            self.recorded[at] = message;
        }
    }

    pub fn handle_timeout(&mut self, now: Now) {
        if now.mono < self.next || !self.active {
            return;
        }
        self.next = now.mono + PACE;
        let message = match self.habit {
            Habit::Replays => self.replay(),
            Habit::Lies => Some(self.lie(now)),
            Habit::Orders => Some(self.order(now)),
            Habit::Forges => Some(self.forge(now)),
        };
        self.outputs.extend(message.map(Act::Transmit));
    }

    pub fn poll_output(&mut self) -> Option<Act<Message, String>> {
        self.outputs.pop_front()
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.active.then_some(self.next)
    }

    pub fn begin(&mut self, now: Now) {
        self.active = true;
        self.next = now.mono;
    }

    /// Its last words; as c, such as let the others count it dead after the usual time.
    pub fn end(&mut self, now: Now) {
        self.active = false;
        if !matches!(self.habit, Habit::Lies | Habit::Orders) {
            return;
        }
        self.generation += 3;
        self.seq = 0;
        for message in [
            Message::of_type("status")
                .with("st", "active")
                .with("dt", "1770")
                .with("protocol", "1"),
            Message::of_type("resource")
                .with("rsc_hold", "none")
                .with("rtype", "full"),
        ] {
            self.seq += 1;
            let (seq, generation) = (self.seq, self.generation);
            let message = stamped(now, message, (seq, generation));
            self.outputs.push_back(Act::Transmit(message));
        }
    }

    fn pick(&mut self, count: usize) -> usize {
        usize::try_from(self.rng.below(count as u64)).expect("below a usize")
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let at = self.pick(words.len());
        words[at]
    }

    /// A number as no honest node has it, or nearly.
    fn odd_number(&mut self) -> u64 {
        match self.rng.below(7) {
            0 => u64::MAX,
            1 => u64::MAX - 1,
            2 => 0,
            3 => 1 << self.rng.below(64),
            4 => self.rng.next_u64(),
            5 => u64::from(u32::MAX),
            _ => self.rng.below(1000),
        }
    }

    fn replay(&mut self) -> Option<Message> {
        if self.recorded.is_empty() {
            return None;
        }
        let at = self.pick(self.recorded.len());
        Some(self.recorded[at].clone())
    }

    /// The common fields, in c's own name.
    fn own(&mut self, now: Now, message: Message) -> Message {
        self.seq = match self.rng.below(40) {
            0 => self.seq.saturating_add(self.rng.below(600)),
            1 => self.seq.saturating_sub(self.rng.below(600)),
            _ => self.seq.saturating_add(1),
        };
        if self.rng.percent(1) {
            self.generation += self.rng.below(3);
            self.seq = self.rng.below(10);
        }
        let seq = if self.rng.percent(1) {
            self.odd_number()
        } else {
            self.seq
        };
        let generation = if self.rng.percent(1) {
            self.rng.below(5)
        } else {
            self.generation
        };
        stamped(now, message, (seq, generation))
    }

    fn lie(&mut self, now: Now) -> Message {
        let message = match self.rng.below(10) {
            0..=2 => self.status(),
            3..=4 => self.resource(),
            5 => self.acknowledgement(),
            6 => self.request(),
            7 => self.refusal(),
            8 => self.nonsense(),
            _ => {
                let st = self.one_of(&["leave", "join", "", "x"]);
                Message::of_type("hbapi-clstat")
                    .with("st", st)
                    .with("from_id", "ipfail")
                    .with("to_id", "ipfail")
            }
        };
        self.own(now, message)
    }

    fn status(&mut self) -> Message {
        let st = self.one_of(&["active", "active", "up", "init", "dead", "ping", ""]);
        let dt = self.odd_number();
        let mut message = Message::of_type("status")
            .with("st", st)
            .with("dt", format!("{dt:x}"))
            .with("protocol", "1");
        if self.rng.percent(80) {
            let version = self.odd_number().to_string();
            message.push_text("everbeat", version);
        }
        message
    }

    /// Says that it counts a and b in, and of each group whatever it likes.
    fn resource(&mut self) -> Message {
        let mut groups = Vec::new();
        for key in ["A", "B", "~c", "other"] {
            let claim = self.one_of(&["f", "r", "a", "h"]);
            let to = self.one_of(&["-", "a", "b", "c", "nobody"]);
            let (failures, version) = (self.rng.below(9), self.odd_number());
            groups.push(format!("{claim},{failures},{version},{to},{key}"));
        }
        for n in 0..self.rng.below(2000) {
            groups.push(format!("h,1,{n},-,{n}"));
        }
        let stable = self.one_of(&["0", "1", "x"]);
        let hold = self.one_of(&["all", "none", "local", "foreign", "x"]);
        Message::of_type("resource")
            .with("rsc_hold", hold)
            .with("rtype", "full")
            .with("isstable", stable)
            .with("ebgroups", groups.join(" "))
            .with("ebseen", "a/ b/")
            .with("ebstate", "settled")
    }

    fn acknowledgement(&mut self) -> Message {
        let seq = self.odd_number();
        let dest = self.one_of(&["a", "b", "c", "nobody"]);
        Message::of_type("NS_ackmsg")
            .with("dest", dest)
            .with("ackseq", format!("{seq:x}"))
    }

    fn request(&mut self) -> Message {
        let dest = self.one_of(&["a", "b"]);
        let (first, last) = (self.odd_number(), self.odd_number());
        let first = if self.rng.percent(50) { 1 } else { first };
        Message::of_type("NS_rexmit")
            .with("dest", dest)
            .with("firstseq", first.to_string())
            .with("lastseq", last.to_string())
    }

    fn refusal(&mut self) -> Message {
        let seq = self.odd_number();
        Message::of_type("NS_nak_rexmit")
            .with("dest", "a")
            .with("firstseq", format!("{seq:x}"))
    }

    fn nonsense(&mut self) -> Message {
        let kind = self.one_of(&["", "x", "NS_x", "reqnodes", "setweight", "num_ping_nodes"]);
        let mut message = Message::of_type(kind).with("to_id", "ipfail");
        for _ in 0..self.rng.below(50) {
            let field = self.one_of(&["node", "dest", "nodelist", "info", "num_ping", "weight"]);
            let value = "\u{1}x ".repeat(self.pick(200));
            message.push_text(field, value);
        }
        message.push("destuuid", Value::Binary(vec![0; 3]));
        message
    }

    fn order(&mut self, now: Now) -> Message {
        let side = self.one_of(&["all", "local", "foreign", "failback", "x"]);
        let message = match self.rng.below(14) {
            0..=3 => {
                let mut status = self.status();
                status.set("dt", Value::Text("1770".into()));
                status
            }
            4..=5 => self.resource(),
            6 => Message::of_type("hb_takeover").with("rsc_hold", side),
            7..=8 => {
                let info = self.one_of(&["me", "other", "done", "x"]);
                Message::of_type("ask_resources")
                    .with("rsc_hold", side)
                    .with("info", info)
            }
            9 => {
                let key = self.one_of(&["A", "B", "x"]);
                Message::of_type("ip-request").with("ipaddr", key)
            }
            10 => Message::of_type("starting"),
            11 => Message::of_type("shutdone").with("st", "dead"),
            12 => {
                let node = self.one_of(&["a", "b", "c", "x"]);
                let result = self.one_of(&["OK", "bad", "x"]);
                Message::of_type("stonith")
                    .with("node", node)
                    .with("result", result)
            }
            _ if self.rng.percent(10) => self.list(),
            _ => Message::of_type("reqnodes"),
        };
        self.own(now, message)
    }

    /// Lists of nodes that are as long as they can be, and longer.
    fn list(&mut self) -> Message {
        let kind = self.one_of(&["repnodes", "addnode"]);
        let count = if self.rng.percent(20) {
            300
        } else {
            self.rng.below(20)
        };
        let nodes: Vec<_> = (0..count).map(|n| format!("x{n}")).collect();
        Message::of_type(kind)
            .with("nodelist", format!("a b c {}", nodes.join(" ")))
            .with("delnodelist", " ")
    }

    /// In the name of somebody else, an old or an absurd number on it.
    fn forge(&mut self, now: Now) -> Message {
        let mut message = match self.replay() {
            Some(message) if self.rng.percent(70) => message,
            _ => self.status(),
        };
        let name = self.one_of(&["a", "b", "c", "nobody", "10.0.0.1"]);
        let uuid = self.one_of(&["a", "b", "c", "x"]);
        let (seq, generation) = (self.odd_number(), self.odd_number());
        message.set("src", Value::Text(name.into()));
        message.set("srcuuid", Value::Binary(uuid_of(uuid).to_vec()));
        message.set("seq", Value::Text(format!("{seq:x}").into()));
        message.set("hg", Value::Text(format!("{generation:x}").into()));
        message.set("ts", Value::Text(format!("{:x}", now.unix_s).into()));
        message
    }
}
