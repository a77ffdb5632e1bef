//! Three hosts with nodes of one kind on a ring, and what is measured of them from outside.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use everbeat::lab::Lab;

use crate::host::{Ground, PROGRAM, shell, spec, text};

pub const HOSTS: [&str; 3] = ["a", "b", "c"];

/// What waits for a formation at most.
const PATIENCE: Duration = Duration::from_secs(60);

const CLIENT: &str = include_str!("cpg_client.c");
/// Where the client of real nodes is on a host.
const CLIENT_PATH: &str = "/etc/cpg_client";
const LOG: &str = "/var/log/corosync.log";
/// What a node says when its services are in step. The words are the same on both kinds.
const IN_STEP: &str = "Completed service synchronization";

/// What runs on the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Software {
    Everbeat,
    Corosync,
}

/// A ring; dropped, it is gone.
pub struct Nodes {
    lab: Lab,
    software: Software,
    running: Vec<Child>,
    _ground: Ground,
}

/// A flood of messages.
#[derive(Debug, Clone, Copy)]
pub struct Flood {
    pub size: usize,
    /// Of all senders together.
    pub count: usize,
    pub senders: usize,
    /// Between two messages of a sender; 0: as fast as it goes.
    pub every_us: usize,
}

/// What a client said of it.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    pub messages_a_second: f64,
    pub p50_us: f64,
    pub p99_us: f64,
}

/// Makes the client of real nodes.
///
/// Errors: no compiler, no header of libcpg; what to install.
pub fn client(folder: &Path) -> Result<PathBuf, String> {
    let (source, program) = (folder.join("cpg_client.c"), folder.join("cpg_client"));
    std::fs::write(&source, CLIENT).map_err(|e| e.to_string())?;
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-o"]).args([&program, &source]);
    let made = compiler.args(["-lcpg", "-lpthread"]).output();
    match made.map_err(|e| e.to_string()).and_then(|o| text(&o)) {
        Ok(_) => Ok(program),
        Err(why) => Err(format!("install gcc and libcpg-dev: {why}")),
    }
}

fn configuration(transport: &str) -> String {
    let interface = match transport {
        "udp" => "interface {\nringnumber: 0\nbindnetaddr: 10.9.0.0\nmcastaddr: 239.192.9.1\n}\n",
        _ => "",
    };
    let node = |(at, name): (usize, &str)| {
        let id = at + 1;
        format!("node {{\nring0_addr: 10.9.0.{id}\nnodeid: {id}\nname: {name}\n}}\n")
    };
    let nodes: String = HOSTS.into_iter().enumerate().map(node).collect();
    format!(
        "totem {{\nversion: 2\ncluster_name: lab\ntransport: {transport}\ntoken: 1000\n\
         token_coefficient: 0\ncrypto_cipher: none\ncrypto_hash: none\n{interface}}}\n\
         nodelist {{\n{nodes}}}\nquorum {{\nprovider: corosync_votequorum\n}}\n\
         logging {{\nto_stderr: no\nto_syslog: no\nto_logfile: yes\nlogfile: {LOG}\n}}\n"
    )
}

impl Nodes {
    /// Hosts on which nothing runs yet; none where the machine lets nobody make some.
    pub fn new(name: &str, software: Software, transport: &str, client: &Path) -> Option<Self> {
        let ground = Ground::new();
        let hosts = ["a=10.9.0.1/24", "b=10.9.0.2/24", "c=10.9.0.3/24"];
        let lab = ground.lab(&spec(name, &hosts))?;
        let conf = configuration(transport);
        let client = std::fs::read(client).expect("the client");
        for host in HOSTS {
            let host = lab.host(host);
            let path = "/etc/corosync/corosync.conf";
            host.write(path, conf.as_bytes(), 0o644).expect("a file");
            host.write(CLIENT_PATH, &client, 0o755).expect("a file");
        }
        Some(Self {
            lab,
            software,
            running: Vec::new(),
            _ground: ground,
        })
    }

