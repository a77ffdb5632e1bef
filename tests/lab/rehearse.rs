//! `everbeat migrate rehearse`: clusters of files, migrated on hosts of a lab.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::cluster::HEARTBEAT;
use crate::host::{program, refused};

/// Files of nodes, and where labs are made.
struct Cluster {
    folder: tempfile::TempDir,
    nodes: Vec<&'static str>,
}

impl Cluster {
    fn new(nodes: &[&'static str], failback: &str, groups: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let cluster = Self {
            folder,
            nodes: nodes.to_vec(),
        };
        let ha_cf = format!(
            "logfacility local0\nkeepalive 250ms\ndeadtime 3\ninitdead 60\nudpport 694\n\
             bcast bond0\nauto_failback {failback}\nnode {}\n",
            nodes.join(" ")
        );
        for node in nodes {
            let dir = cluster.dir(node);
            std::fs::create_dir(&dir).expect("a folder");
            for (name, text) in [
                ("ha.cf", &*ha_cf),
                ("haresources", groups),
                ("authkeys", "auth 1\n1 sha1 a-key-that-nobody-guesses\n"),
            ] {
                std::fs::write(dir.join(name), text).expect("a file");
            }
        }
        cluster
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The report, and the exit code; none where nobody can make a lab.
    fn rehearse(&self, args: &[&str]) -> Option<(Value, i32)> {
        let mut command = Command::new(program());
        command.args(["migrate", "rehearse", "--format", "json", "--root"]);
        command.arg(self.dir("labs"));
        for node in &self.nodes {
            let from = format!("{node}={}", self.dir(node).display());
            command.args(["--from", &from]);
        }
        let output = command.args(args).output().expect("everbeat runs");
        let said = String::from_utf8_lossy(&output.stderr);
        if refused(&said) {
            println!("SKIPPED: {said}");
            return None;
        }
        let report = serde_json::from_slice(&output.stdout);
        let report = report.unwrap_or_else(|e| panic!("{e}: {said}"));
        let code = output.status.code().expect("it ends");
        if code != 0 {
            println!("{said}");
        }
        Some((report, code))
    }

    /// Rehearses; all must be well.
    fn succeeds(&self, args: &[&str]) -> Option<Value> {
        let (report, code) = self.rehearse(args)?;
        assert_eq!(report["problems"], Value::Array(Vec::new()), "{args:?}");
        assert_eq!(code, 0, "{args:?}");
        let row = |row: &Value| row["gaps"].as_array().cloned().unwrap_or_default();
        let rows = report["timeline"]["rows"].as_array().expect("rows");
        let gaps: Vec<_> = rows.iter().flat_map(row).collect();
        let told = gaps.iter().map(|g| format!("{} {}", g["cause"], g["ms"]));
        let seconds = report["timeline"]["end_us"].as_u64().expect("a time") / 1_000_000;
        println!("{args:?}: {seconds} s, gaps {:?}", told.collect::<Vec<_>>());
        Some(report)
    }
}

fn has_heartbeat() -> bool {
    let there = Path::new(HEARTBEAT).exists();
    if !there {
        println!("SKIPPED: heartbeat is not installed");
    }
    there
}

const TWO_GROUPS: &str = "a IPaddr2::192.168.5.10/24/bond0 Filesystem::/dev/sdb1::/data::ext4\n\
                          b 192.168.5.11/24/bond0\n";

#[test]
fn two_nodes_of_heartbeat_lose_power_before_during_and_after_and_go_back() {
    if !has_heartbeat() {
        return;
    }
    let cluster = Cluster::new(&["a", "b"], "on", TWO_GROUPS);
    let output = cluster.dir("out");
    let output = output.to_str().expect("UTF-8");
    let Some(report) = cluster.succeeds(&["--back", "after", "--output", output]) else {
        return;
    };
    assert_eq!(report["old"], "heartbeat");
    assert_eq!(report["resources"].as_array().map(Vec::len), Some(3));
    let rows = report["timeline"]["rows"].as_array().expect("rows");
    let causes = |row: &Value| {
        let gaps = row["gaps"].as_array().cloned().unwrap_or_default();
        let of = |what: &str| gaps.iter().filter(|g| g["cause"] == what).count();
        (of("power_off"), of("unexplained"))
    };
    let power_offs = causes(&rows[0]).0;
    assert_eq!(power_offs, 3, "before, during and after: {rows:#?}");
    let page = std::fs::read_to_string(cluster.dir("out/rehearsal.html")).expect("a page");
    assert!(page.contains("<svg") && page.contains("fs-data"), "{page}");
    assert!(!page.contains("http"), "it needs no other file");
    let json = std::fs::read(cluster.dir("out/rehearsal.json")).expect("a file");
    let json: Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json, report);
}

