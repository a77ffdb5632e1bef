use std::sync::{Arc, Mutex};

use super::*;
use crate::programs;

fn block<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn shell(script: &str) -> Process<'static> {
    Process::new("/bin/sh").args(["-c", script])
}

#[test]
fn exit_code_and_both_streams() {
    let done = block(shell("echo out; echo err >&2; exit 3").run()).unwrap();
    assert_eq!(done.ending, Ending::Exited(3));
    assert_eq!(done.text(Stream::Stdout), "out");
    assert_eq!(done.text(Stream::Stderr), "err");
}

#[test]
fn a_signal_is_told_from_an_exit() {
    let done = block(shell("kill -9 $$").run()).unwrap();
    assert_eq!(done.ending, Ending::Signalled(9));
    assert_eq!(done.ending.shell_code(), 137);
}

#[test]
fn environment_is_ours_or_only_what_is_given() {
    let run = |p: Process<'static>| block(p.run()).unwrap().text(Stream::Stdout);
    let script = "echo \"$HA_CURHOST ${CARGO_PKG_NAME-none}\"";
    assert_eq!(
        run(shell(script).envs([("HA_CURHOST", "node1")])),
        "node1 everbeat"
    );
    let cleared = shell(script).env_clear().envs([("HA_CURHOST", "node1")]);
    assert_eq!(run(cleared), "node1 none");
    assert_eq!(run(shell(script).env_remove("CARGO_PKG_NAME")), " none");
}

#[test]
fn input_is_given_and_closed() {
    let done = block(Process::new("/bin/cat").input("action=off\n").run()).unwrap();
    assert_eq!(done.text(Stream::Stdout), "action=off");
    let done = block(Process::new("/bin/cat").run()).unwrap();
    assert_eq!(done.lines, []);
}

#[test]
fn input_that_nobody_reads_does_not_hold_us() {
    let done = block(shell("exit 0").input(vec![b'x'; 1 << 20]).run()).unwrap();
    assert!(done.ending.is_success());
}

#[test]
fn a_daemon_left_behind_keeps_the_pipe_but_not_us() {
    let done = block(shell("sleep 30 & echo started $!").run()).unwrap();
    assert!(done.ending.is_success());
    assert!(
        done.duration < Duration::from_secs(5),
        "{:?}",
        done.duration
    );
    let text = done.text(Stream::Stdout);
    let pid: i32 = text.strip_prefix("started ").unwrap().parse().unwrap();
    // It lives on: a script that starts a daemon means it.
    nix::sys::signal::kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

#[test]
fn a_time_out_ends_the_whole_group() {
    let script = "trap '' TERM; sleep 31 & echo $!; while :; do sleep 1; done";
    let process = shell(script)
        .timeout(Duration::from_millis(200))
        .grace(Duration::from_millis(100));
    let done = block(process.run()).unwrap();
    assert_eq!(done.ending, Ending::TimedOut);
    assert!(
        done.duration < Duration::from_secs(3),
        "{:?}",
        done.duration
    );
    let pid: i32 = done.text(Stream::Stdout).parse().unwrap();
    assert!(gone(pid), "the grandchild {pid} is still there");
}

#[test]
fn sigterm_comes_first() {
    let script = "trap 'echo asked; exit 0' TERM; while :; do sleep 0.05; done";
    let done = block(shell(script).timeout(Duration::from_millis(200)).run()).unwrap();
    assert_eq!(done.ending, Ending::TimedOut);
    assert_eq!(done.text(Stream::Stdout), "asked");
}

#[test]
fn dropping_the_future_ends_the_group() {
    let pid = Arc::new(Mutex::new(String::new()));
    let seen = pid.clone();
    block(async {
        let run = shell("echo $$; sleep 32").watch(move |line| {
            *seen.lock().unwrap() = line.text.clone();
        });
        let ended = tokio::time::timeout(Duration::from_secs(1), run.run()).await;
        assert!(ended.is_err());
    });
    let pid: i32 = pid.lock().unwrap().parse().unwrap();
    assert!(gone(pid));
}

#[test]
fn a_flood_is_bounded() {
    let done = block(shell("yes | head -c 1000000").run()).unwrap();
    assert!(done.lines.len() < 40_000);
    let kept: usize = done.lines.iter().map(|l| l.text.len() + 1).sum();
    assert_eq!(kept as u64 + done.dropped_bytes, 1_000_000);
}

#[test]
fn a_script_without_interpreter_line_is_a_shell_script() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script");
    programs::write(&path, "echo \"$1\"\n");
    let done = block(Process::new(&path).args(["start"]).run()).unwrap();
    assert_eq!(done.text(Stream::Stdout), "start");
}

#[test]
fn what_is_not_there_is_an_error() {
    let error = block(Process::new("/nonexistent/script").run()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

/// True once the process is gone or only waits to be reaped by init.
fn gone(pid: i32) -> bool {
    let deadline = std::time::Instant::now() + Duration::from_secs(3);
    while std::time::Instant::now() < deadline {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|s| s.chars().next());
        if stat.is_empty() || state == Some('Z') {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}
