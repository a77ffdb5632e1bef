//! pacemaker 2.1.5 on two real nodes, our node without a CRM in their ring: whatever ours does,
//! nothing moves there.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use everbeat::cib;

use super::groups::over;
use super::{HOSTS, Ring, Transport, rounds, within_patience};
use crate::host::{shell, within};

/// Where pacemaker runs.
const PACEMAKER: [&str; 2] = ["b", "c"];
const LOG: &str = "/var/log/pacemaker/pacemaker.log";

const OPTIONS: &str = "<crm_config><cluster_property_set id=\"cib-bootstrap-options\">\
    <nvpair id=\"o1\" name=\"stonith-enabled\" value=\"false\"/>\
    </cluster_property_set></crm_config>";
const RESOURCES: &str = "<resources><primitive id=\"d\" class=\"ocf\" provider=\"pacemaker\" \
    type=\"Dummy\"><operations><op id=\"d-m\" name=\"monitor\" interval=\"1s\"/></operations>\
    </primitive></resources>";

/// What must stay as it is.
#[derive(Debug, PartialEq, Eq)]
struct Picture {
    dc: String,
    /// Nodes that are online, and where the resource runs.
    nodes: Vec<String>,
    holder: Vec<String>,
    /// All results of operations, with the times of their last change.
    results: Vec<String>,
}

/// As a node's own crm_mon and CIB have it.
fn picture(ring: &Ring<'_>, host: &str) -> Option<Picture> {
    let read = |tool: &str| cib::read(&shell(ring.lab, host, tool).ok()?).ok();
    let seen = read("crm_mon -1 --output-as=xml")?;
    let all = |name: &str, keys: &[&str]| {
        let found = seen.descendants(seen.root());
        let found = found.filter(|node| seen.name(*node) == name);
        let line = |node| {
            let value = |key: &&str| seen.attr(node, key).unwrap_or("-").to_owned();
            keys.iter().map(value).collect::<Vec<_>>().join(" ")
        };
        found.map(line).collect::<Vec<_>>()
    };
    let of_status = read("cibadmin -Q -o status")?;
    let results = of_status.descendants(of_status.root());
    let results = results.filter(|node| of_status.name(*node) == "lrm_rsc_op");
    let keys = [
        "id",
        "on_node",
        "call-id",
        "rc-code",
        "op-status",
        "last-rc-change",
    ];
    let line = |node| {
        let value = |key: &str| of_status.attr(node, key).unwrap_or("-").to_owned();
        keys.map(value).join(" ")
    };
    Some(Picture {
        dc: all("current_dc", &["name", "with_quorum"]).pop()?,
        nodes: all(
            "node",
            &["name", "online", "pending", "unclean", "resources_running"],
        )
        .into_iter()
        .filter(|node| !node.starts_with("a "))
        .collect(),
        holder: all("resource", &["id", "role", "active", "failed", "managed"]),
        results: results.map(line).collect(),
    })
}

fn start_pacemaker(ring: &Ring<'_>) -> Vec<Child> {
    let start = |host: &str| {
        shell(ring.lab, host, "mkdir -p /var/log/pacemaker").expect("a folder");
        let mut command = ring.lab.host(host).background("pacemakerd");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the daemon starts")
    };
    PACEMAKER.map(start).into()
}

fn told(ring: &Ring<'_>) -> String {
    let tell = |host: &str| {
        let log = ring.lab.host(host).read(LOG).unwrap_or_default();
        let seen = shell(ring.lab, host, "crm_mon -1 -o -t 2>&1");
        let log: Vec<&str> = log.lines().collect();
        let end = log[log.len().saturating_sub(60)..].join("\n");
        format!("--- {host}\n{seen:?}\n{end}")
    };
    PACEMAKER.map(tell).join("\n")
}

/// Lines of the logs that speak of trouble.
fn troubles(ring: &Ring<'_>) -> Vec<String> {
    let words = [" error: ", " crit: ", "ransition failed", "fencing"];
    let of_host = |host: &str| {
        let log = ring.lab.host(host).read(LOG).unwrap_or_default();
        let bad = log.lines();
        let bad = bad.filter(|line| words.iter().any(|word| line.contains(word)));
        bad.map(|line| format!("{host}: {line}"))
            .collect::<Vec<_>>()
    };
    PACEMAKER.into_iter().flat_map(of_host).collect()
}

/// The same picture on both nodes, with a DC and the resource at work; nothing under way.
fn settled(ring: &Ring<'_>) -> Option<Picture> {
    let [one, other] = PACEMAKER.map(|host| picture(ring, host));
    let idle = shell(ring.lab, "b", "crm_resource --wait --timeout=1s").is_ok();
    let runs = |p: &Picture| p.holder == ["d Started true false true"];
    one.filter(|one| other.as_ref() == Some(one) && runs(one) && idle)
}

#[test]
fn pacemaker_runs_on_undisturbed_beside_a_node_of_ours() {
    if !Path::new("/usr/sbin/pacemakerd").exists() {
        println!("SKIPPED: pacemaker is not installed");
        return;
    }
    over("pacemaker", &["a"], Transport::Udpu, |ring| {
        let mut running = start_pacemaker(ring);
        let configured = within(Duration::from_secs(60), || {
            let script = format!(
                "crm_mon -1 | grep -q 'Online: \\[ b c \\]' && cibadmin -R -o crm_config -X \
                 '{OPTIONS}' && cibadmin -R -o resources -X '{RESOURCES}'"
            );
            shell(ring.lab, "b", &script).is_ok()
        });
        assert!(configured, "{}", told(ring));
        let mut before = None;
        let came = within(Duration::from_secs(60), || {
            before = settled(ring);
            before.is_some()
        });
        assert!(came, "{}", told(ring));
        println!("{before:?}");
        let bad = troubles(ring);
        let unmoved = |after: &str| {
            std::thread::sleep(Duration::from_secs(3));
            let mut now = None;
            let same = within_patience(|| {
                now = settled(ring);
                now == before
            });
            assert!(
                same,
                "after {after}: {now:?}, not {before:?}\n{}",
                told(ring)
            );
            let more = troubles(ring);
            assert_eq!(more, bad, "after {after}\n{}", told(ring));
        };
        unmoved("a look at nothing");
        let us = ring.lab.host("a");
        for round in 0..rounds(2) {
            shell(ring.lab, "a", "kill $(cat /run/corosync.pid)").expect("a signal");
            ring.agree(&PACEMAKER, "our leave");
            unmoved("our leave");
            running.push(ring.start("a"));
            ring.agree(&HOSTS, "our start");
            unmoved("our start");
            us.kill().expect("power off");
            ring.agree(&PACEMAKER, "our death");
            unmoved("our death");
            us.boot().expect("power on");
            running.push(ring.start("a"));
            ring.agree(&HOSTS, "our return");
            unmoved("our return");
            ring.pause("a");
            unmoved("our pause");
            println!("round {round}: nothing moved");
        }
    });
}
