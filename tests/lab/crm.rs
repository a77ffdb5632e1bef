//! The CRM on our ring and on heartbeat's media, with real agents and a power switch: form, fail,
//! fence, move, leave.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

#[path = "crm_access.rs"]
mod access;
#[path = "crm_alerts.rs"]
mod alerts;
#[path = "crm_beside.rs"]
mod beside;
#[path = "crm_shell.rs"]
mod crm_shell;
#[path = "crm_failures.rs"]
mod failures;
#[path = "crm_fencing.rs"]
mod fencing;
#[path = "crm_leaving.rs"]
mod leaving;
#[path = "crm_models.rs"]
mod models;
#[path = "crm_pcs.rs"]
mod pcs;
#[path = "crm_tools.rs"]
mod tools;
#[path = "crm_watchdog.rs"]
mod watchdog;

use everbeat::lab::Lab;

use crate::host::{Ground, PROGRAM, lay_over, put_below_usr, shell, spec, within};

pub const HOSTS: [&str; 3] = ["a", "b", "c"];
const VIP: &str = "10.9.0.100";
/// Detection, an election, fencing, agents; on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(30);

pub const OPTIONS: &str = "<crm_config><cluster_property_set id=\"cib-bootstrap-options\">\
<nvpair id=\"o1\" name=\"stonith-enabled\" value=\"true\"/>\
<nvpair id=\"o2\" name=\"stonith-timeout\" value=\"20s\"/>\
</cluster_property_set></crm_config>";

const RESOURCES: &str = "<resources><group id=\"web\">\
<primitive id=\"vip\" class=\"ocf\" provider=\"heartbeat\" type=\"IPaddr2\">\
<instance_attributes id=\"vip-i\"><nvpair id=\"vip-1\" name=\"ip\" value=\"10.9.0.100\"/>\
<nvpair id=\"vip-2\" name=\"cidr_netmask\" value=\"24\"/></instance_attributes><operations>\
<op id=\"vip-m\" name=\"monitor\" interval=\"5s\" timeout=\"20s\"/></operations></primitive>\
<primitive id=\"site\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\"><operations>\
<op id=\"site-m\" name=\"monitor\" interval=\"1s\" timeout=\"20s\"/></operations></primitive>\
</group><clone id=\"all\">\
<primitive id=\"each\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\"/>\
</clone><primitive id=\"switch\" class=\"stonith\" type=\"fence_lab\">\
<instance_attributes id=\"sw\"><nvpair id=\"sw-1\" name=\"pcmk_host_list\" value=\"a b c\"/>\
</instance_attributes></primitive></resources>";

/// What carries the CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    Totem,
    Heartbeat,
}

use Layer::{Heartbeat, Totem};

impl Layer {
    /// Files of a host, with their modes.
    fn files(self, hosts: &[&str]) -> Vec<(&'static str, String, u32)> {
        match self {
            Totem => vec![("/etc/corosync/corosync.conf", ring(hosts), 0o644)],
            Heartbeat => {
                let authkeys = "auth 1\n1 sha1 a-key-that-nobody-guesses\n";
                vec![
                    (
                        "/etc/ha.d/ha.cf",
                        format!("{HA_CF}node {}\n", hosts.join(" ")),
                        0o644,
                    ),
                    ("/etc/ha.d/authkeys", authkeys.to_owned(), 0o600),
                ]
            }
        }
    }

    /// The file that says what the node is.
    fn daemon(self) -> [&'static str; 2] {
        match self {
            Totem => ["--corosync-conf", "/etc/corosync/corosync.conf"],
            Heartbeat => ["--config-dir", "/etc/ha.d"],
        }
    }

    fn log(self) -> &'static str {
        match self {
            Totem => "/var/log/corosync.log",
            Heartbeat => "/var/log/ha-log",
        }
    }

    fn pid_file(self) -> &'static str {
        match self {
            Totem => "/run/corosync.pid",
            Heartbeat => "/run/heartbeat.pid",
        }
    }
}

const HA_CF: &str = "logfile /var/log/ha-log\nkeepalive 200ms\ndeadtime 2\ninitdead 10\n\
udpport 694\nbcast eth0\ncrm yes\n";

