//! A cluster of real daemons, ours and heartbeat's, with one floating address.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use everbeat::lab::Lab;

use crate::host::{Ground, PROGRAM, shell, spec, within};

/// Where Debian has the daemon.
pub const HEARTBEAT: &str = "/usr/libexec/heartbeat/heartbeat";
/// What the first node prefers to hold.
pub const ADDRESS: &str = "10.8.0.100";

/// What runs on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Software {
    Everbeat,
    Heartbeat,
}

use Software::{Everbeat, Heartbeat};

/// Every pair: first node, second node.
pub const PAIRINGS: [[Software; 2]; 4] = [
    [Everbeat, Everbeat],
    [Everbeat, Heartbeat],
    [Heartbeat, Everbeat],
    [Heartbeat, Heartbeat],
];

/// How the nodes talk.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    Bcast,
    Ucast,
    Mcast,
}

/// The configuration of all nodes.
#[derive(Debug, Clone)]
pub struct Config {
    pub way: Way,
    pub authkeys: String,
    pub keepalive_ms: u64,
    pub deadtime_ms: u64,
    pub auto_failback: &'static str,
    /// More lines of ha.cf.
    pub more: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            way: Way::Bcast,
            authkeys: "auth 1\n1 sha1 a-key-that-nobody-guesses\n".into(),
            keepalive_ms: 250,
            deadtime_ms: 3000,
            auto_failback: "on",
            more: String::new(),
        }
    }
}

impl Config {
    fn ha_cf(&self, names: &[&str]) -> String {
        let ways = match self.way {
            Way::Bcast => "bcast eth0\n".to_owned(),
            Way::Mcast => "mcast eth0 239.7.7.7 694 1 0\n".to_owned(),
            Way::Ucast => (1..=names.len())
                .map(|n| format!("ucast eth0 10.8.0.{n}\n"))
                .collect(),
        };
        format!(
            "logfile /var/log/ha-log\ndebugfile /var/log/ha-debug\nkeepalive {}ms\n\
             deadtime {}ms\ninitdead 10\n{ways}auto_failback {}\nnode {}\n{}",
            self.keepalive_ms,
            self.deadtime_ms,
            self.auto_failback,
            names.join(" "),
            self.more
        )
    }
}

/// Hosts with their daemons. Dropped, all is taken down.
pub struct Cluster {
    pub lab: Arc<Lab>,
    pub names: Vec<&'static str>,
    pub software: Vec<Software>,
    pub config: Config,
    _ground: Ground,
}

impl Cluster {
    /// Hosts with configuration, nothing started; None where that can't be, with a line why.
    pub fn new(name: &str, software: &[Software], config: Config) -> Option<Self> {
        let hosts = ["a", "b", "c", "d"].iter().zip(1..);
        let hosts: Vec<String> = hosts
            .take(software.len())
            .map(|(name, n)| format!("{name}=10.8.0.{n}/24"))
            .collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        Self::on(name, &hosts, software, config)
    }

    /// The same on hosts as `everbeat lab up` is told of them; those after the nodes run nothing.
    pub fn on(name: &str, hosts: &[&str], software: &[Software], config: Config) -> Option<Self> {
        if software.contains(&Heartbeat) && !Path::new(HEARTBEAT).exists() {
            println!("SKIPPED: heartbeat is not installed");
            return None;
        }
        let names: Vec<&'static str> = ["a", "b", "c", "d"][..software.len()].to_vec();
        let ground = Ground::new();
        let lab = Arc::new(ground.lab(&spec(name, hosts))?);
        let cluster = Self {
            lab,
            names,
            software: software.to_vec(),
            config,
            _ground: ground,
        };
        for host in &cluster.names {
            cluster.configure(
                host,
                &cluster.config,
                &format!("a IPaddr2::{ADDRESS}/24/eth0\n"),
            );
        }
        Some(cluster)
    }

    /// A cluster whose first node holds the address, settled; None where that can't be.
    pub fn at_work(name: &str, software: &[Software], config: Config) -> Option<Self> {
        let cluster = Self::new(name, software, config)?;
        cluster.settle();
        Some(cluster)
    }

    /// Starts all and waits until the first node holds the address.
    pub fn settle(&self) {
        self.start_all();
        self.await_owner("a", 40);
        for host in &self.names {
            self.await_rscstatus(host, "local");
        }
        // For its first seconds a node announces a longer dead time.
        std::thread::sleep(Duration::from_secs(6));
    }

    /// Writes a host's configuration.
    pub fn configure(&self, host: &str, config: &Config, haresources: &str) {
        let files = [
            ("ha.cf", config.ha_cf(&self.names), 0o644),
            ("haresources", haresources.to_owned(), 0o644),
            ("authkeys", config.authkeys.clone(), 0o600),
        ];
        for (file, text, mode) in files {
            let path = format!("/etc/ha.d/{file}");
            self.lab
                .host(host)
                .write(path, text.as_bytes(), mode)
                .expect("a file of the host");
        }
    }

    fn index(&self, host: &str) -> usize {
        self.names
            .iter()
            .position(|name| *name == host)
            .expect("a host of the cluster")
    }

    /// What runs on a host.
    pub fn software_of(&self, host: &str) -> Software {
        self.software[self.index(host)]
    }

    /// Starts the host's daemon.
    pub fn start(&self, host: &str) {
        let mut command = match self.software[self.index(host)] {
            Heartbeat => {
                let mut command = self.lab.host(host).background(HEARTBEAT);
                command.arg("-f");
                command
            }
            Everbeat => {
                let mut command = self.lab.host(host).background(PROGRAM);
                command.args(["everbeatd", "--quiet"]);
                command
            }
        };
        let status = command.stdout(Stdio::null()).status();
        assert!(
            status.expect("everbeat runs").success(),
            "the daemon of {host} starts"
        );
    }

