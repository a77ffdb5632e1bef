//! The captures of real daemons, played to our machine in the place of one of them: it must come
//! to the same view of its peers, in the same order, at the same time.

use std::collections::BTreeMap;
use std::time::Duration;

use everbeat::ids::{Generation, LinkName, NodeName};
use everbeat::proto::heartbeat::{Autojoin, Cluster, ClusterConfig, Event, Output};
use everbeat::time::{Instant, Now};
use everbeat::wire::heartbeat::{Keyring, Message, Method, open};

const EXPECTED: &str = include_str!("replay/expected.txt");

/// A real daemon looks at its packets every half second, and its log has whole seconds.
const TOLERANCE_S: i64 = 2;

/// Between its sockets' opening and its first datagram.
const OPENING_MS: u64 = 700;

#[test]
fn captures_lead_to_the_views_of_the_real_daemons() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for run in EXPECTED.split("run ").skip(1) {
        let mut lines = run.lines();
        let head = Head::parse(lines.next().unwrap());
        let expected: Vec<Step> = lines.map(Step::parse).collect();
        seen += expected.len();
        let (ours, until) = play(&head);
        if let Err(why) = compare(&expected, &ours, until) {
            wrong.push(format!("{} of {}: {why}", head.node, head.scenario));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 60, "only {seen} steps expected");
}

/// `SCENARIO NODE key=value …`
struct Head<'a> {
    scenario: &'a str,
    node: &'a str,
    values: BTreeMap<&'a str, &'a str>,
}

impl<'a> Head<'a> {
    fn parse(line: &'a str) -> Self {
        let mut words = line.split(' ');
        Self {
            scenario: words.next().unwrap(),
            node: words.next().unwrap(),
            values: words.map(|word| word.split_once('=').unwrap()).collect(),
        }
    }

    fn span(&self, key: &str) -> Duration {
        Duration::from_secs_f64(self.values[key].parse().unwrap())
    }

    fn names(&self, key: &str) -> Vec<NodeName> {
        let words = self.values[key].split(',').filter(|word| *word != "-");
        words.map(|word| NodeName::new(word).unwrap()).collect()
    }
}

/// A step of the view: `SECONDS NODE STATUS`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    second: i64,
    node: String,
    what: String,
}

impl Step {
    fn parse(line: &str) -> Self {
        let words: Vec<&str> = line.split_whitespace().collect();
        Self {
            second: words[0].parse().unwrap(),
            node: words[1].into(),
            what: words[2].into(),
        }
    }
}

/// A datagram of a capture.
struct Packet {
    at: u64,
    own: bool,
    link: LinkName,
    message: Option<Message>,
}

/// Plays a scenario; the steps and the second of the daemon's end.
fn play(head: &Head) -> (Vec<Step>, i64) {
    let packets = packets(head);
    let own: Vec<&Packet> = packets
        .iter()
        .filter(|p| p.own && p.message.is_some())
        .collect();
    assert!(
        !own.is_empty(),
        "nothing of {} in {}",
        head.node,
        head.scenario
    );
    let first = own[0].message.as_ref().unwrap();
    let generation = first.hex("hg").unwrap();
    let life = own
        .iter()
        .take_while(|p| p.message.as_ref().unwrap().hex("hg") == Some(generation));
    let until = life.last().unwrap().at;
    let mut config = ClusterConfig::new(NodeName::new(head.node).unwrap(), head.names("nodes"));
    config.uuid = first.uuid("srcuuid").unwrap();
    config.generation = Generation(generation);
    config.links = vec![LinkName::new("eth0")];
    config.pings = head.names("pings");
    config.timing.keepalive = head.span("keepalive");
    config.timing.deadtime = head.span("deadtime");
    config.timing.initdead = head.span("initdead");
    config.timing.warntime = head.span("warntime");
    config.timing.deadping = head.span("deadping");
    if head.values["autojoin"] == "any" {
        config.autojoin = Autojoin::Any;
    }
    let start = own[0].at;
    let mut player = Player {
        cluster: Cluster::new(config, time(start), 1),
        now: start,
        steps: Vec::new(),
    };
    // What came while the daemon opened its sockets waited in them.
    let heard = start.saturating_sub(OPENING_MS)..=until;
    for packet in packets.iter().filter(|p| heard.contains(&p.at)) {
        player.pass(packet.at.max(start));
        player.take(packet);
    }
    player.pass(until);
    (player.steps, (until / 1000) as i64)
}

struct Player {
    cluster: Cluster,
    now: u64,
    steps: Vec<Step>,
}

