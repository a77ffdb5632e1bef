//! Floods of checksummed messages over our nodes and real corosync 3.1.7 nodes while a member
//! dies, is cut off, stops for a while or hears badly: nobody misses anything of a ring that it
//! is in, hears anything twice, or in another order than the others.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::groups::over;
use super::{HOSTS, Ring, Transport, rounds};
use crate::host::{PROGRAM, shell, within};

/// What happens while messages flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Death,
    Cut,
    Pause,
    Loss,
    /// A death while a fifth of all datagrams is lost: what the dead one said last has holes.
    DeathInLoss,
}

const FAULTS: [Fault; 5] = [
    Fault::Death,
    Fault::Cut,
    Fault::Pause,
    Fault::Loss,
    Fault::DeathInLoss,
];

/// Messages of each node: so long, so many, so many microseconds apart.
#[derive(Debug, Clone, Copy)]
struct Flood {
    size: usize,
    count: u64,
    every: u64,
}

/// The longest message that goes in one piece: libcpg cuts a longer one, and gives it up when the
/// group changes between its parts.
const PIECE: usize = (1 << 20) - 1024;

/// Each takes about ten seconds, long enough for a ring to break and to heal.
const FLOODS: [Flood; 4] = [
    flood(1408, 3000, 3500),
    flood(PIECE, 24, 400_000),
    flood(1, 8000, 1200),
    flood(65_536, 300, 32_000),
];

const fn flood(size: usize, count: u64, every: u64) -> Flood {
    Flood { size, count, every }
}

/// A line of a client: a change of the group, or a message with its number (of short ones the
/// low bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Joined(u32),
    Left(u32),
    Message(u32, u64),
}

fn event(line: &str) -> Option<Event> {
    let mut words = line.split_whitespace();
    let node = words.nth(1)?.parse().ok()?;
    match words.nth(2)? {
        "joined," => Some(Event::Joined(node)),
        "left" | "left," => Some(Event::Left(node)),
        "message" => {
            let number = words.next()?.strip_suffix(',')?.parse().ok()?;
            Some(Event::Message(node, number))
        }
        _ => None,
    }
}

/// A group with a client on each host.
struct Clients<'a> {
    ring: &'a Ring<'a>,
    flood: Flood,
    group: String,
    running: Vec<Child>,
}

impl<'a> Clients<'a> {
    /// Starts them; they flood once all three are there.
    fn start(ring: &'a Ring<'a>, flood: Flood, number: usize) -> Self {
        let mut clients = Self {
            ring,
            flood,
            group: format!("g{number}"),
            running: Vec::new(),
        };
        clients.running = HOSTS.map(|host| clients.client(host)).into();
        clients
    }

    fn client(&self, host: &str) -> Child {
        let Flood { size, count, every } = self.flood;
        let group = &self.group;
        let program = match self.ring.ours.contains(&host) {
            true => format!(
                "{PROGRAM} cpg {group} --members 3 --flood {count} --size {size} --every {every} \
                 --listen --trace"
            ),
            false => format!("python3 /etc/client.py {group} 3 {count} {size} 0 {every}"),
        };
        let script =
            format!("echo $$ >/run/flood.pid; exec {program} >/var/{group}.out 2>/var/{group}.err");
        let mut command = self.ring.lab.host(host).command("sh");
        command.args(["-c", &script]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null());
        command.spawn().expect("a shell")
    }

    fn heard(&self, host: &str) -> Vec<Event> {
        let path = format!("/var/{}.out", self.group);
        let text = self.ring.lab.host(host).read(path).unwrap_or_default();
        // The last line may not be whole yet.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let read = |line| event(line).unwrap_or_else(|| panic!("{host}: {line}"));
        whole.lines().map(read).collect()
    }

    fn said(&self, host: &str) -> String {
        let path = format!("/var/{}.err", self.group);
        self.ring.lab.host(host).read(path).unwrap_or_default()
    }

    fn low(&self, number: u64) -> u64 {
        match self.flood.size {
            size @ 0..8 => number & ((1 << (8 * size)) - 1),
            _ => number,
        }
    }

