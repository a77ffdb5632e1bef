//! The way from heartbeat to the CRM on a ring, live, while the address is pinged.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use everbeat::lab::Lab;

use crate::cluster::HEARTBEAT;
use crate::host::{Ground, PROGRAM, program, shell, spec, text, within};

pub const VIP: &str = "10.8.0.100";
pub const CLIENT: &str = "client";
/// Networks of a cluster, one an interface.
pub const NETS: [&str; 2] = ["10.8.0", "10.9.0"];
/// Time between two pings. Units: ms
const PING_MS: u64 = 20;

/// Keeps whether it runs in a file, and a log of what it was told but for `status`.
pub const STAND_IN: &str = "#!/bin/sh\nfor action; do :; done\nstate=/run/standin-$1\n\
case $action in\nstatus) [ -e $state ] && { echo running; exit 0; }; echo stopped; exit 3;;\n\
start) [ -e $state ] || echo \"start $1\" >> /var/log/standin.log; touch $state;;\n\
stop) [ ! -e $state ] || echo \"stop $1\" >> /var/log/standin.log; rm -f $state;;\nesac\n";

/// A cluster with haresources, and a client.
pub struct Scene {
    pub lab: Lab,
    nodes: Vec<&'static str>,
    nets: Vec<String>,
    ground: Ground,
}

impl Scene {
    fn new(name: &str, count: usize, original: bool) -> Option<Self> {
        let groups = format!("a IPaddr2::{VIP}/24/eth0 standin::disk::/data\n");
        Self::with(name, (count, original), &groups, |_, _| {})
    }

    /// With these groups, and what `prepare` makes on each node before its daemon starts.
    pub fn with(
        name: &str,
        (count, original): (usize, bool),
        groups: &str,
        prepare: impl Fn(&Lab, &str),
    ) -> Option<Self> {
        Self::on_nets(name, (count, original, &NETS[..1]), groups, prepare)
    }

    /// The same, over several networks.
    pub fn on_nets(
        name: &str,
        (count, original, nets): (usize, bool, &[&str]),
        groups: &str,
        prepare: impl Fn(&Lab, &str),
    ) -> Option<Self> {
        let agent = "/usr/lib/ocf/resource.d/heartbeat/IPaddr2";
        if !Path::new(agent).exists() || (original && !Path::new(HEARTBEAT).exists()) {
            println!("SKIPPED: heartbeat or resource-agents is not installed");
            return None;
        }
        let nodes = ["a", "b", "c"][..count].to_vec();
        let hosts = nodes.iter().zip(1..);
        let on_all = |n: i32| {
            let addresses = nets.iter().map(|net| format!("{net}.{n}/24"));
            addresses.collect::<Vec<_>>().join(",")
        };
        let mut hosts: Vec<_> = hosts.map(|(h, n)| format!("{h}={}", on_all(n))).collect();
        hosts.push(format!("{CLIENT}={}.9/24", nets[0]));
        let hosts: Vec<_> = hosts.iter().map(String::as_str).collect();
        let ground = Ground::new();
        let lab = ground.lab(&spec(name, &hosts))?;
        let nets = nets.iter().map(|net| (*net).to_owned()).collect();
        let scene = Self {
            lab,
            nodes,
            nets,
            ground,
        };
        for node in &scene.nodes {
            scene.configure(node, groups);
            prepare(&scene.lab, node);
        }
        for node in &scene.nodes {
            let daemon = if original {
                HEARTBEAT.to_owned()
            } else {
                format!("{PROGRAM} heartbeat")
            };
            scene.run(node, &daemon);
        }
        let settled = within(Duration::from_secs(60), || scene.owners() == ["a"]);
        assert!(settled, "{:?}\n{}", scene.owners(), scene.logs());
        // For its first seconds a node announces a longer dead time.
        std::thread::sleep(Duration::from_secs(6));
        Some(scene)
    }

