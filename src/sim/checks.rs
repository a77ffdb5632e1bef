//! What must hold in every run, seen from outside the machines.

use std::collections::BTreeSet;
use std::time::Duration;

use super::plan::Plan;
use super::ring::{Note, name_of};
use super::world::{Condition, World};
use crate::ids::{Generation, NodeName};
use crate::limits;
use crate::proto::heartbeat::{
    Autojoin, Cluster, Event, NodeStatus, NodeView, Oddity, StartView, Timing,
};
use crate::time::Instant;
use crate::wire::heartbeat::Message;

/// The checkers' own record of the run.
pub struct Checks {
    timing: Timing,
    hosts: Vec<HostRecord>,
    /// By observer, then subject.
    pairs: Vec<Vec<Pair>>,
    settled: Instant,
    /// Each host knows all from its configuration. Where it doesn't, when it learns of
    /// another, and from which message on, is not seen from outside.
    all_configured: bool,
    /// Messages handed to machines.
    pub received: u64,
    /// Deaths declared.
    pub deaths: u64,
    /// What should not have happened.
    pub failures: Vec<String>,
}

#[derive(Default)]
struct HostRecord {
    generation: Generation,
    booted: Instant,
    paused_at: Option<Instant>,
    /// Resumed just now after so long; the machine must say that it was asleep, or not.
    woke: Option<(Instant, Duration)>,
    asleep_said: bool,
    /// When it was asleep last, by its own word.
    asleep_at: Instant,
    /// When it last went on after any pause.
    resumed_at: Instant,
    comm_up_at: Option<Instant>,
    /// Numbers of the messages from above, this generation.
    app_sent: Vec<u64>,
}

/// What an observer was given of a subject.
#[derive(Default, Clone)]
struct Pair {
    generation: Generation,
    first_seq: Option<u64>,
    highest_seq: u64,
    newest_status: u64,
    /// When a status came that was newer than all statuses before: silence is not counted
    /// from before that.
    life: Option<Instant>,
    /// When a status came that was newer than all messages before: silence is counted from
    /// there at least.
    sure_life: Option<Instant>,
    dead_after: Option<Duration>,
    dead: bool,
    /// The order of its messages was lost by a death or a heap of losses: not all need come.
    broken: bool,
    delivered: BTreeSet<u64>,
}

impl Checks {
    /// No host is on yet.
    pub fn new(plan: &Plan) -> Self {
        Self {
            timing: plan.timing,
            hosts: (0..plan.hosts).map(|_| HostRecord::default()).collect(),
            pairs: vec![vec![Pair::default(); plan.hosts]; plan.hosts],
            settled: plan.settled,
            all_configured: plan.autojoin == Autojoin::None,
            received: 0,
            deaths: 0,
            failures: Vec::new(),
        }
    }

    /// A host comes on.
    pub fn booted(&mut self, host: usize, generation: Generation, now: Instant) {
        self.hosts[host] = HostRecord {
            generation,
            booted: now,
            ..HostRecord::default()
        };
        self.pairs[host].fill(Pair::default());
    }

    /// A host's condition changed.
    pub fn changed(&mut self, now: Instant, host: usize, condition: Condition) {
        let record = &mut self.hosts[host];
        match condition {
            Condition::Paused => record.paused_at = Some(now),
            Condition::Running => {
                if let Some(at) = record.paused_at.take() {
                    record.resumed_at = now;
                    record.woke = Some((now, now.since(at)));
                    record.asleep_said = false;
                }
            }
            Condition::Down => {
                record.paused_at = None;
                record.woke = None;
            }
        }
    }

    /// A machine is about to take a message.
    pub fn received(&mut self, now: Instant, host: usize, message: &Message) {
        self.received += 1;
        let Some((subject, seq, generation)) = origin(message) else {
            return;
        };
        let pair = &mut self.pairs[host][subject];
        if subject == host || generation < pair.generation {
            return;
        }
        if generation > pair.generation {
            *pair = Pair {
                generation,
                life: Some(now),
                sure_life: Some(now),
                dead: pair.dead,
                ..Pair::default()
            };
        }
        pair.first_seq.get_or_insert(seq);
        if message.kind() == Some("status") && seq > pair.newest_status {
            pair.newest_status = seq;
            pair.life = Some(now);
            pair.dead_after = message.hex("dt").map(Duration::from_millis);
            if seq > pair.highest_seq {
                pair.sure_life = Some(now);
            }
        }
        pair.highest_seq = pair.highest_seq.max(seq);
    }

    /// A machine sends.
    pub fn sent(&mut self, now: Instant, host: usize, message: &Message) {
        let record = &mut self.hosts[host];
        if message.kind() == Some("app") {
            let seq = message.hex("seq").unwrap_or(0);
            if record.app_sent.last().is_none_or(|last| *last < seq) {
                record.app_sent.push(seq);
            }
        }
        if message.hex("hg") != Some(record.generation.0) {
            let said = message.hex("hg");
            self.fail(now, host, format!("sent generation {said:?}"));
        }
    }

