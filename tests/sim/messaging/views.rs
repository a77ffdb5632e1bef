//! The sequencer by itself, under views that change faster than they can begin: nodes that are
//! told of a view late, or not at all, links that lose frames.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use everbeat::ids::{NodeName, NodeUuid};
use everbeat::messaging::heartbeat::{Sequencer, SequencerOutput};
use everbeat::proto::rng::Rng;
use everbeat::time::Instant;
use everbeat::wire::ccm::Cookie;
use everbeat::wire::ordered::{Frame, View};

use crate::ccm::name_of;

/// Seeds by default.
const RUNS: u64 = if cfg!(debug_assertions) { 500 } else { 3000 };
/// How long nothing changes at the end, ms.
const CALM: u64 = 30_000;

/// Sender and number of a message.
type Said = (usize, u64);

/// What comes to a node, at its time.
enum Input {
    Frame(usize, Vec<u8>),
    View(View, Vec<usize>),
}

/// What a node heard.
#[derive(Default)]
struct Heard {
    view: Option<View>,
    members: BTreeSet<usize>,
    here: Vec<Said>,
    all: BTreeSet<Said>,
    /// Of senders that went on together with this node: these must not come again.
    settled: BTreeSet<Said>,
}

struct World {
    rng: Rng,
    now: u64,
    nodes: Vec<Sequencer>,
    heard: Vec<Heard>,
    /// The part of each node.
    part: Vec<u64>,
    loss: u64,
    counter: u64,
    under_way: BTreeMap<(u64, u64), (usize, Input)>,
    /// When the last frame of a sender comes to a receiver, and views to a node.
    last: BTreeMap<(usize, usize), u64>,
    instances: u32,
    said: Vec<u64>,
    order: BTreeMap<View, Vec<Said>>,
    /// Who came from one view to the next together, as each of them sees it, and what it heard.
    passages: BTreeMap<(View, View, BTreeSet<usize>), Vec<Said>>,
    together: BTreeMap<(View, View, usize), BTreeSet<usize>>,
    installed: usize,
    failures: Vec<String>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let count = usize::try_from(rng.between(2, 5)).unwrap();
        let node = |at| Sequencer::new(name_of(at), NodeUuid([u8::try_from(at).unwrap(); 16]));
        Self {
            now: 0,
            nodes: (0..count).map(node).collect(),
            heard: (0..count).map(|_| Heard::default()).collect(),
            part: vec![0; count],
            loss: rng.below(15),
            counter: 0,
            under_way: BTreeMap::new(),
            last: BTreeMap::new(),
            instances: 0,
            said: vec![0; count],
            order: BTreeMap::new(),
            passages: BTreeMap::new(),
            together: BTreeMap::new(),
            installed: 0,
            failures: Vec::new(),
            rng,
        }
    }

    /// Puts it under way; what one sends to another keeps its order.
    fn put(&mut self, from: usize, to: usize, delay: u64, input: Input) {
        let last = self.last.entry((from, to)).or_insert(0);
        *last = (*last).max(self.now + delay);
        self.counter += 1;
        self.under_way.insert((*last, self.counter), (to, input));
    }

    /// New parts, each with a view of its own that its members hear of when they do.
    fn change(&mut self, parts: u64) {
        let count = self.nodes.len();
        for at in 0..count {
            self.part[at] = self.rng.below(parts);
        }
        for part in 0..parts {
            let members: Vec<usize> = (0..count).filter(|at| self.part[*at] == part).collect();
            self.instances += 1;
            let view = View {
                instance: self.instances,
                cookie: Cookie::new(self.instances.to_string().as_bytes()),
            };
            for at in &members {
                let delay = self.rng.below(150);
                let input = Input::View(view.clone(), members.clone());
                // A node is told of views in their order, apart from what it hears of others.
                self.put(count, *at, delay, input);
            }
        }
    }

    fn talk(&mut self) {
        let at = usize::try_from(self.rng.below(self.nodes.len() as u64)).unwrap();
        for _ in 0..self.rng.between(1, 8) {
            self.said[at] += 1;
            let text = format!("{at} {}", self.said[at]).into_bytes();
            self.nodes[at].send(Instant(self.now), vec![text]);
        }
        self.settle(at);
    }

    fn run_until(&mut self, until: u64) {
        loop {
            let arrival = self.under_way.keys().next().map(|(at, _)| *at);
            let due = (0..self.nodes.len())
                .filter_map(|at| Some((self.nodes[at].poll_timeout()?.0, at)))
                .min();
            let next = [arrival, due.map(|(at, _)| at)].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else {
                break;
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let (_, (to, input)) = self.under_way.pop_first().unwrap();
                self.arrive(to, input);
                self.settle(to);
            } else if let Some((_, at)) = due {
                self.nodes[at].handle_timeout(Instant(self.now));
                self.settle(at);
            }
        }
        self.now = until;
    }

    fn arrive(&mut self, to: usize, input: Input) {
        let now = Instant(self.now);
        match input {
            Input::View(view, members) => {
                let names: Vec<NodeName> = members.into_iter().map(name_of).collect();
                self.nodes[to].handle_view(now, view, names);
            }
            Input::Frame(from, bytes) => {
                let (view, frame) = Frame::decode(&bytes).unwrap();
                self.nodes[to].handle_frame(now, &name_of(from), view, frame);
            }
        }
    }

    fn settle(&mut self, at: usize) {
        let mut own = VecDeque::new();
        loop {
            while let Some(output) = self.nodes[at].poll_output() {
                match output {
                    SequencerOutput::Send { to, bytes } => self.send(at, to, bytes, &mut own),
                    SequencerOutput::Deliver { piece, .. } => self.deliver(at, &piece),
                    SequencerOutput::Installed { members, strangers } => {
                        let members = members.into_iter().map(|(name, _)| number(&name));
                        let strangers = strangers.iter().map(number).collect();
                        self.install(at, members.collect(), &strangers);
                    }
                    SequencerOutput::Silent(_) => {}
                }
            }
            let Some(bytes) = own.pop_front() else { return };
            self.arrive(at, Input::Frame(at, bytes));
        }
    }

    /// To itself nothing is lost; to nodes of other parts all is.
    fn send(
        &mut self,
        from: usize,
        to: Option<NodeName>,
        bytes: Vec<u8>,
        own: &mut VecDeque<Vec<u8>>,
    ) {
        for at in 0..self.nodes.len() {
            if to.as_ref().is_some_and(|to| number(to) != at) {
                continue;
            }
            if at == from {
                own.push_back(bytes.clone());
            } else if self.part[at] == self.part[from] && !self.rng.percent(self.loss) {
                let delay = self.rng.between(1, 20);
                self.put(from, at, delay, Input::Frame(from, bytes.clone()));
            }
        }
    }

    fn deliver(&mut self, at: usize, piece: &[u8]) {
        let text = std::str::from_utf8(piece).unwrap();
        let (sender, word) = text.split_once(' ').unwrap();
        let said: Said = (sender.parse().unwrap(), word.parse().unwrap());
        let heard = &mut self.heard[at];
        let Some(view) = heard.view.clone() else {
            return self
                .failures
                .push(format!("{at} hears {said:?} in no view"));
        };
        let again = !heard.all.insert(said) && (said.0 == at || heard.settled.contains(&said));
        heard.here.push(said);
        let place = heard.here.len() - 1;
        if again {
            self.failures
                .push(format!("{at} hears {said:?} again in {view:?}"));
        }
        let order = self.order.entry(view.clone()).or_default();
        match order.get(place) {
            None => order.push(said),
            Some(other) if *other == said => {}
            Some(other) => {
                let failure = format!("{at} hears {said:?} in {view:?}, another {other:?}");
                self.failures.push(failure);
            }
        }
    }

    fn install(&mut self, at: usize, members: BTreeSet<usize>, strangers: &BTreeSet<usize>) {
        self.installed += 1;
        let new = self.nodes[at].view().cloned().expect("it was installed");
        let heard = &mut self.heard[at];
        let before = std::mem::replace(&mut heard.members, members.clone());
        let here = std::mem::take(&mut heard.here);
        let Some(old) = heard.view.replace(new.clone()) else {
            return;
        };
        let with: BTreeSet<usize> = before.intersection(&members).copied().collect();
        let with: BTreeSet<usize> = with.difference(strangers).copied().collect();
        let settled = here.iter().filter(|said| with.contains(&said.0));
        heard.settled.extend(settled);
        for other in &with {
            let key = (old.clone(), new.clone(), *other);
            if self.together.get(&key).is_some_and(|set| *set != with) {
                let failure =
                    format!("{at} and {other} differ on who came from {old:?} to {new:?}");
                self.failures.push(failure);
            }
        }
        let key = (old.clone(), new.clone(), at);
        self.together.insert(key, with.clone());
        let passage = self.passages.entry((old.clone(), new, with));
        if *passage.or_insert_with(|| here.clone()) != here {
            self.failures
                .push(format!("{at} heard something else in {old:?}"));
        }
    }

    fn all(&mut self) {
        self.change(1);
        for _ in 0..self.rng.between(5, 25) {
            for _ in 0..self.rng.below(6) {
                let until = self.now + self.rng.below(60);
                self.run_until(until);
                self.talk();
            }
            let parts = self.rng.between(1, 3);
            self.change(parts);
        }
        self.change(1);
        self.run_until(self.now + CALM);
        self.talk();
        self.run_until(self.now + CALM);
        for at in 0..self.nodes.len() {
            let own =
                (1..=self.said[at]).filter(|number| !self.heard[at].all.contains(&(at, *number)));
            let missed = own.count();
            if missed > 0 || self.heard[at].here != self.heard[0].here {
                self.failures
                    .push(format!("{at} did not hear all, {missed} of its own"));
            }
        }
    }
}

fn number(name: &NodeName) -> usize {
    name.as_str()[1..].parse().unwrap()
}

#[test]
fn views_that_change_before_they_begin_lose_and_double_nothing() {
    let number = |name: &str| std::env::var(name).ok().map(|v| v.parse::<u64>().unwrap());
    let runs = number("RUNS").unwrap_or(RUNS);
    let seeds = number("SEED").map_or(1..=runs, |seed| seed..=seed);
    let (mut installed, mut views, mut failed) = (0, 0, Vec::new());
    for seed in seeds {
        let mut world = World::new(seed);
        world.all();
        installed += world.installed;
        views += u64::from(world.instances);
        if let Some(first) = world.failures.first() {
            failed.push(format!("SEED={seed} {first}"));
        }
    }
    println!("{runs} runs, {views} views, begun at {installed} nodes");
    assert!(
        failed.is_empty(),
        "{} fail; replay: SEED=n cargo test --test sim views\n{}",
        failed.len(),
        failed[..failed.len().min(8)].join("\n")
    );
    assert!(installed as u64 > 5 * runs, "{installed} begun");
}