    fn configure(&self, node: &str, groups: &str) {
        let all = self.nodes.join(" ");
        let media = self.nets.iter().enumerate();
        let peers = media.flat_map(|(at, net)| {
            let peer = move |n| format!("ucast eth{at} {net}.{n}\n");
            (1..=self.nodes.len()).map(peer)
        });
        let ha_cf = format!(
            "logfile /var/log/ha-log\nkeepalive 250ms\ndeadtime 3\ninitdead 10\n{}\
             auto_failback off\nnode {all}\n",
            peers.collect::<String>()
        );
        for (file, text, mode) in [
            ("ha.cf", &*ha_cf, 0o644),
            ("haresources", groups, 0o644),
            (
                "authkeys",
                "auth 1\n1 sha1 a-key-that-nobody-guesses\n",
                0o600,
            ),
            ("resource.d/standin", STAND_IN, 0o755),
        ] {
            let path = format!("/etc/ha.d/{file}");
            let host = self.lab.host(node);
            host.write(path, text.as_bytes(), mode).expect("a file");
        }
    }

    pub fn run(&self, host: &str, script: &str) -> String {
        let said = shell(&self.lab, host, script);
        said.unwrap_or_else(|why| panic!("{script} on {host}: {why}\n{}", self.logs()))
    }

    /// Who has the address. The nodes are asked one after the other: of several only those that
    /// still have it once the last was asked had it together.
    pub fn owners(&self) -> Vec<&'static str> {
        let has = |node: &&str| {
            let script = format!("ip -o address show | grep -q 'inet {VIP}/'");
            shell(&self.lab, node, &script).is_ok()
        };
        let mut owners: Vec<_> = self.nodes.iter().copied().filter(has).collect();
        if let Some(last) = owners.pop() {
            owners.retain(has);
            owners.push(last);
        }
        owners
    }

    /// Whether the client gets a page.
    pub fn fetches(&self) -> bool {
        let fetch = format!(
            "wget -q -O - -T 1 -t 1 http://{VIP}/index.html || \
                             curl -s -m 1 -f http://{VIP}/index.html"
        );
        shell(&self.lab, CLIENT, &fetch).is_ok()
    }

    /// What the stand-in was told on all nodes.
    fn moves(&self) -> usize {
        let log = |node: &&str| self.lab.host(node).read("/var/log/standin.log");
        let logs = self.nodes.iter().map(log);
        logs.map(|text| text.unwrap_or_default().lines().count())
            .sum()
    }

    pub fn logs(&self) -> String {
        let log = |node: &&str| {
            let text = self
                .lab
                .host(node)
                .read("/var/log/ha-log")
                .unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            let last = lines[lines.len().saturating_sub(40)..].join("\n");
            format!("--- {node}\n{last}\n")
        };
        self.nodes.iter().map(log).collect()
    }

    fn folder(&self) -> &Path {
        self.ground
            .place
            .root
            .parent()
            .expect("labs are in a folder")
    }

    /// The files of all nodes to a plan.
    pub fn plan(&self) {
        let mut command = Command::new(program());
        command.args(["migrate", "plan"]);
        for node in &self.nodes {
            let folder = self.folder().join(node);
            std::fs::create_dir_all(folder.join("resource.d")).expect("a folder");
            for file in ["ha.cf", "haresources", "authkeys", "resource.d/standin"] {
                let text = self
                    .lab
                    .host(node)
                    .read(format!("/etc/ha.d/{file}"))
                    .expect("a file");
                std::fs::write(folder.join(file), text).expect("a file");
            }
            command
                .arg("--from")
                .arg(format!("{node}={}", folder.display()));
        }
        let output = command
            .arg("--output")
            .arg(self.folder().join("plan"))
            .output();
        let output = output.expect("everbeat runs");
        assert_ne!(
            output.status.code(),
            Some(2),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        // Not all addresses can be told from ucast lines that all nodes share.
        let conf = self.folder().join("plan/corosync.conf");
        let mut plan = std::fs::read_to_string(&conf).expect("a plan");
        for (node, n) in self.nodes.iter().zip(1..) {
            for (ring, (net, named)) in self
                .nets
                .iter()
                .zip([node.to_string(), format!("{node}-eth1")])
                .enumerate()
            {
                plan = plan.replace(
                    &format!("ring{ring}_addr: {named}\n"),
                    &format!("ring{ring}_addr: {net}.{n}\n"),
                );
            }
        }
        std::fs::write(conf, plan).expect("a file");
    }

    pub fn migrate(&self, verb: &str) -> Command {
        let mut command = Command::new(program());
        command.args(["migrate", verb, "--yes", "--journal"]);
        command.arg(self.folder().join("journal"));
        if verb == "apply" {
            let via = format!(
                "{} lab --root {} sh {} {{}}",
                program().display(),
                self.ground.place.root.display(),
                self.lab.name()
            );
            command.args(["--elsewhere", "--via", &via, "--program", PROGRAM, "--plan"]);
            command.arg(self.folder().join("plan"));
        }
        command
    }

    #[track_caller]
    pub fn succeeds(&self, verb: &str) -> String {
        let output = self.migrate(verb).output().expect("everbeat runs");
        text(&output).unwrap_or_else(|why| panic!("{verb}: {why}\n{}", self.logs()))
    }

    fn ping(&self) -> Pings {
        let mut command = self.lab.host(CLIENT).command("ping");
        let interval = format!("0.0{PING_MS}");
        command
            .args(["-n", "-O", "-i", &interval, VIP])
            .stdout(Stdio::piped());
        Pings(command.spawn().expect("ping runs"))
    }
}