fn ring(hosts: &[&str]) -> String {
    let node = |(at, name): (usize, &&str)| {
        let id = at + 1;
        format!("node {{\nring0_addr: 10.9.0.{id}\nnodeid: {id}\nname: {name}\n}}\n")
    };
    let nodes: String = hosts.iter().enumerate().map(node).collect();
    format!(
        "totem {{\nversion: 2\ncluster_name: lab\ntransport: udpu\ntoken: 1000\n\
         token_coefficient: 0\ncrypto_cipher: none\ncrypto_hash: none\n}}\n\
         nodelist {{\n{nodes}}}\nquorum {{\nprovider: corosync_votequorum\n}}\n\
         logging {{\nto_stderr: no\nto_syslog: no\nto_logfile: yes\n\
         logfile: /var/log/corosync.log\n}}\n"
    )
}

pub struct Cluster {
    layer: Layer,
    hosts: &'static [&'static str],
    pub lab: Lab,
    running: Vec<Child>,
    _ground: Ground,
}

impl Cluster {
    pub fn new(name: &str, layer: Layer) -> Option<Self> {
        Self::of(name, layer, &HOSTS)
    }

    /// A cluster of these hosts.
    pub fn of(name: &str, layer: Layer, hosts: &'static [&'static str]) -> Option<Self> {
        let agent = "/usr/lib/ocf/resource.d/heartbeat/IPaddr2";
        if !Path::new(agent).exists() {
            println!("SKIPPED: resource-agents is not installed");
            return None;
        }
        let ground = Ground::new();
        let numbered = hosts.iter().enumerate();
        let places: Vec<String> = numbered
            .map(|(at, host)| format!("{host}=10.9.0.{}/24", at + 1))
            .collect();
        let places: Vec<&str> = places.iter().map(String::as_str).collect();
        let lab = ground.lab(&spec(name, &places))?;
        for host in hosts.iter().map(|host| lab.host(host)) {
            for (path, text, mode) in layer.files(hosts) {
                host.write(path, text.as_bytes(), mode).expect("a file");
            }
        }
        for host in hosts {
            let agent = include_bytes!("fence_lab");
            put_below_usr(&lab, host, ("sbin/fence_lab", agent));
        }
        Some(Self {
            layer,
            hosts,
            lab,
            running: Vec::new(),
            _ground: ground,
        })
    }

    fn configure(&self, host: &str, conf: &str) {
        let path = "/etc/corosync/corosync.conf";
        let written = self.lab.host(host).write(path, conf.as_bytes(), 0o644);
        written.expect("a file");
    }

    /// As corosync 1.x is started: what else runs its file says.
    fn start_corosync(&mut self, host: &str) {
        let mut command = self.lab.host(host).background(PROGRAM);
        command.args(["corosync", "-f"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.running
            .push(command.spawn().expect("the daemon starts"));
    }

    pub fn start(&mut self, host: &str) {
        lay_over(&self.lab, host).expect("the fence agent is laid over /usr");
        let mut command = self.lab.host(host).background(PROGRAM);
        command.arg("everbeatd").args(self.layer.daemon());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.running
            .push(command.spawn().expect("the daemon starts"));
    }

    fn run(&self, host: &str, tool: &str) -> Result<String, String> {
        shell(&self.lab, host, &format!("{PROGRAM} {tool}"))
    }

    pub fn replace(&self, host: &str, section: &str, xml: &str) {
        let tool = format!("cibadmin -R -o {section} -X '{xml}'");
        self.run(host, &tool).expect("the section is replaced");
    }

    fn holds(&self, host: &str) -> bool {
        shell(
            &self.lab,
            host,
            &format!("ip -o address show | grep -q 'inet {VIP}/'"),
        )
        .is_ok()
    }

    fn owners(&self) -> Vec<&'static str> {
        let mut all = HOSTS.to_vec();
        // Twice: between two looks it may go from one to the other.
        for _ in 0..2 {
            all.retain(|host| self.holds(host));
            if all.len() < 2 {
                break;
            }
        }
        all
    }

    pub fn pid_file(&self) -> &'static str {
        self.layer.pid_file()
    }

    pub fn logs(&self) -> String {
        let logs = self.hosts.iter().map(|host| {
            let log = self.lab.host(host).read(self.layer.log());
            format!("--- {host}\n{}", log.unwrap_or_default())
        });
        logs.collect::<Vec<_>>().join("\n")
    }

    /// Waits until one of these hosts has the address and the rest of the group.
    #[track_caller]
    fn await_owner(&self, among: &[&str], after: &str) -> &'static str {
        let mut owners = Vec::new();
        let came = within(PATIENCE, || {
            owners = self.owners();
            assert!(owners.len() < 2, "{after}: {owners:?}\n{}", self.logs());
            owners.first().is_some_and(|owner| {
                let site = shell(&self.lab, owner, "ls /run/resource-agents/Dummy-site.state");
                among.contains(owner) && site.is_ok()
            })
        });
        assert!(came, "after {after}: {owners:?}\n{}", self.logs());
        owners[0]
    }

    /// Waits until these hosts are online and have the same CIB.
    #[track_caller]
    pub fn await_same(&self, hosts: &[&str], after: &str) {
        let same = within(PATIENCE, || {
            let online = format!("Online: [ {} ]", hosts.join(" "));
            let status = self.run(hosts[0], "crm_simulate -L").unwrap_or_default();
            let cibs = hosts.iter().map(|host| self.run(host, "cibadmin -Q"));
            let cibs: Result<Vec<String>, String> = cibs.collect();
            let same = |cibs: Vec<String>| cibs.iter().all(|cib| *cib == cibs[0]);
            status.contains(&online) && cibs.is_ok_and(same)
        });
        assert!(same, "after {after}\n{}", self.logs());
    }

    /// Waits until the host was fenced: its power went off and on.
    #[track_caller]
    fn await_fenced(&self, host: &str) {
        let words = format!("Peer {host} was terminated (reboot)");
        assert!(
            within(PATIENCE, || self.logs().contains(&words)),
            "{}",
            self.logs()
        );
    }

    pub fn end(mut self) {
        self.lab.down().expect("the lab ends");
        for child in &mut self.running {
            let _ = child.wait();
        }
    }
}

