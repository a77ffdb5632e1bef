//! Our node on a ring with real corosync 3.1.7 nodes: one ring, one quorum, whatever happens.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use everbeat::lab::Lab;

#[path = "groups.rs"]
mod groups;
#[path = "ring_faults.rs"]
mod ring_faults;
#[path = "ring_hostile.rs"]
mod ring_hostile;
#[path = "ring_pacemaker.rs"]
mod ring_pacemaker;
#[path = "ring_reload.rs"]
mod ring_reload;
#[path = "ring_sixteen.rs"]
mod ring_sixteen;

use crate::host::{Ground, PROGRAM, shell, spec, within};

const HOSTS: [&str; 3] = ["a", "b", "c"];
/// Token loss, consensus and a formation, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(20);
/// As configured.
const TOKEN: Duration = Duration::from_secs(1);
/// Of each log so many lines are shown.
const LOG_LINES: usize = 80;

/// Looks until `done`, with patience.
fn within_patience(done: impl FnMut() -> bool) -> bool {
    within(PATIENCE, done)
}

/// How often each fault comes in a tour; so often in the selection.
fn rounds(selected: usize) -> usize {
    let wanted = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok());
    let full = std::env::var_os("EVERBEAT_FULL").is_some();
    wanted.unwrap_or(if full { 50 } else { selected })
}

/// How datagrams travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Udp,
    Udpu,
}

fn configuration(transport: Transport) -> String {
    let (word, interface) = match transport {
        Transport::Udpu => ("udpu", ""),
        Transport::Udp => (
            "udp",
            "interface {\nringnumber: 0\nbindnetaddr: 10.9.0.0\nmcastaddr: 239.192.9.1\n}\n",
        ),
    };
    let node = |(at, name): (usize, &str)| {
        let id = at + 1;
        format!("node {{\nring0_addr: 10.9.0.{id}\nnodeid: {id}\nname: {name}\n}}\n")
    };
    let nodes: String = HOSTS.into_iter().enumerate().map(node).collect();
    format!(
        "totem {{\nversion: 2\ncluster_name: lab\ntransport: {word}\ntoken: 1000\n\
         token_coefficient: 0\ncrypto_cipher: none\ncrypto_hash: none\n{interface}}}\n\
         nodelist {{\n{nodes}}}\nquorum {{\nprovider: corosync_votequorum\n}}\n\
         logging {{\nto_stderr: no\nto_syslog: no\nto_logfile: yes\n\
         logfile: /var/log/corosync.log\n}}\n"
    )
}

/// Three hosts; those in `ours` run everbeat, the others corosync.
struct Ring<'a> {
    lab: &'a Lab,
    ours: &'a [&'a str],
}

