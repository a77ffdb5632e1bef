use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use super::*;

fn config(dir: &std::path::Path) -> LogConfig {
    LogConfig {
        logfile: Some(dir.join("ha-log")),
        debugfile: Some(dir.join("ha-debug")),
        ..LogConfig::quiet("heartbeat", "a")
    }
}

fn read(path: &std::path::Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn debug_lines_go_to_the_debug_file_only_and_only_when_wanted() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = Log::start(config(dir.path())).expect("a thread");
    let logger = log.logger();
    logger.log(Severity::Debug, "zero");
    logger.set_debug_level(1);
    logger.log(Severity::Debug, "one");
    logger.log(Severity::Info, "two");
    logger.script("harc(default)", 7, (Severity::Info, "three"));
    drop((logger, log));
    let debug = read(&dir.path().join("ha-debug"));
    let normal = read(&dir.path().join("ha-log"));
    assert!(!debug.contains("zero"));
    assert!(debug.contains(" a heartbeat: [") && debug.contains("]: debug: one\n"));
    assert!(!normal.contains("one") && normal.contains("]: info: two\n"));
    assert!(normal.contains("  harc(default)[7]:    INFO: three\n"));
}

#[test]
fn a_moved_file_is_made_anew() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = Log::start(config(dir.path())).expect("a thread");
    let path = dir.path().join("ha-log");
    log.logger().log(Severity::Info, "before");
    wait_for(|| read(&path).contains("before"));
    fs::rename(&path, dir.path().join("ha-log.1")).expect("moved");
    log.logger().reopen();
    log.logger().log(Severity::Info, "after");
    wait_for(|| read(&path).contains("after"));
    assert!(!read(&path).contains("before"));
    fs::remove_file(&path).expect("removed");
    // Without a word from us the thread finds out within a second.
    wait_for(|| {
        log.logger().log(Severity::Info, "found");
        read(&path).contains("found")
    });
}

#[test]
fn syslog_gets_rfc_3164_and_a_dead_daemon_costs_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("log");
    let daemon = UnixDatagram::bind(&path).expect("a socket");
    daemon
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a time-out");
    let config = LogConfig {
        facility: Some(19),
        syslog: path.clone(),
        ..LogConfig::quiet("heartbeat", "a")
    };
    let log = Log::start(config).expect("a thread");
    log.logger().log(Severity::Critical, "Late heartbeat");
    let mut line = [0; 500];
    let n = daemon.recv(&mut line).expect("a line");
    let line = String::from_utf8_lossy(&line[..n]).into_owned();
    assert!(line.starts_with("<154>"), "{line}");
    assert!(line.ends_with("]: CRIT: Late heartbeat"), "{line}");
    drop(daemon);
    log.logger().log(Severity::Info, "lost");
    wait_for(|| fs::remove_file(&path).is_ok() || !path.exists());
    let daemon = UnixDatagram::bind(&path).expect("a socket again");
    daemon
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a time-out");
    log.logger().log(Severity::Info, "back");
    let mut line = [0; 500];
    let n = daemon.recv(&mut line).expect("a line");
    assert!(String::from_utf8_lossy(&line[..n]).ends_with("info: back"));
}

#[test]
fn a_full_queue_drops_counts_and_never_waits() {
    let dir = tempfile::tempdir().expect("a folder");
    let fifo = dir.path().join("slow");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let config = LogConfig {
        logfile: Some(fifo.clone()),
        ..LogConfig::quiet("heartbeat", "a")
    };
    let log = Log::start(config).expect("a thread");
    let logger = log.logger();
    // Nobody reads the pipe: its opening holds the thread.
    let start = Instant::now();
    for i in 0..5000 {
        logger.log(Severity::Info, format!("line {i}"));
    }
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    let reader = std::thread::spawn(move || fs::read_to_string(&fifo).expect("the lines"));
    drop((logger, log));
    let lines = reader.join().expect("a reader");
    assert!(lines.contains("log lines were dropped"), "{}", lines.len());
    assert!(lines.contains("line 0\n") && !lines.contains("line 4999\n"));
}

fn wait_for(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}
