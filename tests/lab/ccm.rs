//! The consensus membership beside heartbeat's own ccm: all nodes tell the same.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::{Cluster, Config, Software};
use crate::host::{PROGRAM, shell, within};

use Software::{Everbeat, Heartbeat};

const CCM: &str = "/usr/libexec/heartbeat/ccm";
const ALL: [&str; 3] = ["a", "b", "c"];
/// Merging takes real nodes longest: dead time, two rounds of votes, questions that time out.
const PATIENCE: Duration = Duration::from_secs(90);

/// Configured hosts; None where that can't be.
fn cluster(name: &str, software: &[Software], more: &str) -> Option<Cluster> {
    if !Path::new(CCM).exists() {
        println!("SKIPPED: heartbeat's ccm is not installed");
        return None;
    }
    let config = Config {
        more: more.to_owned(),
        keepalive_ms: 300,
        ..Config::default()
    };
    Cluster::new(name, software, config)
}

/// The same, started.
fn started(name: &str, software: &[Software], more: &str) -> Option<Cluster> {
    let cluster = cluster(name, software, more)?;
    cluster.start_all();
    Some(cluster)
}

/// What a host says of its membership.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    instance: u64,
    quorum: bool,
    /// With the instance at which each came.
    members: Vec<(String, u64)>,
}

fn told(cluster: &Cluster, host: &str) -> Option<Told> {
    // Exit codes 3 and 4 are answers, too.
    let script = format!("{PROGRAM} members --json || [ $? -gt 2 ]");
    let text = shell(&cluster.lab, host, &script).ok()?;
    let told: Value = serde_json::from_str(&text).ok()?;
    let member = |node: &Value| {
        let born = node["born"].as_u64()?;
        Some((node["name"].as_str()?.to_owned(), born))
    };
    let members = told["nodes"].as_array()?.iter().filter_map(member);
    let holds = told["state"] == "member";
    holds.then_some(Told {
        instance: told["instance"].as_u64()?,
        quorum: told["quorum"].as_bool()?,
        members: members.collect(),
    })
}

/// Waits until these hosts tell one membership, made of them, with quorum if they are most.
fn agree(cluster: &Cluster, hosts: &[&str], after: &str) {
    let start = Instant::now();
    let mut all = Vec::new();
    let came = within(PATIENCE, || {
        std::thread::sleep(Duration::from_millis(100));
        all = hosts.iter().map(|host| told(cluster, host)).collect();
        let Some(Some(first)) = all.first() else {
            return false;
        };
        let names: Vec<&str> = first
            .members
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let most = hosts.len() > 1;
        names == hosts && first.quorum == most && all.iter().all(|one| *one == all[0])
    });
    let kinds: String = cluster.software.iter().map(|s| letter(*s)).collect();
    println!(
        "{kinds}: {after}: {hosts:?} agree after {:.1?}",
        start.elapsed()
    );
    assert!(came, "{after}: {hosts:?}: {all:?}\n{}", cluster.logs());
}

fn letter(software: Software) -> char {
    if software == Everbeat { 'e' } else { 'h' }
}

fn others(host: &str) -> Vec<&'static str> {
    ALL.into_iter().filter(|other| *other != host).collect()
}

/// Each node dies, and leaves, and comes again.
fn deaths_and_leaves(name: &str, software: [Software; 3]) {
    deaths_and_leaves_with(name, software, "crm ccm-only\n");
}

fn deaths_and_leaves_with(name: &str, software: [Software; 3], more: &str) {
    let Some(cluster) = started(name, &software, more) else {
        return;
    };
    agree(&cluster, &ALL, "start");
    for host in ALL {
        cluster.lab.host(host).kill().expect("power off");
        agree(&cluster, &others(host), &format!("{host} died"));
        cluster.lab.host(host).boot().expect("power on");
        cluster.start(host);
        agree(&cluster, &ALL, &format!("{host} came again"));
        cluster.stop(host);
        cluster.await_end(host);
        agree(&cluster, &others(host), &format!("{host} left"));
        cluster.start(host);
        agree(&cluster, &ALL, &format!("{host} started"));
    }
}

