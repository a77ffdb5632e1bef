//! A migration without a node that has no power: it comes back as a node of heartbeat, takes
//! nothing, is told to go, and is taken into the ring.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::cluster::HEARTBEAT;
use crate::host::{PROGRAM, shell, text, within};
use crate::migrate::Scene;

/// Looks all the time who has the address.
struct Watch<'a> {
    scene: &'a Scene,
    stop: Arc<AtomicBool>,
}

impl<'a> Watch<'a> {
    fn new(scene: &'a Scene) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        Self { scene, stop }
    }

    /// Runs `work`; all sets of holders that were seen meanwhile.
    fn during(self, work: impl FnOnce()) -> BTreeSet<Vec<&'static str>> {
        let stop = Arc::clone(&self.stop);
        std::thread::scope(|threads| {
            let watch = threads.spawn(|| {
                let mut seen = BTreeSet::new();
                while !self.stop.load(Ordering::Relaxed) {
                    seen.insert(self.scene.owners());
                }
                seen
            });
            // A panic in the work must not leave the watch going for ever.
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            stop.store(true, Ordering::Relaxed);
            let seen = watch.join().expect("a watch");
            if let Err(why) = done {
                std::panic::resume_unwind(why);
            }
            seen
        })
    }
}

fn apply(scene: &Scene, without: Option<&str>) -> String {
    let mut command = scene.migrate("apply");
    if let Some(node) = without {
        command.args(["--without", node]);
    }
    let output = command.output().expect("everbeat runs");
    text(&output).unwrap_or_else(|why| panic!("apply: {why}\n{}", scene.logs()))
}

fn online(scene: &Scene, on: &str, names: &str) -> bool {
    let status = shell(&scene.lab, on, &format!("{PROGRAM} crm_mon -1"));
    status.is_ok_and(|text| text.contains(&format!("Online: [ {names} ]")))
}

fn start(scene: &Scene, node: &str, daemon: &str) {
    let mut shell = scene.lab.host(node).background("sh");
    shell
        .args(["-c", daemon])
        .stdout(Stdio::null())
        .status()
        .expect("it starts");
}

/// Whether no daemon of heartbeat runs on the node any more.
fn has_ended(scene: &Scene, node: &str) -> bool {
    shell(&scene.lab, node, &format!("{PROGRAM} heartbeat -s")).is_err()
}

/// A cluster that has begun without a node, and what that runs when it comes back.
struct Absent {
    scene: Scene,
    node: &'static str,
    /// The others.
    rest: Vec<&'static str>,
    daemon: String,
}

impl Absent {
    /// The last of `count` nodes of heartbeat, or of everbeat in its part, has no power, and the
    /// others have become a ring.
    fn new(name: &str, count: usize, original: bool) -> Option<Self> {
        let mut groups = "a IPaddr2::10.8.0.100/24/eth0 standin::disk::/data\n".to_owned();
        if count == 2 {
            // What the absent node has a line for it takes by force when it calls another dead.
            groups += "b standin::own\n";
        }
        let scene = Scene::with(name, (count, original), &groups, |_, _| {})?;
        let mut rest = ["a", "b", "c"][..count].to_vec();
        let node = rest.pop()?;
        let daemon = match original {
            true => HEARTBEAT.to_owned(),
            false => format!("{PROGRAM} heartbeat"),
        };
        scene.plan();
        scene.lab.host(node).kill().expect("power off");
        let gone = within(Duration::from_secs(30), || {
            let mut dry = scene.migrate("apply");
            let dry = dry.args(["--without", node, "--dry-run"]).output();
            dry.expect("everbeat runs").status.success()
        });
        assert!(gone, "{}", scene.logs());
        let seen = Watch::new(&scene).during(|| {
            println!("{}", apply(&scene, Some(node)));
        });
        let absent = Self {
            scene,
            node,
            rest,
            daemon,
        };
        absent.has_online(&absent.rest);
        assert!(seen.iter().all(|owners| owners.len() < 2), "{seen:?}");
        Some(absent)
    }

    #[track_caller]
    fn has_online(&self, nodes: &[&str]) {
        let on = nodes[0];
        let there = within(Duration::from_secs(60), || {
            online(&self.scene, on, &nodes.join(" "))
        });
        assert!(there, "{nodes:?}\n{}", self.scene.logs());
    }

    /// What was seen while it came back, up to `until`.
    fn comes_back(&self, until: impl FnOnce()) -> BTreeSet<Vec<&'static str>> {
        Watch::new(&self.scene).during(|| {
            self.scene.lab.host(self.node).boot().expect("power on");
            start(&self.scene, self.node, &self.daemon);
            let began = within(Duration::from_secs(20), || {
                !has_ended(&self.scene, self.node)
            });
            assert!(began, "it doesn't start");
            until();
        })
    }

    fn others_lose_power(&self) {
        for other in &self.rest {
            self.scene.lab.host(other).kill().expect("power off");
        }
    }

    fn others_boot(&self) {
        for other in &self.rest {
            self.scene.lab.host(other).boot().expect("power on");
            start(&self.scene, other, &format!("{PROGRAM} everbeatd"));
        }
    }

    /// All others have no power: it takes everything. They come back, and wait for it.
    fn is_alone(&self) {
        let took = within(Duration::from_secs(60), || {
            self.scene.owners() == [self.node]
        });
        assert!(took, "nobody else is there\n{}", self.scene.logs());
        self.others_boot();
    }

    /// What it was told to start since this was asked last.
    fn started(&self) -> String {
        let log = "cat /var/log/standin.log 2>/dev/null; : >/var/log/standin.log";
        self.scene.run(self.node, log)
    }

    /// It is taken in, and the cluster is whole.
    fn is_taken_in(&self) {
        let scene = &self.scene;
        let seen = Watch::new(scene).during(|| {
            println!("{}", apply(scene, None));
        });
        let mut all = self.rest.clone();
        all.push(self.node);
        self.has_online(&all);
        assert!(seen.iter().all(|owners| owners.len() < 2), "{seen:?}");
        for host in &all {
            scene.run(host, "! test -e /var/lib/heartbeat/migration/guard");
            assert!(has_ended(scene, host), "{host}\n{}", scene.logs());
        }
        let one = within(Duration::from_secs(30), || scene.owners().len() == 1);
        assert!(one, "{:?}\n{}", scene.owners(), scene.logs());
        self.owner_dies();
    }

    /// The CRM moves what the node had that loses its power; never two holders.
    fn owner_dies(&self) {
        let owners = self.scene.owners();
        let seen = Watch::new(&self.scene).during(|| {
            self.scene.lab.host(owners[0]).kill().expect("power off");
            let moved = within(Duration::from_secs(30), || {
                let now = self.scene.owners();
                now.len() == 1 && now != owners
            });
            assert!(moved, "{}", self.scene.logs());
            // Longer than the dead time of heartbeat.
            std::thread::sleep(Duration::from_secs(10));
        });
        assert!(seen.iter().all(|o| o.len() < 2), "{seen:?}");
    }
}

