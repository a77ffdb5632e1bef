//! The CRM's socket: which language it speaks, who may do what, and tools that follow.

use super::{Cluster, HOSTS, Layer};
use crate::host::{PROGRAM, shell};

const CLIENT: &str = include_str!("crm_client.py");

const HELLO: &str = r#"{"ask":"hello","number":1,"version":1}"#;

const CONFIGURATION: &str = "<configuration><crm_config><cluster_property_set id=\"o\">\
<nvpair id=\"o1\" name=\"stonith-enabled\" value=\"false\"/>\
<nvpair id=\"o2\" name=\"batch-limit\" value=\"5\"/>\
<nvpair id=\"o3\" name=\"enable-acl\" value=\"ACL\"/></cluster_property_set></crm_config>\
<nodes/><resources>\
<primitive id=\"D\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\"/></resources>\
<constraints/><acls><acl_role id=\"some\">\
<acl_permission id=\"p1\" kind=\"read\" xpath=\"//crm_config\"/>\
<acl_permission id=\"p2\" kind=\"write\" xpath=\"//nvpair[@name=&apos;batch-limit&apos;]\"/>\
</acl_role><acl_target id=\"nobody\"><role id=\"some\"/></acl_target></acls></configuration>";

fn say(cluster: &Cluster, seconds: &str, lines: &[&str]) -> String {
    let host = cluster.lab.host("a");
    let command = host
        .command("python3")
        .args(["-c", CLIENT, seconds])
        .args(lines)
        .output();
    let output = command.expect("the client runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a tool says that somebody without rights runs, and its exit code.
fn as_nobody(cluster: &Cluster, tool: &str) -> String {
    let script = format!(
        "setpriv --reuid=nobody --regid=nogroup --clear-groups {PROGRAM} {tool} 2>&1; echo =$?"
    );
    shell(&cluster.lab, "a", &script).expect("setpriv runs")
}

#[test]
fn the_socket_tells_its_version_heeds_acls_and_tells_of_changes() {
    let Some(mut cluster) = Cluster::new("crmsock", Layer::Totem) else {
        return;
    };
    HOSTS.into_iter().for_each(|host| cluster.start(host));
    cluster.await_same(&HOSTS, "the start");

    let told = say(
        &cluster,
        "0",
        &[r#"{"ask":"hello","number":4,"version":99}"#],
    );
    assert!(
        told.contains("\"number\":4") && told.contains("version 99") && told.contains("version 1"),
        "{told}"
    );
    let told = say(&cluster, "0", &[r#"{"ask":"status","number":7}"#]);
    assert!(
        told.contains("\"number\":7") && told.contains("the first request"),
        "{told}"
    );

    let follow = r#"{"ask":"subscribe","number":2}"#;
    let set = |value: &str| format!("={PROGRAM} crm_attribute -n x -v {value} >/dev/null");
    let (one, two, three) = (set("1"), set("2"), set("3"));
    let look = r#"{"ask":"cib","number":3}"#;
    let told = say(&cluster, "1", &[HELLO, follow, &one, &two, look, &three]);
    let kinds: Vec<&str> = told
        .lines()
        .filter_map(|line| line.split('"').nth(3))
        .collect();
    // Two changes before it looked are one; the third comes while nobody asks.
    assert_eq!(
        kinds,
        ["hello", "done", "changed", "cib", "changed"],
        "{told}"
    );

    let who = shell(
        &cluster.lab,
        "a",
        "setpriv --reuid=nobody --clear-groups true",
    );
    if let Err(why) = who {
        println!("SKIPPED: nobody can't be played: {why}");
        return cluster.end();
    }
    acls_are_heeded(&cluster);
    cluster.end();
}

fn acls_are_heeded(cluster: &Cluster) {
    cluster.replace("a", "configuration", &CONFIGURATION.replace("ACL", "false"));
    let said = as_nobody(cluster, "cibadmin -Q");
    assert!(said.ends_with("=4") && said.contains("haclient"), "{said}");
    cluster.replace("a", "configuration", &CONFIGURATION.replace("ACL", "true"));
    let seen = as_nobody(cluster, "cibadmin -Q");
    assert!(
        seen.ends_with("=0") && seen.contains("batch-limit") && !seen.contains("<primitive"),
        "{seen}"
    );
    let of = |tool: &str| as_nobody(cluster, tool);
    let allowed = of("crm_attribute -t crm_config -n batch-limit -v 7");
    assert!(allowed.ends_with("=0"), "{allowed}");
    let refused = [
        "crm_attribute -t crm_config -n stonith-enabled -v true",
        "cibadmin -D -o resources -X '<primitive id=\"D\"/>'",
        "attrd_updater -n y -U 1",
        "crm_resource -C -r D -N a",
    ];
    for tool in refused {
        let said = of(tool);
        assert!(!said.ends_with("=0"), "{tool}: {said}");
    }
    let cib = cluster.run("b", "cibadmin -Q").expect("the CIB");
    assert!(cib.contains("name=\"batch-limit\" value=\"7\""), "{cib}");
    assert!(
        cib.contains("name=\"stonith-enabled\" value=\"false\""),
        "{cib}"
    );
    assert!(
        cib.contains("<primitive id=\"D\"") && !cib.contains("name=\"y\""),
        "{cib}"
    );
}
