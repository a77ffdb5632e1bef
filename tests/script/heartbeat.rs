//! Interpreter of tests/script/heartbeat: one real machine, its peers spoken by hand.
//!
//! ```text
//! start a b [ping=R] [links=eth0,eth1] [keepalive=1s] [deadtime=6s] [warntime=3s]
//!       [initdead=10s] [deadping=6s] [autojoin=any] [deleted=x]
//! from b [on eth0] t=status st=up dt=1770 protocol=1 seq=1 hg=1   (src, srcuuid, ts are added)
//! wait 2s [quiet]      time passes; quiet leaves out our own ordinary status messages
//! sleep 7s             time passes and nobody calls the machine
//! send t=starting      from above
//! leave [30s]          our last words
//! reconfigure …        as start
//! nodes | start? | odd | repairs
//! ```

use std::fmt::Write;
use std::time::Duration;

use everbeat::ids::{Generation, LinkName, NodeName, NodeUuid};
use everbeat::proto::heartbeat::{
    Autojoin, Cluster, ClusterConfig, Event, KnownNode, Mode, Output, Timing,
};
use everbeat::time::{Instant, Now};
use everbeat::wire::heartbeat::{Message, Value};

#[test]
fn scripts_of_the_node_protocol() {
    super::datadriven::run_folder("heartbeat", || {
        let mut script = Script::default();
        move |line: &str| script.run(line)
    });
}

#[derive(Default)]
struct Script {
    cluster: Option<Cluster>,
    now: u64,
    quiet: bool,
    out: String,
}

impl Script {
    fn run(&mut self, line: &str) -> String {
        let mut words = line.split_whitespace();
        let command = words.next().unwrap();
        let words: Vec<&str> = words.collect();
        match command {
            "start" => self.cluster = Some(Cluster::new(config(&words), self.now(), 1)),
            "from" => self.from(&words),
            "wait" => self.wait(&words),
            "sleep" => self.now += ms(words[0]),
            "leave" => {
                let extra = words.first().map_or(0, |word| ms(word));
                let now = self.now();
                self.machine().leave(now, Duration::from_millis(extra));
            }
            "send" => {
                let (now, message) = (self.now(), fields(&words));
                self.machine().send(now, message, None);
            }
            "reconfigure" => {
                let now = self.now();
                self.machine().reconfigure(now, config(&words));
            }
            "nodes" => self.nodes(),
            "start?" => {
                let line = format!("{:?}\n", self.machine().start());
                self.out.push_str(&line);
            }
            "repairs" => {
                let line = format!("{:?}\n", self.machine().repairs());
                self.out.push_str(&line);
            }
            "odd" => {
                let odd: Vec<_> = self.machine().oddities().filter(|(_, n)| *n > 0).collect();
                for (kind, count) in odd {
                    writeln!(self.out, "{} {count}", kind.as_str()).unwrap();
                }
            }
            other => panic!("no command {other:?}"),
        }
        self.drain();
        std::mem::take(&mut self.out)
    }

    fn now(&self) -> Now {
        Now {
            mono: Instant(self.now),
            unix_s: 1_800_000_000 + self.now / 1000,
        }
    }

    fn machine(&mut self) -> &mut Cluster {
        self.cluster.as_mut().expect("start comes first")
    }

    fn from(&mut self, words: &[&str]) {
        let (name, mut words) = (words[0], &words[1..]);
        let mut link = "eth0";
        if words[0] == "on" {
            link = words[1];
            words = &words[2..];
        }
        let mut message = fields(words);
        if message.get("src").is_none() {
            message.push_text("src", name);
        }
        if message.get("srcuuid").is_none() {
            message.push("srcuuid", Value::Binary(uuid(name).0.to_vec()));
        }
        if message.get("ts").is_none() {
            message.push_text("ts", format!("{:x}", self.now().unix_s));
        }
        let now = self.now();
        self.machine()
            .handle_message(now, &LinkName::new(link), message);
    }

    fn wait(&mut self, words: &[&str]) {
        let until = self.now + ms(words[0]);
        self.quiet = words.get(1) == Some(&"quiet");
        while let Some(at) = self.machine().poll_timeout() {
            if at.0 > until {
                break;
            }
            self.now = self.now.max(at.0);
            let now = self.now();
            self.machine().handle_timeout(now);
            self.drain();
        }
        self.now = until;
        self.quiet = false;
    }