fn others(host: &str) -> Vec<&'static str> {
    HOSTS.into_iter().filter(|other| *other != host).collect()
}

#[test]
fn three_nodes_form_fail_fence_and_leave() {
    form_fail_fence_and_leave("crm1", Totem);
}

#[test]
fn three_nodes_form_fail_fence_and_leave_over_heartbeat() {
    form_fail_fence_and_leave("crm3", Heartbeat);
}

#[test]
fn updates_of_all_nodes_are_kept_and_survive_the_power_of_the_whole_cluster() {
    keep_updates("crm2", Totem);
}

#[test]
fn updates_are_kept_over_heartbeat() {
    keep_updates("crm4", Heartbeat);
}

#[test]
fn a_cut_without_fencing_heals() {
    heal_without_fencing("crm8", Totem);
}

#[test]
fn a_cut_without_fencing_heals_over_heartbeat() {
    heal_without_fencing("crm9", Heartbeat);
}

/// Without fencing the minority stops what it has, and is taken in again as it is.
fn heal_without_fencing(name: &str, layer: Layer) {
    let Some(mut cluster) = Cluster::new(name, layer) else {
        return;
    };
    HOSTS.into_iter().for_each(|host| cluster.start(host));
    cluster.await_same(&HOSTS, "the start");
    let options = OPTIONS.replace("\"true\"", "\"false\"");
    cluster.replace("a", "crm_config", &options);
    cluster.replace("b", "resources", RESOURCES);
    for cut in 1..=2 {
        let owner = cluster.await_owner(&HOSTS, "the configuration");
        cluster.lab.host(owner).cut(0).expect("a cable");
        // Both may have it while the one stops and the other starts.
        let moved = within(PATIENCE, || {
            let owners = cluster.owners();
            owners.len() == 1 && owners[0] != owner
        });
        assert!(moved, "cut {cut}\n{}", cluster.logs());
        cluster.lab.host(owner).join(0).expect("a cable");
        let begin = Instant::now();
        cluster.await_same(&HOSTS, "the merge");
        println!("merged over {layer:?} in {:?}", begin.elapsed());
        let stable = within(PATIENCE, || cluster.owners().len() == 1);
        assert!(stable, "cut {cut}\n{}", cluster.logs());
    }
    let logs = cluster.logs();
    assert!(
        !logs.contains("was terminated") && !logs.contains("CIB refused"),
        "{logs}"
    );
    let infrastructure = match layer {
        Totem => "corosync",
        Heartbeat => "heartbeat (ccm)",
    };
    let cib = cluster.run("a", "cibadmin -Q -o crm_config");
    let written = format!("name=\"cluster-infrastructure\" value=\"{infrastructure}\"");
    assert!(cib.is_ok_and(|cib| cib.contains(&written)), "{logs}");
    cluster.end();
}

