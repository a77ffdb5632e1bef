//! Faults drawn from a seed, for minutes: whatever happens, nothing has two owners, and no change
//! of the configuration that was acknowledged is lost.
//!
//! `EVERBEAT_SEED` (1), `EVERBEAT_SOAK_S` (120), `EVERBEAT_SOAK_NODES` (3 or 5),
//! `EVERBEAT_SOAK_LAYER` (totem or heartbeat).

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
<instance_attributes id=\"sw\"><nvpair id=\"sw-1\" name=\"pcmk_host_list\" value=\"a b c d e\"/>\
</instance_attributes></primitive></resources>";

/// What is there can be read, and nothing can be written: a full disk is laid over the real one.
const FULL: &str = "mountpoint -q /var/lib/pacemaker && exit
    mkdir -p /run/full && mount -t tmpfs -o size=64k lab /run/full && \
    mkdir /run/full/upper /run/full/work && mount -t overlay lab -o \
    lowerdir=/var/lib/pacemaker,upperdir=/run/full/upper,workdir=/run/full/work \
    /var/lib/pacemaker && dd if=/dev/zero of=/run/full/fill bs=4k 2>/dev/null
    ! { echo probe >/var/lib/pacemaker/cib/probe; } 2>/dev/null";

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
    SlowAgents,
    FullDisk,
}

const FIVE: [&str; 5] = ["a", "b", "c", "d", "e"];

const FAULTS: [Fault; 9] = [
    Fault::PowerOff,
    Fault::Kill,
    Fault::Leave,
    Fault::Cut,
    Fault::Pause,
    Fault::Loss,
    Fault::ResourceGone,
    Fault::SlowAgents,
    Fault::FullDisk,
];

fn number(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// The cluster, and what was acknowledged.
struct Soak {
    cluster: Cluster,
    hosts: &'static [&'static str],
    dice: Dice,
    /// For each host the number it last wrote into the configuration.
    acknowledged: Vec<u64>,
    written: u64,
    refused: u64,
}

#[test]
#[ignore = "minutes; part of tests/run --full"]
fn nothing_ever_has_two_owners() {
    let hosts: &[&str] = match number("EVERBEAT_SOAK_NODES", 3) {
        5 => &FIVE,
        _ => &HOSTS,
    };
    let layer = match std::env::var("EVERBEAT_SOAK_LAYER").as_deref() {
        Ok("heartbeat") => Layer::Heartbeat,
        _ => Layer::Totem,
    };
    let Some(cluster) = Cluster::of("soak", layer, hosts) else {
        return;
    };
    let seed = number("EVERBEAT_SEED", 1);
    let time = Duration::from_secs(number("EVERBEAT_SOAK_S", 120));
    println!("seed {seed}, {} s, {layer:?}, {hosts:?}", time.as_secs());
    for host in hosts {
        let agent: &[u8] = include_bytes!("exclusive");
        let path = "lib/ocf/resource.d/lab/exclusive";
        put_below_usr(&cluster.lab, host, (path, agent));
        if let Err(error) = lay_over(&cluster.lab, host) {
            println!("SKIPPED: nothing can be laid over /usr: {error}");
            return cluster.end();
        }
    }
    let mut soak = Soak {
        cluster,
        hosts,
        dice: Dice(seed),
        acknowledged: vec![0; hosts.len()],
        written: 0,
        refused: 0,
    };
    hosts.iter().for_each(|host| soak.cluster.start(host));
    soak.cluster.await_same(hosts, "the start");
    soak.cluster.replace("a", "crm_config", crate::crm::OPTIONS);
    soak.cluster.replace("a", "resources", RESOURCES);
    soak.await_whole("the configuration");
    soak.run(time);
    soak.cluster.end();
}

impl Soak {
    fn run(&mut self, time: Duration) {
        let begin = Instant::now();
        let (mut rounds, mut faults) = (0, 0);
        while begin.elapsed() < time {
            rounds += 1;
            let mut told = Vec::new();
            for _ in 0..=self.dice.below(3) {
                let host = self.host();
                let fault = FAULTS[usize::try_from(self.dice.below(9)).expect("small")];
                told.push(format!("{host} {fault:?}"));
                self.inflict(host, fault);
                faults += 1;
                self.write();
                std::thread::sleep(Duration::from_millis(self.dice.below(4000)));
                self.no_violation(&told.join(", "));
                self.write();
                if self.dice.below(2) == 0 {
                    self.start_what_is_down();
                }
            }
            println!("{:>4} s: {}", begin.elapsed().as_secs(), told.join(", "));
            self.await_whole(&told.join(", "));
            self.all_is_kept(&told.join(", "));
        }
        println!(
            "{faults} faults in {rounds} rounds, no resource had two owners, {} changes \
             acknowledged and kept, {} not acknowledged",
            self.written, self.refused
        );
    }

