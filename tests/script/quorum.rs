//! Votequorum beside fifteen runs of real clusters of corosync 3.1.7: after each step every node
//! counts as the real one did.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use everbeat::config::corosync_conf;
use everbeat::config::source::Source;
use everbeat::ids::NodeId;
use everbeat::proto::quorum::{Config, Machine, Output};
use everbeat::time::{Instant, Now};
use everbeat::wire::cluster::{NodeFlags, Votequorum};
use serde_json::Value;

/// Machines by name, and the rings they are in.
struct Cluster {
    conf: corosync_conf::CorosyncConf,
    ids: BTreeMap<String, u32>,
    up: BTreeMap<String, Machine>,
    rings: Vec<Vec<String>>,
    now: u64,
}

impl Cluster {
    fn new(run: &Value) -> Self {
        let ids: BTreeMap<String, u32> = serde_json::from_value(run["nodes"].clone()).unwrap();
        let mut text = String::from("totem {\nversion: 2\ntransport: udp\ncluster_name: t\n}\n");
        text += "quorum {\nprovider: corosync_votequorum\n";
        for line in run["quorum_conf"].as_array().unwrap() {
            text += &format!("{}\n", line.as_str().unwrap());
        }
        text += "}\nnodelist {\n";
        for (name, id) in &ids {
            let votes = run["votes"][name].as_u64().unwrap_or(1);
            text += &format!(
                "node {{\nname: {name}\nnodeid: {id}\nring0_addr: 10.0.0.{id}\n\
                 quorum_votes: {votes}\n}}\n"
            );
        }
        text += "}\n";
        let (conf, found) = corosync_conf::parse(&Source::new("corosync.conf", &text));
        Self {
            conf: conf.unwrap_or_else(|| panic!("{found:?}")),
            ids,
            up: BTreeMap::new(),
            rings: Vec::new(),
            now: 0,
        }
    }

    fn now(&self) -> Now {
        Now {
            mono: Instant(self.now),
            unix_s: 0,
        }
    }

    fn id(&self, name: &str) -> NodeId {
        NodeId(self.ids[name])
    }

    fn step(&mut self, op: &str, arg: &str, seconds: u64) {
        match op {
            "start" => self.start(&letters(arg)),
            "kill" => self.stop(&letters(arg), false),
            "stop" => self.stop(&letters(arg), true),
            "split" => {
                let rings = arg.split('|').map(letters).collect();
                self.form(rings);
            }
            "heal" => {
                let all = self.up.keys().cloned().collect();
                self.form(vec![all]);
            }
            "expected" => {
                let (name, value) = arg.split_at(1);
                let message = self.up[name].set_expected_votes(value.parse().unwrap());
                if let Ok(message) = message {
                    self.send(name, message);
                }
            }
            "cancel_wfa" => {
                let message = self.up[arg].cancel_wait_for_all();
                self.send(arg, message);
            }
            other => panic!("{other} is no step"),
        }
        for _ in 0..seconds {
            self.now += 1000;
            let now = self.now();
            let names: Vec<String> = self.up.keys().cloned().collect();
            for name in names {
                self.up.get_mut(&name).unwrap().handle_timeout(now);
                self.drain(&name);
            }
        }
    }

    /// Each starts alone, then joins those who are up.
    fn start(&mut self, names: &[String]) {
        for name in names {
            let position = self
                .conf
                .nodes
                .iter()
                .position(|n| n.name.as_ref() == Some(name));
            let config = Config::of(&self.conf, self.id(name), position, 0);
            self.up.insert(name.clone(), Machine::new(config, 0));
            self.rings.push(vec![name.clone()]);
            self.drain(name);
            self.change(std::slice::from_ref(name));
        }
        let all = self.up.keys().cloned().collect();
        self.form(vec![all]);
    }

    fn stop(&mut self, names: &[String], cleanly: bool) {
        for name in names {
            if cleanly && let Some(message) = self.up.get_mut(name).unwrap().leave() {
                self.send(name, message);
            }
        }
        self.up.retain(|name, _| !names.contains(name));
        let mut rings = self.rings.clone();
        for ring in &mut rings {
            ring.retain(|name| !names.contains(name));
        }
        rings.retain(|ring| !ring.is_empty());
        self.form(rings);
    }