fn form_fail_fence_and_leave(name: &str, layer: Layer) {
    let Some(mut cluster) = Cluster::new(name, layer) else {
        return;
    };
    let begin = Instant::now();
    HOSTS.into_iter().for_each(|host| cluster.start(host));
    cluster.await_same(&HOSTS, "the start");
    println!("formed over {layer:?} in {:?}", begin.elapsed());
    cluster.replace("a", "crm_config", OPTIONS);
    cluster.replace("b", "resources", RESOURCES);
    let first = cluster.await_owner(&HOSTS, "the configuration");
    cluster.await_same(&HOSTS, "the configuration");

    // A resource that fails is counted and started again.
    shell(
        &cluster.lab,
        first,
        "rm /run/resource-agents/Dummy-site.state",
    )
    .expect("it ran");
    let counted = || {
        let query = "cibadmin -Q --xpath \"//nvpair[@name='fail-count-site#monitor_1000']\"";
        cluster
            .run("a", query)
            .is_ok_and(|found| found.contains("value=\"1\""))
    };
    assert!(within(PATIENCE, counted), "{}", cluster.logs());
    cluster.await_owner(&[first], "the failed monitor");

    // The host that has the address loses its power: it is fenced, and another takes over.
    cluster.lab.host(first).kill().expect("power off");
    let begin = Instant::now();
    let second = cluster.await_owner(&others(first), "the death");
    println!("moved over {layer:?} in {:?}", begin.elapsed());
    cluster.await_fenced(first);
    cluster.start(first);
    cluster.await_same(&HOSTS, "the return");

    // A cable is cut: the minority is fenced, the majority takes over.
    cluster.lab.host(second).cut(0).expect("a cable");
    let third = cluster.await_owner(&others(second), "the cut");
    cluster.await_fenced(second);
    cluster.lab.host(second).join(0).expect("a cable");
    cluster.start(second);
    cluster.await_same(&HOSTS, "the merge");

    // A node leaves in order: its resources move before, nobody is fenced.
    let fenced = cluster.logs().matches("was terminated").count();
    let kill = format!("kill $(cat {})", layer.pid_file());
    shell(&cluster.lab, third, &kill).expect("it runs");
    cluster.await_owner(&others(third), "the leave");
    cluster.await_same(&others(third), "the leave");
    assert_eq!(
        cluster.logs().matches("was terminated").count(),
        fenced,
        "{}",
        cluster.logs()
    );
    told_in_order(&cluster, (first, second, third));
    cluster.end();
}

/// The morning after, the nodes say why the address moved, in order: one that was neither fenced
/// nor cut off tells of the others, and the one that left of itself.
fn told_in_order(cluster: &Cluster, (first, second, third): (&str, &str, &str)) {
    let mut spared = HOSTS
        .into_iter()
        .filter(|host| ![first, second].contains(host));
    let of_others = [
        format!("{first} lost; members"),
        format!("{first} was fenced (reboot) by"),
        format!("start of vip on {second}: ok"),
        format!("{second} was fenced (reboot) by"),
        format!("start of vip on {third}: ok"),
    ];
    let of_itself = [
        format!("start of vip on {third}: ok"),
        format!("from {third} to"),
        format!("stop of vip on {third}: ok"),
        "everbeat ends: it left in order".to_owned(),
    ];
    let tellers = [spared.next().expect("there are three"), third];
    for (teller, words) in tellers.into_iter().zip([&of_others[..], &of_itself[..]]) {
        let told = cluster.run(teller, "history").expect("a journal");
        let mut rest = told.as_str();
        for words in words {
            let at = rest.find(words);
            let at = at.unwrap_or_else(|| panic!("{words} in its place of\n{told}"));
            rest = &rest[at..];
        }
    }
}

fn keep_updates(name: &str, layer: Layer) {
    let Some(mut cluster) = Cluster::new(name, layer) else {
        return;
    };
    HOSTS.into_iter().for_each(|host| cluster.start(host));
    cluster.await_same(&HOSTS, "the start");
    cluster.replace("a", "crm_config", OPTIONS);
    let set = |host: &str| {
        let script = format!(
            "for n in $(seq 20); do {PROGRAM} cibadmin -M -c -o crm_config -X \
             \"<cluster_property_set id='cib-bootstrap-options'>\
             <nvpair id='{host}-$n' name='{host}-$n' value='1'/></cluster_property_set>\" \
             || exit 1; done"
        );
        shell(&cluster.lab, host, &script)
    };
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let all = HOSTS.map(|host| scope.spawn(move || set(host)));
        for one in all {
            let done = one.join().expect("the thread ends");
            assert!(done.is_ok(), "{done:?}");
        }
    });
    println!("60 updates over {layer:?} in {:?}", begin.elapsed());
    cluster.await_same(&HOSTS, "the updates");
    let count = |cluster: &Cluster, host: &str| {
        let cib = cluster
            .run(host, "cibadmin -Q -o crm_config")
            .unwrap_or_default();
        cib.matches("value=\"1\"").count()
    };
    assert_eq!(count(&cluster, "b"), 60, "{}", cluster.logs());
    for host in HOSTS {
        cluster.lab.host(host).kill().expect("power off");
    }
    for host in HOSTS {
        cluster.lab.host(host).boot().expect("power on");
        cluster.start(host);
    }
    cluster.await_same(&HOSTS, "the power of all");
    assert_eq!(count(&cluster, "c"), 60, "{}", cluster.logs());
    cluster.end();
}