impl Ring<'_> {
    fn configure(&self, text: &str) {
        for host in HOSTS {
            let host = self.lab.host(host);
            let path = "/etc/corosync/corosync.conf";
            host.write(path, text.as_bytes(), 0o644).expect("a file");
        }
    }

    fn start(&self, host: &str) -> Child {
        let program = match self.ours.contains(&host) {
            true => vec![PROGRAM, "corosync", "-f"],
            false => vec!["/usr/sbin/corosync", "-f"],
        };
        let mut command = self.lab.host(host).background(program[0]);
        command
            .args(&program[1..])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().expect("the daemon starts")
    }

    /// What a node's own tool says of the ring: its name, members, whether they have quorum.
    fn seen_by(&self, host: &str) -> Option<(String, Vec<u32>, bool)> {
        let tool = match self.ours.contains(&host) {
            true => format!("{PROGRAM} corosync-quorumtool"),
            false => "corosync-quorumtool".to_owned(),
        };
        // Exit code 2 says that there is no quorum.
        let text = shell(self.lab, host, &format!("{tool} -s || [ $? -eq 2 ]")).ok()?;
        let value = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let (_, list) = text.split_once("Nodeid")?;
        let ids = list
            .lines()
            .filter_map(|l| l.split_whitespace().next()?.parse().ok());
        Some((value("Ring ID")?, ids.collect(), value("Quorate")? == "Yes"))
    }

    /// Waits until these hosts have one ring, with quorum if they are two or more.
    #[track_caller]
    fn agree(&self, hosts: &[&str], after: &str) {
        let id =
            |host: &&str| u32::try_from(HOSTS.iter().position(|h| h == host).unwrap()).unwrap();
        let ids: Vec<u32> = hosts.iter().map(|host| id(host) + 1).collect();
        let mut seen = Vec::new();
        let came = within(PATIENCE, || {
            seen = hosts.iter().map(|host| self.seen_by(host)).collect();
            let Some(Some((ring, _, _))) = seen.first() else {
                return false;
            };
            let all = Some((ring.clone(), ids.clone(), hosts.len() > 1));
            seen.iter().all(|one| *one == all)
        });
        assert!(came, "after {after}: {seen:?}\n{}", self.logs());
    }

    /// The daemon of a host stops for three token times, as by SIGSTOP; the others go on without
    /// it, and it is back when it runs again.
    #[track_caller]
    fn pause(&self, host: &str) {
        let others: Vec<&str> = HOSTS.into_iter().filter(|other| *other != host).collect();
        let signal = |signal: &str| {
            let script = format!("kill -{signal} $(pidof corosync || cat /run/corosync.pid)");
            shell(self.lab, host, &script).expect("a signal");
        };
        signal("STOP");
        std::thread::sleep(3 * TOKEN);
        self.agree(&others, &format!("the pause of {host}"));
        signal("CONT");
        self.agree(&HOSTS, &format!("the end of the pause of {host}"));
    }

    /// The end of each node's log.
    fn logs(&self) -> String {
        let logs = HOSTS.map(|host| {
            let log = self.lab.host(host).read("/var/log/corosync.log");
            let log = log.unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let end = &lines[lines.len().saturating_sub(LOG_LINES)..];
            let state =
                "pid=$(pidof corosync || tr -d ' ' </run/corosync.pid) && cat /proc/$pid/stat";
            let state = shell(self.lab, host, state);
            format!("--- {host}: {state:?}\n{}", end.join("\n"))
        });
        logs.join("\n")
    }

    /// Each node dies, is paused, leaves, and comes back; one is cut off.
    fn round(&self, running: &mut Vec<Child>) {
        for host in HOSTS {
            let others: Vec<&str> = HOSTS.into_iter().filter(|other| *other != host).collect();
            self.lab.host(host).kill().expect("power off");
            self.agree(&others, &format!("the death of {host}"));
            self.lab.host(host).boot().expect("power on");
            running.push(self.start(host));
            self.agree(&HOSTS, &format!("the return of {host}"));
            self.pause(host);
            self.lab.host(host).cut(0).expect("a cable");
            self.agree(&others, &format!("the cut of {host}"));
            self.agree(&[host], &format!("the cut of {host}"));
            self.lab.host(host).join(0).expect("a cable");
            self.agree(&HOSTS, &format!("the merge with {host}"));
            let end = "kill $(pidof corosync) $(cat /run/corosync.pid)";
            let _ = shell(self.lab, host, end);
            self.agree(&others, &format!("the leave of {host}"));
            running.push(self.start(host));
            self.agree(&HOSTS, &format!("the restart of {host}"));
        }
    }
}

fn tour(name: &str, ours: &[&str], transport: Transport) {
    if !Path::new("/usr/sbin/corosync").exists() {
        println!("SKIPPED: corosync is not installed");
        return;
    }
    let ground = Ground::new();
    let hosts = ["a=10.9.0.1/24", "b=10.9.0.2/24", "c=10.9.0.3/24"];
    let Some(lab) = ground.lab(&spec(name, &hosts)) else {
        return;
    };
    let ring = Ring { lab: &lab, ours };
    ring.configure(&configuration(transport));
    let start = Instant::now();
    let mut running: Vec<Child> = HOSTS.iter().map(|host| ring.start(host)).collect();
    ring.agree(&HOSTS, "the start");
    println!("{name}: formed in {:.2?}", start.elapsed());
    for round in 0..rounds(2) {
        ring.round(&mut running);
        println!("{name}: round {round} done after {:.0?}", start.elapsed());
    }
    lab.down().expect("the lab ends");
    for mut child in running {
        let _ = child.wait();
    }
}