    fn form(&mut self, mut rings: Vec<Vec<String>>) {
        for ring in &mut rings {
            ring.sort();
        }
        let old = std::mem::replace(&mut self.rings, rings.clone());
        for ring in rings.iter().filter(|ring| !old.contains(ring)) {
            self.change(ring);
        }
    }

    /// A change of members, as the ring and its barriers bring it about.
    fn change(&mut self, ring: &[String]) {
        let now = self.now();
        let members: Vec<NodeId> = ring.iter().map(|name| self.id(name)).collect();
        for name in ring {
            self.up.get_mut(name).unwrap().begin_sync(now, &members);
        }
        // All speak before they have heard another.
        let said = |name: &String| (self.id(name), self.up[name].sync_messages());
        let said: Vec<_> = ring.iter().map(said).collect();
        for (from, messages) in said {
            for message in messages {
                self.deliver(ring, from, &message);
            }
        }
        for name in ring {
            self.up.get_mut(name).unwrap().activate();
        }
        for name in ring {
            self.drain(name);
        }
    }

    fn send(&mut self, name: &str, message: Votequorum) {
        let ring = self
            .rings
            .iter()
            .find(|ring| ring.contains(&name.to_owned()));
        let ring = ring.unwrap().clone();
        let mut queue = VecDeque::from([(self.id(name), message)]);
        while let Some((from, message)) = queue.pop_front() {
            self.deliver(&ring, from, &message);
            for name in &ring {
                let id = self.id(name);
                let machine = self.up.get_mut(name).unwrap();
                while let Some(output) = machine.poll_output() {
                    if let Output::Send(message) = output {
                        queue.push_back((id, message));
                    }
                }
            }
        }
    }

    fn deliver(&mut self, ring: &[String], from: NodeId, message: &Votequorum) {
        for name in ring {
            self.up.get_mut(name).unwrap().handle_message(from, message);
        }
    }

    /// Sends what a machine has to say.
    fn drain(&mut self, name: &str) {
        let machine = self.up.get_mut(name).unwrap();
        let mut messages = Vec::new();
        while let Some(output) = machine.poll_output() {
            if let Output::Send(message) = output {
                messages.push(message);
            }
        }
        for message in messages {
            self.send(name, message);
        }
    }

    /// What a node counts, in the words of the runs.
    fn counts(&self, name: &str) -> Value {
        let machine = &self.up[name];
        let own = machine.node(self.id(name)).unwrap();
        let count = machine.count();
        let members: Vec<u32> = machine.members().iter().map(|n| n.0).collect();
        assert_eq!(own.flags.has(NodeFlags::QUORATE), machine.is_quorate());
        serde_json::json!({
            "quorate": u8::from(machine.is_quorate()),
            "votes": own.votes,
            "total_votes": count.total,
            "quorum": machine.quorum(),
            "expected_votes": own.expected_votes,
            "highest_expected": count.highest_expected,
            "members": members,
            "wait_for_all_status": u8::from(machine.is_waiting_for_all()),
            "ev_barrier": machine.barrier(),
        })
    }
}

fn letters(text: &str) -> Vec<String> {
    text.chars().map(String::from).collect()
}

#[test]
fn nodes_count_as_real_ones_did() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("tests/script/quorum/runs.jsonl")).unwrap();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for line in text.lines() {
        let run: Value = serde_json::from_str(line).unwrap();
        let mut cluster = Cluster::new(&run);
        for (at, step) in run["steps"].as_array().unwrap().iter().enumerate() {
            let (op, arg) = (step["op"].as_str().unwrap(), step["arg"].as_str().unwrap());
            cluster.step(op, arg, step["after_s"].as_u64().unwrap());
            for (name, real) in step["state"].as_object().unwrap() {
                let ours = cluster.counts(name);
                for (key, ours) in ours.as_object().unwrap() {
                    let real = &real[key];
                    compared += usize::from(!real.is_null());
                    if !real.is_null() && real != ours {
                        let place = format!("{} {at} {op} {arg}", run["scenario"]);
                        wrong.push(format!("{place}: {name} {key}: real {real}, ours {ours}"));
                    }
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    println!("{compared} numbers compared");
    assert!(compared > 1000, "{compared}");
}