#[test]
fn nodes_are_named_and_one_that_left_is_forgotten() {
    let Some(mut cluster) = Cluster::new("crm7", Totem) else {
        return;
    };
    HOSTS.into_iter().for_each(|host| cluster.start(host));
    cluster.await_same(&HOSTS, "the start");
    let told = |cluster: &Cluster, line: &str| {
        let told = cluster.run("b", &format!("crm_node {line}"));
        told.map(|text| text.trim_end().to_owned())
    };
    let answers = [
        ("-l", "1 a member\n2 b member\n3 c member"),
        ("-p", "a b c"),
        ("-n", "b"),
        ("-i", "2"),
        ("-q", "1"),
        ("-N 3", "c"),
        ("-N 0", "b"),
    ];
    for (line, answer) in answers {
        assert_eq!(
            told(&cluster, line).as_deref(),
            Ok(answer),
            "crm_node {line}"
        );
    }
    assert!(told(&cluster, "-N 7").is_err());
    assert!(
        told(&cluster, "-R c -f").is_err(),
        "a member is not forgotten"
    );
    shell(&cluster.lab, "c", "kill $(cat /run/corosync.pid)").expect("it runs");
    cluster.await_same(&["a", "b"], "the leave");
    let lost = "1 a member\n2 b member\n3 c lost";
    assert_eq!(told(&cluster, "-l").as_deref(), Ok(lost));
    assert_eq!(told(&cluster, "-N 3").as_deref(), Ok("c"));
    assert!(told(&cluster, "-R c").is_err(), "it needs --force");
    assert_eq!(told(&cluster, "-R c -f").as_deref(), Ok(""));
    assert_eq!(
        told(&cluster, "-l").as_deref(),
        Ok("1 a member\n2 b member")
    );
    let cib = cluster.run("a", "cibadmin -Q").expect("the CIB");
    assert!(!cib.contains("uname=\"c\""), "{cib}");
    cluster.start("c");
    cluster.await_same(&HOSTS, "the return");
    cluster.end();
}

/// A file of corosync 1.x: it starts the CRM itself, has no votes, and names no node.
fn old(ver: u8) -> String {
    format!(
        "compatibility: whitetank\ntotem {{\nversion: 2\nsecauth: off\ntoken: 1000\n\
         interface {{\nringnumber: 0\nbindnetaddr: 10.9.0.0\nmcastaddr: 239.192.9.1\n\
         mcastport: 5405\n}}\n}}\nlogging {{\nto_stderr: no\nto_syslog: no\nto_logfile: yes\n\
         logfile: /var/log/corosync.log\n}}\nservice {{\nname: pacemaker\nver: {ver}\n}}\n"
    )
}

#[test]
fn a_file_of_1_x_starts_the_crm_and_counts_nodes() {
    let Some(mut cluster) = Cluster::new("crm5", Totem) else {
        return;
    };
    for host in HOSTS {
        let ver = u8::from(host == "c");
        cluster.configure(host, &old(ver));
        cluster.start_corosync(host);
    }
    cluster.await_same(&["a", "b"], "the start");
    let status = cluster.run("c", "crmadmin -N");
    assert!(status.is_err(), "ver: 1 leaves the CRM to its own script");
    let quorum = |cluster: &Cluster, wanted: &str| {
        let wanted = format!("have-quorum=\"{wanted}\"");
        within(PATIENCE, || {
            let cib = cluster.run("a", "cibadmin -Q").unwrap_or_default();
            cib.contains(&wanted)
        })
    };
    assert!(quorum(&cluster, "1"), "{}", cluster.logs());
    cluster.lab.host("b").kill().expect("power off");
    assert!(quorum(&cluster, "0"), "one of two: {}", cluster.logs());
    cluster.lab.host("b").boot().expect("power on");
    cluster.start_corosync("b");
    assert!(quorum(&cluster, "1"), "{}", cluster.logs());
    cluster.end();
}
