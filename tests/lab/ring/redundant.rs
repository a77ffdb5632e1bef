//! Three nodes of ours on two networks, as a corosync.conf of 2.x has them: one network fails and
//! comes back, and the members stay.

use std::process::Child;
use std::time::Duration;

use everbeat::lab::Lab;

use super::{PATIENCE, Whose, configure, says};
use crate::host::{Ground, shell, spec, within};

const HOSTS: [&str; 3] = ["a", "b", "c"];

fn configuration(mode: &str, transport: &str) -> String {
    let node = |id: usize| {
        format!("node {{\nring0_addr: 10.9.1.{id}\nring1_addr: 10.9.2.{id}\nnodeid: {id}\n}}\n")
    };
    let ring = |n: usize| {
        let group = match transport {
            "udp" => format!("mcastaddr: 239.192.9.{}\n", n + 1),
            _ => String::new(),
        };
        let net = n + 1;
        format!(
            "interface {{\nringnumber: {n}\nbindnetaddr: 10.9.{net}.0\n{group}mcastport: {}\n}}\n",
            5405 + 2 * n
        )
    };
    let (rings, nodes): (String, String) =
        ((0..2).map(ring).collect(), (1..=3).map(node).collect());
    format!(
        "totem {{\nversion: 2\nsecauth: off\ncluster_name: lab\ntransport: {transport}\n\
         rrp_mode: {mode}\ntoken: 1000\ntoken_coefficient: 0\n{rings}}}\nnodelist {{\n{nodes}}}\n\
         quorum {{\nprovider: corosync_votequorum\n}}\nlogging {{\nto_syslog: no\nto_stderr: no\n\
         to_logfile: yes\nlogfile: /var/log/x.log\ntimestamp: on\n}}\n"
    )
}

fn show(lab: &Lab) -> String {
    let one = |host: &str| {
        let line = format!(
            "{}; cat /var/log/x.log",
            Whose::Ours.line("corosync-cfgtool -s")
        );
        format!(
            "--- {host}\n{}",
            shell(lab, host, &line).unwrap_or_default()
        )
    };
    HOSTS.map(one).join("\n")
}

/// How often a ring was formed, and which it is.
fn ring_of(lab: &Lab, host: &str) -> (usize, String) {
    let log = lab.host(host).read("/var/log/x.log").unwrap_or_default();
    let status = shell(lab, host, &Whose::Ours.line("corosync-quorumtool -s"));
    let status = status.unwrap_or_default();
    let id = status.lines().find(|line| line.starts_with("Ring ID"));
    let formed = log.matches("A new membership").count();
    (formed, id.unwrap_or("none").to_owned())
}

/// One of b's two cables is out for a while.
fn fail(lab: &Lab, net: usize) {
    let before = HOSTS.map(|host| ring_of(lab, host));
    let status = Whose::Ours.line("corosync-cfgtool -s");
    let everywhere = |wanted: &dyn Fn(&str) -> bool| {
        within(PATIENCE, || {
            HOSTS.iter().all(|host| {
                let text = shell(lab, host, &status).unwrap_or_default();
                text.starts_with("Printing ring status.") && wanted(&text)
            })
        })
    };
    lab.host("b").cut(net).expect("a cable");
    let faulty = format!("interface 10.9.{}.", net + 1);
    let marked = everywhere(&|text| text.contains(&faulty) && text.contains("FAULTY"));
    assert!(marked, "ring {net} isn't marked\n{}", show(lab));
    // It stays so while the network is away, whoever asks for it.
    let again = shell(lab, "a", &Whose::Ours.line("corosync-cfgtool -r"));
    assert_eq!(again.as_deref(), Ok("Re-enabling all failed rings."));
    std::thread::sleep(Duration::from_secs(3));
    lab.host("b").join(net).expect("a cable");
    let well = everywhere(&|text| text.matches("active with no faults").count() == 2);
    assert!(well, "ring {net} isn't used again\n{}", show(lab));
    assert_eq!(
        HOSTS.map(|host| ring_of(lab, host)),
        before,
        "{}",
        show(lab)
    );
}