    /// Waits until these hosts have heard the last message of each of them.
    #[track_caller]
    fn await_end(&self, hosts: &[&str], what: &str) {
        let last = self.low(self.flood.count - 1);
        let mut heard: Vec<Vec<Event>> = Vec::new();
        let came = within(Duration::from_secs(90), || {
            std::thread::sleep(Duration::from_millis(300));
            heard = hosts.iter().map(|host| self.heard(host)).collect();
            let ends = |all: &[Event]| {
                let mut senders = hosts.iter();
                senders.all(|host| messages_of(all, host).last() == Some(last))
            };
            let mut own = hosts.iter().zip(&heard);
            let own =
                own.all(|(host, all)| messages_of(all, host).count() as u64 >= self.flood.count);
            own && heard.iter().all(|all| ends(all))
        });
        let tails = heard
            .iter()
            .map(|all| all.iter().rev().take(6).collect::<Vec<_>>());
        let errors: Vec<_> = hosts.iter().map(|host| self.said(host)).collect();
        let tails: Vec<_> = tails.collect();
        assert!(
            came,
            "{what}: {:?}: {tails:?} {errors:?}\n{}",
            self.flood,
            self.ring.logs()
        );
    }

    /// Ends the clients.
    fn end(mut self) {
        for host in HOSTS {
            let _ = shell(self.ring.lab, host, "kill $(cat /run/flood.pid)");
        }
        for mut client in self.running.drain(..) {
            let _ = client.wait();
        }
    }

    /// What each of these hosts heard, checked.
    #[track_caller]
    fn check(&self, hosts: &[&str], what: &str) {
        let heard: Vec<Vec<Event>> = hosts.iter().map(|host| self.heard(host)).collect();
        let mut faults = Vec::new();
        for (host, all) in hosts.iter().zip(&heard) {
            let found = self.faults(all);
            faults.extend(found.iter().take(5).map(|fault| format!("{host}: {fault}")));
            let own = messages_of(all, host).count() as u64;
            if own != self.flood.count {
                faults.push(format!(
                    "{host}: {own} of {} own messages",
                    self.flood.count
                ));
            }
        }
        for (at, host) in hosts.iter().enumerate().skip(1) {
            let (one, other) = (&heard[0], &heard[at]);
            let parted =
                one.contains(&Event::Left(id(host))) || other.contains(&Event::Left(id(hosts[0])));
            let alike = match parted {
                true => alike_since_last_join(one, other),
                false => since_first_message(one) == since_first_message(other),
            };
            if !alike {
                faults.push(format!("{} and {host} heard not the same", hosts[0]));
            }
            if self.flood.size >= 8 && common(one, other) != common(other, one) {
                faults.push(format!("{} and {host} heard in another order", hosts[0]));
            }
        }
        let counts: Vec<usize> = heard.iter().map(Vec::len).collect();
        println!(
            "{what}: {:?}: {counts:?} events, {} faults",
            self.flood,
            faults.len()
        );
        assert!(
            faults.is_empty(),
            "{what}: {:?}: {faults:?}\n{}",
            self.flood,
            self.ring.logs()
        );
    }

    /// Messages of a sender have their numbers in a row, but for those that it sent while it was
    /// elsewhere.
    fn faults(&self, all: &[Event]) -> Vec<String> {
        #[derive(Default)]
        struct Sender {
            /// Who came last wasn't told of the others' joins.
            is_gone: bool,
            was_away: bool,
            next: u64,
        }
        let mut faults = Vec::new();
        let mut senders: BTreeMap<u32, Sender> = BTreeMap::new();
        for event in all {
            match *event {
                Event::Joined(node) => senders.entry(node).or_default().is_gone = false,
                Event::Left(node) => {
                    let sender = senders.entry(node).or_default();
                    (sender.is_gone, sender.was_away) = (true, true);
                }
                Event::Message(node, number) => {
                    let sender = senders.entry(node).or_default();
                    let expected = std::mem::replace(&mut sender.next, self.low(number + 1));
                    let jumped = std::mem::take(&mut sender.was_away)
                        && (number > expected || self.flood.size < 8);
                    if sender.is_gone {
                        faults.push(format!("{number} of {node}, which isn't there"));
                    } else if number != expected && !jumped {
                        faults.push(format!("{number} of {node} in place of {expected}"));
                    }
                }
            }
        }
        faults
    }
}