#[test]
fn real_agents_are_watched() {
    if !Path::new("/usr/lib/ocf/resource.d/heartbeat/IPaddr2").exists() {
        println!("SKIPPED: resource-agents is not installed");
        return;
    }
    let cluster = Cluster::new(&["a", "b"], "off", "a IPaddr2::192.168.5.10/24/bond0\n");
    let args = ["--real-agents", "--old", "everbeat", "--power-off", "after"];
    let Some(report) = cluster.succeeds(&args) else {
        return;
    };
    let notes = report["notes"].to_string();
    assert!(notes.contains("192.168.5.10 is 10.77.1.1"), "{notes}");
    let held = report["timeline"]["rows"][0]["held"]
        .as_array()
        .map(Vec::len);
    assert!(held >= Some(2), "{report}");
}

#[test]
#[ignore = "full matrix: apply waits two minutes for the CRM to agree"]
fn what_goes_wrong_is_told() {
    let cluster = Cluster::new(&["a", "b"], "off", "a 192.168.5.10/24/bond0\n");
    let plan = cluster.dir("plan");
    let mut command = Command::new(program());
    let from = |node: &str| format!("{node}={}", cluster.dir(node).display());
    command.args([
        "migrate",
        "plan",
        "--from",
        &from("a"),
        "--from",
        &from("b"),
    ]);
    let planned = command
        .arg("--output")
        .arg(&plan)
        .output()
        .expect("everbeat runs");
    assert_ne!(planned.status.code(), Some(2));
    // A preference for the node that doesn't have it: the CRM would move it.
    let file = plan.join("cib.xml");
    let cib = std::fs::read_to_string(&file).expect("a CIB");
    let moved = cib
        .replace("node=\"a\"", "node=\"b\"")
        .replace("\"200\"", "\"0\"");
    assert_ne!(moved, cib);
    std::fs::write(&file, moved).expect("written");
    let plan = plan.to_str().expect("UTF-8");
    let args = ["--old", "everbeat", "--plan", plan, "--power-off", "none"];
    let Some((report, code)) = cluster.rehearse(&args) else {
        return;
    };
    assert_eq!(code, 1, "{report}");
    let problems = report["problems"].to_string();
    assert!(problems.contains("the CRM would do this"), "{problems}");
    assert_eq!(report["timeline"]["twice"], Value::Array(Vec::new()));
}

const STEPS: [&str; 10] = [
    "everbeat", "put", "ring", "load", "probe", "switch", "hold", "look", "leave", "manage",
];

/// The whole matrix; without it a selection.
fn full() -> bool {
    std::env::var_os("EVERBEAT_FULL").is_some()
}

/// What plays the old cluster: heartbeat itself where its replacement matters.
fn old(step: &str) -> &'static str {
    match step {
        "everbeat" if Path::new(HEARTBEAT).exists() => "heartbeat",
        _ => "everbeat",
    }
}

#[test]
fn each_node_may_lose_power_at_each_step() {
    let selection = [("everbeat", "b"), ("hold", "a"), ("leave", "a")];
    let all = STEPS.iter().flat_map(|s| [(*s, "a"), (*s, "b")]);
    let cases: Vec<_> = match full() {
        true => all.collect(),
        false => selection.to_vec(),
    };
    let cluster = Cluster::new(&["a", "b"], "off", TWO_GROUPS);
    for (step, node) in cases {
        let off = format!("{step}={node}");
        let done = cluster.succeeds(&["--old", old(step), "--power-off", &off]);
        if done.is_none() {
            return;
        }
    }
}

#[test]
fn one_of_three_nodes_may_lose_power_at_each_step() {
    let cases: Vec<(&str, &str)> = match full() {
        true => STEPS
            .iter()
            .flat_map(|s| ["a", "b", "c"].map(|n| (*s, n)))
            .collect(),
        false => vec![("switch", "c"), ("look", "a")],
    };
    let groups = "a 192.168.5.10/24/bond0 web\n";
    let cluster = Cluster::new(&["a", "b", "c"], "off", groups);
    for (step, node) in cases {
        let off = format!("{step}={node}");
        if cluster
            .succeeds(&["--old", "everbeat", "--power-off", &off])
            .is_none()
        {
            return;
        }
    }
}

#[test]
fn from_each_step_there_is_a_way_back() {
    let selection = ["everbeat", "hold", "manage"];
    let steps = match full() {
        true => STEPS.to_vec(),
        false => selection.to_vec(),
    };
    let cluster = Cluster::new(&["a", "b"], "off", TWO_GROUPS);
    for step in steps {
        let args = ["--old", old(step), "--power-off", "none", "--back", step];
        if cluster.succeeds(&args).is_none() {
            return;
        }
    }
}

#[test]
fn three_nodes_go_back_from_each_step() {
    let steps = match full() {
        true => STEPS.to_vec(),
        false => vec!["leave"],
    };
    let groups = "a 192.168.5.10/24/bond0 web\nb 192.168.5.11/24/bond0\nc mail\n";
    let cluster = Cluster::new(&["a", "b", "c"], "off", groups);
    for step in steps {
        let args = ["--old", "everbeat", "--power-off", "none", "--back", step];
        if cluster.succeeds(&args).is_none() {
            return;
        }
    }
}
