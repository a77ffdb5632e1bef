//! Tools that need a running cluster: on the original's and on ours, the same command lines; and
//! what resource agents do with transient attributes.

use crate::alone::{Alone, OPTIONS, ORIGINAL, PATIENCE, original_is_there, primitive};
use crate::host::{PROGRAM, within};

const LINES: &str = include_str!("live_lines.txt");

/// What differs, and why.
const ALLOWED: &[(&str, &str)] = &[(
    "warning: wait option may not work properly",
    "the original takes its own DC for one of another version on some builds",
)];

fn dummy(id: &str) -> String {
    format!(
        "<primitive id=\"{id}\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\">\
         <operations><op id=\"{id}-m\" name=\"monitor\" interval=\"10s\" timeout=\"20s\"/>\
         </operations></primitive>"
    )
}

fn resources() -> String {
    format!(
        "<resources>{}<group id=\"G\">{}{}</group><clone id=\"C\">{}</clone></resources>",
        dummy("A"),
        dummy("g1"),
        dummy("g2"),
        dummy("D")
    )
}

/// Links to our tools under their own names, before the machine's.
fn tools(alone: &Alone, host: &str) {
    let links = format!("mkdir -p /run/tools && {PROGRAM} links /run/tools");
    alone.sh(host, &links).expect("links are made");
}

/// Runs a line of shell with the tools of that host; output, errors and exit code.
fn run(alone: &Alone, host: &str, line: &str) -> String {
    let path = match host == ORIGINAL {
        true => "",
        false => "PATH=/run/tools:$PATH; export PATH; ",
    };
    let script = format!("{path}( {line} ) 2>&1; echo \"exit $?\"");
    let said = alone.sh(host, &script).expect("a shell runs");
    let allowed = |line: &&str| !ALLOWED.iter().any(|(start, _)| line.starts_with(start));
    let lines: Vec<&str> = said.lines().filter(allowed).collect();
    // A help before a complaint is a text of its own.
    match lines.iter().any(|line| line.starts_with("Usage:")) {
        true => lines[lines.len().saturating_sub(2)..].join("\n"),
        false => lines.join("\n"),
    }
}

