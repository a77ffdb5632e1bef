//! Bad traffic at a pair at work: what isn't from a node with the key must not move anything.
//!
//! Ten thousand datagrams a second for half a minute: random bytes, truncated and bent copies of
//! real ones, old ones again, forged senders, oversize and deeply nested messages.

use std::time::{Duration, Instant};

use everbeat::wire::heartbeat::auth::{Keyring, Method};
use everbeat::wire::heartbeat::datagram::{Format, seal};
use everbeat::wire::heartbeat::{Message, Value};

use crate::cluster::{Cluster, Config, Software};
use crate::host::{PROGRAM, shell, socket_on, within};

/// Datagrams a second.
const RATE: u64 = 10_000;
/// How long.
const TIME: Duration = Duration::from_secs(30);
/// What the log of a node may grow by: a line a minute for each kind and medium.
const LOG_LINES_MAX: usize = 40;
/// What a daemon may grow by. Units: KiB
const GROWTH_KIB_MAX: u64 = 4096;

#[test]
fn junk_moves_nothing() {
    let software = [Software::Everbeat; 2];
    let Some(cluster) = Cluster::at_work("junk", &software, Config::default()) else {
        return;
    };
    let captured = capture(&cluster, Duration::from_secs(3));
    assert!(captured.len() > 10, "{} datagrams captured", captured.len());
    let before = [memory(&cluster, "a"), memory(&cluster, "b")];
    let lines_before = [log_lines(&cluster, "a"), log_lines(&cluster, "b")];
    let watch = cluster.watch();

    let sent = flood(&cluster, &captured);
    assert!(
        sent > RATE * TIME.as_secs() / 2,
        "only {sent} datagrams were sent"
    );

    let seen = watch.end();
    assert_eq!(cluster.owners(), ["a"], "{}", cluster.logs());
    assert_eq!(
        seen.longest_gap,
        Duration::ZERO,
        "{seen:?}\n{}",
        cluster.logs()
    );
    assert_eq!(
        seen.longest_overlap,
        Duration::ZERO,
        "{seen:?}\n{}",
        cluster.logs()
    );
    for (index, (host, peer)) in [("a", "b"), ("b", "a")].into_iter().enumerate() {
        assert_eq!(
            cluster.logged(host, &format!("node {peer}: is dead")),
            0,
            "{}",
            cluster.logs()
        );
        cluster.await_answer(host, &format!("nodestatus {peer}"), "active");
        let grown = memory(&cluster, host).saturating_sub(before[index]);
        assert!(grown < GROWTH_KIB_MAX, "{host} grew by {grown} KiB");
        let lines = log_lines(&cluster, host) - lines_before[index];
        assert!(
            lines <= LOG_LINES_MAX,
            "{lines} lines on {host}\n{}",
            cluster.logs()
        );
        let refused = refused(&cluster, host);
        assert!(refused > sent / 4, "{refused} of {sent} counted on {host}");
    }
}

/// Real datagrams of the pair.
fn capture(cluster: &Cluster, time: Duration) -> Vec<Vec<u8>> {
    let socket = socket_on(&cluster.lab, "b", 694);
    socket
        .set_read_timeout(Some(Duration::from_millis(100)))
        .expect("an option");
    let end = Instant::now() + time;
    let mut all = Vec::new();
    let mut buffer = vec![0; 65_536];
    while Instant::now() < end {
        if let Ok(length) = socket.recv(&mut buffer) {
            all.push(buffer[..length].to_vec());
        }
    }
    all
}

/// Sends junk from host b to all; how many datagrams left.
fn flood(cluster: &Cluster, captured: &[Vec<u8>]) -> u64 {
    let socket = socket_on(&cluster.lab, "b", 0);
    let mut junk = Junk {
        state: 0x9e37_79b9_7f4a_7c15,
        captured,
        forged: forged(),
    };
    let (start, mut sent) = (Instant::now(), 0u64);
    while start.elapsed() < TIME {
        let due = (start.elapsed().as_micros() as u64) * RATE / 1_000_000;
        while sent < due {
            let bytes = junk.next();
            let _ = socket.send_to(&bytes, ("10.8.0.255", 694));
            sent += 1;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    sent
}

/// Messages with the right form and a key that isn't ours, and some that are too much.
fn forged() -> Vec<Vec<u8>> {
    let keyring = Keyring::new(1, [(1, Method::Sha1, &b"another key"[..])]).expect("a keyring");
    let status = Message::of_type("status")
        .with("st", "dead")
        .with("src", "a")
        .with("seq", "ffffff")
        .with("hg", "ffffffff")
        .with("ts", "1");
    let mut deep = Message::of_type("deep").with("src", "a");
    for _ in 0..12 {
        let mut outer = Message::of_type("deep");
        outer.push("m", Value::Struct(deep));
        deep = outer;
    }
    let large = Message::of_type("large").with("x", vec![b'x'; 40_000]);
    [status, deep, large]
        .iter()
        .map(|message| seal(message, &keyring, Format::Classic).expect("a datagram"))
        .collect()
}

struct Junk<'a> {
    state: u64,
    captured: &'a [Vec<u8>],
    forged: Vec<Vec<u8>>,
}

impl Junk<'_> {
    /// xorshift64: the same junk in each run.
    fn random(&mut self) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 8) as usize
    }

    fn next(&mut self) -> Vec<u8> {
        let choice = self.random();
        let pick = self.random();
        let mut copy = self.captured[pick % self.captured.len()].clone();
        match choice % 16 {
            0..=4 => (0..pick % 600).map(|_| self.random() as u8).collect(),
            5..=8 => {
                copy.truncate(self.random() % copy.len());
                copy
            }
            9..=12 => {
                let at = self.random() % copy.len();
                copy[at] ^= 1 << (self.random() % 8);
                copy
            }
            // An old datagram again: authentic, and long since counted.
            13 => copy,
            // The large ones rarely: they are forty thousand bytes.
            14 if pick.is_multiple_of(50) => self.forged[2].clone(),
            _ => self.forged[pick % 2].clone(),
        }
    }
}

/// Resident memory of the daemon, KiB.
fn memory(cluster: &Cluster, host: &str) -> u64 {
    let script = "awk '/^VmRSS/ {print $2}' /proc/$(cat /run/heartbeat.pid | tr -d ' ')/status";
    cluster.run(host, script).parse().expect("a number")
}

fn log_lines(cluster: &Cluster, host: &str) -> usize {
    let log = cluster
        .lab
        .host(host)
        .read("/var/log/ha-log")
        .unwrap_or_default();
    log.lines().count()
}

/// Datagrams the daemon says it refused.
fn refused(cluster: &Cluster, host: &str) -> u64 {
    let command = format!("{PROGRAM} status --json");
    let mut total = 0;
    within(Duration::from_secs(5), || {
        let text = shell(&cluster.lab, host, &command).unwrap_or_default();
        let report: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let counters = report["counters"].as_object().cloned().unwrap_or_default();
        let refused = counters
            .iter()
            .filter(|(name, _)| name.starts_with("refused_") && !name.starts_with("refused_on_"));
        total = refused.filter_map(|(_, count)| count.as_u64()).sum();
        total > 0
    });
    total
}