/// Pings that go on.
struct Pings(Child);

impl Pings {
    /// Ends them: how many were answered, and the longest times without an answer, ms.
    fn end(mut self, scene: &Scene) -> (usize, Vec<u64>) {
        scene.run(CLIENT, "pkill -INT ping");
        let mut said = String::new();
        let stdout = self.0.stdout.as_mut().expect("a pipe");
        stdout.read_to_string(&mut said).expect("text");
        self.0.wait().expect("it ends");
        let answered = said.lines().filter(|l| l.contains("bytes from"));
        let number = |l: &str| {
            l.split_once("icmp_seq=")?
                .1
                .split(' ')
                .next()?
                .parse::<u64>()
                .ok()
        };
        let numbers: Vec<u64> = answered.filter_map(number).collect();
        let pairs = numbers.windows(2);
        let gaps = pairs
            .filter(|p| p[1] > p[0] + 1)
            .map(|p| (p[1] - p[0]) * PING_MS);
        (numbers.len(), gaps.collect())
    }
}

fn from_heartbeat_and_back(name: &str, count: usize) {
    let Some(scene) = Scene::new(name, count, true) else {
        return;
    };
    scene.plan();
    let pings = scene.ping();
    let began = scene.moves();
    let mut child = scene
        .migrate("apply")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut before_ring = 0;
    let mut all = String::new();
    for line in lines.by_ref().map_while(Result::ok) {
        if line.starts_with("put") && before_ring == 0 && !line.contains("done") {
            before_ring = scene.moves();
        }
        all += &format!("{line}\n");
    }
    assert!(
        child.wait().expect("it ends").success(),
        "{all}\n{}",
        scene.logs()
    );
    let owners = scene.owners();
    assert_eq!(owners.len(), 1, "{owners:?}");
    let (answered, gaps) = pings.end(&scene);
    let handed = before_ring - began;
    println!(
        "{count} nodes of heartbeat to the CRM: {answered} pings of {PING_MS} ms answered, gaps \
         {gaps:?} ms; starts and stops while everbeat took heartbeat's place: {handed}, \
         afterwards: {}",
        scene.moves() - before_ring
    );
    assert_eq!(scene.moves(), before_ring, "{all}\n{}", scene.logs());
    assert!(gaps.iter().all(|gap| *gap < 2_000), "{gaps:?}");
    // The CRM moves it when its node dies.
    scene.lab.host(owners[0]).kill().expect("power off");
    let moved = within(Duration::from_secs(30), || {
        let now = scene.owners();
        now.len() == 1 && now != owners
    });
    assert!(moved, "{}", scene.logs());
    scene.lab.host(owners[0]).boot().expect("power on");
    // The ring is what the node is for now.
    let daemon = format!("{PROGRAM} everbeatd");
    let mut back = scene.lab.host(owners[0]).background("sh");
    back.args(["-c", &daemon])
        .stdout(Stdio::null())
        .status()
        .expect("it starts");
    let all_there = within(Duration::from_secs(30), || {
        let online = format!("Online: [ {} ]", scene.nodes.join(" "));
        let status = shell(&scene.lab, "a", &format!("{PROGRAM} crm_mon -1"));
        status.is_ok_and(|text| text.contains(&online))
    });
    assert!(all_there, "{}", scene.logs());
    let pings = scene.ping();
    let stayed = scene.owners();
    scene.succeeds("abort");
    let (answered, gaps) = pings.end(&scene);
    println!("and back to heartbeat: {answered} pings answered, gaps {gaps:?} ms");
    assert_eq!(scene.owners().len(), 1, "{stayed:?} {}", scene.logs());
    for node in &scene.nodes {
        scene.run(
            node,
            "test -e /etc/ha.d/ha.cf && ! test -e /run/corosync.pid",
        );
        let exe = scene.run(
            node,
            "readlink /proc/$(cat /run/heartbeat.pid | tr -d ' ')/exe",
        );
        assert!(exe.ends_with("heartbeat"), "{node}: {exe}");
    }
}

