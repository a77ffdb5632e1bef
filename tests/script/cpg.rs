//! Interpreter of tests/script/cpg: groups and barriers of several nodes on rings made by hand.
//!
//! ```text
//! up 1 [services=0,2]       a node starts, alone; it has these services besides 2
//! ring 1 2 | 3              these rings form; a node in none is gone
//! join 1.a 100 web          client a of node 1, process 100, joins the group web
//! leave 1.a | end 1.a       it leaves, or its connection ends
//! say 1.a words             it says something to its group
//! part 1.a first 10 words   it says a part of a message of 10 bytes
//! hold | go                 messages wait, or go: what is said meanwhile comes later
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;

use everbeat::ids::NodeId;
use everbeat::proto::cpg::{ClientId, Event, Machine, Moved, Output, Refused};
use everbeat::proto::sync::{self, Barriers};
use everbeat::wire::cluster::{self, Cpg, CpgName, Message, PartialKind, Service, Sync};
use everbeat::wire::cursor::ByteOrder;
use everbeat::wire::totem::{Dialect, RingId};

#[test]
fn scripts_of_groups() {
    super::datadriven::run_folder("cpg", || {
        let mut script = Script::default();
        move |line: &str| script.run(line)
    });
}

struct Node {
    cpg: Machine,
    barriers: Barriers,
    /// Who was with it when it last had a ring.
    ring: BTreeSet<u32>,
    /// What clients said while the node was synchronising.
    held: Vec<Cpg>,
    clients: Vec<String>,
}

/// A message on a ring, as bytes: the codecs are on the way.
struct Packet {
    from: u32,
    sync: bool,
    body: Vec<u8>,
}

#[derive(Default)]
struct Script {
    nodes: BTreeMap<u32, Node>,
    rings: Vec<Vec<u32>>,
    seq: u64,
    order: VecDeque<Packet>,
    holding: bool,
    out: String,
}

