//! Interpreter of tests/script/totem: nodes of a ring on a network where each datagram takes a
//! millisecond. The token timeout is a second.
//!
//! ```text
//! up 1 [hex]            a node starts; hex is the number of the last ring on its disk
//! say 1 words           it sends a message
//! leave 1 | down 1      it leaves and ends, or just ends
//! pause 1 | resume 1    it isn't run, and is run again: what came waits in its socket
//! cut 1 2 | 3           only those on one side hear each other
//! heal                  all hear all
//! lose mcast 1          the next datagram of that kind and sender is lost on all its ways
//! trace on | off        datagrams are shown, too, but for tokens of a ring of one
//! run 200               so many milliseconds pass
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::time::Duration;

use everbeat::ids::NodeId;
use everbeat::proto::totem::{Bytes, Config, Output, Phase, Srp, Timing};
use everbeat::time::Instant;
use everbeat::wire::totem::{Datagram, Dialect, Processor};

#[test]
fn scripts_of_rings() {
    super::datadriven::run_folder("totem", || {
        let mut script = Script::default();
        move |line: &str| script.run(line)
    });
}

struct Node {
    srp: Srp,
    paused: bool,
    /// What came while it was paused.
    waiting: VecDeque<Bytes>,
}

/// A datagram on its way.
struct Flight {
    at: Instant,
    to: u32,
    bytes: Bytes,
}

#[derive(Default)]
struct Script {
    now: u64,
    nodes: BTreeMap<u32, Node>,
    /// By time: each takes as long as the others.
    flights: VecDeque<Flight>,
    sides: Vec<Vec<u32>>,
    lose: Option<(String, u32)>,
    trace: bool,
    out: String,
}

fn number(word: &str) -> u32 {
    word.parse().unwrap()
}