#[test]
fn two_nodes_of_heartbeat_become_a_ring_with_the_crm_and_go_back() {
    from_heartbeat_and_back("mig2", 2);
}

#[test]
fn three_nodes_of_heartbeat_become_a_ring_with_the_crm_and_go_back() {
    from_heartbeat_and_back("mig3", 3);
}

/// Starts `verb` and kills it when it says that its step `at` begins; false if it was done before.
fn killed_at(scene: &Scene, verb: &str, at: usize) -> bool {
    let mut child = scene
        .migrate(verb)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let begins = |line: &String| line.starts_with(char::is_lowercase) && !line.contains("done in");
    let met = lines.map_while(Result::ok).filter(begins).nth(at).is_some();
    child.kill().expect("it can be killed");
    !child.wait().expect("it ends").success() && met
}

#[test]
fn killed_at_each_step_it_goes_on_or_back_and_nothing_moves() {
    let Some(scene) = Scene::new("migk", 2, false) else {
        return;
    };
    scene.plan();
    let began = scene.moves();
    let mut kills = 0;
    // Each call gets a step or two further.
    while killed_at(&scene, "apply", kills % 2) {
        assert_eq!(scene.owners(), ["a"], "{}", scene.logs());
        kills += 1;
        assert!(kills < 60, "it doesn't get on\n{}", scene.logs());
    }
    let status = scene.run("a", &format!("{PROGRAM} crm_mon -1"));
    assert!(status.contains("Started a"), "{status}");
    let there = kills;
    while killed_at(&scene, "abort", kills % 2) {
        assert_eq!(scene.owners(), ["a"], "{}", scene.logs());
        kills += 1;
        assert!(kills < 120, "it doesn't get on\n{}", scene.logs());
    }
    scene.run("a", &format!("{PROGRAM} heartbeat -s"));
    assert_eq!(scene.owners(), ["a"], "{}", scene.logs());
    assert_eq!(scene.moves(), began, "{}", scene.logs());
    println!(
        "killed {there} times on the way there, {} on the way back",
        kills - there
    );
}