    /// A machine told something.
    pub fn noted(&mut self, now: Instant, host: usize, note: &Note) {
        match note {
            Note::Event(Event::Asleep(_)) => {
                self.hosts[host].asleep_said = true;
                self.hosts[host].asleep_at = now;
            }
            Note::Event(Event::CommUp(_)) => self.hosts[host].comm_up_at = Some(now),
            Note::Event(Event::Deliver(delivery)) if !delivery.local => {
                self.delivered(now, host, &delivery.message);
            }
            Note::Event(Event::Node(change)) => {
                let subject = number(&change.node);
                if let Some(subject) = subject.filter(|subject| *subject != host) {
                    if change.status == NodeStatus::Dead {
                        self.died(now, host, subject);
                    }
                    self.pairs[host][subject].dead = change.status == NodeStatus::Dead;
                }
            }
            Note::Log(_, line) if line.starts_with("lost a lot") => {
                self.pairs[host]
                    .iter_mut()
                    .for_each(|pair| pair.broken = true);
            }
            _ => {}
        }
    }

    /// Each message once, and none of an older generation than before.
    fn delivered(&mut self, now: Instant, host: usize, message: &Message) {
        let Some((subject, seq, generation)) = origin(message) else {
            return;
        };
        let pair = &mut self.pairs[host][subject];
        if generation != pair.generation {
            let known = pair.generation;
            return self.fail(
                now,
                host,
                format!("{generation:?} of n{subject} after {known:?}"),
            );
        }
        if message.kind() == Some("app") && !pair.delivered.insert(seq) {
            self.fail(
                now,
                host,
                format!("message {seq} of n{subject} delivered twice"),
            );
        }
    }

    /// A death must follow from silence, and follow at once.
    fn died(&mut self, now: Instant, host: usize, subject: usize) {
        self.deaths += 1;
        self.pairs[host][subject].broken = true;
        let base = self.base(host, subject);
        let limit = self.limit(host, subject);
        let record = &self.hosts[host];
        let sure = self.pairs[host][subject].sure_life.unwrap_or(record.booted);
        let silence = if record.comm_up_at.is_some() {
            now.since(sure.max(record.asleep_at))
        } else if now.since(record.asleep_at) < self.timing.deadtime {
            Duration::ZERO
        } else {
            now.since(sure)
        };
        if silence < limit && self.all_configured {
            let line = format!("n{subject} called dead after {silence:?} of {limit:?}");
            return self.fail(now, host, line);
        }
        let record = &self.hosts[host];
        let (comm_up, resumed_at) = (record.comm_up_at, record.resumed_at);
        let due = (base + limit).max(comm_up.unwrap_or(now));
        if now > due && resumed_at <= base && self.all_configured {
            let late = now.since(due);
            self.fail(now, host, format!("n{subject} called dead {late:?} late"));
        }
        if now > self.settled {
            self.fail(now, host, format!("n{subject} called dead in fair weather"));
        }
    }

    /// From when silence counts.
    fn base(&self, host: usize, subject: usize) -> Instant {
        let record = &self.hosts[host];
        let life = self.pairs[host][subject].life.unwrap_or(record.booted);
        life.max(record.asleep_at)
    }

    fn limit(&self, host: usize, subject: usize) -> Duration {
        if self.hosts[host].comm_up_at.is_none() {
            return self.timing.initdead;
        }
        let dead_after = self.pairs[host][subject].dead_after;
        dead_after.unwrap_or(self.timing.deadtime)
    }

    /// Who was asleep for long says so, who was not doesn't.
    fn check_wake(&mut self, now: Instant, host: usize) {
        let record = &mut self.hosts[host];
        let Some((_, pause)) = record.woke.take() else {
            return;
        };
        let said = record.asleep_said;
        let margin = self.timing.keepalive.max(Duration::from_millis(500));
        if pause > margin + self.timing.keepalive && !said {
            self.fail(
                now,
                host,
                format!("did not notice that it was asleep for {pause:?}"),
            );
        }
        if pause <= margin && said {
            self.fail(
                now,
                host,
                format!("says it was asleep after a pause of {pause:?}"),
            );
        }
    }

    fn fail(&mut self, now: Instant, host: usize, line: String) {
        self.failures.push(format!("{now} n{host}: {line}"));
    }
}

/// Sender, number and generation of a sequenced message.
fn origin(message: &Message) -> Option<(usize, u64, Generation)> {
    let subject = number(&NodeName::new(message.text("src")?).ok()?)?;
    Some((subject, message.hex("seq")?, Generation(message.hex("hg")?)))
}

fn number(name: &NodeName) -> Option<usize> {
    name.as_str().strip_prefix('n')?.parse().ok()
}

