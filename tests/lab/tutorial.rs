//! The two-node tutorial of conf/examples/tutorial, step by step, with the real crm shell and a
//! real Apache.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use everbeat::lab::Lab;

use crate::host::{Ground, PROGRAM, lay_over, shell, spec, within};

const NODES: [&str; 2] = ["Node1", "Node2"];
const PATIENCE: Duration = Duration::from_secs(40);
const KEY: &str = "/etc/corosync/authkey";

const FILES: [(&str, &str); 3] = [
    (
        "/etc/corosync/corosync.conf",
        include_str!("../../conf/examples/tutorial/corosync.conf"),
    ),
    (
        "/etc/hosts",
        include_str!("../../conf/examples/tutorial/hosts"),
    ),
    (
        "/etc/apache2/tutorial.conf",
        include_str!("../../conf/examples/tutorial/apache.conf"),
    ),
];

const CLUSTER: &str = include_str!("../../conf/examples/tutorial/cluster.crm");
const APART: &str = include_str!("../../conf/examples/tutorial/apart.crm");
const README: &str = include_str!("../../conf/examples/tutorial/README.md");

struct Tutorial {
    lab: Lab,
    running: Vec<Child>,
    _ground: Ground,
}

impl Tutorial {
    fn new() -> Option<Self> {
        let needed = ["/usr/sbin/crm", "/usr/sbin/apache2", "/usr/bin/curl"];
        if let Some(missing) = needed.iter().find(|path| !Path::new(path).exists()) {
            println!("SKIPPED: {missing} is not installed");
            return None;
        }
        let ground = Ground::new();
        let hosts = ["Node1=10.33.100.77/16", "Node2=10.33.100.99/16"];
        let lab = ground.lab(&spec("tutorial", &hosts))?;
        for node in NODES {
            for (path, text) in FILES {
                lab.host(node)
                    .write(path, text.as_bytes(), 0o644)
                    .expect("a file");
            }
            let links = format!(
                "mkdir -p /var/lab/usr/sbin /var/log/crmsh /var/log/cluster /var/lib/tutorial \
                 /var/log/apache2 && {PROGRAM} links /var/lab/usr/sbin && \
                 uname -n >/var/lib/tutorial/index.html"
            );
            shell(&lab, node, &links).expect("the host is prepared");
        }
        Some(Self {
            lab,
            running: Vec::new(),
            _ground: ground,
        })
    }

    #[track_caller]
    fn on(&self, node: &str, script: &str) -> String {
        match shell(&self.lab, node, script) {
            Ok(said) => said,
            Err(error) => panic!("{script}: {error}\n{}", self.logs()),
        }
    }

    fn logs(&self) -> String {
        let log = "/var/log/cluster/corosync.log";
        let logs = NODES.map(|node| self.lab.host(node).read(log).unwrap_or_default());
        logs.join("\n---\n")
    }

    fn start(&mut self, node: &str) {
        lay_over(&self.lab, node).expect("our tools are laid over /usr");
        let mut command = self.lab.host(node).background("corosync");
        command
            .arg("-f")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.running.push(command.spawn().expect("corosync starts"));
    }

    /// Who answers at the address, as a client on the other node sees it.
    fn page(&self, client: &str) -> String {
        let get = "curl -s --max-time 2 http://10.33.100.88/";
        shell(&self.lab, client, get).unwrap_or_default()
    }

    #[track_caller]
    fn await_page(&self, from: &str, client: &str, after: &str) {
        let mut page = String::new();
        let came = within(PATIENCE, || {
            page = self.page(client);
            page == from
        });
        let status = shell(&self.lab, client, "crm status").unwrap_or_default();
        assert!(
            came,
            "{page:?}, not {from}, after {after}\n{status}\n{}",
            self.logs()
        );
    }

    #[track_caller]
    fn await_online(&self, nodes: &[&str]) {
        let words = format!("Online: [ {} ]", nodes.join(" "));
        let online = || self.on(nodes[0], "crm status").contains(&words);
        assert!(within(PATIENCE, online), "{}", self.logs());
    }
}