fn tour(name: &str, mode: &str, transport: &str) {
    let ground = Ground::new();
    let hosts = [1, 2, 3].map(|n| format!("{}=10.9.1.{n}/24,10.9.2.{n}/24", HOSTS[n - 1]));
    let hosts = hosts.each_ref().map(String::as_str);
    let Some(lab) = ground.lab(&spec(name, &hosts)) else {
        return;
    };
    for host in HOSTS {
        configure(&lab, host, &configuration(mode, transport));
    }
    let mut running: Vec<Child> = HOSTS.map(|host| Whose::Ours.start(&lab, host)).into();
    for host in HOSTS {
        let status = Whose::Ours.line("corosync-quorumtool -s");
        let (came, text) = says(&lab, host, &status, "Total votes:      3");
        assert!(came, "{host}: {text}\n{}", show(&lab));
    }
    // Messages go on meanwhile, and none is lost.
    let flood = |host: &str| {
        let line = Whose::Ours.line("cpg load --members 3 --flood 3000 --size 2000 --expect 9000");
        let mut command = lab.host(host).command("sh");
        command.args(["-c", &format!("exec timeout 100 {line}")]);
        command.stdout(std::process::Stdio::piped());
        command.spawn().expect("a shell")
    };
    let floods = HOSTS.map(flood);
    fail(&lab, 1);
    for flood in floods {
        let output = flood.wait_with_output().expect("an end");
        let text = String::from_utf8_lossy(&output.stdout);
        let fine = "0 lost, 0 doubled or out of order, 0 damaged";
        assert!(text.trim().ends_with(fine), "{text}");
    }
    fail(&lab, 0);
    let key = Whose::Ours.line("corosync-cmapctl -q -g runtime.totem.pg.mrp.rrp.1.faulty");
    assert_eq!(shell(&lab, "c", &key).as_deref(), Ok("0"));
    let ip = Whose::Ours.line("corosync-cmapctl -q -g runtime.members.2.ip");
    let both = "r(0) ip(10.9.1.2) r(1) ip(10.9.2.2)";
    assert_eq!(shell(&lab, "c", &ip).as_deref(), Ok(both));
    lab.down().expect("the lab ends");
    for child in &mut running {
        let _ = child.wait();
    }
}

#[test]
fn passive_rings_outlive_a_network_over_udpu() {
    tour("rrppu", "passive", "udpu");
}

#[test]
fn active_rings_outlive_a_network_over_multicast() {
    tour("rrpam", "active", "udp");
}

#[test]
#[ignore = "full matrix: the other two pairings"]
fn redundant_rings_of_either_mode_over_either_transport() {
    tour("rrpau", "active", "udpu");
    tour("rrppm", "passive", "udp");
}

#[test]
fn a_second_ring_that_cannot_be_served_is_refused() {
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec("rrpno", &["a=10.9.1.1/24,10.9.2.1/24"])) else {
        return;
    };
    let start = |text: &str| {
        configure(&lab, "a", text);
        let line = Whose::Ours.line("corosync -f 2>&1; echo exit $?");
        let text = shell(
            &lab,
            "a",
            &format!("timeout 3 sh -c '{line}' || [ $? -eq 124 ]"),
        );
        text.expect("a shell")
    };
    let whole = configuration("passive", "udpu");
    let one = start(&whole.replace("ring1_addr: 10.9.2.3\n", ""));
    assert!(
        one.contains("ring1_addr") && one.ends_with("exit 1"),
        "{one}"
    );
    let none = start(&whole.replace("rrp_mode: passive\n", "rrp_mode: none\n"));
    assert!(
        none.contains("need rrp_mode: passive") && none.ends_with("exit 8"),
        "{none}"
    );
    // An address that isn't there may come: it is waited for, and said.
    start(&whole.replace("ring1_addr: 10.9.2.1\n", "ring1_addr: 10.9.9.1\n"));
    let log = lab.host("a").read("/var/log/x.log").unwrap_or_default();
    let waits = "The network interface can't be used yet: 10.9.9.1:5407";
    assert!(log.contains(waits), "{log}");
    lab.down().expect("the lab ends");
}