#[test]
fn two_networks_of_heartbeat_become_two_links_of_a_ring() {
    let groups = format!("a IPaddr2::{VIP}/24/eth0 standin::disk::/data\n");
    let Some(scene) = Scene::on_nets("migl", (2, true, &NETS), &groups, |_, _| {}) else {
        return;
    };
    scene.plan();
    let told = scene.succeeds("apply");
    let conf = scene.run("a", "cat /etc/corosync/corosync.conf");
    assert!(
        conf.contains("rrp_mode: passive") && conf.contains("ring1_addr: 10.9.0.2"),
        "{conf}"
    );
    let links = |node: &str| scene.run(node, &format!("{PROGRAM} corosync-cfgtool -s"));
    assert!(links("a").contains("10.9.0.1"), "{told}\n{}", links("a"));
    let (owners, moves) = (scene.owners(), scene.moves());
    assert_eq!(owners.len(), 1, "{owners:?}");
    // The first network is the clients', too: the second is cut.
    scene.run("b", "ip link set eth1 down");
    let faulty = within(Duration::from_secs(30), || {
        links("a").to_lowercase().contains("faulty")
    });
    assert!(faulty, "{}\n{}", links("a"), scene.logs());
    let whole = |seconds| {
        for _ in 0..seconds {
            std::thread::sleep(Duration::from_secs(1));
            let status = scene.run("a", &format!("{PROGRAM} crm_mon -1"));
            assert!(
                status.contains("Online: [ a b ]"),
                "{status}\n{}",
                scene.logs()
            );
        }
    };
    whole(5);
    scene.run("b", "ip link set eth1 up");
    let healed = within(Duration::from_secs(60), || {
        !links("a").to_lowercase().contains("faulty")
    });
    assert!(healed, "{}\n{}", links("a"), scene.logs());
    // Now heartbeat's first network, which was the only one of a ring with one link.
    scene.run("b", "ip link set eth0 down");
    whole(10);
    assert_eq!(
        (scene.owners(), scene.moves()),
        (owners, moves),
        "nothing moved"
    );
}

/// Three nodes of heartbeat would take on two what one leaves: none leaves on the way back, and
/// who carries it out may fall at any step.
#[test]
fn three_nodes_become_heartbeat_again_and_each_group_stays_on_its_node() {
    let groups =
        format!("a IPaddr2::{VIP}/24/eth0 standin::one\nb standin::two\nc standin::three\n");
    // As if everbeat had taken heartbeat's place: of three nodes of heartbeat with groups each
    // that can't be done without two holders.
    let replaced = |lab: &Lab, node: &str| {
        let told = "/var/lib/heartbeat/migration/heartbeat-program";
        let host = lab.host(node);
        host.write(told, HEARTBEAT.as_bytes(), 0o644)
            .expect("a file");
    };
    let Some(scene) = Scene::with("migr", (3, false), &groups, replaced) else {
        return;
    };
    if !Path::new(HEARTBEAT).exists() {
        println!("SKIPPED: heartbeat is not installed");
        return;
    }
    scene.plan();
    scene.succeeds("apply");
    let (owners, moves) = (scene.owners(), scene.moves());
    let mut kills = 0;
    while killed_at(&scene, "abort", 1) {
        assert_eq!((scene.owners(), scene.moves()), (owners.clone(), moves));
        kills += 1;
        assert!(kills < 60, "it doesn't get on\n{}", scene.logs());
    }
    for node in &scene.nodes {
        let exe = scene.run(
            node,
            "readlink /proc/$(cat /run/heartbeat.pid | tr -d ' ')/exe",
        );
        assert!(exe.ends_with("heartbeat"), "{node}: {exe}");
    }
    // Longer than the dead time that everbeat announced with its last words.
    std::thread::sleep(Duration::from_secs(40));
    assert_eq!(
        (scene.owners(), scene.moves()),
        (owners, moves),
        "{}",
        scene.logs()
    );
    for (node, id) in scene.nodes.iter().zip(["one", "two", "three"]) {
        let held = format!("test -e /run/standin-{id}");
        let held = |on: &&&str| shell(&scene.lab, on, &held).is_ok();
        let holders: Vec<_> = scene.nodes.iter().filter(held).collect();
        assert_eq!(holders, [node], "{id}");
    }
    println!("killed {kills} times on the way back, nothing moved");
}