impl Script {
    fn run(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["up", node] => self.up(number(node), 0),
            ["up", node, seq] => self.up(number(node), u64::from_str_radix(seq, 16).unwrap()),
            ["say", node, ..] => self.say(number(node), &words[2..].join(" ")),
            ["leave", node] => {
                self.nodes.get_mut(&number(node)).unwrap().srp.leave();
                self.work(number(node));
                self.nodes.remove(&number(node));
            }
            ["down", node] => {
                self.nodes.remove(&number(node)).unwrap();
            }
            ["pause", node] => self.nodes.get_mut(&number(node)).unwrap().paused = true,
            ["resume", node] => self.resume(number(node)),
            ["cut", ..] => {
                let sides = words[1..].split(|word| *word == "|");
                let side = |side: &[&str]| side.iter().map(|word| number(word)).collect();
                self.sides = sides.map(side).collect();
            }
            ["heal"] => self.sides.clear(),
            ["lose", kind, node] => self.lose = Some((kind.into(), number(node))),
            ["trace", switch] => self.trace = switch == "on",
            ["run", ms] => self.pass(u64::from(number(ms))),
            _ => panic!("{line}"),
        }
        std::mem::take(&mut self.out)
    }

    fn up(&mut self, id: u32, ring_seq: u64) {
        let mut config = Config::new(Processor::of_node(NodeId(id)));
        config.ring_seq = ring_seq;
        config.timing = Timing::of_token(Duration::from_secs(1));
        let srp = Srp::new(config, Instant(self.now), u64::from(id));
        let node = Node {
            srp,
            paused: false,
            waiting: VecDeque::new(),
        };
        self.nodes.insert(id, node);
        self.work(id);
    }

    fn say(&mut self, id: u32, words: &str) {
        let node = self.nodes.get_mut(&id).unwrap();
        let sent = node.srp.send(Instant(self.now), words.into());
        sent.unwrap();
        self.work(id);
    }

    /// Late timers come first, as in a process that is run again.
    fn resume(&mut self, id: u32) {
        let node = self.nodes.get_mut(&id).unwrap();
        node.paused = false;
        node.srp.handle_timeout(Instant(self.now));
        self.work(id);
        while let Some(bytes) = self.nodes.get_mut(&id).and_then(|n| n.waiting.pop_front()) {
            self.hear(id, &bytes);
        }
    }

    fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        loop {
            let timers = self.nodes.values().filter(|node| !node.paused);
            let timer = timers.filter_map(|node| node.srp.poll_timeout()).min();
            let flight = self.flights.front().map(|flight| flight.at);
            let next = [timer, flight].into_iter().flatten().min();
            let Some(next) = next.filter(|next| next.0 <= end) else {
                break;
            };
            self.now = self.now.max(next.0);
            match flight {
                Some(at) if at <= next => {
                    let Flight { to, bytes, .. } = self.flights.pop_front().unwrap();
                    self.hear(to, &bytes);
                }
                _ => self.timers(),
            }
        }
        self.now = end;
    }

    fn timers(&mut self) {
        let now = Instant(self.now);
        let due = |node: &Node| !node.paused && node.srp.poll_timeout().is_some_and(|t| t <= now);
        let due = self.nodes.iter().filter(|(_, node)| due(node));
        for id in due.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.nodes.get_mut(&id).unwrap().srp.handle_timeout(now);
            self.work(id);
        }
    }

    fn hear(&mut self, id: u32, bytes: &Bytes) {
        let Some(node) = self.nodes.get_mut(&id) else {
            return;
        };
        if node.paused {
            node.waiting.push_back(bytes.clone());
            return;
        }
        node.srp.handle_datagram(Instant(self.now), bytes);
        self.work(id);
    }

    fn tell(&mut self, line: std::fmt::Arguments) {
        writeln!(self.out, "{} {line}", self.now).unwrap();
    }

    fn work(&mut self, id: u32) {
        while let Some(output) = self.nodes.get_mut(&id).and_then(|n| n.srp.poll_output()) {
            match output {
                Output::Multicast(bytes) => {
                    let others: Vec<u32> = self.nodes.keys().copied().collect();
                    self.send(id, others.into_iter().filter(|to| *to != id), &bytes);
                }
                Output::Unicast(to, bytes) => self.send(id, [to.node().0], &bytes),
                Output::PersistAndUnicast {
                    ring_seq,
                    to,
                    datagram,
                } => {
                    self.tell(format_args!("{id} writes ring number {ring_seq:x}"));
                    self.send(id, [to.node().0], &datagram);
                }
                Output::DiscardReceived => {
                    self.nodes.get_mut(&id).unwrap().waiting.clear();
                    self.tell(format_args!("{id} throws away what waits"));
                }
                Output::Deliver(delivery) => {
                    let text = String::from_utf8_lossy(delivery.payload()).into_owned();
                    let (from, seq) = (delivery.from, delivery.seq);
                    self.tell(format_args!("{id} delivers {seq} of {from}: {text}"));
                }
                Output::Configuration(configuration) => {
                    self.tell(format_args!("{id} {configuration}"));
                    // Nothing above has anything to bring into step.
                    if configuration.phase == Phase::Regular {
                        let (now, node) = (Instant(self.now), self.nodes.get_mut(&id));
                        node.unwrap().srp.sync_completed(now, configuration.ring);
                    }
                }
                Output::Note(note) => self.tell(format_args!("{id} notes: {note}")),
            }
        }
    }

    fn send(&mut self, from: u32, to: impl IntoIterator<Item = u32>, bytes: &Bytes) {
        let datagram = Datagram::decode(bytes, Dialect::V3).unwrap();
        let kind = datagram.body.kind().name();
        let lost = self
            .lose
            .as_ref()
            .is_some_and(|(k, n)| k == kind && *n == from);
        let to: Vec<u32> = to.into_iter().collect();
        // A ring of one turns its token by itself.
        let own_token = kind == "orf_token" && to == [from];
        if (self.trace && !own_token) || lost {
            let what = if lost { "loses" } else { "sends" };
            let one = match to[..] {
                [one] => format!(" to {one}"),
                _ => String::new(),
            };
            self.tell(format_args!("{from} {what}{one} {datagram}"));
        }
        if lost {
            self.lose = None;
            return;
        }
        for to in to {
            if to == from || self.hears(from, to) {
                let at = Instant(self.now + u64::from(to != from));
                let bytes = bytes.clone();
                let place = self.flights.partition_point(|flight| flight.at <= at);
                self.flights.insert(place, Flight { at, to, bytes });
            }
        }
    }

    fn hears(&self, from: u32, to: u32) -> bool {
        let side = |node: u32| self.sides.iter().position(|side| side.contains(&node));
        side(from) == side(to)
    }
}
