//! The fencer: topology, lists and maps of devices, delays, unfencing, confirmation, its history
//! on all nodes, and a DC that loses its power while it fences.

use super::*;

const CLIENT: &str = include_str!("crm_client.py");

const HELLO: &str = r#"{"ask":"hello","number":1,"version":1}"#;

/// The lab's power switch with names of its own for its outlets, which it lists; it is slow, so
/// that something can happen meanwhile.
const OUTLETS: &str = r#"#!/usr/bin/python3
import subprocess, sys, time
given = {"action": "reboot"}
for line in sys.stdin:
    name, _, value = line.strip().partition("=")
    given[name] = value
action = given["action"]
if action == "metadata":
    print("<resource-agent name='fence_outlets'><parameters><parameter name='plug'/></parameters>"
          "<actions><action name='on'/><action name='off'/><action name='reboot'/>"
          "<action name='list'/><action name='monitor'/></actions></resource-agent>")
elif action == "list":
    print("outlet-a,one\noutlet-b,\noutlet-c,")
elif action in ("off", "on", "reboot"):
    time.sleep(float(given.get("slow", "0")))
    press = ["/run/lab/bin/everbeat", "lab", "press", given["plug"].removeprefix("outlet-"), action]
    sys.exit(subprocess.run(press, stdout=subprocess.DEVNULL).returncode)
"#;

/// A device that answers, and can do nothing.
const BROKEN: &str = r#"#!/bin/sh
action=$(sed -n 's/^action=//p')
case $action in
metadata) echo "<resource-agent name='fence_broken'><parameters><parameter name='plug'/>\
</parameters><actions><action name='off'/><action name='reboot'/></actions></resource-agent>";;
monitor) exit 0;;
*) echo "the relay is stuck" >&2; exit 1;;
esac
"#;

/// A fabric that has to let nodes in; it writes down whom.
const FABRIC: &str = r#"#!/bin/sh
input=$(cat)
action=$(echo "$input" | sed -n 's/^action=//p')
case $action in
metadata) echo "<resource-agent name='fence_fabric'><parameters><parameter name='plug'/>\
</parameters><actions><action name='on' automatic='1'/><action name='off'/>\
<action name='monitor'/></actions></resource-agent>";;
on) echo "$input" | sed -n 's/^plug=//p' >> /var/log/fabric;;
esac
"#;

/// A cluster that runs, with these devices and fencing on.
fn with_agents(name: &str) -> Option<Cluster> {
    let mut cluster = Cluster::new(name, Totem)?;
    for host in HOSTS {
        for (agent, text) in [
            ("sbin/fence_outlets", OUTLETS),
            ("sbin/fence_broken", BROKEN),
            ("sbin/fence_fabric", FABRIC),
        ] {
            put_below_usr(&cluster.lab, host, (agent, text.as_bytes()));
        }
    }
    HOSTS.into_iter().for_each(|host| cluster.start(host));
    cluster.await_same(&HOSTS, "the start");
    cluster.replace("a", "crm_config", OPTIONS);
    Some(cluster)
}

fn device(id: &str, agent: &str, parameters: &[(&str, &str)], meta: &[(&str, &str)]) -> String {
    let pairs = |set: &str, of: &[(&str, &str)]| -> String {
        let pairs = of.iter().enumerate().map(|(at, (name, value))| {
            format!("<nvpair id=\"{id}-{set}-{at}\" name=\"{name}\" value=\"{value}\"/>")
        });
        format!(
            "<{set} id=\"{id}-{set}\">{}</{set}>",
            pairs.collect::<String>()
        )
    };
    format!(
        "<primitive id=\"{id}\" class=\"stonith\" type=\"{agent}\">{}{}</primitive>",
        pairs("instance_attributes", parameters),
        pairs("meta_attributes", meta)
    )
}

/// The resources of the other tests with these devices instead of the switch.
fn resources(devices: &str) -> String {
    let at = RESOURCES
        .find("<primitive id=\"switch\"")
        .expect("the switch");
    format!("{}{devices}</resources>", &RESOURCES[..at])
}

const MAP: (&str, &str) = ("pcmk_host_map", "a:outlet-a;b:outlet-b;c:outlet-c");

