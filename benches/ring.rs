//! A ring of three everbeat nodes beside one of three real corosync nodes: throughput, latency,
//! how fast a ring forms, memory, CPU.
//!
//! `cargo bench --bench ring`; `TRIALS` (5) of each, over `TRANSPORTS="udp udpu"`; `PARTS="sizes
//! together rest load power"` names what is measured. It needs corosync, gcc and libcpg-dev.
//!
//! What a machine has no room for is simulated: how long rings of up to 128 nodes take to form,
//! and their token to go round, as a table and as a plot in target/bench/rings.svg.
//!
//! What is measured under load is measured in turns, ours and theirs, since both need all of the
//! machine. The clients are `everbeat cpg` and ring/cpg_client.c, one on each sender's host: the
//! time is from the first message that a client hears to the last, of the slowest client.

#[allow(dead_code)]
#[path = "../tests/lab/host.rs"]
mod host;
#[path = "ring/nodes.rs"]
mod nodes;
mod side_by_side;

use std::path::Path;
use std::time::{Duration, Instant};

use nodes::{Flood, HOSTS, Nodes, Software, formations};
use side_by_side::{ms, number};

/// Length of messages and how many of them a trial has.
const SIZES: [(usize, usize, &str); 4] = [
    (64, 150_000, "64 B"),
    (1024, 60_000, "1 KiB"),
    (65_536, 1500, "64 KiB"),
    (1 << 20, 90, "1 MiB"),
];

/// How long an idle ring's CPU time is looked at.
const IDLE: Duration = Duration::from_secs(5);

/// Values by what they are of, in the order in which they came first.
#[derive(Default)]
struct Values(Vec<(String, Vec<f64>)>);

impl Values {
    fn add(&mut self, what: impl Into<String>, value: f64) {
        let what = what.into();
        match self.0.iter_mut().find(|(known, _)| *known == what) {
            Some((_, values)) => values.push(value),
            None => self.0.push((what, vec![value])),
        }
    }
}

fn main() {
    // cargo test runs benches too, with --test; this one takes many minutes.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    if parts("sizes") {
        sizes();
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let client = match nodes::client(folder.path()) {
        Ok(client) => client,
        Err(why) => return println!("ring: skipped: {why}"),
    };
    let trials = number("TRIALS").unwrap_or(5);
    println!("3 nodes of each, token 1000, token_coefficient 0; values: min / median / max");
    let transports = std::env::var("TRANSPORTS").unwrap_or("udp udpu".into());
    for transport in transports.split_whitespace() {
        measure(transport, trials, &client);
    }
}

/// True if this part is to be measured.
fn parts(name: &str) -> bool {
    let wanted = std::env::var("PARTS").ok();
    wanted.is_none_or(|wanted| wanted.split_whitespace().any(|part| part == name))
}

/// Simulated rings of many nodes.
fn sizes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&folder).expect("a folder");
    let plot = folder.join("rings.svg");
    let mut simulator = std::process::Command::new(host::program());
    simulator.args(["simulate-ring", "--sizes", "3..128", "--seed", "1"]);
    simulator.args(["--runs", "3", "--svg"]).arg(&plot);
    let output = simulator.output().expect("everbeat runs");
    print!("{}", String::from_utf8_lossy(&output.stdout));
    match output.status.success() {
        true => println!("\nas a plot: target/bench/rings.svg\n"),
        false => println!("\nnot all rings formed\n"),
    }
}

fn measure(transport: &str, trials: usize, client: &Path) {
    let both = [("eb", Software::Everbeat), ("cs", Software::Corosync)];
    let made = both.map(|(tag, software)| {
        Nodes::new(&format!("{tag}{transport}"), software, transport, client)
    });
    let [Some(ours), Some(theirs)] = made else {
        return println!("{transport}: skipped");
    };
    let mut rings = [(ours, Values::default()), (theirs, Values::default())];
    let of = |part: &str| if parts(part) { trials } else { 0 };
    eprintln!("{transport}: together");
    for _ in 0..of("together") {
        for (nodes, values) in &mut rings {
            nodes.reboot();
            let took = nodes.start_together().as_secs_f64() * 1000.0;
            values.add("three start: ring ms", took);
            nodes.reboot();
        }
    }
    if ["rest", "load", "power"].into_iter().any(parts) {
        beside_each_other(transport, &mut rings, of);
    }
    let [(ours, of_ours), (theirs, of_theirs)] = rings;
    for ((what, of_ours), (_, of_theirs)) in of_ours.0.iter().zip(&of_theirs.0) {
        side_by_side::print(transport, what, "corosync", (of_ours, of_theirs));
    }
    ours.down();
    theirs.down();
}