/// Looks at the machines while the run goes on.
pub fn now_and_then(checks: &mut Checks, world: &World<Cluster>) {
    let now = world.now;
    for host in 0..world.len() {
        let Some(cluster) = running(world, host) else {
            continue;
        };
        checks.check_wake(now, host);
        if cluster.sent().1 > limits::HEARTBEAT_HISTORY_MAX {
            checks.fail(now, host, "history grows without bound".into());
        }
        for view in cluster.nodes().filter(|view| view.name != name_of(host)) {
            look_at(checks, now, host, &view);
        }
    }
}

fn look_at(checks: &mut Checks, now: Instant, host: usize, view: &NodeView) {
    let Some(subject) = number(&view.name) else {
        return checks.fail(now, host, format!("there is a node {}", view.name));
    };
    if view.missing > limits::HEARTBEAT_MISSING_MAX {
        checks.fail(
            now,
            host,
            format!("{} numbers missing of n{subject}", view.missing),
        );
    }
    let pair = &checks.pairs[host][subject];
    let known = pair.generation;
    if view.generation > known {
        let line = format!(
            "n{subject} has {:?}, only {known:?} was sent",
            view.generation
        );
        checks.fail(now, host, line);
    }
    let comm_up = checks.hosts[host].comm_up_at;
    let base = checks
        .base(host, subject)
        .max(checks.hosts[host].resumed_at);
    let due = (base + checks.limit(host, subject)).max(comm_up.unwrap_or(now));
    let alive = !checks.pairs[host][subject].dead && checks.all_configured;
    if alive && comm_up.is_some() && now > due {
        checks.fail(
            now,
            host,
            format!("n{subject} is silent since {base}, and not dead"),
        );
    }
}

/// After the weather was fair for long enough, all agree.
pub fn at_end(checks: &mut Checks, world: &World<Cluster>) {
    let now = world.now;
    let mut tables = BTreeSet::new();
    for host in 0..world.len() {
        let Some(cluster) = running(world, host) else {
            continue;
        };
        if cluster.start() != StartView::Up {
            checks.fail(
                now,
                host,
                format!("the start stands at {:?}", cluster.start()),
            );
        }
        if cluster.is_paused() {
            checks.fail(now, host, "clients still wait".into());
        }
        tables.insert(live_names(world, cluster));
        for view in cluster.nodes() {
            agree(checks, world, host, &view);
        }
        for subject in 0..world.len() {
            if subject != host && running(world, subject).is_some() {
                complete(checks, now, (host, subject), cluster);
            }
        }
    }
    if tables.len() > 1 {
        checks
            .failures
            .push(format!("{now} tables differ: {tables:?}"));
    }
}

/// The table without those who are gone: with autojoin a newcomer need not hear of them.
fn live_names(world: &World<Cluster>, cluster: &Cluster) -> BTreeSet<String> {
    let live = |view: &NodeView| {
        number(&view.name).is_some_and(|host| world.condition(host) == Condition::Running)
    };
    cluster
        .nodes()
        .filter(live)
        .map(|view| view.name.to_string())
        .collect()
}

fn agree(checks: &mut Checks, world: &World<Cluster>, host: usize, view: &NodeView) {
    let now = world.now;
    let Some(subject) = number(&view.name) else {
        return;
    };
    let running = world.condition(subject) == Condition::Running;
    let expected = if running {
        NodeStatus::Active
    } else {
        NodeStatus::Dead
    };
    if view.status != expected {
        let line = format!("n{subject} is {}, should be {expected}", view.status);
        checks.fail(now, host, line);
    }
    if view.missing > 0 {
        let line = format!("{} messages of n{subject} still missing", view.missing);
        checks.fail(now, host, line);
    }
    if running && subject != host && view.generation != checks.hosts[subject].generation {
        let line = format!("n{subject} counts as {:?}", view.generation);
        checks.fail(now, host, line);
    }
    if running && view.links.iter().any(|link| !link.up) {
        checks.fail(now, host, format!("a link of n{subject} is dead"));
    }
}

/// The last messages of each sender came, and all before where the order was never lost.
fn complete(checks: &mut Checks, now: Instant, pair: (usize, usize), cluster: &Cluster) {
    let (host, subject) = pair;
    let gone = cluster
        .oddities()
        .any(|(kind, count)| kind == Oddity::Irretrievable && count > 0);
    let record = &checks.pairs[host][subject];
    let sent = &checks.hosts[subject].app_sent;
    let last = &sent[sent.len().saturating_sub(12)..];
    let from = record.first_seq.unwrap_or(u64::MAX);
    let wanted: Vec<u64> = if gone || record.broken || !checks.all_configured {
        last.to_vec()
    } else {
        sent.iter().copied().filter(|seq| *seq >= from).collect()
    };
    let lost: Vec<u64> = wanted
        .into_iter()
        .filter(|seq| !record.delivered.contains(seq))
        .collect();
    if !lost.is_empty() {
        checks.fail(
            now,
            host,
            format!("messages {lost:?} of n{subject} never came"),
        );
    }
}

fn running(world: &World<Cluster>, host: usize) -> Option<&Cluster> {
    match world.condition(host) {
        Condition::Running => world.machine(host),
        _ => None,
    }
}
