//! Two honest nodes beside a hostile one: nothing ends, nothing grows, and what the protocol
//! doesn't give into the hands of whoever has the key stays as it is.

mod attacker;
mod stack;

use std::time::Duration;

use attacker::{Attacker, Habit};
use everbeat::ids::{LinkName, NodeName};
use everbeat::limits;
use everbeat::proto::heartbeat::{NodeStatus, Oddity};
use everbeat::proto::rng::Rng;
use everbeat::sim::{Act, Condition, Machine, Network, Observer, World};
use everbeat::time::{Instant, Now};
use everbeat::v1::{Command, Side};
use everbeat::wire::heartbeat::Message;
use stack::Stack;

/// Seeds by default.
const RUNS: u64 = if cfg!(debug_assertions) { 3 } else { 100 };

/// Messages that an honest node sends in a second at most: what five windows of resending allow
/// (1250), and up to eight for each of the hundred and fifty of the attacker.
const SENT_MAX: u64 = 2450;

/// Work under way on an honest node at most.
const BUSY_MAX: usize = 16;

enum Host {
    Honest(Box<Stack>),
    Hostile(Box<Attacker>),
}

impl Machine for Host {
    type Message = Message;
    type Note = String;
    const HEARS_ITSELF: bool = true;

    fn handle_message(&mut self, now: Now, link: &LinkName, message: Message) {
        match self {
            Self::Honest(stack) => stack.handle_message(now, link, message),
            Self::Hostile(attacker) => attacker.handle_message(message),
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        match self {
            Self::Honest(stack) => stack.handle_timeout(now),
            Self::Hostile(attacker) => attacker.handle_timeout(now),
        }
    }

    fn poll_output(&mut self) -> Option<Act<Message, String>> {
        match self {
            Self::Honest(stack) => stack.poll_output(),
            Self::Hostile(attacker) => attacker.poll_output(),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Honest(stack) => stack.poll_timeout(),
            Self::Hostile(attacker) => attacker.poll_timeout(),
        }
    }
}

/// Counts what honest nodes send, keeps their lines.
#[derive(Default)]
struct Watch {
    sent: [u64; 2],
    lines: Vec<String>,
}

impl Observer<Host> for Watch {
    fn received(&mut self, _: Instant, _: usize, _: &LinkName, _: &Message) {}

    fn sent(&mut self, _: Instant, host: usize, _: &Message) {
        if let Some(sent) = self.sent.get_mut(host) {
            *sent += 1;
        }
    }

    fn noted(&mut self, now: Instant, host: usize, note: &String) {
        self.lines
            .push(format!("{now} {} {note:.200}", ["a", "b", "c"][host]));
    }

    fn changed(&mut self, _: Instant, _: usize, _: Condition) {}
}

struct Scene {
    world: World<Host>,
    watch: Watch,
    habit: Habit,
    seed: u64,
}

impl Scene {
    /// a and b at work with a group each, and the attacker on the third host.
    fn new(habit: Habit, seed: u64) -> Self {
        let network = Network::new(vec![LinkName::new("eth0")], Rng::new(seed));
        let mut scene = Self {
            world: World::new(3, network),
            watch: Watch::default(),
            habit,
            seed,
        };
        let attacker = Attacker::new(habit, seed, scene.world.now);
        let attacker = Host::Hostile(Box::new(attacker));
        scene.world.boot(2, attacker, &mut scene.watch);
        scene.boot(0, 10);
        scene.boot(1, 10);
        scene.pass(40, |_| {});
        scene.assert_whole();
        scene.set_active(true);
        scene
    }

    fn boot(&mut self, host: usize, generation: u64) {
        let stack = Stack::boot(["a", "b"][host], generation, self.world.time());
        let host_machine = Host::Honest(Box::new(stack));
        self.world.boot(host, host_machine, &mut self.watch);
    }

    fn set_active(&mut self, active: bool) {
        self.world.with(2, &mut self.watch, |host, now| {
            if let Host::Hostile(attacker) = host {
                match active {
                    true => attacker.begin(now),
                    false => attacker.end(now),
                }
            }
        });
    }

    fn stack(&self, host: usize) -> &Stack {
        match self.world.machine(host) {
            Some(Host::Honest(stack)) => stack,
            _ => panic!("an honest host"),
        }
    }

    /// So many seconds pass; the bounds are looked at after each, and whatever is asked.
    fn pass(&mut self, seconds: u64, look: impl Fn(&Self)) {
        for _ in 0..seconds {
            self.watch.sent = [0; 2];
            let next = self.world.now + Duration::from_secs(1);
            self.world.run_until(next, &mut self.watch);
            for host in 0..2 {
                self.assert_bounded(host);
            }
            look(self);
        }
    }

