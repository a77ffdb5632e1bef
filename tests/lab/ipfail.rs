//! ipfail: the node that loses its way to the ping node gives its address to the other.

use std::path::Path;
use std::time::Duration;

use crate::cluster::{Cluster, Config, Software};

use Software::{Everbeat, Heartbeat};

/// Where Debian has heartbeat's client of that name; everbeat has it built in.
const IPFAIL: &str = "/usr/libexec/heartbeat/ipfail";

/// The ping node: a third host on the switch of eth0. Heartbeats go over eth1, too.
const HOSTS: [&str; 3] = [
    "a=10.8.0.1/24,10.9.0.1/24",
    "b=10.8.0.2/24,10.9.0.2/24",
    "gw=10.8.0.254/24",
];

fn config() -> Config {
    let more = format!(
        "bcast eth1\nping 10.8.0.254\ndeadping 3\nrespawn hacluster {IPFAIL}\n\
         apiauth ipfail gid=haclient uid=hacluster\n"
    );
    Config {
        more,
        ..Config::default()
    }
}

/// The owner's cable to the ping node is pulled, later it is put back.
fn the_address_follows_the_ping_node(name: &str, software: [Software; 2]) {
    if software.contains(&Heartbeat) && !Path::new(IPFAIL).exists() {
        println!("SKIPPED: heartbeat's ipfail is not installed");
        return;
    }
    let Some(cluster) = Cluster::on(name, &HOSTS, &software, config()) else {
        return;
    };
    cluster.settle();
    for host in ["a", "b"] {
        cluster.await_answer(host, "nodestatus 10.8.0.254", "ping");
    }
    cluster.lab.host("a").cut(0).expect("the cable");
    let span = cluster.await_owner("b", 40);
    // deadping, two keepalives of delay, the hand-over; heartbeat looks at all this more slowly.
    let limit = if software == [Everbeat; 2] { 6 } else { 30 };
    assert!(
        span < Duration::from_secs(limit),
        "{span:?}\n{}",
        cluster.logs()
    );
    for (host, peer) in [("a", "b"), ("b", "a")] {
        let dead = format!("node {peer}: is dead");
        assert_eq!(cluster.logged(host, &dead), 0, "{}", cluster.logs());
    }
    cluster.await_answer("a", "nodestatus 10.8.0.254", "dead");
    cluster.await_rscstatus("a", "none");
    // With as many ping nodes as the other it gets its own group back.
    cluster.lab.host("a").join(0).expect("the cable");
    cluster.await_owner("a", 60);
}

#[test]
fn ipfail_moves_the_address_to_the_node_that_sees_more() {
    the_address_follows_the_ping_node("ipfail-ee", [Everbeat, Everbeat]);
}

#[test]
fn ipfail_agrees_with_heartbeats_on_the_other_node() {
    std::thread::scope(|scope| {
        scope.spawn(|| the_address_follows_the_ping_node("ipfail-eh", [Everbeat, Heartbeat]));
        scope.spawn(|| the_address_follows_the_ping_node("ipfail-he", [Heartbeat, Everbeat]));
    });
}
