//! The tools where neither everbeat nor heartbeat runs: never a hang, always a word.

use std::path::Path;
use std::time::{Duration, Instant};

use super::transcript;

/// Tests run on machines of people, too, where a daemon may run.
fn daemon_runs() -> bool {
    let sockets = ["/run/heartbeat/register", "/run/heartbeat/everbeat.sock"];
    let runs = sockets.iter().any(|s| Path::new(s).exists());
    if runs {
        println!("skipped: a daemon runs on this machine");
    }
    runs
}

fn checked(file: &str) {
    if !daemon_runs() {
        let start = Instant::now();
        transcript::check(file);
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}

#[test]
fn cl_status() {
    checked("cl_status.txt");
}

#[test]
fn hb_tools() {
    checked("hb_tools.txt");
}

#[test]
fn heartbeat() {
    checked("heartbeat.txt");
}

#[test]
fn status() {
    checked("status.txt");
}
