//! The CRM beside corosync with pacemaker, three nodes each, in one run.
//!
//! `cargo bench --bench crm`: from start to resources; power-off of the owner until its group runs
//! elsewhere, fenced; a move; changes of the CIB and of attributes a second; memory; idle CPU; many
//! resources from none to all. `TRIALS` (5), `IDLE` (60 s), `UPDATES` (200), `RESOURCES` (1000).
//!
//! The two clusters are measured one after the other, each with the machine for itself.

#[path = "crm/nodes.rs"]
mod nodes;
#[path = "side_by_side.rs"]
mod side_by_side;

#[allow(dead_code)]
#[path = "../tests/lab/host.rs"]
mod host;

use std::time::{Duration, Instant};

use nodes::{HOSTS, Nodes, Software};
use side_by_side::{ms, number, print};

/// What was measured, by what it is.
type Measured = Vec<(&'static str, Vec<f64>)>;

fn main() {
    // cargo test runs benches too, with --test; this one takes long.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    if !std::path::Path::new("/usr/sbin/pacemakerd").exists() {
        return println!("skipped: install corosync, pacemaker and resource-agents");
    }
    println!("token 1000; min / median / max");
    let measured = |name, software| {
        let mut nodes = Nodes::new(name, software)?;
        let measured = measure(&mut nodes);
        nodes.end();
        Some(measured)
    };
    let ours = measured("benchcrme", Software::Everbeat);
    let theirs = measured("benchcrmp", Software::Pacemaker);
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return println!("skipped: no hosts can be made here");
    };
    for ((what, ours), (_, theirs)) in ours.iter().zip(&theirs) {
        print("crm", what, "pacemaker", (ours, theirs));
    }
}

fn measure(nodes: &mut Nodes) -> Measured {
    let mut all = Measured::new();
    HOSTS.into_iter().for_each(|host| nodes.start(host));
    nodes.await_online();
    nodes.configure();
    nodes.await_owner(&HOSTS);
    nodes.await_idle();
    let mut told = 0;
    // The whole takes half an hour, so what is known is said.
    for step in [idle, updates, moves, power_offs, starts, many] {
        step(nodes, &mut all);
        for (what, values) in &all[told..] {
            eprintln!("{}: {what}: {values:.1?}", nodes.name());
        }
        told = all.len();
    }
    all
}

fn trials() -> usize {
    number("TRIALS").unwrap_or(5)
}

/// The power of all of them comes back: until the group runs.
fn starts(nodes: &mut Nodes, all: &mut Measured) {
    let mut times = Vec::new();
    for _ in 0..trials().min(3) {
        for host in HOSTS {
            nodes.power_off(host);
        }
        HOSTS.into_iter().for_each(|host| nodes.power_on(host));
        let begin = Instant::now();
        HOSTS.into_iter().for_each(|host| nodes.start(host));
        nodes.await_owner(&HOSTS);
        times.push(ms(begin));
        nodes.await_online();
        nodes.await_idle();
    }
    all.push(("start to group, ms", times));
}

fn power_offs(nodes: &mut Nodes, all: &mut Measured) {
    let mut times = Vec::new();
    for _ in 0..trials() {
        let owner = nodes.await_owner(&HOSTS);
        let others: Vec<&str> = HOSTS.into_iter().filter(|host| *host != owner).collect();
        let off = nodes.power_off(owner);
        nodes.await_owner(&others);
        times.push(ms(off));
        // The switch has put it on again; what ran there has to be started.
        nodes.power_on(owner);
        nodes.start(owner);
        nodes.await_online();
        nodes.await_idle();
    }
    all.push(("power-off to group, ms", times));
}

fn moves(nodes: &mut Nodes, all: &mut Measured) {
    let mut times = Vec::new();
    for _ in 0..trials() {
        let owner = nodes.await_owner(&HOSTS);
        let to = HOSTS
            .into_iter()
            .find(|host| *host != owner)
            .expect("another");
        let begin = Instant::now();
        nodes.run("a", &format!("crm_resource -M -r web -N {to}"));
        nodes.await_owner(&[to]);
        times.push(ms(begin));
        nodes.run("a", "crm_resource -U -r web");
        nodes.await_idle();
    }
    all.push(("move of the group, ms", times));
}

/// A change each by a tool that is started for it, as scripts do.
fn updates(nodes: &mut Nodes, all: &mut Measured) {
    let count = number("UPDATES").unwrap_or(200);
    let nodes = &*nodes;
    let many = |what: &str, hosts: &[&str]| {
        let line = nodes.tool(what);
        let script = format!("for i in $(seq {count}); do {line} || exit 1; done");
        let begin = Instant::now();
        std::thread::scope(|scope| {
            for host in hosts {
                let script = script.replace("@", host);
                scope.spawn(move || nodes.sh(host, &script).expect("all changes"));
            }
        });
        (count * hosts.len()) as f64 / begin.elapsed().as_secs_f64()
    };
    let cib = "crm_attribute -t crm_config -n bench-@ -v $i";
    let attribute = "attrd_updater -n bench-@ -U $i";
    all.push(("CIB updates/s, 1 client", vec![many(cib, &HOSTS[..1])]));
    all.push(("CIB updates/s, 3", vec![many(cib, &HOSTS)]));
    all.push(("attributes/s, 1", vec![many(attribute, &HOSTS[..1])]));
    all.push(("attributes/s, 3", vec![many(attribute, &HOSTS)]));
    nodes.await_idle();
}

fn idle(nodes: &mut Nodes, all: &mut Measured) {
    let seconds = number("IDLE").unwrap_or(60);
    let before = HOSTS.map(|host| nodes.cpu_ticks(host));
    std::thread::sleep(Duration::from_secs(seconds as u64));
    let ticks = HOSTS
        .iter()
        .zip(before)
        .map(|(host, then)| nodes.cpu_ticks(host) - then);
    let share = ticks.map(|ticks| ticks / seconds as f64 * 10.0).collect();
    all.push(("idle CPU, 1/1000 core", share));
    let memory = HOSTS.map(|host| nodes.resident_mib(host));
    all.push(("resident MiB", memory.to_vec()));
}

/// From none to all of many resources started.
fn many(nodes: &mut Nodes, all: &mut Measured) {
    let count = number("RESOURCES").unwrap_or(1000);
    let resource = |n: usize| {
        format!("<primitive id=\"x{n}\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\"/>")
    };
    let resources: String = (0..count).map(resource).collect();
    let xml = format!("<resources>{resources}</resources>");
    let script = format!("cat >/tmp/many.xml <<'END'\n{xml}\nEND");
    nodes.sh("a", &script).expect("a file");
    let begin = Instant::now();
    nodes.run("a", "cibadmin -M -c -o resources -x /tmp/many.xml");
    nodes.until("all are started", || {
        std::thread::sleep(Duration::from_millis(200));
        nodes.dummies() == count
    });
    all.push(("many resources, ms", vec![ms(begin)]));
    let memory = HOSTS.map(|host| nodes.resident_mib(host));
    all.push(("resident MiB then", memory.to_vec()));
}
