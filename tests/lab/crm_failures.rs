//! What fails, and what the cluster makes of it: monitors, starts, stops, time, quorum.

use super::{Cluster, HOSTS, Layer, others};
use crate::host::shell;

const BASE: &str = "property stonith-enabled=false cluster-recheck-interval=5s\n\
rsc_defaults resource-stickiness=100\n\
primitive one ocf:heartbeat:Dummy op monitor interval=1s timeout=20s meta migration-threshold=2\n\
primitive two ocf:lab:lame op start timeout=2s op stop timeout=5s";

#[test]
fn failures_are_counted_and_what_fails_is_elsewhere() {
    failures("crmfail1", Layer::Totem);
}

#[test]
fn failures_over_heartbeat_are_counted_too() {
    failures("crmfail2", Layer::Heartbeat);
}

fn failures(name: &str, layer: Layer) {
    let Some(mut cluster) = Cluster::with_shell(name, layer) else {
        return;
    };
    cluster.start_all();
    cluster.configure_by_shell("a", BASE);
    cluster.await_that("both run", || {
        cluster.at("one").len() == 1 && cluster.at("two").len() == 1
    });
    monitors(&cluster);
    maintenance(&cluster);
    starts(&cluster);
    quorum(&cluster);
    cluster.end();
}

/// A failed monitor is counted and mended; at the threshold the resource goes away until the
/// count is cleaned up.
fn monitors(cluster: &Cluster) {
    let owner = cluster.at("one")[0];
    let fail = |count: &str| {
        cluster.on(owner, "rm /run/resource-agents/Dummy-one.state");
        cluster.await_that("the failure is counted", || {
            let told = cluster.run("b", &format!("crm_failcount -G -r one -N {owner}"));
            told.is_ok_and(|told| told.contains(&format!("value={count}")))
        });
    };
    fail("1");
    cluster.await_at("one", &[owner], "one failure");
    cluster.await_that("it runs again", || {
        shell(
            &cluster.lab,
            owner,
            "test -e /run/resource-agents/Dummy-one.state",
        )
        .is_ok()
    });
    fail("2");
    cluster.await_that("it is elsewhere", || {
        let at = cluster.at("one");
        at.len() == 1 && at[0] != owner
    });
    let mon = cluster.picture("c");
    assert!(
        mon.contains("monitor on") && mon.contains("'not running'") && mon.contains(" of 20s"),
        "{mon}"
    );
    let now = cluster.at("one")[0];
    cluster.crm("c", "resource cleanup one");
    cluster.await_that("the failures are forgotten", || {
        !cluster.picture("c").contains("monitor on")
    });
    cluster.await_at("one", &[now], "the cleanup");
}

/// In maintenance nobody touches anything; afterwards what is gone is started.
fn maintenance(cluster: &Cluster) {
    let owner = cluster.at("one")[0];
    cluster.configure_by_shell("b", "property maintenance-mode=true");
    cluster.await_that("it is unmanaged", || {
        cluster.picture("b").contains("(unmanaged")
    });
    cluster.await_that("nothing is under way", || {
        cluster.run("a", "crmadmin -qD").is_ok_and(|dc| {
            let state = cluster.run("a", &format!("crmadmin -qS {}", dc.trim()));
            state.is_ok_and(|state| state.trim() == "S_IDLE")
        })
    });
    let state = "/run/resource-agents/Dummy-one.state";
    cluster.on(owner, &format!("rm {state}"));
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(
        shell(&cluster.lab, owner, &format!("test -e {state}")).is_err(),
        "nobody has started it\n{}",
        cluster.logs()
    );
    cluster.configure_by_shell("b", "property maintenance-mode=false");
    cluster.await_that("it is started again", || {
        let at = cluster.at("one");
        at.len() == 1 && shell(&cluster.lab, at[0], &format!("test -e {state}")).is_ok()
    });
}