/// Each node is cut off and joined again.
fn partitions_and_merges(name: &str, software: [Software; 3]) {
    partitions_and_merges_with(name, software, "crm ccm-only\n");
}

fn partitions_and_merges_with(name: &str, software: [Software; 3], more: &str) {
    let Some(cluster) = started(name, &software, more) else {
        return;
    };
    agree(&cluster, &ALL, "start");
    for host in ALL {
        cluster.lab.host(host).cut(0).expect("the cable");
        agree(&cluster, &others(host), &format!("{host} cut off"));
        agree(&cluster, &[host], &format!("{host} alone"));
        cluster.lab.host(host).join(0).expect("the cable");
        agree(&cluster, &ALL, &format!("{host} back"));
    }
}

/// The last by name leads those who start together: once ours, once heartbeat's.
#[test]
fn membership_goes_through_deaths_and_leaves_as_heartbeats() {
    std::thread::scope(|scope| {
        scope.spawn(|| deaths_and_leaves("ccm-ehh", [Everbeat, Heartbeat, Heartbeat]));
        scope.spawn(|| deaths_and_leaves("ccm-hhe", [Heartbeat, Heartbeat, Everbeat]));
    });
}

#[test]
fn membership_goes_through_partitions_and_merges_as_heartbeats() {
    std::thread::scope(|scope| {
        scope.spawn(|| partitions_and_merges("ccm-cut-ehh", [Everbeat, Heartbeat, Heartbeat]));
        scope.spawn(|| partitions_and_merges("ccm-cut-hhe", [Heartbeat, Heartbeat, Everbeat]));
    });
}

/// With haresources, where real nodes start ccm by `respawn`.
#[test]
fn membership_of_respawned_ccm_goes_through_faults() {
    let respawn = format!("respawn hacluster {CCM}\n");
    let software = [Everbeat, Heartbeat, Heartbeat];
    std::thread::scope(|scope| {
        scope.spawn(|| deaths_and_leaves_with("ccm-resp", software, &respawn));
        scope.spawn(|| partitions_and_merges_with("ccm-resp-cut", software, &respawn));
    });
}

/// The other pairings, and three real ones to compare times with.
#[test]
#[ignore = "minutes; part of tests/run --full"]
fn membership_goes_through_faults_in_other_pairings() {
    let pairings = [
        ("eee", [Everbeat, Everbeat, Everbeat]),
        ("eeh", [Everbeat, Everbeat, Heartbeat]),
        ("hee", [Heartbeat, Everbeat, Everbeat]),
        ("hhh", [Heartbeat, Heartbeat, Heartbeat]),
    ];
    for (letters, software) in pairings {
        deaths_and_leaves(&format!("ccm-{letters}"), software);
        partitions_and_merges(&format!("ccm-cut-{letters}"), software);
    }
}

/// Half of two nodes has no quorum where ha.cf leaves out the rule that gives it to them: the
/// same line counts for both.
#[test]
fn quorum_rules_of_ha_cf_count_on_both() {
    let more = "crm ccm-only\nenv quorum=majority\n";
    let Some(cluster) = started("ccm-quorum", &[Everbeat, Heartbeat], more) else {
        return;
    };
    agree(&cluster, &["a", "b"], "start");
    for (dead, left) in [("a", "b"), ("b", "a")] {
        cluster.lab.host(dead).kill().expect("power off");
        let alone =
            || told(&cluster, left).is_some_and(|told| !told.quorum && told.members.len() == 1);
        assert!(within(PATIENCE, alone), "{left}\n{}", cluster.logs());
        cluster.lab.host(dead).boot().expect("power on");
        cluster.start(dead);
        agree(&cluster, &["a", "b"], &format!("{dead} came again"));
    }
}

