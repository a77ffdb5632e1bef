//! Daemons that stop for a while, crash, or are told to read their files again.

use std::time::Duration;

use crate::cluster::{Cluster, Config, Software};
use crate::host::within;

/// A pair of ours at work.
fn pair(name: &str) -> Option<Cluster> {
    Cluster::at_work(name, &[Software::Everbeat; 2], Config::default())
}

/// Watches while `disturb` does its work; the address must stay on a, and only there.
fn nothing_moves(cluster: &Cluster, disturb: impl FnOnce()) {
    let watch = cluster.watch();
    disturb();
    std::thread::sleep(Duration::from_secs(4));
    let seen = watch.end();
    assert_eq!(cluster.owners(), ["a"], "{}", cluster.logs());
    assert_eq!(
        seen.longest_gap,
        Duration::ZERO,
        "{seen:?}\n{}",
        cluster.logs()
    );
    assert_eq!(
        seen.longest_overlap,
        Duration::ZERO,
        "{seen:?}\n{}",
        cluster.logs()
    );
    cluster.await_rscstatus("a", "local");
    cluster.await_rscstatus("b", "local");
}

#[test]
fn reload_with_another_ha_cf_keeps_the_resources() {
    let Some(cluster) = pair("reload") else {
        return;
    };
    let slower = Config {
        keepalive_ms: 300,
        ..cluster.config.clone()
    };
    let haresources = cluster.run("a", "cat /etc/ha.d/haresources");
    nothing_moves(&cluster, || {
        cluster.configure("a", &slower, &format!("{haresources}\n"));
        cluster.run("a", "kill -HUP $(cat /run/heartbeat.pid)");
    });
    assert_eq!(
        cluster.logged("b", "Heartbeat restart on node a"),
        1,
        "{}",
        cluster.logs()
    );
}

/// The CRM can't take the place of haresources under running resources: the old configuration
/// must stay in use.
#[test]
fn reload_into_a_crm_is_refused() {
    let Some(cluster) = pair("reload-crm") else {
        return;
    };
    let crm = Config {
        more: "crm respawn\n".into(),
        ..cluster.config.clone()
    };
    let haresources = cluster.run("a", "cat /etc/ha.d/haresources");
    nothing_moves(&cluster, || {
        cluster.configure("a", &crm, &format!("{haresources}\n"));
        cluster.run("a", "kill -HUP $(cat /run/heartbeat.pid)");
    });
    assert_eq!(
        cluster.logged("a", "with a CRM it is read only"),
        1,
        "{}",
        cluster.logs()
    );
    assert_eq!(
        cluster.logged("b", "Heartbeat restart on node a"),
        0,
        "{}",
        cluster.logs()
    );
}

#[test]
fn a_crash_and_a_quick_start_move_nothing() {
    let Some(cluster) = pair("crash") else { return };
    nothing_moves(&cluster, || {
        cluster.run("a", "kill -KILL $(cat /run/heartbeat.pid)");
        // Until the kernel has ended it, a start says that one is running.
        cluster.await_end("a");
        cluster.start("a");
    });
    // What still ran is adopted as it is, not started anew.
    let adopted = "found running at the start of the daemon";
    assert_eq!(cluster.logged("a", adopted), 1, "{}", cluster.logs());
    let acquired = "Acquiring resource group";
    assert_eq!(cluster.logged("a", acquired), 1, "{}", cluster.logs());
}

#[test]
fn a_peer_that_slept_declares_nobody_dead() {
    let Some(cluster) = pair("peer-slept") else {
        return;
    };
    nothing_moves(&cluster, || {
        cluster.run("b", "kill -STOP $(cat /run/heartbeat.pid)");
        std::thread::sleep(Duration::from_secs(7));
        cluster.run("b", "kill -CONT $(cat /run/heartbeat.pid)");
    });
    assert_eq!(
        cluster.logged("b", "this node was asleep for"),
        1,
        "{}",
        cluster.logs()
    );
    assert_eq!(cluster.logged("b", "is dead"), 0, "{}", cluster.logs());
}

/// Its peer takes over, as it must; when the owner wakes, one of them gives way at once.
#[test]
fn an_owner_that_slept_finds_its_address_taken_and_one_gives_way() {
    let Some(cluster) = pair("owner-slept") else {
        return;
    };
    cluster.run("a", "kill -STOP $(cat /run/heartbeat.pid)");
    let both = || cluster.owners() == ["a", "b"];
    assert!(
        within(Duration::from_secs(15), both),
        "b takes over\n{}",
        cluster.logs()
    );
    std::thread::sleep(Duration::from_secs(2));
    let watch = cluster.watch();
    cluster.run("a", "kill -CONT $(cat /run/heartbeat.pid)");
    let one = || cluster.owners() == ["a"];
    assert!(
        within(Duration::from_secs(2), one),
        "one owner\n{}",
        cluster.logs()
    );
    std::thread::sleep(Duration::from_secs(5));
    let seen = watch.end();
    assert_eq!(cluster.owners(), ["a"], "{}", cluster.logs());
    assert_eq!(
        seen.longest_gap,
        Duration::ZERO,
        "{seen:?}\n{}",
        cluster.logs()
    );
}
