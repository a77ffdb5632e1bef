//! Interpreter of tests/script/ccm: one real machine, its peers spoken by hand.
//!
//! ```text
//! start a b c [dead=c,d] [quorum=majority:weight] [weight=b:300]   the first name is ours
//! from b JOIN major=1 minor=1 uptime=1 cookie=C1 [nodes=3] …       a message of the table below
//! node b dead           the node protocol says so
//! ccm b left            so do the clients' comings and goings
//! nodes a b             the nodes of the cluster are these from now on
//! wait 5s               time passes; keepalive is a second
//! state
//! ```
//!
//! Cookies are called C1, C2, … as they come up. What is sent to all comes back at once, as from
//! the node protocol. Other words of a message: `members=a,b` (or `-`), `quorum=1`, `new=C2`,
//! `uptimes=1,2`, `largest=3`, `size=2`, `node=b`, `name=CCM_STATE_JOINED`.

use std::fmt::Write;
use std::time::Duration;

use everbeat::ids::NodeName;
use everbeat::proto::ccm::{Ccm, CcmConfig, CcmNode, Event, Membership, Output, quorum};
use everbeat::proto::heartbeat::{Mode, NodeChange, NodeKind, NodeStatus};
use everbeat::time::{Instant, Now};
use everbeat::wire::ccm::{Bitmap, Body, CcmMessage, Context, Cookie, MemList};

#[test]
fn scripts_of_the_membership() {
    super::datadriven::run_folder("ccm", || {
        let mut script = Script::default();
        move |line: &str| script.run(line)
    });
}

#[derive(Default)]
struct Script {
    machine: Option<Ccm>,
    names: Vec<NodeName>,
    local: Option<NodeName>,
    cookies: Vec<Cookie>,
    now: u64,
    out: String,
}

/// The `key=value` words of a line.
struct Words<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Words<'a> {
    fn of(words: &[&'a str]) -> Self {
        Self(
            words
                .iter()
                .filter_map(|word| word.split_once('='))
                .collect(),
        )
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| *value)
    }

    fn number(&self, key: &str) -> u32 {
        self.get(key).map_or(0, |value| value.parse().unwrap())
    }
}

fn name(word: &str) -> NodeName {
    NodeName::new(word).unwrap()
}

impl Script {
    fn run(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        let now = self.now();
        match words[0] {
            "start" => self.start(&words[1..]),
            "from" => {
                let message = self.message(words[2], &Words::of(&words[3..]));
                let from = name(words[1]);
                self.machine().handle_message(now, &from, &message.encode());
            }
            "node" => {
                let change = NodeChange {
                    node: name(words[1]),
                    kind: NodeKind::Normal,
                    mode: Mode::Heartbeat,
                    was: NodeStatus::Active,
                    status: status(words[2]),
                    cause: None,
                };
                self.machine().handle_node(now, &change);
            }
            "ccm" => {
                let here = words[2] == "came";
                self.machine().handle_service(now, &name(words[1]), here);
            }
            "nodes" => {
                let node = |word: &&str| node(word, NodeStatus::Active);
                let nodes: Vec<CcmNode> = words[1..].iter().map(node).collect();
                self.names = nodes.iter().map(|node| node.name.clone()).collect();
                self.names.sort();
                self.machine().handle_nodes(now, nodes);
            }
            "wait" => self.wait(words[1]),
            "state" => {
                let (major, minor) = self.machine().transition();
                let state = self.machine().state().as_str();
                writeln!(self.out, "{state} {major}/{minor}").unwrap();
            }
            other => panic!("no command {other:?}"),
        }
        self.drain();
        std::mem::take(&mut self.out)
    }