fn id(host: &str) -> u32 {
    1 + HOSTS.iter().position(|h| *h == host).expect("a host") as u32
}

fn messages_of(all: &[Event], host: &str) -> impl Iterator<Item = u64> {
    let of = id(host);
    all.iter().filter_map(move |event| match event {
        Event::Message(node, number) if *node == of => Some(*number),
        _ => None,
    })
}

fn since_first_message(all: &[Event]) -> &[Event] {
    let first = all
        .iter()
        .position(|event| matches!(event, Event::Message(..)));
    &all[first.unwrap_or(all.len())..]
}

/// Since they are together again both heard the same, but for a message that its sender had
/// begun before: only who was there then can put it together.
fn alike_since_last_join(one: &[Event], other: &[Event]) -> bool {
    let (one, other) = (since_last_join(one), since_last_join(other));
    let without_begun = |all: &[Event], other: &[Event]| {
        let heard: BTreeSet<&Event> = other.iter().collect();
        let mut senders = BTreeSet::new();
        let keep = |event: &&Event| {
            let first = matches!(event, Event::Message(node, _) if senders.insert(*node));
            !first || heard.contains(event)
        };
        all.iter().filter(keep).copied().collect::<Vec<_>>()
    };
    without_begun(one, other) == without_begun(other, one)
}

fn since_last_join(all: &[Event]) -> &[Event] {
    let last = all
        .iter()
        .rposition(|event| matches!(event, Event::Joined(_)));
    &all[last.map_or(0, |at| at + 1)..]
}

/// The messages of `one` that the other heard, too.
fn common(one: &[Event], other: &[Event]) -> Vec<Event> {
    let heard: BTreeSet<&Event> = other.iter().collect();
    let message = |event: &&Event| matches!(event, Event::Message(..)) && heard.contains(event);
    one.iter().filter(message).copied().collect()
}

/// Does it to a host while all flood; all others see it, and who comes back is back.
fn happen(ring: &Ring<'_>, fault: Fault, victim: &str, running: &mut Vec<Child>) {
    let others: Vec<&str> = HOSTS.into_iter().filter(|host| *host != victim).collect();
    let host = ring.lab.host(victim);
    match fault {
        Fault::Death => {
            host.kill().expect("power off");
            ring.agree(&others, &format!("the death of {victim}"));
            host.boot().expect("power on");
            running.push(ring.start(victim));
            ring.agree(&HOSTS, &format!("the return of {victim}"));
        }
        Fault::Cut => {
            host.cut(0).expect("a cable");
            ring.agree(&others, &format!("the cut of {victim}"));
            host.join(0).expect("a cable");
            ring.agree(&HOSTS, &format!("the merge with {victim}"));
        }
        Fault::Pause => ring.pause(victim),
        Fault::Loss => {
            lose(ring, 20);
            std::thread::sleep(Duration::from_secs(8));
            lose(ring, 0);
        }
        Fault::DeathInLoss => {
            lose(ring, 20);
            std::thread::sleep(Duration::from_secs(2));
            host.kill().expect("power off");
            ring.agree(&others, &format!("the death of {victim}"));
            host.boot().expect("power on");
            lose(ring, 0);
            running.push(ring.start(victim));
            ring.agree(&HOSTS, &format!("the return of {victim}"));
        }
    }
}

/// So many of a hundred datagrams that come to a host are lost.
fn lose(ring: &Ring<'_>, percent: u8) {
    for host in HOSTS {
        ring.lab.host(host).loss(percent).expect("nft");
    }
}