fn stays_up(absent: &Absent) -> impl FnOnce() {
    let scene = &absent.scene;
    move || {
        // heartbeat would have taken what nobody has within 10 s of its start.
        std::thread::sleep(Duration::from_secs(25));
        assert!(!has_ended(scene, absent.node), "{}", scene.logs());
    }
}

#[test]
fn one_of_two_nodes_of_heartbeat_is_absent_and_takes_nothing_when_it_comes_back() {
    let Some(absent) = Absent::new("miga", 2, true) else {
        return;
    };
    let (scene, node) = (&absent.scene, absent.node);
    let before = scene.owners();
    let seen = absent.comes_back(|| {
        absent.started();
        stays_up(&absent)();
    });
    assert_eq!(seen, BTreeSet::from([before.clone()]), "{}", scene.logs());
    // The guard dies, for longer than any dead time, and comes back.
    let seen = Watch::new(scene).during(|| {
        absent.others_lose_power();
        std::thread::sleep(Duration::from_secs(15));
        absent.others_boot();
        absent.has_online(&absent.rest);
        let again = within(Duration::from_secs(60), || scene.owners() == before);
        assert!(again, "{:?}\n{}", scene.owners(), scene.logs());
        std::thread::sleep(Duration::from_secs(10));
    });
    let took = seen.iter().any(|o| o.contains(&node));
    assert!(!took, "{seen:?}\n{}", scene.logs());
    assert_eq!(absent.started(), "", "it takes nothing\n{}", scene.logs());
    // Alone from its boot on it has everything, and the others wait.
    absent.others_lose_power();
    scene.lab.host(node).kill().expect("power off");
    scene.lab.host(node).boot().expect("power on");
    start(scene, node, &absent.daemon);
    absent.is_alone();
    let seen = Watch::new(scene).during(|| {
        // Over initdead, and the time in which a CRM would begin.
        std::thread::sleep(Duration::from_secs(30));
    });
    assert_eq!(seen, BTreeSet::from([vec![node]]), "the others wait");
    absent.is_taken_in();
}

#[test]
#[ignore = "full matrix: three nodes of heartbeat, minutes of waiting"]
fn one_of_three_nodes_of_heartbeat_is_absent_and_takes_nothing_from_one_that_dies() {
    let Some(absent) = Absent::new("migb", 3, true) else {
        return;
    };
    let before = absent.scene.owners();
    let seen = absent.comes_back(stays_up(&absent));
    assert_eq!(seen, BTreeSet::from([before]), "{}", absent.scene.logs());
    // Of three nodes one is left on the ring, which is no quorum: nobody has anything then.
    let owner = absent.scene.owners()[0];
    let seen = Watch::new(&absent.scene).during(|| {
        absent.scene.lab.host(owner).kill().expect("power off");
        std::thread::sleep(Duration::from_secs(20));
    });
    let others = seen.iter().flatten().any(|o| *o != owner);
    assert!(!others, "{seen:?}\n{}", absent.scene.logs());
    absent.scene.lab.host(owner).boot().expect("power on");
    start(&absent.scene, owner, &format!("{PROGRAM} everbeatd"));
    let seen = Watch::new(&absent.scene).during(|| absent.has_online(&absent.rest));
    assert!(seen.iter().all(|o| !o.contains(&absent.node)), "{seen:?}");
    absent.is_taken_in();
}

#[test]
fn one_of_three_nodes_of_everbeat_is_absent_and_is_told_to_end_when_it_comes_back() {
    let Some(absent) = Absent::new("migd", 3, false) else {
        return;
    };
    let (scene, node) = (&absent.scene, absent.node);
    let before = scene.owners();
    let ends = || {
        let ended = within(Duration::from_secs(60), || has_ended(scene, node));
        assert!(ended, "it isn't told to go\n{}", scene.logs());
    };
    let seen = absent.comes_back(ends);
    assert_eq!(seen, BTreeSet::from([before]), "{}", scene.logs());
    absent.others_lose_power();
    start(scene, node, &absent.daemon);
    let seen = Watch::new(scene).during(|| {
        absent.is_alone();
        let back = within(Duration::from_secs(90), || {
            let owners = scene.owners();
            owners.len() == 1 && owners != [node]
        });
        assert!(back, "{:?}\n{}", scene.owners(), scene.logs());
    });
    assert!(seen.iter().all(|owners| owners.len() < 2), "{seen:?}");
    absent.has_online(&absent.rest);
    absent.is_taken_in();
}
