//! The rarer media, between a node of ours and a real heartbeat: serial cable, IPv6 multicast, and
//! ping nodes.

use crate::cluster::{Cluster, Config, Software, Way};

use Software::{Everbeat, Heartbeat};

/// Each node's own address as a ping node of the other, too.
fn life(name: &str, pair: [Software; 2], way: Way) {
    let config = Config {
        way,
        more: "ping 10.8.0.1 10.8.0.2\ndeadping 3\n".into(),
        ..Config::default()
    };
    let Some(cluster) = Cluster::at_work(name, &pair, config) else {
        return;
    };
    for host in ["a", "b"] {
        for node in ["10.8.0.1", "10.8.0.2"] {
            cluster.await_answer(host, &format!("nodestatus {node}"), "ping");
        }
    }
    cluster.tool("a", "hb_standby", "all");
    cluster.await_owner("b", 15);
    cluster.await_rscstatus("b", "all");
    cluster.tool("a", "hb_takeover", "all");
    cluster.await_owner("a", 15);
    cluster.await_rscstatus("a", "all");
    cluster.lab.host("a").kill().expect("power off");
    cluster.await_owner("b", 20);
    cluster.await_answer("b", "nodestatus a", "dead");
    cluster.await_answer("b", "nodestatus 10.8.0.1", "dead");
    cluster.await_answer("b", "nodestatus 10.8.0.2", "ping");
}

#[test]
fn over_a_serial_cable() {
    life("serial-eh", [Everbeat, Heartbeat], Way::Serial);
    life("serial-he", [Heartbeat, Everbeat], Way::Serial);
}

#[test]
fn over_ipv6_multicast() {
    life("mcast6-eh", [Everbeat, Heartbeat], Way::Mcast6);
    life("mcast6-he", [Heartbeat, Everbeat], Way::Mcast6);
}
