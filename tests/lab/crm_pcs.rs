//! A cluster that is configured with the real pcs, through our tools.

use std::path::Path;

use super::{Cluster, HOSTS, Layer};

const CONFIGURATION: [&str; 8] = [
    "property set stonith-enabled=true stonith-timeout=20s",
    "stonith create switch fence_lab pcmk_host_list=a,b,c --force",
    "resource create vip ocf:heartbeat:IPaddr2 ip=10.9.0.100 cidr_netmask=24 --group web",
    "resource create site ocf:heartbeat:Dummy op monitor interval=2s --group web",
    "resource create disk ocf:pacemaker:Stateful promotable",
    "constraint location web prefers b=50",
    "constraint colocation add web with Promoted disk-clone",
    "constraint order promote disk-clone then start web",
];

#[test]
fn pcs_configures_shows_and_changes_the_cluster() {
    if !Path::new("/usr/sbin/pcs").exists() {
        return println!("SKIPPED: pcs is not installed");
    }
    let Some(mut cluster) = Cluster::with_shell("crmpcs", Layer::Totem) else {
        return;
    };
    cluster.start_all();
    let pcs = |host: &str, words: &str| cluster.on(host, &format!("pcs {words}"));
    for words in CONFIGURATION {
        pcs("a", words);
    }
    cluster.await_that("the group runs", || cluster.at("site").len() == 1);
    cluster.await_at("disk", &HOSTS, "the configuration");
    // The promoted role may yet go to another, and the group with it.
    cluster.on("a", "crm_resource --wait -T 60s");
    let owner = cluster.at("site")[0];
    let status = pcs("c", "status");
    for words in [
        "Online: [ a b c ]".to_owned(),
        format!("Promoted: [ {owner} ]"),
        format!("site\t(ocf:heartbeat:Dummy):\t Started {owner}"),
    ] {
        assert!(status.contains(&words), "{words} in\n{status}");
    }
    pcs("b", &format!("node standby {owner}"));
    cluster.await_that("the group has moved", || {
        let at = cluster.at("site");
        at.len() == 1 && at[0] != owner
    });
    pcs("b", &format!("node unstandby {owner}"));
    cluster.await_at("disk", &HOSTS, "unstandby");
    cluster.on("a", "crm_resource --wait -T 60s");

    let owner = cluster.at("site")[0];
    cluster.on(owner, "rm /run/resource-agents/Dummy-site.state");
    let failed = || {
        pcs("a", "resource failcount show site").contains("INFINITY")
            || pcs("a", "resource failcount show site").contains(&format!("{owner}: 1"))
    };
    cluster.await_that("pcs shows the failure", failed);
    pcs("c", "resource cleanup site");
    cluster.await_that("the failure is forgotten", || {
        pcs("a", "resource failcount show site").contains("No failcounts")
    });
    pcs("a", "resource delete disk --force");
    cluster.await_that("the pair is gone", || cluster.at("disk").is_empty());
    cluster.await_that("the group is left", || cluster.at("site").len() == 1);
    cluster.await_same(&HOSTS, "all of it");
    cluster.end();
}