    fn start(&mut self, words: &[&str]) {
        let keys = Words::of(words);
        let dead: Vec<&str> = keys
            .get("dead")
            .map_or(Vec::new(), |d| d.split(',').collect());
        let weight = keys.get("weight").and_then(|word| word.split_once(':'));
        let names = words.iter().filter(|word| !word.contains('='));
        let nodes: Vec<CcmNode> = names
            .map(|word| {
                let is_dead = dead.contains(word);
                let status = if is_dead {
                    NodeStatus::Dead
                } else {
                    NodeStatus::Active
                };
                let mut node = node(word, status);
                if let Some((_, heavy)) = weight.filter(|(name, _)| name == word) {
                    node.weight = heavy.parse().unwrap();
                }
                node
            })
            .collect();
        self.names = nodes.iter().map(|node| node.name.clone()).collect();
        self.local = self.names.first().cloned();
        self.names.sort();
        let quorum = keys.get("quorum").map(|list| quorum::parse(list).unwrap());
        let config = CcmConfig {
            local: name(words[0]),
            nodes,
            keepalive: Duration::from_secs(1),
            quorum: quorum.unwrap_or(quorum::DEFAULT.into()),
        };
        self.machine = Some(Ccm::new(config, self.now(), 1));
    }

    fn now(&self) -> Now {
        Now {
            mono: Instant(self.now),
            unix_s: 1_800_000_000 + self.now / 1000,
        }
    }

    fn machine(&mut self) -> &mut Ccm {
        self.machine.as_mut().expect("start comes first")
    }

    fn wait(&mut self, word: &str) {
        let seconds: f64 = word.strip_suffix('s').unwrap().parse().unwrap();
        let until = self.now + (seconds * 1000.0).round() as u64;
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
    }

    fn message(&mut self, kind: &str, words: &Words<'_>) -> CcmMessage {
        let text = |key| words.get(key).unwrap_or_default().as_bytes().to_vec();
        let members = |script: &Self| script.bitmap(words.get("members").unwrap_or("-"));
        let flag = words.number("quorum") == 1;
        let uptimes = words.get("uptimes").unwrap_or_default().split(',');
        let body = match kind {
            "PROTOVERSION" => Body::ProtoVersion,
            "RESTART" => Body::Restart,
            "PROTOVERSION_RESP" => Body::ProtoVersionResp {
                protocol: words.number("protocol"),
                members: words.number("size"),
            },
            "ALIVE" => Body::Alive,
            "NEW_NODE" => Body::NewNode(text("node")),
            "MEM_LIST" => Body::MemList(MemList {
                members: members(self).unwrap(),
                quorum: flag,
                uptimes: uptimes.map(|word| word.parse().unwrap()).collect(),
                cookie: self.cookie(words.get("new").unwrap()),
            }),
            "JOIN" => Body::Join,
            "REQ_MEMLIST" => Body::ReqMemList,
            "RES_MEMLIST" => Body::ResMemList {
                largest_major: words.number("largest"),
                heard: members(self),
            },
            "FINAL_MEMLIST" => Body::FinalMemList {
                major: words.number("largest"),
                members: members(self).unwrap(),
                quorum: flag,
                cookie: self.cookie(words.get("new").unwrap()),
            },
            "ABORT" => Body::Abort,
            "NODE_LEAVE_NOTICE" => Body::NodeLeaveNotice(text("node")),
            "NODE_LEAVE" => Body::NodeLeave(text("node")),
            "STATE_INFO" => Body::StateInfo(text("name")),
            other => panic!("no message {other:?}"),
        };
        let bare = matches!(body, Body::ProtoVersion | Body::Restart);
        let context = (!bare).then(|| Context {
            cookie: self.cookie(words.get("cookie").unwrap_or("-")),
            uptime: words.number("uptime"),
            minor: words.number("minor"),
        });
        let nodes = words.get("nodes").map(|word| word.parse().unwrap());
        CcmMessage {
            major: words.number("major"),
            nodes: nodes.unwrap_or(u32::try_from(self.names.len()).unwrap()),
            context,
            body,
        }
    }

    /// The cookie that a script calls so; a new name makes a new one.
    fn cookie(&mut self, word: &str) -> Cookie {
        let Some(number) = word.strip_prefix('C') else {
            return Cookie::default();
        };
        let number: usize = number.parse().unwrap();
        while self.cookies.len() < number {
            let made = format!("script{}", self.cookies.len());
            self.cookies.push(Cookie::new(made.as_bytes()));
        }
        self.cookies[number - 1].clone()
    }