    fn assert_bounded(&self, host: usize) {
        let stack = self.stack(host);
        let nodes: Vec<_> = stack.cluster.nodes().collect();
        let missing = nodes.iter().map(|n| n.missing).max().unwrap_or(0);
        self.assert(
            nodes.len() <= limits::HEARTBEAT_NODES_MAX,
            "nodes are bounded",
        );
        self.assert(
            missing <= limits::HEARTBEAT_MISSING_MAX,
            "missing ones are bounded",
        );
        let kept = stack.cluster.sent().1;
        self.assert(kept <= limits::HEARTBEAT_HISTORY_MAX, "history is bounded");
        self.assert(stack.busy() <= BUSY_MAX, "work is bounded");
        let sent = self.watch.sent[host];
        self.assert(sent <= SENT_MAX, &format!("{sent} messages in a second"));
        // Whoever can say anything in a node's name can say that it gave up.
        if self.habit != Habit::Forges {
            let both = |group: &str| (0..2).all(|h| self.stack(h).running.contains(group));
            self.assert(!both("A") && !both("B"), "one owner");
        }
    }

    /// a and b know each other as active, and each has its own group.
    fn assert_whole(&self) {
        for (host, other, group) in [(0, "b", "A"), (1, "a", "B")] {
            let other = NodeName::new(other).expect("a name");
            let view = self.stack(host).cluster.node(&other);
            let status = view.map(|view| view.status);
            self.assert(status == Some(NodeStatus::Active), "they know each other");
            let running: Vec<_> = self.stack(host).running.iter().collect();
            self.assert(running == [group], &format!("{host} runs {running:?}"));
            self.assert(self.stack(host).ended.is_none(), "nobody ends");
        }
    }

    fn command(&mut self, host: usize, command: Command) {
        let mut answer = Ok(());
        self.world.with(host, &mut self.watch, |host, now| {
            if let Host::Honest(stack) = host {
                answer = stack.command(now, command);
            }
        });
        self.assert(answer.is_ok(), &format!("{answer:?}"));
    }

    fn assert(&self, holds: bool, claim: &str) {
        let tail = self.watch.lines.len().saturating_sub(100);
        assert!(
            holds,
            "{:?}, seed {} at {}: not so: {claim}\n{}",
            self.habit,
            self.seed,
            self.world.now,
            self.watch.lines[tail..].join("\n")
        );
    }
}

fn seeds() -> std::ops::RangeInclusive<u64> {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    match number("SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("RUNS").unwrap_or(RUNS),
    }
}

fn odd(scene: &Scene, kind: Oddity) -> u64 {
    let counts = (0..2).flat_map(|host| scene.stack(host).cluster.oddities());
    counts.filter(|(k, _)| *k == kind).map(|(_, n)| n).sum()
}

#[test]
fn replays_change_nothing() {
    for seed in seeds() {
        let mut scene = Scene::new(Habit::Replays, seed);
        scene.pass(60, Scene::assert_whole);
        // A node starts anew among replays of its former life, and gets its group again.
        scene.world.kill(1, &mut scene.watch);
        scene.boot(1, 11);
        scene.pass(40, |_| {});
        scene.pass(30, Scene::assert_whole);
        scene.assert(
            odd(&scene, Oddity::Replay) > 100,
            "replays of a former life are counted",
        );
    }
}

#[test]
fn a_member_that_lies_of_itself_takes_nothing() {
    for seed in seeds() {
        let mut scene = Scene::new(Habit::Lies, seed);
        scene.pass(40, Scene::assert_whole);
        // What it said leaves room for newer words: an operator's orders are still followed.
        scene.set_active(false);
        scene.pass(20, |_| {});
        scene.command(0, Command::Standby(Side::All));
        scene.pass(5, |_| {});
        let running: Vec<_> = scene.stack(1).running.iter().collect();
        scene.assert(running == ["A", "B"], &format!("b runs {running:?}"));
        scene.command(0, Command::Takeover(Side::Local));
        scene.pass(5, |_| {});
        scene.assert_whole();
    }
}

#[test]
fn orders_of_a_member_lead_to_no_second_owner() {
    for seed in seeds() {
        let mut scene = Scene::new(Habit::Orders, seed);
        scene.pass(30, |_| {});
        scene.assert(scene.stack(0).ended.is_none(), "nobody ends");
        // Once it is silent for long enough to be dead, each group is somebody's again.
        scene.set_active(false);
        scene.pass(30, |_| {});
        for group in ["A", "B"] {
            let runs = |host: &usize| scene.stack(*host).running.contains(group);
            let count = (0..2).filter(runs).count();
            scene.assert(count == 1, &format!("{group} has {count} owners"));
        }
    }
}

#[test]
fn forged_names_end_nobody_and_a_restart_mends_all() {
    for seed in seeds() {
        let mut scene = Scene::new(Habit::Forges, seed);
        scene.pass(40, |_| {});
        scene.assert(
            odd(&scene, Oddity::Impostor) > 10,
            "one's own name in a foreign mouth",
        );
        scene.set_active(false);
        // Both start again: what was forged is forgotten with the daemons that believed it.
        scene.world.kill(0, &mut scene.watch);
        scene.world.kill(1, &mut scene.watch);
        scene.watch.lines.clear();
        scene.boot(0, 20);
        scene.boot(1, 20);
        scene.pass(40, |_| {});
        scene.assert_whole();
    }
}