    fn host(&mut self) -> &'static str {
        let at = self.dice.below(self.hosts.len() as u64);
        self.hosts[usize::try_from(at).expect("small")]
    }

    fn inflict(&self, name: &str, fault: Fault) {
        let lab = &self.cluster.lab;
        let host = lab.host(name);
        // What it is done to may be down already.
        let script = |script: &str| shell(lab, name, script);
        match fault {
            Fault::PowerOff => drop(host.kill()),
            Fault::Kill => drop(script(&self.signal("9"))),
            Fault::Leave => drop(script(&self.signal("TERM"))),
            Fault::Cut => drop(host.cut(0)),
            Fault::Pause => drop(script(&self.signal("STOP"))),
            Fault::Loss => drop(host.loss(30)),
            Fault::ResourceGone => {
                let all = "for f in /run/exclusive-*.pid; do kill -9 $(cat $f); done";
                drop(script(all));
            }
            Fault::SlowAgents => drop(script("echo 3 >/run/exclusive-slow")),
            Fault::FullDisk => {
                if let Err(error) = script(FULL) {
                    println!("       the disk of {name} isn't full: {error}");
                }
            }
        }
    }

    fn signal(&self, signal: &str) -> String {
        let file = self.cluster.pid_file();
        format!("kill -{signal} $(cat {file})")
    }

    /// Writes the next number from a host; it counts if the host had quorum before and after, for
    /// what a minority takes is undone by the majority.
    fn write(&mut self) {
        let host = self.host();
        let at = self.hosts.iter().position(|name| *name == host);
        let at = at.expect("a host of ours");
        self.written += 1;
        let number = self.written;
        let script = format!(
            "[ \"$(timeout 5 {PROGRAM} crm_node -q)\" = 1 ] && timeout 20 \
             {PROGRAM} crm_attribute -t crm_config -n soak-{host} -v {number} && \
             [ \"$(timeout 5 {PROGRAM} crm_node -q)\" = 1 ]"
        );
        match shell(&self.cluster.lab, host, &script) {
            Ok(_) => self.acknowledged[at] = number,
            Err(_) => {
                self.written -= 1;
                self.refused += 1;
            }
        }
    }

    /// Each host has the same CIB, and in it what was acknowledged. A number that is higher was
    /// carried out and its answer lost.
    #[track_caller]
    fn all_is_kept(&mut self, after: &str) {
        self.cluster.await_same(self.hosts, after);
        let lab = &self.cluster.lab;
        for (host, acknowledged) in self.hosts.iter().zip(&self.acknowledged) {
            let script = format!("{PROGRAM} crm_attribute -t crm_config -n soak-{host} -Gq -d 0");
            let is = shell(lab, "a", &script).unwrap_or_else(|error| error);
            let kept = is.parse::<u64>().is_ok_and(|is| is >= *acknowledged);
            assert!(
                kept,
                "after {after}: {host} wrote {acknowledged}, there is {is}\n{}",
                self.cluster.logs()
            );
        }
    }

    /// Power, a daemon, a cable and room for every host.
    fn start_what_is_down(&mut self) {
        for name in self.hosts {
            let host = self.cluster.lab.host(name);
            if shell(&self.cluster.lab, name, "true").is_err() {
                let _ = host.boot();
            }
            let _ = host.join(0);
            let _ = host.loss(0);
            let room = "rm -f /run/exclusive-slow; umount -l /var/lib/pacemaker /run/full";
            let script = format!("{room} 2>/dev/null; {}", self.signal("CONT"));
            let _ = shell(&self.cluster.lab, name, &script);
            let there = format!("p=$(cat {}) && kill -0 $p", self.cluster.pid_file());
            if shell(&self.cluster.lab, name, &there).is_err() {
                // Without its agent the host would only fail to start it.
                let _ = lay_over(&self.cluster.lab, name);
                self.cluster.start(name);
            }
        }
    }

    /// Heals all, and waits until each resource has one owner and the nodes agree.
    #[track_caller]
    fn await_whole(&mut self, after: &str) {
        let begin = Instant::now();
        let mut seen = String::new();
        let mut next = Instant::now();
        let all = format!("Online: [ {} ]", self.hosts.join(" "));
        let whole = within(RECOVERY, || {
            self.no_violation(after);
            if Instant::now() >= next {
                self.start_what_is_down();
                next = Instant::now() + Duration::from_secs(3);
            }
            std::thread::sleep(Duration::from_millis(200));
            let status = format!("{PROGRAM} crm_mon -1");
            seen = shell(&self.cluster.lab, "a", &status).unwrap_or_else(|error| error);
            let started = ["one", "two"].iter().all(|id| {
                let line = seen.lines().find(|line| line.contains(&format!(" {id}\t")));
                line.is_some_and(|line| line.contains("Started"))
            });
            seen.contains(&all) && started && self.owners() == 2
        });
        assert!(whole, "after {after}: {seen}\n{}", self.cluster.logs());
        println!("       whole after {:.1} s", begin.elapsed().as_secs_f32());
    }

    /// How many processes hold a lock.
    fn owners(&self) -> usize {
        let script =
            "for f in /run/exclusive-*.pid; do kill -0 $(cat $f) && echo $f; done 2>/dev/null";
        let held = self
            .hosts
            .iter()
            .map(|host| shell(&self.cluster.lab, host, &format!("{script}; true")));
        let counts = held.flatten().map(|text| text.lines().count());
        counts.sum()
    }

    #[track_caller]
    fn no_violation(&self, after: &str) {
        for host in self.hosts {
            if let Ok(text) = shell(&self.cluster.lab, host, "cat /run/lab/violations") {
                panic!("after {after}: {text}\n{}", self.cluster.logs());
            }
        }
    }
}
