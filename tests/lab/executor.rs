//! Agents of all classes, what the history says of them, and a daemon that is killed beside them.

#[path = "executor_alerts.rs"]
mod alerts;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::alone::{Alone, Entry, OPTIONS, ORIGINAL, PATIENCE, of, original_is_there, primitive};
use crate::host::{PROGRAM, within};

const INIT_SCRIPT: &[u8] = b"#!/bin/sh\ncase \"$1\" in\nstart) : >/run/$(basename $0).up ;;\n\
stop) rm -f /run/$(basename $0).up ;;\nstatus) [ -e /run/$(basename $0).up ] || exit 3 ;;\nesac\n";

/// What a line of haresources would part with `::`.
const DISK: [(&str, &str); 4] = [
    ("1", "tmpfs"),
    ("2", "/run/disk"),
    ("3", "tmpfs"),
    ("4", "size=1024k"),
];

#[test]
fn resources_of_every_class_start_are_looked_at_and_stop() {
    let Some(mut alone) = Alone::new("exe1", &["a"]) else {
        return;
    };
    let host = alone.lab.host("a");
    for script in ["old", "either"] {
        let path = format!("/etc/init.d/{script}");
        host.write(path, INIT_SCRIPT, 0o755).expect("a file");
    }
    alone.sh("a", "mkdir /run/disk").expect("a folder");
    alone.start("a");
    alone.replace("a", "crm_config", OPTIONS);
    let all = [
        primitive("disk", "heartbeat", "Filesystem", &DISK),
        primitive("init", "lsb", "old", &[("unused", "x")]),
        primitive("any", "service", "either", &[]),
        primitive("new", "ocf:heartbeat", "Dummy", &[]),
        primitive("check", "nagios", "check_lab", &[("port", "80")]),
        primitive("job", "upstart", "tty1", &[]),
        primitive("gone", "lsb", "nowhere", &[]),
    ];
    alone.replace(
        "a",
        "resources",
        &format!("<resources>{}</resources>", all.concat()),
    );
    let cibadmin = format!("{PROGRAM} cibadmin");
    let mut wanted = vec![
        "job_last_0 monitor 5".to_owned(),
        "gone_last_0 monitor 5".to_owned(),
    ];
    for id in ["disk", "init", "any", "new", "check"] {
        wanted.push(format!("{id}_last_0 start 0"));
        wanted.push(format!("{id}_monitor_2000 monitor 0"));
    }
    let words: Vec<&str> = wanted.iter().map(String::as_str).collect();
    alone.await_results("a", &cibadmin, &words);
    // The script got all four parameters before the action.
    let mounted = alone.sh("a", "grep 'tmpfs /run/disk tmpfs' /proc/mounts");
    let mounted = mounted.unwrap_or_default();
    assert!(
        mounted.contains("size=1024k"),
        "{mounted}\n{}",
        alone.log("a")
    );
    for id in ["disk", "init", "any", "new", "check"] {
        let set = "-p target-role -v Stopped --meta";
        alone.tool("a", &format!("crm_resource -r {id} {set}"));
    }
    let wanted: Vec<String> = ["disk", "init", "any", "new", "check"]
        .iter()
        .map(|id| format!("{id}_last_0 stop 0"))
        .collect();
    let words: Vec<&str> = wanted.iter().map(String::as_str).collect();
    alone.await_results("a", &cibadmin, &words);
    let left = alone.sh("a", "ls /run/*.up; grep /run/disk /proc/mounts");
    assert!(left.is_err(), "{left:?}");
    // What the scheduler was asked is there for the original's tools, and not more than is to be.
    let replay = "cd /var/lib/pacemaker/pengine && n=0 && for f in pe-input-*.bz2; do \
        crm_simulate -S -x $f >/dev/null || exit 1; n=$((n + 1)); done; \
        [ $n -gt 3 ] && [ $(cat pe-input.last) = $n ]";
    if Path::new("/usr/sbin/crm_simulate").exists() {
        alone.sh("a", replay).expect("all inputs are replayed");
    }
    alone.end();
}

/// What two histories must have alike: not numbers of calls, times, and who wrote it.
fn comparable(history: &BTreeMap<String, Entry>) -> Vec<String> {
    let alike = [
        "operation_key",
        "operation",
        "exit-reason",
        "on_node",
        "rc-code",
        "op-status",
        "interval",
        "op-digest",
        "op-force-restart",
        "op-restart-digest",
        "op-secure-params",
        "op-secure-digest",
    ];
    let line = |(id, op): (&String, &Entry)| {
        let values = alike.map(|name| format!("{name}={:?}", of(op, name)));
        format!("{id}: {}", values.join(" "))
    };
    history.iter().map(line).collect()
}