fn flood_through(ring: &Ring<'_>, fault: Fault, round: usize, running: &mut Vec<Child>) {
    let (flood, victim) = (FLOODS[round % FLOODS.len()], HOSTS[round % HOSTS.len()]);
    let what = format!("round {round}, {fault:?} of {victim}");
    let number = round * 5 + fault as usize;
    let clients = Clients::start(ring, flood, number);
    let begun = || HOSTS.iter().all(|host| clients.heard(host).len() > 20);
    assert!(
        within(Duration::from_secs(30), begun),
        "{what}: nobody floods\n{}",
        ring.logs()
    );
    let start = Instant::now();
    happen(ring, fault, victim, running);
    let healed = start.elapsed();
    let kills = matches!(fault, Fault::Death | Fault::DeathInLoss);
    let live: Vec<&str> = HOSTS
        .into_iter()
        .filter(|host| !kills || *host != victim)
        .collect();
    clients.await_end(&live, &what);
    println!(
        "{what}: healed after {healed:.1?}, the flood over {:.1?}",
        start.elapsed()
    );
    clients.check(&live, &what);
    if fault != Fault::Loss {
        let left = Event::Left(id(victim));
        let others = live.iter().filter(|host| **host != victim);
        for host in others {
            assert!(
                clients.heard(host).contains(&left),
                "{what}: {host} didn't see it"
            );
        }
    }
    clients.end();
}

fn floods(name: &str, ours: &[&str], transport: Transport) {
    over(name, ours, transport, |ring| {
        let mut running = Vec::new();
        for round in 0..rounds(1) {
            for fault in FAULTS {
                flood_through(ring, fault, round, &mut running);
            }
        }
    });
}

#[test]
#[ignore = "minutes; part of tests/run --full"]
fn floods_of_one_of_ours_and_two_real_ones_survive_faults() {
    floods("flood-udpu1", &["b"], Transport::Udpu);
}

#[test]
fn floods_of_two_of_ours_and_a_real_one_survive_faults() {
    floods("flood-udp2", &["a", "c"], Transport::Udp);
}

#[test]
#[ignore = "an hour; part of tests/run --full"]
fn floods_survive_faults_in_the_other_pairings() {
    floods("flood-udp1", &["a"], Transport::Udp);
    floods("flood-udpu2", &["b", "c"], Transport::Udpu);
}

/// All say more than a queue holds while the ring is broken, and no more than each can hear while
/// it isn't: who is slow to hear isn't heard either, and of a flood without end the real node's
/// would be over before anybody dies.
#[test]
#[ignore = "a minute and a half; part of tests/run --full"]
fn members_change_while_the_queues_are_full() {
    over("full", &["a", "b"], Transport::Udpu, |ring| {
        let mut running = Vec::new();
        let flood = flood(1408, 5000, 1000);
        for (round, victim) in HOSTS.into_iter().enumerate() {
            let what = format!("the death of {victim}");
            let clients = Clients::start(ring, flood, 1000 + round);
            let begun = || HOSTS.iter().all(|host| clients.heard(host).len() > 20);
            assert!(
                within(Duration::from_secs(30), begun),
                "{what}: nobody floods"
            );
            happen(ring, Fault::Death, victim, &mut running);
            let live: Vec<&str> = HOSTS.into_iter().filter(|host| *host != victim).collect();
            clients.await_end(&live, &what);
            clients.check(&live, &what);
            for host in live {
                let said = clients.said(host);
                println!("{what}: {host}: {said}");
                assert!(
                    was_blocked(&said),
                    "{what}: {host}: its queue was never full: {said}"
                );
            }
            clients.end();
        }
    });
}

/// True if a client had to wait for a good part of the time that the ring was broken.
fn was_blocked(said: &str) -> bool {
    let time = said.trim().rsplit_once(' ').map(|(_, time)| time);
    let Some(number) = time.and_then(|time| time.strip_suffix('s')) else {
        return false;
    };
    let seconds = match number.strip_suffix('m') {
        Some(ms) => ms.parse().map(|ms: f64| ms / 1000.0),
        None => number.parse(),
    };
    seconds.is_ok_and(|seconds| seconds > 0.5)
}