impl Script {
    fn run(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["up", node] => self.up(node, ""),
            ["up", node, services] => self.up(node, services.trim_start_matches("services=")),
            ["ring", ..] => self.form(&words[1..]),
            ["hold"] => self.holding = true,
            ["go"] => self.holding = false,
            [command, who, ..] => self.client(command, who, &words[2..]),
            _ => panic!("{line}"),
        }
        self.settle();
        std::mem::take(&mut self.out)
    }

    fn up(&mut self, node: &str, services: &str) {
        let id: u32 = node.parse().unwrap();
        let numbers = services.split(',').filter_map(|word| word.parse().ok());
        let mut own: Vec<Service> = numbers.map(Service).collect();
        own.push(Service::CPG);
        let new = Node {
            cpg: Machine::new(NodeId(id)),
            barriers: Barriers::new(&own),
            ring: BTreeSet::new(),
            held: Vec::new(),
            clients: Vec::new(),
        };
        self.nodes.insert(id, new);
        // Those it was with have not noticed yet.
        self.rings
            .iter_mut()
            .for_each(|ring| ring.retain(|n| *n != id));
        let alone = vec![id];
        self.rings.push(alone.clone());
        self.change(&alone);
    }

    fn form(&mut self, words: &[&str]) {
        let rings = words.split(|word| *word == "|");
        let rings = rings.map(|ring| ring.iter().map(|w| w.parse().unwrap()).collect());
        let rings: Vec<Vec<u32>> = rings.collect();
        self.nodes
            .retain(|id, _| rings.iter().any(|ring| ring.contains(id)));
        let old = std::mem::replace(&mut self.rings, rings.clone());
        for ring in rings.iter().filter(|ring| !old.contains(ring)) {
            self.change(ring);
            self.settle();
        }
    }

    /// Transitional, then regular configuration.
    fn change(&mut self, ring: &[u32]) {
        self.seq += 4;
        // What synchronisation has on the way is lost with its ring.
        self.order.retain(|packet| !ring.contains(&packet.from));
        let id = RingId::of_node(NodeId(ring[0]), self.seq);
        let members: Vec<NodeId> = ring.iter().map(|id| NodeId(*id)).collect();
        let before: BTreeMap<u32, BTreeSet<u32>> = ring
            .iter()
            .map(|n| (*n, self.nodes[n].ring.clone()))
            .collect();
        for number in ring {
            let with_me = |other: &&u32| {
                other == &number
                    || (before[number].contains(other) && before[other].contains(number))
            };
            let along: Vec<NodeId> = ring.iter().filter(with_me).map(|n| NodeId(*n)).collect();
            let node = self.nodes.get_mut(number).unwrap();
            node.barriers.abort();
            node.cpg.begin_sync(&along, &members);
            node.barriers.start(id, &members);
            node.ring = ring.iter().copied().collect();
        }
    }

    fn client(&mut self, command: &str, who: &str, words: &[&str]) {
        let (number, name) = who.split_once('.').unwrap();
        let node = self.nodes.get_mut(&number.parse().unwrap()).unwrap();
        let known = node.clients.iter().position(|c| c == name);
        let at = known.unwrap_or_else(|| {
            node.clients.push(name.into());
            node.clients.len() - 1
        });
        let client = ClientId(at as u64);
        let data = || words.join(" ").into_bytes();
        let result = match command {
            "join" => {
                let group = CpgName::new(words[1].as_bytes()).unwrap();
                node.cpg.join(client, words[0].parse().unwrap(), &group)
            }
            "leave" => node.cpg.leave(client),
            "end" => {
                node.cpg.disconnect(client);
                Ok(())
            }
            "say" => node.cpg.multicast(client, data()),
            "part" => {
                let kind = match words[0] {
                    "first" => PartialKind::First,
                    "middle" => PartialKind::Middle,
                    _ => PartialKind::Last,
                };
                let total = words[1].parse().unwrap();
                let data = words[2..].join(" ").into_bytes();
                node.cpg.multicast_part(client, (kind, total), data)
            }
            other => panic!("{other}"),
        };
        if let Err(refused) = result {
            let refused: Refused = refused;
            writeln!(self.out, "{who} refused: {refused}").unwrap();
        }
    }

    /// Until nothing is left to be sent or delivered.
    fn settle(&mut self) {
        loop {
            let numbers: Vec<u32> = self.nodes.keys().copied().collect();
            let mut idle = true;
            for number in numbers {
                idle &= !self.drain(number);
            }
            if self.holding {
                return;
            }
            match self.order.pop_front() {
                Some(packet) => self.deliver(&packet),
                None if idle => return,
                None => {}
            }
        }
    }

    /// Does what the machines of a node want; true if there was something.
    fn drain(&mut self, number: u32) -> bool {
        let mut did = false;
        while let Some(output) = self.node(number).barriers.poll_output() {
            did = true;
            self.barrier(number, output);
        }
        while let Some(output) = self.node(number).cpg.poll_output() {
            did = true;
            match output {
                Output::Send(message) if self.node(number).barriers.is_running() => {
                    self.node(number).held.push(message);
                }
                Output::Send(message) => self.send(number, message),
                Output::Event(client, event) => {
                    let name = self.node(number).clients[client.0 as usize].clone();
                    writeln!(self.out, "{number}.{name} {}", shown(&event)).unwrap();
                }
            }
        }
        did
    }

    fn barrier(&mut self, number: u32, output: sync::Output) {
        match output {
            sync::Output::Send(message) => {
                let body = cluster::encode_sync(&message, Dialect::V3);
                let sync = true;
                self.order.push_back(Packet {
                    from: number,
                    sync,
                    body,
                });
            }
            sync::Output::Process(service) => {
                if service == Service::CPG {
                    for message in self.node(number).cpg.sync_messages() {
                        self.send(number, message);
                    }
                }
                self.node(number).barriers.processed();
            }
            sync::Output::Activate(service) => {
                if service == Service::CPG {
                    self.node(number).cpg.activate();
                } else {
                    writeln!(self.out, "{number} activates service {}", service.0).unwrap();
                }
            }
            sync::Output::Completed(ring) => {
                writeln!(self.out, "{number} synchronised on ring {ring}").unwrap();
                for message in std::mem::take(&mut self.node(number).held) {
                    self.send(number, message);
                }
            }
            sync::Output::Aborted => {
                self.node(number).cpg.abort_sync();
                writeln!(self.out, "{number} begins anew").unwrap();
            }
        }
    }

    fn node(&mut self, number: u32) -> &mut Node {
        self.nodes.get_mut(&number).unwrap()
    }

    fn send(&mut self, from: u32, message: Cpg) {
        self.order.push_back(Packet {
            from,
            sync: false,
            body: Message::Cpg(message).encode(),
        });
    }

    fn deliver(&mut self, packet: &Packet) {
        let ring = self.rings.iter().find(|ring| ring.contains(&packet.from));
        for number in ring.cloned().unwrap_or_default() {
            let from = NodeId(packet.from);
            let node = self.node(number);
            if packet.sync {
                let message: Sync = cluster::decode_sync(&packet.body, Dialect::V3).unwrap();
                node.barriers.handle_message(from, &message);
            } else if let Ok(Message::Cpg(message)) =
                Message::decode(&packet.body, ByteOrder::NATIVE)
            {
                node.cpg.handle_message(from, message);
            }
            // Events of one node stand together.
            self.drain(number);
        }
    }
}

fn shown(event: &Event) -> String {
    let moved = |all: &[Moved]| {
        let one = |m: &Moved| format!(" {}:{}({})", m.node, m.pid, m.reason.0);
        all.iter().map(one).collect::<String>()
    };
    match event {
        Event::Change {
            group,
            members,
            left,
            joined,
        } => {
            let one = |(node, pid): &(NodeId, u32)| format!(" {node}:{pid}");
            let members: String = members.iter().map(one).collect();
            let (left, joined) = (moved(left), moved(joined));
            format!("{group}: members{members}, left{left}, joined{joined}")
        }
        Event::Message {
            group,
            node,
            pid,
            part,
            data,
        } => {
            let part = part.map_or(String::new(), |(kind, all)| format!(" ({kind:?} of {all})"));
            let data = String::from_utf8_lossy(data);
            format!("{group}: {node}:{pid} says{part} {data:?}")
        }
    }
}