#[test]
fn histories_are_those_of_pacemaker() {
    let Some(mut alone) = Alone::new("exe2", &["e", ORIGINAL]) else {
        return;
    };
    if !original_is_there() {
        return alone.end();
    }
    alone.start("e");
    alone.start_original();
    let clusters = [
        (
            "e",
            format!("{PROGRAM} cibadmin"),
            format!("{PROGRAM} crm_resource"),
        ),
        ("p", "cibadmin".to_owned(), "crm_resource".to_owned()),
    ];
    let resources = [
        primitive("h", "ocf:heartbeat", "Dummy", &[("fake", "one")]),
        primitive(
            "p",
            "ocf:pacemaker",
            "Dummy",
            &[("fake", "one"), ("passwd", "x")],
        ),
        "<clone id=\"ms\"><meta_attributes id=\"ms-a\">\
         <nvpair id=\"ms-1\" name=\"promotable\" value=\"true\"/></meta_attributes>\
         <primitive id=\"s\" class=\"ocf\" provider=\"pacemaker\" type=\"Stateful\"><operations>\
         <op id=\"s-m\" name=\"monitor\" interval=\"10s\" role=\"Promoted\" timeout=\"20s\"/>\
         </operations></primitive></clone>"
            .to_owned(),
    ];
    let compare = |wanted: &[&str], after: &str| {
        for (host, cibadmin, _) in &clusters {
            alone.await_results(host, cibadmin, wanted);
        }
        let told = |at: usize| comparable(&alone.history(clusters[at].0, &clusters[at].1));
        let (ours, theirs) = (told(0), told(1));
        assert_eq!(ours, theirs, "after {after}");
        println!("{} results alike after {after}", ours.len());
    };
    for (host, cibadmin, _) in &clusters {
        for (section, xml) in [
            ("crm_config", OPTIONS.to_owned()),
            (
                "resources",
                format!("<resources>{}</resources>", resources.concat()),
            ),
        ] {
            let script = format!("{cibadmin} -R -o {section} -X '{xml}'");
            alone.sh(host, &script).expect("the section is replaced");
        }
    }
    let running = [
        "h_last_0 start 0",
        "h_monitor_2000 monitor 0",
        "p_last_0 start 0",
        "p_monitor_2000 monitor 0",
        "s_last_0 promote 0",
        "s_monitor_10000 monitor 8",
    ];
    compare(&running, "the start");
    let changes = [
        ("-r h -p fake -v two", "a parameter that is reloaded"),
        ("-r p -p passwd -v y", "a secret parameter"),
        (
            "-r p -p state -v /run/other.state",
            "a parameter that needs a restart",
        ),
    ];
    for (change, after) in changes {
        let digests = |at: usize| {
            let history = alone.history(clusters[at].0, &clusters[at].1);
            let ops = history.values();
            ops.map(|op| of(op, "op-digest").to_owned())
                .collect::<Vec<_>>()
        };
        let before = [digests(0), digests(1)];
        for (host, _, crm_resource) in &clusters {
            let done = alone.sh(host, &format!("{crm_resource} {change}"));
            done.expect("the parameter is set");
        }
        let changed = || [0, 1].iter().all(|at| digests(*at) != before[*at]);
        assert!(
            within(PATIENCE, changed),
            "after {after}\n{}",
            alone.log("e")
        );
        std::thread::sleep(Duration::from_secs(2));
        compare(&running, after);
    }
    let log = alone.log("e");
    for (id, action) in [("h", "reload-agent"), ("p", "reload-agent"), ("p", "stop")] {
        let words = format!("Result of {action} operation for {id} on a: ok");
        assert!(log.contains(&words), "{words}\n{log}");
    }
    assert!(!log.contains("Result of stop operation for h"), "{log}");
    alone.end();
}

