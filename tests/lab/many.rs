//! More than a pair: three nodes, and a pair that is replaced node by node.

use std::time::Duration;

use crate::cluster::{Cluster, Config, Software};
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
