use std::net::IpAddr;

use super::*;
use crate::config::corosync_conf::read_all;
use crate::ids::NodeName;

/// A host with a name, 10.0.0.1/24 and a few names in /etc/hosts.
struct Fake {
    name: &'static str,
    addresses: Vec<(&'static str, u8)>,
}

impl Fake {
    fn named(name: &'static str) -> Self {
        Self {
            name,
            addresses: vec![("127.0.0.1", 8), ("10.0.0.1", 24), ("10.33.100.77", 16)],
        }
    }
}

impl Host for Fake {
    fn node_name(&self) -> Option<NodeName> {
        None
    }
    fn has_interface(&self, _: &str) -> Option<bool> {
        None
    }
    fn is_program(&self, _: &Path) -> Option<bool> {
        None
    }
    fn exists(&self, path: &Path) -> Option<bool> {
        Some(path == Path::new("/var/log"))
    }
    fn is_character_device(&self, _: &Path) -> Option<bool> {
        None
    }
    fn has_user(&self, user: &str) -> Option<bool> {
        Some(user == "hacluster")
    }
    fn has_group(&self, _: &str) -> Option<bool> {
        Some(false)
    }
    fn udp_services(&self) -> &[(String, u16)] {
        &[]
    }
    fn host_name(&self) -> Option<String> {
        Some(self.name.into())
    }
    fn addresses(&self) -> Option<Vec<(IpAddr, u8)>> {
        let parsed = |(a, bits): &(&str, u8)| (a.parse().unwrap(), *bits);
        Some(self.addresses.iter().map(parsed).collect())
    }
    fn resolve(&self, name: &str) -> Option<Vec<IpAddr>> {
        let known = match name {
            "web1" | "web1-ring" => "10.0.0.1",
            "web2" => "10.0.0.2",
            "web3" => "127.0.1.1",
            _ => return Some(Vec::new()),
        };
        Some(vec![known.parse().unwrap()])
    }
    fn hosts_line(&self, name: &str) -> Option<usize> {
        (name == "web3").then_some(2)
    }
}

fn found(host: &Fake, totem: &str, nodes: &[&str], more: &str) -> Vec<String> {
    let nodes: String = nodes
        .iter()
        .enumerate()
        .map(|(at, keys)| format!("node {{\nnodeid: {}\n{keys}\n}}\n", at + 1))
        .collect();
    let list = match nodes.is_empty() {
        true => String::new(),
        false => format!("nodelist {{\n{nodes}}}\n"),
    };
    let text = format!("totem {{\nversion: 2\n{totem}\n}}\n{list}{more}");
    let source = Source::new("f", &text);
    let (model, _) = read_all(&source);
    let found = check(&model, &source, host);
    found
        .iter()
        .map(|d| format!("{}: {}: {}", d.line, d.severity.as_str(), d.message))
        .collect()
}

#[test]
fn the_host_name_is_cut_at_its_dots() {
    let nodes = [
        "name: a.example\nring0_addr: 10.9.0.1",
        "name: b\nring0_addr: 10.9.0.2",
    ];
    let of = |name| found(&Fake::named(name), "transport: udpu", &nodes, "").remove(0);
    assert!(of("b").contains("takes this node entry (b), node id 2: b is the host's name"));
    assert!(of("b.example").contains("node id 2: b is the host's name"));
    assert!(of("a").contains("node id 1: a.example begins with the host's name"));
    assert!(of("c").contains("error: none of the nodes (a.example, b) is this host, c with"));
}

#[test]
fn addresses_and_names_of_addresses_tell_the_entry() {
    let host = Fake::named("other");
    let nodes = ["ring0_addr: 10.0.0.9", "ring0_addr: 10.0.0.1"];
    let all = found(&host, "transport: udpu", &nodes, "");
    assert!(
        all[0].contains("node id 2: the host has the address 10.0.0.1"),
        "{all:?}"
    );
    let all = found(
        &host,
        "transport: udpu",
        &["ring0_addr: web2", "ring0_addr: web1-ring"],
        "",
    );
    assert!(
        all[0].contains("web1-ring is 10.0.0.1, which the host has"),
        "{all:?}"
    );
}

#[test]
fn generation_2_knows_no_host_names() {
    let nodes = ["name: other\nring0_addr: 10.0.0.9", "ring0_addr: 10.0.0.1"];
    let totem = "transport: udpu\nsecauth: on";
    let all = found(&Fake::named("other"), totem, &nodes, "");
    assert!(all.iter().any(|f| f.contains("node id 2")), "{all:?}");
    assert!(all[0].contains("there is no key in authkey"), "{all:?}");
}

#[test]
fn without_a_nodelist_the_network_tells() {
    let interface = |bind: &str| {
        let totem = format!("interface {{\nbindnetaddr: {bind}\nmcastaddr: 239.1.1.1\n}}");
        found(&Fake::named("n"), &totem, &[], "compatibility: none\n").remove(0)
    };
    let of = interface("10.33.0.0");
    assert!(
        of.contains("node id 1298407690: the host's address 10.33.100.77/16"),
        "{of}"
    );
    assert!(interface("10.33.100.77").contains("the host has the address 10.33.100.77"));
    assert!(interface("172.16.0.0").contains("error: this host has no address in the network"));
}

#[test]
fn a_name_at_the_loopback_is_the_cause() {
    let nodes = ["ring0_addr: web1", "ring0_addr: web3", "ring0_addr: web4"];
    let all = found(&Fake::named("web1"), "transport: udpu", &nodes, "");
    let of = |part: &str| {
        all.iter()
            .find(|f| f.contains(part))
            .cloned()
            .unwrap_or_default()
    };
    assert!(
        of("web3").contains("web3 is 127.0.1.1 here, by line 2 of /etc/hosts"),
        "{all:?}"
    );
    assert!(
        of("web4").contains("error: web4 has no address here"),
        "{all:?}"
    );
}

#[test]
fn users_and_folders_must_be_there() {
    let more = "uidgid {\nuid: hacluster\nuid: nobody\ngid: gone\n}\nlogging {\n\
                to_logfile: yes\nlogfile: /var/log/x/y.log\n}\n";
    let nodes = ["ring0_addr: 10.0.0.1"];
    let all = found(&Fake::named("web1"), "transport: udpu", &nodes, more);
    assert!(
        all.iter().any(|f| f.contains("no user \"nobody\"")),
        "{all:?}"
    );
    assert!(
        all.iter().any(|f| f.contains("no group \"gone\"")),
        "{all:?}"
    );
    assert!(
        all.iter()
            .any(|f| f.contains("the folder /var/log/x is not there")),
        "{all:?}"
    );
    assert!(!all.iter().any(|f| f.contains("hacluster")), "{all:?}");
}