    pub fn start(&mut self, host: &str) {
        let program = match self.software {
            Software::Everbeat => [PROGRAM, "corosync", "-f"].as_slice(),
            Software::Corosync => &["/usr/sbin/corosync", "-f"],
        };
        let mut command = self.lab.host(host).background(program[0]);
        command.args(&program[1..]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.running.push(command.spawn().expect("a daemon"));
    }

    /// All hosts lose power and have it again; nothing runs on them then.
    pub fn reboot(&self) {
        HOSTS.into_iter().for_each(|host| self.power_on(host));
    }

    /// Starts all three at once; from then until each is in step on a ring of all.
    pub fn start_together(&mut self) -> Duration {
        let logs = self.logs(&HOSTS);
        let before: Vec<usize> = read(&logs).iter().map(String::len).collect();
        let start = Instant::now();
        HOSTS.into_iter().for_each(|host| self.start(host));
        let is_whole = |(text, before): (&String, &usize)| {
            let new = text.get(*before..).unwrap_or_default();
            let ring = new.rsplit_once("Sync members[3]: 1 2 3");
            ring.is_some_and(|(_, then)| then.contains(IN_STEP))
        };
        while !read(&logs).iter().zip(&before).all(is_whole) {
            let waited = start.elapsed() < PATIENCE;
            assert!(waited, "no ring:\n{}", read(&logs).join("\n"));
            std::thread::sleep(Duration::from_millis(1));
        }
        start.elapsed()
    }

    /// Where the logs of these hosts are.
    pub fn logs(&self, hosts: &[&str]) -> Vec<PathBuf> {
        let path = |host: &&str| self.lab.host(host).path(LOG).expect("a path");
        hosts.iter().map(path).collect()
    }

    /// Waits until each of these hosts says once more than before that its services are in step.
    pub fn await_in_step(&self, logs: &[PathBuf], before: &[usize]) {
        let end = Instant::now() + PATIENCE;
        while formations(logs)
            .iter()
            .zip(before)
            .any(|(now, then)| now <= then)
        {
            assert!(Instant::now() < end, "no ring:\n{}", read(logs).join("\n"));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The plug, not the shutdown; gives when.
    pub fn power_off(&self, host: &str) -> Instant {
        let init = self.lab.host(host).path("/").expect("a path");
        let pid = init.components().nth(2).expect("/proc/PID");
        let pid = pid.as_os_str().to_string_lossy().parse();
        let pid = nix::unistd::Pid::from_raw(pid.expect("a number"));
        let off = Instant::now();
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("the host's init");
        off
    }

    pub fn power_on(&self, host: &str) {
        self.lab.host(host).kill().expect("power off");
        self.lab.host(host).boot().expect("power on");
    }

    /// Sends and hears a flood; what its slowest client says.
    pub fn flood(&self, flood: Flood) -> Heard {
        let clients: Vec<Child> = HOSTS[..flood.senders]
            .iter()
            .map(|host| self.client(host, flood))
            .collect();
        let heard = clients.into_iter().map(|client| {
            let output = client.wait_with_output().expect("an end");
            parse(&text(&output).unwrap_or_else(|e| panic!("{:?}: {flood:?}: {e}", self.software)))
        });
        let slowest = |a: &Heard, b: &Heard| a.messages_a_second.total_cmp(&b.messages_a_second);
        heard.min_by(slowest).expect("a client")
    }

    fn client(&self, host: &str, flood: Flood) -> Child {
        let Flood {
            size,
            count,
            senders,
            every_us,
        } = flood;
        let own = count / senders;
        let all = own * senders;
        let group = format!("g{size}x{senders}");
        let program = match self.software {
            Software::Everbeat => format!(
                "{PROGRAM} cpg {group} --members {senders} --flood {own} --size {size} \
                 --every {every_us} --expect {all}"
            ),
            Software::Corosync => {
                format!("{CLIENT_PATH} {group} {senders} {own} {size} {every_us} {all}")
            }
        };
        let mut command = self.lab.host(host).command("sh");
        command.args(["-c", &format!("exec timeout 100 {program}")]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("a client")
    }

    /// The daemon's number on its host.
    fn pid(&self, host: &str) -> String {
        shell(&self.lab, host, "cat /run/corosync.pid").expect("a pid file")
    }

    /// What the daemon has in memory, and what of it is no file's, MiB.
    pub fn memory_mib(&self, host: &str) -> [f64; 2] {
        let status = format!("/proc/{}/status", self.pid(host));
        let status = self.lab.host(host).read(status).expect("a process");
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
            kib.expect(name) / 1024.0
        };
        [mib("VmRSS:"), mib("RssAnon:") + mib("RssShmem:")]
    }

    /// CPU time of all daemons so far, seconds.
    pub fn cpu_seconds(&self) -> f64 {
        let of_host = |host| {
            let script = format!("cat /proc/{}/task/*/schedstat", self.pid(host));
            let all = shell(&self.lab, host, &script).expect("a process");
            let first = |line: &str| line.split_whitespace().next()?.parse::<f64>().ok();
            all.lines().filter_map(first).sum::<f64>() / 1e9
        };
        HOSTS.into_iter().map(of_host).sum()
    }

    pub fn down(mut self) {
        self.lab.down().expect("the lab ends");
        for child in &mut self.running {
            let _ = child.wait();
        }
    }
}

fn read(logs: &[PathBuf]) -> Vec<String> {
    let text = |path: &PathBuf| std::fs::read(path).unwrap_or_default();
    let text = |path| String::from_utf8_lossy(&text(path)).into_owned();
    logs.iter().map(text).collect()
}

/// How often the services of each came into step.
pub fn formations(logs: &[PathBuf]) -> Vec<usize> {
    let count = |text: &String| text.matches(IN_STEP).count();
    read(logs).iter().map(count).collect()
}

fn parse(said: &str) -> Heard {
    let number = |before: &str, behind: &str| {
        let text = said.split(behind).next()?.rsplit_once(before)?.1;
        text.trim().parse::<f64>().ok()
    };
    Heard {
        messages_a_second: number(" s: ", " messages/s").expect("a rate"),
        p50_us: number("p50 ", " us, p99").unwrap_or(f64::NAN),
        p99_us: number("p99 ", " us\n").unwrap_or(f64::NAN),
    }
}