    /// Starts all.
    pub fn start_all(&self) {
        for name in &self.names {
            self.start(name);
        }
    }

    /// Replaces what runs on a host, which is stopped, by other software.
    pub fn replace(&mut self, host: &str, software: Software) {
        let index = self.index(host);
        self.software[index] = software;
    }

    /// Asks the daemon to end, as `heartbeat -k` does, without waiting for it.
    pub fn stop(&self, host: &str) {
        self.run(host, "kill -TERM $(cat /run/heartbeat.pid)");
    }

    /// Waits until the daemon of the host is gone.
    pub fn await_end(&self, host: &str) {
        let gone = || shell(&self.lab, host, "! kill -0 $(cat /run/heartbeat.pid)").is_ok();
        assert!(
            within(Duration::from_secs(30), gone),
            "the daemon of {host} ends"
        );
    }

    /// Runs a shell command there; panics if it fails.
    pub fn run(&self, host: &str, script: &str) -> String {
        shell(&self.lab, host, script)
            .unwrap_or_else(|why| panic!("{script} on {host}: {why}\n{}", self.logs()))
    }

    /// Runs a tool of the operators: heartbeat's script or our tool, as the host has it.
    pub fn tool(&self, host: &str, tool: &str, argument: &str) {
        let command = match self.software[self.index(host)] {
            Heartbeat => format!("/usr/share/heartbeat/{tool} {argument}"),
            Everbeat => format!("{PROGRAM} {tool} {argument}"),
        };
        self.run(host, &command);
    }

    /// Hosts that have the address now.
    pub fn owners(&self) -> Vec<&'static str> {
        let has = |name: &&&'static str| has_address(&self.lab, name, ADDRESS);
        self.names.iter().filter(has).copied().collect()
    }

    /// Waits until exactly `host` has the address; how long it took.
    pub fn await_owner(&self, host: &str, at_most_s: u64) -> Duration {
        let start = Instant::now();
        let came = within(Duration::from_secs(at_most_s), || self.owners() == [host]);
        assert!(
            came,
            "{host} has {ADDRESS}, not {:?}\n{}",
            self.owners(),
            self.logs()
        );
        start.elapsed()
    }

    /// Waits until `cl_status rscstatus` on `host` prints `word`.
    pub fn await_rscstatus(&self, host: &str, word: &str) {
        self.await_answer(host, "rscstatus", word);
    }

    /// Waits until `cl_status QUESTION` on `host` prints `word`.
    pub fn await_answer(&self, host: &str, question: &str, word: &str) {
        // A negative answer (dead) comes with exit code 1.
        let command = format!("{PROGRAM} cl_status {question} || true");
        let mut last = String::new();
        let came = within(Duration::from_secs(45), || {
            last = match shell(&self.lab, host, &command) {
                Ok(text) | Err(text) => text,
            };
            last.trim() == word
        });
        assert!(
            came,
            "cl_status {question} on {host}: {last:?}, not {word}\n{}",
            self.logs()
        );
    }

    /// The last lines of every host's log, for a failing test.
    pub fn logs(&self) -> String {
        let mut all = String::new();
        for name in &self.names {
            let log = self
                .lab
                .host(name)
                .read("/var/log/ha-log")
                .unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(25)..];
            all += &format!("--- {name}\n{}\n", last.join("\n"));
        }
        all
    }

    /// Lines of a host's log that contain `text`.
    pub fn logged(&self, host: &str, text: &str) -> usize {
        let log = self
            .lab
            .host(host)
            .read("/var/log/ha-log")
            .unwrap_or_default();
        log.lines().filter(|line| line.contains(text)).count()
    }

    /// Watches the address from now on.
    pub fn watch(&self) -> Watch {
        Watch::start(Arc::clone(&self.lab), self.names.clone())
    }
}

pub fn has_address(lab: &Lab, host: &str, address: &str) -> bool {
    // /proc/PID/root of a process on the host; /proc/PID/net is its network.
    let Ok(root) = lab.host(host).path("/") else {
        return false;
    };
    let Some(process) = root
        .ancestors()
        .find(|p| p.ends_with("root"))
        .and_then(Path::parent)
    else {
        return false;
    };
    let table = std::fs::read_to_string(process.join("net/fib_trie")).unwrap_or_default();
    table
        .lines()
        .any(|line| line.trim_start_matches(['|', '-', '+', ' ']) == address)
}

/// Looks at the address every few milliseconds, in a thread of its own.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

/// What a [`Watch`] saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Longest time in one piece without an owner.
    pub longest_gap: Duration,
    /// Longest time in one piece with more than one.
    pub longest_overlap: Duration,
}

impl Watch {
    fn start(lab: Arc<Lab>, names: Vec<&'static str>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut seen = Seen::default();
            let (mut gap, mut overlap) = (None, None);
            while !stopped.load(Ordering::Relaxed) {
                let owners = names
                    .iter()
                    .filter(|name| has_address(&lab, name, ADDRESS))
                    .count();
                let now = Instant::now();
                note(&mut gap, owners == 0, now, &mut seen.longest_gap);
                note(&mut overlap, owners > 1, now, &mut seen.longest_overlap);
                std::thread::sleep(Duration::from_millis(20));
            }
            seen
        });
        Self { stop, thread }
    }

    /// Ends the watch.
    pub fn end(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the watch ends")
    }
}

fn note(since: &mut Option<Instant>, is_so: bool, now: Instant, longest: &mut Duration) {
    if !is_so {
        *since = None;
        return;
    }
    let start = *since.get_or_insert(now);
    *longest = (*longest).max(now - start);
}