#[test]
fn one_of_ours_and_two_real_ones_over_udpu() {
    tour("udpu1", &["b"], Transport::Udpu);
}

#[test]
fn one_of_ours_and_two_real_ones_over_multicast() {
    tour("udp1", &["a"], Transport::Udp);
}

#[test]
fn two_of_ours_and_a_real_one() {
    let full = std::env::var_os("EVERBEAT_FULL").is_some();
    tour("udpu2", &["a", "c"], Transport::Udpu);
    if full {
        tour("udp2", &["b", "c"], Transport::Udp);
    }
}

/// A node is added, and a timer changed, while the ring runs: asked for at a real node, then at
/// ours.
#[test]
fn all_nodes_read_their_configuration_again() {
    if !Path::new("/usr/sbin/corosync").exists() {
        println!("SKIPPED: corosync is not installed");
        return;
    }
    let ground = Ground::new();
    let hosts = ["a=10.9.0.1/24", "b=10.9.0.2/24", "c=10.9.0.3/24"];
    let Some(lab) = ground.lab(&spec("reload", &hosts)) else {
        return;
    };
    let ring = Ring {
        lab: &lab,
        ours: &["b"],
    };
    let three = configuration(Transport::Udpu);
    let third = "node {\nring0_addr: 10.9.0.3\nnodeid: 3\nname: c\n}\n";
    let two = three.replace(third, "");
    assert_ne!(two, three);
    let says = |host: &str, tool: &str, wanted: &str| {
        let tool = match host {
            "b" => format!("{PROGRAM} {tool}"),
            _ => tool.to_owned(),
        };
        let mut text = String::new();
        let came = within_patience(|| {
            text = shell(&lab, host, &tool).unwrap_or_default();
            text.contains(wanted)
        });
        let log = lab.host(host).read("/var/log/corosync.log");
        let log = log.unwrap_or_default();
        assert!(came, "{host}: {tool}: no {wanted} in\n{text}\n{log}");
    };
    let token = "corosync-cmapctl -g runtime.config.totem.token";
    ring.configure(&two);
    let mut running = vec![ring.start("a"), ring.start("b")];
    ring.agree(&["a", "b"], "the start");
    ring.configure(&three.replace("token: 1000", "token: 1500"));
    says("a", "corosync-cfgtool -R", "Done");
    for host in ["a", "b"] {
        says(host, "corosync-quorumtool -s", "Expected votes:   3");
        says(host, token, "= 1500");
    }
    running.push(ring.start("c"));
    ring.agree(&HOSTS, "a third node was added");
    let netmtu = "transport: udpu\nnetmtu: 1400";
    let changed = three.replace("token: 1000", "token: 2000");
    ring.configure(&changed.replace("transport: udpu", netmtu));
    says("b", "corosync-cfgtool -R", "Done");
    for host in HOSTS {
        says(host, token, "= 2000");
    }
    let log = lab.host("b").read("/var/log/corosync.log").expect("a log");
    assert!(log.contains("totem.netmtu was changed"), "{log}");
    ring.configure("totem {\nversion: 2\n");
    let refused = shell(&lab, "b", &format!("{PROGRAM} corosync-cfgtool -R"));
    assert!(refused.is_err(), "a broken file was taken: {refused:?}");
    ring.agree(&HOSTS, "a file that is broken");
    lab.down().expect("the lab ends");
    for mut child in running {
        let _ = child.wait();
    }
}