impl Player {
    fn pass(&mut self, until: u64) {
        while let Some(at) = self.cluster.poll_timeout().filter(|at| at.0 <= until) {
            self.now = self.now.max(at.0);
            self.cluster.handle_timeout(time(self.now));
            self.drain();
        }
        self.now = until;
        self.drain();
    }

    fn take(&mut self, packet: &Packet) {
        let Some(message) = &packet.message else {
            return;
        };
        let from_operator = ["addnode", "delnode", "setweight", "setsite"];
        if !packet.own {
            self.cluster
                .handle_message(time(self.now), &packet.link, message.clone());
        } else if message
            .kind()
            .is_some_and(|kind| from_operator.contains(&kind))
        {
            self.cluster.send(time(self.now), message.clone(), None);
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.cluster.poll_output() {
            let (node, what) = match output {
                Output::Event(Event::Healed { node }) => (node, "healed"),
                Output::Event(Event::Node(change)) => {
                    let own = change.node == self.cluster.config().local;
                    if own {
                        continue;
                    }
                    (change.node, change.status.as_str())
                }
                Output::Log(_, line) => match line.strip_prefix("Heartbeat restart on node ") {
                    Some(node) => (NodeName::new(node).unwrap(), "restart"),
                    None => continue,
                },
                _ => continue,
            };
            self.steps.push(Step {
                second: (self.now / 1000) as i64,
                node: node.to_string(),
                what: what.into(),
            });
        }
    }
}

/// Node by node the same steps; at the end one side may be some steps ahead.
fn compare(expected: &[Step], ours: &[Step], until: i64) -> Result<(), String> {
    let nodes: std::collections::BTreeSet<&str> = expected
        .iter()
        .chain(ours)
        .map(|step| step.node.as_str())
        .collect();
    for node in nodes {
        let of = |steps: &[Step]| -> Vec<Step> {
            steps
                .iter()
                .filter(|step| step.node == node)
                .cloned()
                .collect()
        };
        let (mut real, mut mine) = (of(expected), of(ours));
        // Which of the first packets still found the sockets closed isn't known.
        if real.first().map(|step| &step.what) != mine.first().map(|step| &step.what) {
            for steps in [&mut real, &mut mine] {
                if steps
                    .first()
                    .is_some_and(|step| step.what == "up" && step.second <= 2)
                {
                    steps.remove(0);
                }
            }
        }
        for (r, m) in real.iter().zip(&mine) {
            if r.what != m.what || (r.second - m.second).abs() > TOLERANCE_S {
                return Err(format!("{r:?} there, {m:?} here"));
            }
        }
        let common = real.len().min(mine.len());
        let mut rest = real[common..].iter().chain(&mine[common..]);
        if let Some(extra) = rest.find(|step| step.second + TOLERANCE_S < until) {
            return Err(format!("one side only has {extra:?}"));
        }
    }
    Ok(())
}

fn time(ms: u64) -> Now {
    Now {
        mono: Instant(ms),
        unix_s: 1_795_346_882 + ms / 1000,
    }
}

/// All datagrams of a scenario that the node sends or gets, opened with its own key.
///
/// A line each: milliseconds, sender, its address, destination, protocol, key (its words joined
/// by `/`), payload in hexadecimal.
fn packets(head: &Head) -> Vec<Packet> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/script/replay");
    let text = std::fs::read_to_string(format!("{folder}/{}.txt", head.scenario)).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split(' ').collect()).collect();
    let mine = || lines.iter().filter(|line| line[1] == head.node);
    let keyring = keyring(&mine().next().unwrap()[5].replace('/', " "));
    let own_ips: Vec<&str> = mine().map(|line| line[2]).collect();
    let mut packets = Vec::new();
    for line in &lines {
        let (own, icmp) = (line[1] == head.node, line[4].starts_with("icmp"));
        if icmp && (own || !own_ips.contains(&line[3])) {
            continue;
        }
        let message = open(&unhex(line[6]), &keyring)
            .ok()
            .map(|opened| opened.message);
        let ping = message
            .as_ref()
            .filter(|_| icmp)
            .and_then(|m| m.text("src"));
        packets.push(Packet {
            at: line[0].parse().unwrap(),
            own,
            link: LinkName::new(ping.unwrap_or("eth0")),
            message,
        });
    }
    packets
}

fn keyring(lines: &str) -> Keyring {
    let mut keys = Vec::new();
    for line in lines.split(';') {
        let words: Vec<&str> = line.split_whitespace().collect();
        let method = Method::from_name(words[1]).unwrap();
        let secret = words.get(2).unwrap_or(&"").as_bytes();
        keys.push((words[0].parse().unwrap(), method, secret));
    }
    let outbound = keys[0].0;
    Keyring::new(outbound, keys).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