/// The parts that need a ring of each; `of` says how many trials a part has.
fn beside_each_other(
    transport: &str,
    rings: &mut [(Nodes, Values); 2],
    of: impl Fn(&str) -> usize,
) {
    for (nodes, values) in rings.iter_mut() {
        begin(nodes, values);
    }
    eprintln!("{transport}: at rest");
    for _ in 0..of("rest") {
        for (nodes, values) in rings.iter_mut() {
            at_rest(nodes, values);
        }
    }
    for (size, count, name) in SIZES {
        for senders in [1, 3] {
            eprintln!("{transport}: {name} from {senders}");
            for trial in 0..of("load") {
                let mut turn: Vec<_> = rings.iter_mut().collect();
                if trial % 2 == 1 {
                    turn.reverse();
                }
                for (nodes, values) in turn {
                    under_load(nodes, values, (size, count, name), senders);
                }
            }
        }
    }
    eprintln!("{transport}: power-off");
    for trial in 0..of("power") {
        for (nodes, values) in rings.iter_mut() {
            if trial == 0 {
                memory(nodes, values, "after load");
            }
            power_off(nodes, values, HOSTS[2 - trial % 3]);
        }
    }
}

/// Two nodes form a ring, then the third comes.
fn begin(nodes: &mut Nodes, values: &mut Values) {
    let logs = nodes.logs(&HOSTS);
    nodes.start("a");
    nodes.start("b");
    nodes.await_in_step(&logs[..2], &[0, 0]);
    std::thread::sleep(Duration::from_secs(2));
    join(nodes, values, "c");
    memory(nodes, values, "at start");
}

/// Memory of each daemon; `own` is what isn't of a file, such as the program.
fn memory(nodes: &Nodes, values: &mut Values, when: &str) {
    for host in HOSTS {
        let [resident, own] = nodes.memory_mib(host);
        values.add(format!("resident MiB {when}"), resident);
        values.add(format!("own MiB {when}"), own);
    }
}

/// From the start of a node's daemon until the services of all three are in step.
fn join(nodes: &mut Nodes, values: &mut Values, host: &str) {
    let logs = nodes.logs(&HOSTS);
    let before = formations(&logs);
    let start = Instant::now();
    nodes.start(host);
    nodes.await_in_step(&logs, &before);
    values.add("third node joins ms", ms(start));
    std::thread::sleep(Duration::from_millis(500));
}

/// Latency and CPU time of a ring on which little or nothing is said.
fn at_rest(nodes: &Nodes, values: &mut Values) {
    let flood = Flood {
        size: 64,
        count: 500,
        senders: 1,
        every_us: 2000,
    };
    let heard = nodes.flood(flood);
    values.add("latency p50 us", heard.p50_us);
    values.add("latency p99 us", heard.p99_us);
    let flood = Flood {
        count: 50,
        every_us: 20_000,
        ..flood
    };
    let heard = nodes.flood(flood);
    values.add("latency, held, p50 us", heard.p50_us);
    let before = nodes.cpu_seconds();
    let start = Instant::now();
    std::thread::sleep(IDLE);
    let used = nodes.cpu_seconds() - before;
    let share = used / HOSTS.len() as f64 / start.elapsed().as_secs_f64();
    values.add("idle CPU 1/1000 core", share * 1000.0);
}

fn under_load(
    nodes: &Nodes,
    values: &mut Values,
    (size, count, name): (usize, usize, &str),
    senders: usize,
) {
    let before = nodes.cpu_seconds();
    let heard = nodes.flood(Flood {
        size,
        count,
        senders,
        every_us: 0,
    });
    let used = nodes.cpu_seconds() - before;
    let rate = heard.messages_a_second;
    let what = |unit: &str| format!("{name} x{senders} {unit}");
    values.add(what("msg/s"), rate);
    values.add(what("MB/s"), rate * size as f64 / 1e6);
    values.add(what("CPU us/msg"), used / count as f64 * 1e6);
}

/// A host loses power, the two others form a ring; then it comes back.
fn power_off(nodes: &mut Nodes, values: &mut Values, host: &str) {
    let others: Vec<&str> = HOSTS.into_iter().filter(|other| *other != host).collect();
    let logs = nodes.logs(&others);
    let before = formations(&logs);
    let off = nodes.power_off(host);
    nodes.await_in_step(&logs, &before);
    values.add("power-off to ring ms", ms(off));
    nodes.power_on(host);
    join(nodes, values, host);
}
