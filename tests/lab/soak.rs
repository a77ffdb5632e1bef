//! Faults drawn from a seed, for minutes: whatever happens, nothing has two owners.

use std::time::{Duration, Instant};

use crate::crm::{Cluster, HOSTS, Layer};
use crate::host::{PROGRAM, lay_over, put_below_usr, shell, within};

/// What the cluster may take to be whole again after the last fault.
const RECOVERY: Duration = Duration::from_secs(90);

const RESOURCES: &str = "<resources>\
<primitive id=\"one\" class=\"ocf\" provider=\"lab\" type=\"exclusive\"><operations>\
<op id=\"one-m\" name=\"monitor\" interval=\"1s\" timeout=\"20s\"/></operations></primitive>\
<primitive id=\"two\" class=\"ocf\" provider=\"lab\" type=\"exclusive\"><operations>\
<op id=\"two-m\" name=\"monitor\" interval=\"1s\" timeout=\"20s\"/></operations></primitive>\
<primitive id=\"switch\" class=\"stonith\" type=\"fence_lab\">\
<instance_attributes id=\"sw\"><nvpair id=\"sw-1\" name=\"pcmk_host_list\" value=\"a b c\"/>\
</instance_attributes></primitive></resources>";

/// A generator of numbers; the same seed gives the same ones. Source: SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    PowerOff,
    Kill,
    Leave,
    Cut,
    Pause,
    Loss,
    ResourceGone,
}

const FAULTS: [Fault; 7] = [
    Fault::PowerOff,
    Fault::Kill,
    Fault::Leave,
    Fault::Cut,
    Fault::Pause,
    Fault::Loss,
    Fault::ResourceGone,
];

fn number(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

#[test]
#[ignore = "minutes; part of tests/run --full"]
fn nothing_ever_has_two_owners() {
    let Some(mut cluster) = Cluster::new("soak", Layer::Totem) else {
        return;
    };
    let seed = number("EVERBEAT_SEED", 1);
    let time = Duration::from_secs(number("EVERBEAT_SOAK_S", 120));
    let mut dice = Dice(seed);
    println!("seed {seed}, {} s", time.as_secs());
    for host in HOSTS {
        let agent: &[u8] = include_bytes!("exclusive");
        let path = "lib/ocf/resource.d/lab/exclusive";
        put_below_usr(&cluster.lab, host, (path, agent));
        if let Err(error) = lay_over(&cluster.lab, host) {
            println!("SKIPPED: nothing can be laid over /usr: {error}");
            return cluster.end();
        }
    }
    HOSTS.into_iter().for_each(|host| cluster.start(host));
    cluster.await_same(&HOSTS, "the start");
    cluster.replace("a", "crm_config", crate::crm::OPTIONS);
    cluster.replace("a", "resources", RESOURCES);
    await_whole(&mut cluster, "the configuration");
    let begin = Instant::now();
    let (mut rounds, mut faults) = (0, 0);
    while begin.elapsed() < time {
        rounds += 1;
        let mut told = Vec::new();
        for _ in 0..=dice.below(3) {
            let host = HOSTS[usize::try_from(dice.below(3)).expect("small")];
            let fault = FAULTS[usize::try_from(dice.below(7)).expect("small")];
            told.push(format!("{host} {fault:?}"));
            inflict(&cluster, host, fault);
            faults += 1;
            std::thread::sleep(Duration::from_millis(dice.below(4000)));
            no_violation(&cluster, &told.join(", "));
            if dice.below(2) == 0 {
                start_what_is_down(&mut cluster);
            }
        }
        println!("{:>4} s: {}", begin.elapsed().as_secs(), told.join(", "));
        await_whole(&mut cluster, &told.join(", "));
    }
    println!("{faults} faults in {rounds} rounds, no resource had two owners");
    cluster.end();
}

fn inflict(cluster: &Cluster, name: &str, fault: Fault) {
    let host = cluster.lab.host(name);
    let daemon = |signal: &str| {
        let script = format!("kill -{signal} $(cat /run/corosync.pid)");
        // It may be down already.
        let _ = shell(&cluster.lab, name, &script);
    };
    match fault {
        Fault::PowerOff => drop(host.kill()),
        Fault::Kill => daemon("9"),
        Fault::Leave => daemon("TERM"),
        Fault::Cut => drop(host.cut(0)),
        Fault::Pause => daemon("STOP"),
        Fault::Loss => drop(host.loss(30)),
        Fault::ResourceGone => {
            let script = "for f in /run/exclusive-*.pid; do kill -9 $(cat $f); done";
            let _ = shell(&cluster.lab, name, script);
        }
    }
}

/// Power, a daemon and a cable for every host.
fn start_what_is_down(cluster: &mut Cluster) {
    for name in HOSTS {
        let host = cluster.lab.host(name);
        if shell(&cluster.lab, name, "true").is_err() {
            let _ = host.boot();
        }
        let _ = host.join(0);
        let _ = host.loss(0);
        let _ = shell(&cluster.lab, name, "kill -CONT $(cat /run/corosync.pid)");
        let there = "p=$(cat /run/corosync.pid) && kill -0 $p";
        if shell(&cluster.lab, name, there).is_err() {
            // Without its agent the host would only fail to start it.
            let _ = lay_over(&cluster.lab, name);
            cluster.start(name);
        }
    }
}

/// Heals all, and waits until each resource has one owner and the nodes agree.
#[track_caller]
fn await_whole(cluster: &mut Cluster, after: &str) {
    let begin = Instant::now();
    let mut seen = String::new();
    let mut next = Instant::now();
    let whole = within(RECOVERY, || {
        no_violation(cluster, after);
        if Instant::now() >= next {
            start_what_is_down(cluster);
            next = Instant::now() + Duration::from_secs(3);
        }
        std::thread::sleep(Duration::from_millis(200));
        let status = format!("{PROGRAM} crm_mon -1");
        seen = shell(&cluster.lab, "a", &status).unwrap_or_else(|error| error);
        let online = seen.contains("Online: [ a b c ]");
        let started = ["one", "two"].iter().all(|id| {
            let line = seen.lines().find(|line| line.contains(&format!(" {id}\t")));
            line.is_some_and(|line| line.contains("Started"))
        });
        online && started && owners(cluster) == 2
    });
    assert!(whole, "after {after}: {seen}\n{}", cluster.logs());
    println!("       whole after {:.1} s", begin.elapsed().as_secs_f32());
}

/// How many processes hold a lock.
fn owners(cluster: &Cluster) -> usize {
    let script = "for f in /run/exclusive-*.pid; do kill -0 $(cat $f) && echo $f; done 2>/dev/null";
    let held = HOSTS.map(|host| shell(&cluster.lab, host, &format!("{script}; true")));
    let lines = held.iter().flatten().map(|text| text.lines().count());
    lines.sum()
}

#[track_caller]
fn no_violation(cluster: &Cluster, after: &str) {
    for host in HOSTS {
        if let Ok(text) = shell(&cluster.lab, host, "cat /run/lab/violations") {
            panic!("after {after}: {text}\n{}", cluster.logs());
        }
    }
}
