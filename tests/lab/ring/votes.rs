//! Quorum by each option, told by our node and by a real one in its place: the same figures, flags
//! and exit codes at each step.

use std::process::Child;
use std::time::Duration;

use everbeat::lab::Lab;

use super::{PATIENCE, Whose, configuration, configure, real_is_missing};
use crate::host::{Ground, shell, spec, within};

const HOSTS: [&str; 4] = ["a", "b", "c", "d"];

/// What happens to hosts.
#[derive(Debug, Clone, Copy)]
enum Step {
    Start(&'static str),
    /// Power off, all at once.
    Kill(&'static [&'static str]),
    /// In order.
    Stop(&'static str),
    /// Power on, and the daemon started.
    Return(&'static str),
    /// A command on a, which may be ours.
    Tool(&'static str),
    /// Time, for windows of last_man_standing: longer than one, which is longer than what is seen
    /// takes to settle.
    Wait(u64),
}

struct Case {
    name: &'static str,
    nodes: usize,
    quorum: &'static str,
    steps: &'static [Step],
}

use Step::{Kill, Return, Start, Stop, Tool, Wait};

const CASES: &[Case] = &[
    Case {
        name: "two",
        nodes: 2,
        quorum: "two_node: 1",
        steps: &[Start("a"), Start("b"), Kill(&["b"]), Return("b"), Stop("b")],
    },
    Case {
        name: "two3",
        nodes: 3,
        quorum: "two_node: 1",
        steps: &[Start("a"), Start("b"), Start("c"), Kill(&["b"])],
    },
    Case {
        name: "wfa",
        nodes: 3,
        quorum: "wait_for_all: 1",
        steps: &[
            Start("a"),
            Start("b"),
            Start("c"),
            Kill(&["b"]),
            Kill(&["c"]),
            Return("b"),
            Tool("corosync-cmapctl -s quorum.cancel_wait_for_all u8 1"),
        ],
    },
    Case {
        name: "atb",
        nodes: 4,
        quorum: "auto_tie_breaker: 1",
        steps: &[
            Start("a"),
            Start("b"),
            Start("c"),
            Start("d"),
            Kill(&["c", "d"]),
        ],
    },
    Case {
        name: "high",
        nodes: 4,
        quorum: "auto_tie_breaker: 1\nauto_tie_breaker_node: highest",
        steps: &[
            Start("a"),
            Start("b"),
            Start("c"),
            Start("d"),
            Kill(&["c", "d"]),
            Return("d"),
        ],
    },
    Case {
        name: "odd",
        nodes: 3,
        quorum: "auto_tie_breaker: 1",
        steps: &[Start("a"), Start("b"), Start("c"), Kill(&["c"])],
    },
    Case {
        name: "lms",
        nodes: 4,
        quorum: "last_man_standing: 1\nlast_man_standing_window: 4000\nwait_for_all: 1",
        steps: &[
            Start("a"),
            Start("b"),
            Start("c"),
            Start("d"),
            Kill(&["d"]),
            Wait(4500),
            Kill(&["c"]),
            Wait(4500),
            Kill(&["b"]),
        ],
    },
    Case {
        name: "down",
        nodes: 3,
        quorum: "allow_downscale: 1",
        steps: &[Start("a"), Start("b"), Start("c"), Stop("c"), Stop("b")],
    },
    Case {
        name: "expect",
        nodes: 3,
        quorum: "expected_votes: 5",
        steps: &[
            Start("a"),
            Start("b"),
            Start("c"),
            Tool("corosync-quorumtool -e 3"),
            Tool("corosync-quorumtool -v 2 -n 2"),
            Tool("corosync-quorumtool -v 9 -n 9"),
            Kill(&["c"]),
        ],
    },
];

struct Run<'a> {
    lab: &'a Lab,
    a: Whose,
    up: Vec<&'static str>,
    running: Vec<Child>,
}

impl Run<'_> {
    fn whose(&self, host: &str) -> Whose {
        if host == "a" { self.a } else { Whose::Real }
    }

    fn act(&mut self, step: Step) -> Option<String> {
        match step {
            Start(host) => {
                self.running.push(self.whose(host).start(self.lab, host));
                self.up.push(host);
            }
            Return(host) => {
                self.lab.host(host).boot().expect("power on");
                self.running.push(self.whose(host).start(self.lab, host));
                self.up.push(host);
            }
            Kill(hosts) => {
                for host in hosts {
                    self.lab.host(host).kill().expect("power off");
                }
                self.up.retain(|host| !hosts.contains(host));
            }
            Stop(host) => {
                super::stop(self.lab, host);
                self.up.retain(|up| *up != host);
            }
            Tool(line) => {
                let line = self.a.line(line);
                let script = format!("{line} 2>&1; echo exit $?");
                return Some(shell(self.lab, "a", &script).expect("a shell"));
            }
            Wait(milliseconds) => std::thread::sleep(Duration::from_millis(milliseconds)),
        }
        None
    }

    /// What a's tool says once it sees all that are up, and twice the same.
    fn seen(&self) -> String {
        let line = self.a.line("corosync-quorumtool -sp; echo exit $?");
        let members = format!("Nodes:            {}\n", self.up.len());
        let mut last = String::new();
        let came = within(PATIENCE, || {
            let text = shell(self.lab, "a", &line).unwrap_or_default();
            // The date and the number of the ring are of the moment.
            let passing = ["Date:", "Ring ID:"];
            let lasts = |line: &&str| !passing.iter().any(|begin| line.starts_with(begin));
            let text = text.lines().filter(lasts).collect::<Vec<_>>().join("\n");
            let settled = text.contains(&members) && text == last;
            last = text;
            std::thread::sleep(Duration::from_millis(if settled { 0 } else { 700 }));
            settled
        });
        let wanted = self.up.len();
        assert!(came, "{:?}: {wanted} members wanted\n{last}", self.a);
        last
    }
}

fn run(lab: &Lab, case: &Case, a: Whose) -> Vec<String> {
    let hosts = &HOSTS[..case.nodes];
    let text = configuration(hosts, case.quorum, "to_syslog: no\nto_stderr: no");
    for host in hosts {
        configure(lab, host, &text);
        shell(lab, host, "rm -rf /var/lib/corosync/*").expect("a clean start");
    }
    let mut run = Run {
        lab,
        a,
        up: Vec::new(),
        running: Vec::new(),
    };
    let mut seen = Vec::new();
    for step in case.steps {
        let said = run.act(*step).unwrap_or_default();
        seen.push(format!("{step:?}\n{said}\n{}", run.seen()));
    }
    for host in hosts {
        lab.host(host).kill().expect("power off");
        lab.host(host).boot().expect("power on");
    }
    for mut child in run.running {
        let _ = child.wait();
    }
    seen
}

fn compare(names: &[&str]) {
    if real_is_missing() {
        return;
    }
    let ground = Ground::new();
    let hosts = [
        "a=10.9.0.1/24",
        "b=10.9.0.2/24",
        "c=10.9.0.3/24",
        "d=10.9.0.4/24",
    ];
    let Some(lab) = ground.lab(&spec(&format!("votes{}", names[0]), &hosts)) else {
        return;
    };
    let mut differences = Vec::new();
    for case in CASES.iter().filter(|case| names.contains(&case.name)) {
        let (ours, real) = (run(&lab, case, Whose::Ours), run(&lab, case, Whose::Real));
        assert_eq!(ours.len(), case.steps.len());
        for (ours, real) in ours.iter().zip(&real).filter(|(ours, real)| ours != real) {
            differences.push(format!("{}: {ours}\n--- real\n{real}", case.name));
        }
        println!("{}: {} steps", case.name, ours.len());
    }
    assert!(differences.is_empty(), "{}", differences.join("\n=====\n"));
    lab.down().expect("the lab ends");
}

#[test]
fn two_node_and_wait_for_all() {
    compare(&["two", "two3", "wfa"]);
}

#[test]
fn ties_and_the_last_man_standing() {
    compare(&["atb", "lms"]);
}

#[test]
#[ignore = "full matrix: the other options, a minute"]
fn votes_by_each_other_option() {
    compare(&["high", "odd", "down", "expect"]);
}
