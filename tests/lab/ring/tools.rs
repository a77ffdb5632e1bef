//! The tools of a node, beside the original's: the same command lines on the same ring, first with
//! a real node on host a, then with ours in its place.

use std::process::Child;

use everbeat::lab::Lab;

use super::{Whose, configuration, configure, real_is_missing, says, stop};
use crate::host::{Ground, shell, spec};

const HOSTS: [&str; 3] = ["a", "b", "c"];

/// A line each; those that begin with `-` are run without a node only.
const LINES: &str = include_str!("tool_lines.txt");

/// What a command line came to: exit code, stdout, stderr.
fn answer(lab: &Lab, whose: Whose, line: &str) -> String {
    let line = whose.line(line);
    let script = format!(
        "{line} </dev/null >/run/out 2>/run/err; echo \"exit $?\"; cat /run/out; \
                          sed 's/^/err: /' /run/err"
    );
    let text = shell(lab, "a", &script).expect("a shell");
    let lasting = |line: &&str| {
        // Of the moment; an address that the original shows wrongly; an empty line of errors.
        let passing = ["Date:", "Ring ID:", "\taddr\t="];
        !passing.iter().any(|begin| line.starts_with(begin)) && line.trim() != "err:"
    };
    text.lines().filter(lasting).collect::<Vec<_>>().join("\n")
}

fn start(lab: &Lab, a: Whose) -> Vec<Child> {
    for host in HOSTS {
        shell(lab, host, "rm -rf /var/lib/corosync/*").expect("a clean start");
    }
    let others = ["b", "c"].map(|host| Whose::Real.start(lab, host));
    let mut running = Vec::from(others);
    running.push(a.start(lab, "a"));
    let status = a.line("corosync-quorumtool -s");
    let (came, text) = says(lab, "a", &status, "Total votes:      3");
    assert!(came, "{text}");
    running
}

fn run(lab: &Lab, whose: Whose) -> Vec<(String, String)> {
    let lines = LINES.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (without, with): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with("- "));
    let mut all = Vec::new();
    let mut note = |line: &str| {
        let answer = answer(lab, whose, line);
        all.push((line.to_owned(), answer));
    };
    without
        .iter()
        .for_each(|line| note(line.trim_start_matches("- ")));
    let running = start(lab, whose);
    with.iter().for_each(|line| note(line));
    for host in HOSTS {
        stop(lab, host);
    }
    for mut child in running {
        let _ = child.wait();
    }
    all
}

#[test]
fn tools_answer_as_the_originals() {
    if real_is_missing() {
        return;
    }
    let ground = Ground::new();
    let hosts = ["a=10.9.0.1/24", "b=10.9.0.2/24", "c=10.9.0.3/24"];
    let Some(lab) = ground.lab(&spec("ringtools", &hosts)) else {
        return;
    };
    let text = configuration(&HOSTS, "", "to_syslog: no\nto_stderr: no");
    for host in HOSTS {
        configure(&lab, host, &text);
    }
    let (real, ours) = (run(&lab, Whose::Real), run(&lab, Whose::Ours));
    assert_eq!(real.len(), ours.len());
    let different: Vec<String> = real
        .iter()
        .zip(&ours)
        .filter(|(real, ours)| real != ours)
        .map(|((line, real), (_, ours))| format!("$ {line}\n{real}\n--- ours\n{ours}"))
        .collect();
    println!(
        "{} the same, {} different",
        real.len() - different.len(),
        different.len()
    );
    assert!(different.is_empty(), "{}", different.join("\n=====\n"));
    lab.down().expect("the lab ends");
}