/// A start that takes too long is ended, and tried elsewhere.
fn starts(cluster: &Cluster) {
    let owner = cluster.at("two")[0];
    cluster.crm("a", "resource stop two");
    cluster.await_at("two", &[], "the stop");
    cluster.on(owner, ": >/run/lame-two.slow");
    cluster.configure_by_shell("a", &format!("location there two 50: {owner}"));
    cluster.crm("a", "resource start two");
    cluster.await_that("it is started elsewhere", || {
        let at = cluster.at("two");
        at.len() == 1 && at[0] != owner
    });
    let at = cluster.at("two")[0];
    let mon = cluster.picture("a");
    let late = format!("two start on {owner} could not be executed (Timed Out");
    assert!(
        at != owner && mon.contains(&late) && mon.contains(" of 2s"),
        "{at}\n{mon}\n{}",
        cluster.logs()
    );
    assert!(
        shell(&cluster.lab, owner, "pgrep -f '[s]leep 60'").is_err(),
        "what was late is ended"
    );
    let told = cluster
        .run(owner, "history --resource two")
        .unwrap_or_default();
    let words = format!("start of two on {owner} FAILED: Timed Out");
    assert!(told.contains(&words), "{told}");
}

/// One of three has no quorum: it stops all, and starts it when another one is back.
fn quorum(cluster: &Cluster) {
    let last = cluster.at("one")[0];
    let gone = others(last);
    for host in &gone {
        cluster.lab.host(host).kill().expect("power off");
    }
    let state = "test -e /run/resource-agents/Dummy-one.state";
    cluster.await_that("it has stopped", || {
        shell(&cluster.lab, last, state).is_err()
    });
    let cib = cluster.run(last, "cibadmin -Q").expect("the CIB");
    assert!(cib.contains("have-quorum=\"0\""), "{cib}");
}

const FENCING: &str = "property stonith-enabled=true stonith-timeout=20s\n\
primitive switch stonith:fence_lab params pcmk_host_list=\"a b c\"\n\
primitive two ocf:lab:lame op stop timeout=5s op monitor interval=2s";

#[test]
fn a_node_is_fenced_whose_stop_fails_or_whose_daemon_is_killed() {
    stuck_or_killed("crmstuck1", Layer::Totem);
}

#[test]
fn so_is_one_over_heartbeat() {
    stuck_or_killed("crmstuck2", Layer::Heartbeat);
}

fn stuck_or_killed(name: &str, layer: Layer) {
    let Some(mut cluster) = Cluster::with_shell(name, layer) else {
        return;
    };
    cluster.start_all();
    cluster.configure_by_shell("a", FENCING);
    cluster.await_that("it runs", || cluster.at("two").len() == 1);
    let owner = cluster.at("two")[0];
    let other = others(owner)[0];
    cluster.on(owner, ": >/run/lame-two.stuck");
    cluster.crm(other, &format!("resource move two {other}"));
    let fenced = format!("Peer {owner} was terminated (reboot)");
    cluster.await_that("its node is fenced", || cluster.logged(&fenced) > 0);
    cluster.await_that("it runs elsewhere", || {
        shell(&cluster.lab, other, "test -e /run/lame-two").is_ok()
    });
    let told = cluster.run(other, "history").expect("a journal");
    let failed = told.find(&format!(
        "stop of two on {owner} FAILED: error (it is stuck)"
    ));
    let fenced = told.find(&format!("{owner} was fenced (reboot)"));
    let started = told.rfind(&format!("start of two on {other}: ok"));
    assert!(
        failed.is_some() && failed < fenced && fenced < started,
        "{told}"
    );

    // Its daemon is killed: nobody knows what it ran, so that its host is fenced, too.
    cluster.start(owner);
    cluster.await_same(&HOSTS, "the return");
    let now = cluster.at("two")[0];
    cluster.on(now, &format!("kill -9 $(cat {})", layer.pid_file()));
    let fenced = format!("Peer {now} was terminated (reboot)");
    cluster.await_that("the host of a killed daemon is fenced", || {
        cluster.logged(&fenced) > 0
    });
    cluster.await_that("it runs elsewhere again", || {
        let at = cluster.at("two");
        at.len() == 1 && at[0] != now
    });
    cluster.end();
}
