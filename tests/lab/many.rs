//! More than a pair: three nodes, and a pair that is replaced node by node.

use std::time::Duration;

use crate::cluster::{ADDRESS, Cluster, Config, Software};
use crate::host::within;

use Software::{Everbeat, Heartbeat};

#[test]
fn of_three_nodes_one_dies_and_exactly_one_takes_over() {
    let Some(cluster) = Cluster::new("three", &[Everbeat; 3], Config::default()) else {
        return;
    };
    cluster.start_all();
    cluster.await_owner("a", 40);
    std::thread::sleep(Duration::from_secs(6));
    cluster.lab.host("a").kill().expect("power off");
    let taken = || cluster.owners().len() == 1;
    assert!(within(Duration::from_secs(15), taken), "{}", cluster.logs());
    let owner = cluster.owners();
    let watch = cluster.watch();
    std::thread::sleep(Duration::from_secs(5));
    let seen = watch.end();
    assert_eq!(cluster.owners(), owner, "{}", cluster.logs());
    assert_eq!(
        seen.longest_overlap,
        Duration::ZERO,
        "{seen:?}\n{}",
        cluster.logs()
    );
    assert_eq!(
        seen.longest_gap,
        Duration::ZERO,
        "{seen:?}\n{}",
        cluster.logs()
    );
}

#[test]
fn a_real_pair_is_replaced_node_by_node_under_service() {
    let Some(mut cluster) = Cluster::new("rolling", &[Heartbeat; 2], Config::default()) else {
        return;
    };
    cluster.start_all();
    cluster.await_owner("a", 40);
    cluster.await_rscstatus("a", "local");
    cluster.await_rscstatus("b", "local");
    let watch = cluster.watch();
    for host in ["b", "a"] {
        let other = if host == "a" { "b" } else { "a" };
        cluster.stop(host);
        cluster.await_end(host);
        cluster.await_owner(other, 15);
        // A real node that is still taking over when its peer comes back stays at "all".
        cluster.await_rscstatus(other, "all");
        cluster.replace(host, Everbeat);
        cluster.start(host);
        cluster.await_answer(other, &format!("nodestatus {host}"), "active");
        cluster.await_owner("a", 40);
        cluster.await_rscstatus("a", "local");
        cluster.await_rscstatus("b", "local");
    }
    let seen = watch.end();
    // A hand-over by heartbeat takes up to two seconds.
    assert!(
        seen.longest_gap < Duration::from_secs(4),
        "{seen:?}\n{}",
        cluster.logs()
    );
    assert!(
        seen.longest_overlap < Duration::from_millis(60),
        "{seen:?}\n{}",
        cluster.logs()
    );
}

/// A script whose start takes longer than an everbeat needs to come back.
const SLOW: &str = "#!/bin/sh\n\
    case $1 in\n\
    start) sleep 3; touch /run/slow ;;\n\
    stop) rm -f /run/slow ;;\n\
    status) if [ -e /run/slow ]; then echo running; else echo stopped; fi ;;\n\
    esac\n";

/// While a real node still takes over what its peer shut down, that peer is back as everbeat:
/// nothing on the wire says that the take-over isn't over. It then stays where it is.
#[test]
fn a_node_that_is_back_in_the_middle_of_its_take_over_leaves_one_owner() {
    let Some(mut cluster) = Cluster::new("quick", &[Heartbeat; 2], Config::default()) else {
        return;
    };
    for host in ["a", "b"] {
        let haresources = format!("b slow IPaddr2::{ADDRESS}/24/eth0\n");
        cluster.configure(host, &cluster.config, &haresources);
        let script = "/etc/ha.d/resource.d/slow";
        (cluster.lab.host(host).write(script, SLOW.as_bytes(), 0o755)).expect("a script");
    }
    cluster.start_all();
    cluster.await_owner("b", 40);
    cluster.await_rscstatus("a", "local");
    std::thread::sleep(Duration::from_secs(6));
    cluster.stop("b");
    cluster.await_end("b");
    cluster.replace("b", Everbeat);
    cluster.start("b");
    let watch = cluster.watch();
    std::thread::sleep(Duration::from_secs(30));
    let seen = watch.end();
    // As after any return before the dead time, a real node gives nothing back by itself.
    assert_eq!(cluster.owners(), ["a"], "{}", cluster.logs());
    assert_eq!(
        seen.longest_overlap,
        Duration::ZERO,
        "{seen:?}\n{}",
        cluster.logs()
    );
}
