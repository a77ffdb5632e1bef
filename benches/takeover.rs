//! How fast a pair of ours and a pair of real heartbeat take over, side by side in one run.
//!
//! `cargo bench --bench takeover`: for each dead time, `TRIALS` (20) times the owner's host loses
//! power, and the time until its peer has the address is taken; then hand-overs, time from start
//! to resources, resident memory and idle CPU. `DEADTIMES="1 3 6"` in seconds.
//!
//! Both pairs run at the same time, each in a lab of its own, so that they share the weather.

#[allow(dead_code)]
#[path = "../tests/lab/cluster.rs"]
mod cluster;
#[allow(dead_code)]
#[path = "../tests/lab/host.rs"]
mod host;
mod side_by_side;

use std::time::{Duration, Instant};

use cluster::{Cluster, Config, Software};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use side_by_side::{ms, number};

const KEEPALIVE_MS: u64 = 250;

fn main() {
    // cargo test runs benches too, with --test; this one takes half an hour.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let trials = number("TRIALS").unwrap_or(20);
    let deadtimes = std::env::var("DEADTIMES").unwrap_or("1 3 6".into());
    println!("keepalive {KEEPALIVE_MS} ms; times in ms: min / median / max");
    for seconds in deadtimes
        .split_whitespace()
        .filter_map(|word| word.parse::<u64>().ok())
    {
        both(&format!("deadtime {seconds} s"), |software, tag| {
            takeovers(software, &format!("{tag}{seconds}"), seconds * 1000, trials)
        });
    }
    both("hand-over", |software, tag| {
        handovers(software, &format!("{tag}h"), trials)
    });
}

/// Runs both pairs at once and prints what they measured.
fn both(
    title: &str,
    measure: impl Fn(Software, &str) -> Option<Vec<(&'static str, Vec<f64>)>> + Sync,
) {
    let [ours, theirs] = std::thread::scope(|scope| {
        let measure = &measure;
        [(Software::Everbeat, "eb"), (Software::Heartbeat, "hb")]
            .map(|(software, tag)| scope.spawn(move || measure(software, tag)))
            .map(|thread| thread.join().expect("a measurement"))
    });
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return println!("{title}: skipped");
    };
    for ((what, ours), (_, theirs)) in ours.into_iter().zip(theirs) {
        side_by_side::print(title, what, "heartbeat", (&ours, &theirs));
    }
}

fn pair(software: Software, name: &str, deadtime_ms: u64) -> Option<Cluster> {
    let config = Config {
        keepalive_ms: KEEPALIVE_MS,
        deadtime_ms,
        ..Config::default()
    };
    Cluster::new(name, &[software; 2], config)
}

/// Power-off of the owner until the peer has the address; memory and CPU of an idle node.
fn takeovers(
    software: Software,
    name: &str,
    deadtime_ms: u64,
    trials: usize,
) -> Option<Vec<(&'static str, Vec<f64>)>> {
    let cluster = pair(software, name, deadtime_ms)?;
    let mut from_start = Vec::new();
    let start = Instant::now();
    cluster.start_all();
    await_address(&cluster, "a");
    from_start.push(ms(start));
    let mut times = Vec::new();
    let (mut memory, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..trials {
        cluster.await_rscstatus("a", "local");
        cluster.await_rscstatus("b", "local");
        // For five seconds after a start both announce two seconds more.
        let before = cpu_ticks(&cluster, "b");
        std::thread::sleep(Duration::from_millis(6000 + times.len() as u64 * 37 % 250));
        cpu.push((cpu_ticks(&cluster, "b") - before) / 6.0 * 10.0);
        memory.push(resident_kib(&cluster, "b") / 1024.0);
        let init = cluster.lab.host("a").path("/").expect("a path");
        let pid = init
            .components()
            .nth(2)
            .expect("/proc/PID")
            .as_os_str()
            .to_owned();
        let pid: i32 = pid.to_string_lossy().parse().expect("a number");
        let off = Instant::now();
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("the host's init");
        await_address(&cluster, "b");
        times.push(ms(off));
        cluster.lab.host("a").kill().expect("power off");
        cluster.lab.host("a").boot().expect("power on");
        cluster.start("a");
        await_address(&cluster, "a");
    }
    Some(vec![
        ("take-over", times),
        ("start to resources", from_start),
        ("resident MiB", memory),
        ("idle CPU, 1/1000 core", cpu),
    ])
}

/// Orderly hand-overs: `hb_standby` and a clean stop.
fn handovers(
    software: Software,
    name: &str,
    trials: usize,
) -> Option<Vec<(&'static str, Vec<f64>)>> {
    let cluster = pair(software, name, 3000)?;
    cluster.start_all();
    await_address(&cluster, "a");
    let (mut standby, mut stop) = (Vec::new(), Vec::new());
    for _ in 0..trials {
        cluster.await_rscstatus("a", "local");
        cluster.await_rscstatus("b", "local");
        let start = Instant::now();
        cluster.tool("a", "hb_standby", "all");
        await_address(&cluster, "b");
        standby.push(ms(start));
        cluster.await_rscstatus("b", "all");
        cluster.await_rscstatus("a", "none");
        cluster.tool("a", "hb_takeover", "local");
        await_address(&cluster, "a");
        cluster.await_rscstatus("a", "local");
        cluster.await_rscstatus("b", "local");
        let start = Instant::now();
        cluster.stop("a");
        await_address(&cluster, "b");
        stop.push(ms(start));
        cluster.await_end("a");
        // A real heartbeat that is back before it counts as dead gets nothing back.
        std::thread::sleep(Duration::from_secs(6));
        cluster.start("a");
        await_address(&cluster, "a");
    }
    Some(vec![("hb_standby", standby), ("clean stop", stop)])
}

/// Waits, looking every two milliseconds.
fn await_address(cluster: &Cluster, host: &str) {
    let end = Instant::now() + Duration::from_secs(60);
    while !cluster::has_address(&cluster.lab, host, cluster::ADDRESS) {
        assert!(
            Instant::now() < end,
            "{host} has no address\n{}",
            cluster.logs()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The daemon's processes on a host: that of the pid file and its children.
const OURS: &str = "p=$(cat /run/heartbeat.pid | tr -d ' '); \
                    set -- $p $(cat /proc/[0-9]*/stat | sed 's/ (.*) . / /' | \
                    awk -v p=$p '$2 == p {print $1}'); ";

/// Memory of all of them that is in RAM, shared pages counted in each.
fn resident_kib(cluster: &Cluster, host: &str) -> f64 {
    let script = "for p; do cat /proc/$p/status; done | \
                  awk '/^VmRSS/ {sum += $2} END {print sum}'";
    cluster
        .run(host, &format!("{OURS} {script}"))
        .parse()
        .expect("a number")
}

/// CPU time of all of them so far. Units: 1/100 s
fn cpu_ticks(cluster: &Cluster, host: &str) -> f64 {
    let script = "for p; do cat /proc/$p/stat; done | sed 's/.*) //' | \
                  awk '{sum += $12 + $13} END {print sum + 0}'";
    cluster
        .run(host, &format!("{OURS} {script}"))
        .parse()
        .expect("a number")
}