    fn drain(&mut self) {
        let at = Instant(self.now);
        while let Some(output) = self.cluster.as_mut().and_then(Cluster::poll_output) {
            let line = match output {
                Output::Transmit(message) => {
                    if self.quiet && message.kind() == Some("status") {
                        continue;
                    }
                    format!("send {}", brief(&message))
                }
                Output::Event(Event::Deliver(delivery)) => {
                    let from = &delivery.from;
                    let own = if delivery.local { " (own)" } else { "" };
                    format!("deliver from {from}{own}: {}", brief(&delivery.message))
                }
                Output::Event(event) => format!("event {event:?}"),
                Output::Log(severity, line) => format!("log {severity:?}: {line}"),
                Output::StoreNodes => {
                    let names = self.machine().known_nodes().map(|n| n.name.to_string());
                    format!("store {:?}", names.collect::<Vec<_>>())
                }
            };
            writeln!(self.out, "{at} {line}").unwrap();
        }
    }

    fn nodes(&mut self) {
        let views: Vec<_> = self.machine().nodes().collect();
        for view in views {
            let mode = match view.mode {
                Mode::Unknown => "?",
                Mode::Heartbeat => "heartbeat",
                Mode::Everbeat(_) => "everbeat",
            };
            let links: Vec<_> = view
                .links
                .iter()
                .map(|l| format!("{}:{}", l.name, if l.up { "up" } else { "dead" }))
                .collect();
            let dead_at = view.dead_at.map_or("-".into(), |at| at.to_string());
            writeln!(
                self.out,
                "{} {} {mode} gen={} seq={:?} missing={} since={} dead_at={dead_at} {}",
                view.name,
                view.status,
                view.generation.0,
                view.seq,
                view.missing,
                view.status_since,
                links.join(" ")
            )
            .unwrap();
        }
    }
}

/// The fields that matter to a reader: those that every message has are left out.
fn brief(message: &Message) -> String {
    let mut short = message.clone();
    for common in ["srcuuid", "destuuid", "hg", "ts", "ld", "ttl", "src"] {
        short.remove(common);
    }
    short.to_string()
}

fn fields(words: &[&str]) -> Message {
    let mut message = Message::new();
    for word in words {
        let (name, value) = word.split_once('=').expect("NAME=VALUE");
        match name {
            "srcuuid" | "destuuid" => {
                message.push(name, Value::Binary(uuid(value).0.to_vec()));
            }
            // A comma stands for a blank.
            _ => message.push_text(name, value.replace(',', " ")),
        }
    }
    message
}

fn uuid(name: &str) -> NodeUuid {
    let mut bytes = [0; 16];
    bytes[..name.len().min(16)].copy_from_slice(&name.as_bytes()[..name.len().min(16)]);
    NodeUuid(bytes)
}

fn node(word: &str) -> NodeName {
    NodeName::new(word).unwrap()
}

fn ms(word: &str) -> u64 {
    match word.strip_suffix("ms") {
        Some(number) => number.parse().unwrap(),
        None => {
            let seconds: f64 = word.strip_suffix('s').unwrap().parse().unwrap();
            (seconds * 1000.0).round() as u64
        }
    }
}

/// `start a b …`: the first name is ours.
fn config(words: &[&str]) -> ClusterConfig {
    let names: Vec<NodeName> = words
        .iter()
        .filter(|w| !w.contains('='))
        .map(|w| node(w))
        .collect();
    let mut config = ClusterConfig::new(names[0].clone(), names);
    config.uuid = uuid(config.local.as_str());
    config.generation = Generation(100);
    config.links = vec![LinkName::new("eth0")];
    config.timing = Timing {
        deadtime: Duration::from_secs(6),
        warntime: Duration::from_secs(3),
        initdead: Duration::from_secs(10),
        deadping: Duration::from_secs(6),
        ..Timing::default()
    };
    for (key, value) in words.iter().filter_map(|word| word.split_once('=')) {
        let span = || Duration::from_millis(ms(value));
        match key {
            "keepalive" => config.timing.keepalive = span(),
            "deadtime" => config.timing.deadtime = span(),
            "warntime" => config.timing.warntime = span(),
            "initdead" => config.timing.initdead = span(),
            "deadping" => config.timing.deadping = span(),
            "links" => config.links = value.split(',').map(LinkName::new).collect(),
            "ping" => config.pings.push(node(value)),
            "autojoin" => {
                config.autojoin = match value {
                    "any" => Autojoin::Any,
                    "other" => Autojoin::Other,
                    _ => Autojoin::None,
                };
            }
            "deleted" => config.deleted.push(KnownNode {
                name: node(value),
                uuid: uuid(value),
                weight: 100,
                site: String::new(),
            }),
            other => panic!("no option {other:?}"),
        }
    }
    config
}