/// A cluster with haresources and ccm by respawn: our node runs its own, and heartbeat's
/// test client hears of it what it hears of the real one.
#[test]
fn respawned_ccm_is_built_in_and_serves_heartbeats_client() {
    let respawn = format!("respawn hacluster {CCM}\n");
    let software = [Everbeat, Heartbeat, Heartbeat];
    let Some(cluster) = started("ccm-respawn", &software, &respawn) else {
        return;
    };
    agree(&cluster, &ALL, "start");
    let client = "timeout 3 /usr/libexec/heartbeat/ccm_testclient 2>&1 || true";
    // What follows time, program and process in a line.
    let heard = |host: &str| {
        let text = cluster.run(host, client);
        let said = text.lines().filter_map(|line| line.split_once("info: "));
        let said: Vec<String> = said.map(|(_, said)| said.trim().to_owned()).collect();
        said
    };
    let (ours, theirs) = (heard("a"), heard("b"));
    println!("{}", ours.join("\n"));
    assert_eq!(ours, theirs);
    assert!(
        ours.iter().any(|line| line == "event=NEW MEMBERSHIP:"),
        "{ours:#?}"
    );
    let members = ours.iter().filter(|line| line.starts_with("nodeid="));
    // Each is named among the members and among the new ones.
    assert_eq!(members.count(), 6, "{ours:#?}");
    assert_eq!(cluster.logged("a", "Starting child client"), 0);
}

/// Our node has no line for ccm, the others have: they get their membership, and ours says why
/// it has none.
#[test]
fn a_node_without_ccm_breaks_no_membership() {
    let respawn = format!("respawn hacluster {CCM}\n");
    let software = [Everbeat, Heartbeat, Heartbeat];
    let Some(cluster) = cluster("ccm-outside", &software, &respawn) else {
        return;
    };
    let mut without = cluster.config.clone();
    without.more.clear();
    cluster.configure("a", &without, "a IPaddr2::10.8.0.100/24/eth0\n");
    cluster.start_all();
    agree(&cluster, &["b", "c"], "start");
    cluster.lab.host("c").kill().expect("power off");
    agree(&cluster, &["b"], "c died");
    assert_eq!(cluster.logged("a", "runs ccm and this node doesn't"), 1);
    let said = shell(&cluster.lab, "a", &format!("{PROGRAM} members")).unwrap_err();
    assert!(said.contains("takes part in no membership"), "{said}");
}

/// A member that runs no CRM is named and waited for; nothing that the others tell one another
/// disturbs it.
#[test]
fn a_real_member_without_our_crm_is_waited_for() {
    let software = [Everbeat, Everbeat, Heartbeat];
    let Some(cluster) = cluster("ccm-crm", &software, "crm ccm-only\n") else {
        return;
    };
    for host in ["a", "b"] {
        let config = Config {
            more: "crm respawn\n".into(),
            ..cluster.config.clone()
        };
        cluster.configure(host, &config, "");
    }
    cluster.start_all();
    agree(&cluster, &ALL, "start");
    let errors = cluster.logged("c", "ERROR");
    let named = || cluster.logged("a", "c is a member and its CRM doesn't answer") == 1;
    assert!(within(PATIENCE, named), "{}", cluster.logs());
    assert_eq!(cluster.logged("c", "ERROR"), errors, "{}", cluster.logs());
    let led = |host: &str| {
        let dc = cluster.run(host, &format!("{PROGRAM} crmadmin -D 2>&1 || true"));
        dc.contains("Controller is: a") || dc.contains("Controller is: b")
    };
    assert!(!led("a") && !led("b"), "it may hold what they would start");
    cluster.stop("c");
    cluster.await_end("c");
    agree(&cluster, &["a", "b"], "c left");
    let both = within(PATIENCE, || led("a") && led("b"));
    assert!(both, "{}", cluster.logs());
}