/// Asks the fencer of a host; the line that it answers.
fn ask(cluster: &Cluster, host: &str, request: &str) -> String {
    let request = format!(r#"{{"ask":"fencing","number":2,"request":{request}}}"#);
    let host = cluster.lab.host(host);
    let mut command = host.command("python3");
    command.args(["-c", CLIENT, "0", HELLO, &request]);
    let output = command.output().expect("python runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().last().unwrap_or_default().to_owned()
}

const HISTORY: &str = r#"{"what":"history","target":null,"broadcast":false}"#;

#[test]
fn levels_lists_maps_and_delays_and_a_history_on_all_nodes() {
    let Some(mut cluster) = with_agents("crmf1") else {
        return;
    };
    let devices = device("relay", "fence_broken", &[("pcmk_host_list", "a b c")], &[])
        + &device(
            "outlets",
            "fence_outlets",
            &[MAP, ("pcmk_host_check", "dynamic-list")],
            &[],
        );
    cluster.replace("b", "resources", &resources(&devices));
    let topology = "<fencing-topology>\
        <fencing-level id=\"f1\" index=\"1\" target-pattern=\"^[abc]$\" devices=\"relay\"/>\
        <fencing-level id=\"f2\" index=\"2\" target-pattern=\"^[abc]$\" devices=\"outlets\"/>\
        </fencing-topology>";
    let create = format!("cibadmin -C -o configuration -X '{topology}'");
    cluster.run("c", &create).expect("levels");
    let owner = cluster.await_owner(&HOSTS, "the configuration");
    let [first, second] = others(owner)[..] else {
        panic!("there are three");
    };
    let devices = ask(
        &cluster,
        first,
        &format!(r#"{{"what":"devices","target":"{owner}"}}"#),
    );
    assert!(
        devices.contains(r#""devices":["outlets","relay"]"#),
        "{devices}"
    );
    let targets = ask(&cluster, first, r#"{"what":"targets","device":"outlets"}"#);
    assert!(
        targets.contains(r#""targets":["a","b","c"]"#),
        "those of its map: {targets}"
    );
    let monitor = ask(&cluster, first, r#"{"what":"monitor","device":"relay"}"#);
    assert!(monitor.contains(r#""exit":0"#), "{monitor}");
    // The power of the owner goes: the first level fails, the second is another device.
    cluster.lab.host(owner).kill().expect("power off");
    let new = cluster.await_owner(&[first, second], "the power-off");
    cluster.await_fenced(owner);
    let logs = cluster.logs();
    assert!(logs.contains("using relay on behalf of"), "{logs}");
    assert!(logs.contains("the relay is stuck"), "{logs}");
    println!("{owner} was fenced by the second level, {new} took over");
    for host in [first, second] {
        let history = ask(&cluster, host, HISTORY);
        let record = format!(r#""target":"{owner}","action":"reboot""#);
        assert!(history.contains(&record), "{history}");
        assert!(history.contains(r#""state":"done""#), "{history}");
    }
    cluster.start(owner);
    cluster.await_same(&HOSTS, "the return");
    let learned = within(PATIENCE, || ask(&cluster, owner, HISTORY).contains("done"));
    assert!(learned, "a node that joins learns it\n{}", cluster.logs());
    // A tool, by the number of the node, with a delay; all of it is one answer.
    let number = 1 + HOSTS
        .iter()
        .position(|host| *host == second)
        .expect("a host");
    let fence = format!(
        r#"{{"what":"fence","target":"{number}","action":"reboot","timeout_ms":20000,"delay_s":2,"client":"lab.1"}}"#
    );
    let begin = Instant::now();
    let answer = ask(&cluster, first, &fence);
    let took = begin.elapsed();
    assert!(
        answer.contains(r#""exit":0"#),
        "{answer}\n{}",
        cluster.logs()
    );
    assert!(took >= Duration::from_secs(2), "{took:?}");
    println!("fenced by a tool with a delay of 2 s in {took:?}");
    let cleaned = ask(&cluster, first, r#"{"what":"cleanup","target":null}"#);
    assert!(cleaned.contains(r#""exit":0"#), "{cleaned}");
    let forgotten = within(PATIENCE, || {
        ask(&cluster, owner, HISTORY).contains(r#""entries":[]"#)
    });
    assert!(forgotten, "{}", ask(&cluster, owner, HISTORY));
    cluster.end();
}

#[test]
fn where_no_device_can_a_person_confirms() {
    let Some(cluster) = with_agents("crmf2") else {
        return;
    };
    let devices = device(
        "outlets",
        "fence_outlets",
        &[("pcmk_host_list", "nobody")],
        &[],
    );
    cluster.replace("b", "resources", &resources(&devices));
    let owner = cluster.await_owner(&HOSTS, "the configuration");
    let rest = others(owner);
    cluster.lab.host(owner).kill().expect("power off");
    let words = format!("No fence device can fence {owner}: giving up");
    let told = within(PATIENCE, || cluster.logs().contains(&words));
    assert!(told, "{}", cluster.logs());
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(
        cluster.owners(),
        [""; 0],
        "nobody takes what may still be held"
    );
    let times = cluster.logs().matches(&words).count();
    assert_eq!(times, 1, "it isn't tried over and over\n{}", cluster.logs());
    let confirm = format!(r#"{{"what":"confirm","target":"{owner}","client":"lab.1"}}"#);
    let answer = ask(&cluster, rest[0], &confirm);
    assert!(answer.contains(r#""exit":0"#), "{answer}");
    cluster.await_owner(&rest, "the confirmation");
    let history = ask(&cluster, rest[1], HISTORY);
    assert!(history.contains(r#""delegate":"a human""#), "{history}");
    cluster.end();
}

#[test]
fn the_dc_dies_while_it_fences() {
    let Some(cluster) = with_agents("crmf3") else {
        return;
    };
    // One of three has to go on.
    let ignore =
        "<nvpair id=\"o3\" name=\"no-quorum-policy\" value=\"ignore\"/></cluster_property_set>";
    let options = OPTIONS.replace("</cluster_property_set>", ignore);
    cluster.replace("a", "crm_config", &options);
    let devices = device("outlets", "fence_outlets", &[MAP, ("slow", "2")], &[]);
    cluster.replace("b", "resources", &resources(&devices));
    cluster.await_owner(&HOSTS, "the configuration");
    let told = cluster.run("a", "crmadmin -D").expect("a DC");
    let dc = told.split_whitespace().last().expect("its name").to_owned();
    let [victim, last] = others(&dc)[..] else {
        panic!("there are three: {told}");
    };
    cluster.lab.host(victim).kill().expect("power off");
    let words = format!("'reboot' action targeting {victim} using outlets");
    let begun = within(PATIENCE, || cluster.logs().contains(&words));
    assert!(begun, "{}", cluster.logs());
    cluster.lab.host(&dc).kill().expect("power off");
    let owner = cluster.await_owner(&[last], "the death of the DC");
    let log = cluster.lab.host(owner).read(Totem.log()).expect("a log");
    for gone in [victim, &dc] {
        let words = format!("Peer {gone} was terminated (reboot)");
        assert!(log.contains(&words), "{gone}\n{log}");
    }
    cluster.end();
}

#[test]
fn a_fabric_lets_each_node_in_once() {
    let Some(cluster) = with_agents("crmf4") else {
        return;
    };
    let unfencing = [("provides", "unfencing")];
    let devices = device(
        "fabric",
        "fence_fabric",
        &[("pcmk_host_list", "a b c")],
        &unfencing,
    ) + &device("outlets", "fence_outlets", &[MAP], &[]);
    cluster.replace("b", "resources", &resources(&devices));
    cluster.await_owner(&HOSTS, "the configuration");
    let let_in = |cluster: &Cluster| -> Vec<String> {
        let lists = HOSTS
            .iter()
            .filter_map(|host| cluster.lab.host(host).read("/var/log/fabric").ok());
        let mut names: Vec<String> = lists
            .flat_map(|list| list.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        names.sort();
        names
    };
    let all = within(PATIENCE, || let_in(&cluster) == HOSTS);
    assert!(all, "{:?}\n{}", let_in(&cluster), cluster.logs());
    let cib = cluster
        .run("a", "cibadmin -Q -o status")
        .expect("the status");
    assert_eq!(cib.matches("name=\"#node-unfenced\"").count(), 3, "{cib}");
    // Nothing of it changes: nobody is let in again.
    cluster
        .run("c", "crm_attribute -t nodes -N a -n x -v 1")
        .expect("a change");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(let_in(&cluster), HOSTS);
    cluster.end();
}

#[test]
fn stonith_admin_asks_orders_confirms_and_forgets() {
    let Some(mut cluster) = with_agents("crmf5") else {
        return;
    };
    let switch = device("sw", "fence_lab", &[("pcmk_host_list", "a b c")], &[]);
    cluster.replace("a", "resources", &resources(&switch));
    cluster.await_owner(&HOSTS, "the configuration");
    let admin =
        |cluster: &Cluster, words: &str| cluster.run("a", &format!("stonith_admin {words}"));
    for (words, told) in [
        ("-L", "sw\n1 fence device found"),
        ("-l b", "sw\n1 fence device found"),
        ("-s sw", "a\nb\nc\n3 fence targets found"),
        ("-R extra -a fence_broken -o pcmk_host_list=c", ""),
        ("-L", "extra\nsw\n2 fence devices found"),
        ("-r c -i 1 -v extra", ""),
    ] {
        assert_eq!(
            admin(&cluster, words).as_deref(),
            Ok(told),
            "stonith_admin {words}"
        );
    }
    // The level's device can't, and nobody else is asked.
    let refused = admin(&cluster, "-F c -t 5").expect_err("it is stuck");
    assert!(refused.contains("the relay is stuck"), "{refused}");
    for words in ["-d c -i 1", "-D extra", "-B b -t 20"] {
        assert_eq!(
            admin(&cluster, words).as_deref(),
            Ok(""),
            "stonith_admin {words}"
        );
    }
    let told = admin(&cluster, "-H b").expect("a history");
    assert!(
        told.starts_with("reboot of b successful: delegate="),
        "{told}"
    );
    let elsewhere = cluster.run("c", "stonith_admin -H b");
    assert_eq!(elsewhere.as_ref(), Ok(&told), "all nodes know it");
    let shown = cluster.run("a", "crm_mon -1 -m 2").expect("a picture");
    for words in [
        "Failed Fencing Actions:",
        "turning off of c",
        "reboot of b by",
    ] {
        assert!(shown.contains(words), "{words} in\n{shown}");
    }
    assert!(admin(&cluster, "-c -H '*'").is_ok());
    assert_eq!(admin(&cluster, "-H '*'").as_deref(), Ok("0 events found"));
    cluster.start("b");
    cluster.await_same(&HOSTS, "the return");
    assert_eq!(
        admin(&cluster, "-C c").as_deref(),
        Ok(""),
        "a person says so"
    );
    let told = admin(&cluster, "-H c").expect("a history");
    assert!(told.contains("delegate=a human"), "{told}");
    cluster.end();
}