#[test]
fn tools_of_a_running_cluster_say_what_the_originals_say() {
    let Some(mut alone) = Alone::new("live1", &["e", ORIGINAL]) else {
        return;
    };
    if !original_is_there() {
        return alone.end();
    }
    alone.start("e");
    alone.start_original();
    tools(&alone, "e");
    let hosts = ["e", ORIGINAL];
    for host in hosts {
        for (section, xml) in [
            ("crm_config", OPTIONS.to_owned()),
            ("resources", resources()),
        ] {
            let done = run(
                &alone,
                host,
                &format!("cibadmin -R -o {section} -X '{xml}'"),
            );
            assert_eq!(done, "exit 0");
        }
        let settled = || run(&alone, host, "crm_resource -W -r g2").contains("running on: a");
        assert!(within(PATIENCE, settled), "{}", alone.log("e"));
    }
    let (mut same, mut different) = (0, Vec::new());
    for line in LINES.lines().filter(|line| !line.starts_with('#')) {
        let [ours, theirs] = hosts.map(|host| run(&alone, host, line));
        match ours == theirs {
            true => same += 1,
            false => different.push(format!("{line}\n  theirs: {theirs}\n  ours:   {ours}")),
        }
    }
    println!("{same} the same, {} different", different.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
    alone.end();
}

/// A rule that keeps a resource off a node without the attribute, or with one below 1.
fn needs(resource: &str, attribute: &str) -> String {
    format!(
        "<rsc_location id=\"l-{resource}\" rsc=\"{resource}\">\
         <rule id=\"r-{resource}\" score=\"-INFINITY\" boolean-op=\"or\">\
         <expression id=\"r-{resource}-1\" attribute=\"{attribute}\" operation=\"not_defined\"/>\
         <expression id=\"r-{resource}-2\" attribute=\"{attribute}\" operation=\"lt\" \
         type=\"number\" value=\"1\"/></rule></rsc_location>"
    )
}

#[test]
fn agents_set_attributes_and_rules_follow_them() {
    let Some(mut alone) = Alone::new("live2", &["a"]) else {
        return;
    };
    alone.start("a");
    tools(&alone, "a");
    let peer = "ip address add 10.9.1.77/32 dev lo";
    alone.sh("a", peer).expect("somebody to ping");
    alone.replace("a", "crm_config", OPTIONS);
    let ping = primitive(
        "reach",
        "ocf:pacemaker",
        "ping",
        &[
            ("host_list", "10.9.1.77"),
            ("dampen", "1s"),
            ("attempts", "1"),
            ("timeout", "1"),
            ("use_fping", "0"),
        ],
    );
    let flag = primitive("flag", "ocf:pacemaker", "attribute", &[("name", "flag")]);
    let all = [ping, flag, dummy("W"), dummy("F")].concat();
    alone.replace("a", "resources", &format!("<resources>{all}</resources>"));
    let rules = [needs("W", "pingd"), needs("F", "flag")].concat();
    alone.replace(
        "a",
        "constraints",
        &format!("<constraints>{rules}</constraints>"),
    );
    let runs = |resource: &str, wanted: bool| {
        let line = format!("crm_resource -W -r {resource}");
        let is = || run(&alone, "a", &line).contains("is running on: a") == wanted;
        let came = within(PATIENCE, is);
        assert!(came, "{resource}: not {wanted}\n{}", alone.log("a"));
    };
    runs("W", true);
    runs("F", true);
    let value = run(&alone, "a", "attrd_updater -n pingd -Q");
    assert!(value.contains("host=\"a\" value=\"1\""), "{value}");

    let gone = peer.replace(" add ", " del ");
    alone.sh("a", &gone).expect("nobody to ping any more");
    runs("W", false);
    runs("F", true);
    alone.sh("a", peer).expect("somebody again");
    runs("W", true);

    // What the agent sets when it stops.
    alone.tool("a", "crm_resource -r flag -m -p target-role -v Stopped");
    runs("F", false);
    alone.tool("a", "crm_resource -r flag -m -d target-role");
    runs("F", true);
    alone.end();
}

/// A program that notes what it is told.
const NOTES: &[u8] = b"#!/bin/sh\n\
echo \"$CRM_notify_recipient $CRM_notify_node $CRM_notify_rsc $CRM_notify_task \
$CRM_notify_rc/$CRM_notify_target_rc $CRM_notify_status $CRM_notify_desc\" >>/run/notes\n";

#[test]
fn crm_mon_follows_the_cluster() {
    let Some(mut alone) = Alone::new("live3", &["a"]) else {
        return;
    };
    alone
        .lab
        .host("a")
        .write("/run/agent", NOTES, 0o755)
        .expect("a file");
    tools(&alone, "a");
    // It waits for the cluster.
    let start = "crm_mon -d -p /run/mon.pid -i 1 -E /run/agent -e me -h /run/status.html";
    assert_eq!(run(&alone, "a", start), "exit 0");
    alone.start("a");
    alone.replace("a", "crm_config", OPTIONS);
    let noted = |words: &str| {
        let came = within(PATIENCE, || {
            let notes = alone.lab.host("a").read("/run/notes").unwrap_or_default();
            notes.lines().any(|line| line == words)
        });
        let notes = alone.lab.host("a").read("/run/notes").unwrap_or_default();
        assert!(came, "{words}\n{notes}\n{}", alone.log("a"));
    };
    let page = |word: &str| {
        let has = || {
            let page = alone.lab.host("a").read("/run/status.html");
            page.is_ok_and(|page| page.contains(word) && page.ends_with("</html>\n"))
        };
        assert!(within(PATIENCE, has), "{word}");
    };
    // What was there when it came is no news to the program.
    page("No active resources");
    alone.replace(
        "a",
        "resources",
        &format!("<resources>{}</resources>", dummy("A")),
    );
    noted("me a A start 0/0 0 OK");
    noted("me a A monitor 0/0 0 OK");
    page("Started a");
    assert_eq!(run(&alone, "a", "crm_resource -F -r A -N a -Q"), "exit 0");
    noted("me a A asyncmon 1/0 0 error");
    alone.tool("a", "crm_resource -r A -m -p target-role -v Stopped");
    noted("me a A stop 0/0 0 OK");
    page("No active resources");
    let again = "crm_mon -d -p /run/mon.pid -E /run/agent; sleep 1; cat /run/mon.pid";
    let number = run(&alone, "a", again);
    let end = "p=$(cat /run/mon.pid); kill $p; while kill -0 $p 2>/dev/null; do sleep 0.1; done; \
               ls /run/mon.pid";
    let ended = run(&alone, "a", end);
    assert!(ended.contains("No such file"), "{ended} {number}");

    keys_change_the_screen(&alone);
    alone.end();
}

/// On a terminal: keys, and a change of the cluster that is shown at once.
fn keys_change_the_screen(alone: &Alone) {
    let typed = "(sleep 1; printf f; sleep 1; printf ?; sleep 1; printf x; sleep 1; \
                 crm_resource -r A -m -d target-role >/dev/null; sleep 4; printf q) | \
                 script -qec 'stty rows 50 cols 100; crm_mon -r -i 60' /dev/null";
    let seen = run(alone, "a", typed);
    // Each time the screen is emptied first.
    let screens: Vec<&str> = seen.split("\x1b[2J").collect();
    let place = |word: &str| screens.iter().position(|screen| screen.contains(word));
    let stopped = place("Stopped (disabled)").expect("the start");
    let counts = place("Migration Summary").expect("the key f");
    let help = place("Keys; those with a star").expect("the key ?");
    let started = place("Started a").expect("the change");
    assert!(
        stopped < counts && counts < help && help < started,
        "{seen}"
    );
    assert!(
        seen.contains("\x1b[?1049h") && seen.contains("\x1b[?1049l"),
        "{seen}"
    );
    assert!(seen.ends_with("exit 0"), "{seen}");
}