#[test]
fn the_tutorial_serves_a_page_that_moves_and_stays() {
    let Some(mut tutorial) = Tutorial::new() else {
        return;
    };
    // 1. The key is made on one and copied to the other.
    let check = "everbeat check /etc/corosync/corosync.conf 2>&1 || true";
    let said = tutorial.on("Node1", check);
    assert!(said.contains("a file of corosync 1.x"), "{said}");
    tutorial.on("Node1", &format!("{PROGRAM} corosync-keygen -l"));
    let key = tutorial.on("Node1", &format!("base64 -w0 {KEY}"));
    tutorial.on(
        "Node2",
        &format!("echo {key} | base64 -d >{KEY} && chmod 400 {KEY}"),
    );

    // 2. The file starts the CRM.
    for node in NODES {
        tutorial.start(node);
    }
    tutorial.await_online(&NODES);

    // 3. Agents.
    let classes = tutorial.on("Node1", "crm ra classes");
    assert!(
        classes.contains("ocf / ") && classes.contains("lsb"),
        "{classes}"
    );
    assert!(
        tutorial
            .on("Node2", "crm ra list ocf heartbeat")
            .contains("IPaddr2")
    );
    let info = tutorial.on("Node2", "crm ra info ocf:heartbeat:IPaddr2");
    assert!(info.contains("ip* (string"), "{info}");

    // 4. Without a device the configuration is refused, until somebody says that it is meant.
    let verify = tutorial.on("Node1", "crm configure verify 2>&1 || true");
    let host = tutorial.lab.host("Node1");
    host.write("/var/lib/cluster.crm", CLUSTER.as_bytes(), 0o644)
        .expect("a file");
    tutorial.on("Node1", "crm configure load update /var/lib/cluster.crm");
    tutorial.await_online(&NODES);
    let shown = tutorial.on("Node2", "crm configure show");
    for words in [
        "group Web ClusterIP WebSite",
        "stonith-enabled=false",
        "resource-stickiness=100",
    ] {
        assert!(shown.contains(words), "{words} in\n{shown}");
    }
    println!("crm configure verify, before: {verify}");

    // 5. The page moves with the address, and stays.
    let first = NODES.into_iter().find(|node| {
        let status = "ip -o address show | grep -q 'inet 10.33.100.88/'";
        within(PATIENCE, || {
            NODES
                .iter()
                .any(|node| shell(&tutorial.lab, node, status).is_ok())
        });
        shell(&tutorial.lab, node, status).is_ok()
    });
    let first = first.unwrap_or_else(|| panic!("nobody has the address\n{}", tutorial.logs()));
    let second = if first == "Node1" { "Node2" } else { "Node1" };
    tutorial.await_page(first, second, "the configuration");
    tutorial.lab.host(first).kill().expect("power off");
    tutorial.await_page(second, second, "the power-off");
    tutorial.lab.host(first).boot().expect("power on");
    tutorial.start(first);
    tutorial.await_online(&NODES);
    tutorial.await_page(second, first, "the return: no fail-back");
    // The page is there before the agent has seen it.
    let started = format!("start of WebSite on {second}: ok");
    let mut told = String::new();
    let is_told = within(PATIENCE, || {
        told = tutorial.on(second, "everbeat history --since 10min");
        told.contains(&started)
    });
    assert!(is_told, "{told}");

    // The same without a group.
    tutorial.on(second, "crm configure delete Web");
    let host = tutorial.lab.host(second);
    host.write("/var/lib/apart.crm", APART.as_bytes(), 0o644)
        .expect("a file");
    tutorial.on(second, "crm configure load update /var/lib/apart.crm");
    tutorial.await_page(second, first, "the group became constraints");
    tutorial.on(second, &format!("crm resource move ClusterIP {first}"));
    tutorial.await_page(first, second, "the move");
    for file in ["cluster.crm", "apart.crm", "apache.conf", "hosts"] {
        assert!(README.contains(file), "the README speaks of {file}");
    }
    tutorial.lab.down().expect("the lab ends");
    for child in &mut tutorial.running {
        let _ = child.wait();
    }
}
