//! cl_status and the hb_ tools, the original's and ours, on a real heartbeat.

use std::process::{Command, Output};

use everbeat::lab::Lab;

use crate::host::{Ground, PROGRAM, shell};
use crate::pair::{HEARTBEAT, await_word, lab, start};

/// What is asked while heartbeat runs. `clientstatus` has its time given: the default differs.
const RUNNING: &str = include_str!("running.txt");

/// What is asked while it is stopped.
const STOPPED: &str = "\
hbstatus
hbstatus -v
hbstatus -x
hbstatus extra
listnodes
listnodes -x
nodestatus
nodestatus a
rscstatus
clientstatus a
test
bogus
-m hbstatus
-h
";

#[test]
fn cl_status_answers_as_the_original() {
    let ground = Ground::new();
    let Some(lab) = lab(&ground, "oracle") else {
        return;
    };
    let mut differences = compare(&lab, STOPPED);
    start(&lab);
    differences.extend(compare(&lab, RUNNING));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    a_stopped_process_times_out(&lab);
    tools_reach_the_original(&lab);
}

/// The questions that are answered differently. Most of their time is waiting, so that some are
/// asked at once, each as a client of its own.
fn compare(lab: &Lab, questions: &str) -> Vec<String> {
    const AT_ONCE: usize = 6;
    let questions: Vec<&str> = questions.lines().collect();
    let every = |first: usize| {
        let some = questions.iter().skip(first).step_by(AT_ONCE);
        some.filter_map(|question| difference(lab, question))
            .collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..AT_ONCE)
            .map(|first| scope.spawn(move || every(first)))
            .collect();
        let all = all
            .into_iter()
            .map(|some| some.join().expect("they are asked"));
        all.flatten().collect()
    })
}

fn difference(lab: &Lab, question: &str) -> Option<String> {
    let words: Vec<&str> = question.split_whitespace().collect();
    let answer = |mut command: Command| told(&command.args(&words).output().expect("it runs"));
    let theirs = answer(lab.host("a").command("cl_status"));
    let mut ours = lab.host("a").command(PROGRAM);
    ours.arg("cl_status");
    let ours = answer(ours);
    (theirs != ours).then(|| format!("cl_status {question}\n theirs: {theirs}\n ours:   {ours}"))
}

/// Output, errors without their time and process, exit code.
fn told(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let errors: Vec<&str> = errors
        .lines()
        .map(|l| l.split_once("cl_status: ").map_or(l, |(_, rest)| rest))
        .map(|l| l.split_once("]: ").map_or(l, |(_, rest)| rest))
        .collect();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    format!("{out:?} {errors:?} {}", output.status)
}

/// A daemon that is there but doesn't answer: the same exit code after the same five seconds.
fn a_stopped_process_times_out(lab: &Lab) {
    shell(lab, "a", "kill -STOP $(cat /run/heartbeat.pid)").expect("stopped");
    let mut ours = lab.host("a").command(PROGRAM);
    let output = ours.args(["cl_status", "rscstatus"]).output();
    shell(lab, "a", "kill -CONT $(cat /run/heartbeat.pid)").expect("goes on");
    assert_eq!(output.expect("it runs").status.code(), Some(12));
    await_word(lab, "b", "nodestatus a", "active");
    await_word(lab, "a", "rscstatus", "local");
}

/// Our hb_ tools move the groups of a real pair, our status shows it, our -s and -k know it.
fn tools_reach_the_original(lab: &Lab) {
    let ours = |host: &str, line: &str| shell(lab, host, &format!("{PROGRAM} {line}"));
    ours("a", "hb_standby").expect("told");
    await_word(lab, "a", "rscstatus", "none");
    ours("a", "hb_takeover failback").expect("told");
    await_word(lab, "a", "rscstatus", "local");
    ours("a", "hb_setweight b 7").expect("told");
    await_word(lab, "b", "nodeweight b", "7");
    ours("a", "hb_setsite b berlin").expect("told");
    await_word(lab, "b", "nodesite b", "berlin");
    let status = ours("a", "status").expect("shown");
    for word in ["heartbeat 3.0.6", "holds local", "10.8.0.3", "eth0"] {
        assert!(status.contains(word), "{word} in {status}");
    }
    let running = ours("a", "heartbeat -s").expect("it runs");
    let theirs = shell(lab, "a", &format!("{HEARTBEAT} -s")).expect("it runs");
    assert_eq!(running, theirs);
    ours("a", "heartbeat -k").expect("stopped");
    let stopped = ours("a", "heartbeat -s").expect_err("it is stopped");
    assert!(
        stopped.contains("heartbeat is stopped. No process"),
        "{stopped}"
    );
    await_word(lab, "b", "rscstatus", "all");
}