    fn called(&mut self, cookie: &Cookie) -> String {
        if *cookie == Cookie::default() {
            return "-".into();
        }
        let known = self.cookies.iter().position(|known| known == cookie);
        let place = known.unwrap_or_else(|| {
            self.cookies.push(cookie.clone());
            self.cookies.len() - 1
        });
        format!("C{}", place + 1)
    }

    fn bitmap(&self, word: &str) -> Option<Bitmap> {
        let place = |name: &str| self.names.iter().position(|n| *n == *name).unwrap();
        (word != "-").then(|| word.split(',').map(place).collect())
    }

    fn members(&self, bitmap: Bitmap) -> String {
        let names: Vec<&str> = bitmap
            .iter()
            .map(|index| self.names[index].as_str())
            .collect();
        names.join(",")
    }

    /// What the machine has to say; what goes to all comes back to it.
    fn drain(&mut self) {
        let at = Instant(self.now);
        while let Some(output) = self.machine.as_mut().and_then(Ccm::poll_output) {
            let line = match output {
                Output::Send(to, message) => {
                    let whom = to.as_ref().map_or("all", NodeName::as_str).to_owned();
                    let line = format!("-> {whom} {}", self.described(&message));
                    let (now, local) = (self.now(), self.local.clone().unwrap());
                    if to.is_none_or(|to| to == local) {
                        self.machine()
                            .handle_message(now, &local, &message.encode());
                    }
                    line
                }
                Output::Event(Event::Membership(membership)) => self.membership(&membership),
                Output::Event(event) => format!("event {event:?}"),
                Output::Here(here) => format!("here {here}"),
                Output::Log(severity, line) => format!("log {severity:?}: {line}"),
            };
            writeln!(self.out, "{at} {line}").unwrap();
        }
    }

    fn membership(&mut self, membership: &Membership) -> String {
        let member =
            |member: &everbeat::proto::ccm::Member| format!("{} born {}", member.name, member.born);
        let members: Vec<String> = membership.members.iter().map(member).collect();
        format!(
            "event membership {} {}: {}; {} quorum, led by {}",
            membership.instance,
            self.called(&membership.cookie),
            members.join(", "),
            if membership.quorum { "with" } else { "without" },
            membership.leader
        )
    }

    fn described(&mut self, message: &CcmMessage) -> String {
        let mut line = format!("{} major={}", message.body.name(), message.major);
        if let Some(context) = &message.context {
            let cookie = self.called(&context.cookie);
            let (minor, uptime) = (context.minor, context.uptime);
            line += &format!(" minor={minor} uptime={uptime} cookie={cookie}");
        }
        line += &match &message.body {
            Body::ProtoVersionResp { members, .. } => format!(" size={members}"),
            Body::NewNode(node) | Body::NodeLeaveNotice(node) | Body::NodeLeave(node) => {
                format!(" node={}", String::from_utf8_lossy(node))
            }
            Body::StateInfo(state) => format!(" name={}", String::from_utf8_lossy(state)),
            Body::MemList(list) => {
                let uptimes: Vec<String> = list.uptimes.iter().map(u32::to_string).collect();
                format!(
                    " members={} uptimes={} quorum={} new={}",
                    self.members(list.members),
                    uptimes.join(","),
                    u8::from(list.quorum),
                    self.called(&list.cookie)
                )
            }
            Body::ResMemList {
                largest_major,
                heard,
            } => {
                let heard = heard.map_or("-".into(), |heard| self.members(heard));
                format!(" largest={largest_major} members={heard}")
            }
            Body::FinalMemList {
                major,
                members,
                quorum,
                cookie,
            } => format!(
                " largest={major} members={} quorum={} new={}",
                self.members(*members),
                u8::from(*quorum),
                self.called(cookie)
            ),
            _ => String::new(),
        };
        line
    }
}

fn node(word: &str, status: NodeStatus) -> CcmNode {
    CcmNode {
        name: name(word),
        status,
        weight: 100,
    }
}

fn status(word: &str) -> NodeStatus {
    match word {
        "dead" => NodeStatus::Dead,
        "up" => NodeStatus::Up,
        "active" => NodeStatus::Active,
        other => panic!("no status {other:?}"),
    }
}