#[test]
fn what_a_killed_daemon_left_running_is_taken_over_as_it_is() {
    let Some(mut alone) = Alone::new("exe3", &["a"]) else {
        return;
    };
    alone.start("a");
    alone.replace("a", "crm_config", OPTIONS);
    let quick = primitive("quick", "ocf:lab", "counted", &[("wanted", "1")]);
    alone.replace("a", "resources", &format!("<resources>{quick}</resources>"));
    let cibadmin = format!("{PROGRAM} cibadmin");
    let running = ["quick_last_0 start 0", "quick_monitor_2000 monitor 0"];
    alone.await_results("a", &cibadmin, &running);

    // Killed and started: found by a probe, watched again, not touched.
    alone.kill("a", "9");
    alone.start("a");
    let found = ["quick_last_0 monitor 0", "quick_monitor_2000 monitor 0"];
    alone.await_results("a", &cibadmin, &found);
    let looks = alone.counted("a", "end monitor quick 0");
    let watched = || alone.counted("a", "end monitor quick 0") > looks + 1;
    assert!(within(PATIENCE, watched), "{}", alone.log("a"));
    assert_eq!(alone.counted("a", "begin start quick"), 1);
    assert_eq!(alone.counted("a", "begin stop quick"), 0);

    // The change of a parameter is known of what was taken over, too.
    alone.tool("a", "crm_resource -r quick -p wanted -v 2");
    let reloaded = || alone.counted("a", "end reload-agent quick 0") == 1;
    assert!(within(PATIENCE, reloaded), "{}", alone.log("a"));
    assert_eq!(alone.counted("a", "begin stop quick"), 0);

    // It left in order while nothing was to be touched: the resource stays, and is known again.
    alone.tool("a", "crm_attribute -n maintenance-mode -v true");
    alone.kill("a", "TERM");
    assert!(alone.sh("a", "ls /run/counted-quick").is_ok());
    alone.start("a");
    alone.await_results("a", &cibadmin, &["quick_last_0 monitor 0"]);
    alone.tool("a", "crm_attribute -n maintenance-mode -v false");
    alone.await_results("a", &cibadmin, &found);
    assert_eq!(alone.counted("a", "begin start quick"), 1);
    assert_eq!(alone.counted("a", "begin stop quick"), 0);

    // Killed while it starts: the next daemon waits for that start, and makes no other.
    let slow = primitive("slow", "ocf:lab", "counted", &[("delay", "4")]);
    alone.replace(
        "a",
        "resources",
        &format!("<resources>{quick}{slow}</resources>"),
    );
    let begun = || alone.counted("a", "begin start slow") == 1;
    assert!(within(PATIENCE, begun), "{}", alone.log("a"));
    alone.kill("a", "9");
    alone.start("a");
    alone.await_results("a", &cibadmin, &["slow_last_0 monitor 0"]);
    assert_eq!(alone.counted("a", "begin start slow"), 1);
    assert!(
        alone
            .log("a")
            .contains("start of slow goes on since before")
    );
    assert_eq!(alone.counted("a", "begin stop"), 0);

    // What it took over fails: then it is started again.
    alone.sh("a", "rm /run/counted-quick").expect("it ran");
    let again = || alone.counted("a", "end start quick 0") == 2;
    assert!(within(PATIENCE, again), "{}", alone.log("a"));
    alone.end();
}

#[test]
fn a_running_cluster_keeps_to_the_schema_and_upgrades() {
    let Some(mut alone) = Alone::new("exe4", &["a"]) else {
        return;
    };
    alone.start("a");
    alone.replace("a", "crm_config", OPTIONS);
    let create = "cibadmin -C -o resources -X '<primitive id=\"h2\"/>'";
    let script = format!("{PROGRAM} {create} >/tmp/out 2>/tmp/err; echo $?; cat /tmp/err");
    let told = alone.sh("a", &script).expect("it runs");
    let refused = "Call cib_create failed: Update does not conform to the configured schema";
    assert!(told.starts_with("78\n") && told.contains(refused), "{told}");
    let rejected = alone.sh("a", "cat /tmp/out").unwrap_or_default();
    assert!(rejected.contains("<primitive id=\"h2\"/>"), "{rejected}");
    let cib = alone.tool("a", "cibadmin -Q");
    assert!(!cib.contains("h2"), "{cib}");
    let unneeded = alone.tool("a", "cibadmin --upgrade --force");
    let words = "Upgrade unnecessary: Schema is already the latest available";
    assert_eq!(unneeded, words);
    let old = "cibadmin -M -X '<cib validate-with=\"pacemaker-2.10\"/>'";
    alone.tool("a", old);
    let first = |cib: &str| cib.lines().next().unwrap_or_default().to_owned();
    let before = first(&alone.tool("a", "cibadmin -Q"));
    assert!(
        before.contains("validate-with=\"pacemaker-2.10\""),
        "{before}"
    );
    alone.tool("a", "cibadmin --upgrade --force");
    let after = first(&alone.tool("a", "cibadmin -Q"));
    assert!(after.contains("validate-with=\"pacemaker-3.9\""), "{after}");
    alone.end();
}
